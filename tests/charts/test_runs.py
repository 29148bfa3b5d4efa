"""Whether runs can be compared: on a page for print, and on the plane of price and harm."""

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from helpers.ledger_tables import ladder
from helpers.pages import page_of, words_on
from helpers.run_tables import tables_of
from helpers.tables import brief, build, calm, football, nothing, three_groups
from sim import charts
from sim.charts.page import PRINT, style
from sim.foundation.units import inches

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


def test_for_print_there_is_a_pdf_and_300_pixels_to_the_inch(tmp_path: Path) -> None:
    files = charts.compare([("a", brief())], tmp_path, width_in=inches("89mm"))
    assert [file.name for file in files] == [
        f"{stem}.{suffix}" for stem in ("compare", "plane") for suffix in ("png", "svg", "pdf")
    ]
    assert imread(files[0]).shape[1] == round(89 / 25.4 * 300)
    again = charts.compare([("a", brief())], tmp_path / "b", width_in=inches("89 mm"))
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]


def test_compare_puts_runs_in_rows_and_systems_in_columns(tmp_path: Path) -> None:
    few, many = tables_of("football"), build({"kafka": three_groups(kind="log")})
    files = charts.compare([("few", few), ("many", many)], tmp_path / "new")
    assert [file.name for file in files] == [
        "compare.png", "plane.png",
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
