# The numbers of `book_codes.py` in C.

cdef enum:
    NAIVE = 0
    IDEMPOTENT = 1
    STRICT = 2

    APPLIED = 0
    ILLEGAL = 1
    DUPLICATE = 2
    DUPLICATE_ILLEGAL = 3
    RELEASED = 4
    DUPLICATE_IGNORED = 5
    STALE_IGNORED = 6
    PARKED = 7

    BOOKED = 4
