cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_consumers_kernel as consumers_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_function_kernel as function_kernel
from sim.queue cimport broker_hands_kernel as hands_kernel
from sim.queue cimport broker_leases_kernel as leases_kernel
from sim.queue cimport broker_state_kernel as state_kernel
from sim.queue.broker_state_kernel cimport BrokerState


cpdef void start(BrokerState b, double now, i64 c) noexcept nogil

cpdef void crash(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(epoch=i64)
cpdef void leave(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(shift_s=double, s=i64, end_s=double)
cpdef void pause(BrokerState b, double now, i64 c, double resume_s) noexcept nogil

@cython.locals(ratio=double, from_s=double, s=i64, end_s=double)
cpdef void slow(BrokerState b, double now, i64 c, double factor) noexcept nogil

@cython.locals(epoch=i64)
cpdef void terminate(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(first=i64, d=i64)
cpdef void cut_off(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(connected=i64, epoch=i64)
cpdef void reconnect(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(arrive_s=double, d=i64, s=i64)
cdef void _resume_connection(BrokerState b, double now, i64 c) noexcept nogil

cpdef void stay(BrokerState b, i64 c) noexcept nogil

cpdef void disconnect(BrokerState b, double now, i64 c) noexcept nogil
