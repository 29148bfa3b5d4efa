"""Runs of settings, held against goals: what `sim size` looks at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.foundation.errors import ScenarioError
from sim.measure.intervals import Interval, at_least, of_quantile
from sim.scenario.load import Scenario
from sim.studies import points
from sim.studies.dials import Dial, settings
from sim.studies.goals import Goal

Values = tuple[int, ...]
"""What each dial is set to, in their order."""
KEPT = ("latency", "waits")
"""Tables of each run that goals look at, besides the summary."""
BATCHES = (2, 4, 6, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128)
"""Runs after which it is asked whether they are enough; then after every 32 more."""

Told = Callable[[Values, int], None]
"""Told which setting is being run, and how many runs were made in all."""


@dataclass
class Outcomes:
    """Runs of one setting; of two settings, those at the same place have the same seed."""

    groups: Sequence[str]
    goals: Sequence[Goal]
    numbers: F64
    """[runs, groups, goals] what each goal is of; NaN: it is not of this group."""
    refused: str = ""
    """Why the scenario cannot be with it; empty: it can."""
    usd: F64 = field(default_factory=lambda: np.zeros(0))
    """[runs] what the system of each would cost a month, USD."""

    @property
    def usd_per_month(self) -> float:
        """Of the first two runs, which every setting has with the same seeds; NaN: of none."""
        return float(np.mean(self.usd[: BATCHES[0]])) if self.usd.size else np.nan

    @property
    def runs(self) -> int:
        """How many were made."""
        return int(self.numbers.shape[0])

    def met(self, group: str | None = None) -> int:
        """In how many runs a group, or every one, met all goals."""
        if self.refused:
            return 0
        its = [i for i, name in enumerate(self.groups) if group in (None, name)]
        return sum(
            all(
                goal.met(run[i, j])
                for i in its
                for j, goal in enumerate(self.goals)
                if goal.group in (None, self.groups[i])
            )
            for run in self.numbers
        )

    def worst(self, goal: int) -> F64:
        """[runs] the value of a goal, of the group that is worst off."""
        worst: F64 = np.nanmax(self.numbers[:, :, goal], axis=1, initial=-np.inf)
        return worst

    def interval(self, goal: int) -> Interval:
        """The median of a goal's value, and what it lies between.

        At 95 % confidence, of six runs or more; of fewer, the least and the most that were seen.
        """
        values = self.worst(goal)
        found = of_quantile(values)
        if np.isfinite([found.low, found.high]).all() or values.size >= 6 or not values.size:
            return found
        return Interval(found.estimate, float(values.min()), float(values.max()))


class Trials:
    """Makes the runs of settings of one system, each once."""

    def __init__(
        self,
        scenario: Scenario,
        dials: Sequence[Dial],
        goals: Sequence[Goal],
        groups: Sequence[str],
        folder: Path,
        jobs: int | None = None,
        told: Told = lambda _values, _runs: None,
        cluster: str | None = None,
    ) -> None:
        """
        Args:
            scenario: with the system alone; its seed is that of the first run of each setting.
            dials: what a setting sets.
            goals: what it is held against.
            groups: which are held against them.
            folder: where runs are kept.
            jobs: processes; None: one a core.
            told: told what is being run.
            cluster: as in `sim.studies.points.compute`.
        """
        self.scenario = scenario
        self.dials = dials
        self.goals = goals
        self.groups = groups
        self.folder = folder
        self.jobs = jobs
        self.told = told
        self.cluster = cluster
        self.tried: dict[Values, Outcomes] = {}
        self._made: dict[Values, Scenario] = {}

    @property
    def runs(self) -> int:
        """How many were made in all."""
        return sum(tried.runs for tried in self.tried.values())

    def made(self, values: Values) -> Scenario:
        """The scenario with a setting.

        Raises:
            ScenarioError: it cannot be.
        """
        if values not in self._made:
            self._made[values] = self.scenario.with_(settings(self.scenario, self.dials, values))
        return self._made[values]

    def run(self, values: Values, runs: int) -> Outcomes:
        """Make so many runs of a setting in all, fewer if there are more already.

        Raises:
            LabError: a run fails.
        """
        its = self.tried.get(values) or Outcomes(self.groups, self.goals, self._empty())
        self.tried[values] = its
        if its.runs >= runs or its.refused:
            return its
        try:
            made = self.made(values)
        except ScenarioError as error:
            its.refused = str(error.problems[0])
            return its
        seeds = range(its.runs, runs)
        seeded = [made.with_seed(made.seed + i) for i in seeds]
        before = self.runs
        self.told(values, before)
        for there in points.compute(seeded, self.folder, self.jobs, self.cluster, KEPT):
            self.told(values, before + there)
        summary = points.read(seeded, self.folder, "summary")
        its.numbers = np.concatenate([its.numbers, self._numbers(seeded, summary)])
        months = summary.groupby("point")[points.COST].first().to_numpy(np.float64)
        its.usd = np.concatenate([its.usd, months])
        return its

    def _empty(self) -> F64:
        return np.zeros((0, len(self.groups), len(self.goals)))

    def _numbers(self, seeded: Sequence[Scenario], summary: pd.DataFrame) -> F64:
        """[runs, groups, goals] as in `Outcomes`."""
        latency, waits = (points.read(seeded, self.folder, table) for table in KEPT)
        out = np.full((len(seeded), len(self.groups), len(self.goals)), np.nan)
        by_quantile = _by_group(latency)
        means_s = waits.groupby(["point", "group"])["mean_s"].sum().to_dict()
        for row in summary.to_dict("records"):
            group, run = str(row["group"]), int(row["point"])
            if group not in self.groups:
                continue
            its = by_quantile[run, group].set_index("q")["latency_s"]
            for j, goal in enumerate(self.goals):
                if goal.group in (None, group):
                    value = goal.value(
                        row,
                        {float(str(q)): float(s) for q, s in its.items()},
                        means_s.get((run, group), np.inf),
                    )
                    # Of no message is known how long it took: none was processed.
                    out[run, self.groups.index(group), j] = np.inf if np.isnan(value) else value
        return out

    def passes(self, values: Values, share: float, few: int) -> Mapping[str, bool]:
        """Of each group, whether it looks as if enough of its runs meet the goals.

        Args:
            values: the setting.
            share: of the runs.
            few: runs that are made unless two say no already.
        """
        tried = self.run(values, BATCHES[0])
        if tried.met() == tried.runs > 0:
            tried = self.run(values, few)
        return {
            group: tried.runs > 0 and tried.met(group) >= share * tried.runs
            for group in self.groups
        }

    def decide(self, values: Values, share: float, confidence: float, most: int) -> bool | None:
        """Whether a setting meets the goals in at least a share of all runs; None: still open.

        Args:
            values: the setting.
            share: of the runs.
            confidence: with which this is to be known.
            most: runs after which it stays open.
        """
        for runs in _batches(most):
            tried = self.run(values, runs)
            if tried.refused:
                return False
            verdict = at_least(tried.met(), tried.runs, share, confidence)
            if verdict is not None:
                return verdict
        return None


def _by_group(latency: pd.DataFrame) -> Mapping[tuple[int, str], pd.DataFrame]:
    return {
        (int(str(run)), str(group)): its
        for (run, group), its in latency.groupby(["point", "group"])
    }


def _batches(most: int) -> Iterable[int]:
    for runs in (*BATCHES, *range(BATCHES[-1] + 32, max(most, BATCHES[-1]) + 32, 32)):
        if runs >= most:
            break
        yield runs
    yield most
