"""Who learns of what at which heartbeat, and who is missed when (KC-20 to KC-23). By hand.

Session 6 s, heartbeats 2 s apart, a round trip of 10 ms, records of 5 ms; as in the experiments
with real brokers.
"""

import numpy as np
import pytest

from helpers.group_lab import Lab


def lab(created_s, partition_of, protocol, phases_s, members=3, **reading):
    terms = {
        "session_s": 6.0, "heartbeat_s": 2.0, "round_trip_s": 0.01, "rebalance_s": 0.0,
        "phases_s": phases_s, "in_phase": len(set(phases_s)) == 1,
    }  # fmt: skip
    reading = {"auto_commit_s": 1.0} | reading
    return Lab(
        created_s, partition_of, 0.005, partitions=3, members=members, protocol=protocol,
        terms=terms, **reading,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_KC_20_21_take_over_after_a_kill_classic(protocol):
    # Killed at 8.37; it committed at 8.0, so it is missed at 14.0. The others are told at 14.5,
    # join 10 ms later, and have its partition after two round trips more.
    group = lab([9.0], [0], protocol, (0.5, 0.5, 0.5)).at(8.37, "crash", 0)
    np.testing.assert_allclose(group.run(30.0), [14.535], atol=1e-6)
    assert group.said == [(14.0, "session of consumer 0 expired"), (14.53, "rebalanced in 0.5 s")]


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_KC_20_21_without_commits_the_last_heartbeat_counts(protocol):
    # The last heartbeat was at 6.5: missed at 12.5, when the others' heartbeats, in phase, are due.
    group = lab([9.0], [0], protocol, (0.5, 0.5, 0.5), auto_commit_s=-1.0).at(8.37, "crash", 0)
    np.testing.assert_allclose(group.run(30.0), [12.535], atol=1e-6)
    assert group.said == [(12.5, "session of consumer 0 expired"), (12.53, "rebalanced in 0.0 s")]


def test_KC_07_21_take_over_after_a_kill_consumer_protocol():
    # Commits do not count: heard at 6.5, missed at 12.5, and consumer 1 is told at 12.9.
    group = lab([9.0], [0], "consumer", (0.5, 0.9, 1.3)).at(8.37, "crash", 0)
    np.testing.assert_allclose(group.run(30.0), [12.915], atol=1e-6)
    assert group.said == [(12.5, "session of consumer 0 expired")]


def test_KC_21_a_heartbeat_due_in_a_pause_is_sent_at_its_end():
    # Heard at 8.5 and paused from 9 to 14.4: it is heard at 14.4, and so not missed at 14.5; nor is
    # it after a pause from 15.9 to 20.3, as its timer has begun anew.
    group = lab([9.0], [0], "eager", (0.5, 0.5, 0.5), auto_commit_s=-1.0)
    group.at(9.0, "pause", 0, 5.4).at(15.9, "pause", 0, 4.4)
    np.testing.assert_allclose(group.run(30.0), [14.405], atol=1e-6)
    assert group.said == []
    # A pause until 14.6 is too long by 0.1 s.
    group = lab([9.0], [0], "eager", (0.5, 0.5, 0.5), auto_commit_s=-1.0)
    group.at(9.0, "pause", 0, 5.6).run(30.0)
    assert group.said[0] == (14.5, "session of consumer 0 expired")


def test_KC_05_20_a_member_stops_from_its_own_join_to_the_last():
    # Consumer 2 leaves at 10. Consumer 0 joins at 10.41 and consumer 1, told a second later, at
    # 11.41: until then it works. Two round trips later all go on.
    created_s, partition_of = [10.1, 10.405, 10.42, 11.3, 11.42], [2, 0, 0, 1, 1]
    group = lab(created_s, partition_of, "eager", (0.4, 1.4, 0.9)).at(10.0, "terminate", 2, 9.0)
    done_s = [11.435, 10.41, 11.435, 11.305, 11.44]
    np.testing.assert_allclose(group.run(30.0), done_s, atol=1e-6)
    assert group.effects() == [1] * 5
    assert group.said == [(11.43, "rebalanced in 1.4 s")]


def test_KC_20_members_that_have_joined_together_beat_together():
    # All have joined at 10.41; who comes at 11 is in at the next heartbeats, 2 s after that.
    group = lab([11.5], [2], "eager", (0.4, 0.4, 0.4)).at(10.0, "terminate", 2, 9.0)
    group.at(11.0, "restart", 2).run(30.0)
    assert group.said == [(10.43, "rebalanced in 0.4 s"), (12.44, "rebalanced in 1.4 s")]


RESTART = {
    # Left at 10; the others join at 10.41 and read it from 10.43 on. Back at 13: they beat at
    # 14.41, join at 14.42, and it has its partition at 14.44.
    "eager": [10.435, 14.505],
    # Likewise, but at 14.44 the partition is only given up. They beat at 16.42, 2 s after the first
    # join, and the second is answered at 16.45.
    "cooperative": [10.435, 16.455],
    # Consumer 0 is told at 10.4. Back at 13, it is given the partition at its own beat at 15.
    "consumer": [10.415, 15.015],
}
"""When records of 10.1 s and 14.5 s are done."""


@pytest.mark.parametrize("protocol", list(RESTART))
def test_KC_05_06_07_20_a_restart_in_each_protocol(protocol):
    phases_s = (0.4, 0.4, 0.4) if protocol != "consumer" else (0.4, 0.8, 1.2)
    group = lab([10.1, 14.5], [2, 2], protocol, phases_s)
    group.at(10.0, "terminate", 2, 9.0).at(13.0, "restart", 2)
    np.testing.assert_allclose(group.run(30.0), RESTART[protocol], atol=1e-6)
    assert group.effects() == [1, 1]


@pytest.mark.parametrize(("auto_commit_s", "again"), [(1.0, 2), (-1.0, 1)])
def test_KC_22_what_java_does_between_join_and_assignment_comes_again(auto_commit_s, again):
    # Two members have partitions 0, 2 and 1. The third joins at 10; they join at 10.41, which
    # commits, and have the assignment at 10.43. The record of 10.42 is in a partition that moves.
    group = lab(
        [10.3, 10.415], [2, 2], "cooperative", (0.4, 0.4, 0.4), started=2,
        auto_commit_s=auto_commit_s,
    )  # fmt: skip
    group.at(10.0, "restart", 2).run(30.0)
    assert group.owners() == [[0], [1], [2]]
    assert group.effects() == [1, again]


def test_KC_03_23_a_back_off_counts_between_two_polls():
    # Polled at 0, failed at 10, and to be polled again at 65: it leaves at 60. Consumer 0, told at
    # 61, has the record from 64 on, fails at 74, and leaves at 124. Nobody reads anything then.
    retry = {"attempts": None, "backoff": 55.0, "then": "skip"}
    more = {"max_poll_s": 60.0, "auto_commit_s": -1.0, "max_poll_records": 1}
    group = Lab([0.0, 65.0], [1, 0], 10.0, bad=[(0, False)], on_failure=retry, **more)
    assert group.run(128.0)[1] == np.inf
    assert group.said == [
        (60.0, "consumer 1 exceeded max.poll.interval.ms"),
        (64.0, "rebalanced in 4.0 s"),
        (124.0, "consumer 0 exceeded max.poll.interval.ms"),
        (127.0, "rebalanced in 62.0 s"),
    ]
    retry["backoff"] = 40.0
    group = Lab([0.0, 65.0], [1, 0], 10.0, bad=[(0, False)], on_failure=retry, **more)
    assert group.run(128.0)[1] == 75.0
    assert group.said == []
