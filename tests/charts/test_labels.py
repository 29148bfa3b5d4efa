"""Words beside lines, and marks of what happened."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from helpers.run_tables import tables_of
from helpers.tables import (
    Fault,
    Group,
    build,
)
from sim import charts
from sim.charts import labels


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


def test_what_lasts_all_the_time_is_named_and_not_shaded() -> None:
    tables = build({"a": {"g": Group()}}, faults=[Fault("a", 0.0, float("inf"), "one database")])
    ax = charts.lag(tables)[0]
    assert not ax.patches and "one database" in [text.get_text() for text in ax.texts]


def test_lines_on_each_other_share_their_words() -> None:
    ax = charts.lag(tables_of("football"))[2]
    shared = [
        t.get_text()
        for t in ax.texts
        if "counters, leaderboard, analytics:" in t.get_text() or "3 groups:" in t.get_text()
    ]
    assert len(shared) == 1 and shared[0].endswith("max 4,471")


def test_spans_that_overlap_are_shaded_once():
    spans = [(0.0, 3.0), (1.0, 2.0), (2.5, 4.0), (6.0, 6.0), (7.0, 8.0)]
    assert labels._united(spans) == [(0.0, 4.0), (7.0, 8.0)]


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (400.0, "checks: rebalanced in 3.0 s and 3 more events"),
        (150.0, "checks: rebalanced in 3.0 s + 3"),
        (60.0, "4 events"),
    ],
)
def test_a_shared_name_is_as_long_as_its_panel_is_wide(width: float, words: str) -> None:
    mark = labels.Mark(at=1.0, until=1.0, words="checks: rebalanced in 3.0 s", mergeable=True)
    name = labels._Name(mark, at=10.0, width=width, more=3)
    assert name.words == words
    assert name.left + labels.width_pt(words, labels.MARK_SIZE) <= width


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (400.0, "partitions are added to the topic: 8 of them"),
        (135.0, "partitions are added to the topic"),
        (90.0, "partitions are added …"),
    ],
)
def test_how_much_goes_before_what(width: float, words: str) -> None:
    assert labels._cut("partitions are added to the topic: 8 of them", width) == words


def test_a_shared_name_is_cut_before_it_is_only_counted() -> None:
    mark = labels.Mark(
        at=1.0, until=1.0, words="books goes on after 6 to 8 partitions, as they were"
    )
    assert labels._Name(mark, at=10.0, width=120.0, more=1).words.endswith("… + 1")
