"""What becomes of a producer's batches: delivered, put back into their queue, or failed.

Rules held:

* KP-02 a batch fails ``delivery.timeout.ms`` after its creation; one in flight may still be stored.
* KP-20 one that a broker refuses as its producer is fenced fails, and the application learns of it.
* KP-08 a batch to be retried goes to the front; those in flight overtake it.
"""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel import ClientState

_MOST_DOUBLINGS = 30  # of the backoff, which is then at its limit
_LEAST_JITTER = 0.8  # a backoff is 20 % shorter
_JITTER_RANGE = 0.4  # to 20 % longer


def look(p: int, c: ClientState) -> None:
    """Have the client look anew at what the broker of partition ``p`` is to be sent."""
    leader = c.brokers.leader[p]
    c.requests.due_s[leader] = -num.INF
    c.requests.event_s[leader] = -num.INF


def resolve(now: float, batch: int, status: int, c: ClientState) -> None:
    """Tell the application of each record of a batch; ``batch`` is its place in the ring."""
    record = c.batches.first[batch]
    n = c.batches.n[batch]
    for _ in range(n):
        row = c.records.row[record & c.records.mask]
        record = c.records.link[record & c.records.mask]
        c.app.status[row] = status
        if status == codes.ACKED and c.app.acked_s[row] == num.INF:
            c.app.acked_s[row] = now
    c.records.remaining -= n
    c.batches.buffered_bytes -= c.batches.held_bytes[batch]
    if status == codes.FAILED:
        c.app.errors += n
    if c.app.phase == codes.BLOCKED or (c.app.phase == codes.FLUSH and c.records.remaining == 0):
        c.app.next_s = now


def _give_up(now: float, batch: int, c: ClientState) -> None:
    resolve(now, batch, codes.FAILED, c)
    if c.settings.idempotent and c.batches.seq[batch] >= 0:
        c.partitions.unresolved[c.batches.partition[batch]] = 1


def _backoff_s(attempts: int, c: ClientState) -> float:
    """How long a batch waits that was retried so often before."""
    backoff_s = c.settings.backoff_max_s
    if attempts < _MOST_DOUBLINGS:
        doublings = 1 << attempts
        backoff_s = min(backoff_s, c.settings.backoff_s * doublings)
    jitter: float = c.draws.jitter[c.draws.jitters % c.draws.jitter.shape[0]]
    c.draws.jitters += 1
    backoff_s *= _LEAST_JITTER + _JITTER_RANGE * jitter
    return min(c.settings.backoff_max_s, backoff_s)


def retry(now: float, number: int, c: ClientState) -> None:
    """Put a batch that came back from flight into its queue again, or give it up."""
    batch = number & c.batches.mask
    p = c.batches.partition[batch]
    c.partitions.in_flight[p] -= 1
    look(p, c)
    if c.batches.state[batch] == codes.GONE:
        c.batches.state[batch] = codes.FREE
        return
    expired = c.batches.created_s[batch] + c.settings.delivery_timeout_s <= now
    if expired or c.batches.attempts[batch] >= c.settings.retries:
        if expired:
            note(c.limits.expired, now, now, c.batches.n[batch])
        else:
            note(c.limits.tried_out, now, now, c.batches.n[batch])
        _give_up(now, batch, c)
        c.batches.state[batch] = codes.FREE
        return
    c.batches.retries += 1
    c.batches.ready_s[batch] = now + _backoff_s(c.batches.attempts[batch], c)
    c.batches.attempts[batch] += 1
    c.batches.state[batch] = codes.QUEUED
    before = -1
    after = c.partitions.first[p]
    if c.settings.in_order:
        while after >= 0 and after < number:
            before = after
            after = c.batches.link[after & c.batches.mask]
    c.batches.link[batch] = after
    if before < 0:
        c.partitions.first[p] = number
    else:
        c.batches.link[before & c.batches.mask] = number
    if after < 0:
        c.partitions.last[p] = number
        if before < 0:
            c.partitions.queues += 1


def fence(now: float, batch: int, c: ClientState) -> None:
    """A broker has refused a batch in flight for its producer's epoch: it is not tried again."""
    p = c.batches.partition[batch]
    c.partitions.in_flight[p] -= 1
    look(p, c)
    resolve(now, batch, codes.FAILED, c)
    c.batches.state[batch] = codes.FREE
    c.app.txn_refused = 1
    if c.app.phase == codes.BLOCKED or c.app.phase == codes.FLUSH:
        c.app.next_s = now


def _unlink(number: int, p: int, c: ClientState) -> None:
    """Take a batch out of the queue of partition ``p``, wherever it stands."""
    following = c.batches.link[number & c.batches.mask]
    before = -1
    here = c.partitions.first[p]
    while here != number:
        before = here
        here = c.batches.link[here & c.batches.mask]
    if before < 0:
        c.partitions.first[p] = following
    else:
        c.batches.link[before & c.batches.mask] = following
    if c.partitions.last[p] == number:
        c.partitions.last[p] = before
        if before < 0:
            c.partitions.queues -= 1


def expire(now: float, c: ClientState) -> float:
    """Fail the batches whose delivery is overdue (KP-02); returns when the next will be."""
    number = c.batches.oldest_pending
    due_s = num.INF
    while number < c.batches.next:
        batch = number & c.batches.mask
        state = c.batches.state[batch]
        if state < codes.GONE:
            due_s = c.batches.created_s[batch] + c.settings.delivery_timeout_s
            if due_s > now:
                break
            note(c.limits.expired, now, now, c.batches.n[batch])
            _give_up(now, batch, c)
            if state == codes.FLIGHT:
                c.batches.state[batch] = codes.GONE
            else:
                c.batches.state[batch] = codes.FREE
                look(c.batches.partition[batch], c)
                _unlink(number, c.batches.partition[batch], c)
            due_s = num.INF
        number += 1
    c.batches.oldest_pending = number
    oldest = c.batches.oldest
    while oldest < number and c.batches.state[oldest & c.batches.mask] == codes.FREE:
        oldest += 1
    c.batches.oldest = oldest
    return due_s
