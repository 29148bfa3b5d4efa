"""What every fault is given to do what it does: the clock, the timeline, and the scale."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import simpy

from sim.scenario.scaling import fleet_size


class Timeline:
    """What happened to a system: (from, until, text) of each, s; until is inf when it lasts."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.events: list[tuple[float, float, str]] = []
        self.waiting: set[int] = set()
        """Numbers of the faults that match something here and have not struck yet."""

    def say(self, text: str) -> None:
        """Something that happens at the present time."""
        self.events.append((self.env.now, self.env.now, text))

    def lasts(self, text: str, for_s: float | None) -> None:
        """Something that begins now and lasts so long; None: to the end."""
        self.events.append((self.env.now, inf if for_s is None else self.env.now + for_s, text))

    def begin(self, text: str) -> Callable[[], None]:
        """Something that begins now; call what is returned at its end."""
        place, from_s = len(self.events), self.env.now
        self.events.append((from_s, inf, text))

        def end() -> None:
            self.events[place] = (from_s, self.env.now, text)

        return end


@dataclass(frozen=True)
class Context:
    """Where faults happen: one run of one system."""

    env: simpy.Environment
    timeline: Timeline
    scale: float
    """Of the scenario."""
    faults: Sequence[object] = ()
    """Of the scenario, in order."""
    on_brokers: dict[tuple[type, int], list[Any]] = field(default_factory=dict)
    """[kind of fault, broker] faults that hold it now."""

    def path_of(self, fault: object) -> str:
        """Where a fault stands in the scenario: ``faults.2``; "" if it does not."""
        return next((f"faults.{i}" for i, one in enumerate(self.faults) if one is fault), "")

    def scaled(self, n: int) -> int:
        """A number of consumers for the scale of the scenario."""
        return fleet_size(n, self.scale)
