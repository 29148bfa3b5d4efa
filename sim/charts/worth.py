"""What is worth paying for: cost a month against p99, and the line of what nothing else beats."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.page import INK, MUTED, PALETTE, SCREEN, panels, pixels
from sim.charts.plane import Spot, name_points
from sim.charts.quantiles import DECADES_S, SHORTEST_S
from sim.foundation.arrays import F64
from sim.foundation.text import duration, tick
from sim.words.worth import Offer, finding, notes, usd, worth_it

_WORTH = 0
"""Place in the palette."""


def worth(those: Sequence[Offer], *, title: str) -> Axes:
    """A point for each offer, and a line through those that are worth their price.

    Args:
        those: systems, or settings of one; of which at least one has processed all its messages.
        title: which run it is.
    """
    (ax,) = panels(
        1,
        title=finding(those),
        subtitle=f"Cost a month against the latency of 99 % of the messages. {title}",
        footnote=" ".join(
            [
                "A system stands for its slowest group. Blue: nothing here is both as cheap and as "
                "fast. Hollow: it misses a need. List prices; most are assumptions, which the bill "
                "marks.",
                *notes(those),
            ]
        ),
    )
    drawn = [one for one in those if np.isfinite(one.p99_s)]
    best = worth_it(drawn)
    x = np.array([one.usd for one in drawn])
    y = np.array([max(one.p99_s, SHORTEST_S) for one in drawn])
    ax.set_yscale("log")
    bottom = max((t for t in DECADES_S if t <= y.min() / 1.2), default=y.min() / 2)
    top = min((t for t in DECADES_S if t >= y.max() * 1.2), default=y.max() * 2)
    ax.set_ylim(bottom, top)
    ticks = [t for t in DECADES_S if bottom <= t <= top]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda s, _: duration(s)))
    ax.set_xlim(0, 1.25 * x.max())
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: tick(v)))
    ax.set_xlabel("USD a month")
    ax.set_ylabel("99 % of messages within")
    # What one pays more for: faster from here on, and as slow as before until then.
    levels = [max(one.p99_s, SHORTEST_S) for one in best]
    steps_x = np.array([*(one.usd for one in best), 1.25 * x.max()])
    steps_y = np.array([*levels, levels[-1]])
    ax.step(steps_x, steps_y, where="post", color=PALETTE[_WORTH], lw=1.2, alpha=0.5, zorder=2)
    good = np.array([one in best for one in drawn])
    short = np.array([bool(one.unmet) for one in drawn])
    for which, size, color, zorder in ((good, 46, PALETTE[_WORTH], 4), (~good, 30, MUTED, 3)):
        for hollow in (False, True):
            those_ = which & (short == hollow)
            if not those_.any():
                continue
            face = "none" if hollow else color
            ax.scatter(
                x[those_], y[those_], s=size, facecolors=face, edgecolors=color, zorder=zorder
            )
    spots = [
        Spot(
            one.usd,
            max(one.p99_s, SHORTEST_S),
            _named(one),
            INK[_WORTH] if one in best else MUTED,
        )
        for one in drawn
    ]
    name_points(ax, spots, SCREEN.line, _along(pixels(ax, steps_x, steps_y)))
    return ax


def _named(one: Offer) -> str:
    short = ", misses a need" if one.unmet else ""
    return f"{one.name}: {usd(one.usd)} USD, {duration(one.p99_s)}{short}"


def _along(corners: F64) -> list[F64]:
    """Boxes (left, low, right, high) around a line of steps, where no words go.

    Args:
        corners: [points, 2] where it goes down to the next, in points.
    """
    boxes = []
    for (x, y), (to_x, to_y) in pairwise(corners):
        boxes.append(np.array([x, y - 2, to_x, y + 2]))
        boxes.append(np.array([to_x - 2, min(y, to_y), to_x + 2, max(y, to_y)]))
    return boxes
