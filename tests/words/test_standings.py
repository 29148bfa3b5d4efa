"""How each system kept up with its arrivals."""

import math
from collections.abc import Callable

import pandas as pd
import pytest

from helpers.summaries import DURATION_S, row, summary
from helpers.tables import brief, calm, football, hopeless, nothing
from sim.words.standings import Pace, allowed, pace, standings


@pytest.mark.parametrize(
    ("drain_s", "max_time_lag_s", "expected"),
    [
        (0.0, 0.0, Pace.LEVEL),
        (36.0, 36.0, Pace.LEVEL),
        (0.0, 36.1, Pace.BEHIND),
        (36.1, 0.0, Pace.LATE),
        (math.inf, 0.0, Pace.NEVER),
        (math.nan, math.nan, Pace.LEVEL),
    ],
)
def test_a_group_is_judged_by_lag_and_drain(
    drain_s: float, max_time_lag_s: float, expected: Pace
) -> None:
    assert pace(drain_s, max_time_lag_s, 36.0) is expected


@pytest.mark.parametrize("make", [football, calm, nothing, hopeless, brief])
def test_order_of_the_systems_changes_no_pace(make: Callable[[], object]) -> None:
    tables = make()
    table = tables.summary  # type: ignore[attr-defined]
    duration_s = tables.duration_s  # type: ignore[attr-defined]
    there = {s.who: s.pace for s in standings(table, duration_s)}
    systems = table["system"].unique()
    reverse = pd.concat([table[table["system"] == s] for s in systems[::-1]])
    assert {s.who: s.pace for s in standings(reverse, duration_s)} == there


def test_what_is_allowed_is_what_the_needs_say_or_one_percent() -> None:
    rows = summary(row("a", max_time_lag_s=40.0))
    assert allowed(rows, DURATION_S) == (36.0, False)
    assert standings(rows, DURATION_S)[0].pace is Pace.BEHIND
    needed = rows.assign(level_s=60.0)
    assert allowed(needed, DURATION_S) == (60.0, True)
    assert standings(needed, DURATION_S)[0].pace is Pace.LEVEL
