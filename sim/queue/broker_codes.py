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
MOVED = 10
"""Dead-lettered into another queue; it may come again."""
STATES = 11

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

# What a seek does with a message.
SOUGHT_NOT = 0
"""Nothing: it stays as it is."""
SOUGHT_AFTER = 1
"""The queue goes on after it: it is acknowledged."""
SOUGHT_AGAIN = 2
"""If it is gone, it comes again."""

# What a consumer says of a delivery: BrokerPolicy.on_failure, .on_kill.
OK = 0
DISCARD = 1
REJECTED = 2
REQUEUE = 3
RETRY = 4
LEAVE = 5
DIE = 6
FAILED = 7

# Why a message is dead-lettered or dropped.
DIED_EXPIRED = 0
DIED_REJECTED = 1
DIED_MAXLEN = 2
DIED_LIMIT = 3

# Of what is dead-lettered, in place of a delivery: it was ready, or was not let in.
WAS_READY = -1
WAS_REFUSED = -2

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
TIMED_OUT = 14
"""Consumer, invocation."""
RETURN = 15
"""Message, the place that it comes back to."""
RESUME = 16
"""Consumer, epoch."""
CHECK = 17
"""Nothing."""
OPEN = 18
"""Nothing."""
BEAT = 19
"""Consumer."""
CLAIM = 20
"""Consumer, call."""
ASK_AGAIN = 21
"""Consumer, epoch."""

# Values of InvokedFunction.stage: how far a consumer is with invoking a function.
GATHERING = 0
"""It has nothing, or not yet a batch."""
INVOKING = 1
"""It is refused, if it is not let in."""
STARTING = 2
RUNNING = 3

# Values of Consumers.calling besides 0: no call is under way.
UNDER_WAY = 1
HELD_UP = 2
"""By the network."""

# What is kept of each message: columns of QueueTimes.of.
KEPT_NO_OWNER = 0
"""While ready, less `QueueTimes.no_owner_s` at the time since when it is; from its first effect on,
what it had met in all. So are the next two."""
KEPT_IDLE = 1
"""The same of ``idle_s``."""
KEPT_BUSY = 2
"""The same of ``busy_s``; in the end also in hand, while no consumer rested."""
KEPT_HELD = 3
"""In hand behind others, while a consumer rested."""
KEPT = 4

# What a message has met when it is handed over: columns of QueueTimes.before, Deliveries.past.
MET_NO_OWNER = 0
"""Ready, while nobody could be handed it."""
MET_IDLE = 1
"""Ready, while a consumer rested."""
MET_BUSY = 2
"""Ready, while consumers were at work."""
MET_SEND = 3
"""It was refused, and is sent again."""
MET_BACKOFF = 4
"""It is to be tried again later."""
MET_ATTEMPT = 5
"""In the hands of a consumer that did not finish it."""
MET_LOCK = 6
"""In flight, though its consumer was gone or had given it up."""
MET_THROTTLED = 7
"""In the hands of a consumer whose invocation was throttled."""
MET_DELAY = 8
"""In a queue that nobody reads, until its time to live was over."""
MET_LINE = 9
"""In such a queue, past it, behind the first."""
MET_CEILING = 10
"""In front of the process of a queue that it has left."""
MET = 11

# Limits that act: rows of QueueLimits.
LIMIT_LOCK_HELD = 0
"""A lock ended while its consumer had the message."""
LIMIT_LOCK_GONE = 1
"""A lock ended after its consumer was gone or had given up."""
LIMIT_RETURNS = 2
"""A message came back too often."""
LIMIT_RECEIVES = 3
"""A message was received too often."""
LIMIT_RETRIES = 4
"""A message was published again too often."""
LIMIT_DROPPED = 5
"""The head of a queue that was full went."""
LIMIT_REFUSED = 6
"""A message found the queue full."""
LIMIT_EXPIRED = 7
"""A message became too old."""
LIMIT_IN_FLIGHT = 8
"""As many as may be were in flight."""
LIMIT_CALLS = 9
"""A call was beyond the quota."""
LIMIT_LINE = 10
"""A message waited for one before it while a consumer rested."""
LIMIT_HELD = 11
"""A message was behind others in hand while a consumer rested."""
LIMIT_BUSY = 12
"""A message waited because all consumers were at work."""
LIMIT_OVERTAKEN = 13
"""A message was handed over before an older one of a lower lane."""
LIMIT_PROCESS = 14
"""A message waited long for the queue's process."""
LIMIT_LOOP = 15
"""What reached a consumer waited long for its main loop."""
LIMIT_HEARTBEAT = 16
"""A connection over which nothing was heard was closed."""
LIMIT_THROTTLED = 17
"""An invocation was refused, for as many ran as may."""
LIMIT_TIMEOUT = 18
"""An invocation took too long."""
LIMIT_BEHIND = 19
"""A message stayed past its time to live behind the first of the queue."""
LIMIT_LEASE = 20
"""A lock ended before the work did, and what was said of that was not heard."""
LIMIT_STALLS = 21
"""A message was taken back for the end of its lock too often."""
LIMIT_RATE = 22
"""Messages were ready, and as many as may be had been handed over in a span."""
LIMIT_WORK = 23
"""Work was ended that took too long."""
LIMIT_POLL = 24
"""A message waited for the time at which an idle consumer calls."""
LIMIT_LOCK_MOST = 25
"""A lock was not extended: it would have lasted too long in all."""
LIMIT_FAILED = 26
"""A message that had failed stayed in flight, as its consumer had said."""
LIMIT_DEAD = 27
"""Dead rows made a call that found something take more than twice as long."""
LIMIT_LOST = 28
"""A message that the queue had forgotten went with the process that had it in hand."""
LIMIT_BACKOFF = 29
"""A message that came back was not ready again at once."""
LIMIT_ETAS = 30
"""A consumer that held messages for their ETA was not sent another."""
LIMIT_PASSED = 31
"""What was in flight made a call that found something take more than twice as long."""
LIMITS = 32

# What happens to consumers, and is told of: rows of QueueLimits.times_of.
CLOSED = 0
"""Its channel was closed: it had not acknowledged in time."""
KILLED = 1
"""A message killed it."""
STRUCK = 2

MOST_RECEIVES = 65535
"""More are not counted."""
