"""Charts of made runs, as a page holds them."""

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from helpers.ledger_tables import ladder
from helpers.tables import brief, football, hopeless, nothing, with_limits, with_waits
from sim.charts.inline import Inline, inline
from sim.engine.waits import Limit
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


def explained() -> Tables:
    """It is known what messages waited for, and which limits acted."""
    limits = [
        Limit("prefetch_count", "queues.analytics.prefetch_count", "1", f"analytics.{i}",
              "kept <others> from being handed over", 7, 60.0 + i, 3_600.0)
        for i in range(5)
    ]  # fmt: skip
    once = Limit("max.poll.interval.ms", "", "5min", "analytics.3", "put it out", 1, 9.0, 9.0)
    return with_limits(
        with_waits(hopeless()),
        {"rabbitmq_quorum_1.analytics": limits, "kafka_3.analytics": [once]},
    )


MAKERS = {f.__name__: f for f in (football, crowded, ladder, nothing, brief, explained)}


@cache
def inlined(name: str) -> list[Inline]:
    return inline(MAKERS[name]())
