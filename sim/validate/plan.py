"""What one system of a scenario comes to in real life: its messages, their work, its processes.

A plan holds nothing that the lab's own run of the same scenario does not have: the same rows,
times, keys and draws of work. Faults stay in the scenario: the very code that strikes simulated
consumers strikes real ones (`sim.validate.fleet`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.engine.system import Setup
from sim.foundation.arrays import F64, I32
from sim.injection.poison import Poison, poison
from sim.scenario.faults.base import Fault
from sim.scenario.faults.brokers import BrokerPauseFault
from sim.scenario.faults.groups import AutoscaleFault, DeployFault, PoisonFault, ScaleFault
from sim.scenario.faults.processes import (
    CrashFault,
    PauseFault,
    RestartFault,
    SlowFault,
    TerminateFault,
)
from sim.scenario.load import Scenario
from sim.scenario.products.base import ProductSystem, Readers
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.scaling import fleet_size
from sim.systems.rabbitmq_exchange import routed
from sim.traffic.generate import service_s
from sim.traffic.messages import Messages

_OF_CONSUMERS = (
    CrashFault,
    TerminateFault,
    RestartFault,
    PauseFault,
    SlowFault,
    DeployFault,
    ScaleFault,
    AutoscaleFault,
    PoisonFault,
)
"""What can be done to real processes and messages: signals, new processes, work that takes longer
or raises."""


@dataclass(frozen=True)
class PlannedGroup:
    """The processes that read, and what each message costs them."""

    name: str
    readers: Readers
    """Its configuration, in the product's own keys."""
    members: int
    """Processes at the start."""
    most: int
    """Processes that there may be at a time, once faults have scaled it."""
    rows: I32 | None
    """Messages meant for it, ascending; None: all."""
    work_s: F64
    """[messages] time that the work on each takes, s."""
    poison: Poison
    """Messages that fail, or kill their process."""


@dataclass(frozen=True)
class Plan:
    """One system's share of a scenario."""

    scenario: Scenario
    system: str
    product: ProductSystem
    """The system's configuration."""
    messages: Messages
    keys: Sequence[str] | None
    """[messages] key of each record; None: it has none."""
    groups: Mapping[str, PlannedGroup]

    @property
    def faults(self) -> Sequence[Fault]:
        """Those of the scenario that concern this system."""
        return [
            fault for fault in self.scenario.faults if concerns(fault, self.product, self.system)
        ]


def plan(scenario: Scenario, system: str, messages: Messages) -> Plan:
    """What one system of a scenario comes to.

    Args:
        scenario: already short enough for real time (`sim.validate.cut`).
        system: name.
        messages: of the scenario.

    Raises:
        LabError: a fault names a key that does not exist.
    """
    product = scenario.systems[system]
    setup = Setup(system, scenario, messages, np.arange(2, dtype=np.float64))
    rows = _rows(product, messages)
    groups = {
        name: PlannedGroup(
            name,
            readers,
            fleet_size(readers.members, scenario.scale),
            _most(scenario, system, name, readers.members),
            rows.get(name),
            service_s(scenario, len(messages), readers.does).astype(np.float64),
            poison(setup, name, rows.get(name)),
        )
        for name, readers in product.readers.items()
    }
    return Plan(scenario, system, product, messages, _keys(product, messages), groups)


def _rows(product: ProductSystem, messages: Messages) -> Mapping[str, I32]:
    """Messages that are meant for each group that is not given them all, ascending."""
    if isinstance(product, RabbitmqSystem):
        if product.exchange.type == "fanout":
            return {}
        return routed(
            product.exchange, {name: q.bindings for name, q in product.queues.items()}, messages
        )
    return messages.of_each(
        {
            name: getattr(readers, "only", getattr(readers, "filter_policy", None))
            for name, readers in product.readers.items()
        }
    )


def _most(scenario: Scenario, system: str, group: str, members: int) -> int:
    scalers = [fault for fault in scenario.faults if isinstance(fault, ScaleFault | AutoscaleFault)]
    its = [fault.most for fault in scalers if fault.strikes_group(system, group)]
    return fleet_size(max([members, *its]), scenario.scale)


def _keys(product: ProductSystem, messages: Messages) -> Sequence[str] | None:
    dims = getattr(product, "partition_key", None)
    if dims is None:
        return None
    key_of, names = messages.keys_of(dims)
    return [names[key] for key in key_of]


def concerns(fault: Fault, product: ProductSystem, system: str) -> bool:
    """Whether a fault strikes anything of a system."""
    of_group = getattr(fault, "strikes_group", None)
    return any(
        fault.strikes_any(system, name, readers.members) or (of_group and of_group(system, name))
        for name, readers in product.readers.items()
    ) or any(fault.strikes_any(system, part, n) for part, n in product.ahead.items())


def impossible(fault: Fault, product: ProductSystem, system: str) -> str | None:
    """Why a fault of a system cannot be done to processes on one machine; None: it can."""
    if isinstance(fault, BrokerPauseFault):
        return None
    if not isinstance(fault, _OF_CONSUMERS):
        return f"{fault.fault!r} cannot be done to real processes of one machine"
    if any(fault.strikes_any(system, part, n) for part, n in product.ahead.items()):
        return "the process that publishes is not struck: it replays the messages"
    return None


def work_lines(group: PlannedGroup) -> Iterator[str]:
    """What a process of a group has to know of each message: ``id work_us fails kills``.

    ``fails`` is how often it raises (0: never; `sim.injection.poison.ALWAYS`: always), ``kills``
    how often its process dies of it.
    """
    times = {
        int(message): (int(often), bool(kills))
        for message, often, kills in zip(
            group.poison.message, group.poison.times, group.poison.kills, strict=True
        )
    }
    for message, work_s in enumerate(group.work_s):
        often, kills = times.get(message, (0, False))
        yield f"{message} {round(work_s * 1e6)} {0 if kills else often} {often if kills else 0}"


def message_lines(plan: Plan) -> Iterator[str]:
    """What the producer has to know of each message: ``id,seconds,size,key``; the key may be
    empty, and is quoted nowhere: it is the rest of the line."""
    sizes = np.broadcast_to(plan.messages.size_bytes, len(plan.messages))
    for message, (at_s, size) in enumerate(zip(plan.messages.created_s, sizes, strict=True)):
        yield f"{message},{at_s:.6f},{size},{plan.keys[message] if plan.keys else ''}"
