"""What the metrics are made of: one pass forwards and one backwards over a group's messages.

Messages may come in pieces, in order of creation: each message is counted once nothing can happen
to it any more, and those behind it that are already done come along, for they say what it was late
against.
"""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U8, U16, U32
from sim.measure import latency_bins


class Counts:
    """What `count` adds to; everything starts at zero."""

    def __init__(self, grid: int, fates: int, keys: int) -> None:
        self.processed: I64 = np.zeros(grid + 1, np.int64)
        """[grid + 1] messages first processed in each step, then later."""
        self.violations: I64 = np.zeros(grid + 1, np.int64)
        """[grid + 1] of them, processed after a later one of their key."""
        self.oldest_s: F64 = np.zeros(grid)
        """[grid] age of the oldest unprocessed message."""
        self.latency: I64 = np.zeros(latency_bins.BINS, np.int64)
        """[BINS] histogram over the top bits of a float32."""
        self.fates: I64 = np.zeros(fates, np.int64)
        """[fates] messages that met each."""
        self.key_violated: U8 = np.zeros(keys, np.uint8)
        """[keys] 1: one of its messages was processed late."""
        self.latest_s: F64 = np.full(keys, num.INF)
        """[keys] scratch of the pass backwards: when the key's earliest so far was processed."""
        self.waits_from = 0
        """The first grid time of which the oldest unprocessed message is not known yet."""
        self.as_float: F32 = np.zeros(1, np.float32)
        """[1] a latency, of which `as_bits` are the bits."""
        self.as_bits: U32 = np.asarray(self.as_float).view(np.uint32)
        self.extra_effects = 0
        """Effects beyond one per message."""
        self.longest_latency_s = 0.0
        """0: none was processed."""
        self.last_done_s = 0.0
        """Time of the last first effect; 0: there was none."""


def _forwards(
    counts: Counts,
    created_s: F64,
    done_s: F64,
    effects: U16,
    fate: U8,
    final: int,
    step_s: float,
    unfinished: int,
) -> None:
    """Add all but the violations."""
    grid = counts.oldest_s.shape[0]
    g = counts.waits_from
    for i in range(final):
        done = done_s[i]
        counts.fates[fate[i]] += 1
        if effects[i] > 1:
            counts.extra_effects += num.integer(effects[i]) - 1
        if done < num.INF:
            counts.processed[min(num.ceil(done / step_s), grid)] += 1
            latency_s = done - created_s[i]
            counts.as_float[0] = latency_s
            counts.longest_latency_s = max(counts.longest_latency_s, latency_s)
            counts.last_done_s = max(counts.last_done_s, done)
            counts.latency[counts.as_bits[0] >> latency_bins.SHIFT] += 1
        elif fate[i] != unfinished:
            continue  # lost or dead-lettered: nobody waits for it
        # Until grid time ``g`` every earlier one is done or given up; from then on this one waits.
        created = created_s[i]
        while g < grid and g * step_s < done:
            at_s = g * step_s
            if at_s > created:
                counts.oldest_s[g] = at_s - created
            g += 1
    counts.waits_from = g


def _backwards(
    counts: Counts, entity: I32, key_of: I32, done_s: F64, final: int, step_s: float
) -> None:
    """Add the violations: what was processed later than a later message of its key.

    What is not done yet will be done later than all that is counted now.
    """
    grid = counts.oldest_s.shape[0]
    if counts.latest_s.shape[0] < done_s.shape[0]:
        for key in range(counts.latest_s.shape[0]):
            counts.latest_s[key] = num.INF
    else:  # only those that will be asked for
        for i in range(done_s.shape[0]):
            counts.latest_s[key_of[entity[i]]] = num.INF
    for back in range(done_s.shape[0]):
        i = done_s.shape[0] - 1 - back
        done = done_s[i]
        if done == num.INF:
            continue
        key = key_of[entity[i]]
        if done <= counts.latest_s[key]:
            counts.latest_s[key] = done
        elif i < final:
            counts.violations[min(num.ceil(done / step_s), grid)] += 1
            counts.key_violated[key] = 1


def count(
    counts: Counts,
    created_s: F64,
    entity: I32,
    key_of: I32,
    done_s: F64,
    effects: U16,
    fate: U8,
    final: int,
    step_s: float,
    unfinished: int,
) -> None:
    """Add the first ``final`` messages to ``counts``, from the columns of one group.

    Those behind them, if there are any, are counted at a later call: give them again.

    ``key_of`` int32 [entities], order key of each entity; ``unfinished``: that fate's code. Grid
    time ``g`` is ``g * step_s``; a message belongs to the first grid time not before it.
    """
    with cython.nogil:
        _forwards(counts, created_s, done_s, effects, fate, final, step_s, unfinished)
        _backwards(counts, entity, key_of, done_s, final, step_s)
