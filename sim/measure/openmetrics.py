"""Gauges over simulated time as a monitoring system reads them, and their alarms as gauges.

The file is OpenMetrics 1.0 text with a timestamp at every sample: what
``promtool tsdb create-blocks-from openmetrics`` takes in, and what Datadog's OpenMetrics check
parses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.measure.alarms import alarms


class Series(NamedTuple):
    """Samples of one source, such as one producer."""

    labels: Mapping[str, str]
    """By name of label (letters, digits and ``_``); values may be any text."""
    t_s: F64
    """[n] times of the samples, strictly ascending."""
    value: F64 | I64
    """[n]."""


@dataclass(frozen=True)
class Gauge:
    """One quantity, with a series for each of its sources; no two have the same labels."""

    name: str
    help: str
    series: tuple[Series, ...]
    unit: str = ""
    """As a plain noun (``records``); empty for a quantity without one."""

    @property
    def family(self) -> str:
        """The name in the file; it has to end in the unit."""
        return f"{self.name}_{self.unit}" if self.unit else self.name


def buffer_remaining(t_s: F64, by_producer: Mapping[str, I64]) -> Gauge:
    """``kafka_producer_buffer_remaining``: records accepted by ``send()`` and not yet done with.

    Args:
        t_s: [n] times of the samples, strictly ascending.
        by_producer: for each client id [n] records that were neither acknowledged nor failed.
    """
    return Gauge(
        "kafka_producer_buffer_remaining",
        "Records in a producer, neither acknowledged nor failed; a crash loses them.",
        tuple(Series({"client_id": name}, t_s, value) for name, value in by_producer.items()),
        "records",
    )


def alarm(gauge: Gauge, threshold: float, for_s: float = 0) -> Gauge:
    """For each series of ``gauge``: 1 at the samples at which `alarms` has the alarm on, else 0."""
    series = []
    for labels, t_s, value in gauge.series:
        on = np.zeros(t_s.size, np.int64)
        for from_s, until_s in alarms(t_s, value, threshold, for_s):
            on[(t_s >= from_s) & (t_s < until_s)] = 1
        series.append(Series(labels, t_s, on))
    lasting = f" for {for_s:g} s" if for_s else ""
    help_text = f"1 while {gauge.family} has been over {threshold:g}{lasting}."
    return Gauge(f"{gauge.name}_alarm", help_text, tuple(series))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _lines(gauge: Gauge, start_s: float) -> Iterator[str]:
    name = gauge.family
    yield f"# TYPE {name} gauge\n"
    if gauge.unit:
        yield f"# UNIT {name} {gauge.unit}\n"
    yield f"# HELP {name} {_escaped(gauge.help)}\n"
    for labels, t_s, value in gauge.series:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        source = f"{name}{{{inner}}}" if inner else name
        for at_s, v in zip((start_s + t_s).tolist(), value.tolist(), strict=True):
            yield f"{source} {v} {at_s}\n"


def write(path: Path, gauges: Iterable[Gauge], start_s: float = 0) -> None:
    """Write the gauges to a file; it appears whole or not at all.

    Args:
        path: the file, conventionally ``.om`` or ``.txt``.
        gauges: each with a name of its own.
        start_s: Unix time of the simulation's start, for a reader that wants recent samples.

    Raises:
        OSError: the folder is not there, or not writable.
    """
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        for gauge in gauges:
            file.writelines(_lines(gauge, start_s))
        file.write("# EOF\n")
    partial.replace(path)
