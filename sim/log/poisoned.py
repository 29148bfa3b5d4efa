"""Which records of a log a group's handler fails on, and what became of them (KC-18)."""

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np

from sim.engine.outcome import Fate
from sim.foundation.arrays import I64
from sim.injection.poison import ALWAYS, Poison
from sim.log import group_state as k
from sim.log.group_state_kernel import PoisonousOffsets
from sim.log.topic import Topic

Place = tuple[int, int]
"""Partition and offset of a record."""


@dataclass
class Bad:
    """A poisonous message."""

    kills: bool
    """Whether it kills the process; else the handler raises."""
    left: int
    """How often it still does; `ALWAYS`: without limit."""
    restart_after_s: float
    """From the death of a process to the start of the next one; inf: never."""


class Poisoned:
    """The poisonous records of a group's log, found as they are appended."""

    def __init__(self, topic: Topic, poison: Poison | None) -> None:
        """
        Args:
            topic: what the group reads.
            poison: its poisonous messages; None: there are none.
        """
        partitions = topic.log.end.size
        self.topic = topic
        self.bad: dict[Place, Bad] = {}
        """Those in the log that are still poisonous."""
        self.passed: dict[Place, Fate] = {}
        """What became of those that the program gave up."""
        self.tries: dict[tuple[Place, int, int], int] = {}
        """[record, consumer, which of its processes] how often it failed."""
        self.offsets: dict[int, list[int]] = {}
        """[partition] offsets of those that were poisonous at first, ascending."""
        self.messages = np.zeros(0, np.int64)
        """[poisonous] messages, ascending."""
        self.of: list[Bad] = []
        """[poisonous] how each is."""
        self.seen = np.zeros(partitions, np.int64)
        """[partitions] offsets below this have been looked at."""
        self.kin: list[Poisoned] = [self]
        """Of all logs that may have one of these messages, this one included."""
        any_at_all = poison is not None and len(poison) > 0
        self.offsets_ahead = PoisonousOffsets(partitions, any_at_all)
        """Those that are still poisonous, as the kernel has them."""
        if poison is not None and len(poison):
            columns = (poison.kills, poison.times, poison.restart_after_s)
            self.messages = poison.message
            self.of = [
                Bad(bool(kills), int(times), float(restart_s))
                for kills, times, restart_s in zip(*columns, strict=True)
            ]

    def aim(self, processed: I64) -> None:
        """Find which offset of each partition is the next to fail, for the kernel.

        ``processed`` [partitions]: next offset to process.
        """
        if not self.offsets_ahead.any_at_all:
            return
        self._look()
        for p, offsets in self.offsets.items():
            ahead = offsets[bisect_left(offsets, int(processed[p])) :]
            at = next((o for o in ahead if (p, o) in self.bad), k.NO_OFFSET)
            self.offsets_ahead.next[p] = at

    def _look(self) -> None:
        """Look at what was appended since the last time."""
        log = self.topic.log
        if self.seen.tobytes() == log.end.tobytes():  # an eighth of what numpy takes to compare
            return
        found = False
        for p in np.flatnonzero(self.seen < log.end).tolist():
            first, stop = int(self.seen[p]), int(log.end[p])
            self.seen[p] = stop
            appended = log.message[log.start[p] + first : log.start[p] + stop]
            which = np.searchsorted(self.messages, appended)
            which[which == self.messages.size] = 0
            for at in np.flatnonzero(self.messages[which] == appended).tolist():
                bad = self.of[which[at]]
                if bad.left:
                    self.bad[p, first + at] = bad
                    insort(self.offsets.setdefault(p, []), first + at)
                    found = True
        if found:
            self._tell_kernel()

    def truncate(self, p: int, to: int) -> None:
        """Forget the records of a partition from offset ``to`` on."""
        self.seen[p] = min(self.seen[p], to)
        self.bad = {at: bad for at, bad in self.bad.items() if at < (p, to) or at[0] > p}
        self.passed = {at: fate for at, fate in self.passed.items() if at < (p, to) or at[0] > p}
        if self.offsets_ahead.any_at_all:
            self.offsets[p] = [offset for offset in self.offsets.get(p, []) if offset < to]
            self._tell_kernel()

    def _tell_kernel(self) -> None:
        places = np.array(sorted(self.bad), np.int64).reshape(-1, 2)
        self.offsets_ahead.partition = places[:, 0].copy()
        self.offsets_ahead.offset = places[:, 1].copy()

    def fails(self, place: Place, m: int, life: int) -> tuple[Bad, int]:
        """A process's handler fails on a record once more; returns how, and how often it has now.

        Args:
            place: of the record.
            m: which consumer.
            life: which of its processes; each begins to count anew.
        """
        bad = self.bad.get(place) or self._was_bad(place)
        if bad.left != ALWAYS:
            bad.left = max(0, bad.left - 1)
        if bad.left == 0:
            for its in self.kin:
                its.bad = {at: b for at, b in its.bad.items() if b is not bad}
                its._tell_kernel()
        process = (place, m, life)
        self.tries[process] = self.tries.get(process, 0) + 1
        return bad, self.tries[process]

    def share(self, others: "list[Poisoned]") -> None:
        """Have other logs, into which these messages may get, know how poisonous each still is."""
        self.kin = [self, *others]
        for its in others:
            its.kin, its.of = self.kin, self.of

    def _was_bad(self, place: Place) -> Bad:
        """The message in a place, which failed the last time in another log at the same moment."""
        p, offset = place
        message = self.topic.log.message[self.topic.log.start[p] + offset]
        return self.of[int(np.searchsorted(self.messages, message))]
