"""What queues in Redis have in common: how jobs get into them."""

from typing import NamedTuple

import numpy as np

from sim.engine.system import Setup
from sim.engine.waits import TimePart
from sim.foundation.arrays import F64
from sim.foundation.units import Distribution


def added(setup: Setup, latency: Distribution) -> F64:
    """[messages] when each job is in Redis, s: it is sent at once, by whoever adds it."""
    messages = setup.messages
    latency_s: F64 = setup.pool("publish", latency)
    return messages.created_s + np.resize(latency_s, len(messages))


class DelayedJobs(NamedTuple):
    """A `sim.engine.waits.Sent`: a job was asked to wait before it could be taken."""

    created_s: F64
    """[messages] s."""
    delay_s: float
    """s."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`."""
        parts_s = np.zeros((len(TimePart), last - first))
        parts_s[TimePart.SEND] = entered_s - self.created_s[first:last] - self.delay_s
        parts_s[TimePart.DELAY] = self.delay_s
        return parts_s
