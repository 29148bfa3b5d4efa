"""What two runs differ in, and what became of it."""

import copy
from math import inf, nan

import pandas as pd

import sim
from sim.words.differences import changes, effects, labels


def test_labels_fall_back_where_too_much_differs_or_nothing():
    assert labels([{"a": 1}, {"a": 1}], ["x", "x"]) == ["x", "x (2)"]
    many = [dict.fromkeys("abcd", 1), dict.fromkeys("abcd", 2)]
    assert labels(many, ["x", "y"]) == ["x", "y"]
    assert labels([{"name": "x"}, {"name": "y"}], ["x", "y"]) == ["x", "y"]
    assert labels([{"seed": 1, "about": "p"}, {"seed": 2}], ["x", "x"]) == ["seed=1", "seed=2"]
    assert labels([{"a": {"b": 1}}, {"a": {}}], ["x", "y"]) == ["a.b=1", "a.b=none"]


def test_changes_are_told_by_path_and_not_if_there_are_many():
    before = {"name": "a", "about": "x", "systems": {"k": {"n": 1, "only": None}}}
    after = {"name": "a", "about": "y", "systems": {"k": {"n": 2, "m": [1]}}}
    assert changes(before, after) == [
        "systems.k.n: 1 -> 2", "systems.k.only: None -> not set", "systems.k.m: not set -> [1]"
    ]  # fmt: skip
    assert changes(before, before) == []
    many = {str(i): i for i in range(7)}
    assert changes(many, {key: -1 for key in many}) == []


def test_a_default_that_an_older_version_did_not_have_is_no_change():
    scenario = sim.load("tournament_spike")
    now = scenario.model_dump(mode="json", by_alias=True)
    older = copy.deepcopy(now)
    del older["systems"]["kafka"]["brokers"]["transaction.max.timeout.ms"]
    del older["pipeline"]
    assert changes(older, now) == []
    older["seed"] = 3
    assert changes(older, now) == ["seed: 3 -> 1998"]
    older["systems"]["kafka"]["product"] = "none that is known today"
    assert "pipeline: not set -> []" in changes(older, now)


def test_effects_are_told_of_what_moved_noticeably_and_the_gravest_first():
    row = {
        "system": "s", "group": "g", "drain_s": 10.0, "max_time_lag_s": 1.0, "latency_p99_s": 0.01,
        "lost": 0, "dead_lettered": 0, "unfinished": 0, "double_effects": 0, "violations": 100,
        "messages_per_call": 1.0, "consumers": 4, "rate_per_s": nan,
    }  # fmt: skip
    before = pd.DataFrame([row, row | {"group": "h"}, row | {"group": "only before"}])
    now = {"drain_s": 14.0, "max_time_lag_s": 6.0, "latency_p99_s": 0.09, "violations": 250}
    after = pd.DataFrame(
        [row | now | {"messages_per_call": 9.5}, row | {"group": "h", "lost": 12, "drain_s": inf}]
    )
    assert effects(before, after) == [
        "s.h: time to drain 10 s -> did not drain, 0 -> 12 lost",
        "s.g: age of oldest 1 s -> 6 s, 100 -> 250 out of order; 1 -> 9.5 messages a call",
    ]
    assert effects(before, before) == []
    crowd = pd.DataFrame([row | {"group": f"g{i}", "lost": 0} for i in range(6)])
    assert effects(crowd, crowd.assign(lost=50))[-1] == "and 2 more groups"


def test_what_an_older_run_did_not_measure_is_not_compared():
    now = {"system": "s", "group": "g", **dict.fromkeys(_COLUMNS, 1.0), "rate_per_s": 90.0}
    before = {**now, "lost": 50.0, "rate_per_s": 10.0}
    told = ["s.g: 50 -> 1 lost; 10 msg/s -> 90 msg/s while a backlog stands"]
    assert effects(pd.DataFrame([before]), pd.DataFrame([now])) == told
    del before["rate_per_s"]
    assert effects(pd.DataFrame([before]), pd.DataFrame([now])) == ["s.g: 50 -> 1 lost"]


_COLUMNS = (
    "drain_s", "max_time_lag_s", "latency_p99_s", "lost", "dead_lettered", "unfinished",
    "double_effects", "violations", "messages_per_call", "consumers",
)  # fmt: skip
