"""Small scenarios with one planted cause each, and what it takes to be sure of the cause.

A plant is checked without `sim explain`: the harm is there with the cause and gone without it, and
what only looks guilty (the decoy) may go without any difference.
"""

import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from sim.lab import run
from sim.scenario.load import Scenario

SYSTEM, GROUP = "s", "g"
"""Where the harm of every plant is."""
GONE = 0.2
"""Share of the harm that may be left without the cause: what the rest of the scenario costs."""
SAME = 0.1
"""Share of the harm by which it may differ without the decoy: other messages, other draws."""
LEAST = {"drain_s": 10.0, "max_time_lag_s": 10.0, "latency_p99_s": 5.0, "latency_p50_s": 0.4}
"""Harm below which there is nothing to explain, s."""
MARKED = 0.002
"""Share of the messages of which fewer duplicates are slight beside other harms."""

Changes = Mapping[str, Any]
"""New values by dotted path, as of `--set`, but that ``faults.0`` is the first fault and
``faults.0.for`` a key of it; ``faults.0`` set to None takes it away."""


@dataclass(frozen=True)
class Part:
    """What the harm cannot do without: a key or a fault."""

    where: tuple[str, ...]
    """Dotted paths, of which a cause that is stated must change one."""
    without: Changes
    """What takes it away."""


@dataclass(frozen=True)
class Plant:
    """A scenario and what is wrong with it."""

    kind: str
    scenario: dict[str, Any]
    """As from a file."""
    harm: str
    """Column of the table summary, or of the ledger, that shows it."""
    cause: tuple[Part, ...]
    """If more than one: each is necessary, and naming any of them names the cause; none: nothing
    is wrong."""
    decoy: Part | None = None
    """What looks guilty and is not."""


Kind = Callable[[random.Random], Plant]
"""Draws a plant; the cause is certain by its construction, the harm only likely."""


def scenario_of(
    system: Mapping[str, Any],
    arrivals: list[tuple[float, float]],
    work: Mapping[str, Any],
    *,
    faults: list[dict[str, Any]] | None = None,
    keys: Mapping[str, Any] | None = None,
    drain_limit: str = "5m",
    more_work: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A scenario with one system.

    Args:
        system: keys of it.
        arrivals: (seconds, messages a second), one after the other.
        work: of the job ``g``.
        faults: what befalls it.
        keys: dimensions of the messages' key; 1,000 values if not given.
        drain_limit: how long it is watched after the last arrival.
        more_work: of other jobs.
        more: further keys at the top.
    """
    return {
        "name": "planted",
        "duration": f"{sum(length for length, _ in arrivals):g}s",
        "drain_limit": drain_limit,
        "workload": {
            "arrivals": {"profile": profile(arrivals)},
            "keys": dict(keys or {"k": {"count": 1_000}}),
            "service": {"g": dict(work), **(more_work or {})},
        },
        "systems": {SYSTEM: dict(system)},
        "faults": list(faults or []),
        **more,
    }


def profile(arrivals: list[tuple[float, float]]) -> list[dict[str, str]]:
    """Segments of a profile from (seconds, messages a second)."""
    return [{"for": f"{length:g}s", "rate": f"{rate:g}/s"} for length, rate in arrivals]


def changed(scenario: Mapping[str, Any], changes: Changes) -> Scenario:
    """A scenario with changes.

    Raises:
        ScenarioError: it is not valid then.
    """
    data = copy.deepcopy(dict(scenario))
    rest, gone = {}, set()
    for path, value in changes.items():
        first, _, inner = path.partition(".")
        if first != "faults" or not inner:
            rest[path] = value
        elif "." not in inner:
            gone.add(int(inner))
        else:
            index, *keys, last = inner.split(".")
            at = data["faults"][int(index)]
            for key in keys:
                at = at[key]
            at[last] = value
    data["faults"] = [fault for i, fault in enumerate(data["faults"]) if i not in gone]
    return Scenario.from_mapping(data).with_(rest)


def _row(scenario: Scenario) -> dict[str, Any]:
    """Of the summary, and of the ledger if it keeps books, the group that is harmed."""
    tables = run(scenario).tables
    found = {"misstatement_cents": 0.0, "entities_wrong": 0.0}
    for rows in (tables.ledger, tables.summary):
        if len(rows):
            its = rows[(rows["system"] == SYSTEM) & (rows["group"] == GROUP)]
            found |= {str(column): its.iloc[0][column] for column in its}
    return found


def harm_in(scenario: Scenario, harm: str) -> float:
    """The value of a column of the summary or ledger, of the group that is harmed."""
    return float(_row(scenario)[harm])


def harms_in(scenario: Scenario) -> dict[str, float]:
    """By the words of `explain`, how much of each harm there is, in its unit."""
    row = _row(scenario)
    needs = scenario.needs
    late_s = max(row["max_time_lag_s"], min(row["drain_s"], row["watched_s"]))
    if needs is not None and needs.max_delay is not None:
        late_s = row["latency_p99_s"] - needs.max_delay
    return {
        "lost": float(row["lost"]),
        "unfinished": float(row["unfinished"]),
        "dead_lettered": float(row["dead_lettered"]),
        "misstated": float(row["misstatement_cents"]),
        "wrong_states": float(row["entities_wrong"]),
        "wrong_results": float(row["wrong_effects"]),
        "duplicates": float(row["double_effects"]),
        "out_of_order": float(row["violations"]),
        "late": float(late_s),
        "slower": float(row["latency_p50_s"]),
        "redelivered": float(row["extra_deliveries"]),
    }


def named(path: str, where: str) -> bool:
    """Whether a path is a place, or within it."""
    return path == where or path.startswith(f"{where}.")


def is_gone(before: float, after: float) -> bool:
    """Whether so little of a harm is left that its cause was taken away."""
    return after <= GONE * before if before < inf else after < inf


def is_same(before: float, after: float) -> bool:
    """Whether a harm is what it was."""
    return before == after or abs(after - before) <= SAME * before


def wrong_with(plant: Plant) -> str:
    """Why a plant is none: its harm is not there, or not its cause's; "": it is one."""
    row = _row(changed(plant.scenario, {}))
    before = float(row[plant.harm])
    least = MARKED * row["produced"] if plant.harm == "double_effects" else 1.0
    harmed = before >= LEAST.get(plant.harm, least)
    if harmed != bool(plant.cause):
        return f"{plant.harm} is {before:g}"
    if not harmed:
        return ""
    for part in plant.cause:
        after = harm_in(changed(plant.scenario, part.without), plant.harm)
        if not is_gone(before, after):
            return f"without {part.where[0]}, {plant.harm} is {after:g} of {before:g}"
    return _done_by_decoy(plant)


def _done_by_decoy(plant: Plant) -> str:
    """What is otherwise without the decoy; "": nothing that counts, or there is none."""
    if plant.decoy is None:
        return ""
    with_it = harms_in(changed(plant.scenario, {}))
    without = harms_in(changed(plant.scenario, plant.decoy.without))
    for kind, before in with_it.items():
        after, slack = without[kind], 1.0
        # Where order is not kept, who is a moment later puts other messages out of it.
        if kind != "out_of_order" and not is_same(before, after) and abs(before - after) > slack:
            return f"without the decoy {plant.decoy.where[0]}, {kind} is {after:g}, not {before:g}"
    return ""
