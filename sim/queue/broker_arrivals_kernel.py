"""The way into a queue: messages come, pass the queue's limits, and grow too old.

And the samples, which are of what there was before anything else happens.
"""

from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue import broker_consumers_kernel as consumers_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_messages_kernel as messages_kernel
from sim.queue import broker_picks_kernel as picks_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def let_in(b: BrokerState) -> None:
    """GROUPS: let messages into the window at which a FIFO queue looks."""
    while b.lanes.in_window < b.policy.look_ahead and b.lanes.entered < b.row:
        row = b.lanes.entered
        b.lanes.entered += 1
        message = b.feed.message[row]
        if b.lanes.place[message] != row or b.messages.state[message] != codes.READY:
            continue
        b.lanes.in_window += 1
        lane = lanes_kernel.lane_of(b.lanes, message)
        lanes_kernel.append(b.lanes, lane, message)
        if b.lanes.head[lane] == message:
            lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)


def is_too_long(b: BrokerState) -> bool:
    """Whether a queue that drops its head has to: what is delayed counts, and cannot go."""
    length = b.messages.ready_now + b.messages.delayed_now
    return length > b.policy.max_length and b.messages.ready_now > 0


def drop_heads(b: BrokerState) -> None:
    """Make a queue that drops its head no longer than it may be."""
    while is_too_long(b):
        lane = picks_kernel.highest(b.lanes, b.messages, b.policy)
        message = b.lanes.head[lane]
        lanes_kernel.pop(b.lanes, lane)
        picks_kernel.take_turn(b.lanes, b.policy, lane)
        b.messages.ready_now -= 1
        limits_kernel.act(b.limits, codes.LIMIT_DROPPED, b.times.at_s, b.times.at_s)
        settling_kernel.bury(b, message, codes.WAS_READY, codes.DIED_MAXLEN)


def _refuse(b: BrokerState, now: float, message: int) -> None:
    """A message finds the queue full."""
    b.messages.refusals += 1
    limits_kernel.act(b.limits, codes.LIMIT_REFUSED, now, now)
    again_s = b.policy.republish_s
    if b.messages.letter.shape[0] > 0 and b.messages.letter[message] == 1:
        again_s = b.policy.letters_again_s
    if num.isfinite(again_s):
        if b.messages.effects[message] == 0:
            from_s = now
            if b.times.eta_of.shape[0] > 0:
                from_s = max(from_s, b.times.eta_of[message])
            row = times_kernel.row_for(b.times, message)
            b.times.before[row, codes.MET_SEND] += max(0.0, now + again_s - from_s)
        b.messages.state[message] = codes.WAITING
        b.messages.waiting_now += 1
        events_kernel.push(b.events, now + again_s, codes.AGAIN, message, 0)
    elif b.policy.overflow == codes.REJECT_DEAD:
        if b.policy.moves == 1:
            settling_kernel.bury(b, message, codes.WAS_REFUSED, codes.DIED_MAXLEN)
        else:
            settling_kernel.finalise(b, message, codes.DEAD)
    else:
        settling_kernel.finalise(b, message, codes.REFUSED)


def come(b: BrokerState, now: float, message: int) -> bool:
    """A message reaches the queue; False: that is full."""
    length = b.messages.ready_now + b.messages.delayed_now
    if b.policy.overflow != codes.DROP_HEAD and length >= b.policy.max_length:
        _refuse(b, now, message)
        return False
    b.messages.state[message] = codes.READY
    b.messages.ready_now += 1
    if b.messages.expires_s.shape[0] > 0:
        ttl_s = messages_kernel.ttl_of(b.messages, b.policy.retention_s, message)
        b.messages.expires_s[message] = now + ttl_s
    if b.policy.pick == codes.GROUPS and b.lanes.place[message] >= b.lanes.entered:
        return True  # the window lets it in
    lane = lanes_kernel.lane_of(b.lanes, message)
    lanes_kernel.append(b.lanes, lane, message)
    if (b.policy.pick == codes.GROUPS or b.policy.pick == codes.FAIR) and b.lanes.head[
        lane
    ] == message:
        lanes_kernel.offer(b.lanes, b.messages, lane, b.policy.pick)
    return True


def publish_begins_s(b: BrokerState) -> float:
    """When the queue's process can begin with the next message; inf: none is known of."""
    if b.messages.wanted.shape[0] > 0:
        while b.row < b.feed.n[0] and b.messages.wanted[b.feed.message[b.row]] == 0:
            b.row += 1
    if b.row < b.feed.n[0]:
        if b.feed.enqueued_s[b.row] < 0.0:
            return -b.policy.publish_s  # it is taken in since before the start
        return max(b.free_s, num.double(b.feed.enqueued_s[b.row]))
    return num.INF


def _arrival_s(b: BrokerState) -> float:
    """When the next message comes; inf: none is known of."""
    if b.limited:
        return publish_begins_s(b) + b.policy.publish_s
    if b.row < b.feed.n[0]:
        # What came before the start is there when that comes.
        return max(0.0, num.double(b.feed.enqueued_s[b.row]) + b.policy.delay_s)
    return num.INF


def _take_in(b: BrokerState, arrival_s: float) -> None:
    """The queue's process has taken the next message in."""
    came_s = num.double(b.feed.enqueued_s[b.row])
    waited_s = arrival_s - b.policy.publish_s - came_s
    if waited_s > b.policy.long_s:
        b.full_from_s = min(b.full_from_s, came_s + b.policy.long_s)
        b.full_until_s = arrival_s - b.policy.publish_s
        limits_kernel.act(b.limits, codes.LIMIT_PROCESS, came_s, b.full_until_s)
    b.free_s = arrival_s
    b.published = True


def _expiry_s(b: BrokerState) -> float:
    """When the next row of the feed is too old; inf: none has come that is not."""
    if b.policy.at_head == 1:
        return max(0.0, _head_expires_s(b))
    if b.retention_row < b.row:
        age_s = b.policy.delay_s + b.policy.retention_s
        return max(0.0, num.double(b.feed.enqueued_s[b.retention_row]) + age_s)
    return num.INF


def _head_expires_s(b: BrokerState) -> float:
    """When the first message is too old; inf: there is none, or it may wait for ever."""
    lane = _oldest_head(b)
    return num.double(b.messages.expires_s[b.lanes.head[lane]]) if lane >= 0 else num.INF


def _oldest_head(b: BrokerState) -> int:
    """The lane whose first message is the next that is too old; -1: no message is ready."""
    if b.messages.ready_now <= 0:
        return -1
    if b.policy.heads == 0:
        return picks_kernel.highest(b.lanes, b.messages, b.policy)
    oldest = -1
    for lane in range(b.lanes.lanes):
        message = lanes_kernel.front(b.lanes, b.messages, lane)
        if message >= 0 and (
            oldest < 0
            or b.messages.expires_s[message] <= b.messages.expires_s[b.lanes.head[oldest]]
        ):
            oldest = lane
    return oldest


def _expire_head(b: BrokerState) -> None:
    """The first message is too old, and goes now (RQ-17)."""
    lane = _oldest_head(b)
    message = b.lanes.head[lane]
    lanes_kernel.pop(b.lanes, lane)
    picks_kernel.take_turn(b.lanes, b.policy, lane)
    b.messages.ready_now -= 1
    due_s = num.double(b.messages.expires_s[message])
    if due_s < b.times.at_s:
        limits_kernel.act(b.limits, codes.LIMIT_BEHIND, due_s, b.times.at_s)
    limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, b.times.at_s, b.times.at_s)
    settling_kernel.bury(b, message, codes.WAS_READY, codes.DIED_EXPIRED)


def expire_heads(b: BrokerState) -> None:
    """Before anything is handed over: what is first and too old goes.

    What has come just now with no time to live at all may still be handed over at once.
    """
    while _head_expires_s(b) < b.clock_s:
        _expire_head(b)


def next_s(b: BrokerState) -> float:
    """When a message comes or is too old."""
    return min(_arrival_s(b), _expiry_s(b))


def _expire(b: BrokerState) -> None:
    """The retention of a row of the feed ends."""
    if b.policy.at_head == 1:
        _expire_head(b)
        return
    _end_retention(b, b.times.at_s)


def _end_retention(b: BrokerState, at_s: float) -> None:
    """The next row of the feed is kept no longer: what waits is gone, what is taken ends."""
    row = b.retention_row
    b.retention_row += 1
    message = b.feed.message[row]
    if b.lanes.place[message] != row:
        return
    if b.messages.state[message] == codes.IN_FLIGHT:
        b.messages.state[message] = codes.OVERDUE
    elif b.messages.state[message] == codes.READY:
        b.messages.ready_now -= 1
        settling_kernel.finalise(b, message, codes.EXPIRED)
        limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, at_s, at_s)


def _trim(b: BrokerState, now: float) -> None:
    """A message comes: others may go that are beyond what the queue keeps, taken or not (RT-01)."""
    keep_s = num.double(b.feed.enqueued_s[b.row - 1]) - b.policy.keep_s
    beyond = max(b.retention_row, b.row - b.policy.keep_rows)
    while num.double(b.feed.enqueued_s[beyond]) < keep_s:
        beyond += 1
    beyond -= beyond % b.policy.keep_whole
    while b.retention_row < beyond:
        _end_retention(b, now)


def _is_repeated(b: BrokerState, message: int, at_s: float) -> bool:
    """Whether a message has the id of one that was let in a short time ago; then it is not.

    What waits at the start has been let in.
    """
    if b.messages.same.shape[0] == 0:
        return False
    if b.messages.letter.shape[0] > 0 and b.messages.letter[message] == 1:
        return False  # its id is that of the message itself now (SF-09)
    same = b.messages.same[message]
    if at_s >= 0.0 and at_s - b.messages.let_in_s[same] < b.policy.dedup_s:
        b.messages.refusals += 1
        b.messages.state[message] = codes.REFUSED
        b.messages.removed += 1
        return True
    b.messages.let_in_s[same] = at_s
    return False


def catch_up(b: BrokerState, now: float, waiting: bool) -> bool:
    """Arrivals and ends of retention up to ``now``; True: stopped for one that is awaited."""
    while True:
        arrival_s = _arrival_s(b)
        expiry_s = _expiry_s(b)
        if min(arrival_s, expiry_s) > now:
            return False
        if expiry_s <= arrival_s:
            _expire(b)
            continue
        row = b.row
        # Since when it is there: below 0 of what waits at the start.
        since_s = min(arrival_s, num.double(b.feed.enqueued_s[row]) + b.policy.delay_s)
        if b.limited and since_s >= 0.0:
            _take_in(b, arrival_s)
        b.row += 1
        if b.trims:
            _trim(b, arrival_s)
        message = b.feed.message[row]
        if b.messages.wanted.shape[0] > 0 and b.messages.wanted[message] == 0:
            continue
        b.messages.arrived += 1
        b.lanes.place[message] = row
        if since_s >= 0.0:
            since_s = arrival_s
        if _is_repeated(b, message, since_s):
            continue
        if b.policy.pick == codes.SPANS:
            lanes_kernel.register(b.lanes, message)
        fresh = b.messages.effects[message] == 0
        if b.times.entered_of.shape[0] > 0:
            b.messages.returns[message] = 0  # to this queue it is a new message
            b.messages.forgiven[message] = b.messages.receives[message]
            if fresh:
                entered_s = max(0.0, num.double(b.feed.enqueued_s[row]))
                b.times.entered_of[message] = entered_s
                if b.policy.delay_s > 0.0:
                    its = times_kernel.row_for(b.times, message)
                    b.times.before[its, codes.MET_DELAY] += arrival_s - entered_s
        if b.times.came_of.shape[0] > 0 and fresh:
            b.times.came_of[message] = arrival_s
        if come(b, arrival_s, message):
            if fresh:
                times_kernel.ready_from(b.times, message, arrival_s)
            if since_s < 0.0 and b.messages.expires_s.shape[0] > 0:
                b.messages.expires_s[message] += since_s
        if b.policy.notify == 1:
            consumers_kernel.notify(b.consumers, b.events, b.policy, arrival_s)
        if waiting:
            return True
        if b.policy.overflow == codes.DROP_HEAD and is_too_long(b):
            drop_heads(b)


def move_first(b: BrokerState) -> int:
    """Take the oldest message that is ready out of the queue, into its letters (SS-20).

    A message group of which something is in flight is passed over.

    Returns:
        which; -1: nothing is ready.
    """
    grouped = b.policy.pick == codes.GROUPS or b.policy.pick == codes.FAIR
    if b.policy.pick == codes.GROUPS:
        let_in(b)
    found = -1
    oldest = -1
    for lane in range(b.lanes.lanes):
        if b.policy.pick == codes.GROUPS and b.lanes.in_flight[lane] + b.lanes.held_up[lane] > 0:
            continue
        message: int = b.lanes.head[lane]
        while message >= 0 and b.messages.state[message] != codes.READY:
            message = b.lanes.behind[message]  # the heap is by the heads as they are
        if message >= 0 and (oldest < 0 or b.lanes.place[message] < b.lanes.place[oldest]):
            found = lane
            oldest = message
    if found < 0:
        return -1
    if grouped:
        lanes_kernel.leave_heap(b.lanes, found)
    lanes_kernel.front(b.lanes, b.messages, found)
    lanes_kernel.pop(b.lanes, found)
    b.messages.ready_now -= 1
    settling_kernel.move(b, oldest, codes.WAS_READY, codes.DIED_LIMIT)
    if grouped:
        lanes_kernel.offer(b.lanes, b.messages, found, b.policy.pick)
    if b.policy.pick == codes.GROUPS:
        let_in(b)
    return oldest


def expire_one(b: BrokerState, message: int) -> None:
    """A message is too old whose age does not count from when it came here (SS-19)."""
    if b.messages.state[message] == codes.IN_FLIGHT:
        b.messages.state[message] = codes.OVERDUE
    elif b.messages.state[message] == codes.READY:
        b.messages.ready_now -= 1
        settling_kernel.finalise(b, message, codes.EXPIRED)
        limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, b.times.at_s, b.times.at_s)


def sample_s(b: BrokerState) -> float:
    """When the next sample is due; inf: all are taken."""
    if b.samples.taken < b.samples.grid_s.shape[0]:
        return num.double(b.samples.grid_s[b.samples.taken])
    return num.INF


def sample(b: BrokerState) -> None:
    """Take the sample of the grid that is due."""
    at = b.samples.taken
    b.samples.came[at] = b.messages.arrived
    b.samples.ready[at] = b.messages.ready_now
    b.samples.in_flight[at] = b.messages.in_flight_now + b.messages.waiting_now
    b.samples.taken += 1
