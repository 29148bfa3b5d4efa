"""A topic and its groups that forget what is final: what is kept, and where it lies then."""

import numpy as np
import pytest

from sim.engine.waits import TimePart
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.topic import Topic
from sim.log.windows import LogWindows

N = 60
CREATED_S = np.arange(N, dtype=np.float64)
PARTITION = (np.arange(N) % 3).astype(np.int32)
GRID_S = np.arange(0.0, 200.0, 2.5)
READING = k.Reading(
    max_poll_records=5, chunk_records=9, min_records=1, max_wait_s=0.5, fetch_s=0.01,
    per_batch_s=0.0, auto_commit_s=2.0, commit_s=0.0, max_poll_s=1e4,
)  # fmt: skip


def made(groups=1, work_s=0.1, linger_s=0.0):
    topic = Topic(
        CREATED_S, PARTITION, 3, np.array([100], np.int32),
        linger_s=linger_s, batch_bytes=10_000, latency_s=np.array([0.05]),
    )  # fmt: skip
    work_s = np.broadcast_to(np.asarray(work_s, np.float32), N)
    its = {f"g{i}": Group(topic, work_s, 2, READING, GRID_S) for i in range(groups)}
    for group in its.values():
        group.assign([[0, 1], [2]], 0.0)
    return topic, its, LogWindows(topic, its, 2 * N, GRID_S)


def advance(topic, groups, until_s):
    topic.advance(until_s)
    for group in groups.values():
        group.advance(until_s)


def roll_on(windows, final, more=0):
    created_s = N + np.arange(more, dtype=np.float64)
    partition = (created_s % 3).astype(np.int32)
    work_s = [np.full(more, 0.1, np.float32) for _ in windows.groups]
    windows.roll_on(final, created_s, partition, work_s)


def test_final_is_what_every_group_has_committed():
    topic, groups, windows = made(groups=2)
    advance(topic, groups, 30.5)
    committed = np.minimum(groups["g0"].committed, groups["g1"].committed)
    assert committed.min() > 5
    assert windows.final() == min(3 * c + p for p, c in enumerate(committed.tolist()))
    groups["g1"].committed[1] = 2
    assert windows.final() == 3 * 2 + 1


def test_what_is_not_appended_is_not_final():
    topic, groups, windows = made(linger_s=4.0)
    advance(topic, groups, 1.5)
    assert windows.final() == 0
    advance(topic, groups, 59.5)
    advance(topic, groups, 70.0)
    assert windows.final() == N
    topic.producer.next_message = 50
    assert windows.final() == 50


def test_what_a_member_that_was_put_out_still_has_in_hand_is_not_final():
    """It works at a record for 40 s, while the others go on and commit it."""
    work_s = np.full(N, 0.1)
    work_s[2] = 40.0
    topic, groups, windows = made(work_s=work_s)
    group = groups["g0"]
    advance(topic, groups, 10.0)
    group.expel(1, 10.0)
    group.assign([[0, 1, 2], []], 10.0, strangers=[1])
    group.state.members.factor[0] = 0.01
    advance(topic, groups, 30.0)
    assert group.committed[2] > 3 and windows.final() == 2
    advance(topic, groups, 59.0)
    assert group.effects[topic.log.start[2]] == 2 and windows.final() > 50


def test_rows_follow_and_offsets_stay():
    topic, groups, windows = made()
    group = groups["g0"]
    advance(topic, groups, 30.5)
    before = windows.became(group)
    end, committed = topic.log.end.copy(), group.committed.copy()
    final = windows.final()
    assert final > 20 and topic.records() == 2 * N
    roll_on(windows, final, more=6)
    after = windows.became(group)
    assert after.done_s.size == N - final + 6
    np.testing.assert_array_equal(after.done_s[:-6], before.done_s[final:])
    np.testing.assert_array_equal(after.effects[:-6], before.effects[final:])
    assert topic.log.end.tolist() == end.tolist() and group.committed.tolist() == committed.tolist()
    assert topic.gone.tolist() == [final // 3 + (p < final % 3) for p in range(3)]
    assert topic.records() == 2 * N
    for p in range(3):
        rows = slice(topic.log.start[p] + topic.gone[p], topic.log.start[p] + end[p])
        known = np.flatnonzero(topic.partition_of == p)[: end[p] - topic.gone[p]]
        assert topic.log.message[rows].tolist() == known.tolist()
    assert topic.readable(30.5).tolist() == end.tolist()
    advance(topic, groups, 80.0)
    assert topic.log.end.sum() == N + 6
    group.finish(80.0)


def test_the_way_of_a_message_is_known_for_as_long_as_the_message_is():
    topic, groups, windows = made(linger_s=1.5)
    topic.producer.latency_s = np.array([0.05, 0.4, 0.2, 0.1])
    topic.producer.over_s = np.arange(N) / 1_024
    advance(topic, groups, 30.5)

    def parts_s():
        entered_s = topic.to_messages(topic.log.visible_s, np.inf)
        known = int(np.count_nonzero(entered_s < np.inf))
        return topic.sent_parts_s(0, known, entered_s[:known])

    before_s, final = parts_s(), windows.final()
    assert 20 < final < before_s.shape[1] and len(set(before_s[TimePart.SEND])) > 3
    roll_on(windows, final, more=6)
    np.testing.assert_array_equal(parts_s(), before_s[:, final:])
    advance(topic, groups, 40.0)
    assert parts_s().shape[1] > before_s.shape[1] - final


def test_what_is_seen_of_partitions_is_what_is_seen_without_forgetting():
    seen = []
    for stops in ([90.0], [7.3, 20.1, 20.2, 55.5, 90.0]):
        topic, groups, windows = made(work_s=0.8)
        for until_s in stops:
            advance(topic, groups, until_s)
            windows.note(until_s)
            roll_on(windows, windows.final())
        seen.append(
            (windows.end, windows.waited_s["g0"], np.asarray(groups["g0"].state.samples.position))
        )
        assert (topic.gone > 0).all()
    for whole, pieces in zip(*seen, strict=True):
        np.testing.assert_array_equal(whole, pieces)
    assert seen[0][1].max() > 0.1 and seen[0][0][-50].tolist() == [20, 20, 20]


def test_effects_that_get_lost_between_windows_end_the_run():
    topic, groups, windows = made()
    advance(topic, groups, 30.5)
    roll_on(windows, windows.final())
    topic.gone[0] += 1
    with pytest.raises(AssertionError):
        groups["g0"].finish(30.5)
