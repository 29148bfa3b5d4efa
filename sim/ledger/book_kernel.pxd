cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i16, i32, i64, u8, u16
from sim.ledger cimport book_codes as codes


cdef class Due:
    cdef public const double[::1] created_s
    cdef public const i32[::1] entity
    cdef public const i16[::1] seq
    cdef public const i32[::1] next_event
    cdef public const i64[::1] amount_cents
    cdef public bint each


cdef class Arrived:
    cdef public const double[::1] at_s
    cdef public const i32[::1] event
    cdef public u8[::1] verdict


cdef class Accounts:
    cdef public i64 policy
    cdef public i16[::1] state
    cdef public u16[::1] applied
    cdef public i32[::1] parked
    cdef public i64[::1] error_cents
    cdef public i64 misstated_cents
    cdef public i64 net_cents
    cdef public i64 illegal
    cdef public i64 waiting


cdef class BooksOverTime:
    cdef public const double[::1] t_s
    cdef public i64[::1] misstated_cents
    cdef public i64[::1] net_cents
    cdef public i64[::1] illegal
    cdef public i64[::1] waiting


cdef class Compared:
    cdef public i64 gaps
    cdef public i64 doubled
    cdef public i64 missing
    cdef public u8[::1] later


@cython.locals(i=i64, e=i32, n=i64)
cdef void _link(
    const i32[::1] entity, i16[::1] seq, i32[::1] next_event, i64[::1] length, i32[::1] latest
) noexcept nogil

cpdef void link(
    const i32[::1] entity, i16[::1] seq, i32[::1] next_event, i64[::1] length, i32[::1] latest
)

cdef i64 _amount(Due due, i64 i) noexcept nogil

@cython.locals(before=i64, after=i64)
cdef void _book(Accounts accounts, i64 e, i64 cents) noexcept nogil

@cython.locals(e=i32, cents=i64)
cdef void _post(Due due, Accounts accounts, i64 i) noexcept nogil

@cython.locals(i=i64, step=i64)
cdef void _take_strictly(Due due, Arrived arrived, Accounts accounts, i64 d) noexcept nogil

@cython.locals(i=i64, repeated=bint, step=i64, illegal=bint)
cdef void _take(Due due, Arrived arrived, Accounts accounts, i64 d) noexcept nogil

@cython.locals(d=i64, n=i64, g=i64, until_s=double, cents=i64)
cdef void _apply(Due due, Arrived arrived, Accounts accounts, BooksOverTime series) noexcept nogil

cpdef void apply(Due due, Arrived arrived, Accounts accounts, BooksOverTime series)

@cython.locals(back=i64, i=i64, e=i32, posts=bint)
cdef void _compare(Due due, const u16[::1] applied, Compared compared) noexcept nogil

cpdef void compare(Due due, const u16[::1] applied, Compared compared)
