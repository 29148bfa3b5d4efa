"""The log kernels against things independent of them: a plain poll loop, and queueing theory."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.environment import Environment
from sim.kernels import log as k


class Run(NamedTuple):
    created: np.ndarray
    partition: np.ndarray
    log: k.Log
    producer: k.Producer
    group: k.Group


def build(created, partition, partitions, members, batch_cap, until):
    n = created.size
    counts = np.bincount(partition, minlength=partitions)
    log = k.Log(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.zeros(partitions, np.int64),
        np.full(n, -1, np.int32),
        np.full(n, np.inf),
    )
    producer = k.Producer(
        np.zeros(1, np.int64),
        np.zeros((partitions, batch_cap), np.int32),
        np.zeros(partitions, np.int64),
        np.zeros(partitions),
        np.zeros(partitions, np.int64),
        np.zeros(partitions),
        np.zeros(partitions + 1, np.int64),
        np.zeros(partitions + 1, np.int64),
        np.zeros(2, np.int64),
        np.zeros(1, np.int64),
    )
    assigned = np.zeros((members, partitions), np.int64)
    assigned_n = np.zeros(members, np.int64)
    for p in range(partitions):
        m = p % members
        assigned[m, assigned_n[m]] = p
        assigned_n[m] += 1
    grid = np.linspace(0.0, until, 20)
    group = k.Group(
        np.full(members, k.POLL, np.int64),
        np.zeros(members),
        np.ones(members),
        np.full(members, 5.0),
        np.zeros(members, np.int64),
        np.zeros(members, np.int64),
        assigned,
        assigned_n,
        np.zeros(partitions, np.int64),
        np.zeros(partitions, np.int64),
        np.zeros(partitions, np.int64),
        np.zeros(n, np.uint16),
        np.full(n, np.inf),
        grid,
        np.zeros((grid.size, partitions), np.int64),
        np.zeros(partitions, np.int64),
        np.zeros(1, np.int64),
    )
    return Run(created, partition, log, producer, group)


def advance(run, until, service, c, compiled=True):
    append = k.append if compiled else k.append.py_func
    consume = k.consume if compiled else k.consume.py_func
    append(
        run.created, run.partition, until, c["linger"], c["batch"], c["latency"], run.log,
        run.producer,
    )  # fmt: skip
    consume(
        until, run.log, run.group, service, c["per_batch"], c["poll"], c["fetch"], c["auto"],
        c["commit"],
    )  # fmt: skip


def plain(created, partition, partitions, members, service, c, until):
    """The same system, message by message, sharing no code with the kernels."""
    rows = [[] for _ in range(partitions)]
    batches = []
    for p in range(partitions):
        batch, opened = [], 0.0
        for i in np.flatnonzero(partition == p):
            if batch and created[i] >= opened + c["linger"]:
                batches.append((opened + c["linger"], p, batch))
                batch = []
            if not batch:
                opened = created[i]
            batch.append(i)
            if len(batch) == c["batch"] or c["linger"] == 0:
                batches.append((created[i], p, batch))
                batch = []
        if batch:
            batches.append((opened + c["linger"], p, batch))
    for close, p, batch in sorted(batches, key=lambda b: (b[0], b[1])):
        rows[p] += [(close + c["latency"][0], i) for i in batch]
    done = np.full(created.size, np.inf)
    for m in range(members):
        mine = [p for p in range(partitions) if p % members == m]
        next_row, t, turn = dict.fromkeys(mine, 0), 0.0, 0
        while any(next_row[p] < len(rows[p]) for p in mine):
            heads = [rows[p][next_row[p]][0] for p in mine if next_row[p] < len(rows[p])]
            t = max(t, min(heads) + c["fetch"])
            polled = []
            for p in mine[turn:] + mine[:turn]:
                while (
                    len(polled) < c["poll"]
                    and next_row[p] < len(rows[p])
                    and rows[p][next_row[p]][0] + c["fetch"] <= t
                ):
                    polled.append(rows[p][next_row[p]][1])
                    next_row[p] += 1
            t += c["per_batch"]
            for i in polled:
                t += float(service[i])
                if t <= until:
                    done[i] = t
            turn = (turn + 1) % len(mine)
            if c["auto"] < 0:
                t += c["commit"]
    return done


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.005, 0.2]),
    st.integers(1, 7),
    st.integers(1, 12),
    st.sampled_from([-1.0, 5.0]),
)
def test_agrees_with_a_plain_poll_loop(seed, partitions, members, linger, batch, poll, auto):
    members = min(members, partitions)
    rng = np.random.default_rng(seed)
    created = np.cumsum(rng.exponential(0.05, 150))
    partition = rng.integers(0, partitions, 150)
    service = rng.exponential(0.04, 150).astype(np.float32)
    c = dict(linger=linger, batch=batch, latency=np.array([0.0037]), per_batch=0.011, poll=poll,
             fetch=0.0023, auto=auto, commit=0.0071)  # fmt: skip
    until = 12.0
    run = build(created, partition, partitions, members, batch, until)
    cuts = np.sort(rng.uniform(0, until, 30))
    for t in [*cuts, until]:
        advance(run, t, service, c)
    expected = plain(created, partition, partitions, members, service, c, until)
    np.testing.assert_array_equal(run.group.done_s, expected)
    group = run.group
    assert (group.committed <= group.processed).all()
    assert (group.processed <= group.position).all()
    assert (group.position <= run.log.end).all()
    assert (np.diff(group.grid_committed[: group.grid_next.min()], axis=0) >= 0).all()
    assert np.isfinite(group.done_s).sum() == group.effects.sum() == group.processed.sum()


def test_one_stretch_pieces_and_plain_python_are_bit_identical():
    rng = np.random.default_rng(7)
    created = np.cumsum(rng.exponential(0.01, 3_000))
    partition = rng.integers(0, 12, created.size)
    service = rng.exponential(0.03, created.size).astype(np.float32)
    c = dict(linger=0.005, batch=20, latency=rng.lognormal(-5, 1, 64), per_batch=0.002, poll=50,
             fetch=0.002, auto=5.0, commit=0.0)  # fmt: skip
    runs = [build(created, partition, 12, 4, 20, 60.0) for _ in range(3)]
    advance(runs[0], 60.0, service, c)
    for t in np.linspace(0.0, 60.0, 1_000):
        advance(runs[1], t, service, c)
    advance(runs[2], 60.0, service, c, compiled=False)
    for other in runs[1:]:
        for a, b in zip([*runs[0].log, *runs[0].group], [*other.log, *other.group], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rho", [0.5, 0.7])
def test_one_partition_read_singly_is_m_m_1(rho):
    n, replications = 200_000, 20
    means = []
    for seed in range(replications):
        rng = np.random.default_rng([seed, int(rho * 100)])
        created = np.cumsum(rng.exponential(1 / rho, n))
        service = rng.exponential(1.0, n).astype(np.float32)
        c = dict(linger=0.0, batch=1, latency=np.zeros(1), per_batch=0.0, poll=1, fetch=0.0,
                 auto=5.0, commit=0.0)  # fmt: skip
        run = build(created, np.zeros(n, np.int64), 1, 1, 1, created[-1])
        advance(run, created[-1] * 2, service, c)
        means.append(np.mean(run.group.done_s - created - service))
    expected = rho / (1 - rho)
    half_width = 2.861 * np.std(means, ddof=1) / np.sqrt(replications)  # t(19), 99 %
    assert abs(np.mean(means) - expected) <= max(half_width, 0.01 * expected)


def test_a_control_event_sees_the_data_plane_at_its_own_time():
    class Clock:
        until_s = -1.0

        def advance(self, until_s):
            assert until_s >= self.until_s
            self.until_s = until_s

    clock, seen = Clock(), []
    env = Environment([clock])

    def fault():
        for _ in range(3):
            yield env.timeout(1.5)
            seen.append((env.now, clock.until_s))

    env.process(fault())
    env.run(until=10)
    assert seen == [(1.5, 1.5), (3.0, 3.0), (4.5, 4.5)]
    assert clock.until_s == 10
