"""Numbers in a kernel: compiled, these names are of C (``num.pxd``), with the same results."""

from math import ceil, floor, inf, isfinite, nextafter

__all__ = [
    "INF",
    "ceil",
    "double",
    "floor",
    "floor_div",
    "integer",
    "isfinite",
    "nextafter",
    "truncated",
]

INF = inf


def integer(x: int) -> int:
    """An item of a column in 64 bits: NumPy's own would overflow at the column's width."""
    return int(x)


def double(x: float) -> float:
    """An item of a column in double precision: NumPy's own would stay in the column's."""
    return float(x)


def truncated(x: float) -> int:
    """The whole part of a number; for ``x >= 0`` cheaper in C than `floor`, and the same."""
    return int(x)


def floor_div(a: float, b: float) -> float:
    """``a // b`` for ``b > 0``; C has no operator for it, and ``floor(a / b)`` differs."""
    return a // b
