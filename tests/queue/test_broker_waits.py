"""What messages of the general queue waited for, by hand; `test_broker` has it of random queues."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from helpers.queue_lab import build
from models.plain_broker import Settings
from sim.engine.waits import TimePart, Unsplit
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker_waits import BrokerWaits

PUSHED = Settings(push=True, prefetch=1, receive_s=0.0, ack_s=0.0, closes=True)
PULLED = Settings(batch=1, wait_s=20.0, receive_s=0.0, ack_s=0.0)


def split(s, came_s, work_s, until_s, *, does=lambda broker: None, asked_s=0.0, **columns):
    """[messages] of the parts of each that are not zero; ``does`` acts when it is advanced."""
    broker = build(s, came_s, work_s, **columns)
    does(broker)
    broker.advance(until_s)
    waits = BrokerWaits(broker, Unsplit(np.asarray(came_s)), asked_s)
    parts_s = waits.parts_s(0, len(came_s))
    done_s = np.asarray(broker.queue.done_s)
    assert (done_s < np.inf).all()
    np.testing.assert_allclose(parts_s.sum(axis=0), done_s - came_s, rtol=0, atol=1e-9)
    return [
        {
            part.name: round(float(parts_s[part, i]), 9)
            for part in TimePart
            if parts_s[part, i] > 1e-9
        }
        for i in range(len(came_s))
    ], broker


def acted(broker):
    return {
        name.removeprefix("LIMIT_"): int(broker.state.limits.times[code])
        for name, code in vars(codes).items()
        if name.startswith("LIMIT_") and broker.state.limits.times[code]
    }


def test_behind_a_consumer_at_work_all_are_busy():
    parts, broker = split(PUSHED, [1.0, 2.0], [4.0, 1.0], 20.0)
    assert parts == [{"WORK": 4.0}, {"CAPACITY": 3.0, "WORK": 1.0}]
    assert acted(broker) == {"BUSY": 1}


def test_where_half_are_at_work_and_half_in_a_call_each_has_its_share():
    # Two consumers that pull: the second call takes 2 s each way, and comes back at 5 s.
    s = replace(PULLED, consumers=1, receive_s=4.0, wait_s=0.0)
    parts, _ = split(s, [1.0, 1.0], [1.0, 1.0], 30.0)
    # Asked at 0, there at 2, back at 4; then the next call, from 5 to 7 and 9.
    assert parts == [{"CALL": 3.0, "WORK": 1.0}, {"CAPACITY": 1.0, "CALL": 7.0, "WORK": 1.0}]


def test_held_behind_another_while_one_rests_is_a_hoard_and_else_all_are_busy():
    s = replace(PUSHED, consumers=2, prefetch=3)
    # 0 and 2 go to the first consumer, 1 and 3 to the second, which is done at 3 s.
    parts, broker = split(s, [1.0] * 4, [10.0, 1.0, 1.0, 1.0], 30.0)
    assert parts[2] == {"CAPACITY": 2.0, "HELD": 8.0, "WORK": 1.0}
    assert parts[3] == {"CAPACITY": 1.0, "WORK": 1.0}
    assert acted(broker) == {"BUSY": 2, "HELD": 1}
    limits = broker.state.limits
    assert (limits.first_s[codes.LIMIT_HELD], limits.last_s[codes.LIMIT_HELD]) == (3.0, 11.0)


def test_SF_01_behind_its_group_while_a_consumer_is_idle_is_head_of_line():
    s = replace(PULLED, consumers=2, pick="groups", max_length=NO_LIMIT)
    parts, broker = split(s, [1.0, 2.0, 3.0], [4.0, 1.0, 3.0], 40.0, lane=[0, 0, 1])
    # The second consumer rests from 2 to 3 s, and works on the other group until 6 s.
    assert parts[1] == {"HEAD_OF_LINE": 1.0, "CAPACITY": 2.0, "WORK": 1.0}
    assert parts[2] == {"WORK": 3.0}
    assert acted(broker) == {"LINE": 1, "BUSY": 1}


def test_RQ_09_beside_a_single_active_consumer_the_others_rest():
    s = replace(PUSHED, consumers=2, single_active=True)
    parts, broker = split(s, [1.0, 2.0], [4.0, 1.0], 20.0)
    assert parts[1] == {"HEAD_OF_LINE": 3.0, "WORK": 1.0}
    assert acted(broker) == {"LINE": 1}


def test_until_its_ETA_it_waits_for_nothing_else():
    def dies(broker):
        broker.advance(3.0)
        broker.crash(0)
        broker.advance(8.0)
        broker.restart(0)

    s = replace(PUSHED, ack="late")
    parts, _ = split(s, [1.0, 1.0], [1.0, 1.0], 30.0, does=dies, due_s=np.array([5.0, 12.0]))
    # Nobody is there from 3 to 8 s; the first is due in between, the second later.
    assert parts[0] == {"DELAY": 4.0, "NO_OWNER": 3.0, "WORK": 1.0}
    assert parts[1] == {"DELAY": 11.0, "WORK": 1.0}


def test_what_a_delay_of_the_queue_asks_for_is_delay_and_its_fan_out_is_not():
    s = replace(PULLED, delay_s=5.0)
    parts, _ = split(s, [1.0], [1.0], 30.0, asked_s=4.5)
    assert parts == [{"DELAY": 4.5, "SEND": 0.5, "WORK": 1.0}]


def test_a_lock_that_runs_on_after_its_holder_died_and_an_attempt_that_was_cut_short():
    def dies(broker):
        broker.advance(4.0)
        broker.crash(0)
        broker.advance(5.0)
        broker.restart(0)

    s = replace(PULLED, lock_s=10.0)
    parts, broker = split(s, [1.0], [6.0], 30.0, does=dies)
    assert parts == [{"ATTEMPT": 3.0, "LOCK": 7.0, "WORK": 6.0}]
    assert acted(broker) == {"LOCK_GONE": 1}
    limits = broker.state.limits
    assert limits.first_s[codes.LIMIT_LOCK_GONE] == 4.0
    assert limits.last_s[codes.LIMIT_LOCK_GONE] == 11.0


def test_what_was_sent_into_a_cut_network_waits_for_the_heartbeat():
    def cut(broker):
        broker.advance(2.0)
        broker.cut_off(0)
        broker.advance(3.0)

    s = replace(PUSHED, consumers=2)
    parts, broker = split(s, [1.0, 1.0, 2.5], [0.5, 3.0, 1.0], 99.0, does=cut, heartbeat_s=10.0)
    # The third is sent to the first consumer at 2.5 s, and to the other one at 12 s.
    assert parts[2] == {"LOCK": 9.5, "WORK": 1.0}
    assert acted(broker) == {"HEARTBEAT": 1}
    limits = broker.state.limits
    assert limits.first_s[codes.LIMIT_HEARTBEAT] == 2.0
    assert limits.last_s[codes.LIMIT_HEARTBEAT] == 12.0


def test_the_copy_that_takes_effect_counts_though_the_broker_took_it_back():
    s = replace(PULLED, consumers=2, lock_s=4.0)
    # The other consumer has a copy since 5 s, and is not done before 11 s.
    parts, broker = split(s, [1.0], [6.0], 8.0)
    assert parts == [{"WORK": 6.0}]
    assert acted(broker) == {"LOCK_HELD": 1}


def test_a_retry_waits_and_its_failed_attempt_is_one():
    s = replace(PUSHED, on_failure="retry", retry_s=8.0)
    parts, _ = split(s, [1.0], [2.0], 30.0, bad={0: (False, 1, np.inf)})
    assert parts == [{"ATTEMPT": 2.0, "BACKOFF": 8.0, "WORK": 2.0}]
    held = replace(s, retry_held=True)
    parts, _ = split(held, [1.0], [2.0], 30.0, bad={0: (False, 1, np.inf)}, due_s=np.zeros(1))
    assert parts == [{"ATTEMPT": 2.0, "BACKOFF": 8.0, "WORK": 2.0}]


def test_a_refused_message_is_still_being_sent():
    s = replace(PUSHED, max_length=1, overflow="reject", republish_s=3.0)
    parts, broker = split(s, [1.0, 2.0, 2.5], [2.0, 1.0, 1.0], 30.0)
    # At 2.5 s one is ready, at 5.5 s none.
    assert parts[2] == {"SEND": 3.0, "WORK": 1.0}
    assert acted(broker) == {"REFUSED": 1, "BUSY": 1}


def test_slowed_or_paused_work_is_its_own_work_and_more():
    def struck(broker):
        broker.advance(2.0)
        broker.slow(0, 3.0)  # 3 s of work are left, which take 9
        broker.advance(4.0)
        broker.pause(0, 10.0)

    parts, _ = split(PUSHED, [1.0], [4.0], 40.0, does=struck)
    assert parts == [{"SLOWED": 16.0, "WORK": 4.0}]


def test_a_pause_with_nothing_in_hand_is_no_wait_behind_others_but_for_those_behind_them():
    def struck(broker):
        broker.advance(1.0)
        broker.pause(0, 10.0)

    parts, _ = split(replace(PUSHED, prefetch=2), [3.0, 4.0], [1.0, 1.0], 40.0, does=struck)
    assert parts == [{"SLOWED": 8.0, "WORK": 1.0}, {"CAPACITY": 8.0, "WORK": 1.0}]


def test_RQ_13_in_front_of_a_busy_process_is_a_ceiling():
    s = replace(PUSHED, prefetch=9, publish_s=1.0, deliver_s=2.0, deliveries_first=True)
    parts, broker = split(s, [0.5, 0.5], [1.0, 1.0], 30.0)
    # Taken in at 1.5 s and delivered until 3.5; the second is taken in at 4.5 s.
    assert parts[0] == {"SEND": 1.0, "WORK": 1.0}
    assert parts[1] == {"SEND": 1.0, "CEILING": 3.0, "WORK": 1.0}
    assert acted(broker) == {"PROCESS": 1}


def test_CE_12_in_front_of_a_main_loop_is_a_ceiling():
    s = replace(PUSHED, prefetch=9, slots=2, loop_s=1.0)
    parts, _ = split(s, [0.5, 0.5], [1.0, 1.0], 30.0)
    assert parts == [{"CEILING": 1.0, "WORK": 1.0}, {"CEILING": 2.0, "WORK": 1.0}]


def test_CE_12_what_of_a_main_loop_is_before_the_ETA_is_the_ETA():
    s = replace(PUSHED, prefetch=9, loop_s=1.0)
    due_s = np.array([0.0, 2.0])
    parts, _ = split(s, [0.5, 0.5], [4.0, 1.0], 30.0, due_s=due_s)
    # The loop is through with the second at 2.5 s, half a second after its ETA.
    assert parts[1] == {"DELAY": 1.5, "CAPACITY": 3.0, "CEILING": 0.5, "WORK": 1.0}


def test_a_message_that_overtakes_is_noted():
    s = replace(PUSHED, pick="priority")
    _, broker = split(s, [1.0, 2.0, 3.0], [4.0, 1.0, 1.0], 30.0, lane=[0, 0, 1])
    assert acted(broker) == {"BUSY": 2, "OVERTAKEN": 1}


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"max_receives": 2, "on_failure": "leave", "lock_s": 1.0}, "RECEIVES"),
        ({"max_returns": 1, "on_failure": "requeue", "counted": ("failure",)}, "RETURNS"),
        ({"max_returns": 1, "on_failure": "retry", "retry_s": 1.0}, "RETRIES"),
    ],
)
def test_a_message_that_always_fails_meets_its_limit_once(settings, limit):
    s = replace(PULLED if limit == "RECEIVES" else PUSHED, **settings)
    broker = build(s, [1.0], [1.0], bad={0: (False, NO_LIMIT, np.inf)})
    broker.advance(50.0)
    assert acted(broker)[limit] == 1


def test_the_time_of_consumers_is_work_calls_idle_or_stopped():
    broker = build(replace(PULLED, consumers=2, receive_s=1.0), [4.0, 99.0], [3.0, 1.0])
    broker.advance(9.0)
    broker.crash(0)
    broker.advance(10.0)
    spent = broker.spent_s()
    assert sum(spent.values()) == pytest.approx(20.0, abs=0.01)
    assert (spent["work"], spent["stopped"]) == (3.0, 1.0)
    # Each asks for half a second; the answer to the first takes another, as does its next call.
    assert spent["calls"] == pytest.approx(2.0, abs=0.01)


def priority_run(seed, rho, share):
    """Mean CAPACITY of the two classes of a non-preemptive M/M/1 queue with ``x-max-priority: 1``.

    Its unit of time is one mean service; ``share`` of the messages are of the higher class.
    """
    n = 40_000
    rng = np.random.default_rng([seed, round(100 * rho), round(100 * share)])
    came_s = np.cumsum(rng.exponential(1.0 / rho, n))
    lane = (rng.random(n) < share).astype(np.int32)
    work_s = rng.exponential(1.0, n).astype(np.float32)
    s = replace(PUSHED, pick="priority")
    broker = build(s, came_s, work_s, lane=lane)
    broker.advance(came_s[-1] * 10)
    parts_s = BrokerWaits(broker, Unsplit(came_s)).parts_s(0, n)
    others = np.delete(parts_s, [TimePart.CAPACITY, TimePart.WORK], axis=0)
    assert np.abs(others).max() < 0.01  # until the consumer has subscribed
    np.testing.assert_allclose(parts_s[TimePart.WORK], work_s, rtol=0, atol=1e-9)
    waited_s = parts_s[TimePart.CAPACITY, n // 10 :]
    high = lane[n // 10 :] == 1
    return waited_s[high].mean(), waited_s[~high].mean()


@pytest.mark.parametrize(("rho", "share"), [(0.5, 0.5), (0.8, 0.3)])
def test_two_classes_wait_as_long_as_theory_says(rho, share):
    """Cobham: W0 / (1 - rho1) and W0 / ((1 - rho1) (1 - rho)), with W0 = rho of exponentials."""
    found = np.array([priority_run(seed, rho, share) for seed in range(20)])
    expected = rho / (1 - rho * share), rho / ((1 - rho * share) * (1 - rho))
    for estimates, value in zip(found.T, expected, strict=True):
        half_width = stats.t.ppf(0.995, estimates.size - 1) * stats.sem(estimates)
        assert half_width < value / 10, (value, half_width)
        assert abs(estimates.mean() - value) <= max(half_width, 0.01 * value), (value, estimates)
