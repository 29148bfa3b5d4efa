"""Whether the words, the table and the charts of a ledger run say what its numbers say."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from helpers.ledger_tables import Variant, all_well, ladder, ledger_tables
from helpers.pages import page_of, title_of, words_on
from helpers.tables import Fault, Group, build, calm
from sim import charts
from sim.charts import ledger
from sim.cli.console import print_result
from sim.measure.tables import Tables
from sim.words import ladder as words
from sim.words.ledger_table import broken

LARGE = Variant(
    lost={"producer buffer": 412_345, "broker failover": 3, "retention": 987_654_321},
    duplicates_appended=412_345,
    double_effects=30_000_000,
    double_postings=412_345,
    violations=999_999,
    illegal_transitions=999_999,
    entities_wrong=999_999,
    misstatement_cents=9_999_999_999,
    throughput=123_456.0,
    p99_s=11_520.0,
)


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with charts.style():
        yield


def said(tables: Tables) -> list[str]:
    return words.ledger_finding(tables).split("\n")


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
        "a does 27.6 msg/s at a p99 of 40 ms, with loss (1,000 messages), repeated processing "
        "(3 times) and wrong final states (50)."
    )
    same = "throughput and latency stay as they were"
    assert lines[1] == (
        "b removes loss (1,000 messages), and cuts wrong final states from 50 to 5, but "
        f"multiplies repeated processing from 3 to 30; {same}."
    )
    assert lines[2] == f"c brings misstatement (1.23); {same}."
    assert lines[-1].startswith("What remains in c, the last: repeated processing (29 times), ")
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
    assert f"{first} brings loss (7 messages) and misstatement (7.00); throughput grows 2-fold" in (
        words.ledger_finding(ledger_tables({second: good, first: bad}))
    )


def test_when_all_is_well_it_says_so() -> None:
    lines = said(all_well())
    assert lines[1] == "sqs does no harm either; throughput and latency stay as they were."
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
    assert said(tables)[1].endswith("throughput and latency stay as they were.")
    page_of(charts.price(tables))
    none = ledger_tables({"a": Variant(p99_s=np.nan, throughput=0.0)})
    page_of(charts.price(none))


def table_of(tables: Tables, tmp_path: Path) -> list[str]:
    with (tmp_path / "out").open("w+") as file:
        print_result(tables, "A title", Console(file=file, width=120))
        file.seek(0)
        lines = file.read().split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith("books of")]
    return [line.rstrip() for line in lines[starts[0] :]] if starts else []


def test_the_table_has_a_row_per_system_in_100_columns(tmp_path: Path) -> None:
    lines = table_of(ladder(), tmp_path)
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("librdkafka_"))
    numbers = "16,583 16,195 388 1,203 2,210 640 40,123.11 27.6 40 ms"
    assert " ".join(row.split()[1:]) == numbers
    assert "388 buffer 401 posted 2,954 illegal" in " ".join(lines[lines.index(row) + 1].split())


def test_the_table_cuts_no_number_however_large(tmp_path: Path) -> None:
    lines = table_of(ledger_tables({"a_system_with_a_long_name": LARGE, "b": LARGE}), tmp_path)
    body = " ".join(lines[: lines.index("")])
    assert max(map(len, lines)) <= 100 and "…" not in body
    for number in ("988 M", "412,345", "30 M", "999,999", "99,999,999.99", "123,456", "3 h 12 min"):
        assert number in body


def test_runs_without_books_have_no_such_table(tmp_path: Path) -> None:
    assert table_of(calm(), tmp_path) == []


def test_long_names_break_after_their_punctuation() -> None:
    assert broken("flush_then_commit", 12) == ["flush_then_", "commit"]
    assert broken("unpunctuated", 5) == ["unpun", "ctuat", "ed"]
    assert broken("short", 12) == ["short"]


MAKERS = {"ladder": ladder, "all_well": all_well}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("chart", charts.LEDGER_CHARTS)
def test_no_word_is_cut_off_or_lies_on_another(chart: str, name: str) -> None:
    figure = page_of(charts.LEDGER_CHARTS[chart][0](MAKERS[name](), title="A long title " * 12))
    width, height = figure.bbox.size
    boxes = [(text.get_text(), text.get_window_extent()) for text in words_on(figure)]
    for text, box in boxes:
        outside = (box.x0 < -1, box.y0 < -1, box.x1 > width + 1, box.y1 > height + 1)
        assert not any(outside), (text, box, (width, height))
    for i, (first, a) in enumerate(boxes):
        for second, b in boxes[i + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(wide, high) < 2, (first, second)


@pytest.mark.parametrize("chart", charts.LEDGER_CHARTS)
def test_titles_state_the_finding(chart: str) -> None:
    tables = ladder()
    steps = words.rungs(tables)
    expected = {
        "buffer": words.about_buffer(tables),
        "books": words.about_books(steps),
        "harms": words.about_harms(steps),
        "price": words.about_price(steps),
    }
    assert title_of(page_of(charts.LEDGER_CHARTS[chart][0](tables))) == expected[chart]


def test_over_time_a_panel_per_system_on_shared_axes_with_its_faults() -> None:
    tables = ladder()
    for chart, frame in ((charts.buffer, tables.buffer), (charts.books, tables.books)):
        axes = chart(tables)
        assert [ax.get_title(loc="left") for ax in axes] == list(frame["system"].unique())
        assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
        marked = [any("SIGKILL" in t.get_text() for t in ax.texts) for ax in axes]
        clients = set(tables.producer["system"])
        assert marked == [ax.get_title(loc="left") in clients for ax in axes]
    line = charts.books(tables)[0].lines[0]
    cents = tables.books.loc[tables.books["system"] == "async_default", "misstatement_cents"]
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), cents / 100)


def test_faults_of_consumers_do_not_crowd_the_clients_out() -> None:
    faults = [Fault("a", 60.0 * i, 60.0 * i, f"crash ledger {i}") for i in range(9)]
    faults.append(Fault("a", 420.0, 435.0, "SIGKILL publisher"))
    tables = ledger_tables({"a": Variant()}, faults=faults)
    (ax,) = charts.buffer(tables)
    said = [t.get_text() for t in ax.texts]
    assert "SIGKILL publisher" in said and not any("crash" in words for words in said)
    assert any("crash" in t.get_text() for t in charts.books(tables)[0].texts)


def test_the_alarm_is_drawn_if_its_threshold_is_known() -> None:
    tables = ladder()
    assert not any("alarm" in t.get_text() for ax in charts.buffer(tables) for t in ax.texts)
    known = replace(tables, producer=tables.producer.assign(alarm_over=50_000))
    for ax in charts.buffer(known):
        assert any("alarm over 50,000" in t.get_text() for t in ax.texts)
        assert ax.get_ylim()[1] > 50_000


def test_bars_are_the_numbers_and_losses_are_stacked_by_place() -> None:
    tables = ladder()
    steps = words.rungs(tables)
    columns, nowhere = ledger.harm_columns(steps)
    axes = charts.harms(tables)
    assert nowhere == ["dead-lettered", "unfinished"]
    for ax, column in zip(axes, columns, strict=True):
        widths = np.array([bar.get_width() for bar in ax.patches])  # type: ignore[attr-defined]
        total = widths.reshape(-1, len(steps)).sum(axis=0)
        scale = 100 if column == "misstatement_cents" else 1
        np.testing.assert_allclose(total * scale, steps[column].astype(float))
    assert len(axes[0].patches) == 3 * len(steps)
    text = [t.get_text() for t in axes[0].texts]
    assert {"producer buffer", "broker failover", "acked before processing"} <= set(text)
    assert [t for t in text if "_" in t] == list(steps["system"])


def test_prices_are_given_against_the_row_above() -> None:
    speed, _, late = charts.price(ladder())
    assert "2.31 msg/s (-92 %)" in {t.get_text() for t in speed.texts}
    assert {"900 ms (x 4.3)", "31 min (x 46,000)", "40 ms"} <= {t.get_text() for t in late.texts}


def test_a_price_that_falls_to_nothing_or_never_ends_is_not_divided_by() -> None:
    values = np.array([10.0, 0.0, 5.0, np.inf, np.inf, 7.0])
    said = ledger._against(values, lambda value: f"{value:g}")
    assert said == ["10", "0 (-100 %)", "5", "inf", "inf", "7"]


@pytest.mark.parametrize("chart", charts.LEDGER_CHARTS)
def test_a_chart_draws_on_the_axes_it_is_given(chart: str) -> None:
    tables = ladder()
    n = len(charts.LEDGER_CHARTS[chart][0](tables))
    mine: list[Axes] = list(np.atleast_1d(Figure(figsize=(30, 3)).subplots(1, n)))
    assert charts.LEDGER_CHARTS[chart][0](tables, mine) == mine
    assert not mine[0].figure.texts


def test_files_are_written_only_for_frames_with_rows(tmp_path: Path) -> None:
    def drawn(tables: Tables, name: str) -> set[str]:
        return {f.stem for f in charts.write_all(tables, tmp_path / name, title="")}

    every = {"overview", *charts.CHARTS}
    assert drawn(build({"kafka": {"g": Group()}}), "none") == every
    assert drawn(all_well(), "all") == every | set(charts.LEDGER_CHARTS)
    no_client = ledger_tables({"sqs": Variant(client="")})
    assert drawn(no_client, "sqs") == every | set(charts.LEDGER_CHARTS) - {"buffer"}
    tables = all_well()
    no_books = replace(tables, ledger=tables.ledger[:0], books=tables.books[:0])
    assert drawn(no_books, "no books") == every | {"buffer"}


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
