"""Whether the reason that is given is the one that the rates give."""

import math

import pandas as pd
import pytest

from helpers.summaries import DURATION_S, row, summary
from sim.words.findings import finding
from sim.words.why import reason, undocumented


def test_the_reason_compares_the_best_rate_with_mean_and_peak() -> None:
    late = {"drain_s": 900.0, "arrival_peak": 90.0}
    mean = 100_000 / DURATION_S
    assert mean == pytest.approx(27.8, abs=0.1)
    for best, words in (
        (20.0, "backlog has to grow"),
        (50.0, "not for the peak of 90 msg/s"),
        (90.0, "something other than its best rate"),
    ):
        why = reason(summary(row("a"), row("b", throughput_peak=best, **late)), DURATION_S)
        assert why.startswith("b.all, with 4 consumers and 1 message a call, ")
        assert why.endswith(words)
    assert reason(summary(row("a")), DURATION_S) == ""


def test_the_reason_mentions_work_done_twice_if_there_is_much_of_it() -> None:
    late = {"drain_s": 900.0, "throughput_peak": 20.0}
    why = reason(summary(row("a", double_effects=1_900_000, **late)), DURATION_S)
    assert why.startswith(
        "a.all, with 4 consumers and 1 message a call, spends 95 % of its work on messages "
        "processed before; it never gets through more "
    )
    little = reason(summary(row("a", double_effects=9_000, **late)), DURATION_S)
    assert little.startswith("a.all, with 4 consumers and 1 message a call, never gets through")


def test_what_is_stuck_is_not_put_down_to_the_rate():
    stuck = row(
        "kafka", unfinished=13_000, drain_s=math.inf, throughput_peak=140.0, watched_s=600.0
    )
    told = reason(pd.DataFrame([stuck]), DURATION_S)
    assert told.endswith(
        "gets through up to 140 msg/s, and 13,000 messages remain 10 min after the last arrival: "
        "something other than its best rate holds them up"
    )
    cut_short = {**stuck, "watched_s": 60.0}
    assert "after the last" not in reason(pd.DataFrame([cut_short]), DURATION_S)


def test_what_befell_a_group_is_told_where_its_rates_do_not_explain_its_lag():
    rows = summary(row("a", "g", drain_s=600.0, max_time_lag_s=600.0, throughput_peak=500.0))
    faults = pd.DataFrame(
        {
            "system": ["a", "a", "a", "b"],
            "t_s": [9.0, 2.0, 3.0, 1.0],
            "until_s": [9.0, 8.0, 3.0, 1.0],
            "text": ["late g", "slow x10 g (all 4)", "crash other 0", "crash g 0"],
        }
    )
    told = reason(rows, 600.0, faults)
    assert told.endswith("(what befell it: slow x10 g (all 4); late g)")
    assert "befell" not in reason(rows, 600.0, faults.iloc[2:]) + reason(rows, 600.0)


def test_SS_16_what_nobody_documents_is_said_where_it_may_matter():
    back = {"product": "sqs", "extra_deliveries": 10_001}
    told = (
        "Messages come back to a.all after their visibility timeout; AWS does not say whether a "
        "standard queue hands them out before new ones, and this result may depend on it (key "
        "order of the queue)"
    )
    assert undocumented(summary(row("a", **back))) == told
    assert f" {told}. " in finding(summary(row("a", **back)), duration_s=DURATION_S)
    for other in ({"extra_deliveries": 10_000}, {"product": "celery"}):
        assert undocumented(summary(row("a", **back | other))) == ""
