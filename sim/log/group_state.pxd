# The numbers of `group_state.py` in C.

from sim.foundation.c_types cimport i64


cdef enum:
    OFF = 0
    POLL = 1
    WORK = 2
    COMMIT = 3
    HELD = 4
    FAILED = 5
    ZOMBIE = 6
    LOST = 7
    AGED = 8

    JOIN = 1
    LEAVE = 2

    WAITS = 0
    COMMITS = 1
    WORKS = 2
    MOST_TAKEN = 512
    MOST_PIECES = 16

    FINE = 0
    TWO_OWNERS = 1
    BEYOND_THE_LOG = 2
    UNREAD = 3
    UNDONE = 4
    UNCOMMITTED = 5
    UNBALANCED = 6

    NOWHERE = -1
    BEGINNING = -2
    END = -3

    LATEST = 0
    EARLIEST = 1
    BY_DURATION = 2
    NONE = 3


cdef extern from * nogil:
    """
    #define SIM_NO_OFFSET (1LL << 60)
    """
    i64 NO_OFFSET "SIM_NO_OFFSET"
