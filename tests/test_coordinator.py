"""The group coordinator: who reads what, and how long a group stands still. Hand-computed times."""

import numpy as np
import pytest

from sim.environment import Environment
from sim.kernels.log import Reading
from sim.log.assignors import ASSIGNORS, assign_range
from sim.log.classic import Eager
from sim.log.coordinator import Terms
from sim.log.group import Group
from sim.log.topic import Topic

READING = Reading(
    max_poll_records=500,
    chunk_records=1_000,
    min_records=1,
    max_wait_s=0.5,
    fetch_s=0.0,
    per_batch_s=0.0,
    auto_commit_s=5.0,
    commit_s=0.0,
)


class Lab:
    """A topic of ``partitions``, a group of ``members``, and its coordinator: session 45 s."""

    def __init__(self, created_s, partition_of, work_s, partitions=2, members=2):
        n = len(created_s)
        self.topic = Topic(
            np.asarray(created_s, float),
            np.asarray(partition_of, np.int32),
            partitions,
            np.full(1, 300, np.int32),
            linger_s=0.0,
            batch_bytes=16_384,
            latency_s=np.zeros(1),
        )
        work_s = np.broadcast_to(np.asarray(work_s, np.float32), n)
        self.group = Group(self.topic, work_s, members, READING, np.zeros(0))
        self.env = Environment([self.topic, self.group])
        self.said = []
        self.coordinator = Eager(
            self.env,
            self.group,
            Terms(ASSIGNORS["range"]),
            lambda text: self.said.append((round(self.env.now, 3), text)),
        )

    def at(self, at_s, verb, *args):
        """Have the coordinator's ``verb`` happen at ``at_s``."""

        def process():
            yield self.env.timeout(at_s)
            getattr(self.coordinator, verb)(*args)

        self.env.process(process())
        return self

    def run(self, until_s):
        """Returns done_s in order of creation."""
        self.env.run(until_s)
        return self.topic.to_messages(self.group.state.done_s, np.inf)

    def owners(self):
        state = self.group.state
        return [row[:n].tolist() for row, n in zip(state.assigned, state.assigned_n, strict=True)]


@pytest.mark.parametrize(
    ("partitions", "members", "expected"),
    [
        (3, 2, [[0, 1], [2]]),
        (12, 5, [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9], [10, 11]]),
        (2, 3, [[0], [1], []]),
        (3, 0, []),
    ],
)
def test_KC_08_range(partitions, members, expected):
    assert assign_range(partitions, [[]] * members) == expected


def test_KC_04_a_dead_consumer_s_partitions_wait_for_session_and_rebalance():
    # Killed at 10, missed at 55, assigned anew at 58. Partition 0 works until 55, too.
    lab = Lab([20.0, 30.0, 56.0], [1, 0, 0], 0.1).at(10.0, "crash", 1)
    np.testing.assert_allclose(lab.run(100.0), [58.2, 30.1, 58.1])
    assert lab.owners()[0] == [0, 1]
    assert lab.said == [(55.0, "session of consumer 1 expired"), (58.0, "rebalanced in 3.0 s")]


def test_KC_05_the_whole_group_stops_until_the_slowest_has_finished_its_batch():
    # Consumer 2 is killed at 0 and missed at 45, when consumer 0 works from 44 to 64.
    lab = Lab([44.0, 50.0], [0, 1], [20.0, 1.0], partitions=3, members=3).at(0.0, "crash", 2)
    np.testing.assert_allclose(lab.run(100.0), [64.0, 68.0])
    assert lab.said[-1] == (67.0, "rebalanced in 22.0 s")
    # It commits before it joins: nothing is read twice.
    assert lab.group.state.effects.tolist() == [1, 1]


def test_KC_05_a_slow_down_prolongs_and_a_recovery_shortens_the_wait():
    created_s, work_s = [44.0, 50.0], [20.0, 1.0]
    lab = Lab(created_s, [0, 1], work_s, partitions=3, members=3).at(0.0, "crash", 2)
    lab.at(50.0, "slow", 0, 2.0).at(60.0, "slow", 0, 1.0)
    # At 60, 6 + 10 / 2 of 20 s are done: 9 s are left.
    np.testing.assert_allclose(lab.run(100.0), [69.0, 73.0])


def test_KC_05_a_recovery_shortens_a_wait_already_begun():
    # Slowed at 44.5, it would work until 83.5; at 60, 0.5 + 15.5 / 2 of 20 s are done.
    lab = Lab([44.0, 50.0], [0, 1], [20.0, 1.0], partitions=3, members=3).at(0.0, "crash", 2)
    lab.at(44.5, "slow", 0, 2.0).at(60.0, "slow", 0, 1.0)
    np.testing.assert_allclose(lab.run(100.0), [71.75, 75.75])


def test_a_consumer_that_is_back_after_its_session_ended_joins_at_once():
    lab = Lab([101.0], [1], 0.1).at(10.0, "crash", 1).at(100.0, "restart", 1)
    np.testing.assert_allclose(lab.run(200.0), [103.1])
    assert lab.owners() == [[0], [1]]
    assert lab.said[-1] == (103.0, "rebalanced in 3.0 s")


def test_KC_04_a_consumer_that_is_back_before_its_session_ended_stops_the_group():
    # Back at 20, the group waits until 55 for the old process, and assigns once, at 58.
    lab = Lab([15.0, 30.0, 30.0], [0, 0, 1], 0.1).at(10.0, "crash", 1).at(20.0, "restart", 1)
    np.testing.assert_allclose(lab.run(200.0), [15.1, 58.1, 58.1])
    assert lab.owners() == [[0], [1]]
    assert lab.said == [(55.0, "session of consumer 1 expired"), (58.0, "rebalanced in 38.0 s")]


def test_a_crash_in_the_last_round_of_a_rebalance_is_missed_a_session_later():
    # Assigned at 58 to a consumer killed at 57, which is missed at 102; assigned anew at 105.
    lab = Lab([60.0], [2], 0.1, partitions=3, members=3).at(10.0, "crash", 2)
    lab.at(57.0, "crash", 1)
    np.testing.assert_allclose(lab.run(200.0), [105.1])


def test_a_crash_while_others_join_prolongs_the_rebalance():
    # Consumer 2 missed at 45, consumer 0 busy until 64; consumer 1 killed at 50, missed at 95.
    lab = Lab([44.0, 60.0], [0, 1], [20.0, 1.0], partitions=3, members=3)
    lab.at(0.0, "crash", 2).at(50.0, "crash", 1)
    np.testing.assert_allclose(lab.run(200.0), [64.0, 99.0])
    assert lab.owners()[0] == [0, 1, 2]


def test_a_consumer_that_joins_in_the_last_round_makes_another():
    lab = Lab([70.0], [2], 0.1, partitions=3, members=3).at(0.0, "crash", 2)
    np.testing.assert_allclose(lab.at(46.0, "restart", 2).run(200.0), [70.1])
    assert lab.owners() == [[0], [1], [2]]
    assert lab.said[-1] == (51.0, "rebalanced in 6.0 s")


def test_a_pause_longer_than_the_session_is_like_a_crash_and_a_shorter_one_is_not():
    # Paused 10 to 70: missed at 55, its partition assigned at 58; back at 70, assigned at 73.
    lab = Lab([20.0, 71.0], [1, 1], 0.1).at(10.0, "pause", 1, 60.0)
    np.testing.assert_allclose(lab.run(200.0), [58.1, 73.1])
    lab = Lab([20.0, 71.0], [1, 1], 0.1).at(10.0, "pause", 1, 44.0)
    np.testing.assert_allclose(lab.run(200.0), [54.1, 71.1])
    assert lab.said == []


def test_when_everyone_is_dead_nothing_happens_and_the_first_back_has_all():
    lab = Lab([5.0, 6.0], [0, 1], 0.1).at(1.0, "crash", 0).at(2.0, "crash", 1)
    assert np.isinf(lab.run(99.0)).all()
    lab = Lab([5.0, 6.0], [0, 1], 0.1).at(1.0, "crash", 0).at(2.0, "crash", 1)
    np.testing.assert_allclose(lab.at(100.0, "restart", 1).run(200.0), [103.1, 103.2])
