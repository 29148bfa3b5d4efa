"""The group coordinator, classic protocol with eager rebalances (KC-04, KC-05, KC-08).

A member that dies is missed after ``session.timeout.ms``; a member that joins is noticed at once.
Either way the whole group stops: every live member finishes its batch, commits and joins, and
once all those known to the coordinator have joined or expired, partitions are assigned anew.
"""

from collections.abc import Callable, Generator, Sequence
from math import ulp
from typing import Any

import simpy

from sim.log.group import Group
from sim.log.seek import seek


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
        self.sessions: list[tuple[int, float]] = []
        """(member, s) Dead processes that the coordinator still counts in, and until when."""
        self.rebalance: simpy.Process | None = None
        self.joining = False
        """Whether the rebalance under way still waits for members, and so includes any change."""
        self.again = False
        self.disturbed = env.event()
        self._assign()

    @property
    def size(self) -> int:
        """Number of consumers that faults can name."""
        return self.group.members

    def _assign(self) -> None:
        dead = {m for m, _ in self.sessions}
        known = [m for m in range(self.group.members) if self.group.alive(m) or m in dead]
        partitions = self.group.topic.log.end.size
        self.group.assign(assign_range(partitions, known, self.group.members), self.env.now)

    def _start_rebalance(self) -> None:
        if self.joining:
            return
        self.again = True
        if self.rebalance is None or not self.rebalance.is_alive:
            self.rebalance = self.env.process(self._rebalance())

    def _awaited_s(self) -> list[float]:
        """When each of those that the rebalance waits for will have joined, or be put out."""
        group = self.group
        members = [m for m in range(group.members) if group.alive(m) and not group.held(m)]
        return [group.free_s(m) for m in members] + [until_s for _, until_s in self.sessions]

    def _rebalance(self) -> Generator[simpy.Event, Any, None]:
        began = self.env.now
        while self.again:
            self.again = False
            self.joining = True
            for m in range(self.group.members):
                self.group.hold(m, self.env.now)
            while awaited_s := self._awaited_s():
                # At least one tick of the clock, where rounding has it that the time has come.
                wait_s = max(max(awaited_s) - self.env.now, ulp(self.env.now))
                yield self.env.timeout(wait_s) | self.disturbed
            self.joining = False
            yield self.env.timeout(self.rebalance_s)
        self._assign()
        self.say(f"rebalanced in {self.env.now - began:.1f} s")

    def _disturb(self) -> None:
        """Have a rebalance under way look anew at whom it waits for."""
        self.disturbed.succeed()
        self.disturbed = self.env.event()

    def _expire(self, session: tuple[int, float]) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(self.session_timeout_s)
        self.sessions.remove(session)
        self.say(f"session of consumer {session[0]} expired")
        self._start_rebalance()
        self._disturb()

    @property
    def useful(self) -> int | None:
        """Partitions: of more consumers, some have nothing to do (KC-01)."""
        return int(self.group.topic.log.end.size)

    def alive(self, m: int) -> bool:
        """Whether the process of consumer ``m`` runs."""
        return self.group.alive(m)

    def terminate(self, m: int, grace_s: float) -> None:
        """SIGTERM."""
        raise NotImplementedError

    def cut_off(self, m: int) -> None:
        """Nothing gets through."""
        raise NotImplementedError

    def reconnect(self, m: int) -> None:
        """End of `cut_off`."""
        raise NotImplementedError

    def seek(self, to_s: float) -> tuple[int, int]:
        """Go on from a time; returns how many records were asked for, and how many are gone."""
        return seek(self.group, to_s, self.env.now)

    def backlog(self) -> int:
        """Records in the log and not committed."""
        return self.group.backlog(self.env.now)

    def age_s(self) -> float:
        """Time since the oldest of these could be read, s."""
        return self.group.age_s(self.env.now)

    def busy(self) -> int:
        """Consumers that are at work on a record."""
        return self.group.busy(self.env.now)

    def crash(self, m: int) -> None:
        """SIGKILL: its partitions wait for the session timeout and a rebalance (KC-04)."""
        if not self.group.alive(m):
            return
        self.group.crash(m, self.env.now)
        session = (m, self.env.now + self.session_timeout_s)
        self.sessions.append(session)
        self.env.process(self._expire(session))
        self._disturb()

    def restart(self, m: int) -> None:
        """Start a new process; it joins the group, which rebalances.

        If it is back before the old session ended, the rebalance waits for that end, and the
        group with it: the coordinator still counts the dead member in (a new process has a new
        member id).
        """
        if self.group.alive(m):
            return
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
            self._disturb()

    def _resume(self, m: int, for_s: float) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(for_s)
        self.restart(m)

    def slow(self, m: int, factor: float) -> None:
        """Multiply the service times of a consumer."""
        self.group.slow(m, self.env.now, factor)
        self._disturb()
