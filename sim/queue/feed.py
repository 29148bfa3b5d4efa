"""A feed before anything has come; what a feed is, is in `sim.queue.feed_kernel`."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32, I64
from sim.queue.feed_kernel import Feed


class FeedColumns(NamedTuple):
    """The columns of a feed for kernels that Numba compiles; the memory is the feed's."""

    message: I32
    enqueued_s: F64
    n: I64


def columns_of(feed: Feed) -> FeedColumns:
    """The same memory as NumPy arrays."""
    return FeedColumns(np.asarray(feed.message), np.asarray(feed.enqueued_s), np.asarray(feed.n))


def empty_feed(n: int) -> Feed:
    """A feed into which ``n`` messages will come."""
    return Feed(np.zeros(n, np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
