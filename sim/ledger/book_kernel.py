"""How a ledger takes the effects of a consumer group, in order of time, under three policies.

An entity goes through numbered states, 0 first; an event moves it to one of them. A transition is
legal when it leads to the next state. Store rule of the ledger: unique (entity, seq), accept
seq = last + 1, park later ones, ignore those <= last; the policies hold none of it, its first
clause, or all of it.
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I16, I32, I64, U16
from sim.foundation.jit import resumable

NAIVE, IDEMPOTENT, STRICT = 0, 1, 2

# What became of one delivery of an event; up to BOOKED it moved the entity and was posted.
APPLIED, ILLEGAL, DUPLICATE, DUPLICATE_ILLEGAL, RELEASED = 0, 1, 2, 3, 4
BOOKED = RELEASED
DUPLICATE_IGNORED, STALE_IGNORED, PARKED = 5, 6, 7


class Histories(NamedTuple):
    """What should happen: the events of every entity, in order of creation."""

    created_s: F64  # [events] ascending
    entity: I32  # [events]
    seq: I16  # [events] the state it leads to: how many came before of its entity
    next_event: I32  # [events] the entity's next event; -1: this is its last
    last_seq: I16  # [entities] seq of the last event; -1: it has none
    amount_cents: I64  # [entities], posted by the last event; or [events], posted by each
    each: bool  # whether amount_cents is of events


class Accounts(NamedTuple):
    """State of the ledger."""

    state: I16  # [entities] seq of the event applied last; -1: none
    applied: U16  # [events] how often each was applied; stays at its greatest value
    parked: I32  # [events] STRICT: the delivery that was parked; -1: none; else empty
    error_cents: I64  # [entities] booked - due so far
    now: I64  # [NOW] see below


# Places in Accounts.now: what is true of all entities at the moment.
MISSTATED, NET, ILLEGAL_SO_FAR, WAITING, NOW = range(5)


@resumable
def link(entity, seq, next_event, length, latest):
    """Number the events of each entity: fill ``seq`` and ``next_event`` of `Histories`.

    ``length`` int64 [entities], all 0: filled with the number of events; ``latest`` int32
    [entities]: scratch.
    """
    for i in range(entity.size):
        e = entity[i]
        n = length[e]
        seq[i] = n
        next_event[i] = -1
        if n > 0:
            next_event[latest[e]] = i
        latest[e] = i
        length[e] = n + 1


@resumable
def _amount(histories, i):
    if histories.each:
        return histories.amount_cents[i]
    if histories.next_event[i] < 0:
        return histories.amount_cents[histories.entity[i]]
    return np.int64(0)


@resumable
def _book(accounts, e, cents):
    error = accounts.error_cents[e]
    accounts.error_cents[e] = error + cents
    accounts.now[MISSTATED] += abs(error + cents) - abs(error)
    accounts.now[NET] += cents


@resumable
def _post(histories, accounts, i):
    """Apply event ``i``, whatever the state of its entity."""
    e = histories.entity[i]
    accounts.state[e] = histories.seq[i]
    if accounts.applied[i] < 65_535:
        accounts.applied[i] += 1
    cents = _amount(histories, i)
    if cents != 0:
        _book(accounts, e, cents)


@resumable
def apply(at_s, event, policy, histories, accounts, verdict, grid_s, series):
    """Take every delivery in turn.

    ``at_s`` float64 [deliveries], ascending; ``event`` int32 [deliveries], rows of ``histories``;
    ``verdict`` uint8 [deliveries], filled; ``grid_s`` float64 [grid], ascending; ``series`` int64
    [grid, NOW], filled with ``accounts.now`` after all that happened up to each time.
    """
    stop = 0
    taken = 0
    due = 0
    for g in range(grid_s.size + 1):
        until_s = grid_s[g] if g < grid_s.size else np.inf
        while stop < at_s.size and at_s[stop] <= until_s:
            stop += 1
        # Here, not in a helper: handing over so many arrays for each delivery halves the speed.
        for d in range(taken, stop):
            i = event[d]
            e = histories.entity[i]
            step = np.int64(histories.seq[i]) - accounts.state[e]
            if policy == STRICT:
                if step <= 0:
                    verdict[d] = STALE_IGNORED
                elif accounts.parked[i] >= 0:
                    verdict[d] = DUPLICATE_IGNORED
                elif step > 1:
                    verdict[d] = PARKED
                    accounts.parked[i] = d
                    accounts.now[WAITING] += 1
                else:
                    verdict[d] = APPLIED
                    _post(histories, accounts, i)
                    i = histories.next_event[i]
                    while i >= 0 and accounts.parked[i] >= 0:
                        verdict[accounts.parked[i]] = RELEASED
                        accounts.now[WAITING] -= 1
                        _post(histories, accounts, i)
                        i = histories.next_event[i]
                continue
            repeated = accounts.applied[i] > 0
            if repeated and policy == IDEMPOTENT:
                verdict[d] = DUPLICATE_IGNORED
                continue
            if step == 0 or step == 1:
                verdict[d] = DUPLICATE if repeated else APPLIED
            else:
                verdict[d] = DUPLICATE_ILLEGAL if repeated else ILLEGAL
                accounts.now[ILLEGAL_SO_FAR] += 1
            _post(histories, accounts, i)
        taken = stop
        # What should be booked matters only when it is compared, so it need not be interleaved.
        while due < histories.created_s.size and histories.created_s[due] <= until_s:
            cents = _amount(histories, due)
            if cents != 0:
                _book(accounts, histories.entity[due], -cents)
            due += 1
        if g < grid_s.size:
            for place in range(NOW):
                series[g, place] = accounts.now[place]


# Places in the totals of `compare`.
GAPS, DOUBLE, MISSING, TOTALS = range(4)


@resumable
def compare(histories, applied, later, totals):
    """Count what was applied against what should have been.

    ``later`` uint8 [entities], all 0: scratch; ``totals`` int64 [TOTALS], all 0: events that were
    not applied though a later one of their entity was, postings beyond one, postings never made.
    """
    for back in range(applied.size):
        i = applied.size - 1 - back
        e = histories.entity[i]
        posts = _amount(histories, i) != 0
        if applied[i] > 0:
            later[e] = 1
            if posts:
                totals[DOUBLE] += applied[i] - 1
        else:
            totals[GAPS] += later[e]
            if posts:
                totals[MISSING] += 1
