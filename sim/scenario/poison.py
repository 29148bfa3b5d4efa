"""Whether handlers fail: by faults, or by a share of the workload."""

from typing import TYPE_CHECKING

from sim.scenario.faults.groups import PoisonFault

if TYPE_CHECKING:
    from sim.scenario.load import Scenario


def is_poisoned(scenario: "Scenario", system: str, group: str) -> bool:
    """Whether some message is poisonous to a group: it fails, or kills its process.

    Args:
        scenario: with its faults and its workload.
        system: name.
        group: of the system.
    """
    return has_share(scenario, system, group) or any(
        isinstance(fault, PoisonFault) and fault.strikes_group(system, group)
        for fault in scenario.faults
    )


def has_share(scenario: "Scenario", system: str, group: str) -> bool:
    """Whether a share of the messages is poisonous to a group, by the workload.

    Args:
        scenario: with its workload.
        system: name.
        group: of the system.
    """
    service = scenario.workload.service
    does = scenario.systems[system].readers[group].does
    return any(service[job].poisons for job in does if job in service)
