"""The group coordinator: who is a member, and the faults' verbs (KC-04, KC-09, KC-15).

A process that falls silent (killed, paused, cut off) is missed after its session; one that goes too
long without a poll leaves by itself (KC-03); one that is closed leaves at once, unless it is a
static member. What then becomes of the partitions is the protocol's affair:
`sim.log.kafka_rebalance_classic`, `sim.log.kafka_rebalance_kip848`.

Every member has a heartbeat of its own: it is the only way in which it learns what the coordinator
wants, and the session counts from the last one that came through. One that falls due in a silence
is sent as soon as it ends. A beat is an event only where somebody waits for it: when the others
were is arithmetic.

A process that has been put out does not know: it is a zombie until its next poll (KC-15).
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from math import floor, ulp
from typing import Any, Protocol

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.engine.outcome import Fate
from sim.log import acts
from sim.log.group import Group
from sim.log.group_fleet import GroupFleet
from sim.log.kafka_assignors import Assignor
from sim.log.kafka_metadata import KnownPartitions
from sim.log.poisoned import Bad, Place
from sim.scenario.products.base import OnFailure


class PassOn(Protocol):
    """Takes a record on which a handler failed elsewhere."""

    def __call__(self, m: int, at_s: float, place: Place) -> str:
        """It failed now, in the hands of consumer ``m``; returns what it did, for the timeline."""


@dataclass(frozen=True)
class Terms:
    """What the members and the coordinator of a group agree on."""

    assign: Assignor
    """Who reads which partitions."""
    session_s: float = 45.0
    """Silence after which a member is put out."""
    max_poll_s: float = np.inf
    """Longest wait for a member to join a rebalance (max.poll.interval.ms)."""
    rebalance_s: float = 0.0
    """Classic: from the last join until the assignment is there, beside two round trips."""
    initial_delay_s: float = 0.0
    """Classic: how long an empty group that is joined waits for more."""
    heartbeat_s: float = 5.0
    """Time between two heartbeats of a member."""
    phases_s: Sequence[float] = ()
    """[places] when each member of a group that is there from the start beats first; short of them:
    at once."""
    in_phase: bool = True
    """Classic: whether the end of a join starts the heartbeat timer anew (the Java client)."""
    round_trip_s: float = 0.0
    """A request to the coordinator and its answer."""
    on_failure: OnFailure = field(default_factory=OnFailure)
    """What a program does when its handler raises."""
    pass_on: "PassOn | None" = None
    """What it does in place of that."""
    metadata_s: float = np.inf
    """Time between two refreshes of a client's metadata; inf: it never asks again."""
    refreshes_s: Sequence[float] = ()
    """[places] when each client that is there from the start refreshes first; short of them: as if
    all had started then."""
    asks_anew: bool = False
    """Classic: whether any member that sees more partitions has the group rebalance, and whoever
    assigns them asks how many there are (librdkafka); else only the leader does, as it knows them
    (Java)."""
    static: bool = False
    """Whether members have a `group.instance.id`, by which one that is back is known (KC-09)."""


@dataclass(eq=False)
class Member:
    """A member as the coordinator knows it; its process may be gone."""

    place: int
    """Which consumer of the group."""
    owned: set[int] = field(default_factory=set)
    """Partitions that nobody else may have."""
    target: list[int] = field(default_factory=list)
    """Partitions it is to have."""
    silent_s: float = np.inf
    """Since when nothing can be heard of it; inf: it is heard."""
    contact_s: float = -np.inf
    """When it was heard last, as far as no heartbeat was later."""
    left: bool = False
    """Whether a ghost's process ended, or fell silent, by its own will."""
    beat_s: float = 0.0
    """When its heartbeat timer was started last."""
    beats: int = 0
    """Counts the heartbeats that were sent out of turn."""
    has: set[int] = field(default_factory=set)
    """Consumer protocol: partitions that its process reads."""
    following: bool = False
    """Consumer protocol: whether it is being brought to its target."""
    changes: int = 0
    """Consumer protocol: counts the processes that bring it there, of which the last one counts."""


class Coordinator(GroupFleet):
    """Control-plane face of a group: the faults' verbs, and what the coordinator makes of them."""

    refuses_the_new = False
    """Whether a static member's successor must wait for its session to end."""
    counts_commits = True
    """Whether a commit is a sign of life, as a heartbeat is (KC-04)."""

    def __init__(
        self, env: simpy.Environment, group: Group, terms: Terms, say: Callable[[str], None]
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: the group, whose running members all start with an assignment.
            terms: what its members and the coordinator agree on.
            say: takes a line for the timeline.
        """
        super().__init__(env, group, group.members, say)
        self.terms = terms
        self.counts = group.topic.counts
        self.partitions = self.counts.first
        """Partitions of which the last assignment knew."""
        self.metadata = KnownPartitions(
            self.counts, group.members, terms.metadata_s, terms.refreshes_s
        )
        """What the clients know."""
        self.of: list[Member | None] = [
            Member(m) if group.alive(m) else None for m in range(group.members)
        ]
        """[consumers] the member that the running process is; None: it is none."""
        self.ghosts: list[Member] = []
        """Members without a process; they keep their partitions until the session ends."""
        self.closing = [False] * group.members
        """[consumers] whether the process leaves at its next poll (SIGTERM)."""
        self.emptied_s = env.now
        """When its last member was out, s; while it has members, it says nothing."""
        self.followers: list[Coordinator] = []
        """Of other groups, whose consumers live in the same processes."""
        self.processes: Coordinator = self
        """Of the group whose processes they are."""
        self.disturbed = env.event()
        group.after_stop = self._after_stop
        roster = self.roster()
        for member, partitions in zip(roster, self._assignment(roster), strict=True):
            member.owned, member.target = set(partitions), partitions
            first_s = terms.phases_s[member.place] if terms.phases_s else 0.0
            member.beat_s = env.now + first_s - terms.heartbeat_s
        group.assign(self._by_place(roster), env.now)
        if self.counts.added:
            env.process(self._watch_partitions())

    # What faults and autoscalers see.

    def alive(self, m: int) -> bool:
        """Whether the process of consumer ``m`` runs (paused counts)."""
        return self.group.alive(m) or any(its.alive(m) for its in self.followers)

    @property
    def useful(self) -> int | None:
        """Partitions: of more consumers, some have nothing to do (KC-01)."""
        return self.counts.at(self.env.now)

    def busy(self) -> int:
        """Consumers that are at work on a record."""
        return sum(self.group.working(m) for m in range(self.group.members))

    # The faults' verbs.

    def crash(self, m: int) -> None:
        """SIGKILL: its partitions wait for the session timeout and a rebalance (KC-04)."""
        for its in self.followers:
            its.crash(m)
        if not self.group.alive(m):
            return
        member = self.of[m]
        if member is not None:
            self._note(member)
        self.group.crash(m, self.env.now)
        self.lives[m] += 1
        self.closing[m] = False
        if member is not None:
            self._abandon(member)
        self._disturb()

    def terminate(self, m: int) -> None:
        """SIGTERM: it finishes its batch, commits and leaves."""
        for its in self.followers:
            its.terminate(m)
        if not self.group.alive(m) or self.closing[m]:
            return
        self.closing[m] = True
        self.env.process(self._close(m))

    def restart(self, m: int) -> None:
        """Start a new process; it joins the group.

        If it is back before the old session ended, that one's partitions stay with it until then:
        a new process has a new member id, unless it is a static member.
        """
        if self.alive(m):
            return
        for its in self.followers:
            its.restart(m)
        self.lives[m] += 1
        self.metadata.start(m, self.env.now)
        if not self._connected(m):
            self.metadata.falls_silent(m, self.env.now)
        self.group.start(m, self.env.now)
        self._enter(m)

    def pause(self, m: int, for_s: float) -> None:
        """Stop the process for a while; if it is longer than its session, it becomes a zombie."""
        for its in self.followers:
            its.pause(m, for_s)
        if not self.group.alive(m):
            return
        self.group.pause(m, self.env.now, for_s)
        self._fall_silent(m)
        self.env.process(self._wake(m, for_s))
        self._disturb()

    def slow(self, m: int, factor: float) -> None:
        """Multiply the service times of a consumer."""
        for its in self.followers:
            its.slow(m, factor)
        self.group.slow(m, self.env.now, factor)
        self._disturb()

    def cut_off(self, m: int) -> None:
        """Part it from the brokers: no fetch, heartbeat or commit, until `reconnect`."""
        for its in self.followers:
            its.cut_off(m)
        self.group.cut_off(m)
        self._fall_silent(m)
        self._disturb()

    def reconnect(self, m: int) -> None:
        """End `cut_off`."""
        for its in self.followers:
            its.reconnect(m)
        if not self.group.state.members.cut[m]:
            return
        self.group.reconnect(m, self.env.now)
        self._be_heard(m)
        self._admit(m)
        self._disturb()

    # Silence and sessions.

    def _asks(self, m: int) -> bool:
        """Whether the process of consumer ``m`` runs, and gets through to the brokers."""
        running = self.group.state.members.resume_s[m] <= self.env.now
        return bool(running and self._connected(m))

    def _connected(self, m: int) -> bool:
        return not self.group.state.members.cut[m]

    def _fall_silent(self, m: int) -> None:
        self.metadata.falls_silent(m, self.env.now)
        member = self.of[m]
        if member is not None and member.silent_s == np.inf:
            self._note(member)
            member.silent_s = self.env.now
            self.env.process(self._listen(member, member.silent_s))

    def _be_heard(self, m: int) -> None:
        member = self.of[m]
        if not self._asks(m):
            return
        self.metadata.wakes(m, self.env.now)
        if member is None or member.silent_s == np.inf:
            return
        if self._next_beat_s(member, max(member.silent_s, member.beat_s)) <= self.env.now:
            self._beats_now(member)
        member.silent_s = np.inf

    def _wake(self, m: int, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        # Whoever is in its place now is paused or cut off itself, or is heard: it changes nothing.
        self._be_heard(m)
        self._admit(m)
        self._disturb()

    # Heartbeats.

    def _next_beat_s(self, member: Member, after_s: float) -> float:
        """When a member's first heartbeat after a time is due, s; not before its timer's start."""
        every_s = self.terms.heartbeat_s
        next_s = member.beat_s + floor((after_s - member.beat_s) / every_s) * every_s
        while next_s <= max(after_s + 1e-9, member.beat_s):
            next_s += every_s
        return next_s

    def _beats_now(self, member: Member) -> None:
        """A heartbeat out of turn, from which the timer counts anew."""
        member.beat_s = member.contact_s = self.env.now
        member.beats += 1

    def _heartbeat(self, member: Member, or_now: bool = False) -> Steps:
        """Wait for a member's next heartbeat that gets through, or until it is none any more.

        ``or_now``: one that is due at this moment will do. Clients' timers only ever run late, so
        it comes after what happens at the coordinator then, such as a session's end.
        """
        after_s = self.env.now - 2e-9 if or_now else self.env.now
        beats, due_s = member.beats, self._next_beat_s(member, after_s)
        while self.of[member.place] is member and member.beats == beats:
            if member.silent_s < np.inf:
                yield self.disturbed
            elif self.env.now < due_s:
                yield from self._wait(due_s - self.env.now)
            else:
                return

    def _last_contact_s(self, member: Member) -> float:
        """When the coordinator has heard last of a member that it hears now."""
        if self._awaits_others(member):
            return self.env.now
        beat_s = self._next_beat_s(member, self.env.now) - self.terms.heartbeat_s
        contact_s = max(member.contact_s, beat_s)
        if not self.counts_commits:
            return contact_s
        commit_s = np.asarray(self.group.state.offsets.commit_s)
        return float(commit_s[self.group.assigned(member.place)].max(initial=contact_s))

    def _note(self, member: Member) -> None:
        """Keep when a member, which will not be heard from now on, was heard last."""
        if member.silent_s == np.inf:
            member.contact_s = self._last_contact_s(member)

    def _listen(self, member: Member, since_s: float) -> Steps:
        """Put a member out if it is still silent when its session ends (KC-21)."""
        while (left_s := self.terms.session_s - (self.env.now - member.contact_s)) > 1e-9:
            yield self.env.timeout(left_s)
        if member.silent_s != since_s or not self._is_in(member):
            return
        whom = f"consumer {member.place}"
        self.group.standing.acts.note(acts.SESSION, since_s, self.env.now, target=whom)
        self.say(f"session of consumer {member.place} expired")
        self._put_out(member)

    def _is_in(self, member: Member) -> bool:
        return member in self.ghosts or self.of[member.place] is member

    def _put_out(self, member: Member) -> None:
        """Take a member's partitions; a process of it that lives goes on as a zombie."""
        m = member.place
        if member in self.ghosts:
            self.ghosts.remove(member)
        else:
            self._expel(m)
        self._out()
        self._admit(m)  # a successor that was refused
        self._disturb()

    def _expel(self, m: int) -> None:
        self.of[m] = None
        self.group.expel(m, self.env.now)
        self.env.process(self._return(m))

    def _abandon(self, member: Member, left: bool = False) -> None:
        """The process is gone without leaving: the coordinator counts it in for a session."""
        self.of[member.place] = None
        member.left = left
        self.ghosts.append(member)
        if member.silent_s == np.inf:
            member.silent_s = self.env.now
            self.env.process(self._listen(member, member.silent_s))

    # Leaving and coming (back).

    def _after_stop(self) -> None:
        """What the group stopped for."""
        for m in self.group.lost():
            self.say(f"consumer {m} ends: no offset to go on from")
            self._exit(m)
        for m in self.group.failed():
            self._fail(m)
        for m in self.group.overdue(self.env.now):
            now_s, whom = self.env.now, f"consumer {m}"
            self.group.standing.acts.note(acts.MAX_POLL, now_s, now_s, target=whom)
            self.say(f"consumer {m} exceeded max.poll.interval.ms")
            member = self.of[m]
            assert member is not None
            # A static member only stops its heartbeats; one that is cut off cannot say good-bye.
            if self.terms.static or not self._connected(m):
                self._note(member)
                self._abandon(member, left=True)
            self._expel(m)
            if member not in self.ghosts:
                self._out()
        self._disturb()

    def _fail(self, m: int) -> None:
        """The handler of consumer ``m`` has failed on a record (KC-18)."""
        group, policy, now_s = self.group, self.terms.on_failure, self.env.now
        bad, attempt = group.poisoned.fails(group.in_progress(m), m, self.lives[m])
        if bad.kills:
            self._killed(m, bad)
            return
        if self.terms.pass_on is not None:
            self.say(self.terms.pass_on(m, now_s, group.in_progress(m)))
            return
        these, whom = group.standing.acts, f"consumer {m}"
        if policy.attempts is None or attempt < policy.attempts:
            these.note(acts.BACKOFF, now_s, now_s + policy.backoff, target=whom)
            group.give_back(m, now_s, policy.backoff)
            return
        these.note(acts.ATTEMPTS, now_s, now_s, target=whom)
        if policy.then == "stop":
            self.say(f"consumer {m} stopped at a record")
            group.give_back(m, now_s, 0.0)
            self.closing[m] = True
            group.hold(m, now_s, leave=True)
            self._exit(m)
        else:
            done = "skipped a record" if policy.then == "skip" else "dead-lettered a record"
            self.say(f"consumer {m} {done}")
            fate = Fate.LOST_REJECTED if policy.then == "skip" else Fate.DEAD_LETTERED
            group.pass_over(m, now_s, fate)

    def _killed(self, m: int, bad: Bad) -> None:
        self.say(f"consumer {m} killed by a record")
        self.processes.crash(m)
        if bad.restart_after_s < np.inf:
            self.env.process(self.processes._restart_after(m, bad.restart_after_s))

    def _return(self, m: int) -> Steps:
        """Join anew when what is in hand is done."""
        life = self.lives[m]
        yield from self._free(m, life)
        if self.lives[m] != life or self.of[m] is not None:
            return
        place = self.group.failed_as_zombie(m)
        if place is not None and place in self.group.poisoned.bad:
            bad, _ = self.group.poisoned.fails(place, m, life)
            if bad.kills:
                self._killed(m, bad)
                return
            if self.terms.pass_on is not None:
                self.say(self.terms.pass_on(m, self.env.now, place))
        if self.closing[m]:
            self._exit(m)
        else:
            self.group.join(m, self.env.now)
            self._enter(m)

    def _free(self, m: int, life: int) -> Steps:
        """Wait until the process can poll, or is gone."""
        while self.lives[m] == life:
            wait_s = self.group.free_s(m) - self.env.now
            if wait_s <= 0.0:
                return
            yield from self._wait(wait_s)

    def _wait(self, wait_s: float, *signals: simpy.Event) -> Steps:
        """Wait, but at most until something is disturbed, or one of ``signals``."""
        events = [self.disturbed, *signals]
        if wait_s < np.inf:
            # At least one tick of the clock, where rounding has it that the time has come.
            events.append(self.env.timeout(max(wait_s, ulp(self.env.now))))
        yield self.env.any_of(events)

    def _reach(
        self, member: Member, wanted: Callable[[Member], bool] = lambda _: True
    ) -> Generator[simpy.Event, Any, bool]:
        """Wait for a member's next poll, from when control has it.

        False: it is no member any more, or not ``wanted``.
        """
        m = member.place
        while self.of[m] is member and wanted(member):
            if self.closing[m]:  # it leaves at that poll
                yield self.disturbed
                continue
            self.group.hold(m, self.env.now)
            if self.group.held(m):
                return True
            yield from self._wait(self.group.free_s(m) - self.env.now)
        return False

    def _admit(self, m: int) -> None:
        """Let a process in that could not, or was not allowed to, join before."""
        if self.group.alive(m) and self.of[m] is None and m not in self.group.zombies:
            self._enter(m)

    def _enter(self, m: int) -> None:
        """Have the process of consumer ``m``, which waits for partitions, become a member."""
        if not self._connected(m) or self.group.state.members.resume_s[m] > self.env.now:
            return
        ghost = next((g for g in self.ghosts if g.place == m), None) if self.terms.static else None
        if ghost is None:
            self.of[m] = member = Member(m, beat_s=self.env.now, contact_s=self.env.now)
            self._joined(member)
        elif not self.refuses_the_new or ghost.left:
            self.ghosts.remove(ghost)
            self.of[m] = ghost
            ghost.silent_s = np.inf
            self._beats_now(ghost)
            self._came_back(ghost)
        self._disturb()

    def _close(self, m: int) -> Steps:
        life, group = self.lives[m], self.group
        while self.lives[m] == life:
            group.hold(m, self.env.now, leave=True)
            if m in group.zombies:  # which looks whether it is closing when it returns
                self._disturb()
                return
            wait_s = group.free_s(m) - self.env.now
            if group.held(m) and wait_s <= 0.0:
                self._exit(m)
                return
            yield from self._wait(wait_s)

    def _exit(self, m: int) -> None:
        """The process ends in order."""
        member = self.of[m]
        if member is not None:
            self._note(member)
        self.group.crash(m, self.env.now)
        self.lives[m] += 1
        self.closing[m] = False
        if member is None:
            return
        if self.terms.static or not self._connected(m):
            self._abandon(member, left=True)
        else:
            self.of[m] = None
            self._out()
        self._disturb()

    def _out(self) -> None:
        """A member is out."""
        if not self.roster():
            self.emptied_s = self.env.now
        self._left()

    def _disturb(self) -> None:
        """Have those who wait for something look anew."""
        self.disturbed.succeed()
        self.disturbed = self.env.event()

    # Partitions that are added.

    def _watch_partitions(self) -> Steps:
        """Process: have whoever is to notice do so."""
        for at_s, _ in self.counts.added:
            yield self.env.timeout(at_s - self.env.now)
            for m in range(self.size):
                if self.group.alive(m):
                    self.env.process(self._notice(m))

    @abstractmethod
    def _notice(self, m: int) -> Steps:
        """The process of consumer ``m`` comes to know of partitions that were added just now."""

    # What the protocols have in common, and in what they differ.

    def roster(self) -> list[Member]:
        """All members that the coordinator counts in, in order of their place."""
        members = [member for member in self.of if member is not None]
        return sorted(self.ghosts + members, key=lambda member: member.place)

    def _assignment(self, roster: Sequence[Member]) -> list[list[int]]:
        return self.terms.assign(self.partitions, [sorted(x.owned) for x in roster])

    def _by_place(self, roster: Sequence[Member]) -> list[list[int]]:
        partitions_of: list[list[int]] = [[] for _ in range(self.size)]
        for member in roster:
            partitions_of[member.place] = sorted(member.owned)
        return partitions_of

    def _awaits_others(self, member: Member) -> bool:
        """Whether a member waits for others to join, which its session does not end (KC-04)."""
        return False

    @abstractmethod
    def _joined(self, member: Member) -> None:
        """A new member waits for partitions."""

    @abstractmethod
    def _left(self) -> None:
        """A member is out; what it owned is free."""

    @abstractmethod
    def _came_back(self, member: Member) -> None:
        """A static member is back before it was missed."""
