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

from sim.engine.waits import Sent, TimePart
from sim.foundation.arrays import F64, I64
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker


class BrokerWaits:
    """A `sim.engine.waits.Waits` of a queue's messages, as they are numbered there."""

    def __init__(self, broker: Broker, sent: Sent, asked_s: float = 0.0) -> None:
        """
        Args:
            broker: the queue, at the end.
            sent: how its messages get into its feed.
            asked_s: of `BrokerPolicy.delay_s`, what was asked for (DelaySeconds), s.
        """
        self.broker = broker
        self.sent = sent
        self.asked_s = asked_s

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        rows = np.arange(first, last)
        parts_s = self.sent.sent_parts_s(first, last, self.entered_s(rows))
        self.add(rows, parts_s)
        return parts_s

    def entered_s(self, rows: I64) -> F64:
        """[rows] when each of these messages came into the feed, s; of one that has not, 0."""
        state = self.broker.state
        place = np.asarray(state.lanes.place)[rows]
        enqueued_s = np.asarray(state.feed.enqueued_s)
        return np.where(place >= 0, enqueued_s[place.clip(0)], 0.0)

    def add(self, rows: I64, parts_s: F64) -> None:
        """Add what came after the feed.

        Args:
            rows: messages.
            parts_s: [parts, rows] s, in which that is still 0.
        """
        state, policy, times = self.broker.state, self.broker.policy, self.broker.state.times
        done_s = np.asarray(state.messages.done_s)[rows]
        done_s = np.where(done_s < np.inf, done_s, 0.0)
        came_s = self.entered_s(rows) + policy.delay_s
        parts_s[TimePart.DELAY] += self.asked_s
        parts_s[TimePart.SEND] += policy.delay_s - self.asked_s
        if times.came_of.shape[0]:
            taken_s = np.asarray(times.came_of)[rows]
            parts_s[TimePart.SEND] += policy.publish_s
            parts_s[TimePart.CEILING] += taken_s - policy.publish_s - came_s
            came_s = taken_s
        begun_s = np.asarray(times.begun_of)[rows]
        rest_s = begun_s - came_s
        if times.eta_of.shape[0]:
            asked_s = np.minimum(np.asarray(times.eta_of)[rows], begun_s) - came_s
            rest_s -= _more(parts_s, TimePart.DELAY, asked_s.clip(0.0))
        rest_s -= _more(parts_s, TimePart.NO_OWNER, np.asarray(times.no_owner_of)[rows])
        rest_s -= _more(parts_s, self.broker.idle, np.asarray(times.idle_of)[rows])
        rest_s -= _more(parts_s, TimePart.CAPACITY, np.asarray(times.busy_of)[rows])
        rest_s -= _more(parts_s, TimePart.HELD, np.asarray(times.held_of)[rows])
        if times.loop_of.shape[0]:
            rest_s -= _more(parts_s, TimePart.CEILING, self._at_loops_s(rows, begun_s))
        parts_s[TimePart.WORK] += done_s - begun_s
        rest_s -= self._add_rare(rows, parts_s)
        parts_s[TimePart.CALL] += rest_s

    def _at_loops_s(self, rows: I64, begun_s: F64) -> F64:
        """What each spent at a main loop; that before its ETA is not counted twice."""
        times = self.broker.state.times
        loop_s = np.asarray(times.loop_of)[rows]
        if times.eta_of.shape[0]:
            left_s = begun_s - np.asarray(times.eta_of)[rows]
            loop_s = np.minimum(loop_s, left_s.clip(0.0))
        return loop_s

    def _add_rare(self, rows: I64, parts_s: F64) -> F64:
        """Add what only few have met; returns [rows] how much of it was before the work, s."""
        times = self.broker.state.times
        row = np.asarray(times.row_of)[rows]
        some = np.flatnonzero(row >= 0)
        before_s, lost_s = np.asarray(times.before)[row[some]], np.asarray(times.lost)[row[some]]
        out_s = np.zeros(rows.size)
        for kind, part in _RARE:
            parts_s[part, some] += before_s[:, kind]
            out_s[some] += before_s[:, kind]
        out_s[some] += lost_s[:, 0]
        parts_s[TimePart.SLOWED, some] += lost_s.sum(axis=1)
        parts_s[TimePart.WORK, some] -= lost_s[:, 1]
        return out_s


_RARE = (
    (codes.MET_SEND, TimePart.SEND),
    (codes.MET_BACKOFF, TimePart.BACKOFF),
    (codes.MET_ATTEMPT, TimePart.ATTEMPT),
    (codes.MET_LOCK, TimePart.LOCK),
)


def _more(parts_s: F64, part: TimePart, more_s: F64) -> F64:
    """Add to a part; returns what was added."""
    parts_s[part] += more_s
    return more_s
