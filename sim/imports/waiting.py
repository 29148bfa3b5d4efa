"""What waited at the last sample of an export, as the `start:` of a scenario."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd

from sim.foundation.errors import LabError
from sim.imports.measured import Measured
from sim.scenario.load import Scenario

_UNEVEN = 1.5
"""So many times its share waits in one partition: then it matters in which."""


@dataclass(frozen=True)
class Waiting:
    """A group or queue at its last sample."""

    name: str
    """As the export calls it."""
    backlog: int
    """Messages that wait."""
    age_s: float
    """Of the oldest, s; NaN: the export does not tell."""
    guessed: bool = False
    """Whether the oldest came before the export begins, so that its age is from the mean rate."""


def waiting(measured: Measured) -> list[Waiting]:
    """What waits at the last sample of each name that has lag in messages, and how old it is.

    The age is the one that was measured; else, from offsets, the time since the end of the log was
    where the group is now (of the partition furthest behind, where the export has partitions);
    where that was before the first sample, at the mean rate of arrivals.

    Raises:
        LabError: there is no lag in messages.
    """
    its = measured.samples[measured.samples["measure"] == "lag"]
    if its.empty:
        raise LabError(f"{measured.source}: there is no lag in messages in it")
    out = []
    for name, rows in its.groupby("name", sort=False):
        last = rows.iloc[-1]
        age_s, guessed = age_of(measured, str(name), last["at"])
        out.append(Waiting(str(name), round(float(last["value"])), age_s, guessed))
    return out


def age_of(measured: Measured, name: str, at: pd.Timestamp) -> tuple[float, bool]:
    """Of the oldest message at a time, s, and whether it is from the mean rate."""
    said = measured.samples
    said = said[(said["name"] == name) & (said["measure"] == "time_lag_s") & (said["at"] <= at)]
    if len(said):
        return float(said["value"].iloc[-1]), False
    of_parts = [] if measured.parts is None else list(_ages(measured.parts, name, at))
    if of_parts:
        return max(of_parts)
    if measured.offsets is None:
        return nan, False
    its = measured.offsets[(measured.offsets["name"] == name) & (measured.offsets["at"] <= at)]
    if len(its) < 2:
        return nan, False
    return _since(its, at)


def _ages(parts: pd.DataFrame, name: str, at: pd.Timestamp) -> Iterator[tuple[float, bool]]:
    """Of the oldest message in each partition in which some wait, as `age_of`."""
    its = parts[(parts["name"] == name) & (parts["at"] <= at)].dropna(subset=["end", "committed"])
    for _, rows in its.groupby("part"):
        if len(rows) > 1 and rows["at"].iloc[-1] == at and rows["lag"].iloc[-1] > 0:
            age_s, guessed = _since(rows, at)
            if not isnan(age_s):
                yield age_s, guessed


def _since(its: pd.DataFrame, at: pd.Timestamp) -> tuple[float, bool]:
    """How long ago the end was where the last commit is, s, and whether from the mean rate."""
    before_s = (at - pd.DatetimeIndex(its["at"])).total_seconds().to_numpy()
    end, done = its["end"].to_numpy(np.float64), float(its["committed"].iloc[-1])
    if done >= end[0]:
        return float(np.interp(done, end, before_s)), False
    per_s = (end[-1] - end[0]) / (before_s[0] - before_s[-1])
    return (float((end[-1] - done) / per_s), True) if per_s > 0 else (nan, False)


def start_of(those: Sequence[Waiting], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The value of `start:`: backlog and age, s, by the names of a scenario.

    All readers of a scenario have the same messages, so that more of them reach further back: where
    ages say otherwise, all get the one of the greatest backlog.

    Args:
        those: what waits.
        names: of each name of the export, those of the scenario, as ``kafka.counters``.

    Raises:
        LabError: nothing waits, or nobody knows since when.
    """
    its = [(name, one) for one in those for name in names[one.name] if one.backlog]
    if not its:
        raise LabError("nothing waits at the last sample: there is no start to be written")
    most = max((one for _, one in its), key=lambda one: one.backlog)
    if isnan(most.age_s):
        raise LabError(
            f"{most.name}: the export does not tell how old the oldest message is: it has neither "
            "that age nor offsets. Write it yourself: start: {backlog: "
            f"{most.backlog}, age: 3h}}"
        )
    ordered = sorted((one.backlog, one.age_s) for _, one in its)
    alike = all(
        young_s < old_s if fewer < more else young_s == old_s
        for (fewer, young_s), (more, old_s) in pairwise(ordered)
    )
    ages = {name: round(one.age_s, 3) for name, one in its}
    return {
        "backlog": {name: one.backlog for name, one in its},
        "age": ages if alike and all(ages.values()) else round(most.age_s, 3),
    }


def started(scenario: Scenario, measured: Measured) -> Scenario:
    """The scenario, beginning with what waited at the last sample of an export.

    Args:
        scenario: the groups of which have the names of the export's; of one with one group, an
            export of one name is that group's, whatever it is called.
        measured: the export.

    Raises:
        LabError: as `waiting` and `start_of`; or the scenario has no such group.
        ScenarioError: it cannot start so.
    """
    those = waiting(measured)
    readers = list(_readers(scenario))
    names = {one.name: [name for name, group in readers if group == one.name] for one in those}
    if len(those) == 1 and not names[those[0].name] and len({g for _, g in readers}) == 1:
        names[those[0].name] = [name for name, _ in readers]
    known = [one for one in those if names[one.name]]
    if not known:
        raise LabError(
            f"{measured.source}: {', '.join(one.name for one in those)}: no group or queue of "
            f"{scenario.name} has that name; there are {', '.join(name for name, _ in readers)}"
        )
    start = start_of(known, names)
    start["backlog"] |= _in_partitions(scenario, measured, known, start["backlog"])
    return scenario.with_({"start": start})


def _in_partitions(
    scenario: Scenario, measured: Measured, those: Sequence[Waiting], backlog: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """The backlog of the only reader by partition, where most of it is in few of them."""
    if measured.parts is None or len(those) != 1 or len(backlog) != 1:
        return {}
    (name,) = backlog
    system = scenario.systems[name.split(".", 1)[0]]
    its = measured.parts[measured.parts["name"] == those[0].name]
    last = its[its["at"] == its["at"].max()]
    number = last["part"].str.extract(r"^(.*)-(\d+)$")
    of = {int(k): round(float(n)) for k, n in zip(number[1], last["lag"], strict=True)}
    one_topic = number[0].nunique() == 1 and len(of) == len(last)
    if not one_topic or system.keyless or len(of) != system.partitions or max(of) >= len(of):
        return {}
    if sum(of.values()) != backlog[name] or max(of.values()) < _UNEVEN * backlog[name] / len(of):
        return {}
    return {name: {str(k): n for k, n in sorted(of.items()) if n}}


def _readers(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for name, system in scenario.systems.items():
        for group in system.readers:
            yield f"{name}.{group}", group
