"""What is to happen in a queue, against a sorted list; compiled, and the same file as it stands."""

from heapq import heappop, heappush

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.plain_kernel import columns, plain
from sim.queue import broker_codes as codes
from sim.queue import broker_events_kernel as compiled

POLL_S = 3.0
KERNELS = [compiled, plain(compiled)]


def run(kernel, seed, room):
    """Random events and polls; time goes on to one after the other, as in a queue."""
    rng = np.random.default_rng(seed)
    events, expected, now, serial = kernel.Events(room), [], 0.0, 0
    happened = []
    for _ in range(300):
        for _ in range(int(rng.integers(4))):
            ref, call = int(rng.integers(100)), int(rng.integers(100))
            if rng.random() < 0.3:
                kernel.poll(events, now + POLL_S, ref, call)
                heappush(expected, (now + POLL_S, serial, codes.GIVE_UP, ref, call))
            else:
                at_s = now + float(rng.choice([0.0, 1.0, 3.0, rng.exponential(3.0), np.inf]))
                kernel.push(events, at_s, codes.ACK, ref, call)
                heappush(expected, (at_s, serial, codes.ACK, ref, call))
            serial += 1
            if events.stored == events.slot.shape[0]:
                events.enlarge()
            if events.polls - events.polls_ended == events.poll_end_s.shape[0]:
                events.enlarge_ring()
        first_s = kernel.first_s(events)
        assert first_s == (expected[0][0] if expected else np.inf)
        if first_s < np.inf and rng.random() < 0.8:
            now, _, kind, ref, stamp = heappop(expected)
            kernel.take_first(events)
            assert (events.kind_now, events.ref_now, events.stamp_now) == (kind, ref, stamp)
            happened.append(kind)
    kernel.first_s(events)
    return events, happened


@pytest.mark.parametrize("kernel", KERNELS, ids=["compiled", "plain"])
def test_events_happen_in_order_of_time_and_equal_times_in_that_of_scheduling(kernel):
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1), st.sampled_from([2, 16, 1024]))
    def check(seed, room):
        _, happened = run(kernel, seed, room)
        assert {codes.GIVE_UP, codes.ACK} <= set(happened)

    check()


def test_compiled_and_plain_leave_the_same_state():
    for seed in range(5):
        one, other = (columns(run(kernel, seed, 4)[0]) for kernel in KERNELS)
        assert one.keys() == other.keys()
        for name, column in one.items():
            assert column.tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize("kernel", KERNELS, ids=["compiled", "plain"])
def test_more_room_keeps_events_and_polls_though_the_first_has_just_happened(kernel):
    events = kernel.Events(4)
    for at_s in (2.0, 1.0, 3.0):
        kernel.push(events, at_s, codes.ACK, int(at_s), 0)
    for end_s in (1.5, 1.6, 1.7, 1.8):
        kernel.poll(events, end_s, int(10 * end_s), 7)
    seen = []
    while (at_s := kernel.first_s(events)) < np.inf:
        kernel.take_first(events)
        seen.append((at_s, events.kind_now, events.ref_now, events.stamp_now))
        events.enlarge()
        events.enlarge_ring()
    polls = [(end_s, codes.GIVE_UP, int(10 * end_s), 7) for end_s in (1.5, 1.6, 1.7, 1.8)]
    acks = [(float(n), codes.ACK, n, 0) for n in (1, 2, 3)]
    assert seen == [acks[0], *polls, *acks[1:]]
    assert sorted(events.slot) == list(range(events.slot.shape[0]))
