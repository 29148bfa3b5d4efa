"""The numbers that stand for states, reasons and kinds of events in a queue's columns.

A kernel takes the same names from `broker_codes.pxd`, as constants of C.
"""

# States of a message.
READY = 0
IN_FLIGHT = 1
OVERDUE = 2
"""In flight, past retention."""
WAITING = 3
"""Published again later."""
ACKED = 4
"""This state and those after it are final."""
DEAD = 5
DROPPED = 6
"""Gone unprocessed: a limit without dead-lettering, a failure that was acknowledged."""
EXPIRED = 7
REFUSED = 8
"""Never let in."""
LOST = 9
"""Acknowledged, and then its consumer died."""
STATES = 10

# BrokerPolicy.ack: at delivery, when work begins, when it is done.
AUTO = 0
ON_START = 1
LATE = 2

# BrokerPolicy.place, of a message that comes back.
ORIGINAL = 0
RETURNS = 1
NEXT = 2
BACK = 3

# BrokerPolicy.pick
ONE = 0
GROUPS = 1
PRIORITY = 2
FAIR = 3
SPANS = 4

# BrokerPolicy.overflow
DROP_HEAD = 0
REJECT = 1
REJECT_DEAD = 2

# What a consumer says of a delivery: BrokerPolicy.on_failure, .on_kill.
OK = 0
DISCARD = 1
REJECTED = 2
REQUEUE = 3
RETRY = 4
LEAVE = 5
DIE = 6
FAILED = 7

# Bits of BrokerPolicy.counted: why a message comes back.
BY_CLOSE = 1
BY_LOCK = 2
BY_FAILURE = 4

# Bits of Deliveries.has: who has a delivery.
BROKER = 1
"""It waits for an ack."""
CLIENT = 2
"""It works on it, or will."""
WIRE = 4
"""The ack is under way."""
OWED = 8
"""An early ack is not sent yet."""
LATER = 16
"""Its ETA is to come."""

# Kinds of events. What their ref and stamp are:
WAKE = 0
"""Consumer."""
FINISH = 1
"""Consumer * slots + slot."""
ACK = 2
"""First delivery of a chain."""
REPLY = 3
"""Consumer, call."""
ASK = 4
"""Consumer, call."""
GIVE_UP = 5
"""Consumer, call."""
JOIN = 6
"""Consumer, epoch."""
CANCEL = 7
"""Consumer, epoch."""
CLOSE = 8
"""Consumer, epoch."""
AGAIN = 9
"""Message."""
DUE = 10
"""Delivery."""
START = 11
"""Consumer, epoch."""
HAND_BACK = 12
"""Consumer, epoch."""
LEAVE_LOOP = 13
"""First delivery of a chain of acks, epoch."""

# Values of Consumers.calling besides 0: no call is under way.
UNDER_WAY = 1
HELD_UP = 2
"""By the network."""

MOST_RECEIVES = 65535
"""More are not counted."""
