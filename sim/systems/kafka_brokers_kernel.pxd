cimport cython

from sim.engine.acted_kernel cimport Acted, note
from sim.foundation cimport num
from sim.foundation.c_types cimport i64, u8
from sim.log.topic_kernel cimport Log
from sim.producer.kafka_client_state_kernel cimport Journal


cdef class Spans:
    cdef public const i64[::1] partition
    cdef public const double[::1] from_s
    cdef public const double[::1] until_s


cdef double LONG_S


cdef class TailState:
    cdef public bint committed
    cdef public double replicate_s
    cdef public Spans short
    cdef public Spans cuts
    cdef public Spans still
    cdef public i64[::1] entry
    cdef public i64 waiting
    cdef public i64 taken
    cdef public Acted held
    cdef public i64 moved
    cdef public i64 lack
    cdef public double[::1] last_s
    cdef public double[::1] stable_s
    cdef public u8[::1] shut


@cython.locals(i=i64)
cdef bint _is_cut(double at, i64 p, TailState tail) noexcept nogil

@cython.locals(readable=double, s=i64, until_s=double)
cdef double _readable_s(double at, i64 p, TailState tail) noexcept nogil

@cython.locals(entry=i64, p=i64)
cdef void _take_new(i64 entries, TailState tail) noexcept nogil

@cython.locals(stable_s=double)
cdef void _note_wait(
    double append_s, double visible_s, i64 p, i64 n, TailState tail
) noexcept nogil

@cython.locals(full=i64, kept=i64, i=i64, entry=i64, p=i64, n=i64, readable=double, at=double,
               first=i64, row=i64, record=i64)
cdef i64 _move(double until_s, Journal journal, TailState tail, Log log) noexcept nogil

@cython.locals(full=i64)
cpdef i64 move(double until_s, Journal journal, TailState tail, Log log)
