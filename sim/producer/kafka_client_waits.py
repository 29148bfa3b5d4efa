"""Where the time of a record went until it could be read: in its client, on its way, or in neither.

A record is in its client until the batch that the brokers stored first left: there it lingers,
waits for room or for the application to come to its row. From then on it is on its way, retries and
all, until it can be read. While its process does not run it waits for that, and while the leader of
its partition is down, cut off or stands still, for this.
"""

from math import inf

import numpy as np

from sim.engine.waits import Stretches, TimePart, after_start
from sim.foundation.arrays import F64, I32, Bools
from sim.producer.kafka_client_state_kernel import ClusterState, Journal

Span = tuple[float, float]


class Absences:
    """When the process did not run, and when it could not reach the leaders of partitions."""

    def __init__(self, partitions: int) -> None:
        self.off: list[Span] = []
        """(from, until) of the process, s."""
        self.lost: dict[int, list[Span]] = {}
        """Of partitions that once could not be reached, (from, until), s; those that are over."""
        self._since_s = np.full(partitions, inf)
        """[partitions] since when it cannot be reached; inf: it can."""

    def look(self, at_s: float, cluster: ClusterState) -> None:
        """Note which partitions can be reached from now on."""
        there: Bools = (np.asarray(cluster.up) == 1) & (np.asarray(cluster.stalled) == 0)
        reached = there[np.asarray(cluster.leader)]
        for p in np.flatnonzero(reached & (self._since_s < inf)).tolist():
            self.lost.setdefault(p, []).append((float(self._since_s[p]), at_s))
        self._since_s[~reached] = np.minimum(self._since_s[~reached], at_s)
        self._since_s[reached] = inf

    def spans(self) -> dict[int, list[Span]]:
        """As `lost`, with those that go on; their end is inf."""
        found = {p: list(spans) for p, spans in self.lost.items()}
        for p in np.flatnonzero(self._since_s < inf).tolist():
            found.setdefault(p, []).append((float(self._since_s[p]), inf))
        return found


class Ways:
    """How the records of a client got into the log: a `sim.engine.waits.Sent`."""

    def __init__(
        self,
        created_s: F64,
        partition_of: I32,
        journal: Journal,
        off: list[Span],
        lost: dict[int, list[Span]],
    ) -> None:
        """
        Args:
            created_s: [rows] when each input row could be read, s.
            partition_of: [rows] partition of its record.
            journal: what the brokers have stored.
            off: (from, until) of the process's not running, s.
            lost: of each partition that could not be reached, (from, until), s.
        """
        self.created_s = created_s
        self.partition_of = partition_of
        self.entries = journal.entries
        n = np.asarray(journal.n)[: journal.entries]
        self.left_s = np.full(created_s.size, inf)
        """[rows] when a batch with its record that was stored first left the client, s."""
        left_s = np.repeat(np.asarray(journal.left_s)[: journal.entries], n)
        np.minimum.at(self.left_s, np.asarray(journal.row)[: journal.rows], left_s)
        self._off = Stretches.of(off)
        self._lost = {
            p: (
                Stretches.of(spans),
                Stretches.of([(max(a, c), min(b, d)) for a, b in spans for c, d in off]),
            )
            for p, spans in lost.items()
        }
        """Of a partition: when it could not be reached, and when the process was off then."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, by when the record can be read."""
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        entered_s = np.where(entered_s < inf, entered_s, created_s)
        left_s = np.minimum(self.left_s[first:last], entered_s)
        off_s = _of(self._off, created_s, left_s)
        for p, (lost, both) in self._lost.items():
            rows = np.flatnonzero(self.partition_of[first:last] == p)
            from_s, on_way_s, until_s = created_s[rows], left_s[rows], entered_s[rows]
            in_client_s = _of(lost, from_s, on_way_s) - _of(both, from_s, on_way_s)
            under_way_s = _of(lost, on_way_s, until_s)
            parts_s[TimePart.UNREACHABLE, rows] = in_client_s + under_way_s
            parts_s[TimePart.BUFFER, rows] = -in_client_s
            parts_s[TimePart.SEND, rows] = -under_way_s
        parts_s[TimePart.NO_OWNER] = off_s
        parts_s[TimePart.BUFFER] += left_s - created_s - off_s
        parts_s[TimePart.SEND] += entered_s - left_s
        return parts_s


def _of(stretches: Stretches, from_s: F64, until_s: F64) -> F64:
    """[times] how much of the stretches lies between two times, s."""
    return stretches.before(until_s) - stretches.before(from_s)
