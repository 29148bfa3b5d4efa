"""Lag as operators see it: Burrow by hand and by an evaluator of its own, and partitions."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.outcome import Offsets
from sim.measure import lag
from sim.measure.lag import WINDOW, WORDS, judged

STEP_S = 10.0


def offsets_of(end, committed, commit_s, start=None, position=None, readable_s=None, done_s=None):
    """[samples, partitions], or [samples] for one partition."""
    end, committed, commit_s = (
        np.atleast_2d(np.asarray(column, dtype).T).T.reshape(len(column), -1)
        for column, dtype in ((end, np.int64), (committed, np.int64), (commit_s, float))
    )
    nowhere = np.zeros_like(end)
    return Offsets(
        start=nowhere if start is None else start,
        end=end,
        position=committed if position is None else position,
        committed=committed,
        commit_s=commit_s,
        readable_s=readable_s,
        done_s=done_s,
    )


def statuses(end, committed, commit_s=None):
    """What Burrow says every ten seconds of a partition that commits every ten, at 9, 19, …"""
    t_s = np.arange(len(end)) * STEP_S
    commit_s = t_s - 1.0 if commit_s is None else commit_s
    return [WORDS[n] for n in judged(t_s, offsets_of(end, committed, commit_s))[:, 0]]


GROWING = np.arange(15) * 100


def test_burrow_OK_without_lag_or_without_commits():
    assert set(statuses(GROWING, GROWING)) == {"OK"}
    assert set(statuses(GROWING, np.full(15, -1), np.full(15, -np.inf))) == {"OK"}


def test_burrow_OK_while_a_commit_in_the_window_had_no_lag():
    # The commit of 29 is of all that was known then, 200 at 20; later ones are 110 behind. It is
    # one of the last ten until 120.
    committed = np.maximum(GROWING - 210, 0)
    committed[3] = 200
    committed[4:] = np.maximum(committed[4:], 200)
    assert statuses(GROWING, committed)[3:13] == ["OK"] * 10
    assert statuses(GROWING, committed)[13] == "WARN"


def test_burrow_OK_while_lag_shrinks_somewhere_in_the_window():
    committed = np.arange(15) * 110
    assert statuses(GROWING + 5_000, committed)[2:] == ["OK"] * 13


def test_burrow_WARN_when_offsets_advance_and_lag_never_shrinks():
    assert statuses(GROWING + 5_000, GROWING)[-1] == "WARN"
    assert statuses(GROWING + 5_000, np.arange(15) * 90)[-1] == "WARN"


def test_burrow_STALL_when_the_same_offset_is_committed_again_and_again():
    assert statuses(GROWING + 5_000, np.full(15, 7))[-1] == "STALL"


def test_burrow_STOP_when_the_last_commit_is_longer_ago_than_the_window_is_long():
    # Commits at 29, 39, …, 69: 40 s. At 110 the last is 41 s ago.
    t_s = np.arange(15) * STEP_S
    commit_s = np.clip(t_s - 1.0, -np.inf, 69.0)
    commit_s[:3] = -np.inf
    committed = np.where(commit_s < 0, -1, 50)
    assert statuses(np.full(15, 5_000), committed, commit_s)[10:13] == ["STALL", "STOP", "STOP"]


def test_burrow_STOP_waits_until_the_log_end_has_long_been_past_the_last_commit():
    # All 500 were read when commits ended at 39; the log grows again from 100 on.
    t_s = np.arange(25) * STEP_S
    commit_s = np.clip(t_s - 1.0, -np.inf, 39.0)
    end = np.where(t_s < 100.0, 500, 600)
    words = statuses(end, np.full(25, 500), commit_s)
    assert words[10:20] == ["OK"] * 9 + ["STOP"]  # ten log ends without 500: 100 to 190
    assert words[20:] == ["STOP"] * 5


def test_burrow_REWIND_when_an_offset_goes_back_within_the_window():
    committed = GROWING.copy()
    committed[6:] -= 300
    words = statuses(GROWING + 5_000, committed)
    assert words[6:] == ["REWIND"] * 9
    # Ten commits later it is forgotten.
    longer = np.arange(20) * 100
    longer[6:] -= 300
    assert statuses(np.arange(20) * 100 + 5_000, longer)[15:17] == ["WARN", "WARN"]


def test_burrow_of_a_group_is_the_gravest_of_its_partitions():
    end = np.column_stack([GROWING + 5_000] * 3)
    committed = np.column_stack([GROWING, GROWING + 5_000, np.full(15, 7)])
    t_s = np.arange(15) * STEP_S
    status = judged(t_s, offsets_of(end, committed, np.column_stack([t_s - 1.0] * 3)))
    table = lag.burrow(SimpleNamespace(system="s", group="g", gauges_t_s=t_s), status)
    last = table.iloc[-1]
    assert last["status"] == "STALL"
    assert [last[word.lower()] for word in WORDS] == [1, 1, 0, 1, 0]


def slowly(t_s, end, committed, commit_s):
    """One partition, by Burrow's own steps over lists of commits and broker offsets."""
    said, commits, brokers = [], [], []
    for g, now in enumerate(t_s):
        news = committed[g] >= 0 and (not commits or commit_s[g] != commits[-1]["time"])
        if news:
            seen = [*brokers, end[g]] if commit_s[g] >= now else brokers or [end[g]]
            behind = max(0, seen[-1] - committed[g])
            commits.append({"offset": committed[g], "time": commit_s[g], "lag": behind})
        commits, brokers = commits[-WINDOW:], [*brokers, end[g]][-WINDOW:]
        said.append(evaluate(commits, brokers, now) if commits else "OK")
    return said


def evaluate(commits, brokers, now):
    pairs = list(pairwise(commits))
    last = commits[-1]
    if brokers[-1] <= last["offset"]:
        return "OK"
    stopped = now - last["time"] > last["time"] - commits[0]["time"]
    if stopped and all(broker > last["offset"] for broker in brokers):
        return "STOP"
    if any(commit["lag"] == 0 for commit in commits):
        return "OK"
    if any(after["offset"] < before["offset"] for before, after in pairs):
        return "REWIND"
    if all(after["offset"] == before["offset"] for before, after in pairs):
        return "STALL"
    return "OK" if any(after["lag"] < before["lag"] for before, after in pairs) else "WARN"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_burrow_agrees_with_an_evaluator_of_its_own(seed):
    rng = np.random.default_rng(seed)
    n, partitions = 60, 3
    t_s = np.arange(n) * STEP_S
    end = np.cumsum(rng.integers(0, 30, (n, partitions)) * (rng.random((n, 1)) < 0.7), axis=0)
    committed = np.full((n, partitions), -1)
    commit_s = np.full((n, partitions), -np.inf)
    for p in range(partitions):
        offset, since_s = -1, -np.inf
        eager, steady = rng.random(), rng.choice([0.3, 0.95])
        for g in range(n):
            if rng.random() < steady and g > rng.integers(0, 3):
                since_s = t_s[g] - rng.choice([0.0, rng.uniform(0.0, STEP_S)])
                step = rng.integers(-20, 3) if rng.random() < 0.02 else rng.integers(0, 40)
                offset = int(np.clip(max(offset, 0) + eager * step, 0, end[g, p]))
            committed[g, p], commit_s[g, p] = offset, since_s
    status = judged(t_s, offsets_of(end, committed, commit_s))
    for p in range(partitions):
        expected = slowly(t_s, end[:, p].tolist(), committed[:, p].tolist(), commit_s[:, p])
        assert [WORDS[number] for number in status[:, p]] == expected


def test_partitions_hold_the_three_kinds_of_lag():
    # Records become readable at 0, 10, 20, …; by 25 the first is done, the second in work, the
    # third not handed over yet.
    readable_s, done_s = np.arange(6) * 10.0, np.array([12.0, 29.0, np.inf, np.inf, np.inf, np.inf])
    offsets = offsets_of(
        [0, 3, 6], [-1, 0, 2], [-np.inf, 20.0, 30.0],
        start=np.array([[0], [0], [3]]), position=np.array([[-1], [2], [2]]),
        readable_s=lambda p: readable_s, done_s=lambda p: done_s,
    )  # fmt: skip
    outcome = SimpleNamespace(system="s", group="g", gauges_t_s=np.array([0.0, 25.0, 60.0]))
    table = lag.partitions(outcome, offsets, judged(outcome.gauges_t_s, offsets))
    np.testing.assert_array_equal(table["lag_committed"], [np.nan, 3, 4])
    np.testing.assert_array_equal(table["lag_position"], [np.nan, 1, 4])
    assert table["lag_time_s"].tolist() == [0.0, 15.0, 30.0]  # since 10; since 30: 20 was deleted


@pytest.mark.parametrize("many", [10, 500])
def test_partitions_are_the_ones_that_lag_most_at_evenly_spaced_times(many):
    n = 1_000
    end = np.tile(np.arange(many), (n, 1))
    offsets = offsets_of(
        end,
        np.zeros((n, many)),
        np.zeros((n, many)),
        readable_s=lambda p: np.zeros(many),
        done_s=lambda p: np.full(many, np.inf),
    )
    t_s = np.arange(float(n))
    outcome = SimpleNamespace(system="s", group="g", gauges_t_s=t_s)
    table = lag.partitions(outcome, offsets, judged(t_s, offsets))
    chosen = table["partition"].unique().tolist()
    assert chosen == list(range(max(0, many - lag.MOST_PARTITIONS), many))
    assert 0.8 * lag.MOST_SAMPLES <= table["t_s"].nunique() <= lag.MOST_SAMPLES
