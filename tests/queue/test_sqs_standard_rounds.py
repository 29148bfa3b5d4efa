"""A worker's round as one event, beside the full kernel, to the last bit."""

import numpy as np
import pytest

from helpers.plain_kernel import columns
from helpers.state_hash import SCRATCH
from sim.queue.feed_kernel import Feed
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy

NEVER = 1 << 60
VERBS = ("crash", "restart", "pause", "slow", "terminate", "cut_off", "reconnect")


def terms(**changes):
    """One message a receive, and nothing that expires."""
    plain = dict(
        batch=1, per_delete=1, per_batch_s=0.0, visibility_s=30.0, wait_s=20.0,
        max_receives=1_000, max_in_flight=120_000, retention_s=1e6, asked=1, delay_s=0.0,
    )  # fmt: skip
    return StandardPolicy(**(plain | changes))


def run(seed, after):
    """A random queue with faults; its state at the end. Some have events at equal times."""
    rng = np.random.default_rng(seed)
    n, size, until_s = int(rng.choice([60, 600])), int(rng.choice([1, 2, 5, 40])), 20.0
    created_s = np.sort(rng.uniform(0.0, rng.uniform(1.0, until_s), n))
    work_s = rng.exponential(rng.uniform(0.1, 1.2) * size * until_s / n / 2, n).astype(np.float32)
    if seed % 3 == 0:
        created_s, work_s = created_s.round(1), work_s.round(1)
    servers = int(rng.choice([1, 1, 4]))
    wait_s = float(rng.choice([0.5, 3.0, 20.0]))
    policy = terms(
        per_batch_s=float(rng.choice([0.0, 0.05])),
        visibility_s=float(rng.choice([rng.uniform(0.5, 2.0), 30.0])),
        wait_s=wait_s,
        max_receives=int(rng.choice([2, 1_000])),
        max_in_flight=int(rng.choice([45, 120_000])),
        retention_s=float(rng.choice([rng.uniform(1.0, 4.0), 1e6])),
        delay_s=float(rng.choice([0.0, 0.3])),
        order=int(rng.integers(3)),
    )
    latency_s = rng.lognormal(-4.0, 1.0, 7)
    senders = Senders(created_s, threads=3, batch=10, latency_s=latency_s)
    workers = Workers(
        senders.feed, work_s, size, policy,
        servers=servers,
        receive_latency_s=latency_s if seed % 5 == 0 else rng.choice([0.0, 0.013], 1),
        delete_latency_s=np.zeros(1) if seed % 2 else latency_s,
        grid_s=np.linspace(0.0, until_s, int(rng.integers(30))),
        keep_repeats=100,
    )  # fmt: skip
    workers.queue.rounds_after = after
    for at_s in np.sort(rng.uniform(0.0, until_s, rng.choice([0, 4, 30]))):
        senders.advance(at_s)
        workers.advance(at_s)
        verb = str(rng.choice(VERBS))
        number = {"pause": (0.7,), "slow": (1.9,)}.get(verb, ())
        getattr(workers, verb)(int(rng.integers(size)), *number)
    senders.advance(until_s)
    workers.advance(until_s)
    workers.settle()
    workers.audit()
    return columns(workers.queue) | columns(workers.workers)


def test_rounds_are_bit_identical_to_the_full_kernel():
    in_rounds, handed_out = 0, 0
    for seed in range(150):
        found, expected = run(seed, 0), run(seed, NEVER)
        differ = {
            name
            for name in expected.keys() - SCRATCH
            if found[name].tobytes() != expected[name].tobytes()
        }
        assert differ == set(), seed
        assert expected["in_rounds"] == 0
        in_rounds += int(found["in_rounds"])
        handed_out += int(found["deliveries"])
    assert 0.3 < in_rounds / handed_out < 0.9, in_rounds / handed_out


@pytest.mark.parametrize("after", [0, NEVER])
def test_a_poll_that_ends_while_the_last_message_is_worked_on_is_counted(after):
    # Two workers take turns; the last message, at 19.5, takes until 20.51, and the other's poll
    # ends at 20.12.
    at_s = np.arange(40) * 0.5
    work_s = np.full(40, 0.3, np.float32)
    work_s[-1] = 1.0
    workers = Workers(
        Feed(np.arange(40, dtype=np.int32), at_s, np.array([40])), work_s, 2, terms(wait_s=0.8),
        servers=1, receive_latency_s=np.zeros(1), delete_latency_s=np.array([0.02]),
        grid_s=np.zeros(0),
    )  # fmt: skip
    workers.queue.rounds_after = after
    workers.advance(1_000.0)
    assert workers.queue.empty_receives == 1
    assert workers.queue.clock_s == pytest.approx(20.51)


def healthy(n=500, workers=5, receive_s=(0.0,), service_s=1.0, **changes):
    """``n`` messages that wait, and workers that take a second for each; messages by rounds."""
    stage = Workers(
        Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.array([n])),
        np.full(n, service_s, np.float32),
        workers,
        terms(**changes),
        servers=2,
        receive_latency_s=np.array(receive_s),
        delete_latency_s=np.array([0.02, 0.03]),
        grid_s=np.zeros(0),
    )
    stage.advance(10_000.0)
    assert stage.settled() == n
    return stage.queue.in_rounds


def test_a_healthy_queue_is_done_in_rounds():
    assert healthy() >= 495
    assert healthy(receive_s=(0.01, 0.02)) >= 495


@pytest.mark.parametrize(
    "changes",
    [
        dict(batch=2),
        dict(wait_s=0.0, receive_s=(0.01,)),  # a short poll, of one server of two
        dict(max_in_flight=4),
        dict(visibility_s=1.0),  # the delete comes too late
    ],
)
def test_what_is_no_round_is_left_to_the_full_kernel(changes):
    assert healthy(n=50, **changes) == 0
