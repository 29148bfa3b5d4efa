cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_consumers_kernel as consumers_kernel
from sim.queue cimport broker_events_kernel as events_kernel
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue cimport broker_limits_kernel as limits_kernel
from sim.queue cimport broker_messages_kernel as messages_kernel
from sim.queue cimport broker_picks_kernel as picks_kernel
from sim.queue cimport broker_settling_kernel as settling_kernel
from sim.queue cimport broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel cimport BrokerState


@cython.locals(row=i64, message=i64, lane=i64)
cdef void let_in(BrokerState b) noexcept nogil

@cython.locals(length=i64)
cdef bint is_too_long(BrokerState b) noexcept nogil

@cython.locals(lane=i64, message=i64)
cdef void drop_heads(BrokerState b) noexcept nogil

@cython.locals(from_s=double, again_s=double, row=i64)
cdef void _refuse(BrokerState b, double now, i64 message) noexcept nogil

@cython.locals(length=i64, lane=i64, ttl_s=double)
cdef bint come(BrokerState b, double now, i64 message) noexcept nogil

cdef double publish_begins_s(BrokerState b) noexcept nogil

cdef double _arrival_s(BrokerState b) noexcept nogil

@cython.locals(came_s=double, waited_s=double)
cdef void _take_in(BrokerState b, double arrival_s) noexcept nogil

@cython.locals(age_s=double)
cdef double _expiry_s(BrokerState b) noexcept nogil

@cython.locals(lane=i64)
cdef double _head_expires_s(BrokerState b) noexcept nogil

@cython.locals(oldest=i64, lane=i64, message=i64)
cdef i64 _oldest_head(BrokerState b) noexcept nogil

@cython.locals(lane=i64, message=i64, due_s=double)
cdef void _expire_head(BrokerState b) noexcept nogil

cdef void expire_heads(BrokerState b) noexcept nogil

cdef double next_s(BrokerState b) noexcept nogil

cdef void _expire(BrokerState b) noexcept nogil

@cython.locals(row=i64, message=i64)
cdef void _end_retention(BrokerState b, double at_s) noexcept nogil

@cython.locals(keep_s=double, beyond=i64)
cdef void _trim(BrokerState b, double now) noexcept nogil

@cython.locals(same=i64)
cdef bint _is_repeated(BrokerState b, i64 message, double at_s) noexcept nogil

@cython.locals(arrival_s=double, expiry_s=double, row=i64, message=i64, fresh=bint, since_s=double,
               entered_s=double, its=i64)
cdef bint catch_up(BrokerState b, double now, bint waiting) noexcept nogil

@cython.locals(grouped=bint, found=i64, oldest=i64, lane=i64, message=i64)
cpdef i64 move_first(BrokerState b) noexcept nogil

cpdef void expire_one(BrokerState b, i64 message) noexcept nogil

cdef double sample_s(BrokerState b) noexcept nogil

@cython.locals(at=i64)
cdef void sample(BrokerState b) noexcept nogil
