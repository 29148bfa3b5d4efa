"""What became of messages, counted: a row per group, a column of bars per thing that happened."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.charts.labels import name_row
from sim.charts.over_time import colour_of
from sim.charts.page import INK, MUTED, PALETTE, sheet, width_pt
from sim.foundation.arrays import F64, I64, Bools
from sim.foundation.text import count, tick
from sim.words import findings

if TYPE_CHECKING:
    from sim.measure.tables import Tables

ROW_IN = 0.23


def loss(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Messages of each group lost, by place, dead-lettered and unfinished when the run ended.

    `axes`, if given, are as many as `loss_counts` has columns.
    """
    columns = loss_counts(tables)
    axes = axes or _new(
        tables, len(columns), findings.about_loss(tables.summary), "Messages not processed", title
    )
    return draw_bars(tables, axes, columns)


def duplicates(
    tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = ""
) -> list[Axes]:
    """Deliveries and effects of each group beyond the first of a message, on two axes."""
    columns = {
        "duplicates delivered": tables.summary["extra_deliveries"].to_numpy(),
        "duplicates applied": tables.summary["double_effects"].to_numpy(),
    }
    finding = findings.about_duplicates(tables.summary)
    axes = axes or _new(tables, len(columns), finding, "Duplicates", title)
    return draw_bars(tables, axes, columns)


def replay(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Results of each group that a bug spoilt, and messages that were gone, on three axes."""
    columns = {
        "put right by reading again": tables.summary["righted_effects"].to_numpy(),
        "still wrong": tables.summary["wrong_effects"].to_numpy(),
        "gone when asked for again": tables.summary["unrecoverable"].to_numpy(),
    }
    finding = findings.about_replay(tables.summary).split("; ")[0] or "No result is wrong"
    axes = axes or _new(tables, len(columns), finding, "Wrong results", title)
    return draw_bars(tables, axes, columns)


def loss_counts(tables: "Tables") -> dict[str, I64]:
    """Column title -> messages per row of the summary; each place that lost any has a column."""
    summary = tables.summary
    places = findings.lost_by_place(tables.fates, summary)
    columns = {f"lost: {place}": messages for place, messages in places.items()}
    return {
        **(columns or {"lost": summary["lost"].to_numpy()}),
        "dead-lettered": summary["dead_lettered"].to_numpy(),
        "unfinished": summary["unfinished"].to_numpy(),
    }


def draw_bars(tables: "Tables", axes: Sequence[Axes], columns: Mapping[str, I64]) -> list[Axes]:
    """Bars on one scale for all columns, each with its number, a nought where there was none."""
    summary = tables.summary
    new_system = (summary["system"] != summary["system"].shift()).to_numpy()
    y = np.arange(len(summary)) + 0.6 * np.cumsum(new_system)
    colours = [colour_of(tables)[group] for group in summary["group"]]
    highest = max((int(values.max(initial=0)) for values in columns.values()), default=0)
    for ax, (name, values) in zip(axes, columns.items(), strict=True):
        ax.barh(y, values, height=0.72, color=[PALETTE[k] for k in colours], zorder=3)
        for at, value, k in zip(y, values, colours, strict=True):
            ax.annotate(
                count(value),
                (value, at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                size=8,
                color=INK[k] if value else MUTED,
            )
        ax.set_title(name)
        ax.set_ylim(y[-1] + 0.7, y[0] - 0.7)
        ax.set_yticks([])
        ax.grid(visible=False, axis="y")
        number_in = (width_pt(count(highest), 8) + 10) / 72
        width_in = ax.bbox.width / ax.figure.dpi
        ax.set_xlim(0, max(highest, 1) / max(1 - number_in / width_in, 0.2))
        ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
        ax.set_xlabel("messages")
    _name_rows(tables, axes[0], y, new_system)
    return list(axes)


def _name_rows(tables: "Tables", ax: Axes, y: F64, new_system: Bools) -> None:
    colours = colour_of(tables)
    gap = max(width_pt(str(group), 8.5) for group in tables.summary["group"]) + 14
    for at, new, system, group in zip(
        y, new_system, tables.summary["system"], tables.summary["group"], strict=True
    ):
        words = [(str(group), 6.0, INK[colours[group]], "normal")]
        if new:
            words.append((str(system), gap, "#222222", "bold"))
        for text, left, ink, weight in words:
            name_row(ax, at, text, left, 8.5, ink, weight)


def _new(tables: "Tables", n: int, finding: str, what: str, title: str) -> list[Axes]:
    summary = tables.summary
    rows = len(summary) + 0.6 * (summary["system"].nunique() + 1)
    groups = max(width_pt(str(group), 8.5) for group in summary["group"])
    names = max(width_pt(str(system), 8.5, "bold") for system in summary["system"])
    left_in = 0.2 + (groups + names + 22) / 72
    width_in = max(8.0, min(13.0, left_in + 2.4 * n))
    top_in, bottom_in = 0.4, 0.55
    panels_in = rows * ROW_IN + top_in + bottom_in
    subtitle = f"{what} per group. {title}" if title else f"{what} per group"
    figure, top, bottom = sheet(finding, subtitle, "", width_in, panels_in)
    height_in = figure.get_figheight()
    each_in = (width_in - left_in - 0.2) / n
    return list(
        figure.subplots(
            1,
            n,
            sharex=True,
            sharey=True,
            squeeze=False,
            gridspec_kw={
                "left": left_in / width_in,
                "right": 1 - 0.2 / width_in,
                "top": top - top_in / height_in,
                "bottom": bottom + bottom_in / height_in,
                "wspace": 0.25 / max(each_in - 0.25, 0.1),
            },
        )[0]
    )
