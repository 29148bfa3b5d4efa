"""The numbers behind an inline chart, for a page that says them under the pointer and zooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from sim.charts.lines import Sampled
from sim.foundation.arrays import F64, I64

Kind = Literal["count", "rate", "duration", "clock", "share"]
"""How a number is said: messages, messages a second, a duration, a time since the start, and a
share of the messages (stored as -log10(1 - share))."""

BUCKETS = 150
"""Of a line, in each of which its lowest and its highest point are kept: more than it has pixels
in a panel."""


@dataclass(frozen=True)
class Read:
    """How the axes of a chart are read."""

    x: Kind
    y: Kind
    x_unit: float = 1.0
    """Of the numbers on the x axis, in s if it is a clock."""
    title: str = ""
    """Of the chart; that above it if empty."""


def plots(axes: Sequence[Axes], reads: Sequence[Read], width: float, height: float) -> list[Any]:
    """What a page needs of each of `axes`, as plain data; axes without a named line are left out.

    Args:
        axes: of one figure, drawn.
        reads: one for each of them.
        width: of the figure in the units of its picture, as `height`.
    """
    found = []
    for ax, read in zip(axes, reads, strict=True):
        lines = [
            _line(line.get_label(), to_hex(line.get_color()), *map(_floats, _samples(line)))
            for line in ax.lines
            if not str(line.get_label()).startswith("_") and np.size(line.get_xdata())
        ]
        if not lines:
            continue
        box = ax.get_position()
        scale = ax.yaxis.get_transform()
        found.append(
            {
                "title": read.title or ax.get_title(loc="left") or ax.get_title(),
                "box": _short(
                    [box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height]
                ),
                "x": {"kind": read.x, "unit": read.x_unit, "range": _short(ax.get_xlim())},
                "y": {
                    "kind": read.y,
                    "name": ax.get_ylabel(),
                    "range": _short(ax.get_ylim()),
                    "scale": ax.get_yscale(),
                    "threshold": getattr(scale, "linthresh", None),
                    "linscale": getattr(scale, "linscale", None),
                },
                "lines": lines,
            }
        )
    return found


def _samples(line: Line2D) -> tuple[Any, Any]:
    return line.samples if isinstance(line, Sampled) else line.get_data()


def _line(name: object, colour: str, x: F64, y: F64) -> Any:
    kept = telling(y)
    return {"name": name, "colour": colour, "x": _short(x[kept]), "y": _short(y[kept])}


def telling(y: F64) -> I64:
    """Indices of the points to keep of a line: all, or the lowest and highest of each bucket.

    Args:
        y: [points] NaN where there is no line; its first and last point are kept.
    """
    n = len(y)
    if n <= 2 * BUCKETS:
        return np.arange(n)
    edges = np.linspace(0, n, BUCKETS + 1).astype(np.int64)
    low, high = np.where(np.isnan(y), np.inf, y), np.where(np.isnan(y), -np.inf, y)
    each = [(a + int(low[a:b].argmin()), a + int(high[a:b].argmax())) for a, b in pairwise(edges)]
    return np.unique([0, n - 1, *(i for pair in each for i in pair)])


def _floats(values: Any) -> F64:
    return np.asarray(values, dtype=float)


def _short(values: Any) -> list[float | int | None]:
    """Numbers of five digits; None where there is none, as JSON has no NaN."""
    return [_number(float(value)) for value in values]


def _number(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short
