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

# When what came back is handed out, beside what was never received.
RETURNED_FIRST = 0
AS_VISIBLE = 1
FRESH_FIRST = 2
