"""What a scenario is about, in words."""

from math import inf, nan
from pathlib import Path
from typing import get_args

import pandas as pd

from sim.scenario.shows import Measure
from sim.words.opening import COLUMNS
from sim.words.shown import MEASURES, about, column_of, heading, of_some


def table(measure, *rows, quantile=nan, called="", jobs=""):
    return pd.DataFrame(
        [
            {
                "system": system, "group": group, "measure": measure, "quantile": quantile,
                "called": called, "jobs": jobs, "value": value, "bound": nan,
            }
            for system, group, value in rows
        ]
    )  # fmt: skip


def test_a_harm_is_counted_and_the_spared_are_named():
    wrong = table("wrong_results", ("kafka", "a", 0), ("sqs", "a", 216_907), ("short", "a", 9))
    assert about(wrong) == "216,907 results are still wrong in sqs and 9 in short, none in kafka"
    assert heading(wrong) == "results still wrong" and column_of(wrong) == "wrong_effects"
    one = table("duplicates_applied", ("kafka", "a", 1), ("kafka", "b", 0))
    assert about(one) == "1 duplicate is applied in kafka.a"
    none = table("lost", ("kafka", "a", 0), ("sqs", "a", 0))
    assert about(none) == "No message is lost in any system"
    assert about(table("lost", ("kafka", "a", 0))) == "No message is lost"


def test_money_is_said_as_money():
    books = table("money_misstated", ("a", "g", 123_456), ("b", "g", 0), ("sqs", "g", nan))
    assert about(books) == "1,234.56 is misstated in a, none in b"
    right = table("money_misstated", ("a", "g", 0), ("b", "g", 0))
    assert about(right) == "No money is misstated in any system"


def test_times_are_told_by_what_they_are_the_worst_first():
    quiet = table(
        "latency", ("fair", "q", 0.2), ("plain", "q", 91.0), ("log", "q", inf),
        quantile=0.9, called="quiet tenants",
    )  # fmt: skip
    assert about(quiet) == (
        "p90 of quiet tenants: never in log, 1 min 31 s in plain and 200 ms in fair"
    )
    assert column_of(quiet) == "" and of_some(quiet)
    assert not of_some(table("lost", ("a", "q", 0)))
    plain = table("latency", ("a", "q", 0.2), quantile=0.99)
    assert heading(plain) == "p99" and column_of(plain) == "latency_p99_s"
    assert heading(table("latency", ("a", "q", 0.2), quantile=1)) == "longest"
    drain = table("time_to_drain", ("a", "q", inf), ("b", "q", 60.0))
    assert about(drain) == "Time to drain: never in a and 1 min in b"


def test_of_many_systems_the_two_at_the_ends_are_told():
    many = table("age_of_oldest", *((f"s{i}", "g", float(i)) for i in range(6)), jobs="billing")
    assert about(many) == "Age of oldest (billing): 5 s in s5, down to 0 s in s0"
    assert column_of(many) == "", "the summary has it of all jobs"


def test_without_values_there_is_nothing_to_say():
    assert about(pd.DataFrame({"system": []})) == heading(pd.DataFrame({"system": []})) == ""
    assert about(table("money_misstated", ("a", "g", nan))) == ""


def test_the_glossary_has_every_term_of_tables_and_scenarios():
    glossary = (Path(__file__).parents[2] / "results" / "glossary.md").read_text("utf-8")
    assert all(f"`{measure}`" in glossary for measure in get_args(Measure))
    assert get_args(Measure) == tuple(MEASURES)
    terms = {line.split("|")[1].strip() for line in glossary.splitlines() if line.startswith("| ")}
    known = {*terms, "lag or depth", "p99"}  # of the one or the other; a quantile of latency
    assert {"consumer lag", "queue depth", "latency, p99"} <= terms
    assert known >= set(COLUMNS), set(COLUMNS) - known
    assert all(f"`{column}`" in glossary for column, _ in COLUMNS.values())
