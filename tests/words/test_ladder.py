"""Each step from one system with a ledger to the next: what it removes and what it costs."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.ledger_said import said
from helpers.ledger_tables import Variant, all_well, ladder, ledger_tables
from helpers.pages import page_of
from helpers.tables import calm
from sim import charts
from sim.words import ladder as words


def test_each_step_says_what_it_removes_cuts_brings_and_multiplies() -> None:
    lines = said(
        ledger_tables(
            {
                "a": Variant(lost={"producer buffer": 1_000}, double_effects=3, entities_wrong=50),
                "b": Variant(double_effects=30, entities_wrong=5),
                "c": Variant(double_effects=29, entities_wrong=4, misstatement_cents=123),
            }
        )
    )
    assert lines[0] == (
        "a does 27.6 msg/s at a p99 of 40 ms, with loss (1,000 messages), duplicates applied "
        "(3) and wrong final states (50)."
    )
    same = "Throughput and latency stay as they were"
    assert lines[1] == (
        "b removes loss (1,000 messages), and cuts wrong final states from 50 to 5, but "
        f"multiplies duplicates applied from 3 to 30. {same}."
    )
    assert lines[2] == f"c brings misstatement (1.23). {same}."
    assert lines[-1].startswith("What remains in c, the last: duplicates applied (29), ")
    assert len(lines) == 5


@pytest.mark.parametrize(("first", "second"), [("kafka", "sqs"), ("sqs", "kafka")])
def test_the_words_follow_the_numbers_when_swapped(first: str, second: str) -> None:
    bad = Variant(lost={"retention": 7}, misstatement_cents=700, throughput=27.6, p99_s=0.04)
    good = Variant(throughput=13.8, p99_s=0.4)
    steps = words.rungs(ledger_tables({first: bad, second: good}))
    assert (
        words.about_books(steps)
        == f"The books are wrong by 7.00 in {first}; all is right in " + second
    )
    assert words.about_harms(steps) == f"{second} removes loss and misstatement"
    assert words.about_price(steps) == (
        f"{second} costs most: throughput falls by 50 % (27.6 msg/s to 13.8 msg/s), "
        "p99 latency grows 10-fold (40 ms to 400 ms)"
    )
    backwards = words.rungs(ledger_tables({second: good, first: bad}))
    assert words.about_harms(backwards) == "No step removes a harm"
    assert words.about_price(backwards) == "No step costs throughput or latency"
    assert f"{first} brings loss (7 messages) and misstatement (7.00). Throughput grows 2-fold" in (
        words.ledger_finding(ledger_tables({second: good, first: bad}))
    )


def test_when_all_is_well_it_says_so() -> None:
    lines = said(all_well())
    assert lines[1] == "sqs does no harm either. Throughput and latency stay as they were."
    assert lines[2] == "The books are right in every system."
    steps = words.rungs(all_well())
    assert words.about_harms(steps).startswith("Nothing is lost, repeated or out of order")
    assert words.about_price(steps) == "No step costs throughput or latency"


def test_one_system_is_described() -> None:
    tables = ledger_tables({"one": Variant(lost={"retention": 1}, misstatement_cents=5)})
    assert said(tables) == [
        "one does 27.6 msg/s at a p99 of 40 ms, with loss (1 message) and misstatement (0.05).",
        "The books are wrong by 0.05 in one.",
    ]
    steps = words.rungs(tables)
    assert words.about_harms(steps) == "one: loss (1 message) and misstatement (0.05)"
    assert words.about_price(steps) == "one: 27.6 msg/s at a p99 of 40 ms"


def test_states_can_be_wrong_where_the_money_is_right() -> None:
    wrong = Variant(entities_wrong=4)
    steps = words.rungs(ledger_tables({"a": wrong, "b": Variant()}))
    assert words.about_books(steps) == (
        "The money is right, final states are not: 4 in a; all is right in b"
    )
    steps = words.rungs(ledger_tables({"a": wrong, "b": Variant(misstatement_cents=100)}))
    assert words.about_books(steps) == (
        "The books are wrong by 1.00 in b; only final states are wrong in a"
    )


def test_a_system_without_a_client_is_measured_by_what_it_processes() -> None:
    lost = {"send expired": 5, "retention": 7}
    tables = ledger_tables({"sqs": Variant(client="", lost=lost, throughput=1.0)})
    (row,) = words.rungs(tables).to_dict("records")
    end_s = tables.duration_s + tables.summary["drain_s"].iloc[0]
    assert row["throughput"] == pytest.approx(row["processed"] / end_s)
    assert row["acked"] == row["produced"] - 5
    assert row["duplicates_appended"] == 0 and row["client"] == ""
    stuck = replace(tables, summary=tables.summary.assign(drain_s=np.inf))
    (row,) = words.rungs(stuck).to_dict("records")
    assert row["throughput"] == pytest.approx(row["processed"] / tables.series["t_s"].max())


def test_groups_of_a_system_are_summed() -> None:
    tables = ledger_tables({"a": Variant(lost={"retention": 3}, misstatement_cents=10)})
    twin = {"group": "audit"}
    both = replace(
        tables,
        **{
            name: pd.concat([getattr(tables, name), getattr(tables, name).assign(**twin)])
            for name in ("summary", "ledger", "fates", "series", "books")
        },
    )
    (row,) = words.rungs(both).to_dict("records")
    assert row["produced"] == tables.summary["produced"].iloc[0]
    assert (row["lost"], row["misstatement_cents"], row["policy"]) == (6, 20, "naive")
    assert {place: n.tolist() for place, n in words.places_lost(both).items()} == {"retention": [6]}
    assert len(page_of(charts.books(both)).axes) == 1


def test_systems_without_books_are_no_rungs() -> None:
    tables = ladder()
    some = replace(tables, ledger=tables.ledger[tables.ledger["system"] != "commit_first"])
    assert "commit_first" not in words.ledger_finding(some)
    assert words.ledger_finding(calm()) == ""


def test_latency_of_nothing_processed_is_no_change() -> None:
    tables = ledger_tables({"a": Variant(), "b": Variant(p99_s=np.nan)})
    assert said(tables)[1].endswith("Throughput and latency stay as they were.")
    page_of(charts.price(tables))
    none = ledger_tables({"a": Variant(p99_s=np.nan, throughput=0.0)})
    page_of(charts.price(none))


def test_any_words_are_clean() -> None:
    rng = np.random.default_rng(3)

    def some(high: int) -> int:
        return int(rng.integers(high)) if rng.random() < 0.5 else 0

    for _ in range(12):
        tables = ledger_tables(
            {
                f"s{i}": Variant(
                    lost={"producer buffer": some(2_000), "retention": some(2)},
                    duplicates_appended=some(10**6),
                    double_effects=some(10**9),
                    double_postings=some(3),
                    violations=some(10**6),
                    illegal_transitions=some(10**4),
                    entities_wrong=some(5_000),
                    misstatement_cents=some(10**15),
                    throughput=float(rng.choice([0.0, 1e-3, 27.6, 1e6])),
                    p99_s=float(rng.choice([np.nan, 0.0, 1e-4, 0.04, 1e5])),
                    client=str(rng.choice(["java", ""])),
                )
                for i in range(int(rng.integers(1, 5)))
            }
        )
        steps = words.rungs(tables)
        texts = [
            *said(tables),
            *(about(steps) for about in (words.about_books, words.about_harms, words.about_price)),
        ]
        for text in texts:
            assert text
            assert not re.search(r"\bnan\b|\binf\b|;;|  |; ;|None|\b0\.0\b", text), text
        for chart, frame in charts.LEDGER_CHARTS.values():
            if len(getattr(tables, frame)):
                page_of(chart(tables))
