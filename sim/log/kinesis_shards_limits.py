"""What a shard of Kinesis allows, and what becomes of a record sent to one."""

SHARD_RECORDS_PER_S = 1_000
SHARD_BYTES_PER_S = 1 << 20
SHARD_READ_BYTES_PER_S = 2 << 20
GET_BYTES = 10 << 20
"""A GetRecords call returns no more."""
GET_RECORDS = 10_000
"""The same, of records."""
GET_CALLS_PER_S = 5

APPENDED, GIVEN_UP = 1, 2
