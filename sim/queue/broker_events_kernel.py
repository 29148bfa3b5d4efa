"""What is to happen in a queue, earliest first; equal times in order of scheduling."""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, longer


class Events:
    """Binary heap; the first ``stored`` rows are used.

    What ``ref`` and ``stamp`` are depends on the kind (`sim.queue.broker_codes`).
    """

    def __init__(self, room: int) -> None:
        self.at_s: F64 = np.zeros(room)
        """[room] when it happens."""
        self.serial: I64 = np.zeros(room, np.int64)
        """[room] its number in order of scheduling."""
        self.kind: I64 = np.zeros(room, np.int64)
        """[room] WAKE, FINISH, …"""
        self.ref: I64 = np.zeros(room, np.int64)
        """[room] to whom."""
        self.stamp: I64 = np.zeros(room, np.int64)
        """[room] to which call or process of it."""
        self.stored = 0
        """Events that are to come."""
        self.ever = 0
        """Events scheduled so far."""

    def enlarge(self) -> None:
        """Have twice the room."""
        room = 2 * self.at_s.shape[0]
        self.at_s = longer(np.asarray(self.at_s), room, 0.0)
        self.serial = longer(np.asarray(self.serial), room, 0)
        self.kind = longer(np.asarray(self.kind), room, 0)
        self.ref = longer(np.asarray(self.ref), room, 0)
        self.stamp = longer(np.asarray(self.stamp), room, 0)


def _move(events: Events, origin: int, to: int) -> None:
    events.at_s[to] = events.at_s[origin]
    events.serial[to] = events.serial[origin]
    events.kind[to] = events.kind[origin]
    events.ref[to] = events.ref[origin]
    events.stamp[to] = events.stamp[origin]


def push(events: Events, at_s: float, kind: int, ref: int, stamp: int) -> None:
    """Schedule an event; there must be room."""
    at = events.stored
    events.stored += 1
    while at > 0:
        parent = (at - 1) >> 1
        if events.at_s[parent] <= at_s:
            break
        _move(events, parent, at)
        at = parent
    events.at_s[at] = at_s
    events.serial[at] = events.ever
    events.kind[at] = kind
    events.ref[at] = ref
    events.stamp[at] = stamp
    events.ever += 1


def _before(events: Events, a: int, b: int) -> bool:
    if events.at_s[a] == events.at_s[b]:
        return num.integer(events.serial[a]) < num.integer(events.serial[b])
    return num.double(events.at_s[a]) < num.double(events.at_s[b])


def drop_first(events: Events) -> None:
    """The first event has happened."""
    last = events.stored - 1
    events.stored = last
    at = 0
    while True:
        child = 2 * at + 1
        if child >= last:
            break
        if child + 1 < last and _before(events, child + 1, child):
            child += 1
        if _before(events, last, child):
            break
        _move(events, child, at)
        at = child
    _move(events, last, at)
