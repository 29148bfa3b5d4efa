"""What consumers take over of what is in flight: pending entries of a Redis stream (RT-02, RT-03).

What has been in flight for long goes to the consumer that asks for it, or what processes before it
in its place left behind; whoever had it may have it yet. It is never ready meanwhile.
"""

from sim.queue import broker_codes as codes
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def next_pending(b: BrokerState, now: float, c: int, own: bool, after: int) -> int:
    """The delivery that a consumer is given next in a call; -1: there is none.

    Args:
        b: the queue.
        now: s.
        c: the consumer.
        own: it asks for what was left in its place, else for what has been in flight for long.
        after: place of the one before in this call.
    """
    found = -1
    d = b.deliveries.first
    while d >= 0:
        message = b.deliveries.message[d]
        if own:
            wanted = (
                b.deliveries.consumer[d] == c and b.deliveries.connection[d] != b.consumers.epoch[c]
            )
        elif b.trims and b.messages.state[message] == codes.OVERDUE:
            wanted = True  # it is not in the queue any more, and is met all the same
        else:
            wanted = now - b.deliveries.locked_s[d] >= b.policy.claim_s
            if not wanted and not b.trims:
                break  # those behind it were handed over later
        place = b.lanes.place[message]
        if (
            wanted
            and place > after
            and (found < 0 or place < b.lanes.place[b.deliveries.message[found]])
        ):
            found = d
        d = b.deliveries.after[d]
    return found


def take_over(b: BrokerState, now: float, d: int) -> bool:
    """The message of a delivery is ready for who asked for it, or is gone (False)."""
    message = b.deliveries.message[d]
    if b.messages.state[message] == codes.OVERDUE:
        settling_kernel.forget(b, now, d)
        settling_kernel.finalise(b, message, codes.EXPIRED)
        limits_kernel.act(b.limits, codes.LIMIT_EXPIRED, now, now)
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
        return False
    if b.deliveries.has[d] & codes.CLIENT != 0:
        limits_kernel.act(b.limits, codes.LIMIT_LOCK_HELD, now, now)
    elif b.deliveries.has[d] & codes.WIRE == 0:
        gone_s = min(now, b.deliveries.gone_s[d])
        limits_kernel.act(b.limits, codes.LIMIT_LOCK_GONE, gone_s, now)
    settling_kernel.forget(b, now, d)
    again: bool = b.messages.receives[message] < b.policy.max_receives
    if again:
        b.messages.ready_now += 1
        if b.messages.effects[message] == 0:
            times_kernel.come_back(b.times, b.deliveries, d, now)
            times_kernel.ready_from(b.times, message, now)
    else:
        settling_kernel.bury(b, message, d, codes.DIED_LIMIT)
        limits_kernel.act(b.limits, codes.LIMIT_RECEIVES, now, now)
    deliveries_kernel.free_if_forgotten(b.deliveries, d)
    return again
