"""Rebalances that every member joins, eager and cooperative (KC-05, KC-06). Hand-computed times."""

import numpy as np

from helpers.group_lab import Lab


def test_KC_05_the_whole_group_stops_until_the_slowest_has_finished_its_batch():
    # Consumer 2, heard at 1 and killed at 4, is missed at 46. The others' heartbeats tell them
    # then; consumer 0 works from 44 to 64, and consumer 1 waits for it.
    lab = Lab([44.0, 50.0], [0, 1], [20.0, 1.0], partitions=3, members=3).at(4.0, "crash", 2)
    np.testing.assert_allclose(lab.run(100.0), [64.0, 68.0])
    assert lab.said[-1] == (67.0, "rebalanced in 21.0 s")
    # It commits before it joins: nothing is read twice.
    assert lab.group.effects.tolist() == [1, 1]


def test_KC_05_a_slow_down_prolongs_and_a_recovery_shortens_the_wait():
    created_s, work_s = [44.0, 50.0], [20.0, 1.0]
    lab = Lab(created_s, [0, 1], work_s, partitions=3, members=3).at(4.0, "crash", 2)
    lab.at(50.0, "slow", 0, 2.0).at(60.0, "slow", 0, 1.0)
    # At 60, 6 + 10 / 2 of 20 s are done: 9 s are left.
    np.testing.assert_allclose(lab.run(100.0), [69.0, 73.0])


def test_KC_05_a_recovery_shortens_a_wait_already_begun():
    # Slowed at 44.5, it would work until 83.5; at 60, 0.5 + 15.5 / 2 of 20 s are done.
    lab = Lab([44.0, 50.0], [0, 1], [20.0, 1.0], partitions=3, members=3).at(4.0, "crash", 2)
    lab.at(44.5, "slow", 0, 2.0).at(60.0, "slow", 0, 1.0)
    np.testing.assert_allclose(lab.run(100.0), [71.75, 75.75])


def test_a_crash_in_the_last_round_of_a_rebalance_is_missed_a_session_later():
    # All have joined at 56; assigned at 59 to a consumer killed at 57, which is missed 45 s after
    # it joined, at 101; assigned anew at 104.
    lab = Lab([60.0], [2], 0.1, partitions=3, members=3).at(10.0, "crash", 2)
    lab.at(57.0, "crash", 1)
    np.testing.assert_allclose(lab.run(200.0), [104.1])


def test_a_crash_while_others_join_prolongs_the_rebalance():
    # Consumer 2 missed at 46, consumer 0 busy until 64; consumer 1, which has joined, is killed at
    # 50 and missed at 95.
    lab = Lab([44.0, 60.0], [0, 1], [20.0, 1.0], partitions=3, members=3)
    lab.at(4.0, "crash", 2).at(50.0, "crash", 1)
    np.testing.assert_allclose(lab.run(200.0), [64.0, 99.0])
    assert lab.owners()[0] == [0, 1, 2]


def test_a_consumer_that_joins_in_the_last_round_makes_another():
    lab = Lab([70.0], [2], 0.1, partitions=3, members=3).at(4.0, "crash", 2)
    np.testing.assert_allclose(lab.at(47.0, "restart", 2).run(200.0), [70.1])
    assert lab.owners() == [[0], [1], [2]]
    assert lab.said[-1] == (52.0, "rebalanced in 6.0 s")


def test_KC_06_who_joined_between_two_rounds_is_in_the_second():
    # Consumer 2 joins at 10, and the others at 11; 3 at 12, when all but it are syncing. These are
    # told at 14 and join anew at once, and it is paused from 12.5 to 40.
    lab = Lab([20.0], [0], 0.1, members=4, partitions=4, started=2, protocol="cooperative")
    lab.at(10.0, "restart", 2).at(12.0, "restart", 3).at(12.5, "pause", 3, 27.5)
    lab.run(39.0)
    assert lab.said[0] == (17.0, "rebalanced in 7.0 s")


def test_KC_06_who_joins_while_an_empty_group_waits_for_more_need_not_join_again():
    # Joined at 1 and 3, both are waited for until 21 and assigned at 24; 0 is away from 5 to 30.
    lab = Lab(
        [4.0, 4.0], [0, 1], 0.1, started=0, protocol="cooperative", terms={"initial_delay_s": 10.0}
    )
    lab.at(1.0, "restart", 1).at(3.0, "restart", 0).at(5.0, "cut_off", 0).at(30.0, "reconnect", 0)
    np.testing.assert_allclose(lab.run(100.0), [30.1, 24.1])


def test_KC_22_a_member_at_work_gives_up_at_its_next_poll_and_the_rest_read_on():
    # Consumer 1 is at work on partition 1 from 9 to 15; the others do not wait to read, only to
    # rebalance: the first round ends at 18. Heartbeats, in phase since 15, tell of the second at
    # 20. What consumer 1 did between its join at 15 and 18 was not committed, and is read again at
    # 23.
    lab = Lab(
        [9.0, 11.0, 11.0, 19.0], [1, 0, 3, 3], [6.0, 0.1, 0.1, 0.1],
        partitions=4, members=3, started=2, protocol="cooperative",
    )  # fmt: skip
    done_s = lab.at(10.2, "restart", 2).run(100.0)
    np.testing.assert_allclose(done_s, [15.0, 11.1, 15.1, 23.2])
    assert lab.effects() == [1, 1, 2, 1]


def test_KC_05_a_process_that_is_no_member_yet_waits_through_the_rebalances_of_others():
    # Consumer 2 is started while it is cut off; the others rebalance from 46 to 49 without it. It
    # comes in when they wait for the session of consumer 1, killed at 70, to end: 45 s after its
    # commit at 69.
    lab = Lab([30.0, 200.0], [0, 2], 0.1, members=3, partitions=3)
    lab.at(1.0, "crash", 2).at(2.0, "cut_off", 2).at(3.0, "restart", 2)
    lab.at(70.0, "crash", 1).at(75.0, "restart", 1).at(80.0, "reconnect", 2)
    lab.run(300.0)
    assert lab.said[-1] == (117.0, "rebalanced in 42.0 s")
    assert lab.owners() == [[0], [1], [2]] and lab.effects() == [1, 1]


def test_an_empty_group_waits_for_more_members():
    # Back at 100 and 102: the delay begins anew for the second, and ends at 106.
    lab = Lab([5.0, 6.0], [0, 1], 0.1, terms={"initial_delay_s": 3.0})
    lab.at(1.0, "crash", 0).at(2.0, "crash", 1).at(100.0, "restart", 1).at(102.0, "restart", 0)
    np.testing.assert_allclose(lab.run(200.0), [109.1, 109.1])
    assert lab.said[-1] == (109.0, "rebalanced in 9.0 s")


def test_an_empty_group_waits_for_no_longer_than_max_poll_interval():
    # Each that comes within the 3 s begins them anew: until 109, and for the one second left.
    lab = Lab(
        np.zeros(0), np.zeros(0, int), 0.1, partitions=8, members=8, started=0,
        max_poll_s=10.0, terms={"initial_delay_s": 3.0},
    )  # fmt: skip
    for m, at_s in enumerate((100.0, 102.0, 105.0, 108.0, 109.5)):
        lab.at(at_s, "restart", m)
    lab.run(120.0)
    assert lab.said == [(113.0, "rebalanced in 13.0 s")]


def test_a_member_that_does_not_join_a_rebalance_in_time_is_put_out():
    # Consumer 1 is paused longer than the rebalance may take, though not longer than its session.
    lab = Lab([11.5], [0], 0.1, members=3, partitions=3, max_poll_s=20.0)
    lab.at(9.0, "pause", 1, 40.0).at(10.0, "terminate", 2, 30.0)
    np.testing.assert_allclose(lab.run(40.0), [33.1])
    assert lab.said[0] == (30.0, "consumer 1 did not join in time")


def test_who_was_put_out_of_a_rebalance_is_not_missed_once_more_when_its_session_ends():
    # The session would end at 51, when its process is paused still.
    lab = Lab([11.5], [0], 0.1, members=3, partitions=3, max_poll_s=20.0)
    lab.at(9.0, "pause", 1, 60.0).at(10.0, "terminate", 2, 30.0).run(60.0)
    assert lab.said == [
        (30.0, "consumer 1 did not join in time"),
        (33.0, "rebalanced in 23.0 s"),
    ]
