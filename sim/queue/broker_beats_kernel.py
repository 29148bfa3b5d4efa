"""Locks that a consumer extends by heartbeats, or sets anew for what failed (SS-06).

A consumer that pulls has a timer from the time that it begins a batch. Each time that it fires, the
locks of all that it has in hand begin anew, with a length of their own. Locks that do not all last
equally long are kept in order of their ends: ``locked_s`` is the end less the queue's ``lock_s``.
"""

from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue.broker_state_kernel import BrokerState


def _set_timer(b: BrokerState, c: int, at_s: float) -> None:
    b.consumers.fires_s[c] = at_s
    events_kernel.push(b.events, at_s, codes.BEAT, c, 0)


def begin(b: BrokerState, now: float, c: int) -> None:
    """A consumer begins a batch: its timer starts."""
    if b.policy.beat_s == num.INF:
        return
    b.consumers.beat_s[c] = now + b.policy.beat_s
    # A timer that fires earlier sees then that it is not yet time. One that fires later is of a
    # process that died in a pause.
    if b.consumers.fires_s[c] > b.consumers.beat_s[c]:
        _set_timer(b, c, b.consumers.beat_s[c])


def _is_too_long(b: BrokerState, now: float, d: int, for_s: float) -> bool:
    too_long: bool = now + for_s > b.deliveries.sent_s[d] + b.policy.lock_most_s
    return too_long


def why_ended(b: BrokerState, now: float, d: int) -> int:
    """The limit that acts where a lock ends though its consumer has the message."""
    if b.policy.beat_s < num.INF and _is_too_long(b, now, d, b.policy.beat_lock_s):
        return codes.LIMIT_LOCK_MOST
    return codes.LIMIT_LOCK_HELD


def _extend(b: BrokerState, now: float, d: int, for_s: float) -> bool:
    """Have a lock last so long from now on, unless it has ended or would last too long in all."""
    if b.deliveries.has[d] & codes.BROKER == 0:
        return False
    if _is_too_long(b, now, d, for_s):
        return False
    deliveries_kernel.relock(b.deliveries, d, now + for_s - b.policy.lock_s)
    return True


def _in_hand(b: BrokerState, c: int) -> bool:
    has: bool = (
        b.consumers.buffer[c] >= 0
        or b.consumers.done[c] >= 0
        or b.consumers.idle[c] < b.consumers.slots
    )
    return has


def beat(b: BrokerState, now: float, c: int) -> None:
    """The time of a timer may have come."""
    if now != b.consumers.fires_s[c]:
        return
    b.consumers.fires_s[c] = num.INF
    if b.consumers.alive[c] == 0 or b.consumers.beat_s[c] == num.INF or not _in_hand(b, c):
        return
    next_s = max(b.consumers.beat_s[c], b.consumers.resume_s[c])
    if now >= next_s:
        if b.consumers.cut[c] == 0:  # else the call is lost
            b.beats += 1
            d = b.consumers.done[c]
            while d >= 0:
                _extend(b, now, d, b.policy.beat_lock_s)
                d = b.deliveries.then[d]
            for s in range(b.consumers.slots):
                if b.consumers.slot[c, s] >= 0:
                    _extend(b, now, b.consumers.slot[c, s], b.policy.beat_lock_s)
            d = b.consumers.buffer[c]
            while d >= 0:
                _extend(b, now, d, b.policy.beat_lock_s)
                d = b.deliveries.then[d]
        next_s = now + b.policy.beat_s
        b.consumers.beat_s[c] = next_s
    _set_timer(b, c, next_s)


def give_back(b: BrokerState, now: float, d: int) -> None:
    """A consumer whose work failed says when the message is to come back."""
    c = b.deliveries.consumer[d]
    if b.policy.failed_lock_s == num.INF or b.consumers.cut[c] == 1:
        return
    b.beats += 1
    if _extend(b, now, d, b.policy.failed_lock_s):
        b.deliveries.verdict[d] = codes.REQUEUE
