cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.queue cimport sqs_standard_codes as codes
from sim.queue cimport sqs_standard_notes_kernel as notes
from sim.queue.sqs_standard_state_kernel cimport StandardQueue


@cython.locals(room=i64, slot=i64)
cpdef void hide_until(StandardQueue queue, i64 message, double at_s) noexcept nogil

@cython.locals(at_s=double, row=i64, overdue_s=double)
cdef void look_out(StandardQueue queue) noexcept nogil

cdef void _write_down(StandardQueue queue, i64 message, double at_s) noexcept nogil

@cython.locals(room=i64, at=i64, message=i64, row=i64, since_s=double)
cdef void expire(StandardQueue queue, double now) noexcept nogil
