"""What the metrics are made of: one pass forwards and one backwards over a group's messages."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64, U8
from sim.foundation.jit import resumable

LATENCY_SHIFT = 12
"""Bits cut from a float32 latency: a bin is 2**-11 of its value wide, so medians are to 0.05 %."""
LATENCY_BINS = 1 << (31 - LATENCY_SHIFT)


class Counts(NamedTuple):
    """What `count` fills in; everything starts at zero."""

    processed: I64  # [grid + 1] messages first processed in each step, then later
    violations: I64  # [grid + 1] of them, processed after a later one of their key
    oldest_s: F64  # [grid] age of the oldest unprocessed message
    latency: I64  # [LATENCY_BINS] histogram over the top bits of a float32
    fates: I64  # [fates]
    key_violated: U8  # [keys] 1: one of its messages was processed late


class Totals(NamedTuple):
    """What `count` returns."""

    extra_effects: np.int64  # beyond one per message
    longest_latency_s: float  # 0: none was processed
    last_done_s: float  # time of the last first effect; 0 likewise


@resumable
def count(
    created_s, entity, key_of, done_s, effects, fate, step_s, unfinished, bits, latest, counts
):
    """Fill ``counts`` from the columns of one group; returns its `Totals`.

    ``key_of`` int32 [entities], order key of each entity; ``unfinished``: that fate's code;
    ``bits``: one float32 and, over the same memory, uint32, to read a float's bits; ``latest``
    float64 [keys], all inf: scratch. Grid time ``g`` is ``g * step_s``; a message belongs to the
    first grid time not before it.
    """
    grid = counts.oldest_s.size
    as_float, as_bits = bits
    extra_effects = np.int64(0)
    longest_latency_s = last_done_s = 0.0
    g = 0
    worst = -np.inf
    for i in range(created_s.size):
        done = done_s[i]
        counts.fates[fate[i]] += 1
        if effects[i] > 1:
            extra_effects += np.int64(effects[i]) - 1
        if done < np.inf:
            slot = int(np.ceil(done / step_s))
            counts.processed[min(slot, grid)] += 1
            latency = done - created_s[i]
            as_float[0] = latency
            longest_latency_s = max(longest_latency_s, latency)
            last_done_s = max(last_done_s, done)
            counts.latency[as_bits[0] >> LATENCY_SHIFT] += 1
        elif fate[i] != unfinished:
            continue  # lost or dead-lettered: nobody waits for it
        # Until ``worst`` every earlier message is done or given up; from then on this one waits.
        if done > worst:
            created = created_s[i]
            while g < grid and g * step_s < done:
                at = g * step_s
                if at > created:
                    counts.oldest_s[g] = at - created
                g += 1
            worst = done
    for back in range(created_s.size):
        i = created_s.size - 1 - back
        done = done_s[i]
        if done == np.inf:
            continue
        key = key_of[entity[i]]
        if done > latest[key]:
            slot = int(np.ceil(done / step_s))
            counts.violations[min(slot, grid)] += 1
            counts.key_violated[key] = 1
        else:
            latest[key] = done
    return Totals(extra_effects, longest_latency_s, last_done_s)
