"""Which results there are: what each is of, how large it is, and what came out; and their end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from sim.foundation.errors import LabError
from sim.foundation.text import count, duration
from sim.results import folders
from sim.results.store import read_manifest

KEPT = "example"
"""Runs of this name are never pruned: they are the results that are kept with the code."""


@dataclass(frozen=True)
class Listed:
    """A stored result."""

    folder: Path
    scenario: str
    name: str
    when: datetime
    """When it finished, UTC."""
    seed: int
    version: str
    """Of the lab."""
    size_bytes: int
    messages: int
    """That its workload had."""
    headline: str
    """The worst of what came out."""


def listed(out: Path, scenario: str | None = None) -> Iterator[Listed]:
    """The results below a folder, the newest first; what is none is passed over.

    Args:
        out: folder of all results.
        scenario: only of this one.
    """
    found = []
    for manifest in out.glob(f"{scenario or '*'}/*/{folders.MANIFEST}"):
        if folders.is_whole(manifest.parent):
            try:
                found.append(_listed(manifest.parent, read_manifest(manifest.parent)))
            except (LabError, OSError, ValueError, KeyError):  # of another version, or broken
                continue
    yield from sorted(found, key=lambda one: one.when, reverse=True)


def _listed(folder: Path, about: dict[str, Any]) -> Listed:
    summary = pd.read_csv(folder / "summary.csv")
    return Listed(
        folder=folder,
        scenario=str(about["scenario"]),
        name=folder.name,
        when=datetime.fromisoformat(about["finished"]),
        seed=int(about["seed"]),
        version=str(about["versions"].get("queue-log-lab", "")),
        size_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        messages=int(summary["produced"].max()),
        headline=_headline(summary),
    )


def _headline(summary: pd.DataFrame) -> str:
    """The oldest message of the group that is furthest behind, and what was lost."""
    row = summary.iloc[int(summary["max_time_lag_s"].fillna(0).to_numpy().argmax())]
    words = f"{row['system']}.{row['group']} at most {duration(row['max_time_lag_s'])} behind"
    for number, said in (("lost", "lost"), ("unfinished", "unfinished")):
        its = summary.iloc[int(summary[number].to_numpy().argmax())]
        if its[number] > 0:
            words += f"; {count(its[number])} {said} in {its['system']}.{its['group']}"
    return words


def prune(one: Listed) -> None:
    """Remove a result.

    Raises:
        LabError: it is one that is kept, or could not be removed.
    """
    if one.name == KEPT:
        raise LabError(f"{one.folder}: results named {KEPT!r} are not pruned")
    folders.remove(one.folder)
    if one.folder.exists():
        raise LabError(f"{one.folder} could not be removed")
