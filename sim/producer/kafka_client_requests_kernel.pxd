cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.producer cimport kafka_client_appends_kernel as appends
from sim.producer cimport kafka_client_batches_kernel as batches
from sim.producer cimport kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel cimport ClientState


@cython.locals(b=i64)
cpdef void look_everywhere(double now, ClientState c) noexcept nogil

@cython.locals(number=i64, following=i64)
cpdef void disconnect(double now, i64 b, ClientState c) noexcept nogil

@cython.locals(at=i64, due=bint, overdue=bint, number=i64, batch=i64, following=i64, stored=i64)
cdef bint _respond(double now, i64 b, ClientState c) noexcept nogil

@cython.locals(b=i64, request=i64, other=i64)
cdef bint _overtakes(i64 number, i64 p, ClientState c) noexcept nogil

@cython.locals(batch=i64, ready_s=double)
cdef double _sendable_s(i64 p, ClientState c) noexcept nogil

@cython.locals(sendable_s=double, number=i64, batch=i64, hurry=bint, lingered_s=double)
cdef double _asks_s(i64 p, ClientState c) noexcept nogil

@cython.locals(number=i64, batch=i64)
cdef i64 _take(double now, i64 p, ClientState c) noexcept nogil

@cython.locals(number=i64)
cdef void _restart_sequence(i64 p, ClientState c) noexcept nogil

@cython.locals(n_partitions=i64, next_s=double, p=i64, _=i64, at_s=double)
cdef i64 _find_due(double now, i64 b, ClientState c) noexcept nogil

@cython.locals(n_partitions=i64, first=i64, number=i64, p=i64, _=i64, taken=i64)
cdef i64 _fill(double now, i64 b, i64 due, ClientState c) noexcept nogil

@cython.locals(latency_s=double, half_s=double, replicate_s=double, at=i64, arrive_s=double,
               free_s=double, number=i64, batch=i64)
cdef void _send(double now, i64 b, i64 first, ClientState c) noexcept nogil

@cython.locals(batch=i64, lingered_s=double, is_open=bint, since_s=double)
cdef void _note_waits(double now, i64 b, i64 p, ClientState c) noexcept nogil

@cython.locals(in_flight=i64, due=i64, first=i64)
cdef bint _drain(double now, i64 b, ClientState c) noexcept nogil

@cython.locals(event_s=double, at=i64, overdue_s=double)
cdef double _next_event_s(i64 b, ClientState c) noexcept nogil

@cython.locals(n_brokers=i64, b=i64, wake_s=double)
cdef i64 serve(double now, ClientState c) noexcept nogil

@cython.locals(b=i64)
cdef bint wait_in_sockets(ClientState c) noexcept nogil
