"""What a group's siblings show could be: the same messages, the same jobs, in other systems."""

from collections.abc import Mapping
from typing import NamedTuple

from sim.causes.harms import Numbers
from sim.scenario.load import Scenario

Where = tuple[str, str]
"""System and group."""


class Sibling(NamedTuple):
    """The quickest of a group's siblings."""

    who: str
    """Its system, with the group if that has several."""
    latency_s: float
    """Its latency: ``slower`` of its numbers, s."""
    asked_s: float
    """Of it, what its configuration asks for, s."""


def compared(scenario: Scenario, system: str, group: str) -> list[Where]:
    """The groups of other systems that do a group's jobs, and perhaps more.

    None where the needs say what delay there may be: then it is theirs to judge; and none in a
    pipeline.
    """
    if scenario.pipeline:
        return []  # stages do not stand for each other
    if scenario.needs is not None and scenario.needs.max_delay is not None:
        return []
    jobs = set(scenario.systems[system].readers[group].does)
    return [
        (name, other)
        for name, its in scenario.systems.items()
        for other, readers in its.readers.items()
        if name != system and jobs <= set(readers.does)
    ]


def quickest(scenario: Scenario, now: Numbers, others: Mapping[Where, Numbers]) -> Sibling | None:
    """Of some groups, the quickest that was given as many messages and processed as many.

    Args:
        scenario: of all of them.
        now: of the group that is compared with them.
        others: of the groups that it is compared with.
    """
    alike = {
        where: max(0.0, its.of["slower"] - its.asked_s)
        for where, its in others.items()
        if its.produced == now.produced and its.not_processed <= now.not_processed
    }
    if not alike:
        return None
    system, group = min(alike, key=lambda where: alike[where])
    who = system if len(scenario.systems[system].readers) == 1 else f"{system}.{group}"
    best = others[system, group]
    return Sibling(who, best.of["slower"], best.asked_s)
