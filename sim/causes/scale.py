"""At which part of its scale a large scenario is explained."""

from math import ceil

from sim.scenario.load import Scenario
from sim.systems.size import size

MOST_MESSAGES = 2_000_000
"""A scenario with more is explained at a smaller scale: it is run some dozens of times."""
_WHOLE = 4
"""So many times smaller it may become for fleets that stay whole."""


def part(scenario: Scenario) -> int:
    """By how much the scale is divided: 1 if it is small enough.

    Fleets and partitions follow the scale and are rounded up, so that a divisor is preferred that
    leaves all of them whole: 80 workers are divided by 5 rather than by 7.
    """
    least = ceil(size(scenario).messages / MOST_MESSAGES)
    if least <= 1:
        return 1
    counts = [n * scenario.scale for its in scenario.systems.values() for _, n in its.scaled()]
    for divisor in range(least, _WHOLE * least + 1):
        if all(_whole(n / divisor) for n in counts):
            return divisor
    return least


def _whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-9
