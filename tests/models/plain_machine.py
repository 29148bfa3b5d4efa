"""A process that works, pauses and slows down: what both plain models run their loops on."""

from collections.abc import Generator
from typing import Any

import simpy

Steps = Generator[simpy.Event, Any, Any]


class Machine:
    """One single-threaded process; a pause stops all of it, a slow-down stretches its work."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.factor = 1.0
        self.resume_s = 0.0
        self.disturbed = env.event()

    def pause(self, for_s: float) -> None:
        """Stop for ``for_s`` from now; pauses that overlap end with the last."""
        self.resume_s = max(self.resume_s, self.env.now + for_s)
        self._disturb()

    def slow(self, factor: float) -> None:
        """From now on, take ``factor`` times as long over work."""
        self.factor = factor
        self._disturb()

    def _disturb(self) -> None:
        self.disturbed.succeed()
        self.disturbed = self.env.event()

    @property
    def paused(self) -> bool:
        """Whether it stands still now."""
        return self.env.now < self.resume_s

    def running(self) -> Steps:
        """Wait for the end of the pauses, if any."""
        while self.paused:
            yield self.env.timeout(self.resume_s - self.env.now)

    def work(self, seconds: float) -> Steps:
        """Spend ``seconds`` of undisturbed, full-speed work."""
        left_s = seconds
        while True:
            yield from self.running()
            began_s, factor = self.env.now, self.factor
            finished = self.env.timeout(left_s * factor)
            if finished in (yield finished | self.disturbed):
                return
            left_s -= (self.env.now - began_s) / factor
