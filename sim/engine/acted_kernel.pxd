from sim.foundation.c_types cimport i64


cdef class Acted:
    cdef public i64 times
    cdef public double first_s
    cdef public double last_s


cpdef void note(Acted acted, double from_s, double until_s, i64 times) noexcept nogil
