"""A consumer group reading a topic: its members' poll loops, and what can happen to a member."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from sim.engine.environment import Stops
from sim.engine.outcome import Fate
from sim.foundation.arrays import F32, F64, I64, U16
from sim.injection.poison import Poison
from sim.log import group_forecast_kernel as forecast
from sim.log import group_kernel as kernel
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log.group_pace import GroupPace
from sim.log.group_state_kernel import (
    GroupMembers,
    GroupOffsets,
    GroupRecords,
    GroupState,
    OffsetSamples,
    PositionJumps,
)
from sim.log.handed_out import Runs, Truncated
from sim.log.poisoned import Place, Poisoned
from sim.log.standing import NO_OWNER, PartitionStanding
from sim.log.topic import Topic, relaid
from sim.log.topic_kernel import gather
from sim.log.zombie import PollCounts, Zombie, counts_of


class Group:
    """Stage of the data plane: members poll, process and commit as time goes on.

    The verbs (`crash`, `pause`, …) act at the time to which the stage was last advanced. Where a
    member needs control the stage stops, and has `after_stop` called.
    """

    def __init__(
        self,
        topic: Topic,
        service_s: F32,
        members: int,
        reading: k.Reading,
        grid_s: F64,
        keep_repeats: int = 0,
        committed: bool = True,
        begins: I64 | int = 0,
        started: int | None = None,
        poison: Poison | None = None,
    ) -> None:
        """
        Args:
            topic: what the group reads.
            service_s: [messages] work that each message takes, s.
            members: single-threaded consumers; those beyond the partitions stay idle (KC-01).
            reading: how they poll and commit.
            grid_s: [grid] ascending times at which offsets are sampled.
            keep_repeats: how many times of repeated processing to keep (of the first, all are).
            committed: whether the group has committed offsets before, which are in ``begins``,
                [partitions] or one of all; if not, auto.offset.reset says where it begins (KB-10).
            started: how many of the members run from the beginning; None: all.
            poison: messages on which the handler fails.
        """
        partitions = topic.log.end.size
        self.topic = topic
        self.laid = topic.log.start
        """[partitions + 1] first row of each partition, in the columns of `state`."""
        self.service_s: F32 | None = np.ascontiguousarray(service_s)
        self.reading = reading
        self.gathered = np.zeros(partitions, np.int64)
        begins = np.full(partitions, begins if committed else k.NOWHERE, np.int64)
        begins[topic.counts.first :] = k.NOWHERE  # these are added while it reads
        self.runs = Runs(begins)
        self.followed = 0
        """Jumps of positions that `runs` knows of."""
        self.poisoned = Poisoned(topic, poison)
        self.zombies: dict[int, Zombie] = {}
        self.by_zombies = PollCounts(0, 0, 0, 0)
        """Of those that are none any more."""
        self.truncated: list[Truncated] = []
        """What it did with records that the log has lost since (KB-07)."""
        self.now_s = 0.0
        """To where the stage is advanced: what it is asked, it answers for this time."""
        self.stopped_s = np.inf
        """Where the stage waits for control; inf: nowhere."""
        self.after_stop: Callable[[], None] = lambda: None
        """Called when control is needed: for members that are `overdue` or `failed`."""
        self.state = GroupState(
            topic.rows,
            GroupMembers(members, partitions, max(reading.auto_commit_s, 0.0)),
            GroupOffsets(begins),
            GroupRecords(topic.log.message.size, keep_repeats, asks=reading.min_records > 1),
            OffsetSamples(grid_s, partitions),
            PositionJumps(partitions),
            self.poisoned.offsets_ahead,
            reading,
            # Of one member nobody asks: what waits is its own, and it is at work.
            idle=members if members > 1 or reading.min_records > 1 else 0,
        )
        self.standing = PartitionStanding(partitions, topic.counts.first)
        """How each partition stands."""
        if started is not None:
            self.state.members.phase[started:] = k.OFF
        self.pace = GroupPace(topic.created_s.size)
        self.used = np.asarray(self.state.members.phase) != k.OFF
        """[members] whether the place ever had a process."""

    @property
    def counts(self) -> PollCounts:
        """Of members and zombies, so far."""
        every = [self.by_zombies, counts_of(self.state)]
        every += [counts_of(zombie.state) for zombie in self.zombies.values()]
        return PollCounts(*(sum(column) for column in zip(*every, strict=True)))

    @property
    def effects(self) -> U16:
        """[rows] how often each record was processed."""
        return np.asarray(self.state.records.effects)

    @property
    def done_s(self) -> F64:
        """[rows] when each record was first processed, s; inf: not yet."""
        return np.asarray(self.state.records.done_s)

    @property
    def processed(self) -> I64:
        """[partitions] next offset to process."""
        return np.asarray(self.state.offsets.processed)

    @property
    def position(self) -> I64:
        """[partitions] next offset to fetch."""
        return np.asarray(self.state.offsets.position)

    @property
    def committed(self) -> I64:
        """[partitions] next offset to read after a restart; `k.NOWHERE`: there never was one."""
        return np.asarray(self.state.offsets.committed)

    def assigned(self, m: int) -> I64:
        """[partitions] those of member ``m``."""
        members = self.state.members
        return np.asarray(members.assigned)[m, : members.assigned_n[m]]

    @property
    def members(self) -> int:
        """Consumers of the group, alive or not."""
        return len(self.state.members.phase)

    def advance(self, until_s: float) -> Stops:
        """Carry every member to ``until_s``, or to where one of them needs control."""
        if self.laid is not self.topic.log.start:
            self._lay()
        if self.service_s is not None:
            records = self.state.records
            gather(self.topic.rows, self.gathered, self.service_s, records.service_s)
            if not self.topic.grows and self.gathered.sum() == self.topic.records():
                self.service_s = None  # of a hundred million messages, it is 400 MB
        if self.stopped_s < np.inf or until_s < self.now_s:
            return ()  # another stage has stopped before the time that this one has reached
        # Between two control events, each partition's position jumps at most once.
        self.state.jumps.make_room(self.position.size)
        self.poisoned.aim(self.state.offsets.processed)
        state = self.state
        self.pace.advance(state, self.now_s, until_s)
        assert state.wrong == k.FINE, self._complaint(state.wrong)
        assert self.now_s <= state.reached_s <= until_s, (self.now_s, state.reached_s, until_s)
        self.now_s = state.reached_s
        for zombie in self.zombies.values():
            self.poisoned.aim(zombie.state.offsets.processed)
            self.pace.consume(zombie.state, self.now_s)
        if not state.called:
            return ()
        self.stopped_s = self.now_s
        return [(self.stopped_s, self._call)]

    def _lay(self) -> None:
        """Follow the log, whose partitions begin at other rows now."""
        records, old, new = self.state.records, self.laid, self.topic.log.start
        records.move(lambda column, fill: relaid(column, old, new, fill))
        self.state.log = self.topic.rows
        for zombie in self.zombies.values():
            zombie.state.log = self.topic.rows
        self.laid = new

    def _call(self) -> None:
        self.stopped_s = np.inf
        self.after_stop()

    def _complaint(self, what: int) -> str:
        offsets = {
            name: getattr(self, name).tolist() for name in ("committed", "processed", "position")
        }
        own = [self.assigned(m).tolist() for m in range(self.members)]
        end, counts = self.topic.log.end.tolist(), counts_of(self.state)
        return f"{k.COMPLAINTS[what]}: {offsets}, {end=}, {own=}, {counts=}, {self.now_s=}"

    def _comes_to(self, at_s: float) -> None:
        """Whoever acts on the group cannot do so in its past."""
        assert at_s >= self.now_s, (at_s, self.now_s)

    def overdue(self, at_s: float) -> list[int]:
        """Members whose batch has outlasted max.poll.interval.ms."""
        return [m for m in range(self.members) if forecast.deadline_s(self.state, m) <= at_s]

    def lost(self) -> list[int]:
        """Members that auto.offset.reset=none has left without a place to go on from."""
        return self._those(k.LOST)

    def _those(self, phase: int) -> list[int]:
        """Members in a phase."""
        return np.flatnonzero(np.asarray(self.state.members.phase) == phase).tolist()

    # A record on which the handler of a member fails.

    def failed(self) -> list[int]:
        """Members whose handler has just failed."""
        return self._those(k.FAILED)

    def in_progress(self, m: int) -> Place:
        """What the process of member ``m`` works on, or failed on."""
        state, m = self._seat(m)
        members = state.members
        p = members.assigned[m, (members.first[m] + members.at[m]) % members.assigned_n[m]]
        return int(p), int(state.offsets.processed[p])

    def give_back(self, m: int, at_s: float, wait_s: float) -> None:
        """Have member ``m``, which failed, seek back to what it has not processed, and wait.

        The wait is time between two polls (KC-23). What it did process is committed. The partition
        that it failed on comes last at the next poll, so that the others run.
        """
        self._comes_to(at_s)
        members, own = self.state.members, self.assigned(m)
        self.standing.tried(self.state, m, at_s)
        if not (self.reading.before or self.reading.handed or members.cut[m]):
            where.commit(self.state, m, at_s)
        where.finish_samples(self.state, at_s)
        self.follow_jumps()
        self.runs.close(own, self.position[own], self.processed[own])
        self._give_up(own)
        self.position[own] = self.processed[own]
        members.turn[m] = (members.first[m] + members.at[m] + 1) % own.size
        members.fetched[m] = 0
        self.go_on(m, at_s + wait_s)
        members.back_s[m] = at_s + wait_s
        self.standing.note(self.state, m, at_s)

    def pass_over(self, m: int, at_s: float, fate: Fate) -> None:
        """Have member ``m``, which failed, go on without the record."""
        self._comes_to(at_s)
        self.poisoned.passed[self.in_progress(m)] = fate
        kernel.pass_over(self.state, m, at_s)

    def pass_batch_over(self, m: int, at_s: float, fate: Fate) -> None:
        """Have member ``m``, which failed, go on without the record and the rest of its batch.

        Nothing is committed now; what it commits next is beyond them.
        """
        self._comes_to(at_s)
        members, own = self.state.members, self.assigned(m)
        for p in np.roll(own, -members.first[m])[members.at[m] :].tolist():
            for offset in range(int(self.processed[p]), int(self.position[p])):
                self.poisoned.passed[p, offset] = fate
            self._give_up(p)
            self.processed[p] = self.position[p]
        members.at[m] = own.size
        self.go_on(m, at_s)

    def _give_up(self, partitions: I64 | int) -> None:
        """Count what is in hand of ``partitions`` as handed over in vain."""
        in_hand = self.position[partitions] - self.processed[partitions]
        self.state.given_up += int(in_hand.sum())

    # What control gives to members, and takes from them.

    def assign(
        self, partitions_of: Sequence[Sequence[int]], at_s: float, strangers: Collection[int] = ()
    ) -> None:
        """Give each member its partitions; all are read from their committed offsets (KC-11).

        ``strangers``: whose processes are no members; those that wait to be some go on waiting.
        """
        self._comes_to(at_s)
        members = self.state.members
        self.standing.note_all(self.state, at_s)
        members.assigned_n[:] = 0
        for p in range(self.position.size):
            self.standing.becomes(p, NO_OWNER, at_s)
        self._read_anew(np.arange(self.position.size), at_s)
        for m, partitions in enumerate(partitions_of):
            np.asarray(members.assigned)[m, : len(partitions)] = partitions
            members.assigned_n[m] = len(partitions)
            members.turn[m] = members.fetched[m] = 0
            if members.hold[m] == k.JOIN and m not in self.zombies:
                members.hold[m] = 0
            if members.phase[m] == k.HELD and m not in strangers:
                self.go_on(m, at_s)
                self._wind_timer(m, at_s)
            self.standing.note(self.state, m, at_s)
        self._look()

    def follow_jumps(self) -> None:
        """Tell `runs` of the jumps that it does not know of."""
        jumps = self.state.jumps
        for i in range(self.followed, jumps.n):
            here = [jumps.partition[i]]
            self.runs.close(here, np.array([jumps.source[i]]), np.array([jumps.to[i]]))
        self.followed = jumps.n

    def _look(self, at_s: float | None = None) -> None:
        """Have members look where to go on, if a partition of theirs is sought or not in the log.

        ``at_s``: when it became so; those that wait for records ask again then.
        """
        members = self.state.members
        sought = np.asarray(self.state.offsets.sought)
        stray = (sought != k.NOWHERE) | (self.position < self.topic.log.first)
        if not stray.any():
            return
        for m in range(self.members):
            members.astray[m] = stray[self.assigned(m)].any()
            if at_s is not None and members.astray[m] and members.phase[m] == k.POLL:
                members.now_s[m] = max(members.now_s[m], at_s)

    def deleted(self, at_s: float) -> None:
        """Take notice that records were deleted from the log (KB-09)."""
        self._comes_to(at_s)
        self._look(at_s)

    def seek(self, offsets: I64, at_s: float) -> None:
        """Have every partition be read from another offset, from its owner's next poll on.

        The offset is committed then, too: it is the one way in which committed offsets move back.
        ``offsets`` [partitions]; `k.BEGINNING` and `k.END` as they are then.
        """
        self._comes_to(at_s)
        np.asarray(self.state.offsets.sought)[:] = offsets
        self._look(at_s)

    def reassign(self, m: int, partitions: Collection[int], at_s: float) -> None:
        """Let member ``m``, which is held or new, go on with ``partitions``; nobody else may.

        It keeps its place in those it had; the others are read from their committed offsets.
        """
        self._comes_to(at_s)
        members = self.state.members
        self.standing.note(self.state, m, at_s)
        had = self.assigned(m).tolist()
        draining = had[members.turn[m] % len(had)] if had else -1
        has = sorted(partitions)
        members.assigned_n[m] = len(has)
        self.assigned(m)[:] = has
        if draining in has:
            members.turn[m] = has.index(draining)
        else:
            members.turn[m] = members.fetched[m] = 0
        self._read_anew(np.array([p for p in has if p not in had], np.int64), at_s)
        if not had:
            self._wind_timer(m, at_s)
        members.hold[m] = 0
        self.go_on(m, at_s)
        for p in set(had) - set(has):
            self.standing.becomes(p, NO_OWNER, at_s)
        self.standing.note(self.state, m, at_s)
        self._look()

    def _read_anew(self, partitions: I64, at_s: float) -> None:
        """Have ``partitions`` be read from their committed offsets on."""
        where.finish_samples(self.state, at_s)
        self.follow_jumps()
        offsets = self.committed[partitions]
        self.runs.close(partitions, self.position[partitions], offsets)
        self._give_up(partitions)
        self.processed[partitions] = self.position[partitions] = offsets

    def _wind_timer(self, m: int, at_s: float) -> None:
        members = self.state.members
        members.next_commit_s[m] = at_s + max(self.reading.auto_commit_s, 0.0)
        if self.reading.background:
            members.next_commit_s[m] = max(members.next_commit_s[m], members.resume_s[m])

    def go_on(self, m: int, at_s: float) -> None:
        """Have member ``m`` poll, with nothing in hand."""
        members = self.state.members
        members.phase[m] = k.POLL
        members.now_s[m] = max(at_s, members.resume_s[m])

    def hold(self, m: int, at_s: float, leave: bool = False) -> None:
        """Have member ``m`` wait for control at its next poll: now, if it is waiting in one.

        One that is cut off does not learn of it, except of its own wish to ``leave``.
        """
        self._comes_to(at_s)
        members = self.state.members
        if members.phase[m] == k.OFF:
            return
        self.standing.note(self.state, m, at_s)
        members.hold[m] = k.LEAVE if leave else max(members.hold[m], k.JOIN)
        if members.phase[m] == k.POLL:
            members.now_s[m] = max(members.now_s[m], at_s)
            if members.now_s[m] <= at_s and (members.hold[m] == k.LEAVE or not members.cut[m]):
                commits = self.reading.auto_commit_s >= 0.0 and not members.cut[m]
                if commits and (not members.awaits[m] or members.hold[m] == k.LEAVE):
                    where.commit(self.state, m, at_s)
                members.phase[m] = k.HELD
                self.standing.note(self.state, m, at_s)

    def await_assignment(self, m: int, at_s: float) -> None:
        """Member ``m`` joins and works on: Java commits now, then not until `answer` (KC-22)."""
        members = self.state.members
        by_poll = self.reading.auto_commit_s >= 0.0 and not self.reading.background
        if by_poll and not members.awaits[m]:
            members.awaits[m] = 1
            if not members.cut[m]:
                where.commit(self.state, m, at_s)

    def answer(self, m: int, at_s: float) -> None:
        """The rebalance that member ``m`` has joined is over: automatic commits go on."""
        if self.state.members.awaits[m]:
            self.state.members.awaits[m] = 0
            self._wind_timer(m, at_s)

    def held(self, m: int) -> bool:
        """Whether member ``m`` waits for control."""
        return bool(self.state.members.phase[m] == k.HELD)

    def free_s(self, m: int) -> float:
        """When member ``m`` will next poll, if nothing changes, s; inf: it cannot be known yet."""
        state, at = self._seat(m)
        members = state.members
        zombie = self.zombies.get(m)
        waits = members.phase[at] == k.POLL
        if zombie is not None:
            self.poisoned.aim(state.offsets.processed)
            waits = not zombie.fails()
        if waits and members.cut[at] and members.hold[at] != k.LEAVE:
            return np.inf
        end_s = forecast.batch_end_s(state, at, zombie is not None)
        return float(max(end_s, members.resume_s[at]))

    def alive(self, m: int) -> bool:
        """Whether the process of member ``m`` runs (paused counts)."""
        return bool(self.state.members.phase[m] != k.OFF)

    def working(self, m: int) -> bool:
        """Whether member ``m`` is at work on a record."""
        state, m = self._seat(m)
        members = state.members
        return bool(members.phase[m] == k.WORK and members.resume_s[m] <= self.now_s)

    def join(self, m: int, at_s: float) -> None:
        """Have the process of member ``m`` wait for partitions."""
        self._comes_to(at_s)
        members = self.state.members
        self.standing.taken(self.state, m, at_s)
        self._bury(m)
        members.phase[m] = k.HELD
        members.now_s[m] = at_s
        members.assigned_n[m] = members.hold[m] = members.awaits[m] = 0
        members.back_s[m] = -np.inf

    # What happens to a member's process.

    def start(self, m: int, at_s: float) -> None:
        """A new process takes the place of member ``m`` and waits for partitions."""
        self.join(m, at_s)
        self.used[m] = True
        self.state.members.factor[m] = 1.0
        self.state.members.resume_s[m] = -np.inf

    def crash(self, m: int, at_s: float) -> None:
        """SIGKILL: nothing more is processed or committed; a commit under way is lost."""
        self._comes_to(at_s)
        self.standing.taken(self.state, m, at_s)
        self._bury(m)
        self.state.members.phase[m] = k.OFF
        self.state.members.hold[m] = 0
        self.state.members.assigned_n[m] = 0

    def pause(self, m: int, at_s: float, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        self._comes_to(at_s)
        self.standing.note(self.state, m, at_s)
        place, (state, m) = m, self._seat(m)
        members = state.members
        resume = max(members.resume_s[m], at_s + for_s)
        shift = resume - max(at_s, members.resume_s[m])
        members.resume_s[m] = resume
        if members.phase[m] == k.WORK:
            self.state.records.keep_slowed()
            members.end_s[m] += shift
            members.slowed_s[m] += shift
        elif members.phase[m] == k.POLL:
            members.now_s[m] = max(members.now_s[m], resume)
        if self.reading.background:
            members.next_commit_s[m] = max(members.next_commit_s[m], resume)
        self.standing.note(self.state, place, at_s)

    def slow(self, m: int, at_s: float, factor: float) -> None:
        """Make member ``m`` take ``factor`` times its service times, from now on."""
        self._comes_to(at_s)
        state, m = self._seat(m)
        members = state.members
        if factor != 1.0 or members.factor[m] != 1.0:
            self.state.records.keep_slowed()
        if members.phase[m] == k.WORK:
            running_from = max(at_s, members.resume_s[m])
            end_s = running_from + (members.end_s[m] - running_from) * (factor / members.factor[m])
            members.slowed_s[m] += end_s - members.end_s[m]
            members.end_s[m] = end_s
        members.factor[m] = factor

    def cut_off(self, m: int) -> None:
        """Take the connection to the brokers from member ``m``."""
        self.standing.note(self.state, m, self.now_s)
        self.state.members.cut[m] = 1
        self.standing.note(self.state, m, self.now_s)

    def reconnect(self, m: int, at_s: float) -> None:
        """Give it back; a request that was waiting is sent again."""
        self._comes_to(at_s)
        self.standing.note(self.state, m, at_s)
        place, (state, m) = m, self._seat(m)
        members = state.members
        members.cut[m] = 0
        if members.phase[m] in (k.POLL, k.COMMIT):
            members.now_s[m] = max(members.now_s[m], at_s, members.resume_s[m])
        if self.reading.background:
            members.next_commit_s[m] = max(members.next_commit_s[m], at_s)
        self.standing.note(self.state, place, at_s)

    # A process whose partitions are others'.

    def expel(self, m: int, at_s: float) -> None:
        """Take member ``m``'s partitions; it goes on with what it has in hand (KC-15).

        Its commits are refused from now on. A program that waits for each record's commit thus
        stops after the record in progress.
        """
        self._comes_to(at_s)
        self.standing.taken(self.state, m, at_s)
        members = self.state.members
        self.zombies[m] = Zombie(self.state, m, self.reading, at_s)
        members.phase[m] = k.ZOMBIE
        members.assigned_n[m] = members.fetched[m] = members.awaits[m] = 0
        members.back_s[m] = -np.inf

    def _bury(self, m: int) -> None:
        """The process of member ``m``, if it was a zombie, is none any more."""
        zombie = self.zombies.pop(m, None)
        if zombie is not None:
            self._take_down(zombie)
            sums = zip(self.by_zombies, counts_of(zombie.state), strict=True)
            self.by_zombies = PollCounts(*map(sum, sums))

    def _take_down(self, zombie: Zombie) -> None:
        for p, low, high in zombie.taken():
            self.runs.add(p, low, high)

    @property
    def haunted(self) -> bool:
        """Whether a zombie has work in hand, which would still take effect."""
        return any(zombie.works for zombie in self.zombies.values())

    def failed_as_zombie(self, m: int) -> Place | None:
        """The record on which the handler of member ``m`` failed after it was put out."""
        return self.in_progress(m) if self.zombies[m].failed else None

    def _seat(self, m: int) -> tuple[GroupState, int]:
        """The state in which the process of member ``m`` works, and its place there."""
        zombie = self.zombies.get(m)
        return (self.state, m) if zombie is None else (zombie.state, 0)

    def settled(self) -> int:
        """Records before the committed offsets, or skipped and nothing handed over since."""
        jumps = self.state.jumps
        skipped = np.zeros_like(self.committed)
        skipped[np.asarray(jumps.partition)[: jumps.n]] = np.asarray(jumps.to)[: jumps.n]
        # Offsets that a program commits before it processes are ahead of what it has done.
        at_least = np.minimum(self.committed, self.processed)
        done = np.where(self.position == skipped, skipped, at_least)
        return int(np.maximum(done, 0).sum()) - self.haunted

    def finish(self, until_s: float) -> None:
        """Complete the samples; call once, at the end.

        Raises:
            AssertionError: the effects are not those that were counted.
        """
        where.finish_samples(self.state, until_s)
        self.follow_jumps()
        self.runs.close(np.arange(self.position.size), self.position, self.position)
        for zombie in self.zombies.values():
            self._take_down(zombie)
        done, repeats = self.counts.processed, self.state.records.repeats
        once = np.count_nonzero(self.effects) + int(self.topic.gone.sum())
        once += sum(np.count_nonzero(gone.effects) for gone in self.truncated)
        assert once == done - repeats, (once, done, repeats)
