"""Where a group goes on reading: after deletions, without a commit, and when it seeks."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.group_lab import Lab
from helpers.log_scenarios import Verbs, coordinator_of, reading_of, scenario, topic_of
from models.plain_log import Settings
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.log import group_state as k
from sim.log.fates import unread
from sim.log.group import Group
from sim.log.handed_out import Runs
from sim.log.retention import Limits, Retention


class Reader:
    """One partition, a record a second from 0 on, and one consumer that takes 10 s for each."""

    def __init__(
        self, records=100, work_s=10.0, fetched=1, polled=1, reset=k.LATEST, reset_s=0.0, **group
    ):
        s = Settings(max_poll_records=polled, chunk_records=fetched, auto_commit_s=-1.0)
        self.topic = topic_of(s, np.arange(float(records)), np.zeros(records, int))
        reading = reading_of(s)._replace(reset=reset, reset_s=reset_s)
        work = np.full(records, work_s, np.float32)
        self.group = Group(self.topic, work, 1, reading, np.arange(0.0, 200.0, 10.0), **group)
        self.group.assign([[0]], 0.0)
        self.env = Environment([self.topic, self.group])

    def delete(self, at_s, before):
        def process():
            yield self.env.timeout(at_s)
            self.topic.log.first[0] = before
            self.group.deleted(at_s)

        self.env.process(process())
        return self

    def seek(self, at_s, to):
        def process():
            yield self.env.timeout(at_s)
            self.group.seek(np.array([to]), at_s)

        self.env.process(process())
        return self

    def run(self, until_s):
        self.env.run(until_s)
        self.group.finish(until_s)
        return self

    def read(self):
        return np.flatnonzero(self.group.state.effects).tolist()

    def jumps(self):
        s = self.group.state
        n = s.jumped[0]
        return [(*row.tolist(), at) for row, at in zip(s.jumps[:n], s.jump_s[:n], strict=True)]


def test_KB_09_latest_skips_the_whole_backlog():
    # Records 0, 1, 2 are done at 10, 20, 30; at 25, with 2 in work, those before 20 are deleted.
    reader = Reader().delete(25.0, before=20).run(35.0)
    assert reader.jumps() == [(0, 3, 31, 20, 0, 30.0)]
    assert reader.read() == [0, 1, 2]
    reader = Reader().delete(25.0, before=20).run(45.0)
    assert reader.read() == [0, 1, 2, 31]
    assert reader.group.state.committed[0] == 32


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
    reader.group.decide = lambda: (called_s.append(reader.env.now), reader.group.crash(0, 30.0))
    reader.run(60.0)
    assert called_s == [30.0]
    assert reader.read() == [0, 1, 2]
    assert reader.group.state.committed[0] == 3


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


SKIPS = {
    # Record 6 is done at 21, and then: 0 at 24, 1 fails at 27, …, 5 at 39.
    "to an offset": (0, 0, [1, 5], [6.0, 18.0, 27.0, 39.0]),
    "to the beginning": (k.BEGINNING, 0, [1, 5], [6.0, 18.0, 27.0, 39.0]),
    # 4 is done at 24, and 5 fails for the second time at 27.
    "to a beginning that moved": (k.BEGINNING, 4, [2, 5, 8], [9.0, 18.0, 27.0, 36.0]),
    # 22 is there at 22; 25 fails at 34.
    "to the end": (k.END, 0, [8, 25], [34.0]),
    "beyond the end": (100, 0, [8, 25], [34.0]),
    "reset": (k.NOWHERE, 15, [8, 25], [34.0]),
}
"""Where to, what is deleted before, what is poisonous, and when it is skipped."""


@pytest.mark.parametrize("how", SKIPS)
def test_KC_18_after_a_jump_the_handler_fails_on_what_is_poisonous_there(how):
    to, first, bad, skipped_s = SKIPS[how]
    lab = Lab(
        np.arange(40.0), np.zeros(40), 3.0, members=1, max_poll_records=1, chunk_records=1,
        bad=[(record, False) for record in bad], on_failure={"attempts": 1, "then": "skip"},
    )  # fmt: skip

    def jump():
        yield lab.env.timeout(20.5)
        lab.topic.log.first[0] = first
        lab.group.deleted(20.5)
        lab.group.seek(np.full(2, to), 20.5)

    lab.env.process(jump())
    lab.run(200.0)
    assert lab.said == [(at_s, "consumer 0 skipped a record") for at_s in skipped_s]
    assert not np.array(lab.effects())[bad].any()


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
    assert reader.group.state.committed[0] == k.NOWHERE
    assert reader.group.settled() == 0


def test_a_seek_back_reads_again_and_moves_the_committed_offset_back():
    # Record 2 is in work at 25; then the group goes on from 0.
    reader = Reader().seek(25.0, 0).run(65.0)
    assert reader.jumps() == [(0, 3, 0, 0, 1, 30.0)]
    assert reader.group.state.effects[:4].tolist() == [2, 2, 2, 0]
    assert reader.group.state.grid_committed[[2, 3, 4], 0].tolist() == [2, 0, 1]
    assert reader.group.runs.distinct() == 4


@pytest.mark.parametrize(("to", "went"), [(k.BEGINNING, 0), (k.END, 31), (1_000, 31), (17, 17)])
def test_a_seek_to_a_place_that_is_not_there_is_reset(to, went):
    reader = Reader().seek(25.0, to).run(30.0)
    assert [jump[2] for jump in reader.jumps()] == [went]


def test_a_seek_of_a_waiting_consumer_acts_at_once_and_drops_what_was_fetched():
    reader = Reader(records=5, work_s=0.1, polled=2).seek(50.0, 3).run(60.0)
    assert reader.jumps() == [(0, 5, 3, 0, 1, 50.0)]
    assert reader.group.state.effects.tolist() == [1, 1, 1, 2, 2]
    fetched = Reader(work_s=1.0, fetched=1_000, polled=2)
    fetched.group.pause(0, 0.0, 30.0)
    fetched.seek(31.0, 20).run(33.0)
    assert fetched.read() == [0, 1, 20]


def test_distinct_offsets_of_runs_that_touch_overlap_or_stand_apart():
    rng = np.random.default_rng(1)
    for _ in range(200):
        runs = Runs(np.array([-1, 0]))
        seen = [set(), set()]
        began = [0, 0]
        for _ in range(rng.integers(1, 8)):
            p, length, to = rng.integers(2), rng.integers(0, 6), rng.integers(0, 30)
            seen[p] |= set(range(began[p], began[p] + length))
            runs.close([p], np.array([began[p] + length]), np.array([to]))
            began[p] = int(to)
        assert runs.distinct() == len(seen[0]) + len(seen[1])


def storm(seed):
    """A group under random faults, deletions and seeks, looked at again and again, to its end."""
    rng = np.random.default_rng(seed)
    s, created_s, partition_of, size_bytes, work_s, until_s, faults = scenario(rng)
    s = replace(s, before=False, handed=False)  # at least once
    topic = topic_of(s, created_s, partition_of, size_bytes)
    reading = reading_of(s)._replace(reset=int(rng.integers(3)), reset_s=rng.uniform(0.1, 3.0))
    group = Group(topic, work_s, s.members, reading, np.zeros(0), committed=bool(rng.integers(2)))
    limits = Limits(
        retention_s=rng.uniform(0.3, 5.0),
        retention_bytes=np.inf,
        segment_s=rng.uniform(0.1, 1.0),
        segment_bytes=1 << 30,
        check_s=rng.uniform(0.2, 1.0),
    )
    retention = Retention(topic, size_bytes.astype(np.int32), limits)
    env = Environment([topic, group])
    coordinator = coordinator_of(s, env, group)
    random_faults.inject(env, faults, Verbs(coordinator))
    env.process(retention.run(env, group.deleted))

    def seek():
        for at_s in np.sort(rng.uniform(0.0, 10.0, rng.integers(3))):
            yield env.timeout(at_s - env.now)
            coordinator.seek(float(rng.choice([-np.inf, np.inf, rng.uniform(0.0, at_s)])))

    committed, jumped = group.state.committed.copy(), 0

    def watch():
        nonlocal jumped
        for at_s in np.sort(rng.uniform(0.0, until_s, 40)):
            yield env.timeout(at_s - env.now)
            state = group.state
            jumps, jumped = state.jumps[jumped : state.jumped[0]], int(state.jumped[0])
            back = np.flatnonzero(state.committed < committed)
            assert set(back) <= set(jumps[jumps[:, 4] == 1, 0])  # only a seek moves it back
            assert (state.committed <= state.processed).all()
            assert (state.processed <= state.position).all()
            assert (state.position <= topic.log.end).all()
            assert (topic.log.first <= topic.readable(env.now)).all()
            committed[:] = state.committed

    env.process(seek())
    env.process(watch())
    env.run(until_s)
    group.finish(until_s)
    return topic, group


def test_KB_09_under_faults_and_seeks_every_record_is_processed_or_lost_or_still_to_come():
    seen = Counter()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        topic, group = storm(seed)
        state = group.state
        jumps = state.jumps[: state.jumped[0]]
        fate = unread(group)
        fate = np.zeros(state.effects.size, np.uint8) if fate is None else fate
        in_hand = {
            (p, offset)
            for zombie in group.zombies.values()
            for p, low, high in zombie.in_hand()
            for offset in range(low, high)
        }
        for p, base in enumerate(topic.log.start[:-1]):
            mine = jumps[jumps[:, 0] == p]
            for offset in range(topic.log.end[p]):
                said = Fate(int(fate[base + offset]))
                if state.effects[base + offset] or (p, offset) in in_hand:
                    continue
                seen[said.label] += 1
                if said is Fate.LOST_RETENTION:
                    assert offset < topic.log.first[p]
                elif said is Fate.LOST_OFFSET_RESET:
                    assert any(max(frm, first) <= offset < to for _, frm, to, first, _ in mine)
                else:
                    assert said is Fate.UNFINISHED
                    assert offset >= min(max(state.committed[p], 0), max(state.processed[p], 0))
        assert int((state.effects > 0).sum()) <= group.runs.distinct() <= group.counts[k.HANDED]
        seen["resets"] += bool((jumps[:, 4] == 0).any())
        seen["seeks"] += bool((jumps[:, 4] == 1).any())

    check()
    assert min(seen["resets"], seen["seeks"]) > 25, seen
    assert min(seen[fate.label] for fate in (Fate.LOST_RETENTION, Fate.LOST_OFFSET_RESET)) > 100
