# The numbers of `part_codes.py` in C.

cdef enum:
    BUFFER = 0
    SEND = 1
    UNREACHABLE = 2
    DELAY = 3
    NO_OWNER = 4
    LOCK = 5
    BACKOFF = 6
    ATTEMPT = 7
    CAPACITY = 8
    HEAD_OF_LINE = 9
    CEILING = 10
    CALL = 11
    HELD = 12
    SLOWED = 13
    WORK = 14
    BEFORE_START = 15
    BLOCKED = 16

    BLOCK_BITS = 13
