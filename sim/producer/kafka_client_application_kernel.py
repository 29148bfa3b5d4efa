"""How an application reads its input and hands a record for each row to its producer client.

Rules held:

* KP-01 a batch is sendable when full, lingered, pressed for memory, or flushed.
* KP-04 a full buffer blocks the application up to ``max.block.ms``, then rejects the record.
* KP-13 flush ends when every record is acknowledged or has failed.
* KP-16 records and input offset of a transaction become valid together.
* KP-20 what it does when its transaction was aborted and its producer is fenced, is its control's.
"""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.producer import kafka_client_batches_kernel as batches
from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_requests_kernel as requests
from sim.producer import kafka_client_transactions_kernel as transactions
from sim.producer.kafka_client_state_kernel import ClientState


def fill_samples(before_s: float, c: ClientState) -> None:
    """Fill the samples before ``before_s`` with what is true now."""
    grid = c.samples.grid_s.shape[0]
    while c.samples.next_s < before_s:
        g = c.samples.filled
        c.samples.remaining[g] = c.records.remaining
        c.samples.committed[g] = c.app.committed_to
        c.samples.filled = g + 1
        c.samples.next_s = c.samples.grid_s[g + 1] if g + 1 < grid else num.INF


def _process_s(row: int, c: ClientState) -> float:
    """The application's work on an input row."""
    process_s: float = c.source.process_s[0 if c.source.process_s.shape[0] == 1 else row]
    return process_s


def _has_room(fits: bool, size: int, c: ClientState) -> bool:
    """Whether the buffer has room for a record; ``fits``: it goes into a batch that is there.

    Java takes memory a batch at a time (BufferPool).
    """
    if c.settings.java:
        needed = max(c.settings.batch_bytes, size)
        return fits or c.batches.buffered_bytes + needed <= c.settings.buffer_bytes
    return (
        c.records.remaining < c.settings.buffer_records
        and c.batches.buffered_bytes + size <= c.settings.buffer_bytes
    )


def _close_batch(now: float, batch: int, p: int, c: ClientState) -> None:
    """The last batch of a partition takes no more: it is to be sent."""
    c.batches.state[batch] = codes.QUEUED
    batches.look(p, c)
    c.wake_s = now


def _open_batch(now: float, p: int, size: int, c: ClientState) -> int:
    """A new batch at the end of its partition's queue, without a record yet; returns its place."""
    number = c.batches.next
    c.batches.next = number + 1
    batch = number & c.batches.mask
    c.batches.state[batch] = codes.OPEN
    c.batches.partition[batch] = p
    c.batches.attempts[batch] = 0
    c.batches.created_s[batch] = now
    c.batches.ready_s[batch] = -num.INF
    c.batches.left_s[batch] = num.INF
    c.batches.first[batch] = c.records.next
    c.batches.n[batch] = 0
    c.batches.size_bytes[batch] = 0
    c.batches.held_bytes[batch] = max(c.settings.batch_bytes, size) if c.settings.java else 0
    c.batches.seq[batch] = -1
    c.batches.txn[batch] = c.app.txn
    c.batches.link[batch] = -1
    if c.partitions.last[p] >= 0:
        c.batches.link[c.partitions.last[p] & c.batches.mask] = number
    else:
        c.partitions.first[p] = number
        c.partitions.queues += 1
    c.partitions.last[p] = number
    c.batches.buffered_bytes += c.batches.held_bytes[batch]
    leader = c.brokers.leader[p]
    due_s = now + c.settings.linger_s
    c.requests.due_s[leader] = min(c.requests.due_s[leader], due_s)
    c.requests.event_s[leader] = min(c.requests.event_s[leader], due_s)
    c.wake_s = min(c.wake_s, due_s, now + c.settings.delivery_timeout_s)
    return batch


def _send(now: float, row: int, p: int, size: int, c: ClientState) -> bool:
    """send(): put the record for an input row into the last batch of its partition.

    Returns:
        Whether the buffer had room for it.
    """
    batch = c.partitions.last[p] & c.batches.mask
    is_open = c.partitions.last[p] >= 0 and c.batches.state[batch] == codes.OPEN
    fits = is_open and c.batches.size_bytes[batch] + size <= c.settings.batch_bytes
    if not _has_room(fits, size, c):
        return False
    record = c.records.next
    if fits:
        c.records.link[c.batches.last[batch] & c.records.mask] = record
    else:
        if is_open:
            _close_batch(now, batch, p, c)
        batch = _open_batch(now, p, size, c)
    c.records.row[record & c.records.mask] = row
    c.records.next = record + 1
    c.batches.last[batch] = record
    c.batches.n[batch] += 1
    c.batches.size_bytes[batch] += size
    if not c.settings.java:
        c.batches.held_bytes[batch] += size
        c.batches.buffered_bytes += size
    if (
        c.batches.size_bytes[batch] >= c.settings.batch_bytes
        or c.batches.n[batch] >= c.settings.batch_records
    ):
        _close_batch(now, batch, p, c)
    c.records.remaining += 1
    c.app.status[row] = codes.BUFFERED
    c.app.sent[row] += 1
    return True


def _begin_flush(now: float, timeout_s: float, c: ClientState) -> None:
    c.app.phase = codes.FLUSH
    c.app.deadline_s = now + timeout_s
    done = c.records.remaining == 0 or c.app.txn_refused
    c.app.next_s = now if done else c.app.deadline_s
    requests.look_everywhere(now, c)


def _begin_close(now: float, c: ClientState) -> None:
    c.app.closing = codes.FLUSH_AND_COMMIT
    _begin_flush(now, c.settings.flush_timeout_s, c)


def _begin_commit(now: float, offset: int, c: ClientState) -> None:
    c.app.phase = codes.COMMIT
    c.app.committing = offset
    c.app.next_s = now + transactions.half_s(c)


def _begin_abort(now: float, c: ClientState) -> None:
    c.app.phase = codes.ABORT
    c.app.next_s = now + transactions.half_s(c)


def _poll(now: float, c: ClientState) -> None:
    """Take the input rows that are there, or wait for one; an idle application commits on time."""
    if c.app.closing == codes.AFTER_POLL:
        _begin_close(now, c)
        return
    position = c.app.position
    next_s = num.INF
    if c.settings.mode == codes.PRODUCE:
        if c.app.auto_commit_s <= now:
            c.app.committed_to = position
            c.app.errors = 0
            c.app.auto_commit_s = now + c.settings.auto_commit_s
        elif c.app.committed_to < position:
            next_s = c.app.auto_commit_s
    stop = position
    limit = min(c.source.created_s.shape[0], position + c.settings.poll_records)
    while stop < limit and c.source.created_s[stop] <= now:
        stop += 1
    if stop == position:
        c.app.next_s = min(next_s, c.source.created_s[stop]) if stop < limit else next_s
        return
    c.app.polled = stop
    if c.settings.mode == codes.COMMIT_PRODUCE:
        _begin_commit(now, stop, c)
        return
    if c.settings.mode != codes.PRODUCE:
        c.app.errors = 0
        if c.settings.mode == codes.TRANSACTION:
            transactions.begin(c)
    c.app.phase = codes.PROCESS
    c.app.next_s = now + _process_s(position, c)


def _read_again(c: ClientState) -> None:
    """Go back to the committed offset, and send again from there."""
    c.app.position = c.app.committed_to
    c.app.phase = codes.POLL


def _flushed(now: float, c: ClientState) -> None:
    """flush() has returned: commit if all is well or nobody looks, else flush or send again."""
    if c.app.closing == codes.FLUSH_ONLY:
        c.app.kill_s = now
        return
    if c.app.txn_refused:
        if c.app.closing == codes.FLUSH_AND_COMMIT:
            c.app.kill_s = now
        else:
            _begin_abort(now, c)
        return
    if c.records.remaining > 0:
        note(c.limits.unflushed, now, now, c.records.remaining)
    if c.settings.check_flush and c.records.remaining > 0:
        _begin_flush(now, c.settings.flush_timeout_s, c)
        return
    failed = c.settings.check_flush and c.app.errors > 0
    if c.app.closing == codes.FLUSH_AND_COMMIT:
        done = c.app.position <= c.app.committed_to
        if failed or done or c.settings.mode == codes.COMMIT_PRODUCE:
            c.app.kill_s = now
            return
    if not failed:
        _begin_commit(now, c.app.position, c)
    elif c.settings.mode == codes.TRANSACTION:
        _begin_abort(now, c)
    else:
        _read_again(c)


def _commit(now: float, c: ClientState) -> None:
    """The commit reaches the coordinator (KP-16: with it, the records of the transaction)."""
    if c.settings.mode == codes.TRANSACTION and transactions.waits(c):
        c.app.next_s = num.INF
        return
    c.app.phase = codes.COMMITTED
    c.app.next_s = now + transactions.half_s(c)
    if c.settings.mode == codes.TRANSACTION and not transactions.commit(now, c):
        c.app.phase = codes.FENCED
        return
    c.app.committed_to = c.app.committing


def _abort(now: float, c: ClientState) -> None:
    """The application's own abort reaches the coordinator."""
    if transactions.waits(c):
        c.app.next_s = num.INF
        return
    c.app.phase = codes.ABORTED if transactions.abort(now, c) else codes.FENCED
    c.app.next_s = now + transactions.half_s(c)


def _go_on(now: float, c: ClientState) -> None:
    """The answer to a commit is back."""
    if c.app.closing == codes.FLUSH_AND_COMMIT:
        c.app.kill_s = now
    elif c.settings.mode == codes.COMMIT_PRODUCE:
        c.app.phase = codes.PROCESS
        c.app.next_s = now + _process_s(c.app.position, c)
    else:
        c.app.phase = codes.POLL


def _end_poll(now: float, c: ClientState) -> None:
    """Every polled row is sent."""
    c.app.phase = codes.POLL
    c.app.next_s = now
    if c.settings.mode == codes.FLUSH_COMMIT:
        _begin_flush(now, c.settings.flush_timeout_s, c)
    elif c.settings.mode == codes.TRANSACTION:
        _begin_flush(now, num.INF, c)
    elif c.app.closing == codes.AFTER_POLL:
        _begin_close(now, c)


def _blocks(now: float, c: ClientState) -> bool:
    """Whether send() waits for room in the buffer, for which there is none now (KP-04)."""
    if c.app.phase != codes.BLOCKED and c.settings.block_s > 0.0:
        c.app.phase = codes.BLOCKED
        c.app.deadline_s = now + c.settings.block_s
        requests.look_everywhere(now, c)
    elif c.app.phase != codes.BLOCKED or now >= c.app.deadline_s:
        return False
    c.app.next_s = c.app.deadline_s  # if what became free is not enough, again
    return True


def _note_full(now: float, c: ClientState) -> None:
    """Note which limit of the buffer a record has met: once for each, until it has room."""
    meets = 0 if c.app.phase == codes.BLOCKED else 1
    if not c.settings.java and c.records.remaining >= c.settings.buffer_records:
        note(c.limits.full_records, now, now, meets)
    else:
        note(c.limits.full_bytes, now, now, meets)


def _is_next(until_s: float, c: ClientState) -> bool:
    """Whether nothing falls due before the application's next step."""
    now = c.app.next_s
    return now < c.wake_s and now < c.app.kill_s and now <= until_s


def _send_polled(until_s: float, c: ClientState) -> int:
    """Process and send polled rows, until anything else falls due; returns what has no room."""
    one_size = c.source.size_bytes.shape[0] == 1
    now = c.app.next_s
    while True:
        if c.app.txn_refused:
            _begin_abort(now, c)  # send() raises what a broker has answered
            return codes.DONE
        if c.batches.next - c.batches.oldest == c.batches.mask + 1:
            return codes.FULL_BATCHES
        if c.batches.oldest < c.batches.next:
            oldest = c.batches.first[c.batches.oldest & c.batches.mask]
            if c.records.next - oldest == c.records.mask + 1:
                return codes.FULL_RECORDS
        row = c.app.position
        p = c.source.partition_of[row]
        size = num.integer(c.source.size_bytes[0 if one_size else row])
        if not _send(now, row, p, size, c):
            _note_full(now, c)
            if _blocks(now, c):
                return codes.DONE
            note(c.limits.rejected, now, now, 1)
            c.app.status[row] = codes.REJECTED
            c.app.errors += 1
        if c.app.returned_s.shape[0] > 0:
            c.app.returned_s[row] = min(now, num.double(c.app.returned_s[row]))
        c.app.position = row + 1
        if row + 1 == c.app.polled:
            _end_poll(now, c)
            return codes.DONE
        c.app.phase = codes.PROCESS
        now += _process_s(row + 1, c)
        c.app.next_s = now
        if not _is_next(until_s, c):
            return codes.DONE
        if c.samples.next_s < now:
            fill_samples(now, c)


def _answered(now: float, c: ClientState) -> None:
    """What the application waited for is there: go on."""
    phase = c.app.phase
    if phase == codes.FLUSH:
        _flushed(now, c)
    elif phase == codes.COMMIT:
        _commit(now, c)
    elif phase == codes.ABORT:
        _abort(now, c)
    elif phase == codes.ABORTED:
        c.app.aborted += 1
        _read_again(c)
    else:
        _go_on(now, c)


def act(until_s: float, c: ClientState, most: int) -> int:
    """Have the application act until anything else falls due.

    Returns:
        DONE, FULL_RECORDS or FULL_BATCHES; GOES_ON after ``most`` steps; or IS_FENCED, at
        ``next_s``.
    """
    full = codes.DONE
    left = most
    while full == codes.DONE and _is_next(until_s, c):
        left -= 1
        if left < 0:
            return codes.GOES_ON
        now = c.app.next_s
        if c.samples.next_s < now:
            fill_samples(now, c)
        if c.app.phase == codes.FENCED:
            return codes.IS_FENCED
        if c.app.phase == codes.POLL:
            _poll(now, c)
            if c.app.phase == codes.PROCESS and c.app.next_s == now:
                full = _send_polled(until_s, c)  # as the next round would: nothing else is due
        elif c.app.phase == codes.PROCESS or c.app.phase == codes.BLOCKED:
            full = _send_polled(until_s, c)
        else:
            _answered(now, c)
    return full
