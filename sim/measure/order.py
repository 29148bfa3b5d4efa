"""How many messages were processed out of order: columns of the summary."""

from math import nan

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.measure.counts import Counted


def sums(counted: Counted) -> dict[str, float]:
    """Columns of the summary.

    - ``violations``: messages first processed after a later message of the same key.
    - ``keys_violated``: keys with such a message.

    Of messages without a key both are nan: there is no order to be counted.
    """
    if not counted.ordered:
        return {"violations": nan, "keys_violated": nan}
    return {"violations": counted.violations_in_all, "keys_violated": counted.keys_violated}


def so_far(counted: Counted) -> I64 | F64:
    """[grid] violations up to each time; nan where there is no order."""
    if not counted.ordered:
        return np.full(counted.violations.size, nan)
    return np.cumsum(counted.violations)
