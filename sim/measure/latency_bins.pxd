# The numbers of `latency_bins.py` in C.

cdef enum:
    SHIFT = 12
    BINS = 524288
    FEW_SHIFT = 16
    FEW = 32768
