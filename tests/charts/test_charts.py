"""Whether the charts can be read and compared: every one, over tables from empty to hopeless."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from helpers.pages import page_of, title_of, words_on
from helpers.tables import (
    Fault,
    Group,
    brief,
    build,
    calm,
    football,
    hopeless,
    nothing,
    three_groups,
)
from sim import charts
from sim.charts import bars, files, labels
from sim.charts import picture as pictures
from sim.charts.over_time import colour_of
from sim.charts.page import INK, PALETTE, width_pt, wrapped
from sim.charts.status import COLOURS
from sim.measure.tables import Tables
from sim.words import findings

OVER_TIME = ("throughput", "lag", "time_lag", "order")
PANELS = (*OVER_TIME, "latency")
MAKERS: dict[str, Callable[[], Tables]] = {
    f.__name__: f for f in (football, calm, nothing, hopeless, brief)
}
made: dict[str, Tables] = {}


def tables_of(name: str) -> Tables:
    if name not in made:
        made[name] = MAKERS[name]()
    return made[name]


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with charts.style():
        yield


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


def test_the_overview_shares_time_everywhere_and_values_along_each_row() -> None:
    axes = np.array(charts.overview(tables_of("football")).axes).reshape(3, 3)
    assert len({ax.get_xlim() for ax in axes.flat}) == 1
    for row in axes:
        assert len({ax.get_ylim() for ax in row}) == 1
        assert row[0].get_shared_y_axes().joined(row[0], row[2])
    assert len({row[0].get_ylim() for row in axes}) == 3


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
        ("lag", "messages"),
        ("time_lag", "time lag"),
        ("order", "messages out of order"),
        ("latency", "latency, at most"),
    ],
)
def test_axes_carry_their_units(chart: str, unit: str) -> None:
    axes = charts.CHARTS[chart](tables_of("hopeless"))
    assert axes[0].get_ylabel() == axes[3].get_ylabel() == unit
    x_label = "share of processed messages" if chart == "latency" else "time since start (min)"
    for ax in axes[3:]:
        assert ax.xaxis.get_label_text() == x_label


@pytest.mark.parametrize(
    ("end_s", "unit"), [(30.0, "s"), (3_600.0, "min"), (6 * 3_600.0, "h"), (9e5, "days")]
)
def test_time_is_shown_in_a_unit_that_fits(end_s: float, unit: str) -> None:
    tables = build({"a": {"g": Group()}}, duration_s=end_s)
    assert charts.lag(tables)[0].get_xlabel() == f"time since start ({unit})"


def test_a_group_has_one_colour_in_every_system() -> None:
    tables = tables_of("football")
    seen: dict[str, set[str]] = {}
    for ax, (_, rows) in zip(
        charts.lag(tables), tables.summary.groupby("system", sort=False), strict=True
    ):
        data = [line for line in ax.lines if len(line.get_xdata()) > 10]  # type: ignore[arg-type]
        for line, group in zip(data, rows["group"], strict=True):
            seen.setdefault(group, set()).add(to_hex(line.get_color()).upper())
    assert all(len(colours) == 1 for colours in seen.values())
    assert len(set.union(*seen.values())) == len(seen) == 4
    assert set.union(*seen.values()) <= set(PALETTE)


def test_a_group_keeps_its_colour_where_systems_are_left_out_or_runs_compared() -> None:
    whole = tables_of("football")
    colours = colour_of(whole)
    assert len(set(colours.values())) == len(colours) == 4
    fanout = build({"sqs_fanout": three_groups()})
    alone = build({"kafka": {"analytics": Group()}})
    for runs in ([fanout], [fanout, fanout], [alone, whole], [whole, alone]):
        kept = colour_of(*runs)
        assert kept == {group: colours[group] for group in kept}


def test_a_picture_in_few_colours_keeps_those_of_the_groups() -> None:
    groups = ("counters", "leaderboard", "analytics", "notifications", "fraud", "audit")
    capacities = {name: Group(capacity=150.0 + 30 * i) for i, name in enumerate(groups)}
    picture = pictures.Picture.of(charts.lag, build({"sqs": capacities}))
    (ax,) = picture
    drawn = {to_hex(line.get_color()) for line in ax.lines if len(line.get_xdata()) > 10}  # type: ignore[arg-type]
    assert len(drawn) == len(groups)
    image = Image.open(BytesIO(picture._repr_png_())).convert("RGB")
    shown = {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in image.getcolors(1 << 16)}  # type: ignore[union-attr,misc]
    assert {*drawn, "#ffffff"} <= shown and len(shown) <= pictures.COLOURS
    assert len({ink.lower() for ink in INK} & shown) >= len(groups) - 1


@pytest.mark.parametrize("chart", [c for c in charts.CHARTS if c != "latency"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_title_states_the_finding(name: str, chart: str) -> None:
    tables = tables_of(name)
    about = getattr(findings, f"about_{chart}")
    figure = charts.CHARTS[chart](tables)[0].figure
    assert isinstance(figure, Figure) and title_of(figure) == about(tables.summary)


@pytest.mark.parametrize(("slow", "level"), [("sqs", "kafka"), ("kafka", "sqs")])
def test_the_overview_is_titled_after_whoever_is_slow(slow: str, level: str) -> None:
    tables = build(
        {slow: three_groups(capacity=150.0), level: three_groups(capacity=2_000.0)},
    )
    title = title_of(charts.overview(tables))
    assert re.match(rf"{slow} needs .* to drain; {level} stays level$", title)


def test_words_wrap_and_long_ones_break_at_their_punctuation() -> None:
    assert wrapped("", 1, 10) == []
    assert wrapped("one two three", 10, 10) == ["one two three"]
    lines = wrapped("see results/tournament_slow_group/seed1998-5b22b0 now", 1.5, 10)
    assert lines[0] == "see results/" and len(lines) > 2
    assert all(width_pt(line, 10) <= 1.5 * 72 for line in lines)


def test_titles_when_nothing_is_lost() -> None:
    figure = page_of(charts.loss(tables_of("calm")))
    assert title_of(figure) == "No message is lost in any system"


def test_lines_are_the_numbers_of_the_series() -> None:
    tables = tables_of("football")
    line = charts.lag(tables)[0].lines[0]
    series = tables.series[tables.series["system"] == "sqs_single"]
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), series["t_s"] / 60)
    np.testing.assert_array_equal(line.get_ydata(), series["lag"])


def test_the_latency_line_is_the_quantiles_below_the_maximum() -> None:
    tables = tables_of("football")
    line = charts.latency(tables)[0].lines[0]
    quantiles = tables.latency[tables.latency["system"] == "sqs_single"][:-1]
    x = np.asarray(line.get_xdata(), float)
    np.testing.assert_allclose(1 - 10**-x, quantiles["q"])
    np.testing.assert_array_equal(line.get_ydata(), quantiles["latency_s"])


def test_what_99_percent_took_is_written_beside_a_dot_there() -> None:
    slow = build({"sqs": {"lookup": Group()}})
    made = slow.latency.assign(latency_s=np.where(slow.latency["q"] > 0.99, 20.0, 0.118))
    summary = slow.summary.assign(latency_p99_s=0.118)
    (ax,) = charts.latency(replace(slow, latency=made, summary=summary))
    page_of([ax])
    (dot,) = (line for line in ax.lines if line.get_marker() == "o")
    (at,) = np.column_stack([dot.get_xdata(), dot.get_ydata()])  # type: ignore[list-item]
    assert tuple(at) == (pytest.approx(-np.log10(1 - 0.99)), 0.118)
    (words,) = (text for text in ax.texts if text.get_text() == "lookup: 118 ms")
    box, spot = words.get_window_extent(), ax.transData.transform(at)
    away = spot - np.clip(spot, box.min, box.max)
    assert np.hypot(*away) * 72 / ax.figure.dpi < 40
    end = np.asarray(ax.lines[0].get_xdata(), float).max()
    assert end > 0.94 * ax.get_xlim()[1], "the width is used"


def test_throughput_adds_up_to_the_messages_processed() -> None:
    tables = tables_of("football")
    line = charts.throughput(tables)[0].lines[0]
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    series = tables.series[tables.series["system"] == "sqs_single"]
    assert (np.diff(x) * 60 * y[1:]).sum() == pytest.approx(series["processed"].iloc[-1])


def test_bars_are_the_counts_and_say_them() -> None:
    tables = tables_of("hopeless")
    axes = charts.loss(tables)
    counts = bars.loss_counts(tables)
    assert (
        [ax.get_title(loc="left") for ax in axes]
        == list(counts)
        == [
            "lost: retention",
            "lost: producer buffer",
            "dead-lettered",
            "unfinished",
        ]
    )
    for ax, values in zip(axes, counts.values(), strict=True):
        assert [bar.get_width() for bar in ax.patches] == list(values)  # type: ignore[attr-defined]
        assert ax.get_xlim() == axes[0].get_xlim()
    lost = counts["lost: retention"] + counts["lost: producer buffer"]
    np.testing.assert_array_equal(lost, tables.summary["lost"])


def test_faults_and_the_end_of_arrivals_are_marked() -> None:
    said = [[text.get_text() for text in ax.texts] for ax in charts.lag(tables_of("football"))]
    assert all("arrivals end" in words for words in said)
    assert "crash *.0" in said[0]
    assert {"crash analytics 0", "restart analytics 0", "slow counters x4"} <= set(said[2])


def test_the_end_of_arrivals_is_not_marked_at_the_edge() -> None:
    tables = replace(tables_of("brief"), duration_s=3.0)
    assert not any("arrivals end" in t.get_text() for t in charts.lag(tables)[0].texts)


def test_words_stand_by_the_upper_half_of_their_line_not_at_the_end_of_another() -> None:
    ax = Figure(figsize=(3.5, 1.75)).subplots()
    ax.set(xlim=(0, 220), ylim=(0, 265))
    x = np.linspace(0, 220, 441)
    lines = []
    for name, highest, at, end in (
        ("counters", 130.0, 53, 100),
        ("leaderboard", 129.0, 54, 100),
        ("analytics", 149.0, 55, 115),
    ):
        y = np.interp(x, [0, 22, at, 60, end], [0, 20, highest, highest - 4, 0])
        ax.plot(x, y)
        lines.append(labels.Line(x, y, name, "#000000", f"{highest:,.3f}"))
    labels.name_lines(ax, lines)
    for line, words in zip(lines, ax.texts, strict=True):
        assert words.get_text() == line.words
        upper = line.y >= line.y.max() / 2
        spots = ax.transData.transform(np.column_stack([line.x, line.y])[upper])
        box = words.get_window_extent()
        away = np.hypot(*(spots - spots.clip(box.min, box.max)).T).min() * 72 / ax.figure.dpi
        assert away < 30, (line.name, away)


@pytest.mark.parametrize("faults", [0, 1, 8, 40, 300])
def test_no_fault_goes_unmentioned_however_many(faults: int) -> None:
    marks = [labels.Mark(0.1 * i, 0.1 * i, f"crash {i}") for i in range(faults)]
    marks.append(labels.Mark(15.0, 0.0, "arrivals end", mergeable=False))
    axes = Figure(figsize=(4, 2)).subplots()
    axes.set_xlim(0, 30)
    rows = labels.mark(axes, marks)
    assert rows <= labels.rows_needed([marks])
    said = [text.get_text() for text in axes.texts]
    assert "arrivals end" in said
    mentioned = sum(1 + int((re.search(r"and (\d+) more events?$", w) or [0, 0])[1]) for w in said)
    assert mentioned == faults + 1
    boxes = [text.get_window_extent() for text in axes.texts]
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[i + 1 :])
    for text in axes.texts:
        behind = text.get_bbox_patch()
        assert behind is not None and to_hex(behind.get_facecolor()) == "#ffffff"
        assert all(text.get_zorder() > line.get_zorder() for line in axes.lines)


def test_a_fault_to_the_end_is_shaded_to_the_end() -> None:
    tables = build({"a": {"g": Group()}}, faults=[Fault("a", 600.0, float("inf"), "slow g x2")])
    ax = charts.lag(tables)[0]
    (span,) = ax.patches
    assert span.get_x() == 10 and span.get_width() == pytest.approx(ax.get_xlim()[1] - 10)  # type: ignore[attr-defined]


def test_lines_on_each_other_share_their_words() -> None:
    ax = charts.lag(tables_of("football"))[2]
    shared = [
        t.get_text()
        for t in ax.texts
        if "counters, leaderboard, analytics:" in t.get_text() or "3 groups:" in t.get_text()
    ]
    assert len(shared) == 1 and shared[0].endswith("max 4,471")


def test_counts_from_ten_to_a_million_can_be_read_on_one_axis() -> None:
    ax = charts.lag(tables_of("football"))[0]
    heights = ax.transData.transform([(0, y) for y in (0, 10, 100, 1_000_000)])[:, 1]
    assert (np.diff(heights) > 0.04 * ax.bbox.height).all()
    assert {"10", "100 k", "1 M"} <= {t.get_text() for t in page_of([ax]).axes[0].get_yticklabels()}


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


@pytest.mark.parametrize(("systems", "columns"), [(7, 4), (11, 4)])
def test_the_overview_of_many_systems_is_no_wider_and_shares_its_axes(
    systems: int, columns: int
) -> None:
    tables = build({f"s{i}": {"g": Group(capacity=100.0 * (i + 1))} for i in range(systems)})
    figure = page_of(charts.overview(tables))
    assert figure.get_figwidth() < 14
    assert len(figure.axes) == 3 * systems
    titled = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}
    assert list(titled) == [f"s{i}" for i in range(systems)]
    across = {round(ax.get_position().x0, 6) for ax in titled.values()}
    assert len(across) == columns
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    rows: dict[float, set[Axes]] = {}
    for ax in figure.axes:
        rows.setdefault(round(ax.get_position().y0, 6), set()).add(ax)
    blocks = -(-systems // columns)
    for kind in range(3):
        high = [rows[y] for y in sorted(rows, reverse=True)][kind::3]
        assert len(high) == blocks
        alike = [ax for row in high for ax in row]
        assert len(alike) == systems and len({ax.get_ylim() for ax in alike}) == 1
        assert all(alike[0].get_shared_y_axes().joined(alike[0], ax) for ax in alike)
    said = [text.get_text() for text in words_on(figure)]
    assert said.count("drained after") == said.count("Waiting") == blocks


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


def test_write_all_writes_each_chart_twice_and_the_same_bytes_again(tmp_path: Path) -> None:
    tables = tables_of("calm")
    files = charts.write_all(tables, tmp_path / "a" / "charts", title="Calm")
    names = {f"{name}.{kind}" for name in (*charts.CHARTS, "overview") for kind in ("png", "svg")}
    assert {file.name for file in files} == names
    assert {file.name for file in (tmp_path / "a" / "charts").iterdir()} == names
    again = charts.write_all(calm(), tmp_path / "b", title="Calm")
    for one, two in zip(files, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        assert one.stat().st_size > 5_000


def test_files_do_not_depend_on_the_users_own_style(tmp_path: Path) -> None:
    import matplotlib as mpl

    tables = tables_of("brief")
    one = charts.write_all(tables, tmp_path / "a", title="")
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 20, "svg.hashsalt": "mine"}):
        two = charts.write_all(tables, tmp_path / "b", title="")
        assert mpl.rcParams["font.size"] == 30
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_compare_puts_runs_in_rows_and_systems_in_columns(tmp_path: Path) -> None:
    few, many = tables_of("football"), build({"kafka": three_groups(kind="log")})
    files = charts.compare([("few", few), ("many", many)], tmp_path / "new")
    assert [file.name for file in files] == [
        "compare.png", "compare.svg", "plane.png", "plane.svg",
    ]  # fmt: skip
    figure = charts.comparison([("few", few), ("many", many)])
    axes = figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == [
        "sqs_single", "sqs_fanout", "kafka", "kafka",
    ]  # fmt: skip
    assert len({ax.get_ylim() for ax in axes}) == len({ax.get_xlim() for ax in axes}) == 1
    assert all(axes[0].get_shared_y_axes().joined(axes[0], ax) for ax in axes)
    left = [round(ax.get_position().x0, 6) for ax in axes]
    high = [round(ax.get_position().y0, 6) for ax in axes]
    assert left[2] == left[3] and len({*high[:3]}) == 1 and high[3] < high[2]
    assert {"few", "many"} <= {text.get_text() for text in figure.findobj(Text)}


def test_drawing_needs_no_pyplot_and_the_package_no_matplotlib() -> None:
    code = (
        "import sys; import sim, sim.words.findings; assert 'matplotlib' not in sys.modules;"
        "import sim.charts; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_strip_under_the_lag_shows_what_burrow_says_at_each_time():
    made = build({"kafka": {"a": Group(kind="log"), "b": Group(kind="log")}, "sqs": {"a": Group()}})
    t_s = made.series["t_s"].unique()
    words = np.where(t_s < 600.0, "OK", np.where(t_s < 1_200.0, "STALL", "WARN"))
    burrow = pd.concat(
        [
            pd.DataFrame({"system": "kafka", "group": "a", "t_s": t_s, "status": "OK"}),
            pd.DataFrame({"system": "kafka", "group": "b", "t_s": t_s, "status": words}),
        ]
    )
    (panel,) = charts.LOG_CHARTS["status"][0](replace(made, burrow=burrow))
    strip = panel.figure.axes[1]
    assert panel.get_title("left") == "kafka"
    assert [text.get_text() for text in strip.texts] == ["a", "b"]
    whole, parts = strip.collections
    assert len(whole.get_paths()) == 1 and len(parts.get_paths()) == 3
    colours = [to_hex(colour) for colour in parts.get_facecolors()]
    assert colours == [COLOURS[word] for word in ("OK", "STALL", "WARN")]
    assert parts.get_paths()[1].get_extents().x0 == pytest.approx(10.0, abs=0.5)  # min


def test_spans_that_overlap_are_shaded_once():
    spans = [(0.0, 3.0), (1.0, 2.0), (2.5, 4.0), (6.0, 6.0), (7.0, 8.0)]
    assert labels._united(spans) == [(0.0, 4.0), (7.0, 8.0)]


def test_what_a_replay_put_right_is_drawn_only_if_there_was_a_bug(tmp_path):
    made = build({"kafka": {"a": Group(kind="log")}, "sqs": {"a": Group()}})
    calm = {"righted_effects": 0, "wrong_effects": 0, "unrecoverable": 0}
    assert "replay" not in files.names(made)
    assert "replay" not in files.names(replace(made, summary=made.summary.assign(**calm)))
    told = {"righted_effects": [70, 0], "wrong_effects": [0, 69], "unrecoverable": [0, 500]}
    spoilt = replace(made, summary=made.summary.assign(**told))
    assert "replay" in files.names(spoilt)
    axes = charts.replay(spoilt)
    assert title_of(page_of(axes)).startswith("The log replays, the queue cannot")
    assert [ax.get_title("left") for ax in axes] == [
        "put right by reading again",
        "still wrong",
        "gone when asked for again",
    ]
    widths = [[bar.get_width() for bar in ax.patches] for ax in axes]
    assert widths == [[70, 0], [0, 69], [0, 500]]
