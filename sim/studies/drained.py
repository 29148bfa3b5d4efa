"""A backlog of an export that is over: when it was gone, and how high it was."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64, Bools
from sim.measure.intervals import Interval

LEVEL = 0.02
"""A lag below this share of the highest is no backlog any more."""
TURNED = 0.1
"""Share of the largest lag by which it must have fallen, or risen, to count as turned."""
FEWEST = 4
"""Samples from which something is said of a stretch, or of a usual level."""
_OFTEN = 3
"""A lag that was half as high as ever so many other times comes and goes, and is no backlog."""


@dataclass(frozen=True)
class Drained:
    """A backlog that was there, and was gone before the last sample."""

    gone_at: pd.Timestamp
    """The first sample from which on no backlog is left."""
    waited_at: pd.Timestamp
    """The sample before it."""
    waited: float
    """Messages that still waited then."""
    peak_at: pd.Timestamp
    """When most waited."""
    peak: float
    """Messages that waited then."""
    first: int
    """Index of the sample at which most waited."""
    last: int
    """Index of the last at which some of it still waited."""


def drained(at: pd.DatetimeIndex, lag: F64) -> Drained | None:
    """The highest backlog, if it is gone at the last sample; None: it is not, or there was none.

    Gone is what is below a fiftieth of the highest, or below what was usual before it rose, until
    the end.

    Args:
        at: times of the samples, ascending.
        lag: messages that waited then [samples].
    """
    first = int(np.argmax(lag))
    limit = max(LEVEL * lag[first], _usual(lag, first))
    waits = lag > limit
    if not waits[first] or waits[-1] or _comes_and_goes(lag, waits, first):
        return None
    last = int(np.flatnonzero(waits)[-1])
    return Drained(
        at[last + 1], at[last], float(lag[last]), at[first], float(lag[first]), first, last
    )


def gone_after(at: pd.DatetimeIndex, lag: F64, asked: pd.Timestamp) -> Interval:
    """How long after a time of an export its backlog of then was really gone, s.

    Args:
        at: times of the samples, ascending.
        lag: messages that waited then [samples].
        asked: the time.

    Returns:
        The first sample without it, and between which two it went; inf: not in the export.
    """
    i = int((at <= asked).sum()) - 1
    limit = max(LEVEL * lag[: i + 1].max(), _usual(lag[: i + 1], int(np.argmax(lag[: i + 1]))))
    after = np.flatnonzero(lag[i:] <= limit)
    if not after.size:
        return Interval(np.inf, np.inf, np.inf)
    k = i + int(after[0])
    low, high = ((at[j] - asked).total_seconds() for j in (max(k - 1, 0), k))
    return Interval(high, max(low, 0.0), high)


def _usual(lag: F64, first: int) -> float:
    """The most that waited before the rise to the highest began; 0: nobody knows."""
    before = lag[:first]
    if not before.size:
        return 0.0
    began = int(np.flatnonzero(before <= before.min() + LEVEL * lag[first])[-1])
    most = float(before[: began + 1].max())
    return most if began + 1 >= FEWEST and most <= TURNED * lag[first] else 0.0


def _comes_and_goes(lag: F64, waits: Bools, first: int) -> bool:
    edges = np.flatnonzero(np.diff(np.r_[False, waits, False].astype(np.int8)))
    others = (float(lag[a:b].max()) for a, b in edges.reshape(-1, 2) if not a <= first < b)
    often: int = sum(most >= 0.5 * lag[first] for most in others)
    return bool(often >= _OFTEN)
