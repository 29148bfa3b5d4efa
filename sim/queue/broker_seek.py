"""Seeks of a queue that can have again what was acknowledged, and snapshots of it (PB-08, PB-09).

Google Cloud Pub/Sub: https://cloud.google.com/pubsub/docs/replay-overview. A seek takes effect at
once; of a real one Google says that it may take a minute until deliveries are as it wants them.
"""

from typing import NamedTuple

import numpy as np

from sim.engine.system import Sought
from sim.foundation.arrays import I32, U8, Bools
from sim.queue import broker_codes as codes
from sim.queue import broker_seek_kernel as k
from sim.queue.broker_state_kernel import BrokerState

SNAPSHOT_S = 7 * 86_400.0
"""A snapshot lasts so long from when the oldest message in it was published, …"""
SNAPSHOT_LEAST_S = 3_600.0
"""… and is not made if that is less than this."""
_BACK = (codes.ACKED, codes.LOST, codes.DEAD)
"""What can come again: acknowledged, unread or not, or forwarded to a dead-letter topic."""


class Snapshot(NamedTuple):
    """Which messages were not acknowledged at some time."""

    taken_s: float
    until_s: float
    """When it expires, s; less than ``taken_s``: it was not made, for that is too soon."""
    open: Bools
    """[messages] not acknowledged then."""


class Seeker:
    """What seeks do to one queue."""

    def __init__(self, state: BrokerState, keeps_s: float) -> None:
        """
        Args:
            state: of the queue, which goes on when all messages are gone.
            keeps_s: how long after it was published an acknowledged message can be had again, s.
        """
        self.state = state
        self.keeps_s = keeps_s
        self.snapshots: dict[float, Snapshot] = {}
        """By the time at which they were taken, s."""
        state.messages.may_return = 1

    def _came(self) -> tuple[I32, U8, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        """[here] the messages that have come, their states, and when they were published, s."""
        b = self.state
        rows = np.asarray(b.feed.message)[: b.row]
        published_s = np.asarray(b.feed.enqueued_s)[: b.row]
        here = np.asarray(b.lanes.place)[rows] == np.arange(b.row)
        return rows[here], np.asarray(b.messages.state)[rows[here]], published_s[here]

    def snapshot(self, now: float) -> None:
        """Take a snapshot."""
        rows, states, published_s = self._came()
        unread = states < codes.ACKED
        taken = np.zeros(self.state.messages.state.shape[0], np.bool_)
        taken[rows[unread]] = True
        oldest_s = float(published_s[unread].min(initial=now))
        until_s = oldest_s + SNAPSHOT_S
        self.snapshots[now] = Snapshot(
            now, until_s if until_s - now >= SNAPSHOT_LEAST_S else -np.inf, taken
        )

    def to_time(self, now: float, to_s: float) -> Sought:
        """Acknowledge what was published before a time, and have again what came since."""
        rows, states, published_s = self._came()
        kept = published_s >= now - self.keeps_s
        return self._seek(now, rows, states, published_s < to_s, kept)

    def to_snapshot(self, now: float, taken_s: float) -> Sought | None:
        """Have messages as acknowledged as in a snapshot; None: it is not there any more."""
        snapshot = self.snapshots[taken_s]
        if now > snapshot.until_s:
            return None
        rows, states, published_s = self._came()
        read = ~snapshot.open[rows] & (published_s <= taken_s)
        return self._seek(now, rows, states, read, ~read)

    def _seek(self, now: float, rows: I32, states: U8, read: Bools, kept: Bools) -> Sought:
        """Seek.

        Args:
            now: s.
            rows: [here] the messages that have come.
            states: [here] of them.
            read: [here] to be acknowledged; the others are not to be.
            kept: [here] can be had again though they were acknowledged.
        """
        b = self.state
        gone = states >= codes.ACKED
        back = ~read & gone & kept & np.isin(states, _BACK)
        back &= np.asarray(b.lanes.place)[rows] >= b.retention_row
        dropped = read & ~gone
        sought = np.zeros(b.messages.state.shape[0], np.uint8)
        sought[rows[dropped]] = codes.SOUGHT_AFTER
        sought[rows[back]] = codes.SOUGHT_AGAIN
        while b.times.rows + int(back.sum()) > b.times.before.shape[0]:
            b.times.enlarge_rows()
        # What subscribers have in hand, they go on with.
        left = dropped & ~np.isin(states, (codes.IN_FLIGHT, codes.OVERDUE))
        unread = int(np.count_nonzero(np.asarray(b.messages.effects)[rows[left]] == 0))
        k.seek(b, now, sought)
        lost = ~read & gone & ~back & (states != codes.DEAD)
        return Sought(int(np.count_nonzero(~read)), int(np.count_nonzero(lost)), unread)
