"""When workers of a standard queue could not be handed anything, because they did not run."""

from collections.abc import Iterator
from math import inf

import numpy as np

from sim.engine.waits import Stretches

Pairs = list[tuple[int, float, float]]
"""(worker, from, until), s."""


class Stops:
    """When each place for a worker had no process, or one that ends, is paused or is cut off."""

    def __init__(self, size: int, started: int) -> None:
        """
        Args:
            size: places for workers.
            started: how many of them have a process from the start.
        """
        self.size = size
        self.began_s = [0.0 if w < started else inf for w in range(size)]
        """[workers] when its first process started, s; inf: not yet."""
        self._ended: dict[int, float] = {w: 0.0 for w in range(started, size)}
        self._cut: dict[int, float] = {}
        self._restarts: list[tuple[int, float]] = []
        self._stops: Pairs = []
        self._pauses: Pairs = []
        self._off: Pairs = []

    def ends(self, w: int, now_s: float) -> None:
        """Its process is killed, or told to end: it gets nothing more."""
        self._ended.setdefault(w, now_s)

    def starts(self, w: int, now_s: float, off_s: float) -> None:
        """A new process runs; the one before was gone since ``off_s``."""
        self.began_s[w] = min(self.began_s[w], now_s)
        self._restarts.append((w, now_s))
        if w in self._ended:
            self._stops.append((w, self._ended.pop(w), now_s))
        if off_s < now_s:
            self._off.append((w, off_s, now_s))
        self._pauses = [
            (v, from_s, min(until_s, now_s) if v == w else until_s)
            for v, from_s, until_s in self._pauses
        ]

    def pauses(self, w: int, now_s: float, until_s: float) -> None:
        """Its process stands still."""
        self._pauses.append((w, now_s, until_s))

    def cut(self, w: int, now_s: float) -> None:
        """No call of it gets through."""
        self._cut.setdefault(w, now_s)

    def mended(self, w: int, now_s: float) -> None:
        """They do again."""
        self._stops.append((w, self._cut.pop(w), now_s))

    def _deaths(self, deaths: Pairs) -> Iterator[tuple[int, float, float]]:
        """Those of processes that messages killed, until somebody started one in their place."""
        for w, from_s, until_s in deaths:
            again_s = (at_s for v, at_s in self._restarts if v == w and at_s >= from_s)
            yield w, from_s, min(until_s, next(again_s, inf))

    def none_runs(self, deaths: Pairs) -> Stretches:
        """When no worker could be handed anything.

        Args:
            deaths: of processes that messages killed, until the next one ran.
        """
        pairs = [*self._stops, *self._pauses, *self._deaths(deaths)]
        pairs += [(w, from_s, inf) for w, from_s in (*self._ended.items(), *self._cut.items())]
        of: dict[int, list[tuple[float, float]]] = {w: [] for w in range(self.size)}
        for w, from_s, until_s in pairs:
            of[w].append((from_s, until_s))
        if not all(of.values()):
            return Stretches.of([])
        each = [Stretches.of(its) for its in of.values()]
        begins_s = np.sort(np.concatenate([stretches.from_s for stretches in each]))
        ends_s = np.sort(np.concatenate([stretches.until_s for stretches in each]))
        # How many have stopped at each of these times, those that go on there not among them.
        stopped = np.searchsorted(begins_s, begins_s, side="right")
        stopped -= np.searchsorted(ends_s, begins_s, side="right")
        last_s = begins_s[stopped == self.size]
        return Stretches.union(last_s, ends_s[np.searchsorted(ends_s, last_s, side="right")])

    def without_process_s(self, now_s: float, off: Pairs) -> float:
        """Time in which places had no process after their first, or a paused one, s.

        Args:
            now_s: until when.
            off: those that have none now, or had none because a message had killed it.
        """
        of: dict[int, list[tuple[float, float]]] = {}
        for w, from_s, until_s in (*self._off, *self._pauses, *self._deaths(off)):
            began_s = max(from_s, self.began_s[w])
            of.setdefault(w, []).append((began_s, min(until_s, now_s)))
        now = np.array([now_s])
        return sum(float(Stretches.of(its).before(now)[0]) for its in of.values())
