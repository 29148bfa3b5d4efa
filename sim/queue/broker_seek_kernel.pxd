cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64, u8
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue cimport broker_state_kernel as state_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(state=i64)
cdef void _acknowledge(BrokerState b, i64 message) noexcept nogil

@cython.locals(its=i64, k=i64, came_s=double)
cdef void _come_again(BrokerState b, double now, i64 row, i64 message) noexcept nogil

@cython.locals(d=i64, then=i64, message=i64)
cdef void _take_back(BrokerState b, double now, const u8[::1] sought) noexcept nogil

@cython.locals(at=i64, slot=i64, message=i64, lane=i64)
cdef void _call_off(BrokerState b, const u8[::1] sought) noexcept nogil

@cython.locals(lane=i64, rows=i64, row=i64, message=i64)
cdef void _line_up(BrokerState b) noexcept nogil

@cython.locals(row=i64, message=i64, state=i64)
cdef void _seek(BrokerState b, double now, const u8[::1] sought) noexcept nogil

cpdef void seek(BrokerState b, double now, const u8[::1] sought)
