"""The decorators of the kernels; ``kernel.py_func`` is the same code, uncompiled."""

from typing import Any

from numba import njit

kernel = njit(cache=True, nogil=True)
"""For loops that may allocate."""

resumable: Any = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload]
"""For loops over a state of many arrays: no allocation, and so no reference counting.

Handing a NamedTuple of twenty arrays to a helper counts twenty references up and down, atomically;
without Numba's runtime (``_nrt``) the queue kernel does 37 M msg/s where it did 5 M.
"""

inlined: Any = njit(  # type: ignore[call-overload]
    cache=True, nogil=True, forceinline=True, _nrt=False
)
"""For the parts of a `resumable` loop: a call would pass each array of the state on the stack."""
