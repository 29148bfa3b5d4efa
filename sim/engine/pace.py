"""That a run can be stopped at any time, and that whatever does not advance in time is found out.

A kernel takes at most `STEPS` steps at a time, and its stage calls it again: in between, Python
hears Ctrl+C, which in a thread is an `Event` that the thread heeds, and a `StagePace` looks whether
the stage's clock moves.
"""

import threading
from collections.abc import Callable
from math import inf, ulp

from sim.foundation.errors import LabError

STEPS = 1 << 18
"""Steps of a kernel at a time: some tens of milliseconds."""
MOST_STILL = 1 << 20
"""Steps without time going on, before something stands still."""
STEPS_A_MESSAGE = 16
"""So many more for each message: all of them may come at one time, and take none."""


class StandstillError(LabError):
    """Something would go on for ever at one time; the text has the state that proves it."""


def moves(since_s: float, now_s: float, steps: int) -> bool:
    """Whether time goes on, by more than ``steps`` roundings."""
    return now_s - since_s > 4.0 * ulp(now_s) * steps


class StagePace:
    """Looks at a stage between two pieces of its work."""

    def __init__(self, who: str, messages: int) -> None:
        """
        Args:
            who: the stage, for people.
            messages: that it carries.
        """
        self.who = who
        self.most = MOST_STILL + STEPS_A_MESSAGE * messages
        """Steps that it may take without time going on."""
        self._since_s = -inf
        self._done: object = None
        self._steps = 0

    def look(self, now_s: float, done: object, about: Callable[[], str]) -> None:
        """Whether it gets on; called after every `STEPS` steps.

        Args:
            now_s: its clock.
            done: what only grows, and has an end: a stage that gets on with it does not stand.
            about: its state, for people.

        Raises:
            KeyboardInterrupt: the run is to stop.
            StandstillError: neither its clock nor ``done`` has moved for too long.
        """
        check()
        self._steps += STEPS
        if done != self._done or moves(self._since_s, now_s, self._steps):
            self._since_s, self._done, self._steps = now_s, done, 0
        elif self._steps > self.most:
            raise StandstillError(
                f"{self.who} stands still at {now_s!r} s: {self._steps:,} steps, and no time goes "
                f"on; {about()}. Do durations of 0 follow each other? One of them must be longer"
            )


_here = threading.local()


def heed(*events: threading.Event) -> None:
    """Have this thread stop when one of these is set; only the main thread hears Ctrl+C itself."""
    _here.events = events


def heeded() -> tuple[threading.Event, ...]:
    """What this thread heeds."""
    events: tuple[threading.Event, ...] = getattr(_here, "events", ())
    return events


def check() -> None:
    """Stop, if this thread is to.

    Raises:
        KeyboardInterrupt: it is.
    """
    if any(event.is_set() for event in heeded()):
        raise KeyboardInterrupt
