cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u32
from sim.measure cimport latency_bins


cdef class Sums:
    cdef public i64[::1] total
    cdef public i64[::1] messages
    cdef public i64 processed
    cdef public i64[::1] bin_n
    cdef public i64[:, ::1] bin_total
    cdef public f32[::1] as_float
    cdef public u32[::1] as_bits
    cdef public i32[::1] bin
    cdef public double[::1] left_s
    cdef public double most_off_s
    cdef public double least_s


@cython.locals(i=i64, latency_s=double, place=i64)
cdef void _latencies(
    Sums sums, const double[::1] created_s, const double[::1] done_s
) noexcept nogil

@cython.locals(n=i64, i=i64, place=i64, part_s=double, whole=i64, least_s=double, total=i64,
               messages=i64)
cdef void _part(
    Sums sums, i64 part, const double[:, ::1] parts_s, double exact_s, double units
) noexcept nogil

@cython.locals(part=i64, i=i64, off_s=double)
cdef void _add(
    Sums sums, const double[:, ::1] parts_s, const double[::1] created_s,
    const double[::1] done_s, double exact_s, double units
) noexcept nogil

@cython.locals(units=double)
cpdef void add(
    Sums sums, const double[:, ::1] parts_s, const double[::1] created_s,
    const double[::1] done_s, double exact_s
)
