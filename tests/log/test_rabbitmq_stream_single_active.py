"""One active consumer of each partition (RQ-12). Hand-computed times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.group_lab import Lab
from helpers.operated import Operated
from sim.log import group_state as k


def group(*args, **more):
    """Consumers that store their offsets every 5 s, and hold up to 20 messages."""
    usual = {
        "protocol": "single-active",
        "terms": {"session_s": 60.0, "round_trip_s": 0.01},
        "max_poll_records": 1,
        "chunk_records": 20,
        "max_wait_s": 0.0,
        "background": 1,
    }
    return Lab(*args, **{**usual, **more})


def test_RQ_12_a_standby_takes_over_at_once_and_nobody_else_stops():
    # Two partitions, three consumers: consumer 2 stands by. With consumer 0 gone, those that are
    # left are 1 and 2, in this order: partition 0 moves to 1 and partition 1 to 2.
    lab = group(np.repeat(np.arange(0.5, 30.0), 2), np.tile([0, 1], 30), 0.1, members=3)
    lab.at(10.2, "crash", 0)
    lab.run(10.0)
    assert lab.owners() == [[0], [1], []]
    done_s = lab.run(40.0)
    assert lab.owners() == [[], [0], [1]]
    np.testing.assert_allclose(done_s, np.repeat(np.arange(0.6, 30.0), 2))
    assert lab.said == []


def test_RQ_12_partitions_whose_consumer_stays_are_not_disturbed():
    # Four partitions of two consumers, both at work on a message of 8 s when consumer 2 joins at
    # 10.2: partition 2 goes to it (2 modulo 3), partition 3 to consumer 0 and no other moves.
    created_s = [9.0, 9.0, 12.0, 12.0, 12.0, 12.0]
    lab = group(
        created_s, [0, 1, 0, 1, 2, 3], [8.0, 1.0, 0.1, 0.1, 0.1, 0.1],
        partitions=4, members=3, started=2,
    )  # fmt: skip
    done_s = lab.at(10.2, "restart", 2).run(100.0)
    assert lab.owners() == [[0, 3], [1], [2]]
    # Consumer 1, idle, gives 3 up at once; consumer 0 gives 2 up at 17, after the message in hand.
    np.testing.assert_allclose(done_s[[0, 1, 3]], [17.0, 10.0, 12.1])
    assert done_s[4] == pytest.approx(17.11, abs=0.03), "told, and then the other one is told"
    np.testing.assert_allclose(np.sort(done_s[[2, 5]]), [17.1, 17.2], atol=0.03)
    assert set(lab.effects()) == {1}


def test_RQ_12_whoever_comes_back_is_the_last_in_line():
    lab = group([1.0], [0], 0.1, partitions=3, members=3)
    lab.at(10.0, "crash", 0).at(20.0, "restart", 0).run(30.0)
    assert lab.owners() == [[2], [0], [1]]


def test_RQ_12_who_is_cut_off_is_active_until_its_heartbeat_is_missed():
    lab = group([5.0, 20.0, 20.0], [0, 0, 1], 0.1).at(10.2, "cut_off", 0)
    np.testing.assert_allclose(lab.run(100.0), [5.1, 70.31, 20.1], atol=0.03)
    # A process that is killed meanwhile closes no connection that the broker would see.
    lab = group([5.0, 20.0, 20.0], [0, 0, 1], 0.1).at(10.2, "cut_off", 0).at(15.0, "crash", 0)
    np.testing.assert_allclose(lab.run(100.0), [5.1, 70.31, 20.1], atol=0.03)
    # One that is only paused closes it when it is killed.
    lab = group([5.0, 20.0, 20.0], [0, 0, 1], 0.1).at(10.2, "pause", 0, 300.0)
    lab.at(30.0, "crash", 0)
    np.testing.assert_allclose(lab.run(100.0), [5.1, 30.11, 20.1], atol=0.03)


def test_RQ_12_what_was_not_stored_is_processed_again_after_a_crash():
    # Offsets are stored at 5, 10, 15 s; killed at 13.35, the messages done since 10 come again.
    every_s = np.arange(0.2, 20.0)
    lab = group(every_s, np.zeros(20, int), 0.1, partitions=1).at(13.35, "crash", 0)
    lab.run(60.0)
    assert [i for i, times in enumerate(lab.effects()) if times == 2] == [10, 11, 12, 13]
    assert min(lab.effects()) == 1
    # SIGTERM stores them.
    lab = group(every_s, np.zeros(20, int), 0.1, partitions=1).at(13.35, "terminate", 0, 5.0)
    lab.run(60.0)
    assert set(lab.effects()) == {1}
    # A program that stores before it processes loses the message in hand instead.
    lab = group(
        every_s, np.zeros(20, int), 0.5, partitions=1,
        background=0, auto_commit_s=-1.0, before=1, handed=1, wait=0,
    ).at(13.35, "crash", 0)  # fmt: skip
    lab.run(60.0)
    assert [i for i, times in enumerate(lab.effects()) if times == 0] == [13]


def test_RQ_12_a_reader_behind_retention_goes_on_at_the_first_message():
    lab = group(np.arange(0.2, 20.0), np.zeros(20, int), 0.1, partitions=1, reset=k.EARLIEST)
    lab.at(5.0, "crash", 0).at(5.0, "crash", 1).at(10.0, "restart", 0)
    lab.env.run(9.0)
    lab.topic.log.first[0] = 8
    lab.group.deleted(9.0)
    lab.run(60.0)
    assert [i for i, times in enumerate(lab.effects()) if times == 0] == [5, 6, 7]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_RQ_12_whatever_happens_to_consumers_every_message_is_processed(seed):
    rng = np.random.default_rng(seed)
    members, partitions = 3, int(rng.choice([1, 2, 5]))
    n = 100
    created_s = np.sort(rng.uniform(0.0, 90.0, n))
    lab = group(
        created_s, rng.integers(0, partitions, n), rng.uniform(0.01, 1.0, n).astype(np.float32),
        partitions=partitions, members=members,
    )  # fmt: skip
    verbs = ["crash", "restart", "restart", "pause", "slow", "terminate", "cut_off", "reconnect"]
    for at_s in np.sort(rng.uniform(0.0, 90.0, 8)):
        lab.env.run(float(at_s))
        verb = str(rng.choice(verbs))
        value = {"pause": (float(rng.uniform(1, 80)),), "slow": (1.5,), "terminate": (1.0,)}
        verbs_of = Operated(lab.env, lab.coordinator)
        getattr(verbs_of, verb)(int(rng.integers(members)), *value.get(verb, ()))
        held = [p for m, own in enumerate(lab.owners()) if lab.group.alive(m) for p in own]
        assert len(held) == len(set(held)), "two are active in a partition"
    lab.env.run(200.0)
    for m in range(members):
        lab.coordinator.reconnect(m)
        lab.coordinator.restart(m)
    lab.run(600.0)
    assert min(lab.effects()) >= 1
    assert lab.coordinator.backlog() == 0
    line = [member.place for member in lab.coordinator.roster()]
    assert sorted(line) == [0, 1, 2]
    assert [lab.owners()[m] for m in line] == [list(range(i, partitions, 3)) for i in range(3)]
