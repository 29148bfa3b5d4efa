"""Where the time of a group's messages went: the table ``waits``."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.engine.outcome import Became
from sim.engine.waits import TimePart
from sim.foundation.arrays import F64, I64
from sim.measure import latency_bins

BLOCK = 1 << 16
"""Messages that are split at a time, so that memory does not grow with how many there are."""
SLOWEST = 0.01
"""Share of the messages that count as the slow ones."""
EXACT_S = 1e-6
"""The parts of a message sum to its latency within this, s: what floats lose, and no more."""


class Spent:
    """Sums of the parts, of messages that come in pieces or all at once."""

    def __init__(self) -> None:
        self.total_s: F64 = np.zeros(len(TimePart))
        """[parts] over all processed messages, s."""
        self.messages: I64 = np.zeros(len(TimePart), np.int64)
        """[parts] how many of them had it."""
        self.processed = 0
        self._by_latency: dict[int, tuple[int, F64]] = {}
        """Of each bin of latencies: how many messages, and the sums of their parts, s."""

    def add(self, created_s: F64, became: Became, final: int) -> None:
        """Take the first ``final`` messages.

        Raises:
            AssertionError: the parts of a message do not sum to its latency, or one is negative.
        """
        if became.waits is None:
            return
        for first in range(0, final, BLOCK):
            last = min(first + BLOCK, final)
            done_s = became.done_s[first:last]
            done = np.flatnonzero(done_s < np.inf)
            latency_s = done_s[done] - created_s[first:last][done]
            parts_s = became.waits.parts_s(first, last)[:, done]
            off_s = np.abs(parts_s.sum(axis=0) - latency_s)
            assert (off_s <= EXACT_S).all(), "the parts of a message do not sum to its latency"
            assert (parts_s >= -EXACT_S).all(), "a message waited less than no time"
            self.total_s += parts_s.sum(axis=1)
            self.messages += (parts_s > EXACT_S).sum(axis=1)
            self.processed += done.size
            self._add_bins(latency_s, parts_s)

    def _add_bins(self, latency_s: F64, parts_s: F64) -> None:
        bins = latency_s.clip(0.0).astype(np.float32).view(np.uint32) >> latency_bins.SHIFT
        found, place, count = np.unique(bins, return_inverse=True, return_counts=True)
        sums = np.zeros((len(TimePart), found.size))
        for part in np.flatnonzero(parts_s.any(axis=1)):
            sums[part] = np.bincount(place, parts_s[part], found.size)
        for i, key in enumerate(found.tolist()):
            n, before = self._by_latency.get(key, (0, 0.0))
            self._by_latency[key] = (n + int(count[i]), before + sums[:, i])

    def slowest_s(self) -> F64:
        """[parts] mean of each part over the slowest messages (`SLOWEST`), s.

        These are the bins of latencies from the one that holds the quantile on, whole: a bin is
        0.05 % of its value wide.
        """
        wanted = max(1.0, SLOWEST * self.processed)
        n, sums = 0, np.zeros(len(TimePart))
        for key in sorted(self._by_latency, reverse=True):
            more, its = self._by_latency[key]
            n, sums = n + more, sums + its
            if n >= wanted:
                break
        return sums / max(n, 1)


def waits_table(who: Mapping[str, str], spent: Spent) -> pd.DataFrame:
    """A row per ``part`` of the time from creation to first effect, of the processed messages.

    ``total_s``: summed over all of them. ``mean_s``: per message. ``slowest_s``: per message of the
    slowest 1 %. ``messages``: how many had any of it.
    """
    return pd.DataFrame(
        {
            **who,
            "part": [part.label for part in TimePart],
            "total_s": spent.total_s,
            "mean_s": spent.total_s / max(spent.processed, 1),
            "slowest_s": spent.slowest_s(),
            "messages": spent.messages,
        }
    )
