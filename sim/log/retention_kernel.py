"""How the rows of a partition fall into segments (KB-08): one pass, resumed as the log grows."""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I32, I64
from sim.log import topic_kernel


class ActiveSegments:
    """The segment of each partition that is being written."""

    def __init__(
        self,
        partitions: int,
        created_s: F64,
        size_bytes: I32,
        segment_s: float,
        segment_bytes: int,
    ) -> None:
        self.created_s = created_s
        """[messages] their timestamps."""
        self.message_bytes = size_bytes
        """[messages], or [1] when all are the same."""
        self.segment_s = segment_s
        """segment.ms, in s."""
        self.segment_bytes = segment_bytes
        """segment.bytes."""
        self.next: I64 = np.zeros(partitions, np.int64)
        """[partitions] next offset to look at: those before are in some segment."""
        self.first_s: F64 = np.zeros(partitions)
        """[partitions] greatest timestamp of its first batch."""
        self.newest_s: F64 = np.full(partitions, -num.INF)
        """[partitions] greatest timestamp in it."""
        self.size_bytes: I64 = np.zeros(partitions, np.int64)
        """[partitions] what it holds."""


def _fill(log: "topic_kernel.Log", active: ActiveSegments, until_s: float, p: int) -> bool:
    one_size = active.message_bytes.shape[0] == 1
    base = log.start[p]
    while active.next[p] < log.end[p]:
        row = base + active.next[p]
        at = log.visible_s[row]
        if at > until_s:
            return False
        stop = row
        batch_bytes = 0
        newest = -num.INF
        while stop < base + log.end[p] and log.visible_s[stop] == at:
            message = log.message[stop]
            batch_bytes += num.integer(active.message_bytes[0 if one_size else message])
            newest = max(newest, active.created_s[message])
            stop += 1
        if active.size_bytes[p] == 0:
            active.first_s[p] = newest
        elif (
            active.size_bytes[p] > active.segment_bytes - batch_bytes
            or newest - active.first_s[p] > active.segment_s
        ):
            return True
        active.newest_s[p] = max(active.newest_s[p], newest)
        active.size_bytes[p] += batch_bytes
        active.next[p] = stop - base
    return False


def fill(log: "topic_kernel.Log", active: ActiveSegments, until_s: float, p: int) -> bool:
    """Put what is readable by ``until_s`` into the active segment of partition ``p``.

    A batch, that is what became readable at once, stays together. Returns whether the next batch
    has no place in the segment; the caller then begins another and calls again.
    """
    with cython.nogil:
        full = _fill(log, active, until_s, p)
    return full
