cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.producer cimport kafka_client_application_kernel as application
from sim.producer cimport kafka_client_batches_kernel as batches
from sim.producer cimport kafka_client_codes as codes
from sim.producer cimport kafka_client_requests_kernel as requests
from sim.producer.kafka_client_state_kernel cimport ClientState


@cython.locals(number=i64, b=i64, p=i64)
cpdef void die(double now, ClientState c) noexcept nogil

@cython.locals(entries=i64, rows=i64, records=i64)
cdef bint _has_room_for_all(ClientState c) noexcept nogil

@cython.locals(now=double, done=i64, left=i64)
cdef i64 _publish(double until_s, ClientState c, i64 most) noexcept nogil

@cython.locals(done=i64)
cpdef i64 publish(double until_s, ClientState c, i64 most)
