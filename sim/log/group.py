"""A consumer group reading a topic: its members' poll loops, and what can happen to a member."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from sim.engine.environment import Stops
from sim.engine.outcome import Fate
from sim.foundation.arrays import F32, F64, I64, Bools
from sim.injection.poison import Poison
from sim.log import group_forecast_kernel as forecast
from sim.log import group_kernel as kernel
from sim.log import group_state as k
from sim.log.handed_out import Runs, Truncated
from sim.log.poisoned import Place, Poisoned
from sim.log.topic import Topic, relaid
from sim.log.topic_kernel import gather
from sim.log.zombie import Zombie

_COMPLAINTS = {
    k.TWO_OWNERS: "a partition has two owners",
    k.BEYOND_THE_LOG: "a position is beyond the log",
    k.UNREAD: "what was not handed over is processed",
    k.UNDONE: "what was not processed is committed",
    k.UNCOMMITTED: "a committed offset has gone back",
    k.UNBALANCED: "records were lost or made between poll and effect",
}


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
            committed: whether the group has committed offset 0 before; if not, it begins where
                auto.offset.reset says (KB-10).
            started: how many of the members run from the beginning; None: all.
            poison: messages on which the handler fails.
        """
        partitions = topic.log.end.size
        n = topic.log.message.size
        self.topic = topic
        self.laid = topic.log.start
        """[partitions + 1] first row of each partition, in the columns of `state`."""
        self.service_s: F32 | None = service_s
        self.reading = reading
        self.gathered = np.zeros(partitions, np.int64)
        begins = np.full(partitions, 0 if committed else k.NOWHERE, np.int64)
        self.runs = Runs(begins)
        self.followed = 0
        """Jumps of positions that `runs` knows of."""
        self.poisoned = Poisoned(topic, poison)
        self.zombies: dict[int, Zombie] = {}
        self.by_zombies = np.zeros(4, np.int64)
        """[POLLS...] of those that are none any more."""
        self.truncated: list[Truncated] = []
        """What it did with records that the log has lost since (KB-07)."""
        self.now_s = 0.0
        """To where the stage is advanced: what it is asked, it answers for this time."""
        self.stopped_s = np.inf
        """Where the stage waits for control; inf: nowhere."""
        self.after_stop: Callable[[], None] = lambda: None
        """Called when control is needed: for members that are `overdue` or `failed`."""
        self.state = k.GroupState(
            phase=np.full(members, k.POLL, np.int64),
            hold=np.zeros(members, np.int64),
            now_s=np.zeros(members),
            end_s=np.zeros(members),
            extra_s=np.zeros(members),
            polled_s=np.zeros(members),
            factor=np.ones(members),
            resume_s=np.full(members, -np.inf),
            cut=np.zeros(members, np.int64),
            next_commit_s=np.full(members, max(reading.auto_commit_s, 0.0)),
            turn=np.zeros(members, np.int64),
            fetched=np.zeros(members, np.int64),
            first=np.zeros(members, np.int64),
            at=np.zeros(members, np.int64),
            assigned=np.zeros((members, partitions), np.int64),
            assigned_n=np.zeros(members, np.int64),
            processed=begins.copy(),
            position=begins.copy(),
            committed=begins.copy(),
            commit_s=np.full(partitions, -np.inf),
            checked=begins.copy(),
            scan=np.zeros(partitions, np.int64),
            awaits=np.zeros(members, np.int64),
            back_s=np.full(members, -np.inf),
            astray=np.zeros(members, np.int64),
            sought=np.full(partitions, k.NOWHERE, np.int64),
            service_s=np.zeros(n, np.float32),
            effects=np.zeros(n, np.uint16),
            done_s=np.full(n, np.inf),
            grid_s=grid_s,
            grid_committed=np.zeros((grid_s.size, partitions), np.int64),
            grid_position=np.zeros((grid_s.size, partitions), np.int64),
            grid_commit_s=np.zeros((grid_s.size, partitions)),
            grid_next=np.zeros((3, partitions), np.int64),
            counts=np.zeros(4, np.int64),
            repeats=np.zeros(1, np.int64),
            again_message=np.zeros(keep_repeats, np.int32),
            again_s=np.zeros(keep_repeats),
            jumps=np.zeros((partitions, 5), np.int64),
            jump_s=np.zeros(partitions),
            jumped=np.zeros(1, np.int64),
        )
        if started is not None:
            self.state.phase[started:] = k.OFF
        self.used = self.state.phase != k.OFF
        """[members] whether the place ever had a process."""

    @property
    def counts(self) -> I64:
        """[POLLS...] of members and zombies, so far."""
        zombies = [zombie.counts for zombie in self.zombies.values()]
        total: I64 = sum(zombies, self.state.counts + self.by_zombies)
        return total

    @property
    def members(self) -> int:
        """Consumers of the group, alive or not."""
        return self.state.phase.size

    def advance(self, until_s: float) -> Stops:
        """Carry every member to ``until_s``, or to where one of them needs control."""
        if self.laid is not self.topic.log.start:
            self._lay()
        if self.service_s is not None:
            gather(self.topic.log, self.gathered, self.service_s, self.state.service_s)
            if not self.topic.grows and self.gathered.sum() == self.topic.log.message.size:
                self.service_s = None  # of a hundred million messages, it is 400 MB
        if self.stopped_s < np.inf or until_s < self.now_s:
            return ()  # another stage has stopped before the time that this one has reached
        self._make_room()
        log, poison = self.topic.log, self.poisoned.aim(self.state.processed)
        reached_s, called, wrong = kernel.advance(
            self.now_s, until_s, log, self.state, poison, self.reading
        )
        assert wrong == k.FINE, self._complaint(wrong)
        assert self.now_s <= reached_s <= until_s, (self.now_s, reached_s, until_s)
        self.now_s = float(reached_s)
        for zombie in self.zombies.values():
            poison = self.poisoned.aim(zombie.processed)
            kernel.consume(self.now_s, log, zombie.state(self.state), poison, zombie.reading)
        if not called:
            return ()
        self.stopped_s = self.now_s
        return [(self.stopped_s, self._call)]

    def _lay(self) -> None:
        """Follow the log, whose partitions begin at other rows now."""
        s, old, new = self.state, self.laid, self.topic.log.start
        self.state = s._replace(
            service_s=relaid(s.service_s, old, new, 0.0),
            effects=relaid(s.effects, old, new, 0),
            done_s=relaid(s.done_s, old, new, np.inf),
        )
        self.laid = new

    def _call(self) -> None:
        self.stopped_s = np.inf
        self.after_stop()

    def _complaint(self, what: int) -> str:
        s = self.state
        offsets = {
            name: getattr(s, name).tolist() for name in ("committed", "processed", "position")
        }
        own = [s.assigned[m, : s.assigned_n[m]].tolist() for m in range(self.members)]
        end = self.topic.log.end.tolist()
        return f"{_COMPLAINTS[what]}: {offsets}, {end=}, {own=}, {s.counts=}, {self.now_s=}"

    def _comes_to(self, at_s: float) -> None:
        """Whoever acts on the group cannot do so in its past."""
        assert at_s >= self.now_s, (at_s, self.now_s)

    def overdue(self, at_s: float) -> list[int]:
        """Members whose batch has outlasted max.poll.interval.ms."""
        s = self.state
        return [m for m in range(self.members) if forecast.overdue(at_s, s, self.reading, m)]

    def lost(self) -> list[int]:
        """Members that auto.offset.reset=none has left without a place to go on from."""
        return np.flatnonzero(self.state.phase == k.LOST).tolist()

    # A record on which the handler of a member fails.

    def failed(self) -> list[int]:
        """Members whose handler has just failed."""
        return np.flatnonzero(self.state.phase == k.FAILED).tolist()

    def in_progress(self, m: int) -> Place:
        """What the process of member ``m`` works on, or failed on."""
        s, m = self._seat(m)
        p = s.assigned[m, (s.first[m] + s.at[m]) % s.assigned_n[m]]
        return int(p), int(s.processed[p])

    def give_back(self, m: int, at_s: float, wait_s: float) -> None:
        """Have member ``m``, which failed, seek back to what it has not processed, and wait.

        The wait is time between two polls (KC-23). What it did process is committed. The partition
        that it failed on comes last at the next poll, so that the others run.
        """
        self._comes_to(at_s)
        s = self.state
        n = int(s.assigned_n[m])
        own = s.assigned[m, :n].copy()
        if not (self.reading.before or self.reading.handed or s.cut[m]):
            kernel.commit(s, self.reading, m, at_s)
        kernel.finish_samples(s, at_s)
        self.follow_jumps()
        self.runs.close(own, s.position[own], s.processed[own])
        self._give_up(own)
        s.position[own] = s.processed[own]
        s.turn[m] = (s.first[m] + s.at[m] + 1) % n
        s.fetched[m] = 0
        self.go_on(m, at_s + wait_s)
        s.back_s[m] = at_s + wait_s

    def pass_over(self, m: int, at_s: float, fate: Fate) -> None:
        """Have member ``m``, which failed, go on without the record."""
        self._comes_to(at_s)
        self.poisoned.passed[self.in_progress(m)] = fate
        kernel.pass_over(at_s, self.topic.log, self.state, self.reading, m)

    def pass_batch_over(self, m: int, at_s: float, fate: Fate) -> None:
        """Have member ``m``, which failed, go on without the record and the rest of its batch.

        Nothing is committed now; what it commits next is beyond them.
        """
        self._comes_to(at_s)
        s = self.state
        n = int(s.assigned_n[m])
        for a in range(int(s.at[m]), n):
            p = s.assigned[m, (s.first[m] + a) % n]
            for offset in range(int(s.processed[p]), int(s.position[p])):
                self.poisoned.passed[int(p), offset] = fate
            self._give_up(p)
            s.processed[p] = s.position[p]
        s.at[m] = n
        self.go_on(m, at_s)

    def _give_up(self, partitions: I64) -> None:
        """Count what is in hand of ``partitions`` as handed over in vain."""
        s = self.state
        s.counts[k.GIVEN_UP] += (s.position[partitions] - s.processed[partitions]).sum()

    # What control gives to members, and takes from them.

    def assign(
        self, partitions_of: Sequence[Sequence[int]], at_s: float, strangers: Collection[int] = ()
    ) -> None:
        """Give each member its partitions; all are read from their committed offsets (KC-11).

        ``strangers``: whose processes are no members; those that wait to be some go on waiting.
        """
        self._comes_to(at_s)
        s = self.state
        s.assigned_n[:] = 0
        self._read_anew(np.arange(s.position.size), at_s)
        for m, partitions in enumerate(partitions_of):
            s.assigned[m, : len(partitions)] = partitions
            s.assigned_n[m] = len(partitions)
            s.turn[m] = s.fetched[m] = 0
            if s.hold[m] == k.JOIN and m not in self.zombies:
                s.hold[m] = 0
            if s.phase[m] == k.HELD and m not in strangers:
                self.go_on(m, at_s)
                self._wind_timer(m, at_s)
        self._look()

    def follow_jumps(self) -> None:
        """Tell `runs` of the jumps that it does not know of."""
        s = self.state
        for jump in s.jumps[self.followed : s.jumped[0]]:
            self.runs.close(jump[[k.PARTITION]], jump[k.FROM], jump[k.TO])
        self.followed = int(s.jumped[0])

    def _make_room(self) -> None:
        """Between two control events, each partition's position jumps at most once."""
        s = self.state
        room, needed = s.jump_s.size, int(s.jumped[0]) + s.position.size
        if needed > room:
            jumps, jump_s = np.zeros((2 * needed, s.jumps.shape[1]), np.int64), np.zeros(2 * needed)
            jumps[:room], jump_s[:room] = s.jumps, s.jump_s
            self.state = s._replace(jumps=jumps, jump_s=jump_s)

    def _look(self, at_s: float | None = None) -> None:
        """Have members look where to go on, if a partition of theirs is sought or not in the log.

        ``at_s``: when it became so; those that wait for records ask again then.
        """
        s = self.state
        stray = (s.sought != k.NOWHERE) | (s.position < self.topic.log.first)
        if not stray.any():
            return
        for m in range(self.members):
            s.astray[m] = stray[s.assigned[m, : s.assigned_n[m]]].any()
            if at_s is not None and s.astray[m] and s.phase[m] == k.POLL:
                s.now_s[m] = max(s.now_s[m], at_s)

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
        self.state.sought[:] = offsets
        self._look(at_s)

    def reassign(self, m: int, partitions: Collection[int], at_s: float) -> None:
        """Let member ``m``, which is held or new, go on with ``partitions``; nobody else may.

        It keeps its place in those it had; the others are read from their committed offsets.
        """
        self._comes_to(at_s)
        s = self.state
        had = s.assigned[m, : s.assigned_n[m]].tolist()
        draining = had[s.turn[m] % len(had)] if had else -1
        has = sorted(partitions)
        s.assigned[m, : len(has)] = has
        s.assigned_n[m] = len(has)
        if draining in has:
            s.turn[m] = has.index(draining)
        else:
            s.turn[m] = s.fetched[m] = 0
        self._read_anew(np.array([p for p in has if p not in had], np.int64), at_s)
        if not had:
            self._wind_timer(m, at_s)
        s.hold[m] = 0
        self.go_on(m, at_s)
        self._look()

    def _read_anew(self, partitions: I64, at_s: float) -> None:
        """Have ``partitions`` be read from their committed offsets on."""
        s = self.state
        kernel.finish_samples(s, at_s)
        self.follow_jumps()
        offsets = s.committed[partitions]
        self.runs.close(partitions, s.position[partitions], offsets)
        self._give_up(partitions)
        s.processed[partitions] = s.position[partitions] = offsets

    def _wind_timer(self, m: int, at_s: float) -> None:
        s = self.state
        s.next_commit_s[m] = at_s + max(self.reading.auto_commit_s, 0.0)
        if self.reading.background:
            s.next_commit_s[m] = max(s.next_commit_s[m], s.resume_s[m])

    def go_on(self, m: int, at_s: float) -> None:
        """Have member ``m`` poll, with nothing in hand."""
        s = self.state
        s.phase[m] = k.POLL
        s.now_s[m] = max(at_s, s.resume_s[m])

    def hold(self, m: int, at_s: float, leave: bool = False) -> None:
        """Have member ``m`` wait for control at its next poll: now, if it is waiting in one.

        One that is cut off does not learn of it, except of its own wish to ``leave``.
        """
        self._comes_to(at_s)
        s = self.state
        if s.phase[m] == k.OFF:
            return
        s.hold[m] = k.LEAVE if leave else max(s.hold[m], k.JOIN)
        if s.phase[m] == k.POLL:
            s.now_s[m] = max(s.now_s[m], at_s)
            if s.now_s[m] <= at_s and (s.hold[m] == k.LEAVE or not s.cut[m]):
                commits = self.reading.auto_commit_s >= 0.0 and not s.cut[m]
                if commits and (not s.awaits[m] or s.hold[m] == k.LEAVE):
                    kernel.commit(s, self.reading, m, at_s)
                s.phase[m] = k.HELD

    def await_assignment(self, m: int, at_s: float) -> None:
        """Member ``m`` joins and works on: Java commits now, then not until `answer` (KC-22)."""
        s = self.state
        by_poll = self.reading.auto_commit_s >= 0.0 and not self.reading.background
        if by_poll and not s.awaits[m]:
            s.awaits[m] = 1
            if not s.cut[m]:
                kernel.commit(s, self.reading, m, at_s)

    def answer(self, m: int, at_s: float) -> None:
        """The rebalance that member ``m`` has joined is over: automatic commits go on."""
        if self.state.awaits[m]:
            self.state.awaits[m] = 0
            self._wind_timer(m, at_s)

    def held(self, m: int) -> bool:
        """Whether member ``m`` waits for control."""
        return bool(self.state.phase[m] == k.HELD)

    def free_s(self, m: int) -> float:
        """When member ``m`` will next poll, if nothing changes, s; inf: it cannot be known yet."""
        s, at = self._seat(m)
        zombie, reading, poison = self.zombies.get(m), self.reading, None
        waits = s.phase[at] == k.POLL
        if zombie is not None:
            reading, poison = zombie.reading, self.poisoned.aim(zombie.processed)
            waits = not zombie.fails(poison)
        if waits and s.cut[at] and s.hold[at] != k.LEAVE:
            return np.inf
        end_s = forecast.free_s(self.topic.log, s, poison, reading, at)
        return float(max(end_s, s.resume_s[at]))

    def alive(self, m: int) -> bool:
        """Whether the process of member ``m`` runs (paused counts)."""
        return bool(self.state.phase[m] != k.OFF)

    def backlog(self) -> int:
        """Records in the log and not committed."""
        return int((self.topic.readable(self.now_s) - np.maximum(self.state.committed, 0)).sum())

    def age_s(self) -> float:
        """Time since the oldest of these could be read, s; 0 if there is none."""
        log = self.topic.log
        committed = np.maximum(self.state.committed, log.first)
        waits = np.flatnonzero(self.topic.readable(self.now_s) > committed)
        oldest_s = log.visible_s[log.start[waits] + committed[waits]].min(initial=self.now_s)
        return float(self.now_s - oldest_s)

    def orphans(self) -> Bools:
        """[partitions] those that no running, connected member reads, or only one that is held."""
        s = self.state
        reads = (s.phase != k.OFF) & (s.phase != k.HELD) & (s.resume_s <= self.now_s) & (s.cut == 0)
        if s.assigned_n[reads].sum() == s.position.size:  # each has one owner, and no more
            return np.zeros(s.position.size, np.bool_)
        out = np.ones(s.position.size, np.bool_)
        for m in np.flatnonzero(reads):
            out[s.assigned[m, : s.assigned_n[m]]] = False
        return out

    def busy(self) -> int:
        """Members that are at work on a record."""
        return sum(self.working(m) for m in range(self.members))

    def working(self, m: int) -> bool:
        """Whether member ``m`` is at work on a record."""
        s, m = self._seat(m)
        return bool(s.phase[m] == k.WORK and s.resume_s[m] <= self.now_s)

    def join(self, m: int, at_s: float) -> None:
        """Have the process of member ``m`` wait for partitions."""
        self._comes_to(at_s)
        s = self.state
        self._bury(m)
        s.phase[m] = k.HELD
        s.now_s[m] = at_s
        s.assigned_n[m] = s.hold[m] = s.awaits[m] = 0
        s.back_s[m] = -np.inf

    # What happens to a member's process.

    def start(self, m: int, at_s: float) -> None:
        """A new process takes the place of member ``m`` and waits for partitions."""
        self.join(m, at_s)
        self.used[m] = True
        self.state.factor[m] = 1.0
        self.state.resume_s[m] = -np.inf

    def crash(self, m: int, at_s: float) -> None:
        """SIGKILL: nothing more is processed or committed; a commit under way is lost."""
        self._comes_to(at_s)
        self._bury(m)
        self.state.phase[m] = k.OFF
        self.state.hold[m] = 0
        self.state.assigned_n[m] = 0

    def pause(self, m: int, at_s: float, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        self._comes_to(at_s)
        s, m = self._seat(m)
        resume = max(s.resume_s[m], at_s + for_s)
        shift = resume - max(at_s, s.resume_s[m])
        s.resume_s[m] = resume
        if s.phase[m] == k.WORK:
            s.end_s[m] += shift
        elif s.phase[m] == k.POLL:
            s.now_s[m] = max(s.now_s[m], resume)
        if self.reading.background:
            s.next_commit_s[m] = max(s.next_commit_s[m], resume)

    def slow(self, m: int, at_s: float, factor: float) -> None:
        """Make member ``m`` take ``factor`` times its service times, from now on."""
        self._comes_to(at_s)
        s, m = self._seat(m)
        if s.phase[m] == k.WORK:
            running_from = max(at_s, s.resume_s[m])
            s.end_s[m] = running_from + (s.end_s[m] - running_from) * (factor / s.factor[m])
        s.factor[m] = factor

    def cut_off(self, m: int) -> None:
        """Take the connection to the brokers from member ``m``."""
        self.state.cut[m] = 1

    def reconnect(self, m: int, at_s: float) -> None:
        """Give it back; a request that was waiting is sent again."""
        self._comes_to(at_s)
        s, m = self._seat(m)
        s.cut[m] = 0
        if s.phase[m] in (k.POLL, k.COMMIT):
            s.now_s[m] = max(s.now_s[m], at_s, s.resume_s[m])
        if self.reading.background:
            s.next_commit_s[m] = max(s.next_commit_s[m], at_s)

    # A process whose partitions are others'.

    def expel(self, m: int, at_s: float) -> None:
        """Take member ``m``'s partitions; it goes on with what it has in hand (KC-15).

        Its commits are refused from now on. A program that waits for each record's commit thus
        stops after the record in progress.
        """
        self._comes_to(at_s)
        s = self.state
        self.zombies[m] = Zombie(s, m, self.reading, at_s)
        s.phase[m] = k.ZOMBIE
        s.assigned_n[m] = s.fetched[m] = s.awaits[m] = 0
        s.back_s[m] = -np.inf

    def _bury(self, m: int) -> None:
        """The process of member ``m``, if it was a zombie, is none any more."""
        zombie = self.zombies.pop(m, None)
        if zombie is not None:
            self._take_down(zombie)
            self.by_zombies += zombie.counts

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

    def _seat(self, m: int) -> tuple[k.GroupState, int]:
        """The state in which the process of member ``m`` works, and its place there."""
        zombie = self.zombies.get(m)
        return (self.state, m) if zombie is None else (zombie.state(self.state), 0)

    def settled(self) -> int:
        """Records before the committed offsets, or skipped and nothing handed over since."""
        s = self.state
        jumps = s.jumps[: s.jumped[0]]
        skipped = np.zeros_like(s.committed)
        skipped[jumps[:, k.PARTITION]] = jumps[:, k.TO]
        # Offsets that a program commits before it processes are ahead of what it has done.
        done = np.where(s.position == skipped, skipped, np.minimum(s.committed, s.processed))
        return int(np.maximum(done, 0).sum()) - self.haunted

    def finish(self, until_s: float) -> None:
        """Complete the samples; call once, at the end.

        Raises:
            AssertionError: the effects are not those that were counted.
        """
        s = self.state
        kernel.finish_samples(s, until_s)
        self.follow_jumps()
        self.runs.close(np.arange(s.position.size), s.position, s.position)
        for zombie in self.zombies.values():
            self._take_down(zombie)
        done, repeats = int(self.counts[k.PROCESSED]), int(s.repeats[0])
        once = np.count_nonzero(s.effects) + sum(
            np.count_nonzero(gone.effects) for gone in self.truncated
        )
        assert once == done - repeats, (once, done, repeats)
