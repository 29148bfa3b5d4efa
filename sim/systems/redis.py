"""What queues in Redis have in common: jobs that are asked to wait."""

from typing import NamedTuple

import numpy as np

from sim.engine.waits import TimePart, after_start
from sim.foundation.arrays import F64


class DelayedJobs(NamedTuple):
    """A `sim.engine.waits.Sent`: a job was asked to wait before it could be taken."""

    created_s: F64
    """[messages] s."""
    delay_s: float
    """s."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`."""
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        left_s = entered_s - created_s
        parts_s[TimePart.DELAY] = np.minimum(self.delay_s, left_s)
        parts_s[TimePart.SEND] = left_s - parts_s[TimePart.DELAY]
        return parts_s
