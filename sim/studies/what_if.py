"""A scenario at every position of a few sliders, run before anybody asks.

A knob has positions, and sets keys of the scenario to a value for each. Every position of every
knob with every other is a run of the same seed, so that nothing on the page is interpolated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.foundation import document
from sim.foundation.document import Document
from sim.foundation.errors import LabError, Problem, ScenarioError, unknown_key
from sim.scenario.load import Scenario, override
from sim.scenario.shelf import folders
from sim.studies import points
from sim.studies.design import Varied
from sim.words.findings import headline

PAGES = "pages"
"""Folder beside the scenarios, of files that name what a page lets a reader turn."""
MOST_RUNS = 400
_KEYS = ("says", "sets")
NUMBERS = (
    "latency_p99_s", "drain_s", "lost", "dead_lettered", "unfinished", "double_effects",
    "violations", "max_lag", "max_time_lag_s",
)  # fmt: skip
"""Columns of the summary that a page shows, a row per group."""


@dataclass(frozen=True)
class Knob:
    """What a slider turns."""

    name: str
    says: tuple[str, ...]
    """[positions] what the slider shows there."""
    sets: Mapping[str, tuple[str, ...]]
    """Path as after ``--set`` -> [positions] the value there."""


def knobs_of(scenario: Scenario) -> Path | None:
    """The file of a scenario's knobs, by its name; None if there is none."""
    places = (folder / PAGES / f"{scenario.name}.yaml" for folder in folders())
    return next((path for path in places if path.is_file()), None)


def read_knobs(path: Path) -> list[Knob]:
    """Knobs from a file: ``name: {says: […], sets: {path: […]}}``; null: the words of ``says``.

    Raises:
        ScenarioError: each place where it is of another form.
    """
    doc = document.read(path)
    problems: list[Problem] = []
    if not isinstance(doc.data, dict) or not doc.data:
        raise ScenarioError([doc.problem((), "expected knobs by name, each {says: […], sets: …}")])
    knobs = [_knob(doc, name, problems) for name in doc.data]
    if problems:
        raise ScenarioError(problems)
    return [knob for knob in knobs if knob is not None]


def _knob(doc: Document, name: str, problems: list[Problem]) -> Knob | None:
    given = doc.data[name]
    if not isinstance(given, dict):
        problems.append(doc.problem((name,), "expected {says: […], sets: {PATH: […]}}"))
        return None
    for key in given:
        if key not in _KEYS:
            problems.append(doc.problem((name, key), unknown_key(str(key), _KEYS)))
    says, sets = given.get("says"), given.get("sets")
    if not isinstance(says, list) or len(says) < 2:
        problems.append(doc.problem((name, "says"), "expected a list of two or more positions"))
        return None
    if not isinstance(sets, dict) or not sets:
        problems.append(doc.problem((name, "sets"), "expected the paths that it sets"))
        return None
    found: dict[str, tuple[str, ...]] = {}
    for path, values in sets.items():
        if values is not None and (not isinstance(values, list) or len(values) != len(says)):
            what = f"expected {len(says)} values, one for each position, or none"
            problems.append(doc.problem((name, "sets", path), what))
            continue
        found[str(path)] = tuple(map(str, says if values is None else values))
    return Knob(str(name), tuple(map(str, says)), found)


def of_varied(varied: Sequence[Varied]) -> list[Knob]:
    """Knobs that set a key each, as given with ``--vary``."""
    return [
        Knob(
            one.path.removeprefix("systems."),
            tuple(one.say(level.value) for level in one.levels),
            {one.path: tuple(level.words for level in one.levels)},
        )
        for one in varied
    ]


@dataclass(frozen=True)
class WhatIf:
    """The runs of a page."""

    scenario: Scenario
    knobs: tuple[Knob, ...]
    at: tuple[int, ...]
    """The position of each knob at which the scenario is as it stands; the first if at none."""
    runs: Sequence[Scenario]
    """Of each setting, the last knob's positions changing first."""


def settings(scenario: Scenario, knobs: Sequence[Knob]) -> WhatIf:
    """The runs that a page needs; each setting is checked before any is run.

    Raises:
        LabError: there is no knob, or there are more than `MOST_RUNS` settings.
        ScenarioError: a value does not fit the scenario.
    """
    if not knobs:
        raise LabError("nothing to turn: give --vary PATH=VALUES, or a file with --knobs")
    total = prod(len(knob.says) for knob in knobs)
    if total > MOST_RUNS:
        raise LabError(f"{total:,} settings are more than {MOST_RUNS}: give fewer positions")
    runs = []
    for positions in product(*(range(len(knob.says)) for knob in knobs)):
        changes = [
            f"{path}={values[i]}"
            for knob, i in zip(knobs, positions, strict=True)
            for path, values in knob.sets.items()
        ]
        runs.append(override(scenario, changes, "the page's"))
    here = next((i for i, run in enumerate(runs) if run.hash == scenario.hash), None)
    shape = [len(knob.says) for knob in knobs]
    at = (
        tuple(int(i) for i in np.unravel_index(here, shape))
        if here is not None
        else tuple(0 for _ in knobs)
    )
    return WhatIf(scenario, tuple(knobs), at, runs)


def compute(asked: WhatIf, folder: Path, jobs: int | None = None) -> Iterator[int]:
    """Make the runs that are not there yet; yields how many are there, after each."""
    return points.compute(asked.runs, _kept(asked, folder), jobs, also=("shown",))


def _kept(asked: WhatIf, folder: Path) -> Path:
    return folder / asked.scenario.name / "sweeps" / "runs" / points.edition(asked.scenario)


def data(asked: WhatIf, folder: Path, command: str) -> dict[str, Any]:
    """What the page is made of, as plain data; the runs are there.

    ``command`` is the one that runs the scenario as it stands.

    ``runs`` has for each setting its ``title``, ``rows`` ([groups, 2 + `NUMBERS`]), ``usd`` a month
    by system, ``t`` [times] in s, and ``lag`` and ``age`` [groups][times].
    """
    kept = _kept(asked, folder)
    tables = {name: points.read(asked.runs, kept, name) for name in ("summary", "series", "shown")}
    by_run = {name: dict(iter(table.groupby("point"))) for name, table in tables.items()}
    shown = tables["shown"].iloc[:0]
    return {
        "scenario": asked.scenario.name,
        "about": asked.scenario.about,
        "command": command,
        "knobs": [
            {"name": knob.name, "says": knob.says, "sets": knob.sets} for knob in asked.knobs
        ],
        "at": asked.at,
        "numbers": NUMBERS,
        "runs": [
            _run(
                run,
                by_run["summary"][i],
                by_run["series"].get(i, tables["series"].iloc[:0]),
                by_run["shown"].get(i, shown),
            )
            for i, run in enumerate(asked.runs)
        ],
    }


def _run(
    run: Scenario, summary: pd.DataFrame, series: pd.DataFrame, shown: pd.DataFrame
) -> dict[str, Any]:
    who = [(str(s), str(g)) for s, g in summary[["system", "group"]].to_numpy()]
    lines = dict(iter(series.groupby(["system", "group"], sort=False)))
    every = np.unique(series["t_s"].to_numpy(float))
    t = every[np.unique(np.linspace(0, len(every) - 1, min(len(every), 60)).astype(int))]
    return {
        "title": headline(summary, run.duration, shown if len(shown) else None),
        "rows": [
            [*pair, *(_plain(row[number]) for number in NUMBERS)]
            for pair, (_, row) in zip(who, summary.iterrows(), strict=True)
        ],
        "usd": {
            str(s): _plain(v) for s, v in summary.groupby("system")[points.COST].first().items()
        },
        "t": [_plain(at) for at in t],
        "lag": [_sampled(lines.get(pair), "lag", t) for pair in who],
        "age": [_sampled(lines.get(pair), "time_lag_s", t) for pair in who],
    }


def _sampled(line: pd.DataFrame | None, column: str, t: np.ndarray) -> list[Any]:
    """The most since the time before, at each of these times; None after the line's end."""
    if line is None:
        return [None] * len(t)
    at, y = line["t_s"].to_numpy(float), line[column].to_numpy(float)
    place = np.searchsorted(t, at)
    most = np.full(len(t), np.nan)
    np.fmax.at(most, np.minimum(place, len(t) - 1), y)
    return [_plain(value) for value in most]


def _plain(value: Any) -> float | int | str | None:
    """A number of four digits, or whole if it is a count; "inf"; None for none."""
    number = float(value)
    if np.isnan(number):
        return None
    if np.isinf(number):
        return "inf"
    if number.is_integer():
        return int(number)
    return float(f"{number:.4g}")
