"""Random columns: sorted arrival times and weighted choices, from uniform or exponential draws."""

import cython

from sim.foundation import num
from sim.foundation.arrays import F64, I32, I64


def _spread(counts: I64, edges_s: F64, exponentials: F64, out: F64) -> None:
    draw = 0
    first = 0
    for c in range(counts.shape[0]):
        total = 0.0
        stop = first + counts[c]
        for row in range(first, stop):
            total += exponentials[draw]
            draw += 1
            out[row] = total
        total += exponentials[draw]
        draw += 1
        begin_s = edges_s[c]
        width = (edges_s[c + 1] - begin_s) / total
        for row in range(first, stop):
            out[row] = begin_s + out[row] * width
        first = stop


def spread(counts: I64, edges_s: F64, exponentials: F64, out: F64) -> None:
    """Put ``counts[c]`` arrivals into cell ``c`` as sorted uniforms, from exponential spacings.

    ``counts`` int64 [cells]; ``edges_s`` float64 [cells + 1]; ``exponentials`` float64
    [sum(counts) + cells], unit mean; ``out`` float64 [sum(counts)], ascending.
    """
    with cython.nogil:
        _spread(counts, edges_s, exponentials, out)


def _build_alias(probability: F64, alias: I32, small: I32, large: I32) -> None:
    n_small = 0
    n_large = 0
    for i in range(probability.shape[0]):
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
    # What is left is chosen for itself: it has its own number, or a probability of 1 at least.


def build_alias(probability: F64, alias: I32, small: I32, large: I32) -> None:
    """Make an alias table in place.

    ``probability`` float64 [values], at first the weights, 1 on average; ``alias`` int32 [values],
    at first each value's own number; ``small`` and ``large`` int32 [values], scratch.
    """
    with cython.nogil:
        _build_alias(probability, alias, small, large)


def _choose(uniforms: F64, probability: F64, alias: I32, out: I32) -> None:
    size = num.double(probability.shape[0])
    for i in range(uniforms.shape[0]):
        scaled = uniforms[i] * size
        column = num.truncated(scaled)
        out[i] = column if scaled - column < probability[column] else alias[column]


def choose(uniforms: F64, probability: F64, alias: I32, out: I32) -> None:
    """Turn ``uniforms`` float64 [n] in [0, 1) into weighted choices ``out`` int32 [n]."""
    with cython.nogil:
        _choose(uniforms, probability, alias, out)
