"""Which offsets of each partition were handed out at all, however often positions moved."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32, I64, U16


class Truncated(NamedTuple):
    """What a group did with records that are no longer in the log."""

    partition: int
    at_s: float
    """When the log lost them, s."""
    to: int
    """Offset of the first."""
    message: I32
    """[records]"""
    effects: U16
    """[records] how often each was processed."""
    done_s: F64
    """[records] when first, s; inf: never."""
    columns: Mapping[str, F64]
    """[records] of each: what `sim.log.parts` reads of a record, by the name of its column."""


class Runs:
    """Stretches of offsets read one after the other; between two of them, the position jumped."""

    def __init__(self, began: I64) -> None:
        """
        Args:
            began: [partitions] where reading begins; below 0: nowhere yet.
        """
        self.began = np.maximum(began, 0)
        self.low = self.began.copy()
        self.high = self.began.copy()
        self.apart: list[tuple[int, int, int]] = []
        """(partition, from, to) of runs that did not touch the stretch from low to high."""
        self.truncated = 0
        """Offsets in runs of records that were cut off: others have these offsets now."""

    def close(self, partitions: Sequence[int] | I64, ended: I64, begins: I64) -> None:
        """End the runs of some partitions, and have the next ones begin.

        Args:
            partitions: which, each once.
            ended: [partitions given] the position that each run reached.
            begins: [partitions given] where the next begins.
        """
        at = np.asarray(partitions, np.int64)
        low, high = self.began[at], np.maximum(ended, self.began[at])
        known_low, known_high = self.low[at], self.high[at]
        unknown = known_low == known_high
        joins = unknown | ((low <= known_high) & (high >= known_low))
        for i in np.flatnonzero(~joins & (high > low)):
            self.apart.append((int(at[i]), int(low[i]), int(high[i])))
        known_low, known_high = np.where(unknown, (low, high), (known_low, known_high))
        self.low[at] = np.where(joins, np.minimum(low, known_low), known_low)
        self.high[at] = np.where(joins, np.maximum(high, known_high), known_high)
        self.began[at] = np.maximum(begins, 0)

    def add(self, p: int, low: int, high: int) -> None:
        """A run of partition ``p`` from ``low`` to before ``high``, beside those that are open."""
        self.apart.append((p, low, high))

    def truncate(self, p: int, to: int) -> None:
        """The records of a partition from offset ``to`` on are cut off; the runs there are closed.

        Args:
            p: the partition.
            to: where its log ends now.
        """
        known = self.distinct()
        self.low[p], self.high[p] = min(self.low[p], to), min(self.high[p], to)
        self.apart = [
            (q, low, min(high, to) if q == p else high)
            for q, low, high in self.apart
            if q != p or low < to
        ]
        self.truncated += known - self.distinct()

    def distinct(self) -> int:
        """Records in any of the runs that ended, each counted once."""
        total = self.truncated + int((self.high - self.low).sum())
        for p in {p for p, _, _ in self.apart}:
            stretches = [(int(self.low[p]), int(self.high[p]))]
            stretches += [(low, high) for q, low, high in self.apart if q == p]
            total -= stretches[0][1] - stretches[0][0]
            reached = 0
            for low, high in sorted(stretches):
                total += max(0, high - max(low, reached))
                reached = max(reached, high)
        return total
