"""What two results differ in: what was asked, with which versions, and what came of it.

Runs of both with the same seed had the same messages, as far as the workload is the same: these are
compared pair by pair.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.foundation import files
from sim.foundation.errors import LabError
from sim.measure.intervals import of_mean
from sim.results.store import find, read_manifest
from sim.words.differences import leaves

NUMBERS = (
    "processed", "lost", "dead_lettered", "unfinished", "double_effects", "violations", "max_lag",
    "max_time_lag_s", "drain_s", "latency_p50_s", "latency_p99_s", "latency_max_s",
)  # fmt: skip
"""Columns of the summary that are compared."""
REPLICATIONS = "replications"
"""Folder of a scenario with what many seeds gave, by the hash of the scenario with the first."""
ABOUT = "scenario.json"
"""In each of these: what was run, and the version."""
_WHO = ["system", "group"]


@dataclass(frozen=True)
class Side:
    """One of the two."""

    label: str
    content: Mapping[str, Any]
    """The scenario as plain data, defaults filled in."""
    versions: Mapping[str, str]
    runs: pd.DataFrame
    """The summary of each run, with its ``seed``."""


def side(words: str, out: Path) -> Side:
    """A result, with its replications if it has some; or these themselves, by their folder.

    Args:
        words: as for `sim.results.store.find`; or a folder that `sim run --replications` wrote.
        out: folder of all results.

    Raises:
        LabError: there is none, or it is not what the lab wrote.
    """
    for folder in (Path(words), out / words):
        if (folder / ABOUT).is_file():
            return _replicated(folder, "/".join(folder.parts[-3:]))
    folder = find(words, out)
    about = read_manifest(folder)
    label = f"{folder.parent.name}/{folder.name}"
    many = folder.parent / REPLICATIONS / str(about["hash"])
    if (many / ABOUT).is_file():
        return _replicated(many, label)
    try:
        runs = pd.read_csv(folder / "summary.csv")
    except (OSError, ValueError) as error:
        raise LabError(f"{folder} does not hold a result: {error}") from None
    return Side(label, about["content"], about["versions"], runs.assign(seed=about["seed"]))


def _replicated(folder: Path, label: str) -> Side:
    try:
        about = json.loads(files.read_text(folder / ABOUT))
        runs = pd.read_csv(folder / "summary.csv")
        return Side(label, about["content"], about["versions"], runs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{folder} is not what the lab wrote: {error}") from None


def keys(one: Side, other: Side) -> list[tuple[str, str | None, str | None]]:
    """Path, value in the one and in the other (None: not set) of each key that differs."""
    old, new = dict(leaves(one.content)), dict(leaves(other.content))
    return [
        (path, old.get(path), new.get(path))
        for path in {**old, **new}
        if path not in ("about", "seed") and old.get(path) != new.get(path)
    ]


def outcomes(one: Side, other: Side) -> pd.DataFrame:
    """A row per group that both have and number of `NUMBERS` that differs in any run.

    ``one`` and ``other``: means of all runs; ``pairs``: seeds that both have; ``mean``, ``low`` and
    ``high``: other less one, by Student over the pairs, NaN where it is not known: of one pair, or
    where a run is infinite.
    """
    rows = []
    for who in dict.fromkeys(map(tuple, one.runs[_WHO].to_numpy())):
        its, theirs = (_of(side.runs, who) for side in (one, other))
        if theirs.empty:
            continue
        seeds = its.index.intersection(theirs.index)
        for number in NUMBERS:
            if number not in its or number not in theirs:
                continue
            a, b = its[number], theirs[number]
            apart = (b[seeds] - a[seeds]).to_numpy(np.float64)
            same = np.array_equal(a[seeds], b[seeds], equal_nan=True)
            if same and np.array_equal([a.mean()], [b.mean()], equal_nan=True):
                continue
            mean = of_mean(apart)
            known = len(seeds) > 1 and np.isfinite(apart).all()
            rows.append(
                {
                    "system": who[0], "group": who[1], "number": number, "one": a.mean(),
                    "other": b.mean(), "pairs": len(seeds),
                    "mean": mean.estimate if len(seeds) else np.nan,
                    "low": mean.low if known else np.nan, "high": mean.high if known else np.nan,
                }
            )  # fmt: skip
    columns = [*_WHO, "number", "one", "other", "pairs", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _of(runs: pd.DataFrame, who: tuple[Any, ...]) -> pd.DataFrame:
    its: pd.DataFrame = runs[(runs["system"] == who[0]) & (runs["group"] == who[1])]
    return its.set_index("seed")


def only(one: Side, other: Side) -> list[str]:
    """Groups that the one has and the other has not."""
    theirs = set(map(tuple, other.runs[_WHO].to_numpy()))
    own = dict.fromkeys(map(tuple, one.runs[_WHO].to_numpy()))
    return [".".join(map(str, who)) for who in own if who not in theirs]
