"""A fleet, or a group, whose SIGTERM has a grace: what the plain models do by themselves."""

from typing import Any

import simpy

from sim.injection.crew import terminate


class Operated:
    """The verbs of a fleet; ``terminate`` kills what outlasts its grace, as the lab's crews do."""

    def __init__(self, env: simpy.Environment, fleet: Any) -> None:
        self.env = env
        self.fleet = fleet

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.fleet, verb)

    def terminate(self, i: int, grace_s: float) -> None:
        terminate(self.env, self.fleet, i, grace_s)
