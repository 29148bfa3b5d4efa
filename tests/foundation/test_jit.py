"""The decorators of the kernels: the same code, compiled and not."""

import numpy as np

from sim.foundation.jit import inlined, kernel, resumable


@inlined
def _twice(x):
    return 2 * x


@resumable
def _doubled(values, out):
    for i in range(values.size):
        out[i] = _twice(values[i])


@kernel
def _running(values):
    out = np.empty_like(values)
    total = 0.0
    for i in range(values.size):
        total += values[i]
        out[i] = total
    return out


def test_compiled_and_plain_code_give_the_same_and_the_plain_code_can_be_stepped_through():
    values = np.array([1.5, 2.25, -1.0])
    assert _running(values).tolist() == _running.py_func(values).tolist() == [1.5, 3.75, 2.75]
    out = np.zeros(3)
    _doubled(values, out)
    assert out.tolist() == [3.0, 4.5, -2.0]


def test_kernels_release_the_lock_and_are_kept_compiled():
    for compiled in (_running, _doubled):
        assert compiled.targetoptions["nogil"] and compiled._cache.cache_path
