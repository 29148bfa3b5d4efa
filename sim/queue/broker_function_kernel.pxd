cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue.broker_consumers_kernel cimport Consumers


cdef class InvokedFunction:
    cdef public bint invoked
    cdef public i64 batch
    cdef public double window_s
    cdef public i64 limit
    cdef public double retry_s
    cdef public double timeout_s
    cdef public bint reports
    cdef public const double[::1] invoke_s
    cdef public const double[::1] cold_s
    cdef public i64[::1] stage
    cdef public i64[::1] held
    cdef public double[::1] until_s
    cdef public double[::1] asked_s
    cdef public double[::1] next_s
    cdef public double[::1] ends_s
    cdef public i64[::1] throttled
    cdef public double[::1] let_in_s
    cdef public double[::1] start_s
    cdef public double[::1] rest_s
    cdef public i64[::1] number
    cdef public i64 running
    cdef public i64 environments
    cdef public i64 peak
    cdef public i64 invocations
    cdef public i64 throttles
    cdef public i64 throttled_batches
    cdef public i64 given_up
    cdef public i64 colds
    cdef public i64 failed


@cython.locals(at_s=double)
cdef double deadline_s(InvokedFunction f, i64 c) noexcept nogil

cdef void let_in(InvokedFunction f, Consumers consumers, i64 c, double now) noexcept nogil

cdef void throttle(InvokedFunction f, Consumers consumers, i64 c, double now) noexcept nogil

cdef void put_down(InvokedFunction f, Consumers consumers, i64 c) noexcept nogil
