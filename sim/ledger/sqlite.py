"""The books of one or more ledgers as a SQLite file, to be queried.

Double entry: a posting is two rows, one account debited and the other credited by the same amount;
below zero it goes the other way. Tables (times in s of the run, money in cents):

- ``ledgers(system, policy)``
- ``transactions(system, entity, state, expected_state, amount_cents)``: a row per entity. ``state``
  is that at the end, NULL if no event was applied; ``amount_cents``, what it should have booked.
- ``postings(system, posting, entity, account, debit_cents, credit_cents, at_s, event)``: numbered
  in order of time; ``event`` is the row of the input that caused it.
- ``violations(system, kind, entity, event, at_s)``: illegal transition, double posting, parked,
  missing posting, gap, wrong state; defined in `sim.ledger.book`. ``at_s`` is NULL for what never
  came.

and the view ``misstatements(system, entity, booked_cents, amount_cents, error_cents)``, a row per
entity whose booked amount is wrong. Questions to ask, as in ``sqlite3 books.sqlite``::

    -- Do the books balance? They do in every system, also where they are wrong.
    SELECT system, SUM(debit_cents) = SUM(credit_cents) AS balances FROM postings GROUP BY system;

    -- By how much is each ledger wrong?
    SELECT system, policy, COUNT(error_cents) AS entities,
           COALESCE(SUM(ABS(error_cents)), 0) AS misstatement_cents
    FROM ledgers LEFT JOIN misstatements USING (system) GROUP BY system;

    -- What went wrong, and how often?
    SELECT system, kind, COUNT(*) FROM violations GROUP BY system, kind;

    -- How did the worst transaction come to be wrong?
    SELECT * FROM postings JOIN
        (SELECT system, entity FROM misstatements ORDER BY ABS(error_cents) DESC LIMIT 1)
        USING (system, entity) ORDER BY posting;
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.foundation.arrays import Bools
from sim.foundation.errors import LabError, NoRoomError
from sim.foundation.files import open_binary
from sim.ledger.book import Ledger, Verdict

DEBITED, CREDITED = "receivable", "clearing"
"""The accounts that an amount above zero debits and credits: one pair for charges and payments."""

_SCHEMA = f"""
CREATE TABLE ledgers (system TEXT PRIMARY KEY, policy TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE transactions (
    system TEXT NOT NULL REFERENCES ledgers,
    entity NOT NULL,
    state TEXT,
    expected_state TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    PRIMARY KEY (system, entity)
) WITHOUT ROWID;
CREATE TABLE postings (
    system TEXT NOT NULL,
    posting INTEGER NOT NULL,
    entity NOT NULL,
    account TEXT NOT NULL,
    debit_cents INTEGER NOT NULL CHECK (debit_cents >= 0),
    credit_cents INTEGER NOT NULL CHECK (credit_cents >= 0),
    at_s REAL NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (system, posting, account),
    FOREIGN KEY (system, entity) REFERENCES transactions,
    CHECK ((debit_cents = 0) <> (credit_cents = 0))
) WITHOUT ROWID;
CREATE TABLE violations (
    system TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity NOT NULL,
    event INTEGER,
    at_s REAL,
    FOREIGN KEY (system, entity) REFERENCES transactions
);
CREATE VIEW misstatements AS
    SELECT system, entity, booked_cents, amount_cents, booked_cents - amount_cents AS error_cents
    FROM (
        SELECT system, entity, amount_cents, COALESCE(
            (SELECT SUM(debit_cents) - SUM(credit_cents) FROM postings
             WHERE postings.system = transactions.system AND postings.entity = transactions.entity
               AND account = '{DEBITED}'), 0) AS booked_cents
        FROM transactions
    )
    WHERE booked_cents <> amount_cents;
"""

_INDEX = "CREATE INDEX postings_of_entity ON postings (system, entity);"

_UNBALANCED = """
SELECT COUNT(*) FROM (
    SELECT 1 FROM postings GROUP BY system, posting
    HAVING SUM(debit_cents) <> SUM(credit_cents)
)
"""

_CHUNK = 100_000
_FULL, _IO_ERROR = sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR


class Books:
    """A file of books that is being written; it takes its name when the block ends well.

    ::

        with Books(Path("books.sqlite")) as books:
            books.write("kafka", ledger, ("pending", "processing", "settled"))
    """

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: of the file; older books in its place are replaced.

        Raises:
            LabError: what stands there is no SQLite file.
        """
        self.path = path
        self._temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            if path.exists():
                with open_binary(path) as file:
                    if file.read(16) not in (b"", b"SQLite format 3\0"):
                        raise LabError(f"{path} is not a SQLite file; it is left as it is")
        except OSError as error:
            raise LabError(f"{path}: cannot write the books: {error.strerror}") from None

    def __enter__(self) -> Self:
        """Raises LabError if the file cannot be made."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.unlink(missing_ok=True)
            self._db = sqlite3.connect(self._temporary, isolation_level=None)
            # Nothing is to be rolled back: an unfinished file is thrown away.
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.OperationalError) as error:
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)
            raise self._unwritable(error) from None
        return self

    def _unwritable(self, error: Exception) -> LabError:
        # The low byte is the kind. A file that may not grow is an error of input and output.
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF in (_FULL, _IO_ERROR)
        said = error.strerror if isinstance(error, OSError) else error
        return (NoRoomError if full else LabError)(f"{self.path}: cannot write the books: {said}")

    def write(
        self,
        system: str,
        ledger: Ledger,
        states: Sequence[str],
        *,
        leads_to: NDArray[np.integer[Any]] | None = None,
        entities: Sequence[str] | None = None,
    ) -> None:
        """Write what a ledger booked.

        Args:
            system: whose ledger it is; each is written once.
            ledger: what it booked.
            states: names of the states.
            leads_to: [events] index into ``states``; None: the seq of the event.
            entities: names of the entities; None: their numbers.

        Raises:
            LabError: the disk is full.
            AssertionError: the books do not balance, or do not say what the ledger says; a bug.
        """
        name_of = np.arange(ledger.state.size) if entities is None else np.array(entities, object)
        violations = _violations(ledger)
        try:
            self._db.execute("BEGIN")
            self._db.execute("INSERT INTO ledgers VALUES (?, ?)", (system, ledger.policy))
            self._insert("transactions", system, _transactions(ledger, states, leads_to), name_of)
            for postings in _postings(ledger):
                self._insert("postings", system, postings, name_of)
            self._insert("violations", system, violations, name_of)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise self._unwritable(error) from None
        report = ledger.report
        counted = violations["kind"].value_counts()
        for kind, number in (
            ("illegal transition", report.illegal_transitions),
            ("double posting", report.double_postings),
            ("parked", report.parked_at_end),
            ("missing posting", report.missing_postings),
            ("gap", report.gaps),
            ("wrong state", report.entities_wrong),
        ):
            assert counted.get(kind, 0) == number, f"books: {kind} is counted in two ways"

    def _insert(self, table: str, system: str, frame: pd.DataFrame, name_of: NDArray[Any]) -> None:
        columns = ", ".join(["system", *frame.columns])
        statement = f"INSERT INTO {table} ({columns}) VALUES (?{', ?' * frame.shape[1]})"
        for start in range(0, len(frame), _CHUNK):
            part = frame.iloc[start : start + _CHUNK]
            part = part.assign(entity=name_of[part["entity"]])
            values = (part[column].tolist() for column in part.columns)
            self._db.executemany(statement, zip(repeat(system), *values, strict=False))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Check and rename; after an error, throw away what was written.

        Raises:
            AssertionError: the books do not balance; a bug.
        """
        try:
            if kind is None:
                self._db.execute(_INDEX)
                (unbalanced,) = self._db.execute(_UNBALANCED).fetchone()
                assert unbalanced == 0, "books: some posting's debits and credits differ"
                self._db.close()
                self._temporary.replace(self.path)
        except (OSError, sqlite3.OperationalError) as failure:
            raise self._unwritable(failure) from None
        finally:
            self._db.close()
            self._temporary.unlink(missing_ok=True)


def _transactions(
    ledger: Ledger, states: Sequence[str], leads_to: NDArray[np.integer[Any]] | None
) -> pd.DataFrame:
    histories = ledger.histories
    if leads_to is None:
        leads_to = histories.seq
    # Events of an entity in its order, so that its state is a place after its first.
    by_entity = np.argsort(histories.entity, kind="stable")
    length = histories.last_seq.astype(np.int64) + 1
    first = np.cumsum(length) - length
    entity = np.flatnonzero(length)
    name = np.array(states, object)[leads_to[by_entity]]
    state = ledger.state[entity]
    reached = name[first[entity] + state]
    return pd.DataFrame(
        {
            "entity": entity,
            "state": np.where(state >= 0, reached, None),
            "expected_state": name[first[entity] + histories.last_seq[entity]],
            "amount_cents": ledger.due_cents[entity],
        }
    )


def _postings(ledger: Ledger) -> Iterator[pd.DataFrame]:
    """Two rows for each application that posts, in order of time; some at a time."""
    applications = ledger.applications()
    cents_of = ledger.cents(applications["event"].to_numpy())
    applications = applications[cents_of != 0]
    cents_of = cents_of[cents_of != 0]
    for start in range(0, cents_of.size, _CHUNK):
        posts = applications.iloc[start : start + _CHUNK]
        cents = np.repeat(cents_of[start : start + _CHUNK], 2)
        # The account named first is debited by what is above zero, and credited by what is below.
        debited = np.tile([True, False], len(posts)) == (cents > 0)
        yield pd.DataFrame(
            {
                "posting": np.repeat(np.arange(start + 1, start + 1 + len(posts)), 2),
                "entity": np.repeat(posts["entity"].to_numpy(), 2),
                "account": np.tile(np.array([DEBITED, CREDITED], object), len(posts)),
                "debit_cents": np.where(debited, abs(cents), 0),
                "credit_cents": np.where(debited, 0, abs(cents)),
                "at_s": np.repeat(posts["at_s"].to_numpy(), 2),
                "event": np.repeat(posts["event"].to_numpy(), 2),
            }
        )


def _violations(ledger: Ledger) -> pd.DataFrame:
    histories = ledger.histories
    entity, applied = histories.entity, ledger.applied
    posts = ledger.cents(np.arange(entity.size, dtype=np.int32)) != 0
    furthest = np.full(ledger.state.size, -1, np.int16)
    np.maximum.at(furthest, entity[applied > 0], histories.seq[applied > 0])

    def seen(kind: str, *verdicts: Verdict) -> pd.DataFrame:
        delivery = np.flatnonzero(np.isin(ledger.verdict, verdicts))
        event = ledger.event[delivery]
        return table(kind, entity[event], event, ledger.at_s[delivery])

    def never(kind: str, which: Bools) -> pd.DataFrame:
        event = np.flatnonzero((applied == 0) & which)
        return table(kind, entity[event], event, np.nan)

    def table(kind: str, entity: Any, event: Any, at_s: Any) -> pd.DataFrame:
        # SQLite takes NaN as NULL, and a whole number in a float column as what it is.
        return pd.DataFrame({"kind": kind, "entity": entity, "event": event, "at_s": at_s})

    twice = seen("double posting", Verdict.DUPLICATE_APPLIED, Verdict.DUPLICATE_ILLEGAL_APPLIED)
    wrong = np.flatnonzero(ledger.state != histories.last_seq)
    violations: pd.DataFrame = pd.concat(
        [
            seen("illegal transition", Verdict.ILLEGAL_APPLIED, Verdict.DUPLICATE_ILLEGAL_APPLIED),
            twice[posts[twice["event"]]],
            seen("parked", Verdict.PARKED),
            never("missing posting", posts),
            never("gap", histories.seq < furthest[entity]),
            table("wrong state", wrong, np.nan, np.nan),
        ],
        ignore_index=True,
    )
    return violations
