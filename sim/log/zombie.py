"""A process that works on although its partitions are others' (KC-15)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import I64
from sim.log import group_state as k
from sim.log.group_state_kernel import GroupMembers, GroupOffsets, GroupState, OffsetSamples

_OF_THE_PROCESS = (
    "hold", "now_s", "end_s", "extra_s", "polled_s", "asked_s", "got_s", "slowed_s", "factor",
    "resume_s", "cut", "call",
)  # fmt: skip
"""What of a member is the process's own, wherever it reads: control and faults write it."""


class PollCounts(NamedTuple):
    """What was polled, and what became of it; `sim.log.group_state_kernel.GroupState` says more."""

    polls: int
    handed: int
    processed: int
    given_up: int


def counts_of(state: GroupState) -> PollCounts:
    """Those of a group or a zombie."""
    return PollCounts(state.polls, state.handed, state.processed, state.given_up)


class Zombie:
    """What a process has in hand and in its buffer, as a group of which it is the one member.

    The group's kernels work it, so it does all that a member does. But it is asked to stop at its
    next poll, where it learns that it is out; one that is cut off does not learn, and goes on with
    what it has fetched. Its commits are refused: they go to offsets that nobody else reads.
    """

    def __init__(self, group: GroupState, m: int, reading: k.Reading, at_s: float) -> None:
        """
        Args:
            group: which member ``m`` leaves; its request to stop and its time are written.
            m: which of the group's members.
            reading: how these read.
            at_s: when it is put out.
        """
        members = group.members
        phase, n = int(members.phase[m]), int(members.assigned_n[m])
        partitions = np.asarray(members.assigned)[m, :n].copy()
        waits = reading.auto_commit_s < 0.0 and bool(reading.wait)
        works = phase == k.WORK
        if not (works or phase == k.POLL or (phase == k.COMMIT and waits)):
            phase = k.HELD
            members.now_s[m] = max(at_s, members.back_s[m])  # a back-off goes on
        members.hold[m] = max(members.hold[m], k.JOIN)
        theirs = np.asarray(group.offsets.position)
        processed, position = np.zeros_like(theirs), np.zeros_like(theirs)
        position[partitions] = theirs[partitions]
        processed[partitions] = (np.asarray(group.offsets.processed) if works else theirs)[
            partitions
        ]
        if works and waits and reading.per_record:
            # The next commit tells it: that of the next record, or that of this one.
            several = int((position - processed).sum()) > 1
            position[partitions] = processed[partitions]
            position[partitions[(members.first[m] + members.at[m]) % n]] += 1
            if several:
                reading = reading._replace(before=0)
        self.partitions = partitions
        self.began = position.copy()
        """[partitions] what it had been handed when it was put out."""
        self.had = int((position - processed).sum())
        """Records that it had in hand then."""
        offsets = GroupOffsets(position)
        offsets.processed = processed
        own = GroupMembers(1, position.size, np.inf)
        own.phase[0] = phase
        own.turn[0], own.first[0] = members.turn[m], members.first[m]
        # A program that waits for its commits learns of it before it would poll again.
        own.fetched[0] = members.fetched[m] if works and not waits else 0
        own.at[0] = members.at[m] if works else n
        own.assigned = np.asarray(members.assigned)[m : m + 1].copy()
        own.assigned_n[0] = n
        for name in _OF_THE_PROCESS:
            setattr(own, name, np.asarray(getattr(members, name))[m : m + 1])
        self.state = GroupState(
            group.log, own, offsets, group.records, OffsetSamples(np.zeros(0), position.size),
            group.jumps, group.poison, reading,
        )  # fmt: skip
        """With this process as its one member; effects take place in the records of ``group``."""

    def truncate(self, p: int, to: int) -> None:
        """Give up what it has of a partition from offset ``to`` on: the log has lost it (KB-07)."""
        offsets, members = self.state.offsets, self.state.members
        self.had -= max(0, offsets.position[p] - max(to, offsets.processed[p]))
        for column in (offsets.processed, offsets.position, self.began, offsets.committed):
            column[p] = min(column[p], to)
        n = members.assigned_n[0]
        if n and self.partitions[members.turn[0] % n] == p:
            members.fetched[0] = min(members.fetched[0], to - offsets.position[p])

    @property
    def works(self) -> bool:
        """Whether it is at work on a record."""
        return bool(self.state.members.phase[0] == k.WORK)

    @property
    def failed(self) -> bool:
        """Whether its handler has failed, which ended its batch."""
        return bool(self.state.members.phase[0] == k.FAILED)

    def fails(self) -> bool:
        """Whether its handler has failed, or will fail on a record that it has in hand.

        The poison must be aimed at what it has processed.
        """
        if self.failed or not self.works:
            return self.failed
        following = self.state.poison.next
        return any(low <= following[p] < high for p, low, high in self.in_hand())

    def in_hand(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first offset and end of what it works on and may yet process."""
        if self.works:
            yield from self._between(np.asarray(self.state.offsets.processed))

    def taken(self) -> Iterator[tuple[int, int, int]]:
        """Partition, first offset and end of what it took from its buffer.

        Raises:
            AssertionError: not all that it had or took was processed or is still in hand.
        """
        state = self.state
        left = int((np.asarray(state.offsets.position) - state.offsets.processed).sum())
        took, done = state.handed, state.processed
        assert self.had + took == done + left, (self.had, took, done, left)
        yield from self._between(self.began)

    def _between(self, low: I64) -> Iterator[tuple[int, int, int]]:
        for p in self.partitions.tolist():
            high = int(self.state.offsets.position[p])
            if low[p] < high:
                yield p, int(low[p]), high
