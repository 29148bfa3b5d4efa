"""The joint: SimPy fires control events, and the data plane catches up before each one."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from math import inf, ulp
from threading import Event
from typing import Any, Protocol

import simpy

from sim.engine import pace

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
        self.stop = Event()
        """Set when whoever waits for the threads does so no more."""
        if messages >= WORTH_THREADS and len(stages) > 1:
            self.pool = ThreadPoolExecutor(
                max_workers=len(stages),
                thread_name_prefix="stage",
                initializer=pace.heed,
                initargs=(*pace.heeded(), self.stop),
            )

    def advance(self, until_s: float) -> Stops:
        """Advance all stages to ``until_s``; one that stops does not hold the others."""
        long = until_s - self.now_s >= self.worth_s
        each = self.pool.map if self.pool is not None and long else map
        self.now_s = until_s
        stops = each(lambda stage: stage.advance(until_s), self.stages)
        try:
            return list(chain.from_iterable(stop or () for stop in stops))
        except BaseException:  # Ctrl+C, or one of them has failed
            self.stop.set()
            raise


LOOK_EVERY = 1 << 12
"""Control events between two looks whether the clock moves."""
MOST_AT_A_TIME = 1_000_000
"""Control events without time going on, before control stands still."""
WATCHED = 1_000
"""Of so many more it is noted whose they are."""


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
        self._steps = 0
        """Since the last look whether the clock moves."""
        self._still = 0
        """Events without time going on, up to then."""
        self._still_since_s = -inf

    def step(self) -> None:
        """Advance the data plane to the next control event, then fire it.

        A stage that stops for control makes an event of its own, which may then be the next.

        Raises:
            simpy.core.EmptySchedule: no control event is left.
            KeyboardInterrupt: the run is to stop.
            StandstillError: control or a stage goes on for ever at one time.
        """
        until_s = self.peek()
        self._steps += 1
        if self._steps == LOOK_EVERY:
            self._look()
        if until_s < float("inf"):
            for stage in self.stages:
                for stop_s, act in stage.advance(until_s) or ():
                    # Rounding may not make it earlier than the stop.
                    wait_s = stop_s - self.now
                    if self.now + wait_s < stop_s:
                        wait_s += ulp(stop_s)
                    self.timeout(wait_s).callbacks.append(partial(_do, act))
        super().step()

    def _look(self) -> None:
        """Whether the clock has moved since the last look, by more than roundings."""
        pace.check()
        self._still += self._steps
        self._steps = 0
        if pace.moves(self._still_since_s, self.now, self._still):
            self._still, self._still_since_s = 0, self.now
        elif self._still >= MOST_AT_A_TIME:
            raise pace.StandstillError(self._standstill())

    def _standstill(self) -> str:
        """Whose the next events are, for people: some more happen."""
        began_s, whose = self.now, Counter[str]()
        for _ in range(WATCHED):
            if self._queue:
                whose.update(map(_who, self._queue[0][3].callbacks or ()))
                self.step()
        names = "; ".join(who for who, _ in whose.most_common(3))
        return (
            f"control stands still at {began_s!r} s: {self._still:,} events, and no time goes on; "
            f"what happens again and again: {names}. Do durations of 0 follow each other? One of "
            "them must be longer"
        )


def _who(callback: Callable[[simpy.Event], None]) -> str:
    """Who waits for an event: the process, and what it knows in numbers and words."""
    process = getattr(callback, "__self__", None)
    if not isinstance(process, simpy.Process):
        return getattr(callback, "__qualname__", "a stage that stopped")
    steps = process._generator
    frame = getattr(steps, "gi_frame", None)
    knows = {} if frame is None else frame.f_locals
    told = [f"{name}={x!r}" for name, x in knows.items() if isinstance(x, bool | int | float | str)]
    return f"{getattr(steps, '__qualname__', process.name)}({', '.join(told)})"
