cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_beats_kernel as beats_kernel
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_consumers_kernel as consumers_kernel
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_hands_kernel as hands_kernel
from sim.queue cimport broker_leases_kernel as leases_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(gone_s=double)
cdef void _take_back_one(BrokerState b, double now, i64 d, i64 why) noexcept nogil

@cython.locals(d=i64, after=i64, heard=bint, its=i64, alone=bint)
cdef void _take_back(
    BrokerState b, double now, i64 c, i64 oldest, i64 epoch, i64 why
) noexcept nogil

@cython.locals(at_s=double)
cdef void _close(BrokerState b, double now, i64 c, i64 epoch, i64 why) noexcept nogil

@cython.locals(old=i64)
cdef void _join(BrokerState b, double now, i64 c, i64 epoch) noexcept nogil

cdef void _cancel(BrokerState b, i64 c, i64 epoch) noexcept nogil

cdef void change(BrokerState b, double now, i64 kind, i64 c, i64 epoch) noexcept nogil

@cython.locals(at_s=double)
cdef double unlock_s(BrokerState b) noexcept nogil

@cython.locals(c=i64, there=bint)
cdef bint _extends(BrokerState b, double now, i64 d) noexcept nogil

@cython.locals(d=i64)
cdef void unlock(BrokerState b, double now) noexcept nogil

@cython.locals(d=i64, after=i64, locked_s=double, marked_s=double)
cdef void check(BrokerState b, double now) noexcept nogil
