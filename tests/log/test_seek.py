"""Where in a log a time is, and a group that goes on from there."""

import numpy as np
import pytest

from helpers.log_scenarios import topic_of
from helpers.reader import Reader
from models.plain_log import Settings
from sim.log import group_state as k
from sim.log.seek import offsets_at


def test_a_seek_back_reads_again_and_moves_the_committed_offset_back():
    # Record 2 is in work at 25; then the group goes on from 0.
    reader = Reader().seek(25.0, 0).run(65.0)
    assert reader.jumps() == [(0, 3, 0, 0, 1, 30.0)]
    assert reader.group.effects[:4].tolist() == [2, 2, 2, 0]
    assert np.asarray(reader.group.state.samples.committed)[[2, 3, 4], 0].tolist() == [2, 0, 1]
    assert reader.group.runs.distinct() == 4


@pytest.mark.parametrize(("to", "went"), [(k.BEGINNING, 0), (k.END, 31), (1_000, 31), (17, 17)])
def test_a_seek_to_a_place_that_is_not_there_is_reset(to, went):
    reader = Reader().seek(25.0, to).run(30.0)
    assert [jump[2] for jump in reader.jumps()] == [went]


@pytest.mark.parametrize(("to", "went"), [(31, 31), (32, 0)])
def test_KB_10_a_seek_to_a_time_after_the_last_record_waits_at_the_end(to, went):
    # The end is a place of the log, and is not reset; beyond it is none.
    reader = Reader(reset=k.EARLIEST).seek(25.0, to).run(30.0)
    assert [jump[2] for jump in reader.jumps()] == [went]


def test_a_seek_of_a_waiting_consumer_acts_at_once_and_drops_what_was_fetched():
    reader = Reader(records=5, work_s=0.1, polled=2).seek(50.0, 3).run(60.0)
    assert reader.jumps() == [(0, 5, 3, 0, 1, 50.0)]
    assert reader.group.effects.tolist() == [1, 1, 1, 2, 2]
    fetched = Reader(work_s=1.0, fetched=1_000, polled=2)
    fetched.group.pause(0, 0.0, 30.0)
    fetched.seek(31.0, 20).run(33.0)
    assert fetched.read() == [0, 1, 20]


@pytest.mark.parametrize(
    ("to_s", "offsets"),
    [(-1.0, [0, 0]), (2.0, [1, 1]), (2.5, [2, 1]), (4.0, [2, 2]), (9.0, [2, 3])],
)
def test_the_first_offset_of_a_time_or_the_log_end(to_s, offsets):
    topic = topic_of(Settings(partitions=2, ack_s=0.1), [0.0, 1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1, 1])
    topic.advance(10.0)
    at, end = offsets_at(topic, to_s, 10.0)
    assert (at.tolist(), end.tolist()) == (offsets, [2, 3])
