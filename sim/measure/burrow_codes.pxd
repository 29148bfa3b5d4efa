# The numbers of `burrow_codes.py` in C.

cdef enum:
    OK = 0
    WARN = 1
    STOP = 2
    STALL = 3
    REWIND = 4
