"""What Burrow says: by hand, and by an evaluator of its own."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.offsets import STEP_S, offsets_of
from helpers.plain_kernel import plain
from sim.measure import burrow, burrow_codes, burrow_kernel
from sim.measure.burrow import WINDOW, WORDS, burrow_table, judged


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
    table = burrow_table(SimpleNamespace(system="s", group="g", gauges_t_s=t_s), status)
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


def random_log(seed):
    """[60] times and [60, 3] log ends, committed offsets and times of the last commit."""
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
    return t_s, end, committed, commit_s


def test_words_stand_at_their_codes():
    assert [getattr(burrow_codes, word) for word in WORDS] == list(range(5))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_burrow_agrees_with_an_evaluator_of_its_own(seed):
    t_s, end, committed, commit_s = random_log(seed)
    status = judged(t_s, offsets_of(end, committed, commit_s))
    for p in range(end.shape[1]):
        expected = slowly(t_s, end[:, p].tolist(), committed[:, p].tolist(), commit_s[:, p])
        assert [WORDS[number] for number in status[:, p]] == expected


def test_the_compiler_changes_nothing(monkeypatch):
    logs = [random_log(seed) for seed in range(20)]
    compiled = [judged(t_s, offsets_of(*columns)) for t_s, *columns in logs]
    monkeypatch.setattr(burrow, "k", plain(burrow_kernel))
    np.testing.assert_array_equal(
        [judged(t, offsets_of(*columns)) for t, *columns in logs], compiled
    )
    assert set(np.unique(compiled)) == set(range(5))
