"""What becomes of messages: they are gone for good, come back, or are published again later."""

from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue import broker_dead_rows_kernel as dead_rows_kernel
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue import broker_leases_kernel as leases_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_messages_kernel as messages_kernel
from sim.queue import broker_picks_kernel as picks_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def finalise(b: BrokerState, message: int, state: int) -> None:
    """A message is gone for good."""
    b.messages.state[message] = state
    b.messages.removed += 1
    if b.dies and state == codes.ACKED:
        dead_rows_kernel.die(b.dead, b.dead.done, b.clock_s)
    if b.policy.pick == codes.GROUPS or b.policy.pick == codes.SPANS:
        lanes_kernel.move_window(b.lanes, b.messages, message, b.policy.pick)


def bury(b: BrokerState, message: int, d: int, reason: int) -> None:
    """Dead-letter or drop a message that is neither ready nor in flight any more.

    Args:
        b: the queue.
        message: which.
        d: the delivery that it was in; WAS_READY, WAS_REFUSED.
        reason: DIED_…
    """
    if b.policy.moves == 1:
        move(b, message, d, reason)
    elif b.policy.dead_letters == 1:
        if b.policy.notes == 1:
            at = b.letters.n
            b.letters.n = at + 1
            b.letters.message[at] = message
            b.letters.at_s[at] = b.times.at_s
            b.letters.reason[at] = reason
        finalise(b, message, codes.DEAD)
    else:
        finalise(b, message, codes.EXPIRED if reason == codes.DIED_EXPIRED else codes.DROPPED)


def move(b: BrokerState, message: int, d: int, reason: int) -> None:
    """A message leaves for another queue, with what it has met so far (RQ-16)."""
    now: float = b.times.at_s
    at = b.letters.n
    b.letters.n = at + 1
    b.letters.message[at] = message
    b.letters.at_s[at] = now
    b.letters.reason[at] = reason
    b.messages.state[message] = codes.MOVED
    b.messages.moved += 1
    if b.policy.pick == codes.GROUPS:
        lanes_kernel.move_window(b.lanes, b.messages, message, b.policy.pick)
    entered_s = now
    if b.times.entered_of.shape[0] > 0:
        entered_s = num.double(b.times.entered_of[message])
    else:
        entered_s = max(0.0, num.double(b.feed.enqueued_s[b.lanes.place[message]]))
    if b.messages.effects[message] > 0:
        for k in range(codes.MET):
            b.letters.met[at, k] = 0.0
        b.letters.met[at, codes.MET_ATTEMPT] = now - entered_s
        return
    if d >= 0:
        times_kernel.come_back(b.times, b.deliveries, d, now)
    times_kernel.copy_past(b.times, message, b.letters.met, at)
    if b.times.came_of.shape[0] > 0 and b.times.came_of[message] > 0.0:
        waited_s = b.times.came_of[message] - b.policy.publish_s - entered_s
        b.letters.met[at, codes.MET_CEILING] += waited_s
        b.letters.met[at, codes.MET_SEND] += b.policy.publish_s
    if d == codes.WAS_READY:
        if b.consumers.anchor == 0 and b.policy.at_head == 1:
            ttl_s = messages_kernel.ttl_of(b.messages, b.policy.retention_s, message)
            if num.isfinite(ttl_s):
                # What waited before the start does not count.
                late_s = max(0.0, now - max(0.0, num.double(b.messages.expires_s[message])))
                ready_s = max(0.0, b.messages.expires_s[message] - ttl_s)
                b.letters.met[at, codes.MET_LINE] += late_s
                b.letters.met[at, codes.MET_DELAY] += now - ready_s - late_s
                return
        until_idle_s = -num.INF
        if b.by_lane:
            until_idle_s = b.times.freed[lanes_kernel.lane_of(b.lanes, message)]
        elif b.policy.single_active == 1 or b.by_ring:
            until_idle_s = b.times.idle_s
        times_kernel.add_ready(b.times, message, until_idle_s, b.letters.met, at)
    # What it waits for while a consumer rests is this queue's.
    in_line = b.policy.single_active == 1 or b.by_lane
    into = codes.MET_LINE if in_line else codes.MET_CEILING
    b.letters.met[at, into] += b.letters.met[at, codes.MET_IDLE]
    b.letters.met[at, codes.MET_IDLE] = 0.0


def forget(b: BrokerState, now: float, d: int) -> None:
    """The broker no longer waits for an ack of delivery ``d``."""
    lane = lanes_kernel.lane_of(b.lanes, b.deliveries.message[d])
    if b.policy.pick == codes.FAIR:
        time_s = now - b.deliveries.sent_s[d]
        picks_kernel.spend(b.lanes, now, lane, time_s, b.policy.recent_s)
        picks_kernel.spend(b.lanes, now, b.lanes.lanes, time_s, b.policy.recent_s)
    deliveries_kernel.await_no_more(b.deliveries, d)
    b.messages.in_flight_now -= 1
    b.lanes.in_flight[lane] -= 1
    if b.lanes.in_flight[lane] == 0:
        b.times.freed[lane] = b.times.idle_s


def lose(b: BrokerState, now: float, d: int) -> None:
    """A delivery is gone with its process, and nobody else knows of it (SK-01)."""
    message = b.deliveries.message[d]
    forget(b, now, d)
    if b.messages.effects[message] > 0:
        finalise(b, message, codes.ACKED)
    else:
        finalise(b, message, codes.LOST)
        limits_kernel.act(b.limits, codes.LIMIT_LOST, now, now)


def _throttled_s(b: BrokerState, now: float, d: int) -> float:
    """How long a delivery has waited for its invocation to be let in, s."""
    c = b.deliveries.consumer[d]
    waited_s = num.double(b.deliveries.loop_s[d])
    in_hand = b.deliveries.has[d] & codes.CLIENT != 0
    in_hand = in_hand and b.deliveries.connection[d] == b.consumers.epoch[c]
    if in_hand and b.function.stage[c] == codes.INVOKING:
        waited_s = now - b.function.asked_s[c]
    return waited_s


def is_given_back(b: BrokerState, d: int) -> bool:
    """Whether a consumer whose work failed has said when the message comes back."""
    given: bool = b.policy.failed_lock_s < num.INF and b.deliveries.verdict[d] == codes.REQUEUE
    return given


def _put_back(b: BrokerState, now: float, d: int, place: int) -> None:
    """The message of a delivery is ready again."""
    message = b.deliveries.message[d]
    into = picks_kernel.lane_back(b.lanes, b.policy, message, place)
    lanes_kernel.put_back(b.lanes, b.messages, message, into, place, b.policy.pick)
    if b.messages.effects[message] == 0:
        times_kernel.come_back(b.times, b.deliveries, d, now)
        if b.function.invoked:
            waited_s = _throttled_s(b, now, d)
            row = times_kernel.row_for(b.times, message)
            b.times.before[row, codes.MET_ATTEMPT] -= waited_s
            b.times.before[row, codes.MET_THROTTLED] += waited_s
        elif is_given_back(b, d):
            waited_s = now - b.deliveries.gone_s[d]
            row = times_kernel.row_for(b.times, message)
            b.times.before[row, codes.MET_LOCK] -= waited_s
            b.times.before[row, codes.MET_BACKOFF] += waited_s
        times_kernel.ready_from(b.times, message, now)


def _back_off(b: BrokerState, now: float, d: int, place: int) -> None:
    """The message of a delivery is ready again after a while; its group waits for it."""
    message = b.deliveries.message[d]
    wait_s = b.policy.back_off_s
    times = num.integer(b.messages.returns[message])
    if b.policy.back_off_linear == 1:
        wait_s *= num.double(max(times, 1))
    else:
        for _ in range(1, times):
            wait_s = min(2.0 * wait_s, b.policy.back_off_max_s)
    wait_s = min(wait_s, b.policy.back_off_max_s)
    if b.messages.effects[message] == 0:
        times_kernel.come_back(b.times, b.deliveries, d, now)
        row = times_kernel.row_for(b.times, message)
        waits_from_s = now
        if b.times.eta_of.shape[0] > 0:  # until then it waits for nothing else
            waits_from_s = max(now, b.times.eta_of[message])
        b.times.before[row, codes.MET_BACKOFF] += max(0.0, now + wait_s - waits_from_s)
    limits_kernel.act(b.limits, codes.LIMIT_BACKOFF, now, now)
    b.messages.state[message] = codes.WAITING
    b.messages.waiting_now += 1
    b.messages.delayed_now += 1
    b.lanes.held_up[lanes_kernel.lane_of(b.lanes, message)] += 1
    events_kernel.push(b.events, now + wait_s, codes.RETURN, message, place)


def come_again(b: BrokerState, now: float, message: int, place: int) -> None:
    """A message that came back and had to wait is ready again, unless it is too old by now."""
    lane = lanes_kernel.lane_of(b.lanes, message)
    b.messages.waiting_now -= 1
    b.messages.delayed_now -= 1
    b.lanes.held_up[lane] -= 1
    if b.lanes.place[message] < b.retention_row:
        finalise(b, message, codes.EXPIRED)
        limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, now, now)
    else:
        into = picks_kernel.lane_back(b.lanes, b.policy, message, place)
        lanes_kernel.put_back(b.lanes, b.messages, message, into, place, b.policy.pick)
        if b.messages.effects[message] == 0:
            times_kernel.ready_from(b.times, message, now)
    if b.policy.pick == codes.GROUPS:
        if b.lanes.held_up[lane] == 0 and b.lanes.in_flight[lane] == 0:
            b.times.freed[lane] = b.times.idle_s
        lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)


def give_back(b: BrokerState, now: float, d: int, why: int) -> None:
    """A message in flight comes back, unless it has come back too often or is too old."""
    message = b.deliveries.message[d]
    if b.messages.state[message] == codes.OVERDUE:
        finalise(b, message, codes.EXPIRED)
        limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, now, now)
    else:
        if b.policy.counted & why and b.messages.returns[message] < codes.MOST_RECEIVES:
            b.messages.returns[message] += 1
        if why == codes.BY_LOCK and b.messages.stalls.shape[0] > 0:
            b.messages.stalls[message] += 1
        if b.messages.stalls.shape[0] > 0 and b.messages.stalls[message] > b.policy.max_stalls:
            bury(b, message, d, codes.DIED_LIMIT)
            limits_kernel.act(b.limits, codes.LIMIT_STALLS, now, now)
        elif b.messages.returns[message] > b.policy.max_returns:
            bury(b, message, d, codes.DIED_LIMIT)
            limits_kernel.act(b.limits, codes.LIMIT_RETURNS, now, now)
        else:
            place = b.policy.requeue_place if why == codes.BY_FAILURE else b.policy.place
            if b.policy.back_off_s > 0.0 and b.policy.back_off_by & why:
                _back_off(b, now, d, place)
            else:
                _put_back(b, now, d, place)
    if b.policy.pick == codes.GROUPS:
        lane = lanes_kernel.lane_of(b.lanes, message)
        lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)


def _retry(b: BrokerState, now: float, d: int) -> None:
    """Publish the message of a delivery again after a while, unless that was done too often."""
    message = b.deliveries.message[d]
    b.messages.returns[message] += 1
    times = num.integer(b.messages.returns[message])
    if times > b.policy.max_returns:
        bury(b, message, d, codes.DIED_LIMIT)
        limits_kernel.act(b.limits, codes.LIMIT_RETRIES, now, now)
        return
    wait_s = b.policy.retry_s
    for _ in range(1, times):
        wait_s *= b.policy.retry_growth
    for _ in range(b.policy.retry_degree):
        wait_s *= times
    wait_s = min(b.policy.retry_max_s, b.policy.retry_base_s + wait_s)
    draw = b.jitter[b.messages.retries % b.jitter.shape[0]]
    b.messages.retries += 1
    if b.policy.retry_power > 0:
        more_s = 1.0
        for _ in range(b.policy.retry_power):
            more_s *= num.double(times - 1)
        wait_s += more_s
        wait_s += num.floor(draw * num.double(b.policy.retry_more)) * num.double(times)
    if b.policy.retry_spread > 0.0:
        random_s = wait_s * b.policy.retry_spread
        wait_s = 0.001 * num.floor(1000.0 * (draw * random_s + wait_s - random_s))
    if b.policy.retry_whole == 1:
        wait_s = num.floor(draw * (num.floor(wait_s) + 1.0))
    if b.policy.retry_held == 1:
        b.messages.due_s[message] = now + wait_s
        _put_back(b, now, d, codes.BACK)
        return
    if b.messages.effects[message] == 0:
        times_kernel.come_back(b.times, b.deliveries, d, now)
        row = times_kernel.row_for(b.times, message)
        b.times.before[row, codes.MET_BACKOFF] += wait_s
    b.messages.state[message] = codes.WAITING
    b.messages.waiting_now += 1
    events_kernel.push(b.events, now + wait_s, codes.AGAIN, message, 0)


def settle(b: BrokerState, now: float, d: int, verdict: int, worked_on: bool) -> None:
    """The ack of a delivery has reached the broker, or would have if it was not sent before."""
    message = b.deliveries.message[d]
    if verdict == codes.RETRY:
        _retry(b, now, d)
    elif verdict == codes.REQUEUE:
        give_back(b, now, d, codes.BY_FAILURE)
    elif verdict == codes.REJECTED:
        bury(b, message, d, codes.DIED_REJECTED)
    elif b.messages.effects[message] > 0 or worked_on:
        finalise(b, message, codes.ACKED)
    elif verdict == codes.DISCARD:
        finalise(b, message, codes.DROPPED)
    else:
        finalise(b, message, codes.LOST)
        limits_kernel.act(b.limits, codes.LIMIT_LOST, now, now)


def _settle_copy(b: BrokerState, now: float, d: int, worked_on: bool) -> None:
    """An ack of a copy that the broker took back: it is one of the copy that is out now.

    Unless that one has been published since, and has a tag of its own.
    """
    message = b.deliveries.message[d]
    other = b.deliveries.first
    while b.deliveries.message[other] != message:
        other = b.deliveries.after[other]
    if b.policy.counted != 0 or b.deliveries.tag[other] == b.deliveries.tag[d]:
        forget(b, now, other)
        settle(b, now, other, b.deliveries.verdict[d], worked_on)
        if b.policy.pick == codes.GROUPS:
            lane = lanes_kernel.lane_of(b.lanes, message)
            lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)
        deliveries_kernel.free_if_forgotten(b.deliveries, other)


def _is_of_this_stay(b: BrokerState, d: int) -> bool:
    """Whether the message of a delivery has not left the queue and come back since.

    Whoever has a receipt from before knows another message.
    """
    if b.messages.forgiven.shape[0] == 0:
        return True
    forgiven: int = b.messages.forgiven[b.deliveries.message[d]]
    receipt: int = b.deliveries.receipt[d]
    return receipt > forgiven


def acknowledge(b: BrokerState, now: float, d: int) -> None:
    """The ack of a delivery has reached the broker, which may have taken it back meanwhile."""
    message = b.deliveries.message[d]
    in_time = b.policy.lease_late == 1 or not b.leased or leases_kernel.has_lock(b, d, now)
    if not in_time and b.deliveries.has[d] & codes.BROKER != 0:
        b.deliveries.has[d] &= ~codes.WIRE
        b.deliveries.gone_s[d] = min(now, b.deliveries.gone_s[d])
        limits_kernel.act(b.limits, codes.LIMIT_LEASE, now, now)
        return
    b.deliveries.has[d] -= codes.WIRE
    worked_on = b.deliveries.has[d] & codes.CLIENT != 0
    state = b.messages.state[message]
    if b.deliveries.has[d] & codes.BROKER:
        forget(b, now, d)
        settle(b, now, d, b.deliveries.verdict[d], worked_on)
        if b.policy.pick == codes.GROUPS:
            lane = lanes_kernel.lane_of(b.lanes, message)
            if b.lanes.in_flight[lane] == 0 and b.lanes.heap_at[lane] < 0:
                lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)
    elif (
        b.policy.late_ack == 1
        and _is_of_this_stay(b, d)
        and b.deliveries.verdict[d] == codes.OK
        and state == codes.READY
        and (b.policy.any_copy == 1 or b.messages.receives[message] == b.deliveries.receipt[d])
    ):
        b.messages.ready_now -= 1
        finalise(b, message, codes.ACKED)
        if b.policy.pick == codes.FAIR:  # what is behind it may be older
            lane = lanes_kernel.lane_of(b.lanes, message)
            lanes_kernel.offer(b.lanes, b.messages, lane, codes.FAIR)
    elif (
        b.policy.any_copy == 1
        and (state == codes.IN_FLIGHT or state == codes.OVERDUE)
        and _is_of_this_stay(b, d)
    ):
        _settle_copy(b, now, d, worked_on)
