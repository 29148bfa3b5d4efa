"""When a partition stood still: nobody who runs owned it, or its owner waited to try again."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.log import group_state as k
from sim.log.acts import AGAIN, GroupActs
from sim.log.group_state_kernel import GroupState

RUNS, NO_OWNER, BACKOFF = 0, 1, 2
"""How a partition stands: its owner goes on; it has none that runs and is connected; its owner
waits before it tries a record again."""


class Attempt(NamedTuple):
    """A delivery that came to nothing: whoever had the records did not finish them."""

    partition: int
    low: int
    """Offset of the first record."""
    high: int
    """The offset after the last."""
    from_s: float
    """When they were handed over, s."""
    until_s: float
    """When they were given up, s."""


class Stood(NamedTuple):
    """Stretches in which partitions stood still, as `sim.log.parts_kernel.stand` reads them."""

    first: I64
    """[partitions + 1] the first of each partition, ascending from there."""
    from_s: F64
    """[stretches] s."""
    until_s: F64
    """[stretches] s; inf: it still stands."""
    sum_s: F64
    """[stretches] how long it had stood before, s."""
    idle_from_s: F64
    """[stretches] how long some member had been idle when it began, s."""
    idle_until_s: F64
    """[stretches] the same when it ended; inf: it still stands."""
    idle_sum_s: F64
    """[stretches] how much of ``sum_s`` one was, s."""


class _Now(NamedTuple):
    how: int
    from_s: float
    until_s: float


class PartitionStanding:
    """How each partition of a group stands, and has stood."""

    def __init__(self, partitions: int, there: int) -> None:
        """All that are ``there`` from the start run; nobody has those that are added."""
        self._now = [_Now(RUNS, 0.0, np.inf)] * there
        self._now += [_Now(NO_OWNER, 0.0, np.inf)] * (partitions - there)
        self._ended: list[tuple[int, _Now]] = []
        """(partition, how it stood) of what ended since `stretches` was asked for last."""
        self._past: dict[int, list[tuple[float, ...]]] = {NO_OWNER: [], BACKOFF: []}
        """By how it stood: (partition, and the columns of `Stood`) of what ended before."""
        self._sums: dict[tuple[int, int], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        """By partition and how: for how long it has stood so, and some member was idle then, s."""
        self._idle: dict[float, float] = {}
        """How long some member had been idle when what has not ended began, s."""
        self.attempts: list[Attempt] = []
        """In order of their end."""
        self.acts = GroupActs()
        """Limits that acted on the members."""

    def becomes(self, p: int, how: int, from_s: float, until_s: float = np.inf) -> None:
        """Partition ``p`` stands so from a time on, to ``until_s`` if it is not told otherwise."""
        now = self._now[p]
        if now.how != RUNS and now.until_s <= from_s:
            self._end(p, now)
            now = _Now(RUNS, now.until_s, np.inf)
        from_s = max(from_s, now.from_s)
        if now.how == how:
            self._now[p] = now._replace(until_s=until_s)
            return
        if now.how != RUNS and now.from_s < from_s:
            self._end(p, now._replace(until_s=from_s))
        self._now[p] = _Now(how, from_s, until_s)

    def _end(self, p: int, now: _Now) -> None:
        self._ended.append((p, now))

    def note(self, group: GroupState, m: int, at_s: float) -> None:
        """How the partitions of member ``m`` stand: before and after anything is done to it."""
        members = group.members
        if not members.assigned_n[m]:
            return
        phase, how, from_s, until_s = members.phase[m], RUNS, at_s, np.inf
        if phase == k.HELD:
            how, from_s = NO_OWNER, min(at_s, members.now_s[m])
        elif phase in (k.OFF, k.LOST) or members.cut[m]:
            how = NO_OWNER
        elif members.resume_s[m] > at_s:
            how, until_s = NO_OWNER, members.resume_s[m]
        backs_off = phase == k.POLL and not members.cut[m]
        runs_s = max(at_s, members.resume_s[m])
        for p in _own(group, m):
            if how != RUNS:
                self.becomes(p, how, float(from_s), float(until_s))
            if backs_off and members.back_s[m] > runs_s:
                self.becomes(p, BACKOFF, float(runs_s), float(members.back_s[m]))
            elif how == RUNS:
                self.becomes(p, RUNS, at_s)

    def note_all(self, group: GroupState, at_s: float) -> None:
        """The same of all members: how partitions stand at the present time."""
        for m in range(len(group.members.phase)):
            self.note(group, m, at_s)

    def taken(self, group: GroupState, m: int, at_s: float) -> None:
        """Member ``m`` loses its partitions, with what it has in hand."""
        self.note(group, m, at_s)
        self.tried(group, m, at_s)
        again = 0
        for p in _own(group, m):
            self.becomes(p, NO_OWNER, at_s)
            again += max(0, group.offsets.processed[p] - max(group.offsets.committed[p], 0))
        if again:
            self.acts.note(AGAIN, at_s, at_s, again)

    def tried(self, group: GroupState, m: int, at_s: float) -> None:
        """What member ``m`` has in hand comes to nothing."""
        offsets, polled_s = group.offsets, float(group.members.polled_s[m])
        for p in _own(group, m):
            low, high = int(offsets.processed[p]), int(offsets.position[p])
            if low < high:
                self.attempts.append(Attempt(p, low, high, polled_s, at_s))

    def stretches(self, group: GroupState, how: int) -> Stood | None:
        """When partitions stood so, with how long some member was idle; None: none ever did."""
        self._settle(group)
        standing = [(p, now) for p, now in enumerate(self._now) if now.how == how]
        rows = list(self._past[how])
        for p, now in standing:
            sums = self._sums[p, how]
            idle_s = self._idle[now.from_s]
            rows.append((p, now.from_s, now.until_s, sums[0], idle_s, np.inf, sums[1]))
        if not rows:
            return None
        table = np.array(rows)
        table = table[np.argsort(table[:, 0], kind="stable")]
        partitions = len(self._now)
        first = np.searchsorted(table[:, 0], np.arange(partitions + 1)).astype(np.int64)
        return Stood(first, *(column.copy() for column in table[:, 1:].T))

    def _settle(self, group: GroupState) -> None:
        """Look up how long members had been idle by the ends of what is new."""
        times_s = {now.from_s for now in self._now if now.how != RUNS}
        times_s |= {s for _, now in self._ended for s in (now.from_s, now.until_s)}
        new_s = np.array(sorted(times_s - self._idle.keys()))
        self._idle |= zip(new_s.tolist(), group.idle.before(new_s).tolist(), strict=True)
        for p, (how, from_s, until_s) in self._ended:
            sum_s, idle_sum_s = self._sums[p, how]
            idle_from_s, idle_until_s = self._idle[from_s], self._idle[until_s]
            self._past[how].append(
                (p, from_s, until_s, sum_s, idle_from_s, idle_until_s, idle_sum_s)
            )
            sums = sum_s + (until_s - from_s), idle_sum_s + (idle_until_s - idle_from_s)
            self._sums[p, how] = sums
        self._ended.clear()
        standing_s = {now.from_s for now in self._now if now.how != RUNS}
        self._idle = {at_s: idle_s for at_s, idle_s in self._idle.items() if at_s in standing_s}

    def forget(self, before_s: float, gone: I64) -> None:
        """Forget what ended before a time, and what was of the first ``gone`` [partitions] records.

        It must be settled: `stretches` was asked for since anything ended.
        """
        for how, rows in self._past.items():
            self._past[how] = [row for row in rows if row[2] >= before_s]
        self.attempts = [a for a in self.attempts if a.high > gone[a.partition]]


def _own(group: GroupState, m: int) -> list[int]:
    """The partitions of a member."""
    members = group.members
    own: list[int] = np.asarray(members.assigned)[m, : members.assigned_n[m]].tolist()
    return own
