"""Whether the sentences say what the numbers say, whoever the numbers single out."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.summaries import DURATION_S, row, summary
from helpers.tables import Group, build, football, three_groups
from sim.words import findings

ABOUT: tuple[Callable[[pd.DataFrame], str], ...] = (
    findings.about_throughput,
    findings.about_lag,
    findings.about_time_lag,
    findings.about_loss,
    findings.about_duplicates,
    findings.about_order,
    findings.about_latency,
)


def say(*rows: dict[str, Any]) -> str:
    return findings.finding(summary(*rows), duration_s=DURATION_S)


@pytest.mark.parametrize(("slow", "fast"), [("kafka", "sqs"), ("sqs", "kafka")])
def test_the_headline_names_whichever_system_is_late(slow: str, fast: str) -> None:
    late = row(slow, drain_s=11_520.0, max_time_lag_s=9_000.0, max_lag=1_200_000)
    for rows in ([late, row(fast)], [row(fast), late]):
        words = findings.headline(summary(*rows), DURATION_S)
        assert words == (
            f"{slow} needs 3 h 12 min after arrivals end to drain; {fast} is at most 500 ms behind"
        )


@pytest.mark.parametrize("column", ["lost", "double_effects", "violations", "extra_deliveries"])
@pytest.mark.parametrize(("bad", "good"), [("kafka", "sqs"), ("sqs", "kafka")])
def test_a_harm_is_laid_at_the_right_door(column: str, bad: str, good: str) -> None:
    words = say(row(bad, **{column: 1_203}), row(good))
    assert re.search(rf"1,203 (messages|duplicates) are .* in {bad}, none in {good}", words)
    assert f"in {bad}" in findings.headline(summary(row(bad, **{column: 7}), row(good)), 1.0)


def test_the_worst_group_is_named_unless_all_are_as_bad() -> None:
    one = [row("kafka", "a"), row("kafka", "b", drain_s=600.0)]
    assert findings.keeping_up(summary(*one), DURATION_S).startswith("kafka.b needs 10 min")
    longest = [row("kafka", "a", max_time_lag_s=48.0), row("kafka", "b", max_time_lag_s=960.0)]
    words = findings.keeping_up(summary(*longest, row("kafka", "c")), DURATION_S)
    assert words == "kafka.b falls 16 min behind and catches up"
    both = [row("kafka", "a", drain_s=300.0), row("kafka", "b", drain_s=600.0)]
    assert findings.keeping_up(summary(*both), DURATION_S).startswith("kafka needs 10 min")


def test_each_way_of_keeping_up_has_its_words() -> None:
    words = findings.keeping_up(
        summary(
            row("a"),
            row("b", drain_s=math.inf, unfinished=1),
            row("c", drain_s=600.0),
            row("d", drain_s=1_200.0),
            row("e", max_time_lag_s=300.0),
        ),
        DURATION_S,
    )
    assert words == (
        "b does not drain: 1 message remains; "
        "d needs 20 min after arrivals end to drain, c 10 min; "
        "e falls 5 min behind and catches up; a is at most 500 ms behind"
    )


def test_systems_alike_share_a_clause() -> None:
    late = [row(name, drain_s=s) for name, s in (("a", 300.0), ("b", 3_000.0), ("c", 600.0))]
    behind = [row(name, max_time_lag_s=s) for name, s in (("d", 100.0), ("e", 200.0))]
    never = [row(name, drain_s=math.inf, unfinished=n) for name, n in (("f", 5), ("g", 6))]
    assert findings.keeping_up(summary(*late, *behind, *never), DURATION_S) == (
        "f and g do not drain: up to 6 messages remain in each; "
        "a, b and c need 5 min 0 s to 50 min after arrivals end to drain; "
        "d and e fall up to 3 min 20 s behind and catch up"
    ).replace(" 0 s", "")


def test_when_all_is_level_it_says_by_how_much_and_that_either_will_do() -> None:
    queue = row("sqs", kind="queue", max_time_lag_s=4.2)
    words = say(row("kafka"), queue)
    assert words.startswith(
        "kafka and sqs are at most 4.2 s behind: this load leaves neither queue nor log behind."
    )
    assert words.endswith(
        "No message is lost, dead-lettered, left unfinished or processed out of order; "
        "no duplicate is applied or delivered in any system."
    )
    assert "neither" not in say(row("kafka"), row("kafka_2"))
    assert "neither" not in say(row("kafka"), {**queue, "drain_s": 100.0})


def test_what_another_clause_says_is_not_said_again() -> None:
    never = {"drain_s": math.inf, "unfinished": 7}
    words = say(row("a", double_effects=5, extra_deliveries=5, **never), row("b"))
    assert words.count("7 messages") == 1 and "5 duplicates are applied in a" in words
    assert "delivered" not in words


def test_titles_when_nothing_happened() -> None:
    none = summary(row("a", max_lag=0, max_time_lag_s=0.0), row("b", max_lag=0, max_time_lag_s=0.0))
    assert findings.about_loss(none) == "No message is lost in any system"
    assert findings.about_order(none) == "No message is processed out of order in any system"
    assert findings.about_duplicates(none) == ("No duplicate is delivered or applied in any system")
    assert findings.about_lag(none) == "No message ever waits in any system"
    assert findings.about_time_lag(none) == "No message ever waits in any system"
    assert findings.about_loss(none[:1]) == "No message is lost"


def test_titles_rank_the_systems() -> None:
    ranked = summary(
        row("a", max_lag=10),
        row("b", "x", max_lag=3_000),
        row("b", "y", max_lag=20),
        row("c", max_lag=500),
    )
    assert findings.about_lag(ranked) == (
        "Consumer lag, at most: 3,000 in b.x, 500 in c and 10 in a"
    )
    more = pd.concat([ranked, summary(row("d", max_lag=7))])
    assert findings.about_lag(more) == "Consumer lag, at most: 3,000 in b.x, down to 7 in d"
    same = summary(row("a"), row("b"))
    assert findings.about_lag(same) == "Consumer lag, at most: 50 in a and b"


def test_the_throughput_of_a_system_is_that_of_its_slowest_group() -> None:
    words = findings.about_throughput(
        summary(row("a", "x", rate_per_s=30.0), row("a", "y", rate_per_s=12.0), row("b"))
    )
    assert words == "Arrivals peak at 60 msg/s; with a backlog, processing goes on at 12 in a.y"
    words = findings.about_throughput(summary(row("a", "x")))
    assert words.endswith("; no backlog stands that keeps all consumers busy")


def test_unprocessed_groups_have_no_latency_to_rank() -> None:
    words = findings.about_latency(summary(row("a", latency_p99_s=math.nan), row("b")))
    assert words == "99 % are processed within 100 ms in b"
    none = summary(row("a", processed=0, latency_p99_s=math.nan))
    assert findings.about_latency(none) == "No message was processed"


def test_sums_give_the_drain_and_the_two_gravest_harms() -> None:
    rows = summary(row("a", drain_s=60.0, lost=3, violations=9, extra_deliveries=10))
    assert findings.sums(rows) == "drained in 1 min, 3 lost, 9 out of order"
    assert findings.sums(summary(row("a", drain_s=math.inf))) == "did not drain"


def test_a_comparison_names_the_system_that_differs_most() -> None:
    before = summary(row("sqs", drain_s=6_000.0), row("kafka"))
    after = summary(row("sqs", drain_s=720.0), row("kafka"))
    runs = [("few workers", before, DURATION_S), ("many", after, DURATION_S)]
    words = "Time to drain of sqs: 1 h 40 min in few workers and 12 min in many"
    assert findings.comparison(runs) == words
    assert findings.comparison(runs[::-1]) == words
    never = summary(row("sqs", drain_s=math.inf, unfinished=3), row("kafka"))
    assert findings.comparison([("none", never, 1.0), runs[1]]) == (
        "Time to drain of sqs: no end in none and 12 min in many"
    )
    assert findings.comparison([runs[0], runs[0]]).startswith("No number")


def test_of_what_differs_the_greatest_count_is_told_with_the_gravest():
    ordered = summary(row("kafka", double_effects=150, violations=0))
    not_ordered = summary(row("kafka", double_effects=55, violations=19_081))
    runs = [("by account", ordered, 60.0), ("without a key", not_ordered, 60.0)]
    order = "messages processed out of order in kafka: 19,081 in without a key and 0 in by account"
    twice = "Duplicates applied in kafka: 150 in by account and 55 in without a key"
    assert findings.comparison(runs) == f"{twice}; {order}"
    lossy = summary(row("kafka", lost=3, violations=19_081))
    lost = "Messages lost in kafka: 3 in lossy and 0 in by account"
    other = order.replace("without a key", "lossy")
    assert findings.comparison([runs[0], ("lossy", lossy, 60.0)]) == f"{lost}; {other}"
    worse = summary(row("kafka", lost=30_000, violations=19_081))
    assert findings.comparison([runs[0], ("lossy", worse, 60.0)]) == lost.replace(
        "3 in", "30,000 in"
    )


HARMS = ("lost", "dead_lettered", "unfinished", "double_effects", "violations", "extra_deliveries")
numbers = st.integers(0, 2_000_000_000)
times = st.one_of(st.just(0.0), st.floats(1e-4, 1e6), st.just(math.inf))


@st.composite
def summaries(draw: st.DrawFn) -> pd.DataFrame:
    rows = []
    for i in range(draw(st.integers(1, 6))):
        for j in range(draw(st.integers(1, 4))):
            counts = {name: draw(numbers) for name in (*HARMS, "produced", "processed", "max_lag")}
            time = draw(times)
            lag = draw(st.floats(0, 1e6))
            p99 = draw(st.one_of(st.just(math.nan), st.floats(0, 1e5)))
            rates = {name: draw(st.floats(0, 1e6)) for name in ("throughput_peak", "arrival_peak")}
            rows.append(
                row(f"s{i}", f"g{j}", drain_s=time, max_time_lag_s=lag, **counts, **rates)
                | {"kind": draw(st.sampled_from(["log", "queue"])), "latency_p99_s": p99}
            )
    return summary(*rows)


@settings(max_examples=60, deadline=None)
@given(summaries(), st.one_of(st.just(0.0), st.floats(0.1, 1e6)))
def test_any_summary_reads_as_a_few_clean_sentences(table: pd.DataFrame, duration_s: float) -> None:
    words = findings.finding(table, duration_s=duration_s)
    assert words.endswith(".")
    assert 2 <= len(re.findall(r"\.(?= |$)", words)) <= 10
    texts = [words, findings.headline(table, duration_s), *(about(table) for about in ABOUT)]
    for text in texts:
        assert text
        assert not re.search(r"\bnan\b|\binf\b|;;|  |; ;|None|\b0\.0\b", text), text


def test_the_football_tables_read_as_expected() -> None:
    tables = football()
    words = findings.headline(tables.summary, tables.duration_s)
    assert words.startswith("sqs_single needs 1 h 41 min after arrivals end to drain, sqs_fanout.")
    assert re.search(
        "; kafka is at most .* behind; 412,345 messages are processed out of order in sqs_single",
        words,
    )


def test_swapping_the_capacities_swaps_the_sentence() -> None:
    fast, slow = three_groups(capacity=2_000.0), three_groups(capacity=150.0)
    for queue, log, late in ((fast, slow, "kafka"), (slow, fast, "sqs")):
        tables = build({"sqs": queue, "kafka": log})
        words = findings.finding(tables.summary, duration_s=tables.duration_s)
        assert words.startswith(f"{late} needs ")
        assert f"{'sqs' if late == 'kafka' else 'kafka'} is at most" in words
        assert np.isfinite(tables.summary["drain_s"]).all()


def test_nothing_produced_is_said() -> None:
    tables = build({"sqs": {"all": Group()}}, scale=0.0)
    assert findings.finding(tables.summary, duration_s=1.0) == (
        "No message was produced. There is nothing to compare."
    )


def test_replay_is_told_only_if_there_was_a_bug_or_a_seek_that_came_too_late():
    calm = {"righted_effects": 0, "wrong_effects": 0, "unrecoverable": 0}
    rows = [
        row("kafka", **calm | {"righted_effects": 120}),
        row("sqs", "a", kind="queue", **calm | {"wrong_effects": 118, "unrecoverable": 5_000}),
        row("sqs", "b", kind="queue", **calm),
    ]
    assert findings.about_replay(pd.DataFrame([row("kafka")])) == ""
    assert findings.about_replay(pd.DataFrame(rows[2:])) == ""
    assert findings.about_replay(pd.DataFrame(rows)) == (
        "The log replays, the queue cannot: reading again put right 120 wrong results in kafka; "
        "118 results in sqs.a stayed wrong; gone when asked for again: 5,000 messages in sqs.a"
    )
    rows[0] |= {"righted_effects": 1, "wrong_effects": 99}
    assert findings.about_replay(pd.DataFrame(rows)).startswith(
        "The log replays what it still has, the queue nothing: reading again put right 1 wrong "
        "result in kafka; "
    )
    assert findings.about_replay(pd.DataFrame(rows[:1])) == (
        "Reading again put right 1 wrong result in kafka; 99 results in kafka stayed wrong"
    )


def test_partitions_without_a_reader_are_told_with_the_messages_that_were_late():
    eager = row("eager", longest_without_reader_s=48.0, late=5_000)
    calm_log = row("static", longest_without_reader_s=0.0, late=0)
    queue = row("sqs", kind="queue", longest_without_reader_s=np.nan, late=10)
    told = findings.about_readers(pd.DataFrame([eager, calm_log, queue]), DURATION_S)
    assert told == (
        "Longest that a partition is without a reader: 48 s in eager and 0 s in static; "
        "5,000 messages are processed more than 36 s after their creation in eager and 10 in sqs, "
        "none in static"
    )
    assert findings.about_readers(pd.DataFrame([calm_log, queue]), DURATION_S) == ""
    assert findings.about_readers(pd.DataFrame([row("old")]), DURATION_S) == ""


def test_burrow_is_told_by_the_group_that_it_likes_least():
    burrow = pd.DataFrame(
        [("k", "a", 60.0 * i, "OK") for i in range(10)]
        + [("k", "b", 60.0 * i, "STOP" if i > 3 else "WARN" if i > 2 else "OK") for i in range(10)],
        columns=["system", "group", "t_s", "status"],
    )
    assert findings.about_burrow(burrow[:10]) == "Burrow says OK of every group, all the time"
    assert findings.about_burrow(burrow) == "Burrow says STOP for 6 min and WARN for 1 min of k.b"


def test_a_title_tells_what_the_scenario_is_about_and_who_is_late() -> None:
    rows = summary(row("a", drain_s=600.0), row("b", max_time_lag_s=300.0), row("c"))
    whose = {"measure": "lost", "quantile": math.nan, "called": "", "jobs": "", "bound": 0.0}
    lost = rows[["system", "group"]].assign(**whose, value=[0, 7, 0])
    first = "7 messages are lost in b, none in a and c"
    assert findings.headline(rows, DURATION_S, lost) == (
        f"{first}; a needs 10 min after arrivals end to drain"
    )
    words = findings.finding(rows, duration_s=DURATION_S, shown=lost)
    assert words.startswith(f"{first}. a needs 10 min after arrivals end to drain; b falls 5 min")
    assert findings.headline(rows, DURATION_S, lost[:0]) == findings.headline(rows, DURATION_S)
    drain = lost.assign(measure="time_to_drain", value=rows["drain_s"])
    assert findings.headline(rows, DURATION_S, drain) == (
        "Time to drain: 10 min in a, 200 ms in b and 200 ms in c"
    )


def test_with_a_need_what_is_allowed_is_said() -> None:
    rows = summary(row("a", max_time_lag_s=28.0), row("b", max_time_lag_s=31.0))
    words = findings.keeping_up(rows.assign(level_s=30.0), DURATION_S)
    assert words == (
        "b falls 31 s behind and catches up; a is at most 28 s behind, where 30 s are allowed"
    )
