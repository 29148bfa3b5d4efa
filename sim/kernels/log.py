"""How records reach a partitioned log, and how one consumer group reads it.

Rules held: KP-01 (a batch leaves when it is full or has lingered), KB-01 (offsets per partition
are increasing), KC-01 (one owner per partition), KC-02 (a group reads without deleting),
KC-10 (committed = next offset to read), KC-12 (Java auto-commit happens inside poll).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels.jit import kernel

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Log(NamedTuple):
    """Partitions laid end to end; partition ``p`` owns rows ``start[p]:start[p + 1]``."""

    start: I64  # [partitions + 1] first row of each partition
    end: I64  # [partitions] rows appended so far (log-end offset, relative to start)
    message: NDArray[np.int32]  # [messages] index of the message in each row
    visible_s: F64  # [messages] when the row can be read (below the high watermark)


class Producer(NamedTuple):
    """Accumulator of one producer client: an open batch per partition."""

    next_message: I64  # [1] first message not yet handed to the client
    staged: NDArray[np.int32]  # [partitions, batch_cap] messages of the open batch
    staged_n: I64  # [partitions] records in the open batch
    opened_s: F64  # [partitions] when the open batch was created
    batch_no: I64  # [partitions] counts batches, to recognise stale ring entries
    last_append_s: F64  # [partitions] append time of the partition's previous batch
    ring_slot: I64  # [ring] partition of a lingering batch, oldest first
    ring_batch: I64  # [ring] its batch_no
    ring: I64  # [2] head and tail counters of the ring
    sent: I64  # [1] batches sent: index into the latency draws


@kernel
def _send(log, producer, partition, close_s, latency_s):  # type: ignore[no-untyped-def]
    n = producer.staged_n[partition]
    draw = latency_s[producer.sent[0] % latency_s.size]
    producer.sent[0] += 1
    at = close_s + draw
    if at < producer.last_append_s[partition]:
        at = producer.last_append_s[partition]
    producer.last_append_s[partition] = at
    row = log.start[partition] + log.end[partition]
    for k in range(n):
        log.message[row + k] = producer.staged[partition, k]
        log.visible_s[row + k] = at
    log.end[partition] += n
    producer.staged_n[partition] = 0
    producer.batch_no[partition] += 1


@kernel
def append(created_s, partition_of, until_s, linger_s, records_per_batch, latency_s, log, producer):  # type: ignore[no-untyped-def]
    """Advance the producer to ``until_s``: batch, linger, send; rows appear with their time.

    ``created_s`` float64 [messages], ascending; ``partition_of`` int [messages];
    ``latency_s`` float64 [draws], send to readable, taken in turn by each batch.
    """
    ring_size = producer.ring_slot.size
    n_messages = created_s.size
    while True:
        i = producer.next_message[0]
        now = created_s[i] if i < n_messages else np.inf
        while producer.ring[0] < producer.ring[1]:
            at = producer.ring[0] % ring_size
            slot = producer.ring_slot[at]
            if producer.batch_no[slot] != producer.ring_batch[at]:
                producer.ring[0] += 1
                continue
            deadline = producer.opened_s[slot] + linger_s
            if deadline > now or deadline > until_s:
                break
            producer.ring[0] += 1
            _send(log, producer, slot, deadline, latency_s)
        if now > until_s or i >= n_messages:
            return
        p = partition_of[i]
        if producer.staged_n[p] == 0:
            producer.opened_s[p] = now
            if linger_s > 0.0 and records_per_batch > 1:
                # A partition has one open batch, but entries of its full ones stay in the ring
                # until they are reached; compact when those have filled it.
                if producer.ring[1] - producer.ring[0] == ring_size:
                    head = producer.ring[0]
                    tail = head
                    for r in range(head, producer.ring[1]):
                        s = producer.ring_slot[r % ring_size]
                        b = producer.ring_batch[r % ring_size]
                        if producer.batch_no[s] == b:
                            producer.ring_slot[tail % ring_size] = s
                            producer.ring_batch[tail % ring_size] = b
                            tail += 1
                    producer.ring[1] = tail
                at = producer.ring[1] % ring_size
                producer.ring_slot[at] = p
                producer.ring_batch[at] = producer.batch_no[p]
                producer.ring[1] += 1
        producer.staged[p, producer.staged_n[p]] = i
        producer.staged_n[p] += 1
        producer.next_message[0] = i + 1
        if producer.staged_n[p] >= records_per_batch or linger_s == 0.0:
            _send(log, producer, p, now, latency_s)


OFF, POLL, WORK, COMMIT = 0, 1, 2, 3


class Group(NamedTuple):
    """State of one consumer group; a member is a single-threaded poll loop."""

    phase: I64  # [members] OFF, POLL (waiting for records), WORK, COMMIT (sync commit sent)
    now_s: F64  # [members] POLL: idle since; WORK: start of current record; COMMIT: batch end
    factor: F64  # [members] service times are multiplied by this
    next_commit_s: F64  # [members] auto-commit deadline
    turn: I64  # [members] which assigned partition the next poll starts with
    at: I64  # [members] WORK: which assigned partition is being processed (counted from turn)
    assigned: I64  # [members, partitions] partitions of each member
    assigned_n: I64  # [members]
    processed: I64  # [partitions] next offset to process
    position: I64  # [partitions] next offset to fetch
    committed: I64  # [partitions] next offset to read after a restart
    effects: NDArray[np.uint16]  # [messages] how often each message was processed
    done_s: F64  # [messages] first processed at; inf: not yet
    grid_s: F64  # [grid] times at which committed offsets are sampled
    grid_committed: I64  # [grid, partitions] offsets committed at those times
    grid_next: I64  # [partitions] next grid row to fill
    polls: I64  # [1] polls that returned records


@kernel
def _commit(group, member, at_s):  # type: ignore[no-untyped-def]
    for a in range(group.assigned_n[member]):
        p = group.assigned[member, a]
        if group.processed[p] > group.committed[p]:
            g = group.grid_next[p]
            while g < group.grid_s.size and group.grid_s[g] < at_s:
                group.grid_committed[g, p] = group.committed[p]
                g += 1
            group.grid_next[p] = g
            group.committed[p] = group.processed[p]


@kernel
def consume(  # type: ignore[no-untyped-def]
    until_s, log, group, service_s, per_batch_s, max_poll_records, fetch_s, auto_commit_s, commit_s
):
    """Advance every member of a group to ``until_s``.

    ``service_s`` float32 [messages]; ``auto_commit_s`` < 0 means commit synchronously after each
    batch, at ``commit_s`` a commit. Members are independent between control events, so each is
    carried through the whole stretch before the next.
    """
    for m in range(group.phase.size):
        n_parts = group.assigned_n[m]
        while group.phase[m] != OFF:
            if group.phase[m] == POLL:
                if n_parts == 0:
                    break
                t = group.now_s[m]
                earliest = np.inf
                for a in range(n_parts):
                    p = group.assigned[m, a]
                    if group.position[p] < log.end[p]:
                        v = log.visible_s[log.start[p] + group.position[p]] + fetch_s
                        earliest = min(earliest, v)
                ready = max(t, earliest)
                # An idle application keeps polling, so a due commit does not wait for records.
                while auto_commit_s >= 0.0 and group.next_commit_s[m] <= min(ready, until_s):
                    due = max(t, group.next_commit_s[m])
                    _commit(group, m, due)
                    group.next_commit_s[m] = due + auto_commit_s
                if ready > until_s:
                    break
                taken = 0
                start_turn = group.turn[m] % n_parts
                for a in range(n_parts):
                    slot = (start_turn + a) % n_parts
                    p = group.assigned[m, slot]
                    row = log.start[p] + group.position[p]
                    stop = min(log.start[p] + log.end[p], row + max_poll_records - taken)
                    first = row
                    while row < stop and log.visible_s[row] + fetch_s <= ready:
                        row += 1
                    if row > first:
                        group.position[p] += row - first
                        taken += row - first
                    if taken >= max_poll_records:
                        break
                group.polls[0] += 1
                group.turn[m] = start_turn
                group.at[m] = 0
                group.phase[m] = WORK
                group.now_s[m] = ready + per_batch_s * group.factor[m]
            if group.phase[m] == WORK:
                now = group.now_s[m]
                factor = group.factor[m]
                stopped = False
                start_turn = group.turn[m]
                a = group.at[m]
                while a < n_parts and not stopped:
                    slot = start_turn + a
                    if slot >= n_parts:
                        slot -= n_parts
                    p = group.assigned[m, slot]
                    base = log.start[p]
                    row = base + group.processed[p]
                    stop = base + group.position[p]
                    while row < stop:
                        message = log.message[row]
                        end = now + np.float64(service_s[message]) * factor
                        if end > until_s:
                            stopped = True
                            break
                        now = end
                        if group.effects[message] == 0:
                            group.done_s[message] = end
                        group.effects[message] += 1
                        row += 1
                    group.processed[p] = row - base
                    if not stopped:
                        a += 1
                group.now_s[m] = now
                group.at[m] = a
                if stopped or now > until_s:
                    break
                group.turn[m] = (start_turn + 1) % n_parts if n_parts > 0 else 0
                group.phase[m] = COMMIT if auto_commit_s < 0.0 else POLL
            if group.phase[m] == COMMIT:
                sent = group.now_s[m]
                if sent + commit_s > until_s:
                    break
                _commit(group, m, sent + commit_s)
                group.now_s[m] = sent + commit_s
                group.phase[m] = POLL
