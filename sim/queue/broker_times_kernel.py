"""Where the time of a queue's messages goes, from when they are in it to their first effect.

Of the queue as a whole, three sums run with the clock, of which at most one grows at a time: how
long nobody could be handed a message, how long a consumer had nothing to do, and, where neither is
so, how much of the consumers was at work. What a message that was ready from one time to another
met of each is a difference of these sums, so that a message needs a number for each of them and no
history. A delivery keeps what its message had met when it was handed over, since a copy that the
broker has taken back may be the one that takes effect. What is rare is in rows of its own: what
messages that came back had met before, and where work was disturbed.

A consumer that rests: the broker pushes to it and it has nothing in hand, or it pulls and the last
that it has heard is that there is nothing.
"""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I32, longer
from sim.queue import broker_codes as codes
from sim.queue.broker_consumers_kernel import Consumers
from sim.queue.broker_deliveries_kernel import Deliveries


class QueueTimes:
    """Sums of a queue, and what each of its messages waited for. Times in s."""

    def __init__(
        self,
        messages: int,
        lanes: int,
        eta_s: F64,
        limited: bool,
        looped: bool,
        batched: bool,
        linked: bool,
    ) -> None:
        self.at_s = 0.0
        """Time that the sums go to."""
        self.no_owner_s = 0.0
        """So long nobody could be handed a message."""
        self.idle_s = 0.0
        """A consumer rested (of a queue with a ceiling: could be sent a message)."""
        self.busy_s = 0.0
        """Neither, times the share of the consumers that was at work."""
        self.rest_s = 0.0
        """A consumer rested."""
        self.no_owner = 0.0
        """How fast ``no_owner_s`` has grown in the latest stretch, …"""
        self.idle = 0.0
        """… ``idle_s``, …"""
        self.busy = 0.0
        """… ``busy_s``."""
        self.able = 0
        """Places for work of those consumers that can be handed a message."""
        self.started = 0
        """Places for work of those that ever ran."""
        self.worked_s = 0.0
        """Places' time at work, …"""
        self.idled_s = 0.0
        """… with nothing to be had, …"""
        self.counted_s = 0.0
        """When ``able`` and ``started`` were counted last, …"""
        self.able_s = 0.0
        """… and until then, places' time that could be handed something, …"""
        self.lived_s = 0.0
        """… and since they were started, in all."""

        self.of: F64 = np.zeros((messages, codes.KEPT))
        """[messages, kept] columns KEPT_… of `sim.queue.broker_codes`, side by side: they are
        wanted together."""
        self.came_of: F64 = np.zeros(messages if limited else 0)
        """[messages] of a queue with a ceiling, when its process had taken it in; else [0]."""
        self.entered_of: F64 = np.zeros(messages if linked else 0)
        """[messages] of a queue into which dead letters come, when it reached the queue, the time
        that led to its first effect; else [0]: each comes once."""
        self.loop_of: F64 = np.zeros(messages if looped else 0)
        """[messages] at main loops that have a ceiling; else [0]."""
        self.begun_of: F64 = np.zeros(messages if batched else 0)
        """[messages] where a batch costs work of its own, when the work began that took effect;
        else [0]: that was its work before it was done."""
        self.row_of: I32 = np.zeros(messages, np.int32)
        """[messages] its row in the columns of what is rare, and 1; 0: it has none."""
        self.eta_of: F64 = eta_s
        """[messages] was asked to wait until then; [0]: none was."""
        self.eta_order: I32 = np.argsort(eta_s, kind="stable").astype(np.int32)
        """[messages] by ``eta_of``; [0]: none was asked to wait."""
        self.etas = 0
        """Of these, how many times have passed."""
        self.freed: F64 = np.zeros(lanes)
        """[lanes] ``idle_s`` when the last of its messages in flight was settled."""

        self.rows = 0
        """Rows of the following that are used."""
        self.before: F64 = np.zeros((8, codes.MET))
        """[room, kinds] what a message had met before its latest delivery, or before the one that
        took effect."""
        self.lost: F64 = np.zeros((8, 2))
        """[room, 2] of the delivery that took effect: in hand while its consumer was paused with
        nothing else in hand, and in work for longer than it takes (less than 0: for less)."""

    def enlarge(self, n: int) -> None:
        """Have room for ``n`` messages."""
        self.of = longer(np.asarray(self.of), n, 0.0)
        self.row_of = longer(np.asarray(self.row_of), n, 0)
        if self.begun_of.shape[0]:
            self.begun_of = longer(np.asarray(self.begun_of), n, 0.0)

    def enlarge_rows(self) -> None:
        """Have room for twice as much of what is rare."""
        self.before = longer(np.asarray(self.before), 2 * self.before.shape[0], 0.0)
        self.lost = longer(np.asarray(self.lost), 2 * self.lost.shape[0], 0.0)


def recount(t: QueueTimes, consumers: Consumers, push: int) -> None:
    """Count anew who can be handed a message."""
    consumers.changed = False
    since_s = t.at_s - t.counted_s
    t.able_s += since_s * num.double(t.able)
    t.lived_s += since_s * num.double(t.started)
    t.counted_s = t.at_s
    t.able = 0
    t.started = 0
    for c in range(consumers.anchor):
        if consumers.alive[c] == 1 or consumers.epoch[c] > 0:
            t.started += consumers.slots
        if consumers.alive[c] == 0:
            continue
        if push == 1:
            if consumers.connected[c] == consumers.epoch[c] and consumers.joined[c] >= 0:
                t.able += consumers.slots
        elif consumers.cut[c] == 0 and consumers.stopping[c] == 0:
            t.able += consumers.slots


def elapse(
    t: QueueTimes, consumers: Consumers, push: int, by_ring: bool, ready: int, now: float
) -> None:
    """Carry the sums to ``now``; nothing has changed since they were carried on last.

    Args:
        t: of the queue.
        consumers: of it.
        push: as in its policy.
        by_ring: ``idle_s`` is of consumers that the queue's process could send a message.
        ready: messages that are.
        now: s.
    """
    if consumers.changed:
        recount(t, consumers, push)
    dt_s = now - t.at_s
    if dt_s <= 0.0:
        return
    t.no_owner = 0.0
    t.idle = 0.0
    t.busy = 0.0
    waits = consumers.at_rest > 0
    if waits:
        t.rest_s += dt_s
    if by_ring:
        waits = consumers.behind[consumers.anchor] != consumers.anchor
    working = consumers.working
    if t.able == 0:
        t.no_owner = 1.0
        t.no_owner_s += dt_s
    elif waits:
        t.idle = 1.0
        t.idle_s += dt_s
    else:
        taken = working + consumers.throttled
        t.busy = min(1.0, num.double(taken) / num.double(t.able))
        t.busy_s += t.busy * dt_s
    t.worked_s += dt_s * num.double(working)
    if push == 0:
        t.idled_s += dt_s * num.double(consumers.at_rest)
    elif ready == 0 and t.able > working:
        t.idled_s += dt_s * num.double(t.able - working)
    t.at_s = now


def ready_from(t: QueueTimes, message: int, at_s: float) -> None:
    """A message without an effect is ready since ``at_s``, within the latest stretch.

    If its ETA has passed since, within that stretch too, it counts from there.
    """
    back_s = t.at_s - at_s
    if t.eta_of.shape[0] > 0 and t.eta_of[message] <= t.at_s:
        back_s = min(back_s, t.at_s - t.eta_of[message])
    t.of[message, codes.KEPT_NO_OWNER] = t.no_owner * back_s - t.no_owner_s
    t.of[message, codes.KEPT_IDLE] = t.idle * back_s - t.idle_s
    t.of[message, codes.KEPT_BUSY] = t.busy * back_s - t.busy_s


def hand(t: QueueTimes, deliveries: Deliveries, d: int, message: int, until_idle_s: float) -> float:
    """A message without an effect is handed over now; returns how long it met an idle consumer.

    Args:
        t: of the queue.
        deliveries: of it.
        d: the delivery.
        message: which.
        until_idle_s: ``idle_s`` when what kept it from an idle consumer had ended; -inf: nothing
            did but the call.
    """
    deliveries.rest_s[d] = t.rest_s
    if t.entered_of.shape[0] > 0:
        deliveries.entered_s[d] = t.entered_of[message]
        if t.came_of.shape[0] > 0:
            deliveries.came_s[d] = t.came_of[message]
    deliveries.past[d, codes.MET_NO_OWNER] = 0.0
    deliveries.past[d, codes.MET_IDLE] = 0.0
    deliveries.past[d, codes.MET_BUSY] = 0.0
    if t.rows > 0:  # before the first of them, all that has been in ``past`` is 0
        row = t.row_of[message] - 1
        for k in range(codes.MET):
            deliveries.past[d, k] = t.before[row, k] if row >= 0 else 0.0
    if t.eta_of.shape[0] > 0 and t.eta_of[message] > t.at_s:
        return 0.0
    deliveries.past[d, codes.MET_NO_OWNER] += t.of[message, codes.KEPT_NO_OWNER] + t.no_owner_s
    idle_s: float = max(0.0, t.of[message, codes.KEPT_IDLE] + until_idle_s)
    deliveries.past[d, codes.MET_IDLE] += idle_s
    deliveries.past[d, codes.MET_BUSY] += t.of[message, codes.KEPT_BUSY] + t.busy_s
    return idle_s


def row_for(t: QueueTimes, message: int) -> int:
    """The row of a message in the columns of what is rare, a new one if it has none."""
    row: int = t.row_of[message] - 1
    if row < 0:
        row = t.rows
        t.rows += 1
        t.row_of[message] = t.rows
    return row


def come_back(t: QueueTimes, deliveries: Deliveries, d: int, now: float) -> None:
    """A message without an effect is taken from the delivery that it has been in until now."""
    message = deliveries.message[d]
    row = row_for(t, message)
    for k in range(codes.MET):
        t.before[row, k] = deliveries.past[d, k]
    from_s = num.double(deliveries.sent_s[d])
    if t.eta_of.shape[0] > 0:
        from_s = max(from_s, t.eta_of[message])
    if now > from_s:
        gone_s = min(now, max(from_s, deliveries.gone_s[d]))
        t.before[row, codes.MET_ATTEMPT] += gone_s - from_s
        t.before[row, codes.MET_LOCK] += now - gone_s


def copy_past(t: QueueTimes, message: int, met_s: F64, at: int) -> None:
    """Put what a message had met before into row ``at`` of ``met_s`` [rows, kinds]."""
    row = t.row_of[message] - 1
    for k in range(codes.MET):
        met_s[at, k] = t.before[row, k] if row >= 0 else 0.0


def add_ready(t: QueueTimes, message: int, until_idle_s: float, met_s: F64, at: int) -> None:
    """Add what a message without an effect has met since it is ready; the rest as in `hand`."""
    met_s[at, codes.MET_NO_OWNER] += t.of[message, codes.KEPT_NO_OWNER] + t.no_owner_s
    met_s[at, codes.MET_IDLE] += max(0.0, t.of[message, codes.KEPT_IDLE] + until_idle_s)
    met_s[at, codes.MET_BUSY] += t.of[message, codes.KEPT_BUSY] + t.busy_s


def begin(
    t: QueueTimes, deliveries: Deliveries, d: int, due_s: float, paused_s: float, now: float
) -> float:
    """Work on a delivery begins; returns how long it was behind others while a consumer rested.

    Args:
        t: of the queue.
        deliveries: of it.
        d: the delivery.
        due_s: its ETA, or that of its retry; -inf: it has none.
        paused_s: its consumer has stood still since then until now, with a free place; ``now``: it
            has not.
        now: s.
    """
    message = deliveries.message[d]
    from_s = num.double(deliveries.arrive_s[d])
    if t.eta_of.shape[0] > 0:
        # What of its way was before its ETA counts as that.
        left_s = max(0.0, from_s - t.eta_of[message])
        deliveries.loop_s[d] = min(left_s, num.double(deliveries.loop_s[d]))
        from_s = max(from_s, t.eta_of[message])
    deliveries.backoff_s[d] = max(0.0, due_s - from_s)
    from_s = max(from_s, due_s)
    held_s = max(0.0, now - from_s)
    paused_s = min(held_s, now - max(from_s, paused_s))
    held_s -= paused_s
    behind_s: float = min(held_s, t.rest_s - deliveries.rest_s[d])
    deliveries.begun_s[d] = now
    deliveries.paused_s[d] = paused_s
    deliveries.behind_s[d] = behind_s
    deliveries.crowded_s[d] = held_s - behind_s
    return behind_s


def begin_invoked(
    t: QueueTimes,
    deliveries: Deliveries,
    d: int,
    asked_s: float,
    let_in_s: float,
    start_s: float,
    rest_s: float,
    now: float,
) -> float:
    """A function begins its work on a delivery; returns how long that was behind others.

    Gathered with others, or behind them in its batch while a consumer rested.

    Args:
        t: of the queue.
        deliveries: of it.
        d: the delivery.
        asked_s: when the function was invoked with its batch first.
        let_in_s: when that was let in.
        start_s: when its work began.
        rest_s: ``rest_s`` of the queue then.
        now: s.
    """
    gathered_s = max(0.0, asked_s - deliveries.arrive_s[d])
    in_line_s = max(0.0, now - start_s)
    met_s = min(in_line_s, t.rest_s - rest_s)
    deliveries.begun_s[d] = now
    deliveries.paused_s[d] = 0.0
    deliveries.backoff_s[d] = 0.0
    deliveries.loop_s[d] = let_in_s - asked_s
    deliveries.behind_s[d] = gathered_s + met_s
    deliveries.crowded_s[d] = in_line_s - met_s
    behind_s: float = gathered_s + met_s
    return behind_s


def take_effect(t: QueueTimes, deliveries: Deliveries, d: int, now: float) -> None:
    """A delivery is the first of its message to take effect."""
    message = deliveries.message[d]
    t.of[message, codes.KEPT_NO_OWNER] = deliveries.past[d, codes.MET_NO_OWNER]
    t.of[message, codes.KEPT_IDLE] = deliveries.past[d, codes.MET_IDLE]
    t.of[message, codes.KEPT_BUSY] = deliveries.past[d, codes.MET_BUSY] + deliveries.crowded_s[d]
    t.of[message, codes.KEPT_HELD] = deliveries.behind_s[d]
    if t.entered_of.shape[0] > 0:
        # It may have left and come again meanwhile.
        t.entered_of[message] = deliveries.entered_s[d]
        if t.came_of.shape[0] > 0:
            t.came_of[message] = deliveries.came_s[d]
    if t.begun_of.shape[0] > 0:
        t.begun_of[message] = deliveries.begun_s[d]
    if t.loop_of.shape[0] > 0:
        t.loop_of[message] = deliveries.loop_s[d]
    slowed_s = now - deliveries.begun_s[d] - deliveries.work_s[d]
    paused_s = deliveries.paused_s[d]
    # Of what was not disturbed, floats lose less than a nanosecond.
    if slowed_s > 1e-9 or slowed_s < -1e-9 or paused_s > 0.0:
        row = row_for(t, message)
        t.lost[row, 0] = paused_s
        t.lost[row, 1] = slowed_s
    if t.rows > 0 and t.row_of[message] > 0:
        row = t.row_of[message] - 1
        for k in range(codes.MET):
            t.before[row, k] = deliveries.past[d, k]
        t.before[row, codes.MET_BACKOFF] += deliveries.backoff_s[d]
