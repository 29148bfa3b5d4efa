"""What the OpenMessaging Benchmark wrote of a run: rates, backlog, and whole latency distributions.

Its fields are those of ``TestResult.java`` in openmessaging/benchmark: lists with a number every
ten seconds, and the quantiles of the whole run. Latencies are in ms. The file has no clock; the run
is taken to begin at 1970-01-01 00:00 UTC.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from sim.foundation import quantiles
from sim.foundation.text import count
from sim.foundation.units import shown
from sim.imports.measured import Measured, Sample, amount, complaint, json_of, part, text_of

TOOL = "OpenMessaging Benchmark"
EVERY_S = 10
"""Between two samples: ``WorkloadGenerator.printAndCollectStats`` sleeps so long."""
FORMAT = "a result of the OpenMessaging Benchmark: JSON with 'publishRate', 'backlog', …"
Of = Literal["publish", "end-to-end"]
_QUANTILES: Mapping[Of, str] = {
    "publish": "aggregatedPublishLatencyQuantiles",
    "end-to-end": "aggregatedEndToEndLatencyQuantiles",
}
_LOGS = ("kafka", "pulsar", "pravega", "bookkeeper", "redpanda")
_BEGIN = pd.Timestamp(0, unit="s", tz="UTC")


@dataclass(frozen=True)
class BenchmarkResult:
    """One run of the benchmark."""

    workload: str
    """Name of the workload; empty if the file has none."""
    driver: str
    """Which product it was run on."""
    rates: Mapping[str, Sequence[float]]
    """``publishRate`` and ``consumeRate``, 1/s: a number every `EVERY_S`."""
    backlog: Sequence[float]
    """Messages published and not consumed, every `EVERY_S`; below 0: counts are taken late."""
    latency: Mapping[Of, Sequence[tuple[float, float]]]
    """Share of the messages and the duration in s that they took at most, ascending."""


def is_result(data: object) -> bool:
    """Whether JSON is of this format."""
    return isinstance(data, dict) and "publishRate" in data and "driver" in data


def read(path: Path) -> BenchmarkResult:
    """A result file.

    Raises:
        LabError: the file cannot be read, is of another format, or a value in it is wrong.
    """
    data = json_of(path, text_of(path, FORMAT))
    if not is_result(data):
        raise complaint(path, f"expected {FORMAT}")
    return of_json(path, data)


def of_json(path: Path, data: Any) -> BenchmarkResult:
    """The result in JSON of which `is_result` is true.

    Raises:
        LabError: a value in it is wrong; the message names its key.
    """
    lists = {key: _numbers(path, data, key) for key in ("publishRate", "consumeRate", "backlog")}
    for key, values in lists.items():
        if values and len(values) != len(lists["publishRate"]):
            expected = f"expected {count(len(lists['publishRate']))} numbers, as in publishRate"
            raise complaint(path, f"{expected}, not {count(len(values))}", None, key)
    latency = {of: _quantiles(path, data, key) for of, key in _QUANTILES.items()}
    return BenchmarkResult(
        part(path, data, "workload", str, ""),
        part(path, data, "driver", str, ""),
        {key: lists[key] for key in ("publishRate", "consumeRate")},
        lists["backlog"],
        {of: points for of, points in latency.items() if points},
    )


def measured(path: Path, data: object) -> Measured | None:
    """A result as what can be laid over a run: backlog, and end-to-end latency; None: it is none.

    Raises:
        LabError: as `of_json`.
    """
    if not is_result(data):
        return None
    found = of_json(path, data)
    name = (found.driver or "benchmark").lower()
    notes = [f"it has no clock: a sample every {EVERY_S} s, from 00:00 on"]
    below = sum(value < 0 for value in found.backlog)
    if below:
        samples = "sample is" if below == 1 else "samples are"
        notes.append(f"{count(below)} {samples} below 0, since counts are taken late: 0 here")
    samples_of = [
        Sample(name, "lag", _BEGIN + pd.Timedelta(seconds=EVERY_S * i), max(0.0, value))
        for i, value in enumerate(found.backlog, 1)
    ]
    kind: Literal["log", "queue"] = "log" if any(log in name for log in _LOGS) else "queue"
    made = Measured.of(path, TOOL, kind, samples_of, notes)
    return Measured(
        made.source,
        kind,
        made.samples,
        made.notes,
        begins=_BEGIN,
        latency={name: tuple(found.latency["end-to-end"])} if "end-to-end" in found.latency else {},
    )


def lines(found: BenchmarkResult) -> Iterator[str]:
    """What a result holds, in words: a line for each quantity."""
    for key, what in (("publishRate", "published"), ("consumeRate", "consumed")):
        if values := [value for value in found.rates[key] if not math.isnan(value)]:
            yield f"{what}: {np.mean(values):,.0f} msg/s on average, {len(values)} samples"
    if backlog := [value for value in found.backlog if not math.isnan(value)]:
        yield f"backlog: {max(0.0, max(backlog)):,.0f} messages at most"
    for of, points in found.latency.items():
        shares, values_s = np.array(points).T
        at = {q: np.interp(q, shares, values_s) * 1e3 for q in (0.5, 0.95, 0.99, 0.999)}
        words = ", ".join(f"p{q * 100:g} {value:.3g}" for q, value in at.items())
        longest = f"longest {values_s[-1] * 1e3:.4g}; {len(points)} quantiles"
        yield f"{of} latency, ms: {words}, {longest}"


def table(path: Path, found: BenchmarkResult, of: Of) -> tuple[str, tuple[str, ...]]:
    """A distribution as the text of a CSV that `{csv: …}` reads, and what was left out of it.

    Args:
        path: of the result, for errors.
        found: what it holds.
        of: which latency.

    Raises:
        LabError: there are no quantiles of it, or they are no distribution.
    """
    points = found.latency.get(of, ())
    kept = [(share, value_s) for share, value_s in points if value_s > 0.0]
    try:
        quantiles.curve(kept)
    except quantiles.BadCurveError as error:
        raise complaint(path, str(error), None, _QUANTILES[of]) from None
    left = len(points) - len(kept)
    are = "quantile is" if left == 1 else "quantiles are"
    notes = (f"{count(left)} {are} 0 ms, and not in it: clocks that differ",) if left else ()
    rows = [f"{share * 100!r},{value_s * 1e3!r}" for share, value_s in kept]
    return "\n".join(["percentile,ms", *rows]) + "\n", notes


def _numbers(path: Path, data: Any, key: str) -> list[float]:
    values = []
    for i, value in enumerate(part(path, data, key, list, "")):
        # A backlog below 0 is a count that was taken late.
        below = key == "backlog" and isinstance(value, int | float) and value < 0
        where = f"{key}[{i}]"
        values.append(
            -amount(path, None, where, -value) if below else amount(path, None, where, value)
        )
    return values


def _quantiles(path: Path, data: Any, key: str) -> list[tuple[float, float]]:
    points = []
    for percentile, value in part(path, data, key, dict, "").items():
        where = f"{key}.{percentile}"
        share, value_ms = _share(path, percentile, where), amount(path, None, where, value)
        if math.isnan(value_ms):
            raise complaint(path, f"expected a number of ms, not {shown(value)}", None, where)
        points.append((share, value_ms / 1e3))
    points.sort()
    for i, (before, after) in enumerate(pairwise(points)):
        if after[1] < before[1] or after[0] == before[0]:
            message = "quantiles must ascend, and durations must not fall where they rise"
            raise complaint(path, message, None, f"{key}: number {i + 2}")
    return points


def _share(path: Path, percentile: str, where: str) -> float:
    try:
        share = float(percentile) / 100.0
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        message = f"expected a percentile, 0 to 100, not {shown(percentile)}"
        raise complaint(path, message, None, where)
    return share
