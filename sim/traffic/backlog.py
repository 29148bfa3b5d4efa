"""The messages that wait when a scenario starts: created before it, at times below 0."""

import numpy as np

from sim.foundation.arrays import F64
from sim.scenario.load import Scenario


def _scaled(n: int, scale: float) -> int:
    return int(np.floor(n * scale + 0.5))


def backlog_size(scenario: Scenario) -> int:
    """How many messages wait at the start, of the readers that have the most."""
    return 0 if scenario.start is None else _scaled(scenario.start.most, scenario.scale)


def backlog_s(scenario: Scenario) -> F64:
    """[waiting] when each message that waits at the start was created, ascending, s below 0.

    They are spread evenly: the last of ``n`` within an age ``a`` is as old as that, and the first
    of them a/n.
    """
    if scenario.start is None:
        return np.zeros(0)
    newest, ages_s = np.array(scenario.start.reaches_back, np.float64).T
    nth = np.arange(backlog_size(scenario), 0, -1, dtype=np.float64)
    upto = np.floor(newest * scenario.scale + 0.5)
    created_s: F64 = -np.interp(nth, upto, ages_s)
    return created_s


def done_before(scenario: Scenario, system: str, group: str) -> int:
    """How many of the oldest messages that wait for others are done for a group or queue."""
    if scenario.start is None:
        return 0
    its = _scaled(scenario.start.waiting(system, group), scenario.scale)
    return backlog_size(scenario) - its
