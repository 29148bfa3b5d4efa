"""Batches that are handed over again: what is in hand, and what is left of it."""

import numpy as np
import pytest

from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.log import retried
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.topic import Topic


def group(n=10, age_s=np.inf):
    """``n`` records of 1 s that arrive at 0, 1, ... s and are handed over together at ``n`` s."""
    rows, seen_s = np.arange(n, dtype=np.int32), np.full(n, float(n))
    topic = Topic.of_records(seen_s, 1, rows, np.zeros(n, np.int32), seen_s)
    reading = Reading(
        max_poll_records=100, chunk_records=100, min_records=1, max_wait_s=0.0, fetch_s=0.0,
        per_batch_s=0.0, auto_commit_s=-1.0, commit_s=0.0, wait=0, max_age_s=age_s,
    )  # fmt: skip
    its = Group(topic, np.ones(n, np.float32), 1, reading, np.array([0.0]))
    its.reassign(0, [0], 0.0)
    return its, Environment([topic, its])


def test_a_batch_is_handed_over_again_in_pieces_one_after_the_other():
    its, env = group()
    env.run(13.5)
    assert retried.batch(its, 0) == (0, 0, 10)
    retried.rewind(its, 0, 13.5, 20.0, [4, 3, 3])
    assert its.counts.polls == 1 and its.position[0] == 0
    env.run(22.5)
    assert (its.counts.polls, its.position[0], its.committed[0]) == (2, 4, 0)
    env.run(24.5)
    assert (its.counts.polls, its.position[0], its.committed[0]) == (3, 7, 4)
    retried.rewind(its, 0, 24.5, 24.5, [1, 2])  # before the piece that waits
    env.run(40.0)
    assert its.counts.polls == 6 and its.committed[0] == 10
    assert its.effects.tolist() == [2, 2, 2] + [1] * 7
    np.testing.assert_allclose(its.done_s[3:], 20.0 + np.array([4, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5]))
    its.finish(40.0)
    assert its.counts.handed - its.runs.distinct() == 10 + 3


def test_pieces_are_all_of_the_batch():
    its, env = group()
    env.run(13.5)
    with pytest.raises(AssertionError):
        retried.rewind(its, 0, 13.5, 20.0, [4, 3])


def test_what_a_batch_has_done_can_be_kept_and_the_rest_given_up():
    its, env = group()
    env.run(13.5)
    retried.checkpoint(its, 0, 13.5)
    assert retried.batch(its, 0) == (0, 3, 10)
    retried.give_up(its, 0, 13.5, Fate.LOST_REJECTED)
    env.run(20.0)
    assert its.committed[0] == 10 and its.effects.tolist() == [1] * 3 + [0] * 7
    assert its.poisoned.passed == {(0, at): Fate.LOST_REJECTED for at in range(3, 10)}


def test_of_pieces_that_wait_what_is_too_old_goes_first():
    its, env = group(age_s=60.0)
    retried.limit_age(its, np.arange(10.0))
    env.run(12.5)
    stops = []

    def drop():
        dropped = retried.drop_old(its, 0, env.now, Fate.DEAD_LETTERED)
        waits = its.state.members.fetched[0], its.state.members.pieces_n[0]
        stops.append((env.now, dropped, waits))

    its.after_stop = drop
    retried.rewind(its, 0, 12.5, 65.0, [3, 4, 3])  # those that came at 0 to 5 s are too old then
    env.run(65.5)
    assert stops == [(65.0, 6, (1, 1))]
    assert (its.position[0], its.committed[0]) == (7, 6)
    env.run(80.0)
    assert retried.aged(its) == [] and its.committed[0] == 10


def test_what_is_not_yet_handed_out_is_not_too_old_before_it_is():
    rows, seen_s = np.arange(4, dtype=np.int32), np.array([70.0, 70.0, 80.0, 80.0])
    topic = Topic.of_records(seen_s, 1, rows, np.zeros(4, np.int32), seen_s)
    its = Group(topic, np.ones(4, np.float32), 1, group(age_s=60.0)[0].reading, np.array([0.0]))
    its.reassign(0, [0], 0.0)
    retried.limit_age(its, np.arange(4.0))
    env, dropped = Environment([topic, its]), []
    its.after_stop = lambda: dropped.append(
        (env.now, retried.drop_old(its, 0, env.now, Fate.DEAD_LETTERED))
    )
    env.run(90.0)
    assert dropped == [(70.0, 2), (80.0, 2)] and its.counts.polls == 0
