"""Where a group goes on reading: after deletions, without a commit, and when it seeks."""

import numpy as np
import pytest
from plain_log import Settings
from test_log import reading_of, topic_of

from sim.environment import Environment
from sim.kernels import log as k
from sim.log.group import Group
from sim.log.runs import Runs


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
