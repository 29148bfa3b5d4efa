cdef enum:
    DONE = 0
    FULL = 1
    GOES_ON = 2
