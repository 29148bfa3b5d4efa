cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u8, u16, u32
from sim.measure cimport latency_bins


cdef class Counts:
    cdef public i64[::1] processed
    cdef public i64[::1] violations
    cdef public double[::1] oldest_s
    cdef public i64[::1] latency
    cdef public i64[::1] fates
    cdef public u8[::1] key_violated
    cdef public double[::1] latest_s
    cdef public i64 waits_from
    cdef public f32[::1] as_float
    cdef public u32[::1] as_bits
    cdef public i64 extra_effects
    cdef public double longest_latency_s
    cdef public double last_done_s


@cython.locals(grid=i64, g=i64, i=i64, done=double, latency_s=double,
               created=double, at_s=double)
cdef void _forwards(
    Counts counts, const double[::1] created_s, const double[::1] done_s, const u16[::1] effects,
    const u8[::1] fate, i64 final, double step_s, i64 unfinished
) noexcept nogil

@cython.locals(grid=i64, back=i64, i=i64, done=double, key=i64)
cdef void _backwards(
    Counts counts, const i32[::1] entity, const i32[::1] key_of, const double[::1] done_s,
    i64 final, double step_s
) noexcept nogil

cpdef void count(
    Counts counts, const double[::1] created_s, const i32[::1] entity, const i32[::1] key_of,
    const double[::1] done_s, const u16[::1] effects, const u8[::1] fate, i64 final,
    double step_s, i64 unfinished
)
