"""What a broker deletes from a topic, and when (KB-08; Kafka 4.0 `UnifiedLog.deleteOldSegments`).

Every `log.retention.check.interval.ms`, each partition loses whole segments, oldest first: those
over `retention.bytes`, then those whose newest timestamp is older than `retention.ms`; it stops at
the first that stays. The active segment goes like any other; a new one then begins at the log's
end. A segment begins with the batch that would make the one before it too large, or whose newest
timestamp is more than `segment.ms` after that of the first batch in it. Who has read what makes no
difference.

So a record lives at least `retention.ms` from its timestamp, and at most as much longer as the
segment spans and two checks are apart. Timestamps are those of creation; a batch is what became
readable at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.foundation.arrays import F64, I32, I64
from sim.log import retention_kernel as k
from sim.log.topic import Topic


@dataclass(frozen=True)
class Limits:
    """When segments end, and when they go."""

    retention_s: float
    """retention.ms, in s; inf: records never grow too old."""
    retention_bytes: float
    """retention.bytes, of a partition; inf: it never grows too large."""
    segment_s: float
    """segment.ms, in s."""
    segment_bytes: int
    """segment.bytes."""
    check_s: float
    """log.retention.check.interval.ms, in s."""

    def bite(self, until_s: float) -> bool:
        """Whether anything can be deleted by ``until_s``."""
        return self.retention_s < until_s or self.retention_bytes < inf


Altered = Sequence[tuple[float, float, float]]
"""(s, retention_s, retention_bytes from then on), ascending in time."""


class Retention:
    """The segments of every partition of a topic, and the log start offset that moves with them."""

    def __init__(
        self, topic: Topic, size_bytes: I32, limits: Limits, altered: Altered = ()
    ) -> None:
        """
        Args:
            topic: whose log is cut.
            size_bytes: [messages], or [1] when all are the same.
            limits: the topic's settings.
            altered: what of them is set anew, and when (KB-17).
        """
        partitions = topic.log.end.size
        self.topic = topic
        self.limits = limits
        self.altered = list(altered)
        """What is still to be set anew."""
        self.active = k.ActiveSegments(
            partitions, topic.created_s, size_bytes, limits.segment_s, limits.segment_bytes
        )
        self.closed: list[deque[tuple[float, int, int]]] = [deque() for _ in range(partitions)]
        """[partitions] (newest timestamp, bytes, offset of the next) of each segment, in order."""
        self.kept_bytes = np.zeros(partitions, np.int64)
        """[partitions] bytes of the closed segments."""
        self.by_bytes = self.by_age = 0
        """Records that went because there was too much, and because they were too old."""
        self.history: list[tuple[float, I64]] = []
        """(s, [partitions]) the log start offsets after each check that deleted something."""

    def run(self, env: simpy.Environment, deleted: Callable[[float], None]) -> Steps:
        """Process: check again and again; ``deleted`` is told the time when something went."""
        while True:
            yield env.timeout(self.limits.check_s)
            if self.check(env.now):
                deleted(env.now)

    def check(self, at_s: float) -> int:
        """Delete what has to go at ``at_s``, up to which the topic must be advanced.

        Returns:
            how many records went.

        Raises:
            AssertionError: a log start has gone back, or is beyond the log.
        """
        while self.altered and self.altered[0][0] <= at_s:
            _, retention_s, retention_bytes = self.altered.pop(0)
            self.limits = replace(
                self.limits, retention_s=retention_s, retention_bytes=retention_bytes
            )
        first = self.topic.log.first
        was = first.copy()
        for p in range(first.size):
            self._fill(p, at_s)
            self._cut(p, at_s)
        assert (was <= first).all() and (first <= self.topic.log.end).all(), (was, first)
        gone = int((first - was).sum())
        if gone:
            self.history.append((at_s, first.copy()))
        return gone

    def truncate(self, p: int, to: int) -> None:
        """Go on from offset ``to``, from which on a partition has lost its records."""
        self.active.next[p] = min(self.active.next[p], to)
        self.closed[p] = deque((newest, size, min(end, to)) for newest, size, end in self.closed[p])

    def starts(self, at_s: F64) -> I64:
        """[samples, partitions] log start offsets at each of the (ascending) times ``at_s``."""
        zero = np.zeros_like(self.topic.log.first)
        known = np.array([zero, *(offsets for _, offsets in self.history)])
        return known[np.searchsorted([t for t, _ in self.history], at_s, side="right")]

    def _fill(self, p: int, at_s: float) -> None:
        while k.fill(self.topic.rows, self.active, at_s, p):
            self._roll(p)

    def _roll(self, p: int) -> None:
        """Close the active segment; the next begins where it ends."""
        active = self.active
        size = int(active.size_bytes[p])
        self.closed[p].append((float(active.newest_s[p]), size, int(active.next[p])))
        self.kept_bytes[p] += size
        active.newest_s[p] = -inf
        active.size_bytes[p] = 0

    def _cut(self, p: int, at_s: float) -> None:
        active, closed = self.active, self.closed[p]
        over = float(self.kept_bytes[p] + active.size_bytes[p]) - self.limits.retention_bytes
        while self._oldest_bytes(p) and over >= self._oldest_bytes(p):
            over -= self._oldest_bytes(p)
            self.by_bytes += self._delete_oldest(p)
        while self._oldest_bytes(p):
            newest_s = closed[0][0] if closed else active.newest_s[p]
            if at_s - newest_s <= self.limits.retention_s:
                break
            self.by_age += self._delete_oldest(p)

    def _oldest_bytes(self, p: int) -> int:
        return self.closed[p][0][1] if self.closed[p] else int(self.active.size_bytes[p])

    def _delete_oldest(self, p: int) -> int:
        """Delete a segment; how many records it had."""
        if not self.closed[p]:
            self._roll(p)
        was = int(self.topic.log.first[p])
        _, size, self.topic.log.first[p] = self.closed[p].popleft()
        self.kept_bytes[p] -= size
        return int(self.topic.log.first[p]) - was
