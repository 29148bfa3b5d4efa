cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64
from sim.producer cimport kafka_client_codes as codes
from sim.producer cimport kafka_client_transactions_kernel as transactions
from sim.producer.kafka_client_state_kernel cimport ClientState


@cython.locals(draw=double)
cdef double _uniform(ClientState c) noexcept nogil

@cython.locals(known=i64, back=i64, at=i64)
cdef i64 _check_sequence(
    i64 p, i64 session, i64 epoch, i64 first, i64 last, ClientState c
) noexcept nogil

@cython.locals(verdict=i64)
cdef i64 _judge(
    double now, i64 b, i64 p, i64 session, i64 epoch, i64 seq, i64 n, i64 txn, ClientState c
) noexcept nogil

@cython.locals(entry=i64, at=i64)
cdef i64 _enter(
    double now, i64 p, i64 n, i64 attempt, i64 session, double left_s, ClientState c
) noexcept nogil

@cython.locals(at=i64, number=i64, up=bint, batch=i64, p=i64, n=i64, verdict=i64, place=i64,
               record=i64, k=i64)
cdef void arrive(double now, i64 b, ClientState c) noexcept nogil

@cython.locals(n=i64, place=i64, k=i64)
cpdef void take_up(
    double now, i64 b, i64 p, i64 session, i64 epoch, i64 seq, i64 txn, i64 attempt,
    double left_s, const i32[::1] row, ClientState c
) noexcept nogil
