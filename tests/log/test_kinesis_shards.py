"""What a shard accepts and hands out."""

from collections import Counter

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.plain_kernel import plain
from models.plain_stream import PlainShard
from sim.log import kinesis_shards_kernel as k
from sim.log import kinesis_shards_limits as limits
from sim.log.kinesis_lineage import Lineage

NO_CELLS = np.zeros(0, np.int32)


def put(created_s, ready_s, sizes, trip_s, putting, cell=NO_CELLS, went=NO_CELLS):
    n = len(created_s)
    outcome, arrived_s, visible_s = np.zeros(n, np.uint8), np.zeros(n), np.zeros(n)
    refused = k.put(
        np.arange(n, dtype=np.int32), np.asarray(created_s, float), np.asarray(sizes, np.int32),
        np.zeros(n, np.int64), np.asarray(ready_s, float), np.array([trip_s]), putting,
        cell, outcome, arrived_s, visible_s, went,
    )  # fmt: skip
    return outcome, arrived_s, visible_s, refused


def test_a_shard_accepts_refuses_and_expires_like_a_plain_simpy_model():
    seen = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        rng = np.random.default_rng(seed)
        n = 60
        created_s = np.cumsum(rng.exponential(rng.choice([0.02, 0.08]), n))
        ready_s = created_s + rng.uniform(0.0, 0.1)
        sizes = rng.integers(1_000, 120_000, n)
        terms = dict(
            buffered_s=rng.uniform(0.05, 0.3),
            ttl_s=float(rng.choice([rng.uniform(0.5, 2.0), 30.0])),
            limit=float(rng.choice([1.5, 0.8, 4.0])),
            retries=bool(rng.random() < 0.85),
        )
        putting = k.Putting(**terms)
        trip_s = rng.uniform(0.01, 0.06)
        outcome, arrived_s, visible_s, refused = put(created_s, ready_s, sizes, trip_s, putting)
        env = simpy.Environment()
        plain = PlainShard(env, created_s, ready_s, sizes, trip_s=trip_s, **terms)
        env.run()
        appended = np.flatnonzero(outcome == limits.APPENDED)
        assert set(np.flatnonzero(outcome == limits.GIVEN_UP)) == plain.given_up
        assert appended[np.argsort(arrived_s[appended], kind="stable")].tolist() == plain.order
        assert visible_s[appended] == pytest.approx([plain.visible_s[i] for i in appended])
        assert refused == plain.refused
        seen["refused"] += refused
        seen["given up"] += len(plain.given_up)
        seen["overtaken"] += plain.order != sorted(plain.order)

    check()
    assert min(seen[what] for what in ("refused", "given up", "overtaken")) > 10, seen


@pytest.mark.parametrize("seed", range(40))
def test_KN_13_resharded_shards_accept_and_refuse_like_a_plain_simpy_model(seed):
    rng = np.random.default_rng(seed)
    n = 120
    lineage = Lineage(2, [(1.5, int(rng.choice([1, 3, 4]))), (3.0, 2)])
    created_s = np.cumsum(rng.exponential(0.03, n))
    ready_s = created_s + 0.05
    sizes = rng.integers(20_000, 160_000, n)
    terms = dict(
        buffered_s=rng.uniform(0.05, 0.3), ttl_s=float(rng.choice([1.0, 30.0])),
        limit=float(rng.choice([1.5, 4.0])), retries=True,
    )  # fmt: skip
    cell = rng.integers(0, len(lineage.edges), n).astype(np.int32)
    went = np.full(n, -1, np.int32)
    putting = k.Putting(**terms, from_s=lineage.from_s, route=lineage.route)
    outcome, _, visible_s, refused = put(
        created_s, ready_s, sizes, 0.04, putting, cell=cell, went=went
    )
    env = simpy.Environment()

    def open_now(i):
        key = lineage.edges[cell[i]]
        (its,) = [
            p
            for p, shard in enumerate(lineage.shards)
            if shard.first <= key < shard.stop and shard.opened_s <= env.now < shard.closed_s
        ]
        return its

    plain = PlainShard(
        env, created_s, ready_s, sizes, trip_s=0.04, shard_of=open_now,
        shards=len(lineage.shards), **terms,
    )  # fmt: skip
    env.run()
    appended = np.flatnonzero(outcome == limits.APPENDED)
    assert set(np.flatnonzero(outcome == limits.GIVEN_UP)) == plain.given_up
    assert visible_s[appended] == pytest.approx([plain.visible_s[i] for i in appended])
    assert went[appended].tolist() == [plain.went[i] for i in appended]
    assert refused == plain.refused == np.asarray(putting.refused.times).sum()
    assert len(set(went[appended].tolist())) > 2


def test_a_shard_accepts_a_thousand_records_a_second_and_no_more():
    rate, seconds = 3_000, 20
    created_s = np.arange(rate * seconds) / rate
    putting = k.Putting(buffered_s=0.1, ttl_s=5.0, limit=1.5, retries=True)
    outcome, arrived_s, _, _ = put(created_s, created_s + 0.1, [100], 0.02, putting)
    arrived_s = np.sort(arrived_s[outcome == limits.APPENDED])
    for second in range(2, seconds):
        assert np.count_nonzero((arrived_s >= second) & (arrived_s < second + 1)) == pytest.approx(
            1_000, abs=2
        )
    assert np.count_nonzero(outcome == limits.GIVEN_UP) == pytest.approx(
        (rate - 1_000) * seconds, rel=0.3
    )


def test_of_records_that_arrive_together_the_first_are_accepted():
    # The producer's own limit lets 1,500 go at once, the shard takes 1,000 of them.
    n = 1_400
    putting = k.Putting(buffered_s=0.1, ttl_s=5.0, limit=1.5, retries=False)
    outcome, arrived_s, _, refused = put(np.full(n, 0.4), np.full(n, 0.5), [100], 0.02, putting)
    expected = [limits.APPENDED] * 1_000 + [limits.GIVEN_UP] * 400
    assert outcome.tolist() == expected
    assert refused == 400
    np.testing.assert_allclose(arrived_s[:1_000], 0.51)


@pytest.mark.parametrize(
    ("created_s", "count", "limit_bytes", "calls"),
    [
        ([0.0, 0.05, 0.2], 500, 10**6, [(0, 0.1), (0, 0.1), (1, 0.3)]),  # lingering
        ([0.0, 0.01, 0.02], 2, 10**6, [(0, 0.01), (0, 0.01), (1, 0.12)]),  # full by records
        ([0.0, 0.01, 0.02], 500, 250, [(0, 0.02), (0, 0.02), (1, 0.12)]),  # full by bytes
    ],
)
def test_records_leave_in_calls_that_are_full_or_have_lingered(
    created_s, count, limit_bytes, calls
):
    n = len(created_s)
    call, ready_s = np.zeros(n, np.int64), np.zeros(n)
    k.collect(
        np.array(created_s), np.array([100], np.int32), 0.1, count, limit_bytes, call, ready_s
    )
    assert list(zip(call.tolist(), ready_s.tolist(), strict=True)) == [
        (number, pytest.approx(at)) for number, at in calls
    ]


def polled(visible_s, size, first_s, idle_s, max_records=10_000, bytes_per_s=2.0 * 2**20):
    got_s = np.zeros(len(visible_s))
    k.poll(
        np.asarray(visible_s, float), np.array([size], np.int32), first_s, idle_s, 0.01,
        max_records, bytes_per_s, got_s,
    )  # fmt: skip
    return got_s


def test_a_poll_hands_over_at_its_next_call():
    visible_s = np.sort(np.random.default_rng(1).uniform(0, 30, 200))
    got_s = polled(visible_s, 300, first_s=0.4, idle_s=1.0)
    expected = 0.4 + np.ceil(visible_s - 0.4) + 0.01
    assert got_s == pytest.approx(np.maximum(expected, 0.41))


def test_calls_go_on_at_their_pace_where_nothing_comes():
    got_s = polled([0.5, 5.3, 5.9, 6.4], 300, first_s=0.4, idle_s=1.0)
    assert got_s == pytest.approx([1.41, 5.41, 6.41, 6.41])


def test_a_backlog_is_polled_at_two_mebibytes_a_second():
    got_s = polled(np.zeros(100), 2**20, first_s=0.0, idle_s=0.2)
    # 10 MiB a call, and 5 s to the next.
    assert got_s.tolist() == [pytest.approx(5.0 * (i // 10) + 0.01) for i in range(100)]
    got_s = polled(np.zeros(100), 300, first_s=0.0, idle_s=0.2, max_records=30)
    assert got_s.tolist() == [pytest.approx(0.2 * (i // 30) + 0.01) for i in range(100)]


def test_a_push_has_two_mebibytes_a_second():
    got_s = np.zeros(4)
    k.push(np.array([0.0, 0.0, 0.0, 5.0]), np.array([2**20], np.int32), 0.07, got_s)
    assert got_s.tolist() == pytest.approx([0.57, 1.07, 1.57, 5.57])


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_the_compiler_changes_nothing(seed):
    def columns(kernel):
        rng = np.random.default_rng(seed)
        n = 80
        created_s = np.cumsum(rng.exponential(0.02, n))
        sizes = rng.integers(1_000, 120_000, n).astype(np.int32)
        call, ready_s = np.zeros(n, np.int64), np.zeros(n)
        kernel.collect(created_s, sizes, 0.1, 7, 500_000, call, ready_s)
        outcome, arrived_s, visible_s = np.zeros(n, np.uint8), np.zeros(n), np.zeros(n)
        putting = kernel.Putting(0.1, float(rng.choice([1.0, 30.0])), rng.uniform(0.8, 2.0), True)
        refused = kernel.put(
            np.arange(n, dtype=np.int32), created_s, sizes, call, ready_s,
            rng.uniform(0.01, 0.06, 16), putting, NO_CELLS, outcome, arrived_s, visible_s, NO_CELLS,
        )  # fmt: skip
        polled_s, pushed_s = np.zeros(n), np.zeros(n)
        visible_s = np.sort(visible_s)
        kernel.poll(visible_s, sizes, 0.1, 0.2, 0.01, 5, 2e6, polled_s)
        kernel.push(visible_s, sizes, 0.07, pushed_s)
        return [call, ready_s, refused, outcome, arrived_s, visible_s, polled_s, pushed_s]

    np.testing.assert_equal(columns(k), columns(plain(k)))
