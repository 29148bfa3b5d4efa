"""When monitoring would raise an alarm.

An alarm follows a Prometheus alerting rule with ``for``: samples are all it sees.
"""

import numpy as np

from sim.foundation.arrays import F64, I64


def alarms(
    t_s: F64,
    value: F64 | I64,
    threshold: float,
    for_s: float = 0,
) -> list[tuple[float, float]]:
    """When an alarm on ``value > threshold`` was on, as (from_s, until_s).

    It goes on at the first sample by which every one in the last ``for_s`` was over the threshold
    (compared to the nanosecond), and off at the first that is not over; until infinity if none
    is. NaN is not over anything.

    Args:
        t_s: [n] times of the samples, strictly ascending.
        value: [n].
    """
    over = np.concatenate(([False], np.asarray(value) > threshold, [False]))
    turns = np.flatnonzero(over[1:] != over[:-1])
    found = []
    for first, after in turns.reshape(-1, 2):
        over_for_s = np.round(t_s[first:after] - t_s[first], 9)
        on = first + int(np.searchsorted(over_for_s, round(for_s, 9)))
        if on < after:
            until_s = float(t_s[after]) if after < t_s.size else np.inf
            found.append((float(t_s[on]), until_s))
    return found
