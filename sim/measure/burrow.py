"""What Burrow says of the groups of a log over time: the table ``burrow``."""

import numpy as np
import pandas as pd

from sim.engine.outcome import GroupOutcome, Offsets
from sim.foundation.arrays import F64, U8
from sim.measure import burrow_kernel as k

WINDOW = 10
"""Commits that Burrow keeps of a partition, and log ends: its ``intervals``."""

WORDS = ("OK", "WARN", "STOP", "STALL", "REWIND")
"""The names of `sim.measure.burrow_codes`, the gravest last."""


def judged(t_s: F64, offsets: Offsets) -> U8:
    """[samples, partitions] what Burrow says at each time: places in `WORDS`.

    It judges a partition from the commits that it saw by then.
    """
    status = np.zeros(offsets.end.shape, np.uint8)
    k.judge(k.Window(WINDOW), t_s, offsets.end, offsets.committed, offsets.commit_s, status)
    return status


def burrow_table(outcome: GroupOutcome, status: U8) -> pd.DataFrame:
    """A row per time ``t_s``: the group's ``status``, and how many partitions have each.

    The status of a group is the gravest of its partitions' (REWIND, STALL, STOP, WARN, OK).
    """
    counts = {
        word.lower(): np.count_nonzero(status == number, axis=1)
        for number, word in enumerate(WORDS)
    }
    worst = np.array(WORDS)[status.max(axis=1, initial=0)]
    who = {"system": outcome.system, "group": outcome.group}
    return pd.DataFrame({**who, "t_s": outcome.gauges_t_s, "status": worst, **counts})
