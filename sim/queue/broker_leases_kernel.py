"""Locks that consumers renew while they work: those of BullMQ's jobs (BM-01 to BM-04).

A consumer renews what it has in hand each time that its timer fires. The timer is part of its
process: one that stands still, or that does not get to its event loop, renews nothing, and one
whose network is cut cannot. A lock that has ended is not renewed any more. Nothing is done here
at a renewal: when it was is looked up where it matters, from when the timer fired last.
"""

from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue.broker_state_kernel import BrokerState


def renewed_s(b: BrokerState, d: int, now: float) -> float:
    """When the lock of a delivery was set or renewed last, as of now."""
    c = b.deliveries.consumer[d]
    locked_s: float = b.deliveries.locked_s[d]
    if b.consumers.renews[c] == 0 or b.deliveries.connection[d] != b.consumers.epoch[c]:
        return locked_s
    arrive_s: float = b.deliveries.arrive_s[d]
    if b.deliveries.has[d] & codes.CLIENT == 0 or arrive_s > now:
        return locked_s
    # Of what it has had for no longer than from one time to the next, the timer thinks again later.
    renew_s: float = b.policy.renew_s
    timer_s: float = b.consumers.timer_s[c]
    times = max(0.0, num.floor((arrive_s + renew_s - timer_s) / renew_s)) + 1.0
    first_s = timer_s + times * renew_s
    if first_s > now or first_s >= locked_s + b.policy.lease_s:
        return locked_s
    if renew_s >= b.policy.lease_s:
        return first_s
    return max(first_s, timer_s + num.floor((now - timer_s) / renew_s) * renew_s)


def stand_still(b: BrokerState, now: float, c: int) -> None:
    """A consumer cannot renew from now on, or will be another process; note what it has done."""
    if b.consumers.renews[c] == 0:
        return
    times = num.floor((now - b.consumers.timer_s[c]) / b.policy.renew_s)
    if times >= 1.0:
        d = b.deliveries.first
        while d >= 0:
            if b.deliveries.consumer[d] == c:
                b.deliveries.locked_s[d] = renewed_s(b, d, now)
            d = b.deliveries.after[d]
        b.consumers.timer_s[c] += times * b.policy.renew_s
    b.consumers.renews[c] = 0


def go_on(b: BrokerState, now: float, c: int) -> None:
    """A consumer may be able to renew again: a timer that should have fired meanwhile fires now."""
    if b.consumers.renews[c] == 1 or b.consumers.alive[c] == 0 or b.consumers.cut[c] == 1:
        return
    if now < b.consumers.resume_s[c]:
        return
    if b.policy.blocks == 1 and b.consumers.idle[c] < b.consumers.slots:
        return
    b.consumers.renews[c] = 1
    if now < b.consumers.timer_s[c] + b.policy.renew_s:
        return
    b.consumers.timer_s[c] = now
    d = b.deliveries.first
    while d >= 0:
        if (
            b.deliveries.consumer[d] == c
            and b.deliveries.connection[d] == b.consumers.epoch[c]
            and b.deliveries.has[d] & codes.CLIENT != 0
            and b.deliveries.arrive_s[d] + b.policy.renew_s < now
            and now < b.deliveries.locked_s[d] + b.policy.lease_s
        ):
            b.deliveries.locked_s[d] = now
        d = b.deliveries.after[d]


def has_lock(b: BrokerState, d: int, now: float) -> bool:
    """Whether a delivery still has its lock."""
    return now < renewed_s(b, d, now) + b.policy.lease_s


def somebody_looks(b: BrokerState, now: float) -> bool:
    """Whether a consumer is there that looks for locks that have ended (of those at work, one)."""
    for c in range(b.consumers.anchor):
        if b.consumers.alive[c] == 1 and b.consumers.cut[c] == 0 and now >= b.consumers.resume_s[c]:
            return True
    return False
