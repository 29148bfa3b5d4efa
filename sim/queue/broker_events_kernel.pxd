cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64


cdef class Events:
    cdef public double[::1] at_s
    cdef public i64[::1] serial
    cdef public i64[::1] kind
    cdef public i64[::1] ref
    cdef public i64[::1] stamp
    cdef public i64 stored
    cdef public i64 ever


cdef void _move(Events events, i64 origin, i64 to) noexcept nogil

@cython.locals(at=i64, parent=i64)
cpdef void push(Events events, double at_s, i64 kind, i64 ref, i64 stamp) noexcept nogil

cdef bint _before(Events events, i64 a, i64 b) noexcept nogil

@cython.locals(last=i64, at=i64, child=i64)
cdef void drop_first(Events events) noexcept nogil
