"""What a producer client, its application and its brokers can be in or answer, as numbers."""

# How the application orders consume, produce, flush and commit.
PRODUCE = 0
COMMIT_PRODUCE = 1
FLUSH_COMMIT = 2
TRANSACTION = 3

# What the application is doing.
OFF = 0
POLL = 1
PROCESS = 2
BLOCKED = 3
FLUSH = 4
COMMIT = 5
COMMITTED = 6
ABORT = 7
ABORTED = 8
FENCED = 9

# How far it is with closing.
NO = 0
AFTER_POLL = 1
FLUSH_AND_COMMIT = 2
FLUSH_ONLY = 3

# What the client knows of an input row.
NOT_SENT = 0
BUFFERED = 1
ACKED = 2
FAILED = 3
REJECTED = 4
DIED = 5
SKIPPED = 6

# State of a batch; GONE: it has failed, and is still in flight.
OPEN = 0
QUEUED = 1
FLIGHT = 2
GONE = 3
FREE = 4

# What a broker makes of a batch; FENCE: the transaction was aborted, and its producer is fenced.
APPEND = 0
REPEAT = 1
REFUSE = 2
FENCE = 3

# What the answer says of a batch that was sent.
NO_ANSWER = 0
STORED = 1
INVALID_EPOCH = 2

# What `publish` returns: it is done; what has no room; that the client is about to give up a
# connection, or to die, with requests in the sockets of brokers that stand still; that it has taken
# as many steps as it may at a time; or that the application learns that its producer is fenced.
DONE = 0
FULL_RECORDS = 1
FULL_BATCHES = 2
FULL_REQUESTS = 3
FULL_JOURNAL = 4
GIVES_UP = 5
DIES = 6
GOES_ON = 7
IS_FENCED = 8

RETAINED = 5
"""Batches of a producer that a broker knows: ProducerStateEntry, NUM_BATCHES_TO_RETAIN."""
