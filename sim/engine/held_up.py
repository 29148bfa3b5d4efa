"""A stage of a pipeline that waits for the next one: until when each of its sends takes.

What a stage sends, and when the next one has it, depend on each other. So the stages are run again
and again: each time, a stage goes by when the next one had what it had sent the time before. Both
only ever depend on what was earlier, so each run is right for longer than the one before. They
agree once each call goes on when the next stage says. Where batches and round trips that are drawn
in turn hand small differences on for ever, `AGREED_S` is enough.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.engine.held_up_kernel import HeldUp
from sim.engine.outcome import Effects
from sim.foundation.arrays import F64, I64

AGREED_S = 0.1
"""Stages agree if what they say of each other's calls differs by no more, s."""
SAME_S = 1e-9
"""Times that differ by no more are the same, s."""
_REPEATS = 1 << 12
"""Calls that are kept beyond two for each message."""


class Taken(NamedTuple):
    """When a system has taken what the stage before it sent."""

    at_s: F64
    """[messages] when whoever sent it was told that it is there, or not to be, s; inf: never."""
    trip_s: F64
    """[messages] how long that takes if nothing is in its way, s."""


@dataclass(frozen=True)
class Sends:
    """Of what a group sent in a run, call by call in order of time, until when each took."""

    until_s: F64
    """[calls] when the next stage can take it at the earliest, s; -inf: at once."""
    trip_s: F64
    """[calls] how long that takes at least, s."""

    @classmethod
    def none(cls) -> "Sends":
        """Nothing is known yet."""
        return cls(np.zeros(0), np.zeros(0))

    @classmethod
    def of(cls, sent: Effects, order: I64, taken: Taken) -> "Sends":
        """Those of a run.

        Args:
            sent: what was sent, in order of time.
            order: [calls] which call each of it was.
            taken: what the next stage made of each.
        """
        held = taken.at_s > sent.at_s + taken.trip_s + SAME_S
        until_s, trip_s = np.empty(held.size), np.empty(held.size)
        until_s[order] = np.where(held, taken.at_s, -np.inf)
        trip_s[order] = taken.trip_s
        return cls(until_s, trip_s)

    def held_up(self, messages: int) -> HeldUp:
        """The same for a kernel, of a group that knows so many messages."""
        room = 2 * messages + _REPEATS
        return HeldUp(
            self.until_s.copy(),
            self.trip_s.copy(),
            np.zeros(room, np.int32),
            np.zeros(room),
            np.zeros(messages),
        )

    def off_s(self, before: "Sends", sent: Effects, order: I64) -> float:
        """How much earlier or later a call went on than the next stage says, at most, s.

        Args:
            before: by what the group went.
            sent: what it sent, in order of time.
            order: [calls] which call each of it was.
        """
        if self.until_s.size != before.until_s.size:
            return np.inf
        called_s = np.empty(order.size)
        called_s[order] = sent.at_s
        off_s = self._went_on_s(called_s) - before._went_on_s(called_s)
        return float(np.abs(off_s).max(initial=0.0))

    def _went_on_s(self, called_s: F64) -> F64:
        return np.maximum(self.until_s, called_s + self.trip_s)
