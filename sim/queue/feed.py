"""A feed before anything has come; what a feed is, is in `sim.queue.feed_kernel`."""

import numpy as np

from sim.queue.feed_kernel import Feed


def empty_feed(n: int) -> Feed:
    """A feed into which ``n`` messages will come."""
    return Feed(np.zeros(n, np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
