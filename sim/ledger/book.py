"""What a ledger books from the effects of a consumer group, against what it should have booked.

Each entity (a payment, a case) goes through numbered states, such as pending, processing, settled;
each event moves it to one. Effects come late, out of order, twice or never; the policy says what
the ledger does with them. Money is in whole cents.

- illegal transition: an event was applied that does not lead to the next state of its entity (or
  repeat the present one): its predecessor was absent, or it was a step backwards.
- gap: an event never applied although a later one of its entity was.
- entity wrong: its final state is not the last of its history.
- double posting: a posting beyond the first of its event; missing posting: one never made.
- misstatement: the sum over entities of |booked - should be|; net: booked - should be, in which
  errors of different entities cancel. At time t, what should be booked is what was created by t.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sim.foundation.arrays import F64, I16, I32, I64, U8, U16
from sim.foundation.errors import LabError
from sim.ledger import book_codes as codes
from sim.ledger import book_kernel as k
from sim.ledger.policy import LedgerPolicy

_CODES = {"naive": codes.NAIVE, "idempotent": codes.IDEMPOTENT, "strict": codes.STRICT}
assert set(_CODES) == set(get_args(LedgerPolicy))


class Verdict(IntEnum):
    """What became of one delivery; the codes are stored as uint8."""

    APPLIED = codes.APPLIED
    """The next state of its entity; or, of an event applied before, the present one again."""
    ILLEGAL_APPLIED = codes.ILLEGAL
    """Applied for the first time, by an illegal transition."""
    DUPLICATE_APPLIED = codes.DUPLICATE
    """Applied again, by a legal transition or none."""
    DUPLICATE_ILLEGAL_APPLIED = codes.DUPLICATE_ILLEGAL
    """Applied again, by an illegal transition."""
    RELEASED = codes.RELEASED
    """Parked at first, applied when its predecessor had been."""
    DUPLICATE_IGNORED = codes.DUPLICATE_IGNORED
    """Its event was applied before, or is parked."""
    STALE_IGNORED = codes.STALE_IGNORED
    """Strict: not later than the state of its entity."""
    PARKED = codes.PARKED
    """Still waits for its predecessor."""

    @property
    def booked(self) -> bool:
        """Whether it moved its entity and was posted."""
        return self <= codes.BOOKED


@dataclass(frozen=True)
class Histories:
    """What should happen: the events of every entity, in order of creation."""

    created_s: F64
    """[events] ascending, s."""
    entity: I32
    """[events] whose each is."""
    seq: I16
    """[events] the state it leads to: how many came before of its entity."""
    next_event: I32
    """[events] the entity's next event; -1: this is its last."""
    last_seq: I16
    """[entities] seq of the last event; -1: it has none."""
    amount_cents: I64
    """[entities] posted by the last event of each; or [events] posted by each."""
    each: bool
    """Whether ``amount_cents`` is of events."""


def histories(
    created_s: F64,
    entity: I32,
    entities: int,
    *,
    amount_cents: ArrayLike | None = None,
    posting_cents: ArrayLike | None = None,
) -> Histories:
    """What should happen; the events of an entity lead to its states 0, 1, 2, … in their order.

    Args:
        created_s: [events] ascending, s.
        entity: [events] whose state each event changes.
        entities: how many there are.
        amount_cents: [entities] posted once, by the last event of each entity.
        posting_cents: [events] posted by each event instead; 0: it posts nothing, below 0: the
            other way.

    Raises:
        LabError: an entity has more than 32,768 events.
    """
    n = entity.size
    assert created_s.size == n, "as many times as events"
    assert (np.diff(created_s) >= 0).all(), "events are in order of creation"
    assert (amount_cents is None) != (posting_cents is None), "one of the two amounts"
    cents = np.asarray(amount_cents if posting_cents is None else posting_cents, np.int64)
    assert cents.shape == (entities if posting_cents is None else n,), "an amount each"
    seq = np.empty(n, np.int16)
    next_event = np.empty(n, np.int32)
    length = np.zeros(entities, np.int64)
    k.link(entity, seq, next_event, length, np.empty(entities, np.int32))
    longest = int(length.max(initial=0))
    if longest > 1 << 15:
        raise LabError(f"an entity has {longest:,} events; a ledger takes up to 32,768 of one")
    last_seq = (length - 1).astype(np.int16)
    return Histories(created_s, entity, seq, next_event, last_seq, cents, posting_cents is not None)


@dataclass(frozen=True)
class Report:
    """The ledger at the end, in numbers; defined at the head of this module."""

    events: int
    """That should have been applied."""
    deliveries: int
    """That reached the ledger."""
    illegal_transitions: int
    gaps: int
    entities: int
    entities_wrong: int
    double_postings: int
    missing_postings: int
    misstatement_cents: int
    net_misstatement_cents: int
    parked_at_end: int


@dataclass(frozen=True)
class Ledger:
    """What one policy made of the effects."""

    histories: Histories
    policy: LedgerPolicy
    at_s: F64
    """[deliveries] ascending, s."""
    event: I32
    """[deliveries] rows of the histories."""
    verdict: U8
    """[deliveries] a `Verdict` each."""
    applied: U16
    """[events] how often each was applied."""
    state: I16
    """[entities] seq of the event applied last; -1: none was."""
    booked_cents: I64
    """[entities]"""
    due_cents: I64
    """[entities] what should be booked at the end."""
    report: Report
    series: pd.DataFrame
    """At each time ``t_s``: misstatement_cents, net_misstatement_cents, illegal_transitions (so
    far) and parked (at the moment)."""

    def applications(self) -> pd.DataFrame:
        """A row for each application of an event, in order of time: delivery, event, entity, at_s.

        What was parked is applied when its predecessor is.
        """
        delivery = np.flatnonzero(self.verdict <= codes.BOOKED)
        event = self.event[delivery]
        entity = self.histories.entity[event]
        frame = pd.DataFrame(
            {"delivery": delivery, "event": event, "entity": entity, "at_s": self.at_s[delivery]}
        )
        if self.policy == "strict":
            # Each event was applied once, in order of seq: none before all its predecessors came.
            frame = frame.sort_values("event")
            frame["at_s"] = frame.groupby("entity")["at_s"].cummax()
            frame = frame.sort_values(["at_s", "event"], ignore_index=True)
        return frame

    def cents(self, event: I32) -> I64:
        """What each of some events posts, [size of ``event``]; 0: nothing."""
        histories = self.histories
        if histories.each:
            return histories.amount_cents[event]
        amount = histories.amount_cents[histories.entity[event]]
        return np.where(histories.next_event[event] < 0, amount, 0)


def book(
    histories: Histories,
    at_s: F64,
    event: I32,
    policy: LedgerPolicy,
    grid_s: F64,
) -> Ledger:
    """Let a ledger take effects.

    Args:
        histories: what should happen.
        at_s: [deliveries] when each effect reached the ledger, ascending, s.
        event: [deliveries] which event it was; an event may come any number of times.
        policy: what the ledger does with them.
        grid_s: [grid] times of the series, ascending, s.

    Raises:
        AssertionError: an effect is unaccounted for, or the sums disagree; a bug of the lab.
    """
    assert at_s.size == event.size, "as many times as effects"
    assert (np.diff(at_s) >= 0).all(), "effects are in order of time"
    events = histories.entity.size
    assert event.size == 0 or (event.min() >= 0 and event.max() < events), "effects of events"
    expected = histories.last_seq
    entities = expected.size
    if histories.each:
        due_cents = np.zeros(entities, np.int64)
        np.add.at(due_cents, histories.entity, histories.amount_cents)
    else:
        due_cents = np.where(expected >= 0, histories.amount_cents, 0)
    due = k.Due(
        histories.created_s,
        histories.entity,
        histories.seq,
        histories.next_event,
        histories.amount_cents,
        histories.each,
    )
    arrived, series = k.Arrived(at_s, event), k.BooksOverTime(grid_s)
    accounts = k.Accounts(entities, events, _CODES[policy])
    k.apply(due, arrived, accounts, series)
    compared = k.Compared(entities)
    k.compare(due, accounts.applied, compared)

    verdict, applied = np.asarray(arrived.verdict), np.asarray(accounts.applied)
    state, error_cents = np.asarray(accounts.state), np.asarray(accounts.error_cents)
    verdicts = np.bincount(verdict, minlength=len(Verdict))
    booked = int(sum(verdicts[v] for v in Verdict if v.booked))
    illegal = (Verdict.ILLEGAL_APPLIED, Verdict.DUPLICATE_ILLEGAL_APPLIED)
    report = Report(
        events=events,
        deliveries=event.size,
        illegal_transitions=int(sum(verdicts[v] for v in illegal)),
        gaps=compared.gaps,
        entities=entities,
        entities_wrong=int(np.count_nonzero(state != expected)),
        double_postings=compared.doubled,
        missing_postings=compared.missing,
        misstatement_cents=int(np.abs(error_cents).sum()),
        net_misstatement_cents=int(error_cents.sum()),
        parked_at_end=int(verdicts[Verdict.PARKED]),
    )
    assert int(applied.sum(dtype=np.int64)) == booked, "effects: booked without a verdict"
    assert report.illegal_transitions == accounts.illegal, "illegal transitions disagree"
    assert report.parked_at_end == accounts.waiting, "parked: some neither wait nor were released"
    assert report.misstatement_cents == accounts.misstated_cents, "misstatement: sums disagree"
    assert report.net_misstatement_cents == accounts.net_cents, "net misstatement: sums disagree"
    return Ledger(
        histories,
        policy,
        at_s,
        event,
        verdict,
        applied,
        state,
        error_cents + due_cents,
        due_cents,
        report,
        pd.DataFrame(
            {
                "t_s": grid_s,
                "misstatement_cents": np.asarray(series.misstated_cents),
                "net_misstatement_cents": np.asarray(series.net_cents),
                "illegal_transitions": np.asarray(series.illegal),
                "parked": np.asarray(series.waiting),
            }
        ),
    )
