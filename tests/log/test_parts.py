"""Where the time of a record went, with hand numbers; at random, `test_group` compares it."""

from itertools import pairwise

import numpy as np
import pytest

from helpers.alone import advance, alone
from helpers.group_lab import Lab
from helpers.log_scenarios import reading_of
from models.plain_log import Settings
from sim.engine.waits import TimePart
from sim.log.group import Group
from sim.log.parts import Behind, LogWaits
from sim.log.topic import Topic


def told(waits, message):
    """The parts of a message that there are, s."""
    parts_s = waits.parts_s(message, message + 1)[:, 0]
    return {part.name: round(float(parts_s[part]), 6) for part in TimePart if parts_s[part] > 1e-9}


def test_behind_others_while_a_member_is_idle_and_while_none_is():
    # Partition 0 has four records of 1 s at 0, partition 1 one at 1.5 of 1 s.
    s = Settings(partitions=2, members=2, max_poll_records=1)
    created_s, partition_of = [0, 0, 0, 0, 1.5], [0, 0, 0, 0, 1]
    topic, group = alone(s, created_s, 1.0, partition_of=partition_of)
    advance((topic, group), 10.0)
    behind = Behind(2)
    waits = LogWaits(group, topic, behind=behind)
    assert told(waits, 0) == {"WORK": 1.0}
    assert told(waits, 1) == {"HEAD_OF_LINE": 1.0, "WORK": 1.0}
    assert told(waits, 2) == {"HEAD_OF_LINE": 1.5, "CAPACITY": 0.5, "WORK": 1.0}
    assert told(waits, 3) == {"HEAD_OF_LINE": 2.0, "CAPACITY": 1.0, "WORK": 1.0}
    assert told(waits, 4) == {"WORK": 1.0}
    assert behind.times.tolist() == [3, 0]
    its, busy = behind.behind, behind.busy
    assert (its.times, its.first_s, its.last_s) == (3, 0.0, 3.0)
    assert (busy.times, busy.first_s, busy.last_s) == (2, 0.0, 3.0)


def test_a_batch_is_held_and_its_call_and_fetch_are_calls():
    s = Settings(fetch_s=0.25, per_batch_s=0.5, auto_commit_s=-1.0, commit_s=0.125, before=True)
    s = Settings(**{**vars(s), "handed": True, "ack_s": 0.0625})
    topic, group = alone(s, [0, 0], 1.0)
    advance((topic, group), 10.0)
    waits = LogWaits(group, topic, per_record_s=0.1)
    call_s = 0.25 + 0.125 + 0.5 + 0.1
    assert told(waits, 0) == {"SEND": 0.0625, "CALL": call_s, "WORK": 0.9}
    assert told(waits, 1) == {"SEND": 0.0625, "CALL": call_s, "HELD": 1.0, "WORK": 0.9}


def test_a_pause_and_a_slow_down_are_no_work_and_the_next_is_held_by_them():
    topic, group = alone(Settings(), np.zeros(2), 1.0)
    for at_s, act in (
        (0.4, lambda: group.pause(0, 0.4, 1.0)),
        (1.7, lambda: group.slow(0, 1.7, 3.0)),
    ):
        advance((topic, group), at_s)
        act()
    advance((topic, group), 10.0)
    waits = LogWaits(group, topic)
    assert told(waits, 0) == {"SLOWED": 1.6, "WORK": 1.0}
    assert told(waits, 1) == {"HELD": 2.6, "SLOWED": 2.0, "WORK": 1.0}


def test_KC_04_a_crash_is_an_attempt_and_then_nobody_owns_the_partition():
    # Killed at 2.5, with a batch polled at 0. Heard at 1: session until 46, then the rebalance.
    lab = Lab(np.zeros(4), np.zeros(4, int), 1.0, auto_commit_s=-1.0)
    lab.at(2.5, "crash", 0)
    lab.run(100.0)
    waits, group = LogWaits(lab.group, lab.topic), lab.group
    taken_s = float(np.asarray(group.state.records.handed_s)[2])
    assert told(waits, 1) == {"HELD": 1.0, "WORK": 1.0}
    assert taken_s > 46.0
    assert told(waits, 3) == {
        "NO_OWNER": round(taken_s - 2.5, 6),
        "ATTEMPT": 2.5,
        "HELD": 3.0,
        "WORK": 1.0,
    }


def test_a_fetch_that_waits_for_more_is_a_call():
    s = Settings(min_records=3, max_wait_s=0.5)
    topic, group = alone(s, [0.1, 0.2], 1.0)
    advance((topic, group), 10.0)
    assert told(LogWaits(group, topic), 0) == {"CALL": 0.4, "WORK": 1.0}
    assert told(LogWaits(group, topic), 1) == {"CALL": 0.3, "HELD": 1.0, "WORK": 1.0}


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_messages_can_be_asked_for_in_any_pieces(order):
    rng = np.random.default_rng(1)
    n = 500
    s = Settings(partitions=5, members=3, linger_s=0.01, max_poll_records=7)
    created_s, partition_of = np.cumsum(rng.exponential(0.1, n)), rng.integers(0, 5, n)
    topic, group = alone(s, created_s, rng.exponential(0.2, n), partition_of=partition_of)
    advance((topic, group), 1e4)
    waits = LogWaits(group, topic)
    whole = waits.parts_s(0, n)
    cuts = [0, *np.sort(rng.choice(n, 9, replace=False)).tolist(), n]
    pieces = list(pairwise(cuts))
    for first, last in pieces if order == "forwards" else pieces[::-1]:
        np.testing.assert_array_equal(waits.parts_s(first, last), whole[:, first:last])
    done_s = topic.to_messages(group.done_s, np.inf)
    np.testing.assert_allclose(whole.sum(axis=0), done_s - created_s, atol=1e-9)
    assert whole[TimePart.HEAD_OF_LINE].sum() > 0 and whole[TimePart.CAPACITY].sum() > 0


def test_of_a_message_that_is_in_the_log_twice_the_first_effect_counts():
    created_s = np.zeros(2)
    topic = Topic.of_records(
        created_s, 2, np.array([0, 1, 0], np.int32), np.array([0, 0, 1], np.int32), np.zeros(3)
    )
    s = Settings(partitions=2, members=2)
    group = Group(topic, np.float32([3.0, 1.0]), 2, reading_of(s), np.zeros(0))
    group.assign([[0], [1]], 0.0)
    group.slow(0, 0.0, 2.0)
    group.advance(20.0)
    waits = LogWaits(group, topic)
    assert told(waits, 0) == {"WORK": 3.0}  # by member 1
    assert told(waits, 1) == {"HELD": 6.0, "SLOWED": 1.0, "WORK": 1.0}
