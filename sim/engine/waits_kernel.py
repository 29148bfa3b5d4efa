"""How much of some stretches of time lies before each of many times."""

import cython

from sim.foundation.arrays import F64


def before(from_s: F64, until_s: F64, sum_s: F64, at_s: F64, out: F64) -> None:
    """Fill ``out`` [times] with how much of the stretches lies before each of ``at_s``, s.

    Args:
        from_s: [stretches] ascending, s.
        until_s: [stretches] s; disjoint.
        sum_s: [stretches + 1] their lengths, summed up to each.
        at_s: [times] s. Ascending ones cost the least.
        out: [times] is written.
    """
    with cython.nogil:
        n = from_s.shape[0]
        i = 0  # stretches that have begun
        for k in range(at_s.shape[0]):
            at = at_s[k]
            low, high = i, n
            if i > 0 and from_s[i - 1] > at:
                low, high = 0, i - 1
            i = low
            # Times mostly ascend, and are close to each other.
            while i < high and i < low + 8 and from_s[i] <= at:
                i += 1
            if i == low + 8:
                low = i
                while low < high:
                    mid = (low + high) // 2
                    if from_s[mid] <= at:
                        low = mid + 1
                    else:
                        high = mid
                i = low
            if i == 0:
                out[k] = 0.0
            else:
                out[k] = sum_s[i - 1] + (min(at, until_s[i - 1]) - from_s[i - 1])
