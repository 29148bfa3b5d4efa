cimport cython

from sim.foundation.c_types cimport i32, i64


cdef class HeldUp:
    cdef public double[::1] until_s
    cdef public double[::1] trip_s
    cdef public i32[::1] message
    cdef public double[::1] called_s
    cdef public double[::1] blocked_s
    cdef public i64 n


@cython.locals(i=i64)
cpdef i64 call(HeldUp held_up, i64 message, double now) noexcept nogil

@cython.locals(until_s=double, taken_s=double)
cpdef double goes_on_s(HeldUp held_up, i64 i, double now) noexcept nogil

cpdef void took(HeldUp held_up, i64 i, i64 message, double now) noexcept nogil
