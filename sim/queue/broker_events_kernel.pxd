cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes


cdef class Events:
    cdef public double[::1] at_s
    cdef public i64[::1] slot
    cdef public i64[::1] serial
    cdef public i64[::1] kind
    cdef public i64[::1] ref
    cdef public i64[::1] stamp
    cdef public i64 stored
    cdef public i64 ever
    cdef public bint happened
    cdef public double[::1] poll_end_s
    cdef public i64[::1] poll_serial
    cdef public i64[::1] poll_consumer
    cdef public i64[::1] poll_call
    cdef public i64 polls_ended
    cdef public i64 polls
    cdef public bint poll_is_first
    cdef public i64 kind_now
    cdef public i64 ref_now
    cdef public i64 stamp_now


@cython.locals(at=i64, parent=i64)
cdef void _rise(Events events, i64 place, double at_s, i64 slot) noexcept nogil

cdef bint _before(Events events, i64 a, i64 b) noexcept nogil

@cython.locals(at=i64, child=i64, left_s=double, right_s=double, child_s=double)
cdef void _sink(Events events, double at_s, i64 slot) noexcept nogil

@cython.locals(at=i64, slot=i64)
cpdef void push(Events events, double at_s, i64 kind, i64 ref, i64 stamp) noexcept nogil

@cython.locals(at=i64)
cpdef void poll(Events events, double end_s, i64 c, i64 call) noexcept nogil

@cython.locals(free=i64, last=i64, at_s=double, slot=i64)
cdef void _close_gap(Events events) noexcept nogil

@cython.locals(at_s=double, first=i64, end_s=double)
cpdef double first_s(Events events) noexcept nogil

@cython.locals(first=i64, slot=i64)
cpdef void take_first(Events events) noexcept nogil
