# The numbers of `sqs_standard_codes.py` in C.

cdef enum:
    READY = 0
    IN_FLIGHT = 1
    OVERDUE = 2
    DELETED = 3
    DEAD = 4
    EXPIRED = 5
    STATES = 6

    OFF = 0
    RECEIVE = 1
    PARKED = 2
    DELETE = 3
    LEAVING = 4
    STARTING = 5
    ROUND = 6

    ENDING = 1
    CUT_OFF = 2

    RETURNED_FIRST = 0
    AS_VISIBLE = 1
    FRESH_FIRST = 2

    TICKS = 16777216

    BACK = 0
    GAVE_UP = 1
    IDLE = 2
    FULL = 3
    DEATH = 4

    EARLY = 0
    LOCKED = 1
    DEAD_LETTERED = 2
    CAPPED = 3
    TOO_OLD = 4
    BATCH_FULL = 5
    MISSED = 6
    LIMITS = 7

    LEFT = 128
    WOKEN = 64
    PLACE = 63
