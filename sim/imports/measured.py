"""Lag that was measured, as one tidy table, whatever the tool that exported it."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from sim.foundation import files
from sim.foundation.arrays import F64
from sim.foundation.errors import LabError, Problem

Measure = Literal["lag", "time_lag_s"]


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
        frame = pd.DataFrame(list(samples), columns=list(Sample._fields)).dropna()
        if frame.empty:
            raise complaint(path, f"no sample of lag in this {tool}")
        by = ["name", "measure", "at"]
        values = frame.groupby(by, sort=False)["value"]
        sums = values.agg(lag="sum", time_lag_s="max", parts="size").reset_index()
        sums["value"] = np.where(sums["measure"] == "lag", sums["lag"], sums["time_lag_s"])
        if complete:
            of_all = sums.groupby(["name", "measure"])["parts"].transform("max")
            sums = sums[sums["parts"] == of_all]
        whole = sums[[*by, "value"]].sort_values(by[::-1], ignore_index=True)
        return cls(f"{path.name} ({tool})", kind, whole, tuple(dict.fromkeys(notes)))

    @property
    def start(self) -> pd.Timestamp:
        """Time of the first sample."""
        first: pd.Timestamp = self.samples["at"].iloc[0]
        return first

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


def instant(words: str | pd.Timestamp) -> pd.Timestamp:
    """A moment in UTC.

    Raises:
        LabError: it is none.
    """
    try:
        at = pd.to_datetime(words)
        if not isinstance(at, pd.Timestamp):
            raise ValueError
    except ValueError:
        raise LabError(f"{words!r} is not a time; write 2024-05-01T20:00:00Z") from None
    return at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")


def amount(path: Path, line: int | None, where: str, value: object) -> float:
    """A count or a duration, 0 or more; NaN if the export has a gap there.

    Raises:
        LabError: it is neither.
    """
    try:
        number = float(str(value))
    except ValueError:
        raise complaint(path, f"expected a number, not {value!r}", line, where) from None
    if math.isinf(number):
        return math.nan
    if number < 0:
        raise complaint(path, f"expected 0 or more, not {value!r}", line, where)
    return number


def text_of(path: Path, formats: str) -> str:
    """What a file holds.

    Args:
        path: the file.
        formats: what an error should say was expected in it.

    Raises:
        LabError: it cannot be read, or is not text.
    """
    try:
        return files.read_text(path, "utf-8-sig")
    except OSError as error:
        raise complaint(path, files.why(error)) from None
    except UnicodeDecodeError as error:
        raise complaint(path, f"{files.why(error)}; expected {formats}") from None


def json_of(path: Path, text: str) -> object:
    """The text of a file as data.

    Raises:
        LabError: it is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise complaint(path, f"unreadable JSON: {error.msg}", error.lineno) from None


def complaint(path: Path, message: str, line: int | None = None, where: str = "") -> LabError:
    """An error about a place in a file."""
    return LabError(str(Problem(str(path), line, where, message)))
