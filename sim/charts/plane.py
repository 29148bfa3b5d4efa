"""What you pay, and what you get: a point per system, harm against latency or throughput.

Whatever is nearer to the marked corner is better in both. Points are named where they stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.over_time import counts_axis
from sim.charts.page import INK, PALETTE, PRINT, SCREEN, Letters, pixels, sheet, width_pt, wrapped
from sim.charts.quantiles import DECADES_S, SHORTEST_S
from sim.foundation.arrays import F64
from sim.foundation.text import duration, tick
from sim.words import tradeoff

if TYPE_CHECKING:
    from sim.measure.tables import Tables

BETTER = "#e7f3ec"
BELOW = 0.14
"""Room below 0, as a share of that above."""
LEAD_PT = 8.0
"""Words further than this from their point get a thin line to it."""
TOGETHER_PT = 5.0
"""Points closer than this share their words."""


def plane(
    runs: Sequence[tuple[str, "Tables"]],
    *,
    price: str = "latency_p99_s",
    width_in: float | None = None,
) -> Figure:
    """A panel per kind of harm that any system did, all against the same price.

    Args:
        runs: a label and tables each.
        price: a key of `tradeoff.PRICES`.
        width_in: of the page, for print; a size for screens if None.
    """
    letters = SCREEN if width_in is None else PRINT
    points = tradeoff.points(runs)
    harms = tradeoff.harms_of(points)
    columns = min(len(harms), 3 if width_in is None else max(1, int(width_in / 2.8)))
    wide_in = width_in or {1: 7.0, 2: 10.5}.get(columns, 13.0)
    rows = -(-len(harms) // columns)
    left_in, bottom_in, top_in = (5.6 * letters.tick / 72, 0.42, 2.4 * letters.panel / 72)
    right_in = letters.margin_in
    panel_in = 3.1 if width_in is None else 0.62 * wide_in / columns
    names = [label for label, _ in runs] if len(runs) > 1 else []
    legend_in = 1.5 * letters.line * len(names) / 72
    unknown = points[points[price].isna()]
    figure, top, bottom = sheet(
        tradeoff.about(points, price),
        f"What you pay, what you get: harm done against {tradeoff.PRICES[price].noun}. A point per "
        "system, its worst group: round for a log, square for a queue",
        _note(unknown),
        wide_in,
        rows * (panel_in + top_in + bottom_in) + legend_in,
        letters,
    )
    height_in = figure.get_figheight()
    each = figure.subplots(
        rows,
        columns,
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "left": left_in / wide_in,
            "right": 1 - right_in / wide_in,
            "top": top - top_in / height_in,
            "bottom": bottom + (bottom_in + legend_in) / height_in,
            "hspace": (top_in + bottom_in) / panel_in,
            "wspace": left_in / ((wide_in - left_in - right_in) / columns - left_in),
        },
    )
    known = points.dropna(subset=[price])
    for ax, harm in zip(each.flat, harms, strict=False):
        _panel(ax, known, harm, price, letters)
    for spare in each.flat[len(harms) :]:
        spare.remove()
    for i, label in enumerate(names):
        up_in = bottom * height_in + 1.5 * letters.line / 72 * (len(names) - i - 0.8)
        place = (left_in / wide_in, up_in / height_in)
        ink = INK[i % len(INK)]
        figure.text(*place, label, size=letters.line, color=ink, weight="bold")
    return figure


def _note(unknown: pd.DataFrame) -> str:
    if unknown.empty:
        return ""
    return f"Not shown, as they processed nothing: {', '.join(unknown['name'])}."


def _panel(ax: Axes, points: pd.DataFrame, harm: str, price: str, letters: Letters) -> None:
    cheap_is_left = price != "throughput"
    y = points[harm].to_numpy(float)
    x = points[price].to_numpy(float)
    ax.set_title(tradeoff.HEADINGS[harm], pad=6)
    counts_axis([ax], float(y.max(initial=0)))
    _room_below(ax)
    if cheap_is_left:
        x = x.clip(SHORTEST_S)
        _log_durations(ax, x)
    else:
        ax.set_xlim(0, 1.3 * x.max(initial=1e-9))
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: tick(v)))
    ax.tick_params(labelbottom=True)
    ax.set_xlabel(tradeoff.PRICES[price].axis)
    corner = _corner(ax, cheap_is_left, letters)
    for kind, marker in (("queue", "s"), ("log", "o")):
        those = (points["kind"] == kind).to_numpy()
        colours = [PALETTE[k % len(PALETTE)] for k in points["run"][those]]
        ax.scatter(x[those], y[those], s=30, c=colours, marker=marker, zorder=4, clip_on=False)
    inks = [INK[k % len(INK)] for k in points["run"]]
    spots = [
        Spot(px, py, name, ink)
        for px, py, name, ink in zip(x, y, points["short"], inks, strict=True)
    ]
    name_points(ax, spots, letters.line, [corner])


def _room_below(ax: Axes) -> None:
    """Lower the bottom of the y axis, so that words fit below points at 0."""
    scale = ax.yaxis.get_transform()
    zero, top = scale.transform(np.array([0.0, ax.get_ylim()[1]]))
    bottom = zero - BELOW * (top - zero)
    ax.set_ylim(bottom=float(scale.inverted().transform(np.array([bottom]))[0]))


ROUND_S = (
    *(m * 10.0**k for k in range(-7, 0) for m in (1, 2, 3, 5)),
    *(m * unit_s for unit_s in (1, 60) for m in (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)),
    *(m * 3_600.0 for m in (1, 2, 3, 6, 12, 24, 48, 96, 192, 384, 768, 1_536, 3_072)),
)
"""Durations that a clock would show, of which two at least are in a factor of four."""


def _log_durations(ax: Axes, x: F64) -> None:
    low, high = (x.min(), x.max()) if x.size else (0.01, 1.0)
    ax.set_xscale("log")
    spread = max(high / low, 10.0) ** 0.12
    left, right = low / spread**2, high * spread**3
    ax.set_xlim(left, right)
    ticks = [t for t in DECADES_S if left <= t <= min(right, 36_000.0)]
    if len(ticks) < 2:  # all within one decade
        ticks = [t for t in ROUND_S if left <= t <= right]
    ax.xaxis.set_major_locator(FixedLocator(ticks[:: -(-len(ticks) // 5) or 1]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: duration(v)))


def _corner(ax: Axes, on_the_left: bool, letters: Letters) -> F64:
    """Mark the corner in which nothing is paid and no harm is done; returns the word's box."""
    edge = 0.0 if on_the_left else 1.0
    away = 1 if on_the_left else -1
    ax.fill(
        [edge, edge + 0.16 * away, edge],
        [0, 0, 0.22],
        transform=ax.transAxes,
        color=BETTER,
        lw=0,
        zorder=0,
    )
    ax.annotate(
        "better",
        (edge, 0),
        xycoords="axes fraction",
        xytext=(5 * away, 4),
        textcoords="offset points",
        ha="left" if on_the_left else "right",
        size=letters.note,
        style="italic",
        color="#00795A",
        zorder=1,
    )
    wide = ax.bbox.width * 72 / ax.figure.dpi
    extent = width_pt("better", letters.note) + 8
    start = 0.0 if on_the_left else wide - extent
    return np.array([start, 0.0, start + extent, 1.8 * letters.note])


@dataclass(frozen=True)
class Spot:
    """A point to be named, in data coordinates."""

    x: float
    y: float
    words: str
    ink: str


def name_points(ax: Axes, spots: Sequence[Spot], size: float, taken: Sequence[F64] = ()) -> None:
    """Write each spot's words beside it, over no other words and no point if that can be.

    `taken` are boxes (left, low, right, high) of words that are there already, in points.

    Spots on top of each other share their words. The limits of `ax` must be final.
    """
    if not spots:
        return
    panel = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    at = pixels(ax, np.array([s.x for s in spots]), np.array([s.y for s in spots]))
    boxes = list(taken)
    leads: list[F64] = []
    stacks = _stacks(at)
    crowd = [np.hypot(*(at - at[stack[0]]).T).clip(1, 80).sum() for stack in stacks]
    for k in np.argsort(crowd, kind="stable"):
        stack = stacks[k]
        ink = spots[stack[0]].ink if len({spots[i].ink for i in stack}) == 1 else "#444444"
        said = ", ".join(dict.fromkeys(spots[i].words for i in stack))
        words = wrapped(said, 0.45 * panel[0] / 72, size)
        extent = np.array([max(width_pt(line, size) for line in words), 1.3 * size * len(words)])
        here = at[stack[0]]
        box = _best(here, extent, at, boxes, leads, panel)
        boxes.append(box)
        left, _, _, high = box
        near = np.clip(here, box[:2], box[2:])
        if np.hypot(*(near - here)) > LEAD_PT:
            leads.append(_along(here, near[None])[0])
            ends = np.array([here, near]) / panel
            ax.plot(*ends.T, transform=ax.transAxes, color=ink, lw=0.6, zorder=3, clip_on=False)
        ax.annotate(
            "\n".join(words),
            (0, 0),
            xycoords="axes fraction",
            xytext=(left, high),
            textcoords="offset points",
            va="top",
            size=size,
            color=ink,
            linespacing=1.15,
            zorder=5,
        )


def _stacks(at: F64) -> list[list[int]]:
    stacks: list[list[int]] = []
    for i, here in enumerate(at):
        for stack in stacks:
            if np.hypot(*(at[stack[0]] - here)) < TOGETHER_PT:
                stack.append(i)
                break
        else:
            stacks.append([i])
    return stacks


def _best(
    here: F64,
    extent: F64,
    points: F64,
    taken: Sequence[F64],
    leads: Sequence[F64],
    panel: F64,
) -> F64:
    """[4] the box (left, low, right, high) around `here` that hides least, and is near."""
    boxes = []
    for radius in (6.0, 9.0, 13.0, 18.0, 25.0, 34.0, 46.0, 64.0, 90.0):
        for angle in np.arange(16) * np.pi / 8:
            direction = np.array([np.cos(angle), np.sin(angle)])
            middle = here + direction * (radius + extent / 2 * np.abs(direction) ** 0.5)
            low = np.clip(middle - extent / 2, 0, np.maximum(panel - extent, 0))
            boxes.append(np.concatenate([low, low + extent]))
    found = np.array(boxes)
    near = np.clip(here, found[:, :2], found[:, 2:])
    away = np.hypot(*(near - here).T)
    path = _along(here, near)
    cost = away.copy()
    for other in taken:
        clash = (found[:, :2] < other[2:] + 2) & (found[:, 2:] > other[:2] - 2)
        cost += 5_000.0 * clash.all(axis=1)
        through = np.all((path > other[:2]) & (path < other[2:]), axis=2)
        cost += 1_000.0 * (np.any(through, axis=1) & (away > LEAD_PT))
    for line in leads:
        crossed = (line > found[:, None, :2] - 1) & (line < found[:, None, 2:] + 1)
        cost += 1_000.0 * np.any(np.all(crossed, axis=2), axis=1)
    for point in points:
        hides = (found[:, :2] < point + 5) & (found[:, 2:] > point - 5)
        cost += 2_500.0 * hides.all(axis=1)
        if np.hypot(*(point - here)) > TOGETHER_PT:
            touched = np.hypot(*np.moveaxis(path - point, 2, 0)) < 5
            cost += 300.0 * (np.any(touched, axis=1) & (away > LEAD_PT))
    return np.asarray(found[cost.argmin()])


def _along(here: F64, near: F64) -> F64:
    """[boxes, 24, 2] points on the way from `here` to each of `near`."""
    share = np.linspace(0.05, 1, 24)[None, :, None]
    return np.asarray(here + (near[:, None] - here) * share)
