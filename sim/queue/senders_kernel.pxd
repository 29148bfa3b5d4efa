cimport cython

from sim.engine cimport pieces
from sim.engine.acted_kernel cimport Acted, note
from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u8
from sim.queue.feed_kernel cimport Feed


cdef class SendersState:
    cdef public Feed feed
    cdef public const double[::1] created_s
    cdef public const i32[::1] order
    cdef public const double[::1] latency_s
    cdef public i64 batch
    cdef public double calls_per_s
    cdef public bint one_connection
    cdef public double last_reached_s
    cdef public double[::1] free_s
    cdef public double[::1] reached_s
    cdef public i64[::1] first
    cdef public i64[::1] n
    cdef public i64 threads
    cdef public i64 next
    cdef public i64 draw
    cdef public i64 calls
    cdef public i64 on_the_way
    cdef public double quota_s
    cdef public f32[::1] way_s
    cdef public u8[::1] held
    cdef public double long_s
    cdef public Acted busy
    cdef public Acted throttled


@cython.locals(at=i64, child=i64, s0=double, s1=double, s2=double, s3=double, left_s=double,
               right_s=double, least_s=double, left=i64, right=i64)
cdef void _replace_first(SendersState s, double at_s) noexcept nogil

@cython.locals(at=i64)
cdef void _set_out(SendersState s, double reached_s, i64 first, i64 n) noexcept nogil

cdef void _move(SendersState s, i64 of, i64 to) noexcept nogil

@cython.locals(before=bint)
cdef bint _before(SendersState s, i64 one, i64 other) noexcept nogil

@cython.locals(last=i64, at=i64, child=i64, s0=double, s1=double, s2=double, s3=double,
               left_s=double, right_s=double, least_s=double, left=i64, right=i64, least=i64,
               ties=i64, other=i64)
cdef void _arrive(SendersState s) noexcept nogil

@cython.locals(row=i64, message=i64)
cdef void _hand_over(SendersState s, double until_s) noexcept nogil

@cython.locals(total=i64, first=i64, now=double, stop=i64, half_s=double, reached_s=double,
               held_s=double, message=i64, _=i64)
cdef i64 _send(SendersState s, double until_s, i64 most) noexcept nogil

cpdef i64 send(SendersState s, double until_s, i64 most)
