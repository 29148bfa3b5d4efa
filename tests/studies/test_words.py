"""What many runs say: a table of 80 columns, and sentences that say in how many runs they hold."""

import numpy as np

from sim.studies.words import findings, table
from studies.test_replications import found

NEVER = [np.inf] * 20
NONE = [0.0] * 20


def test_a_block_a_group_and_a_line_a_number_that_is_ever_above_nothing():
    got = found(lost={"a": list(range(20)), "b": NONE}, drain_s={"a": NEVER, "b": [60.0] * 20})
    assert list(table(got)) == [
        "Medians of 20 runs, and between what they lie with 95 % confidence:",
        "a / g",
        "  lost                       10  5 to 14",
        "  time to drain           never  in every run",
        "b / g",
        "  time to drain           1 min  in every run",
    ]


def test_of_too_few_runs_nothing_is_said():
    got = found(lost={"a": [1, 2], "b": [0, 0]})
    assert list(table(got))[2] == "  lost                        2  in too few runs to say"


def test_no_line_is_wider_than_a_terminal():
    long = {"a": [1e9 + i for i in range(20)], "b": NONE}
    got = found(
        violations=long, max_time_lag_s={"a": [1e6 + 4_000 * i for i in range(20)], "b": NONE}
    )
    assert max(map(len, table(got))) <= 80


def test_each_system_is_said_to_have_kept_up_in_so_many_runs():
    got = found(
        drain_s={"a": [0.0] * 18 + [50.0] * 2, "b": NEVER},
        max_time_lag_s={"a": [0.0] * 18 + [60.0] * 2, "b": [99.0] * 20},
    )
    said = list(findings(got))
    assert said[:2] == [
        "a keeps pace in 18 of 20 runs (with 95 % confidence at least 68 % of all); "
        "otherwise drains late in 2",
        "b never drains in 20 of 20 runs (with 95 % confidence at least 83 % of all)",
    ]
    assert said[2].startswith("b falls further behind than a in 20 of 20 runs, by 1 min 33 s")


def test_systems_that_are_alike_share_a_sentence():
    said = list(findings(found(lost={"a": NONE, "b": NONE})))
    assert said == [
        "a and b keep pace in 20 of 20 runs each (with 95 % confidence at least 83 % of all)"
    ]


def test_what_is_lost_is_said_with_its_range():
    said = list(findings(found(lost={"a": [0] * 5 + [12] * 10 + [36] * 5, "b": NONE})))
    assert "a.g loses 0 to 36 messages, median 12, in 15 of 20 runs" in said


def test_a_difference_that_may_be_none_is_not_told():
    rng = np.random.default_rng(2)
    a, b = rng.normal(50.0, 5.0, 20), rng.normal(50.0, 5.0, 20)
    said = " ".join(findings(found(max_time_lag_s={"a": a.tolist(), "b": b.tolist()})))
    assert "further behind" not in said


def test_how_far_behind_still_keeps_pace_is_said():
    got = found(lost={"a": NONE, "b": NONE})
    got.summary["level_s"] = 30.0
    assert list(findings(got))[1] == "A system that keeps pace is never more than 30 s behind"
