"""The classic protocol: rebalances that every member joins (KC-05, KC-06).

A rebalance begins at the coordinator. The members work on until their own next heartbeat tells them
of it, and join at their next poll; those that have joined together beat together from then on, with
the Java client. Eager, a member stops from its own join until the last has joined, and for two
round trips more, joining and syncing. Cooperative, it works on: only the partitions that move are
stopped, and it takes two rounds to move them.

Source: `GroupMetadataManager` (classicGroupHeartbeat, prepareRebalance), `AbstractCoordinator`
(JoinGroupResponseHandler enables the heartbeat thread, which restarts its timer) and
`ConsumerCoordinator` (onJoinPrepare, onJoinComplete) in apache/kafka 4.
"""

from collections.abc import Callable

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.log import acts
from sim.log.group import Group
from sim.log.kafka_coordinator import Coordinator, Member, Terms


class Barrier(Coordinator):
    """What the classic protocols have in common: rebalances in which every member joins.

    A rebalance waits until each of those known to the coordinator has joined, has left or was
    missed, but at most max.poll.interval.ms; changes meanwhile are included, later ones make
    another one.
    """

    rebalance: simpy.Process | None = None
    joining = False
    """Whether the rebalance under way still waits for members, and so includes any change."""
    again = False
    newcomer = False
    round = 0
    """Counts the times that members are called to join."""

    def __init__(
        self, env: simpy.Environment, group: Group, terms: Terms, say: Callable[[str], None]
    ) -> None:
        super().__init__(env, group, terms, say)
        self.empty = not self.roster()
        self.leader: Member | None = None
        """Who assigns the partitions."""
        self._elect()
        self.arrival = env.event()
        self.called: set[Member] = set()
        """Members that know that they are to join."""

    def _awaits_others(self, member: Member) -> bool:
        return self.joining and member not in self._missing()

    def _joined(self, member: Member) -> None:
        self._elect()
        self.newcomer = True
        self._start_rebalance()

    def _left(self) -> None:
        self._elect()
        self._start_rebalance()

    def _elect(self) -> None:
        """Of the members that are left, the first leads; Kafka takes any."""
        roster = self.roster()
        if self.leader not in roster:
            self.leader = roster[0] if roster else None

    def _notice(self, m: int) -> Steps:
        """At its next refresh; then the leader (librdkafka: any member) has the group rebalance."""
        env, life, came_s = self.env, self.lives[m], self.env.now
        while self.lives[m] == life:
            # Meanwhile it may have asked later than it was to, at the end of a silence.
            due_s = self.metadata.next_s(m, came_s) if self._asks(m) else np.inf
            if due_s <= env.now:
                break
            yield from self._wait(due_s - env.now)
        asked_s = env.now
        yield env.timeout(self.terms.round_trip_s)
        if self.lives[m] != life or not self.metadata.refresh(m, asked_s):
            return
        member = self.of[m]
        if member is not None and (self.terms.asks_anew or member is self.leader):
            if self._stale(member):
                whom = f"consumer {m}"
                self.group.standing.acts.note(acts.METADATA, came_s, env.now, target=whom)
            yield from self._join_anew(member)

    def _stale(self, member: Member) -> bool:
        """Whether a member knows of partitions that are not given out yet."""
        return self.metadata.known[member.place] > self.partitions

    def _join_anew(self, member: Member) -> Steps:
        """Have a member join at its next poll, and so begin a rebalance."""
        raise NotImplementedError

    def _came_back(self, member: Member) -> None:
        if not self._rebalancing:
            self.env.process(self._resume(member))
        else:
            self._start_rebalance()

    def _resume(self, member: Member) -> Steps:
        """Join and sync, without a rebalance: the partitions are those that it had."""
        yield self.env.timeout(2.0 * self.terms.round_trip_s)
        m = member.place
        if self.of[m] is member and self.group.held(m) and not self._rebalancing:
            self.group.reassign(m, member.owned, self.env.now)

    @property
    def _rebalancing(self) -> bool:
        return self.rebalance is not None and self.rebalance.is_alive

    def _start_rebalance(self) -> None:
        if self.joining:
            return
        self.again = True
        if not self._rebalancing:
            self.rebalance = self.env.process(self._rebalance())

    def _rebalance(self) -> Steps:
        began_s = self.env.now
        syncing = False
        while self.again:
            self.again = False
            self.joining = True
            if self.empty:
                yield from self._await_first()
            yield from self._await_all(syncing)
            self.joining = False
            if not self.roster():
                self.empty = True
                continue
            self._hear_all()
            assert self.leader is not None
            known = self.metadata.known[self.leader.place]
            self.partitions = self.counts.at(self.env.now) if self.terms.asks_anew else known
            yield self.env.timeout(2.0 * self.terms.round_trip_s + self.terms.rebalance_s)
            syncing = True
        if self.roster():
            self._distribute()
            self.say(f"rebalanced in {self.env.now - began_s:.1f} s")

    def _await_first(self) -> Steps:
        """An empty group waits for more members, anew for as long as some come."""
        self.empty = False
        delay_s = self.terms.initial_delay_s
        left_s = self.terms.max_poll_s
        self.newcomer = True
        while self.newcomer and delay_s > 0.0:
            self.newcomer = False
            yield self.env.timeout(delay_s)
            left_s -= delay_s
            delay_s = min(delay_s, left_s)

    def _hear_all(self) -> None:
        """All have joined: sessions count from now and, in Java, so do heartbeats."""
        for member in self.of:
            if member is not None:
                member.contact_s = self.env.now
                if self.terms.in_phase:
                    member.beat_s = self.env.now

    def _await_all(self, syncing: bool) -> Steps:
        """Wait until all have joined; those that are ``syncing`` are told at once to join anew."""
        last_s = self.env.now + self.terms.max_poll_s
        self.round += 1
        self.called.clear()
        for member in self.of:
            if member is not None and syncing:
                self._call(member)
            elif member is not None:
                self.env.process(self._tell(member))
        while missing := self._missing():
            if self.env.now >= last_s:
                for member in missing:
                    self.say(f"consumer {member.place} did not join in time")
                    self._put_out(member)
                return
            wait_s = min(self._all_in_s(missing), last_s) - self.env.now
            yield from self._wait(wait_s, self.arrival)

    def _missing(self) -> list[Member]:
        """Whom the rebalance waits for."""
        raise NotImplementedError

    def _all_in_s(self, missing: list[Member]) -> float:
        """When they will have joined, if nothing disturbs it."""
        raise NotImplementedError

    def _tell(self, member: Member) -> Steps:
        """Tell a member at its next heartbeat (KC-20)."""
        called = self.round
        yield from self._heartbeat(member, or_now=True)
        yield self.env.timeout(self.terms.round_trip_s)
        if self.joining and self.round == called and self.of[member.place] is member:
            self._call(member)

    def _call(self, member: Member) -> None:
        """Have a member, which knows now, join at its next poll."""
        raise NotImplementedError

    def _distribute(self) -> None:
        """Give out partitions."""
        raise NotImplementedError


class Eager(Barrier):
    """Every member gives up all its partitions, and waits, from its next poll to the end."""

    def _call(self, member: Member) -> None:
        self.called.add(member)
        self.group.hold(member.place, self.env.now)
        self._disturb()

    def _missing(self) -> list[Member]:
        # Who is closing leaves where others join.
        running = [
            x
            for x in self.of
            if x is not None and (self.closing[x.place] or not self.group.held(x.place))
        ]
        return running + self.ghosts

    def _all_in_s(self, missing: list[Member]) -> float:
        if self.ghosts or not self.called.issuperset(missing):
            return np.inf  # each call and each session's end is told
        return max(self.group.free_s(member.place) for member in missing)

    def _join_anew(self, member: Member) -> Steps:
        if (yield from self._reach(member, self._stale)):
            self._start_rebalance()
            self._disturb()  # it may be the last for whom one waits

    def _distribute(self) -> None:
        roster = self.roster()
        for member, partitions in zip(roster, self._assignment(roster), strict=True):
            member.owned = set(partitions)
        strangers = [m for m, member in enumerate(self.of) if member is None]
        self.group.assign(self._by_place(roster), self.env.now, strangers)


class Cooperative(Barrier):
    """Members keep what they have while they join; what moves is first given up, then given.

    A partition that is to move is left out of the round's assignment. Its owner gives it up at the
    first poll after that, and joins again: the next round assigns it.
    """

    def __init__(
        self, env: simpy.Environment, group: Group, terms: Terms, say: Callable[[str], None]
    ) -> None:
        super().__init__(env, group, terms, say)
        self.here: set[Member] = set()
        """Members that have joined the round or, between two, the next one."""
        self.insisting: set[Member] = set()
        """Members that ask to join, for there are more partitions."""
        self.assigned: dict[Member, set[int]] = {}
        """What members are to have from their next poll on."""

    def _joined(self, member: Member) -> None:
        super()._joined(member)
        self.group.reassign(member.place, member.owned, self.env.now)
        self.here.add(member)

    def _came_back(self, member: Member) -> None:
        before = member.owned
        member.owned = self.assigned.pop(member, before)
        self.here.discard(member)
        super()._came_back(member)
        if self.joining:
            self._call(member)
        if before - member.owned:
            self._start_rebalance()

    def _await_all(self, syncing: bool) -> Steps:
        yield from super()._await_all(syncing)
        self.here.clear()

    def _call(self, member: Member) -> None:
        self.called.add(member)
        self.env.process(self._meet(member))

    def _meet(self, member: Member) -> Steps:
        """At its next poll, a member goes on with what it was assigned, and joins if it is to.

        It commits when it joins; what it has processed since is not committed
        where it gives up (KC-22).
        """
        if not (yield from self._reach(member, self._wanted)):
            return
        m, had, now_s = member.place, member.owned, self.env.now
        if member in self.assigned:
            member.owned = self.assigned.pop(member)
            self.group.answer(m, now_s)
        self.group.reassign(m, member.owned, now_s)
        asks = bool(had - member.owned) or self._insists(member)
        self.insisting.discard(member)
        if asks:
            self._start_rebalance()
        if asks or self._is_called(member):
            self.group.await_assignment(m, now_s)
            self.here.add(member)
        if self.joining:
            self.arrival.succeed()
            self.arrival = self.env.event()

    def _is_called(self, member: Member) -> bool:
        return self.joining and member in self.called and member not in self.here

    def _wanted(self, member: Member) -> bool:
        return member in self.assigned or self._is_called(member) or self._insists(member)

    def _join_anew(self, member: Member) -> Steps:
        self.insisting.add(member)
        yield from self._meet(member)

    def _insists(self, member: Member) -> bool:
        return member in self.insisting and self._stale(member)

    def _missing(self) -> list[Member]:
        running = [x for x in self.of if x is not None and x not in self.here]
        return running + self.ghosts

    def _all_in_s(self, missing: list[Member]) -> float:
        return np.inf  # each arrival is told

    def _distribute(self) -> None:
        roster = self.roster()
        owner = {p: member for member in roster for p in member.owned}
        for member, partitions in zip(roster, self._assignment(roster), strict=True):
            self.assigned[member] = {p for p in partitions if owner.get(p, member) is member}
            self.env.process(self._meet(member))
