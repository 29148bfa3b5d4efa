cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.producer cimport kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel cimport ClientState

cdef i64 _MOST_DOUBLINGS
cdef double _LEAST_JITTER
cdef double _JITTER_RANGE


@cython.locals(leader=i64)
cdef void look(i64 p, ClientState c) noexcept nogil

@cython.locals(record=i64, n=i64, _=i64, row=i64)
cdef void resolve(double now, i64 batch, i64 status, ClientState c) noexcept nogil

cdef void _give_up(double now, i64 batch, ClientState c) noexcept nogil

@cython.locals(backoff_s=double, doublings=i64, jitter=double)
cdef double _backoff_s(i64 attempts, ClientState c) noexcept nogil

@cython.locals(batch=i64, p=i64, expired=bint, before=i64, after=i64)
cdef void retry(double now, i64 number, ClientState c) noexcept nogil

@cython.locals(p=i64)
cdef void fence(double now, i64 batch, ClientState c) noexcept nogil

@cython.locals(following=i64, before=i64, here=i64)
cdef void _unlink(i64 number, i64 p, ClientState c) noexcept nogil

@cython.locals(number=i64, due_s=double, batch=i64, state=i64, oldest=i64)
cdef double expire(double now, ClientState c) noexcept nogil
