"""Where the time of a group's messages went: the table ``waits``."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.engine.outcome import Became
from sim.engine.waits import TimePart
from sim.foundation.arrays import F64, I64
from sim.measure import waits_kernel as k

BLOCK = 1 << 13
"""Messages that are split at a time, so that their parts stay near the CPU."""
SLOWEST = 0.01
"""Share of the messages that count as the slow ones."""
EXACT_S = 1e-6
"""The parts of a message sum to its latency within this, s: what floats lose, and no more."""


class Spent:
    """Sums of the parts, of messages that come in pieces or all at once: the same to the bit."""

    def __init__(self) -> None:
        self._sums = k.Sums(len(TimePart), BLOCK)
        self._total = [0] * len(TimePart)
        """[parts] over all processed messages, units: more than 64 bits may hold."""

    def add(self, created_s: F64, became: Became, final: int) -> None:
        """Take the first ``final`` messages.

        Raises:
            AssertionError: the parts of a message do not sum to its latency, or one is negative.
        """
        if became.waits is None:
            return
        sums = self._sums
        for first in range(0, final, BLOCK):
            last = min(first + BLOCK, final)
            parts_s = np.ascontiguousarray(became.waits.parts_s(first, last))
            k.add(sums, parts_s, created_s[first:last], became.done_s[first:last], EXACT_S)
            total = np.asarray(sums.total)
            self._total = [a + b for a, b in zip(self._total, total.tolist(), strict=True)]
            total[:] = 0
            if sums.most_off_s > EXACT_S or sums.least_s < -EXACT_S:
                _complain(became.done_s[first:last] - created_s[first:last], parts_s)

    @property
    def processed(self) -> int:
        """Messages that are in the sums."""
        return self._sums.processed

    @property
    def total_s(self) -> F64:
        """[parts] over all processed messages, s."""
        return np.array([units / k.UNITS_A_SECOND for units in self._total])

    @property
    def messages(self) -> I64:
        """[parts] how many of them had it."""
        return np.asarray(self._sums.messages)

    def slowest_s(self) -> F64:
        """[parts] mean of each part over the slowest messages (`SLOWEST`), s.

        These are the bins of latencies from the one that holds the quantile on, whole: a bin is
        0.8 % of its value wide.
        """
        sums = self._sums
        n = np.asarray(sums.bin_n)[::-1]  # from the longest latency on
        so_far = np.cumsum(n)
        slow = 1 + int(np.searchsorted(so_far, max(1.0, SLOWEST * self.processed)))
        if slow > n.size:
            return np.zeros(len(TimePart))
        total = np.asarray(sums.bin_total)[:, n.size - slow :].sum(axis=1)
        return np.asarray(total / k.UNITS_A_SECOND / so_far[slow - 1], np.float64)


def _complain(latency_s: F64, parts_s: F64) -> None:
    """Say which parts of a message are wrong.

    Args:
        latency_s: [messages] s; inf: never processed, and its parts may be anything.
        parts_s: [parts, messages] s.

    Raises:
        AssertionError: always.
    """
    done = np.flatnonzero(latency_s < np.inf)
    parts_s, latency_s = parts_s[:, done], latency_s[done]
    off_s = np.abs(parts_s.sum(axis=0) - latency_s)
    off_s[np.isnan(off_s)] = np.inf
    least_s = parts_s.min(axis=0)
    less = bool((least_s < -EXACT_S).any())
    i = int(least_s.argmin() if less else off_s.argmax())
    had = ", ".join(f"{part.label} {parts_s[part, i]:.9g}" for part in TimePart if parts_s[part, i])
    what = (
        "a message waited less than no time"
        if less
        else "the parts of a message do not sum to its latency"
    )
    raise AssertionError(f"{what}: latency {latency_s[i]:.9g} s, of it {had}")


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
