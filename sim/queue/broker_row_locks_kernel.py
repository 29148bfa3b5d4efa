"""Rows of a queue in a table that others have: a call passes them, or waits until they are free.

Messages come back to where they stood, so that what was never handed over before stands behind all
that is in flight.
"""

from sim.foundation import num
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue.broker_state_kernel import BrokerState


def ahead(b: BrokerState) -> int:
    """How many are in flight that stand before the first that is ready; all, if none is."""
    first = lanes_kernel.front(b.lanes, b.messages, 0)
    if first < 0 or b.messages.receives[first] == 0:
        return b.messages.in_flight_now
    n = 0
    d = b.deliveries.first
    while d >= 0:
        if b.lanes.place[b.deliveries.message[d]] < b.lanes.place[first]:
            n += 1
        d = b.deliveries.after[d]
    return n


def sees(b: BrokerState, c: int) -> bool:
    """Whether the first message that is ready had come when the call of ``c`` arrived.

    A statement sees what was committed as it began
    (https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED).
    """
    first = lanes_kernel.front(b.lanes, b.messages, 0)
    if first < 0:
        return False
    came_s = num.double(b.feed.enqueued_s[b.lanes.place[first]]) + b.policy.delay_s
    at_s = b.consumers.asked_s[c] + b.consumers.half_s[c]
    there: bool = came_s <= at_s
    return there
