"""Sums of what messages waited for, in whole units, so that no order of adding them matters."""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U32
from sim.measure import latency_bins

UNITS_A_SECOND = 1 << 24
"""A part of a message's time is rounded to 60 ns."""


class Sums:
    """What `add` adds to; everything starts at zero."""

    def __init__(self, parts: int, room: int) -> None:
        """``room``: messages that may be added at a time."""
        self.total: I64 = np.zeros(parts, np.int64)
        """[parts] over the processed messages since it was last emptied, units: 64 bits hold 17,000
        years of them."""
        self.messages: I64 = np.zeros(parts, np.int64)
        """[parts] how many of them had it."""
        self.processed = 0
        """How many there are."""
        self.bin_n: I64 = np.zeros(latency_bins.FEW, np.int64)
        """[FEW] messages of a latency."""
        self.bin_total: I64 = np.zeros((parts, latency_bins.FEW), np.int64)
        """[parts, FEW] their parts, units; of few bins, so that those of a part stay near the CPU."""
        self.as_float: F32 = np.zeros(1, np.float32)
        """[1] a latency, of which `as_bits` are the bits."""
        self.as_bits: U32 = np.asarray(self.as_float).view(np.uint32)
        self.bin: I32 = np.zeros(room, np.int32)
        """[room] scratch: the bin of each message; -1: it was not processed."""
        self.left_s: F64 = np.zeros(room)
        """[room] scratch: what of its latency is in no part yet, s."""
        self.most_off_s = 0.0
        """By how much the parts of a message missed its latency at most, s."""
        self.least_s = 0.0
        """The least part, s; 0: none was less than no time."""


def _latencies(sums: Sums, created_s: F64, done_s: F64) -> None:
    """Note of each message its latency, and the bin of that."""
    for i in range(done_s.shape[0]):
        sums.bin[i] = -1
        if done_s[i] < num.INF:
            latency_s = done_s[i] - created_s[i]
            sums.left_s[i] = latency_s
            sums.as_float[0] = max(latency_s, 0.0)
            place = sums.as_bits[0] >> latency_bins.FEW_SHIFT
            sums.bin[i] = place
            sums.processed += 1
            sums.bin_n[place] += 1


def _part(sums: Sums, part: int, parts_s: F64, exact_s: float, units: float) -> None:
    """Add one part of each message; most parts are 0 of all."""
    n = parts_s.shape[1]
    i = 0
    while i < n and parts_s[part, i] == 0.0:
        i += 1
    least_s, total, messages = sums.least_s, sums.total[part], sums.messages[part]
    while i < n:
        part_s = parts_s[part, i]
        place = sums.bin[i]
        if place >= 0:
            sums.left_s[i] -= part_s
            least_s = min(least_s, part_s)
            if part_s < num.INF:  # else it is no number, and the parts do not sum up
                whole = num.truncated(part_s * units + 0.5)
                total += whole
                sums.bin_total[part, place] += whole
                messages += part_s > exact_s
        i += 1
    sums.least_s, sums.total[part], sums.messages[part] = least_s, total, messages


def _add(
    sums: Sums, parts_s: F64, created_s: F64, done_s: F64, exact_s: float, units: float
) -> None:
    _latencies(sums, created_s, done_s)
    for part in range(parts_s.shape[0]):
        _part(sums, part, parts_s, exact_s, units)
    for i in range(done_s.shape[0]):
        if sums.bin[i] >= 0:
            off_s = abs(sums.left_s[i])
            if not off_s <= sums.most_off_s:  # so, what is no number counts
                sums.most_off_s = off_s if off_s == off_s else num.INF


def add(sums: Sums, parts_s: F64, created_s: F64, done_s: F64, exact_s: float) -> None:
    """Add messages to ``sums``, at most as many as there is room for.

    Args:
        sums: to add to.
        parts_s: [parts, messages] s.
        created_s: [messages] s.
        done_s: [messages] when each was first processed, s; inf: never, and it is left out.
        exact_s: more of a part than this is some.
    """
    units = num.double(UNITS_A_SECOND)
    with cython.nogil:
        _add(sums, parts_s, created_s, done_s, exact_s, units)
