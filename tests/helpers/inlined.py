"""Charts of made runs, as a page holds them."""

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from helpers.ledger_tables import ladder
from helpers.tables import brief, football, nothing
from sim.charts.inline import Inline, inline
from sim.measure.tables import Tables

ABOUT: dict[str, Any] = {
    "scenario": "made_up",
    "hash": "0123456789ab",
    "seed": 7,
    "scale": 1.0,
    "command": "sim run made_up --set 'a={b: \"<c>\"}'",
    "versions": {"python": "3.11"},
    "finished": "2026-11-24T22:00:00+00:00",
    "wall_s": {"kafka": 1.5},
    "content": {"name": "made_up", "about": 'Less < more & "so on"', "systems": {"kafka": {}}},
}


def crowded() -> Tables:
    """Three hundred faults."""
    faults = [
        ("kafka", 7_000.0 * ((k * 0.618) % 1), 7_010.0 * ((k * 0.618) % 1), f"crash counters {k}")
        for k in range(300)
    ]
    columns = ["system", "t_s", "until_s", "text"]
    return replace(football(), faults=pd.DataFrame(faults, columns=columns))


MAKERS = {f.__name__: f for f in (football, crowded, ladder, nothing, brief)}


@cache
def inlined(name: str) -> list[Inline]:
    return inline(MAKERS[name]())
