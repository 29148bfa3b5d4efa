"""The messages of a scenario some at a time, so that a run need not hold all of them.

How many arrive in each cell of time is drawn first, so it is known beforehand how many there will
be, and where a window ends: at the edge of a cell. Each purpose goes on drawing from its own
stream, window after window, and so gives to the bit what `sim.traffic.generate` gives at once.
"""

import numpy as np

from sim.foundation.arrays import I64
from sim.scenario.load import Scenario
from sim.traffic.generate import CreatedTimes, Entities
from sim.traffic.messages import Messages

_BEFORE = 2.0**-10
"""Share of a window's last cell by which the next window is there before that cell ends."""


class WindowPlan:
    """How the messages of a scenario fall into windows of time; none of them is drawn yet."""

    def __init__(self, scenario: Scenario, at_a_time: int) -> None:
        """
        Args:
            scenario: with arrivals that are drawn: no cases, and no entities with a lifecycle.
            at_a_time: messages of a window, and those of a cell more at most.

        Raises:
            LabError: its trace cannot be read.
        """
        self.scenario = scenario
        self.times = CreatedTimes(scenario)
        ends = np.cumsum(self.times.cells.counts)
        self.total = int(ends[-1])
        """Messages in all windows together."""
        full = np.searchsorted(ends, np.arange(at_a_time, self.total, at_a_time)) + 1
        full = np.unique(full[ends[full - 1] < self.total])
        self.stops: I64 = np.append(full, ends.size)
        """[windows] the first cell behind each."""
        self.most = int(np.diff(ends[self.stops - 1], prepend=0).max())
        """Messages of the largest window."""

    @property
    def duration_s(self) -> float:
        """When arrivals end, s."""
        return self.times.duration_s


class Windows:
    """The windows of a plan one after the other, for one reader."""

    def __init__(self, plan: WindowPlan) -> None:
        """``plan``: shared with other readers, who get the same messages."""
        self.plan = plan
        self._times = plan.times.again()
        self._entities = Entities(plan.scenario)
        self._next = 0

    @property
    def due_s(self) -> float:
        """When the next window must be there, before any of its messages is created, s.

        inf: there is none.
        """
        stops, edges_s = self.plan.stops, self._times.cells.edges_s
        if self._next == stops.size:
            return np.inf
        if self._next == 0:
            return 0.0
        edge = stops[self._next - 1]
        return float(edges_s[edge] - _BEFORE * (edges_s[edge] - edges_s[edge - 1]))

    def following(self) -> Messages:
        """The messages of the next window; there must be one."""
        created_s = self._times.draw(int(self.plan.stops[self._next]))
        self._next += 1
        return Messages(
            created_s,
            self._entities.draw(created_s.size),
            np.array([self.plan.scenario.workload.size], np.int32),
            self._entities.dims,
            self.plan.duration_s,
        )
