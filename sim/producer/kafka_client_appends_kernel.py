"""What brokers make of the batches of a producer, and the journal of what they store.

Rules held:

* KP-10 the broker knows the last five batches of a producer: repeats are not stored, gaps refused.
* KP-16 records of a transaction become valid with its commit.
* KP-20 of a producer whose transaction was aborted for its age, a broker takes no more.
* KB-13 a broker that stands still handles later what its client has given up.
"""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.foundation.arrays import I32
from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_transactions_kernel as transactions
from sim.producer.kafka_client_state_kernel import ClientState


def _uniform(c: ClientState) -> float:
    draw: float = c.draws.uniform[c.draws.uniforms % c.draws.uniform.shape[0]]
    c.draws.uniforms += 1
    return draw


def _check_sequence(p: int, session: int, epoch: int, first: int, last: int, c: ClientState) -> int:
    """What the broker makes of a producer's sequence (KP-10): APPEND, REPEAT or REFUSE.

    To a producer that it does not know it grants any first number, unless in a transaction
    (``ProducerAppendInfo.checkSequence``).
    """
    known = c.known.batches[p]
    if c.known.session[p] != session:
        if c.settings.mode == codes.TRANSACTION and first != 0:
            return codes.REFUSE
        known = 0
    elif c.known.epoch[p] != epoch:
        if first != 0:
            return codes.REFUSE
        known = 0
    else:
        # It has stored a batch of this session, so ``known`` is one at least.
        for back in range(min(known, codes.RETAINED)):
            at = (known - 1 - back) % codes.RETAINED
            if c.known.first[p, at] == first and c.known.last[p, at] == last:
                return codes.REPEAT
        if c.known.last[p, (known - 1) % codes.RETAINED] + 1 != first:
            return codes.REFUSE
    at = known % codes.RETAINED
    c.known.session[p] = session
    c.known.epoch[p] = epoch
    c.known.first[p, at] = first
    c.known.last[p, at] = last
    c.known.batches[p] = known + 1
    return codes.APPEND


def _judge(
    now: float,
    b: int,
    p: int,
    session: int,
    epoch: int,
    seq: int,
    n: int,
    txn: int,
    c: ClientState,
) -> int:
    """What broker ``b`` makes of a batch of ``n`` records: APPEND, REPEAT, REFUSE or FENCE."""
    if c.brokers.leader[p] != b:
        return codes.REFUSE
    if (
        c.settings.acks == -1
        and c.brokers.append_fails[p] > 0.0
        and _uniform(c) < c.brokers.append_fails[p]
    ):
        note(c.limits.refused, now, now, 1)
        return codes.REFUSE
    if c.settings.mode == codes.TRANSACTION:
        if txn != c.app.txn:
            return codes.REFUSE  # of a transaction that was aborted
        transactions.time_out(now, c)
        if c.app.txn_fenced:
            return codes.FENCE
    if not c.settings.idempotent:
        return codes.APPEND
    verdict = _check_sequence(p, session, epoch, seq, seq + n - 1, c)
    if verdict == codes.REPEAT:
        c.brokers.duplicates_refused += 1
    elif verdict == codes.REFUSE:
        c.brokers.out_of_sequence += 1
    return verdict


def _enter(
    now: float, p: int, n: int, attempt: int, session: int, left_s: float, c: ClientState
) -> int:
    """Put a batch into the journal; returns the place of the first of its ``n`` rows."""
    entry = c.journal.entries
    at = c.journal.rows
    c.journal.append_s[entry] = now
    c.journal.visible_s[entry] = num.INF if c.settings.mode == codes.TRANSACTION else now
    c.journal.aborted_s[entry] = num.INF
    if c.settings.mode == codes.TRANSACTION and entry == c.app.txn_first:
        transactions.open_(now, c)
    c.journal.partition[entry] = p
    c.journal.first[entry] = at
    c.journal.n[entry] = n
    c.journal.attempt[entry] = attempt
    c.journal.left_s[entry] = left_s
    c.journal.session[entry] = session
    c.journal.entries = entry + 1
    c.journal.rows = at + n
    return at


def arrive(now: float, b: int, c: ClientState) -> None:
    """The next request reaches broker ``b``: store its batches, or refuse them."""
    at = c.requests.arriving[b] & c.requests.mask
    c.requests.arriving[b] += 1
    number = c.requests.first[b, at]
    up = c.brokers.up[b] != 0
    while number >= 0:
        batch = number & c.batches.mask
        p = c.batches.partition[batch]
        n = c.batches.n[batch]
        verdict = codes.REFUSE
        if up:
            verdict = _judge(
                now,
                b,
                p,
                c.app.session,
                c.partitions.epoch[p],
                c.batches.seq[batch],
                n,
                c.batches.txn[batch],
                c,
            )
        c.batches.stored[batch] = codes.STORED
        if verdict == codes.REFUSE:
            c.batches.stored[batch] = codes.NO_ANSWER
        elif verdict == codes.FENCE:
            c.batches.stored[batch] = codes.INVALID_EPOCH
        if verdict == codes.APPEND:
            place = _enter(
                now,
                p,
                n,
                c.batches.attempts[batch],
                c.app.session,
                c.batches.left_s[batch],
                c,
            )
            record = c.batches.first[batch]
            for k in range(n):
                c.journal.row[place + k] = c.records.row[record & c.records.mask]
                record = c.records.link[record & c.records.mask]
        if c.settings.acks == 0:
            c.batches.state[batch] = codes.FREE
        number = c.batches.link[batch]
    if c.settings.acks == 0:
        c.requests.oldest[b] = c.requests.arriving[b]
    elif not up:
        c.requests.respond_s[b, at] = num.INF
    elif c.brokers.ack_loss[b] > 0.0 and _uniform(c) < c.brokers.ack_loss[b]:
        c.requests.lost[b, at] = 1
        c.requests.respond_s[b, at] += c.settings.notice_s


def take_up(
    now: float,
    b: int,
    p: int,
    session: int,
    epoch: int,
    seq: int,
    txn: int,
    attempt: int,
    left_s: float,
    row: I32,
    c: ClientState,
) -> None:
    """A broker goes on, and takes up a batch that its client has given up (KB-13).

    Args:
        now: present time.
        b: the broker.
        p: partition of the batch.
        session: process that sent it.
        epoch: of its sequence numbers.
        seq: the first of these.
        txn: its transaction.
        attempt: 0: not a retry.
        left_s: when it first left the client.
        row: [records] input row of each record.
        c: of the client; the journal has room.
    """
    n = row.shape[0]
    if _judge(now, b, p, session, epoch, seq, n, txn, c) == codes.APPEND:
        place = _enter(now, p, n, attempt, session, left_s, c)
        for k in range(n):
            c.journal.row[place + k] = row[k]
