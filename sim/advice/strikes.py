"""The faults of a scenario as they strike another system: the consumers that do the same jobs."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sim.scenario.faults.base import Fault, GroupFault
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault, SnapshotHeldFault
from sim.scenario.load import Scenario

NUMBERS = (ScaleFault, AutoscaleFault)
"""Faults that set the number of workers: not for a search that looks for it."""


def of_publisher(fault: Fault) -> bool:
    """Whether it strikes a publisher or the brokers behind it."""
    return fault.target.rpartition(".")[0].rpartition(".")[2] in ("publisher", "broker")


def moved(
    scenario: Scenario,
    system: str,
    groups: Mapping[str, list[str]],
    workers: Mapping[str, int],
    tables: bool = False,
) -> tuple[list[Fault], list[Fault]]:
    """The faults as they strike a system, and those that do not.

    Args:
        scenario: whose faults they are.
        system: name of the system to strike.
        groups: the jobs of each of its groups; and `publisher` and `broker`, if it has these.
        workers: of each group.
        tables: whether its queues are tables of PostgreSQL.
    """
    out: dict[str, Fault] = {}
    spared: list[Fault] = []
    for fault in scenario.faults:
        stays = isinstance(fault, NUMBERS if tables else (*NUMBERS, SnapshotHeldFault))
        targets = [] if stays else _targets(scenario, fault, groups, workers)
        if not targets:
            spared.append(fault)
        for target in targets:
            changes: dict[str, Any] = {"target": f"{system}.{target}"}
            if fault.condition is not None:
                changes["when"] = fault.condition.model_copy(update={"of": None})
            own = fault.model_copy(update=changes)
            out[own.model_dump_json()] = own  # faults of several systems may come to the same
    return list(out.values()), spared


def _targets(
    scenario: Scenario,
    fault: Fault,
    groups: Mapping[str, list[str]],
    workers: Mapping[str, int],
) -> list[str]:
    """`group.index` or `group` of each consumer, or set of them, that does the same jobs."""
    whom, _, index = fault.target.rpartition(".")
    if of_publisher(fault):
        kind = whom.rpartition(".")[2]
        return [f"{kind}.{index}"] if kind in groups else []
    if isinstance(fault, GroupFault):
        jobs = _jobs_of(scenario, fault.target) | _jobs_of(scenario, whom)
        return [group for group, its in groups.items() if jobs & set(its)]
    struck = [group for group, its in groups.items() if _jobs_of(scenario, whom) & set(its)]
    return [
        f"{group}.{int(index) % workers[group] if index.isdigit() else index}" for group in struck
    ]


def _jobs_of(scenario: Scenario, whom: str) -> set[str]:
    """The jobs of the groups that a pattern names, `system.group`."""
    return {
        job
        for name, system in scenario.systems.items()
        for group, readers in system.readers.items()
        if fnmatchcase(f"{name}.{group}", whom)
        for job in readers.does
    }
