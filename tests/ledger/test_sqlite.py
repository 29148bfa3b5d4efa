"""Books as a file to be queried: what they tell, and what they refuse."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from helpers.ledgers import PENDING, POLICIES, PROCESSING, SETTLED, ledger, one, schedules
from sim.foundation.errors import LabError
from sim.ledger import sqlite as books
from sim.ledger.book import Ledger, book, histories
from sim.ledger.sqlite import Books


def write_books(path, ledgers, states, **named):
    with Books(path) as file:
        for system, result in ledgers.items():
            file.write(system, result, states, **named)


def states_of(result: Ledger) -> tuple[str, ...]:
    return tuple(f"state {n}" for n in range(int(result.histories.last_seq.max(initial=0)) + 1))


def questions(path):
    """Each question of the module's documentation, and its answer."""
    text = books.__doc__.split("::\n", 1)[1]
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [
            [dict(row) for row in db.execute(statement)]
            for statement in text.split(";\n")
            if statement.strip()
        ]


def rows(path, statement):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def test_books_tell_what_happened(tmp_path):
    path = tmp_path / "new" / "books.sqlite"
    states = ("pending", "processing", "settled")
    deliveries = [*one(PENDING, PROCESSING, SETTLED, SETTLED), (1, PENDING), (1, SETTLED)]
    ledgers = {policy: ledger(policy, deliveries, entities=3) for policy in ("naive", "strict")}
    write_books(path, ledgers, states, entities=("a", "b", "c"))
    assert [file.name for file in path.parent.iterdir()] == ["books.sqlite"]
    assert rows(path, "SELECT * FROM ledgers") == [("naive", "naive"), ("strict", "strict")]
    transactions = "SELECT entity, state, expected_state, amount_cents FROM transactions"
    assert rows(path, f"{transactions} WHERE system = 'strict'") == [
        ("a", "settled", "settled", 100),
        ("b", "pending", "settled", 100),
        ("c", None, "settled", 100),
    ]
    postings = "SELECT posting, entity, account, debit_cents, credit_cents, at_s, event"
    assert rows(path, f"{postings} FROM postings WHERE system = 'naive' AND entity = 'a'") == [
        (1, "a", "clearing", 0, 100, 12.0, 6),
        (1, "a", "receivable", 100, 0, 12.0, 6),
        (2, "a", "clearing", 0, 100, 13.0, 6),
        (2, "a", "receivable", 100, 0, 13.0, 6),
    ]
    violations = "SELECT kind, entity, event, at_s FROM violations WHERE system"
    assert rows(path, f"{violations} = 'naive'") == [
        ("illegal transition", "b", 7, 15.0),
        ("double posting", "a", 6, 13.0),
        ("missing posting", "c", 8, None),
        ("gap", "b", 4, None),
        ("wrong state", "c", None, None),
    ]
    assert rows(path, f"{violations} = 'strict'") == [
        ("parked", "b", 7, 15.0),
        ("missing posting", "b", 7, None),
        ("missing posting", "c", 8, None),
        ("wrong state", "b", None, None),
        ("wrong state", "c", None, None),
    ]
    balance, wrong, kinds, worst = questions(path)
    assert balance == [{"system": name, "balances": 1} for name in ledgers]
    assert [tuple(row.values()) for row in wrong] == [
        ("naive", "naive", 2, 200),
        ("strict", "strict", 2, 200),
    ]
    assert {"system": "naive", "kind": "double posting", "COUNT(*)": 1} in kinds
    assert [row["posting"] for row in worst] == [1, 1, 2, 2]


@settings(max_examples=60, deadline=None)
@given(schedules())
def test_books_agree_with_the_ledger(schedule):
    entities, entity, created, each, cents, event, at = schedule
    declared = histories(
        np.array(created, float),
        np.array(entity, np.int32),
        entities,
        **{"posting_cents" if each else "amount_cents": np.array(cents, np.int64)},
    )
    ledgers = {
        policy: book(declared, np.array(at, float), np.array(event, np.int32), policy, np.zeros(0))
        for policy in POLICIES
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "books.sqlite"
        write_books(path, ledgers, states_of(ledgers["naive"]))
        answers = {row["system"]: row["misstatement_cents"] for row in questions(path)[1]}
        for policy, result in ledgers.items():
            booked = "SELECT entity, SUM(debit_cents) - SUM(credit_cents) FROM postings WHERE"
            sums = dict(
                rows(path, f"{booked} account = 'receivable' AND system = '{policy}' GROUP BY 1")
            )
            assert [sums.get(e, 0) for e in range(entities)] == result.booked_cents.tolist()
            assert answers[policy] == result.report.misstatement_cents
            found = rows(path, f"SELECT entity, state FROM transactions WHERE system = '{policy}'")
            assert dict(found) == {
                e: f"state {state}" if state >= 0 else None
                for e, state in enumerate(result.state.tolist())
                if e in entity
            }


def test_a_state_is_named_by_what_led_to_it(tmp_path):
    declared = histories(
        np.arange(4.0), np.array([0, 1, 0, 1], np.int32), 2, posting_cents=[500, 0, -500, 30]
    )
    path = tmp_path / "books.sqlite"
    everything = np.arange(4, dtype=np.int32)
    result = book(declared, np.arange(4.0), everything, "naive", np.zeros(0))
    write_books(path, {"s": result}, ("charge", "open", "pay"), leads_to=np.array([0, 1, 2, 0]))
    assert rows(path, "SELECT entity, state FROM transactions") == [(0, "pay"), (1, "charge")]
    assert rows(
        path, "SELECT account, debit_cents, credit_cents FROM postings WHERE event = 2"
    ) == [("clearing", 500, 0), ("receivable", 0, 500)]


def test_books_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "books.sqlite"
    states = ("pending", "processing", "settled")
    result = ledger("naive", one(PENDING, PROCESSING, SETTLED))
    write_books(path, {"s": result}, states)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), Books(path) as unfinished:
        unfinished.write("s", ledger("strict", one(SETTLED)), states)
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    write_books(path, {"s": result}, states)
    assert path.read_bytes() == before  # the same books are the same bytes


def test_books_that_do_not_balance_are_refused(tmp_path, monkeypatch):
    postings = books._postings

    def unbalanced(result):
        for frame in postings(result):
            yield frame.assign(debit_cents=frame["debit_cents"] * 2)

    def halved(result):
        for frame in postings(result):
            yield frame.iloc[:1]

    path = tmp_path / "books.sqlite"
    for wrong in (unbalanced, halved):
        monkeypatch.setattr(books, "_postings", wrong)
        with pytest.raises(AssertionError, match="debits and credits"):
            write_books(path, {"s": ledger("naive", one(PENDING, SETTLED))}, ("p", "q", "s"))
        assert not list(tmp_path.iterdir())


def test_books_are_of_the_entities_they_name(tmp_path, monkeypatch):
    monkeypatch.setattr(
        books, "_transactions", lambda *_: pd.DataFrame({"entity": np.zeros(0, np.int64)})
    )
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        write_books(
            tmp_path / "books.sqlite",
            {"s": ledger("naive", one(PENDING, SETTLED))},
            ("p", "q", "s"),
        )


def test_books_of_any_length_are_the_same(tmp_path, monkeypatch):
    deliveries = [(entity, state) for entity in range(5) for state in (0, 1, 2, 2)]
    result = {"s": ledger("naive", deliveries, entities=5)}
    states = ("pending", "processing", "settled")
    write_books(tmp_path / "whole.sqlite", result, states)
    monkeypatch.setattr(books, "_CHUNK", 3)
    write_books(tmp_path / "chunks.sqlite", result, states)
    for table in ("transactions", "postings", "violations"):
        whole, chunks = (
            rows(tmp_path / f"{name}.sqlite", f"SELECT * FROM {table}")
            for name in ("whole", "chunks")
        )
        assert whole == chunks
    assert len(rows(tmp_path / "whole.sqlite", "SELECT * FROM postings")) == 20


def test_the_schema_itself_refuses_a_one_sided_row(tmp_path):
    path = tmp_path / "books.sqlite"
    write_books(path, {"s": ledger("naive", one(PENDING, SETTLED))}, ("p", "q", "s"))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        for entity, debit, credit in ((0, 5, 5), (0, 0, 0), (0, -5, 0), (9, 5, 0)):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(
                    "INSERT INTO postings VALUES ('s', 7, ?, 'clearing', ?, ?, 0, 0)",
                    (entity, debit, credit),
                )


def test_refuses_to_write_over_what_is_no_database(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# Not to be lost\n")
    with pytest.raises(LabError, match="not a SQLite file"):
        Books(path)
    assert path.read_text() == "# Not to be lost\n"
    with pytest.raises(LabError, match="cannot write the books"):
        Books(tmp_path)
    with pytest.raises(LabError, match="cannot write the books"), Books(path / "books.sqlite"):
        pass
