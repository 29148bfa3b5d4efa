"""Summaries by hand: rows in which all is well, but for what is said."""

import math
from typing import Any

import pandas as pd

DURATION_S = 3_600.0


def row(system: str, group: str = "all", /, **numbers: Any) -> dict[str, Any]:
    """A row of a summary in which all is well, but for `numbers`."""
    return {
        "system": system,
        "group": group,
        "product": "kafka",
        "kind": "log",
        "produced": 100_000,
        "processed": 100_000,
        "lost": 0,
        "dead_lettered": 0,
        "unfinished": 0,
        "extra_deliveries": 0,
        "double_effects": 0,
        "violations": 0,
        "keys_violated": 0,
        "max_lag": 50,
        "max_lag_at_s": 10.0,
        "lag_at_end_of_arrivals": 3,
        "max_time_lag_s": 0.5,
        "drain_s": 0.2,
        "latency_p50_s": 0.01,
        "latency_p99_s": 0.1,
        "latency_max_s": 0.5,
        "throughput_peak": 60.0,
        "arrival_peak": 60.0,
        "consumers": 4,
        "messages_per_call": 1.0,
        "rate_per_s": math.nan,
        "rate_low_per_s": math.nan,
        "rate_high_per_s": math.nan,
        "rate_over_s": 0.0,
        **numbers,
    }


def summary(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows)
