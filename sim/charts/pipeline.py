"""Stages of a pipeline: what waits at each, and how old it is, on one time axis."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from sim.charts.labels import Line, Mark, mark, name_lines, rows_needed, title_pad
from sim.charts.lines import draw_line
from sim.charts.over_time import (
    BAND_NOTE,
    linear_axis,
    linear_durations_axis,
    marks,
    systems,
    time_axis,
)
from sim.charts.page import INK, PALETTE, sheet
from sim.foundation.text import count, duration
from sim.words.pipeline import Way, about_pipeline, ways

if TYPE_CHECKING:
    from sim.measure.tables import Tables

NOTE = (
    "A column is a pipeline, a line one of its stages: above, what waits there (lag of a log, "
    "depth of a queue), below, how old the oldest of it is. " + BAND_NOTE
)
PANEL_IN, BETWEEN_IN, GAP_IN = 1.9, 0.25, 0.3
LEFT_IN, RIGHT_IN = 0.9, 0.2
MOST_IN, LEAST_IN = 7.0, 3.6
"""Width of a panel: of a single one, and of one beside others."""
ROWS: Sequence[tuple[str, str, str, Callable[[float], str]]] = (
    ("lag", "max_lag", "messages that wait", count),
    ("time_lag_s", "max_time_lag_s", "age of the oldest", duration),
)
"""Column of the series, that of the summary, what it is, and how to say its highest value."""


def pipeline(
    tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = ""
) -> list[Axes]:
    """Lag and age of each stage: two rows of panels, a column for each pipeline."""
    found = ways(tables.pipeline)
    happened = _marks(tables, found)
    rows = axes or _new(tables, len(found), rows_needed(happened), title)
    table = np.reshape(np.array(rows, object), (2, len(found)))
    time = time_axis(tables)
    for (column, most, what, say), row in zip(ROWS, table, strict=True):
        lines = [
            _draw(tables, ax, way, column, most, say) for ax, way in zip(row, found, strict=True)
        ]
        highest = max((float(line.y.max(initial=0.0)) for its in lines for line in its), default=0)
        (linear_axis if column == "lag" else linear_durations_axis)(list(row), highest)
        row[0].set_ylabel(what)
        for ax, its in zip(row, lines, strict=True):
            ax.set_xlim(0, time.end_s / time.unit_s or 1)
            name_lines(ax, its)
    time.apply(list(table.flat))
    deepest = max(mark(ax, those) for ax, those in zip(table[0], happened, strict=True))
    for ax, those in zip(table[1], happened, strict=True):
        mark(ax, those, named=False)
    for ax, way in zip(table[0], found, strict=True):
        ax.set_title(" > ".join(system for system, _ in way), pad=title_pad(deepest))
    return list(table.flat)


def _draw(
    tables: "Tables",
    ax: Axes,
    way: Way,
    column: str,
    most: str,
    say: Callable[[float], str],
) -> list[Line]:
    """A line for each stage; the first is the thickest, so that those below it are seen."""
    unit_s = time_axis(tables).unit_s
    lines = []
    for i, (system, group) in enumerate(way):
        series, summary = tables.series, tables.summary
        series = series[(series["system"] == system) & (series["group"] == group)]
        row = summary[(summary["system"] == system) & (summary["group"] == group)].iloc[0]
        x, y = series["t_s"].to_numpy(float) / unit_s, series[column].to_numpy(float)
        k = i % len(PALETTE)
        look = {"color": PALETTE[k], "lw": max(2.2 - 0.4 * i, 1.0), "zorder": 3}
        name = f"{system}.{group}"
        clear = draw_line(ax, x, y, label=name, **look)
        lines.append(Line(*clear, name, INK[k], f"max {say(row[most])}"))
    return lines


def _marks(tables: "Tables", found: Sequence[Way]) -> list[list[Mark]]:
    """What happened to any of the stages, by pipeline."""
    of = dict(zip(systems(tables), marks(tables), strict=True))
    out = []
    for way in found:
        its = [one for system, _ in way for one in of.get(system, [])]
        out.append(list(dict.fromkeys(its)))
    return out


def _new(tables: "Tables", columns: int, rows_of_marks: int, title: str) -> list[Axes]:
    each_in = MOST_IN if columns == 1 else LEAST_IN
    width_in = LEFT_IN + RIGHT_IN + columns * each_in + (columns - 1) * BETWEEN_IN
    top_in = 0.35 + title_pad(rows_of_marks) / 72
    panels_in = top_in + 2 * PANEL_IN + GAP_IN + 0.5
    subtitle = f"What waits at each stage, and how old it is. {title}".strip()
    finding = about_pipeline(tables.pipeline, tables.summary)
    figure, top, bottom = sheet(finding, subtitle, NOTE, width_in, panels_in)
    height_in = figure.get_figheight()
    grid = figure.subplots(
        2,
        columns,
        sharex=True,
        sharey="row",
        squeeze=False,
        gridspec_kw={
            "left": LEFT_IN / width_in,
            "right": 1 - RIGHT_IN / width_in,
            "top": top - top_in / height_in,
            "bottom": bottom + 0.5 / height_in,
            "hspace": GAP_IN / PANEL_IN,
            "wspace": BETWEEN_IN / each_in,
        },
    )
    return list(grid.flat)
