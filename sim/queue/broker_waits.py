"""What the messages of a general queue waited for: from the sums of its kernel to parts of time.

Between coming and being handed over, a message that is ready meets nobody who could be handed it
(`TimePart.NO_OWNER`); or, while a consumer rests, whatever keeps it from that one (`Broker.idle`:
the line that it stands in, or the queue's process); or consumers that are at work. Where some are
and some fetch or acknowledge, the time is `CAPACITY` in proportion to those at work and `CALL` in
proportion to the others. In the hands of the consumer that finishes it, behind others, it is `HELD`
while another consumer rests and `CAPACITY` while none does: a smaller prefetch would not help then.
What it was asked to wait for comes before all that: until its ETA, it waits for nothing else.
"""

import numpy as np

from sim.engine.waits import Sent
from sim.foundation.arrays import F64
from sim.queue import broker_waits_kernel as k
from sim.queue.broker import Broker


class BrokerWaits:
    """A `sim.engine.waits.Waits` of a queue's messages, as they are numbered there."""

    def __init__(
        self, broker: Broker, sent: Sent, asked_s: float = 0.0, first_s: F64 | None = None
    ) -> None:
        """
        Args:
            broker: the queue, at the end.
            sent: how its messages get into its feed.
            asked_s: of `BrokerPolicy.delay_s`, what was asked for (DelaySeconds), s.
            first_s: [messages] of a queue that takes dead letters, when each came into the first
                of its queues, s; else None.
        """
        self.broker = broker
        self.sent = sent
        self.asked_s = asked_s
        self.first_s = first_s

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        state = self.broker.state
        place = np.asarray(state.lanes.place)[first:last]
        # A message that has not come is where the first row is: its column may be anything.
        entered_s = np.asarray(state.feed.enqueued_s)[np.maximum(place, 0)]
        if self.first_s is not None:
            entered_s = self.first_s[first:last]
        parts_s = self.sent.sent_parts_s(first, last, entered_s)
        entered_s = np.maximum(entered_s, 0.0)
        k.add(state, first, int(self.broker.idle), self.asked_s, entered_s, parts_s)
        return parts_s
