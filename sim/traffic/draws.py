"""Weighted choices: the table from which `sim.traffic.draws_kernel` takes them."""

import numpy as np

from sim.foundation.arrays import F64, I32
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
