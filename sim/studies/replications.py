"""The same scenario with many seeds: what of its numbers is luck.

Runs are independent: each seed draws its own arrivals, keys, work and random faults. Within a run
all systems have the same messages, so that systems are compared pair by pair.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from sim.measure.intervals import Interval, of_mean, of_quantile
from sim.scenario.load import Scenario
from sim.studies import points
from sim.studies.steady import NUMBERS as STEADY
from sim.studies.steady import is_steady, steady
from sim.words.standings import Pace, standings

Heard = Callable[[int, int], None]
"""Told how many of how many runs are done."""

FIRST = 10
"""Runs before it is asked whether they are enough."""
MOST = 1_000
"""Runs after which no more are made for the sake of precision."""
_WHO = ["system", "group"]
NUMBERS = (
    "processed", "lost", "dead_lettered", "unfinished", "double_effects", "violations", "late",
    "max_lag", "max_time_lag_s", "drain_s", "latency_p50_s", "latency_p99_s", "latency_max_s",
)  # fmt: skip
"""Columns of the summary that are given with intervals."""
PRECISE = ("max_time_lag_s", "latency_p99_s")
"""Of these the mean is to be known with the precision that was asked for; in a steady state, of
its mean and p99."""
_SURE_S = 1e-3
"""A time is known well enough once it is known to a millisecond, however small it is."""


@dataclass(frozen=True)
class Replications:
    """What came of them."""

    scenario: Scenario
    """With the seed of the first."""
    summary: pd.DataFrame
    """The summary of each run, with its number ``point`` from 0 and its ``seed``; and, if it has
    one, its steady state (`sim.studies.steady`)."""
    series: pd.DataFrame
    """``lag`` and ``time_lag_s`` of each run over time, at some times."""
    duration_s: float

    @property
    def runs(self) -> int:
        """How many there were."""
        return int(self.summary["point"].max()) + 1

    @property
    def numbers(self) -> Sequence[str]:
        """What is given with intervals: `NUMBERS`, and in a steady state those of it."""
        steady = [number for number in STEADY if number in self.summary]
        return [*NUMBERS, *steady]

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """A row per system, group and ``number`` (`numbers`).

        ``median`` with ``median_low`` and ``median_high`` (order statistics), ``mean`` with
        ``mean_low`` and ``mean_high`` (Student), ``least`` and ``most`` of all runs; at 95 %
        confidence. What is infinite in a run has no mean.
        """
        rows = []
        for (system, group), its in self.summary.groupby(_WHO, sort=False):
            for number in self.numbers:
                values = its[number].to_numpy(np.float64)
                median, mean = of_quantile(values), of_mean(values)
                rows.append(
                    {
                        "system": system,
                        "group": group,
                        "number": number,
                        "median": median.estimate,
                        "median_low": median.low,
                        "median_high": median.high,
                        "mean": mean.estimate,
                        "mean_low": mean.low,
                        "mean_high": mean.high,
                        "least": values.min(),
                        "most": values.max(),
                    }
                )
        return pd.DataFrame(rows)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row per pair of systems and number: ``system`` less ``than``, in the same run.

        Of a system, its worst group counts. ``mean``, ``low`` and ``high`` by Student, NaN where
        a run is infinite; ``less`` and ``more``: in how many of the runs it was.
        """
        rows = []
        worst = self.summary.groupby(["point", "system"], sort=False)[list(NUMBERS)].max()
        for one, other in combinations(dict.fromkeys(self.summary["system"]), 2):
            for number in NUMBERS:
                a = worst.xs(one, level="system")[number].to_numpy(np.float64)
                b = worst.xs(other, level="system")[number].to_numpy(np.float64)
                finite = np.isfinite(a).all() and np.isfinite(b).all()
                mean = of_mean(a - b) if finite else Interval(np.nan, np.nan, np.nan)
                rows.append(
                    {
                        "system": one,
                        "than": other,
                        "number": number,
                        "mean": mean.estimate,
                        "low": mean.low,
                        "high": mean.high,
                        "less": int((a < b).sum()),
                        "more": int((a > b).sum()),
                    }
                )
        return pd.DataFrame(rows)

    @cached_property
    def paces(self) -> Mapping[str, Counter[Pace]]:
        """Of each system, in how many runs it kept up how."""
        found: dict[str, Counter[Pace]] = {}
        for _, its in self.summary.groupby("point"):
            for standing in standings(its, self.duration_s):
                system = str(standing.worst["system"].iloc[0])
                found.setdefault(system, Counter())[standing.pace] += 1
        return found

    def bands(self, low: float = 0.05, high: float = 0.95) -> pd.DataFrame:
        """Of each group over time: median, low and high quantile of the runs' ``time_lag_s``.

        A run that has ended has no time lag any more.
        """
        runs = self.runs
        its = self.series.groupby([*_WHO, "t_s"], sort=False)["time_lag_s"]

        def at(q: float) -> pd.Series:
            return its.apply(lambda lags: _quantile(lags.to_numpy(), runs, q))

        return pd.DataFrame({"low": at(low), "median": at(0.5), "high": at(high)}).reset_index()


def _quantile(lags: np.ndarray, runs: int, q: float) -> float:
    values = np.zeros(runs)
    values[: lags.size] = lags
    return float(np.quantile(values, q))


def replicate(
    scenario: Scenario,
    runs: int,
    folder: Path,
    heard: Heard = lambda _done, _of: None,
    jobs: int | None = None,
    cluster: str | None = None,
) -> Replications:
    """Run a scenario with the seeds seed, seed + 1, ….

    Args:
        scenario: to run; its seed is that of the first run.
        runs: how many.
        folder: where each run is kept; those that are there are not made again.
        heard: told how far it is.
        jobs: processes; None: one a core.
        cluster: as in `sim.studies.points.compute`.

    Raises:
        LabError: a run is refused or fails.
    """
    seeded = [scenario.with_({"seed": scenario.seed + i}) for i in range(runs)]
    for there in points.compute(seeded, folder, jobs, cluster):
        heard(there, runs)
    summary = points.read(seeded, folder, "summary")
    summary["seed"] = scenario.seed + summary["point"]
    if is_steady(scenario):
        its = steady(points.read(seeded, folder, "latencies"), _duration_s(scenario))
        summary = summary.merge(its, on=["point", *_WHO], how="left", validate="one_to_one")
    return Replications(
        scenario, summary, points.read(seeded, folder, "series"), _duration_s(scenario)
    )


def replicate_until(
    scenario: Scenario,
    precision: float,
    folder: Path,
    heard: Heard = lambda _done, _of: None,
    jobs: int | None = None,
    cluster: str | None = None,
) -> Replications:
    """As `replicate`, with as many runs as it takes for the means of `PRECISE` to be known.

    Args:
        scenario: as in `replicate`.
        precision: half of each interval is to be at most this share of its mean, or a millisecond.
        folder: as in `replicate`.
        heard: likewise.
        jobs: likewise.
        cluster: likewise.
    """
    runs = FIRST
    while True:
        found = replicate(scenario, runs, folder, heard, jobs, cluster)
        needed = _needed(found, precision)
        if needed <= runs or runs == MOST:
            return found
        runs = min(MOST, max(needed, runs + 2))


def _needed(found: Replications, precision: float) -> int:
    """About how many runs it takes: the half-width falls with the root of their number."""
    steady = STEADY[0] in found.numbers
    wanted_of = ("steady_mean_s", "steady_p99_s") if steady else PRECISE
    its = found.intervals[found.intervals["number"].isin(wanted_of)]
    most = 0
    for mean, low in its[["mean", "mean_low"]].to_numpy(np.float64):
        if np.isfinite(mean):
            wanted = max(precision * abs(mean), _SURE_S)
            most = max(most, int(np.ceil(found.runs * ((mean - low) / wanted) ** 2)))
    return most


def _duration_s(scenario: Scenario) -> float:
    from sim.traffic.arrivals import lasts_s

    return scenario.duration if np.isfinite(scenario.duration) else lasts_s(scenario)
