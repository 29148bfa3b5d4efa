"""How each system kept up with its arrivals.

A group is judged by how far behind it fell (its time lag) and how long it then took to drain:

- **level**: never further behind than is allowed, and drained as quickly;
- **behind**: further, but caught up before arrivals ended;
- **late**: needed longer than that after arrivals ended;
- **never**: left messages unfinished.

What is allowed is the `max_delay` of the needs; if there is none, `sim.measure.latency.level_s`. It
parts the systems in a sentence, which then tells the numbers themselves. A system is as good as its
worst group.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import pandas as pd

from sim.foundation.text import names
from sim.measure.latency import level_s


class Pace(IntEnum):
    """How a group kept up with its arrivals, from best to worst."""

    LEVEL = 0
    BEHIND = 1
    LATE = 2
    NEVER = 3


@dataclass(frozen=True)
class Standing:
    """A system, and those of its groups that are worst off."""

    who: str
    pace: Pace
    worst: pd.DataFrame
    """Their rows of the summary, the worst first."""


def pace(drain_s: float, max_time_lag_s: float, allowed_s: float) -> Pace:
    """How a group with these numbers kept up, if it may be so far behind."""
    if math.isinf(drain_s):
        return Pace.NEVER
    if drain_s > allowed_s:
        return Pace.LATE
    return Pace.BEHIND if max_time_lag_s > allowed_s else Pace.LEVEL


def allowed(summary: pd.DataFrame, duration_s: float) -> tuple[float, bool]:
    """How far behind still counts as level, s, and whether the needs say so."""
    usual_s = level_s(duration_s)
    needed_s = float(summary["level_s"].iloc[0]) if "level_s" in summary else usual_s
    return needed_s, needed_s != usual_s


def standings(summary: pd.DataFrame, duration_s: float) -> list[Standing]:
    """Every system by its worst groups, in the order of the summary."""
    out = []
    allowed_s, _ = allowed(summary, duration_s)
    for system, rows in summary.groupby("system", sort=False):
        paces = [
            pace(drain_s, lag_s, allowed_s)
            for drain_s, lag_s in zip(rows["drain_s"], rows["max_time_lag_s"], strict=True)
        ]
        worst = rows[[p == max(paces) for p in paces]].sort_values(
            ["drain_s", "max_time_lag_s"], ascending=False, kind="stable"
        )
        out.append(Standing(who_of(str(system), rows, worst), max(paces), worst))
    return out


def who_of(system: str, rows: pd.DataFrame, named: pd.DataFrame) -> str:
    """The system if `named` are all its `rows`, else the first group in `named`."""
    return system if len(named) == len(rows) else f"{system}.{named['group'].iloc[0]}"


def in_each(
    extremes: list[tuple[float, str]],
    say: Callable[[float], str],
    opening: Callable[[float], str] | None = None,
    most: int = 3,
) -> str:
    """ "1.2 M in sqs.all and 310 in kafka", from (number, who) with the numbers falling.

    `opening` says the first number, if given. Of more than `most`, the two at the ends stand for
    all.
    """
    (highest, first), (least, last) = extremes[0], extremes[-1]
    start = (opening or say)(highest)
    if say(highest) == say(least):
        return f"{start} in {names([who for _, who in extremes])}"
    if len(extremes) > most:
        return f"{start} in {first}, down to {say(least)} in {last}"
    rest = [f"{say(value)} in {who}" for value, who in extremes[1:]]
    return names([f"{start} in {first}", *rest])
