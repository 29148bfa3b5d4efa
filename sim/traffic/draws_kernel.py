"""Random columns: sorted arrival times and weighted choices, from uniform or exponential draws."""

import numpy as np

from sim.foundation.arrays import F64, I32
from sim.foundation.jit import kernel


@kernel
def spread(counts, edges_s, exponentials, out):
    """Put ``counts[c]`` arrivals into cell ``c`` as sorted uniforms, from exponential spacings.

    ``counts`` int64 [cells]; ``edges_s`` float64 [cells + 1]; ``exponentials`` float64
    [sum(counts) + cells], unit mean; ``out`` float64 [sum(counts)], ascending.
    """
    draw = 0
    row = 0
    for c in range(counts.size):
        total = 0.0
        first = row
        for _ in range(counts[c]):
            total += exponentials[draw]
            draw += 1
            out[row] = total
            row += 1
        total += exponentials[draw]
        draw += 1
        width = (edges_s[c + 1] - edges_s[c]) / total
        for i in range(first, row):
            out[i] = edges_s[c] + out[i] * width


@kernel
def _build_alias(probability, alias, small, large):
    n = probability.size
    n_small = 0
    n_large = 0
    for i in range(n):
        if probability[i] < 1.0:
            small[n_small] = i
            n_small += 1
        else:
            large[n_large] = i
            n_large += 1
    while n_small > 0 and n_large > 0:
        n_small -= 1
        low = small[n_small]
        high = large[n_large - 1]
        alias[low] = high
        probability[high] -= 1.0 - probability[low]
        if probability[high] < 1.0:
            n_large -= 1
            small[n_small] = high
            n_small += 1
    while n_small > 0:  # only rounding is left over
        n_small -= 1
        probability[small[n_small]] = 1.0
    while n_large > 0:
        n_large -= 1
        probability[large[n_large]] = 1.0


def alias_table(weights: F64) -> tuple[F64, I32]:
    """Walker's alias table (Vose 1991) of positive ``weights`` [values]: for `choose`."""
    n = weights.size
    probability = weights * (n / weights.sum())
    alias = np.arange(n, dtype=np.int32)
    _build_alias(probability, alias, np.zeros(n, np.int32), np.zeros(n, np.int32))
    return probability, alias


@kernel
def choose(uniforms, probability, alias, out):
    """Turn ``uniforms`` float64 [n] in [0, 1) into weighted choices ``out`` int32 [n]."""
    size = probability.size
    for i in range(uniforms.size):
        scaled = uniforms[i] * size
        column = int(scaled)
        out[i] = column if scaled - column < probability[column] else alias[column]
