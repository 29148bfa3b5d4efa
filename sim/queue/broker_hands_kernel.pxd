cimport cython

from sim.engine cimport held_up_kernel as held_up
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_beats_kernel as beats_kernel
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_consumers_kernel as consumers_kernel
from sim.queue cimport broker_dead_rows_kernel as dead_rows_kernel
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_function_kernel as function_kernel
from sim.queue cimport broker_leases_kernel as leases_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_messages_kernel as messages_kernel
from sim.queue cimport broker_row_locks_kernel as row_locks_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue cimport broker_state_kernel as state_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(message=i64)
cdef void let_go(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(d=i64, then=i64)
cdef void _let_go_all(BrokerState b, double now, i64 first) noexcept nogil

@cython.locals(d=i64)
cdef void _leave_later(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(d=i64, then=i64, slots=i64, s=i64)
cdef void empty_hands(BrokerState b, double now, i64 c, bint slots_too) noexcept nogil

@cython.locals(d=i64, after=i64)
cdef void lose_all(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(epoch=i64, seen_s=double)
cdef void crash(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(half_s=double, at_s=double)
cdef void _ask(BrokerState b, double now, i64 c, i64 kind) noexcept nogil

cdef bint _asks_for_pending(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(next_s=double)
cdef void _ask_in_time(BrokerState b, double now, i64 c) noexcept nogil

cdef void begin(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(begun_s=double, trip_s=double)
cdef void send_pushed(BrokerState b, double now, i64 c, i64 first) noexcept nogil

@cython.locals(c=i64, d=i64, then=i64)
cdef void leave_loop(BrokerState b, double now, i64 first, i64 epoch) noexcept nogil

@cython.locals(first=i64, d=i64, at_s=double, half_s=double)
cdef void send_acks(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(due_s=double, paused_s=double, behind_s=double, busy_s=double)
cdef void _note_hold(BrokerState b, double now, i64 c, i64 d) noexcept nogil

@cython.locals(at_s=double, ends_s=double)
cdef void finish_at(BrokerState b, i64 c, i64 s, double end_s) noexcept nogil

@cython.locals(idle=i64, s=i64, work_s=double, end_s=double, at_s=double)
cdef void _begin_work(BrokerState b, double now, i64 c, i64 d) noexcept nogil

cdef void hold(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(due_s=double)
cdef bint _is_early(BrokerState b, double now, i64 c, i64 d) noexcept nogil

@cython.locals(d=i64)
cdef void _note_throttled(BrokerState b, double now, i64 c) noexcept nogil

cdef bint _gathers(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(at_s=double)
cdef bint _invokes(BrokerState b, double now, i64 c) noexcept nogil

cdef i64 time_out(BrokerState b, double now, i64 c, i64 number) noexcept nogil

cdef void _fail(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(gives_back=bint, hands_back=bint, d=i64)
cdef void look_for_work(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(k=i64)
cdef i64 _verdict(BrokerState b, i64 message) noexcept nogil

@cython.locals(k=i64, restart_s=double)
cdef void _die_of(BrokerState b, double now, i64 c, i64 message) noexcept nogil

@cython.locals(d=i64, message=i64, k=i64, goes_on_s=double)
cdef bint _sends(BrokerState b, double now, i64 c, i64 s) noexcept nogil

@cython.locals(d=i64, message=i64, verdict=i64, fails=bint, at_s=double)
cdef bint finish(BrokerState b, double now, i64 c, i64 s) noexcept nogil
