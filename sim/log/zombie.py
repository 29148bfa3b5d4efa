"""A process that works on although its partitions are others' (KC-15)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.foundation.arrays import I64
from sim.log import group_state as k

_OF_THE_PROCESS = (
    "hold", "now_s", "end_s", "extra_s", "polled_s", "factor", "resume_s", "cut"
)  # fmt: skip
"""What of a group's state is the process's own, wherever it reads: control and faults write it."""


class Zombie:
    """What a process has in hand and in its buffer, as a group of which it is the one member.

    The group's kernels work it, so it does all that a member does. But it is asked to stop at its
    next poll, where it learns that it is out; one that is cut off does not learn, and goes on with
    what it has fetched. Its commits are refused: they go to offsets that nobody else reads.
    """

    def __init__(self, group: k.GroupState, m: int, reading: k.Reading, at_s: float) -> None:
        """
        Args:
            group: which member ``m`` leaves; its request to stop and its time are written.
            m: which of the group's members.
            reading: how these read.
            at_s: when it is put out.
        """
        phase, n = int(group.phase[m]), int(group.assigned_n[m])
        partitions = group.assigned[m, :n]
        waits = reading.auto_commit_s < 0.0 and bool(reading.wait)
        works = phase == k.WORK
        if not (works or phase == k.POLL or (phase == k.COMMIT and waits)):
            phase = k.HELD
            group.now_s[m] = max(at_s, group.back_s[m])  # a back-off goes on
        group.hold[m] = max(group.hold[m], k.JOIN)
        processed, position = np.zeros_like(group.processed), np.zeros_like(group.position)
        position[partitions] = group.position[partitions]
        processed[partitions] = (group.processed if works else group.position)[partitions]
        if works and waits and reading.per_record:
            # The next commit tells it: that of the next record, or that of this one.
            several = int((position - processed).sum()) > 1
            position[partitions] = processed[partitions]
            position[partitions[(group.first[m] + group.at[m]) % n]] += 1
            if several:
                reading = reading._replace(before=0)
        self.m = m
        self.reading = reading
        self.began = position.copy()
        """[partitions] what it had been handed when it was put out."""
        self.had = int((position - processed).sum())
        """Records that it had in hand then."""
        self.counts = np.zeros_like(group.counts)
        """[POLLS...] since then."""
        self.processed = processed
        self.position = position
        self.partitions = partitions.copy()
        # A program that waits for its commits learns of it before it would poll again.
        goes_on = works and not waits
        self._own: dict[str, Any] = {
            "phase": np.array([phase]),
            "next_commit_s": np.array([np.inf]),
            "turn": group.turn[m : m + 1].copy(),
            "fetched": group.fetched[m : m + 1] * goes_on,
            "first": group.first[m : m + 1].copy(),
            "at": group.at[m : m + 1].copy() if works else np.array([n]),
            "assigned": group.assigned[m : m + 1].copy(),
            "assigned_n": np.array([n]),
            "processed": processed,
            "position": position,
            "committed": position.copy(),
            "commit_s": np.zeros(position.size),
            "awaits": np.zeros(1, np.int64),
            "astray": np.zeros(1, np.int64),
            "counts": self.counts,
            "grid_s": np.zeros(0),
        }

    def state(self, group: k.GroupState) -> k.GroupState:
        """A state with this process as its one member; effects take place in that of ``group``."""
        place = slice(self.m, self.m + 1)
        return group._replace(
            **self._own, **{name: getattr(group, name)[place] for name in _OF_THE_PROCESS}
        )

    def truncate(self, p: int, to: int) -> None:
        """Give up what it has of a partition from offset ``to`` on: the log has lost it (KB-07)."""
        self.had -= max(0, int(self.position[p]) - max(to, int(self.processed[p])))
        for offsets in (self.processed, self.position, self.began, self._own["committed"]):
            offsets[p] = min(offsets[p], to)
        n = int(self._own["assigned_n"][0])
        if n and self.partitions[self._own["turn"][0] % n] == p:
            left = int(to - self.position[p])
            self._own["fetched"][0] = min(int(self._own["fetched"][0]), left)

    @property
    def works(self) -> bool:
        """Whether it is at work on a record."""
        return bool(self._own["phase"][0] == k.WORK)

    @property
    def failed(self) -> bool:
        """Whether its handler has failed, which ended its batch."""
        return bool(self._own["phase"][0] == k.FAILED)

    def fails(self, poison: k.PoisonousOffsets | None) -> bool:
        """Whether its handler has failed, or will fail on a record that it has in hand."""
        if poison is None or self.failed:
            return self.failed
        return self.works and any(low <= poison.next[p] < high for p, low, high in self.in_hand())

    def in_hand(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first offset and end of what it works on and may yet process."""
        if self.works:
            yield from self._between(self.processed)

    def taken(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first offset and end of what it took from its buffer.

        Raises:
            AssertionError: not all that it had or took was processed or is still in hand.
        """
        left = int((self.position - self.processed).sum())
        took, done = self.counts[k.HANDED], self.counts[k.PROCESSED]
        assert self.had + took == done + left, (self.m, self.had, took, done, left)
        yield from self._between(self.began)

    def _between(self, low: I64) -> Iterator[tuple[int, int, int]]:
        for p in self.partitions.tolist():
            if low[p] < self.position[p]:
                yield p, int(low[p]), int(self.position[p])
