"""One page that puts the systems, or several runs of them, side by side."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.charts.labels import mark, name_lines, rows_needed, title_pad
from sim.charts.over_time import (
    BAND_NOTE,
    draw,
    draw_throughput,
    highest,
    linear_axis,
    linear_durations_axis,
    marks,
    name_panels,
    systems,
    time_axis,
)
from sim.charts.page import MUTED, sentences, sheet, width_pt, wrapped
from sim.foundation.text import count, drain, duration
from sim.words import findings
from sim.words import shown as shown_words

if TYPE_CHECKING:
    from sim.measure.tables import Tables

SAME = "The same messages and the same axes for every system"
LEFT_IN, RIGHT_IN, BETWEEN_IN = 2.0, 0.2, 0.22
PANEL_IN = (1.45, 1.45, 1.25)
STRIP_ROW_IN, GAP_IN = 0.23, 0.28
SMALL = 6.5
"""Size of the words of a row in the strip that take two lines."""
MOST_ABREAST, NARROW = 6, 5
"""More systems than this many stand in several blocks, at most so many in each."""

ROWS = ("throughput", "lag", "time_lag")
"""What each row of panels shows; the label of a panel is this and its system, as in `lag: sqs`."""

STRIP: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("time to drain", "drain_s", drain),
    ("p99", "latency_p99_s", duration),
    ("lost", "lost", count),
    ("dead-lettered", "dead_lettered", count),
    ("unfinished", "unfinished", count),
    ("duplicates applied", "double_effects", count),
    ("out of order", "violations", count),
)
"""Rows of the summary below the charts: words, column, and how to say it."""
SHOWN = "shown"
"""Stands for the column of what the scenario is about, if it is none of the summary's."""


def overview(tables: "Tables", *, title: str = "") -> Figure:
    """Arrivals and throughput, lag and time lag of every system, on the same axes; and the sums."""
    n = len(systems(tables))
    blocks, columns = _blocks(n)
    width_in = LEFT_IN + RIGHT_IN + columns * min(3.9 if n > 1 else 6.0, 11.4 / columns)
    strip_in = STRIP_ROW_IN * (len(_strip_rows(tables)) + 0.6)
    top_in = 0.35 + title_pad(rows_needed(marks(tables))) / 72
    block_in = top_in + sum(PANEL_IN) + 2 * GAP_IN + 0.55 + strip_in
    figure, top, bottom = sheet(
        findings.headline(tables.summary, tables.duration_s, tables.shown),
        sentences(title, SAME if n > 1 else ""),
        "Numbers are those of the worst group, named where groups differ. "
        "Lag: log end - committed offset of a log, depth: ready + in flight of a queue. "
        + BAND_NOTE,
        width_in,
        blocks * block_in,
    )
    height = (top - bottom) / blocks
    axes = np.hstack(
        [
            _panels(
                figure,
                columns,
                top - (block + top_in / block_in) * height,
                top - (block + 1 - (strip_in + 0.55) / block_in) * height,
            )
            for block in range(blocks)
        ]
    )
    for row in axes:
        for other in row[columns::columns]:
            other.sharey(row[0])
    for first in axes[0, columns::columns]:
        first.sharex(axes[0, 0])
    for spare in axes[:, n:].flat:
        spare.remove()
    axes = axes[:, :n]
    throughput, lag, time_lag = axes
    for what, row in zip(ROWS, axes, strict=True):
        for ax, system in zip(row, systems(tables), strict=True):
            ax.set_label(f"{what}: {system}")
    drawn = (
        draw_throughput(tables, throughput),
        draw(tables, lag, "lag", lambda row: count(row["max_lag"])),
        draw(tables, time_lag, "time_lag_s", lambda row: duration(row["max_time_lag_s"])),
    )
    linear_axis(lag, highest(tables, "lag"))
    linear_durations_axis(time_lag, highest(tables, "time_lag_s"))
    time_axis(tables).apply(list(axes.flat))
    name_panels(tables, throughput)
    for row in axes[1:]:
        for ax, those in zip(row, marks(tables), strict=True):
            mark(ax, those, named=False)
    for row, lines in zip(axes, drawn, strict=True):
        for ax, line in zip(row, lines, strict=True):
            name_lines(ax, line)
    for leftmost in axes[:, ::columns].T:
        for ax, (heading, unit) in zip(leftmost, HEADINGS, strict=True):
            _heading(ax, heading, unit)
    _strip(tables, axes[-1], columns)
    return figure


def _blocks(n: int) -> tuple[int, int]:
    """How many blocks of panels, one below the other, for `n` systems, and systems in each."""
    blocks = 1 if n <= MOST_ABREAST else -(-n // NARROW)
    return blocks, -(-n // blocks)


def _panels(figure: Figure, columns: int, top: float, bottom: float) -> NDArray[Any]:
    """[3, columns] the panels of a block, between two heights of the figure."""
    width_in = figure.get_figwidth()
    grid = figure.add_gridspec(
        3,
        columns,
        left=LEFT_IN / width_in,
        right=1 - RIGHT_IN / width_in,
        top=top,
        bottom=bottom,
        height_ratios=PANEL_IN,
        hspace=GAP_IN / np.mean(PANEL_IN),
        wspace=BETWEEN_IN / ((width_in - LEFT_IN - RIGHT_IN) / columns - BETWEEN_IN),
    )
    return np.asarray(grid.subplots(sharex=True, sharey="row", squeeze=False))


HEADINGS = (
    ("Processed", "messages/s, over\narrivals in grey"),
    ("Lag or depth", "messages"),
    ("Age of oldest", "oldest message not\nyet processed"),
)


def _heading(ax: Axes, heading: str, unit: str) -> None:
    for words, below, weight, ink in ((heading, 0, "bold", "#222222"), (unit, 14, "normal", MUTED)):
        ax.annotate(
            words,
            (0, 1),
            xycoords="axes fraction",
            xytext=(-(LEFT_IN - 0.2) * 72, -below),
            textcoords="offset points",
            va="top",
            size=9.5 if weight == "bold" else 7.5,
            weight=weight,
            color=ink,
        )


def _strip_rows(tables: "Tables") -> list[tuple[str, str, Callable[[float], str]]]:
    """`STRIP`, after what the scenario is about: that is the first row.

    A p99 of the summary is of what was processed; where something was not, the row says so.
    """
    shown = tables.shown
    some_left = tables.summary["unfinished"].any()
    strip = [
        (f"{words} of processed" if some_left and column == "latency_p99_s" else words, column, say)
        for words, column, say in STRIP
    ]
    if not len(shown):
        return strip
    column = shown_words.column_of(shown)
    rest = [row for row in strip if row[1] != column]
    first = [row for row in strip if row[1] == column and not (some_left and "p99" in row[0])]
    return [*(first or [(shown_words.heading(shown), SHOWN, shown_words.say(shown))]), *rest]


def _strip(tables: "Tables", axes: Sequence[Axes], columns: int) -> None:
    """The sums of each system in a column below its panels, one row for each of `STRIP`.

    Every so many `columns` a block begins, with the words of the rows.
    """
    summary = tables.summary
    if len(tables.shown):
        its = tables.shown[["system", "group", "value"]].rename(columns={"value": SHOWN})
        summary = summary.merge(its, on=["system", "group"], how="left")
    by_system = [rows for _, rows in summary.groupby("system", sort=False)]
    for i, (words, column, said) in enumerate(_strip_rows(tables)):
        down = -(0.55 + STRIP_ROW_IN * (i + 0.5)) * 72
        lines = wrapped(words, LEFT_IN - 0.45, SMALL)
        size = 8.5 if width_pt(words, 8.5) <= (LEFT_IN - 0.45) * 72 else SMALL
        for ax in axes[::columns]:
            text = words if size > SMALL else "\n".join(lines)
            _write(ax, text, -(LEFT_IN - 0.2) * 72, down, "#444444", size=size)
        for ax, rows in zip(axes, by_system, strict=True):
            worst = rows[column].max()
            same = rows[column].nunique(dropna=False) == 1
            bad = column not in ("drain_s", "latency_p99_s", SHOWN) and worst > 0
            _write(
                ax,
                said(worst),
                0,
                down,
                "#222222",
                "bold" if bad or math.isinf(worst) else "normal",
            )
            if not same:
                values = rows[column].fillna(-np.inf)  # a group that the number is not of
                group = rows["group"].iloc[int(values.to_numpy().argmax())]
                _write(ax, str(group), width_pt(said(worst), 8.5, "bold") + 6, down, MUTED)


def _write(
    ax: Axes,
    words: str,
    left: float,
    down: float,
    ink: str,
    weight: str = "normal",
    size: float = 8.5,
) -> None:
    ax.annotate(
        words,
        (0, 0),
        xycoords="axes fraction",
        xytext=(left, down),
        textcoords="offset points",
        va="center",
        size=size,
        color=ink,
        weight=weight,
        linespacing=1.0,
    )
