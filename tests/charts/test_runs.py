"""Whether runs can be compared: on a page for print, and on the plane of price and harm."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from helpers.ledger_tables import ladder
from helpers.pages import page_of, title_of, words_on
from helpers.tables import Group, brief, build, calm, football, nothing, three_groups
from sim import charts
from sim.charts.page import PRINT, style
from sim.foundation.units import inches
from sim.measure.tables import Tables
from sim.words import tradeoff


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with style():
        yield


PLACES = {
    "football": lambda: [("a", football())],
    "ladder": lambda: [("a", ladder())],
    "two": lambda: [("consumers=4", football()), ("consumers=8", calm())],
    "brief": lambda: [("a", brief())],
    "nothing": lambda: [("a", nothing())],
    "many": lambda: [(f"consumers={n}", build({"kafka": three_groups()})) for n in range(6)],
}
NARROW_IN, WIDE_IN = 89 / 25.4, 183 / 25.4


@pytest.mark.parametrize(
    ("chart", "name", "width_in"),
    [
        *(("comparison", name, NARROW_IN) for name in ("football", "ladder", "two", "nothing")),
        *(("plane", name, NARROW_IN) for name in ("football", "ladder", "two", "many", "nothing")),
        *(
            (chart, name, WIDE_IN)
            for chart in ("comparison", "plane")
            for name in ("ladder", "two")
        ),
        *(("plane", name, None) for name in ("ladder", "two", "brief")),
        ("comparison", "two", None),
    ],
)
def test_words_can_be_read_at_any_width(name: str, chart: str, width_in: float | None) -> None:
    with style() if width_in is None else style(PRINT):
        figure = page_of(getattr(charts, chart)(PLACES[name](), width_in=width_in))
        words = words_on(figure)
    width, height = figure.bbox.size
    if width_in is not None:
        assert figure.get_figwidth() == width_in
    boxes = []
    for text in words:
        assert text.get_size() >= 6.0, text.get_text()
        box = text.get_window_extent()
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1, (
            text.get_text(), box, (width, height),
        )  # fmt: skip
        boxes.append((text.get_text(), box))
    for (first, a), (second, b) in combinations(boxes, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        scale = figure.dpi / 72
        assert min(wide, high) < 2.2 * scale, (first, second)


@pytest.mark.parametrize("width_in", [None, NARROW_IN, WIDE_IN])
def test_words_above_a_panel_are_clear_of_it_and_of_the_numbers_of_its_axis(
    width_in: float | None,
) -> None:
    with style() if width_in is None else style(PRINT):
        figure = page_of(charts.comparison(PLACES["ladder"](), width_in=width_in))
    wrapped = 0
    for ax in figure.axes:
        (words,) = (text for text in ax.texts if text.get_text().startswith("drained in"))
        wrapped += "\n" in words.get_text().strip()
        low_pt = (words.get_window_extent().y0 - ax.bbox.y1) * 72 / figure.dpi
        assert low_pt > 5, words.get_text()
        ticks = [t for t in words_on(figure) if t in ax.get_yticklabels()]
        assert all(t.get_window_extent().y1 < words.get_window_extent().y0 for t in ticks)
    assert wrapped


def test_a_point_is_where_the_numbers_are_and_bears_its_name() -> None:
    tables = football()
    figure = page_of(charts.plane([("a", tables)]))
    (ax,) = (a for a in figure.axes if "out of order" in a.get_title(loc="left"))
    drawn = np.vstack([points.get_offsets() for points in ax.collections])
    worst = tables.summary.groupby("system")[["latency_p99_s", "violations"]].max()
    wanted = worst.to_numpy(float)
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(wanted, axis=0))
    said = " ".join(text.get_text() for text in ax.texts)
    assert all(system in said for system in worst.index) and "better" in said
    corner = next(t for t in ax.texts if t.get_text() == "better")
    assert corner.xy == (0.0, 0) and corner.get_ha() == "left"
    paid = page_of(charts.plane([("a", tables)], price="throughput"))
    corner = next(t for t in paid.axes[0].texts if t.get_text() == "better")
    assert corner.xy == (1.0, 0) and corner.get_ha() == "right"


def two(first: Group, second: Group) -> str:
    tables = build({"one": {"g": first}, "two": {"g": second}})
    return tradeoff.about(tradeoff.points([("a", tables)]), "latency_p99_s")


def test_the_title_says_who_is_best_or_what_it_costs() -> None:
    fast, slow = {"base_latency_s": 0.03}, {"base_latency_s": 3.0}
    both = two(Group(**fast), Group(lost=5, **slow))
    assert both.startswith("one does best in both: no message lost, 99 % within ")
    assert two(Group(lost=5, **slow), Group(**fast)).startswith("two does best in both")
    dear = two(Group(**slow), Group(lost=5, **fast))
    assert re.fullmatch(
        r"one: no message lost, 99 % within \d+ s; two: 5 lost, 99 % within \d+ ms", dear
    )
    mixed = two(Group(violations=3, **fast), Group(lost=5, **fast))
    assert mixed.endswith("none is spared every harm")
    clean = two(Group(**fast), Group(lost=5, violations=3, **fast))
    assert clean.endswith("no harm of any kind in one")


def test_a_system_that_processed_nothing_is_named_and_not_drawn() -> None:
    tables = football()
    lost = tables.summary.assign(latency_p99_s=[np.nan, *tables.summary["latency_p99_s"][1:]])
    figure = page_of(charts.plane([("a", replace(tables, summary=lost))]))
    assert "Not shown, as they processed nothing: sqs_single." in [
        t.get_text() for t in figure.texts
    ]
    assert title_of(page_of(charts.plane([("a", nothing())]))) == "No message was processed"


def test_throughput_counts_until_the_last_message() -> None:
    tables: Tables = football()
    found = tradeoff.points([("a", tables)]).set_index("name")
    row = tables.summary.set_index("system").loc["sqs_single"]
    whole_s = tables.duration_s + row["drain_s"]
    assert found.loc["sqs_single", "throughput"] == pytest.approx(row["processed"] / whole_s)


def test_for_print_there_is_a_pdf_and_300_pixels_to_the_inch(tmp_path: Path) -> None:
    files = charts.compare([("a", brief())], tmp_path, width_in=inches("89mm"))
    assert [file.name for file in files] == [
        f"{stem}.{suffix}" for stem in ("compare", "plane") for suffix in ("png", "svg", "pdf")
    ]
    assert imread(files[0]).shape[1] == round(89 / 25.4 * 300)
    again = charts.compare([("a", brief())], tmp_path / "b", width_in=inches("89 mm"))
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]


@pytest.mark.parametrize("wrong", ["89", "89 px", "wide", "-3in"])
def test_a_width_needs_a_unit_of_length(wrong: str) -> None:
    with pytest.raises(ValueError, match="a width such as 89mm"):
        inches(wrong)


def test_the_command_names_runs_by_what_differs(tmp_path: Path) -> None:
    from sim.cli.commands import app

    run = ["run", "tournament_spike", "--set", "scale=0.01", "--no-charts", "--out", str(tmp_path)]
    for n in (2, 3):
        done = CliRunner().invoke(
            app, [*run, "--set", f"systems.kafka.groups.analytics.consumers={n}", "--name", f"n{n}"]
        )
        assert done.exit_code == 0, done.output
    both = ["compare", "tournament_spike/n2", "tournament_spike/n3", "--out", str(tmp_path)]
    to = ["--to", str(tmp_path / "to")]
    done = CliRunner().invoke(app, [*both, *to, "--width", "183mm", "--price", "throughput"])
    assert done.exit_code == 0, done.output
    assert "kafka.groups.analytics.consumers=2" in done.output
    assert {path.suffix for path in (tmp_path / "to").iterdir()} == {".png", ".svg", ".pdf"}
    for wrong in (["--width", "9px"], ["--width", "1mm"]):
        assert CliRunner().invoke(app, [*both, *to, *wrong]).exit_code == 2
