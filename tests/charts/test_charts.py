"""Whether the charts can be read and compared: every one, over tables from empty to hopeless."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.pages import page_of, title_of, words_on
from helpers.run_tables import MAKERS, tables_of
from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts import bars
from sim.charts.page import style
from sim.results.store import read
from sim.words import findings

EXAMPLES = sorted((Path(__file__).parents[2] / "results").glob("*/example"))
OVER_TIME = ("throughput", "lag", "time_lag", "order")


PANELS = (*OVER_TIME, "latency")


@pytest.mark.parametrize("name", ["football", "nothing", "hopeless", "brief"])
@pytest.mark.parametrize("chart", [*charts.CHARTS, "overview", "comparison"])
def test_no_word_is_cut_off(name: str, chart: str) -> None:
    tables = tables_of(name)
    if chart == "overview":
        figure = page_of(charts.overview(tables, title="A long title " * 12))
    elif chart == "comparison":
        figure = page_of(charts.comparison([("one", tables), ("the other " * 5, tables)]))
    else:
        figure = page_of(charts.CHARTS[chart](tables, title="A long title " * 12))
    width, height = figure.bbox.size
    for text in words_on(figure):
        box = text.get_window_extent()
        outside = (box.x0 < -1, box.y0 < -1, box.x1 > width + 1, box.y1 > height + 1)
        assert not any(outside), (text.get_text(), box, (width, height))


@pytest.mark.parametrize("name", ["football", "calm", "brief"])
@pytest.mark.parametrize("chart", [*charts.CHARTS, "overview", "comparison"])
def test_no_word_lies_on_another(name: str, chart: str) -> None:
    tables = tables_of(name)
    if chart == "comparison":
        drawn = charts.comparison([("a_long_scenario_name/seed1998-5b22b0", tables)] * 2)
    else:
        drawn = getattr(charts, chart)(tables, title="A title")
    boxes = [(text.get_text(), text.get_window_extent()) for text in words_on(page_of(drawn))]
    for i, (first, a) in enumerate(boxes):
        for second, b in boxes[i + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(wide, high) < 2, (first, second)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_no_word_of_a_shipped_overview_lies_on_another_or_is_cut_off(path: Path) -> None:
    with style():
        figure = page_of(charts.overview(read(path).tables, title="A title"))
        width, height = figure.bbox.size
        boxes = [(text.get_text(), text.get_window_extent()) for text in words_on(figure)]
    for i, (first, a) in enumerate(boxes):
        assert a.x0 >= -1 and a.y0 >= -1 and a.x1 <= width + 1 and a.y1 <= height + 1, first
        for second, b in boxes[i + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(wide, high) < 2, (first, second)


@pytest.mark.parametrize("chart", PANELS)
@pytest.mark.parametrize("name", ["football", "hopeless"])
def test_panels_share_both_axes(name: str, chart: str) -> None:
    axes = charts.CHARTS[chart](tables_of(name))
    first = axes[0]
    for ax in axes[1:]:
        assert first.get_shared_x_axes().joined(first, ax)
        assert first.get_shared_y_axes().joined(first, ax)
        assert ax.get_xlim() == first.get_xlim()
        assert ax.get_ylim() == first.get_ylim()
        assert ax.get_yscale() == first.get_yscale()
    first.set_ylim(1, 2)
    assert axes[-1].get_ylim() == (1, 2)


@pytest.mark.parametrize("chart", PANELS)
def test_each_panel_is_named_and_each_line_says_what_it_is(chart: str) -> None:
    tables = tables_of("football")
    axes = charts.CHARTS[chart](tables)
    for ax, (system, rows) in zip(axes, tables.summary.groupby("system", sort=False), strict=True):
        assert ax.get_title(loc="left") == system
        said = " ".join(text.get_text() for text in ax.texts)
        for group in rows["group"]:
            assert group in said or f"{len(rows)} groups" in said


@pytest.mark.parametrize(
    ("chart", "unit"),
    [
        ("throughput", "messages per second"),
        ("lag", "messages, log scale"),
        ("time_lag", "age of oldest message, log scale"),
        ("order", "messages out of order, log scale"),
        ("latency", "latency, at most"),
    ],
)
def test_axes_carry_their_units(chart: str, unit: str) -> None:
    axes = charts.CHARTS[chart](tables_of("hopeless"))
    assert axes[0].get_ylabel() == axes[3].get_ylabel() == unit
    x_label = "share of processed messages" if chart == "latency" else "time since start (min)"
    for ax in axes[3:]:
        assert ax.xaxis.get_label_text() == x_label


@pytest.mark.parametrize("chart", [c for c in charts.CHARTS if c != "latency"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_title_states_the_finding(name: str, chart: str) -> None:
    tables = tables_of(name)
    about = getattr(findings, f"about_{chart}")
    figure = charts.CHARTS[chart](tables)[0].figure
    assert isinstance(figure, Figure) and title_of(figure) == about(tables.summary)


@pytest.mark.parametrize("chart", charts.CHARTS)
def test_a_chart_draws_on_the_axes_it_is_given(chart: str) -> None:
    tables = tables_of("football")
    n = len(bars.loss_counts(tables)) if chart == "loss" else 2 if chart == "duplicates" else 3
    mine = list(Figure(figsize=(12, 3)).subplots(1, n, sharex=True, sharey=True))
    assert charts.CHARTS[chart](tables, mine) == mine
    assert not mine[0].figure.texts
    assert all(ax.has_data() for ax in mine)


@pytest.mark.parametrize("systems", range(1, 7))
def test_one_to_six_systems_have_a_panel_each(systems: int) -> None:
    tables = build({f"s{i}": {"g": Group(capacity=100.0 * (i + 1))} for i in range(systems)})
    for chart in ("lag", "latency"):
        figure = page_of(charts.CHARTS[chart](tables))
        assert len(figure.axes) == systems
        low = {ax for ax in figure.axes if ax.get_xlabel()}
        assert len(low) == min(systems, 2 if systems == 4 else 3)
        for ax in low:
            assert any(tick.get_text() for tick in ax.get_xticklabels() if tick.get_visible())
    assert len(charts.overview(tables).axes) == 3 * systems


def test_series_may_be_missing_or_not_a_number() -> None:
    tables = tables_of("football")
    series = tables.series.astype({"time_lag_s": float}).copy()
    series.loc[series["system"] == "kafka", "time_lag_s"] = np.nan
    without = replace(
        tables, series=series[series["system"] != "sqs_single"], latency=tables.latency[:0]
    )
    for chart in charts.CHARTS.values():
        page_of(chart(without))
    page_of(charts.overview(without))


def test_drawing_needs_no_pyplot_and_the_package_no_matplotlib() -> None:
    code = (
        "import sys; import sim, sim.words.findings; assert 'matplotlib' not in sys.modules;"
        "import sim.charts; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
