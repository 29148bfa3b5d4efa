"""What a product preset offers to the lab: stages to advance, fleets for faults, outcomes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import Protocol

import simpy

from sim.environment import Stage
from sim.outcome import GroupOutcome


class Fleet(Protocol):
    """The consumers of one group or queue, as faults see them; they act at the present time."""

    @property
    def size(self) -> int:
        """Number of consumers, alive or not."""

    def crash(self, consumer: int) -> None:
        """SIGKILL."""

    def restart(self, consumer: int) -> None:
        """Start a new process in the place of a dead one."""

    def pause(self, consumer: int, for_s: float) -> None:
        """Stop the whole process for a while."""

    def slow(self, consumer: int, factor: float) -> None:
        """Multiply its service times, from now on."""


class System(Protocol):
    """One system under one workload."""

    stages: Sequence[Stage]
    """In data-flow order."""

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start the control processes; returns the fleets by the name of their group.

        ``say`` takes a line for the timeline, at the present time.
        """

    total: int
    """What `settled` comes to when nothing is left to do."""

    def settled(self) -> int:
        """Messages that each group is done with (committed, deleted, lost), over all groups."""

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome at the end; a group's memory is freed when the next is asked for."""


def fleet_size(n: int, scale: float) -> int:
    """Consumers, threads or partitions for ``scale`` times the traffic: rounded up, at least 1.

    Args:
        n: number at scale 1.
        scale: of the scenario.
    """
    return max(1, ceil(round(n * scale, 9)))
