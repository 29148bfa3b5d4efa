"""What the messages of a standard queue waited for: by hand; `test_sqs_standard` has a model.

Each receive and each delete takes 20 ms, and gets there half-way.
"""

import numpy as np
import pytest

from sim.engine.waits import TimePart, Unsplit
from sim.measure.waits import Spent
from sim.queue import sqs_standard_codes as codes
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.queue.sqs_standard_waits import StandardWaits

PLAIN = dict(
    batch=1, per_delete=1, per_batch_s=0.0, visibility_s=30.0, wait_s=20.0, max_receives=100,
    max_in_flight=120_000, retention_s=1e6, asked=1, delay_s=0.0,
)  # fmt: skip


def made(created_s, work_s, workers=1, call_s=0.02, **changes):
    created_s = np.asarray(created_s, float)
    senders = Senders(created_s, threads=1, batch=10, latency_s=np.zeros(1))
    return senders, Workers(
        senders.feed,
        np.asarray(work_s, np.float32),
        workers,
        StandardPolicy(**(PLAIN | changes)),
        servers=1,
        receive_latency_s=np.array([call_s]),
        delete_latency_s=np.array([call_s]),
        grid_s=np.zeros(0),
    )


def parts(senders, workers, message, until_s=200.0, delay_s=0.0):
    """The parts of a message, those that it has any of."""
    senders.advance(until_s)
    workers.advance(until_s)
    workers.settle()
    found = StandardWaits(workers, senders, delay_s).parts_s(0, senders.created_s.size)[:, message]
    return {p.name: round(float(found[p]), 6) for p in TimePart if abs(found[p]) > 1e-6}


def test_a_message_that_finds_a_poll_waits_for_its_answer_alone():
    assert parts(*made([1.0], [0.5]), 0) == {"CALL": 0.01, "WORK": 0.5}


def test_behind_another_the_worker_is_busy_until_it_asks_for_this_one():
    # Worked on till 1.51, deleted and answered till 1.53, asked till 1.54, had at 1.55.
    found = parts(*made([1.0, 1.0], [0.5, 0.25]), 1)
    assert found == {"CAPACITY": 0.53, "CALL": 0.02, "WORK": 0.25}


def test_of_a_batch_the_second_is_held_behind_the_first_which_bears_what_a_batch_costs():
    two = made([1.0, 1.0], [0.5, 0.25], batch=10, per_delete=10, per_batch_s=0.125)
    assert parts(*two, 0) == {"CALL": 0.01, "WORK": 0.625}
    assert parts(*two, 1) == {"CALL": 0.01, "HELD": 0.625, "WORK": 0.25}


def test_a_delay_that_is_asked_for_is_told_from_the_way_between_services():
    found = parts(*made([1.0], [0.5], delay_s=3.25), 0, delay_s=3.0)
    assert found == {"SEND": 0.25, "DELAY": 3.0, "CALL": 0.01, "WORK": 0.5}


def test_of_a_worker_that_is_killed_the_timeout_runs_on():
    # Had at 1.0 by worker 0, which dies at 1.3; visible at 31.0, and worker 1 waits.
    senders, workers = made([1.0], [0.5], workers=2)
    senders.advance(1.3)
    workers.advance(1.3)
    workers.crash(0)
    found = parts(senders, workers, 0)
    assert found == {"ATTEMPT": 0.3, "LOCK": 29.7, "CALL": 0.01, "WORK": 0.5}


def test_with_nobody_alive_it_has_no_owner():
    senders, workers = made([1.0], [0.5])
    senders.advance(0.5)
    workers.advance(0.5)
    workers.crash(0)
    senders.advance(4.0)
    workers.advance(4.0)
    workers.restart(0)
    assert parts(senders, workers, 0) == {"NO_OWNER": 3.0, "CALL": 0.02, "WORK": 0.5}


def test_a_slow_or_paused_worker_is_told_from_the_work_itself():
    senders, workers = made([1.0], [0.5])
    workers.slow(0, 3.0)
    assert parts(senders, workers, 0) == {"CALL": 0.01, "SLOWED": 1.0, "WORK": 0.5}
    senders, workers = made([1.0], [0.5])
    senders.advance(1.2)
    workers.advance(1.2)
    workers.pause(0, 2.0)
    assert parts(senders, workers, 0) == {"CALL": 0.01, "SLOWED": 2.0, "WORK": 0.5}


def test_a_pause_between_two_messages_of_a_batch_holds_the_second():
    # The first is deleted at 1.52, and the answer is there at 1.53: within a pause until 2.525.
    senders, workers = made([1.0, 1.0], [0.5, 0.25], batch=10)
    senders.advance(1.525)
    workers.advance(1.525)
    workers.pause(0, 1.0)
    assert parts(senders, workers, 1) == {"CALL": 0.01, "HELD": 1.515, "WORK": 0.25}
    assert workers.queue.worked == round(0.75 * codes.TICKS)


def test_a_short_poll_that_found_nothing_leaves_its_worker_idle_until_it_asks_again():
    # Asked at 0.010, 0.030, …, 0.990 and 1.010.
    assert parts(*made([1.0], [0.5], wait_s=0.0), 0) == {"CALL": 0.02, "WORK": 0.5}


def test_room_in_flight_is_a_ceiling_where_a_worker_waits_for_it():
    # Worker 0 has the first until 1.52; worker 1 has had nothing, for it may be one at a time.
    found = parts(*made([1.0, 1.0], [0.5, 0.25], workers=2, max_in_flight=1), 1)
    assert found == {"CEILING": 0.52, "CALL": 0.01, "WORK": 0.25}


def test_each_message_sums_to_its_latency_and_the_sums_are_asserted():
    rng = np.random.default_rng(3)
    created_s = np.sort(rng.uniform(0.0, 30.0, 400))
    senders, workers = made(created_s, rng.exponential(0.2, 400), workers=4, visibility_s=0.6)
    senders.advance(500.0)
    workers.advance(500.0)
    workers.settle()
    spent = Spent()

    class Became:
        waits = StandardWaits(workers, Unsplit(created_s), 0.0)
        done_s = np.asarray(workers.queue.done_s)

    spent.add(created_s, Became, 400)
    assert spent.processed == 400
    assert spent.total_s.sum() == pytest.approx((Became.done_s - created_s).sum(), rel=1e-7)
    assert spent.total_s[TimePart.CAPACITY] > 50.0
