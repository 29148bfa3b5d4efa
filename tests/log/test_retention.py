"""Retention: against a plain model of segments, and rule by rule with hand numbers."""

from itertools import groupby
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.log_scenarios import reading_of, topic_of
from helpers.plain_kernel import columns, plain
from models.plain_log import Settings
from models.plain_retention import PlainPartition
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.log import group_state as k
from sim.log import retention as stage
from sim.log import retention_kernel
from sim.log.fates import unread
from sim.log.group import Group
from sim.log.retention import Limits, Retention

MANY = 1 << 30


def run(topic, size_bytes, limits, until_s, altered=()):
    """The starts of the partitions after each check that deleted something."""
    retention = Retention(topic, np.atleast_1d(np.asarray(size_bytes, np.int32)), limits, altered)
    env = Environment([topic])
    env.process(retention.run(env, lambda at_s: None))
    env.run(until_s)
    return retention


def one_by_one(created_s, until_s, size_bytes=100, **limits):
    """(s, start) of a partition to which each record is written alone, as it is created."""
    every = {"retention_s": inf, "retention_bytes": inf, "segment_s": inf, "segment_bytes": MANY}
    topic = topic_of(Settings(), created_s, np.zeros(len(created_s), int), size_bytes)
    retention = run(topic, size_bytes, Limits(**{**every, "check_s": 10.0, **limits}), until_s)
    return [(t, int(start[0])) for t, start in retention.history]


def test_KB_08_a_segment_goes_when_its_newest_record_is_too_old():
    # A record a second; segments of 0 to 5, 6 to 11, 12 to 17. The newest of the first, 5, is
    # older than 20 s at 30; so is that of the second, 11, at 40, and that of the third, 17.
    starts = one_by_one(np.arange(60.0), 45.0, retention_s=20.0, segment_s=5.0)
    assert starts == [(30.0, 6), (40.0, 18)]


def test_KB_08_exactly_retention_is_not_older():
    assert one_by_one([0.0], 25.0, retention_s=20.0) == []
    assert one_by_one([0.0], 30.5, retention_s=20.0) == [(30.0, 1)]


def test_KB_08_the_active_segment_goes_too_once_all_of_it_is_too_old():
    # At 30 the newest, 9, is 21 s old; the next record starts a new segment at offset 10.
    starts = one_by_one([*np.arange(10.0), 35.0], 61.0, retention_s=20.0)
    assert starts == [(30.0, 10), (60.0, 11)]
    # One fresh record keeps all of its segment.
    assert one_by_one([*np.arange(10.0), 25.0], 45.0, retention_s=20.0) == []


def test_KB_08_by_size_the_oldest_go_while_what_is_left_is_not_too_small():
    # Segments of five records, 500 B. At 10 there are ten or eleven records: 1,000 B at least.
    starts = one_by_one(np.arange(30.0), 31.0, retention_bytes=400, segment_bytes=500)
    assert starts == [(10.0, 5), (20.0, 15), (30.0, 25)]
    assert one_by_one(np.arange(10.0), 31.0, retention_bytes=501, segment_bytes=500) == []
    assert one_by_one(np.arange(10.0), 31.0, retention_bytes=500, segment_bytes=500) == [(10.0, 5)]


def test_KB_08_a_batch_does_not_span_segments():
    # Batches of three (linger 2.5 s): 900 B leave no room for the 300 B of the next one.
    s = Settings(linger_s=2.5)
    topic = topic_of(s, np.arange(30.0), np.zeros(30, int), 100)
    limits = Limits(retention_s=5.0, retention_bytes=inf, segment_s=inf, segment_bytes=1_000,
                    check_s=10.0)  # fmt: skip
    retention = run(topic, 100, limits, 45.0)
    assert [int(start[0]) for _, start in retention.history] == [9, 18, 30]


def test_KB_17_an_altered_retention_holds_from_the_next_check_on_for_all_that_is_there():
    # A record a second, segments of 5 s; at 30 all that is older than 10 s goes: 0 to 17.
    topic = topic_of(Settings(), np.arange(60.0), np.zeros(60, int), 100)
    limits = Limits(inf, inf, 5.0, MANY, 10.0)
    retention = run(topic, 100, limits, 45.0, [(25.0, 10.0, inf), (35.0, inf, inf)])
    assert [(t, int(start[0])) for t, start in retention.history] == [(30.0, 18)]
    assert (retention.by_age, retention.by_bytes) == (18, 0)


def test_KB_08_nothing_bites_within_a_run_at_the_defaults():
    assert not Limits(604_800.0, inf, 604_800.0, MANY, 300.0).bite(13 * 3_600.0)
    assert Limits(604_800.0, 1e9, 604_800.0, MANY, 300.0).bite(3_600.0)


def batches_of(topic, size_bytes, p):
    """(arrival, records) of a partition, from what the topic says of each row."""
    rows = range(topic.log.start[p], topic.log.start[p] + topic.log.end[p])
    for at_s, those in groupby(rows, lambda row: topic.log.visible_s[row]):
        messages = [topic.log.message[row] for row in those]
        yield at_s, [(float(topic.created_s[m]), int(size_bytes[m])) for m in messages]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_KB_08_a_record_lives_from_retention_to_that_and_its_segment_and_a_check(seed):
    rng = np.random.default_rng(seed)
    partitions, n, until_s = int(rng.integers(1, 4)), 400, 200.0
    s = Settings(
        partitions=partitions,
        linger_s=rng.choice([0.0, 1.0]) * rng.uniform(0.05, 2.0),
        batch_bytes=int(rng.integers(200, 4_000)),
    )
    created_s = np.sort(rng.uniform(0.0, rng.choice([60.0, 190.0]), n))
    size_bytes = rng.integers(50, 600, n)
    topic = topic_of(
        s, created_s, rng.integers(0, partitions, n), size_bytes, rng.uniform(0.001, 3.0, 64)
    )
    limits = Limits(
        retention_s=float(rng.choice([inf, rng.uniform(5.0, 60.0)])),
        retention_bytes=float(rng.choice([inf, rng.uniform(1_000, 30_000)])),
        segment_s=float(rng.choice([inf, rng.uniform(1.0, 30.0)])),
        segment_bytes=int(rng.choice([MANY, rng.integers(1_000, 20_000)])),
        check_s=rng.uniform(2.0, 25.0),
    )
    altered = [
        (
            float(at_s),
            float(rng.choice([inf, rng.uniform(1.0, 60.0)])),
            float(rng.choice([inf, rng.uniform(1_000, 30_000)])),
        )
        for at_s in np.sort(rng.uniform(0.0, until_s, rng.integers(0, 3)))
    ]
    retention = run(topic, size_bytes, limits, until_s, altered)
    checks_s = np.cumsum(np.full(int(until_s / limits.check_s) + 1, limits.check_s))
    checks_s = checks_s[checks_s < until_s]
    starts = retention.starts(checks_s)
    for p in range(partitions):
        plain = PlainPartition(
            limits.retention_s, limits.retention_bytes, limits.segment_s, limits.segment_bytes
        )
        coming = list(batches_of(topic, size_bytes, p))
        for at_s, start in zip(checks_s, starts[:, p], strict=True):
            while coming and coming[0][0] <= at_s:
                plain.append(coming.pop(0)[1])
            for _, retention_s, retention_bytes in [it for it in altered if it[0] <= at_s]:
                plain.retention_s, plain.retention_bytes = retention_s, retention_bytes
            plain.check(at_s)
            assert plain.start == start
        if limits.retention_bytes == inf and not altered:
            late_s = limits.check_s + 1e-9
            for (stamp, _), gone_s, span_s in plain.gone:
                life_s = gone_s - stamp
                assert limits.retention_s < life_s <= limits.retention_s + span_s + late_s
            # What became readable at once, after up to 3 s of waiting for an answer, is one batch.
            most_s = limits.segment_s + s.linger_s + 3.0
            assert all(span_s <= most_s for _, _, span_s in plain.gone)


def plain_reader(partition, created_s, size_bytes, work_s, check_s, reset, until_s):
    """A consumer that fetches one record at a time: when each was done, and those it passed over.

    ``reset``: from (offset of the log start, log end) to where to go on.
    """
    done_s, passed = np.full(len(created_s), inf), {}
    coming = [(at_s, 0, i) for i, at_s in enumerate(created_s)]
    coming += [(n * check_s, 1, n) for n in range(1, int(until_s / check_s) + 1)]
    coming.sort()
    appended = position = 0
    now_s = 0.0
    while True:
        while coming and coming[0][0] <= now_s:
            at_s, is_check, i = coming.pop(0)
            if is_check:
                partition.check(at_s)
            else:
                partition.append([(at_s, size_bytes[i])])
                appended += 1
        if position < partition.start:
            for offset in range(position, reset(partition.start, appended)):
                deleted = offset < partition.start
                passed[offset] = Fate.LOST_RETENTION if deleted else Fate.LOST_OFFSET_RESET
            position = reset(partition.start, appended)
        if position == len(created_s):
            return done_s, passed
        if position < appended:
            now_s += float(work_s[position])
            if now_s > until_s:
                return done_s, passed
            done_s[position] = now_s
            position += 1
        else:
            now_s = created_s[position]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_KB_09_a_slow_reader_loses_what_a_plain_one_loses(seed):
    rng = np.random.default_rng(seed)
    n, until_s = 200, 400.0
    created_s = np.sort(rng.uniform(0.0, 100.0, n))
    work_s = rng.exponential(rng.uniform(0.2, 2.0), n).astype(np.float32)
    size_bytes = rng.integers(50, 600, n)
    limits = Limits(
        retention_s=rng.uniform(5.0, 40.0),
        retention_bytes=float(rng.choice([inf, 8_000.0])),
        segment_s=rng.uniform(1.0, 20.0),
        segment_bytes=MANY,
        check_s=rng.uniform(2.0, 15.0),
    )
    latest = bool(rng.integers(2))
    plain = PlainPartition(
        limits.retention_s, limits.retention_bytes, limits.segment_s, limits.segment_bytes
    )
    expected, passed = plain_reader(
        plain, created_s.tolist(), size_bytes.tolist(), work_s, limits.check_s,
        (lambda start, end: end) if latest else (lambda start, end: start), until_s,
    )  # fmt: skip
    s = Settings(max_poll_records=1, chunk_records=1, auto_commit_s=-1.0)
    topic = topic_of(s, created_s, np.zeros(n, int), size_bytes)
    reading = reading_of(s)._replace(reset=k.LATEST if latest else k.EARLIEST)
    group = Group(topic, work_s, 1, reading, np.zeros(0))
    group.assign([[0]], 0.0)
    retention = Retention(topic, size_bytes.astype(np.int32), limits)
    env = Environment([topic, group])
    env.process(retention.run(env, group.deleted))
    env.run(until_s)
    group.finish(until_s)
    np.testing.assert_allclose(group.done_s, expected, rtol=1e-12)
    lost = np.zeros(n, np.uint8) if unread(group) is None else unread(group)
    jumps = group.state.jumps
    assert len(passed) == sum(jumps.to[i] - jumps.source[i] for i in range(jumps.n))
    for offset in range(n):
        if expected[offset] == inf:
            assert lost[offset] == passed.get(offset, Fate.UNFINISHED)
    processed = np.isfinite(group.done_s)
    assert processed.sum() + (lost[~processed] != Fate.UNFINISHED).sum() <= n
    assert group.settled() == n or not np.isfinite(expected[-1])


def test_a_log_start_beyond_the_log_ends_the_run():
    topic = topic_of(Settings(), np.arange(5.0), np.zeros(5, int))
    topic.advance(10.0)
    retention = Retention(topic, np.full(1, 100, np.int32), Limits(inf, inf, inf, MANY, 10.0))
    assert retention.check(10.0) == 0
    topic.log.first[0] = 6
    with pytest.raises(AssertionError):
        retention.check(11.0)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_the_compiler_changes_nothing(seed):
    def segments():
        rng = np.random.default_rng(seed)
        n = 200
        s = Settings(partitions=2, linger_s=rng.uniform(0.0, 2.0), batch_bytes=2_000)
        created_s = np.sort(rng.uniform(0.0, 60.0, n))
        size_bytes = rng.integers(50, 600, n if rng.integers(2) else 1)
        topic = topic_of(s, created_s, rng.integers(0, 2, n), size_bytes)
        limits = Limits(20.0, 9_000.0, float(rng.uniform(1.0, 30.0)), 4_000, 3.0)
        return columns(run(topic, size_bytes, limits, 100.0).active)

    compiled = segments()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "k", plain(retention_kernel))
        np.testing.assert_equal(segments(), compiled)
