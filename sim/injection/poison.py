"""Which messages are poisonous to a group: their handler raises, or kills its process."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sim.engine.system import Setup
from sim.foundation.arrays import F64, I32, I64, Bools
from sim.foundation.errors import ScenarioError, unknown
from sim.scenario.faults.groups import PoisonFault
from sim.scenario.load import Scenario
from sim.traffic.generate import poisonous_rows, strokes
from sim.traffic.messages import Messages

ALWAYS = np.iinfo(np.int32).max
"""As `Poison.times`: never harmless."""
MOST_NAMED = 1_000
"""Of a key's values, so many are looked at for what may have been meant."""


@dataclass(frozen=True)
class Poison:
    """The poisonous messages of a group; empty arrays if there are none."""

    message: I64
    """[poisonous] which they are, ascending."""
    kills: Bools
    """[poisonous] whether the process dies; else the handler raises."""
    times: I32
    """[poisonous] how often, at the end of each processing; `ALWAYS`: without limit."""
    restart_after_s: F64
    """[poisonous] from the death of a process to the start of the next one; inf: never."""

    def __len__(self) -> int:
        return int(self.message.size)

    def numbered_in(self, rows: I32) -> "Poison":
        """The same for a queue that numbers only its own messages, ``rows`` (ascending), from 0."""
        return replace(self, message=np.searchsorted(rows, self.message).astype(np.int64))


def poison(setup: Setup, group: str, rows: I32 | None = None) -> Poison:
    """What is poisonous to a group, by faults and by the workload.

    The workload's share is drawn of all messages, the same in every system; those that the group
    does not want do it no harm. A fault counts among those that it wants.

    A message that two faults name is as the first one says; one that is poisonous to two jobs, or
    by a fault and by the workload, likewise, faults first.

    Args:
        setup: of the system, with all its messages.
        group: name.
        rows: the messages that the group wants, ascending; None: all.

    Raises:
        LabError: a fault names a key that does not exist.
    """
    scenario, messages = setup.scenario, setup.messages
    found: dict[int, tuple[bool, int, float]] = {}
    for index, fault in enumerate(scenario.faults):
        if not isinstance(fault, PoisonFault) or not fault.strikes_group(setup.name, group):
            continue
        times = ALWAYS if fault.times is None else fault.times
        restart_s = np.inf if fault.restart_after is None else fault.restart_after
        for message in poisoned(scenario, messages, fault, index, rows):
            found.setdefault(message, (fault.effect == "kill", times, restart_s))
    for job in scenario.systems[setup.name].readers[group].does:
        if (its := scenario.workload.service[job].poison) is not None:
            times = ALWAYS if its.times is None else its.times
            restart_s = np.inf if its.restart_after is None else its.restart_after
            drawn = poisonous_rows(scenario, len(messages), job)
            wanted = drawn if rows is None else drawn[np.isin(drawn, rows)]
            for message in wanted.tolist():
                found.setdefault(message, (its.effect == "kill", times, restart_s))
    order = sorted(found)
    return Poison(
        np.array(order, np.int64),
        np.array([found[m][0] for m in order], np.bool_),
        np.array([found[m][1] for m in order], np.int32),
        np.array([found[m][2] for m in order], np.float64),
    )


def poisoned(
    scenario: Scenario,
    messages: Messages,
    fault: PoisonFault,
    index: int,
    rows: I32 | None = None,
) -> Iterator[int]:
    """The messages that a fault makes poisonous, some of them perhaps more than once.

    Args:
        scenario: for its seed.
        messages: of the system.
        fault: which.
        index: of the fault in the scenario.
        rows: the messages that the group wants, ascending; None: all.

    Raises:
        LabError: the fault names a key that does not exist.
    """
    among = None if fault.key is None else _of_key(scenario, messages, fault.key, index)
    if rows is not None:
        among = rows.astype(np.int64) if among is None else among[np.isin(among, rows)]
    for stroke in strokes(scenario, index, messages.duration_s):
        first = int(np.searchsorted(messages.created_s, stroke.at_s))
        if among is None:
            yield from range(first, min(first + fault.count, len(messages)))
        else:
            yield from among[among >= first][: fault.count].tolist()


def _of_key(scenario: Scenario, messages: Messages, key: str, index: int) -> I64:
    """The messages of the entity whose values, joined by ``/``, are ``key``."""

    def refused(message: str) -> ScenarioError:
        return ScenarioError([scenario.problem(("faults", index, "key"), message)])

    if not messages.dims:
        raise refused("the messages have no key (workload.keys)")
    parts = [key] if len(messages.dims) == 1 else key.split("/")
    if len(parts) != len(messages.dims):
        raise refused(f"{key!r} needs a value of each of {'/'.join(messages.dims)}")
    entity = 0
    for (dim, values), part in zip(messages.dims.items(), parts, strict=True):
        try:
            entity = entity * len(values) + values.index(part)
        except ValueError:
            raise refused(unknown(dim, part, values[:MOST_NAMED])) from None
    return np.flatnonzero(messages.entity == entity)
