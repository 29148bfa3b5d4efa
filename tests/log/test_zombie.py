"""Processes that work on although their partitions are others' (KC-15). Hand-computed times."""

import numpy as np
import pytest

from helpers.group_lab import Lab
from sim.engine.outcome import Fate
from sim.log.fates import unread

PROGRAM = {"auto_commit_s": -1.0, "commit_s": 0.5}


def again_s(lab):
    """When records were processed that had been before, in any order."""
    records = lab.group.state.records
    return np.asarray(records.again_s)[: records.repeats]


def test_KC_15_a_zombie_s_effects_happen_and_its_commit_is_refused():
    # Three records of 20 s. Heard at 6 and paused from 10 to 70, it is missed at 51; consumer 0 has
    # them from 54 on, and is done at 74, 94 and 114. The zombie goes on at 70, is done at 80, 100
    # and 120, and joins.
    lab = Lab(np.zeros(3), np.ones(3), 20.0).at(10.0, "pause", 1, 60.0)
    np.testing.assert_allclose(lab.run(119.0), [74.0, 94.0, 114.0])
    assert lab.effects() == [2, 2, 1]
    lab.run(200.0)
    assert lab.effects() == [2, 2, 2]
    np.testing.assert_allclose(np.sort(again_s(lab)), [80.0, 100.0, 120.0])
    assert lab.said == [
        (51.0, "session of consumer 1 expired"),
        (54.0, "rebalanced in 3.0 s"),
        (124.0, "rebalanced in 4.0 s"),
    ]


def test_KC_15_who_is_cut_off_goes_on_with_what_it_has_fetched():
    # Polls of two records of 20 s; cut off at 10, missed at 51. It has fetched six: not knowing,
    # it goes on until 120, but cannot commit. Back at 130, it joins.
    lab = Lab(np.zeros(6), np.ones(6), 20.0, max_poll_records=2)
    lab.at(10.0, "cut_off", 1).at(130.0, "reconnect", 1)
    lab.run(57.0)
    assert lab.effects() == [1, 1, 0, 0, 0, 0]
    assert lab.committed() == [0, 0]
    lab.run(129.0)  # consumer 0 has had them since 54
    assert lab.effects() == [2, 2, 2, 1, 1, 1]
    assert lab.group.counts[:2] == (5, 10)
    lab.run(300.0)
    assert lab.said[-1] == (137.0, "rebalanced in 7.0 s")  # it waits for consumer 0's batch


def test_KC_15_what_a_zombie_takes_from_its_buffer_counts_as_handed_out():
    # As above: at 80, it takes records 4 and 5; consumer 0 has polled 0 and 1 so far.
    lab = Lab(np.zeros(6), np.ones(6), 20.0, max_poll_records=2).at(10.0, "cut_off", 1)
    lab.run(93.0)
    lab.group.finish(93.0)
    assert lab.group.counts[:2] == (4, 8)
    assert lab.group.runs.distinct() == 6


def test_KC_15_whoever_is_done_first_gives_the_time_of_a_record():
    # As in the first case, but consumer 0 takes twice as long: record 0 is done by the zombie at
    # 80 and again by it at 94, which no event separates; it is at work on record 1 until 134.
    lab = Lab(np.zeros(3), np.ones(3), 20.0).at(10.0, "pause", 1, 60.0).at(1.0, "slow", 0, 2.0)
    np.testing.assert_allclose(lab.run(119.0), [80.0, 100.0, np.inf])
    assert again_s(lab).tolist() == [94.0]


@pytest.mark.parametrize(
    ("before", "joins_s", "effects"), [(0, 80.5, [2, 1, 1]), (1, 81.0, [1, 1, 1])]
)
def test_KC_15_the_first_commit_that_is_refused_stops_a_program(before, joins_s, effects):
    # Of each record, before or after it, 0.5 s. Paused from 10 to 70, it is done with record 0 at
    # 80, or 80.5. Consumer 0 begins with it at 54, or after it.
    lab = Lab(np.zeros(3), np.ones(3), 20.0, per_record=1, before=before, **PROGRAM)
    lab.at(10.0, "pause", 1, 60.0).run(joins_s - 0.1)
    assert 1 in lab.group.zombies
    lab.run(joins_s + 0.1)
    assert lab.group.zombies == {}
    lab.run(300.0)
    assert lab.effects() == effects


def test_KC_15_a_zombie_s_handler_fails_and_takes_what_it_had_fetched_along():
    # Cut off at 10 and missed at 51; of six records it has done 0 and 1, and fails on 2 at 60.
    lab = Lab(
        np.zeros(6), np.ones(6), 20.0, max_poll_records=2, bad=[(2, True)],
        on_failure={"attempts": 1, "then": "skip"},
    )  # fmt: skip
    lab.at(10.0, "cut_off", 1).run(59.0)
    assert lab.group.haunted
    lab.run(61.0)
    assert lab.said == [
        (51.0, "session of consumer 1 expired"),
        (54.0, "rebalanced in 3.0 s"),
        (60.0, "consumer 1 killed by a record"),
    ]
    assert not lab.group.haunted
    assert lab.effects() == [1, 1, 0, 0, 0, 0]


def test_KC_15_what_a_zombie_has_in_hand_is_not_lost_yet():
    # It commits before it works: what it has in hand would be lost if it did not work on.
    lab = Lab(np.zeros(3), np.ones(3), 20.0, before=1, handed=1, wait=0, **PROGRAM)
    lab.at(10.0, "pause", 1, 60.0).run(85.0)
    rows = unread(lab.group)
    assert rows is not None
    assert lab.topic.to_messages(rows, 255).tolist()[1:] == [Fate.UNFINISHED] * 2
    assert list(lab.group.zombies[1].in_hand()) == [(1, 1, 3)]
    lab.at(5.0, "crash", 1).run(95.0)
    rows = unread(lab.group)
    assert rows is not None
    assert lab.topic.to_messages(rows, 255).tolist()[1:] == [Fate.LOST_ACKED_BEFORE_PROCESSING] * 2


def test_what_a_zombie_had_and_took_is_processed_or_in_hand():
    lab = Lab(np.zeros(6), np.ones(6), 20.0, max_poll_records=2).at(10.0, "cut_off", 1)
    lab.run(75.0)
    lab.group.zombies[1].state.processed -= 1
    with pytest.raises(AssertionError):
        lab.coordinator.crash(1)
