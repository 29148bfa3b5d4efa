"""How each system kept up with its arrivals.

A group is judged by how far behind it fell (its time lag) and how long it then took to drain:

- **level**: never further behind than `level_s`, and drained as quickly;
- **behind**: further, but caught up before arrivals ended;
- **late**: needed longer than `level_s` after arrivals ended;
- **never**: left messages unfinished.

A system is as good as its worst group.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import pandas as pd

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


def pace(drain_s: float, max_time_lag_s: float, duration_s: float) -> Pace:
    """How a group with these numbers kept up with arrivals that took `duration_s`."""
    if math.isinf(drain_s):
        return Pace.NEVER
    if drain_s > level_s(duration_s):
        return Pace.LATE
    return Pace.BEHIND if max_time_lag_s > level_s(duration_s) else Pace.LEVEL


def standings(summary: pd.DataFrame, duration_s: float) -> list[Standing]:
    """Every system by its worst groups, in the order of the summary."""
    out = []
    for system, rows in summary.groupby("system", sort=False):
        paces = [
            pace(drain_s, lag_s, duration_s)
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
