"""A scenario with many settings of its keys, each with some seeds: what its numbers depend on.

All settings get the same seeds, and so the same messages where arrivals are not varied: what
differs between two settings in a run of one seed is what the setting does.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.foundation import files
from sim.foundation.errors import LabError
from sim.measure.intervals import CONFIDENCE
from sim.scenario.load import Scenario, override
from sim.studies import points
from sim.studies.design import Design, Varied
from sim.studies.time_left import TimeLeft

DATASET = "sweep.parquet"
"""In the folder of a sweep: a row per setting, replication, system and group."""
ASKED = "sweep.json"
"""Beside it: what was asked."""
MOST_LEVELS = 8
"""Of a key, up to which each is one class; more values are `CLASSES` of about as many runs."""
CLASSES = 5
WHO = ["system", "group"]
_COSTS_S = 0.1
"""Of a run, besides what `sim.systems.size` counts: measuring and writing."""
_READ_S = 0.003
"""Of a run, when all are there and the dataset is made of them."""

Heard = Callable[[int, int, TimeLeft], None]
"""Told how many of how many runs are there, and what tells how long the others take."""


@dataclass(frozen=True)
class Sweep:
    """What came of one."""

    scenario: Scenario
    design: Design
    replications: int
    runs: pd.DataFrame
    """As in the dataset: ``point``, ``replication`` and ``seed``, a column for each varied key,
    named by its path, the summary, and ``usd_per_month``, what the system would cost."""

    @property
    def varied(self) -> Sequence[Varied]:
        """What was varied."""
        return self.design.varied

    @cached_property
    def groups(self) -> list[tuple[str, str]]:
        """System and name of each group."""
        return [(str(s), str(g)) for s, g in self.runs[WHO].drop_duplicates().to_numpy()]

    def of(self, system: str, group: str) -> pd.DataFrame:
        """The runs of a group."""
        return self.runs[(self.runs["system"] == system) & (self.runs["group"] == group)]

    def depends(self, number: str) -> list[tuple[str, str]]:
        """Groups of which the settings change a number, by so much of it at the most first.

        Others have the same in all runs of a seed.
        """
        apart: dict[tuple[str, str], float] = {}
        for who in self.groups:
            its = self.of(*who)
            if (its.groupby("replication")[number].nunique(dropna=False) > 1).any():
                mean = self.cells(number, *who)["mean"]
                apart[who] = _ratio(float(mean.min()), float(mean.max()))
        return sorted(apart, key=lambda who: -apart[who])

    def cells(self, number: str, system: str, group: str) -> pd.DataFrame:
        """[points] of a group the ``mean`` of a number over the runs of each setting.

        With ``low`` and ``high``, Student's interval of 95 %, which begins at 0 at the earliest and
        is NaN where there is one run or one that is infinite; and the settings.
        """
        from scipy.stats import t

        its = self.of(system, group).groupby("point", sort=True)
        cells = its[[one.path for one in self.varied]].first()
        n, deviation = its[number].count(), its[number].std()
        cells["mean"] = its[number].mean()
        half = t.ppf(0.5 + CONFIDENCE / 2, n - 1) * deviation / np.sqrt(n)
        cells["low"] = (cells["mean"] - half).clip(lower=0.0)
        cells["high"] = cells["mean"] + half
        return cells.reset_index()

    def effects(self, number: str, system: str, group: str) -> pd.DataFrame:
        """[varied keys] what each does to the number of a group, whatever the others are.

        Settings are classed by the value of the key. ``low`` and ``high``: the least and the
        greatest median of a class's settings; ``from`` and ``to``: which classes these are, in
        words. ``share``: how much of the variance of the settings' ranks goes with the class
        (epsilon squared of Kruskal and Wallis, 0 on average for a key without effect; NaN: too few
        settings), the greatest first. Ranks, since a number that is 20 ms here and 3 h there has a
        mean that tells of its tail alone.
        """
        cells = self.cells(number, system, group).dropna(subset="mean")
        ranks = cells["mean"].rank()
        rows = []
        for one in self.varied:
            classes = _classes(one, cells)
            middle = cells["mean"].groupby(classes, sort=False, observed=True).median()
            fitted = ranks.groupby(classes, sort=False, observed=True).transform("mean")
            least, most = int(middle.argmin()), int(middle.argmax())
            rows.append(
                {
                    "path": one.path,
                    "from": str(middle.index[least]),
                    "to": str(middle.index[most]),
                    "low": float(middle.iloc[least]),
                    "high": float(middle.iloc[most]),
                    "share": _share(ranks, fitted, len(middle)),
                }
            )
        found = pd.DataFrame(rows)
        return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _ratio(low: float, high: float) -> float:
    if low == high:
        return 1.0
    return high / low if low > 0 else np.inf


def _classes(one: Varied, cells: pd.DataFrame) -> pd.Series:
    """Of each setting the class of a key's value, in words; the classes in order."""
    values = cells[one.path]
    if values.nunique() <= MOST_LEVELS or not one.numeric:
        words = {value: one.say(value) for value in (level.value for level in one.levels)}
        words |= {value: one.say(value) for value in sorted(values.unique(), key=str)}
        order = sorted(values.unique()) if one.numeric else [*words]
        return pd.Series(
            pd.Categorical(
                [words[v] for v in values], list(dict.fromkeys(words[v] for v in order))
            ),
            index=cells.index,
        )
    rank = values.rank(method="min").to_numpy() - 1  # what is alike stays together
    number = (rank * CLASSES / len(values)).astype(int)
    ends = values.groupby(number).agg(["min", "max"])
    words = {
        i: f"{one.say(low)} to {one.say(high)}" for i, (low, high) in enumerate(ends.to_numpy())
    }
    return pd.Series(
        pd.Categorical([words[i] for i in number], list(words.values())), index=cells.index
    )


def _share(ranks: pd.Series, fitted: pd.Series, classes: int) -> float:
    total = float(((ranks - ranks.mean()) ** 2).sum())
    left = float(((ranks - fitted) ** 2).sum())
    n = len(ranks)
    if total == 0 or n <= classes:
        return float("nan")
    return max(0.0, 1 - left / (n - classes) * (n - 1) / total)


def place_of(scenario: Scenario, design: Design, replications: int, folder: Path) -> Path:
    """The folder of a sweep, below that of all results; of another one, it is another."""
    asked = json.dumps(
        [
            scenario.hash,
            points.edition(scenario),
            replications,
            *map(design.overrides, design.settings),
        ]
    )
    digest = hashlib.sha256(asked.encode()).hexdigest()[:12]
    return folder / scenario.name / "sweeps" / digest


def sweep(
    scenario: Scenario,
    design: Design,
    replications: int,
    folder: Path,
    heard: Heard = lambda _there, _of, _left: None,
    jobs: int | None = None,
    cluster: str | None = None,
) -> Sweep:
    """Run a scenario with all settings of a design, and write the dataset.

    Each run is kept as soon as it is done, below ``folder``, for this sweep and all others that
    have the same run. They are made in an order that is drawn, so that what is left takes as long
    as what is done.

    Args:
        scenario: to vary; its seed is that of the first replication.
        design: the settings.
        replications: runs of each, with the seeds seed, seed + 1, ….
        folder: of all results.
        heard: told how far it is.
        jobs: processes; None: one a core.
        cluster: as in `sim.studies.points.compute`.

    Raises:
        LabError: a setting does not fit the scenario, or a run is refused or fails.
    """
    place = place_of(scenario, design, replications, folder)
    files.check_folder(place)
    scenarios = [
        at.with_seed(scenario.seed + i)
        for at in _set(scenario, design)
        for i in range(replications)
    ]
    kept = place.parent / "runs" / points.edition(scenario)
    order = random.Random(scenario.seed).sample(scenarios, len(scenarios))
    before = {one.hash for one in points.done(order, kept)}
    order.sort(key=lambda one: one.hash not in before)
    left = TimeLeft([work_s(one) for one in order], _READ_S * len(order))
    for there in points.compute(order, kept, jobs, cluster):
        heard(there, len(order), left)
    found = Sweep(scenario, design, replications, _dataset(scenarios, design, replications, kept))
    _write(found, place)
    return found


def _set(scenario: Scenario, design: Design) -> list[Scenario]:
    return [override(scenario, design.overrides(setting), "--vary") for setting in design.settings]


def work_s(scenario: Scenario) -> float:
    """About how long a run takes, in s of one core."""
    from sim.systems.size import size

    return size(scenario).seconds + _COSTS_S


def _dataset(
    scenarios: Sequence[Scenario], design: Design, replications: int, kept: Path
) -> pd.DataFrame:
    summary = points.read(scenarios, kept, "summary")
    run = summary.pop("point").to_numpy()
    point, replication = run // replications, run % replications
    front: dict[str, Any] = {
        "point": point,
        "replication": replication,
        "seed": np.array([one.seed for one in scenarios])[run],
    }
    for k, one in enumerate(design.varied):
        values = [setting[k].value for setting in design.settings]
        whole = all(isinstance(value, float) and value.is_integer() for value in values)
        kind = np.int64 if whole else np.float64 if one.numeric else object
        front[one.path] = np.array(values, dtype=kind)[point]
    return pd.concat([pd.DataFrame(front), summary.reset_index(drop=True)], axis=1)


def _write(found: Sweep, place: Path) -> None:
    with files.replacing(place / DATASET) as new:
        found.runs.to_parquet(new, compression="zstd", index=False)
    asked = {
        "scenario": found.scenario.name,
        "hash": found.scenario.hash,
        "seed": found.scenario.seed,
        "version": version("queue-log-lab"),
        "design": found.design.kind,
        "varied": {one.path: [level.value for level in one.levels] for one in found.varied},
        "points": len(found.design.settings),
        "replications": found.replications,
    }
    files.write_text(place / ASKED, json.dumps(asked, indent=2, ensure_ascii=False) + "\n")


def check_number(number: str) -> None:
    """Make sure that the summary has a number.

    Raises:
        LabError: it has not.
    """
    from sim.foundation.errors import unknown
    from sim.studies.replications import NUMBERS

    known = [*NUMBERS, points.COST]
    if number not in known:
        raise LabError(unknown("number", number, known))
