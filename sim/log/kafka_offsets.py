"""Committed offsets that brokers delete (KB-15, KIP-211).

Every `offsets.retention.check.interval.ms`, a broker looks at each group that it coordinates. Of a
classic group without members, all offsets go once it has been so for `offsets.retention.minutes`.
By the consumer protocol, each goes that was committed so long ago, if the group has no members:
Java commits what it has come to at every interval, new records or not. While a group has members
that read the topic, nothing of it goes.

Source: `ClassicGroup.offsetExpirationCondition`, `ConsumerGroup.offsetExpirationCondition` and
`OffsetMetadataManager.cleanupExpiredOffsets` in apache/kafka 4.
"""

from dataclasses import dataclass

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.foundation.arrays import F64, I64
from sim.foundation.text import duration
from sim.log import acts
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.kafka_coordinator import Coordinator


@dataclass(frozen=True)
class OffsetRetention:
    """How long brokers keep the offsets of a group that is not there."""

    retention_s: float
    """offsets.retention.minutes, in s."""
    check_s: float
    """offsets.retention.check.interval.ms, in s."""
    first_s: float
    """When they look first, s."""
    by_commit: bool
    """Whether each offset's age counts (the consumer protocol), or the group's time without
    members."""

    def run(self, env: simpy.Environment, coordinator: Coordinator) -> Steps:
        """Process: look again and again at a group."""
        yield env.timeout(self.first_s)
        while True:
            self.check(env.now, coordinator)
            yield env.timeout(self.check_s)

    def check(self, at_s: float, coordinator: Coordinator) -> None:
        """Delete at ``at_s`` what has to go of a group, up to which it must be advanced."""
        if coordinator.roster():
            return
        group = coordinator.group
        old = at_s - self._since_s(coordinator) >= self.retention_s
        gone = np.flatnonzero(old & (group.committed >= 0))
        if not gone.size:
            return
        group.standing.acts.note(acts.EXPIRED, at_s, at_s, gone.size)
        expire(group, gone, at_s)
        coordinator.say(
            f"its committed offsets are deleted: nobody was there for {duration(self.retention_s)}"
        )

    def _since_s(self, coordinator: Coordinator) -> F64:
        """[partitions] from when each offset's age counts, s."""
        partitions = coordinator.group.committed.size
        if not self.by_commit:
            return np.full(partitions, coordinator.emptied_s)
        # What was committed before the run was so at its beginning, for all that is known.
        return np.maximum(np.asarray(coordinator.group.state.offsets.commit_s), 0.0)


def expire(group: Group, partitions: I64, at_s: float) -> None:
    """Have the committed offsets of ``partitions``, which nobody has, be deleted.

    Whoever has them next goes on where auto.offset.reset says (KB-10).
    """
    where.finish_samples(group.state, at_s)
    came_to = np.full(group.position.size, k.NOWHERE, np.int64)
    came_to[partitions] = group.committed[partitions]
    group.standing.acts.expired.append((at_s, came_to))
    offsets = group.state.offsets
    for column in (offsets.committed, offsets.checked):
        np.asarray(column)[partitions] = k.NOWHERE
    np.asarray(offsets.commit_s)[partitions] = -np.inf
