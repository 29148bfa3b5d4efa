"""The messages of a scenario some at a time, so that a run need not hold all of them.

How many arrive in each cell of time is drawn first, so it is known beforehand how many there will
be, and where a window ends: at the edge of a cell. Each purpose goes on drawing from its own
stream, window after window, and so gives to the bit what `sim.traffic.generate` gives at once.
"""

from collections.abc import Sequence

import numpy as np

from sim.foundation.arrays import F32, I64
from sim.scenario.load import Scenario
from sim.traffic.generate import CreatedTimes, Entities, Work
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
        ends = np.cumsum(self.times.cells.counts) + self.times.waiting_s.size
        self.total = int(ends[-1])
        """Messages in all windows together."""
        full = np.searchsorted(ends, np.arange(at_a_time, self.total, at_a_time)) + 1
        full = np.unique(full[ends[full - 1] < self.total])
        self.stops: I64 = np.append(full, ends.size)
        """[windows] the first cell behind each."""
        self.ends: I64 = ends[self.stops - 1]
        """[windows] messages up to the end of each."""

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
        self._work: dict[str, Work] = {}
        self._next = 0
        self._size = 0
        """Messages of the window that came last."""

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

    def following(self, at_least: int = 0) -> Messages:
        """The messages of the next window, which there must be.

        ``at_least``: so many of them, if there are: those of several windows as one.
        """
        ends = self.plan.ends
        begun = int(ends[self._next - 1]) if self._next else 0
        last = max(self._next, int(np.searchsorted(ends, begun + at_least)))
        self._next = min(last, ends.size - 1) + 1
        created_s = self._times.draw(int(self.plan.stops[self._next - 1]))
        self._size = created_s.size
        return Messages(
            created_s,
            self._entities.draw(created_s.size),
            np.array([self.plan.scenario.workload.size], np.int32),
            self._entities.dims,
            self.plan.duration_s,
        )

    def work_s(self, group: str, jobs: Sequence[str]) -> F32:
        """[messages] time that each of the window that came last takes, s.

        To be asked once a window.

        Args:
            group: who does it.
            jobs: what is done, the same whenever this group asks.
        """
        if group not in self._work:
            self._work[group] = Work(self.plan.scenario, jobs)
        return self._work[group].draw(self._size)
