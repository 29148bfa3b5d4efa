"""A line through many samples: where they jump to and fro, their middle and the band they fill."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sim.foundation.arrays import F64, I64

STRETCHES = (120, 60, 30)
"""In how many parts a jagged line is cut, from fine to wide; of each the middle, the lowest and the
highest are drawn. In a panel, they are two to eight points wide."""
JAGGED = 3.0
"""A jagged line goes up and down so many times as much as its middle does."""
BAND_ALPHA = 0.28


class Sampled(Line2D):
    """A line that stands for more samples than it is drawn through."""

    samples: tuple[F64, F64]
    """[samples] x and y."""


def draw_line(ax: Axes, x: F64, y: F64, **look: Any) -> tuple[F64, F64]:
    """Draw a line; returns x and y of what has to stay clear of words: the upper edge of it.

    A lag that is committed every few seconds is a saw of a thousand teeth, and its line a solid
    block. Drawn is then the median of each stretch, in the band from the lowest to the
    highest. Whether it is one is judged as it is seen: a y axis that is logarithmic must be so by
    now, since there teeth are tall that are nothing beside a peak.

    Args:
        ax: where.
        x: [samples] ascending.
        y: [samples] NaN where there is none.
        look: as for `Axes.plot`; ``drawstyle`` is left out of a jagged line.
    """
    cut = stretches(np.asarray(ax.yaxis.get_transform().transform(y)))
    if cut is None:
        ax.plot(x, y, **look)
        return x, y
    low, middle, high = of_stretches(y, cut)
    edges = np.concatenate([[0], cut, [len(x)]])
    at = x[edges[:-1] + np.diff(edges) // 2]
    at[0], at[-1] = x[0], x[-1]
    look.pop("drawstyle", None)
    line = Sampled(at, middle, **{"linewidth": look.pop("lw"), **look})
    line.samples = (x, y)
    ax.add_line(line)
    band = {"color": look["color"], "alpha": BAND_ALPHA, "lw": 0, "zorder": look["zorder"] - 0.5}
    ax.fill_between(at, low, high, **band)
    return at, high


def stretches(y: F64) -> I64 | None:
    """Where to cut a jagged line, as for `np.split`; None: it is drawn as it is.

    A line is jagged if it goes up and down much more than its middle in the widest stretches does,
    and than once from its lowest to its highest and back; of the finer stretches those are taken
    whose middle is not.

    Args:
        y: [samples] NaN where there is none; a line with gaps is drawn as it is.
    """
    if len(y) < 3 * STRETCHES[0] or np.isnan(y).any():
        return None
    cuts = [np.linspace(0, len(y), n + 1).astype(np.int64)[1:-1] for n in STRETCHES]
    most = JAGGED * _travel(of_stretches(y, cuts[-1])[1]) + 2 * np.ptp(y)
    if _travel(y) <= most:
        return None
    finer = (cut for cut in cuts if _travel(of_stretches(y, cut)[1]) <= most)
    return next(finer, cuts[-1])


def of_stretches(y: F64, cut: I64) -> tuple[F64, F64, F64]:
    """[stretches] the lowest, the median and the highest of each.

    All are sorted at once: a median at a time took a tenth of the drawing of a run.

    Args:
        y: [samples] without NaN.
        cut: where each stretch but the first begins, ascending and within `y`.
    """
    edges = np.concatenate([[0], cut, [len(y)]])
    length = np.diff(edges)
    place = np.arange(length.max())
    inside = place < length[:, None]
    each = np.full(inside.shape, np.inf)
    each[inside] = y
    each.sort(axis=1)
    row = np.arange(len(length))
    middle = (each[row, (length - 1) // 2] + each[row, length // 2]) / 2
    return each[:, 0], middle, each[row, length - 1]


def _travel(y: F64) -> float:
    """How far a line goes up and down in all."""
    return float(np.abs(np.diff(y)).sum())
