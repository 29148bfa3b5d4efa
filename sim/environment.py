"""The joint: SimPy fires control events, and the data plane catches up before each one."""

from collections.abc import Sequence
from typing import Protocol

import simpy


class Stage(Protocol):
    """One resumable part of the data plane (a producer, a group, the workers of a queue)."""

    def advance(self, until_s: float) -> None:
        """Carry every message up to simulated time ``until_s`` (seconds, inclusive)."""


class Environment(simpy.Environment):
    """SimPy environment whose ``step`` first advances ``stages``, in data-flow order.

    ``simpy.Environment.run`` calls ``self.step`` (SimPy 4.1, ``core.py``), so a control process
    always sees the data plane exactly as it stands at its own time.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.stages = stages

    def step(self) -> None:
        """Advance the data plane to the next control event, then fire it.

        Raises:
            simpy.core.EmptySchedule: no control event is left.
        """
        until_s = self.peek()
        if until_s < float("inf"):
            for stage in self.stages:
                stage.advance(until_s)
        super().step()
