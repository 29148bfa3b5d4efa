cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue.broker_state_kernel cimport BrokerState


cdef void _set_timer(BrokerState b, i64 c, double at_s) noexcept nogil

cdef void begin(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(too_long=bint)
cdef bint _is_too_long(BrokerState b, double now, i64 d, double for_s) noexcept nogil

cdef i64 why_ended(BrokerState b, double now, i64 d) noexcept nogil

cdef bint _extend(BrokerState b, double now, i64 d, double for_s) noexcept nogil

@cython.locals(has=bint)
cdef bint _in_hand(BrokerState b, i64 c) noexcept nogil

@cython.locals(next_s=double, d=i64, s=i64)
cdef void beat(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(c=i64)
cdef void give_back(BrokerState b, double now, i64 d) noexcept nogil
