"""What gets into queues: the messages sent, in order of arrival, for each queue that reads them."""

from sim.foundation.arrays import F64, I32, I64


class Feed:
    """Messages as they arrive; whoever sends appends, and every queue reads at its own pace."""

    def __init__(self, message: I32, enqueued_s: F64, n: I64) -> None:
        self.message: I32 = message
        """[messages] which message each row is."""
        self.enqueued_s: F64 = enqueued_s
        """[messages] when it arrives, s, ascending over the rows filled."""
        self.n: I64 = n
        """[1] rows filled."""
