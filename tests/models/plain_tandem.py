"""Two queues in tandem, of which the second refuses what is too much: a list of events, no more."""

import heapq
from collections import deque
from itertools import count
from typing import NamedTuple

import numpy as np


class Tandem(NamedTuple):
    """Two stages: whoever works in the first waits until the second has what it sends."""

    created_s: list[float]
    work_s: list[float]
    """Of the messages in the first stage."""
    next_work_s: list[float]
    """Of those in the second, in the order in which they are sent."""
    consumers: tuple[int, int]
    length: int
    """Of the second queue, at most."""
    again_s: float
    """From a refusal to the next try, s."""
    half_s: float
    """A way, s."""
    lane: list[int] | None = None
    """Of each message, if each lane of the first stage has so many consumers of its own."""


class Ended(NamedTuple):
    """[messages] s."""

    sent_s: np.ndarray
    freed_s: np.ndarray
    """Its consumer in the first stage goes on."""
    done_s: np.ndarray
    """In the second stage."""


def play(its: Tandem) -> Ended:
    """Event by event."""
    n = len(its.created_s)
    events: list[tuple[float, int, str, int]] = []
    number, sent = count(), count()
    lane = its.lane or [0] * n
    first: list[deque[int]] = [deque() for _ in range(max(lane) + 1)]
    second: deque[int] = deque()
    free, room = [its.consumers[0]] * len(first), its.consumers[1]
    place: dict[int, int] = {}
    times = {what: np.full(n, np.inf) for what in ("sent", "free", "done")}

    def plan(at_s: float, what: str, message: int) -> None:
        heapq.heappush(events, (at_s, next(number), what, message))

    for message, at_s in enumerate(its.created_s):
        plan(at_s + its.half_s, "come", message)
    while events:
        now, _, what, message = heapq.heappop(events)
        if what == "come":
            first[lane[message]].append(message)
        elif what == "send":
            times["sent"][message] = now
            place[message] = next(sent)
            plan(now + its.half_s, "arrive", message)
        elif what == "arrive":
            if len(second) >= its.length:
                plan(now + its.again_s, "arrive", message)
            else:
                second.append(message)
                plan(now + its.half_s, "free", message)
        elif what == "free":
            times["free"][message] = now
            free[lane[message]] += 1
        else:
            times["done"][message] = now
            room += 1
        for one, waiting in enumerate(first):
            while free[one] and waiting:
                free[one] -= 1
                plan(now + its.work_s[waiting[0]], "send", waiting.popleft())
        while room and second:
            room -= 1
            plan(now + its.next_work_s[place[second[0]]], "done", second.popleft())
    return Ended(times["sent"], times["free"], times["done"])
