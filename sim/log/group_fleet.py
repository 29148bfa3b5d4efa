"""The consumers of a group as faults see them, whoever shares out its partitions."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import simpy

from sim.engine.environment import Steps
from sim.foundation.arrays import Bools
from sim.log.group import Group
from sim.log.seek import seek


class GroupFleet(ABC):
    """What every `sim.engine.system.Fleet` that reads a log has in common."""

    def __init__(
        self, env: simpy.Environment, group: Group, places: int, say: Callable[[str], None]
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: who reads.
            places: processes that there can ever be at a time.
            say: takes a line for the timeline.
        """
        self.env = env
        self.group = group
        self.say = say
        self.lives = [0] * places
        """[places] counts the processes, to recognise those that are gone."""

    @property
    def size(self) -> int:
        """Number of places for processes that faults can name: alive, dead or not started yet."""
        return len(self.lives)

    def life(self, place: int) -> int:
        """Which of its processes it is; each that ends is counted."""
        return self.lives[place]

    @abstractmethod
    def restart(self, place: int) -> None:
        """Start a new process."""

    def _restart_after(self, place: int, wait_s: float) -> Steps:
        """Start a new process in a while, if nobody else does."""
        life = self.lives[place]
        yield self.env.timeout(wait_s)
        if self.lives[place] == life:
            self.restart(place)

    def seek(self, to_s: float) -> tuple[int, int]:
        """Go on from a time; returns how many records were asked for, and how many are gone."""
        return seek(self.group, to_s)

    def backlog(self) -> int:
        """Records in the log and not committed."""
        return self.group.backlog()

    def age_s(self) -> float:
        """Time since the oldest of these could be read, s; 0 if there is none."""
        return self.group.age_s()

    def orphans(self) -> Bools:
        """[partitions] those that no running process reads now, or only one that is held."""
        return self.group.orphans()
