"""A topic and its producer: from messages to readable rows of a log (KP-01, KB-01)."""

from copy import copy
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.log import topic_kernel as k

_T = TypeVar("_T", bound=np.generic)


def by_partition(partition: NDArray[np.int32], partitions: int) -> NDArray[np.intp]:
    """[records] the order that puts those of a partition together and keeps theirs."""
    # NumPy sorts 16 bits by radix, in a tenth of the time.
    few = partitions <= np.iinfo(np.int16).max
    return np.argsort(partition.astype(np.int16) if few else partition, kind="stable")


class Topic:
    """Stage of the data plane: appends messages to partitions as time goes on."""

    def __init__(
        self,
        created_s: NDArray[np.float64],
        partition_of: NDArray[np.int32],
        partitions: int,
        size_bytes: NDArray[np.int32],
        *,
        linger_s: float,
        batch_bytes: int,
        latency_s: NDArray[np.float64],
    ) -> None:
        """
        Args:
            created_s: [messages] ascending, s.
            partition_of: [messages] partition of each message.
            partitions: number of partitions.
            size_bytes: [messages], or [1] when all are the same.
            linger_s: linger.ms, in s.
            batch_bytes: batch.size.
            latency_s: [draws] from sending a batch to its being readable, taken in turn.
        """
        n = created_s.size
        start = np.zeros(partitions + 1, np.int64)
        np.cumsum(np.bincount(partition_of, minlength=partitions), out=start[1:])
        self.created_s = created_s
        self.partition_of = partition_of
        self.size_bytes = size_bytes
        self.repeats = False
        """Whether a message can be in the log more than once."""
        self.linger_s = linger_s
        self.batch_bytes = batch_bytes
        self.latency_s = latency_s
        self.log = k.TopicState(
            start=start,
            end=np.zeros(partitions, np.int64),
            message=np.zeros(n, np.int32),
            visible_s=np.full(n, np.inf),
            first=np.zeros(partitions, np.int64),
        )
        # Lingering batches are at most one a partition; the slack makes compaction rare.
        ring = 2 * partitions + 64
        self.producer = k.ProducerState(
            next_message=np.zeros(1, np.int64),
            open_records=np.zeros(partitions, np.int64),
            open_bytes=np.zeros(partitions, np.int64),
            opened_s=np.zeros(partitions),
            batch_no=np.zeros(partitions, np.int64),
            last_append_s=np.zeros(partitions),
            ring_partition=np.zeros(ring, np.int64),
            ring_batch=np.zeros(ring, np.int64),
            ring=np.zeros(2, np.int64),
            sent=np.zeros(1, np.int64),
        )

    @classmethod
    def of_records(
        cls,
        created_s: NDArray[np.float64],
        partitions: int,
        message: NDArray[np.int32],
        partition: NDArray[np.int32],
        visible_s: NDArray[np.float64],
    ) -> "Topic":
        """A topic whose records are known: what a publisher left in the log.

        Args:
            created_s: [messages] ascending, s.
            partitions: number of partitions.
            message: [records] which message each is, in order of appending; any number of times.
            partition: [records] where it went.
            visible_s: [records] when it can be read, s; never before those ahead of it (LSO).
        """
        no_one = np.zeros(0, np.int32)
        topic = cls(
            created_s[:0], no_one, partitions, no_one,
            linger_s=0.0, batch_bytes=1, latency_s=np.zeros(1),
        )  # fmt: skip
        topic.created_s = created_s
        start = np.zeros(partitions + 1, np.int64)
        np.cumsum(np.bincount(partition, minlength=partitions), out=start[1:])
        order = by_partition(partition, partitions)
        visible_s = visible_s[order]
        for p in range(partitions):
            here = visible_s[start[p] : start[p + 1]]
            np.maximum.accumulate(here, out=here)
        topic.log = topic.log._replace(
            start=start,
            end=np.diff(start),
            message=message[order].astype(np.int32),
            visible_s=visible_s,
        )
        topic.producer.next_message[0] = created_s.size
        topic.repeats = bool(np.bincount(message).max(initial=0) > 1)
        return topic

    def seen_at(self, visible_s: NDArray[np.float64]) -> "Topic":
        """The same records, for a reader to whom each is readable from ``visible_s`` [records]."""
        view = copy(self)
        view.log = self.log._replace(visible_s=visible_s)
        return view

    def advance(self, until_s: float) -> None:
        """Append every batch that leaves the producer by ``until_s``.

        Raises:
            AssertionError: a message was lost, or made, between the application and the log.
        """
        has = k.append(
            until_s,
            self.created_s,
            self.partition_of,
            self.size_bytes,
            self.linger_s,
            self.batch_bytes,
            self.latency_s,
            self.log,
            self.producer,
        )
        taken = int(self.producer.next_message[0])
        assert has == taken or not self.partition_of.size, (has, taken, self.log.end.tolist())

    def to_messages(
        self, rows: NDArray[_T], fill: float, merge: np.ufunc = np.minimum
    ) -> NDArray[_T]:
        """A column in log order, put back in order of creation; ``fill`` where not appended.

        ``merge`` makes one value of those of a message that was appended more than once.
        """
        out = np.full(self.created_s.size, fill, rows.dtype)
        for p, end in enumerate(self.log.end):
            here = slice(self.log.start[p], self.log.start[p] + end)
            if self.repeats:
                merge.at(out, self.log.message[here], rows[here])
            else:
                out[self.log.message[here]] = rows[here]
        return out

    def log_end(self, at_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """[samples, partitions] readable records at each of the (ascending) times ``at_s``."""
        ends = np.zeros((at_s.size, self.log.end.size), np.int64)
        for p in range(self.log.end.size):
            ends[:, p] = np.searchsorted(self.readable_s(p), at_s, side="right")
        return ends

    def readable(self, now_s: float) -> NDArray[np.int64]:
        """[partitions] records that can be read by now."""
        ends: NDArray[np.int64] = self.log_end(np.array([now_s]))[0]
        return ends

    def readable_s(self, p: int) -> NDArray[np.float64]:
        """[offsets] when each record of partition ``p`` became, or will become, readable."""
        first = self.log.start[p]
        return self.log.visible_s[first : first + self.log.end[p]]
