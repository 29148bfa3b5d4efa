cimport cython

from sim.engine cimport part_codes
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport sqs_standard_codes as codes
from sim.queue cimport sqs_standard_heap_kernel as heap
from sim.queue cimport sqs_standard_notes_kernel as notes
from sim.queue.sqs_standard_state_kernel cimport StandardQueue, StandardWorkers


cdef i64 oldest_fresh(StandardQueue queue) noexcept nogil

@cython.locals(room=bint)
cdef bint may_begin(StandardQueue queue, StandardWorkers workers) noexcept nogil

@cython.locals(half_s=double)
cdef double next_receive(StandardQueue queue) noexcept nogil

@cython.locals(free_s=double, at_s=double)
cdef double _again_s(
    StandardQueue queue, StandardWorkers workers, i64 w, double delete_s
) noexcept nogil

@cython.locals(w=i64, message=i64)
cdef void _join(StandardQueue queue, StandardWorkers workers) noexcept nogil

@cython.locals(w=i64, delete_s=double)
cdef void _leave(StandardQueue queue, StandardWorkers workers, double before_s) noexcept nogil

cdef void _write_down(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 current
) noexcept nogil

@cython.locals(message=i64)
cdef void _take_back(StandardQueue queue, StandardWorkers workers, i64 w) noexcept nogil

cdef void _ask_again(StandardQueue queue, StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(message=i64, half_s=double, call_s=double, start_s=double, work_s=double, end_s=double,
               delete_s=double, at=i64)
cdef double _take(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 row, double now
) noexcept nogil

@cython.locals(free_s=double)
cdef void _delete(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

cdef void _park(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(filled=i64, two_events=bint, now=double, w=i64, row=i64, arrives_s=double, wakes=bint, first=i64,
               available_s=double, at_s=double)
cdef double _go_round(
    StandardQueue queue, StandardWorkers workers, double until_s
) noexcept nogil

@cython.locals(delivered=i64, received=i64)
cdef void rounds(StandardQueue queue, StandardWorkers workers, double until_s) noexcept nogil
