"""A topic and its groups that forget what is final, while messages come window by window.

Final is a record that every group has committed beyond, and that nobody has in hand. It is never
looked at again: not by a member that goes on from a committed offset, nor by one that was put out.
That needs a log to which nobody seeks back, whose records are not deleted, and groups that commit
what they have processed; `sim.systems.windowed` sees to it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sim.engine.outcome import Fate
from sim.engine.waits import Waits
from sim.foundation.arrays import F32, F64, I32, I64, U8, U16
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log import waits_kernel as waits
from sim.log.group import Group
from sim.log.topic import Topic, moved

_GOES_ON = (k.POLL, k.WORK, k.COMMIT)
"""Phases in which a process that was put out may take more effect."""


class LogBecame(NamedTuple):
    """What became of the messages that are known, so far: a `sim.engine.outcome.Became`."""

    fate: U8
    done_s: F64
    effects: U16
    waits: Waits | None = None


class LogWindows:
    """What the groups of a topic have forgotten, and what was seen of it before."""

    def __init__(self, topic: Topic, groups: Mapping[str, Group], total: int, grid_s: F64) -> None:
        """
        Args:
            topic: with the messages of the first window.
            groups: all of its groups, by name.
            total: messages that there will be in all.
            grid_s: [grid] ascending times at which the partitions are looked at, s.
        """
        self.topic = topic
        self.groups = dict(groups)
        self.grid_s = grid_s
        topic.beyond = total - topic.partition_of.size
        shape = grid_s.size, topic.gone.size
        self.end: I64 = np.zeros(shape, np.int64)
        """[grid, partitions] log-end offsets, as far as they are noted."""
        self.waited_s = {name: np.zeros(shape) for name in groups}
        """[grid, partitions] of each group, `sim.engine.outcome.Offsets.waited_s`."""
        self._noted = 0
        """Grid times that are noted."""

    def note(self, before_s: float) -> None:
        """Note what there is to be seen at grid times before ``before_s``.

        The topic and its groups must be advanced to there, and no further.
        """
        until = int(np.searchsorted(self.grid_s, before_s))
        if until == self._noted:
            return
        here = slice(self._noted, until)
        self.end[here] = self.topic.log_end(self.grid_s[here])
        for name, group in self.groups.items():
            where.fill_samples(group.state, before_s)
            waits.note(
                self.topic.rows,
                group.state.records,
                group.state.samples,
                self.end,
                self._noted,
                until,
                self.waited_s[name],
            )
        self._noted = until

    def final(self) -> int:
        """How many of the first of the messages that are known are final now."""
        log, producer = self.topic.log, self.topic.producer
        first = int(producer.next_message)
        filled = log.end + np.asarray(producer.open_records)
        for group in self.groups.values():
            needed = _needed(group)
            left = np.flatnonzero(needed < filled)
            first = int(log.message[log.start[left] + needed[left]].min(initial=first))
        return first

    def became(self, group: Group, waited: Waits | None = None) -> LogBecame:
        """What became of the messages that are known; ``waited``: what they waited for."""
        effects = self.topic.to_messages(group.effects, 0)
        done_s = self.topic.to_messages(group.done_s, np.inf)
        fate = (effects > 0).view(np.uint8) * np.uint8(Fate.PROCESSED)
        return LogBecame(fate, done_s, effects, waited)

    def roll_on(
        self, final: int, created_s: F64, partition_of: I32, service_s: Sequence[F32]
    ) -> None:
        """Forget the first ``final`` of the messages, and get to know of more.

        Args:
            final: how many to forget.
            created_s: [messages] of those that come, ascending, s.
            partition_of: [messages] partition of each of these.
            service_s: of each group, [messages] work that each of these takes, s.
        """
        moves = self.topic.roll_on(final, created_s, partition_of)
        rows = self.topic.log.message.size
        for group, work_s in zip(self.groups.values(), service_s, strict=True):
            records = group.state.records
            records.move(lambda column, fill: moved(column, moves, rows, fill))
            assert group.service_s is not None, "all work was handed over, and more comes"
            group.service_s = np.concatenate([group.service_s[final:], work_s])
            group.laid = self.topic.log.start
            group.state.log = self.topic.rows
            for zombie in group.zombies.values():
                zombie.state.log = self.topic.rows
            if self.topic.created_s.size:
                group.state.idle.forget(float(self.topic.created_s[0]))
                group.standing.forget(float(self.topic.created_s[0]), self.topic.gone)


def _needed(group: Group) -> I64:
    """[partitions] the first offset that somebody may yet process."""
    needed: I64 = np.maximum(group.committed, 0)
    for zombie in group.zombies.values():
        if zombie.state.members.phase[0] in _GOES_ON:
            processed = np.asarray(zombie.state.offsets.processed)
            needed[zombie.partitions] = np.minimum(
                needed[zombie.partitions], processed[zombie.partitions]
            )
    return needed
