"""The knee: what a goal's measure comes to with more or less of what `sim size` varied."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.page import INK, MUTED, PALETTE, panels
from sim.charts.quantiles import DECADES_S
from sim.foundation.text import count, duration, share

_MEETS, _MISSES = 0, 1
"""Places in the palette."""
_MOST_LABELS = 12


def knee(data: Mapping[str, Any], *, title: str) -> list[Axes]:
    """A panel for each key that was varied: settings that differ from the answer in it alone.

    Args:
        data: what was found, as `sim.studies.sizing_words.as_data` has it.
        title: what is seen, as a sentence.
    """
    dials = [path for path in data["settings"][0]["set"]]
    goal = data["goals"][data["shown"]]
    axes = panels(
        len(dials),
        title=title,
        subtitle=f"{goal['name']} of each setting: median of its runs, and what it lies between",
        footnote="A line between two ends: 95 % confidence; of fewer than six runs, the least and "
        "the most that were seen. A triangle at the top: never.",
    )
    for ax, path in zip(axes, dials, strict=True):
        _panel(ax, data, path, goal)
    return list(axes)


def _panel(ax: Axes, data: Mapping[str, Any], path: str, goal: Mapping[str, Any]) -> None:
    rows = _line(data, path)
    found = [(row["set"][path], row["goals"][data["shown"]], row) for row in rows]
    limit = goal["limit"]
    known = [g[key] for _, g, _ in found for key in ("low", "median", "high") if g[key] is not None]
    low, high = min([*known, limit]), max([*known, limit])
    log = goal["unit"] == "s" and low > 0
    top = high * 3 if log else max(high, 1e-9) * 1.15
    bottom = low / 2 if log else 0.0
    for n, its, row in found:
        good = row["met"] >= data["share_of_runs"] * row["runs"]
        colour = PALETTE[_MEETS if good else _MISSES]
        answer = row["set"] == data["answer"]
        if its["median"] is None:
            ax.plot([n], [0.97], marker="^", ms=8, color=colour, transform=ax.get_xaxis_transform())
            continue
        ends = [its["low"] or bottom, top if its["high"] is None else its["high"]]
        ax.plot([n, n], ends, color=colour, lw=2, zorder=3)
        ax.plot([n], [its["median"]], "o", ms=9 if answer else 6, color=colour, zorder=4)
        if answer:
            words = f"{n}: {_say(goal, its['median'])}"
            ax.annotate(
                words, (n, its["median"]), xytext=(8, 8), textcoords="offset points",
                color=INK[_MEETS], weight="bold", size=9,
            )  # fmt: skip
    ax.axhline(limit, color=MUTED, lw=1, ls=(0, (4, 2)), zorder=2)
    ax.annotate(
        f"goal: {goal['said']}", (1, limit), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", ha="right", va="bottom", color=MUTED, size=8,
    )  # fmt: skip
    ax.set_ylim(bottom, top)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom, top)
        ax.yaxis.set_major_locator(FixedLocator(_ticks(bottom, top)))
        ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _say(goal, y)))
    at = [n for n, _, _ in found]
    ax.set_xlim(min(at) - 0.5 - 0.02 * np.ptp(at), max(at) + 0.5 + 0.05 * np.ptp(at))
    if len(at) <= _MOST_LABELS and np.ptp(at) <= 2 * _MOST_LABELS:
        ax.xaxis.set_major_locator(FixedLocator(at))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(_MOST_LABELS, integer=True))
    ax.set_xlabel(path.removeprefix("systems."))
    ax.set_ylabel(goal["name"])


def _line(data: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """Settings with runs that differ from the answer, or the highest, in one key alone."""
    rows = [row for row in data["settings"] if row["runs"]]
    centre = data["answer"] or rows[-1]["set"]
    return [
        row
        for row in rows
        if all(n == centre[other] for other, n in row["set"].items() if other != path)
    ]


def _ticks(low: float, high: float) -> list[float]:
    found = [s for s in DECADES_S if low <= s <= high]
    if len(found) > 1:
        return found
    finer = [m * 10.0**e for e in range(-6, 6) for m in (1, 2, 5)]
    return [s for s in finer if low <= s <= high]


def _say(goal: Mapping[str, Any], value: float) -> str:
    if not isfinite(value):
        return "never"
    if goal["unit"] == "share":
        return share(value, 1.0)
    return duration(value) if goal["unit"] == "s" else count(value)
