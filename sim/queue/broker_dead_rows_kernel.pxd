cimport cython

from sim.foundation.c_types cimport i64


cdef class DeadRows:
    cdef public const double[::1] from_s
    cdef public const double[::1] until_s
    cdef public double row_s
    cdef public i64 taken
    cdef public i64 done
    cdef public i64 at
    cdef public i64 rows
    cdef public double[::1] added_s


@cython.locals(held=bint)
cdef bint pass_time(DeadRows dead, double now) noexcept nogil

cdef void die(DeadRows dead, i64 rows, double now) noexcept nogil

cdef double extra_s(DeadRows dead, double now) noexcept nogil
