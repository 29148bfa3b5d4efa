"""How the transaction coordinator commits and aborts the transactions of a producer.

Rules held:

* KP-16 records and input offset of a transaction become valid together.
* KP-20 a transaction is open from its first record's being stored; the coordinator looks every
  ``transaction.abort.timed.out.transaction.cleanup.interval.ms`` for one that has been for longer
  than ``transaction.timeout.ms``, aborts it, and fences its producer.

The coordinator is a broker; a request to it is slow when that is slow, and waits while that cannot
be reached or stands still.
"""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel import ClientState


def half_s(c: ClientState) -> float:
    """Half a round trip of a request that commits or aborts, s."""
    half: float = 0.5 * c.settings.commit_s
    if c.settings.mode == codes.TRANSACTION:
        extra_s = c.brokers.extra_latency_s[c.brokers.coordinator]
        if extra_s > 0.0:
            half += 0.5 * extra_s
    return half


def waits(c: ClientState) -> bool:
    """Whether a request that has reached the coordinator's machine is not handled there."""
    b = c.brokers.coordinator
    away: bool = c.brokers.up[b] == 0 or c.brokers.stalled[b] != 0
    return away


def begin(c: ClientState) -> None:
    """The application begins a transaction, of which the coordinator does not know yet."""
    c.app.txn += 1
    c.app.txn_first = c.journal.entries
    c.app.txn_due_s = num.INF
    c.app.txn_fenced = 0
    c.app.txn_refused = 0


def open_(now: float, c: ClientState) -> None:
    """The first record of the transaction is stored: from now on it is open (KIP-890).

    It is aborted when the coordinator first looks after its time is over
    (``TransactionStateManager.timedOutTransactions``).
    """
    interval_s = c.settings.abort_interval_s
    over_s = now + c.settings.transaction_timeout_s
    c.app.txn_due_s = (num.floor(over_s / interval_s) + 1.0) * interval_s


def _invalidate(at_s: float, c: ClientState) -> None:
    """What the transaction has stored is never valid; until ``at_s`` it holds up readers."""
    for entry in range(c.app.txn_first, c.journal.entries):
        c.journal.aborted_s[entry] = at_s


def time_out(now: float, c: ClientState) -> None:
    """Have the coordinator abort the transaction if that is due, and fence its producer (KP-20)."""
    due_s = c.app.txn_due_s
    if due_s > now:
        return
    _invalidate(due_s, c)
    note(c.limits.late_transactions, due_s, due_s, 1)
    c.app.txn_due_s = num.INF
    c.app.txn_fenced = 1


def commit(now: float, c: ClientState) -> bool:
    """The coordinator is asked to commit; False: it has aborted the transaction before."""
    time_out(now, c)
    if c.app.txn_fenced:
        return False
    for entry in range(c.app.txn_first, c.journal.entries):
        c.journal.visible_s[entry] = now
    c.app.txn_due_s = num.INF
    return True


def abort(now: float, c: ClientState) -> bool:
    """The coordinator is asked to abort; False: it has before, as the time was over."""
    time_out(now, c)
    if c.app.txn_fenced:
        return False
    end(now, c)
    c.app.txn += 1  # what is still on its way is none of it
    return True


def leave_open(c: ClientState) -> float:
    """The next process has another id: only its age ends a transaction that is open.

    Returns:
        when it will; until then it holds up readers. inf: it is not open.
    """
    due_s: float = c.app.txn_due_s
    if due_s < num.INF:
        _invalidate(due_s, c)
        c.app.txn_due_s = num.INF
    return due_s


def end(now: float, c: ClientState) -> None:
    """A transaction that is still open is aborted now, as by ``initTransactions`` of another."""
    if c.app.txn_due_s < num.INF:
        _invalidate(now, c)
        c.app.txn_due_s = num.INF
