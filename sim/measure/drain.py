"""How long it took after the last arrival until everything was done: columns of the summary."""

import numpy as np

from sim.foundation.arrays import F64


def sums(t_s: F64, last_done_s: float, unfinished: int, duration_s: float) -> dict[str, float]:
    """Columns of the summary, s.

    - ``drain_s``: from the end of arrivals to the last message processed; inf if some never was.
    - ``watched_s``: how long the run went on after arrivals had ended.

    Args:
        t_s: [grid] times.
        last_done_s: when the last message was first processed.
        unfinished: messages that were left.
        duration_s: when arrivals ended.
    """
    return {
        "drain_s": np.inf if unfinished else max(0.0, float(last_done_s) - duration_s),
        "watched_s": max(0.0, float(t_s[-1]) - duration_s),
    }
