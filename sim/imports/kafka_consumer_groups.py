"""The output of ``kafka-consumer-groups --describe``, kept over time.

A snapshot is a header and a row per partition (``ConsumerGroupCommand`` in apache/kafka). Its time
stands before it on a line of its own, or at the start of each line::

    while true; do date -u +%FT%TZ; kafka-consumer-groups … --describe --group g; sleep 60; done
    while true; do kafka-consumer-groups … --describe --group g | ts '%FT%TZ'; sleep 60; done
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sim.foundation.errors import nearest
from sim.imports.measured import Measured, Sample, amount, complaint, consumers_of, instant

TOOL = "kafka-consumer-groups"
NO_COMMIT = "partitions without a committed offset have no lag, and are not in it"
NO_TIME = "the snapshot has no time; it is taken for the start of the run"

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_NEEDED = ("TOPIC", "PARTITION", "LAG")
_COLUMNS = (
    "GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG",
    "CONSUMER-ID", "HOST", "CLIENT-ID",
)  # fmt: skip


def from_text(path: Path, text: str) -> Measured:
    """Lag per group, over its topics and partitions; without a column GROUP, per topic.

    Raises:
        LabError: snapshots that no time tells apart, a header or a row that is not the tool's.
    """
    notes: list[str] = []
    partitions = list(_partitions(path, text, notes))
    samples = [Sample(one.group, "lag", one.at, one.lag) for one in partitions]
    measured = Measured.of(path, TOOL, "log", samples, notes)
    parts = pd.DataFrame(partitions, columns=list(_Partition._fields))
    parts = parts.rename(columns={"group": "name"}).sort_values("at", kind="stable")
    return replace(
        measured,
        offsets=_offsets(partitions),
        consumers=consumers_of(parts),
        parts=parts.reset_index(drop=True),
    )


class _Partition(NamedTuple):
    """A row of a snapshot."""

    group: str
    part: str
    """Its topic and number, as Kafka's own logs name it: ``orders-3``."""
    at: pd.Timestamp
    lag: float
    end: float
    """NaN: the tool did not say it."""
    committed: float
    consumer: str
    """The member that has it; "" if none."""


def _offsets(partitions: Sequence[_Partition]) -> pd.DataFrame | None:
    """Sums over partitions, at the times at which all of a group are there."""
    frame = pd.DataFrame(partitions, columns=list(_Partition._fields)).dropna()
    if frame.empty:
        return None
    its = frame.groupby(["group", "at"], sort=False)
    sums = its[["end", "committed"]].sum().assign(parts=its.size()).reset_index()
    whole = sums["parts"] == sums.groupby("group")["parts"].transform("max")
    tidy = sums[whole].rename(columns={"group": "name"}).sort_values("at", ignore_index=True)
    return tidy[["name", "at", "end", "committed"]]


def _partitions(path: Path, text: str, notes: list[str]) -> Iterator[_Partition]:
    at: pd.Timestamp | None = None
    taken: set[tuple[pd.Timestamp | None, str, str, str]] = set()
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line
        if time := _TIME.match(line):
            words = line[time.end() :]
        fields = words.split()
        # A line of a snapshot that carries its own time belongs to the snapshot's header.
        if time and (not fields or "TOPIC" in fields):
            at = instant(time.group(), path, number)
        if "TOPIC" in fields:
            header = _header(path, number, fields)
        elif header and len(fields) > header.index("LAG") and "'" not in words:
            row = dict(zip(header, fields, strict=False))
            if not row["PARTITION"].isdigit():
                if row["PARTITION"] != "-":
                    message = f"expected a partition's number, not {row['PARTITION']!r}"
                    raise complaint(path, message, number, "PARTITION")
                continue
            group = row.get("GROUP", row["TOPIC"])
            if (at, group, row["TOPIC"], row["PARTITION"]) in taken:
                raise complaint(
                    path,
                    f"partition {row['PARTITION']} of {row['TOPIC']} again, and no time between; "
                    "print one before each snapshot (date -u +%FT%TZ)",
                    number,
                )
            taken.add((at, group, row["TOPIC"], row["PARTITION"]))
            if row["LAG"] == "-":
                notes.append(NO_COMMIT)
                continue
            if at is None:
                notes.append(NO_TIME)
            lag = amount(path, number, "LAG", row["LAG"])
            end, committed = (_known(row.get(c)) for c in ("LOG-END-OFFSET", "CURRENT-OFFSET"))
            when = at or pd.Timestamp(0, tz="UTC")
            member = row.get("CONSUMER-ID", "-")
            part = f"{row['TOPIC']}-{row['PARTITION']}"
            yield _Partition(
                group, part, when, lag, end, committed, "" if member == "-" else member
            )


def _known(offset: str | None) -> float:
    return float(offset) if offset and offset.isdigit() else nan


def _header(path: Path, number: int, fields: list[str]) -> list[str]:
    for needed in _NEEDED:
        if needed not in fields:
            near = nearest(needed, fields)
            hint = f"; is {near!r} meant?" if near else f"; its columns are {', '.join(_COLUMNS)}"
            raise complaint(path, f"no column {needed}{hint}", number)
    return fields
