cimport cython

from sim.engine cimport part_codes as parts
from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i64, u8
from sim.queue cimport sqs_standard_codes as codes


@cython.locals(i=i64, handed=double, begun=double, half=double, first=bint, asked=double,
               came=double, took=double, work=double)
cdef void _split(
    double[:, ::1] parts_s, const double[::1] ready_s, const double[::1] done_s,
    const double[::1] handed_s, const double[::1] begun_s, const f32[::1] call_s,
    const u8[::1] place, const f32[::1] service_s, double per_batch_s, double noise_s
) noexcept nogil

@cython.locals(noise_s=double)
cpdef void split(
    double[:, ::1] parts_s, const double[::1] ready_s, const double[::1] done_s,
    const double[::1] handed_s, const double[::1] begun_s, const f32[::1] call_s,
    const u8[::1] place, const f32[::1] service_s, double per_batch_s
)
