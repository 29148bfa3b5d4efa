"""Several runs on one page: a row per run, a column per system, all on the same axes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim import findings
from sim.charts.files import write
from sim.charts.labels import mark, name_lines
from sim.charts.over_time import draw, highest, linear_axis, marks, systems, time_axis
from sim.charts.page import MUTED, sheet, style, wrapped
from sim.text import count

if TYPE_CHECKING:
    from sim.metrics import Tables

LEFT_IN, RIGHT_IN, BETWEEN_IN = 3.1, 0.2, 0.25
PANEL_IN, ABOVE_IN = 1.25, 0.65


def compare(runs: Sequence[tuple[str, "Tables"]], folder: Path) -> list[Path]:
    """Write `comparison` of `runs`, each a label and its tables, to `folder`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with style():
        return write(comparison(runs), folder / "compare")


def comparison(runs: Sequence[tuple[str, "Tables"]]) -> Figure:
    """Messages waiting in every system of every run, and what each run shows in words."""
    every = [tables for _, tables in runs]
    names = list(dict.fromkeys(name for tables in every for name in systems(tables)))
    column_in = max(2.2, min(3.9, 10.4 / len(names)))
    width_in = LEFT_IN + RIGHT_IN + column_in * len(names)
    row_in = PANEL_IN + ABOVE_IN
    figure, top, bottom = sheet(
        findings.comparison([(label, t.summary, t.duration_s) for label, t in runs]),
        "Messages waiting per group, on the same axes for every system and run",
        "Numbers above a panel are those of the worst group of the system.",
        width_in,
        row_in * len(runs) + 0.55,
    )
    height_in = figure.get_figheight()
    grid = figure.subplots(
        len(runs),
        len(names),
        sharex=True,
        sharey=True,
        squeeze=False,
        gridspec_kw={
            "left": LEFT_IN / width_in,
            "right": 1 - RIGHT_IN / width_in,
            "top": top - ABOVE_IN / height_in,
            "bottom": bottom + 0.55 / height_in,
            "hspace": ABOVE_IN / PANEL_IN,
            "wspace": BETWEEN_IN / (column_in - BETWEEN_IN),
        },
    )
    linear_axis(list(grid.flat), max(highest(tables, "lag") for tables in every))
    time_axis(*every).apply(list(grid.flat))
    for row, (label, tables) in zip(grid, runs, strict=True):
        _say(row[0], label, findings.headline(tables.summary, tables.duration_s))
        here = systems(tables)
        axes = [row[names.index(name)] for name in here]
        lines = draw(tables, axes, "lag", lambda group: count(group["max_lag"]), every)
        rows = [rows for _, rows in tables.summary.groupby("system", sort=False)]
        for ax, name, those, line, happened in zip(
            axes, here, rows, lines, marks(tables, every), strict=True
        ):
            ax.set_title(name, pad=27)
            ax.annotate(
                "\n".join(wrapped(findings.sums(those), column_in - BETWEEN_IN, 7.5)[:2]),
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, 5),
                textcoords="offset points",
                size=7.5,
                color=MUTED,
            )
            mark(ax, happened, named=False)
            name_lines(ax, line)
        for ax in row:
            ax.set_visible(ax in axes)
    return figure


def _say(ax: Axes, label: str, headline: str) -> None:
    """The label of a run and what it shows, left of its row of panels."""
    wide_in = LEFT_IN - 1.0
    heading = wrapped(label, wide_in, 10, "bold")
    for words, below, size, weight in (
        (heading, 0.0, 10.0, "bold"),
        (wrapped(headline, wide_in, 8), 13.5 * len(heading) + 2, 8.0, "normal"),
    ):
        ax.annotate(
            "\n".join(words),
            (0, 1),
            xycoords="axes fraction",
            xytext=(-(LEFT_IN - 0.2) * 72, 12 - below),
            textcoords="offset points",
            va="top",
            size=size,
            weight=weight,
            annotation_clip=False,
        )
