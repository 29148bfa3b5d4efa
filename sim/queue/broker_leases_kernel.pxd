cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(c=i64, locked_s=double, arrive_s=double, renew_s=double, timer_s=double,
               times=double, first_s=double)
cdef double renewed_s(BrokerState b, i64 d, double now) noexcept nogil

@cython.locals(times=double, d=i64)
cdef void stand_still(BrokerState b, double now, i64 c) noexcept nogil

@cython.locals(d=i64)
cdef void go_on(BrokerState b, double now, i64 c) noexcept nogil

cdef bint has_lock(BrokerState b, i64 d, double now) noexcept nogil

@cython.locals(c=i64)
cdef bint somebody_looks(BrokerState b, double now) noexcept nogil
