"""How long messages took from their creation to their first effect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.charts.labels import Line, name_lines
from sim.charts.over_time import colour_of, places, systems
from sim.charts.page import INK, MEASURED, PALETTE, outer, panels
from sim.foundation.arrays import F64
from sim.foundation.text import duration
from sim.words import findings

if TYPE_CHECKING:
    from sim.imports.measured import Measured
    from sim.measure.tables import Tables

SHORTEST_S = 1e-6
"""What takes no time at all is drawn as this on the logarithmic axis, s."""
DECADES_S = (
    1e-6,
    1e-5,
    1e-4,
    1e-3,
    1e-2,
    0.1,
    1.0,
    10.0,
    60.0,
    600.0,
    3_600.0,
    36_000.0,
    360_000.0,
)
_NINES = (0.5, 0.9, 0.99, 0.999, 0.9999)
P99, RIGHT = 2.0, 4.2
"""Where 99 % stand on the x axis, and its end: past 99.99 % by half the width of these words."""
NARROW_IN = 3.5
"""A panel below this width has room for the name of every other one of these."""


def latency(
    tables: "Tables",
    axes: Sequence[Axes] | None = None,
    *,
    title: str = "",
    measured: "Measured | None" = None,
) -> list[Axes]:
    """Quantiles of end-to-end latency, a line per group; the x axis stretches the slow tail.

    Messages that were never processed have no latency and are not in it.

    Args:
        tables: of the run.
        axes: one per system; None: a page of its own.
        title: which run it is.
        measured: latencies that were measured, drawn where `over_time.places` says.
    """
    axes = axes or panels(
        len(systems(tables)),
        title=findings.about_latency(tables.summary, tables.shown),
        subtitle=f"End-to-end latency per group, created to first processed. {title}".strip(),
        footnote="The dot on each line: what 99 % of its messages took at most. "
        "Messages that were never processed are not counted."
        + (f" Measured: {measured.source}." if measured else ""),
    )
    colours = colour_of(tables)
    found = dict(iter(tables.latency.groupby(["system", "group"], sort=False)))
    panels_lines: list[list[Line]] = []
    low, high = np.inf, 0.0
    others = measured.latency if measured else {}
    where = places(tables, measured.kind if measured else "", others)
    panels_of = zip(axes, tables.summary.groupby("system", sort=False), where, strict=True)
    for ax, (system, rows), names in panels_of:
        lines = []
        for i, row in enumerate(rows.to_dict("records")):
            quantiles = found.get((system, row["group"]))
            k = colours[row["group"]]
            if quantiles is None:
                continue
            kept = quantiles[(quantiles["q"] < 1) & np.isfinite(quantiles["latency_s"])]
            x = -np.log10(1 - kept["q"].to_numpy(float))
            y = kept["latency_s"].to_numpy(float).clip(SHORTEST_S)
            if not len(y):
                continue
            lw, name = max(2.2 - 0.4 * i, 1.0), str(row["group"])
            ax.plot(x, y, color=PALETTE[k], lw=lw, zorder=3, label=name)
            p99_s = float(row["latency_p99_s"])
            dot = (P99, max(p99_s, SHORTEST_S))
            ax.plot(*dot, "o", color=PALETTE[k], ms=5, zorder=4)
            lines.append(Line(x, y, name, INK[k], duration(p99_s), point=dot))
            low, high = min(low, y.min()), max(high, y.max())
        for name in names:
            lines.append(_measured(ax, name, np.array(others[name])))
            low, high = min(low, lines[-1].y.min()), max(high, lines[-1].y.max())
        panels_lines.append(lines)
        ax.set_title(str(system), pad=6)
    _scales(axes, low if high else 1e-3, high or 1.0)
    for ax, lines in zip(axes, panels_lines, strict=True):
        name_lines(ax, lines)
    return list(axes)


def _measured(ax: Axes, name: str, points: F64) -> Line:
    """Draw quantiles that were measured, [quantiles, (share, s)]; returns their line."""
    points = points[(points[:, 0] > 0.0) & (points[:, 0] < 1.0)]
    x = -np.log10(1 - points[:, 0])
    y = points[:, 1].clip(SHORTEST_S)
    ax.plot(x, y, color=MEASURED, lw=1.0, ls=(0, (4, 2)), zorder=4)
    dot = (P99, float(np.interp(P99, x, y)))
    return Line(x, y, f"measured {name}", MEASURED, duration(dot[1]), alone=True, point=dot)


def _scales(axes: Sequence[Axes], low_s: float, high_s: float) -> None:
    narrow = any(ax.bbox.width / ax.figure.dpi < NARROW_IN for ax in axes)
    for ax in axes:
        ax.set_yscale("log")
        ax.set_ylim(low_s / 2, high_s * 4)
        ax.yaxis.set_major_locator(FixedLocator(DECADES_S))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: duration(y)))
        ax.set_xlim(0, RIGHT)
        ax.xaxis.set_major_locator(FixedLocator([-np.log10(1 - q) for q in _NINES[:: 1 + narrow]]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * (1 - 10**-x):.6g} %"))
    left, low = outer(axes)
    for ax in left:
        ax.set_ylabel("latency, at most")
    for ax in low:
        ax.set_xlabel("share of processed messages")
