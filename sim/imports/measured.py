"""Lag that was measured, as one tidy table, whatever the tool that exported it."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from sim.foundation import files
from sim.foundation.arrays import F64
from sim.foundation.errors import LabError, Problem
from sim.foundation.text import count
from sim.foundation.units import shown

Measure = Literal["lag", "time_lag_s"]

MOST_BYTES = 16 << 20
"""Of a file: half a million samples. What is read of it takes twenty times as much memory."""
MOST_LEVELS = 32
"""Objects and arrays of JSON inside each other."""

_T = TypeVar("_T", dict[str, Any], list[Any], str)
_KINDS: Mapping[type, str] = {dict: "an object", list: "an array", str: "a text"}

_OF_A_DAY = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_SIGNS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
"""What opens and closes in JSON; texts are passed over."""
_LONG_NUMBER = re.compile(r"\d{4000}")


class Sample(NamedTuple):
    """One number read from an export."""

    name: str
    """Group or queue."""
    measure: Measure
    """``lag`` in messages, as a column of the series; or ``time_lag_s``."""
    at: pd.Timestamp
    """When, UTC."""
    value: float


@dataclass(frozen=True)
class Measured:
    """Lag of groups or queues, as exported."""

    source: str
    """The file, and the tool whose format it has."""
    kind: Literal["log", "queue"]
    """What kind of system it was measured at."""
    samples: pd.DataFrame
    """A row per ``name``, ``measure`` and time ``at`` (UTC): its ``value``; ascending in time."""
    notes: tuple[str, ...] = ()
    """What was left out or taken for granted."""
    begins: pd.Timestamp | None = None
    """When the run began; None: the export does not say."""
    latency: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """End-to-end latency of a name: shares of the messages, and s that they took at most."""
    offsets: pd.DataFrame | None = None
    """A row per ``name`` and time ``at``: ``end`` and ``committed``, summed over the partitions;
    None: the export has none."""
    consumers: Mapping[str, int] = field(default_factory=dict)
    """How many consumers a name had in the last sample, where the export says it."""
    parts: pd.DataFrame | None = None
    """A row per ``name``, ``part`` (``orders-3``) and time ``at``, ascending: its ``lag``, ``end``,
    ``committed`` and ``consumer`` ("" if none has it); None: the export has no partitions."""

    @classmethod
    def of(
        cls,
        path: Path,
        tool: str,
        kind: Literal["log", "queue"],
        samples: Iterable[Sample],
        notes: Iterable[str] = (),
        complete: bool = False,
    ) -> "Measured":
        """Gather samples; those of one name, measure and time are of its parts (partitions).

        Messages in the parts add up, and the oldest message is that of the part furthest behind.

        Args:
            path: the file.
            tool: whose format it has.
            kind: what kind of system it was measured at.
            samples: in any order; NaN is a gap.
            notes: what was left out or taken for granted.
            complete: times at which a part is missing count as gaps.

        Raises:
            LabError: there is none.
        """
        given = pd.DataFrame(list(samples), columns=list(Sample._fields))
        frame = given.dropna()
        if gaps := len(given) - len(frame):
            are = "sample is" if gaps == 1 else "samples are"
            notes = [*notes, f"{count(gaps)} {are} no number (NaN or infinite), and not in it"]
        if frame.empty:
            raise complaint(path, f"no sample of lag in this {tool}")
        by = ["name", "measure", "at"]
        values = frame.groupby(by, sort=False)["value"]
        sums = values.agg(lag="sum", time_lag_s="max", parts="size").reset_index()
        sums["value"] = np.where(sums["measure"] == "lag", sums["lag"], sums["time_lag_s"])
        if complete:
            of_all = sums.groupby(["name", "measure"])["parts"].transform("max")
            whole = sums["parts"] == of_all
            if missing := int((~whole).sum()):
                are = "time" if missing == 1 else "times"
                notes = [*notes, f"{count(missing)} {are} at which a part is missing: not in it"]
            sums = sums[whole]
        tidy = sums[[*by, "value"]].sort_values(by[::-1], ignore_index=True)
        return cls(f"{path.name} ({tool})", kind, tidy, tuple(dict.fromkeys(notes)))

    @property
    def start(self) -> pd.Timestamp:
        """When the run began, or the time of the first sample."""
        if self.begins is not None:
            return self.begins
        first: pd.Timestamp = self.samples["at"].iloc[0]
        return first

    def until(self, at: pd.Timestamp) -> "Measured":
        """What the export held at a time: its samples up to then.

        Raises:
            LabError: it has none, or ends before.
        """
        times = self.samples["at"]
        if not times.iloc[0] <= at <= times.max():
            raise LabError(
                f"{self.source} reaches from {times.iloc[0]:%Y-%m-%d %H:%M:%S} to "
                f"{times.max():%Y-%m-%d %H:%M:%S} UTC, and {at:%Y-%m-%d %H:%M:%S} is not in it"
            )
        offsets, parts = (
            None if its is None else its[its["at"] <= at] for its in (self.offsets, self.parts)
        )
        consumers = self.consumers if parts is None else consumers_of(parts)
        samples = self.samples[times <= at]
        return replace(self, samples=samples, offsets=offsets, parts=parts, consumers=consumers)

    def moment(self, words: str) -> pd.Timestamp:
        """A time given by hand, UTC: a whole one, or a time of day, then the last such in it.

        Raises:
            LabError: it is no time.
        """
        if not _OF_A_DAY.fullmatch(words.strip()):
            return instant(words)
        last: pd.Timestamp = self.samples["at"].max()
        try:
            on_last = last.normalize() + pd.Timedelta(_whole(words.strip()))
        except ValueError:
            raise LabError(
                f"{shown(words)} is not a time of day; write 20:14 or 20:14:30"
            ) from None
        return on_last if on_last <= last else on_last - pd.Timedelta(days=1)

    def measures(self, measure: Measure) -> bool:
        """Whether there is a sample of it."""
        return bool((self.samples["measure"] == measure).any())

    def lines(
        self, measure: Measure, start: str | pd.Timestamp | None = None
    ) -> Mapping[str, tuple[F64, F64]]:
        """Name -> times in s since `start` (the first sample if None), and values.

        Raises:
            LabError: `start` is not a time.
        """
        zero = self.start if start is None else instant(start)
        rows = self.samples[self.samples["measure"] == measure]
        out: dict[str, tuple[F64, F64]] = {}
        for name, those in rows.groupby("name", sort=False):
            t_s = (those["at"] - zero).dt.total_seconds()
            out[str(name)] = np.asarray(t_s, np.float64), np.asarray(those["value"], np.float64)
        return out


def consumers_of(parts: pd.DataFrame) -> Mapping[str, int]:
    """Different members that had a partition at the last time of each name."""
    last = parts[parts["at"] == parts.groupby("name")["at"].transform("max")]
    members = last[last["consumer"] != ""].groupby("name", sort=False)["consumer"].nunique()
    return {str(name): int(n) for name, n in members.items()}


def _whole(words: str) -> str:
    """A time of day with seconds, as a length of time.

    Raises:
        ValueError: it is past midnight.
    """
    whole = words if words.count(":") == 2 else f"{words}:00"
    time.fromisoformat(whole.rjust(8, "0"))
    return whole


def instant(
    words: object, path: Path | None = None, line: int | None = None, where: str = ""
) -> pd.Timestamp:
    """A moment in UTC.

    Args:
        words: the moment in words; a number is seconds since 1970.
        path: the file in which it stands; None: it was given by hand.
        line: in it.
        where: the key or column.

    Raises:
        LabError: it is none.
    """
    try:
        if isinstance(words, float):
            at = pd.Timestamp(words, unit="s", tz="UTC")
        else:
            at = pd.to_datetime(words)  # type: ignore[call-overload]
        if not isinstance(at, pd.Timestamp):
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        message = f"{shown(words)} is not a time; write 2024-05-01T20:00:00Z"
        raise (complaint(path, message, line, where) if path else LabError(message)) from None
    return at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")


def amount(path: Path, line: int | None, where: str, value: object) -> float:
    """A count or a duration, 0 or more; NaN if the export has a gap there.

    Raises:
        LabError: it is neither.
    """
    try:
        number = float(str(value))
    except ValueError:
        raise complaint(path, f"expected a number, not {shown(value)}", line, where) from None
    if math.isinf(number):
        return math.nan
    if number < 0:
        raise complaint(path, f"expected 0 or more, not {shown(value)}", line, where)
    return number


def part(path: Path, whole: object, key: str, kind: type[_T], where: str) -> _T:
    """A part of JSON, empty if it is not there.

    Args:
        path: the file.
        whole: the object that it is part of.
        key: its key there.
        kind: dict, list or str.
        where: what the object is called in an error.

    Raises:
        LabError: the whole is no object, or the part is of another kind.
    """
    if not isinstance(whole, dict):
        raise complaint(path, f"expected {_KINDS[dict]}, not {shown(whole)}", None, where)
    found = whole.get(key)
    if found is None:
        return kind()
    if not isinstance(found, kind):
        message = f"expected {_KINDS[kind]}, not {shown(found)}"
        raise complaint(path, message, None, f"{where}.{key}".lstrip("."))
    return found


def text_of(path: Path, formats: str) -> str:
    """What a file holds.

    Args:
        path: the file.
        formats: what an error should say was expected in it.

    Raises:
        LabError: it cannot be read, is not text, or is longer than `MOST_BYTES`.
    """
    try:
        return files.read_text(path, "utf-8-sig", MOST_BYTES)
    except OSError as error:
        raise complaint(path, files.why(error)) from None
    except UnicodeDecodeError as error:
        raise complaint(path, f"{files.why(error)}; expected {formats}") from None


def json_of(path: Path, text: str) -> object:
    """The text of a file as data.

    Raises:
        LabError: it is not JSON, or deeper than `MOST_LEVELS`.
    """
    _check_depth(path, text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise complaint(path, f"unreadable JSON: {error.msg}", error.lineno) from None
    except ValueError:  # Python converts no longer ones, since that takes the square of the length
        line = _line_at(text, _LONG_NUMBER.search(text))
        raise complaint(path, "unreadable JSON: a number of thousands of digits", line) from None


def _check_depth(path: Path, text: str) -> None:
    """Refuse JSON that is deeper than any export.

    Raises:
        LabError: it is.
    """
    level = 0
    for sign in _SIGNS.finditer(text):
        if sign[0] in "[{":
            level += 1
            if level > MOST_LEVELS:
                message = f"more than {MOST_LEVELS} levels of objects and arrays in each other"
                raise complaint(path, message, _line_at(text, sign))
        elif sign[0] in "]}":
            level -= 1


def _line_at(text: str, found: re.Match[str] | None) -> int | None:
    return None if found is None else text.count("\n", 0, found.start()) + 1


def complaint(path: Path, message: str, line: int | None = None, where: str = "") -> LabError:
    """An error about a place in a file."""
    return LabError(str(Problem(str(path), line, where, message)))
