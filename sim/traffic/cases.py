"""Real histories as a workload: a file of ordered events per case, read into columns.

The file is CSV, gzipped if its name ends in ``.gz``, with a header and these columns in any order;
others are left alone:

- ``case``: which case (transaction, request, fine) the event belongs to.
- ``seq``: number of the event within its case; consecutive, from any number.
- ``timestamp``, or any name that begins so (``timestamp_utc``): ISO 8601; UTC if it has no offset.
  It does not go back within a case; where it is too coarse to tell, ``seq`` decides.
- ``activity``: what happened.
- ``amount`` (may be absent, or empty in a row): what the case is worth from this event on.
- ``expense`` (likewise): what this event adds to that.
- ``payment`` or ``paymentAmount`` (likewise): what is paid by this event.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.foundation import files
from sim.foundation.arrays import F64, I16, I32, I64
from sim.foundation.errors import LabError, nearest

_REQUIRED = ("case", "seq", "timestamp", "activity")

_MOST_EVENTS = 32_768
"""Of a case; their numbers from 0 are int16."""

_MOST_CENTS = 10**15
"""Of one amount, so that sums stay far from the limit of int64."""


@dataclass(frozen=True)
class Cases:
    """The events of every case, in order of time; those of one moment in order of ``seq``."""

    created_s: F64
    """[events] ascending, s since the first event."""
    entity: I32
    """[events] number of the case."""
    seq: I16
    """[events] from 0 within the case."""
    activity: I32
    """[events] number of what happened."""
    due_cents: I64
    """[events] by how much the event changed what the case is worth."""
    paid_cents: I64 | None
    """[events] what was paid; None: the file has no such column."""
    names: Sequence[str]
    """[cases] in order of their first events."""
    activities: Sequence[str]
    """Names of what happened, in order of first appearance."""
    start: pd.Timestamp
    """Of the first event, UTC."""

    def __len__(self) -> int:
        return int(self.created_s.size)

    @property
    def amount_cents(self) -> I64:
        """[cases] what each is worth after its last event."""
        out = np.zeros(len(self.names), np.int64)
        np.add.at(out, self.entity, self.due_cents)
        return out

    @property
    def posting_cents(self) -> I64:
        """[events] by how much the event changed what is owed: due - paid."""
        return self.due_cents if self.paid_cents is None else self.due_cents - self.paid_cents


def read(path: Path) -> Cases:
    """Read a file of cases.

    Raises:
        LabError: there is no such file, or it is not as the head of this module says; the message
            names the line.
    """
    try:
        with files.open_text(path, "utf-8-sig", newline="") as file:
            rows = _read_rows(path, file)
    except FileNotFoundError:
        raise LabError(
            f"{path}: no such file; expected a CSV of events with the columns "
            + ", ".join(_REQUIRED)
        ) from None
    except csv.Error as error:
        raise LabError(f"{path}: cannot be read as CSV: {error}") from None
    except (OSError, UnicodeError, *files.PACKED) as error:
        raise LabError(f"{path}: {files.why(error)}") from None
    return _arrange(rows)


@dataclass
class _Rows:
    """The file's rows as they stand."""

    path: Path
    has_payments: bool = False
    line: list[int] = field(default_factory=list)
    case: list[str] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    time: list[str] = field(default_factory=list)
    activity: list[str] = field(default_factory=list)
    amount: list[int | None] = field(default_factory=list)
    expense: list[int | None] = field(default_factory=list)
    paid: list[int | None] = field(default_factory=list)

    def error(self, row: int, message: str) -> LabError:
        return LabError(f"{self.path}:{self.line[row]}: {message}")


def _read_rows(path: Path, file: TextIO) -> _Rows:
    reader = csv.reader(file)
    header = [name.strip() for name in next(reader, [])]
    rows = _Rows(path)
    case, seq, time, activity = (_required(path, header, name) for name in _REQUIRED)
    amount = _optional(header, "amount")
    expense = _optional(header, "expense")
    payment = _optional(header, "payment", "paymentamount")
    rows.has_payments = payment is not None
    for row in reader:
        if not row:
            continue
        where = f"{path}:{reader.line_num}"
        if len(row) != len(header):
            raise LabError(f"{where}: {len(row)} fields where the header has {len(header)}")
        if not row[case] or not row[activity]:
            raise LabError(f"{where}: no {'activity' if row[case] else 'case'}")
        rows.line.append(reader.line_num)
        rows.case.append(row[case])
        rows.time.append(row[time])
        rows.activity.append(row[activity])
        try:
            rows.seq.append(int(row[seq]))
        except ValueError:
            raise LabError(
                f"{where}: {header[seq]}: expected a whole number, not {row[seq]!r}"
            ) from None
        for at, column in ((amount, rows.amount), (expense, rows.expense), (payment, rows.paid)):
            try:
                column.append(None if at is None else _cents(row[at]))
            except (ValueError, DecimalException):
                assert at is not None
                raise LabError(
                    f"{where}: {header[at]}: expected an amount in whole cents, such as 12.50, "
                    f"not {row[at]!r}"
                ) from None
    if not rows.line:
        raise LabError(f"{path}: no events")
    return rows


def _required(path: Path, header: Sequence[str], name: str) -> int:
    """Column ``name``; of the time, the first that begins with it."""
    for at, candidate in enumerate(header):
        word = candidate.lower()
        if word == name or (name == "timestamp" and word.startswith(name)):
            return at
    near = nearest(name, header)
    hint = f" (is it {near!r}?)" if near else ""
    raise LabError(
        f"{path}:1: no column {name!r}{hint}; cases need {', '.join(_REQUIRED)}, and the file has "
        + (", ".join(header) or "none")
    )


def _optional(header: Sequence[str], *names: str) -> int | None:
    return next((at for at, name in enumerate(header) if name.lower() in names), None)


def _cents(text: str) -> int | None:
    if not text.strip():
        return None
    cents = Decimal(text) * 100
    if not abs(cents) <= _MOST_CENTS or cents != int(cents):
        raise ValueError
    return int(cents)


def _arrange(rows: _Rows) -> Cases:
    times = pd.to_datetime(pd.Series(rows.time), utc=True, format="ISO8601", errors="coerce")
    unread = np.flatnonzero(times.isna())
    if unread.size:
        row = int(unread[0])
        raise rows.error(row, f"{rows.time[row]!r} is not a time; write 2018-06-30T18:00:00+00:00")
    start = times.min()
    created_s = (times - start).dt.total_seconds().to_numpy().astype(np.float64)
    seq = np.array(rows.seq, np.int64)
    case, _ = pd.factorize(np.array(rows.case, dtype=object))
    by_case = np.lexsort((seq, case))
    _check(rows, by_case, case, seq, created_s)
    due = _changes(rows, by_case)

    order = np.lexsort((seq, created_s))
    entity, names = pd.factorize(np.array(rows.case, dtype=object)[order])
    activity, activities = pd.factorize(np.array(rows.activity, dtype=object)[order])
    paid = np.array([cents or 0 for cents in rows.paid], np.int64)
    return Cases(
        created_s=created_s[order],
        entity=entity.astype(np.int32),
        seq=pd.Series(entity).groupby(entity).cumcount().to_numpy().astype(np.int16),
        activity=activity.astype(np.int32),
        due_cents=due[order],
        paid_cents=paid[order] if rows.has_payments else None,
        names=[str(name) for name in names],
        activities=[str(name) for name in activities],
        start=start,
    )


def _check(
    rows: _Rows,
    by_case: NDArray[np.intp],
    case: NDArray[np.intp],
    seq: I64,
    created_s: F64,
) -> None:
    """Each event follows the one before it, in number and in time."""
    before, after = by_case[:-1], by_case[1:]
    same = case[before] == case[after]
    wrong = same & ((seq[after] != seq[before] + 1) | (created_s[after] < created_s[before]))
    if wrong.any():
        # The first in the file, to be put right from the top.
        at = np.flatnonzero(wrong)[np.argmin(after[wrong])]
        row, previous = int(after[at]), int(before[at])
        name, number, last = rows.case[row], int(seq[row]), int(seq[previous])
        there = f"line {rows.line[previous]}"
        if number == last:
            raise rows.error(row, f"case {name!r} has another event {number}, in {there}")
        if number > last + 1:
            raise rows.error(row, f"case {name!r} has no event {last + 1} before this, {number}")
        raise rows.error(
            row, f"event {number} of case {name!r} is earlier than its event {last}, in {there}"
        )
    longest = np.bincount(case)
    if longest.max() > _MOST_EVENTS:
        row = int(np.flatnonzero(case == longest.argmax())[_MOST_EVENTS])
        raise rows.error(row, f"more than {_MOST_EVENTS:,} events of case {rows.case[row]!r}")


def _changes(rows: _Rows, by_case: NDArray[np.intp]) -> I64:
    """[rows] by how much each changed what its case is worth."""
    due = np.array([cents or 0 for cents in rows.expense], np.int64)
    worth: dict[str, int] = {}
    for row in by_case.tolist():
        amount = rows.amount[row]
        if amount is not None:
            name = rows.case[row]
            due[row] += amount - worth.get(name, 0)
            worth[name] = amount
    return due
