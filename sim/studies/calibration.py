"""Fit a scenario to a lag that was measured: work per message, traffic, and the fault behind it.

In two steps. A fluid queue (backlog = what arrived less what could be worked off) is fitted to the
curve by differential evolution, once without a fault and once with each kind of it; from there on
the lab itself runs, and nonlinear least squares move work and fault until its lag is the measured
one. Which kind explains best is judged by the Bayesian information criterion. Residuals follow each
other, so that they say less than their number: intervals and criterion go by how many independent
ones they are worth (from the correlation of neighbours).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import exp, inf, log
from typing import Any

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError, nearest
from sim.foundation.units import Distribution
from sim.imports.measured import Measured
from sim.lab import run_system
from sim.measure.intervals import Interval
from sim.scenario.load import Scenario
from sim.scenario.products.base import COUNTED
from sim.studies.still_parts import refuse_averages
from sim.systems.placed import messages_of
from sim.traffic.messages import Messages

CONFIDENCE = 0.90
"""Of the intervals of what is fitted."""
FEWEST = 12
"""Samples of lag; of fewer nothing is fitted."""
MOST = 400
"""Samples that are fitted to; of more, every so-manieth."""
ALIKE = 0.9
"""Correlation of two estimates from which on the data cannot tell one from the other."""
_FLOOR = 0.005
"""Of the largest lag, what a fit is not asked to be closer than."""
_WORK = (0.02, 50.0)
_FACTOR = (1.2, 30.0)
"""Bounds: of the work, as a multiple of the scenario's; of how much slower or more."""
SEEDS = 8
"""Runs with other draws, from which it is known what is chance."""
_AWAY, _STEP = 5.0, 0.02
"""Parameters are moved this far from 0, where a step that is a share of them would be none; and the
step."""
_TINY = 1e-6
_RUNS = 12
"""Steps of least squares, each some runs of the lab."""


@dataclass(frozen=True)
class LagToFit:
    """What was measured of a group, and what of the scenario it is about."""

    system: str
    group: str
    t_s: F64
    """[samples] since the first, s; ascending."""
    lag: F64
    """[samples] messages."""
    counts: F64 | None
    """[intervals] messages that arrived in each of equal intervals; None: nobody knows."""

    @property
    def jitter(self) -> float:
        """How far samples are from a smooth curve through them, messages: root mean square.

        From second differences, which a straight line has none of; of independent errors it is
        their standard deviation. An upper bound where the curve itself has corners.
        """
        return float(np.sqrt(np.mean(np.diff(self.lag, 2) ** 2) / 6))

    @property
    def duration_s(self) -> float:
        """From the first sample to the last."""
        return float(self.t_s[-1])


@dataclass(frozen=True)
class Kind:
    """A kind of explanation: what is changed, beside the work."""

    name: str
    parameters: Sequence[str]
    """Of ``begin``, ``length`` (shares of the duration) and ``factor``."""
    on_traffic: bool = False


KINDS = (
    Kind("none", ()),
    Kind("slow", ("begin", "length", "factor")),
    Kind("pause", ("begin", "length")),
    Kind("traffic", ("begin", "length", "factor"), on_traffic=True),
)
"""Nothing but work (and traffic); consumers slower for a while; all of them standing still; more
traffic for a while, where the export does not tell how much arrived."""


@dataclass(frozen=True)
class Fit:
    """A kind of explanation, with the numbers that come closest."""

    kind: Kind
    names: Sequence[str]
    """Of the parameters: ``work``, ``arrivals`` (if not known), and those of the kind."""
    values: Mapping[str, Interval]
    """Of each: ``work``, ``arrivals``, ``factor`` as multiples, ``begin`` and ``length`` in s."""
    lag: F64
    """[samples] of the lab's run with the estimates."""
    rms: float
    """Root mean square of what is left, messages."""
    chance: float
    """The most that two runs of it with other draws are apart: rms, messages."""
    independent: float
    """How many independent ones each of the residuals is worth."""
    criterion: float = inf
    """Bayesian information criterion; less is better."""
    alike: Sequence[tuple[str, str, float]] = ()
    """Pairs of parameters that the data cannot tell apart, with the correlation of estimates."""

    @property
    def enough(self) -> bool:
        """Whether what is left is no more than chance."""
        return self.rms <= self.chance


@dataclass(frozen=True)
class Calibrated:
    """What came of it."""

    observed: LagToFit
    fits: Sequence[Fit]
    """The best first."""
    scenario: Scenario
    """With the best."""
    changes: Mapping[str, Any]
    """What was set in the scenario, by dotted path."""
    notes: Sequence[str] = field(default_factory=tuple)
    jobs: Sequence[str] = ()
    """Whose work was fitted."""

    @property
    def best(self) -> Fit:
        """The one that explains best."""
        return self.fits[0]


def observe(
    scenario: Scenario, measured: Measured, name: str | None = None, target: str | None = None
) -> tuple[LagToFit, list[str]]:
    """What of an export is fitted to, and notes on it.

    Args:
        scenario: it is about one of its groups.
        measured: the export.
        name: group or queue of the export; None: the only one.
        target: ``system.group`` of the scenario; None: the one of that name, or the only one.

    Raises:
        LabError: there is no such name or group, too few samples, or one partition stands still.
    """
    its = measured.samples[measured.samples["measure"] == "lag"]
    names = list(dict.fromkeys(its["name"]))
    chosen = _one(name, names, f"{measured.source}: group")
    groups = {f"{s}.{g}": (s, g) for s, of in scenario.systems.items() for g in of.readers}
    same = [key for key, (_, group) in groups.items() if group == chosen]
    if target is None and len(same) == 1:
        target = same[0]
    system, group = groups[_one(target, list(groups), f"{scenario.name}: group")]
    rows = its[its["name"] == chosen]
    at = pd.DatetimeIndex(rows["at"])
    refuse_averages(measured, chosen, at[0], f"{system}.{group}")
    t_s = (at - at[0]).total_seconds().to_numpy()
    every = -(-t_s.size // MOST)
    t_s, lag = t_s[::every], rows["value"].to_numpy(np.float64)[::every]
    if t_s.size < FEWEST or t_s[-1] <= 0:
        raise LabError(f"{measured.source}: {t_s.size} samples of {chosen}; it takes {FEWEST}")
    notes = []
    counts = _counts(measured, chosen, at[0], t_s)
    if counts is not None and lag[0] > 0:
        counts[0] += lag[0]
        notes.append("what waited at the first sample is taken to arrive right after it")
    if counts is None:
        notes.append(
            "the export does not tell what arrived: the shape of the traffic is the scenario's"
        )
    return LagToFit(system, group, t_s, lag, counts), notes


def _one(given: str | None, known: Sequence[str], what: str) -> str:
    if given is None:
        if len(known) == 1:
            return known[0]
        raise LabError(f"{what}: which one? {', '.join(known)}")
    if given not in known:
        near = nearest(given, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
        raise LabError(f"{what} {given!r} is not there; {hint}")
    return given


def _counts(measured: Measured, name: str, start: pd.Timestamp, t_s: F64) -> F64 | None:
    """Messages that arrived between equally spaced times, from log-end offsets."""
    if measured.offsets is None:
        return None
    its = measured.offsets[measured.offsets["name"] == name]
    if len(its) < FEWEST:
        return None
    known_s = (pd.DatetimeIndex(its["at"]) - start).total_seconds().to_numpy()
    edges = np.linspace(0.0, t_s[-1], t_s.size)
    end = np.interp(edges, known_s, its["end"].to_numpy(np.float64))
    counts: F64 = np.diff(np.rint(end))
    return counts


class LabRuns:
    """Runs of the scenario's group as it would be with other work, traffic and faults."""

    def __init__(self, scenario: Scenario, observed: LagToFit, fit: Sequence[str] = ()) -> None:
        """``fit``: jobs whose work is fitted; none: all that the group does.

        Raises:
            LabError: the group does no such job.
        """
        self.observed = observed
        does = scenario.systems[observed.system].readers[observed.group].does
        for job in fit:
            _one(job, list(does), f"{observed.system}.{observed.group}: job")
        self.jobs = [job for job in does if not fit or job in fit]
        self.base = scenario.with_(_of_observed(observed))
        self.runs = 0
        self._messages: dict[str, Messages] = {}

    def counts(self) -> F64:
        """[intervals] messages of the scenario as it is."""
        its, o = self._drawn(self.base, "as it is"), self.observed
        edges = np.linspace(0.0, o.duration_s, o.t_s.size)
        return np.diff(np.searchsorted(its.created_s, edges)).astype(np.float64)

    def _drawn(self, scenario: Scenario, key: str) -> Messages:
        if key not in self._messages:
            self._messages = {key: messages_of(scenario)}
        return self._messages[key]

    def lag(self, changes: Mapping[str, Any], seed: int = 0) -> F64:
        """[samples] lag of a run; ``seed``: so much is added to the scenario's."""
        o = self.observed
        scenario = self.base.with_({**changes, "seed": self.base.seed + seed})
        traffic = {key: value for key, value in changes.items() if key.startswith("workload.arr")}
        messages = self._drawn(scenario, f"{seed} {traffic}")
        self.runs += 1
        series = run_system(scenario, o.system, messages).series
        its = series[series["group"] == o.group]
        t_s, lag = its["t_s"].to_numpy(np.float64), its["lag"].to_numpy(np.float64)
        at: F64 = np.interp(o.t_s, t_s, lag, right=0.0)
        return at


def _of_observed(observed: LagToFit) -> Mapping[str, Any]:
    """What is set in the scenario before anything is fitted."""
    o = observed
    out: dict[str, Any] = {"duration": o.duration_s, "faults": [], "needs": None}
    out["drain_limit"] = 1.0  # after the last sample nobody looks
    if o.counts is not None:
        values = [int(n) for n in o.counts]
        every = o.duration_s / len(values)
        out["workload.arrivals"] = {"counts": {"interval": every, "values": values}}
    return out


def changes_of(
    bench: LabRuns, kind: Kind, at: Mapping[str, float], counts: F64 | None = None
) -> dict[str, Any]:
    """What a fit sets in the scenario, by dotted path.

    Args:
        bench: of the scenario.
        kind: of explanation.
        at: its parameters; ``begin`` and ``length`` in s.
        counts: [intervals] of the scenario, where traffic is fitted.
    """
    o = bench.observed
    out: dict[str, Any] = {}
    service = bench.base.workload.service
    for job in bench.jobs:
        its = service[job]
        out[f"workload.service.{job}.per_message"] = scaled(its.per_message, at["work"])
        if its.per_batch:
            out[f"workload.service.{job}.per_batch"] = its.per_batch * at["work"]
    if counts is not None:
        arrived = counts * at.get("arrivals", 1.0)
        if kind.on_traffic:
            arrived = arrived * (1 + (at["factor"] - 1) * _overlap(o, at["begin"], at["length"]))
        values = [int(n) for n in np.diff(np.rint(np.cumsum(np.append(0.0, arrived))))]
        every = o.duration_s / len(values)
        out["workload.arrivals"] = {"counts": {"interval": every, "values": values}}
    if kind.name in ("slow", "pause"):
        fault = {
            "at": at["begin"],
            "fault": kind.name,
            "target": f"{o.system}.{o.group}.*",
            "for": at["length"],
        }
        out["faults"] = [fault | ({"factor": at["factor"]} if kind.name == "slow" else {})]
    return out


def scaled(its: Distribution, factor: float) -> Any:
    """A distribution whose durations are so many times as long, as a scenario writes it.

    Raises:
        LabError: it stands in a file.
    """
    if its.csv is not None:
        raise LabError("work that stands in a file cannot be fitted; write its quantiles instead")
    if its.constant is not None:
        return its.constant * factor
    if its.exponential is not None:
        return {"exponential": its.exponential * factor}
    if its.lognormal is not None:
        median, p99 = its.lognormal.median * factor, its.lognormal.p99 * factor
        return {"lognormal": {"median": median, "p99": p99}}
    if its.gamma is not None:
        return {"gamma": {"mean": its.gamma.mean * factor, "cv": its.gamma.cv}}
    assert its.quantiles is not None
    return {"quantiles": {name: value * factor for name, value in its.quantiles.items()}}


def _overlap(observed: LagToFit, begin: Any, length: Any) -> F64:
    """[intervals] share of each interval that lies in a stretch; or [intervals, fits]."""
    n = observed.t_s.size - 1
    edges = np.linspace(0.0, observed.duration_s, n + 1)
    from_s, to_s = edges[:-1, None], edges[1:, None]
    low = np.maximum(from_s, np.atleast_1d(begin))
    high = np.minimum(to_s, np.atleast_1d(begin) + np.atleast_1d(length))
    out: F64 = np.maximum(high - low, 0.0) / (to_s - from_s)
    return out if np.ndim(begin) else out[:, 0]


def fluid(observed: LagToFit, kind: Kind, counts: F64, at: Mapping[str, Any], capacity: Any) -> F64:
    """[samples, fits] backlog of a queue that works off ``capacity`` a second, without a chance.

    Args:
        observed: what was measured.
        kind: of explanation.
        counts: [intervals] that arrive.
        at: [fits] each of the parameters, in s and multiples.
        capacity: [fits] messages a second.
    """
    n, fits = counts.size, np.size(capacity)
    step_s = observed.duration_s / n
    arrive = np.repeat(counts[:, None], fits, axis=1) * at.get("arrivals", np.ones(fits))
    off = np.repeat(np.atleast_1d(capacity)[None, :] * step_s, n, axis=0)
    if kind.parameters:
        within = _overlap(observed, np.atleast_1d(at["begin"]), np.atleast_1d(at["length"]))
        if kind.on_traffic:
            arrive = arrive * (1 + (at["factor"] - 1) * within)
        else:
            left = 0.0 if kind.name == "pause" else 1 / np.atleast_1d(at["factor"])
            off = off * (1 - (1 - left) * within)
    out = np.zeros((n + 1, fits))
    if observed.counts is None:
        out[0] = observed.lag[0]
    for i in range(n):
        out[i + 1] = np.maximum(0.0, out[i] + arrive[i] - off[i])
    return out


def calibrate(
    scenario: Scenario,
    measured: Measured,
    name: str | None = None,
    target: str | None = None,
    heard: Callable[[str, int], None] = lambda _kind, _runs: None,
    fit: Sequence[str] = (),
) -> Calibrated:
    """Fit a scenario to an export.

    Args:
        scenario: of the system as it should have been; its faults and needs are left out.
        measured: the export.
        name: as in `observe`.
        target: likewise.
        heard: told which kind is fitted, and how many runs were made.
        fit: jobs whose work is fitted, all by one factor; none: all that the group does.

    Raises:
        LabError: as `observe`; or a run is refused.
    """
    observed, notes = observe(scenario, measured, name, target)
    bench = LabRuns(scenario, observed, fit)
    counts = observed.counts if observed.counts is not None else bench.counts()
    fits = []
    for kind in KINDS:
        if kind.on_traffic and observed.counts is not None:
            continue
        heard(kind.name, bench.runs)
        fits.append(_fit(bench, kind, counts))
    fits = _ranked(fits, observed.t_s.size)
    best = fits[0]
    at = {key: value.estimate for key, value in best.values.items()}
    free = None if observed.counts is not None else counts
    changes = {**_of_observed(observed), **changes_of(bench, best.kind, at, free)}
    for key in ("drain_limit", "needs"):  # only to fit, nobody looked at them
        changes.pop(key)
    return Calibrated(observed, fits, scenario.with_(changes), changes, notes, bench.jobs)


def _ranked(fits: Sequence[Fit], n: int) -> list[Fit]:
    """The best first: none, if that is enough; else by the criterion.

    How independent residuals are, the closest fit says.
    """
    closest = min(fits, key=lambda fit: fit.rms)
    worth = max(8.0, n * closest.independent)
    judged = []
    for fit in fits:
        square = max(fit.rms, _TINY) ** 2
        judged.append(replace(fit, criterion=worth * log(square) + len(fit.names) * log(worth)))
    # Where chance alone moves the curve as far as it is from what was measured, no fault is needed.
    return sorted(
        judged, key=lambda fit: (fit.kind.name != "none" or not fit.enough, fit.criterion)
    )


def _names(bench: LabRuns, kind: Kind) -> list[str]:
    traffic = [] if bench.observed.counts is not None else ["arrivals"]
    return ["work", *traffic, *kind.parameters]


def _fit(bench: LabRuns, kind: Kind, counts: F64) -> Fit:
    from scipy.optimize import least_squares

    o, names = bench.observed, _names(bench, kind)
    free = None if o.counts is not None else counts
    scale = max(float(o.lag.max()) * _FLOOR, 1.0)
    low, high = (np.array([_bounds(name)[end] for name in names]) for end in (0, 1))

    def lag_of(x: F64) -> F64:
        return bench.lag(changes_of(bench, kind, _given(o, names, x), free))

    def residuals(x: F64) -> F64:
        return (lag_of(x) - o.lag) / scale

    start = _start(bench, kind, counts, names, residuals)
    inside = np.clip(start, low + 1e-6, high - 1e-6)
    found = least_squares(
        lambda moved: residuals(moved - _AWAY),
        inside + _AWAY,
        bounds=(low + _AWAY, high + _AWAY),
        diff_step=_STEP / _AWAY,
        x_scale=0.1,
        max_nfev=_RUNS,
    )
    best = found.x - _AWAY
    at = changes_of(bench, kind, _given(o, names, best), free)
    chance = np.array([bench.lag(at, seed) for seed in range(1, SEEDS + 1)]) / scale
    return _told(o, kind, names, best, found.fun, found.jac, chance, scale, low, high)


def _bounds(name: str) -> tuple[float, float]:
    """Of a parameter as it is moved: multiples by their logarithm, times as shares."""
    if name in ("work", "arrivals"):
        return log(_WORK[0]), log(_WORK[1])
    if name == "factor":
        return log(_FACTOR[0]), log(_FACTOR[1])
    return (0.0, 1.0) if name == "begin" else (log(0.005), log(1.0))


def _given(observed: LagToFit, names: Sequence[str], x: Sequence[float] | F64) -> dict[str, float]:
    """Parameters as they are moved, as what they mean."""
    return {name: _meant(observed, name, float(v)) for name, v in zip(names, x, strict=True)}


def _meant(observed: LagToFit, name: str, value: float) -> float:
    if name == "begin":
        return value * observed.duration_s
    return exp(value) * (observed.duration_s if name == "length" else 1.0)


def _start(
    bench: LabRuns, kind: Kind, counts: F64, names: Sequence[str], residuals: Callable[[F64], F64]
) -> F64:
    """Where the lab begins: the best fluid queue, and the work that gives its capacity."""
    from scipy.optimize import differential_evolution

    o = bench.observed
    mean = float(counts.mean()) / (o.duration_s / counts.size)
    of = ["capacity", *names[1:]]
    # A capacity below a tenth of the traffic, or above thirty times as much, is none.
    bounds = [(log(0.1 * mean), log(30 * mean)), *(_bounds(name) for name in names[1:])]

    known = np.interp(o.t_s, np.linspace(0.0, o.duration_s, o.t_s.size), np.arange(o.t_s.size))
    rows = np.rint(known).astype(int)

    def cost(x: F64) -> F64:
        given = {
            name: np.exp(row) if name != "begin" else row for name, row in zip(of, x, strict=True)
        }
        for name in ("begin", "length"):
            if name in given:
                given[name] = given[name] * o.duration_s
        at = {key: value for key, value in given.items() if key != "capacity"}
        lag = fluid(o, kind, counts, at, given["capacity"])
        out: F64 = np.mean((lag[rows] - o.lag[:, None]) ** 2, axis=0)
        return out

    best = differential_evolution(
        cost,
        bounds,
        rng=1,
        vectorized=True,
        updating="deferred",
        popsize=24,
        maxiter=150,
        polish=False,
    )
    capacity = exp(best.x[0])
    system = bench.base.systems[o.system]
    workers = _useful(bench, o)
    service, does = bench.base.workload.service, system.readers[o.group].does
    work_s = {job: service[job].per_message.mean_s() for job in does}
    fitted_s = sum(work_s[job] for job in bench.jobs)
    kept_s = sum(work_s.values()) - fitted_s
    first = max(workers / capacity - kept_s, 0.0) / max(fitted_s, 1e-9)
    tries = [
        log(min(max(first * f, 1.1 * _WORK[0]), 0.9 * _WORK[1]))
        for f in (0.4, 0.7, 0.85, 1.0, 1.15)
    ]
    costs = [float(np.sum(residuals(np.array([work, *best.x[1:]])) ** 2)) for work in tries]
    return np.array([tries[int(np.argmin(costs))], *best.x[1:]])


def _useful(bench: LabRuns, observed: LagToFit) -> int:
    """Consumers that the group has."""
    reader = bench.base.systems[observed.system].readers[observed.group]
    for key in (*COUNTED, "concurrency"):
        n = getattr(reader, key, None)
        if isinstance(n, int):
            return n
    return 1


def _told(
    o: LagToFit,
    kind: Kind,
    names: Sequence[str],
    x: F64,
    left: F64,
    jac: F64,
    chance: F64,
    scale: float,
    low: F64,
    high: F64,
) -> Fit:
    """Intervals, from what chance alone does to the curve, and how good it is.

    ``chance``: [seeds, samples] lag of runs with the estimates, by other draws. What was measured
    is one draw, and the run that was moved until it fits another: hence twice their spread.
    """
    from scipy.stats import t

    inverse = np.linalg.pinv(jac, rcond=1e-8)
    moved = (chance - chance.mean(axis=0)) @ inverse.T
    covariance = 2 * moved.T @ moved / (SEEDS - 1)
    error = np.sqrt(np.diag(covariance))
    flat = np.sum(jac**2, axis=0) < 1e-9
    error[flat] = inf
    wide = float(t.ppf(0.5 + CONFIDENCE / 2, SEEDS - 1))
    values = {}
    for i, name in enumerate(names):
        ends = np.clip([x[i] - wide * error[i], x[i] + wide * error[i]], low[i], high[i])
        values[name] = Interval(*(_meant(o, name, float(v)) for v in (x[i], *ends)))
    alike = []
    for i in range(len(names)):
        for j in range(i):
            if flat[i] or flat[j] or not error[i] or not error[j]:
                continue
            together = float(covariance[i, j] / (error[i] * error[j]))
            if abs(together) > ALIKE:
                alike.append((names[j], names[i], together))
    rms = float(np.sqrt(np.mean(left**2))) * scale
    apart = max(float(np.sqrt(np.mean((a - b) ** 2))) for a, b in combinations(chance, 2)) * scale
    lag = o.lag + left * scale
    return Fit(kind, names, values, lag, rms, apart, _independent(left), alike=alike)


def _independent(left: F64) -> float:
    """What share of residuals that follow each other is worth an independent one."""
    centred = left - left.mean()
    power = float(np.sum(centred**2))
    if power == 0:
        return 1.0
    neighbours = min(max(float(np.sum(centred[1:] * centred[:-1])) / power, 0.0), 0.98)
    return (1 - neighbours) / (1 + neighbours)
