"""KB-07: what an unclean election takes from a log, and what readers make of it."""

import numpy as np
import pytest

from sim.injection.poison import ALWAYS, Poison
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.topic import Topic
from sim.log.truncation import done_s, truncate

READING = k.Reading(
    max_poll_records=500, chunk_records=500, min_records=1, max_wait_s=0.5, fetch_s=0.0,
    per_batch_s=0.0, auto_commit_s=0.25, commit_s=0.0,
)  # fmt: skip


def reader(topic, work_s=0.5, **changes):
    work_s = np.full(topic.created_s.size, work_s, np.float32)
    group = Group(topic, work_s, 1, READING._replace(**changes), np.arange(0.0, 12.0, 0.5))
    group.assign([[0]], 0.0)
    return group


def every_second(n, messages):
    """A topic of one partition; message i, of ``messages``, is readable at i s, up to n - 1."""
    topic = Topic.empty(np.arange(float(messages)), np.array([n]))
    topic.put(0, np.arange(n, dtype=np.int32), np.arange(float(n)))
    return topic


def test_a_group_keeps_what_it_did_and_goes_back_to_the_new_end():
    topic = every_second(7, 9)
    group = reader(topic)
    group.advance(6.2)  # 3, 4 and 5 are done, 6 is in hand
    truncate(topic, [group], 0, 3, 6.2)
    assert topic.log.end[0] == group.position[0] == group.committed[0] == 3
    (gone,) = group.truncated
    assert gone.message.tolist() == [3, 4, 5, 6]
    assert gone.effects.tolist() == [1, 1, 1, 0]
    assert gone.done_s.tolist() == [3.5, 4.5, 5.5, np.inf]
    topic.put(0, np.array([7, 8], np.int32), np.array([7.0, 8.0]))
    group.advance(11.0)
    group.finish(11.0)
    assert topic.log.message[:5].tolist() == [0, 1, 2, 7, 8]
    assert group.effects[:5].tolist() == [1, 1, 1, 1, 1]
    assert group.done_s[:5].tolist() == [0.5, 1.5, 2.5, 7.5, 8.5]
    assert group.committed[0] == 5
    assert done_s(group, 0, 6.1).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, np.inf]
    assert done_s(group, 0, 6.2).tolist() == [0.5, 1.5, 2.5, 7.5, 8.5]
    assert topic.readable_s(0, 6.1).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert topic.readable_s(0, 6.2).tolist() == topic.readable_s(0).tolist() == [0, 1, 2, 7, 8]
    assert group.counts.handed == group.runs.distinct() == 9
    assert group.counts.given_up == 1
    assert topic.log_end(np.array([2.5, 6.1, 6.2, 7.5, 8.0]))[:, 0].tolist() == [3, 7, 3, 4, 5]


def test_a_group_that_is_behind_never_sees_what_was_cut_off():
    topic = every_second(7, 9)
    group = reader(topic, work_s=3.0)
    group.advance(6.2)  # 0 and 1 are done, 2 to 6 are readable
    before = group.position[0]
    truncate(topic, [group], 0, before, 6.2)
    topic.put(0, np.array([7, 8], np.int32), np.array([7.0, 8.0]))
    group.advance(40.0)
    group.finish(40.0)
    kept = [*range(before), 7, 8]
    assert topic.log.message[: len(kept)].tolist() == kept
    assert group.effects[: len(kept)].tolist() == [1] * len(kept)
    assert sum(gone.effects.sum() for gone in group.truncated) == 0


def test_what_a_client_has_fetched_of_it_and_not_handed_over_is_gone_too():
    """Ten are fetched at once, and handed over one by one, a second each."""
    topic = Topic.empty(np.zeros(12), np.array([10]))
    topic.put(0, np.arange(10, dtype=np.int32), np.zeros(10))
    group = reader(topic, work_s=1.0, max_poll_records=1)
    group.advance(2.5)
    assert group.state.members.fetched[0] == 7
    truncate(topic, [group], 0, 4, 2.5)
    assert group.state.members.fetched[0] == 1
    topic.put(0, np.array([11], np.int32), np.array([6.0]))
    group.advance(11.0)
    group.finish(11.0)
    assert topic.log.message[:5].tolist() == [0, 1, 2, 3, 11]
    assert group.done_s[:5].tolist() == [1.0, 2.0, 3.0, 4.0, 7.0]
    assert group.position[0] == 5 and group.counts.handed == 5


@pytest.mark.parametrize(
    "commit",
    [{"per_record": 1}, {"before": 1, "handed": 1}, {"before": 1, "per_record": 1}, {"wait": 0}],
)
def test_whatever_the_order_of_commit_and_work_nothing_gets_out_of_step(commit):
    """The state's own complaints are asserted at each advance."""
    topic = every_second(7, 40)
    group = reader(topic, work_s=0.7, auto_commit_s=-1.0, commit_s=0.05, **commit)
    for to, at_s in ((5, 6.2), (5, 6.3), (2, 8.0), (0, 9.1)):
        group.advance(at_s)
        truncate(topic, [group], 0, min(to, topic.log.end[0]), at_s)
        n = int(at_s)
        topic.put(0, np.arange(n, n + 3, dtype=np.int32), np.full(3, at_s + 0.1))
    group.advance(30.0)
    group.finish(30.0)
    assert group.processed[0] == group.committed[0] == topic.log.end[0] == 3
    assert topic.log.message[:3].tolist() == [9, 10, 11]
    assert group.effects[:3].tolist() == [1, 1, 1]


def test_a_poisonous_record_that_was_cut_off_is_not_met_again():
    topic = every_second(7, 9)
    one = np.array([5], np.int64)
    poison = Poison(one, np.array([False]), np.array([ALWAYS], np.int32), np.array([np.inf]))
    work_s = np.full(9, 0.5, np.float32)
    group = Group(topic, work_s, 1, READING, np.zeros(0), poison=poison)
    group.assign([[0]], 0.0)
    group.advance(4.8)
    assert group.poisoned.bad.keys() == {(0, 5)}
    truncate(topic, [group], 0, 5, 4.8)
    topic.put(0, np.array([7, 8, 5], np.int32), np.array([6.0, 7.0, 8.0]))
    group.advance(8.2)
    assert group.poisoned.bad.keys() == {(0, 7)}
    assert group.done_s[:7].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 6.5, 7.5]
    assert not group.failed()
    group.advance(8.6)
    assert group.failed() == [0]
