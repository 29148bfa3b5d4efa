"""How records reach a partitioned log, and how one consumer group reads it.

Rules held: KP-01 (a batch leaves when it is full or has lingered), KB-01 (offsets per partition
are increasing), KC-01 (one owner per partition), KC-02 (a group reads without deleting),
KC-10 (committed = next offset to read), KC-11 (commit before or after processing), KC-12 (Java
auto-commit happens inside poll), KC-13 (librdkafka's commits what was handed over, by a timer),
KC-14 (an asynchronous commit is not waited for), KB-09 and KB-10 (a position that is not in the
log, or that a group never had, is reset when it is next fetched from). What needs control stops a
group: a batch that outlasts max.poll.interval.ms (KC-03), and a record that its handler fails on
(KC-18).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.foundation.jit import inlined, resumable

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Log(NamedTuple):
    """Partitions laid end to end; partition ``p`` owns rows ``start[p]:start[p + 1]``."""

    start: I64  # [partitions + 1] first row of each partition
    end: I64  # [partitions] rows appended so far (log-end offset, relative to start)
    message: NDArray[np.int32]  # [messages] index of the message in each row
    visible_s: F64  # [messages] when the row can be read (below the high watermark)
    first: I64  # [partitions] log start offset: what lies before it was deleted


class Producer(NamedTuple):
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
    ring: I64  # [2] head and tail counters of the ring
    sent: I64  # [1] batches sent: index into the latency draws


@inlined
def _send(log, producer, p, close_s, latency_s):  # type: ignore[no-untyped-def]
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
def append(  # type: ignore[no-untyped-def]
    until_s, created_s, partition_of, size_bytes, linger_s, batch_bytes, latency_s, log, producer
):
    """Advance the producer to ``until_s``: batch, linger, send; rows appear with their time.

    ``created_s`` float64 [messages], ascending; ``partition_of`` int [messages]; ``size_bytes``
    int [messages] or [1]; ``latency_s`` float64 [draws], send to readable, one draw a batch.
    """
    ring_size = producer.ring_partition.size
    n_messages = created_s.size
    one_size = size_bytes.size == 1
    while True:
        i = producer.next_message[0]
        now = created_s[i] if i < n_messages else np.inf
        while producer.ring[0] < producer.ring[1]:
            at = producer.ring[0] % ring_size
            p = producer.ring_partition[at]
            if producer.batch_no[p] != producer.ring_batch[at]:
                producer.ring[0] += 1
                continue
            deadline = producer.opened_s[p] + linger_s
            if deadline > now or deadline > until_s:
                break
            producer.ring[0] += 1
            _send(log, producer, p, deadline, latency_s)
        if now > until_s or i >= n_messages:
            return
        p = partition_of[i]
        size = size_bytes[0] if one_size else size_bytes[i]
        if producer.open_records[p] > 0 and producer.open_bytes[p] + size > batch_bytes:
            _send(log, producer, p, now, latency_s)
        if producer.open_records[p] == 0:
            producer.opened_s[p] = now
            if linger_s > 0.0:
                # A partition has one open batch, but entries of its full ones stay in the ring
                # until they are reached; compact when those have filled it.
                if producer.ring[1] - producer.ring[0] == ring_size:
                    head = producer.ring[0]
                    tail = head
                    for r in range(head, producer.ring[1]):
                        q = producer.ring_partition[r % ring_size]
                        b = producer.ring_batch[r % ring_size]
                        if producer.batch_no[q] == b:
                            producer.ring_partition[tail % ring_size] = q
                            producer.ring_batch[tail % ring_size] = b
                            tail += 1
                    producer.ring[1] = tail
                at = producer.ring[1] % ring_size
                producer.ring_partition[at] = p
                producer.ring_batch[at] = producer.batch_no[p]
                producer.ring[1] += 1
        log.message[log.start[p] + log.end[p] + producer.open_records[p]] = i
        producer.open_records[p] += 1
        producer.open_bytes[p] += size
        producer.next_message[0] = i + 1
        if producer.open_bytes[p] >= batch_bytes or linger_s == 0.0:
            _send(log, producer, p, now, latency_s)


@resumable
def gather(log, filled, values, rows):  # type: ignore[no-untyped-def]
    """Copy ``values`` [messages] to ``rows`` [log rows] for what was appended since ``filled``."""
    for p in range(filled.size):
        base = log.start[p]
        row = base + filled[p]
        stop = base + log.end[p]
        while row < stop:
            rows[row] = values[log.message[row]]
            row += 1
        filled[p] = log.end[p]


OFF, POLL, WORK, COMMIT, HELD, FAILED, ZOMBIE, LOST = 0, 1, 2, 3, 4, 5, 6, 7
NO_OFFSET = 1 << 60
JOIN, LEAVE = 1, 2


class Group(NamedTuple):
    """State of one consumer group; a member is a single-threaded poll loop."""

    phase: I64  # [members] OFF, POLL, WORK, COMMIT (commit sent), HELD (control has it), FAILED
    #             (the handler failed on the record in progress), ZOMBIE (control moves it), LOST
    #             (its position is not in the log, and auto.offset.reset is none)
    hold: I64  # [members] at the next poll go to HELD: JOIN if connected, LEAVE in any case; or 0
    now_s: F64  # [members] POLL: fetch waiting since; COMMIT: sent; HELD: since
    end_s: F64  # [members] WORK: when the record in progress will be done
    extra_s: F64  # [members] work of the batch as a whole that is yet to be done
    polled_s: F64  # [members] WORK, COMMIT, FAILED: when the batch in hand was polled
    factor: F64  # [members] service times are multiplied by this
    resume_s: F64  # [members] the process is paused until then
    cut: I64  # [members] 1: no connection to the brokers
    next_commit_s: F64  # [members] auto-commit deadline
    turn: I64  # [members] which assigned partition is drained next
    fetched: I64  # [members] records left of the fetched chunk of that partition
    first: I64  # [members] WORK: assigned partition with which the batch begins
    at: I64  # [members] WORK: which assigned partition is in progress, counted from first
    assigned: I64  # [members, partitions] partitions of each member
    assigned_n: I64  # [members]
    processed: I64  # [partitions] next offset to process
    position: I64  # [partitions] next offset to fetch
    committed: I64  # [partitions] next offset to read after a restart
    commit_s: F64  # [partitions] when it was committed last, changed or not; -inf: never
    scan: I64  # [partitions] scratch
    astray: I64  # [members] 1: look at the next fetch whether a partition must be gone on elsewhere
    sought: I64  # [partitions] offset to go on from at the next fetch; or BEGINNING, END, NOWHERE
    service_s: NDArray[np.float32]  # [rows] work a record takes
    effects: NDArray[np.uint16]  # [rows] how often each record was processed
    done_s: F64  # [rows] first processed at; inf: not yet
    grid_s: F64  # [grid] sample times
    grid_committed: I64  # [grid, partitions] committed offsets at those times
    grid_position: I64  # [grid, partitions]
    grid_commit_s: F64  # [grid, partitions]
    grid_next: I64  # [3, partitions] next row to fill, of committed, of position and of commit_s
    counts: I64  # [4] polls that returned records, records returned, commits, repeats kept
    again_message: NDArray[np.int32]  # [kept] those processed before, in any order; may be empty
    again_s: F64  # [kept] when each was processed again
    jumps: I64  # [room, 5] partition, from, to, log start, 1: sought or 0: reset
    jump_s: F64  # [room] when the position jumped
    jumped: I64  # [1] rows of jumps filled


class PoisonousOffsets(NamedTuple):
    """Records on which the handler fails; None in its place: there are none.

    Numba compiles what concerns it only where there are some.
    """

    next: I64  # [partitions] next offset on which the handler fails, if not before processed
    partition: I64  # [poisonous] where the handler still fails, in any order
    offset: I64  # [poisonous]


NOWHERE, BEGINNING, END = -1, -2, -3
LATEST, EARLIEST, BY_DURATION, NONE = 0, 1, 2, 3


class Reading(NamedTuple):
    """Constants of one group."""

    max_poll_records: int
    chunk_records: int  # max.partition.fetch.bytes in records
    min_records: int  # fetch.min.bytes in records
    max_wait_s: float
    fetch_s: float  # from readable at the broker to usable by poll
    per_batch_s: float
    auto_commit_s: float  # interval; < 0: the program commits
    commit_s: float  # round trip of a synchronous commit
    reset: int = LATEST  # auto.offset.reset: LATEST, EARLIEST, BY_DURATION, NONE
    reset_s: float = 0.0  # BY_DURATION: how far back
    background: int = 0  # 1: a timer commits beside the processing; 0: inside poll
    handed: int = 0  # 1: commits what was handed to the program; 0: what it has processed
    before: int = 0  # 1: the program commits before it processes; 0: after
    per_record: int = 0  # 1: the program commits each record; 0: each batch
    wait: int = 1  # 1: the program waits for its commits
    max_poll_s: float = np.inf  # from one poll to the next, or the member is put out


@inlined
def _sample(group, which, grid, p, value, at_s):  # type: ignore[no-untyped-def]
    """Fill the samples before ``at_s``, at which ``value`` stops being true."""
    g = group.grid_next[which, p]
    while g < group.grid_s.size and group.grid_s[g] < at_s:
        grid[g, p] = value
        g += 1
    group.grid_next[which, p] = g


@inlined
def commit(group, reading, m, at_s):  # type: ignore[no-untyped-def]
    """Commit for member ``m``, at ``at_s``: what it has processed, or all that it was handed."""
    group.counts[2] += 1
    for a in range(group.assigned_n[m]):
        p = group.assigned[m, a]
        if group.position[p] == NOWHERE:
            continue
        _sample(group, 2, group.grid_commit_s, p, group.commit_s[p], at_s)
        group.commit_s[p] = at_s
        value = group.position[p] if reading.handed == 1 else group.processed[p]
        if reading.before == 1 and reading.per_record == 1:
            slot = group.first[m] + group.at[m]
            in_progress = slot == a or slot - group.assigned_n[m] == a
            if in_progress and group.at[m] < group.assigned_n[m]:
                value += 1
        if value > group.committed[p]:
            _sample(group, 0, group.grid_committed, p, group.committed[p], at_s)
            group.committed[p] = value


@resumable
def finish_samples(group, until_s):  # type: ignore[no-untyped-def]
    """Fill the samples up to ``until_s`` (inclusive) with what is true now."""
    after = np.nextafter(until_s, np.inf)
    for p in range(group.committed.size):
        _sample(group, 0, group.grid_committed, p, group.committed[p], after)
        _sample(group, 1, group.grid_position, p, group.position[p], after)
        _sample(group, 2, group.grid_commit_s, p, group.commit_s[p], after)


@inlined
def _readable(log, p, at_s):  # type: ignore[no-untyped-def]
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
def _aim(group, poison, p):  # type: ignore[no-untyped-def]
    """Find the next offset of partition ``p`` on which the handler fails, after it was moved."""
    poison.next[p] = NO_OFFSET
    for i in range(poison.offset.size):
        offset = poison.offset[i]
        if poison.partition[i] == p and group.processed[p] <= offset < poison.next[p]:
            poison.next[p] = offset


@inlined
def _go_on_elsewhere(log, group, poison, reading, m, at_s):  # type: ignore[no-untyped-def]
    """Move the positions of member ``m`` that were sought anew, or that are not in the log."""
    group.astray[m] = 0
    for a in range(group.assigned_n[m]):
        p = group.assigned[m, a]
        to = group.sought[p]
        if to == NOWHERE:
            if group.position[p] >= log.first[p]:
                continue
            if group.fetched[m] > 0 and group.turn[m] == a:
                group.astray[m] = 1  # the client still has records of it
                continue
        sought = to != NOWHERE
        end = _readable(log, p, at_s)
        if to == BEGINNING:
            to = log.first[p]
        elif to == END:
            to = end
        elif to < log.first[p] or to > end:
            if reading.reset == NONE:
                if reading.auto_commit_s >= 0.0:
                    commit(group, reading, m, at_s)
                group.phase[m] = LOST
                return
            if reading.reset == LATEST:
                to = end
            elif reading.reset == EARLIEST:
                to = log.first[p]
            else:
                to = _readable(log, p, np.nextafter(at_s - reading.reset_s, -np.inf))
        n = group.jumped[0]
        group.jumped[0] = n + 1
        group.jump_s[n] = at_s
        group.jumps[n, 0] = p
        group.jumps[n, 1] = group.position[p]
        group.jumps[n, 2] = to
        group.jumps[n, 3] = log.first[p]
        group.jumps[n, 4] = 1 if sought else 0
        _sample(group, 1, group.grid_position, p, group.position[p], at_s)
        group.position[p] = to
        group.processed[p] = to
        if poison is not None:
            _aim(group, poison, p)
        if sought:
            _sample(group, 0, group.grid_committed, p, group.committed[p], at_s)
            _sample(group, 2, group.grid_commit_s, p, group.commit_s[p], at_s)
            group.committed[p] = to
            group.commit_s[p] = at_s
            group.sought[p] = NOWHERE
            if group.turn[m] == a:
                group.fetched[m] = 0


@inlined
def _head_s(log, group, p, offset):  # type: ignore[no-untyped-def]
    if offset < log.end[p]:
        return log.visible_s[log.start[p] + offset]
    return np.inf


@inlined
def _ready_s(since_s, log, group, reading, m):  # type: ignore[no-untyped-def]
    """When a fetch that began to wait at ``since_s`` can be answered; inf: not known yet."""
    n_parts = group.assigned_n[m]
    if group.fetched[m] > 0:
        return since_s
    if reading.min_records <= 1:
        earliest = np.inf
        for a in range(n_parts):
            p = group.assigned[m, a]
            earliest = min(earliest, _head_s(log, group, p, group.position[p]))
            if earliest + reading.fetch_s <= since_s:
                return since_s
        return earliest + reading.fetch_s
    deadline = since_s + reading.max_wait_s
    for a in range(n_parts):
        group.scan[group.assigned[m, a]] = group.position[group.assigned[m, a]]
    for k in range(reading.min_records):
        earliest = np.inf
        best = -1
        for a in range(n_parts):
            p = group.assigned[m, a]
            at = _head_s(log, group, p, group.scan[p])
            if at < earliest:
                earliest = at
                best = p
        if earliest + reading.fetch_s > deadline:
            return deadline if k > 0 else np.inf
        group.scan[best] += 1
        if k == reading.min_records - 1:
            return max(since_s, earliest + reading.fetch_s)
    return np.inf


@inlined
def _poll(ready, log, group, reading, m):  # type: ignore[no-untyped-def]
    """Hand member ``m`` up to max.poll.records, from its buffer only if it is cut off."""
    n_parts = group.assigned_n[m]
    taken = 0
    first = group.turn[m]
    if first >= n_parts:
        first %= n_parts
    group.first[m] = first
    group.turn[m] = first
    for a in range(n_parts):
        slot = first + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        if group.fetched[m] == 0:
            if group.cut[m] == 1:
                break
            row = log.start[p] + group.position[p]
            stop = min(log.start[p] + log.end[p], row + reading.chunk_records)
            n = 0
            while row < stop and log.visible_s[row] + reading.fetch_s <= ready:
                row += 1
                n += 1
            group.fetched[m] = n
        n = min(group.fetched[m], reading.max_poll_records - taken)
        if n > 0:
            _sample(group, 1, group.grid_position, p, group.position[p], ready)
            group.position[p] += n
            group.fetched[m] -= n
            taken += n
        if group.fetched[m] > 0:
            break
        # This partition's chunk is drained: the next one is served before it is fetched again.
        group.turn[m] = slot + 1 if slot + 1 < n_parts else 0
        if taken >= reading.max_poll_records:
            break
    group.counts[0] += 1
    group.counts[1] += taken
    a = 0
    while True:
        slot = first + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        if group.processed[p] < group.position[p]:
            break
        a += 1
    group.at[m] = a
    group.polled_s[m] = ready
    group.extra_s[m] = reading.per_batch_s


@inlined
def _begin(now_s, log, group, m):  # type: ignore[no-untyped-def]
    """Plan the end of the next record in hand of member ``m``, which has one."""
    slot = group.first[m] + group.at[m]
    if slot >= group.assigned_n[m]:
        slot -= group.assigned_n[m]
    p = group.assigned[m, slot]
    work_s = group.extra_s[m] + np.float64(group.service_s[log.start[p] + group.processed[p]])
    group.extra_s[m] = 0.0
    group.end_s[m] = now_s + work_s * group.factor[m]
    group.phase[m] = WORK


@inlined
def _work(until_s, log, group, poison, m, most):  # type: ignore[no-untyped-def]
    """Process up to ``most`` records of the batch up to ``until_s``; returns whether done."""
    n_parts = group.assigned_n[m]
    factor = group.factor[m]
    end = group.end_s[m]
    a = group.at[m]
    planned = True
    while a < n_parts:
        slot = group.first[m] + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        base = log.start[p]
        first = base + group.processed[p]
        row = first
        last = base + group.position[p]
        stop = min(last, first + most)
        if poison is not None and first <= base + poison.next[p] < stop:
            stop = base + poison.next[p]
        while row < stop:
            if not planned:
                end += np.float64(group.service_s[row]) * factor
                planned = True
            if end > until_s:
                break
            if group.effects[row] > 0:
                if group.counts[3] < group.again_message.size:
                    group.again_message[group.counts[3]] = log.message[row]
                    group.again_s[group.counts[3]] = end
                group.counts[3] += 1
            else:
                group.done_s[row] = end
            group.effects[row] += 1
            row += 1
            planned = False
        group.processed[p] = row - base
        most -= row - first
        if row < stop:
            break
        if row < last:
            if poison is not None and most > 0:
                if not planned:
                    end += np.float64(group.service_s[row]) * factor
                if end <= until_s:
                    group.phase[m] = FAILED
            break
        a += 1
    group.end_s[m] = end
    group.at[m] = a
    return a == n_parts or most == 0


@inlined
def _after_record(group, reading, m):  # type: ignore[no-untyped-def]
    """What member ``m`` does when it is done with a batch, or with a record that it commits."""
    finished = group.at[m] == group.assigned_n[m]
    if reading.auto_commit_s < 0.0 and not (reading.before == 1 and finished):
        group.phase[m] = COMMIT
    else:
        group.phase[m] = POLL


@resumable
def pass_over(at_s, log, group, reading, m):  # type: ignore[no-untyped-def]
    """Have member ``m``, whose handler failed at ``at_s``, go on with the next record in hand."""
    n_parts = group.assigned_n[m]
    a = group.at[m]
    group.processed[group.assigned[m, (group.first[m] + a) % n_parts]] += 1
    while a < n_parts:
        p = group.assigned[m, (group.first[m] + a) % n_parts]
        if group.processed[p] < group.position[p]:
            break
        a += 1
    group.at[m] = a
    group.now_s[m] = at_s
    if a == n_parts or (reading.auto_commit_s < 0.0 and reading.per_record == 1):
        _after_record(group, reading, m)
    else:
        _begin(at_s, log, group, m)


@resumable
def consume(until_s, log, group, poison, reading):  # type: ignore[no-untyped-def]
    """Advance every member of a group to ``until_s`` (inclusive).

    Members are independent between control events, so each is carried through the whole stretch
    before the next.
    """
    program_commits = reading.auto_commit_s < 0.0
    most = 1 if program_commits and reading.per_record == 1 else NO_OFFSET
    for m in range(group.phase.size):
        while True:
            limit = until_s
            if reading.background == 1 and group.cut[m] == 0:
                limit = min(until_s, group.next_commit_s[m])
            while True:
                if group.phase[m] == POLL:
                    since = group.now_s[m]
                    if since > limit:  # paused
                        break
                    if group.hold[m] == LEAVE or (group.hold[m] == JOIN and group.cut[m] == 0):
                        if not program_commits and group.cut[m] == 0:
                            commit(group, reading, m, since)
                        group.phase[m] = HELD
                        break
                    if group.assigned_n[m] == 0:
                        break
                    if group.cut[m] == 1 and group.fetched[m] == 0:
                        break
                    if group.astray[m] == 1 and group.cut[m] == 0:
                        _go_on_elsewhere(log, group, poison, reading, m, since)
                        if group.phase[m] == LOST:
                            break
                    ready = _ready_s(since, log, group, reading, m)
                    empty = reading.min_records > 1 and ready == np.inf
                    answered = since + reading.max_wait_s if empty else ready
                    # An idle application keeps polling, so a due commit does not wait for records.
                    if not program_commits and reading.background == 0 and group.cut[m] == 0:
                        while group.next_commit_s[m] <= min(answered, limit):
                            due = max(since, group.next_commit_s[m])
                            commit(group, reading, m, due)
                            group.next_commit_s[m] = due + reading.auto_commit_s
                    if answered > limit:
                        break
                    if empty:
                        group.now_s[m] = answered
                        continue
                    _poll(ready, log, group, reading, m)
                    if program_commits and reading.before == 1:
                        group.now_s[m] = ready
                        group.phase[m] = COMMIT
                    else:
                        _begin(ready, log, group, m)
                elif group.phase[m] == WORK:
                    if not _work(limit, log, group, poison, m, most):
                        break
                    group.now_s[m] = group.end_s[m]
                    _after_record(group, reading, m)
                elif group.phase[m] == COMMIT:
                    at = group.now_s[m]
                    if reading.wait == 1:
                        if group.cut[m] == 1:
                            break
                        at += reading.commit_s
                    if at > limit:
                        break
                    if group.cut[m] == 0:
                        commit(group, reading, m, at)
                    group.now_s[m] = max(at, group.resume_s[m])
                    if group.at[m] < group.assigned_n[m]:
                        _begin(group.now_s[m], log, group, m)
                    else:
                        group.phase[m] = POLL
                else:
                    break
            if reading.background == 0 or group.cut[m] == 1 or group.next_commit_s[m] > until_s:
                break
            if group.phase[m] == OFF or group.phase[m] == HELD or group.phase[m] == ZOMBIE:
                break
            commit(group, reading, m, limit)
            group.next_commit_s[m] = limit + reading.auto_commit_s


@resumable
def batch_end_s(log, group, reading, m):  # type: ignore[no-untyped-def]
    """When member ``m`` will next be free to poll, if nothing changes; inf: not while cut off."""
    return _batch_end_s(log, group, None, reading, m)


@inlined
def _batch_end_s(log, group, poison, reading, m):  # type: ignore[no-untyped-def]
    """The end of the batch in hand, or of its first record on which the handler fails."""
    phase = group.phase[m]
    if phase != WORK and phase != COMMIT:
        return group.now_s[m]
    commits = reading.auto_commit_s < 0.0
    commit_s = reading.commit_s if reading.wait == 1 else 0.0
    stuck = reading.wait == 1 and group.cut[m] == 1
    end = group.end_s[m]
    extra_s = group.extra_s[m]
    planned = phase == WORK
    due = phase == COMMIT
    n_parts = group.assigned_n[m]
    for a in range(group.at[m], n_parts):
        slot = (group.first[m] + a) % n_parts
        p = group.assigned[m, slot]
        for offset in range(group.processed[p], group.position[p]):
            if not planned:
                if due:
                    if stuck:
                        return np.inf
                    from_s = group.now_s[m] if phase == COMMIT else end
                    end = max(from_s + commit_s, group.resume_s[m])
                    phase = WORK
                work_s = extra_s + np.float64(group.service_s[log.start[p] + offset])
                extra_s = 0.0
                end += work_s * group.factor[m]
            if poison is not None and offset == poison.next[p]:
                return end
            planned = False
            due = commits and reading.per_record == 1
    if phase == COMMIT or (commits and reading.before == 0):
        if stuck:
            return np.inf
        from_s = group.now_s[m] if phase == COMMIT else end
        return max(from_s + commit_s, group.resume_s[m])
    return end


@inlined
def _next_risk_s(log, group, poison, reading):  # type: ignore[no-untyped-def]
    """Before then no handler fails: the earliest failure in hand, or poll that may return one."""
    earliest = np.inf
    for m in range(group.phase.size):
        phase = group.phase[m]
        if phase != POLL and phase != WORK and phase != COMMIT:
            continue
        for a in range(group.assigned_n[m]):
            p = group.assigned[m, a]
            offset = poison.next[p]
            if offset < group.processed[p] or offset >= log.end[p]:
                continue
            readable_s = log.visible_s[log.start[p] + offset] + reading.fetch_s
            if offset < group.position[p]:
                at = _batch_end_s(log, group, poison, reading, m)
            elif phase == POLL:
                if group.cut[m] == 1 and group.fetched[m] == 0:
                    continue
                at = _ready_s(group.now_s[m], log, group, reading, m)
                if at == np.inf:  # nothing yet: it asks again
                    at = group.now_s[m] + reading.max_wait_s
                at = max(readable_s, at)
            else:
                at = max(readable_s, _batch_end_s(log, group, None, reading, m))
            earliest = min(earliest, at)
    return earliest


@inlined
def _deadline_s(group, reading, m):  # type: ignore[no-untyped-def]
    """When member ``m`` will have gone too long without a poll; a paused one notices later."""
    if group.phase[m] == WORK or group.phase[m] == COMMIT:
        return max(group.polled_s[m] + reading.max_poll_s, group.resume_s[m])
    return np.inf


@resumable
def overdue(at_s, group, reading, m):  # type: ignore[no-untyped-def]
    """Whether member ``m`` has gone too long without a poll."""
    return _deadline_s(group, reading, m) <= at_s


@resumable
def advance(from_s, until_s, log, group, poison, reading):  # type: ignore[no-untyped-def]
    """Advance a group to ``until_s``, or to the first time at which a member needs control.

    Returns the time reached, and whether control is needed then. No member is carried past it, so
    the group goes on in stretches: a batch polled in one of them cannot be overdue before its end.
    """
    now = from_s
    poisoned = False
    if poison is not None:
        poisoned = poison.offset.size > 0
    while True:
        stop = until_s
        if reading.max_poll_s < np.inf:
            stop = min(stop, now + reading.max_poll_s)
            for m in range(group.phase.size):
                stop = min(stop, max(now, _deadline_s(group, reading, m)))
        if poison is not None and poisoned:
            stop = min(stop, max(now, _next_risk_s(log, group, poison, reading)))
        # Where a position moves, control may be needed at once, or earlier than it was before.
        if poisoned or reading.reset == NONE:
            for m in range(group.phase.size):
                polls = group.phase[m] == POLL or group.phase[m] == WORK or group.phase[m] == COMMIT
                if polls and group.astray[m] == 1 and group.cut[m] == 0 and group.assigned_n[m] > 0:
                    stop = min(stop, max(now, _batch_end_s(log, group, None, reading, m)))
        consume(stop, log, group, poison, reading)
        for m in range(group.phase.size):
            if (
                group.phase[m] == FAILED
                or group.phase[m] == LOST
                or _deadline_s(group, reading, m) <= stop
            ):
                return stop, True
        if stop >= until_s:
            return until_s, False
        now = stop
