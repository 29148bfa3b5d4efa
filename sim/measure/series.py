"""What a group did over time: the table ``series``, and how fast it was at best."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.measure import order
from sim.measure.counts import Counted
from sim.measure.lag import Lag


def series_table(who: Mapping[str, str], t_s: F64, counted: Counted, lag: Lag) -> pd.DataFrame:
    """A row per grid time ``t_s``.

    ``arrived``, ``processed`` and ``violations`` are cumulative (``violations`` nan where messages
    have no key); the others are defined by `sim.measure.lag.Lag`.

    Args:
        who: system and group.
        t_s: [grid] times.
        counted: of the group's messages.
        lag: of the group at these times.
    """
    return pd.DataFrame(
        {
            **who,
            "t_s": t_s,
            "arrived": counted.arrived,
            "processed": np.cumsum(counted.processed),
            "lag": lag.lag,
            "ready": lag.ready,
            "in_flight": lag.in_flight,
            "position_lag": lag.position_lag,
            "time_lag_s": lag.time_lag_s,
            "violations": order.so_far(counted),
        }
    )


def peaks(t_s: F64, counted: Counted) -> dict[str, float]:
    """Columns of the summary, msg/s over one step of the grid: ``throughput_peak``, the most that
    were first processed, and ``arrival_peak``, the most that arrived.
    """
    step_s = float(t_s[1])
    return {
        "throughput_peak": float(counted.processed.max()) / step_s,
        "arrival_peak": float(np.diff(counted.arrived).max(initial=0)) / step_s,
    }
