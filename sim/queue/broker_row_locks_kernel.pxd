cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(first=i64, n=i64, d=i64)
cdef i64 ahead(BrokerState b) noexcept nogil

@cython.locals(first=i64, came_s=double, at_s=double, there=bint)
cdef bint sees(BrokerState b, i64 c) noexcept nogil
