"""How records reach a partitioned log, and what of it can be read when.

Rules held: KP-01 (a batch leaves when it is full or has lingered), KB-01 (offsets per partition
are increasing), KB-14 (a broker and a partition take only so much).
"""

import cython
import numpy as np

from sim.engine.acted_kernel import Acted, note
from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64


class Log:
    """Partitions laid end to end; partition ``p`` owns rows ``start[p]:start[p + 1]``.

    The columns are those of `sim.log.topic.LogColumns`, which owns them.
    """

    def __init__(self, start: I64, end: I64, message: I32, visible_s: F64, first: I64) -> None:
        self.start = start
        """[partitions + 1] first row of each partition."""
        self.end = end
        """[partitions] rows appended so far (log-end offset, relative to start)."""
        self.message = message
        """[rows] index of the message in each row."""
        self.visible_s = visible_s
        """[rows] when the row can be read (below the high watermark); inf: it is not appended."""
        self.first = first
        """[partitions] log start offset: what lies before it was deleted."""


class LogServers:
    """What brokers and partitions can take: each is a server that takes one batch at a time.

    The latency of a batch has its own time in it; what a ceiling adds is the wait for those before.
    """

    def __init__(
        self,
        partitions: int,
        brokers: int,
        broker_byte_s: float,
        request_s: float,
        partition_byte_s: float,
    ) -> None:
        self.broker_byte_s = broker_byte_s
        """Time of a broker that a byte takes, s; 0: none."""
        self.request_s = request_s
        """Time of a broker that a batch takes besides, s."""
        self.partition_byte_s = partition_byte_s
        """Time of a partition that a byte takes, s."""
        self.limited = broker_byte_s > 0.0 or request_s > 0.0 or partition_byte_s > 0.0
        """Whether there is any ceiling."""
        self.long_s = 0.1
        """A batch that waits longer than this has met a ceiling."""
        self.broker_free_s: F64 = np.full(brokers, -num.INF)
        """[brokers] busy until then; partition p is led by broker p mod their number."""
        self.partition_free_s: F64 = np.full(partitions, -num.INF)
        """[partitions] busy until then."""
        self.broker_full_s: F64 = np.stack([np.full(brokers, num.INF), -np.full(brokers, num.INF)])
        """[2, brokers] first and last time that a batch had waited long for it, s."""
        self.partition_full_s: F64 = np.stack(
            [np.full(partitions, num.INF), -np.full(partitions, num.INF)]
        )
        """[2, partitions] the same."""
        self.broker_waited: I64 = np.zeros(brokers, np.int64)
        """[brokers] batches that had waited long for it."""
        self.partition_waited: I64 = np.zeros(partitions, np.int64)
        """[partitions] the same."""


class LogProducer:
    """One producer client, which accumulates an open batch per partition.

    Order within a partition is that of creation, so the records of an open batch already lie in
    the log's rows, just past its end; what a batch lacks until it is sent is its visible time.
    """

    def __init__(
        self,
        partitions: int,
        created_s: F64,
        partition_of: I32,
        size_bytes: I32,
        linger_s: float,
        batch_bytes: int,
        latency_s: F64,
        ceilings: LogServers,
    ) -> None:
        self.created_s = created_s
        """[messages] ascending."""
        self.partition_of = partition_of
        """[messages]"""
        self.size_bytes = size_bytes
        """[messages], or [1] when all are the same."""
        self.linger_s = linger_s
        """linger.ms, in s."""
        self.batch_bytes = batch_bytes
        """batch.size."""
        self.latency_s = latency_s
        """[draws] from sending a batch to its being readable, taken in turn, one a batch."""
        self.next_message = 0
        """First message not yet handed to the client."""
        self.sent = 0
        """Batches sent: index into the latency draws."""
        self.open_records: I64 = np.zeros(partitions, np.int64)
        """[partitions] records in the open batch."""
        self.open_bytes: I64 = np.zeros(partitions, np.int64)
        """[partitions] bytes in it."""
        self.opened_s: F64 = np.zeros(partitions)
        """[partitions] when it was created."""
        self.batch_no: I64 = np.zeros(partitions, np.int64)
        """[partitions] counts batches, to recognise stale entries of the ring."""
        self.last_append_s: F64 = np.zeros(partitions)
        """[partitions] append time of the previous batch."""
        # Lingering batches are at most one a partition; the slack makes compaction rare.
        self.ring_partition: I64 = np.zeros(2 * partitions + 64, np.int64)
        """[ring] partition of a lingering batch, oldest first."""
        self.ring_batch: I64 = np.zeros(2 * partitions + 64, np.int64)
        """[ring] its ``batch_no``."""
        self.ceilings = ceilings
        """What brokers and partitions can take."""
        self.ring_head = 0
        """Counts what left the ring."""
        self.ring_tail = 0
        """Counts what came into it."""
        self.long_s = 0.1
        """Who waits for longer than this has met a limit."""
        self.lingered = Acted()
        """Batches that left as they had lingered, where that is long."""
        rows = created_s.size
        self.way_s: F32 = np.zeros(rows, np.float32)
        """[log rows] from when broker and partition began with its batch to its being readable, s;
        [0], like the next, where records come otherwise."""
        self.over_s: F64 = np.zeros(rows if ceilings.limited else 0)
        """[log rows] how long its batch waited for broker and partition, s; [0]: for nothing."""


def _begun_s(ceilings: LogServers, p: int, size: int, close_s: float) -> float:
    """When broker and partition begin with a batch that reaches them at ``close_s``."""
    b = p % ceilings.broker_free_s.shape[0]
    broker_s: float = max(close_s, ceilings.broker_free_s[b])
    ceilings.broker_free_s[b] = broker_s + ceilings.request_s + size * ceilings.broker_byte_s
    if broker_s - close_s > ceilings.long_s:
        at_s = close_s + ceilings.long_s
        ceilings.broker_full_s[0, b] = min(ceilings.broker_full_s[0, b], at_s)
        ceilings.broker_full_s[1, b] = broker_s
        ceilings.broker_waited[b] += 1
    partition_s: float = max(close_s, ceilings.partition_free_s[p])
    ceilings.partition_free_s[p] = partition_s + size * ceilings.partition_byte_s
    if partition_s - close_s > ceilings.long_s:
        at_s = close_s + ceilings.long_s
        ceilings.partition_full_s[0, p] = min(ceilings.partition_full_s[0, p], at_s)
        ceilings.partition_full_s[1, p] = partition_s
        ceilings.partition_waited[p] += 1
    return max(broker_s, partition_s)


def _send(log: Log, producer: LogProducer, p: int, close_s: float) -> None:
    begun_s = close_s
    if producer.ceilings.limited:
        begun_s = _begun_s(producer.ceilings, p, producer.open_bytes[p], close_s)
    draw = producer.latency_s[producer.sent % producer.latency_s.shape[0]]
    producer.sent += 1
    at = max(begun_s + draw, producer.last_append_s[p])
    producer.last_append_s[p] = at
    row = log.start[p] + log.end[p]
    stop = row + producer.open_records[p]
    while row < stop:
        log.visible_s[row] = at
        producer.way_s[row] = at - begun_s
        if producer.ceilings.limited:
            producer.over_s[row] = begun_s - close_s
        row += 1
    log.end[p] += producer.open_records[p]
    producer.open_records[p] = 0
    producer.open_bytes[p] = 0
    producer.batch_no[p] += 1


def _linger(producer: LogProducer, p: int) -> None:
    """Put the batch of partition ``p``, just opened, into the ring."""
    size = producer.ring_partition.shape[0]
    # A partition has one open batch, but entries of its full ones stay in the ring until they are
    # reached; compact when those have filled it.
    if producer.ring_tail - producer.ring_head == size:
        tail = producer.ring_head
        for r in range(producer.ring_head, producer.ring_tail):
            q = producer.ring_partition[r % size]
            b = producer.ring_batch[r % size]
            if producer.batch_no[q] == b:
                producer.ring_partition[tail % size] = q
                producer.ring_batch[tail % size] = b
                tail += 1
        producer.ring_tail = tail
    at = producer.ring_tail % size
    producer.ring_partition[at] = p
    producer.ring_batch[at] = producer.batch_no[p]
    producer.ring_tail += 1


def _send_lingered(log: Log, producer: LogProducer, until_s: float) -> None:
    """Send the batches that have lingered by ``until_s``."""
    while producer.ring_head < producer.ring_tail:
        at = producer.ring_head % producer.ring_partition.shape[0]
        p = producer.ring_partition[at]
        if producer.batch_no[p] != producer.ring_batch[at]:
            producer.ring_head += 1
            continue
        deadline = producer.opened_s[p] + producer.linger_s
        if deadline > until_s:
            return
        producer.ring_head += 1
        if producer.linger_s > producer.long_s:
            note(producer.lingered, producer.opened_s[p], deadline, 1)
        _send(log, producer, p, deadline)


def _append(log: Log, producer: LogProducer, until_s: float) -> None:
    n = producer.created_s.shape[0]
    one_size = producer.size_bytes.shape[0] == 1
    while True:
        i = producer.next_message
        now = producer.created_s[i] if i < n else num.INF
        _send_lingered(log, producer, min(now, until_s))
        if now > until_s or i >= n:
            return
        p = num.integer(producer.partition_of[i])
        size = num.integer(producer.size_bytes[0 if one_size else i])
        opened = producer.open_records[p]
        if opened > 0 and producer.open_bytes[p] + size > producer.batch_bytes:
            _send(log, producer, p, now)
        if producer.open_records[p] == 0:
            producer.opened_s[p] = now
            if producer.linger_s > 0.0:
                _linger(producer, p)
        log.message[log.start[p] + log.end[p] + producer.open_records[p]] = i
        producer.open_records[p] += 1
        producer.open_bytes[p] += size
        producer.next_message = i + 1
        if producer.open_bytes[p] >= producer.batch_bytes or producer.linger_s == 0.0:
            _send(log, producer, p, now)


def append(log: Log, producer: LogProducer, until_s: float) -> int:
    """Advance the producer to ``until_s``: batch, linger, send; rows appear with their time.

    Returns how many messages it has, sent or in an open batch.
    """
    with cython.nogil:
        _append(log, producer, until_s)
    has = 0
    for p in range(log.end.shape[0]):
        has += log.end[p] + producer.open_records[p]
    return has


def _gather(log: Log, filled: I64, values: F32, rows: F32) -> None:
    for p in range(filled.shape[0]):
        base = log.start[p]
        for row in range(base + filled[p], base + log.end[p]):
            rows[row] = values[log.message[row]]
        filled[p] = log.end[p]


def gather(log: Log, filled: I64, values: F32, rows: F32) -> None:
    """Copy ``values`` [messages] to ``rows`` [log rows] for what was appended since ``filled``."""
    with cython.nogil:
        _gather(log, filled, values, rows)


def readable(log: Log, p: int, at_s: float) -> int:
    """First offset of partition ``p`` that cannot be read at ``at_s``, or not before it."""
    low = log.first[p]
    high = log.end[p]
    while low < high:
        middle = (low + high) // 2
        if log.visible_s[log.start[p] + middle] <= at_s:
            low = middle + 1
        else:
            high = middle
    return num.integer(low)
