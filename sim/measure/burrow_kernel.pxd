cimport cython

from sim.foundation.c_types cimport i64, u8
from sim.measure cimport burrow_codes as codes


cdef class Window:
    cdef public i64[::1] offset
    cdef public double[::1] at_s
    cdef public i64[::1] lag
    cdef public i64 size
    cdef public i64 n
    cdef public i64 newest


cdef void _clear(Window window) noexcept nogil

@cython.locals(at=i64)
cdef void _remember(Window window, i64 offset, double at_s, i64 end) noexcept nogil

cdef i64 _oldest(Window window) noexcept nogil

@cython.locals(last_s=double)
cdef bint _stopped(Window window, double now_s) noexcept nogil

@cython.locals(committed=i64, past=bint, back=i64)
cdef bint _last_ends_are_past_the_commit(
    Window window, const i64[:, :] end, i64 g, i64 p
) noexcept nogil

@cython.locals(before=i64, caught_up=bint, rewound=bint, moved=bint, shrank=bint, _=i64, here=i64)
cdef u8 _by_commits(Window window) noexcept nogil

@cython.locals(p=i64, g=i64, offset=i64, at_s=double, known=i64)
cdef void _judge(
    Window window, const double[::1] grid_s, const i64[:, :] end, const i64[:, :] committed,
    const double[:, :] commit_s, u8[:, ::1] status
) noexcept nogil

cpdef void judge(
    Window window, const double[::1] grid_s, const i64[:, :] end, const i64[:, :] committed,
    const double[:, :] commit_s, u8[:, ::1] status
)
