"""The group coordinator: who reads what, and how long a group stands still. Hand-computed times."""

import numpy as np
import pytest

from helpers.group_lab import Lab


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


def test_KC_03_a_batch_that_outlasts_max_poll_interval_makes_no_progress():
    # 500 records of 0.6 s outlast 300 s: it leaves, joins anew and reads the same ones again.
    lab = Lab(np.zeros(500), np.zeros(500, int), 0.6, max_poll_s=300.0)
    lab.run(950.0)
    assert [t for t, text in lab.said if "max.poll" in text] == [300.0, 606.0, 912.0]
    assert lab.committed() == [0, 0]
    assert min(lab.effects()) >= 2
    lab = Lab(np.zeros(500), np.zeros(500, int), 0.59, max_poll_s=300.0)
    lab.run(950.0)
    assert lab.said == []
    assert lab.committed() == [500, 0]
    assert set(lab.effects()) == {1}


def test_KC_03_what_the_slow_one_has_in_hand_is_redelivered_to_another():
    # Consumer 1 is slow: it leaves at 10, and consumer 0 reads its three records from 13 on. It
    # finishes them as a zombie at 18, is refused, and joins.
    lab = Lab(np.zeros(3), np.ones(3), 1.0, max_poll_s=10.0).at(0.0, "slow", 1, 6.0)
    np.testing.assert_allclose(lab.run(100.0), [6.0, 12.0, 16.0])
    assert lab.effects() == [2, 2, 2]
    assert lab.said == [
        (10.0, "consumer 1 exceeded max.poll.interval.ms"),
        (13.0, "rebalanced in 3.0 s"),
        (21.0, "rebalanced in 3.0 s"),
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
    np.testing.assert_allclose(lab.run(100.0), [65.0])  # killed at 12, missed at 57
    assert lab.said[0] == (57.0, "session of consumer 1 expired")


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


def test_KC_06_who_joined_between_two_rounds_is_in_the_second():
    # Consumer 2 joins at 10; 3 at 11, between the rounds, and is paused from 12 to 40.
    lab = Lab([20.0], [0], 0.1, members=4, partitions=4, started=2, protocol="cooperative")
    lab.at(10.0, "restart", 2).at(11.0, "restart", 3).at(12.0, "pause", 3, 28.0)
    lab.run(39.0)
    assert lab.said[0] == (16.0, "rebalanced in 6.0 s")


def test_KC_06_who_joins_while_an_empty_group_waits_for_more_need_not_join_again():
    # Joined at 1 and 3, both are waited for until 21 and assigned at 24; 0 is away from 5 to 30.
    lab = Lab(
        [4.0, 4.0], [0, 1], 0.1, started=0, protocol="cooperative", terms={"initial_delay_s": 10.0}
    )
    lab.at(1.0, "restart", 1).at(3.0, "restart", 0).at(5.0, "cut_off", 0).at(30.0, "reconnect", 0)
    np.testing.assert_allclose(lab.run(100.0), [30.1, 24.1])


def test_KC_04_partitions_of_a_dead_member_wait_for_its_session_and_a_heartbeat():
    # Killed at 10.2 and missed at 55.2; consumer 0 is told at its heartbeat at 60.
    lab = Lab([20.0, 30.0], [1, 0], 0.1, protocol="consumer").at(10.2, "crash", 1)
    np.testing.assert_allclose(lab.run(100.0), [60.1, 30.1])
    assert lab.owners() == [[0, 1], []]


JOINS = {
    # A third consumer joins at 10.2. Eagerly, all partitions wait until 13.2.
    "eager": ([13.3, 13.4, 13.3, 13.3], [14.1, 14.2, 14.1, 14.1]),
    # Partition 3 is given up at 13.2 and given at 16.2; nothing else stops.
    "cooperative": ([11.1, 11.1, 11.2, 11.2], [14.1, 14.1, 14.2, 16.3]),
    # Given up at consumer 1's heartbeat at 12.5, and taken at the new one's at 15.2.
    "consumer": ([11.1, 11.2, 11.1, 11.2], [14.1, 14.2, 14.1, 15.3]),
}
"""When records of 11 s and of 14 s are done, partition by partition."""


@pytest.mark.parametrize("protocol", list(JOINS))
def test_KC_05_KC_06_KC_07_who_stops_for_how_long_when_a_consumer_joins(protocol):
    created_s = np.repeat([11.0, 14.0], 4)
    lab = Lab(
        created_s, np.tile(range(4), 2), 0.1, partitions=4, members=3, started=2, protocol=protocol
    )
    done_s = lab.at(10.2, "restart", 2).run(100.0)
    np.testing.assert_allclose(done_s, np.concatenate(JOINS[protocol]), atol=1e-6)
    assert sorted(map(len, lab.owners())) == [1, 1, 2]
    assert set(lab.effects()) == {1}


def test_KC_06_a_member_at_work_gives_up_at_its_next_poll_and_the_rest_read_on():
    # Consumer 1 is at work on partition 1 from 9 to 15; the others do not wait to read, only to
    # rebalance: the first round ends at 18, the second at 21.
    lab = Lab(
        [9.0, 11.0, 11.0, 19.0], [1, 0, 3, 3], [6.0, 0.1, 0.1, 0.1],
        partitions=4, members=3, started=2, protocol="cooperative",
    )  # fmt: skip
    done_s = lab.at(10.2, "restart", 2).run(100.0)
    np.testing.assert_allclose(done_s, [15.0, 11.1, 15.1, 21.1])


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
    np.testing.assert_allclose(lab.run(200.0), [58.1])
    assert lab.said[0] == (55.0, "session of consumer 1 expired")


def test_KC_09_a_static_member_that_polls_too_late_only_stops_its_heartbeats():
    # Too late at 10; done at 12 it is back, and has its partition again, without a rebalance.
    lab = Lab([0.0, 0.0], [1, 1], 6.0, max_poll_s=10.0, terms={"static": True})
    np.testing.assert_allclose(lab.run(20.0), [6.0, 12.0])
    assert lab.said == [(10.0, "consumer 1 exceeded max.poll.interval.ms")]
    assert lab.owners() == [[0], [1]]
    # Not back, it is missed 45 s after its heartbeats stopped, and assigned anew 3 s later.
    lab = Lab([0.0, 30.0], [1, 1], [100.0, 1.0], max_poll_s=10.0, terms={"static": True})
    assert lab.run(65.0)[1] == np.inf
    assert lab.said[1:] == [(55.0, "session of consumer 1 expired"), (58.0, "rebalanced in 3.0 s")]
    assert lab.owners()[0] == [0, 1]


def test_KC_09_the_broker_refuses_a_static_member_s_successor_until_its_session_ends():
    lab = Lab([20.0], [1], 0.1, protocol="consumer", terms={"static": True})
    np.testing.assert_allclose(lab.at(10.0, "crash", 1).at(30.0, "restart", 1).run(200.0), [55.1])


def test_a_short_cut_only_delays():
    lab = Lab([20.0], [1], 0.1).at(10.0, "cut_off", 1).at(50.0, "reconnect", 1)
    np.testing.assert_allclose(lab.run(200.0), [50.1])
    assert lab.said == []


def test_KC_05_a_process_that_is_no_member_yet_waits_through_the_rebalances_of_others():
    # Consumer 2 is started while it is cut off; the others rebalance from 46 to 49 without it. It
    # comes in when they wait for the session of consumer 1, killed at 70, to end.
    lab = Lab([30.0, 200.0], [0, 2], 0.1, members=3, partitions=3)
    lab.at(1.0, "crash", 2).at(2.0, "cut_off", 2).at(3.0, "restart", 2)
    lab.at(70.0, "crash", 1).at(75.0, "restart", 1).at(80.0, "reconnect", 2)
    lab.run(300.0)
    assert lab.said[-1] == (118.0, "rebalanced in 43.0 s")
    assert lab.owners() == [[0], [1], [2]] and lab.effects() == [1, 1]


def test_an_empty_group_waits_for_more_members():
    # Back at 100 and 102: the delay begins anew for the second, and ends at 106.
    lab = Lab([5.0, 6.0], [0, 1], 0.1, terms={"initial_delay_s": 3.0})
    lab.at(1.0, "crash", 0).at(2.0, "crash", 1).at(100.0, "restart", 1).at(102.0, "restart", 0)
    np.testing.assert_allclose(lab.run(200.0), [109.1, 109.1])
    assert lab.said[-1] == (109.0, "rebalanced in 9.0 s")


def test_a_member_that_does_not_join_a_rebalance_in_time_is_put_out():
    # Consumer 1 is paused longer than the rebalance may take, though not longer than its session.
    lab = Lab([11.0], [0], 0.1, members=3, partitions=3, max_poll_s=20.0)
    lab.at(9.0, "pause", 1, 40.0).at(10.0, "terminate", 2, 30.0)
    np.testing.assert_allclose(lab.run(40.0), [33.1])
    assert lab.said[0] == (30.0, "consumer 1 did not join in time")


def test_capacity_that_is_not_started_has_no_partitions():
    lab = Lab([1.0], [1], 0.1, members=4, started=1)
    np.testing.assert_allclose(lab.run(2.0), [1.1])
    assert lab.owners() == [[0, 1], [], [], []]
    assert [lab.coordinator.alive(m) for m in range(4)] == [True, False, False, False]
