# The numbers of `kinesis_shards_limits.py` in C.

cdef enum:
    SHARD_RECORDS_PER_S = 1000
    SHARD_BYTES_PER_S = 1048576
    SHARD_READ_BYTES_PER_S = 2097152
    GET_BYTES = 10485760
    GET_CALLS_PER_S = 5

    APPENDED = 1
    GIVEN_UP = 2
