"""The group coordinator, classic protocol with eager rebalances (KC-04, KC-05, KC-08).

A member that dies is missed after ``session.timeout.ms``; a member that joins is noticed at once.
Either way the whole group stops: every live member finishes its batch, commits and joins, and
once all those known to the coordinator have joined or expired, partitions are assigned anew.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import simpy

from sim.log.group import Group


def assign_range(partitions: int, members: Sequence[int], total: int) -> list[list[int]]:
    """Partitions in number order over members in order; the first get one extra (KC-08).

    Args:
        partitions: number of partitions of the topic.
        members: members to assign to, in order.
        total: length of the list returned; members not named get no partition.
    """
    result: list[list[int]] = [[] for _ in range(total)]
    share, extra = divmod(partitions, len(members)) if members else (0, 0)
    first = 0
    for rank, member in enumerate(members):
        n = share + (rank < extra)
        result[member] = list(range(first, first + n))
        first += n
    return result


class Coordinator:
    """Control-plane face of a group: the faults' verbs, and what the coordinator makes of them."""

    def __init__(
        self,
        env: simpy.Environment,
        group: Group,
        *,
        session_timeout_s: float,
        rebalance_s: float,
        say: Callable[[str], None],
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: the group, whose members all start with a range assignment.
            session_timeout_s: session.timeout.ms, in s.
            rebalance_s: join and sync rounds of one rebalance, s.
            say: takes a line for the timeline.
        """
        self.env = env
        self.group = group
        self.session_timeout_s = session_timeout_s
        self.rebalance_s = rebalance_s
        self.say = say
        self.known_until_s = [float("inf")] * group.members
        """When each member's session ends; inf while its heartbeats arrive; past: forgotten."""
        self.rebalance: simpy.Process | None = None
        self.again = False
        self._assign()

    @property
    def size(self) -> int:
        """Number of consumers that faults can name."""
        return self.group.members

    def _assign(self) -> None:
        alive = [m for m in range(self.group.members) if self.group.alive(m)]
        partitions = self.group.topic.log.end.size
        self.group.assign(assign_range(partitions, alive, self.group.members), self.env.now)

    def _start_rebalance(self) -> None:
        self.again = True
        if self.rebalance is None or not self.rebalance.is_alive:
            self.rebalance = self.env.process(self._rebalance())

    def _rebalance(self) -> Generator[simpy.Event, Any, None]:
        group = self.group
        began = self.env.now
        while self.again:
            self.again = False
            for m in range(group.members):
                group.hold(m, self.env.now)
            while True:
                now = self.env.now
                waits = [
                    group.free_s(m)
                    for m in range(group.members)
                    if group.alive(m) and not group.held(m)
                ]
                waits += [
                    until
                    for m, until in enumerate(self.known_until_s)
                    if not group.alive(m) and until > now
                ]
                if not waits:
                    break
                yield self.env.timeout(max(max(waits) - now, 1e-6))
            yield self.env.timeout(self.rebalance_s)
        self._assign()
        self.say(f"rebalanced in {self.env.now - began:.1f} s")

    def _expire(self, m: int, at_s: float) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(at_s - self.env.now)
        if self.known_until_s[m] == at_s and not self.group.alive(m):
            self.say(f"session of consumer {m} expired")
            self._start_rebalance()

    def crash(self, m: int) -> None:
        """SIGKILL: its partitions wait for the session timeout and a rebalance (KC-04)."""
        if not self.group.alive(m):
            return
        self.group.crash(m, self.env.now)
        until = self.env.now + self.session_timeout_s
        self.known_until_s[m] = until
        self.env.process(self._expire(m, until))

    def restart(self, m: int) -> None:
        """Start a new process; it joins the group, which rebalances.

        If it is back before the old session ended, the rebalance waits for that end: the
        coordinator still counts the dead member in (a new process has a new member id).
        """
        if self.group.alive(m):
            return
        self.env.process(self._join(m))

    def _join(self, m: int) -> Generator[simpy.Event, Any, None]:
        until = self.known_until_s[m]
        if self.env.now < until < float("inf"):
            yield self.env.timeout(until - self.env.now)
        if self.group.alive(m):
            return
        self.known_until_s[m] = float("inf")
        self.group.join(m, self.env.now)
        self._start_rebalance()

    def pause(self, m: int, for_s: float) -> None:
        """Stop the process for a while; longer than its session, it is put out and joins anew."""
        if not self.group.alive(m):
            return
        if for_s >= self.session_timeout_s:
            self.crash(m)
            self.env.process(self._resume(m, for_s))
        else:
            self.group.pause(m, self.env.now, for_s)

    def _resume(self, m: int, for_s: float) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(for_s)
        self.restart(m)

    def slow(self, m: int, factor: float) -> None:
        """Multiply the service times of a consumer."""
        self.group.slow(m, self.env.now, factor)
