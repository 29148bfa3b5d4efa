"""Counts of arrivals that were recorded: a CSV file, read into a total for each interval.

It is gzipped if its name ends in ``.gz``. The first row is a header; then the first column is an
ascending ISO 8601 timestamp, UTC if it has no offset, and the others are counts. Rows may be
missing where nothing was counted.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from sim.foundation import files
from sim.foundation.arrays import F64, I64
from sim.foundation.errors import LabError, nearest
from sim.foundation.units import shown
from sim.scenario.load import Trace

if TYPE_CHECKING:
    import pandas as pd

_MOST_SLOTS = 1 << 53
"""Intervals of a trace: beyond, their times cannot be told apart."""
_EXAMPLE = "1998-06-30T18:00:00"


@dataclass
class _CountRows:
    """The rows of one column of counts, as they stand."""

    path: Path
    line: list[int] = field(default_factory=list)
    time: list[str] = field(default_factory=list)
    count: list[str] = field(default_factory=list)

    def error(self, row: int, message: str) -> LabError:
        return LabError(f"{self.path}:{self.line[row]}: {message}")


class Totals(NamedTuple):
    """Messages in equal intervals; those that are not named have none."""

    slot: I64
    """[named] which interval, from 0, ascending."""
    messages: NDArray[Any]
    """[named] how many arrive in it."""
    slots: int
    """Intervals in all."""
    interval_s: float
    """Length of each."""


def read(trace: Trace) -> Totals:
    """What a trace counts from its `start` to its `end`.

    Raises:
        LabError: there is no such file, or it is not as the head of this module says; the message
            names the line.
    """
    path = trace.file
    try:
        with files.open_text(path, "utf-8-sig", newline="") as file:
            rows = _read_rows(path, file, trace.column)
    except csv.Error as error:
        raise LabError(f"{path}: cannot be read as CSV: {error}") from None
    except (OSError, UnicodeError, *files.PACKED) as error:
        raise LabError(f"{path}: {files.why(error)}") from None
    times, counts = _times(rows), _counts(rows)
    interval_s = trace.interval or _interval_s(rows, times)
    inside = np.ones(len(times), bool)
    for bound, keep in ((trace.start, times.ge), (trace.end, times.lt)):
        if bound is not None:
            inside &= keep(_instant(bound)).to_numpy()
    if not inside.any():
        raise rows.error(
            -1,
            f"nothing between {trace.start or 'its start'} and {trace.end or 'its end'}; it goes "
            f"from {times.iloc[0]} in line {rows.line[0]} to {times.iloc[-1]} in this one",
        )
    times, counts = times[inside], counts[inside]
    seconds = (times - times.iloc[0]).dt.total_seconds().to_numpy()
    if seconds[-1] / interval_s > _MOST_SLOTS:
        raise rows.error(
            -1,
            f"from {times.iloc[0]} to {times.iloc[-1]} there are too many intervals of "
            f"{interval_s:g} s; give a longer `interval`, or `start` and `end`",
        )
    slots = np.round(seconds / interval_s).astype(np.int64)
    slot, row = np.unique(slots, return_inverse=True)
    return Totals(slot, np.bincount(row, counts), int(slots[-1]) + 1, interval_s)


def _read_rows(path: Path, file: TextIO, column: str | int | None) -> _CountRows:
    reader = csv.reader(file)
    header = next(reader, [])
    _check_header(path, header)
    at = _column(path, header, 1 if column is None else column)
    rows = _CountRows(path)
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            raise LabError(
                f"{path}:{reader.line_num}: {len(row)} fields where the header has {len(header)}"
            )
        rows.line.append(reader.line_num)
        rows.time.append(row[0])
        rows.count.append(row[at])
    if not rows.line:
        raise LabError(f"{path}:{max(1, reader.line_num)}: no rows below the header")
    return rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    import pandas as pd

    if len(header) < 2:
        raise LabError(
            f"{path}:1: not a trace: expected CSV with two columns or more, a timestamp and a "
            f"count, not {shown(','.join(header))}"
        )
    first, *others = header
    in_digits = any(map(str.isdigit, first)) and all(map(_is_number, others))
    if in_digits or not pd.isna(pd.to_datetime(first, format="ISO8601", errors="coerce", utc=True)):
        raise LabError(
            f"{path}:1: expected a header, such as 'timestamp,count', not a row of numbers "
            f"({shown(','.join(header))}); the first row is never counted"
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _column(path: Path, header: Sequence[str], column: str | int) -> int:
    if isinstance(column, int):
        if not 0 < column < len(header):
            raise LabError(
                f"{path}:1: no column {column}; the last one is {len(header) - 1}, and 0 is the "
                "timestamp"
            )
        return column
    if column not in header:
        near = nearest(column, header)
        hint = f"did you mean {near!r}?" if near else f"it has {', '.join(header)}"
        raise LabError(f"{path}:1: no column {column!r}; {hint}")
    return header.index(column)


def _times(rows: _CountRows) -> "pd.Series[pd.Timestamp]":
    import pandas as pd

    times = pd.to_datetime(pd.Series(rows.time), utc=True, format="ISO8601", errors="coerce")
    unread = np.flatnonzero(times.isna())
    if unread.size:
        row = int(unread[0])
        raise rows.error(row, f"expected a time such as {_EXAMPLE}, not {shown(rows.time[row])}")
    back = np.flatnonzero(times.diff().dt.total_seconds().to_numpy() < 0)
    if back.size:
        row = int(back[0])
        raise rows.error(
            row,
            f"the timestamps do not ascend: {rows.time[row]} after {rows.time[row - 1]} in line "
            f"{rows.line[row - 1]}",
        )
    return times


def _counts(rows: _CountRows) -> F64:
    import pandas as pd

    counts = pd.to_numeric(pd.Series(rows.count), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~(np.isfinite(counts) & (counts >= 0)))
    if bad.size:
        row = int(bad[0])
        raise rows.error(row, f"expected a count, 0 or more, not {shown(rows.count[row])}")
    return counts


def _interval_s(rows: _CountRows, times: "pd.Series[pd.Timestamp]") -> float:
    """The shortest step between two rows, s."""
    steps = times.diff().dt.total_seconds().to_numpy()
    interval_s = float(np.min(steps[steps > 0], initial=np.inf))
    if interval_s == np.inf:
        raise rows.error(-1, "no interval to be seen in one time; give `interval`")
    return interval_s


def _instant(words: str) -> "pd.Timestamp":
    import pandas as pd

    instant = pd.Timestamp(words)
    return instant.tz_localize("UTC") if instant.tzinfo is None else instant
