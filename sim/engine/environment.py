"""The joint: SimPy fires control events, and the data plane catches up before each one."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from math import ulp
from typing import Any, Protocol

import simpy

Steps = Generator[simpy.Event, Any, None]
"""A process of SimPy: it yields the events that it waits for."""
Stops = Sequence[tuple[float, Callable[[], None]]]
"""Where stages stopped for control: when, and what control then does there."""


class Stage(Protocol):
    """One resumable part of the data plane (a producer, a group, the workers of a queue)."""

    def advance(self, until_s: float) -> Stops | None:
        """Carry every message up to simulated time ``until_s`` (seconds, inclusive).

        A stage that meets what control must decide stops there, and waits until control did. Only
        stages that nothing else depends on may do so.
        """


WORTH_THREADS = 1_000_000
"""In a run with fewer messages, handing stages to threads takes longer than the threads save."""
STRETCH = 2_000
"""So it does in a stretch of time with fewer of them."""


class SideBySide:
    """Stages that do not touch each other, as one: kernels release the GIL, so each has a thread.

    The order in which they are advanced cannot matter, and so the result does not depend on it.
    """

    def __init__(self, stages: Sequence[Stage], messages: int, duration_s: float) -> None:
        """
        Args:
            stages: readers of the same data, writers only of their own.
            messages: how many there are; few are not worth threads.
            duration_s: of their arrivals.
        """
        self.stages = stages
        self.worth_s = STRETCH * duration_s / max(1, messages)
        """A stretch of time worth threads."""
        self.now_s = 0.0
        self.pool: ThreadPoolExecutor | None = None
        if messages >= WORTH_THREADS and len(stages) > 1:
            self.pool = ThreadPoolExecutor(max_workers=len(stages), thread_name_prefix="stage")

    def advance(self, until_s: float) -> Stops:
        """Advance all stages to ``until_s``; one that stops does not hold the others."""
        long = until_s - self.now_s >= self.worth_s
        each = self.pool.map if self.pool is not None and long else map
        self.now_s = until_s
        stops = each(lambda stage: stage.advance(until_s), self.stages)
        return list(chain.from_iterable(stop or () for stop in stops))


def _do(act: Callable[[], None], _: simpy.Event) -> None:
    act()


class Environment(simpy.Environment):
    """SimPy environment whose ``step`` first advances ``stages``, in data-flow order.

    ``simpy.Environment.run`` calls ``self.step`` (SimPy 4.1, ``core.py``), so a control process
    always sees the data plane exactly as it stands at its own time.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        # A float: kernels would be compiled once more for an int, the time of the first event.
        super().__init__(0.0)
        self.stages = stages

    def step(self) -> None:
        """Advance the data plane to the next control event, then fire it.

        A stage that stops for control makes an event of its own, which may then be the next.

        Raises:
            simpy.core.EmptySchedule: no control event is left.
        """
        until_s = self.peek()
        if until_s < float("inf"):
            for stage in self.stages:
                for stop_s, act in stage.advance(until_s) or ():
                    # Rounding may not make it earlier than the stop.
                    wait_s = stop_s - self.now
                    if self.now + wait_s < stop_s:
                        wait_s += ulp(stop_s)
                    self.timeout(wait_s).callbacks.append(partial(_do, act))
        super().step()
