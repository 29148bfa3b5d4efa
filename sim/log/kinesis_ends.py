"""When shards that were closed have been read to their end, so that their children can be read.

A reader learns that a shard has ended from the read that returns its last record, or from the first
one after that which is answered once the shard is closed: it names no next place, and the children.
What is then done with these is the reader's (`kinesis_leases`, `kinesis_lambda`).
"""

from collections.abc import Callable
from math import ulp

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.foundation.arrays import F64
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.kinesis_lineage import Lineage


class ShardEnds:
    """Watches the closed shards of a stream for one group, a member for each part of a shard."""

    def __init__(
        self,
        env: simpy.Environment,
        group: Group,
        lineage: Lineage,
        seen_s: F64,
        parts: int,
        ended: Callable[[int], None],
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: who reads; members and partitions are the parts of shards, in their order.
            lineage: the shards.
            seen_s: [shards] when whoever reads a shard all along learns that it is closed, s.
            parts: of each shard, which are read side by side.
            ended: called with a shard when all of it is processed and checkpointed.
        """
        self.env = env
        self.group = group
        self.lineage = lineage
        self.parts = parts
        self.over: set[int] = set()
        """Shards that were read to their end."""
        self._ended = ended
        self._changed = env.event()
        for shard in lineage.closing:
            env.process(self._watch(shard, float(seen_s[shard])))

    def members(self, shard: int) -> range:
        """Those that read a shard."""
        return range(shard * self.parts, (shard + 1) * self.parts)

    def changed(self) -> None:
        """A shard has another reader, or one that reads again."""
        self._changed.succeed()
        self._changed = self.env.event()

    def may_begin(self, shard: int) -> bool:
        """Whether all parents of a shard were read to their end."""
        return self.over.issuperset(self.lineage.shards[shard].parents)

    def not_there(self) -> list[int]:
        """Members of shards that are read to their end, or that are not open yet."""
        now_s = self.env.now
        gone = [
            p
            for p, shard in enumerate(self.lineage.shards)
            if p in self.over or shard.opened_s > now_s
        ]
        return [m for p in gone for m in self.members(p)]

    def _watch(self, shard: int, seen_s: float) -> Steps:
        env, group = self.env, self.group
        yield env.timeout(max(0.0, seen_s - env.now))
        while left := [m for m in self.members(shard) if not self._is_read(m)]:
            next_s = max(self._next_s(m) for m in left)
            if next_s == np.inf:
                yield self._changed
                continue
            yield self._changed | env.timeout(max(next_s - env.now, ulp(env.now)))
        for m in self.members(shard):
            group.crash(m, env.now)
        self.over.add(shard)
        self._ended(shard)

    def _is_read(self, m: int) -> bool:
        """Whether a member goes on, and has checkpointed the last record of its partition."""
        group, members = self.group, self.group.state.members
        if members.phase[m] != k.POLL or members.cut[m] or members.resume_s[m] > self.env.now:
            return False
        return bool(group.processed[m] >= group.topic.log.end[m])

    def _next_s(self, m: int) -> float:
        """When to look at a member again, s; inf: once it has `changed`."""
        group, members = self.group, self.group.state.members
        if members.phase[m] in (k.OFF, k.HELD) or members.cut[m]:
            return np.inf
        free_s = max(group.free_s(m), float(members.resume_s[m]))
        if free_s <= self.env.now and members.phase[m] == k.POLL:
            free_s += group.reading.max_wait_s  # it gathers what is there
        return free_s
