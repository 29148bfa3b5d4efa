"""What is to happen in a queue, earliest first; equal times in order of scheduling."""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, longer
from sim.queue import broker_codes as codes


class Events:
    """Binary heap of times; what an event is, is in a slot of its own, which stays where it is.

    What ``ref`` and ``stamp`` are depends on the kind (`sim.queue.broker_codes`). Ends of long
    polls (GIVE_UP) are most of all events where consumers wait, but all polls are equally long:
    they stand in a ring instead, in order.
    """

    def __init__(self, room: int) -> None:
        self.at_s: F64 = np.full(room + 1, np.inf)
        """[room + 1] when; the first ``stored`` are the heap, behind it stands inf."""
        self.slot: I64 = np.arange(room)
        """[room] where the event at this place of the heap is; behind the heap, free slots."""
        self.serial: I64 = np.zeros(room, np.int64)
        """[slots] its number in order of scheduling."""
        self.kind: I64 = np.zeros(room, np.int64)
        """[slots] WAKE, FINISH, …"""
        self.ref: I64 = np.zeros(room, np.int64)
        """[slots] to whom."""
        self.stamp: I64 = np.zeros(room, np.int64)
        """[slots] to which call or process of it."""
        self.stored = 0
        """Places of the heap that are used."""
        self.ever = 0
        """Events scheduled so far."""
        self.happened = False
        """The first of the heap is over, and its place is for the next one scheduled."""
        self.poll_end_s: F64 = np.zeros(room)
        """[room of the ring, a power of two] when a poll ends."""
        self.poll_serial: I64 = np.zeros(room, np.int64)
        """[room of the ring] its number among all events, in order of scheduling."""
        self.poll_consumer: I64 = np.zeros(room, np.int64)
        """[room of the ring] whose it is."""
        self.poll_call: I64 = np.zeros(room, np.int64)
        """[room of the ring] which call of the consumer."""
        self.polls_ended = 0
        """Polls that have left the ring; the first in it is at this number, less whole rounds."""
        self.polls = 0
        """Polls that ever were in the ring."""
        self.poll_is_first = False
        """What happens first is the end of a poll, as `first_s` has found."""
        self.kind_now = 0
        """What happens now: its kind, …"""
        self.ref_now = 0
        self.stamp_now = 0

    def enlarge_ring(self) -> None:
        """Have twice the room for polls."""
        room = self.poll_end_s.shape[0]
        waiting = np.arange(self.polls_ended, self.polls)
        for name in ("poll_end_s", "poll_serial", "poll_consumer", "poll_call"):
            old = np.asarray(getattr(self, name))
            new = np.zeros(2 * room, old.dtype)
            new[waiting % (2 * room)] = old[waiting % room]
            setattr(self, name, new)

    def enlarge(self) -> None:
        """Have twice the room."""
        room = self.slot.shape[0]
        self.slot = np.append(np.asarray(self.slot), np.arange(room, 2 * room))
        self.at_s = longer(np.asarray(self.at_s), 2 * room + 1, np.inf)
        self.serial = longer(np.asarray(self.serial), 2 * room, 0)
        self.kind = longer(np.asarray(self.kind), 2 * room, 0)
        self.ref = longer(np.asarray(self.ref), 2 * room, 0)
        self.stamp = longer(np.asarray(self.stamp), 2 * room, 0)


def _rise(events: Events, place: int, at_s: float, slot: int) -> None:
    """Put the latest event scheduled where it belongs, from a free place upwards."""
    at = place
    while at > 0:
        parent = (at - 1) >> 1
        if events.at_s[parent] <= at_s:
            break
        events.at_s[at] = events.at_s[parent]
        events.slot[at] = events.slot[parent]
        at = parent
    events.at_s[at] = at_s
    events.slot[at] = slot


def _before(events: Events, a: int, b: int) -> bool:
    """Which of two events at the same time is first, by their slots."""
    return num.integer(events.serial[a]) < num.integer(events.serial[b])


def _sink(events: Events, at_s: float, slot: int) -> None:
    """Put an event where it belongs, from the top, which is free, downwards."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= events.stored:
            break
        left_s = events.at_s[child]
        right_s = events.at_s[child + 1]  # inf behind the heap
        if left_s == right_s:
            if child + 1 < events.stored and _before(
                events, events.slot[child + 1], events.slot[child]
            ):
                child += 1
        else:
            # Added, not asked: a processor would guess wrong half of the time.
            child += right_s < left_s
        child_s = min(left_s, right_s)
        if child_s >= at_s and (child_s > at_s or _before(events, slot, events.slot[child])):
            break
        events.at_s[at] = child_s
        events.slot[at] = events.slot[child]
        at = child
    events.at_s[at] = at_s
    events.slot[at] = slot


def push(events: Events, at_s: float, kind: int, ref: int, stamp: int) -> None:
    """Schedule an event; there must be room."""
    at = 0 if events.happened else events.stored
    slot = events.slot[at]
    events.serial[slot] = events.ever
    events.kind[slot] = kind
    events.ref[slot] = ref
    events.stamp[slot] = stamp
    events.ever += 1
    if events.happened:
        events.happened = False
        _sink(events, at_s, slot)
    else:
        events.stored += 1
        _rise(events, at, at_s, slot)


def poll(events: Events, end_s: float, c: int, call: int) -> None:
    """Schedule the end of a poll, no earlier than any poll before; there must be room."""
    at = events.polls & (events.poll_end_s.shape[0] - 1)
    events.poll_end_s[at] = end_s
    events.poll_serial[at] = events.ever
    events.poll_consumer[at] = c
    events.poll_call[at] = call
    events.polls += 1
    events.ever += 1


def _close_gap(events: Events) -> None:
    """Nothing was scheduled in the place of what happened: the last of the heap gets it."""
    events.happened = False
    free = events.slot[0]
    last = events.stored - 1
    at_s = events.at_s[last]
    slot = events.slot[last]
    events.at_s[last] = num.INF
    events.slot[last] = free
    events.stored = last
    if last > 0:
        _sink(events, at_s, slot)


def first_s(events: Events) -> float:
    """When the first event that has not happened does; inf: there is none."""
    if events.happened:
        _close_gap(events)
    at_s = num.double(events.at_s[0])
    events.poll_is_first = False
    if events.polls_ended < events.polls:
        first = events.polls_ended & (events.poll_end_s.shape[0] - 1)
        end_s = num.double(events.poll_end_s[first])
        if end_s <= at_s and (
            end_s < at_s or events.poll_serial[first] < events.serial[events.slot[0]]
        ):
            events.poll_is_first = True
            return end_s
    return at_s


def take_first(events: Events) -> None:
    """The first event happens now: after `first_s`, with nothing scheduled since."""
    if events.poll_is_first:
        first = events.polls_ended & (events.poll_end_s.shape[0] - 1)
        events.polls_ended += 1
        events.kind_now = codes.GIVE_UP
        events.ref_now = events.poll_consumer[first]
        events.stamp_now = events.poll_call[first]
    else:
        events.happened = True
        slot = events.slot[0]
        events.kind_now = events.kind[slot]
        events.ref_now = events.ref[slot]
        events.stamp_now = events.stamp[slot]
