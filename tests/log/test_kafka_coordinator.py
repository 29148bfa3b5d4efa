"""The group coordinator: who reads what, and how long a group stands still. Hand-computed times."""

import numpy as np
import pytest

from helpers.group_lab import Lab


def test_KC_04_a_dead_consumer_s_partitions_wait_for_session_and_rebalance():
    # Killed at 10, when it commits, and missed at 55. Partition 0 is worked on until consumer 0's
    # heartbeat tells it at 56; assigned anew at 59.
    lab = Lab([20.0, 30.0, 57.0], [1, 0, 0], 0.1).at(10.0, "crash", 1)
    np.testing.assert_allclose(lab.run(100.0), [59.2, 30.1, 59.1])
    assert lab.owners()[0] == [0, 1]
    assert lab.said == [(55.0, "session of consumer 1 expired"), (59.0, "rebalanced in 4.0 s")]


def test_a_consumer_that_is_back_after_its_session_ended_joins_at_once():
    lab = Lab([101.5], [1], 0.1).at(10.0, "crash", 1).at(100.0, "restart", 1)
    np.testing.assert_allclose(lab.run(200.0), [104.1])  # consumer 0 is told at 101
    assert lab.owners() == [[0], [1]]
    assert lab.said[-1] == (104.0, "rebalanced in 4.0 s")


def test_KC_04_a_consumer_that_is_back_before_its_session_ended_stops_the_group():
    # Back at 20, the group waits until 55 for the old process, and assigns once, at 58.
    lab = Lab([15.0, 30.0, 30.0], [0, 0, 1], 0.1).at(10.0, "crash", 1).at(20.0, "restart", 1)
    np.testing.assert_allclose(lab.run(200.0), [15.1, 58.1, 58.1])
    assert lab.owners() == [[0], [1]]
    assert lab.said == [(55.0, "session of consumer 1 expired"), (58.0, "rebalanced in 38.0 s")]


def test_a_pause_longer_than_the_session_is_like_a_crash_and_a_shorter_one_is_not():
    # Paused 10 to 70: missed at 55, its partition assigned at 59; back at 70, assigned at 74.
    lab = Lab([20.0, 71.5], [1, 1], 0.1).at(10.0, "pause", 1, 60.0)
    np.testing.assert_allclose(lab.run(200.0), [59.1, 74.1])
    lab = Lab([20.0, 71.0], [1, 1], 0.1).at(10.0, "pause", 1, 44.0)
    np.testing.assert_allclose(lab.run(200.0), [54.1, 71.1])
    assert lab.said == []


def test_when_everyone_is_dead_nothing_happens_and_the_first_back_has_all():
    lab = Lab([5.0, 6.0], [0, 1], 0.1).at(1.0, "crash", 0).at(2.0, "crash", 1)
    assert np.isinf(lab.run(99.0)).all()
    lab = Lab([5.0, 6.0], [0, 1], 0.1).at(1.0, "crash", 0).at(2.0, "crash", 1)
    np.testing.assert_allclose(lab.at(100.0, "restart", 1).run(200.0), [103.1, 103.2])


def test_KC_03_a_batch_that_outlasts_max_poll_interval_makes_no_progress():
    # 500 records of 0.6 s outlast 300 s: it leaves, joins anew and reads the same ones again.
    lab = Lab(np.zeros(500), np.zeros(500, int), 0.6, max_poll_s=300.0)
    lab.run(950.0)
    assert [t for t, text in lab.said if "max.poll" in text] == [300.0, 604.0, 909.0]
    assert lab.committed() == [0, 0]
    assert min(lab.effects()) >= 2
    lab = Lab(np.zeros(500), np.zeros(500, int), 0.59, max_poll_s=300.0)
    lab.run(950.0)
    assert lab.said == []
    assert lab.committed() == [500, 0]
    assert set(lab.effects()) == {1}


def test_KC_03_what_the_slow_one_has_in_hand_is_redelivered_to_another():
    # Consumer 1 is slow: it leaves at 10, and consumer 0 reads its three records from 14 on. It
    # finishes them as a zombie at 18, is refused, and joins.
    lab = Lab(np.zeros(3), np.ones(3), 1.0, max_poll_s=10.0).at(0.0, "slow", 1, 6.0)
    np.testing.assert_allclose(lab.run(100.0), [6.0, 12.0, 17.0])
    assert lab.effects() == [2, 2, 2]
    assert lab.said == [
        (10.0, "consumer 1 exceeded max.poll.interval.ms"),
        (14.0, "rebalanced in 4.0 s"),
        (24.0, "rebalanced in 6.0 s"),
    ]


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_KC_04_a_clean_close_leaves_at_once_after_its_batch(protocol):
    # Asked at 10 in the middle of a record of 2 s; commits and leaves at 11; assigned at 14.
    lab = Lab([9.0, 20.0], [1, 1], 2.0, protocol=protocol).at(10.0, "terminate", 1, 30.0)
    np.testing.assert_allclose(lab.run(100.0), [11.0, 22.0])
    assert lab.said == [(14.0, "rebalanced in 3.0 s")]
    assert lab.effects() == [1, 1]


def test_KC_04_a_close_that_outlasts_its_grace_is_a_crash():
    lab = Lab([9.0], [1], 5.0).at(10.0, "terminate", 1, 2.0)
    np.testing.assert_allclose(lab.run(100.0), [64.0])  # killed at 12, heard at 11
    assert lab.said[0] == (56.0, "session of consumer 1 expired")


def test_KC_04_a_close_while_cut_off_waits_for_the_next_poll_not_for_the_connection():
    # Paused from 10 to 20, it is cut off and asked to end meanwhile: it polls at 20, and is gone.
    lab = Lab([60.0], [1], 0.1).at(10.0, "pause", 1, 10.0).at(11.0, "cut_off", 1)
    lab.at(12.0, "terminate", 1, 30.0)
    lab.run(19.0)
    assert lab.group.alive(1)
    lab.run(21.0)
    assert not lab.group.alive(1)


def test_KC_04_who_is_paused_in_a_rebalance_closes_when_it_goes_on():
    # From 20 to 55 the group waits for the session of the process killed at 10.
    lab = Lab([60.0], [1], 0.1).at(10.0, "crash", 1).at(20.0, "restart", 1)
    lab.at(21.0, "pause", 0, 10.0).at(22.0, "terminate", 0, 30.0)
    lab.run(30.0)
    assert lab.group.alive(0)
    lab.run(32.0)
    assert not lab.group.alive(0)


def test_KC_15_a_zombie_that_is_cut_off_closes_at_its_next_poll():
    # Cut off at 10 and put out at 55, it never learns of it; it is asked to end at 70.
    lab = Lab([80.0], [1], 0.1).at(10.0, "cut_off", 1).at(70.0, "terminate", 1, 30.0)
    lab.run(69.0)
    assert 1 in lab.group.zombies
    lab.run(71.0)
    assert not lab.group.alive(1)
    assert lab.group.zombies == {}


@pytest.mark.parametrize("verb", ["crash", "terminate"])
def test_each_process_that_ends_is_counted_and_so_is_each_that_starts(verb):
    lab = Lab([60.0], [1], 0.1).at(10.0, verb, 1, *([30.0] if verb == "terminate" else []))
    lab.at(20.0, "restart", 1)
    lives = []
    for at_s in (9.0, 15.0, 25.0):
        lab.run(at_s)
        lives.append(lab.coordinator.life(1))
    assert lives == [0, 1, 2]


JOINS = {
    # A third consumer joins at 10.2, and the others at 11. Eagerly, all partitions wait until 14.
    "eager": ([14.1, 14.2, 14.1, 14.1], [14.6, 14.7, 14.6, 14.6]),
    # Partition 3 is given up at 14, and given 3 s after the next heartbeats, at 19; nothing else
    # stops. Its record of 11.5 was done after the join, and is done again at 19.1.
    "cooperative": ([11.6, 11.6, 11.7, 11.7], [14.6, 14.6, 14.7, 19.2]),
    # Given up at consumer 1's heartbeat at 12.5, and taken at the new one's at 15.2.
    "consumer": ([11.6, 11.7, 11.6, 11.7], [14.6, 14.7, 14.6, 15.3]),
}
"""When records of 11.5 s and of 14.5 s are done, partition by partition."""


@pytest.mark.parametrize("protocol", list(JOINS))
def test_KC_05_KC_06_KC_07_who_stops_for_how_long_when_a_consumer_joins(protocol):
    created_s = np.repeat([11.5, 14.5], 4)
    lab = Lab(
        created_s, np.tile(range(4), 2), 0.1, partitions=4, members=3, started=2, protocol=protocol
    )
    done_s = lab.at(10.2, "restart", 2).run(100.0)
    np.testing.assert_allclose(done_s, np.concatenate(JOINS[protocol]), atol=1e-6)
    assert sorted(map(len, lab.owners())) == [1, 1, 2]
    again = 2 if protocol == "cooperative" else 1
    assert lab.effects() == [1, 1, 1, again, 1, 1, 1, 1]


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_KC_09_a_static_member_that_is_back_within_its_session_causes_no_rebalance(protocol):
    terms = {"static": True, "round_trip_s": 0.5}
    lab = Lab([20.0, 20.0, 32.0], [0, 1, 1], 0.1, protocol=protocol, terms=terms)
    lab.at(10.0, "crash", 1).at(30.0, "restart", 1)
    # Joining and syncing takes two round trips.
    np.testing.assert_allclose(lab.run(200.0), [20.1, 31.1, 32.1])
    assert lab.said == []


def test_KC_09_a_static_member_does_not_leave_when_it_is_closed():
    lab = Lab([20.0], [1], 0.1, terms={"static": True}).at(10.0, "terminate", 1, 30.0)
    np.testing.assert_allclose(lab.run(200.0), [59.1])
    assert lab.said[0] == (55.0, "session of consumer 1 expired")


def test_KC_09_a_static_member_that_polls_too_late_only_stops_its_heartbeats():
    # Too late at 10; done at 12 it is back, and has its partition again, without a rebalance.
    lab = Lab([0.0, 0.0], [1, 1], 6.0, max_poll_s=10.0, terms={"static": True})
    np.testing.assert_allclose(lab.run(20.0), [6.0, 12.0])
    assert lab.said == [(10.0, "consumer 1 exceeded max.poll.interval.ms")]
    assert lab.owners() == [[0], [1]]
    # Not back, it is missed 45 s after its last heartbeat at 6, and assigned anew 3 s later.
    lab = Lab([0.0, 30.0], [1, 1], [100.0, 1.0], max_poll_s=10.0, terms={"static": True})
    assert lab.run(63.0)[1] == np.inf
    assert lab.said[1:] == [(51.0, "session of consumer 1 expired"), (54.0, "rebalanced in 3.0 s")]
    assert lab.owners()[0] == [0, 1]


def test_a_short_cut_only_delays():
    lab = Lab([20.0], [1], 0.1).at(10.0, "cut_off", 1).at(50.0, "reconnect", 1)
    np.testing.assert_allclose(lab.run(200.0), [50.1])
    assert lab.said == []


def test_capacity_that_is_not_started_has_no_partitions():
    lab = Lab([1.0], [1], 0.1, members=4, started=1)
    np.testing.assert_allclose(lab.run(2.0), [1.1])
    assert lab.owners() == [[0, 1], [], [], []]
    assert [lab.coordinator.alive(m) for m in range(4)] == [True, False, False, False]
