cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64
from sim.queue cimport broker_codes as codes
from sim.queue.broker_consumers_kernel cimport Consumers
from sim.queue.broker_deliveries_kernel cimport Deliveries


cdef class QueueTimes:
    cdef public double at_s
    cdef public double no_owner_s
    cdef public double idle_s
    cdef public double busy_s
    cdef public double rest_s
    cdef public double no_owner
    cdef public double idle
    cdef public double busy
    cdef public i64 able
    cdef public i64 started
    cdef public double worked_s
    cdef public double idled_s
    cdef public double counted_s
    cdef public double able_s
    cdef public double lived_s
    cdef public double[:, ::1] of
    cdef public double[::1] came_of
    cdef public double[::1] entered_of
    cdef public double[::1] loop_of
    cdef public double[::1] begun_of
    cdef public i32[::1] row_of
    cdef public double[::1] eta_of
    cdef public i32[::1] eta_order
    cdef public i64 etas
    cdef public double[::1] freed
    cdef public i64 rows
    cdef public double[:, ::1] before
    cdef public double[:, ::1] lost


@cython.locals(c=i64, since_s=double)
cdef void recount(QueueTimes t, Consumers consumers, i64 push) noexcept nogil

@cython.locals(dt_s=double, waits=bint, working=i64, taken=i64)
cdef void elapse(
    QueueTimes t, Consumers consumers, i64 push, bint by_ring, i64 ready, double now
) noexcept nogil

@cython.locals(back_s=double)
cdef void ready_from(QueueTimes t, i64 message, double at_s) noexcept nogil

@cython.locals(row=i64, k=i64, idle_s=double)
cdef double hand(
    QueueTimes t, Deliveries deliveries, i64 d, i64 message, double until_idle_s
) noexcept nogil

@cython.locals(row=i64)
cdef i64 row_for(QueueTimes t, i64 message) noexcept nogil

@cython.locals(message=i64, row=i64, k=i64, from_s=double, gone_s=double)
cdef void come_back(QueueTimes t, Deliveries deliveries, i64 d, double now) noexcept nogil

@cython.locals(row=i64, k=i64)
cdef void copy_past(QueueTimes t, i64 message, double[:, ::1] met_s, i64 at) noexcept nogil

cdef void add_ready(
    QueueTimes t, i64 message, double until_idle_s, double[:, ::1] met_s, i64 at
) noexcept nogil

@cython.locals(message=i64, from_s=double, left_s=double, held_s=double, behind_s=double)
cdef double begin(
    QueueTimes t, Deliveries deliveries, i64 d, double due_s, double paused_s, double now
) noexcept nogil

@cython.locals(gathered_s=double, in_line_s=double, met_s=double, behind_s=double)
cdef double begin_invoked(
    QueueTimes t,
    Deliveries deliveries,
    i64 d,
    double asked_s,
    double let_in_s,
    double start_s,
    double rest_s,
    double now,
) noexcept nogil

@cython.locals(message=i64, slowed_s=double, paused_s=double, row=i64, k=i64)
cdef void take_effect(QueueTimes t, Deliveries deliveries, i64 d, double now) noexcept nogil
