"""Copies of messages that were handed out and are not forgotten by everybody."""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, longer
from sim.queue import broker_codes as codes


class Deliveries:
    """A pool of rows, and lists through it: of those that the broker waits for, and of free ones.

    Their lists name the row that is next; -1: none.
    """

    def __init__(self, room: int) -> None:
        self.message: I64 = np.zeros(room, np.int64)
        """[room] which message it is a copy of."""
        self.tag: I64 = np.zeros(room, np.int64)
        """[room] which publication of the message."""
        self.receipt: I64 = np.zeros(room, np.int64)
        """[room] receive count of the message."""
        self.consumer: I64 = np.zeros(room, np.int64)
        """[room] who was handed it."""
        self.connection: I64 = np.zeros(room, np.int64)
        """[room] over which connection: an epoch of the consumer."""
        self.has: I64 = np.zeros(room, np.int64)
        """[room] bits of who has it: BROKER, CLIENT, …; 0: it is free."""
        self.verdict: I64 = np.zeros(room, np.int64)
        """[room] what the consumer says of it: OK, DISCARD, …"""
        self.sent_s: F64 = np.zeros(room)
        """[room] when the broker handed it out."""
        self.locked_s: F64 = np.zeros(room)
        """[room] when its lock began, or was extended or renewed last, as far as was looked."""
        self.entered_s: F64 = np.zeros(room)
        """[room] where messages may come again: when it had reached the queue, …"""
        self.came_s: F64 = np.zeros(room)
        """[room] … and when the queue's process had taken it in, if that has a ceiling."""
        self.arrive_s: F64 = np.zeros(room)
        """[room] when it reaches the consumer; inf: the network is cut."""
        self.gone_s: F64 = np.zeros(room)
        """[room] when its consumer was gone or had given it up; inf: it has it."""
        self.begun_s: F64 = np.zeros(room)
        """[room] when work on it began."""
        self.work_s: F64 = np.zeros(room)
        """[room] time that the work takes by itself."""
        self.rest_s: F64 = np.zeros(room)
        """[room] `QueueTimes.rest_s` when it was handed over, or when its ETA came."""
        self.past: F64 = np.zeros((room, codes.MET))
        """[room, kinds] what its message had met when it was handed over."""
        self.loop_s: F64 = np.zeros(room)
        """[room] of its way, at the main loop of its consumer."""
        self.backoff_s: F64 = np.zeros(room)
        """[room] in hand, until it could be tried again."""
        self.paused_s: F64 = np.zeros(room)
        """[room] in hand, while its consumer was paused and had a free place for it."""
        self.behind_s: F64 = np.zeros(room)
        """[room] in hand behind others, while a consumer rested, …"""
        self.crowded_s: F64 = np.zeros(room)
        """[room] … and while none did."""
        self.before: I64 = np.zeros(room, np.int64)
        """[room] the one before it in the broker's list."""
        self.after: I64 = np.zeros(room, np.int64)
        """[room] the one after it there."""
        self.then: I64 = np.append(np.arange(1, room), -1)
        """[room] next in a consumer's buffer, in a chain of acks, or of the free ones."""
        self.free = 0
        """The first free one."""
        self.first = -1
        """The broker's list, oldest first: its first."""
        self.last = -1
        """Its last."""
        self.used = 0
        """How many are not free."""

    def enlarge(self) -> None:
        """Have twice the room; the new ones are used first."""
        room = self.message.shape[0]
        self.message = longer(np.asarray(self.message), 2 * room, 0)
        self.tag = longer(np.asarray(self.tag), 2 * room, 0)
        self.receipt = longer(np.asarray(self.receipt), 2 * room, 0)
        self.consumer = longer(np.asarray(self.consumer), 2 * room, 0)
        self.connection = longer(np.asarray(self.connection), 2 * room, 0)
        self.has = longer(np.asarray(self.has), 2 * room, 0)
        self.verdict = longer(np.asarray(self.verdict), 2 * room, 0)
        self.sent_s = longer(np.asarray(self.sent_s), 2 * room, 0.0)
        self.arrive_s = longer(np.asarray(self.arrive_s), 2 * room, 0.0)
        for name in (
            "gone_s", "begun_s", "work_s", "rest_s", "past", "loop_s", "backoff_s", "paused_s",
            "behind_s", "crowded_s", "entered_s", "came_s", "locked_s",
        ):  # fmt: skip
            setattr(self, name, longer(np.asarray(getattr(self, name)), 2 * room, 0.0))
        self.before = longer(np.asarray(self.before), 2 * room, 0)
        self.after = longer(np.asarray(self.after), 2 * room, 0)
        new = np.append(np.arange(room + 1, 2 * room), self.free)
        self.then = np.append(np.asarray(self.then), new)
        self.free = room


def take_free(deliveries: Deliveries) -> int:
    """A free row, which is used now; there must be one."""
    d = deliveries.free
    deliveries.free = deliveries.then[d]
    deliveries.used += 1
    deliveries.then[d] = -1
    return d


def free_if_forgotten(deliveries: Deliveries, d: int) -> None:
    """A row that nobody has any more is free."""
    if deliveries.has[d] == 0:
        deliveries.then[d] = deliveries.free
        deliveries.free = num.integer(d)
        deliveries.used -= 1


def await_ack(deliveries: Deliveries, d: int) -> None:
    """The broker waits for an ack: ``d`` goes behind those whose locks end no later."""
    last = deliveries.last
    then = -1
    while last >= 0 and deliveries.locked_s[last] > deliveries.locked_s[d]:
        then = last
        last = deliveries.before[last]
    deliveries.before[d] = last
    deliveries.after[d] = then
    if last >= 0:
        deliveries.after[last] = d
    else:
        deliveries.first = d
    if then >= 0:
        deliveries.before[then] = d
    else:
        deliveries.last = d


def extend(deliveries: Deliveries, d: int, now: float) -> None:
    """The lock of ``d`` begins anew: it goes last in the broker's list."""
    relock(deliveries, d, now)


def relock(deliveries: Deliveries, d: int, locked_s: float) -> None:
    """The lock of ``d`` is as one that began at ``locked_s``."""
    await_no_more(deliveries, d)
    deliveries.has[d] += codes.BROKER
    deliveries.locked_s[d] = locked_s
    await_ack(deliveries, d)


def await_no_more(deliveries: Deliveries, d: int) -> None:
    """The broker no longer waits: ``d`` leaves its list."""
    before = deliveries.before[d]
    after = deliveries.after[d]
    if before >= 0:
        deliveries.after[before] = after
    else:
        deliveries.first = after
    if after >= 0:
        deliveries.before[after] = before
    else:
        deliveries.last = before
    deliveries.has[d] -= codes.BROKER
