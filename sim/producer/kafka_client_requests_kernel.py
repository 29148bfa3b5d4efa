"""How a producer client sends requests to brokers, and takes in their answers.

Rules held:

* KP-01 a batch is sendable when full, lingered, pressed for memory, or flushed.
* KP-03 without idempotence, a lost answer and a retry store a batch twice.
* KP-05 with acks=0 a record counts as sent once it is on its way.
* KP-09 with one request in flight, its partitions are muted until the answer.
* KB-13 a broker that stands still handles later what its client has given up.

A connection is first in, first out: the broker takes up a request when it has answered the one
before, and when a connection is given up, what has not reached the broker is lost with it, unless
the broker stands still (`sim.producer.kafka_stalled_brokers`).
"""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.producer import kafka_client_appends_kernel as appends
from sim.producer import kafka_client_batches_kernel as batches
from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel import ClientState


def look_everywhere(now: float, c: ClientState) -> None:
    """Have the client look now whether there is anything to send to any broker."""
    c.wake_s = min(c.wake_s, now)
    for b in range(c.requests.due_s.shape[0]):
        c.requests.due_s[b] = -num.INF
        c.requests.event_s[b] = -num.INF


def disconnect(now: float, b: int, c: ClientState) -> None:
    """Break the connection to broker ``b``: all in flight come back, the oldest first."""
    c.requests.connected[b] = 0
    c.requests.due_s[b] = -num.INF
    c.requests.event_s[b] = -num.INF
    c.requests.free_s[b] = now
    c.requests.full_s[b] = num.INF
    while c.requests.oldest[b] < c.requests.next[b]:
        number = c.requests.first[b, c.requests.oldest[b] & c.requests.mask]
        c.requests.oldest[b] += 1
        while number >= 0:
            following = c.batches.link[number & c.batches.mask]
            if c.settings.acks == 0:
                c.batches.state[number & c.batches.mask] = codes.FREE
            else:
                batches.retry(now, number, c)
            number = following
    c.requests.arriving[b] = c.requests.next[b]


def _respond(now: float, b: int, c: ClientState) -> bool:
    """Take in the answers that are due from broker ``b``, and notice those that are not coming.

    Returns:
        Whether the connection is to be given up with requests in the socket of a stalled broker.
    """
    while c.requests.oldest[b] < c.requests.next[b]:
        at = c.requests.oldest[b] & c.requests.mask
        due = c.requests.respond_s[b, at] <= now
        if not due or c.requests.lost[b, at]:
            overdue = c.requests.sent_s[b, at] + c.settings.request_timeout_s <= now
            if overdue and not due and c.brokers.stalled[b]:
                return True
            if overdue and not due:
                note(c.limits.overdue, now, now, 1)
            if overdue or due:
                disconnect(now, b, c)
            return False
        number = c.requests.first[b, at]
        c.requests.oldest[b] += 1
        c.requests.due_s[b] = -num.INF
        while number >= 0:
            batch = number & c.batches.mask
            following = c.batches.link[batch]
            stored = c.batches.stored[batch]
            if stored == codes.INVALID_EPOCH and c.batches.state[batch] == codes.FLIGHT:
                batches.fence(now, batch, c)
            elif stored == codes.STORED and c.batches.state[batch] == codes.FLIGHT:
                c.partitions.in_flight[c.batches.partition[batch]] -= 1
                batches.look(c.batches.partition[batch], c)
                batches.resolve(now, batch, codes.ACKED, c)
                c.batches.state[batch] = codes.FREE
            else:
                batches.retry(now, number, c)
            number = following
    return False


def _overtakes(number: int, p: int, c: ClientState) -> bool:
    """Whether an older batch of partition ``p`` is still in flight."""
    for b in range(c.requests.next.shape[0]):
        for request in range(c.requests.oldest[b], c.requests.next[b]):
            other = c.requests.first[b, request & c.requests.mask]
            while other >= 0:
                if other < number and c.batches.partition[other & c.batches.mask] == p:
                    return True
                other = c.batches.link[other & c.batches.mask]
    return False


def _sendable_s(p: int, c: ClientState) -> float:
    """When the first batch of ``p`` may leave on a free connection; inf: not before an answer.

    Whether it must, see `_asks_s`. Where the sequence is in doubt, it begins anew first.
    """
    batch = c.partitions.first[p] & c.batches.mask
    if c.partitions.in_flight[p] > 0:
        if c.settings.max_in_flight == 1 or c.partitions.unresolved[p]:
            return num.INF
        # A retry waits until it is the oldest in flight (TransactionManager.firstInFlightSequence).
        if (
            c.settings.idempotent
            and c.batches.seq[batch] >= 0
            and _overtakes(c.partitions.first[p], p, c)
        ):
            return num.INF
    elif c.partitions.unresolved[p]:
        _restart_sequence(p, c)
    ready_s: float = c.batches.ready_s[batch]
    return ready_s


def _asks_s(p: int, c: ClientState) -> float:
    """When the first batch of ``p`` asks to be sent and may be (KP-01)."""
    sendable_s = _sendable_s(p, c)
    number = c.partitions.first[p]
    batch = number & c.batches.mask
    hurry = c.app.phase == codes.FLUSH or (c.settings.java and c.app.phase == codes.BLOCKED)
    if hurry or c.batches.state[batch] == codes.QUEUED or number != c.partitions.last[p]:
        return sendable_s
    lingered_s: float = c.batches.created_s[batch] + c.settings.linger_s
    return max(sendable_s, lingered_s)


def _take(now: float, p: int, c: ClientState) -> int:
    """Remove the first batch of ``p`` from its queue for a request; returns its number."""
    number: int = c.partitions.first[p]
    batch = number & c.batches.mask
    c.batches.left_s[batch] = min(c.batches.left_s[batch], now)
    c.partitions.first[p] = c.batches.link[batch]
    if c.partitions.last[p] == number:
        c.partitions.last[p] = -1
        c.partitions.queues -= 1
    c.partitions.in_flight[p] += 1
    c.batches.state[batch] = codes.FLIGHT
    c.batches.stored[batch] = 0
    c.batches.link[batch] = -1
    if c.settings.idempotent and c.batches.seq[batch] < 0:
        c.batches.seq[batch] = c.partitions.next_seq[p]
        c.partitions.next_seq[p] += c.batches.n[batch]
    return number


def _restart_sequence(p: int, c: ClientState) -> None:
    """Number the batches of ``p`` from 0 in a new epoch.

    Nothing of it is in flight, and it is not known whether one that was given up is stored.
    """
    c.partitions.unresolved[p] = 0
    c.partitions.epoch[p] += 1
    c.partitions.next_seq[p] = 0
    number = c.partitions.first[p]
    while number >= 0:
        c.batches.seq[number & c.batches.mask] = -1
        number = c.batches.link[number & c.batches.mask]


def _find_due(now: float, b: int, c: ClientState) -> int:
    """The next partition in turn that asks broker ``b`` for a request now.

    Returns:
        Its number; -1: there is none, and `due_s` of the broker says when there will be.
    """
    next_s = num.INF
    p: int = c.requests.turn[b]
    n_partitions = c.partitions.first.shape[0]
    for _ in range(n_partitions if c.partitions.queues > 0 else 0):
        if c.partitions.first[p] >= 0 and c.brokers.leader[p] == b:
            at_s = _asks_s(p, c)
            if at_s <= now:
                return p
            next_s = min(next_s, at_s)
        p = p + 1 if p + 1 < n_partitions else 0
    c.requests.due_s[b] = next_s
    return -1


def _fill(now: float, b: int, due: int, c: ClientState) -> int:
    """The batches of a request to broker ``b``; returns the first, which links to the others.

    Java fills a request with the first batch of every partition of the broker as soon as one is
    due (RecordAccumulator.drain); librdkafka sends each partition's batch by itself.
    """
    n_partitions = c.partitions.first.shape[0]
    first = _take(now, due, c)
    if not c.settings.java:
        return first
    number = first
    p = due
    for _ in range(n_partitions - 1 if c.partitions.queues > 0 else 0):
        p = p + 1 if p + 1 < n_partitions else 0
        if c.partitions.first[p] >= 0 and c.brokers.leader[p] == b and _sendable_s(p, c) <= now:
            taken = _take(now, p, c)
            c.batches.link[number & c.batches.mask] = taken
            number = taken
    return first


def _send(now: float, b: int, first: int, c: ClientState) -> None:
    """Put a request, with ``first`` and what it links to, on its way to broker ``b``."""
    latency_s = c.draws.latency_s[c.draws.latencies % c.draws.latency_s.shape[0]]
    c.draws.latencies += 1
    half_s = 0.5 * (latency_s + c.brokers.extra_latency_s[b])
    replicate_s = 0.0
    if c.settings.acks == -1:
        replicate_s = c.draws.replicate_s[c.draws.replications % c.draws.replicate_s.shape[0]]
        c.draws.replications += 1
    at = c.requests.next[b] & c.requests.mask
    c.requests.next[b] += 1
    c.requests.sent += 1
    arrive_s = max(now + half_s, c.requests.free_s[b])
    free_s = arrive_s + replicate_s
    c.requests.first[b, at] = first
    c.requests.sent_s[b, at] = now
    c.requests.lost[b, at] = 0
    c.requests.half_s[b, at] = half_s
    c.requests.replicate_s[b, at] = replicate_s
    c.requests.arrive_s[b, at] = arrive_s
    c.requests.free_s[b] = free_s
    c.requests.respond_s[b, at] = free_s + half_s
    number = first
    while c.settings.acks == 0 and number >= 0:
        batch = number & c.batches.mask
        batches.resolve(now, batch, codes.ACKED, c)
        c.batches.state[batch] = codes.GONE
        c.partitions.in_flight[c.batches.partition[batch]] -= 1
        number = c.batches.link[batch]


def _note_waits(now: float, b: int, p: int, c: ClientState) -> None:
    """Note what the first batch of ``p``, which is to be sent now, has waited for."""
    batch = c.partitions.first[p] & c.batches.mask
    lingered_s = c.batches.created_s[batch] + c.settings.linger_s
    is_open = c.batches.state[batch] == codes.OPEN
    if is_open and c.settings.linger_s > c.limits.long_s and lingered_s <= now:
        note(c.limits.lingered, c.batches.created_s[batch], lingered_s, 1)
    if c.requests.full_s[b] < now:
        # It may have asked before it had lingered, but was full when is not known.
        since_s = max(c.requests.full_s[b], lingered_s, c.batches.ready_s[batch])
        if now - since_s > c.limits.long_s:
            note(c.limits.crowded, since_s, now, 1)


def _drain(now: float, b: int, c: ClientState) -> bool:
    """Send what is due to broker ``b``, and plan when more will be; False: there was no room."""
    if not c.requests.connected[b]:
        # A new connection begins with a question for the broker's API versions.
        if not c.brokers.up[b] or c.brokers.stalled[b]:
            c.requests.due_s[b] = num.INF
            return True
        c.requests.connected[b] = 1
    while True:
        in_flight = c.requests.next[b] - c.requests.oldest[b]
        if c.settings.acks != 0 and in_flight >= c.settings.max_in_flight:
            c.requests.due_s[b] = num.INF
            c.requests.full_s[b] = min(c.requests.full_s[b], now)
            return True
        due = _find_due(now, b, c)
        if due < 0:
            c.requests.full_s[b] = num.INF
            return True
        if in_flight == c.requests.mask + 1:
            c.requests.due_s[b] = now
            return False
        _note_waits(now, b, due, c)
        first = _fill(now, b, due, c)
        c.requests.turn[b] = due + 1 if due + 1 < c.partitions.first.shape[0] else 0
        _send(now, b, first, c)


def _next_event_s(b: int, c: ClientState) -> float:
    """When a request reaches broker ``b``, an answer comes or is overdue, or more is to be sent."""
    event_s: float = c.requests.due_s[b]
    if c.requests.arriving[b] < c.requests.next[b]:
        event_s = min(event_s, c.requests.arrive_s[b, c.requests.arriving[b] & c.requests.mask])
    if c.settings.acks != 0 and c.requests.oldest[b] < c.requests.next[b]:
        at = c.requests.oldest[b] & c.requests.mask
        overdue_s = c.requests.sent_s[b, at] + c.settings.request_timeout_s
        event_s = min(event_s, c.requests.respond_s[b, at], overdue_s)
    return event_s


def serve(now: float, c: ClientState) -> int:
    """Everything that falls due in the client and at the brokers now; plans the next time.

    Returns:
        DONE, FULL_REQUESTS or GIVES_UP.
    """
    n_brokers = c.requests.next.shape[0]
    for b in range(n_brokers):
        if c.requests.event_s[b] <= now:
            while (
                c.requests.arriving[b] < c.requests.next[b]
                and c.requests.arrive_s[b, c.requests.arriving[b] & c.requests.mask] <= now
            ):
                appends.arrive(now, b, c)
    if c.settings.acks != 0:
        for b in range(n_brokers):
            if c.requests.event_s[b] <= now and _respond(now, b, c):
                return codes.GIVES_UP
    wake_s = batches.expire(now, c)
    for b in range(n_brokers):
        if c.requests.event_s[b] <= now:
            # Where there is no room this is called again: the order must not depend on room.
            if c.requests.due_s[b] <= now and not _drain(now, b, c):
                return codes.FULL_REQUESTS
            c.requests.event_s[b] = _next_event_s(b, c)
        wake_s = min(wake_s, c.requests.event_s[b])
    c.wake_s = wake_s
    return codes.DONE


def wait_in_sockets(c: ClientState) -> bool:
    """Whether requests wait at a broker that stands still."""
    for b in range(c.requests.next.shape[0]):
        if c.brokers.stalled[b] and c.requests.arriving[b] < c.requests.next[b]:
            return True
    return False
