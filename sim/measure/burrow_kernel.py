"""Burrow's judgement of a consumer group, from the commits it saw and the log ends it asked for.

The rules, their order and the window are those of linkedin/Burrow: `calculatePartitionStatus` and
its checks in core/internal/evaluator/caching.go, with the defaults of core/internal/storage
(``intervals`` 10, ``minimum-complete`` 0).
"""

from typing import NamedTuple

from sim.foundation.arrays import F64, I64
from sim.foundation.jit import resumable

OK, WARN, STOP, STALL, REWIND = range(5)
"""In Burrow's order of severity."""


class Window(NamedTuple):
    """The last commits of a partition, the oldest at ``n % size`` once it is full."""

    offset: I64  # [size]
    at_s: F64  # [size]
    lag: I64  # [size] against the log end known at the commit


@resumable
def judge(grid_s, end, committed, commit_s, window, status):
    """Fill ``status`` uint8 [grid, partitions] as Burrow would, looking at each grid time.

    ``end``, ``committed`` int64 and ``commit_s`` float64 [grid, partitions] are what it sees then:
    log end, committed offset (below 0: none) and time of the last commit. Of the commits between
    two looks it keeps the last.
    """
    size = window.offset.size
    for p in range(end.shape[1]):
        n = 0
        for g in range(grid_s.size):
            status[g, p] = OK
            new = committed[g, p] >= 0 and (n == 0 or commit_s[g, p] > commit_s[g - 1, p])
            if new:
                at = n % size
                window.offset[at] = committed[g, p]
                window.at_s[at] = commit_s[g, p]
                known = g if g == 0 or commit_s[g, p] >= grid_s[g] else g - 1
                window.lag[at] = max(0, end[known, p] - committed[g, p])
                n += 1
            if n == 0 or end[g, p] <= window.offset[(n - 1) % size]:
                continue
            kept = min(n, size)
            first = n - kept
            last = (n - 1) % size
            span_s = window.at_s[last] - window.at_s[first % size]
            if grid_s[g] - window.at_s[last] > span_s:
                recently = False
                for back in range(max(0, g - size + 1), g + 1):
                    recently = recently or end[back, p] <= window.offset[last]
                if not recently:
                    status[g, p] = STOP
                    continue
            caught_up = False
            rewound = False
            moved = False
            shrank = False
            for i in range(first, n):
                here = i % size
                caught_up = caught_up or window.lag[here] == 0
                if i > first:
                    before = (i - 1) % size
                    rewound = rewound or window.offset[here] < window.offset[before]
                    moved = moved or window.offset[here] != window.offset[before]
                    shrank = shrank or window.lag[here] < window.lag[before]
            if caught_up:
                continue
            if rewound:
                status[g, p] = REWIND
            elif not moved:
                status[g, p] = STALL
            elif not shrank:
                status[g, p] = WARN
