cimport cython

from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_deliveries_kernel as deliveries_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(found=i64, d=i64, message=i64, wanted=bint, place=i64)
cdef i64 next_pending(BrokerState b, double now, i64 c, bint own, i64 after) noexcept nogil

@cython.locals(message=i64, gone_s=double, again=bint)
cdef bint take_over(BrokerState b, double now, i64 d) noexcept nogil
