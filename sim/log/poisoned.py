"""Which records of a log a group's handler fails on, and what became of them (KC-18)."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.engine.outcome import Fate
from sim.injection.poison import ALWAYS, Poison
from sim.log import group_kernel as k
from sim.log.topic import Topic


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
    """The poisonous rows of a group's log, partition by partition."""

    def __init__(self, topic: Topic, poison: Poison | None) -> None:
        """
        Args:
            topic: what the group reads.
            poison: its poisonous messages; None: there are none.
        """
        self.start = topic.log.start
        self.bad: dict[int, Bad] = {}
        """[row] those that are still poisonous."""
        self.passed: dict[int, Fate] = {}
        """[row] what became of those that the program gave up."""
        self.tries: dict[tuple[int, int, int], int] = {}
        """[row, consumer, which of its processes] how often it failed."""
        if poison is not None:
            columns = (poison.message, poison.kills, poison.times, poison.restart_after_s)
            for message, kills, times, restart_s in zip(*columns, strict=True):
                bad = Bad(bool(kills), int(times), float(restart_s))
                self.bad |= dict.fromkeys(topic.rows_of(int(message)), bad)
        rows = np.array(sorted(self.bad), np.int64)
        ahead = np.full(self.start.size - 1, k.NO_OFFSET, np.int64)
        self.state = k.Poison(ahead, rows) if self.bad else None
        """Those that are still poisonous, as the kernel has them."""
        self.offsets: dict[int, list[int]] = {}
        """[partition] offsets of those that were poisonous at first, ascending."""
        for row in sorted(self.bad):
            p = int(np.searchsorted(self.start, row, side="right")) - 1
            self.offsets.setdefault(p, []).append(row - int(self.start[p]))

    def aim(self, processed: NDArray[np.int64]) -> k.Poison | None:
        """Find which offset of each partition is the next to fail, for the kernel.

        ``processed`` [partitions]: next offset to process.
        """
        if self.state is None:
            return None
        for p, offsets in self.offsets.items():
            base = int(self.start[p])
            ahead = offsets[bisect_left(offsets, int(processed[p])) :]
            self.state.next[p] = next((o for o in ahead if base + o in self.bad), k.NO_OFFSET)
        return self.state

    def fails(self, row: int, m: int, life: int) -> tuple[Bad, int]:
        """A process's handler fails on ``row`` once more; returns how, and how often it has now.

        Args:
            row: of the log.
            m: which consumer.
            life: which of its processes; each begins to count anew.
        """
        bad = self.bad[row]
        if bad.left != ALWAYS:
            bad.left -= 1
        if bad.left == 0:
            self.bad = {r: b for r, b in self.bad.items() if b is not bad}
            assert self.state is not None
            self.state.rows[~np.isin(self.state.rows, list(self.bad))] = -1
        process = (row, m, life)
        self.tries[process] = self.tries.get(process, 0) + 1
        return bad, self.tries[process]
