"""Limits of a standard queue that acted, and what its workers did with their time, by hand.

Each receive and each delete takes 20 ms, and gets there half-way.
"""

import numpy as np
import pytest

from sim.injection.poison import Poison
from sim.queue import sqs_standard_codes as codes
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.scenario.products.sqs import SqsQueue
from sim.systems.sqs_limits import spent_by_workers, standard_limits

PLAIN = dict(
    batch=1, per_delete=1, per_batch_s=0.0, visibility_s=30.0, wait_s=20.0, max_receives=100,
    max_in_flight=120_000, retention_s=1e6, asked=1, delay_s=0.0,
)  # fmt: skip


def made(created_s, work_s, workers=1, servers=1, poison=None, started=None, **changes):
    senders = Senders(np.asarray(created_s, float), threads=1, batch=10, latency_s=np.zeros(1))
    return senders, Workers(
        senders.feed,
        np.asarray(work_s, np.float32),
        workers,
        StandardPolicy(**(PLAIN | changes)),
        servers=servers,
        receive_latency_s=np.array([0.02]),
        delete_latency_s=np.array([0.02]),
        grid_s=np.zeros(0),
        poison=poison,
        started=started,
    )


def advance(stages, until_s):
    for stage in stages:
        stage.advance(until_s)


def acted(stages, until_s=100.0, **keys):
    """Key, times, first and last of each limit that acted by then."""
    advance(stages, until_s)
    workers = stages[1]
    workers.settle()
    config = SqsQueue.model_validate({"workers": workers.size, "does": ["w"], **keys})
    found = list(standard_limits("q", config, workers, spent_by_workers(workers)))
    assert all(limit.path == f"queues.q.{limit.key}" or "Redrive" in limit.path for limit in found)
    times = [(x.key, x.times, round(x.first_s, 6), round(x.last_s, 6)) for x in found]
    return times, found


def test_a_timeout_that_ends_while_the_worker_is_at_it():
    # Had at 1.0 and 2.0; worked on for 1.5 s, and visible again at 2.0 and 3.0.
    stages = made([1.0], [1.5], workers=2, visibility_s=1.0)
    times, (limit, *_) = acted(stages, 2.2, VisibilityTimeout=1)
    assert times == [("VisibilityTimeout", 1, 2.0, 2.0)]
    assert (limit.value, limit.target) == ("1s", "") and "still had them" in limit.what


def test_a_timeout_that_runs_on_after_the_worker_is_told_apart():
    stages = made([1.0, 1.0], [0.5, 0.5], workers=2, batch=10, per_delete=10)
    advance(stages, 1.2)
    stages[1].crash(0)
    times, (limit, *_) = acted(stages)
    assert times == [("VisibilityTimeout", 2, 31.0, 31.0)]
    assert "gone" in limit.what


def test_a_message_that_fails_waits_for_its_timeout_and_is_dead_lettered():
    poison = Poison(np.array([0]), np.array([False]), np.array([9], np.int32), np.array([np.inf]))
    stages = made([1.0], [0.5], poison=poison, max_receives=2, visibility_s=5.0)
    times, _ = acted(stages, RedrivePolicy={"maxReceiveCount": 2})
    # Had at 1.0 and, by a poll that waited, at 6.0; put aside at 11.0.
    assert times == [("VisibilityTimeout", 2, 6.0, 11.0), ("maxReceiveCount", 1, 11.0, 11.0)]


def test_as_many_in_flight_as_may_be():
    stages = made([1.0, 1.0], [0.5, 0.25], workers=2, max_in_flight=1, wait_s=0.0)
    times, (limit, *_) = acted(stages, 1.5, max_in_flight=1)
    # Worker 0 asks at 1.010, worker 1 at 1.011 and each 20 ms from then on.
    assert times == [("max_in_flight", 25, 1.011, 1.491)]
    assert limit.value == "1"


def test_retention_deletes_what_nobody_processed():
    stages = made([1.0, 2.0, 90.0], [200.0, 0.5, 0.5], retention_s=60.0, visibility_s=1e4)
    times, _ = acted(stages, 300.0, MessageRetentionPeriod=60)
    assert times == [("MessageRetentionPeriod", 2, 62.0, 150.0)]


@pytest.mark.parametrize(("work_s", "binds"), [(0.01, True), (1.0, False)])
def test_one_message_a_call_is_a_limit_where_calls_take_the_time(work_s, binds):
    stages = made(np.full(20, 1.0), np.full(20, work_s))
    times, found = acted(stages)
    assert stages[1].queue.limit_n[codes.BATCH_FULL] == 19
    if binds:
        # Rounds of 50 ms; after the last of them, the worker waits.
        assert times == [("MaxNumberOfMessages", 19, 1.0, 1.9)]
        assert found[0].value == "1" and "80%" in found[0].what
    else:
        assert times == []


def test_a_short_poll_that_asked_the_wrong_servers():
    stages = made([1.0], [0.0], servers=8, asked=1, wait_s=0.0)
    times, _ = acted(stages)
    missed = [x for x in times if x[0] == "ReceiveMessageWaitTimeSeconds"]
    assert len(missed) == 1 and missed[0][1] > 0 and missed[0][2] == 1.01


def rounded(spent_s):
    return {activity: round(seconds, 6) for activity, seconds in spent_s.items()}


def test_the_time_of_a_worker_that_polls_works_and_waits():
    stages = made([1.0, 1.0], [0.5, 0.25])
    advance(stages, 10.0)
    # Idle until 0.01 (asks) and 1.0 (waits), works 0.75 s, calls 0.01 + 0.02 + 0.02 + 0.02 + 0.01.
    assert rounded(spent_by_workers(stages[1])) == {
        "work": 0.75, "calls": 0.08, "idle": 9.17, "stopped": 0.0,
    }  # fmt: skip


def test_time_stopped_is_neither_work_nor_calls_and_work_in_progress_counts():
    stages = made([1.0], [5.0], workers=2, started=1)
    workers = stages[1]
    advance(stages, 2.01)
    workers.pause(0, 1.0)
    advance(stages, 3.51)
    # Had at 1.0 and begun at 1.01; at 3.51 it has been at it for 1.5 s.
    assert rounded(spent_by_workers(workers)) == {
        "work": 1.5, "calls": 0.01, "idle": 1.0, "stopped": 1.0,
    }  # fmt: skip
    workers.crash(0)
    advance(stages, 10.0)
    assert rounded(spent_by_workers(workers))["stopped"] == 7.49
    workers.restart(0)
    workers.restart(1)
    advance(stages, 20.0)
    found = rounded(spent_by_workers(workers))
    assert found == {"work": 1.5, "calls": 0.01, "idle": 21.0, "stopped": 7.49}


@pytest.mark.parametrize("seed", range(6))
def test_rounds_and_the_full_kernel_give_the_same_time(seed):
    rng = np.random.default_rng(seed)
    created_s, work_s = np.sort(rng.uniform(0.0, 50.0, 300)), rng.exponential(0.2, 300)
    found = []
    for after in (0, 1 << 60):
        stages = made(created_s, work_s, workers=4)
        stages[1].queue.rounds_after = after
        advance(stages, 60.0)
        found.append((spent_by_workers(stages[1]), list(stages[1].queue.limit_n)))
    assert found[0] == found[1]
    assert sum(found[0][0].values()) == pytest.approx(4 * 60.0)
    assert found[0][0]["work"] == pytest.approx(work_s.sum(), rel=1e-6)
