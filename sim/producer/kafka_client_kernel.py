"""How an application hands records to a producer client, and the client hands batches to brokers.

One single-threaded process reads its input in order and sends a record for each; its client gathers
them in batches, keeps several requests in flight and retries. Rules held:

* KP-01 a batch is sendable when full, lingered, pressed for memory, or flushed.
* KP-02 a batch fails ``delivery.timeout.ms`` after its creation; one in flight may still be stored.
* KP-03 without idempotence, a lost answer and a retry store a batch twice.
* KP-04 a full buffer blocks the application up to ``max.block.ms``, then rejects the record.
* KP-05 with acks=0 a record counts as sent once it is on its way.
* KP-08 a batch to be retried goes to the front; those in flight overtake it.
* KP-09 with one request in flight, its partitions are muted until the answer.
* KP-10 the broker knows the last five batches of a producer: repeats are not stored, gaps refused.
* KP-13 flush ends when every record is acknowledged or has failed.
* KP-16 records and input offset of a transaction become valid together.
* KB-13 a broker that stands still handles later what its client has given up.

A connection is first in, first out: the broker takes up a request when it has answered the one
before, and when a connection is given up, what has not reached the broker is lost with it, unless
the broker stands still (`sim.producer.kafka_stalled_brokers`).

Batches, records and requests are numbered in order of creation and kept in rings (power-of-two
capacity; number & mask is the place), from the oldest that is still needed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import F64, I32, I64, U8, U16, Bools
from sim.foundation.jit import inlined, resumable

# How the application orders consume, produce, flush and commit.
PRODUCE, COMMIT_PRODUCE, FLUSH_COMMIT, TRANSACTION = range(4)

# What the application is doing.
OFF, POLL, PROCESS, BLOCKED, FLUSH, COMMIT, COMMITTED, ABORT = range(8)

# Places in App.at.
NEXT_S, WAKE_S, KILL_S, AUTO_COMMIT_S, DEADLINE_S, TXN_BEGAN_S = range(6)
DUE = slice(NEXT_S, KILL_S + 1)
"""Of these times, before the earliest of which nothing happens."""
TIMES = 6

# Places in App.n.
(
    PHASE,  # what the application is doing
    POSITION,  # next input row to process
    POLLED,  # end of the rows that the last poll returned
    COMMITTED_TO,  # committed input offset
    COMMITTING,  # offset of the commit under way
    REMAINING,  # records accepted and neither acknowledged nor failed
    HELD_BYTES,  # of the buffer
    ERRORS,  # records rejected or failed since the last poll (or automatic commit)
    CLOSING,  # NO, AFTER_POLL, FLUSH_AND_COMMIT or FLUSH_ONLY
    SESSION,  # 1, 2, … with each process
    TXN,  # number of the transaction
    TXN_FIRST,  # first journal entry of the transaction
    NEXT_RECORD,  # number that the next accepted record gets
    NEXT_BATCH,
    OLDEST_BATCH,  # oldest whose place is needed
    OLDEST_PENDING,  # oldest that may still expire
    ENTRIES,  # journal entries
    ROWS,  # journal rows
    GRID,  # next sample
    LATENCY_DRAWS,
    REPLICATE_DRAWS,
    UNIFORM_DRAWS,
    JITTER_DRAWS,
    REQUESTS,  # sent
    RETRIES,  # batches put back
    DUPLICATES_REFUSED,  # batches acknowledged without being stored again
    OUT_OF_SEQUENCE,  # batches refused for a gap
    ABORTED,  # transactions
) = range(28)
COUNTS = 28

# App.n[CLOSING].
NO, AFTER_POLL, FLUSH_AND_COMMIT, FLUSH_ONLY = range(4)

# What the client knows of an input row.
NOT_SENT, BUFFERED, ACKED, FAILED, REJECTED, DIED = range(6)

# State of a batch.
OPEN, QUEUED, FLIGHT, GONE, FREE = range(5)

# What `publish` returns: it is done; what has no room; or that the client is about to give up a
# connection, or to die, with requests in the sockets of brokers that stand still.
DONE, FULL_RECORDS, FULL_BATCHES, FULL_REQUESTS, FULL_JOURNAL, GIVES_UP, DIES = range(7)

RETAINED = 5  # batches of a producer that a broker knows: ProducerStateEntry, NUM_BATCHES_TO_RETAIN
_MOST_DOUBLINGS = 30  # of the backoff, which is then at its limit
_LEAST_JITTER, _JITTER_RANGE = 0.8, 0.4  # a backoff is 20 % shorter to 20 % longer


class ClientSettings(NamedTuple):
    """Constants of the application and its client."""

    mode: int  # PRODUCE, COMMIT_PRODUCE, FLUSH_COMMIT or TRANSACTION
    poll_records: int  # most input rows that one poll returns
    auto_commit_s: float  # PRODUCE: auto.commit.interval.ms
    commit_s: float  # round trip of a commit
    flush_timeout_s: float
    check_flush: bool  # commit only after a flush with nothing remaining and no error
    transaction_timeout_s: float
    java: bool  # Java: a request takes from each partition, memory goes by batches, KP-04 hurries
    linger_s: float
    batch_bytes: int
    batch_records: int
    buffer_bytes: int
    buffer_records: int
    block_s: float  # how long send() waits for room
    acks: int  # 0, 1, or -1: all
    retries: int
    backoff_s: float
    backoff_max_s: float
    request_timeout_s: float
    delivery_timeout_s: float
    max_in_flight: int  # requests per connection
    idempotent: bool
    in_order: bool  # retries are put back in order of creation, not in front
    notice_s: float  # from when a lost answer was due to the client's seeing a broken connection


class Input(NamedTuple):
    """What the application reads; its row number is the input offset."""

    created_s: F64  # [rows] ascending
    partition_of: I32  # [rows] partition of the record sent for each
    size_bytes: I32  # [rows] or [1]
    process_s: F64  # [rows] or [1] the application's work before it sends


class Draws(NamedTuple):
    """Pools of random numbers, each taken in turn and begun again at its end."""

    latency_s: F64  # round trip of a request, half each way
    replicate_s: F64  # acks=all: from the leader's append to the last of the in-sync replicas'
    uniform: F64  # in [0, 1): for lost answers and failing appends
    jitter: F64  # in [0, 1): of the retry backoff


class ClusterState(NamedTuple):
    """What the control plane changes between two advances."""

    up: Bools  # [brokers] reachable
    stalled: Bools  # [brokers] it stands still: its socket takes requests, it does not
    extra_latency_s: F64  # [brokers] added to each round trip
    ack_loss: F64  # [brokers] probability that an answer is lost
    leader: I32  # [partitions] broker of each partition
    append_fails: F64  # [partitions] probability of a retriable error, acks=all (KB-04)


class App(NamedTuple):
    """The process, and what is known of each input row."""

    at: F64  # [TIMES] s; next step, next event of the client, kill, auto-commit, deadline, txn
    n: I64  # [COUNTS]
    status: U8  # [rows] NOT_SENT … DIED
    acked_s: F64  # [rows] first acknowledged at; inf: never
    sent: U16  # [rows] times that send() accepted it
    grid_s: F64  # [grid] sample times
    grid_remaining: I64  # [grid] records in the client (buffer.remaining)
    grid_committed: I64  # [grid] committed input offset


class Records(NamedTuple):
    """Ring of the records in the client."""

    row: I32  # [ring] input row
    link: I64  # [ring] next record of the batch


class Batches(NamedTuple):
    """Ring of the batches in the client."""

    state: NDArray[np.int8]  # [ring] OPEN, QUEUED, FLIGHT, GONE (failed, still in flight), FREE
    stored: Bools  # [ring] in flight: the broker's answer is yes
    partition: I32  # [ring]
    attempts: I32  # [ring] retries so far
    created_s: F64  # [ring]
    ready_s: F64  # [ring] end of the backoff
    first: I64  # [ring] its first record
    last: I64  # [ring] its last record
    n: I64  # [ring] records
    size_bytes: I64  # [ring]
    held_bytes: I64  # [ring] of the buffer
    seq: I64  # [ring] sequence number of its first record; -1: not drained yet
    txn: I64  # [ring] transaction in which it was begun
    link: I64  # [ring] next batch of the partition's queue, or of the request; -1: none


class Requests(NamedTuple):
    """Ring of the requests on each broker's connection."""

    sent_s: F64  # [brokers, ring]
    half_s: F64  # [brokers, ring] half a round trip
    replicate_s: F64  # [brokers, ring] from when it is taken up to the broker's answer
    arrive_s: F64  # [brokers, ring] when the broker takes it up; inf: it stands still
    respond_s: F64  # [brokers, ring] when its answer is back; inf: never, or it stands still
    lost: Bools  # [brokers, ring] there is no answer, and the connection breaks
    first: I64  # [brokers, ring] its first batch
    oldest: I64  # [brokers] oldest in flight
    arriving: I64  # [brokers] next to reach the broker
    next: I64  # [brokers] number that the next gets
    free_s: F64  # [brokers] when it has answered all that it was sent; inf: it stands still
    connected: Bools  # [brokers]
    turn: I64  # [brokers] partition from which the next request is filled
    due_s: F64  # [brokers] nothing is to be sent before; -inf: look


class Partitions(NamedTuple):
    """Each partition's queue in the client, and what its broker knows of the producer."""

    first: I64  # [partitions] batch at the front of the queue; -1: none
    last: I64  # [partitions] batch at its end; -1: none
    in_flight: I64  # [partitions] batches
    next_seq: I64  # [partitions]
    epoch: I64  # [partitions] raised when a batch with a sequence number was given up
    unresolved: Bools  # [partitions] such a batch may or may not have been stored
    known_session: I64  # [partitions] broker: session of the last batch stored
    known_epoch: I64  # [partitions] broker: its epoch
    known: I64  # [partitions] broker: batches stored of that session and epoch
    known_first: I64  # [partitions, 5] broker: first sequence numbers of the last five
    known_last: I64  # [partitions, 5] broker: their last sequence numbers


class Journal(NamedTuple):
    """Batches stored by the brokers, in order of time."""

    append_s: F64  # [entries]
    visible_s: F64  # [entries] valid for read_committed; inf: transaction open or aborted
    partition: I32  # [entries]
    first: I64  # [entries] its first place in ``row``
    n: I32  # [entries] records
    attempt: I32  # [entries] 0: not a retry
    session: I32  # [entries] 1, 2, …: process that sent it
    row: I32  # [rows] input row of each record


class ClientState(NamedTuple):
    """A process with its client, its input, and the brokers as it meets them."""

    settings: ClientSettings
    source: Input
    draws: Draws
    brokers: ClusterState
    app: App
    records: Records
    batches: Batches
    requests: Requests
    partitions: Partitions
    journal: Journal


@resumable
def fill_samples(before_s, c):
    """Fill the samples before ``before_s`` with what is true now."""
    app = c.app
    g = app.n[GRID]
    while g < app.grid_s.size and app.grid_s[g] < before_s:
        app.grid_remaining[g] = app.n[REMAINING]
        app.grid_committed[g] = app.n[COMMITTED_TO]
        g += 1
    app.n[GRID] = g


@inlined
def _resolve(now, batch, status, c):
    """Tell the application of each record of a batch; ``batch`` is its place in the ring."""
    app, records, batches = c.app, c.records, c.batches
    record = batches.first[batch]
    mask = records.row.size - 1
    n = batches.n[batch]
    for _ in range(n):
        row = records.row[record & mask]
        record = records.link[record & mask]
        app.status[row] = status
        if status == ACKED and app.acked_s[row] == np.inf:
            app.acked_s[row] = now
    app.n[REMAINING] -= n
    app.n[HELD_BYTES] -= batches.held_bytes[batch]
    if status == FAILED:
        app.n[ERRORS] += n
    phase = app.n[PHASE]
    if phase == BLOCKED or (phase == FLUSH and app.n[REMAINING] == 0):
        app.at[NEXT_S] = now


@inlined
def _give_up(now, batch, c):
    settings, batches, partitions = c.settings, c.batches, c.partitions
    _resolve(now, batch, FAILED, c)
    if settings.idempotent and batches.seq[batch] >= 0:
        partitions.unresolved[batches.partition[batch]] = True


@inlined
def _look(p, c):
    """Have `_serve` look anew at what the broker of partition ``p`` is to be sent."""
    c.requests.due_s[c.brokers.leader[p]] = -np.inf


@inlined
def _retry(now, number, c):
    """Put a batch that came back from flight into its queue again, or give it up."""
    settings, draws, app = c.settings, c.draws, c.app
    batches, partitions = c.batches, c.partitions
    mask = batches.state.size - 1
    batch = number & mask
    p = batches.partition[batch]
    partitions.in_flight[p] -= 1
    _look(p, c)
    if batches.state[batch] == GONE:
        batches.state[batch] = FREE
        return
    expired = batches.created_s[batch] + settings.delivery_timeout_s <= now
    if expired or batches.attempts[batch] >= settings.retries:
        _give_up(now, batch, c)
        batches.state[batch] = FREE
        return
    app.n[RETRIES] += 1
    backoff_s = settings.backoff_max_s
    if batches.attempts[batch] < _MOST_DOUBLINGS:
        backoff_s = min(backoff_s, settings.backoff_s * (1 << batches.attempts[batch]))
    jitter = draws.jitter[app.n[JITTER_DRAWS] % draws.jitter.size]
    app.n[JITTER_DRAWS] += 1
    backoff_s *= _LEAST_JITTER + _JITTER_RANGE * jitter
    batches.ready_s[batch] = now + min(settings.backoff_max_s, backoff_s)
    batches.attempts[batch] += 1
    batches.state[batch] = QUEUED
    before = np.int64(-1)
    after = partitions.first[p]
    if settings.in_order:
        while after >= 0 and after < number:
            before = after
            after = batches.link[after & mask]
    batches.link[batch] = after
    if before < 0:
        partitions.first[p] = number
    else:
        batches.link[before & mask] = number
    if after < 0:
        partitions.last[p] = number


@resumable
def disconnect(now, b, c):
    """Break the connection to broker ``b``: all in flight come back, the oldest first."""
    batches, requests = c.batches, c.requests
    requests.connected[b] = False
    requests.due_s[b] = -np.inf
    requests.free_s[b] = now
    mask = requests.sent_s.shape[1] - 1
    batch_mask = batches.state.size - 1
    while requests.oldest[b] < requests.next[b]:
        number = requests.first[b, requests.oldest[b] & mask]
        requests.oldest[b] += 1
        while number >= 0:
            following = batches.link[number & batch_mask]
            if c.settings.acks == 0:
                batches.state[number & batch_mask] = FREE
            else:
                _retry(now, number, c)
            number = following
    requests.arriving[b] = requests.next[b]


@inlined
def _check_sequence(p, session, epoch, first, last, c):
    """What the broker makes of a producer's sequence (KP-10): 0 append, 1 repeat, 2 refuse.

    To a producer that it does not know it grants any first number, unless in a transaction
    (``ProducerAppendInfo.checkSequence``).
    """
    settings, partitions = c.settings, c.partitions
    known = partitions.known[p]
    if partitions.known_session[p] != session:
        if settings.mode == TRANSACTION and first != 0:
            return 2
        known = 0
    elif partitions.known_epoch[p] != epoch:
        if first != 0:
            return 2
        known = 0
    else:
        for back in range(min(known, RETAINED)):
            at = (known - 1 - back) % RETAINED
            if partitions.known_first[p, at] == first and partitions.known_last[p, at] == last:
                return 1
        if partitions.known_last[p, (known - 1) % RETAINED] + 1 != first:
            return 2
    partitions.known_session[p] = session
    partitions.known_epoch[p] = epoch
    partitions.known_first[p, known % RETAINED] = first
    partitions.known_last[p, known % RETAINED] = last
    partitions.known[p] = known + 1
    return 0


@inlined
def _judge(b, p, session, epoch, seq, n, txn, c):
    """What broker ``b`` makes of a batch of ``n`` records: 0 append, 1 repeat, 2 refuse."""
    settings, draws, brokers, app = c.settings, c.draws, c.brokers, c.app
    if brokers.leader[p] != b:
        return 2
    if settings.acks == -1 and brokers.append_fails[p] > 0.0:
        draw = draws.uniform[app.n[UNIFORM_DRAWS] % draws.uniform.size]
        app.n[UNIFORM_DRAWS] += 1
        if draw < brokers.append_fails[p]:
            return 2
    if settings.mode == TRANSACTION and txn != app.n[TXN]:
        return 2  # of a transaction that was aborted
    if not settings.idempotent:
        return 0
    verdict = _check_sequence(p, session, epoch, seq, seq + n - 1, c)
    if verdict == 1:
        app.n[DUPLICATES_REFUSED] += 1
    elif verdict == 2:
        app.n[OUT_OF_SEQUENCE] += 1
    return verdict


@inlined
def _enter(now, p, n, attempt, session, c):
    """Put a batch into the journal; returns the place of the first of its ``n`` rows."""
    app, journal = c.app, c.journal
    entry = app.n[ENTRIES]
    at = app.n[ROWS]
    journal.append_s[entry] = now
    journal.visible_s[entry] = np.inf if c.settings.mode == TRANSACTION else now
    journal.partition[entry] = p
    journal.first[entry] = at
    journal.n[entry] = n
    journal.attempt[entry] = attempt
    journal.session[entry] = session
    app.n[ENTRIES] = entry + 1
    app.n[ROWS] = at + n
    return at


@inlined
def _arrive(now, b, c):
    """The next request reaches broker ``b``: store its batches, or refuse them."""
    settings, draws, brokers, app = c.settings, c.draws, c.brokers, c.app
    records, batches, requests, partitions = c.records, c.batches, c.requests, c.partitions
    at = requests.arriving[b] & (requests.sent_s.shape[1] - 1)
    requests.arriving[b] += 1
    mask = batches.state.size - 1
    record_mask = records.row.size - 1
    number = requests.first[b, at]
    session = app.n[SESSION]
    up = brokers.up[b]
    while number >= 0:
        batch = number & mask
        p = batches.partition[batch]
        n = batches.n[batch]
        verdict = 2
        if up:
            epoch = partitions.epoch[p]
            verdict = _judge(b, p, session, epoch, batches.seq[batch], n, batches.txn[batch], c)
        batches.stored[batch] = verdict != 2
        if verdict == 0:
            place = _enter(now, p, n, batches.attempts[batch], session, c)
            record = batches.first[batch]
            for k in range(n):
                c.journal.row[place + k] = records.row[record & record_mask]
                record = records.link[record & record_mask]
        following = batches.link[batch]
        if settings.acks == 0:
            batches.state[batch] = FREE
        number = following
    if settings.acks == 0:
        requests.oldest[b] = requests.arriving[b]
    elif not up:
        requests.respond_s[b, at] = np.inf
    elif brokers.ack_loss[b] > 0.0:
        draw = draws.uniform[app.n[UNIFORM_DRAWS] % draws.uniform.size]
        app.n[UNIFORM_DRAWS] += 1
        if draw < brokers.ack_loss[b]:
            requests.lost[b, at] = True
            requests.respond_s[b, at] += settings.notice_s


@resumable
def take_up(now, b, batch, row, c):
    """A broker goes on, and takes up a batch that its client has given up (KB-13).

    Args:
        now: present time.
        b: the broker.
        batch: partition, session, epoch, first sequence number, transaction and attempt.
        row: [records] input row of each record.
        c: of the client; the journal has room.
    """
    p, session, epoch, seq, txn, attempt = batch
    if _judge(b, p, session, epoch, seq, row.size, txn, c) == 0:
        place = _enter(now, p, row.size, attempt, session, c)
        for k in range(row.size):
            c.journal.row[place + k] = row[k]


@inlined
def _respond(now, b, c):
    """Take in the answers that are due from broker ``b``, and notice those that are not coming.

    Returns:
        Whether the connection is to be given up with requests in the socket of a stalled broker.
    """
    settings, batches, requests, partitions = c.settings, c.batches, c.requests, c.partitions
    mask = requests.sent_s.shape[1] - 1
    batch_mask = batches.state.size - 1
    while requests.oldest[b] < requests.next[b]:
        at = requests.oldest[b] & mask
        answered = requests.respond_s[b, at] <= now and not requests.lost[b, at]
        overdue = requests.sent_s[b, at] + settings.request_timeout_s <= now
        if not answered:
            broken = requests.respond_s[b, at] <= now
            if overdue and not broken and c.brokers.stalled[b]:
                return True
            if overdue or broken:
                disconnect(now, b, c)
            return False
        number = requests.first[b, at]
        requests.oldest[b] += 1
        requests.due_s[b] = -np.inf
        while number >= 0:
            batch = number & batch_mask
            following = batches.link[batch]
            if batches.stored[batch] and batches.state[batch] == FLIGHT:
                partitions.in_flight[batches.partition[batch]] -= 1
                _look(batches.partition[batch], c)
                _resolve(now, batch, ACKED, c)
                batches.state[batch] = FREE
            else:
                _retry(now, number, c)
            number = following
    return False


@inlined
def _expire(now, c):
    """Fail the batches whose delivery is overdue (KP-02); returns when the next will be."""
    settings, app, batches, partitions = c.settings, c.app, c.batches, c.partitions
    mask = batches.state.size - 1
    number = app.n[OLDEST_PENDING]
    due_s = np.inf
    while number < app.n[NEXT_BATCH]:
        batch = number & mask
        state = batches.state[batch]
        if state < GONE:
            due_s = batches.created_s[batch] + settings.delivery_timeout_s
            if due_s > now:
                break
            _give_up(now, batch, c)
            if state == FLIGHT:
                batches.state[batch] = GONE
            else:
                batches.state[batch] = FREE
                p = batches.partition[batch]
                _look(p, c)
                before = np.int64(-1)
                here = partitions.first[p]
                while here != number:
                    before = here
                    here = batches.link[here & mask]
                if before < 0:
                    partitions.first[p] = batches.link[batch]
                else:
                    batches.link[before & mask] = batches.link[batch]
                if partitions.last[p] == number:
                    partitions.last[p] = before
            due_s = np.inf
        number += 1
    app.n[OLDEST_PENDING] = number
    oldest = app.n[OLDEST_BATCH]
    while oldest < number and batches.state[oldest & mask] == FREE:
        oldest += 1
    app.n[OLDEST_BATCH] = oldest
    return due_s


@inlined
def _overtakes(number, p, c):
    """Whether an older batch of partition ``p`` is still in flight."""
    batches, requests = c.batches, c.requests
    batch_mask = batches.state.size - 1
    mask = requests.sent_s.shape[1] - 1
    for b in range(requests.next.size):
        for request in range(requests.oldest[b], requests.next[b]):
            other = requests.first[b, request & mask]
            while other >= 0:
                if other < number and batches.partition[other & batch_mask] == p:
                    return True
                other = batches.link[other & batch_mask]
    return False


@inlined
def _sendable_s(p, c):
    """When the first batch of ``p`` may leave on a free connection; inf: not before an answer.

    Whether it must, see `_due_s`.
    """
    settings, batches, partitions = c.settings, c.batches, c.partitions
    number = partitions.first[p]
    batch = number & (batches.state.size - 1)
    if partitions.in_flight[p] > 0:
        if settings.max_in_flight == 1 or partitions.unresolved[p]:
            return np.inf
        # A retry waits until it is the oldest in flight (TransactionManager.firstInFlightSequence).
        if settings.idempotent and batches.seq[batch] >= 0 and _overtakes(number, p, c):
            return np.inf
    return batches.ready_s[batch]


@inlined
def _due_s(p, c):
    """When the first batch of ``p`` asks to be sent (KP-01)."""
    settings, app, batches, partitions = c.settings, c.app, c.batches, c.partitions
    number = partitions.first[p]
    batch = number & (batches.state.size - 1)
    hurry = app.n[PHASE] == FLUSH or (settings.java and app.n[PHASE] == BLOCKED)
    if hurry or batches.state[batch] == QUEUED or number != partitions.last[p]:
        return -np.inf
    return batches.created_s[batch] + settings.linger_s


@inlined
def _take(p, c):
    """Remove the first batch of ``p`` from its queue for a request; returns its number."""
    settings, batches, partitions = c.settings, c.batches, c.partitions
    number = partitions.first[p]
    batch = number & (batches.state.size - 1)
    partitions.first[p] = batches.link[batch]
    if partitions.last[p] == number:
        partitions.last[p] = -1
    partitions.in_flight[p] += 1
    batches.state[batch] = FLIGHT
    batches.stored[batch] = False
    batches.link[batch] = -1
    if settings.idempotent and batches.seq[batch] < 0:
        batches.seq[batch] = partitions.next_seq[p]
        partitions.next_seq[p] += batches.n[batch]
    return number


@inlined
def _restart_sequence(p, c):
    """Number the batches of ``p`` from 0 in a new epoch, as nothing of it is in flight."""
    batches, partitions = c.batches, c.partitions
    partitions.unresolved[p] = False
    partitions.epoch[p] += 1
    partitions.next_seq[p] = 0
    number = partitions.first[p]
    while number >= 0:
        batches.seq[number & (batches.state.size - 1)] = -1
        number = batches.link[number & (batches.state.size - 1)]


@inlined
def _drain(now, b, c):
    """Send what is due to broker ``b``; returns when more will be, and whether there was no room.

    Java fills a request with the first batch of every partition of the broker as soon as one is
    due (RecordAccumulator.drain); librdkafka sends each partition's batch by itself.
    """
    settings, draws, brokers, app = c.settings, c.draws, c.brokers, c.app
    batches, requests, partitions = c.batches, c.requests, c.partitions
    ring = requests.sent_s.shape[1]
    n_partitions = partitions.first.size
    batch_mask = batches.state.size - 1
    if not requests.connected[b]:
        # A new connection begins with a question for the broker's API versions.
        if not brokers.up[b] or brokers.stalled[b]:
            return np.inf, False
        requests.connected[b] = True
    while True:
        if settings.acks != 0 and requests.next[b] - requests.oldest[b] >= settings.max_in_flight:
            return np.inf, False
        turn = requests.turn[b]
        next_s = np.inf
        due = np.int64(-1)
        for k in range(n_partitions):
            p = turn + k
            if p >= n_partitions:
                p -= n_partitions
            if partitions.first[p] < 0 or brokers.leader[p] != b:
                continue
            if partitions.unresolved[p] and partitions.in_flight[p] == 0:
                _restart_sequence(p, c)
            at_s = max(_sendable_s(p, c), _due_s(p, c))
            if at_s <= now:
                due = p
                break
            next_s = min(next_s, at_s)
        if due < 0:
            return next_s, False
        if requests.next[b] - requests.oldest[b] == ring:
            return now, True
        number = _take(due, c)
        first = number
        if settings.java:
            for k in range(1, n_partitions):
                p = due + k
                if p >= n_partitions:
                    p -= n_partitions
                if partitions.first[p] < 0 or brokers.leader[p] != b:
                    continue
                if partitions.unresolved[p] and partitions.in_flight[p] == 0:
                    _restart_sequence(p, c)
                if _sendable_s(p, c) > now:
                    continue
                taken = _take(p, c)
                batches.link[number & batch_mask] = taken
                number = taken
        requests.turn[b] = due + 1 if due + 1 < n_partitions else 0
        latency_s = draws.latency_s[app.n[LATENCY_DRAWS] % draws.latency_s.size]
        app.n[LATENCY_DRAWS] += 1
        half_s = 0.5 * (latency_s + brokers.extra_latency_s[b])
        replicate_s = 0.0
        if settings.acks == -1:
            replicate_s = draws.replicate_s[app.n[REPLICATE_DRAWS] % draws.replicate_s.size]
            app.n[REPLICATE_DRAWS] += 1
        at = requests.next[b] & (ring - 1)
        requests.next[b] += 1
        app.n[REQUESTS] += 1
        requests.first[b, at] = first
        requests.sent_s[b, at] = now
        requests.lost[b, at] = False
        requests.half_s[b, at] = half_s
        requests.replicate_s[b, at] = replicate_s
        requests.arrive_s[b, at] = max(now + half_s, requests.free_s[b])
        requests.free_s[b] = requests.arrive_s[b, at] + replicate_s
        requests.respond_s[b, at] = requests.free_s[b] + half_s
        if settings.acks == 0:
            while first >= 0:
                batch = first & batch_mask
                _resolve(now, batch, ACKED, c)
                batches.state[batch] = GONE
                partitions.in_flight[batches.partition[batch]] -= 1
                first = batches.link[batch]


@inlined
def _serve(now, c):
    """Everything that falls due in the client and at the brokers now; plans the next time.

    Returns:
        DONE, FULL_REQUESTS or GIVES_UP.
    """
    settings, app, requests = c.settings, c.app, c.requests
    n_brokers = requests.next.size
    mask = requests.sent_s.shape[1] - 1
    for b in range(n_brokers):
        while (
            requests.arriving[b] < requests.next[b]
            and requests.arrive_s[b, requests.arriving[b] & mask] <= now
        ):
            _arrive(now, b, c)
    if settings.acks != 0:
        for b in range(n_brokers):
            if _respond(now, b, c):
                return GIVES_UP
    wake_s = _expire(now, c)
    for b in range(n_brokers):
        if requests.due_s[b] <= now:
            requests.due_s[b], no_room = _drain(now, b, c)
            if no_room:
                return FULL_REQUESTS  # to be called again: the order must not depend on room
        wake_s = min(wake_s, requests.due_s[b])
        if requests.arriving[b] < requests.next[b]:
            wake_s = min(wake_s, requests.arrive_s[b, requests.arriving[b] & mask])
        if settings.acks != 0 and requests.oldest[b] < requests.next[b]:
            at = requests.oldest[b] & mask
            overdue_s = requests.sent_s[b, at] + settings.request_timeout_s
            wake_s = min(wake_s, requests.respond_s[b, at], overdue_s)
    app.at[WAKE_S] = wake_s
    return DONE


@inlined
def _waits_in_sockets(c):
    """Whether requests wait at a broker that stands still."""
    requests = c.requests
    for b in range(requests.next.size):
        if c.brokers.stalled[b] and requests.arriving[b] < requests.next[b]:
            return True
    return False


@resumable
def die(now, c):
    """End the process: what has not reached a broker is lost (KP-15)."""
    app, batches, requests, partitions = c.app, c.batches, c.requests, c.partitions
    fill_samples(now, c)
    mask = batches.state.size - 1
    for number in range(app.n[OLDEST_BATCH], app.n[NEXT_BATCH]):
        if batches.state[number & mask] < GONE:
            _resolve(now, number & mask, DIED, c)
    app.n[OLDEST_BATCH] = app.n[NEXT_BATCH]
    app.n[OLDEST_PENDING] = app.n[NEXT_BATCH]
    for b in range(requests.next.size):
        requests.oldest[b] = requests.next[b]
        requests.arriving[b] = requests.next[b]
        requests.free_s[b] = now
        requests.connected[b] = not c.brokers.stalled[b]
        requests.turn[b] = 0
    for p in range(partitions.first.size):
        partitions.first[p] = -1
        partitions.last[p] = -1
        partitions.in_flight[p] = 0
    app.n[PHASE] = OFF
    app.n[CLOSING] = NO
    app.at[NEXT_S] = np.inf
    app.at[WAKE_S] = np.inf
    app.at[KILL_S] = np.inf


@inlined
def _has_room(p, size, c):
    """Whether the buffer has room; Java takes memory a batch at a time (BufferPool)."""
    settings, app, batches, partitions = c.settings, c.app, c.batches, c.partitions
    if not settings.java:
        return (
            app.n[REMAINING] < settings.buffer_records
            and app.n[HELD_BYTES] + size <= settings.buffer_bytes
        )
    if partitions.last[p] >= 0:
        batch = partitions.last[p] & (batches.state.size - 1)
        if (
            batches.state[batch] == OPEN
            and batches.size_bytes[batch] + size <= settings.batch_bytes
        ):
            return True
    return app.n[HELD_BYTES] + max(settings.batch_bytes, size) <= settings.buffer_bytes


@inlined
def _accept(now, row, p, size, c):
    """send(): put the record for an input row into the last batch of its partition."""
    settings, app, records = c.settings, c.app, c.records
    batches, partitions = c.batches, c.partitions
    mask = batches.state.size - 1
    number = partitions.last[p]
    if number >= 0:
        batch = number & mask
        if batches.state[batch] != OPEN:
            number = np.int64(-1)
        elif batches.size_bytes[batch] + size > settings.batch_bytes:
            batches.state[batch] = QUEUED
            _look(p, c)
            app.at[WAKE_S] = now
            number = np.int64(-1)
    record = app.n[NEXT_RECORD]
    app.n[NEXT_RECORD] = record + 1
    records.row[record & (records.row.size - 1)] = row
    if number < 0:
        number = app.n[NEXT_BATCH]
        app.n[NEXT_BATCH] = number + 1
        batch = number & mask
        batches.state[batch] = OPEN
        batches.partition[batch] = p
        batches.attempts[batch] = 0
        batches.created_s[batch] = now
        batches.ready_s[batch] = -np.inf
        batches.first[batch] = record
        batches.n[batch] = 0
        batches.size_bytes[batch] = 0
        batches.held_bytes[batch] = max(settings.batch_bytes, size) if settings.java else 0
        batches.seq[batch] = -1
        batches.txn[batch] = app.n[TXN]
        batches.link[batch] = -1
        if partitions.last[p] >= 0:
            batches.link[partitions.last[p] & mask] = number
        else:
            partitions.first[p] = number
        partitions.last[p] = number
        app.n[HELD_BYTES] += batches.held_bytes[batch]
        leader = c.brokers.leader[p]
        due_s = now + settings.linger_s
        c.requests.due_s[leader] = min(c.requests.due_s[leader], due_s)
        app.at[WAKE_S] = min(app.at[WAKE_S], due_s, now + settings.delivery_timeout_s)
    else:
        batch = number & mask
        records.link[batches.last[batch] & (records.row.size - 1)] = record
    batches.last[batch] = record
    batches.n[batch] += 1
    batches.size_bytes[batch] += size
    if not settings.java:
        batches.held_bytes[batch] += size
        app.n[HELD_BYTES] += size
    if (
        batches.size_bytes[batch] >= settings.batch_bytes
        or batches.n[batch] >= settings.batch_records
    ):
        batches.state[batch] = QUEUED
        _look(p, c)
        app.at[WAKE_S] = now
    app.n[REMAINING] += 1
    app.status[row] = BUFFERED
    app.sent[row] += 1


@resumable
def look_everywhere(now, c):
    """Have the client look now whether there is anything to send to any broker."""
    c.app.at[WAKE_S] = min(c.app.at[WAKE_S], now)
    for b in range(c.requests.due_s.size):
        c.requests.due_s[b] = -np.inf


@inlined
def _begin_flush(now, timeout_s, c):
    app = c.app
    app.n[PHASE] = FLUSH
    app.at[DEADLINE_S] = now + timeout_s
    app.at[NEXT_S] = now if app.n[REMAINING] == 0 else app.at[DEADLINE_S]
    look_everywhere(now, c)


@inlined
def _begin_close(now, c):
    c.app.n[CLOSING] = FLUSH_AND_COMMIT
    _begin_flush(now, c.settings.flush_timeout_s, c)


@inlined
def _begin_commit(now, offset, c):
    settings, app = c.settings, c.app
    app.n[PHASE] = COMMIT
    app.n[COMMITTING] = offset
    app.at[NEXT_S] = now + 0.5 * settings.commit_s


@inlined
def _poll(now, c):
    """Take the input rows that are there, or wait for one; an idle application commits on time."""
    settings, source, app = c.settings, c.source, c.app
    if app.n[CLOSING] == AFTER_POLL:
        _begin_close(now, c)
        return
    position = app.n[POSITION]
    next_s = np.inf
    if settings.mode == PRODUCE:
        if app.at[AUTO_COMMIT_S] <= now:
            app.n[COMMITTED_TO] = position
            app.n[ERRORS] = 0
            app.at[AUTO_COMMIT_S] = now + settings.auto_commit_s
        elif app.n[COMMITTED_TO] < position:
            next_s = app.at[AUTO_COMMIT_S]
    stop = position
    limit = min(source.created_s.size, position + settings.poll_records)
    while stop < limit and source.created_s[stop] <= now:
        stop += 1
    if stop == position:
        if stop < limit:
            next_s = min(next_s, source.created_s[stop])
        app.at[NEXT_S] = next_s
        return
    app.n[POLLED] = stop
    if settings.mode == COMMIT_PRODUCE:
        _begin_commit(now, stop, c)
        return
    if settings.mode != PRODUCE:
        app.n[ERRORS] = 0
        if settings.mode == TRANSACTION:
            app.n[TXN] += 1
            app.n[TXN_FIRST] = app.n[ENTRIES]
            app.at[TXN_BEGAN_S] = now
    app.n[PHASE] = PROCESS
    app.at[NEXT_S] = now + source.process_s[0 if source.process_s.size == 1 else position]


@inlined
def _read_again(c):
    """Go back to the committed offset, and send again from there."""
    app = c.app
    app.n[POSITION] = app.n[COMMITTED_TO]
    app.n[PHASE] = POLL


@inlined
def _flushed(now, c):
    """flush() has returned: commit if all is well or nobody looks, else flush or send again."""
    settings, app = c.settings, c.app
    closing = app.n[CLOSING]
    if closing == FLUSH_ONLY:
        app.at[KILL_S] = now
        return
    if settings.check_flush and app.n[REMAINING] > 0:
        _begin_flush(now, settings.flush_timeout_s, c)
        return
    failed = settings.check_flush and app.n[ERRORS] > 0
    if closing == FLUSH_AND_COMMIT:
        done = app.n[POSITION] <= app.n[COMMITTED_TO]
        if failed or done or settings.mode == COMMIT_PRODUCE:
            app.at[KILL_S] = now
            return
    if not failed:
        _begin_commit(now, app.n[POSITION], c)
    elif settings.mode == TRANSACTION:
        app.n[PHASE] = ABORT
        app.at[NEXT_S] = now + settings.commit_s
    else:
        _read_again(c)


@inlined
def _commit(now, c):
    """The commit reaches the coordinator (KP-16: with it, the records of the transaction)."""
    settings, app, journal = c.settings, c.app, c.journal
    app.n[PHASE] = COMMITTED
    app.at[NEXT_S] = now + 0.5 * settings.commit_s
    if settings.mode == TRANSACTION:
        if now - app.at[TXN_BEGAN_S] > settings.transaction_timeout_s:
            app.n[PHASE] = ABORT  # the coordinator has aborted it before
            return
        for entry in range(app.n[TXN_FIRST], app.n[ENTRIES]):
            journal.visible_s[entry] = now
    app.n[COMMITTED_TO] = app.n[COMMITTING]


@inlined
def _send_polled(until_s, c):
    """Process and send polled rows, until anything else falls due; returns what has no room."""
    settings, source, app, records, batches = c.settings, c.source, c.app, c.records, c.batches
    one_size = source.size_bytes.size == 1
    one_process = source.process_s.size == 1
    now = app.at[NEXT_S]
    while True:
        if app.n[NEXT_BATCH] - app.n[OLDEST_BATCH] == batches.state.size:
            return FULL_BATCHES
        if app.n[OLDEST_BATCH] < app.n[NEXT_BATCH]:
            oldest = batches.first[app.n[OLDEST_BATCH] & (batches.state.size - 1)]
            if app.n[NEXT_RECORD] - oldest == records.row.size:
                return FULL_RECORDS
        if app.grid_s.size > app.n[GRID] and app.grid_s[app.n[GRID]] < now:
            fill_samples(now, c)
        row = app.n[POSITION]
        p = source.partition_of[row]
        size = np.int64(source.size_bytes[0 if one_size else row])
        if _has_room(p, size, c):
            _accept(now, row, p, size, c)
        elif app.n[PHASE] != BLOCKED and settings.block_s > 0.0:
            app.n[PHASE] = BLOCKED
            app.at[DEADLINE_S] = now + settings.block_s
            app.at[NEXT_S] = app.at[DEADLINE_S]
            look_everywhere(now, c)
            return DONE
        elif app.n[PHASE] == BLOCKED and now < app.at[DEADLINE_S]:
            app.at[NEXT_S] = app.at[DEADLINE_S]  # what became free is not enough
            return DONE
        else:
            app.status[row] = REJECTED
            app.n[ERRORS] += 1
        app.n[POSITION] = row + 1
        if row + 1 == app.n[POLLED]:
            app.n[PHASE] = POLL
            app.at[NEXT_S] = now
            if settings.mode == FLUSH_COMMIT:
                _begin_flush(now, settings.flush_timeout_s, c)
            elif settings.mode == TRANSACTION:
                _begin_flush(now, np.inf, c)
            elif app.n[CLOSING] == AFTER_POLL:
                _begin_close(now, c)
            return DONE
        app.n[PHASE] = PROCESS
        now += source.process_s[0 if one_process else row + 1]
        app.at[NEXT_S] = now
        if now >= app.at[WAKE_S] or now >= app.at[KILL_S] or now > until_s:
            return DONE


@resumable
def publish(until_s, c):
    """Advance the process, its client and its requests to ``until_s`` (inclusive).

    Where several things fall due at one time: a kill, what reaches brokers, answers, expiry,
    sending, and then the application.

    Returns:
        DONE; or what has to be done before this is called again: which ring or journal has to
        grow, or GIVES_UP (at WAKE_S) or DIES (at KILL_S).
    """
    settings, source, app, batches, journal = c.settings, c.source, c.app, c.batches, c.journal
    while True:
        app_s = app.at[NEXT_S]
        wake_s = app.at[WAKE_S]
        now = min(app_s, wake_s, app.at[KILL_S])
        if now > until_s or now == np.inf:
            return DONE
        if app.n[GRID] < app.grid_s.size and app.grid_s[app.n[GRID]] < now:
            fill_samples(now, c)
        if app.at[KILL_S] <= now:
            if _waits_in_sockets(c):
                return DIES
            die(now, c)
            continue
        if wake_s <= app_s:
            # At most every batch in the client is stored by this.
            if app.n[OLDEST_BATCH] < app.n[NEXT_BATCH]:
                oldest = batches.first[app.n[OLDEST_BATCH] & (batches.state.size - 1)]
                n_batches = app.n[NEXT_BATCH] - app.n[OLDEST_BATCH]
                if (
                    journal.append_s.size - app.n[ENTRIES] < n_batches
                    or journal.row.size - app.n[ROWS] < app.n[NEXT_RECORD] - oldest
                ):
                    return FULL_JOURNAL
            served = _serve(now, c)
            if served != DONE:
                return served
            continue
        phase = app.n[PHASE]
        if phase == POLL:
            _poll(now, c)
        elif phase in (PROCESS, BLOCKED):
            full = _send_polled(until_s, c)
            if full != DONE:
                return full
        elif phase == FLUSH:
            _flushed(now, c)
        elif phase == COMMIT:
            _commit(now, c)
        elif phase == ABORT:
            app.n[ABORTED] += 1
            app.n[TXN] += 1
            _read_again(c)
        elif app.n[CLOSING] == FLUSH_AND_COMMIT:
            app.at[KILL_S] = now
        else:
            app.n[PHASE] = POLL
            if settings.mode == COMMIT_PRODUCE:
                row = app.n[POSITION]
                app.n[PHASE] = PROCESS
                app.at[NEXT_S] = now + source.process_s[0 if source.process_s.size == 1 else row]
