"""When a group commits and what a crash then loses or repeats (KC-11 … KC-14); poison (KC-18)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.group_lab import Lab
from sim.engine.outcome import Fate
from sim.log.fates import unread

PROGRAM = {"auto_commit_s": -1.0}
LIBRDKAFKA = {"auto_commit_s": 0.3, "background": 1, "max_poll_records": 1}


def fates(lab):
    """What became of messages without an effect."""
    rows = unread(lab.group)
    assert rows is not None
    rows = lab.topic.to_messages(rows, 255)
    return {m: Fate(rows[m]) for m, effects in enumerate(lab.effects()) if not effects}


def test_KC_11_commit_before_processing_loses_the_batch_at_a_crash():
    # Five of 1 s, committed at once; killed at 2.5; consumer 0 has nothing to do.
    lab = Lab(np.zeros(5), np.ones(5), 1.0, before=1, handed=1, **PROGRAM).at(2.5, "crash", 1)
    lab.run(1.5)
    assert lab.committed() == [0, 5]
    assert lab.group.settled() == 1  # committed is not done
    lab.run(100.0)
    assert lab.effects() == [1, 1, 0, 0, 0]
    assert fates(lab) == dict.fromkeys((2, 3, 4), Fate.LOST_ACKED_BEFORE_PROCESSING)
    assert lab.group.settled() == 5


def test_KC_11_commit_before_each_record_loses_one():
    lab = Lab(np.zeros(5), np.ones(5), 1.0, before=1, per_record=1, **PROGRAM)
    lab.at(2.5, "crash", 1).run(2.6)
    assert lab.committed() == [0, 3]
    lab.run(100.0)
    assert lab.effects() == [1, 1, 0, 1, 1]
    assert fates(lab) == {2: Fate.LOST_ACKED_BEFORE_PROCESSING}


def test_KC_11_commit_after_each_record_repeats_at_most_one():
    # Each record 1 s and its commit 0.2 s: at 2.3, two are done and one committed.
    lab = Lab(np.zeros(5), np.ones(5), 1.0, per_record=1, commit_s=0.2, **PROGRAM)
    lab.at(2.3, "crash", 1).run(100.0)
    assert lab.effects() == [1, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("wait", "done_s"), [(1, [1.2, 2.4, 3.6]), (0, [1.0, 2.0, 3.0])], ids=["sync", "async"]
)
def test_KC_14_only_a_synchronous_commit_is_waited_for(wait, done_s):
    lab = Lab(np.zeros(3), np.zeros(3), 1.0, per_record=1, commit_s=0.2, wait=wait, **PROGRAM)
    lab.run(10.0)
    at_s = lab.topic.to_messages(lab.group.state.done_s, np.inf)
    np.testing.assert_allclose(np.diff(at_s), np.diff(done_s))
    assert lab.committed() == [3, 0]


def test_KC_14_an_asynchronous_commit_fails_silently_and_the_next_one_makes_up_for_it():
    # Cut off while it commits at 1; the next commit, at 2, covers both.
    lab = Lab(np.zeros(3), np.zeros(3), 1.0, max_poll_records=1, wait=0, **PROGRAM)
    lab.at(0.5, "cut_off", 0).at(1.5, "reconnect", 0).run(1.9)
    assert lab.committed() == [0, 0]
    lab.run(2.1)
    assert lab.committed() == [2, 0]


def test_KC_14_a_synchronous_commit_is_sent_again_when_the_connection_is_back():
    lab = Lab(np.zeros(2), np.zeros(2), 1.0, max_poll_records=1, commit_s=0.1, **PROGRAM)
    done_s = lab.at(0.5, "cut_off", 0).at(1.5, "reconnect", 0).run(10.0)
    np.testing.assert_allclose(done_s, [1.0, 2.6])


def test_KC_13_librdkafka_loses_the_record_in_progress():
    # As measured with the real client: killed while it works on record 2, committed is 3.
    lab = Lab(np.zeros(4), np.ones(4), 1.0, handed=1, **LIBRDKAFKA).at(2.5, "crash", 1)
    lab.run(2.6)
    assert lab.committed() == [0, 3]
    lab.run(100.0)
    assert lab.effects() == [1, 1, 0, 1]
    assert fates(lab) == {2: Fate.LOST_ACKED_BEFORE_PROCESSING}


def test_KC_13_storing_offsets_after_processing_loses_nothing():
    lab = Lab(np.zeros(4), np.ones(4), 1.0, **LIBRDKAFKA).at(2.5, "crash", 1)
    lab.run(2.6)
    assert lab.committed() == [0, 2]
    lab.run(100.0)
    assert lab.effects() == [1, 1, 1, 1]


def test_KC_13_the_timer_commits_beside_the_processing_and_stops_with_the_process():
    # Of a record of 10 s, commits at 0.3, 0.6, …; none while paused from 1 to 3.
    lab = Lab(np.zeros(2), np.zeros(2), [0.5, 10.0], handed=1, **LIBRDKAFKA)
    lab.at(1.0, "pause", 0, 2.0).run(2.9)
    assert lab.group.state.commit_s[0] == pytest.approx(0.9)
    lab.run(3.2)
    assert lab.group.state.commit_s[0] == pytest.approx(3.0)
    assert lab.committed() == [2, 0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_KC_11_at_least_once_never_loses_and_at_most_once_never_repeats(seed):
    rng = np.random.default_rng(seed)
    before = bool(rng.integers(2))
    per_record = int(rng.integers(2))
    lab = Lab(
        np.sort(rng.uniform(0.0, 60.0, 60)), rng.integers(0, 4, 60), rng.uniform(0.1, 1.0, 60),
        partitions=4, members=3, protocol=str(rng.choice(["eager", "cooperative", "consumer"])),
        terms={"session_s": 6.0, "rebalance_s": 1.0, "heartbeat_s": 2.0, "round_trip_s": 0.1},
        before=int(before), handed=int(before and not per_record), per_record=per_record,
        commit_s=0.1, max_poll_records=int(rng.integers(1, 9)), max_poll_s=9.0, **PROGRAM,
    )  # fmt: skip
    for at_s in rng.uniform(1.0, 60.0, 6):
        m = int(rng.integers(3))
        verb = str(rng.choice(["crash", "pause", "cut_off", "terminate"]))
        more = {"pause": (float(rng.uniform(1.0, 15.0)),), "terminate": (2.0,)}.get(verb, ())
        lab.at(at_s, verb, m, *more)
        lab.at(at_s + float(rng.uniform(0.5, 12.0)), "reconnect", m)
        lab.at(at_s + float(rng.uniform(2.5, 12.0)), "restart", m)
    lab.run(2_000.0)
    assert sum(lab.committed()) == 60
    assert max(lab.effects()) <= 1 if before else min(lab.effects()) >= 1


def test_KC_18_a_poisonous_record_blocks_its_partition_and_no_other():
    # Record 1 fails at 2 and is tried again for ever; partition 1 of the same consumer goes on.
    lab = Lab(
        np.zeros(6), [0, 0, 0, 1, 1, 1], 1.0, members=1,
        bad=[(1, False)], on_failure={"backoff": 2.0}, max_poll_records=2,
    )  # fmt: skip
    lab.run(60.0)
    assert lab.effects() == [1, 0, 0, 1, 1, 1]
    assert lab.committed() == [1, 3]
    assert lab.group.settled() == 4


@pytest.mark.parametrize(
    ("then", "fate"), [("skip", Fate.LOST_REJECTED), ("dead-letter", Fate.DEAD_LETTERED)]
)
def test_KC_18_a_poisonous_record_is_given_up_after_its_attempts(then, fate):
    # 1 s of work, failed at 2; 2 s of waiting and 1 s of work, failed at 5 and given up; 2 at 6.
    lab = Lab(
        np.zeros(3), np.zeros(3), 1.0, members=1,
        bad=[(1, False)], on_failure={"attempts": 2, "backoff": 2.0, "then": then},
    )  # fmt: skip
    np.testing.assert_allclose(lab.run(60.0), [1.0, np.inf, 6.0])
    assert lab.said[0][0] == 5.0
    assert fates(lab) == {1: fate}
    assert lab.committed() == [3, 0]


def test_KC_18_a_program_that_stops_at_a_poisonous_record_leaves_it_to_the_others_who_stop_too():
    lab = Lab(
        np.zeros(3), np.ones(3), 1.0, bad=[(1, False)], on_failure={"attempts": 1, "then": "stop"}
    )
    lab.run(60.0)
    assert [lab.coordinator.alive(m) for m in range(2)] == [False, False]
    assert lab.effects() == [1, 0, 0]
    assert [text for _, text in lab.said if "stopped" in text] == [
        "consumer 1 stopped at a record", "consumer 0 stopped at a record"
    ]  # fmt: skip


def test_KC_18_a_record_that_kills_kills_whoever_gets_it():
    # Killed at 2; missed at 47 and assigned anew at 50, it kills the other one at 51 (what the
    # first had done was not committed), which is back at 56, but waits for its own session.
    lab = Lab(np.zeros(3), np.ones(3), 1.0, bad=[(1, True)])
    lab.run(60.0)
    assert lab.said[0] == (2.0, "consumer 1 killed by a record")
    assert [t for t, text in lab.said if "killed" in text] == [2.0, 52.0]
    assert lab.effects()[1:] == [0, 0]
