"""The consumers of a group as faults see them, whoever shares out its partitions."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.engine.system import Sought
from sim.foundation.arrays import Bools
from sim.log import group_state as k
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

    def seek(self, to_s: float) -> Sought:
        """Go on from a time; returns how many records were asked for, and how many are gone."""
        return seek(self.group, to_s)

    def backlog(self) -> int:
        """Records in the log and not committed."""
        group = self.group
        readable = group.topic.readable(group.now_s)
        return int((readable - np.maximum(group.committed, 0)).sum())

    def age_s(self) -> float:
        """Time since the oldest of these could be read, s; 0 if there is none."""
        group, log = self.group, self.group.topic.log
        committed = np.maximum(group.committed, log.first)
        waits = np.flatnonzero(group.topic.readable(group.now_s) > committed)
        oldest_s = log.visible_s[log.start[waits] + committed[waits]].min(initial=group.now_s)
        return float(group.now_s - oldest_s)

    def orphans(self) -> Bools:
        """[partitions] those that no running, connected process reads, or only one that is held."""
        group, members = self.group, self.group.state.members
        phase, runs = np.asarray(members.phase), np.asarray(members.resume_s) <= group.now_s
        reads = (phase != k.OFF) & (phase != k.HELD) & runs & (np.asarray(members.cut) == 0)
        n = group.topic.counts.at(group.now_s)
        if np.asarray(members.assigned_n)[reads].sum() == n:  # each has one owner, and no more
            return np.zeros(group.position.size, np.bool_)
        out = np.arange(group.position.size) < n
        for m in np.flatnonzero(reads).tolist():
            out[group.assigned(m)] = False
        return out
