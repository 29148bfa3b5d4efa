"""How many messages arrive in each short cell of time: from a profile, from counts or a trace.

A profile is the rate of a non-homogeneous Poisson process; counts and traces are totals, which are
kept. With ``dispersion`` D > 1 the count of a second has D times the variance of its mean, as a
gamma-mixed (negative binomial) count has.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64, I64
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario, Segment, Trace

_LEAST_CELLS = 1_000


class Cells(NamedTuple):
    """Counts of arrivals in cells; inside a cell they are spread evenly at random."""

    edges_s: F64
    """[cells + 1]"""
    counts: I64
    """[cells]"""


def draw(scenario: Scenario, rng: np.random.Generator) -> Cells:
    """Draw the arrivals of a scenario.

    Args:
        scenario: its profile, counts or trace, with dispersion, multiplier and scale.
        rng: source of the draws.

    Raises:
        LabError: the trace cannot be read.
    """
    arrivals = scenario.workload.arrivals
    factor = arrivals.multiply * scenario.scale
    if arrivals.profile is not None:
        return _from_profile(arrivals.profile, factor, arrivals.dispersion, scenario.duration, rng)
    totals, interval_s = _totals(scenario)
    scaled = np.diff(np.round(np.cumsum(totals) * factor), prepend=0.0).astype(np.int64)
    return _from_totals(scaled, interval_s, arrivals.dispersion, rng)


def expected(scenario: Scenario) -> tuple[float, float]:
    """Messages to expect in all, and the greatest mean rate over a second (or interval), 1/s."""
    arrivals = scenario.workload.arrivals
    factor = arrivals.multiply * scenario.scale
    if arrivals.profile is not None:
        edges_s = _edges(scenario.duration)
        means = np.diff(_cumulative(arrivals.profile, edges_s)) * factor
        return float(means.sum()), float((means / np.diff(edges_s)).max())
    totals, interval_s = _totals(scenario)
    return float(totals.sum() * factor), float(totals.max() * factor / interval_s)


def _edges(duration_s: float) -> F64:
    """Cells of a whole fraction of a second, a second at most, and a thousand at least."""
    parts = max(1, int(np.ceil(_LEAST_CELLS / duration_s)))
    cells = int(np.ceil(duration_s * parts - 1e-9))
    edges_s = np.arange(cells + 1) / parts
    edges_s[-1] = duration_s
    return edges_s


def _cumulative(profile: list[Segment], t: F64) -> F64:
    """Expected arrivals up to each time ``t`` (s)."""
    out = np.zeros(t.size)
    start = 0.0
    for segment in profile:
        local = np.clip(t - start, 0.0, segment.for_)
        out += _integral(segment, local)
        start += segment.for_
    return out


def _integral(segment: Segment, t: F64) -> F64:
    """Expected arrivals in the first ``t`` seconds of a segment."""
    if segment.rate is not None:
        return segment.rate * t
    if segment.from_ is not None and segment.to is not None:
        return segment.from_ * t + (segment.to - segment.from_) * t**2 / (2 * segment.for_)
    if segment.spike is not None:
        s = segment.spike
        rising = np.clip(t - (s.at - s.rise), 0.0, s.rise)
        area = rising**2 / (2 * s.rise) if s.rise > 0 else np.zeros(t.size)
        area = area + s.decay * -np.expm1(-np.clip(t - s.at, 0.0, None) / s.decay)
        return s.base * t + (s.peak - s.base) * area
    assert segment.sine is not None
    w = segment.sine
    turn = 2 * np.pi / w.period
    return w.mean * t + w.amplitude / turn * (1 - np.cos(turn * t))


def _from_profile(
    profile: list[Segment],
    factor: float,
    dispersion: float,
    duration_s: float,
    rng: np.random.Generator,
) -> Cells:
    edges_s = _edges(duration_s)
    # Rounding can leave a cell of a zero rate a hair below zero.
    means = np.diff(_cumulative(profile, edges_s)).clip(0.0) * factor
    if dispersion > 1:
        second = np.floor(edges_s[:-1] + 1e-9).astype(np.int64)
        per_second = np.bincount(second, means).astype(np.float64)
        means = means * _unit_gamma(per_second, dispersion, rng)[second]
    return Cells(edges_s, rng.poisson(means).astype(np.int64))


def _unit_gamma(means: F64, dispersion: float, rng: np.random.Generator) -> F64:
    """Factors of mean 1 that make Poisson counts of ``means`` over-dispersed."""
    shape = np.maximum(means, 1e-12) / (dispersion - 1)
    return rng.standard_gamma(shape) / shape


def _totals(scenario: Scenario) -> tuple[F64, float]:
    """[intervals] messages in each, and the interval's length in s."""
    arrivals = scenario.workload.arrivals
    if arrivals.counts is not None:
        return np.asarray(arrivals.counts.values, np.float64), arrivals.counts.interval
    assert arrivals.trace is not None
    totals, interval_s = _read_trace(arrivals.trace)
    return totals[: int(min(totals.size, np.ceil(scenario.duration / interval_s)))], interval_s


def _from_totals(
    totals: I64, interval_s: float, dispersion: float, rng: np.random.Generator
) -> Cells:
    cells = max(1, int(np.ceil(interval_s - 1e-9)))
    weights = np.ones((totals.size, cells))
    if dispersion > 1 and cells > 1:
        means = np.repeat(totals[:, None] / cells, cells, axis=1)
        # An interval with hardly any messages can draw nothing but zeros; spread it evenly.
        weights = _unit_gamma(means, dispersion, rng).clip(1e-300)
    shares = weights / weights.sum(axis=1, keepdims=True)
    counts = rng.multinomial(totals, shares).ravel()
    edges_s: F64 = np.arange(counts.size + 1) * np.float64(interval_s / cells)
    return Cells(edges_s, counts)


def _read_trace(trace: Trace) -> tuple[F64, float]:
    path = trace.file
    try:
        frame = pd.read_csv(path)
        times = pd.to_datetime(frame.iloc[:, 0], utc=True, format="ISO8601")
    except (OSError, ValueError, IndexError, pd.errors.ParserError) as error:
        raise LabError(
            f"{path}: not a trace: expected CSV with a timestamp first and counts beside it "
            f"({str(error).splitlines()[0]})"
        ) from None
    if frame.shape[1] < 2:
        raise LabError(f"{path}: expected two columns or more, a timestamp and a count")
    counts = _column(frame, trace)
    if len(times) > 1 and not times.is_monotonic_increasing:
        raise LabError(f"{path}: the timestamps do not ascend")
    interval_s = trace.interval
    if interval_s is None:
        steps = times.diff().dt.total_seconds().to_numpy()
        interval_s = float(np.min(steps[steps > 0], initial=np.inf))
        if interval_s == np.inf:
            raise LabError(f"{path}: no interval to be seen in one row; give `interval`")
    inside = np.ones(len(times), bool)
    for bound, keep in ((trace.start, times.ge), (trace.end, times.lt)):
        if bound is not None:
            inside &= keep(_instant(bound, trace)).to_numpy()
    if not inside.any():
        raise LabError(
            f"{path}: nothing between {trace.start or 'its start'} and {trace.end or 'its end'}; "
            f"it goes from {times.iloc[0]} to {times.iloc[-1]}"
        )
    times, counts = times[inside], counts[inside]
    seconds = (times - times.iloc[0]).dt.total_seconds().to_numpy()
    # Rows may be missing where nothing was counted.
    slots = np.round(seconds / interval_s).astype(np.int64)
    return np.bincount(slots, counts).astype(np.float64), interval_s


def _instant(words: str, trace: Trace) -> pd.Timestamp:
    try:
        instant = pd.Timestamp(words)
    except ValueError:
        raise LabError(f"{trace.file}: {words!r} is not a time; write 1998-06-30 18:00") from None
    return instant.tz_localize("UTC") if instant.tzinfo is None else instant


def _column(frame: pd.DataFrame, trace: Trace) -> F64:
    column = trace.column
    if column is None:
        column = 1
    if isinstance(column, int):
        if not 0 < column < frame.shape[1]:
            raise LabError(f"{trace.file}: no column {column}; it has {frame.shape[1]}")
        values = frame.iloc[:, column]
    elif column in frame:
        values = frame[column]
    else:
        raise LabError(f"{trace.file}: no column {column!r}; it has {', '.join(frame.columns)}")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~(numbers >= 0))
    if bad.size:
        raise LabError(
            f"{trace.file}:{bad[0] + 2}: expected a count, 0 or more, not {values.iloc[bad[0]]!r}"
        )
    return numbers
