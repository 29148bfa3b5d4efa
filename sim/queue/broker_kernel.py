"""A destructive queue with every knob of the family: how a broker hands messages to consumers.

`sim.queue.sqs_standard_kernel` does one thing fast; this one does the rest of the family, an event
at a time: RabbitMQ, SQS FIFO and fair queues, Celery and share groups are values of `BrokerPolicy`.

Rules held: SF-01, SF-02, SF-06 (FIFO per message group), SS-14 (fair), KS-01 to KS-04 (locks and
the window of a share group), RQ-01 to RQ-06, RQ-09 (acks, prefetch, place of return, delivery
limit, ack timeout, single active consumer), CE-01 to CE-11 as far as broker and worker go.

The unit is a *delivery*: one copy of a message that a consumer was handed. The broker may have
forgotten it (its lock ran out) while the consumer still works on it, and the consumer may be dead
while the broker still waits for its ack; a delivery is freed when nobody has it any more. What is
to happen is in one heap of events, except arrivals (the feed is ascending) and ends of locks (they
all last equally long, so that the list of unacknowledged deliveries is in order).

Messages are ready in *lanes*: one; one for each priority, message group, tenant or partition. A
lane is a linked list, and `BrokerPolicy.pick` says which one is next.

Everything that changes is in `BrokerState`; `work` carries it on. The other public functions are
the faults' verbs (see `sim.queue.broker.Broker`).
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F32, F64, I32, I64, U8, U16
from sim.foundation.jit import inlined, resumable
from sim.queue.feed import FeedColumns

READY, IN_FLIGHT, OVERDUE, WAITING, ACKED, DEAD, DROPPED, EXPIRED, REFUSED, LOST = range(10)
"""States of a message. OVERDUE: in flight, past retention; WAITING: published again later;
DROPPED: gone unprocessed (a limit without dead-lettering, a failure that was acknowledged);
REFUSED: never let in; LOST: acknowledged, and then its consumer died. ACKED and above are final."""
STATES = 10

# BrokerPolicy.ack
AUTO, ON_START, LATE = range(3)
# BrokerPolicy.place, of a message that comes back
ORIGINAL, RETURNS, NEXT, BACK = range(4)
# BrokerPolicy.pick
ONE, GROUPS, PRIORITY, FAIR, SPANS = range(5)
# BrokerPolicy.overflow
DROP_HEAD, REJECT, REJECT_DEAD = range(3)
# What a consumer says of a delivery: BrokerPolicy.on_failure, .on_kill.
OK, DISCARD, REJECTED, REQUEUE, RETRY, LEAVE, DIE, FAILED = range(8)
# Bits of BrokerPolicy.counted: why a message comes back.
BY_CLOSE, BY_LOCK, BY_FAILURE = 1, 2, 4
# Bits of HAS: who has a delivery. OWED: an early ack not sent yet; LATER: its ETA is to come.
BROKER, CLIENT, WIRE, OWED, LATER = 1, 2, 4, 8, 16

# Kinds of events, and what their ref and stamp are.
WAKE = 0  # consumer
FINISH = 1  # consumer * slots + slot
ACK = 2  # first delivery of a chain
REPLY = 3  # consumer, call
ASK = 4  # consumer, call
GIVE_UP = 5  # consumer, call
JOIN = 6  # consumer, epoch
CANCEL = 7  # consumer, epoch
CLOSE = 8  # consumer, epoch
AGAIN = 9  # message
DUE = 10  # delivery
START = 11  # consumer, epoch
HAND_BACK = 12  # consumer, epoch

# Places in QueueState.counts.
ROW, ENTERED, RETENTION_ROW, IN_WINDOW, READY_NOW, IN_FLIGHT_NOW, WAITING_NOW, REMOVED = range(8)
HELD, TOTAL, ARRIVED, GRID_NEXT, ACTIVE, ACTIVE_EPOCH, JOINS, ASKING = range(8, 16)
CURSOR, CURSOR_LANE, ROTOR, RECEIVE_CALLS, EMPTY_RECEIVES, ACK_CALLS = range(16, 22)
DELIVERIES, REPEATS, RETRIES, REFUSALS, FOUND = range(22, 27)
COUNTS = 27
# Columns of QueueState.grid: messages that had come; of them ready; of them in flight, which is
# delivered and not acknowledged, or waiting for a retry.
GRID_CAME, GRID_READY, GRID_IN_FLIGHT = range(3)
GRID_FIELDS = 3
# Places in QueueState.quota_s.
RECEIVE_QUOTA, ACK_QUOTA = range(2)
QUOTAS = 2
MOST_RECEIVES = 65_535  # more are not counted

# Columns of LanesState.n, one row a lane.
HEAD = 0  # its first message; -1: empty
TAIL = 1
RETURNED = 2  # last of those that came back, at the front; -1: none there
IN_LANE = 3  # deliveries of it that wait for an ack
HEAP = 4  # by row, not lane: GROUPS, FAIR: lanes that may be picked, by the place of their head
HEAP_AT = 5  # where a lane is in the heap; -1: not in it
ASIDE = 6  # scratch
SPAN = 7  # FAIR: which span of recent_s spent_s is of
FIRST_OPEN = 8  # SPANS: earliest message not in a final state; -1: none
NEWEST = 9  # SPANS: the latest that has come
LANE_FIELDS = 10
# Columns of LanesState.links: row of the feed (-1: has not come), the one behind (-1: none).
PLACE, NEXT_ONE = range(2)
# Columns of LanesState.spent_s: this span of recent_s, and the one before.
THIS_SPAN, LAST_SPAN = range(2)
# Columns of LanesState.window: the one that came next in the lane (-1: none), its number there.
FOLLOWER, OFFSET = range(2)

# Columns of DeliveriesState.n.
MESSAGE = 0
CONSUMER = 1
CONNECTION = 2  # epoch of the consumer
RECEIPT = 3  # receive count of the message
HAS = 4  # bits: BROKER waits for an ack, CLIENT works on it, WIRE: the ack is under way, …
VERDICT = 5  # what the consumer says of it: OK, DISCARD, …
BEFORE = 6  # in the broker's list, oldest first; -1: none
AFTER = 7
THEN = 8  # next in a consumer's buffer, in a chain of acks, or of the free ones; -1: none
TAG = 9  # which publication of the message it is a copy of
DELIVERY_FIELDS = 10
# Columns of DeliveriesState.s: when the broker handed it out and its lock began; when it reaches
# the consumer (inf: the network is cut).
SENT_S, ARRIVE_S = range(2)
# Places in DeliveriesState.meta: first free one, first and last of the broker's list, how many
# are used.
FREE, FIRST, LAST, USED = range(4)
POOL_PLACES = 4

# Columns of ConsumersState.n.
ALIVE = 0  # 1: the process runs
EPOCH = 1  # which process and connection this is
CONNECTED = 2  # epoch of the connection that the broker has; -1: none
JOINED = 3  # order of subscription; -1: not subscribed
STOPPING = 4  # 1: SIGTERM received
CUT = 5  # 1: the network is cut
CALLING = 6  # pull: 0: no call is under way; UNDER_WAY; HELD_UP
CALL = 7  # pull: number of the latest call
UNACKED = 8  # deliveries over this connection that wait for an ack
CHUNK = 9  # deliveries done since the last ack
FRESH = 10  # 1: the batch's own work is still to do
IDLE = 11  # free slots
BUFFER, BUFFER_END = 12, 13  # first and last delivery not started; -1: none
RIPE, RIPE_END = 14, 15  # the same of those whose ETA has come; they go first
DONE, DONE_END = 16, 17  # first and last delivery done, not yet acknowledged
BEHIND, AHEAD = 18, 19  # in the ring of those that wait for messages; AHEAD -1: does not wait
CONSUMER_FIELDS = 20
# Values of CALLING. HELD_UP: by the network.
UNDER_WAY, HELD_UP = 1, 2
# Columns of ConsumersState.s.
HALF_S = 0  # pull: half the latency of the call under way
FACTOR = 1  # service times are multiplied by this
RESUME_S = 2  # the process is paused until then
WAKE_S = 3  # earliest WAKE scheduled; inf: none
INBOUND_S = 4  # latest arrival over the connection, which keeps order
OUTBOUND_S = 5  # latest arrival at the broker
CONSUMER_TIMES = 6

# Columns of EventsState.n.
SERIAL, KIND, REF, STAMP = range(4)
EVENT_FIELDS = 4
# Places in EventsState.size: events stored, events ever.
STORED, EVER = range(2)
# Columns of PoisonousMessages.n: the message, whether it kills the process or its handler raises,
# how many more times.
POISONOUS, KILLS, LEFT = range(3)
POISON_FIELDS = 3


class QueueState(NamedTuple):
    """What the broker knows of each message (columns are indexed by message, not by row)."""

    state: U8  # [messages] READY … LOST; READY too before it has come
    receives: U16  # [messages] deliveries so far
    returns: U16  # [messages] returns and retries that count
    effects: U16  # [messages] how often each message was processed
    done_s: F64  # [messages] first processed at; inf: not yet
    wanted: U8  # [messages] 1: routed to this queue; [0]: all are
    due_s: F64  # [messages] not to be started before; [0]: any time
    same: I32  # [messages] number of its deduplication id; [0]: each has its own
    let_in_s: F64  # [ids] when a message with this id was let in last; -inf: never
    quota_s: F64  # [QUOTAS] when the quota would be used up, less the burst
    clock_s: F64  # [1] time of the latest event
    counts: I64  # [COUNTS] rows handled, messages by state, calls, …
    grid_s: F64  # [grid] sample times
    grid: I64  # [grid, GRID_FIELDS] GRID_CAME, …
    again_message: I32  # [kept] messages processed before, in any order; may be empty
    again_s: F64  # [kept] when each was processed again


class LanesState(NamedTuple):
    """Ready messages as linked lists, and which list is next."""

    of: I32  # [messages] lane of each message; [0]: all in lane 0
    links: I32  # [messages, 2] PLACE, NEXT_ONE
    n: I64  # [lanes + 1, LANE_FIELDS] HEAD, …; the last row is of all lanes together
    heap_n: I64  # [1] lanes in the heap
    spent_s: F64  # [lanes + 1, 2] FAIR: consumers' time; THIS_SPAN, LAST_SPAN
    window: I32  # [messages, 2] SPANS: FOLLOWER, OFFSET
    reach: U8  # [consumers, lanes] SPANS: 1: may take from it; [0, 0]: from all


class DeliveriesState(NamedTuple):
    """Copies handed out and not forgotten by everybody."""

    n: I64  # [room, DELIVERY_FIELDS] MESSAGE, …
    s: F64  # [room, 2] SENT_S, ARRIVE_S
    meta: I64  # [POOL_PLACES] FREE, FIRST, LAST, USED


class ConsumersState(NamedTuple):
    """Processes with ``slots`` parallel places for work, and the broker's view of them."""

    n: I64  # [consumers + 1, CONSUMER_FIELDS] ALIVE, …; the last row anchors the ring
    s: F64  # [consumers, CONSUMER_TIMES] HALF_S, …
    idle_slot: I32  # [consumers, slots] free slots, the first IDLE of them
    slot: I32  # [consumers, slots] delivery in work; -1: none
    end_s: F64  # [consumers, slots] when it will be done


class EventsState(NamedTuple):
    """Binary heap, earliest first; equal times in order of scheduling."""

    at_s: F64  # [room]
    n: I64  # [room, EVENT_FIELDS] SERIAL, KIND, REF, STAMP
    size: I64  # [2] STORED, EVER


class PoisonousMessages(NamedTuple):
    """Messages that make their consumer fail, ascending."""

    n: I64  # [poison, POISON_FIELDS] POISONOUS, KILLS, LEFT
    restart_s: F64  # [poison] a killed consumer starts again after; inf: never


class BrokerState(NamedTuple):
    """All that `work` reads and changes."""

    feed: FeedColumns  # what the senders put in; other queues may read the same one
    service_s: F32  # [messages] work that each message takes
    receive_latency_s: F64  # [draws] round trips that fetch messages, taken in turn
    ack_latency_s: F64  # [draws] round trips of acks, taken in turn
    jitter: F64  # [draws] uniform in [0, 1), for retries, taken in turn
    queue: QueueState
    lanes: LanesState
    pool: DeliveriesState
    consumers: ConsumersState
    events: EventsState
    poison: PoisonousMessages


class BrokerPolicy(NamedTuple):
    """Constants of one queue and its consumers."""

    push: int  # 1: the broker sends while there is credit; 0: consumers ask
    batch: int  # pull: messages a receive asks for
    wait_s: float  # pull: long-poll wait; 0: short polling
    prefetch: int  # push: most unacknowledged deliveries of a consumer
    ack: int  # AUTO: at delivery; ON_START; LATE: when done
    ack_every: int  # pull: deliveries one ack call covers
    ack_waits: int  # pull: 1: the consumer waits for the answer to its ack
    per_batch_s: float  # pull: work done once a receive
    lock_s: float  # visibility timeout: so long unacknowledged, it comes back; inf: never
    sweep_s: float  # ends of locks are looked at this often; 0: at once
    late_ack: int  # 1: an ack after the lock's end counts while the message is ready
    any_copy: int  # 1: an ack of any copy counts, not only the latest's; not with GROUPS, counted
    lock_closes: int  # 1: the end of a lock closes the connection; all its deliveries come back
    closes: int  # 1: unacknowledged deliveries come back when the connection closes
    reopen_s: float  # a live consumer whose connection was closed subscribes again after
    place: int  # where a message comes back to: ORIGINAL, RETURNS, NEXT, BACK
    requeue_place: int  # the same, when its consumer says REQUEUE
    pick: int  # ONE, GROUPS, PRIORITY (the highest lane), FAIR, SPANS
    look_ahead: int  # GROUPS: only so many messages from the front are looked at
    span: int  # SPANS: fresh messages are taken less than this from the first unresolved
    noisy_share: float  # FAIR: share of in flight, or of consumers' time, that makes a lane noisy
    noisy_least: int  # FAIR: in flight, at least
    recent_s: float  # FAIR: consumers' time of this span and the one before counts
    single_active: int  # 1: one consumer receives, the others stand by
    max_receives: int  # a message received so often is dead-lettered instead of received again
    max_returns: int  # a message that came back more often is dead-lettered
    counted: int  # bits: which returns count
    dead_letters: int  # 1: into the dead-letter queue; 0: dropped
    on_failure: int  # verdict when the handler raises; RETRY not with GROUPS
    stop_batch: int  # pull: 1: after a failure the rest of the batch is left alone
    on_kill: int  # DIE, or the verdict when only a child process dies
    retry_s: float  # RETRY: wait before the first
    retry_growth: float  # factor from one wait to the next
    retry_max_s: float
    retry_held: int  # 1: it is published at once with an ETA, and a consumer holds it till then
    retry_whole: int  # 1: a whole number of seconds from 0 to the wait, uniformly
    max_length: int  # ready messages
    overflow: int  # DROP_HEAD, REJECT, REJECT_DEAD
    republish_s: float  # a refused message is sent again after; inf: never
    max_in_flight: int
    dedup_s: float  # a message with the id of one let in less than this ago is not
    calls_per_s: float  # pull: quota of each kind of call; inf: none
    retention_s: float
    delay_s: float  # from the feed to this queue


@resumable
def push(events, at_s, kind, ref, stamp):
    """Schedule an event; there must be room."""
    at = events.size[STORED]
    serial = events.size[EVER]
    events.size[STORED] = at + 1
    events.size[EVER] = serial + 1
    while at > 0 and events.at_s[(at - 1) >> 1] > at_s:
        parent = (at - 1) >> 1
        events.at_s[at] = events.at_s[parent]
        events.n[at, SERIAL] = events.n[parent, SERIAL]
        events.n[at, KIND] = events.n[parent, KIND]
        events.n[at, REF] = events.n[parent, REF]
        events.n[at, STAMP] = events.n[parent, STAMP]
        at = parent
    events.at_s[at] = at_s
    events.n[at, SERIAL] = serial
    events.n[at, KIND] = kind
    events.n[at, REF] = ref
    events.n[at, STAMP] = stamp


@inlined
def _before(events, a, b):
    return events.at_s[a] < events.at_s[b] or (
        events.at_s[a] == events.at_s[b] and events.n[a, SERIAL] < events.n[b, SERIAL]
    )


@inlined
def _drop_first(events):
    last = events.size[STORED] - 1
    events.size[STORED] = last
    at = 0
    while True:
        child = 2 * at + 1
        if child >= last:
            break
        if child + 1 < last and _before(events, child + 1, child):
            child += 1
        if _before(events, last, child):
            break
        events.at_s[at] = events.at_s[child]
        events.n[at, SERIAL] = events.n[child, SERIAL]
        events.n[at, KIND] = events.n[child, KIND]
        events.n[at, REF] = events.n[child, REF]
        events.n[at, STAMP] = events.n[child, STAMP]
        at = child
    events.at_s[at] = events.at_s[last]
    events.n[at, SERIAL] = events.n[last, SERIAL]
    events.n[at, KIND] = events.n[last, KIND]
    events.n[at, REF] = events.n[last, REF]
    events.n[at, STAMP] = events.n[last, STAMP]


# Lanes.


@inlined
def _lane(lanes, message):
    return lanes.of[message] if lanes.of.size > 0 else 0


@inlined
def _front(state, lanes, lane):
    """The first ready message of a lane, unlinking those that are gone; -1: none."""
    message = lanes.n[lane, HEAD]
    while message >= 0 and state[message] != READY:
        if lanes.n[lane, RETURNED] == message:
            lanes.n[lane, RETURNED] = -1
        message = lanes.links[message, NEXT_ONE]
    lanes.n[lane, HEAD] = message
    if message < 0:
        lanes.n[lane, TAIL] = -1
        lanes.n[lane, RETURNED] = -1
    return message


@inlined
def _pop(lanes, lane):
    """Unlink the head of a lane."""
    message = lanes.n[lane, HEAD]
    if lanes.n[lane, RETURNED] == message:
        lanes.n[lane, RETURNED] = -1
    lanes.n[lane, HEAD] = lanes.links[message, NEXT_ONE]
    if lanes.n[lane, HEAD] < 0:
        lanes.n[lane, TAIL] = -1


@inlined
def _append(lanes, lane, message):
    lanes.links[message, NEXT_ONE] = -1
    if lanes.n[lane, TAIL] < 0:
        lanes.n[lane, HEAD] = message
    else:
        lanes.links[lanes.n[lane, TAIL], NEXT_ONE] = message
    lanes.n[lane, TAIL] = message


@resumable
def _sift(lanes, at, lane):
    """Put ``lane`` where it belongs, from place ``at`` of the heap that is free."""
    key = lanes.links[lanes.n[lane, HEAD], PLACE]
    while at > 0:
        parent = (at - 1) >> 1
        other = lanes.n[parent, HEAP]
        if lanes.links[lanes.n[other, HEAD], PLACE] <= key:
            break
        lanes.n[at, HEAP] = other
        lanes.n[other, HEAP_AT] = at
        at = parent
    n = lanes.heap_n[0]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if (
            child + 1 < n
            and lanes.links[lanes.n[lanes.n[child + 1, HEAP], HEAD], PLACE]
            < lanes.links[lanes.n[lanes.n[child, HEAP], HEAD], PLACE]
        ):
            child += 1
        other = lanes.n[child, HEAP]
        if lanes.links[lanes.n[other, HEAD], PLACE] >= key:
            break
        lanes.n[at, HEAP] = other
        lanes.n[other, HEAP_AT] = at
        at = child
    lanes.n[at, HEAP] = lane
    lanes.n[lane, HEAP_AT] = at


@resumable
def _leave_heap(lanes, lane):
    at = lanes.n[lane, HEAP_AT]
    if at < 0:
        return
    lanes.n[lane, HEAP_AT] = -1
    last = lanes.heap_n[0] - 1
    lanes.heap_n[0] = last
    if at < last:
        _sift(lanes, at, lanes.n[last, HEAP])


@resumable
def _enter_heap(lanes, lane):
    at = lanes.heap_n[0]
    lanes.heap_n[0] = at + 1
    _sift(lanes, at, lane)


@resumable
def _offer(state, lanes, lane, pick):
    """Put a lane whose head may have changed where it belongs among those that may be picked.

    The heap is by the heads as they are; take a lane out of it before its head changes.
    """
    _leave_heap(lanes, lane)
    if _front(state, lanes, lane) >= 0 and (pick == FAIR or lanes.n[lane, IN_LANE] == 0):
        _enter_heap(lanes, lane)


@resumable
def _put_back(queue, lanes, message, place, pick):
    """Make a message ready again, at the place that the policy gives it."""
    lane = _lane(lanes, message)
    if pick in (GROUPS, FAIR):
        _leave_heap(lanes, lane)
    queue.state[message] = READY
    queue.counts[READY_NOW] += 1
    head = _front(queue.state, lanes, lane)
    if place == BACK or head < 0:
        _append(lanes, lane, message)
        if place == RETURNS:
            lanes.n[lane, RETURNED] = message
    elif place == NEXT:
        lanes.links[message, NEXT_ONE] = head
        lanes.n[lane, HEAD] = message
    else:
        behind = -1
        if place == RETURNS:
            behind = lanes.n[lane, RETURNED]
            lanes.n[lane, RETURNED] = message
        else:
            # Those that come back together are mostly in order: go on where the last one went.
            if queue.counts[CURSOR_LANE] == lane:
                behind = queue.counts[CURSOR]
                if lanes.links[behind, PLACE] > lanes.links[message, PLACE]:
                    behind = -1
            ahead = head if behind < 0 else lanes.links[behind, NEXT_ONE]
            while ahead >= 0 and lanes.links[ahead, PLACE] < lanes.links[message, PLACE]:
                behind = ahead
                ahead = lanes.links[ahead, NEXT_ONE]
        if behind < 0:
            lanes.links[message, NEXT_ONE] = head
            lanes.n[lane, HEAD] = message
        else:
            lanes.links[message, NEXT_ONE] = lanes.links[behind, NEXT_ONE]
            lanes.links[behind, NEXT_ONE] = message
            if lanes.n[lane, TAIL] == behind:
                lanes.n[lane, TAIL] = message
    queue.counts[CURSOR] = message
    queue.counts[CURSOR_LANE] = lane
    if pick in (GROUPS, FAIR):
        _offer(queue.state, lanes, lane, pick)


@resumable
def _move_window(queue, lanes, message, pick):
    """A message is gone from the window at which the broker looks."""
    if pick == SPANS:
        lane = _lane(lanes, message)
        first = lanes.n[lane, FIRST_OPEN]
        while first >= 0 and queue.state[first] >= ACKED:
            first = lanes.window[first, FOLLOWER]
        lanes.n[lane, FIRST_OPEN] = first
    elif lanes.links[message, PLACE] < queue.counts[ENTERED]:
        queue.counts[IN_WINDOW] -= 1


@inlined
def _finalise(queue, lanes, message, state, pick):
    """A message is gone for good."""
    queue.state[message] = state
    queue.counts[REMOVED] += 1
    if pick in (GROUPS, SPANS):
        _move_window(queue, lanes, message, pick)


@resumable
def _bury(queue, lanes, message, policy):
    """Dead-letter or drop a message that is neither ready nor in flight any more."""
    state = DEAD if policy.dead_letters == 1 else DROPPED
    _finalise(queue, lanes, message, state, policy.pick)


@resumable
def _give_back(queue, lanes, message, why, policy):
    """A message in flight comes back, unless it has come back too often or is too old."""
    if queue.state[message] == OVERDUE:
        _finalise(queue, lanes, message, EXPIRED, policy.pick)
    else:
        if policy.counted & why:
            queue.returns[message] += 1
        if queue.returns[message] > policy.max_returns:
            _bury(queue, lanes, message, policy)
        else:
            place = policy.requeue_place if why == BY_FAILURE else policy.place
            _put_back(queue, lanes, message, place, policy.pick)
    if policy.pick == GROUPS:
        _offer(queue.state, lanes, _lane(lanes, message), GROUPS)


@resumable
def _retry(now, b, message, policy):
    """Publish a message again after a while, unless that was done too often."""
    b.queue.returns[message] += 1
    times = b.queue.returns[message]
    if times > policy.max_returns:
        _bury(b.queue, b.lanes, message, policy)
        return
    wait_s = policy.retry_s
    for _ in range(1, times):
        wait_s *= policy.retry_growth
    wait_s = min(policy.retry_max_s, wait_s)
    draw = b.jitter[b.queue.counts[RETRIES] % b.jitter.size]
    b.queue.counts[RETRIES] += 1
    if policy.retry_whole == 1:
        wait_s = np.floor(draw * (np.floor(wait_s) + 1.0))
    if policy.retry_held == 1:
        b.queue.due_s[message] = now + wait_s
        _put_back(b.queue, b.lanes, message, BACK, policy.pick)
        return
    b.queue.state[message] = WAITING
    b.queue.counts[WAITING_NOW] += 1
    push(b.events, now + wait_s, AGAIN, message, 0)


# The ring of consumers that wait for messages.


@inlined
def _unwait(consumers, c):
    if consumers.n[c, AHEAD] >= 0:
        consumers.n[consumers.n[c, AHEAD], BEHIND] = consumers.n[c, BEHIND]
        consumers.n[consumers.n[c, BEHIND], AHEAD] = consumers.n[c, AHEAD]
        consumers.n[c, AHEAD] = -1


@inlined
def _wait(consumers, c):
    if consumers.n[c, AHEAD] < 0:
        anchor = consumers.n.shape[0] - 1
        last = consumers.n[anchor, AHEAD]
        consumers.n[last, BEHIND] = c
        consumers.n[c, AHEAD] = last
        consumers.n[c, BEHIND] = anchor
        consumers.n[anchor, AHEAD] = c


@inlined
def _wait_if_credit(counts, consumers, policy, c):
    """The broker may send to a consumer that is subscribed, active and has credit."""
    if (
        policy.push == 1
        and consumers.n[c, CONNECTED] >= 0
        and consumers.n[c, JOINED] >= 0
        and (policy.ack == AUTO or consumers.n[c, UNACKED] < policy.prefetch)
        and (policy.single_active == 0 or counts[ACTIVE] == c)
    ):
        _wait(consumers, c)


@resumable
def _choose_active(counts, consumers, policy):
    """Of the consumers that stand by, the one that subscribed first is next."""
    best = -1
    for c in range(consumers.n.shape[0] - 1):
        if (
            consumers.n[c, CONNECTED] >= 0
            and consumers.n[c, JOINED] >= 0
            and (best < 0 or consumers.n[c, JOINED] < consumers.n[best, JOINED])
        ):
            best = c
    counts[ACTIVE] = best
    if best >= 0:
        counts[ACTIVE_EPOCH] = consumers.n[best, CONNECTED]
        _wait_if_credit(counts, consumers, policy, best)


# Deliveries.


@inlined
def _spend(now, lanes, lane, time_s, recent_s):
    """Add to the consumers' time of a lane, of this span of ``recent_s``."""
    span = np.int64(now // recent_s)
    old = span - lanes.n[lane, SPAN]
    if old > 0:
        lanes.spent_s[lane, LAST_SPAN] = lanes.spent_s[lane, THIS_SPAN] if old == 1 else 0.0
        lanes.spent_s[lane, THIS_SPAN] = 0.0
        lanes.n[lane, SPAN] = span
    lanes.spent_s[lane, THIS_SPAN] += time_s


@inlined
def _free_if_forgotten(pool, d):
    if pool.n[d, HAS] == 0:
        pool.n[d, THEN] = pool.meta[FREE]
        pool.meta[FREE] = d
        pool.meta[USED] -= 1


@inlined
def _forget(now, counts, lanes, pool, policy, d):
    """The broker no longer waits for an ack of ``d``."""
    lane = _lane(lanes, pool.n[d, MESSAGE])
    if policy.pick == FAIR:
        time_s = now - pool.s[d, SENT_S]
        _spend(now, lanes, lane, time_s, policy.recent_s)
        _spend(now, lanes, lanes.n.shape[0] - 1, time_s, policy.recent_s)
    if pool.n[d, BEFORE] >= 0:
        pool.n[pool.n[d, BEFORE], AFTER] = pool.n[d, AFTER]
    else:
        pool.meta[FIRST] = pool.n[d, AFTER]
    if pool.n[d, AFTER] >= 0:
        pool.n[pool.n[d, AFTER], BEFORE] = pool.n[d, BEFORE]
    else:
        pool.meta[LAST] = pool.n[d, BEFORE]
    pool.n[d, HAS] -= BROKER
    counts[IN_FLIGHT_NOW] -= 1
    lanes.n[lane, IN_LANE] -= 1


@inlined
def _wake(consumers, events, c, at_s):
    """See to it that the consumer looks for work at ``at_s``."""
    if at_s < consumers.s[c, WAKE_S]:
        consumers.s[c, WAKE_S] = at_s
        push(events, at_s, WAKE, c, 0)


@inlined
def _half_s(counts, latency_s, place):
    calls = counts[place]
    counts[place] = calls + 1
    return 0.5 * latency_s[calls % latency_s.size]


@inlined
def _to_broker_s(now, counts, consumers, ack_latency_s, c):
    """When what a consumer sends now over its connection reaches the broker."""
    at_s = max(consumers.s[c, OUTBOUND_S], now + _half_s(counts, ack_latency_s, ACK_CALLS))
    consumers.s[c, OUTBOUND_S] = at_s
    return at_s


@inlined
def _send(now, b, c, kind, ref, stamp):
    """Schedule an event for when what a consumer sends now reaches the broker."""
    at_s = _to_broker_s(now, b.queue.counts, b.consumers, b.ack_latency_s, c)
    push(b.events, at_s, kind, ref, stamp)


@inlined
def _deliver(now, b, policy, c, message):
    """Hand a message to a consumer, over a connection that may lead nowhere."""
    d = b.pool.meta[FREE]
    b.pool.meta[FREE] = b.pool.n[d, THEN]
    b.pool.meta[USED] += 1
    b.queue.counts[DELIVERIES] += 1
    b.queue.counts[READY_NOW] -= 1
    if b.queue.receives[message] < MOST_RECEIVES:
        b.queue.receives[message] += 1
    there = policy.push == 0 or b.consumers.n[c, CONNECTED] == b.consumers.n[c, EPOCH]
    b.pool.n[d, MESSAGE] = message
    b.pool.n[d, CONSUMER] = c
    b.pool.n[d, CONNECTION] = (
        b.consumers.n[c, EPOCH] if policy.push == 0 else b.consumers.n[c, CONNECTED]
    )
    b.pool.n[d, RECEIPT] = b.queue.receives[message]
    b.pool.n[d, TAG] = b.queue.returns[message]
    b.pool.n[d, VERDICT] = OK
    b.pool.s[d, SENT_S] = now
    b.pool.n[d, THEN] = -1
    has = 0
    if policy.ack == AUTO:
        _finalise(b.queue, b.lanes, message, ACKED if there else LOST, policy.pick)
    else:
        has = BROKER
        last = b.pool.meta[LAST]
        b.pool.n[d, BEFORE] = last
        b.pool.n[d, AFTER] = -1
        if last >= 0:
            b.pool.n[last, AFTER] = d
        else:
            b.pool.meta[FIRST] = d
        b.pool.meta[LAST] = d
        b.queue.state[message] = IN_FLIGHT
        b.queue.counts[IN_FLIGHT_NOW] += 1
        b.lanes.n[_lane(b.lanes, message), IN_LANE] += 1
        if policy.push == 1:
            b.consumers.n[c, UNACKED] += 1
    if there:
        has += CLIENT
        b.queue.counts[HELD] += 1
        if policy.push == 1:
            arrive_s = now + _half_s(b.queue.counts, b.receive_latency_s, RECEIVE_CALLS)
            arrive_s = max(b.consumers.s[c, INBOUND_S], arrive_s)
            b.consumers.s[c, INBOUND_S] = arrive_s
        else:
            arrive_s = now + b.consumers.s[c, HALF_S]
        if b.consumers.n[c, CUT] == 1:
            arrive_s = np.inf
        b.pool.s[d, ARRIVE_S] = arrive_s
        due_s = b.queue.due_s[message] if b.queue.due_s.size > 0 else 0.0
        if due_s > arrive_s:
            # A task with an ETA is held beside the buffer, and the worker asks for one more.
            push(b.events, due_s, DUE, d, 0)
            has += LATER
            if policy.ack != AUTO:
                b.consumers.n[c, UNACKED] -= 1
        else:
            if b.consumers.n[c, BUFFER] < 0:
                b.consumers.n[c, BUFFER] = d
                if b.consumers.n[c, IDLE] > 0:
                    _wake(b.consumers, b.events, c, arrive_s)
            else:
                b.pool.n[b.consumers.n[c, BUFFER_END], THEN] = d
            b.consumers.n[c, BUFFER_END] = d
    b.pool.n[d, HAS] = has
    _free_if_forgotten(b.pool, d)


@resumable
def _let_go(queue, pool, d):
    """A consumer gives up a delivery that it has not finished."""
    message = pool.n[d, MESSAGE]
    queue.counts[HELD] -= 1
    pool.n[d, HAS] &= BROKER | WIRE
    if queue.state[message] == ACKED and queue.effects[message] == 0:
        queue.state[message] = LOST
    _free_if_forgotten(pool, d)


@resumable
def empty_hands(queue, pool, consumers, c, slots_too):
    """A consumer loses its buffer and the acks not sent; if ``slots_too`` its work as well."""
    d = consumers.n[c, BUFFER]
    while d >= 0:
        then = pool.n[d, THEN]
        _let_go(queue, pool, d)
        d = then
    d = consumers.n[c, RIPE]
    while d >= 0:
        then = pool.n[d, THEN]
        _let_go(queue, pool, d)
        d = then
    d = consumers.n[c, DONE]
    while d >= 0:
        then = pool.n[d, THEN]
        pool.n[d, HAS] &= BROKER | WIRE
        _free_if_forgotten(pool, d)
        d = then
    consumers.n[c, BUFFER] = -1
    consumers.n[c, RIPE] = -1
    consumers.n[c, DONE] = -1
    consumers.n[c, CHUNK] = 0
    if slots_too:
        slots = consumers.slot.shape[1]
        for s in range(slots):
            d = consumers.slot[c, s]
            if d >= 0:
                _let_go(queue, pool, d)
            consumers.slot[c, s] = -1
            consumers.idle_slot[c, s] = slots - 1 - s
        consumers.n[c, IDLE] = slots


@resumable
def crash(now, b, policy, c):
    """The process ends, and what it has in hand is gone; acks already sent still arrive.

    The broker hears of it over the connection, if there is a network.
    """
    empty_hands(b.queue, b.pool, b.consumers, c, True)
    if policy.push == 1:
        if b.consumers.n[c, CUT] == 0 and b.consumers.n[c, CONNECTED] == b.consumers.n[c, EPOCH]:
            _send(now, b, c, CLOSE, c, b.consumers.n[c, EPOCH])
    else:
        _unwait(b.consumers, c)
        if policy.closes == 1 and b.consumers.n[c, CUT] == 0:
            push(b.events, now, HAND_BACK, c, b.consumers.n[c, EPOCH])
    b.consumers.n[c, ALIVE] = 0
    b.consumers.n[c, EPOCH] += 1
    b.consumers.n[c, CALL] += 1
    b.consumers.n[c, CALLING] = 0


@inlined
def _within_quota(at_s, quota_s, kind, calls_per_s):
    """When a call that could arrive at ``at_s`` is taken; it may use up a second's quota at once.

    A throttled client tries again until it gets through; here it gets through as soon as it can.
    """
    if calls_per_s == np.inf:
        return at_s
    at_s = max(at_s, quota_s[kind])
    quota_s[kind] = max(quota_s[kind], at_s - 1.0) + 1.0 / calls_per_s
    return at_s


@resumable
def ask(now, b, policy, c):
    """Send a receive call, unless the network is cut."""
    b.consumers.n[c, CALL] += 1
    b.consumers.n[c, FRESH] = 1
    if b.consumers.n[c, CUT] == 1:
        b.consumers.n[c, CALLING] = HELD_UP
        return
    half_s = _half_s(b.queue.counts, b.receive_latency_s, RECEIVE_CALLS)
    b.consumers.s[c, HALF_S] = half_s
    b.consumers.n[c, CALLING] = UNDER_WAY
    at_s = _within_quota(now + half_s, b.queue.quota_s, RECEIVE_QUOTA, policy.calls_per_s)
    push(b.events, at_s, ASK, c, b.consumers.n[c, CALL])


@resumable
def start(now, b, policy, c):
    """A new process in the place of a dead one."""
    b.consumers.n[c, ALIVE] = 1
    b.consumers.n[c, STOPPING] = 0
    b.consumers.s[c, FACTOR] = 1.0
    b.consumers.s[c, RESUME_S] = -np.inf
    b.consumers.s[c, INBOUND_S] = -np.inf
    b.consumers.s[c, OUTBOUND_S] = -np.inf
    if policy.push == 0:
        ask(now, b, policy, c)
    elif b.consumers.n[c, CUT] == 0:
        _send(now, b, c, JOIN, c, b.consumers.n[c, EPOCH])


@inlined
def send_acks(now, b, policy, c):
    """Send the acks that are due; a cut network holds them up."""
    b.consumers.n[c, CHUNK] = 0
    if b.consumers.n[c, DONE] < 0:
        return
    if b.consumers.n[c, CUT] == 1:
        if policy.push == 0:
            b.consumers.n[c, CALLING] = HELD_UP
        return
    d = b.consumers.n[c, DONE]
    while d >= 0:
        b.pool.n[d, HAS] = (b.pool.n[d, HAS] & BROKER) | WIRE
        d = b.pool.n[d, THEN]
    if policy.push == 1:
        at_s = _to_broker_s(now, b.queue.counts, b.consumers, b.ack_latency_s, c)
    else:
        half_s = _half_s(b.queue.counts, b.ack_latency_s, ACK_CALLS)
        at_s = _within_quota(now + half_s, b.queue.quota_s, ACK_QUOTA, policy.calls_per_s)
        if policy.ack_waits == 1:
            b.consumers.n[c, CALLING] = UNDER_WAY
            b.consumers.n[c, CALL] += 1
            push(b.events, at_s + half_s, REPLY, c, b.consumers.n[c, CALL])
    push(b.events, at_s, ACK, b.consumers.n[c, DONE], 0)
    b.consumers.n[c, DONE] = -1


@resumable
def _send_held_acks(now, b, policy, c):
    """Send the acks that the network or the end of work held up."""
    send_acks(now, b, policy, c)


@inlined
def _look_for_work(now, b, policy, c):
    """A consumer starts what it has, asks for more, or leaves."""
    if b.consumers.n[c, ALIVE] == 0 or (policy.push == 0 and b.consumers.n[c, CALLING] > 0):
        return
    if now < b.consumers.s[c, RESUME_S]:
        _wake(b.consumers, b.events, c, b.consumers.s[c, RESUME_S])
        return
    slots = b.consumers.slot.shape[1]
    if policy.push == 0 and b.consumers.n[c, DONE] >= 0 and b.consumers.n[c, CHUNK] == 0:
        _send_held_acks(now, b, policy, c)  # the network had held them up
        if b.consumers.n[c, CALLING] > 0:
            return
    gives_back = policy.push == 1 and policy.ack != AUTO and b.consumers.n[c, STOPPING] == 1
    while b.consumers.n[c, IDLE] > 0 and not gives_back:
        d = b.consumers.n[c, RIPE]
        if d >= 0:
            b.consumers.n[c, RIPE] = b.pool.n[d, THEN]
        else:
            d = b.consumers.n[c, BUFFER]
            if d < 0:
                break
            if b.pool.s[d, ARRIVE_S] > now:
                _wake(b.consumers, b.events, c, b.pool.s[d, ARRIVE_S])
                return
            b.consumers.n[c, BUFFER] = b.pool.n[d, THEN]
        if b.queue.due_s.size > 0 and b.queue.due_s[b.pool.n[d, MESSAGE]] > now:
            push(b.events, b.queue.due_s[b.pool.n[d, MESSAGE]], DUE, d, 0)
            b.pool.n[d, HAS] |= LATER
            if policy.ack != AUTO and b.pool.n[d, CONNECTION] == b.consumers.n[c, CONNECTED]:
                b.consumers.n[c, UNACKED] -= 1
            continue
        idle = b.consumers.n[c, IDLE] - 1
        b.consumers.n[c, IDLE] = idle
        s = b.consumers.idle_slot[c, idle]
        work_s = np.float64(b.service_s[b.pool.n[d, MESSAGE]])
        if b.consumers.n[c, FRESH] == 1:
            b.consumers.n[c, FRESH] = 0
            work_s += policy.per_batch_s
        b.consumers.slot[c, s] = d
        b.consumers.end_s[c, s] = now + work_s * b.consumers.s[c, FACTOR]
        push(b.events, b.consumers.end_s[c, s], FINISH, c * slots + s, 0)
        if policy.ack == ON_START:
            if b.consumers.n[c, CUT] == 1:
                b.pool.n[d, HAS] |= OWED
            else:
                b.pool.n[d, HAS] |= WIRE
                b.pool.n[d, THEN] = -1
                _send(now, b, c, ACK, d, 0)
    if b.consumers.n[c, IDLE] < slots or (b.consumers.n[c, BUFFER] >= 0 and not gives_back):
        return
    if b.consumers.n[c, STOPPING] == 1:
        if policy.push == 1:
            _send_held_acks(now, b, policy, c)
            if policy.closes == 0 and b.consumers.n[c, CUT] == 0:
                _send(now, b, c, HAND_BACK, c, b.consumers.n[c, EPOCH])
        crash(now, b, policy, c)
    elif policy.push == 0:
        ask(now, b, policy, c)


@inlined
def _poisoned(poison, message):
    """Where a message is in the list of those that still fail; -1: nowhere."""
    low = 0
    high = poison.n.shape[0]
    while low < high:
        middle = (low + high) // 2
        if poison.n[middle, POISONOUS] < message:
            low = middle + 1
        else:
            high = middle
    if low < poison.n.shape[0] and poison.n[low, POISONOUS] == message and poison.n[low, LEFT] > 0:
        return low
    return -1


@inlined
def _affect(now, queue, message):
    """A message was processed."""
    if queue.effects[message] > 0:
        if queue.counts[REPEATS] < queue.again_message.size:
            queue.again_message[queue.counts[REPEATS]] = message
            queue.again_s[queue.counts[REPEATS]] = now
        queue.counts[REPEATS] += 1
    queue.effects[message] += 1
    queue.done_s[message] = min(queue.done_s[message], now)


@inlined
def _settle_verdict(now, b, policy, message, verdict, worked_on):
    """An ack has reached the broker, or would have if it had not been sent beforehand."""
    if verdict == RETRY:
        _retry(now, b, message, policy)
    elif verdict == REQUEUE:
        _give_back(b.queue, b.lanes, message, BY_FAILURE, policy)
    elif verdict == REJECTED:
        _bury(b.queue, b.lanes, message, policy)
    elif b.queue.effects[message] > 0 or worked_on:
        _finalise(b.queue, b.lanes, message, ACKED, policy.pick)
    else:
        state = DROPPED if verdict == DISCARD else LOST
        _finalise(b.queue, b.lanes, message, state, policy.pick)


@inlined
def _noisy(now, queue, lanes, policy, lane):
    in_flight = lanes.n[lane, IN_LANE]
    if (
        in_flight >= policy.noisy_least
        and in_flight > policy.noisy_share * queue.counts[IN_FLIGHT_NOW]
    ):
        return True
    everyone = lanes.n.shape[0] - 1
    _spend(now, lanes, lane, 0.0, policy.recent_s)
    _spend(now, lanes, everyone, 0.0, policy.recent_s)
    spent_s = lanes.spent_s[lane, THIS_SPAN] + lanes.spent_s[lane, LAST_SPAN]
    all_s = lanes.spent_s[everyone, THIS_SPAN] + lanes.spent_s[everyone, LAST_SPAN]
    return spent_s > policy.noisy_share * all_s


@resumable
def _settle_late(now, b, policy, message, verdict):
    """A message that was acknowledged beforehand has failed."""
    _settle_verdict(now, b, policy, message, verdict, False)


@resumable
def _pick_fair(now, queue, lanes, policy):
    """The quiet lane whose head is oldest; else the noisy one with the fewest in flight."""
    n = 0
    lane = -1
    noisiest = -1
    while lanes.heap_n[0] > 0 and lane < 0:
        top = lanes.n[0, HEAP]
        if queue.state[lanes.n[top, HEAD]] != READY:
            _offer(queue.state, lanes, top, FAIR)
        elif _noisy(now, queue, lanes, policy, top):
            if noisiest < 0 or lanes.n[top, IN_LANE] < lanes.n[noisiest, IN_LANE]:
                noisiest = top
            _leave_heap(lanes, top)
            lanes.n[n, ASIDE] = top
            n += 1
        else:
            lane = top
    for k in range(n):
        _enter_heap(lanes, lanes.n[k, ASIDE])
    if lane < 0:
        lane = noisiest
    if lane >= 0:
        _leave_heap(lanes, lane)
    return lane


@resumable
def _highest(state, lanes):
    """The highest lane that has a message; -1: none."""
    lane = lanes.n.shape[0] - 1 - 1
    while lane >= 0 and _front(state, lanes, lane) < 0:
        lane -= 1
    return lane


@resumable
def _pick_group(state, lanes, lane):
    """``lane`` while it has messages, so that one call empties it; else the oldest that is free."""
    if lane >= 0 and _front(state, lanes, lane) >= 0:
        _leave_heap(lanes, lane)
        return lane
    while lanes.heap_n[0] > 0:
        lane = lanes.n[0, HEAP]
        if state[lanes.n[lane, HEAD]] == READY:
            _leave_heap(lanes, lane)
            return lane
        _offer(state, lanes, lane, GROUPS)
    return -1


@resumable
def _pick_span(queue, lanes, span, c):
    """The next lane, in turn, whose head is within the window, or was handed out before."""
    n = lanes.n.shape[0] - 1
    for step in range(n):
        lane = (queue.counts[ROTOR] + step) % n
        if lanes.reach.size > 0 and lanes.reach[c, lane] == 0:
            continue
        message = _front(queue.state, lanes, lane)
        if message >= 0 and (
            queue.receives[message] > 0
            or lanes.window[message, OFFSET] - lanes.window[lanes.n[lane, FIRST_OPEN], OFFSET]
            < span
        ):
            return lane
    return -1


@resumable
def _let_in(feed, queue, lanes, policy):
    """Let messages into the window at which a FIFO queue looks."""
    while queue.counts[IN_WINDOW] < policy.look_ahead and queue.counts[ENTERED] < queue.counts[ROW]:
        row = queue.counts[ENTERED]
        queue.counts[ENTERED] = row + 1
        message = feed.message[row]
        if lanes.links[message, PLACE] != row or queue.state[message] != READY:
            continue
        queue.counts[IN_WINDOW] += 1
        lane = _lane(lanes, message)
        _append(lanes, lane, message)
        if lanes.n[lane, HEAD] == message:
            _offer(queue.state, lanes, lane, GROUPS)


@inlined
def _take(now, b, policy, c):
    """Hand consumer ``c`` what it may have now; returns how many."""
    limit = policy.batch if policy.push == 0 else 1
    limit = min(limit, policy.max_in_flight - b.queue.counts[IN_FLIGHT_NOW])
    n = 0
    lane = -1
    while n < limit:
        if policy.pick == ONE:
            lane = 0 if _front(b.queue.state, b.lanes, 0) >= 0 else -1
        elif policy.pick == PRIORITY:
            lane = _highest(b.queue.state, b.lanes)
        elif policy.pick == GROUPS:
            lane = _pick_group(b.queue.state, b.lanes, lane)
        elif policy.pick == FAIR:
            lane = _pick_fair(now, b.queue, b.lanes, policy)
        else:
            lane = _pick_span(b.queue, b.lanes, policy.span, c)
        if lane < 0:
            break
        message = b.lanes.n[lane, HEAD]
        _pop(b.lanes, lane)
        if b.queue.receives[message] >= policy.max_receives:
            b.queue.counts[READY_NOW] -= 1
            _bury(b.queue, b.lanes, message, policy)
            if policy.pick == GROUPS:
                _let_in(b.feed, b.queue, b.lanes, policy)
        else:
            _deliver(now, b, policy, c, message)
            n += 1
        if policy.pick == FAIR:
            _offer(b.queue.state, b.lanes, lane, FAIR)
    if policy.pick == GROUPS and lane >= 0 and b.lanes.n[lane, IN_LANE] == 0:
        _offer(b.queue.state, b.lanes, lane, GROUPS)
    if policy.pick == SPANS and n > 0:
        b.queue.counts[ROTOR] = (b.queue.counts[ROTOR] + 1) % (b.lanes.n.shape[0] - 1)
    return n


# The way in.


@resumable
def _drop_heads(queue, lanes, policy):
    """Make a queue that drops its head no longer than it may be."""
    while queue.counts[READY_NOW] > policy.max_length:
        lane = _highest(queue.state, lanes)
        message = lanes.n[lane, HEAD]
        _pop(lanes, lane)
        queue.counts[READY_NOW] -= 1
        _bury(queue, lanes, message, policy)


@inlined
def _come(now, b, policy, message):
    """A message reaches the queue, which may be full."""
    if policy.overflow != DROP_HEAD and b.queue.counts[READY_NOW] >= policy.max_length:
        b.queue.counts[REFUSALS] += 1
        if np.isfinite(policy.republish_s):
            b.queue.state[message] = WAITING
            b.queue.counts[WAITING_NOW] += 1
            push(b.events, now + policy.republish_s, AGAIN, message, 0)
        elif policy.overflow == REJECT_DEAD:
            _finalise(b.queue, b.lanes, message, DEAD, policy.pick)
        else:
            _finalise(b.queue, b.lanes, message, REFUSED, policy.pick)
        return
    b.queue.state[message] = READY
    b.queue.counts[READY_NOW] += 1
    if policy.pick == GROUPS and b.lanes.links[message, PLACE] >= b.queue.counts[ENTERED]:
        return  # the window lets it in
    lane = _lane(b.lanes, message)
    _append(b.lanes, lane, message)
    if policy.pick in (GROUPS, FAIR) and b.lanes.n[lane, HEAD] == message:
        _offer(b.queue.state, b.lanes, lane, policy.pick)


@inlined
def _register(lanes, message):
    """SPANS: number a message within its lane."""
    lane = _lane(lanes, message)
    lanes.window[message, FOLLOWER] = -1
    lanes.window[message, OFFSET] = 0
    newest = lanes.n[lane, NEWEST]
    if newest >= 0:
        lanes.window[newest, FOLLOWER] = message
        lanes.window[message, OFFSET] = lanes.window[newest, OFFSET] + 1
    lanes.n[lane, NEWEST] = message
    if lanes.n[lane, FIRST_OPEN] < 0:
        lanes.n[lane, FIRST_OPEN] = message


@inlined
def _arrival_s(feed, counts, delay_s):
    row = counts[ROW]
    return feed.enqueued_s[row] + delay_s if row < feed.n[0] else np.inf


@inlined
def _expiry_s(feed, counts, age_s):
    row = counts[RETENTION_ROW]
    if row < counts[ROW]:
        return feed.enqueued_s[row] + age_s
    return np.inf


@inlined
def _catch_up(now, b, policy, waiting):
    """Arrivals and ends of retention up to ``now``; True: stopped for one that is awaited."""
    while True:
        arrival_s = _arrival_s(b.feed, b.queue.counts, policy.delay_s)
        expiry_s = _expiry_s(b.feed, b.queue.counts, policy.delay_s + policy.retention_s)
        if min(arrival_s, expiry_s) > now:
            return False
        if expiry_s <= arrival_s:
            row = b.queue.counts[RETENTION_ROW]
            b.queue.counts[RETENTION_ROW] = row + 1
            message = b.feed.message[row]
            if b.lanes.links[message, PLACE] == row:
                if b.queue.state[message] == IN_FLIGHT:
                    b.queue.state[message] = OVERDUE
                elif b.queue.state[message] == READY:
                    b.queue.counts[READY_NOW] -= 1
                    _finalise(b.queue, b.lanes, message, EXPIRED, policy.pick)
            continue
        row = b.queue.counts[ROW]
        b.queue.counts[ROW] = row + 1
        message = b.feed.message[row]
        if b.queue.wanted.size > 0 and b.queue.wanted[message] == 0:
            continue
        b.queue.counts[ARRIVED] += 1
        b.lanes.links[message, PLACE] = row
        if b.queue.same.size > 0:
            same = b.queue.same[message]
            if arrival_s - b.queue.let_in_s[same] < policy.dedup_s:
                b.queue.counts[REFUSALS] += 1
                b.queue.state[message] = REFUSED
                b.queue.counts[REMOVED] += 1
                continue
            b.queue.let_in_s[same] = arrival_s
        if policy.pick == SPANS:
            _register(b.lanes, message)
        _come(arrival_s, b, policy, message)
        if waiting:
            return True
        if policy.overflow == DROP_HEAD and b.queue.counts[READY_NOW] > policy.max_length:
            _drop_heads(b.queue, b.lanes, policy)


@inlined
def _sample(queue):
    """Take the sample of the grid that is due."""
    counts = queue.counts
    sample = counts[GRID_NEXT]
    queue.grid[sample, GRID_CAME] = counts[ARRIVED]
    queue.grid[sample, GRID_READY] = counts[READY_NOW]
    queue.grid[sample, GRID_IN_FLIGHT] = counts[IN_FLIGHT_NOW] + counts[WAITING_NOW]
    counts[GRID_NEXT] = sample + 1


# Rare events.


@resumable
def _take_back(now, b, policy, c, oldest, epoch, why):
    """Unacknowledged deliveries over a consumer's connections ``oldest`` to ``epoch`` come back."""
    d = b.pool.meta[FIRST]
    while d >= 0:
        after = b.pool.n[d, AFTER]
        # A consumer that pulls has its acks under way heard before its end.
        heard = policy.push == 0 and b.pool.n[d, HAS] & WIRE != 0
        if b.pool.n[d, CONSUMER] == c and oldest <= b.pool.n[d, CONNECTION] <= epoch and not heard:
            _forget(now, b.queue.counts, b.lanes, b.pool, policy, d)
            _give_back(b.queue, b.lanes, b.pool.n[d, MESSAGE], why, policy)
            _free_if_forgotten(b.pool, d)
        d = after


@resumable
def _close(now, b, policy, c, epoch, why):
    """The broker closes a connection: its unacknowledged deliveries come back at once, or not."""
    if policy.closes == 1:
        _take_back(now, b, policy, c, 0, epoch, why)
    if 0 <= b.consumers.n[c, CONNECTED] <= epoch:
        b.consumers.n[c, CONNECTED] = -1
        b.consumers.n[c, UNACKED] = 0
        _unwait(b.consumers, c)
    if b.queue.counts[ACTIVE] == c and b.queue.counts[ACTIVE_EPOCH] <= epoch:
        _choose_active(b.queue.counts, b.consumers, policy)
    if policy.closes == 1 and b.consumers.n[c, ALIVE] == 1 and b.consumers.n[c, EPOCH] == epoch:
        # The process lives: it finishes what it works on, for nothing, and subscribes again.
        empty_hands(b.queue, b.pool, b.consumers, c, False)
        b.consumers.n[c, EPOCH] += 1
        if b.consumers.n[c, CUT] == 0 and b.consumers.n[c, STOPPING] == 0:
            at_s = max(now, b.consumers.s[c, RESUME_S]) + policy.reopen_s
            push(b.events, at_s, JOIN, c, b.consumers.n[c, EPOCH])


@resumable
def _unlock(now, b, policy):
    """The oldest delivery has been out for too long."""
    d = b.pool.meta[FIRST]
    c = b.pool.n[d, CONSUMER]
    if policy.lock_closes == 1:
        _close(now, b, policy, c, b.pool.n[d, CONNECTION], BY_LOCK)
        return
    _forget(now, b.queue.counts, b.lanes, b.pool, policy, d)
    _give_back(b.queue, b.lanes, b.pool.n[d, MESSAGE], BY_LOCK, policy)
    _free_if_forgotten(b.pool, d)


@inlined
def _unlock_s(pool, lock_s, sweep_s):
    """When the oldest lock ends, as the broker notices it."""
    if pool.meta[FIRST] < 0:
        return np.inf
    at_s = pool.s[pool.meta[FIRST], SENT_S] + lock_s
    if sweep_s > 0.0 and np.isfinite(at_s):
        at_s = np.ceil(at_s / sweep_s) * sweep_s
    return at_s


@inlined
def _finish(now, b, policy, c, s):
    """A consumer is done with what is in a slot, one way or the other; False: it died of it."""
    d = b.consumers.slot[c, s]
    message = b.pool.n[d, MESSAGE]
    verdict = OK
    if b.poison.n.shape[0] > 0:
        k = _poisoned(b.poison, message)
        if k >= 0:
            b.poison.n[k, LEFT] -= 1
            verdict = policy.on_kill if b.poison.n[k, KILLS] == 1 else policy.on_failure
            if verdict == DIE:
                crash(now, b, policy, c)
                if np.isfinite(b.poison.restart_s[k]):
                    push(b.events, now + b.poison.restart_s[k], START, c, b.consumers.n[c, EPOCH])
                return False
    if verdict == OK:
        _affect(now, b.queue, message)
    b.consumers.slot[c, s] = -1
    b.consumers.idle_slot[c, b.consumers.n[c, IDLE]] = s
    b.consumers.n[c, IDLE] += 1
    b.queue.counts[HELD] -= 1
    if policy.ack != LATE and b.pool.n[d, HAS] & OWED == 0:
        b.pool.n[d, HAS] -= CLIENT
        b.pool.n[d, VERDICT] = verdict
        if b.pool.n[d, HAS] & WIRE == 0 and verdict != OK and b.queue.state[message] == ACKED:
            # Acknowledged and gone; what the failure makes of it comes after the fact.
            b.queue.counts[REMOVED] -= 1
            _settle_late(now, b, policy, message, verdict)
        _free_if_forgotten(b.pool, d)
        return True
    b.consumers.n[c, CHUNK] += 1
    if verdict == LEAVE:
        b.pool.n[d, HAS] -= CLIENT
        _free_if_forgotten(b.pool, d)
    else:
        b.pool.n[d, VERDICT] = verdict
        b.pool.n[d, THEN] = -1
        if b.consumers.n[c, DONE] < 0:
            b.consumers.n[c, DONE] = d
        else:
            b.pool.n[b.consumers.n[c, DONE_END], THEN] = d
        b.consumers.n[c, DONE_END] = d
    if verdict != OK and policy.stop_batch == 1:
        rest = b.consumers.n[c, BUFFER]
        while rest >= 0:
            then = b.pool.n[rest, THEN]
            _let_go(b.queue, b.pool, rest)
            rest = then
        b.consumers.n[c, BUFFER] = -1
    return True


@resumable
def _settle_copy(now, b, policy, d, worked_on):
    """An ack of a copy that the broker took back: it is one of the copy that is out now.

    Unless that one has been published since, and has a tag of its own.
    """
    message = b.pool.n[d, MESSAGE]
    other = b.pool.meta[FIRST]
    while b.pool.n[other, MESSAGE] != message:
        other = b.pool.n[other, AFTER]
    if b.pool.n[other, TAG] == b.pool.n[d, TAG]:
        _forget(now, b.queue.counts, b.lanes, b.pool, policy, other)
        _free_if_forgotten(b.pool, other)
        _settle_verdict(now, b, policy, message, b.pool.n[d, VERDICT], worked_on)


@inlined
def _acknowledge(now, b, policy, first):
    """A chain of acks reaches the broker."""
    d = first
    while d >= 0:
        then = b.pool.n[d, THEN]
        message = b.pool.n[d, MESSAGE]
        c = b.pool.n[d, CONSUMER]
        b.pool.n[d, HAS] -= WIRE
        worked_on = b.pool.n[d, HAS] & CLIENT != 0
        if b.pool.n[d, HAS] & BROKER:
            _forget(now, b.queue.counts, b.lanes, b.pool, policy, d)
            _settle_verdict(now, b, policy, message, b.pool.n[d, VERDICT], worked_on)
            if policy.pick == GROUPS:
                lane = _lane(b.lanes, message)
                if b.lanes.n[lane, IN_LANE] == 0 and b.lanes.n[lane, HEAP_AT] < 0:
                    _offer(b.queue.state, b.lanes, lane, GROUPS)
        elif (
            policy.late_ack == 1
            and b.pool.n[d, VERDICT] == OK
            and b.queue.state[message] == READY
            and (policy.any_copy == 1 or b.queue.receives[message] == b.pool.n[d, RECEIPT])
        ):
            b.queue.counts[READY_NOW] -= 1
            _finalise(b.queue, b.lanes, message, ACKED, policy.pick)
        elif policy.any_copy == 1 and b.queue.state[message] in (IN_FLIGHT, OVERDUE):
            _settle_copy(now, b, policy, d, worked_on)
        if policy.push == 1 and b.pool.n[d, CONNECTION] == b.consumers.n[c, CONNECTED]:
            b.consumers.n[c, UNACKED] -= 1
            _wait_if_credit(b.queue.counts, b.consumers, policy, c)
        _free_if_forgotten(b.pool, d)
        d = then


@resumable
def _rare(now, b, policy, kind, ref, stamp):
    """What seldom happens; returns the consumer that may have something to do, -1: none."""
    if kind == GIVE_UP:
        if b.consumers.n[ref, CALL] == stamp and b.consumers.n[ref, AHEAD] >= 0:
            _unwait(b.consumers, ref)
            b.queue.counts[EMPTY_RECEIVES] += 1
            push(b.events, now + b.consumers.s[ref, HALF_S], REPLY, ref, stamp)
    elif kind == JOIN:
        # A process that starts in the place of one of which the broker has not noticed yet that it
        # is dead takes its place at once.
        old = b.consumers.n[ref, CONNECTED]
        if b.consumers.n[ref, ALIVE] == 1 and b.consumers.n[ref, EPOCH] == stamp and old != stamp:
            if old >= 0:
                _close(now, b, policy, ref, old, BY_CLOSE)
            b.consumers.n[ref, CONNECTED] = stamp
            b.consumers.n[ref, UNACKED] = 0
            b.consumers.n[ref, JOINED] = b.queue.counts[JOINS]
            b.queue.counts[JOINS] += 1
            if policy.single_active == 1 and b.queue.counts[ACTIVE] < 0:
                _choose_active(b.queue.counts, b.consumers, policy)
            _wait_if_credit(b.queue.counts, b.consumers, policy, ref)
    elif kind == CANCEL:
        if b.consumers.n[ref, CONNECTED] == stamp:
            b.consumers.n[ref, JOINED] = -1
            _unwait(b.consumers, ref)
            if b.queue.counts[ACTIVE] == ref:
                _choose_active(b.queue.counts, b.consumers, policy)
    elif kind == CLOSE:
        _close(now, b, policy, ref, stamp, BY_CLOSE)
    elif kind == HAND_BACK:
        _take_back(now, b, policy, ref, stamp, stamp, BY_CLOSE)
    elif kind == AGAIN:
        b.queue.counts[WAITING_NOW] -= 1
        _come(now, b, policy, ref)
    elif kind == DUE:
        c = b.pool.n[ref, CONSUMER]
        if b.pool.n[ref, CONNECTION] == b.consumers.n[c, EPOCH]:
            b.pool.n[ref, HAS] -= LATER
            if policy.ack != AUTO and b.pool.n[ref, CONNECTION] == b.consumers.n[c, CONNECTED]:
                b.consumers.n[c, UNACKED] += 1
                if b.consumers.n[c, UNACKED] >= policy.prefetch:
                    _unwait(b.consumers, c)
            b.pool.n[ref, THEN] = -1
            if b.consumers.n[c, RIPE] < 0:
                b.consumers.n[c, RIPE] = ref
            else:
                b.pool.n[b.consumers.n[c, RIPE_END], THEN] = ref
            b.consumers.n[c, RIPE_END] = ref
            return c
        else:
            _let_go(b.queue, b.pool, ref)
    elif b.consumers.n[ref, ALIVE] == 0 and b.consumers.n[ref, EPOCH] == stamp:
        start(now, b, policy, ref)
    return -1


# Verbs of the faults; they act at ``now``, the time to which `work` has come.


@resumable
def pause(now, b, c, resume_s):
    """The whole process stands still until ``resume_s``."""
    slots = b.consumers.slot.shape[1]
    shift_s = resume_s - max(now, b.consumers.s[c, RESUME_S])
    b.consumers.s[c, RESUME_S] = resume_s
    for s in range(slots):
        if b.consumers.slot[c, s] >= 0:
            b.consumers.end_s[c, s] += shift_s
            push(b.events, b.consumers.end_s[c, s], FINISH, c * slots + s, 0)


@resumable
def slow(now, b, c, factor):
    """Service takes ``factor`` times as long from now on."""
    slots = b.consumers.slot.shape[1]
    ratio = factor / b.consumers.s[c, FACTOR]
    b.consumers.s[c, FACTOR] = factor
    from_s = max(now, b.consumers.s[c, RESUME_S])
    for s in range(slots):
        if b.consumers.slot[c, s] >= 0:
            b.consumers.end_s[c, s] = from_s + (b.consumers.end_s[c, s] - from_s) * ratio
            push(b.events, b.consumers.end_s[c, s], FINISH, c * slots + s, 0)


@resumable
def terminate(now, b, policy, c):
    """SIGTERM: finish what is in hand, give back the rest, and leave."""
    b.consumers.n[c, STOPPING] = 1
    if policy.push == 1:
        if b.consumers.n[c, CUT] == 0 and b.consumers.n[c, CONNECTED] == b.consumers.n[c, EPOCH]:
            _send(now, b, c, CANCEL, c, b.consumers.n[c, EPOCH])
        push(b.events, now, WAKE, c, 0)
    elif b.consumers.n[c, AHEAD] >= 0 or b.consumers.n[c, CALLING] == HELD_UP:
        crash(now, b, policy, c)
    else:
        push(b.events, now, WAKE, c, 0)


@resumable
def cut_off(now, b, policy, c):
    """The network between consumer and broker is gone; what is under way from it arrives."""
    b.consumers.n[c, CUT] = 1
    if policy.push == 1:
        d = b.consumers.n[c, BUFFER]
        while d >= 0:
            if b.pool.s[d, ARRIVE_S] > now:
                b.pool.s[d, ARRIVE_S] = np.inf
            d = b.pool.n[d, THEN]
    elif b.consumers.n[c, ALIVE] == 1:
        first = b.consumers.n[c, BUFFER]
        if first >= 0 and b.pool.s[first, ARRIVE_S] > now:
            # The answer is lost with all its messages.
            empty_hands(b.queue, b.pool, b.consumers, c, False)
            b.consumers.n[c, CALLING] = UNDER_WAY
        if b.consumers.n[c, CALLING] == UNDER_WAY:
            _unwait(b.consumers, c)
            b.consumers.n[c, CALL] += 1
            b.consumers.n[c, CALLING] = HELD_UP


@resumable
def reconnect(now, b, policy, c):
    """The network is back: what was held up is sent; a connection that was closed, opened anew."""
    b.consumers.n[c, CUT] = 0
    if policy.push == 0:
        if b.consumers.n[c, ALIVE] == 1 and b.consumers.n[c, CALLING] == HELD_UP:
            b.consumers.n[c, CALLING] = 0
            push(b.events, now, WAKE, c, 0)
        return
    connected = b.consumers.n[c, CONNECTED]
    if connected >= 0 and connected != b.consumers.n[c, EPOCH]:
        _send(now, b, c, CLOSE, c, connected)
    if b.consumers.n[c, ALIVE] == 0:
        return
    if connected == b.consumers.n[c, EPOCH]:
        arrive_s = now + _half_s(b.queue.counts, b.receive_latency_s, RECEIVE_CALLS)
        b.consumers.s[c, INBOUND_S] = max(b.consumers.s[c, INBOUND_S], arrive_s)
        d = b.consumers.n[c, BUFFER]
        while d >= 0:
            b.pool.s[d, ARRIVE_S] = min(b.pool.s[d, ARRIVE_S], b.consumers.s[c, INBOUND_S])
            d = b.pool.n[d, THEN]
        push(b.events, now, WAKE, c, 0)
        if b.consumers.n[c, DONE] >= 0:
            send_acks(now, b, policy, c)
        for s in range(b.consumers.slot.shape[1]):
            d = b.consumers.slot[c, s]
            if d >= 0 and b.pool.n[d, HAS] & OWED != 0:
                b.pool.n[d, HAS] += WIRE - OWED
                b.pool.n[d, THEN] = -1
                _send(now, b, c, ACK, d, 0)
        if b.consumers.n[c, STOPPING] == 1:
            _send(now, b, c, CANCEL, c, connected)
    elif b.consumers.n[c, STOPPING] == 0:
        _send(now, b, c, JOIN, c, b.consumers.n[c, EPOCH])


@resumable
def disconnect(now, b, c):
    """The broker has heard nothing for too long: it closes the connection."""
    if b.consumers.n[c, CONNECTED] >= 0:
        push(b.events, now, CLOSE, c, b.consumers.n[c, CONNECTED])


@resumable
def work(until_s, b, policy):
    """Advance queue and consumers to ``until_s`` (inclusive); returns True if room ran out.

    True means that the state is whole, but the pool of deliveries or the heap of events is too
    small to go on: enlarge them and call again. Stops early once every message is gone for good
    and no consumer has any in hand.
    """
    slots = b.consumers.slot.shape[1]
    anchor = b.consumers.n.shape[0] - 1
    spare = policy.batch + slots + anchor + 8
    # A refusal leads to an event of its own; other arrivals can wait until somebody looks.
    sends_again = policy.overflow != DROP_HEAD and np.isfinite(policy.republish_s)
    stuck = False
    while True:
        if (
            b.pool.meta[USED] + policy.batch > b.pool.n.shape[0]
            or b.events.size[STORED] + spare > b.events.at_s.size
        ):
            return True
        if (
            policy.pick == GROUPS
            and b.queue.counts[IN_WINDOW] < policy.look_ahead
            and b.queue.counts[ENTERED] < b.queue.counts[ROW]
        ):
            _let_in(b.feed, b.queue, b.lanes, policy)
        if (
            not stuck
            and b.queue.counts[READY_NOW] > 0
            and b.queue.counts[IN_FLIGHT_NOW] < policy.max_in_flight
        ):
            now = b.queue.clock_s[0]
            c = b.consumers.n[anchor, BEHIND]
            n = 0
            while c != anchor:
                n = _take(now, b, policy, c)
                if n > 0 or policy.pick != SPANS:
                    break
                c = b.consumers.n[c, BEHIND]
            if n > 0:
                _unwait(b.consumers, c)
                if policy.push == 1:
                    _wait_if_credit(b.queue.counts, b.consumers, policy, c)
                else:
                    b.consumers.n[c, CALLING] = 0
                    b.queue.counts[FOUND] += 1
                    if b.queue.counts[ASKING] == c:
                        b.queue.counts[ASKING] = -1
                continue
        stuck = True
        if policy.overflow == DROP_HEAD and b.queue.counts[READY_NOW] > policy.max_length:
            _drop_heads(b.queue, b.lanes, policy)
            # SPANS: behind a head that was outside the window there may be one that goes at once.
            stuck = False
            continue
        c = b.queue.counts[ASKING]
        if c >= 0:
            b.queue.counts[ASKING] = -1
            if policy.wait_s > 0.0:
                push(
                    b.events, b.queue.clock_s[0] + policy.wait_s, GIVE_UP, c, b.consumers.n[c, CALL]
                )
            else:
                _unwait(b.consumers, c)
                b.queue.counts[EMPTY_RECEIVES] += 1
                push(
                    b.events,
                    b.queue.clock_s[0] + b.consumers.s[c, HALF_S],
                    REPLY,
                    c,
                    b.consumers.n[c, CALL],
                )
        unlock_s = _unlock_s(b.pool, policy.lock_s, policy.sweep_s)
        now = min(unlock_s, b.events.at_s[0] if b.events.size[STORED] > 0 else np.inf)
        if b.consumers.n[anchor, BEHIND] != anchor or sends_again:
            arrival_s = min(
                _arrival_s(b.feed, b.queue.counts, policy.delay_s),
                _expiry_s(b.feed, b.queue.counts, policy.delay_s + policy.retention_s),
            )
            now = min(now, max(b.queue.clock_s[0], arrival_s))
        gone = b.queue.counts[REMOVED] == b.queue.counts[TOTAL] and b.queue.counts[HELD] == 0
        sample_s = np.inf
        if b.queue.counts[GRID_NEXT] < b.queue.grid_s.size:
            sample_s = b.queue.grid_s[b.queue.counts[GRID_NEXT]]
        # Sampled is what there was before anything else happens.
        samples = sample_s <= until_s and (gone or sample_s < now)
        if samples:
            now = sample_s
        elif gone or now > until_s:
            return False
        else:
            b.queue.clock_s[0] = now
            b.queue.counts[CURSOR_LANE] = -1
            stuck = False
        waiting = not samples and b.consumers.n[anchor, BEHIND] != anchor
        awaited = _catch_up(now, b, policy, waiting)
        if samples:
            _sample(b.queue)
        if samples or awaited:
            continue
        if unlock_s <= now:
            while _unlock_s(b.pool, policy.lock_s, policy.sweep_s) <= now:
                _unlock(now, b, policy)
            continue
        if b.events.size[STORED] == 0 or b.events.at_s[0] > now:
            continue
        kind = b.events.n[0, KIND]
        ref = b.events.n[0, REF]
        stamp = b.events.n[0, STAMP]
        _drop_first(b.events)
        busy = -1
        if kind == FINISH:
            c = ref // slots
            s = ref % slots
            if b.consumers.slot[c, s] >= 0 and b.consumers.end_s[c, s] == now:
                busy = c
                if not _finish(now, b, policy, c, s):
                    busy = -1
                elif b.consumers.n[c, CHUNK] >= policy.ack_every or (
                    b.consumers.n[c, CHUNK] > 0
                    and b.consumers.n[c, BUFFER] < 0
                    and b.consumers.n[c, IDLE] == slots
                ):
                    send_acks(now, b, policy, c)
        elif kind == ACK:
            _acknowledge(now, b, policy, ref)
        elif kind == WAKE:
            if b.consumers.s[ref, WAKE_S] == now:
                b.consumers.s[ref, WAKE_S] = np.inf
            busy = ref
        elif kind == REPLY:
            if b.consumers.n[ref, CALL] == stamp:
                b.consumers.n[ref, CALLING] = 0
                busy = ref
        elif kind == ASK:
            if b.consumers.n[ref, CALL] == stamp:
                _wait(b.consumers, ref)
                b.queue.counts[ASKING] = ref
        else:
            busy = _rare(now, b, policy, kind, ref, stamp)
        if busy >= 0:
            _look_for_work(now, b, policy, busy)
