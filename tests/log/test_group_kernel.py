"""How members poll, process and commit, and where they go on (KC-10 to KC-14, KB-09, KB-10)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.alone import advance, alone
from helpers.group_lab import Lab
from helpers.reader import Reader
from models.plain_log import Settings
from sim.engine.outcome import Fate
from sim.log import group_state as k
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
    at_s = lab.topic.to_messages(lab.group.done_s, np.inf)
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
    assert lab.group.state.offsets.commit_s[0] == pytest.approx(0.9)
    lab.run(3.2)
    assert lab.group.state.offsets.commit_s[0] == pytest.approx(3.0)
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


def test_KC_10_committed_is_the_next_offset_to_read():
    # Three records of 0.1 s from 0.010 on, committed at 0.310 + 0.005.
    s = Settings(auto_commit_s=-1.0, commit_s=0.005, fetch_s=0.010)
    topic, group = alone(s, [0.0, 0.0, 0.0], 0.1, grid_s=[0.0, 0.314, 0.316])
    advance((topic, group), 1.0)
    group.finish(1.0)
    assert np.asarray(group.state.samples.committed)[:, 0].tolist() == [0, 0, 3]
    assert np.asarray(group.state.samples.position)[:, 0].tolist() == [0, 3, 3]


def test_KC_12_auto_commit_happens_inside_poll_of_what_was_processed_before():
    # Polls of three at 0, 3, 6, …; the first at or after 5 s is at 6 s and commits six, not nine.
    s = Settings(max_poll_records=3, auto_commit_s=5.0)
    grid_s = [5.9, 6.0, 11.9, 12.0]
    topic, group = alone(s, np.zeros(20), 1.0, grid_s=grid_s)
    advance((topic, group), 12.5)
    group.finish(12.5)
    assert np.asarray(group.state.samples.committed)[:, 0].tolist() == [0, 6, 6, 12]
    assert np.asarray(group.state.samples.position)[:, 0].tolist() == [6, 9, 12, 15]


@pytest.mark.parametrize("min_records", [1, 3])
def test_KC_12_an_idle_consumer_commits_on_time(min_records):
    # One record of 3.1 s, done a second later or, where the fetch waits for more, at 3.5 + 1 s.
    s = Settings(auto_commit_s=5.0, min_records=min_records)
    topic, group = alone(s, [3.1], 1.0, grid_s=[4.999, 5.001])
    advance((topic, group), 60.0)
    group.finish(60.0)
    assert np.asarray(group.state.samples.committed)[:, 0].tolist() == [0, 1]
    assert group.done_s[0] == pytest.approx(4.1 if min_records == 1 else 4.5)


def test_KC_12_a_paused_consumer_does_not_commit():
    # Idle from 1 s; paused from 4 to 8 s, over the commit due at 5 s, and killed at 7 s.
    s = Settings(auto_commit_s=5.0)
    topic, group = alone(s, [0.0], 1.0)
    advance((topic, group), 4.0)
    group.pause(0, 4.0, 4.0)
    advance((topic, group), 7.0)
    group.crash(0, 7.0)
    assert group.committed[0] == 0


def test_fetch_min_bytes_waits_for_records_until_the_longest_wait():
    # Three are there at 0.4 and done at 0.7; the next wait ends at 1.2 with the one of 1.0 s.
    s = Settings(min_records=3, max_wait_s=0.5)
    topic, group = alone(s, [0.1, 0.2, 0.4, 1.0], 0.1)
    advance((topic, group), 5.0)
    np.testing.assert_allclose(group.done_s, [0.5, 0.6, 0.7, 1.3])


def test_max_poll_records_and_max_partition_fetch_bytes_take_turns_over_partitions():
    # A chunk holds four records, a poll three: p0 3, p0 1 + p1 2, p1 2 + p0 1, …
    s = Settings(partitions=2, max_poll_records=3, chunk_records=4, auto_commit_s=-1.0)
    topic, group = alone(s, np.zeros(12), 1.0, partition_of=np.arange(12) // 6)
    positions = []
    for until_s in (0.5, 3.5, 6.5, 9.5):
        advance((topic, group), until_s)
        positions.append(group.position.tolist())
    assert positions == [[3, 0], [4, 2], [5, 4], [6, 6]]


def test_KB_09_latest_skips_the_whole_backlog():
    # Records 0, 1, 2 are done at 10, 20, 30; at 25, with 2 in work, those before 20 are deleted.
    reader = Reader().delete(25.0, before=20).run(35.0)
    assert reader.jumps() == [(0, 3, 31, 20, 0, 30.0)]
    assert reader.read() == [0, 1, 2]
    reader = Reader().delete(25.0, before=20).run(45.0)
    assert reader.read() == [0, 1, 2, 31]
    assert reader.group.committed[0] == 32


def test_KB_09_earliest_skips_what_was_deleted():
    reader = Reader(reset=k.EARLIEST).delete(25.0, before=20).run(45.0)
    assert reader.jumps() == [(0, 3, 20, 20, 0, 30.0)]
    assert reader.read() == [0, 1, 2, 20]


def test_KB_09_by_duration_goes_back_so_far_but_not_before_the_log_start():
    reader = Reader(reset=k.BY_DURATION, reset_s=4.0).delete(25.0, before=20).run(35.0)
    assert reader.jumps() == [(0, 3, 26, 20, 0, 30.0)]
    reader = Reader(reset=k.BY_DURATION, reset_s=60.0).delete(25.0, before=20).run(35.0)
    assert reader.jumps() == [(0, 3, 20, 20, 0, 30.0)]


def test_KB_09_none_stops_the_group_at_the_fetch_that_finds_nothing():
    reader = Reader(reset=k.NONE).delete(25.0, before=20)
    called_s = []
    reader.group.after_stop = lambda: (called_s.append(reader.env.now), reader.group.crash(0, 30.0))
    reader.run(60.0)
    assert called_s == [30.0]
    assert reader.read() == [0, 1, 2]
    assert reader.group.committed[0] == 3


def test_KB_09_none_leaves_a_member_that_is_held_alone():
    reader = Reader(reset=k.NONE).delete(25.0, before=20)
    reader.group.hold(0, 0.0)
    reader.run(60.0)
    assert reader.group.held(0)
    assert reader.read() == []


def test_KB_09_what_the_client_has_fetched_is_still_processed():
    # Fetched at 30 are 0 to 30, handed out in tens; at 35, those before 32 are deleted.
    reader = Reader(work_s=1.0, fetched=1_000, polled=10)
    reader.group.pause(0, 0.0, 30.0)
    reader.delete(35.0, before=32).run(64.0)
    assert reader.jumps() == [(0, 31, 62, 32, 0, 61.0)]
    assert reader.read() == [*range(31), 62, 63]
    # Those before 31 only: the next one, 31, is still there.
    reader = Reader(work_s=1.0, fetched=1_000, polled=10)
    reader.group.pause(0, 0.0, 30.0)
    reader.delete(35.0, before=31).run(64.0)
    assert reader.jumps() == []
    assert reader.read() == list(range(34))


def test_KB_09_a_waiting_consumer_is_not_moved():
    reader = Reader(records=3, work_s=0.1).delete(50.0, before=3).run(60.0)
    assert reader.jumps() == []
    assert reader.read() == [0, 1, 2]


def test_KB_10_without_a_commit_a_group_begins_at_the_end_or_at_the_beginning():
    late = Reader(committed=False, work_s=0.1)
    late.group.crash(0, 0.0)

    def join(reader):
        def process():
            yield reader.env.timeout(40.5)
            reader.group.join(0, 40.5)
            reader.group.assign([[0]], 40.5)

        reader.env.process(process())
        return reader

    join(late).run(150.0)
    assert late.read() == list(range(41, 100))
    early = Reader(committed=False, work_s=0.1, reset=k.EARLIEST)
    early.group.crash(0, 0.0)
    join(early).run(150.0)
    assert early.read() == list(range(100))


def test_KB_10_a_group_that_never_read_has_committed_nothing():
    reader = Reader(committed=False)
    reader.group.crash(0, 0.0)
    reader.run(50.0)
    assert reader.group.committed[0] == k.NOWHERE
    assert reader.group.settled() == 0


def test_KB_10_a_member_held_before_its_first_fetch_has_nothing_to_commit():
    for committed, at_s in ((True, 0.0), (False, -np.inf)):
        reader = Reader(committed=committed)
        reader.group.reading = reader.group.reading._replace(auto_commit_s=5.0)
        reader.group.hold(0, 0.0)
        assert reader.group.held(0)
        assert reader.group.state.offsets.commit_s[0] == at_s
