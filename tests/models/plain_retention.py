"""Retention of one partition, record by record: a list of segments, each a list of records.

It shares no code with ``sim`` and is written for reading. Batches arrive in order of time, as
(arrival, [(timestamp, bytes), …]); a check falls between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Record = tuple[float, int]


@dataclass
class PlainPartition:
    """A broker's copy of a partition."""

    retention_s: float
    retention_bytes: float
    segment_s: float
    segment_bytes: int
    segments: list[list[list[Record]]] = field(default_factory=lambda: [[]])
    """Segments of batches of records; the last one is active."""
    start: int = 0
    gone: list[tuple[Record, float, float]] = field(default_factory=list)
    """(record, when it was deleted, from its segment's oldest to its newest timestamp)"""

    def append(self, batch: Sequence[Record]) -> None:
        """Write a batch, in a new segment if the active one has no place for it."""
        active = self.segments[-1]
        if active:
            begun_s = max(stamp for stamp, _ in active[0])
            too_late = max(stamp for stamp, _ in batch) - begun_s > self.segment_s
            too_large = size(active) + sum(n for _, n in batch) > self.segment_bytes
            if too_late or too_large:
                self.segments.append([])
        self.segments[-1].append(list(batch))

    def check(self, now_s: float) -> None:
        """First by size, then by age; from the oldest on, up to the first that stays."""
        total = sum(size(segment) for segment in self.segments)
        if total >= self.retention_bytes:
            excess = total - self.retention_bytes
            while self.segments[0] and excess - size(self.segments[0]) >= 0:
                excess -= size(self.segments[0])
                self._delete(now_s)
        while self.segments[0] and now_s - max(stamps(self.segments[0])) > self.retention_s:
            self._delete(now_s)

    def _delete(self, now_s: float) -> None:
        segment = self.segments.pop(0)
        span_s = max(stamps(segment)) - min(stamps(segment))
        for batch in segment:
            self.gone += [(record, now_s, span_s) for record in batch]
            self.start += len(batch)
        if not self.segments:
            self.segments.append([])


def size(segment: Sequence[Sequence[Record]]) -> int:
    """Bytes of a segment."""
    return sum(n for batch in segment for _, n in batch)


def stamps(segment: Sequence[Sequence[Record]]) -> list[float]:
    """Timestamps of a segment."""
    return [stamp for batch in segment for stamp, _ in batch]
