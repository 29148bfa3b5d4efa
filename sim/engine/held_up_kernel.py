"""Whoever sends what comes of a message goes on only once the next stage of a pipeline has it."""

import numpy as np

from sim.foundation.arrays import F64, I32


class HeldUp:
    """What a group sends on, call by call in order of time, and until when each of them takes."""

    def __init__(
        self, until_s: F64, trip_s: F64, message: I32, called_s: F64, blocked_s: F64
    ) -> None:
        self.until_s: F64 = until_s
        """[known calls] when the next stage can take what was sent, at the earliest; -inf: at
        once."""
        self.trip_s: F64 = trip_s
        """[known calls] how long that takes at least, s."""
        self.message: I32 = message
        """[room] of each call, what it is about; [0]: nobody waits for the next stage."""
        self.called_s: F64 = called_s
        """[room] when it was made."""
        self.blocked_s: F64 = blocked_s
        """[messages] how long the call of its first effect was held up, s."""
        self.n = 0
        """Calls made; more than there is room for are counted only."""


def nobody() -> HeldUp:
    """Nobody waits for a next stage."""
    never = np.zeros(0)
    return HeldUp(never, never, np.zeros(0, np.int32), never, never)


def call(held_up: HeldUp, message: int, now: float) -> int:
    """The work on a message is done, and what comes of it is sent; returns the number of that."""
    i = held_up.n
    held_up.n = i + 1
    if i < held_up.message.shape[0]:
        held_up.message[i] = message
        held_up.called_s[i] = now
    return i


def goes_on_s(held_up: HeldUp, i: int, now: float) -> float:
    """When whoever made a call goes on, from ``now`` on; if nothing is known of that, at once."""
    if i >= held_up.until_s.shape[0] or i >= held_up.message.shape[0]:
        return now
    until_s: float = held_up.until_s[i]
    taken_s: float = held_up.called_s[i] + held_up.trip_s[i]
    return max(now, until_s, taken_s)


def took(held_up: HeldUp, i: int, message: int, now: float) -> None:
    """A call has led to the first effect of a message."""
    if i < held_up.message.shape[0]:
        held_up.blocked_s[message] = now - held_up.called_s[i]
