cimport cython

from sim.engine.held_up_kernel cimport HeldUp
from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u8, u16
from sim.queue cimport broker_codes as codes


cdef class QueueMessages:
    cdef public f32[::1] service_s
    cdef public const u8[::1] wanted
    cdef public double[::1] due_s
    cdef public const i32[::1] same
    cdef public double[::1] let_in_s
    cdef public const double[::1] ttl_s
    cdef public double[::1] expires_s
    cdef public u8[::1] letter
    cdef public u8[::1] state
    cdef public u16[::1] receives
    cdef public u16[::1] returns
    cdef public u16[::1] forgiven
    cdef public u16[::1] stalls
    cdef public u16[::1] effects
    cdef public double[::1] done_s
    cdef public i32[::1] again_message
    cdef public double[::1] again_s
    cdef public HeldUp sends
    cdef public i64 total
    cdef public i64 may_return
    cdef public i64 arrived
    cdef public i64 ready_now
    cdef public i64 in_flight_now
    cdef public i64 waiting_now
    cdef public i64 delayed_now
    cdef public i64 removed
    cdef public i64 moved
    cdef public i64 held
    cdef public i64 deliveries
    cdef public i64 repeats
    cdef public i64 retries
    cdef public i64 refusals


cdef class PoisonLeft:
    cdef public i64[::1] message
    cdef public i64[::1] kills
    cdef public i64[::1] left
    cdef public double[::1] restart_s


cdef double ttl_of(QueueMessages messages, double ttl_s, i64 message) noexcept nogil

@cython.locals(low=i64, high=i64, middle=i64)
cdef i64 poison_place(PoisonLeft poison, i64 message) noexcept nogil

@cython.locals(times=i64)
cdef i64 received(QueueMessages messages, i64 message) noexcept nogil

cdef void affect(QueueMessages messages, double now, i64 message) noexcept nogil

cdef void receive(QueueMessages messages, i64 message) noexcept nogil
