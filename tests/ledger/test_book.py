"""The ledger against a plain one on random deliveries and against cases by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import plain_kernel
from helpers.ledgers import PENDING, POLICIES, PROCESSING, SETTLED, ledger, one, schedules, verdicts
from models.plain_ledger import Event, PlainLedger
from sim.foundation.errors import LabError
from sim.ledger import book as ledger_book
from sim.ledger import book_kernel
from sim.ledger.book import book, histories


def test_in_order_and_once_every_policy_books_the_same():
    for policy in POLICIES:
        result = ledger(policy, one(PENDING, PROCESSING, SETTLED))
        assert verdicts(result) == ["APPLIED"] * 3
        assert result.booked_cents.tolist() == result.due_cents.tolist() == [100]
        report = result.report
        assert (report.events, report.deliveries, report.entities) == (3, 3, 1)
        assert not any(
            getattr(report, harm)
            for harm in (
                "illegal_transitions",
                "gaps",
                "entities_wrong",
                "double_postings",
                "missing_postings",
                "misstatement_cents",
                "net_misstatement_cents",
                "parked_at_end",
            )
        )


def test_settled_before_processing_is_illegal_and_leaves_a_wrong_state():
    for policy in ("naive", "idempotent"):
        result = ledger(policy, one(PENDING, SETTLED, PROCESSING))
        assert verdicts(result) == ["APPLIED", "ILLEGAL_APPLIED", "ILLEGAL_APPLIED"]
        assert result.report.illegal_transitions == 2
        assert result.state.tolist() == [PROCESSING]
        assert result.report.entities_wrong == 1
        assert result.report.misstatement_cents == 0


def test_strict_parks_until_the_predecessor_comes():
    result = ledger("strict", one(SETTLED, PROCESSING, SETTLED, PENDING, PENDING))
    assert verdicts(result) == [
        "RELEASED",
        "RELEASED",
        "DUPLICATE_IGNORED",
        "APPLIED",
        "STALE_IGNORED",
    ]
    assert result.report.illegal_transitions == result.report.entities_wrong == 0
    applications = result.applications()
    assert applications["event"].tolist() == [0, 1, 2]
    assert applications["delivery"].tolist() == [3, 1, 0]
    assert applications["at_s"].tolist() == [13.0, 13.0, 13.0]


def test_strict_keeps_parked_what_lacks_a_predecessor_to_the_end():
    result = ledger("strict", one(PENDING, SETTLED))
    assert verdicts(result) == ["APPLIED", "PARKED"]
    report = result.report
    assert report.parked_at_end == report.missing_postings == report.entities_wrong == 1
    assert (report.misstatement_cents, report.net_misstatement_cents) == (100, -100)
    assert report.gaps == 0  # nothing after the hole was applied


def test_a_lost_event_leaves_a_gap_where_order_is_not_asked_for():
    result = ledger("idempotent", one(PENDING, SETTLED))
    assert (result.report.gaps, result.report.illegal_transitions) == (1, 1)
    assert (result.report.entities_wrong, result.report.misstatement_cents) == (0, 0)


def test_a_replay_books_twice_unless_keys_are_unique():
    replay = one(PENDING, PROCESSING, SETTLED, PENDING, PROCESSING, SETTLED, SETTLED)
    naive = ledger("naive", replay)
    assert verdicts(naive)[3:] == [
        "DUPLICATE_ILLEGAL_APPLIED",
        "DUPLICATE_APPLIED",
        "DUPLICATE_APPLIED",
        "DUPLICATE_APPLIED",
    ]
    assert naive.report.double_postings == 2
    assert naive.report.misstatement_cents == naive.report.net_misstatement_cents == 200
    assert naive.report.illegal_transitions == 1
    for policy, ignored in (("idempotent", "DUPLICATE_IGNORED"), ("strict", "STALE_IGNORED")):
        result = ledger(policy, replay)
        assert verdicts(result)[3:] == [ignored] * 4
        assert result.report.double_postings == result.report.misstatement_cents == 0


def test_errors_of_different_entities_cancel_only_in_the_net():
    twice, never = one(PENDING, PROCESSING, SETTLED, SETTLED), [(1, PENDING)]
    report = ledger("naive", twice + never, entities=2).report
    assert (report.misstatement_cents, report.net_misstatement_cents) == (200, 0)
    assert (report.double_postings, report.missing_postings, report.entities_wrong) == (1, 1, 1)


def test_the_series_measures_against_what_was_created_by_then():
    grid_s = [1.0, 2.0, 9.0, 11.5, 12.0, 13.0]
    deliveries = one(PENDING, PROCESSING, SETTLED, SETTLED)
    series = ledger("naive", deliveries, grid_s=grid_s).series
    assert series["t_s"].tolist() == grid_s
    assert series["misstatement_cents"].tolist() == [0, 100, 100, 100, 0, 100]
    assert series["net_misstatement_cents"].tolist() == [0, -100, -100, -100, 0, 100]
    parked = ledger("strict", one(SETTLED, PENDING, PROCESSING), grid_s=[9.5, 10.5, 11.5, 12.5])
    assert parked.series["parked"].tolist() == [0, 1, 1, 0]
    illegal = ledger("naive", one(SETTLED, PENDING), grid_s=[9.5, 10.5, 11.5])
    assert illegal.series["illegal_transitions"].tolist() == [0, 1, 2]


def plain(entities, entity, created, each, cents, event, at, policy):
    left = [entity.count(e) for e in range(entities)]
    lengths = list(left)
    events = []
    for i, e in enumerate(entity):
        left[e] -= 1
        amount = cents[i] if each else cents[e] if left[e] == 0 else 0
        events.append(Event(e, lengths[e] - left[e] - 1, created[i], amount))
    oracle = PlainLedger(events, policy)
    for number, at_s in zip(event, at, strict=True):
        oracle.take(number, at_s)
    return oracle


@settings(max_examples=400, deadline=None)
@given(schedules(), st.sampled_from(POLICIES))
@example((1, [], [], False, [5], [], []), "strict")
def test_agrees_with_the_plain_ledger(schedule, policy):
    entities, entity, created, each, cents, event, at = schedule
    oracle = plain(*schedule, policy)
    declared = histories(
        np.array(created, float),
        np.array(entity, np.int32),
        entities,
        **{"posting_cents" if each else "amount_cents": np.array(cents, np.int64)},
    )
    grid_s = np.arange(-1.0, 32.0, 0.5)
    result = book(declared, np.array(at, float), np.array(event, np.int32), policy, grid_s)

    assert verdicts(result) == oracle.verdicts
    assert result.state.tolist() == [oracle.state.get(e, -1) for e in range(entities)]
    times = oracle.times_applied()
    assert result.applied.tolist() == times
    error = oracle.error_cents(np.inf)
    booked = [0] * entities
    for _, _, number in oracle.applications:
        booked[entity[number]] += oracle.events[number].cents
    assert result.booked_cents.tolist() == booked
    assert result.cents(result.event).tolist() == [oracle.events[n].cents for n in event]

    report = result.report
    assert report.illegal_transitions == len(oracle.illegal_at)
    assert report.parked_at_end == oracle.verdicts.count("PARKED") == len(oracle.drawer)
    assert report.misstatement_cents == sum(map(abs, error.values()))
    assert report.net_misstatement_cents == sum(error.values())
    posts = [n for n, e in enumerate(oracle.events) if e.cents]
    assert report.double_postings == sum(max(0, times[n] - 1) for n in posts)
    assert report.missing_postings == sum(times[n] == 0 for n in posts)
    assert report.gaps == sum(
        times[n] == 0
        and any(
            o.entity == e.entity and o.seq > e.seq and times[m] for m, o in enumerate(oracle.events)
        )
        for n, e in enumerate(oracle.events)
    )
    last = {e.entity: e.seq for e in oracle.events}
    assert report.entities_wrong == sum(
        oracle.state.get(e, -1) != last.get(e, -1) for e in range(entities)
    )
    for t, misstated, net, illegal, parked in result.series.itertuples(index=False):
        error = oracle.error_cents(t)
        assert misstated == sum(map(abs, error.values()))
        assert net == sum(error.values())
        assert illegal == sum(when <= t for when in oracle.illegal_at)
        assert parked == sum(change for when, change in oracle.parked_changes if when <= t)
    applications = result.applications()
    # Events released at one time are listed in order of creation, whichever entity they are of.
    assert sorted(
        zip(applications.at_s, applications.delivery, applications.event, strict=True)
    ) == (sorted(oracle.applications))
    assert applications["at_s"].is_monotonic_increasing
    if policy == "strict":
        assert report.illegal_transitions == report.gaps == report.double_postings == 0
        for _, of_one in applications.groupby("entity"):
            assert declared.seq[of_one["event"]].tolist() == list(range(len(of_one)))
    elif policy == "idempotent":
        assert report.double_postings == 0


@settings(max_examples=50, deadline=None)
@given(schedules())
def test_strict_books_rightly_whenever_everything_comes(schedule):
    entities, entity, created, each, cents, event, _ = schedule
    declared = histories(
        np.array(created, float),
        np.array(entity, np.int32),
        entities,
        **{"posting_cents" if each else "amount_cents": np.array(cents, np.int64)},
    )
    everything = np.array([*event, *reversed(range(len(entity)))], np.int32)
    at_s = np.arange(everything.size) / 2.0
    report = book(declared, at_s, everything, "strict", np.zeros(0)).report
    assert report.misstatement_cents == report.entities_wrong == report.parked_at_end == 0


def test_the_compiler_changes_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    deliveries = [(int(e), int(s)) for e, s in rng.integers(0, (20, 3), (200, 2))]

    def ledger_of(policy):
        return ledger(policy, deliveries, entities=20, grid_s=np.arange(0.0, 250.0, 7.0))

    compiled = {policy: ledger_of(policy) for policy in POLICIES}
    monkeypatch.setattr(ledger_book, "k", plain_kernel.plain(book_kernel))
    for policy in POLICIES:
        uncompiled = ledger_of(policy)
        assert uncompiled.report == compiled[policy].report
        for column in ("verdict", "applied", "state", "booked_cents"):
            np.testing.assert_array_equal(
                getattr(uncompiled, column), getattr(compiled[policy], column)
            )
        pd.testing.assert_frame_equal(uncompiled.series, compiled[policy].series)


def test_an_entity_may_have_32_768_events_and_no_more(monkeypatch):
    def many(n):
        return histories(np.zeros(n), np.zeros(n, np.int32), 1, amount_cents=[7])

    last_first = np.arange(32_768, dtype=np.int32)[::-1].copy()
    result = book(many(32_768), np.arange(32_768.0), last_first, "strict", np.zeros(0))
    assert result.report.entities_wrong == result.report.misstatement_cents == 0
    assert result.state.tolist() == [32_767]
    monkeypatch.setattr(ledger_book, "k", plain_kernel.plain(book_kernel))
    assert verdicts(book(many(32_768), np.zeros(1), last_first[:1], "strict", np.zeros(0))) == [
        "PARKED"
    ]
    with pytest.raises(LabError, match="32,769 events"):
        many(32_769)
