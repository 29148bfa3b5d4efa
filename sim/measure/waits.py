"""Where the time of a group's messages went: the table ``waits``."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sim.engine import waits
from sim.engine.outcome import Became
from sim.engine.waits import BLOCK, TimePart
from sim.foundation.arrays import F64, I64
from sim.measure import waits_kernel as k

_SELDOM = (TimePart.BEFORE_START, TimePart.BLOCKED)
"""Parts without a row where no message had any."""
SLOWEST = 0.01
"""Share of the messages that count as the slow ones."""
MOST_S = 2.0**61 / k.UNITS_A_SECOND
"""Of latencies in a sum after which it is emptied, s: a block more fits into it."""
EXACT_S = 1e-6
"""The parts of a message sum to its latency within this, s: what floats lose, and no more."""


class Spent:
    """Sums of the parts, of messages that come in pieces or all at once: the same to the bit."""

    def __init__(self, total: int = 0) -> None:
        """``total``: how many messages there will be, which decides how many of them are split."""
        self._every = waits.every(total)
        self._seen = 0
        """Messages so far, split or not."""
        self._sums = k.Sums(len(TimePart), BLOCK)
        self._full: I64 | None = None
        """[parts, bins] what the sums would not have held any more, times 2**32 units."""
        self._since = 0
        """Messages since then."""

    def add(self, created_s: F64, became: Became, final: int) -> None:
        """Take the first ``final`` messages.

        Raises:
            AssertionError: the parts of a message do not sum to its latency, or one is negative.
        """
        if became.waits is None:
            return
        sums, done_s = self._sums, became.done_s
        for first, last in self._chosen(final):
            created, done = created_s[first:last], done_s[first:last]
            parts_s = np.ascontiguousarray(became.waits.parts_s(first, last))
            k.add(sums, parts_s, parts_s.view(np.int64), created, done, EXACT_S)
            if sums.most_off_s > EXACT_S or sums.least_s < -EXACT_S:
                _complain(done - created, parts_s)
            self._since += last - first
            if self._since * sums.longest_s > MOST_S:
                self._empty()

    def _chosen(self, final: int) -> Iterator[tuple[int, int]]:
        """(first, last) of the messages to split, of ``final`` more.

        A block is counted from the first message of all, so that pieces give what one gives.
        """
        begin, end = self._seen, self._seen + final
        self._seen = end
        step = BLOCK * self._every
        for block in range(begin // step * step, end, step):
            first, last = max(block, begin), min(block + BLOCK, end)
            if first < last:
                yield first - begin, last - begin

    def _empty(self) -> None:
        """Before a sum could be more than 64 bits hold."""
        total = np.asarray(self._sums.bin_total)
        full = total >> 32
        self._full = full if self._full is None else self._full + full
        total &= (1 << 32) - 1
        self._since = 0

    def _sum_s(self, bins: slice) -> F64:
        """[parts] over the messages with latencies in some bins, s."""
        units = _sums(np.asarray(self._sums.bin_total)[:, bins])
        long_s = _sums(np.asarray(self._sums.bin_long_s)[:, bins])
        full = [0] * len(TimePart) if self._full is None else _sums(self._full[:, bins])
        sums = zip(units, full, long_s, strict=True)
        return np.array([(n + (m << 32)) / k.UNITS_A_SECOND + s for n, m, s in sums])

    @property
    def processed(self) -> int:
        """Processed messages that were split: all, or of many every so-manieth block."""
        return self._sums.processed

    @property
    def total_s(self) -> F64:
        """[parts] over all processed messages, s."""
        return self._sum_s(self._filled())

    @property
    def messages(self) -> I64:
        """[parts] how many of them had it."""
        return np.asarray(self._sums.messages)

    def slowest_s(self) -> F64:
        """[parts] mean of each part over the slowest messages (`SLOWEST`), s.

        These are the bins of latencies from the one that holds the quantile on, whole: a bin is
        0.8 % of its value wide.
        """
        filled = self._filled()
        if not self.processed:
            return np.zeros(len(TimePart))
        so_far = np.cumsum(np.asarray(self._sums.bin_n)[filled][::-1])  # from the longest on
        bins = 1 + int(np.searchsorted(so_far, max(1.0, SLOWEST * self.processed)))
        mean_s: F64 = self._sum_s(slice(filled.stop - bins, filled.stop)) / so_far[bins - 1]
        return mean_s

    def _filled(self) -> slice:
        """From the first bin with a message to the last."""
        found = np.flatnonzero(np.asarray(self._sums.bin_n))
        return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)


def _sums(of: I64) -> list[int]:
    """[parts] sums of the rows, which may be more than 64 bits hold."""
    return [sum(row) for row in of.tolist()]


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

    Of a group with more than some `ENOUGH` messages, every so-manieth block of them is split; all
    else that is said here is of these.

    ``total_s``: summed over all of them. ``mean_s``: per message. ``slowest_s``: per message of the
    slowest 1 %. ``messages``: how many had any of it. What was before the start is left out where
    nothing waited then, and what the next stage of a pipeline held up where it did not.
    """
    total_s = spent.total_s
    table = pd.DataFrame(
        {
            **who,
            "part": [part.label for part in TimePart],
            "total_s": total_s,
            "mean_s": total_s / max(spent.processed, 1),
            "slowest_s": spent.slowest_s(),
            "messages": spent.messages,
        }
    )
    seldom = [part for part in _SELDOM if not spent.messages[part]]
    return table.drop(index=[int(part) for part in seldom])
