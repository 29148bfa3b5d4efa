"""The consumer protocol of KIP-848: the broker decides, and members follow one by one (KC-07).

There is no rebalance that everybody joins. The broker computes who is to have which partitions as
soon as the membership changes, and tells each member at its next heartbeat: first what to give up,
which the member does at its next poll and reports at once; then what it gains, as far as nobody
else has it any more. Members whose partitions stay are not disturbed.

Heartbeats are ``group.consumer.heartbeat.interval.ms`` apart, counted from when a member joined or
reported: it does so as soon as it has given up or taken partitions. Those of a group that is there
from the start are spread over the interval, where nothing else is said. Commits are no signs of
life. Source: `CurrentAssignmentBuilder`, `OffsetMetadataManager` and the client's
`AbstractMembershipManager.shouldHeartbeatNow` in apache/kafka 4.
"""

from collections.abc import Callable, Sequence

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.log.group import Group
from sim.log.kafka_coordinator import Coordinator, Member, Terms


class Reconciling(Coordinator):
    """A coordinator that brings each member to its target by itself."""

    refuses_the_new = True
    counts_commits = False
    reports_gains = True
    """Whether a member reports at once what it has taken, as it does what it has given up."""

    def __init__(
        self, env: simpy.Environment, group: Group, terms: Terms, say: Callable[[str], None]
    ) -> None:
        super().__init__(env, group, terms, say)
        roster = self.roster()
        for rank, member in enumerate(roster):
            member.has = set(member.owned)
            if not terms.phases_s:
                member.beat_s += terms.heartbeat_s * rank / len(roster)

    def _assignment(self, roster: Sequence[Member]) -> list[list[int]]:
        return self.terms.assign(self.partitions, [member.target for member in roster])

    def _joined(self, member: Member) -> None:
        self._aim(member)

    def _left(self) -> None:
        self._aim()

    def _came_back(self, member: Member) -> None:
        member.has = set()
        member.owned &= set(member.target)  # it has no more to give up
        self._follow(member, asks=True)

    def _aim(self, new: Member | None = None) -> None:
        """Decide anew who is to have what; a ``new`` member's request to join is answered."""
        self.partitions = self.counts.at(self.env.now)
        roster = self.roster()
        for member, target in zip(roster, self._assignment(roster), strict=True):
            member.target = target
            if member is new:
                self._follow(member, asks=True)
            elif member not in self.ghosts and member.has != set(target) and not member.following:
                self._follow(member, asks=False)

    def _notice(self, m: int) -> Steps:
        """The first heartbeat of any member has the broker count them, and assign them at once."""
        member = self.of[m]
        if member is None:
            return
        yield from self._heartbeat(member)
        if self.of[m] is member and member.silent_s == np.inf:
            self._count(member)

    def _beats_now(self, member: Member) -> None:
        super()._beats_now(member)
        self._count(member)

    def _count(self, member: Member) -> None:
        """At a heartbeat of a member, see whether there are more partitions."""
        if self.partitions < self.counts.at(self.env.now):
            self._aim(None if member.following else member)

    def _follow(self, member: Member, asks: bool) -> None:
        member.changes += 1
        member.following = True
        self.env.process(self._reconcile(member, asks))

    def _reconcile(self, member: Member, asks: bool) -> Steps:
        """Bring a member to its target; ``asks``: it has sent a heartbeat just now."""
        m, change = member.place, member.changes

        def current() -> bool:
            return self.of[m] is member and member.changes == change

        while member.has != set(member.target):
            if not asks:
                yield from self._heartbeat(member)
                if not current():
                    return
                self._count(member)
            asks = False
            has = member.has & set(member.target)
            gives_up = has != member.has
            if not gives_up:
                member.owned |= set(member.target) - self._of_others(member)
                has = set(member.owned)
                if has == member.has:
                    continue
            yield self.env.timeout(self.terms.round_trip_s)
            reached = yield from self._reach(member)
            if not reached or not current():
                return
            member.has = has
            self.group.reassign(m, has, self.env.now)
            member.owned = set(has)
            if gives_up or self.reports_gains:
                self._beats_now(member)
                asks = True
        member.following = False

    def _of_others(self, member: Member) -> set[int]:
        return {p for other in self.roster() if other is not member for p in other.owned}
