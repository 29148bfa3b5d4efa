"""That a run in windows gives the tables of one that knows all messages at once, to the bit.

`python tests/helpers/windowed.py 300` tries so many random schedules of faults
(`helpers.schedules`) and as many random scenarios of any kind (`helpers.any_scenario`).
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from helpers import any_scenario, schedules
from sim.foundation.errors import LabError
from sim.lab import run_system
from sim.measure.tables import Tables
from sim.scenario.load import Scenario
from sim.systems.windowed import why_whole
from sim.traffic.generate import generate
from sim.traffic.windows import WindowPlan


def roll(scenario: Scenario) -> list[str]:
    """The systems of a scenario that can be run in windows."""
    return [name for name in scenario.systems if why_whole(scenario, name) is None]


def compare(scenario: Scenario, name: str, window: int) -> int:
    """Run a system both ways; returns how many windows there were.

    Raises:
        AssertionError: a table differs.
    """
    plan = WindowPlan(scenario, window)
    whole = run_system(scenario, name, generate(scenario))
    rolled = run_system(scenario, name, plan)
    for table in Tables.FRAMES:
        one, other = getattr(whole, table), getattr(rolled, table)
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=f"{name}: {table}")
    return int(plan.stops.size)


def random_schedule(seed: int) -> tuple[Scenario, int]:
    """A log and a queue under random faults, and a window of a few messages to a few hundred."""
    data = schedules.a_scenario(seed)
    data["faults"] = [fault for fault in data["faults"] if fault["fault"] != "poison"]
    window = int(np.exp(np.random.default_rng([seed, 1]).uniform(0, 7)))
    return Scenario.from_mapping(data), window


def check(seed: int) -> dict[str, int]:
    """Try one random schedule; returns the windows of each system that can be run in some."""
    scenario, window = random_schedule(seed)
    return {name: compare(scenario, name, window) for name in roll(scenario)}


def check_any(seed: int) -> dict[str, int]:
    """Try one scenario of any kind; those that the lab refuses count for nothing."""
    try:
        scenario = Scenario.from_mapping(any_scenario.any_scenario(seed))
        names = roll(scenario)
    except LabError:
        return {}
    window = int(np.exp(np.random.default_rng([seed, 2]).uniform(0, 6)))
    return {name: compare(scenario, name, window) for name in names}


def _tried(seeds: range) -> Iterator[tuple[str, Any]]:
    for seed in seeds:
        for what, trial in (("schedule", check), ("any", check_any)):
            try:
                yield what, trial(seed)
            except AssertionError as error:
                yield what, None
                print(f"{what} {seed}: {error}", flush=True)


def main() -> None:
    first, last = [0, *map(int, sys.argv[1:])][-2:]
    tried = list(_tried(range(first, last)))
    failed = sum(found is None for _, found in tried)
    systems = sum(len(found) for _, found in tried if found)
    windows = sum(sum(found.values()) for _, found in tried if found)
    print(f"{len(tried)} scenarios, {systems} systems in {windows} windows, {failed} failed")


if __name__ == "__main__":
    main()
