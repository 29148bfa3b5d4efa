"""What a message of the plain queue waited for, from its own history: interval by interval."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

INF = float("inf")


@dataclass
class Delivery:
    """One time that a message was handed to a worker."""

    handed_s: float
    sent_s: float | None  # when the receive was sent; None: a long poll that waited
    left_s: float = INF  # nobody had it from then on
    back_s: float = INF  # visible again


@dataclass
class Effect:
    """The first time that a message was processed."""

    delivery: Delivery
    came_s: float  # the answer to the receive was there
    begun_s: float
    done_s: float
    own_s: float  # what it takes undisturbed
    others: bool  # whether others of its receive were before it


History = list[tuple[float, str]]
"""From when on, why what is ready waits."""


def _met(history: History, from_s: float, until_s: float) -> Iterator[tuple[str, float]]:
    """Why, and how long, between two times."""
    for i, (at_s, why) in enumerate(history):
        next_s = history[i + 1][0] if i + 1 < len(history) else INF
        length_s = min(next_s, until_s) - max(at_s, from_s)
        if length_s > 0:
            yield why, length_s


NAMES = {"nobody": "NO_OWNER", "ceiling": "CEILING", "idle": "CALL", "capacity": "CAPACITY"}


def parts_of(message: Any, history: History) -> dict[str, float]:
    """The parts of a message that was processed, s."""
    found: dict[str, float] = defaultdict(float)
    found["SEND"] = message.visible_s - message.created_s
    effect = message.effect
    ready_s = message.visible_s
    for delivery in message.deliveries:
        last = delivery is effect.delivery
        trip_s = delivery.handed_s
        if last and delivery.sent_s is not None:
            trip_s = max(ready_s, delivery.sent_s)
        for why, length_s in _met(history, ready_s, trip_s):
            found[NAMES[why]] += length_s
        for why, length_s in _met(history, trip_s, delivery.handed_s):
            found["CEILING" if why == "ceiling" else "CALL"] += length_s
        if last:
            break
        left_s = min(delivery.left_s, delivery.back_s)
        found["ATTEMPT"] += left_s - delivery.handed_s
        found["LOCK"] += delivery.back_s - left_s
        ready_s = delivery.back_s
    found["CALL"] += effect.came_s - effect.delivery.handed_s
    found["HELD" if effect.others else "SLOWED"] += effect.begun_s - effect.came_s
    took_s = effect.done_s - effect.begun_s
    found["WORK"] += min(took_s, effect.own_s)
    found["SLOWED"] += max(0.0, took_s - effect.own_s)
    return dict(found)
