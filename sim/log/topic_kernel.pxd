cimport cython

from sim.engine.acted_kernel cimport Acted, note
from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64


cdef class Log:
    cdef public i64[::1] start
    cdef public i64[::1] end
    cdef public i32[::1] message
    cdef public double[::1] visible_s
    cdef public i64[::1] first


cdef class LogServers:
    cdef public double broker_byte_s
    cdef public double request_s
    cdef public double partition_byte_s
    cdef public bint limited
    cdef public double long_s
    cdef public double[::1] broker_free_s
    cdef public double[::1] partition_free_s
    cdef public double[:, ::1] broker_full_s
    cdef public double[:, ::1] partition_full_s
    cdef public i64[::1] broker_waited
    cdef public i64[::1] partition_waited


cdef class LogProducer:
    cdef public const double[::1] created_s
    cdef public const i32[::1] partition_of
    cdef public const i32[::1] size_bytes
    cdef public double linger_s
    cdef public i64 batch_bytes
    cdef public const double[::1] latency_s
    cdef public i64 next_message
    cdef public i64 sent
    cdef public i64[::1] open_records
    cdef public i64[::1] open_bytes
    cdef public double[::1] opened_s
    cdef public i64[::1] batch_no
    cdef public double[::1] last_append_s
    cdef public i64[::1] ring_partition
    cdef public i64[::1] ring_batch
    cdef public LogServers ceilings
    cdef public i64 ring_head
    cdef public i64 ring_tail
    cdef public double long_s
    cdef public Acted lingered
    cdef public f32[::1] way_s
    cdef public double[::1] over_s


@cython.locals(b=i64, broker_s=double, partition_s=double, at_s=double)
cdef double _begun_s(LogServers ceilings, i64 p, i64 size, double close_s) noexcept nogil

@cython.locals(draw=double, begun_s=double, at=double, row=i64, stop=i64)
cdef void _send(Log log, LogProducer producer, i64 p, double close_s) noexcept nogil

@cython.locals(size=i64, tail=i64, r=i64, q=i64, b=i64, at=i64)
cdef void _linger(LogProducer producer, i64 p) noexcept nogil

@cython.locals(at=i64, p=i64, deadline=double)
cdef void _send_lingered(Log log, LogProducer producer, double until_s) noexcept nogil

@cython.locals(n=i64, one_size=bint, i=i64, now=double, p=i64, size=i64, opened=i64)
cdef void _append(Log log, LogProducer producer, double until_s) noexcept nogil

@cython.locals(has=i64, p=i64)
cpdef i64 append(Log log, LogProducer producer, double until_s)

@cython.locals(p=i64, base=i64, row=i64)
cdef void _gather(Log log, i64[::1] filled, const f32[::1] values, f32[::1] rows) noexcept nogil

cpdef void gather(Log log, i64[::1] filled, const f32[::1] values, f32[::1] rows)

@cython.locals(low=i64, high=i64, middle=i64)
cdef i64 readable(Log log, i64 p, double at_s) noexcept nogil
