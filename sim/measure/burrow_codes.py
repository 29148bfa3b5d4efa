"""What Burrow says of a partition, in its order of severity."""

OK = 0
WARN = 1
STOP = 2
STALL = 3
REWIND = 4
