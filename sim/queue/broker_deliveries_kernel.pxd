cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes


cdef class Deliveries:
    cdef public i64[::1] message
    cdef public i64[::1] tag
    cdef public i64[::1] receipt
    cdef public i64[::1] consumer
    cdef public i64[::1] connection
    cdef public i64[::1] has
    cdef public i64[::1] verdict
    cdef public double[::1] sent_s
    cdef public double[::1] locked_s
    cdef public double[::1] entered_s
    cdef public double[::1] came_s
    cdef public double[::1] arrive_s
    cdef public double[::1] gone_s
    cdef public double[::1] begun_s
    cdef public double[::1] work_s
    cdef public double[::1] rest_s
    cdef public double[:, ::1] past
    cdef public double[::1] loop_s
    cdef public double[::1] backoff_s
    cdef public double[::1] paused_s
    cdef public double[::1] behind_s
    cdef public double[::1] crowded_s
    cdef public i64[::1] before
    cdef public i64[::1] after
    cdef public i64[::1] then
    cdef public i64 free
    cdef public i64 first
    cdef public i64 last
    cdef public i64 used


@cython.locals(d=i64)
cdef i64 take_free(Deliveries deliveries) noexcept nogil

cdef void free_if_forgotten(Deliveries deliveries, i64 d) noexcept nogil

@cython.locals(last=i64, then=i64)
cdef void await_ack(Deliveries deliveries, i64 d) noexcept nogil

cdef void extend(Deliveries deliveries, i64 d, double now) noexcept nogil

cdef void relock(Deliveries deliveries, i64 d, double locked_s) noexcept nogil

@cython.locals(before=i64, after=i64)
cdef void await_no_more(Deliveries deliveries, i64 d) noexcept nogil
