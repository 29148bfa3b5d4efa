"""How many messages arrive in each short cell of time: from a profile, from counts or a trace.

A profile is the rate of a non-homogeneous Poisson process; counts and traces are totals, which are
kept. With ``dispersion`` D > 1 the count of a second has D times the variance of its mean, as a
gamma-mixed (negative binomial) count has.
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.scenario.load import Scenario, Segment
from sim.traffic import trace

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
    totals, interval_s = trace.read(arrivals.trace)
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
