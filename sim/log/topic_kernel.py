"""How records reach a partitioned log, and what of it can be read when.

Rules held: KP-01 (a batch leaves when it is full or has lingered), KB-01 (offsets per partition
are increasing).
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32, I64
from sim.foundation.jit import inlined, resumable

HEAD, TAIL = 0, 1
"""Of `ProducerState.ring`."""


class TopicState(NamedTuple):
    """Partitions laid end to end; partition ``p`` owns rows ``start[p]:start[p + 1]``."""

    start: I64  # [partitions + 1] first row of each partition
    end: I64  # [partitions] rows appended so far (log-end offset, relative to start)
    message: I32  # [messages] index of the message in each row
    visible_s: F64  # [messages] when the row can be read (below the high watermark)
    first: I64  # [partitions] log start offset: what lies before it was deleted


class ProducerState(NamedTuple):
    """Accumulator of one producer client: an open batch per partition.

    Order within a partition is that of creation, so the records of an open batch already lie in
    the log's rows, just past its end; what a batch lacks until it is sent is its visible time.
    """

    next_message: I64  # [1] first message not yet handed to the client
    open_records: I64  # [partitions] records in the open batch
    open_bytes: I64  # [partitions]
    opened_s: F64  # [partitions] when the open batch was created
    batch_no: I64  # [partitions] counts batches, to recognise stale ring entries
    last_append_s: F64  # [partitions] append time of the partition's previous batch
    ring_partition: I64  # [ring] partition of a lingering batch, oldest first
    ring_batch: I64  # [ring] its batch_no
    ring: I64  # [HEAD, TAIL] counters of what left the ring, and what came into it
    sent: I64  # [1] batches sent: index into the latency draws


@inlined
def _send(log, producer, p, close_s, latency_s):
    draw = latency_s[producer.sent[0] % latency_s.size]
    producer.sent[0] += 1
    at = max(close_s + draw, producer.last_append_s[p])
    producer.last_append_s[p] = at
    row = log.start[p] + log.end[p]
    stop = row + producer.open_records[p]
    while row < stop:
        log.visible_s[row] = at
        row += 1
    log.end[p] += producer.open_records[p]
    producer.open_records[p] = 0
    producer.open_bytes[p] = 0
    producer.batch_no[p] += 1


@resumable
def append(
    until_s, created_s, partition_of, size_bytes, linger_s, batch_bytes, latency_s, log, producer
):
    """Advance the producer to ``until_s``: batch, linger, send; rows appear with their time.

    ``created_s`` float64 [messages], ascending; ``partition_of`` int [messages]; ``size_bytes``
    int [messages] or [1]; ``latency_s`` float64 [draws], send to readable, one draw a batch.
    Returns how many messages it has, sent or in an open batch.
    """
    ring_size = producer.ring_partition.size
    n_messages = created_s.size
    one_size = size_bytes.size == 1
    while True:
        i = producer.next_message[0]
        now = created_s[i] if i < n_messages else np.inf
        while producer.ring[HEAD] < producer.ring[TAIL]:
            at = producer.ring[HEAD] % ring_size
            p = producer.ring_partition[at]
            if producer.batch_no[p] != producer.ring_batch[at]:
                producer.ring[HEAD] += 1
                continue
            deadline = producer.opened_s[p] + linger_s
            if deadline > now or deadline > until_s:
                break
            producer.ring[HEAD] += 1
            _send(log, producer, p, deadline, latency_s)
        if now > until_s or i >= n_messages:
            return log.end.sum() + producer.open_records.sum()
        p = partition_of[i]
        size = size_bytes[0] if one_size else size_bytes[i]
        if producer.open_records[p] > 0 and producer.open_bytes[p] + size > batch_bytes:
            _send(log, producer, p, now, latency_s)
        if producer.open_records[p] == 0:
            producer.opened_s[p] = now
            if linger_s > 0.0:
                # A partition has one open batch, but entries of its full ones stay in the ring
                # until they are reached; compact when those have filled it.
                if producer.ring[TAIL] - producer.ring[HEAD] == ring_size:
                    head = producer.ring[HEAD]
                    tail = head
                    for r in range(head, producer.ring[TAIL]):
                        q = producer.ring_partition[r % ring_size]
                        b = producer.ring_batch[r % ring_size]
                        if producer.batch_no[q] == b:
                            producer.ring_partition[tail % ring_size] = q
                            producer.ring_batch[tail % ring_size] = b
                            tail += 1
                    producer.ring[TAIL] = tail
                at = producer.ring[TAIL] % ring_size
                producer.ring_partition[at] = p
                producer.ring_batch[at] = producer.batch_no[p]
                producer.ring[TAIL] += 1
        log.message[log.start[p] + log.end[p] + producer.open_records[p]] = i
        producer.open_records[p] += 1
        producer.open_bytes[p] += size
        producer.next_message[0] = i + 1
        if producer.open_bytes[p] >= batch_bytes or linger_s == 0.0:
            _send(log, producer, p, now, latency_s)


@resumable
def gather(log, filled, values, rows):
    """Copy ``values`` [messages] to ``rows`` [log rows] for what was appended since ``filled``."""
    for p in range(filled.size):
        base = log.start[p]
        row = base + filled[p]
        stop = base + log.end[p]
        while row < stop:
            rows[row] = values[log.message[row]]
            row += 1
        filled[p] = log.end[p]


@inlined
def readable(log, p, at_s):
    """First offset of partition ``p`` that cannot be read at ``at_s``, or not before it."""
    low = log.first[p]
    high = log.end[p]
    while low < high:
        middle = (low + high) // 2
        if log.visible_s[log.start[p] + middle] <= at_s:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def head_s(log, p, offset):
    """When the record at an offset of partition ``p`` can be read; inf: not known yet."""
    if offset < log.end[p]:
        return log.visible_s[log.start[p] + offset]
    return np.inf
