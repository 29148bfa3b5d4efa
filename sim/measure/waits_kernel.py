"""Sums of what messages waited for, in whole units, so that no order of adding them matters."""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U32
from sim.measure import latency_bins

UNITS_A_SECOND = 1 << 24
"""A part of a message's time is rounded to 60 ns…"""
LONG_S = 1 << 24
"""…but to a second from half a year on, s: 32,768 of those that are shorter fit into 63 bits."""


class Sums:
    """What `add` adds to; everything starts at zero."""

    def __init__(self, parts: int, room: int) -> None:
        """``room``: messages that may be added at a time."""
        self.messages: I64 = np.zeros(parts, np.int64)
        """[parts] how many of the processed messages had it."""
        self.processed = 0
        """How many there are."""
        self.bin_n: I64 = np.zeros(latency_bins.FEW, np.int64)
        """[bins] messages with a latency of that bin."""
        self.bin_total: I64 = np.zeros((parts, latency_bins.FEW), np.int64)
        """[parts, bins] their parts, units, where these are less than `LONG_S`."""
        self.bin_long_s: I64 = np.zeros((parts, latency_bins.FEW), np.int64)
        """[parts, bins] the others, whole seconds."""
        self.as_float: F32 = np.zeros(1, np.float32)
        """[1] a latency, of which `as_bits` are the bits."""
        self.as_bits: U32 = np.asarray(self.as_float).view(np.uint32)
        self.bin: I32 = np.zeros(room, np.int32)
        """[room] scratch: the bin of each message; -1: it was not processed."""
        self.left_s: F64 = np.zeros(room)
        """[room] scratch: what of its latency is in no part yet, s."""
        self.longest_s = 0.0
        """The longest latency, s."""
        self.most_off_s = 0.0
        """By how much the parts of a message missed its latency at most, s."""
        self.least_s = 0.0
        """The least part, s; 0: none was less than no time."""


def _latencies(sums: Sums, created_s: F64, done_s: F64) -> None:
    """Note of each message its latency and its bin."""
    longest_s = sums.longest_s
    processed = 0
    for i in range(done_s.shape[0]):
        sums.bin[i] = -1
        if done_s[i] < num.INF:
            latency_s = done_s[i] - created_s[i]
            sums.left_s[i] = latency_s
            longest_s = max(longest_s, latency_s)
            sums.as_float[0] = max(latency_s, 0.0)
            place = sums.as_bits[0] >> latency_bins.FEW_SHIFT
            sums.bin[i] = place
            sums.bin_n[place] += 1
            processed += 1
    sums.longest_s = longest_s
    sums.processed += processed


def _first(bits: I64, part: int) -> int:
    """The first message that may have any of a part; most parts are 0 of all."""
    n = bits.shape[1]
    i = 0
    while (
        i + 8 <= n
        and (
            bits[part, i]
            | bits[part, i + 1]
            | bits[part, i + 2]
            | bits[part, i + 3]
            | bits[part, i + 4]
            | bits[part, i + 5]
            | bits[part, i + 6]
            | bits[part, i + 7]
        )
        == 0
    ):
        i += 8
    return i


def _part(
    sums: Sums,
    part: int,
    first: int,
    parts_s: F64,
    exact_s: float,
    units: float,
    long_s: float,
) -> None:
    """Add one part of each message from ``first`` on."""
    least_s, messages = sums.least_s, sums.messages[part]
    for i in range(first, parts_s.shape[1]):
        place = sums.bin[i]
        if place >= 0:
            part_s = parts_s[part, i]
            sums.left_s[i] -= part_s
            least_s = min(least_s, part_s)
            messages += part_s > exact_s
            if part_s < long_s:
                sums.bin_total[part, place] += num.truncated(part_s * units + 0.5)
            elif part_s < num.INF:  # else it is no number, and the parts do not sum up
                sums.bin_long_s[part, place] += num.truncated(part_s + 0.5)
    sums.least_s, sums.messages[part] = least_s, messages


def _add(
    sums: Sums,
    parts_s: F64,
    bits: I64,
    created_s: F64,
    done_s: F64,
    exact_s: float,
    units: float,
    long_s: float,
) -> None:
    _latencies(sums, created_s, done_s)
    for part in range(parts_s.shape[0]):
        _part(sums, part, _first(bits, part), parts_s, exact_s, units, long_s)
    most_off_s = sums.most_off_s
    for i in range(done_s.shape[0]):
        off_s = abs(sums.left_s[i])
        if sums.bin[i] >= 0 and not off_s <= most_off_s:  # so, what is no number counts
            most_off_s = off_s if off_s == off_s else num.INF
    sums.most_off_s = most_off_s


def add(sums: Sums, parts_s: F64, bits: I64, created_s: F64, done_s: F64, exact_s: float) -> None:
    """Add messages to ``sums``.

    Args:
        sums: to add to; at most as many messages as there was room made for.
        parts_s: [parts, messages] s.
        bits: [parts, messages] the same numbers, as they are in memory.
        created_s: [messages] s.
        done_s: [messages] when each was first processed, s; inf: never, and it is left out.
        exact_s: more of a part than this is some.
    """
    units, long_s = num.double(UNITS_A_SECOND), num.double(LONG_S)
    with cython.nogil:
        _add(sums, parts_s, bits, created_s, done_s, exact_s, units, long_s)
