"""A panel of Grafana as CSV: Inspect, Data, Download CSV.

One row a time, one column a series, named as in the panel's legend. Times are epoch milliseconds,
or, with "Formatted data", words without an offset; "Download for Excel" begins with ``sep=,``
(https://grafana.com/docs/grafana/latest/panels-visualizations/panel-inspector/).
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sim.imports.measured import Measure, Measured, Sample, amount, complaint, instant
from sim.imports.prometheus import GROUP_LABELS

TOOL = "Grafana"
UTC = "times without an offset are taken for UTC; Grafana writes those of its own setting"
_TIMES = ("time", "timestamp", "date")
_GAPS = ("", "null", "undefined", "nan", "n/a")
_LABEL = re.compile(r"(\w+)=\"*([^\",}]+)")
_SECONDS = re.compile(r"second|\bage\b|_age_|time.?lag", re.IGNORECASE)


def is_csv(text: str) -> bool:
    """Whether it may be one: its first column is a time."""
    return _header(text)[:1] != [] and _header(text)[0].lower() in _TIMES


def _header(text: str) -> list[str]:
    lines = [line for line in text[:20_000].splitlines() if not line.startswith("sep=")]
    first = next(csv.reader(lines[:1]), [])
    return [name.strip() for name in first] if len(first) > 1 else []


def from_csv(path: Path, text: str) -> Measured:
    """Lag as a panel shows it; series of the same group are its partitions, and add up.

    Raises:
        LabError: a time that is none, or a value that is no plain number.
    """
    notes: list[str] = []
    samples = list(_samples(path, text, notes))
    queues = any("queue" in title.lower() for title in _header(text))
    return Measured.of(path, TOOL, "queue" if queues else "log", samples, notes)


def _samples(path: Path, text: str, notes: list[str]) -> Iterator[Sample]:
    reader = csv.reader(text.splitlines())
    columns: list[tuple[str, Measure]] = []
    try:
        for row in reader:
            number = reader.line_num
            if not any(row) or (not columns and row[0].startswith("sep=")):
                continue
            if not columns:
                columns = [(_name(title), _measure(title)) for title in row[1:]]
                continue
            at = _time(path, number, row[0], notes)
            for (name, measure), words in zip(columns, row[1:], strict=False):
                if words.strip().lower() not in _GAPS:
                    yield Sample(name, measure, at, _value(path, number, name, words))
    except csv.Error as error:
        raise complaint(path, f"cannot be read as CSV: {error}", reader.line_num) from None


def _time(path: Path, number: int, words: str, notes: list[str]) -> pd.Timestamp:
    if words.isdigit():
        since = float(words)
        return instant(since / 1e3 if since > 1e11 else since, path, number, "Time")
    if UTC not in notes and not re.search(r"Z$|[+-]\d\d:?\d\d$", words):
        notes.append(UTC)
    return instant(words, path, number, "Time")


def _value(path: Path, number: int, name: str, words: str) -> float:
    try:
        float(words)
    except ValueError:
        message = f"expected a number, not {words!r}; download it without 'Formatted data'"
        raise complaint(path, message, number, name) from None
    return amount(path, number, name, words)


def _name(title: str) -> str:
    """The group or queue that a legend names, else the legend."""
    labels = dict(_LABEL.findall(title))
    return next((labels[key] for key in GROUP_LABELS if key in labels), title.strip())


def _measure(title: str) -> Measure:
    return "time_lag_s" if _SECONDS.search(title) else "lag"
