"""How long the oldest record of each partition has waited for a group, while records are there."""

import cython

from sim.foundation.arrays import F64, I64
from sim.log import topic_kernel
from sim.log.group_state_kernel import GroupRecords, OffsetSamples


def _note(
    log: "topic_kernel.Log",
    records: GroupRecords,
    samples: OffsetSamples,
    end: I64,
    first: int,
    stop: int,
    waited_s: F64,
) -> None:
    for p in range(log.end.shape[0]):
        base = log.start[p]
        for g in range(first, stop):
            at_s = samples.grid_s[g]
            offset = max(samples.committed[g, p], 0)
            while offset < samples.position[g, p] and records.done_s[base + offset] <= at_s:
                offset += 1
            if offset < end[g, p]:
                waited_s[g, p] = at_s - log.visible_s[base + offset]


def note(
    log: "topic_kernel.Log",
    records: GroupRecords,
    samples: OffsetSamples,
    end: I64,
    first: int,
    stop: int,
    waited_s: F64,
) -> None:
    """Fill in `sim.engine.outcome.Offsets.waited_s` from sample ``first`` to before ``stop``.

    Their offsets must be known, and the records from the committed offset on be there. ``end``
    int64 [grid, partitions], log-end offsets; ``waited_s`` float64 [grid, partitions], s, zero so
    far.
    """
    with cython.nogil:
        _note(log, records, samples, end, first, stop, waited_s)
