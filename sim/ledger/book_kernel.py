"""How a ledger takes the effects of a consumer group, in order of time, under three policies.

An entity goes through numbered states, 0 first; an event moves it to one of them. A transition is
legal when it leads to the next state. Store rule of the ledger: unique (entity, seq), accept
seq = last + 1, park later ones, ignore those <= last; the policies hold none of it, its first
clause, or all of it.
"""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I16, I32, I64, U8, U16
from sim.ledger import book_codes as codes


class Due:
    """What should be booked: the events of every entity, in order of creation."""

    def __init__(
        self, created_s: F64, entity: I32, seq: I16, next_event: I32, amount_cents: I64, each: bool
    ) -> None:
        self.created_s = created_s
        """[events] ascending, s."""
        self.entity = entity
        """[events] whose each is."""
        self.seq = seq
        """[events] the state it leads to: how many came before of its entity."""
        self.next_event = next_event
        """[events] the entity's next event; -1: this is its last."""
        self.amount_cents = amount_cents
        """[entities] posted by the last event of each; or [events] posted by each."""
        self.each = each
        """Whether ``amount_cents`` is of events."""


class Arrived:
    """The deliveries that reach a ledger."""

    def __init__(self, at_s: F64, event: I32) -> None:
        self.at_s = at_s
        """[deliveries] ascending, s."""
        self.event = event
        """[deliveries] which event each is of."""
        self.verdict: U8 = np.empty(event.size, np.uint8)
        """[deliveries] what became of each: a code. `apply` fills it in."""


class Accounts:
    """State of a ledger, and what is true of all entities at the moment."""

    def __init__(self, entities: int, events: int, policy: int) -> None:
        self.policy = policy
        self.state: I16 = np.full(entities, -1, np.int16)
        """[entities] seq of the event applied last; -1: none was."""
        self.applied: U16 = np.zeros(events, np.uint16)
        """[events] how often each was applied; stays at its greatest value."""
        self.parked: I32 = np.full(events if policy == codes.STRICT else 0, -1, np.int32)
        """[events] STRICT: the delivery that was parked; -1: none. Else empty."""
        self.error_cents: I64 = np.zeros(entities, np.int64)
        """[entities] booked - due so far."""
        self.misstated_cents = 0
        """Sum of |booked - due|."""
        self.net_cents = 0
        """Sum of booked - due."""
        self.illegal = 0
        """Illegal transitions so far."""
        self.waiting = 0
        """Deliveries that are parked."""


class BooksOverTime:
    """The numbers of `Accounts` after all that happened up to each of some times."""

    def __init__(self, t_s: F64) -> None:
        self.t_s = t_s
        """[times] ascending, s."""
        self.misstated_cents: I64 = np.zeros(t_s.size, np.int64)
        """[times]"""
        self.net_cents: I64 = np.zeros(t_s.size, np.int64)
        """[times]"""
        self.illegal: I64 = np.zeros(t_s.size, np.int64)
        """[times]"""
        self.waiting: I64 = np.zeros(t_s.size, np.int64)
        """[times]"""


class Compared:
    """What was applied against what should have been."""

    def __init__(self, entities: int) -> None:
        self.gaps = 0
        """Events that were not applied though a later one of their entity was."""
        self.doubled = 0
        """Postings beyond one of their event."""
        self.missing = 0
        """Postings that were never made."""
        self.later: U8 = np.zeros(entities, np.uint8)
        """[entities] scratch of the pass backwards: 1: an event of it was applied."""


def _link(entity: I32, seq: I16, next_event: I32, length: I64, latest: I32) -> None:
    for i in range(entity.shape[0]):
        e = entity[i]
        n = length[e]
        seq[i] = min(n, 32_767)  # an entity with more is refused by `histories`
        next_event[i] = -1
        if n > 0:
            next_event[latest[e]] = i
        latest[e] = i
        length[e] = n + 1


def link(entity: I32, seq: I16, next_event: I32, length: I64, latest: I32) -> None:
    """Number the events of each entity: fill ``seq`` and ``next_event`` of `Due`.

    ``length`` int64 [entities], all 0: filled with the number of events; ``latest`` int32
    [entities]: scratch.
    """
    with cython.nogil:
        _link(entity, seq, next_event, length, latest)


def _amount(due: Due, i: int) -> int:
    if due.each:
        return num.integer(due.amount_cents[i])
    if due.next_event[i] < 0:
        return num.integer(due.amount_cents[due.entity[i]])
    return 0


def _book(accounts: Accounts, e: int, cents: int) -> None:
    before = num.integer(accounts.error_cents[e])
    after = before + cents
    accounts.error_cents[e] = after
    accounts.misstated_cents += abs(after) - abs(before)
    accounts.net_cents += cents


def _post(due: Due, accounts: Accounts, i: int) -> None:
    """Apply event ``i``, whatever the state of its entity."""
    e = due.entity[i]
    accounts.state[e] = due.seq[i]
    if accounts.applied[i] < 65_535:
        accounts.applied[i] += 1
    cents = _amount(due, i)
    if cents != 0:
        _book(accounts, e, cents)


def _take_strictly(due: Due, arrived: Arrived, accounts: Accounts, d: int) -> None:
    i = arrived.event[d]
    step = num.integer(due.seq[i]) - num.integer(accounts.state[due.entity[i]])
    if step <= 0:
        arrived.verdict[d] = codes.STALE_IGNORED
    elif accounts.parked[i] >= 0:
        arrived.verdict[d] = codes.DUPLICATE_IGNORED
    elif step > 1:
        arrived.verdict[d] = codes.PARKED
        accounts.parked[i] = d
        accounts.waiting += 1
    else:
        arrived.verdict[d] = codes.APPLIED
        _post(due, accounts, i)
        i = due.next_event[i]
        while i >= 0 and accounts.parked[i] >= 0:
            arrived.verdict[accounts.parked[i]] = codes.RELEASED
            accounts.waiting -= 1
            _post(due, accounts, i)
            i = due.next_event[i]


def _take(due: Due, arrived: Arrived, accounts: Accounts, d: int) -> None:
    i = arrived.event[d]
    repeated = accounts.applied[i] > 0
    if accounts.policy == codes.IDEMPOTENT and repeated:
        arrived.verdict[d] = codes.DUPLICATE_IGNORED
        return
    step = num.integer(due.seq[i]) - num.integer(accounts.state[due.entity[i]])
    illegal = step < 0 or step > 1
    # A sum, as neither is predictable: a branch on them takes a third more time.
    arrived.verdict[d] = codes.ILLEGAL * illegal + codes.DUPLICATE * repeated
    accounts.illegal += illegal
    _post(due, accounts, i)


def _apply(due: Due, arrived: Arrived, accounts: Accounts, series: BooksOverTime) -> None:
    d = 0
    n = 0
    for g in range(series.t_s.shape[0] + 1):
        until_s = series.t_s[g] if g < series.t_s.shape[0] else num.INF
        while d < arrived.at_s.shape[0] and arrived.at_s[d] <= until_s:
            if accounts.policy == codes.STRICT:
                _take_strictly(due, arrived, accounts, d)
            else:
                _take(due, arrived, accounts, d)
            d += 1
        # What should be booked matters only when it is compared, so it need not be interleaved.
        while n < due.created_s.shape[0] and due.created_s[n] <= until_s:
            cents = _amount(due, n)
            if cents != 0:
                _book(accounts, due.entity[n], -cents)
            n += 1
        if g < series.t_s.shape[0]:
            series.misstated_cents[g] = accounts.misstated_cents
            series.net_cents[g] = accounts.net_cents
            series.illegal[g] = accounts.illegal
            series.waiting[g] = accounts.waiting


def apply(due: Due, arrived: Arrived, accounts: Accounts, series: BooksOverTime) -> None:
    """Take every delivery in turn, and fill in the verdicts and the series."""
    with cython.nogil:
        _apply(due, arrived, accounts, series)


def _compare(due: Due, applied: U16, compared: Compared) -> None:
    for back in range(applied.shape[0]):
        i = applied.shape[0] - 1 - back
        e = due.entity[i]
        posts = _amount(due, i) != 0
        if applied[i] > 0:
            compared.later[e] = 1
            if posts:
                compared.doubled += num.integer(applied[i]) - 1
        else:
            compared.gaps += num.integer(compared.later[e])
            if posts:
                compared.missing += 1


def compare(due: Due, applied: U16, compared: Compared) -> None:
    """Count ``applied`` uint16 [events], how often each was, against what was due."""
    with cython.nogil:
        _compare(due, applied, compared)
