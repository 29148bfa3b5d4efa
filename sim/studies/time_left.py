"""How long a study of many runs still takes, from what its runs took so far."""

from collections.abc import Sequence

FIRST = 2
"""Runs that are waited for before time is taken: processes start meanwhile."""


class TimeLeft:
    """Goes by the work done in the time since the first runs; what was kept earlier took none.

    Args:
        work: of each run, in the order in which they begin, in any unit.
        after_s: what is to be done when all are there takes this long.
    """

    def __init__(self, work: Sequence[float], after_s: float = 0.0) -> None:
        self._after_s = after_s
        self._left = [0.0]
        for one in reversed(work):
            self._left.append(self._left[-1] + one)
        self._left.reverse()
        self._kept: int | None = None
        self._from: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def told(self, there: int, now_s: float) -> None:
        """So many runs are there; the first time it is told, they are from earlier."""
        if self._kept is None:
            self._kept = there
        if there < self._kept + FIRST:
            return
        self._last = (now_s, self._left[there])
        self._from = self._from or self._last

    def seconds(self, now_s: float) -> float | None:
        """Until all is done; None: it is too soon to say."""
        if self._from is None or self._last is None or self._last[0] <= self._from[0]:
            return None
        per_work_s = (self._last[0] - self._from[0]) / (self._from[1] - self._last[1])
        return max(0.0, self._last[1] * per_work_s - (now_s - self._last[0])) + self._after_s
