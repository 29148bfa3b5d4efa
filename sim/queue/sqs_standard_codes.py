"""The codes in the state of an SQS standard queue and its workers."""

# State of a message.
READY = 0
IN_FLIGHT = 1
OVERDUE = 2
"""In flight, past retention."""
DELETED = 3
DEAD = 4
"""In the dead-letter queue."""
EXPIRED = 5
STATES = 6

# What a worker does, and so what its next event is.
OFF = 0
RECEIVE = 1
PARKED = 2
DELETE = 3
LEAVING = 4
STARTING = 5
ROUND = 6
"""Its round is one event: only while `sqs_standard_rounds_kernel` runs."""

# Bits of why calls of a worker do not go on as usual.
ENDING = 1
"""It was sent SIGTERM."""
CUT_OFF = 2
"""No call gets through."""

TICKS = 1 << 24
"""Times are summed up in so many to the second: the order of adding must not matter."""

# What a note is about.
BACK = 0
"""A message became visible again: when it had been handed over, and when its timeout ended."""
GAVE_UP = 1
"""Its holder was gone, or had failed, from then on."""
IDLE = 2
"""Some worker had nothing, and no long poll that waited: from, until."""
FULL = 3
"""As many were in flight as may be, and a worker got nothing for it: from, until."""
DEATH = 4
"""A message killed this worker's process: from, until the next one ran."""

# Which limit acted.
EARLY = 0
"""The visibility timeout ended while a worker had the message."""
LOCKED = 1
"""The visibility timeout ended after the holder was gone, or had failed."""
DEAD_LETTERED = 2
CAPPED = 3
"""A receive got nothing because as many were in flight as may be."""
TOO_OLD = 4
"""Retention deleted a message that nobody had processed."""
BATCH_FULL = 5
"""A receive got as many as it may, and more were there."""
MISSED = 6
"""A short poll asked servers that had none, and others had some."""
LIMITS = 7

LEFT = 128
"""Beside the place of a message in its receive: its holder is gone, or has failed."""

WOKEN = 64
"""Likewise: its receive had waited for room in flight, so its call is not what it waited for."""
PLACE = 63
"""The place itself."""

# When what came back is handed out, beside what was never received.
RETURNED_FIRST = 0
AS_VISIBLE = 1
FRESH_FIRST = 2
