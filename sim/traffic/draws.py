"""Draws: the table of weighted choices for `sim.traffic.draws_kernel`, durations by quantiles."""

import math

import numpy as np

from sim.foundation.arrays import F64, I32
from sim.foundation.quantiles import FAR_S, Curve
from sim.traffic import draws_kernel as k


def alias_table(weights: F64) -> tuple[F64, I32]:
    """Walker's alias table (Vose 1991) of positive ``weights`` [values]: for `choose`.

    Returns:
        [values] the share of its own column that a value keeps, and [values] the value that has the
        rest of the column.
    """
    n = weights.size
    probability = weights * (n / weights.sum())
    alias = np.arange(n, dtype=np.int32)
    k.build_alias(probability, alias, np.zeros(n, np.int32), np.zeros(n, np.int32))
    return probability, alias


def along(curve: Curve, z: F64) -> F64:
    """[draws] durations of a distribution by quantiles, s.

    Args:
        curve: the distribution.
        z: [draws] normal quantiles: draws from the standard normal give draws (inverse transform).
    """
    first, last = curve.slopes
    log_s = np.interp(z, curve.z, curve.log_s)
    log_s += first * np.minimum(0.0, z - curve.z[0])
    log_s += last * np.maximum(0.0, z - curve.z[-1])
    # A line that leaves floating point has a bound: without one, it was refused.
    drawn: F64 = np.exp(np.clip(log_s, -math.log(FAR_S), math.log(FAR_S)))
    return np.clip(drawn, curve.least_s, curve.most_s, out=drawn)
