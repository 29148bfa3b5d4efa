"""The producer side of a queue: threads that call the service's send API."""

import numpy as np
from numpy.typing import NDArray

from sim.queue import senders_kernel as k
from sim.queue.sqs_standard_kernel import Feed


class Senders:
    """Stage of the data plane: puts messages into the feed that every queue of a system reads."""

    def __init__(
        self,
        created_s: NDArray[np.float64],
        *,
        threads: int,
        batch: int,
        latency_s: NDArray[np.float64],
        delay_s: NDArray[np.float64] | None = None,
        calls_per_s: float = np.inf,
    ) -> None:
        """
        Args:
            created_s: [messages] ascending, s.
            threads: serial callers; messages wait in memory while all are busy.
            batch: messages a call carries at most (SendMessageBatch: 10).
            latency_s: [draws] round trips of the call, s, taken in turn.
            delay_s: [messages] DelaySeconds of each; None: no delay. A delayed message is treated
                as if it were sent so much later.
            calls_per_s: quota of the queue.
        """
        n = created_s.size
        self.created_s = created_s
        self.order = np.zeros(0, np.int32)
        if delay_s is not None:
            self.order = np.argsort(created_s + delay_s, kind="stable").astype(np.int32)
            self.created_s = (created_s + delay_s)[self.order]
        self.batch = batch
        self.latency_s = latency_s
        self.calls_per_s = float(calls_per_s)
        self.feed = Feed(np.zeros(n, np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
        self.state = k.Senders(
            event_s=np.zeros(threads),
            half_s=np.zeros(threads),
            first=np.zeros(threads, np.int64),
            n=np.zeros(threads, np.int64),
            counts=np.zeros(k.COUNTS, np.int64),
            quota_s=np.full(1, -np.inf),
        )

    def advance(self, until_s: float) -> None:
        """Carry every send call to ``until_s``."""
        k.send(
            until_s,
            self.created_s,
            self.order,
            self.batch,
            self.latency_s,
            self.calls_per_s,
            self.state,
            self.feed,
        )

    @property
    def calls(self) -> int:
        """Send calls made."""
        return int(self.state.counts[k.CALLS])

    def visible_s(self, delay_s: float) -> NDArray[np.float64]:
        """[messages] when each came into a queue ``delay_s`` behind the feed; inf: never."""
        out = np.full(self.created_s.size, np.inf)
        rows = slice(0, int(self.feed.n[0]))
        out[self.feed.message[rows]] = self.feed.enqueued_s[rows] + delay_s
        return out
