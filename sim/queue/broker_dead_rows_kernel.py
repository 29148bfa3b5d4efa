"""Rows of a queue in a table that are dead, and stay while a transaction holds its snapshot."""

import numpy as np

from sim.foundation.arrays import F64


class DeadRows:
    """Each call passes them on its way to the first row that lives. Times in s."""

    def __init__(self, from_s: F64, until_s: F64, row_s: float, taken: int, done: int) -> None:
        self.from_s: F64 = from_s
        """[snapshots] when each is taken, ascending; …"""
        self.until_s: F64 = until_s
        """[snapshots] … and when it ends, before the next one is taken."""
        self.row_s = row_s
        """What one dead row adds to a call."""
        self.taken = taken
        """Rows that are dead once a message is handed over."""
        self.done = done
        """The same, once it is gone."""
        self.at = 0
        """The snapshot that is held, or the next one."""
        self.rows = 0
        """Dead rows that stay."""
        self.added_s: F64 = np.zeros(0)
        """[places] what they added to the latest call of each consumer."""


def pass_time(dead: DeadRows, now: float) -> bool:
    """Let snapshots end, and say whether one is held; what only they kept is passed no more."""
    while dead.at < dead.until_s.shape[0] and dead.until_s[dead.at] <= now:
        dead.at += 1
        dead.rows = 0
    if dead.at == dead.until_s.shape[0]:
        return False
    held: bool = dead.from_s[dead.at] <= now
    return held


def die(dead: DeadRows, rows: int, now: float) -> None:
    """So many rows are dead from now on."""
    if pass_time(dead, now):
        dead.rows += rows


def extra_s(dead: DeadRows, now: float) -> float:
    """What they add to a call that is made now."""
    pass_time(dead, now)
    return dead.rows * dead.row_s
