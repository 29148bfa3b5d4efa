"""What gets into queues: the messages sent, in order of arrival, for each queue that reads them."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32, I64


class Feed(NamedTuple):
    """Messages as they arrive; whoever sends appends, and every queue reads at its own pace."""

    message: I32  # [messages] which message each row is
    enqueued_s: F64  # [messages] when it arrives, ascending over the rows filled
    n: I64  # [1] rows filled


def empty_feed(n: int) -> Feed:
    """A feed into which ``n`` messages will come."""
    return Feed(np.zeros(n, np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
