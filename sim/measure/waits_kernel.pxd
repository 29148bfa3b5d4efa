cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u32
from sim.measure cimport latency_bins


cdef class Sums:
    cdef public i64[::1] messages
    cdef public i64 processed
    cdef public i64[::1] bin_n
    cdef public i64[:, ::1] bin_total
    cdef public i64[:, ::1] bin_long_s
    cdef public f32[::1] as_float
    cdef public u32[::1] as_bits
    cdef public i32[::1] bin
    cdef public double[::1] left_s
    cdef public double longest_s
    cdef public double most_off_s
    cdef public double least_s


@cython.locals(i=i64, place=i64, processed=i64, latency_s=double, longest_s=double)
cdef void _latencies(
    Sums sums, const double[::1] created_s, const double[::1] done_s
) noexcept nogil

@cython.locals(n=i64, i=i64)
cdef i64 _first(const i64[:, ::1] bits, i64 part) noexcept nogil

@cython.locals(i=i64, place=i64, part_s=double, least_s=double, messages=i64)
cdef void _part(
    Sums sums, i64 part, i64 first, const double[:, ::1] parts_s, double exact_s, double units,
    double long_s
) noexcept nogil

@cython.locals(part=i64, i=i64, off_s=double, most_off_s=double)
cdef void _add(
    Sums sums, const double[:, ::1] parts_s, const i64[:, ::1] bits,
    const double[::1] created_s, const double[::1] done_s, double exact_s, double units,
    double long_s
) noexcept nogil

@cython.locals(units=double, long_s=double)
cpdef void add(
    Sums sums, const double[:, ::1] parts_s, const i64[:, ::1] bits,
    const double[::1] created_s, const double[::1] done_s, double exact_s
)
