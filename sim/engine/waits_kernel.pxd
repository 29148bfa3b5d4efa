cimport cython

from sim.foundation.c_types cimport i64


@cython.locals(n=i64, i=i64, k=i64, low=i64, high=i64, mid=i64, at=double)
cpdef void before(
    const double[::1] from_s, const double[::1] until_s, const double[::1] sum_s,
    const double[::1] at_s, double[::1] out
)
