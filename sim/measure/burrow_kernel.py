"""Burrow's judgement of a consumer group, from the commits it saw and the log ends it asked for.

The rules, their order and the window are those of linkedin/Burrow: `calculatePartitionStatus` and
its checks in core/internal/evaluator/caching.go, with the defaults of core/internal/storage
(``intervals`` 10, ``minimum-complete`` 0).
"""

import cython
import numpy as np

from sim.foundation.arrays import F64, I64, U8
from sim.measure import burrow_codes as codes


class Window:
    """The last commits of a partition, as a ring."""

    def __init__(self, size: int) -> None:
        self.offset: I64 = np.zeros(size, np.int64)
        """[size]"""
        self.at_s: F64 = np.zeros(size)
        """[size]"""
        self.lag: I64 = np.zeros(size, np.int64)
        """[size] against the log end known at the commit."""
        self.size = size
        self.n = 0
        """Commits in it."""
        self.newest = 0
        """Where the last of them is."""


def _clear(window: Window) -> None:
    window.n = 0
    window.newest = window.size - 1


def _remember(window: Window, offset: int, at_s: float, end: int) -> None:
    at = 0 if window.newest == window.size - 1 else window.newest + 1
    window.newest = at
    if window.n < window.size:
        window.n += 1
    window.offset[at] = offset
    window.at_s[at] = at_s
    window.lag[at] = max(0, end - offset)


def _oldest(window: Window) -> int:
    """Where the first of the commits is: a window that is not full begins at 0."""
    return 0 if window.n < window.size or window.newest == window.size - 1 else window.newest + 1


def _stopped(window: Window, now_s: float) -> bool:
    """Whether the last commit is longer ago than the window is long."""
    last_s = window.at_s[window.newest]
    first_s = window.at_s[_oldest(window)]
    return bool(now_s - last_s > last_s - first_s)


def _last_ends_are_past_the_commit(window: Window, end: I64, g: int, p: int) -> bool:
    """Whether none of the log ends that Burrow keeps is at or below the last commit."""
    committed = window.offset[window.newest]
    past = True
    for back in range(max(0, g - window.size + 1), g + 1):
        past = past and end[back, p] > committed
    return past


def _by_commits(window: Window) -> int:
    """The status by what the commits in the window say of each other."""
    before = _oldest(window)
    caught_up = window.lag[before] == 0
    rewound = False
    moved = False
    shrank = False
    for _ in range(1, window.n):
        here = 0 if before == window.size - 1 else before + 1
        caught_up |= window.lag[here] == 0
        rewound |= window.offset[here] < window.offset[before]
        moved |= window.offset[here] != window.offset[before]
        shrank |= window.lag[here] < window.lag[before]
        before = here
    if caught_up:
        return codes.OK
    if rewound:
        return codes.REWIND
    if not moved:
        return codes.STALL
    return codes.OK if shrank else codes.WARN


def _judge(
    window: Window, grid_s: F64, end: I64, committed: I64, commit_s: F64, status: U8
) -> None:
    for p in range(end.shape[1]):
        _clear(window)
        for g in range(grid_s.shape[0]):
            offset = committed[g, p]
            at_s = commit_s[g, p]
            if offset >= 0 and (window.n == 0 or at_s > commit_s[g - 1, p]):
                known = g if g == 0 or at_s >= grid_s[g] else g - 1
                _remember(window, offset, at_s, end[known, p])
            if window.n == 0 or end[g, p] <= window.offset[window.newest]:
                status[g, p] = codes.OK
            elif _stopped(window, grid_s[g]) and _last_ends_are_past_the_commit(window, end, g, p):
                status[g, p] = codes.STOP
            else:
                status[g, p] = _by_commits(window)


def judge(window: Window, grid_s: F64, end: I64, committed: I64, commit_s: F64, status: U8) -> None:
    """Fill ``status`` uint8 [grid, partitions] as Burrow would, looking at each grid time.

    ``end``, ``committed`` int64 and ``commit_s`` float64 [grid, partitions] are what it sees then:
    log end, committed offset (below 0: none) and time of the last commit. Of the commits between
    two looks it keeps the last. ``window`` is scratch.
    """
    with cython.nogil:
        _judge(window, grid_s, end, committed, commit_s, status)
