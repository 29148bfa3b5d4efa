cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64


cdef class IdleTimes:
    cdef public bint tracks
    cdef public i64 most
    cdef public i64 n
    cdef public double[::1] from_s
    cdef public double[::1] until_s
    cdef public i64[::1] starts
    cdef public i64[::1] at
    cdef public double covered_s
    cdef public i64 known
    cdef public double[::1] known_from_s
    cdef public double[::1] known_until_s
    cdef public double[::1] known_sum_s


cdef void note(IdleTimes idle, double from_s, double until_s) noexcept nogil

@cython.locals(last_s=double)
cdef double _lasted(IdleTimes idle, i64 i) noexcept nogil

@cython.locals(covered=double, latest=double, following=double, m=i64, i=i64, n=i64, room=i64)
cpdef void cover(IdleTimes idle, double until_s) noexcept nogil

@cython.locals(n=i64, i=i64, t=i64, at=double, low=i64, high=i64, step=i64, last_s=double)
cpdef void look_up(IdleTimes idle, const double[::1] at_s, double[::1] out_s)
