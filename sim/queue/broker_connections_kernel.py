"""The broker's side of a consumer: subscriptions, connections that close, and locks that end."""

from sim.foundation import num
from sim.queue import broker_beats_kernel as beats_kernel
from sim.queue import broker_codes as codes
from sim.queue import broker_consumers_kernel as consumers_kernel
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_hands_kernel as hands_kernel
from sim.queue import broker_leases_kernel as leases_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue.broker_state_kernel import BrokerState


def _take_back_one(b: BrokerState, now: float, d: int, why: int) -> None:
    if why == codes.BY_LOCK:
        if b.deliveries.has[d] & codes.CLIENT != 0:
            limits_kernel.act(b.limits, beats_kernel.why_ended(b, now, d), now, now)
        elif b.deliveries.has[d] & codes.WIRE == 0:
            gone_s = min(now, b.deliveries.gone_s[d])
            if not settling_kernel.is_given_back(b, d):
                limits_kernel.act(b.limits, codes.LIMIT_LOCK_GONE, gone_s, now)
            elif gone_s < now:
                limits_kernel.act(b.limits, codes.LIMIT_FAILED, gone_s, now)
    settling_kernel.forget(b, now, d)
    settling_kernel.give_back(b, now, d, why)
    deliveries_kernel.free_if_forgotten(b.deliveries, d)


def _take_back(b: BrokerState, now: float, c: int, oldest: int, epoch: int, why: int) -> None:
    """Unacknowledged deliveries over a consumer's connections ``oldest`` to ``epoch`` come back."""
    d = b.deliveries.first
    while d >= 0:
        after = b.deliveries.after[d]
        # A consumer that pulls has its acks under way heard before its end.
        heard = b.policy.push == 0 and b.deliveries.has[d] & codes.WIRE != 0
        if (
            b.deliveries.consumer[d] == c
            and oldest <= b.deliveries.connection[d] <= epoch
            and not heard
        ):
            its = why
            alone = why == codes.BY_LOCK and b.policy.lock_alone == 1
            if alone and b.deliveries.locked_s[d] + b.policy.lock_s > now:
                its = codes.BY_CLOSE
            _take_back_one(b, now, d, its)
        d = after


def _close(b: BrokerState, now: float, c: int, epoch: int, why: int) -> None:
    """The broker closes a connection: its unacknowledged deliveries come back at once, or not."""
    b.consumers.changed = True
    if b.policy.closes == 1:
        _take_back(b, now, c, 0, epoch, why)
    if 0 <= b.consumers.connected[c] <= epoch:
        b.consumers.connected[c] = -1
        consumers_kernel.forget_held(b.consumers, c)
        consumers_kernel.unwait(b.consumers, c)
    if b.consumers.active == c:  # chosen again, if it has subscribed anew
        consumers_kernel.choose_active(b.consumers, b.policy)
    if b.policy.closes == 1 and b.consumers.alive[c] == 1 and b.consumers.epoch[c] == epoch:
        # The process lives: it finishes what it works on, for nothing, and subscribes again.
        hands_kernel.empty_hands(b, now, c, False)
        b.consumers.epoch[c] += 1
        if b.consumers.cut[c] == 0 and b.consumers.stopping[c] == 0:
            at_s = max(now, b.consumers.resume_s[c]) + b.policy.reopen_s
            events_kernel.push(b.events, at_s, codes.JOIN, c, b.consumers.epoch[c])
    consumers_kernel.rest_if_free(b.consumers, b.policy, c)


def _join(b: BrokerState, now: float, c: int, epoch: int) -> None:
    """A consumer subscribes."""
    # A process that starts in the place of one of which the broker has not noticed yet that it
    # is dead takes its place at once.
    old = b.consumers.connected[c]
    if b.consumers.alive[c] == 0 or b.consumers.epoch[c] != epoch or old == epoch:
        return
    if old >= 0:
        _close(b, now, c, old, codes.BY_CLOSE)
    b.consumers.connected[c] = epoch
    consumers_kernel.forget_held(b.consumers, c)
    b.consumers.joined[c] = b.consumers.joins
    b.consumers.joins += 1
    b.consumers.changed = True
    consumers_kernel.rest_if_free(b.consumers, b.policy, c)
    if b.policy.single_active == 1 and b.consumers.active < 0:
        consumers_kernel.choose_active(b.consumers, b.policy)
    consumers_kernel.wait_if_credit(b.consumers, b.policy, c)


def _cancel(b: BrokerState, c: int, epoch: int) -> None:
    """A consumer ends its subscription, but not yet its connection."""
    if b.consumers.connected[c] == epoch:
        b.consumers.joined[c] = -1
        b.consumers.changed = True
        consumers_kernel.rest_if_free(b.consumers, b.policy, c)
        consumers_kernel.unwait(b.consumers, c)
        if b.consumers.active == c:
            consumers_kernel.choose_active(b.consumers, b.policy)


def change(b: BrokerState, now: float, kind: int, c: int, epoch: int) -> None:
    """JOIN, CANCEL, CLOSE or HAND_BACK of a consumer reaches the broker."""
    if kind == codes.JOIN:
        _join(b, now, c, epoch)
    elif kind == codes.CANCEL:
        _cancel(b, c, epoch)
    elif kind == codes.CLOSE:
        _close(b, now, c, epoch, codes.BY_CLOSE)
    else:
        _take_back(b, now, c, epoch, epoch, codes.BY_CLOSE)


def unlock_s(b: BrokerState) -> float:
    """When the oldest lock ends, as the broker notices it; inf: never."""
    if b.deliveries.first < 0:
        return num.INF
    at_s: float = b.deliveries.locked_s[b.deliveries.first] + b.policy.lock_s
    if b.policy.sweep_s > 0.0 and num.isfinite(at_s):
        at_s = num.ceil(at_s / b.policy.sweep_s) * b.policy.sweep_s
    return at_s


def _extends(b: BrokerState, now: float, d: int) -> bool:
    """Whether a consumer extends the lock of a delivery that ends now: it has it, or just had."""
    if now >= b.deliveries.sent_s[d] + b.policy.extends_s:
        return False
    if b.deliveries.has[d] & codes.WIRE != 0:
        return True
    c = b.deliveries.consumer[d]
    there: bool = (
        b.deliveries.has[d] & codes.CLIENT != 0
        and b.deliveries.arrive_s[d] <= now
        and b.deliveries.connection[d] == b.consumers.epoch[c]
        and b.consumers.cut[c] == 0
        and b.consumers.resume_s[c] <= now
    )
    return there


def unlock(b: BrokerState, now: float) -> None:
    """The oldest delivery has been out for too long, unless its lock is extended."""
    d = b.deliveries.first
    if b.policy.extends_s > 0.0 and _extends(b, now, d):
        deliveries_kernel.extend(b.deliveries, d, now)
    elif b.policy.lock_closes == 1:
        limits_kernel.strike(b.limits, codes.CLOSED, b.deliveries.consumer[d], now)
        _close(b, now, b.deliveries.consumer[d], b.deliveries.connection[d], codes.BY_LOCK)
    else:
        _take_back_one(b, now, d, codes.BY_LOCK)


def check(b: BrokerState, now: float) -> None:
    """Take back what has no lock any more, if there is a consumer to look for that (BM-02)."""
    events_kernel.push(b.events, now + b.policy.check_s, codes.CHECK, 0, 0)
    if not leases_kernel.somebody_looks(b, now):
        return
    marked_s = b.checked_s if b.policy.check_twice == 1 else now
    b.checked_s = now
    d = b.deliveries.first
    while d >= 0:
        after = b.deliveries.after[d]
        locked_s = leases_kernel.renewed_s(b, d, now)
        # What was handed over at the check before, it had not seen.
        if locked_s < marked_s and locked_s + b.policy.lease_s <= now:
            _take_back_one(b, now, d, codes.BY_LOCK)
        d = after
