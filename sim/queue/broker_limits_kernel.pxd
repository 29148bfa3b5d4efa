from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes


cdef class QueueLimits:
    cdef public i64[::1] times
    cdef public double[::1] first_s
    cdef public double[::1] last_s
    cdef public i64[:, ::1] times_of
    cdef public double[:, ::1] first_of
    cdef public double[:, ::1] last_of


cpdef void act(QueueLimits limits, i64 limit, double from_s, double until_s) noexcept nogil

cdef void strike(QueueLimits limits, i64 what, i64 c, double now) noexcept nogil
