"""Burrow's judgement of each group of a log, as a strip under its lag."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.charts.labels import name_lines
from sim.charts.over_time import counts_axis, draw, finish, highest, new_page, time_axis
from sim.charts.page import TimeAxis
from sim.foundation.text import count
from sim.words import findings

if TYPE_CHECKING:
    from sim.measure.tables import Tables

COLOURS = {
    "OK": "#d5e8df", "WARN": "#f0c34a", "STOP": "#d9662b", "STALL": "#a52a4f", "REWIND": "#5b4ea3",
}  # fmt: skip
"""From light to dark, so that they can be told apart without colour too."""
NOTE = "Burrow's rules for ten commits; a group is as bad as its worst partition."
_ROW_IN, _GAP_IN = 0.19, 0.08


def status(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Lag of each group of a log, and below it what Burrow says of the group at each time.

    Each panel is for one system on a log, in their order; its lower part becomes the strip.
    """
    logs = _only_logs(tables)
    groups = logs.burrow.groupby(["system", "group"], sort=False).ngroups
    most = int(logs.summary.groupby("system", sort=False).size().max()) if groups else 0
    strip_in = _ROW_IN * most
    axes = axes or new_page(
        logs,
        findings.about_burrow(logs.burrow),
        title,
        "Lag and Burrow's status",
        NOTE,
        panel_in=2.1 + _GAP_IN + strip_in,
        below_pt=14.0,
    )
    time = time_axis(logs)
    strips = [_split(ax, strip_in) for ax in axes]
    alike = replace(tables, series=logs.series)  # in whose colours the other charts are drawn
    counts_axis(axes, highest(logs, "lag"))
    lines = draw(logs, axes, "lag", lambda row: f"max {count(row['max_lag'])}", [alike])
    finish(logs, axes, "messages")
    for ax, named in zip(axes, lines, strict=True):
        ax.tick_params(labelbottom=False)
        ax.set_xlabel("")
        name_lines(ax, named)
    for strip, (_, mine) in zip(strips, logs.burrow.groupby("system", sort=False), strict=True):
        _fill(strip, mine, time, most)
    time.apply(strips)
    for figure in dict.fromkeys(ax.figure for ax in axes):
        figure.legend(
            handles=[Patch(color=colour, label=word) for word, colour in COLOURS.items()],
            loc="lower right", ncols=len(COLOURS), fontsize=7.5, frameon=False, borderaxespad=0.1,
            handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
    return list(axes)


def _only_logs(tables: "Tables") -> "Tables":
    logs = tables.summary[tables.summary["kind"] == "log"]
    return replace(
        tables,
        summary=logs,
        series=tables.series[tables.series["system"].isin(logs["system"])],
        faults=tables.faults[tables.faults["system"].isin(logs["system"])],
    )


def _split(ax: Axes, strip_in: float) -> Axes:
    """Take the lower part of a panel for a strip of its own."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    height_in = figure.get_figheight()
    x, y, width, height = ax.get_position().bounds
    strip, gap = strip_in / height_in, _GAP_IN / height_in
    ax.set_position((x, y + strip + gap, width, height - strip - gap))
    return figure.add_axes((x, y, width, strip))


def _fill(ax: Axes, burrow: pd.DataFrame, time: TimeAxis, rows: int) -> None:
    """A row for each group, coloured by status from each time to the next."""
    ax.set_ylim(rows, 0)
    ax.set_yticks([])
    ax.grid(False)
    for row, (group, mine) in enumerate(burrow.groupby("group", sort=False)):
        t = mine["t_s"].to_numpy(float) / time.unit_s
        words = mine["status"].to_numpy(str)
        first = np.flatnonzero(np.r_[True, words[1:] != words[:-1]])
        until = np.r_[t[first[1:]], t[-1]]
        ax.broken_barh(
            list(zip(t[first], until - t[first], strict=True)),
            (row + 0.06, 0.88),
            color=[COLOURS[word] for word in words[first]],
            lw=0,
        )
        ax.annotate(
            str(group), (0, row + 0.5), xytext=(3, 0), textcoords="offset points", va="center",
            size=6.5, bbox={"fc": "white", "alpha": 0.75, "lw": 0, "pad": 0.8},
        )  # fmt: skip
