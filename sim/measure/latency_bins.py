"""The bins of the histogram of latencies: the top bits of a float32."""

SHIFT = 12
"""Bits cut from a float32 latency: a bin is 2**-11 of its value wide, so medians are to 0.05 %."""
BINS = 1 << 19
"""Bins: what is left of the 31 bits of a number without its sign."""
FEW_SHIFT = 16
"""Likewise for few bins: one is 2**-7 of its value wide."""
FEW = 1 << 15
"""And how many they are."""
