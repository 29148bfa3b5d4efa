"""A queue whose delay is set anew while it runs: when each message can be received at first."""

import heapq
from collections.abc import Sequence

import numpy as np

from sim.engine.waits import Sent, TimePart
from sim.foundation.arrays import F64
from sim.queue.feed import empty_feed
from sim.queue.feed_kernel import Feed

Changes = Sequence[tuple[float, float]]
"""(from when on, s; the delay then, s), ascending; the first from the start on."""


def ready_s(sent_s: float, changes: Changes, retroactive: bool) -> float:
    """When a message that came at ``sent_s`` can be received, s (SS-17).

    ``retroactive``: a new delay is also of what waits for the end of an old one, and counts from
    when that came; what has been ready stays so.
    """
    delays = [delay for from_s, delay in changes if from_s <= sent_s]
    ends_s = sent_s + delays[-1]
    if retroactive:
        for from_s, delay in changes[len(delays) :]:
            if ends_s <= from_s:
                break
            ends_s = max(from_s, sent_s + delay)
    return ends_s


class Delayed:
    """Stage of the data plane: the rows of a feed, each once its delay is over, as another feed."""

    def __init__(self, source: Feed, changes: Changes, *, retroactive: bool) -> None:
        """
        Args:
            source: advanced before this stage.
            changes: of the delay.
            retroactive: as in `ready_s`.
        """
        self.source = source
        self.changes = changes
        self.retroactive = retroactive
        self.feed = empty_feed(source.message.size)
        self.delay_s: F64 = np.zeros(source.message.size)
        """[messages] how long each waits, s; of those that have come."""
        self._waiting: list[tuple[float, int, int]] = []
        """(ready, row of the source, message), a heap."""
        self._read = 0

    def advance(self, until_s: float) -> None:
        """Append what can be received by ``until_s``."""
        stop = int(self.source.n[0])
        for row in range(self._read, stop):
            sent_s, message = float(self.source.enqueued_s[row]), int(self.source.message[row])
            at_s = ready_s(sent_s, self.changes, self.retroactive)
            self.delay_s[message] = at_s - sent_s
            heapq.heappush(self._waiting, (at_s, row, message))
        self._read = stop
        n = int(self.feed.n[0])
        while self._waiting and self._waiting[0][0] <= until_s:
            at_s, _, message = heapq.heappop(self._waiting)
            self.feed.enqueued_s[n], self.feed.message[n] = at_s, message
            n += 1
        self.feed.n[0] = n


class DelayedSent:
    """How messages get into the feed of a `Delayed`: a `sim.engine.waits.Sent`."""

    def __init__(self, sent: Sent, delayed: Delayed) -> None:
        """``sent``: how they get into its source."""
        self.sent = sent
        self.delayed = delayed

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`."""
        delay_s = self.delayed.delay_s[first:last]
        parts_s = self.sent.sent_parts_s(first, last, entered_s - delay_s)
        parts_s[TimePart.DELAY] += delay_s
        return parts_s
