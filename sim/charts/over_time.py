"""What a run did over time: a panel per system, all on the same axes, a line per group."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.labels import Line, Mark, mark, name_lines, rows_needed, title_pad
from sim.charts.lines import draw_line
from sim.charts.page import INK, MUTED, PALETTE, TimeAxis, outer, panels
from sim.foundation.arrays import F64
from sim.foundation.text import count, duration, tick
from sim.words import findings

if TYPE_CHECKING:
    from sim.measure.tables import Tables


BAND_NOTE = "What jumps to and fro is drawn as its median, in a band from lowest to highest."
LAG_NOTE = (
    "Lag of a log: log end - committed offset, as kafka-consumer-groups reports it. "
    "Depth of a queue: messages ready and in flight. " + BAND_NOTE
)
TIME_LAG_NOTE = "Age of the oldest message that is created and not yet processed."


def throughput(
    tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = ""
) -> list[Axes]:
    """Arrivals (grey) and messages first processed by each group, msg/s."""
    axes = axes or new_page(
        tables, findings.about_throughput(tables.summary), title, "Arrivals and throughput"
    )
    arrivals = draw_throughput(tables, axes)
    finish(tables, axes, "messages per second")
    for ax, lines in zip(axes, arrivals, strict=True):
        name_lines(ax, lines)
    return list(axes)


def lag(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Messages waiting: lag of each group of a log, depth of each queue; logarithmic above 10."""
    axes = axes or new_page(
        tables, findings.about_lag(tables.summary), title, "Consumer lag or queue depth", LAG_NOTE
    )
    counts_axis(axes, highest(tables, "lag"))
    lines = draw(tables, axes, "lag", lambda row: f"max {count(row['max_lag'])}")
    finish(tables, axes, "messages")
    for ax, named in zip(axes, lines, strict=True):
        name_lines(ax, named)
    return list(axes)


def time_lag(
    tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = ""
) -> list[Axes]:
    """Age of the oldest unprocessed message of each group; logarithmic above 1 s."""
    axes = axes or new_page(
        tables,
        findings.about_time_lag(tables.summary),
        title,
        "Age of the oldest message",
        TIME_LAG_NOTE,
    )
    durations_axis(axes, highest(tables, "time_lag_s"))
    lines = draw(
        tables,
        axes,
        "time_lag_s",
        lambda row: f"max {duration(row['max_time_lag_s'])}",
    )
    finish(tables, axes, "age of oldest message")
    for ax, named in zip(axes, lines, strict=True):
        name_lines(ax, named)
    return list(axes)


def order(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Messages processed after a later one of their key, cumulative; logarithmic above 10."""
    note = "Out of order: first processed after a later message of the same key was."
    axes = axes or new_page(
        tables, findings.about_order(tables.summary), title, "Messages out of order", note
    )
    lines = draw(tables, axes, "violations", _order_words)
    counts_axis(axes, highest(tables, "violations"))
    finish(tables, axes, "messages out of order")
    for ax, named in zip(axes, lines, strict=True):
        name_lines(ax, named, prefer="end")
    return list(axes)


def draw(
    tables: "Tables",
    axes: Sequence[Axes],
    column: str,
    value: Callable[[pd.Series], str],
    among: Sequence["Tables"] = (),
) -> list[list[Line]]:
    """`column` of the series, a line per group in the panel of its system; what to name, by panel.

    `value` is what to say with the name of a group, from its row of the summary; `among` are all
    the tables on the page, which share colours and the unit of time.
    Groups that run alike stay visible: each line is thinner than the one before it.
    """
    time = time_axis(*(among or [tables]))
    colours = colour_of(*(among or [tables]))
    out: list[list[Line]] = []
    for ax, groups in zip(axes, by_system(tables), strict=True):
        lines = []
        for i, (row, series) in enumerate(groups):
            k = colours[row["group"]]
            x = series["t_s"].to_numpy(float) / time.unit_s
            y = series[column].to_numpy(float)
            name = str(row["group"])
            lw = max(2.2 - 0.4 * i, 1.0)
            clear = draw_line(ax, x, y, color=PALETTE[k], lw=lw, zorder=3, label=name)
            lines.append(Line(*clear, name, INK[k], value(row)))
        out.append(lines)
    return out


def draw_throughput(tables: "Tables", axes: Sequence[Axes]) -> list[list[Line]]:
    """Rates over the steps of the series' grid; what to name, by panel."""
    time = time_axis(tables)
    colours = colour_of(tables)
    top = 0.0
    out: list[list[Line]] = []
    for ax, groups in zip(axes, by_system(tables), strict=True):
        lines = []
        for i, (row, series) in enumerate(groups):
            t = series["t_s"].to_numpy(float)
            x = t / time.unit_s
            if i == 0:
                y = _per_second(t, series["arrived"])
                ax.fill_between(x, y, step="pre", color="#dcdcdc", lw=0, zorder=2)
                lines.append(Line(x, y, "arrivals", MUTED, alone=True))
                top = max(top, y.max(initial=0))
            k = colours[row["group"]]
            y = _per_second(t, series["processed"])
            name, lw = str(row["group"]), max(1.6 - 0.3 * i, 0.8)
            look = {"color": PALETTE[k], "lw": lw, "zorder": 3, "label": name}
            clear = draw_line(ax, x, y, drawstyle="steps-pre", **look)
            lines.append(Line(*clear, name, INK[k]))
            top = max(top, y.max(initial=0))
        out.append(lines)
    linear_axis(axes, top)
    return out


def by_system(tables: "Tables") -> Iterable[list[tuple[pd.Series, pd.DataFrame]]]:
    """Per system, in the order of the summary: (row of the summary, series) of each group."""
    series = dict(iter(tables.series.groupby(["system", "group"], sort=False)))
    for system, rows in tables.summary.groupby("system", sort=False):
        yield [
            (row, series.get((system, row["group"]), tables.series.iloc[:0]))
            for _, row in rows.iterrows()
        ]


def systems(tables: "Tables") -> list[str]:
    """Names of the systems, in the order of the summary."""
    return [str(system) for system in tables.summary["system"].unique()]


def places(tables: "Tables", kind: str, names: Iterable[str]) -> list[list[str]]:
    """Which measured names to draw in the panel of each system.

    A measured group is drawn in the panels of the systems of its kind, log or queue, that have (or
    are) one of its name; where there are none, in those with its name; else in those of its kind;
    else in all.
    """
    columns = (tables.summary[column].astype(str) for column in ("system", "group", "kind"))
    rows = list(zip(*columns, strict=True))
    out: dict[str, list[str]] = {system: [] for system in systems(tables)}
    for name in names:
        namesakes = [(s, k) for s, g, k in rows if name in (g, s, f"{s}.{g}")]
        alike = [(s, k) for s, _, k in rows if k == kind]
        there = [pair for pair in namesakes if pair in alike] or namesakes or alike
        for system in {s for s, _ in there} or set(out):
            out[system].append(name)
    return list(out.values())


def colour_of(*tables: "Tables") -> Mapping[str, int]:
    """Place in the palette of each group: the same in every system and every chart.

    Systems with most groups come first, so that groups keep theirs when a system with fewer is left
    out of a run, or another run stands beside it.
    """
    rows = (rows["group"] for t in tables for _, rows in t.summary.groupby("system", sort=False))
    groups = dict.fromkeys(str(g) for those in sorted(rows, key=len, reverse=True) for g in those)
    return {group: i % len(PALETTE) for i, group in enumerate(groups)}


def time_axis(*tables: "Tables") -> TimeAxis:
    """From 0 to the last time in the series, or to the end of arrivals."""
    last = (t.series["t_s"].max() if len(t.series) else 0.0 for t in tables)
    return TimeAxis.until(max(*map(float, last), *(t.duration_s for t in tables)))


def marks(tables: "Tables", among: Sequence["Tables"] = ()) -> list[list[Mark]]:
    """The end of arrivals and the faults, by system; `among` as in `draw`."""
    time = time_axis(*(among or [tables]))
    out: dict[str, list[Mark]] = {system: [] for system in systems(tables)}
    if tables.duration_s < 0.99 * time.end_s:
        for those in out.values():
            those.append(
                Mark(tables.duration_s / time.unit_s, 0.0, "arrivals end", mergeable=False)
            )
    columns = (tables.faults[name] for name in ("system", "t_s", "until_s", "text"))
    for system, t_s, until_s, words in zip(*columns, strict=True):
        if system in out:
            out[system].append(Mark(t_s / time.unit_s, until_s / time.unit_s, words))
    return list(out.values())


def name_panels(tables: "Tables", axes: Sequence[Axes]) -> None:
    """Title the panels with their systems and mark what happened in each."""
    rows = [mark(ax, those) for ax, those in zip(axes, marks(tables), strict=True)]
    for ax, system in zip(axes, systems(tables), strict=True):
        ax.set_title(system, pad=title_pad(max(rows)))


def counts_axis(axes: Sequence[Axes], highest: float) -> None:
    """A y axis on which both 10 and 1,000,000 can be read: logarithmic above 10 if need be."""
    if highest <= 100:
        linear_axis(axes, highest)
        return
    decades = int(np.ceil(np.log10(highest)))
    _symlog(axes, 10.0, [0.0, *(10.0**d for d in range(1, decades + 1))], highest * 3, tick)


def durations_axis(axes: Sequence[Axes], highest_s: float) -> None:
    """A y axis of durations on which 1 s and 10 h can be read: logarithmic above 1 s if need be."""
    if highest_s <= 10:
        linear_axis(axes, highest_s, duration)
        return
    ticks = [0.0, 1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0, 360_000.0]
    _symlog(axes, 1.0, [t for t in ticks if t <= highest_s * 2], highest_s * 3, duration)


def linear_axis(axes: Sequence[Axes], highest: float, say: Callable[[float], str] = tick) -> None:
    """A y axis from 0, with room for words above the highest point."""
    for ax in axes:
        top = highest * 1.18 if highest > 0 else 1.0
        ax.set_ylim(-0.015 * top, top)
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=highest >= 4 or highest == 0))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: say(y)))


def linear_durations_axis(axes: Sequence[Axes], highest_s: float) -> None:
    """A y axis of durations from 0, with ticks at round numbers of its unit."""
    linear_axis(axes, highest_s, duration)
    for ax in axes:
        ax.yaxis.set_major_locator(FixedLocator(round_durations(highest_s * 1.18)))


def round_durations(highest_s: float) -> list[float]:
    """Three to six times from 0 to `highest_s` that a clock would show."""
    if highest_s <= 60:
        ticks = MaxNLocator(5).tick_values(0, highest_s or 1.0)
        return [float(t) for t in ticks if t <= (highest_s or 1.0)]
    steps = (15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200)
    step = next((s for s in steps if highest_s / s <= 5), 86_400.0)
    step *= max(1, round(highest_s / step / 5))
    return [float(t) for t in np.arange(0, highest_s, step)]


def _symlog(
    axes: Sequence[Axes],
    threshold: float,
    ticks: Sequence[float],
    top: float,
    say: Callable[[float], str],
) -> None:
    for ax in axes:
        ax.set_yscale("symlog", linthresh=threshold, linscale=0.5)
        ax.set_ylim(-0.2 * threshold, top)
        ax.yaxis.set_major_locator(FixedLocator(ticks))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: say(y)))


def new_page(
    tables: "Tables",
    finding: str,
    title: str,
    what: str,
    footnote: str = "",
    *,
    per: str = "group",
    **room: float,
) -> list[Axes]:
    """A page with a panel per system, under what the numbers say; `room` as for `panels`."""
    subtitle = f"{what} per {per}. {title}" if title else f"{what} per {per}"
    return panels(
        len(systems(tables)),
        title=finding,
        subtitle=subtitle,
        footnote=footnote,
        marks_pt=title_pad(rows_needed(marks(tables))),
        **room,
    )


def finish(tables: "Tables", axes: Sequence[Axes], y_label: str) -> None:
    """Scale time, name the y axis and the panels, and mark what happened in each."""
    time_axis(tables).apply(axes)
    for ax in outer(axes)[0]:
        logarithmic = ax.get_yscale() == "symlog"
        ax.set_ylabel(f"{y_label}, log scale" if logarithmic else y_label)
    name_panels(tables, axes)


def highest(tables: "Tables", column: str) -> float:
    """The largest value of a column of the series; 0 if there is none."""
    values = tables.series[column].to_numpy(float)
    return float(np.nanmax(values, initial=0.0))


def _order_words(row: pd.Series) -> str:
    if not row["violations"]:
        return "0"
    keys = row["keys_violated"]
    return f"{count(row['violations'])} in {count(keys)} key{'' if keys == 1 else 's'}"


def _per_second(t_s: F64, cumulative: pd.Series) -> F64:
    """[times] messages per second in the step of the grid that ends then."""
    if len(t_s) < 2:
        return np.zeros(len(t_s))
    step = np.diff(t_s)
    rates = np.divide(np.diff(cumulative), step, out=np.zeros(step.size), where=step > 0)
    return np.concatenate([rates[:1], rates])
