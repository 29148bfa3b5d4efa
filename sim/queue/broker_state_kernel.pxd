cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_consumers_kernel cimport Consumers
from sim.queue.broker_dead_rows_kernel cimport DeadRows
from sim.queue.broker_deliveries_kernel cimport Deliveries
from sim.queue.broker_events_kernel cimport Events
from sim.queue.broker_function_kernel cimport InvokedFunction
from sim.queue.broker_lanes_kernel cimport Lanes
from sim.queue.broker_letters_kernel cimport QueueLetters
from sim.queue.broker_limits_kernel cimport QueueLimits
from sim.queue.broker_messages_kernel cimport QueueMessages, PoisonLeft
from sim.queue.broker_policy_kernel cimport BrokerPolicy
from sim.queue.broker_times_kernel cimport QueueTimes
from sim.queue.feed_kernel cimport Feed


cdef class Calls:
    cdef public const double[::1] latency_s
    cdef public i64 made
    cdef public double quota_s


cdef class QueueSamples:
    cdef public const double[::1] grid_s
    cdef public i64[::1] came
    cdef public i64[::1] ready
    cdef public i64[::1] in_flight
    cdef public i64 taken


cdef class BrokerState:
    cdef public Feed feed
    cdef public BrokerPolicy policy
    cdef public QueueMessages messages
    cdef public Lanes lanes
    cdef public Deliveries deliveries
    cdef public Consumers consumers
    cdef public Events events
    cdef public PoisonLeft poison
    cdef public Calls receives
    cdef public Calls acks
    cdef public QueueSamples samples
    cdef public QueueTimes times
    cdef public QueueLimits limits
    cdef public QueueLetters letters
    cdef public const double[::1] jitter
    cdef public InvokedFunction function
    cdef public DeadRows dead
    cdef public bint dies
    cdef public i64 row
    cdef public i64 retention_row
    cdef public double clock_s
    cdef public bint limited
    cdef public bint leased
    cdef public bint rated
    cdef public bint trims
    cdef public bint claims
    cdef public i64 most
    cdef public bint by_ring
    cdef public bint by_lane
    cdef public bint exact
    cdef public double free_s
    cdef public double checked_s
    cdef public i64 rate_taken
    cdef public double rate_until_s
    cdef public double rate_full_s
    cdef public i64 beats
    cdef public bint published
    cdef public double full_from_s
    cdef public double full_until_s


@cython.locals(message=i64, eta_s=double, by_ring=bint)
cdef void pass_time(BrokerState b, double now) noexcept nogil

@cython.locals(at=i64)
cdef double half_s(Calls calls) noexcept nogil

@cython.locals(taken_s=double, calls_per_s=double)
cdef double within_quota(BrokerState b, Calls calls, double at_s) noexcept nogil

@cython.locals(begun_s=double, from_s=double)
cdef double enter_loop(BrokerState b, double at_s, i64 c) noexcept nogil

@cython.locals(one_way_s=double, arrive_s=double, there_s=double)
cdef double fetched_s(BrokerState b, double now, i64 c, i64 d) noexcept nogil

@cython.locals(at_s=double)
cdef double to_broker_s(BrokerState b, double now, i64 c) noexcept nogil

cdef void send(BrokerState b, double now, i64 c, i64 kind, i64 ref, i64 stamp) noexcept nogil
