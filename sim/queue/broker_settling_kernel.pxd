cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_dead_rows_kernel as dead_rows_kernel
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue cimport broker_leases_kernel as leases_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_messages_kernel as messages_kernel
from sim.queue cimport broker_picks_kernel as picks_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


cdef void finalise(BrokerState b, i64 message, i64 state) noexcept nogil

@cython.locals(at=i64)
cdef void bury(BrokerState b, i64 message, i64 d, i64 reason) noexcept nogil

@cython.locals(now=double, at=i64, k=i64, entered_s=double, waited_s=double, ttl_s=double,
               late_s=double, ready_s=double, until_idle_s=double, in_line=bint, into=i64)
cdef void move(BrokerState b, i64 message, i64 d, i64 reason) noexcept nogil

@cython.locals(lane=i64, time_s=double)
cdef void forget(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(message=i64)
cdef void lose(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(c=i64, waited_s=double, in_hand=bint)
cdef double _throttled_s(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(given=bint)
cdef bint is_given_back(BrokerState b, i64 d) noexcept nogil

@cython.locals(message=i64, into=i64, waited_s=double, row=i64)
cdef void _put_back(BrokerState b, double now, i64 d, i64 place) noexcept nogil

@cython.locals(message=i64, wait_s=double, times=i64, row=i64, _=i64, waits_from_s=double)
cdef void _back_off(BrokerState b, double now, i64 d, i64 place) noexcept nogil

@cython.locals(lane=i64, into=i64)
cdef void come_again(BrokerState b, double now, i64 message, i64 place) noexcept nogil

@cython.locals(message=i64, place=i64, lane=i64)
cdef void give_back(BrokerState b, double now, i64 d, i64 why) noexcept nogil

@cython.locals(message=i64, times=i64, wait_s=double, draw=double, row=i64, _=i64, more_s=double,
               random_s=double)
cdef void _retry(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(message=i64)
cdef void settle(BrokerState b, double now, i64 d, i64 verdict, bint worked_on) noexcept nogil

@cython.locals(message=i64, other=i64, lane=i64)
cdef void _settle_copy(BrokerState b, double now, i64 d, bint worked_on) noexcept nogil

@cython.locals(forgiven=i64, receipt=i64)
cdef bint _is_of_this_stay(BrokerState b, i64 d) noexcept nogil

@cython.locals(message=i64, in_time=bint, worked_on=bint, state=i64, lane=i64)
cdef void acknowledge(BrokerState b, double now, i64 d) noexcept nogil
