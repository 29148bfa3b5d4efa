"""How long messages took from their creation to their first effect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim import findings
from sim.charts.labels import SIZE, Line, name_lines
from sim.charts.over_time import colour_of, systems
from sim.charts.page import INK, PALETTE, outer, panels, width_pt
from sim.text import duration

if TYPE_CHECKING:
    from sim.metrics import Tables

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
NARROW_IN = 3.5
"""A panel below this width has room for the name of every other one of these."""


def latency(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Quantiles of end-to-end latency, a line per group; the x axis stretches the slow tail.

    Messages that were never processed have no latency and are not in it.
    """
    axes = axes or panels(
        len(systems(tables)),
        title=findings.about_latency(tables.summary),
        subtitle=f"End-to-end latency per group, created to first processed. {title}".strip(),
        footnote="Beside each line: what 99 % of its messages took at most. "
        "Messages that were never processed are not counted.",
    )
    colours = colour_of(tables)
    found = dict(iter(tables.latency.groupby(["system", "group"], sort=False)))
    panels_lines: list[list[Line]] = []
    low, high = np.inf, 0.0
    for ax, (system, rows) in zip(axes, tables.summary.groupby("system", sort=False), strict=True):
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
            ax.plot(x, y, color=PALETTE[k], lw=max(2.2 - 0.4 * i, 1.0), zorder=3)
            p99 = duration(row["latency_p99_s"])
            lines.append(Line(x, y, str(row["group"]), INK[k], p99))
            low, high = min(low, y.min()), max(high, y.max())
        panels_lines.append(lines)
        ax.set_title(str(system), pad=6)
    names = [width_pt(line.words, SIZE) for lines in panels_lines for line in lines]
    room = 1 - (max(names, default=0.0) + 12) / (axes[0].bbox.width * 72 / axes[0].figure.dpi)
    _scales(axes, low if high else 1e-3, high or 1.0, 4 / max(room, 0.5))
    for ax, lines in zip(axes, panels_lines, strict=True):
        name_lines(ax, lines, prefer="end")
    return list(axes)


def _scales(axes: Sequence[Axes], low_s: float, high_s: float, right: float) -> None:
    narrow = any(ax.bbox.width / ax.figure.dpi < NARROW_IN for ax in axes)
    for ax in axes:
        ax.set_yscale("log")
        ax.set_ylim(low_s / 2, high_s * 4)
        ax.yaxis.set_major_locator(FixedLocator(DECADES_S))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: duration(y)))
        ax.set_xlim(0, right)
        ax.xaxis.set_major_locator(FixedLocator([-np.log10(1 - q) for q in _NINES[:: 1 + narrow]]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * (1 - 10**-x):.6g} %"))
    left, low = outer(axes)
    for ax in left:
        ax.set_ylabel("latency, at most")
    for ax in low:
        ax.set_xlabel("share of processed messages", loc="left")
