cimport cython

from sim.engine cimport pieces
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_arrivals_kernel as arrivals_kernel
from sim.queue cimport broker_beats_kernel as beats_kernel
from sim.queue cimport broker_claims_kernel as claims_kernel
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_connections_kernel as connections_kernel
from sim.queue cimport broker_consumers_kernel as consumers_kernel
from sim.queue cimport broker_dead_rows_kernel as dead_rows_kernel
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_function_kernel as function_kernel
from sim.queue cimport broker_hands_kernel as hands_kernel
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue cimport broker_leases_kernel as leases_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_messages_kernel as messages_kernel
from sim.queue cimport broker_picks_kernel as picks_kernel
from sim.queue cimport broker_row_locks_kernel as row_locks_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue cimport broker_state_kernel as state_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(arrive_s=double)
cdef double _arrive_s(BrokerState b, double now, i64 c, i64 d) noexcept nogil

@cython.locals(arrive_s=double)
cdef i64 _hand_over(BrokerState b, double now, i64 c, i64 d, i64 message) noexcept nogil

@cython.locals(until_idle_s=double, alone=bint, in_line=bint, idle_s=double)
cdef void _note_waits(
    BrokerState b, double now, i64 d, i64 message, i64 lane
) noexcept nogil

cdef void _count(BrokerState b, double now) noexcept nogil

@cython.locals(d=i64, epoch=i64, connection=i64, there=bint, has=i64, lane=i64)
cdef void _deliver(BrokerState b, double now, i64 c, i64 message) noexcept nogil

@cython.locals(limit=i64, n=i64, lane=i64, message=i64, counts=bint)
cdef i64 _take(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(begins_s=double)
cdef bint _is_busy(BrokerState b) noexcept nogil

@cython.locals(c=i64)
cdef bint _rows_are_free(BrokerState b) noexcept nogil

@cython.locals(c=i64, n=i64)
cdef bint _serve(BrokerState b) noexcept nogil

@cython.locals(came_s=double, from_s=double)
cdef void _note_poll(BrokerState b, i64 c, i64 message) noexcept nogil

@cython.locals(c=i64, until_s=double)
cdef void _leave_unanswered(BrokerState b) noexcept nogil

@cython.locals(back_s=double)
cdef void _answer_empty(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(own=bint, most=i64, place=i64, taken=i64, n=i64, d=i64, message=i64, back_s=double)
cdef void _claim(BrokerState b, double now, i64 c) noexcept nogil

cdef void _give_credit(BrokerState b, i64 c, i64 connection) noexcept nogil

@cython.locals(d=i64, then=i64, c=i64, counts=bint)
cdef void _acknowledge(BrokerState b, double now, i64 first) noexcept nogil

@cython.locals(slots=i64, c=i64, s=i64)
cdef i64 _finish(BrokerState b, double now, i64 ref) noexcept nogil

@cython.locals(c=i64, connection=i64)
cdef i64 _due(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(waiting=bint)
cdef i64 _rare(BrokerState b, double now, i64 kind, i64 ref, i64 stamp) noexcept nogil

@cython.locals(kind=i64, ref=i64, stamp=i64, busy=i64)
cdef void _happen(BrokerState b, double now) noexcept nogil

@cython.locals(most=i64, delayed=bint)
cpdef i64 rare_rows(BrokerState b) noexcept nogil

cdef bint _all_gone(BrokerState b) noexcept nogil

cpdef void pass_by(BrokerState b, double now) noexcept nogil

cdef bint _has_room(BrokerState b, i64 spare) noexcept nogil

cdef void _unlock_all(BrokerState b, double now) noexcept nogil

@cython.locals(here=i64)
cpdef i64 most_letters(BrokerState b) noexcept nogil

@cython.locals(at_s=double, waiting=bint)
cpdef double due_s(BrokerState b) noexcept nogil

@cython.locals(spare=i64, anchor=i64, sends_again=bint, stuck=bint, calm_s=double, unlock_s=double, now=double,
               gone=bint, freed=bint, sample_s=double, samples=bint, waiting=bint, awaited=bint, _=i64)
cdef i64 _work(BrokerState b, double until_s, i64 most) noexcept nogil

@cython.locals(ended=i64)
cpdef i64 work(BrokerState b, double until_s, i64 most)
