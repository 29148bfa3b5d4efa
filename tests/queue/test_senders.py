"""The producer side of a queue: calls, quotas and delays, with hand numbers."""

import heapq

import numpy as np
import pytest

from helpers.plain_kernel import columns
from sim.engine.waits import TimePart
from sim.queue.senders import Senders

SENT = [TimePart.BUFFER, TimePart.SEND, TimePart.CEILING]


def test_SS_13_one_sender_thread_makes_50_calls_a_second():
    # Call i starts at 0.02 i and its ten messages are in the queue half-way through it.
    senders = Senders(np.zeros(1_000), threads=1, batch=10, latency_s=np.array([0.02]))
    senders.advance(60.0)
    assert senders.calls == 100
    expected = 0.01 + 0.02 * (np.arange(1_000) // 10)
    np.testing.assert_allclose(senders.feed.enqueued_s, expected, rtol=1e-12)


def test_SS_13_sender_threads_work_side_by_side():
    # Latencies 0.03, 0.02 and 0.01 s: the third call arrives first and its thread goes on first.
    senders = Senders(np.zeros(40), threads=3, batch=10, latency_s=np.array([0.03, 0.02, 0.01]))
    senders.advance(60.0)
    assert list(senders.feed.message[::10]) == [20, 10, 0, 30]
    np.testing.assert_allclose(senders.feed.enqueued_s[::10], [0.005, 0.010, 0.015, 0.025])


def test_a_quota_lets_a_second_s_worth_through_at_once_and_then_one_by_one():
    # Two calls a second: what a second allows is used up at once, and then one goes as it refills.
    senders = Senders(np.zeros(5), threads=5, batch=1, latency_s=np.array([0.02]), calls_per_s=2.0)
    senders.advance(10.0)
    np.testing.assert_allclose(senders.feed.enqueued_s, [0.01, 0.01, 0.01, 0.51, 1.01])


def test_a_delayed_message_is_sent_so_much_later_and_keeps_its_number():
    senders = Senders(
        np.array([0.0, 1.0, 2.0]), threads=1, batch=1, latency_s=np.array([0.02]),
        delay_s=np.array([1.5, 0.0, 0.0]),
    )  # fmt: skip
    senders.advance(10.0)
    assert list(senders.feed.message) == [1, 0, 2]
    np.testing.assert_allclose(senders.visible_s(0.1), [1.61, 1.11, 2.11])
    assert senders.calls == 3


def test_RQ_15_nothing_overtakes_on_a_connection():
    # Round trips of 0.06, 0.02 and 0.02 s at 0, 1 ms and 40 ms: the second waits for the first.
    senders = Senders(
        np.array([0.0, 0.001, 0.040]), threads=9, batch=1, latency_s=np.array([0.06, 0.02, 0.02]),
        one_connection=True,
    )  # fmt: skip
    senders.advance(10.0)
    assert list(senders.feed.message) == [0, 1, 2]
    np.testing.assert_allclose(senders.feed.enqueued_s, [0.030, 0.030, 0.050])


def test_a_delay_that_was_asked_for_is_no_time_of_the_senders():
    # Message 0 is due at 1.5 s and message 1 at 1.5 s too: the second call waits for the first.
    senders = Senders(
        np.array([0.0, 1.0]), threads=1, batch=1, latency_s=np.array([0.02]),
        delay_s=np.array([1.5, 0.5]),
    )  # fmt: skip
    senders.advance(10.0)
    parts_s = senders.sent_parts_s(0, 2, senders.visible_s(0.0))
    assert parts_s[TimePart.DELAY].tolist() == [1.5, 0.5]
    np.testing.assert_allclose(parts_s[TimePart.BUFFER], [0.0, 0.02], atol=1e-9)
    np.testing.assert_allclose(parts_s[TimePart.SEND], [0.01, 0.01], atol=1e-9)


def test_only_calls_that_waited_long_say_that_threads_or_the_quota_were_too_few():
    # One thread and 0.2 s a call: the third of three messages waits 0.4 s for it, the second 0.2 s.
    senders = Senders(np.zeros(3), threads=1, batch=1, latency_s=np.array([0.2]))
    senders.advance(10.0)
    busy, throttled = senders.state.busy, senders.state.throttled
    assert (busy.times, busy.first_s, busy.last_s) == (2, 0.0, 0.4)
    assert throttled.times == 0
    # A second's worth goes at once, then two calls a second: the fourth waits 0.5 s, the fifth 1 s.
    senders = Senders(np.zeros(5), threads=5, batch=1, latency_s=np.array([0.02]), calls_per_s=2.0)
    senders.advance(10.0)
    busy, throttled = senders.state.busy, senders.state.throttled
    assert busy.times == 0
    assert throttled.times == 2
    assert (throttled.first_s, throttled.last_s) == pytest.approx((0.0, 1.0))


def sent_by_hand(created_s, threads, batch, latency_s, calls_per_s, one_connection):
    """Rows of the feed and their times, by threads that are taken one after the other.

    And of each message: seconds in the buffer, in the call, and held up by the quota.
    """
    free_s, reached, quota_s, first = [-np.inf] * threads, [], -np.inf, 0
    parts_s = []
    while first < created_s.size:
        now_s = max(heapq.heappop(free_s), created_s[first])
        waiting = int(np.searchsorted(created_s, now_s, side="right")) - first
        half_s = 0.5 * latency_s[len(reached) % latency_s.size]
        at_s = max(now_s + half_s, quota_s)
        held_s = at_s - half_s - now_s
        if calls_per_s < np.inf:
            quota_s = max(quota_s, at_s - 1.0) + 1.0 / calls_per_s
        if one_connection and reached:
            at_s = max(at_s, reached[-1][0])
        n = min(batch, waiting)
        for row in range(first, first + n):
            waited_s, way_s = now_s + held_s - created_s[row], at_s - now_s - held_s
            parts_s.append((0.0, way_s, waited_s) if held_s > 1e-12 else (waited_s, way_s, 0.0))
        reached.append((at_s, first, n))
        heapq.heappush(free_s, at_s + half_s)
        first += n
    reached.sort()
    message = [row for _, first, n in reached for row in range(first, first + n)]
    return message, [at_s for at_s, _, n in reached for _ in range(n)], np.array(parts_s)


# Whole 64ths of a second: many things happen at one time.
@pytest.mark.parametrize("steps_a_second", [64, 1 << 40])
@pytest.mark.parametrize("seed", range(40))
def test_SS_13_any_threads_send_as_they_do_one_after_the_other(seed, steps_a_second):
    rng = np.random.default_rng(seed)

    def whole(times_s):
        return np.round(times_s * steps_a_second) / steps_a_second

    n, threads, batch = int(rng.integers(1, 400)), int(rng.integers(1, 40)), rng.choice([1, 3, 10])
    created_s = np.sort(whole(rng.uniform(0.0, rng.choice([0.1, 5.0, 60.0]), n)))
    latency_s = whole(rng.lognormal(-2.0, 0.8, int(rng.choice([1, 7, 100]))))
    calls_per_s = float(rng.choice([np.inf, 4.0]))
    one_connection = bool(rng.integers(2))
    senders = Senders(
        created_s, threads=threads, batch=batch, latency_s=latency_s, calls_per_s=calls_per_s,
        one_connection=one_connection,
    )  # fmt: skip
    for at_s in np.sort(rng.uniform(0.0, 10.0, 5)):
        senders.advance(at_s)
        assert all(t <= at_s for t in senders.feed.enqueued_s[: senders.feed.n[0]])
    senders.advance(np.inf)
    by_hand = sent_by_hand(created_s, threads, int(batch), latency_s, calls_per_s, one_connection)
    message, enqueued_s, parts_s = by_hand
    assert list(senders.feed.message) == message
    assert list(senders.feed.enqueued_s) == enqueued_s
    first, last = sorted(rng.integers(0, n + 1, 2))
    split_s = senders.sent_parts_s(first, last, senders.visible_s(0.0)[first:last])
    assert set(np.flatnonzero(split_s.any(axis=1))) <= set(SENT)
    np.testing.assert_allclose(split_s[SENT].T, parts_s[first:last], atol=1e-6)


def test_SS_13_of_calls_that_arrive_at_one_time_the_one_that_started_first_is_first():
    # Four calls at 0 and one latency: the feed has them as they were made.
    senders = Senders(np.zeros(8), threads=4, batch=1, latency_s=np.array([0.02]))
    senders.advance(60.0)
    assert list(senders.feed.message) == list(range(8))


def test_pieces_leave_the_state_that_one_stretch_does():
    rng = np.random.default_rng(3)
    created_s = np.cumsum(rng.exponential(0.01, 300))
    latency_s = rng.lognormal(-3.0, 0.8, 64)

    def state(*stops):
        senders = Senders(created_s, threads=7, batch=2, latency_s=latency_s)
        for at_s in (*stops, 60.0):
            senders.advance(at_s)
        return columns(senders.state)

    whole, pieces = state(), state(*np.linspace(0.0, 3.0, 97))
    assert all(np.array_equal(whole[name], pieces[name]) for name in whole)


def sending():
    """Senders in the middle of their work: two calls reached the service, one is on its way."""
    senders = Senders(np.arange(9.0), threads=1, batch=1, latency_s=np.array([0.02]))
    senders.advance(2.001)
    assert senders.feed.n[0] == 2 and senders.state.next == 3
    return senders


def test_a_message_that_is_in_no_place_stops_the_run():
    senders = sending()
    senders.state.next += 1
    with pytest.raises(AssertionError, match="4 messages were taken, but 3 are sent and 0 on"):
        senders.advance(3.5)


def test_a_message_that_arrives_before_the_one_ahead_of_it_stops_the_run():
    senders = sending()
    senders.feed.enqueued_s[1] = 9.0
    with pytest.raises(AssertionError, match="time went back"):
        senders.advance(3.5)
