"""How far a group is behind at each moment: messages that wait, and for how long.

Of a log's partitions one by one: `sim.measure.partitions`.
"""

from dataclasses import dataclass

import numpy as np

from sim.engine.outcome import GroupOutcome
from sim.foundation.arrays import F64, I64
from sim.measure.counts import Counted


@dataclass(frozen=True)
class Lag:
    """At each grid time; columns of the table ``series``."""

    lag: I64
    """Of a log: log end - committed offset, as ``kafka-consumer-groups`` reports it, over the
    partitions where the group has one. Of a queue, its depth: ready + in flight."""
    ready: F64
    """Of a queue: messages to be had; NaN of a log."""
    in_flight: F64
    """Of a queue: messages handed out and not yet done with; NaN of a log."""
    position_lag: F64
    """Of a log: log end - position, over the partitions where the group has one; NaN of a queue."""
    time_lag_s: F64
    """Age of the oldest message that is created and not yet processed, s; 0: there is none."""


def lag_of(outcome: GroupOutcome, counted: Counted) -> Lag:
    """How far a group is behind.

    Raises:
        AssertionError: more was committed than the log holds.
    """
    gauges = outcome.gauges
    not_known = np.full(outcome.gauges_t_s.size, np.nan)
    if outcome.kind == "log":
        lag = gauges["log_end"] - gauges["committed"]
        position_lag = (gauges["log_end"] - gauges["position"]).astype(np.float64)
        ready = in_flight = not_known
    else:
        lag = gauges["ready"] + gauges["in_flight"]
        position_lag = not_known
        ready = gauges["ready"].astype(np.float64)
        in_flight = gauges["in_flight"].astype(np.float64)
    assert (lag >= 0).all(), "lag below zero"
    return Lag(lag, ready, in_flight, position_lag, counted.oldest_s)


def sums(t_s: F64, lag: Lag, duration_s: float) -> dict[str, float]:
    """Columns of the summary.

    - ``max_lag``, ``max_lag_at_s``: the most messages that waited, and when they first did.
    - ``lag_at_end_of_arrivals``: those that waited at the first grid time after the last arrival.
    - ``max_time_lag_s``: the greatest time lag.

    Args:
        t_s: [grid] times.
        lag: at these times.
        duration_s: when arrivals ended.
    """
    worst = int(np.argmax(lag.lag)) if t_s.size else 0
    at_end = min(int(np.searchsorted(t_s, duration_s)), t_s.size - 1)
    return {
        "max_lag": int(lag.lag[worst]),
        "max_lag_at_s": float(t_s[worst]),
        "lag_at_end_of_arrivals": int(lag.lag[at_end]),
        "max_time_lag_s": float(lag.time_lag_s.max()),
    }
