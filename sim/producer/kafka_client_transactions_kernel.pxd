cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.producer cimport kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel cimport ClientState
from sim.foundation.c_types cimport i64


@cython.locals(half=double, extra_s=double)
cpdef double half_s(ClientState c) noexcept nogil

@cython.locals(b=i64, away=bint)
cdef bint waits(ClientState c) noexcept nogil

cdef void begin(ClientState c) noexcept nogil

@cython.locals(interval_s=double, over_s=double)
cdef void open_(double now, ClientState c) noexcept nogil

@cython.locals(entry=i64)
cdef void _invalidate(double at_s, ClientState c) noexcept nogil

@cython.locals(due_s=double)
cpdef void time_out(double now, ClientState c) noexcept nogil

@cython.locals(entry=i64)
cdef bint commit(double now, ClientState c) noexcept nogil

cdef bint abort(double now, ClientState c) noexcept nogil

@cython.locals(due_s=double)
cpdef double leave_open(ClientState c) noexcept nogil

cpdef void end(double now, ClientState c) noexcept nogil
