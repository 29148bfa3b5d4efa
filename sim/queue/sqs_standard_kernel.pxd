cimport cython

from sim.engine cimport part_codes, pieces
from sim.foundation cimport num
from sim.foundation.c_types cimport i64, u8
from sim.queue cimport sqs_standard_codes as codes
from sim.queue cimport sqs_standard_expiry_kernel as expiry
from sim.queue cimport sqs_standard_heap_kernel as heap
from sim.queue cimport sqs_standard_notes_kernel as notes
from sim.queue cimport sqs_standard_rounds_kernel as rounds
from sim.queue.sqs_standard_state_kernel cimport StandardQueue, StandardWorkers


@cython.locals(badly=bint)
cdef bint ends_badly(StandardQueue queue, StandardWorkers workers, i64 w, i64 k) noexcept nogil

cdef bint _kills(StandardQueue queue, StandardWorkers workers, i64 w, i64 k) noexcept nogil

@cython.locals(k=i64)
cdef bint _nothing_done(StandardQueue queue, StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(k=i64, stop=i64, end=double, begun=double, factor=double, processed=i64, message=i64, badly=bint,
               left=i64, row=i64)
cpdef void settle(
    StandardQueue queue, StandardWorkers workers, i64 w, double until_s
) noexcept nogil

@cython.locals(t=double, factor=double, stop=i64, half_s=double, k=i64, expiry_s=double)
cdef void _replan(StandardQueue queue, StandardWorkers workers, i64 w) noexcept nogil

cpdef void replan(StandardQueue queue, StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(half_s=double)
cpdef double next_delete(StandardQueue queue) noexcept nogil

@cython.locals(stop=i64, work_s=double, nothing_done=bint)
cdef void _begin_chunk(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 first, double start_s
) noexcept nogil

cdef void _turn_off(StandardWorkers workers, i64 w) noexcept nogil

@cython.locals(half=double)
cdef void _start(StandardQueue queue, StandardWorkers workers, i64 w, double at_s) noexcept nogil

cpdef void start(StandardQueue queue, StandardWorkers workers, i64 w, double at_s) noexcept nogil

@cython.locals(deaths=i64, at=double, stays=bint)
cdef void _die(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(room=i64, at=i64, message=i64)
cdef i64 _take_returned(
    StandardQueue queue, StandardWorkers workers, i64 w, i64 n, i64 limit, double before_s
) noexcept nogil

@cython.locals(there=bint)
cdef bint _is_there(StandardQueue queue, i64 row, double now) noexcept nogil

@cython.locals(more=bint)
cdef bint _more(StandardQueue queue, double now) noexcept nogil

@cython.locals(servers=i64, limit=i64, n=i64, asked=i64, start=i64, offset=i64, oldest=i64,
               other=i64, server=i64, misses=i64, row=i64, message=i64,
               scramble=i64)
cdef i64 _take(
    StandardQueue queue, StandardWorkers workers, i64 w, double now, bint everywhere
) noexcept nogil

@cython.locals(room=i64, at=i64)
cpdef void unpark(StandardQueue queue, i64 w) noexcept nogil

@cython.locals(at_s=double)
cdef double _goes_on_s(StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(k=i64, expiry_s=double)
cdef void _received(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(room=i64, at=double, row=i64)
cdef double _available_s(StandardQueue queue) noexcept nogil

@cython.locals(w=i64)
cdef bint _none_held(StandardWorkers workers) noexcept nogil

@cython.locals(sample=i64)
cdef void _sample(StandardQueue queue, double until_s, double now, bint gone) noexcept nogil

@cython.locals(row=i64)
cdef double _receive(
    StandardQueue queue, StandardWorkers workers, i64 w, double now
) noexcept nogil

@cython.locals(k=i64, message=i64, newest=bint, state=u8)
cdef void _remove(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(done=i64, calls=bint, barred=i64, again_s=double)
cdef double _delete(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(receive_s=double, kind=i64)
cdef void _visit(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(w=i64, full=bint)
cdef void _wake(StandardQueue queue, StandardWorkers workers, double now) noexcept nogil

@cython.locals(mask=i64, first=i64, at=i64, w=i64)
cdef i64 _ends_first(StandardQueue queue, StandardWorkers workers) noexcept nogil

cdef void _end_poll(StandardQueue queue, StandardWorkers workers, i64 w, double now) noexcept nogil

@cython.locals(now=double, w=i64, ends=bint, wakes=bint, end_s=double, first=i64,
               available_s=double, gone=bint, stored=i64, reserve=i64, _=i64)
cdef i64 _work(
    StandardQueue queue, StandardWorkers workers, double until_s, i64 most
) noexcept nogil

cpdef i64 work(StandardQueue queue, StandardWorkers workers, double until_s, i64 most)
