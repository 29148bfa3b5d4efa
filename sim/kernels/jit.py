"""One decorator for every kernel; ``kernel.py_func`` is the same code, uncompiled."""

from numba import njit

kernel = njit(cache=True, nogil=True)
