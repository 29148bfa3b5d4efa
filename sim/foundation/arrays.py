"""The types of the columns, one name each, and what stands for "no limit" in them.

A name says the kind and width of the items and nothing about their unit or shape: that is in the
docstring of the field or the argument.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", bound=np.generic)

F64 = NDArray[np.float64]
"""Floating point in double precision: times, weights, coordinates."""
F32 = NDArray[np.float32]
"""Floating point in single precision, where a column is long and seven digits are enough."""
I64 = NDArray[np.int64]
"""Integers of 64 bits: counts, sums, offsets."""
I32 = NDArray[np.int32]
"""Integers of 32 bits: rows of messages, identities."""
I16 = NDArray[np.int16]
"""Integers of 16 bits: states, partitions."""
U32 = NDArray[np.uint32]
"""Integers of 32 bits without a sign: the bits of something."""
U16 = NDArray[np.uint16]
"""Integers of 16 bits without a sign: how often."""
U8 = NDArray[np.uint8]
"""Integers of 8 bits without a sign: codes with a few values."""
Bools = NDArray[np.bool_]
"""Truth values: a mask."""

NO_LIMIT = np.iinfo(np.int64).max
"""A count that is never reached: what a limit is where there is none."""


def longer(column: NDArray[_T], n: int, fill: float) -> NDArray[_T]:
    """A column of ``n`` rows that begins as another; ``fill`` in the rows that are new.

    Rows that are new and 0 take no memory until something else is written to them.
    """
    rows, shape = len(column), (n, *column.shape[1:])
    if fill == 0:
        out = np.zeros(shape, column.dtype)
    else:
        out = np.empty(shape, column.dtype)
        out[rows:] = fill
    out[:rows] = column
    return out
