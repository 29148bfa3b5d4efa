cimport cython

from sim.engine.acted_kernel cimport note
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.producer cimport kafka_client_batches_kernel as batches
from sim.producer cimport kafka_client_codes as codes
from sim.producer cimport kafka_client_requests_kernel as requests
from sim.producer cimport kafka_client_transactions_kernel as transactions
from sim.producer.kafka_client_state_kernel cimport ClientState


@cython.locals(grid=i64, g=i64)
cpdef void fill_samples(double before_s, ClientState c) noexcept nogil

@cython.locals(process_s=double)
cdef double _process_s(i64 row, ClientState c) noexcept nogil

@cython.locals(needed=i64)
cdef bint _has_room(bint fits, i64 size, ClientState c) noexcept nogil

cdef void _close_batch(double now, i64 batch, i64 p, ClientState c) noexcept nogil

@cython.locals(number=i64, batch=i64, leader=i64, due_s=double)
cdef i64 _open_batch(double now, i64 p, i64 size, ClientState c) noexcept nogil

@cython.locals(batch=i64, is_open=bint, fits=bint, record=i64)
cdef bint _send(double now, i64 row, i64 p, i64 size, ClientState c) noexcept nogil

@cython.locals(done=bint)
cdef void _begin_flush(double now, double timeout_s, ClientState c) noexcept nogil

cdef void _begin_close(double now, ClientState c) noexcept nogil

cdef void _begin_commit(double now, i64 offset, ClientState c) noexcept nogil

cdef void _begin_abort(double now, ClientState c) noexcept nogil

@cython.locals(position=i64, next_s=double, stop=i64, limit=i64)
cdef void _poll(double now, ClientState c) noexcept nogil

cdef void _read_again(ClientState c) noexcept nogil

@cython.locals(failed=bint, done=bint)
cdef void _flushed(double now, ClientState c) noexcept nogil

cdef void _commit(double now, ClientState c) noexcept nogil

cdef void _abort(double now, ClientState c) noexcept nogil

cdef void _go_on(double now, ClientState c) noexcept nogil

cdef void _end_poll(double now, ClientState c) noexcept nogil

cdef bint _blocks(double now, ClientState c) noexcept nogil

@cython.locals(meets=i64)
cdef void _note_full(double now, ClientState c) noexcept nogil

@cython.locals(now=double)
cdef bint _is_next(double until_s, ClientState c) noexcept nogil

@cython.locals(one_size=bint, now=double, oldest=i64, row=i64, p=i64, size=i64)
cdef i64 _send_polled(double until_s, ClientState c) noexcept nogil

@cython.locals(phase=i64)
cdef void _answered(double now, ClientState c) noexcept nogil

@cython.locals(full=i64, left=i64, now=double)
cdef i64 act(double until_s, ClientState c, i64 most) noexcept nogil
