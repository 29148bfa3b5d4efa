"""What a seek does to a queue: messages are acknowledged unread, or come again (PB-08).

Afterwards what is ready stands in the order in which it came.
"""

import cython

from sim.foundation import num
from sim.foundation.arrays import U8
from sim.queue import broker_codes as codes
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue import broker_state_kernel as state_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def _acknowledge(b: BrokerState, message: int) -> None:
    """A message is acknowledged by a seek, read or not."""
    state = codes.ACKED if b.messages.effects[message] > 0 else codes.LOST
    settling_kernel.finalise(b, message, state)


def _come_again(b: BrokerState, now: float, row: int, message: int) -> None:
    """A message that was gone is ready, with nothing held against it.

    Of what has no effect yet, all the time since it came counts as one wait to be tried again.
    """
    b.messages.removed -= 1
    b.messages.ready_now += 1
    b.messages.state[message] = codes.READY
    b.messages.returns[message] = 0
    if b.policy.pick == codes.GROUPS:
        b.lanes.in_window += 1
    if b.messages.effects[message] == 0:
        its = times_kernel.row_for(b.times, message)
        for k in range(codes.MET):
            b.times.before[its, k] = 0.0
        came_s = max(0.0, num.double(b.feed.enqueued_s[row]) + b.policy.delay_s)
        b.times.before[its, codes.MET_BACKOFF] = now - came_s
        times_kernel.ready_from(b.times, message, now)


def _take_back(b: BrokerState, now: float, sought: U8) -> None:
    """Nobody waits any more for an ack of what is acknowledged by a seek."""
    d = b.deliveries.first
    while d >= 0:
        then = b.deliveries.after[d]
        message = b.deliveries.message[d]
        if sought[message] == codes.SOUGHT_AFTER:
            settling_kernel.forget(b, now, d)
            _acknowledge(b, message)
            deliveries_kernel.free_if_forgotten(b.deliveries, d)
        d = then


def _call_off(b: BrokerState, sought: U8) -> None:
    """What is acknowledged by a seek does not come back, though that is scheduled."""
    for at in range(1 if b.events.happened else 0, b.events.stored):
        slot = b.events.slot[at]
        message = b.events.ref[slot]
        if b.events.kind[slot] != codes.RETURN or message < 0:
            continue
        if sought[message] == codes.SOUGHT_AFTER:
            b.events.ref[slot] = -1
            lane = lanes_kernel.lane_of(b.lanes, message)
            b.messages.waiting_now -= 1
            b.lanes.held_up[lane] -= 1
            if b.lanes.held_up[lane] == 0 and b.lanes.in_flight[lane] == 0:
                b.times.freed[lane] = b.times.idle_s
            _acknowledge(b, message)


def _line_up(b: BrokerState) -> None:
    """Put what is ready in the order in which it came."""
    for lane in range(b.lanes.lanes):
        b.lanes.head[lane] = -1
        b.lanes.tail[lane] = -1
        b.lanes.returned[lane] = -1
        b.lanes.heap_at[lane] = -1
    b.lanes.heap_size = 0
    b.lanes.cursor_lane = -1
    rows = b.row if b.policy.pick != codes.GROUPS else b.lanes.entered
    for row in range(rows):
        message = b.feed.message[row]
        if b.lanes.place[message] == row and b.messages.state[message] == codes.READY:
            lanes_kernel.append(b.lanes, lanes_kernel.lane_of(b.lanes, message), message)
    if b.policy.pick == codes.GROUPS:
        for lane in range(b.lanes.lanes):
            lanes_kernel.offer(b.lanes, b.messages, lane, codes.GROUPS)


def _seek(b: BrokerState, now: float, sought: U8) -> None:
    state_kernel.pass_time(b, now)
    b.clock_s = max(b.clock_s, now)
    for row in range(b.row):
        message = b.feed.message[row]
        if b.lanes.place[message] != row:
            continue
        state = b.messages.state[message]
        if sought[message] == codes.SOUGHT_AFTER and state == codes.READY:
            b.messages.ready_now -= 1
            _acknowledge(b, message)
        elif sought[message] == codes.SOUGHT_AGAIN and state >= codes.ACKED:
            _come_again(b, now, row, message)
    _take_back(b, now, sought)
    _call_off(b, sought)
    _line_up(b)


def seek(b: BrokerState, now: float, sought: U8) -> None:
    """Acknowledge messages, and have others come again that are gone.

    All that has come must be in the queue's lanes, and there must be room in `QueueTimes` for
    those that come again. Only with ONE and GROUPS.

    Args:
        b: the queue.
        now: s.
        sought: [messages] SOUGHT_…
    """
    with cython.nogil:
        _seek(b, now, sought)
