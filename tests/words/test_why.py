"""Whether the reason that is given is the one that the rates give."""

import math

import pandas as pd
import pytest

from helpers.summaries import DURATION_S, row, summary
from sim.words.findings import finding
from sim.words.why import reason, undocumented


def measured(rate_per_s, apart=0.0):
    """Columns of a rate with an interval of so much to both sides."""
    ends = {"rate_low_per_s": rate_per_s - apart, "rate_high_per_s": rate_per_s + apart}
    return {"rate_per_s": rate_per_s, **ends, "rate_over_s": 600.0}


def test_the_reason_holds_the_rate_with_a_backlog_against_mean_and_peak() -> None:
    late = {"drain_s": 900.0, "arrival_peak": 90.0, "throughput_peak": 95.0}
    mean = 100_000 / DURATION_S
    assert mean == pytest.approx(27.8, abs=0.1)
    for rate, words in (
        (measured(20.0, 1), "20 msg/s (19 to 21) while a backlog stands and 27.8 msg/s arrive on "
         "average: its backlog has to grow"),
        (measured(26.0, 3), "26 msg/s (23 to 29) while a backlog stands; 27.8 msg/s arrive on "
         "average and 90 msg/s at most"),
        (measured(50.0), "50 msg/s while a backlog stands; 27.8 msg/s arrive on average and "
         "90 msg/s at most"),
        (measured(93.0, 2), "93 msg/s (91 to 95) while a backlog stands, more than ever arrive"),
    ):  # fmt: skip
        why = reason(summary(row("a"), row("b", **rate, **late)), DURATION_S)
        assert why == f"b.all, with 4 consumers and 1 message a call, gets through {words}"
    assert reason(summary(row("a")), DURATION_S) == ""


def test_where_old_messages_take_the_time_nothing_follows_from_the_rate_of_new_ones() -> None:
    replay = {"drain_s": 700.0, "double_effects": 50_000, "throughput_peak": 40.0}
    why = reason(summary(row("a", **replay, **measured(20.0))), DURATION_S)
    assert "20 msg/s while a backlog stands; 27.8 msg/s arrive" in why and "grow" not in why


def test_the_luckiest_step_is_not_taken_for_what_a_group_can_do() -> None:
    """Of 8 children of 1.696 s, one step of six seconds has 7.17/s; they do 4.72/s."""
    lucky = {"throughput_peak": 7.17, "produced": 5.5 * DURATION_S, "drain_s": 700.0}
    why = reason(summary(row("a", **lucky, **measured(4.72, 0.04))), DURATION_S)
    assert why.endswith(
        "gets through 4.72 msg/s (4.68 to 4.76) while a backlog stands and 5.5 msg/s arrive on "
        "average: its backlog has to grow"
    )


def test_without_a_backlog_for_all_no_rate_is_told() -> None:
    why = reason(summary(row("a", drain_s=900.0)), DURATION_S)
    assert why.endswith(", has a backlog on some of its partitions only")
    why = reason(summary(row("a", kind="queue", drain_s=900.0)), DURATION_S)
    assert why.endswith(", never has more messages ready than consumers")
    # What even the best step does not reach needs no measured rate.
    why = reason(summary(row("a", drain_s=900.0, throughput_peak=20.0)), DURATION_S)
    assert why.endswith(
        "never gets through more than 20 msg/s where 27.8 msg/s arrive on average: its backlog "
        "has to grow"
    )


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
    assert told.endswith(" still has 13,000 messages 10 min after the last arrival")
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
    assert told.endswith(". What befell it: slow x10 g (all 4); late g")
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


def test_of_a_log_whose_publisher_has_ended_it_is_said_that_messages_never_got_into_it() -> None:
    ended = {"kind": "log", "unfinished": 21_000, "drain_s": math.inf, "throughput_peak": 500.0}
    rates = {"rate_per_s": math.nan, "rate_low_per_s": math.nan, "rate_high_per_s": math.nan}
    why = reason(summary(row("a", **ended, **rates, max_lag=300)), DURATION_S)
    assert why.endswith("lacks at least 20,700 messages that never get into its log")
    why = reason(summary(row("a", **ended, **rates, max_lag=21_000)), DURATION_S)
    assert why.endswith("has a backlog on some of its partitions only")
