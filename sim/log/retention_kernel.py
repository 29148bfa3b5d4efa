"""How the rows of a partition fall into segments (KB-08): one pass, resumed as the log grows."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.foundation.jit import resumable


class SegmentState(NamedTuple):
    """The segment of each partition that is being written."""

    next: I64  # [partitions] next offset to look at: those before are in some segment
    first_s: F64  # [partitions] greatest timestamp of its first batch
    newest_s: F64  # [partitions] greatest timestamp in it
    size_bytes: I64  # [partitions]


@resumable
def fill(until_s, log, created_s, size_bytes, segment_s, segment_bytes, active, p):
    """Put what is readable by ``until_s`` into the active segment of partition ``p``.

    A batch, that is what became readable at once, stays together. Returns whether the next batch
    has no place in the segment; the caller then begins another and calls again.
    """
    one_size = size_bytes.size == 1
    base = log.start[p]
    while active.next[p] < log.end[p]:
        row = base + active.next[p]
        at = log.visible_s[row]
        if at > until_s:
            return False
        stop = row
        batch_bytes = 0
        newest = -np.inf
        while stop < base + log.end[p] and log.visible_s[stop] == at:
            message = log.message[stop]
            batch_bytes += size_bytes[0] if one_size else size_bytes[message]
            newest = max(newest, created_s[message])
            stop += 1
        if active.size_bytes[p] == 0:
            active.first_s[p] = newest
        elif (
            active.size_bytes[p] > segment_bytes - batch_bytes
            or newest - active.first_s[p] > segment_s
        ):
            return True
        active.newest_s[p] = max(active.newest_s[p], newest)
        active.size_bytes[p] += batch_bytes
        active.next[p] = stop - base
    return False
