cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport sqs_standard_codes as codes
from sim.queue.sqs_standard_state_kernel cimport StandardWorkers


@cython.locals(before=bint)
cdef bint _before(StandardWorkers workers, i64 one, i64 other) noexcept nogil

@cython.locals(first=i64, other=i64)
cdef i64 _first_of_four(StandardWorkers workers, i64 child) noexcept nogil

@cython.locals(at_s=double, at=i64, above=i64)
cdef void push(StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(at=i64, child=i64, s0=double, s1=double, s2=double, s3=double, left_s=double,
               right_s=double, least_s=double, left=i64, right=i64, first=i64)
cdef void replace_first(StandardWorkers workers, i64 w, double at_s) noexcept nogil

@cython.locals(last=i64, last_s=double)
cdef void put_back(StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(at=i64, w=i64)
cdef void order(StandardWorkers workers) noexcept nogil

cpdef void schedule(StandardWorkers workers, i64 w, double at_s) noexcept nogil
