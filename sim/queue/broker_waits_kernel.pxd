cimport cython

from sim.engine cimport part_codes as parts
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue.broker_state_kernel cimport BrokerState
from sim.queue.broker_times_kernel cimport QueueTimes


@cython.locals(i=i64, m=i64, k=i64, row=i64, came_s=double, begun_s=double, calls_s=double,
               eta_s=double, work_s=double, slowed_s=double, ago_s=double,
               delay_s=double, its_asked_s=double)
cdef void _add(
    BrokerState b, QueueTimes t, i64 first, i64 idle, double asked_s,
    const double[::1] first_s, double[:, ::1] out_s
) noexcept nogil

@cython.locals(times=QueueTimes)
cpdef void add(
    BrokerState b, i64 first, i64 idle, double asked_s, const double[::1] first_s,
    double[:, ::1] out_s
)
