"""Queues that take only some of what is sent: SNS subscriptions with a filter policy."""

import numpy as np

from sim.foundation.arrays import I32
from sim.queue.feed import empty_feed
from sim.queue.feed_kernel import Feed


class Filtered:
    """Stage of the data plane: the rows of a feed that a queue lets in, as a feed of its own.

    Its messages are numbered anew from 0, in order of creation.
    """

    def __init__(self, source: Feed, rows: I32) -> None:
        """
        Args:
            source: advanced before this stage.
            rows: the messages that are let in, ascending.
        """
        self.source = source
        self.read = 0
        self.number = np.full(source.message.size, -1, np.int32)
        """[messages of the source] number here; -1: not let in."""
        self.number[rows] = np.arange(rows.size, dtype=np.int32)
        self.feed = empty_feed(rows.size)

    def advance(self, until_s: float) -> None:
        """Append what the source has by now."""
        stop = int(self.source.n[0])
        number = self.number[np.asarray(self.source.message[self.read : stop])]
        here = number >= 0
        first = int(self.feed.n[0])
        last = first + int(np.count_nonzero(here))
        self.feed.message[first:last] = number[here]
        self.feed.enqueued_s[first:last] = np.asarray(self.source.enqueued_s[self.read : stop])[
            here
        ]
        self.feed.n[0] = last
        self.read = stop
        assert last <= min(stop, self.feed.message.size), "a message was let in twice"
