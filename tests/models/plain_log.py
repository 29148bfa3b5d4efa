"""A partitioned log and a consumer group, message by message in plain SimPy.

It shares no code with ``sim`` and is written for reading: a timer for every batch and every fetch,
a process for every consumer. What a consumer can fetch is what became readable ``fetch_s`` ago; a
paused consumer begins its fetch again when it goes on. Only who is to have which partitions is
given from outside, as a function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import simpy

from models.plain_machine import Machine, Steps

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
    brokers: int = 1  # partition p is led by broker p mod this
    broker_bytes_per_s: float = NEVER
    broker_requests_per_s: float = NEVER
    partition_bytes_per_s: float = NEVER
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
    round_trip_s: float = 0.0  # any other request to the coordinator
    session_s: float = 45.0
    rebalance_s: float = 0.0  # beside joining and syncing
    max_poll_s: float = NEVER
    initial_delay_s: float = 0.0
    static: bool = False
    protocol: str = "eager"
    heartbeat_s: float = 5.0
    first_beats_s: tuple[float, ...] = ()  # of those that are there from the start
    in_phase: bool = True  # a join starts the heartbeat timer anew
    assign: Assign = by_range
    bad: tuple[tuple[int, bool, int], ...] = ()  # record, whether it kills, how often
    attempts: int | None = None  # None: for ever
    backoff_s: float = 0.5
    then: str = "skip"
    revive_s: float = 0.5
    reset: str = "latest"  # where to go on without a committed offset; or earliest
    offsets_kept_s: float = NEVER  # of a group without members
    offsets_check_s: float = NEVER
    first_offsets_check_s: float = 0.0
    added: tuple[tuple[float, int], ...] = ()  # from when on there are how many partitions
    metadata_s: float = NEVER  # between two looks of a client at how many there are
    first_refreshes_s: tuple[float, ...] = ()  # of those that are there from the start
    asks_anew: bool = False  # any member that sees more joins; who assigns looks again

    @property
    def most(self) -> int:
        """Partitions in the end."""
        return max([self.partitions, *(n for _, n in self.added)])


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
        self.had: list[int] = []  # what it was assigned last
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
        self.contact_s = 0.0  # when the coordinator heard of it last
        self.told = False  # knows that it is to join
        self.awaits = False  # has joined, and works on until the join is answered
        self.ended = False
        # Of the incremental protocols:
        self.owned: set[int] = set()  # nobody else may have these
        self.target: list[int] = []
        self.order: set[int] | None = None  # what to go on with from the next poll
        self.ordered = False
        self.gives_up = False
        self.asked = False  # new, and has asked to join
        self.beat_s = 0.0
        self.comings = 0
        # What its records wait for:
        self.idle = False  # waits in a poll
        self.asked_s = self.got_s = 0.0  # when its last fetch began, and was answered
        self.polled_s = 0.0  # when the batch in hand was handed over
        self.in_hand: list[int] = []  # its records that are not processed
        self.given = False  # has been told what it is to read
        self.backs_off = False
        self.known = 0  # how many partitions its client knows of
        self.rejoins = False  # because there are more


@dataclass
class First:
    """How a record came to be processed for the first time; times in s."""

    asked_s: float  # when the last fetch began
    got_s: float  # when it was answered
    handed_s: float  # when the poll was
    begun_s: float  # when its work began, with what the batch costs
    extra_s: float  # what that is
    done_s: float


@dataclass(eq=False)
class Ghost:
    """A member whose process is gone, or has gone silent."""

    place: int
    had: list[int]
    owned: set[int]
    target: list[int]
    left: bool
    gave_up: bool  # it was to give something up


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
        self.created_s = [float(at_s) for at_s in created_s]
        self.open: dict[int, Batch] = {}
        self.sent_s: dict[int, tuple[float, float, float]] = {}
        # of a record: in the client, until broker and partition were free, and on its way
        self.log: list[list[int]] = [[] for _ in range(s.most)]
        self.changed = env.event()  # something readable, or a rebalance has begun or ended
        self.count = s.partitions  # of which the last assignment knew
        self.processed = [0] * s.partitions + [-1] * (s.most - s.partitions)
        self.position = list(self.processed)
        self.committed = list(self.processed)  # below 0: nothing is, likewise the two above
        self.commit_s = [0.0] * s.most  # when that was last said
        self.readable = [0] * s.most
        self.emptied_s = 0.0
        self.done_s = [NEVER] * len(work_s)
        self.effects = [0] * len(work_s)
        self.rebalancing = False
        self.stale = False
        self.empty = False
        self.newcomer = False
        self.ghosts: list[Ghost] = []
        self.bad = {record: [kills, times] for record, kills, times in s.bad}
        self.tries: dict[tuple[Member, int], int] = {}
        self.passed: set[int] = set()
        self.rebalances = 0
        self.rebalanced_s: list[float] = []
        self.happened: set[str] = set()
        self.free_s: dict[tuple[str, int], float] = {}
        self.created_s = [float(at_s) for at_s in created_s]
        self.readable_s = [NEVER] * len(work_s)
        self.first: list[First | None] = [None] * len(work_s)
        self.given_up: dict[int, list[tuple[float, float]]] = {}  # deliveries in vain: from, until
        self.seen: list[tuple[float, bool, list[str]]] = []  # from when on, is one idle, partitions
        env.process(self._produce(created_s, partition_of, size_bytes))
        self.members = [Member(env, m) for m in range(s.members)]
        self.leader: Member | Ghost | None = self.members[0]
        for me in self.members:
            me.known = s.partitions
            if s.first_refreshes_s:
                env.process(self._refreshes(me, s.first_refreshes_s[me.place]))
        self.cut = [False] * s.members
        self.processes = [self._start(member) for member in self.members]
        if s.offsets_kept_s < NEVER:
            env.process(self._keep_offsets())
        self.joining = False
        self.gathering = False  # an empty group waits for more members
        self.round = 0
        self.here: set[Member] = set()
        self.early: set[Member] = set()  # joined the next round when they gave something up
        self._assign()
        for member in self.members:
            member.owned, member.target = set(member.partitions), member.partitions
            first_s = s.first_beats_s[member.place] if s.first_beats_s else 0.0
            member.beat_s = member.contact_s = first_s - s.heartbeat_s
            env.process(self._beats(member, 0))

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
        self.env.process(self._append(batch, self.env.now))

    def _waits_s(self, server: tuple[str, int], takes_s: float) -> float:
        """How long a batch waits for a broker or partition, which takes one after the other."""
        begun_s = max(self.env.now, self.free_s.get(server, 0.0))
        self.free_s[server] = begun_s + takes_s
        if begun_s > self.env.now:
            self.happened.add(f"{server[0]} full")
        return begun_s - self.env.now

    def _append(self, batch: Batch, closed_s: float) -> Steps:
        s, size = self.settings, batch.size_bytes
        led_by = ("broker", batch.partition % s.brokers)
        broker_s = size / s.broker_bytes_per_s + 1 / s.broker_requests_per_s
        waits_s = self._waits_s(led_by, broker_s)
        of_its_own = ("partition", batch.partition)
        waits_s = max(waits_s, self._waits_s(of_its_own, size / s.partition_bytes_per_s))
        yield self.env.timeout(waits_s + s.ack_s)
        for record in batch.records:
            in_client_s = closed_s - self.created_s[record]
            self.sent_s[record] = in_client_s, waits_s, self.env.now - closed_s - waits_s
            self.readable_s[record] = self.env.now
        self.readable[batch.partition] += len(batch.records)
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
                if self._eager and self._anew(me):
                    me.rejoins = False
                    self._ask_rebalance()
                    yield from self._join(me)
                    continue
                if self._eager and (me.joined or (me.told and not me.cut)):
                    yield from self._join(me)
                    continue
                if self._wanted(me):
                    self._attend(me)
                me.idle, asked_s = True, self.env.now
                fetches = not (me.left_of_chunk or me.buffer)
                polled = yield from self._poll(me)
                me.idle = False
                if polled and fetches:
                    me.asked_s, me.got_s = asked_s, self.env.now
                if polled:
                    me.polled_s = self.env.now
                    me.in_hand = [self.log[p][offset] for p, offset in polled]
                    me.busy = True
                    me.polls += 1
                    self.env.process(self._deadline(me, me.polls))
                    yield from self._process(me, polled)
        except simpy.Interrupt:
            self._end(me)

    def _process(self, me: Member, polled: list[tuple[int, int]]) -> Steps:
        s = self.settings
        program = s.auto_commit_s < 0
        batch_first = program and s.before and not s.per_record
        if batch_first and (yield from self._program_commits(me)):
            return
        extra_s = s.per_batch_s
        for partition, offset in polled:
            me.current = (partition, offset)
            each_first = program and s.before and s.per_record
            if each_first and (yield from self._program_commits(me)):
                return
            each_after = program and not s.before and s.per_record
            record = self.log[partition][offset]
            begun_s = self.env.now
            yield from me.machine.work(extra_s + self.work_s[record])
            first = First(me.asked_s, me.got_s, me.polled_s, begun_s, extra_s, self.env.now)
            extra_s = 0.0
            if record in self.bad:
                if (yield from self._fail(me, partition, offset)):
                    return
                if each_after and (yield from self._program_commits(me)):
                    return
                continue
            if not self.effects[record]:
                self.first[record] = first
            self.done_s[record] = min(self.done_s[record], self.env.now)
            self.effects[record] += 1
            me.in_hand.remove(record)
            if me.is_in:
                self.processed[partition] = offset + 1
            else:
                self.happened.add("zombie effect")
            if each_after and (yield from self._program_commits(me)):
                return
        me.current = None
        if program and not s.before and not s.per_record:
            yield from self._program_commits(me)

    def _fail(self, me: Member, partition: int, offset: int) -> Steps:
        """The handler has raised; whether that ends the batch."""
        s, record = self.settings, self.log[partition][offset]
        kills, left = self.bad[record]
        self.bad[record][1] -= 1
        if left == 1:
            del self.bad[record]
        self.tries[me, record] = self.tries.get((me, record), 0) + 1
        self.happened.add("kill" if kills else "fail")
        if kills:
            self.env.process(self._revive(me))
            yield self.env.event()
        if not me.is_in:
            me.buffer = []
            return True
        if s.attempts is not None and self.tries[me, record] >= s.attempts and s.then == "skip":
            self.happened.add("skip")
            self.passed.add(record)
            me.in_hand.remove(record)
            self.processed[partition] = offset + 1
            return False
        self._give_up(me)
        me.in_hand = []
        if not s.before and not s.handed:
            self._commit(me)
        for p in me.partitions:
            self.position[p] = self.processed[p]
        me.turn = (me.partitions.index(partition) + 1) % len(me.partitions)
        me.left_of_chunk = 0
        me.current = None
        if s.attempts is not None and self.tries[me, record] >= s.attempts:
            self.happened.add("stop")
            me.busy = False
            me.closing = True
            return True
        me.backs_off = True
        yield self.env.timeout(s.backoff_s)
        me.backs_off = False
        return True

    def _revive(self, me: Member) -> Steps:
        yield self.env.timeout(0)
        self.processes[me.place].interrupt()
        yield self.env.timeout(self.settings.revive_s)
        if self.members[me.place] is me:
            self.restart(me.place)

    def _program_commits(self, me: Member) -> Steps:
        """Whether it was refused, and the program waited for that.

        A commit that is waited for is sent anew when the connection was away.
        """
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
        refused = s.wait and not me.is_in
        yield from me.machine.running()
        return refused

    def _deadline(self, me: Member, polls: int) -> Steps:
        """Leave the group if this batch is still in hand max.poll.interval.ms after its poll."""
        if self.settings.max_poll_s == NEVER:
            return
        yield self.env.timeout(self.settings.max_poll_s)
        if me.machine.paused:
            while me.machine.paused:
                yield from me.machine.running()
            for _ in range(9):  # a commit that the pause put off goes first
                yield self.env.timeout(0)
        if me.busy and me.polls == polls and me.is_in and not me.ended:
            self.happened.add("poll deadline")
            counts = self.settings.static or me.cut  # the coordinator still counts it in
            if counts:
                self._haunt(me, left=True)
            self._put_out(me, counts)

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
                for _ in range(3):  # it commits what is handed out at the same moment, too
                    yield self.env.timeout(0)
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
            if not me.cut and not me.buffer:
                self._find_place(me)
            auto = s.auto_commit_s >= 0 and not s.background and bool(me.partitions) and not me.cut
            auto = auto and not me.awaits
            if auto and self.env.now >= me.next_commit_s - 1e-12:
                self._commit(me)
                me.next_commit_s = self.env.now + s.auto_commit_s
            was_cut = me.cut
            if me.buffer:
                polled = me.buffer[: s.max_poll_records]
                del me.buffer[: s.max_poll_records]
                return polled
            fetchable = sum(max(0, len(self.log[p]) - self.position[p]) for p in me.partitions)
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
            called = (self._eager and me.told and not me.cut) or self._wanted(me)
            called = called or (self._eager and self._anew(me))
            if called or me.machine.paused or me.closing:
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
            there = max(0, len(self.log[partition]) - at)
            chunk = me.left_of_chunk or min(self.settings.chunk_records, there)
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
        if me.partitions and s.protocol != "consumer":
            me.contact_s = self.env.now
        for partition in me.partitions:
            value = self.position[partition] if s.handed else self.processed[partition]
            if s.before and s.per_record and me.current and me.current[0] == partition:
                value = max(value, me.current[1] + 1)
            if self.position[partition] >= 0:
                self.committed[partition] = max(self.committed[partition], value)
                self.commit_s[partition] = self.env.now

    # Offsets that are not there, or not any more.

    def _find_place(self, me: Member) -> None:
        for p in me.partitions:
            if self.position[p] < 0:
                to = self.readable[p] if self.settings.reset == "latest" else 0
                self.happened.add(f"reset to {self.settings.reset}")
                self.processed[p] = self.position[p] = to

    def _keep_offsets(self) -> Steps:
        s = self.settings
        yield self.env.timeout(s.first_offsets_check_s)
        while True:
            for p in range(s.most):
                since_s = self.commit_s[p] if s.protocol == "consumer" else self.emptied_s
                old = self.env.now - since_s >= s.offsets_kept_s
                if old and not self._parties() and self.committed[p] >= 0:
                    self.committed[p] = -1
                    self.happened.add("offset deleted")
            yield self.env.timeout(s.offsets_check_s)

    def _see_whether_empty(self) -> None:
        if not self._parties():
            self.emptied_s = self.env.now
        self._elect()

    # Partitions that are added.

    def _there(self) -> int:
        """How many there are now."""
        s = self.settings
        return max([s.partitions, *(n for at_s, n in s.added if at_s <= self.env.now)])

    def _elect(self) -> None:
        parties = self._parties()
        if self.leader not in parties:
            self.leader = parties[0] if parties else None

    def _refreshes(self, me: Member, first_s: float) -> Steps:
        """The client of a member looks now and then how many there are."""
        yield self.env.timeout(first_s - self.env.now)
        while not me.ended:
            while (me.machine.paused or me.cut) and not me.ended:
                if me.machine.paused:
                    yield from me.machine.running()
                else:
                    yield self.changed
            if me.ended:
                return
            there = self._there()
            yield self.env.timeout(self.settings.round_trip_s)
            if me.ended:
                return
            if there > me.known:
                me.known = there
                self.happened.add("learned")
                leads = self.settings.asks_anew or me is self.leader
                if me.is_in and leads and self.settings.protocol != "consumer":
                    me.rejoins = True
                    waits = self._eager and me.joined and not (self.joining or self.gathering)
                    if waits and me.known > self.count:
                        self._ask_rebalance()
                    self._change()
            yield self.env.timeout(self.settings.metadata_s - self.settings.round_trip_s)

    def _anew(self, me: Member) -> bool:
        """Whether it is to join because it has seen more partitions than are given out."""
        return me.rejoins and me.is_in and not me.cut and me.known > self.count

    # Membership.

    def _ins(self) -> list[Member]:
        return [me for me in self.members if me.is_in and not me.ended]

    def _enter(self, me: Member) -> None:
        s = self.settings
        mine = [ghost for ghost in self.ghosts if ghost.place == me.place and s.static]
        if mine and s.protocol == "consumer" and not mine[0].left:
            return
        me.partitions, me.buffer, me.current, me.in_hand = [], [], None, []
        me.is_in = True
        me.joined = self._eager
        me.comings += 1
        me.order, me.ordered = None, False
        me.asked = s.protocol == "cooperative" and not mine
        me.given = me.asked  # for now, nothing
        me.silent_s = NEVER
        me.beat_s = me.contact_s = self.env.now
        me.told = bool(mine) and self.joining and not self._eager
        me.rejoins = False
        me.awaits = False
        self.env.process(self._beats(me, me.comings))
        if mine:
            self.ghosts.remove(mine[0])
            if self.leader is mine[0]:
                self.leader = me
            self.happened.add("static return")
            me.had, me.owned, me.target = mine[0].had, mine[0].owned, mine[0].target
        else:
            me.had, me.owned, me.target = [], set(), []
            self.newcomer = True
        self._elect()
        if s.protocol == "consumer":
            me.owned &= set(me.target)
            if not mine:
                self._aim()
            self.env.process(self._answer(me))
        elif mine:
            self.env.process(self._take_back(me, me.comings))
            if self.rebalancing or mine[0].gave_up:
                self._ask_rebalance()
        else:
            self._ask_rebalance()

    def _take_back(self, me: Member, comings: int) -> Steps:
        """A static member has its partitions again after it has joined and synced."""
        yield self.env.timeout(2 * self.settings.round_trip_s)
        here = me.is_in and not me.ended and me.comings == comings and not me.partitions
        if here and not self.rebalancing:
            if self._eager:
                self._give(me, me.had)
            else:
                me.order = set(me.owned)
            self._change()

    def _give(self, me: Member, partitions: Sequence[int]) -> None:
        """``me`` goes on with ``partitions``; it keeps its place in those it has."""
        if not me.partitions:
            me.next_commit_s = self.env.now + self.settings.auto_commit_s
        chunk_of = me.partitions[me.turn % len(me.partitions)] if me.partitions else None
        for p in set(partitions) - set(me.partitions):
            self.processed[p] = self.position[p] = self.committed[p]
        me.partitions = sorted(partitions)
        me.given = True
        if chunk_of in me.partitions:
            me.turn = me.partitions.index(chunk_of)
        else:
            me.turn = me.left_of_chunk = 0
        me.joined = False

    def _put_out(self, me: Member, counts: bool = False) -> None:
        """No member any more; it does not know yet."""
        self._give_up(me)
        me.is_in = False
        # Who waits for its commits takes nothing more from what it has fetched: it asks first.
        asks = self.settings.auto_commit_s < 0 and self.settings.wait
        if me.left_of_chunk and not asks:
            p = me.partitions[me.turn % len(me.partitions)]
            first = self.position[p]
            me.buffer = [(p, offset) for offset in range(first, first + me.left_of_chunk)]
        me.partitions, me.left_of_chunk, me.turn = [], 0, 0
        me.joined = False
        me.owned, me.order = set(), None
        if not counts:
            self._left()
        me.machine.disturbed.succeed()
        me.machine.disturbed = self.env.event()
        self._change()

    def _left(self) -> None:
        self._see_whether_empty()
        if self.settings.protocol == "consumer":
            self._aim()
        else:
            self._ask_rebalance()

    def _haunt(self, me: Member, left: bool = False) -> None:
        owned = me.owned
        if self.settings.protocol == "cooperative" and me.order is not None:
            owned = me.order
        ghost = Ghost(me.place, me.had, owned, me.target, left, bool(me.owned - owned))
        self.ghosts.append(ghost)
        if self.leader is me:
            self.leader = ghost
        if me.silent_s == NEVER and self._waits(me):
            me.contact_s = self.env.now
        self.env.process(self._exorcise(ghost, me.contact_s + self.settings.session_s))

    def _exorcise(self, ghost: Ghost, at_s: float) -> Steps:
        yield self.env.timeout(max(0.0, at_s - self.env.now))
        if ghost in self.ghosts:
            self.ghosts.remove(ghost)
            self._left()
            self._change()

    def _fall_silent(self, me: Member) -> None:
        if me.silent_s == NEVER and me.is_in:
            if self._waits(me):
                me.contact_s = self.env.now
            me.silent_s = self.env.now
            self.env.process(self._session(me, me.silent_s))

    def _waits(self, me: Member) -> bool:
        """Whether it has joined and waits for others: no session ends then."""
        waiting = self.joining or self.gathering
        if not waiting or self.settings.protocol == "consumer":
            return False
        if self._eager:
            return me.joined and not me.closing
        return me in self.here or me.asked

    def _session(self, me: Member, since_s: float) -> Steps:
        while (left_s := me.contact_s + self.settings.session_s - self.env.now) > 1e-9:
            yield self.env.timeout(left_s)
        if me.silent_s == since_s and me.is_in and not me.ended:
            self.happened.add("put out alive")
            me.silent_s = NEVER
            self._put_out(me)

    def _be_heard(self, me: Member) -> None:
        if not me.cut and not me.machine.paused:
            me.silent_s = NEVER
            self._change()

    def _wake(self, me: Member, for_s: float) -> Steps:
        yield self.env.timeout(for_s)
        self._be_heard(me)

    def _end(self, me: Member) -> None:
        """The process is gone without a word."""
        self._give_up(me)
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
            self._haunt(me, left=True)
        elif me.is_in:
            self._left()
        self._change()

    # Classic rebalances.

    @property
    def _eager(self) -> bool:
        return self.settings.protocol == "eager"

    def _parties(self) -> list[Member | Ghost]:
        return sorted([*self.ghosts, *self._ins()], key=lambda party: party.place)

    def _assign(self) -> None:
        s = self.settings
        parties = self._parties()
        for member in self.members:
            if member.is_in:
                member.turn, member.left_of_chunk = 0, 0
        self.processed = list(self.committed)
        self.position = list(self.committed)
        had = [sorted(party.had) for party in parties]
        for party, partitions in zip(parties, s.assign(self.count, had), strict=True):
            party.had = partitions
            if isinstance(party, Member):
                party.partitions = sorted(partitions)
                party.given = True
                party.next_commit_s = self.env.now + s.auto_commit_s
                party.joined = False
                party.told = False

    def _everyone_in(self) -> bool:
        if self._eager:
            return not self.ghosts and all(me.joined for me in self._ins())
        return not self.ghosts and all(me in self.here or me.asked for me in self._ins())

    def _ask_rebalance(self) -> None:
        self.stale = True
        if not self.rebalancing:
            self.rebalancing = True
            self.rebalances += 1
            self.env.process(self._rebalance())

    def _rebalance(self) -> Steps:
        s = self.settings
        for _ in range(0 if self._eager else 4):  # after all that happens at the same moment
            yield self.env.timeout(0)
        syncing = False
        while self.stale:
            for me in self.members:
                me.told = False
            if self.empty:
                self.empty = False
                last_s = self.env.now + s.max_poll_s
                self.newcomer = s.initial_delay_s > 0
                self.gathering = True
                while self.newcomer and self.env.now < last_s:
                    self.newcomer = False
                    yield self.env.timeout(min(s.initial_delay_s, last_s - self.env.now))
            self.gathering = False
            self.joining = True
            self.round += 1
            self.here, self.early = self.early, set()
            for me in self.members:
                me.told = syncing
            self._change()
            latest = self.env.timeout(s.max_poll_s) if s.max_poll_s < NEVER else self.env.event()
            while not self._everyone_in() and not latest.processed:
                yield self.changed | latest
            if not self._everyone_in():
                self.happened.add("kicked")
                self.ghosts.clear()
                self._see_whether_empty()
                for me in self._ins():
                    if not (me.joined if self._eager else me in self.here or me.asked):
                        self._put_out(me)
            self.joining = False
            self.stale = False
            for me in self.members:
                me.asked = False
            if self._ins() or self.ghosts:
                for me in self._ins():
                    me.contact_s = self.env.now
                    if s.in_phase:
                        me.beat_s = self.env.now
                syncing = True
                assert isinstance(self.leader, Member)
                self.count = self._there() if s.asks_anew else self.leader.known
                yield self.env.timeout(2 * s.round_trip_s + s.rebalance_s)
            else:
                self.empty = True
        self.rebalancing = False
        self.rebalanced_s.append(self.env.now)
        if self._ins() or self.ghosts:
            if self._eager:
                self._assign()
            else:
                self._distribute()
        self._change()

    # Cooperative rebalances: a partition that moves is given up after one round, given in the next.

    def _distribute(self) -> None:
        parties = self._parties()
        owner = {p: party for party in parties for p in party.owned}
        targets = self.settings.assign(self.count, [sorted(x.owned) for x in parties])
        for party, partitions in zip(parties, targets, strict=True):
            order = {p for p in partitions if owner.get(p, party) is party}
            if isinstance(party, Member):
                party.order = order
            else:
                party.gave_up |= bool(party.owned - order)
                party.owned = order

    def _wanted(self, me: Member) -> bool:
        """Whether the coordinator wants something of it at its next poll."""
        if not me.is_in or me.cut or me.ended or self._eager:
            return False
        called = self.joining and me.told and me not in self.here
        return me.order is not None or called or self._anew(me)

    def _attend(self, me: Member) -> None:
        if self.settings.auto_commit_s >= 0 and not me.awaits:
            self._commit(me)
        had = set(me.owned)
        order, me.order = me.order, None
        if self.settings.protocol == "consumer":
            self._give(me, sorted(order))
            me.ordered = False
            if me.gives_up:
                self.happened.add("gave up")
                me.owned = set(order)
            me.beat_s = me.contact_s = self.env.now
            self.env.process(self._answer(me))
            return
        if order is not None:
            me.owned = set(order)
            if me.awaits:
                me.next_commit_s = self.env.now + self.settings.auto_commit_s
                me.awaits = False
        self._give(me, sorted(me.owned))
        gave_up = had - me.owned
        anew, me.rejoins = self._anew(me), False
        joins = gave_up or anew or (self.joining and me.told and me not in self.here)
        if gave_up:
            self.happened.add("gave up")
        if gave_up or anew:
            self._ask_rebalance()
            if not self.joining:
                self.early.add(me)
        if joins:
            if self.settings.auto_commit_s >= 0 and not self.settings.background and not me.awaits:
                self._commit(me)
                me.awaits = True
            if self.joining:
                self.here.add(me)
        if self.joining:
            self._change()

    # The consumer protocol: each member is told at its heartbeats what to give up or to take.

    def _aim(self) -> None:
        parties = self._parties()
        self.count = self._there()
        targets = self.settings.assign(self.count, [x.target for x in parties])
        for party, target in zip(parties, targets, strict=True):
            party.target = target

    def _beats(self, me: Member, comings: int) -> Steps:
        """``beat_s`` is when it sent its last one; one due in a silence waits for its end."""
        every_s = self.settings.heartbeat_s

        def here() -> bool:
            return me.is_in and not me.ended and me.comings == comings

        while here():
            next_s = me.beat_s + every_s
            if next_s > self.env.now + 1e-9:
                yield self.env.timeout(next_s - self.env.now)
            while here() and me.silent_s < NEVER:
                yield self.changed
            if not here() or me.beat_s + every_s > self.env.now + 1e-9:
                continue  # the timer began anew
            me.beat_s = me.contact_s = self.env.now
            if self.settings.protocol == "consumer":
                self.env.process(self._answer(me))
            elif self.joining:
                self.env.process(self._tell(me, comings, self.round))

    def _tell(self, me: Member, comings: int, called: int) -> Steps:
        """The answer to a heartbeat: a rebalance has begun."""
        yield self.env.timeout(self.settings.round_trip_s)
        still = self.joining and self.round == called
        if still and me.is_in and not me.ended and me.comings == comings:
            me.told = True
            self._change()

    def _answer(self, me: Member) -> Steps:
        if self.count < self._there():
            self._aim()
        if me.ordered:
            return
        has, comings = set(me.partitions), me.comings
        order = has & set(me.target)
        me.gives_up = order != has
        if not me.gives_up:
            others = {p for x in self._parties() if x is not me for p in x.owned}
            me.owned |= set(me.target) - others
            order = set(me.owned)
            if order == has:
                return
        me.ordered = True
        yield self.env.timeout(self.settings.round_trip_s)
        if me.is_in and not me.ended and me.comings == comings:
            me.order = order
            self._change()

    # What records wait for.

    def _give_up(self, me: Member) -> None:
        """What a member has in hand comes to nothing, unless it goes on without being one."""
        if me.is_in:
            for record in me.in_hand:
                self.given_up.setdefault(record, []).append((me.polled_s, self.env.now))

    def run(self, until_s: float) -> None:
        """Run, and see after each event who waits for what."""
        while self.env.peek() < until_s:
            self.env.step()
            self.seen.append((self.env.now, *self._looks()))
        self.env.run(until_s)

    def _looks(self) -> tuple[bool, list[str]]:
        stands = ["no owner"] * self.settings.most
        idle = False
        for me in self.members:
            goes = me.is_in and not (me.ended or me.cut or me.machine.paused or me.joined)
            if goes:
                idle |= me.idle and me.given
                for p in me.partitions:
                    stands[p] = "backoff" if me.backs_off else "runs"
        return idle, stands

    def _waited(self, p: int, from_s: float, until_s: float) -> dict[str, float]:
        """What that time was for a record of partition ``p`` that nobody had in hand."""
        found = dict.fromkeys(("no owner", "backoff", "head of line", "capacity"), 0.0)
        ends_s = [at_s for at_s, _, _ in self.seen[1:]] + [NEVER]
        for (at_s, idle, stands), end_s in zip(self.seen, ends_s, strict=True):
            both_s = min(end_s, until_s) - max(at_s, from_s)
            if both_s > 0.0:
                what = (
                    ("head of line" if idle else "capacity") if stands[p] == "runs" else stands[p]
                )
                found[what] += both_s
        return found

    def parts(self, record: int, p: int) -> dict[str, float]:
        """How the time of a processed record of partition ``p`` was spent, to its first effect."""
        s, first = self.settings, self.first[record]
        assert first is not None
        readable_s, work_s = self.readable_s[record], self.work_s[record]
        fetched_s = min(readable_s + s.fetch_s, first.handed_s)
        fetches_s = 0.0
        if s.min_records > 1:
            fetches_s = min(first.got_s, first.handed_s) - max(fetched_s, first.asked_s)
            fetches_s = max(0.0, fetches_s)
        tries = [
            (from_s, until_s)
            for from_s, until_s in self.given_up.get(record, [])
            if until_s <= first.handed_s
        ]
        parts = dict.fromkeys(("attempt", "no owner", "backoff", "head of line", "capacity"), 0.0)
        at_s = fetched_s
        for from_s, until_s in [*tries, (first.handed_s, first.handed_s)]:
            for what, its_s in self._waited(p, at_s, from_s).items():
                parts[what] += its_s
            parts["attempt"] += until_s - from_s
            at_s = until_s
        ahead_s = s.per_batch_s
        if s.auto_commit_s < 0.0 and s.before and s.wait:
            ahead_s += s.commit_s
        took_s = first.done_s - first.begun_s
        extra_s = min(first.extra_s, took_s)
        before_s = first.begun_s + extra_s - first.handed_s
        parts["work"] = min(work_s, took_s - extra_s)
        parts["slowed"] = took_s - extra_s - parts["work"]
        parts["call"] = min(ahead_s, before_s)
        parts["held"] = before_s - parts["call"]
        parts["call"] += fetched_s - readable_s + fetches_s
        parts["head of line"] -= fetches_s  # it was its owner that was idle
        parts["send"] = readable_s - self.created_s[record]
        return parts

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
        if me.ended:
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
        me.known = self._there()
        if self.settings.metadata_s < NEVER:
            self.env.process(self._refreshes(me, self.env.now + self.settings.metadata_s))
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
