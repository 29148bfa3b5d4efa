cimport cython

from sim.foundation.c_types cimport i32, i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue.broker_events_kernel cimport Events
from sim.queue.broker_policy_kernel cimport BrokerPolicy


cdef class Consumers:
    cdef public i64 slots
    cdef public i64 anchor
    cdef public i64[::1] alive
    cdef public i64[::1] epoch
    cdef public i64[::1] connected
    cdef public i64[::1] joined
    cdef public i64[::1] stopping
    cdef public i64[::1] cut
    cdef public i64[::1] calling
    cdef public i64[::1] call
    cdef public i64[::1] unacked
    cdef public i64[::1] later
    cdef public i64[::1] forgone
    cdef public i64[::1] chunk
    cdef public i64[::1] fresh
    cdef public i64[::1] buffer
    cdef public i64[::1] buffer_end
    cdef public i64[::1] ripe
    cdef public i64[::1] ripe_end
    cdef public i64[::1] done
    cdef public i64[::1] done_end
    cdef public i64[::1] behind
    cdef public i64[::1] ahead
    cdef public double[::1] half_s
    cdef public double[::1] passed_s
    cdef public double[::1] asked_s
    cdef public i64[::1] found_none
    cdef public i64[::1] asleep
    cdef public double[::1] slept_s
    cdef public double[::1] next_s
    cdef public i64 sleepers
    cdef public double came_s
    cdef public double[::1] factor
    cdef public double[::1] resume_s
    cdef public double[::1] wake_s
    cdef public double[::1] inbound_s
    cdef public double[::1] outbound_s
    cdef public double[::1] loop_s
    cdef public double[:, ::1] loop_full
    cdef public double[::1] busy_from_s
    cdef public i64[::1] idle
    cdef public i32[:, ::1] idle_slot
    cdef public i32[:, ::1] slot
    cdef public double[:, ::1] end_s
    cdef public double[:, ::1] whole_s
    cdef public i64[:, ::1] sending
    cdef public double[::1] paused_s
    cdef public i64[::1] renews
    cdef public double[::1] timer_s
    cdef public double[::1] beat_s
    cdef public double[::1] fires_s
    cdef public double[::1] claimed_s
    cdef public i64[::1] owns
    cdef public i64[::1] resting
    cdef public i64 at_rest
    cdef public i64 working
    cdef public i64 throttled
    cdef public bint changed
    cdef public i64 active
    cdef public i64 joins
    cdef public i64 asking
    cdef public i64 found
    cdef public i64 empty_receives


cdef void rest(Consumers consumers, i64 c, i64 rests) noexcept nogil

@cython.locals(rests=bint)
cdef void rest_if_free(Consumers consumers, BrokerPolicy policy, i64 c) noexcept nogil

@cython.locals(ahead=i64, behind=i64)
cdef void unwait(Consumers consumers, i64 c) noexcept nogil

@cython.locals(last=i64)
cdef void wait(Consumers consumers, i64 c) noexcept nogil

@cython.locals(may=bint)
cdef bint has_credit(Consumers consumers, BrokerPolicy policy, i64 c) noexcept nogil

cdef void forget_held(Consumers consumers, i64 c) noexcept nogil

@cython.locals(over=i64)
cdef bint hold(Consumers consumers, BrokerPolicy policy, i64 c) noexcept nogil

@cython.locals(asks=i64)
cdef void hold_no_more(Consumers consumers, BrokerPolicy policy, i64 c) noexcept nogil

cdef void wait_if_credit(Consumers consumers, BrokerPolicy policy, i64 c) noexcept nogil

@cython.locals(best=i64, c=i64)
cdef void choose_active(Consumers consumers, BrokerPolicy policy) noexcept nogil

cdef void get_up(Consumers consumers, i64 c) noexcept nogil

@cython.locals(c=i64, at_s=double)
cdef void notify(Consumers consumers, Events events, BrokerPolicy policy, double now) noexcept nogil

cdef void wake(Consumers consumers, Events events, i64 c, double at_s) noexcept nogil
