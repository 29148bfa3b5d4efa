"""Limits of a queue and its consumers that acted: how often, when first and when last."""

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.queue import broker_codes as codes


class QueueLimits:
    """Counts. Times in s; inf and -inf of what never was."""

    def __init__(self, places: int) -> None:
        self.times: I64 = np.zeros(codes.LIMITS, np.int64)
        """[limits] how often each acted."""
        self.first_s: F64 = np.full(codes.LIMITS, np.inf)
        """[limits] since when."""
        self.last_s: F64 = np.full(codes.LIMITS, -np.inf)
        """[limits] until when."""
        self.times_of: I64 = np.zeros((codes.STRUCK, places), np.int64)
        """[CLOSED and KILLED, places] how often it happened to a consumer."""
        self.first_of: F64 = np.full((codes.STRUCK, places), np.inf)
        """[CLOSED and KILLED, places] when first."""
        self.last_of: F64 = np.full((codes.STRUCK, places), -np.inf)
        """[CLOSED and KILLED, places] when last."""


def act(limits: QueueLimits, limit: int, from_s: float, until_s: float) -> None:
    """A limit acted, from one time to another."""
    limits.times[limit] += 1
    limits.first_s[limit] = min(limits.first_s[limit], from_s)
    limits.last_s[limit] = max(limits.last_s[limit], until_s)


def strike(limits: QueueLimits, what: int, c: int, now: float) -> None:
    """Something happened to a consumer."""
    limits.times_of[what, c] += 1
    limits.first_of[what, c] = min(limits.first_of[what, c], now)
    limits.last_of[what, c] = max(limits.last_of[what, c], now)
