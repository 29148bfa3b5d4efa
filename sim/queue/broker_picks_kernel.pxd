cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport broker_codes as codes
from sim.queue cimport broker_lanes_kernel as lanes_kernel
from sim.queue.broker_lanes_kernel cimport Lanes
from sim.queue.broker_messages_kernel cimport QueueMessages
from sim.queue.broker_policy_kernel cimport BrokerPolicy


@cython.locals(span=i64, old=i64)
cdef void spend(Lanes lanes, double now, i64 lane, double time_s, double recent_s) noexcept nogil

@cython.locals(in_flight=i64, everyone=i64, spent_s=double, all_s=double)
cdef bint _noisy(
    Lanes lanes, QueueMessages messages, BrokerPolicy policy, double now, i64 lane
) noexcept nogil

@cython.locals(n=i64, lane=i64, noisiest=i64, top=i64, k=i64)
cdef i64 _pick_fair(
    Lanes lanes, QueueMessages messages, BrokerPolicy policy, double now
) noexcept nogil

@cython.locals(lane=i64, other=i64)
cdef i64 highest(Lanes lanes, QueueMessages messages, BrokerPolicy policy) noexcept nogil

cdef void take_turn(Lanes lanes, BrokerPolicy policy, i64 lane) noexcept nogil

cdef i64 lane_back(Lanes lanes, BrokerPolicy policy, i64 message, i64 place) noexcept nogil

@cython.locals(lower=i64, other=i64)
cdef bint overtakes(Lanes lanes, QueueMessages messages, i64 message, i64 lane) noexcept nogil

@cython.locals(lane=i64)
cdef i64 _pick_group(Lanes lanes, QueueMessages messages, i64 latest) noexcept nogil

@cython.locals(step=i64, lane=i64, message=i64)
cdef i64 _pick_span(
    Lanes lanes, QueueMessages messages, i64 span, double now, i64 c
) noexcept nogil

cdef i64 pick(
    Lanes lanes, QueueMessages messages, BrokerPolicy policy, double now, i64 c, i64 latest
) noexcept nogil
