cimport cython

from sim.engine cimport pieces
from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64
from sim.queue.feed_kernel cimport Feed


cdef class SendersState:
    cdef public Feed feed
    cdef public const double[::1] created_s
    cdef public const i32[::1] order
    cdef public const double[::1] latency_s
    cdef public i64 batch
    cdef public double calls_per_s
    cdef public double[::1] event_s
    cdef public i64[::1] call
    cdef public double[::1] half_s
    cdef public i64[::1] first
    cdef public i64[::1] n
    cdef public i64 next
    cdef public i64 draw
    cdef public i64 calls
    cdef public i64 under_way
    cdef public double quota_s


@cython.locals(at=i64, call=i64)
cdef i64 _push(SendersState s, double at_s) noexcept nogil

@cython.locals(at=i64, child=i64)
cdef void _replace_first(SendersState s, double at_s, i64 call) noexcept nogil

@cython.locals(call=i64, first=i64, row=i64, k=i64)
cdef void _hand_over(SendersState s, double now) noexcept nogil

@cython.locals(gone=i64, last=i64, at_s=double, call=i64)
cdef void _remove_first(SendersState s) noexcept nogil

@cython.locals(total=i64, threads=i64, first=i64, event_s=double, returned=bint, now=double,
               stop=i64, half_s=double, reached_s=double, call=i64, _=i64)
cdef i64 _send(SendersState s, double until_s, i64 most) noexcept nogil

cpdef i64 send(SendersState s, double until_s, i64 most)
