"""Whether the words, the table and the charts of a ledger run say what its numbers say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.ledger_tables import Variant, all_well, ladder, ledger_tables
from helpers.pages import page_of, title_of, words_on
from helpers.tables import Fault, Group, build
from sim import charts
from sim.charts import ledger
from sim.measure.tables import Tables
from sim.words import ladder as words

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

    every = {"overview", *charts.CHARTS} - {"loss", "duplicates", "order"}
    assert drawn(build({"kafka": {"g": Group()}}), "none") == every
    assert drawn(all_well(), "all") == every | set(charts.LEDGER_CHARTS)
    no_client = ledger_tables({"sqs": Variant(client="")})
    assert drawn(no_client, "sqs") == every | set(charts.LEDGER_CHARTS) - {"buffer"}
    tables = all_well()
    no_books = replace(tables, ledger=tables.ledger[:0], books=tables.books[:0])
    assert drawn(no_books, "no books") == every | {"buffer"}
