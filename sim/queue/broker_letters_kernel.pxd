from sim.foundation.c_types cimport i64


cdef class QueueLetters:
    cdef public i64[::1] message
    cdef public double[::1] at_s
    cdef public i64[::1] reason
    cdef public double[:, ::1] met
    cdef public i64 n
    cdef public i64 stops
