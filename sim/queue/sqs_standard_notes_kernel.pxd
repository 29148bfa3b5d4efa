cimport cython

from sim.engine cimport part_codes
from sim.foundation cimport num
from sim.foundation.c_types cimport i64, u8
from sim.queue cimport sqs_standard_codes as codes
from sim.queue.sqs_standard_state_kernel cimport StandardQueue, StandardWorkers


cdef i64 ticks(double seconds) noexcept nogil

@cython.locals(at=i64, row=i64)
cdef i64 row_of(StandardQueue queue, i64 message) noexcept nogil

@cython.locals(row=i64)
cdef void hand(
    StandardQueue queue, i64 message, double handed_s, double begun_s, double call_s
) noexcept nogil

@cython.locals(at=i64, row=i64)
cpdef void entered(
    StandardQueue queue, i64 first, i64 last, double[::1] entered_s
) noexcept nogil

@cython.locals(at=i64)
cpdef void note(StandardQueue queue, i64 kind, i64 of, double from_s, double until_s) noexcept nogil

cdef void acted(StandardQueue queue, i64 limit, double at_s) noexcept nogil

@cython.locals(since_s=double)
cpdef void not_idle(
    StandardQueue queue, StandardWorkers workers, i64 w, double now
) noexcept nogil

cdef void look_full(StandardQueue queue, double now) noexcept nogil

cpdef void poll_ends(
    StandardQueue queue, StandardWorkers workers, i64 w, double now
) noexcept nogil

cdef void gave_up(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 k, double at_s
) noexcept nogil

@cython.locals(k=i64)
cpdef void leave(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 first, double now
) noexcept nogil

@cython.locals(at_s=double)
cdef double _hidden_until_s(
    StandardQueue queue, StandardWorkers workers, i64 w
) noexcept nogil

@cython.locals(message=i64, newest=bint, state=u8)
cdef void _left(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 k, double at_s
) noexcept nogil

@cython.locals(expiries=i64, held=i64, there=i64)
cpdef i64 to_come(StandardQueue queue, StandardWorkers workers) noexcept nogil
