"""Counts of long stretches of time, split into those of its seconds where there are any.

A stretch of years has more seconds than messages. Its counts are drawn by the block, and blocks
with messages are halved down to single units; the result has the distribution that drawing every
unit by itself would have.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64


class Units(NamedTuple):
    """Units of time in which messages arrive, in order."""

    unit: I64
    """[units] which of the stretch, from 0."""
    messages: I64
    """[units] how many arrive in it, at least 1."""


def split(
    edges: I64, counts: I64, mass: Callable[[I64], F64], dispersion: float, rng: np.random.Generator
) -> Units:
    """Split the counts of blocks among their units.

    Args:
        edges: [blocks + 1] where the blocks begin and end, in whole units, ascending.
        counts: [blocks] messages in each.
        mass: expected messages from the start up to each of some whole units.
        dispersion: of counts of units, variance divided by mean; 1 or more.
        rng: source of the draws.
    """
    taken = np.flatnonzero(counts)
    first, end, count = edges[taken], edges[taken + 1], counts[taken]
    while (wide := end - first > 1).any():
        middle = np.where(wide, (first + end + 1) // 2, end)
        at = mass(middle)
        left = np.maximum(at - mass(first), 0.0)
        right = np.where(wide, np.maximum(mass(end) - at, 0.0), 0.0)
        both = left + right
        # Where rounding hides what the block had, its halves are alike.
        share = np.divide(left, both, out=np.where(wide, 0.5, 1.0), where=both > 0)
        if dispersion > 1:
            drawn = (left > 0) & (right > 0)
            shape = [np.maximum(part[drawn] / (dispersion - 1), 1e-300) for part in (left, right)]
            share[drawn] = np.nan_to_num(rng.beta(*shape), nan=0.5)
        share[~wide] = 1.0
        in_left = rng.binomial(count, share)
        first = np.concatenate([first, middle])
        end = np.concatenate([middle, end])
        count = np.concatenate([in_left, count - in_left])
        kept = count > 0
        first, end, count = first[kept], end[kept], count[kept]
    order = np.argsort(first)
    return Units(first[order], count[order])
