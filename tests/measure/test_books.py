"""Books kept from the effects of a group."""

from dataclasses import replace

import numpy as np

from helpers.random_outcome import WHO, made, outcome
from sim.engine.outcome import Effects, Fate
from sim.measure.books import books_table, keep_books, ledger_table


def group(history):
    return outcome([Fate.PROCESSED] * 3, [1.0, 2.0, 2.6], [2, 1, 1], history=history)


def messages():
    posted = np.array([500, 0, 700], np.int64)
    return replace(made([0.0, 0.5, 1.0], [0, 1, 0], 2), posting_cents=posted)


TWICE = Effects(np.array([1.0, 2.0, 2.6, 3.1]), np.array([0, 1, 2, 0], np.int32))


def test_what_is_processed_twice_is_booked_twice_unless_the_ledger_knows_it():
    naive = keep_books(messages(), group(TWICE), "naive")
    assert naive is not None
    row = ledger_table(WHO, naive).iloc[0]
    assert row[["system", "group", "policy"]].tolist() == ["s", "g", "naive"]
    assert (row["events"], row["deliveries"], row["double_postings"]) == (3, 4, 1)
    assert row["misstatement_cents"] == row["net_misstatement_cents"] == 500
    idempotent = keep_books(messages(), group(TWICE), "idempotent")
    assert idempotent is not None and idempotent.report.misstatement_cents == 0


def test_the_errors_are_sampled_where_the_gauges_are():
    kept = keep_books(messages(), group(TWICE), "naive")
    assert kept is not None
    table = books_table(WHO, kept)
    assert table["t_s"].tolist() == group(TWICE).gauges_t_s.tolist()
    assert table["misstatement_cents"].tolist()[:8] == [500, 500, 700, 700, 700, 700, 0, 500]
    assert set(table["system"]) == {"s"} and set(table["group"]) == {"g"}


def test_a_group_without_a_policy_or_without_effects_keeps_none():
    assert keep_books(messages(), group(TWICE), None) is None
    assert keep_books(messages(), group(None), "naive") is None
