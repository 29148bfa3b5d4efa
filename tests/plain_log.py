"""A partitioned log and a consumer group, message by message in plain SimPy.

It shares no code with ``sim`` and is written for reading: a timer for every batch and every fetch,
a process for every consumer. What a consumer can fetch is what became readable ``fetch_s`` ago; a
paused consumer begins its fetch again when it goes on. Only who is to have which partitions is
given from outside, as a function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import simpy
from plain_machine import Machine, Steps

NEVER = float("inf")
Assign = Callable[[int, Sequence[Sequence[int]]], list[list[int]]]


def by_range(partitions: int, had: Sequence[Sequence[int]]) -> list[list[int]]:
    """The first of P mod C members get one partition more."""
    n = len(had)
    sizes = [partitions // n + (rank < partitions % n) for rank in range(n)]
    return [list(range(sum(sizes[:r]), sum(sizes[: r + 1]))) for r in range(n)]


@dataclass(frozen=True)
class Settings:
    """Of producer, topic, consumers and coordinator; times in s."""

    partitions: int = 1
    linger_s: float = 0.0
    batch_bytes: int = 16_384
    ack_s: float = 0.0
    members: int = 1
    max_poll_records: int = 500
    chunk_records: int = 1_000
    min_records: int = 1
    max_wait_s: float = 0.5
    fetch_s: float = 0.0
    per_batch_s: float = 0.0
    auto_commit_s: float = 5.0  # < 0: the program commits
    background: bool = False  # the timer runs beside the processing
    handed: bool = False  # commits what was handed out, not what was processed
    before: bool = False  # the program commits before it processes
    per_record: bool = False  # and each record, not each batch
    wait: bool = True  # and waits for the answer
    commit_s: float = 0.0
    session_s: float = 45.0
    rebalance_s: float = 3.0
    max_poll_s: float = NEVER
    initial_delay_s: float = 0.0
    static: bool = False
    protocol: str = "eager"
    heartbeat_s: float = 5.0
    assign: Assign = by_range


@dataclass
class Batch:
    """Records of one partition on their way from the client to the log."""

    partition: int
    records: list[int] = field(default_factory=list)
    size_bytes: int = 0
    sent: bool = False


class Member:
    """One consumer process."""

    def __init__(self, env: simpy.Environment, place: int) -> None:
        self.machine = Machine(env)
        self.place = place
        self.partitions: list[int] = []
        self.turn = 0
        self.left_of_chunk = 0
        self.buffer: list[tuple[int, int]] = []  # of a zombie: what it had fetched
        self.next_commit_s = 0.0
        self.current: tuple[int, int] | None = None
        self.polls = 0
        self.busy = False
        self.is_in = True  # a member, as the coordinator sees it
        self.joined = False  # has joined the rebalance, and waits for its partitions
        self.cut = False
        self.closing = False
        self.silent_s = NEVER
        self.ended = False


@dataclass(eq=False)
class Ghost:
    """A member whose process is gone, or has gone silent."""

    place: int
    partitions: list[int]


class PlainLog:
    """Producer, topic, one group with its coordinator, and the faults of a consumer."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        created_s: Sequence[float],
        partition_of: Sequence[int],
        size_bytes: Sequence[int],
        work_s: Sequence[float],
    ) -> None:
        s = settings
        self.env = env
        self.settings = s
        self.work_s = [float(work) for work in work_s]
        self.open: dict[int, Batch] = {}
        self.log: list[list[int]] = [[] for _ in range(s.partitions)]
        self.changed = env.event()  # something readable, or a rebalance has begun or ended
        self.processed = [0] * s.partitions
        self.position = [0] * s.partitions
        self.committed = [0] * s.partitions
        self.done_s = [NEVER] * len(work_s)
        self.effects = [0] * len(work_s)
        self.rebalancing = False
        self.stale = False
        self.empty = False
        self.newcomer = False
        self.ghosts: list[Ghost] = []
        self.rebalances = 0
        self.happened: set[str] = set()
        env.process(self._produce(created_s, partition_of, size_bytes))
        self.members = [Member(env, m) for m in range(s.members)]
        self.cut = [False] * s.members
        self.processes = [self._start(member) for member in self.members]
        self._assign()

    def _change(self) -> None:
        self.changed.succeed()
        self.changed = self.env.event()

    def _start(self, me: Member) -> simpy.Process:
        if self.settings.background:
            self.env.process(self._timer(me))
        return self.env.process(self._consume(me))

    # The producer.

    def _produce(
        self, created_s: Sequence[float], partition_of: Sequence[int], size_bytes: Sequence[int]
    ) -> Steps:
        for record, at_s in enumerate(created_s):
            yield self.env.timeout(at_s - self.env.now)
            partition, size = int(partition_of[record]), int(size_bytes[record])
            batch = self.open.get(partition)
            if batch and batch.size_bytes + size > self.settings.batch_bytes:
                self._send(batch)
            if partition not in self.open:
                self.open[partition] = Batch(partition)
                self.env.process(self._linger(self.open[partition]))
            batch = self.open[partition]
            batch.records.append(record)
            batch.size_bytes += size
            if batch.size_bytes >= self.settings.batch_bytes:
                self._send(batch)

    def _linger(self, batch: Batch) -> Steps:
        yield self.env.timeout(self.settings.linger_s)
        if not batch.sent:
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        batch.sent = True
        del self.open[batch.partition]
        self.env.process(self._append(batch))

    def _append(self, batch: Batch) -> Steps:
        yield self.env.timeout(self.settings.ack_s)
        yield self.env.timeout(self.settings.fetch_s)
        self.log[batch.partition] += batch.records
        self._change()

    # A consumer.

    def _consume(self, me: Member) -> Steps:
        try:
            while True:
                me.busy = False
                yield from me.machine.running()
                if me.closing:
                    self._close(me)
                    return
                if not me.is_in and not me.cut:
                    self._enter(me)
                if me.joined or (self.rebalancing and not me.cut):
                    yield from self._join(me)
                    continue
                polled = yield from self._poll(me)
                if polled:
                    me.busy = True
                    me.polls += 1
                    self.env.process(self._deadline(me, me.polls))
                    yield from self._process(me, polled)
        except simpy.Interrupt:
            self._end(me)

    def _process(self, me: Member, polled: list[tuple[int, int]]) -> Steps:
        s = self.settings
        program = s.auto_commit_s < 0
        if program and s.before and not s.per_record:
            yield from self._program_commits(me)
            if s.wait and not me.is_in:
                return
        extra_s = s.per_batch_s
        for partition, offset in polled:
            me.current = (partition, offset)
            if program and s.before and s.per_record:
                yield from self._program_commits(me)
                if s.wait and not me.is_in:
                    return
            record = self.log[partition][offset]
            yield from me.machine.work(extra_s + self.work_s[record])
            extra_s = 0.0
            self.done_s[record] = min(self.done_s[record], self.env.now)
            self.effects[record] += 1
            if me.is_in:
                self.processed[partition] = offset + 1
            else:
                self.happened.add("zombie effect")
            if program and not s.before and s.per_record:
                yield from self._program_commits(me)
                if s.wait and not me.is_in:
                    return
        me.current = None
        if program and not s.before and not s.per_record:
            yield from self._program_commits(me)

    def _program_commits(self, me: Member) -> Steps:
        """A commit that is waited for is sent anew when the connection was away."""
        s = self.settings
        if s.wait:
            answered = False
            while not answered:
                while me.cut:
                    yield self.changed
                    yield from me.machine.running()
                answer = self.env.timeout(s.commit_s)
                while not answer.processed and not me.cut:
                    yield answer | self.changed
                answered = not me.cut
        self._commit(me)
        yield from me.machine.running()

    def _deadline(self, me: Member, polls: int) -> Steps:
        """Leave the group if this batch is still in hand max.poll.interval.ms after its poll."""
        if self.settings.max_poll_s == NEVER:
            return
        yield self.env.timeout(self.settings.max_poll_s)
        if me.machine.paused:
            while me.machine.paused:
                yield from me.machine.running()
            for _ in range(3):  # a commit that the pause put off goes first
                yield self.env.timeout(0)
        if me.busy and me.polls == polls and me.is_in and not me.ended:
            self.happened.add("poll deadline")
            if self.settings.static or me.cut:
                self._haunt(me)
            self._put_out(me)

    def _timer(self, me: Member) -> Steps:
        """librdkafka's background commits."""
        while True:
            yield self.env.timeout(max(0.0, me.next_commit_s - self.env.now))
            if me.ended:
                return
            if me.next_commit_s > self.env.now + 1e-12:
                continue
            if me.machine.paused or me.cut:
                yield from me.machine.running()
                while me.cut and not me.ended:
                    yield self.changed
                me.next_commit_s = max(me.next_commit_s, self.env.now)
                continue
            if not me.joined:
                self._commit(me)
            me.next_commit_s = self.env.now + self.settings.auto_commit_s

    def _join(self, me: Member) -> Steps:
        if not me.joined and self.settings.auto_commit_s >= 0:
            self._commit(me)
        me.joined = True
        self._change()
        while me.joined and not me.closing:
            yield self.changed

    def _poll(self, me: Member) -> Steps:
        """Wait for one fetch; empty when disturbed, else (partition, offset) of each record."""
        s = self.settings
        deadline = self.env.timeout(s.max_wait_s)
        while True:
            auto = s.auto_commit_s >= 0 and not s.background and bool(me.partitions) and not me.cut
            if auto and self.env.now >= me.next_commit_s - 1e-12:
                self._commit(me)
                me.next_commit_s = self.env.now + s.auto_commit_s
            was_cut = me.cut
            if me.buffer:
                polled = me.buffer[: s.max_poll_records]
                del me.buffer[: s.max_poll_records]
                return polled
            fetchable = sum(len(self.log[p]) - self.position[p] for p in me.partitions)
            enough = s.min_records if not deadline.processed else 1
            if me.left_of_chunk or (fetchable >= max(1, enough) and not me.cut):
                return self._take(me)
            waits = [self.changed, me.machine.disturbed]
            if auto:
                waits.append(self.env.timeout(me.next_commit_s - self.env.now))
            if not deadline.processed:
                waits.append(deadline)
            elif s.min_records > 1 and not me.cut:
                return []
            yield self.env.any_of(waits)
            if (self.rebalancing and not me.cut) or me.machine.paused or me.closing:
                return []
            if me.cut != was_cut or (not me.is_in and not me.cut):
                return []

    def _take(self, me: Member) -> list[tuple[int, int]]:
        polled: list[tuple[int, int]] = []
        n = len(me.partitions)
        for step in range(n):
            partition = me.partitions[(me.turn + step) % n]
            at = self.position[partition]
            if me.cut and not me.left_of_chunk:
                me.turn = (me.turn + step) % n
                return polled
            chunk = me.left_of_chunk or min(
                self.settings.chunk_records, len(self.log[partition]) - at
            )
            taken = min(chunk, self.settings.max_poll_records - len(polled))
            polled += [(partition, offset) for offset in range(at, at + taken)]
            self.position[partition] += taken
            me.left_of_chunk = chunk - taken
            if me.left_of_chunk:
                me.turn = (me.turn + step) % n
                return polled
            if len(polled) == self.settings.max_poll_records:
                me.turn = (me.turn + step + 1) % n
                return polled
        return polled

    def _commit(self, me: Member) -> None:
        s = self.settings
        if not me.is_in or me.cut:
            if me.partitions and not me.is_in:
                self.happened.add("commit refused")
            return
        for partition in me.partitions:
            value = self.position[partition] if s.handed else self.processed[partition]
            if s.before and s.per_record and me.current and me.current[0] == partition:
                value = max(value, me.current[1] + 1)
            self.committed[partition] = max(self.committed[partition], value)

    # Membership.

    def _ins(self) -> list[Member]:
        return [me for me in self.members if me.is_in and not me.ended]

    def _enter(self, me: Member) -> None:
        me.partitions, me.buffer, me.current = [], [], None
        me.is_in = True
        me.joined = True
        mine = [ghost for ghost in self.ghosts if ghost.place == me.place]
        if self.settings.static and mine:
            self.ghosts.remove(mine[0])
            self.happened.add("static return")
            self.env.process(self._take_back(me, mine[0].partitions))
            if self.rebalancing:
                self._ask_rebalance()
            return
        self.newcomer = True
        self._ask_rebalance()

    def _take_back(self, me: Member, partitions: list[int]) -> Steps:
        """A static member has its partitions again after it has joined and synced."""
        me.had = partitions
        yield self.env.timeout(2 * self.settings.commit_s)
        if me.is_in and me.joined and not me.ended and not self.rebalancing:
            self._give(me, partitions)
            self._change()

    def _give(self, me: Member, partitions: Sequence[int]) -> None:
        """``me`` goes on with ``partitions``; it keeps its place in those it has."""
        if not me.partitions:
            me.next_commit_s = self.env.now + self.settings.auto_commit_s
        chunk_of = me.partitions[me.turn % len(me.partitions)] if me.partitions else None
        for p in set(partitions) - set(me.partitions):
            self.processed[p] = self.position[p] = self.committed[p]
        me.partitions = sorted(partitions)
        if chunk_of in me.partitions:
            me.turn = me.partitions.index(chunk_of)
        else:
            me.turn = me.left_of_chunk = 0
        me.joined = False

    def _put_out(self, me: Member) -> None:
        """No member any more; it does not know yet."""
        me.is_in = False
        if me.left_of_chunk:
            p = me.partitions[me.turn % len(me.partitions)]
            first = self.position[p]
            me.buffer = [(p, offset) for offset in range(first, first + me.left_of_chunk)]
        me.partitions, me.left_of_chunk, me.turn = [], 0, 0
        me.joined = False
        if not any(ghost.place == me.place for ghost in self.ghosts):
            self._ask_rebalance()
        me.machine.disturbed.succeed()
        me.machine.disturbed = self.env.event()
        self._change()

    def _haunt(self, me: Member) -> None:
        ghost = Ghost(me.place, me.partitions or getattr(me, "had", []))
        self.ghosts.append(ghost)
        since_s = min(me.silent_s, self.env.now)
        self.env.process(self._exorcise(ghost, since_s + self.settings.session_s))

    def _exorcise(self, ghost: Ghost, at_s: float) -> Steps:
        yield self.env.timeout(max(0.0, at_s - self.env.now))
        if ghost in self.ghosts:
            self.ghosts.remove(ghost)
            self._ask_rebalance()
            self._change()

    def _fall_silent(self, me: Member) -> None:
        if me.silent_s == NEVER and me.is_in:
            me.silent_s = self.env.now
            self.env.process(self._session(me, me.silent_s))

    def _session(self, me: Member, since_s: float) -> Steps:
        yield self.env.timeout(self.settings.session_s)
        if me.silent_s == since_s and me.is_in and not me.ended:
            self.happened.add("put out alive")
            me.silent_s = NEVER
            self._put_out(me)

    def _be_heard(self, me: Member) -> None:
        if not me.cut and not me.machine.paused:
            me.silent_s = NEVER

    def _wake(self, me: Member, for_s: float) -> Steps:
        yield self.env.timeout(for_s)
        self._be_heard(me)

    def _end(self, me: Member) -> None:
        """The process is gone without a word."""
        me.ended = True
        if me.is_in:
            self._haunt(me)
        self._change()

    def _close(self, me: Member) -> None:
        """It commits, if it has to, and leaves."""
        if self.settings.auto_commit_s >= 0 and not me.joined:
            self._commit(me)
        me.ended = True
        if me.is_in and (self.settings.static or me.cut):
            self._haunt(me)
        elif me.is_in:
            self._ask_rebalance()
        self._change()

    # Eager rebalances.

    def _assign(self) -> None:
        s = self.settings
        parties = sorted([*self._ins(), *self.ghosts], key=lambda party: party.place)
        for member in self.members:
            if member.is_in:
                member.turn, member.left_of_chunk = 0, 0
        self.processed = list(self.committed)
        self.position = list(self.committed)
        had = [sorted(getattr(party, "had", party.partitions)) for party in parties]
        for party, partitions in zip(parties, s.assign(s.partitions, had), strict=True):
            party.partitions = partitions
            party.had = partitions
            if isinstance(party, Member):
                party.next_commit_s = self.env.now + s.auto_commit_s
                party.joined = False

    def _everyone_in(self) -> bool:
        return not self.ghosts and all(me.joined for me in self._ins())

    def _ask_rebalance(self) -> None:
        self.stale = True
        if not self.rebalancing:
            self.rebalancing = True
            self.rebalances += 1
            self.env.process(self._rebalance())

    def _rebalance(self) -> Steps:
        s = self.settings
        while self.stale:
            if self.empty:
                self.empty = False
                self.newcomer = s.initial_delay_s > 0
                while self.newcomer:
                    self.newcomer = False
                    yield self.env.timeout(s.initial_delay_s)
            self._change()
            latest = self.env.timeout(s.max_poll_s) if s.max_poll_s < NEVER else self.env.event()
            while not self._everyone_in() and not latest.processed:
                yield self.changed | latest
            if not self._everyone_in():
                self.happened.add("kicked")
                self.ghosts.clear()
                for me in self._ins():
                    if not me.joined:
                        self._put_out(me)
            self.stale = False
            if self._ins() or self.ghosts:
                yield self.env.timeout(s.rebalance_s)
            else:
                self.empty = True
        self.rebalancing = False
        if self._ins() or self.ghosts:
            self._assign()
        self._change()

    # The faults.

    def alive(self, m: int) -> bool:
        """Whether the process runs."""
        return not self.members[m].ended

    def crash(self, m: int) -> None:
        """Kill the process; the coordinator misses it when its session ends."""
        if self.alive(m):
            self.processes[m].interrupt()

    def terminate(self, m: int, grace_s: float) -> None:
        """Ask it to finish and leave; kill it after the grace."""
        me = self.members[m]
        if me.closing or me.ended:
            return
        me.closing = True
        me.machine.disturbed.succeed()
        me.machine.disturbed = self.env.event()
        self._change()
        self.env.process(self._kill(me, grace_s))

    def _kill(self, me: Member, grace_s: float) -> Steps:
        yield self.env.timeout(grace_s)
        if not me.ended:
            self.processes[me.place].interrupt()

    def restart(self, m: int) -> None:
        """Start a new process, which joins the group."""
        if self.alive(m):
            return
        me = Member(self.env, m)
        me.cut = self.cut[m]
        me.is_in = False
        self.members[m] = me
        if not me.cut:
            self._enter(me)
        self.processes[m] = self._start(me)

    def pause(self, m: int, for_s: float) -> None:
        """Stop the process for a while."""
        me = self.members[m]
        me.machine.pause(for_s)
        self._fall_silent(me)
        self.env.process(self._wake(me, for_s))

    def slow(self, m: int, factor: float) -> None:
        """Stretch the work of the process."""
        self.members[m].machine.slow(factor)

    def cut_off(self, m: int) -> None:
        """Nothing gets through between it and the brokers."""
        self.cut[m] = self.members[m].cut = True
        self._fall_silent(self.members[m])
        self._change()

    def reconnect(self, m: int) -> None:
        """End of `cut_off`."""
        me = self.members[m]
        self.cut[m] = me.cut = False
        self._be_heard(me)
        self._change()
