from sim.foundation.c_types cimport i32, i64


cdef class Feed:
    cdef public i32[::1] message
    cdef public double[::1] enqueued_s
    cdef public i64[::1] n
