cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64
from sim.log cimport topic_kernel


cdef class ActiveSegments:
    cdef public const double[::1] created_s
    cdef public const i32[::1] message_bytes
    cdef public double segment_s
    cdef public i64 segment_bytes
    cdef public i64[::1] next
    cdef public double[::1] first_s
    cdef public double[::1] newest_s
    cdef public i64[::1] size_bytes


@cython.locals(one_size=bint, base=i64, row=i64, at=double, stop=i64, batch_bytes=i64,
               newest=double, message=i64)
cdef bint _fill(topic_kernel.Log log, ActiveSegments active, double until_s, i64 p) noexcept nogil

@cython.locals(full=bint)
cpdef bint fill(topic_kernel.Log log, ActiveSegments active, double until_s, i64 p)
