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
from sim.traffic.split import Units, split
from sim.traffic.trace import Totals

_LEAST_CELLS = 1_000
MOST_CELLS = 1 << 22
"""Cells of a second that are drawn one by one: 48 days. Of more, those with messages."""
_LEVELS = 4_000
"""Times at which a fluid's level is looked at."""
_BLOCKS = 1 << 20
"""Blocks into which a longer time is divided first."""


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
    totals = _totals(scenario)
    scaled = np.diff(np.round(np.cumsum(totals.messages) * factor), prepend=0.0).astype(np.int64)
    return _from_totals(totals._replace(messages=scaled), arrivals.dispersion, rng)


def expected(scenario: Scenario) -> tuple[float, float]:
    """Messages to expect in all, and the greatest mean rate over a second (or interval), 1/s.

    Over longer times than 48 days, the mean rate is that of a millionth of it.

    Raises:
        LabError: the trace cannot be read.
    """
    arrivals = scenario.workload.arrivals
    factor = arrivals.multiply * scenario.scale
    if arrivals.profile is not None:
        edges_s = _edges(scenario.duration)
        means = np.diff(cumulative(arrivals.profile, edges_s)) * factor
        return float(means.sum()), float((means / np.diff(edges_s)).max())
    totals = _totals(scenario)
    count = totals.messages.astype(np.float64)
    return float(count.sum() * factor), float(count.max() * factor / totals.interval_s)


def most_waiting(scenario: Scenario, per_s: float, duration_s: float) -> float:
    """The most messages that wait at a time, if so many a second are dealt with: a fluid's level.

    Args:
        scenario: for its profile, counts or trace.
        per_s: messages that consumers deal with in a second.
        duration_s: for how long messages arrive, s.

    Raises:
        LabError: the trace cannot be read.
    """
    arrivals = scenario.workload.arrivals
    factor = arrivals.multiply * scenario.scale
    if arrivals.profile is not None:
        at_s = np.linspace(0.0, duration_s, _LEVELS)
        came = cumulative(arrivals.profile, at_s)
    else:
        totals = _totals(scenario)
        at_s = np.append(0.0, (totals.slot + 1) * totals.interval_s)
        came = np.append(0.0, np.cumsum(totals.messages))
    ahead = came * factor - at_s * per_s
    return float((ahead - np.minimum.accumulate(ahead)).max())


def lasts_s(scenario: Scenario) -> float:
    """How long a scenario without a duration creates messages: as long as its trace, s.

    Raises:
        LabError: the trace cannot be read.
    """
    totals = _totals(scenario)
    return totals.slots * totals.interval_s


def _edges(duration_s: float) -> F64:
    """Cells of a whole fraction of a second, a second at most, and a thousand at least.

    Of more than 48 days: a million, of as many whole seconds each.
    """
    if duration_s > MOST_CELLS:
        width_s = np.ceil(duration_s / _BLOCKS)
        edges_s: F64 = np.arange(np.ceil(duration_s / width_s) + 1) * width_s
        edges_s[-1] = duration_s
        return edges_s
    parts = max(1, int(np.ceil(_LEAST_CELLS / duration_s)))
    cells = int(np.ceil(duration_s * parts - 1e-9))
    edges_s = np.arange(cells + 1) / parts
    edges_s[-1] = duration_s
    return edges_s


def cumulative(profile: list[Segment], t: F64) -> F64:
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
    means = np.diff(cumulative(profile, edges_s)).clip(0.0) * factor
    if duration_s > MOST_CELLS:
        if dispersion > 1:
            means = means * _unit_gamma(means, dispersion, rng)
        found = split(
            np.ceil(edges_s).astype(np.int64),
            rng.poisson(means).astype(np.int64),
            lambda unit: factor * cumulative(profile, np.minimum(unit, duration_s)),
            dispersion,
            rng,
        )
        return _with_gaps(found, 1.0, duration_s)
    if dispersion > 1:
        second = np.floor(edges_s[:-1] + 1e-9).astype(np.int64)
        per_second = np.bincount(second, means).astype(np.float64)
        means = means * _unit_gamma(per_second, dispersion, rng)[second]
    return Cells(edges_s, rng.poisson(means).astype(np.int64))


def _unit_gamma(means: F64, dispersion: float, rng: np.random.Generator) -> F64:
    """Factors of mean 1 that make Poisson counts of ``means`` over-dispersed."""
    shape = np.maximum(means, 1e-12) / (dispersion - 1)
    return rng.standard_gamma(shape) / shape


def _with_gaps(found: Units, unit_s: float, end_s: float) -> Cells:
    """Cells of a unit each where messages arrive, and empty ones between them."""
    edges = np.unique(np.concatenate([[0], found.unit, found.unit + 1]))
    edges_s = np.minimum(edges * unit_s, end_s)
    if edges_s[-1] < end_s:
        edges_s = np.append(edges_s, end_s)
    counts = np.zeros(edges_s.size - 1, np.int64)
    counts[np.searchsorted(edges, found.unit)] = found.messages
    return Cells(edges_s, counts)


def _totals(scenario: Scenario) -> Totals:
    arrivals = scenario.workload.arrivals
    if arrivals.counts is not None:
        values = np.asarray(arrivals.counts.values, np.float64)
        return Totals(np.arange(values.size), values, values.size, arrivals.counts.interval)
    assert arrivals.trace is not None
    totals = trace.read(arrivals.trace)
    within = min(totals.slots, np.ceil(scenario.duration / totals.interval_s))
    kept = totals.slot < within
    return Totals(totals.slot[kept], totals.messages[kept], int(within), totals.interval_s)


def _from_totals(totals: Totals, dispersion: float, rng: np.random.Generator) -> Cells:
    interval_s = totals.interval_s
    cells = max(1, int(np.ceil(interval_s - 1e-9)))
    if totals.slots * cells > MOST_CELLS:
        return _from_long(totals, cells, dispersion, rng)
    counts = np.zeros(totals.slots, np.int64)
    counts[totals.slot] = totals.messages
    weights = np.ones((totals.slots, cells))
    if dispersion > 1 and cells > 1:
        means = np.repeat(counts[:, None] / cells, cells, axis=1)
        # An interval with hardly any messages can draw nothing but zeros; spread it evenly.
        weights = _unit_gamma(means, dispersion, rng).clip(1e-300)
    shares = weights / weights.sum(axis=1, keepdims=True)
    spread = rng.multinomial(counts, shares).ravel()
    edges_s: F64 = np.arange(spread.size + 1) * np.float64(interval_s / cells)
    return Cells(edges_s, spread)


def _from_long(totals: Totals, cells: int, dispersion: float, rng: np.random.Generator) -> Cells:
    """Of intervals with more seconds than are drawn one by one: those with messages.

    Args:
        totals: whole messages in each interval.
        cells: of an interval, a second or less each.
        dispersion: of counts of cells.
        rng: source of the draws.
    """
    slot, count = totals.slot, totals.messages.astype(np.int64)
    end_s = totals.slots * totals.interval_s
    if dispersion <= 1 or cells == 1:  # spread evenly over an interval as a whole
        taken = np.flatnonzero(count)
        return _with_gaps(Units(slot[taken], count[taken]), totals.interval_s, end_s)
    before = np.concatenate([[0], np.cumsum(count)])
    more = np.append(slot, totals.slots)

    def mass(unit: I64) -> F64:
        which, part = np.divmod(unit, cells)
        at = np.searchsorted(more, which)
        inside = np.where(more[at] == which, part / cells, 0.0)
        total: F64 = before[at] + inside * np.append(count, 0)[at]
        return total

    edges = np.unique(np.concatenate([slot * cells, slot * cells + cells]))
    within = np.zeros(edges.size - 1, np.int64)
    within[np.searchsorted(edges, slot * cells)] = count
    found = split(edges, within, mass, dispersion, rng)
    return _with_gaps(found, totals.interval_s / cells, end_s)
