cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64


@cython.locals(draw=i64, first=i64, c=i64, total=double, stop=i64, row=i64, begin_s=double,
               width=double)
cdef void _spread(
    const i64[::1] counts, const double[::1] edges_s, const double[::1] exponentials,
    double[::1] out
) noexcept nogil

cpdef void spread(
    const i64[::1] counts, const double[::1] edges_s, const double[::1] exponentials,
    double[::1] out
)

@cython.locals(n_small=i64, n_large=i64, i=i64, low=i32, high=i32)
cdef void _build_alias(
    double[::1] probability, i32[::1] alias, i32[::1] small, i32[::1] large
) noexcept nogil

cpdef void build_alias(double[::1] probability, i32[::1] alias, i32[::1] small, i32[::1] large)

@cython.locals(size=double, i=i64, scaled=double, column=i64)
cdef void _choose(
    const double[::1] uniforms, const double[::1] probability, const i32[::1] alias, i32[::1] out
) noexcept nogil

cpdef void choose(
    const double[::1] uniforms, const double[::1] probability, const i32[::1] alias, i32[::1] out
)
