"""An application, its producer client and the brokers, record by record in plain SimPy.

It shares no code with ``sim`` and is written for reading: a timer for every batch, a process for
each end of a connection, a new object for every process that is started. Random draws are taken
from the same pools in turn, at the same occasions: a latency and a replication time when a request
is sent, a uniform when an append or an answer may fail, a jitter when a batch is put back.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

import simpy

from models.plain_machine import Steps

INF = float("inf")


@dataclass(frozen=True)
class Settings:
    """Of application, client and brokers; times in s."""

    order: str = "produce"
    poll_records: int = 500
    auto_commit_s: float = 5.0
    commit_s: float = 0.0
    flush_timeout_s: float = INF
    check_flush: bool = True
    java: bool = True
    linger_s: float = 0.005
    batch_bytes: int = 16_384
    batch_records: int = 1 << 60
    buffer_bytes: int = 1 << 60
    buffer_records: int = 1 << 60
    block_s: float = 60.0
    acks: int = -1
    retries: int = 1 << 31
    backoff_s: float = 0.1
    backoff_max_s: float = 1.0
    request_timeout_s: float = 30.0
    delivery_timeout_s: float = 120.0
    max_in_flight: int = 5
    idempotent: bool = True
    in_order: bool = True
    notice_s: float = 0.0
    partitions: int = 1
    brokers: int = 1
    transaction_timeout_s: float = 1e6
    abort_interval_s: float = 10.0
    on_fenced: str = "exit"
    restart_after: float | None = None
    new_ids: bool = False  # each process has a transactional.id of its own


@dataclass(eq=False)
class Batch:
    """Records of one partition that travel together."""

    number: int
    partition: int
    created_s: float
    txn: int
    rows: list[int] = field(default_factory=list)
    size_bytes: int = 0
    held_bytes: int = 0
    closed: bool = False
    resolved: bool = False
    in_flight: bool = False
    attempts: int = 0
    ready_s: float = -INF
    left_s: float = INF  # when it was first sent
    sequence: int | None = None


@dataclass(eq=False)
class Request:
    """What travels on a connection at once."""

    batches: list[Batch]
    reaches_s: float = 0.0
    back_s: float = 0.0
    replicate_s: float = 0.0
    handled: bool = False
    stored: list[bool | None] = field(default_factory=list)  # None: its producer is fenced
    answer: str = "yes"
    done: bool = False

    def seen_s(self, notice_s: float) -> float:
        """When the client can see what became of it."""
        if self.answer == "never":
            return 1e9
        return self.reaches_s + (min(notice_s, 1e9) if self.answer == "broken" else 0.0)


class Refused(Exception):
    """The client knows that its producer is fenced, and its methods raise it."""


class Fenced(Exception):
    """So said the coordinator."""


class Pool:
    """Draws taken in turn."""

    def __init__(self, draws: Sequence[float]) -> None:
        self.draws = draws
        self.taken = 0

    def take(self) -> float:
        draw = self.draws[self.taken % len(self.draws)]
        self.taken += 1
        return float(draw)


class Partition:
    """At its broker: the log, and the last batches of the producer that it knows."""

    def __init__(self) -> None:
        self.log: list[tuple[float, int, int]] = []  # append time, row, attempt
        self.visible: list[float] = []
        self.aborted: list[float] = []  # of each record, when its transaction was aborted
        self.txn: list[int] = []  # of each record, its transaction
        self.left_s: list[float] = []  # of each record, when its batch first left the client
        self.producer: tuple[int, int] | None = None  # session and epoch
        self.batches: list[tuple[int, int]] = []  # first and last sequence number

    def check(self, session: int, epoch: int, first: int, last: int, transactional: bool) -> str:
        """KP-10."""
        if self.producer is None or self.producer[0] != session:
            if transactional and first != 0:
                return "gap"
            self.batches = []
        elif self.producer[1] != epoch:
            if first != 0:
                return "gap"
            self.batches = []
        elif (first, last) in self.batches[-5:]:
            return "repeat"
        elif self.batches[-1][1] + 1 != first:
            return "gap"
        self.producer = (session, epoch)
        self.batches.append((first, last))
        return "append"


class PlainClient:
    """Everything, with the verbs of faults."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        created_s: Sequence[float],
        partition_of: Sequence[int],
        size_bytes: Sequence[int],
        process_s: Sequence[float],
        *,
        latency_s: Sequence[float],
        replicate_s: Sequence[float] = (0.0,),
        uniform: Sequence[float] = (0.5,),
        jitter: Sequence[float] = (0.5,),
        grid_s: Sequence[float] = (),
    ) -> None:
        s = settings
        self.env = env
        self.s = s
        self.created_s = [float(at_s) for at_s in created_s]
        self.partition_of = [int(p) for p in partition_of]
        self.size_bytes = [int(size) for size in size_bytes]
        self.process_s = [float(process) for process in process_s]
        self.latency, self.replicate = Pool(latency_s), Pool(replicate_s)
        self.uniform, self.jitter = Pool(uniform), Pool(jitter)
        self.partitions = [Partition() for _ in range(s.partitions)]
        self.up = [True] * s.brokers
        self.asleep: list[simpy.Event | None] = [None] * s.brokers  # until it is woken
        self.left: list[tuple[int, Connection, list[tuple[Batch, int]]]] = []
        self.extra_s = [0.0] * s.brokers
        self.ack_loss = [0.0] * s.brokers
        self.append_fails = [0.0] * s.partitions
        self.leader = [p % s.brokers for p in range(s.partitions)]
        n = len(self.created_s)
        self.status = ["not sent"] * n
        self.acked_s = [INF] * n
        self.sent = [0] * n
        self.committed = 0
        self.sessions = 0
        self.txns = 0
        self.opened_s: float | None = None  # of the transaction, at its coordinator
        self.hanging: list[tuple[int, float]] = []  # of dead processes: its number, since when open
        self.fenced = False
        self.coordinator = 0
        self.reached: simpy.Event = env.event()  # the coordinator is back; after how long
        self.coordinating = env.process(self._coordinate())
        self.seen: dict[str, int] = defaultdict(int)
        self.acted: dict[str, tuple[int, float, float]] = {}  # limits: times, first, last
        self.history: list[tuple[float, bool, list[bool]]] = []  # from then on: runs, reached
        self.samples: list[tuple[int, int]] = []
        self.process: Process | None = None
        self.restart()
        env.process(self._sample(grid_s))

    def _coordinate(self) -> Steps:
        """Now and then, look for a transaction that has been open for too long (KP-20)."""
        for look in count(1):
            yield self.env.timeout(look * self.s.abort_interval_s - self.env.now)
            opened_s = self.opened_s
            if opened_s is not None and opened_s + self.s.transaction_timeout_s < self.env.now:
                self.seen["timed out"] += 1
                self.act("late transactions")
                self.abort()
                self.fenced = True
            for txn, opened_s in list(self.hanging):
                if opened_s + self.s.transaction_timeout_s < self.env.now:
                    self.seen["left hanging"] += 1
                    self.act("late transactions")
                    self.hanging.remove((txn, opened_s))
                    self._abort(txn)

    def abort(self) -> None:
        """The transaction that is open is aborted now."""
        if self.opened_s is not None:
            self._abort(self.txns)
        self.opened_s = None

    def _abort(self, txn: int) -> None:
        for partition in self.partitions:
            for at, of in enumerate(partition.txn):
                if of == txn:
                    partition.aborted[at] = self.env.now

    def _sample(self, grid_s: Sequence[float]) -> Steps:
        for at_s in grid_s:
            yield self.env.timeout(at_s - self.env.now)
            self.samples.append((self.remaining, self.committed))

    def act(self, limit: str, times: int = 1) -> None:
        """A limit acts now; 0 times: it goes on to."""
        before, first_s, _ = self.acted.get(limit, (0, self.env.now, 0.0))
        self.acted[limit] = before + times, first_s, self.env.now

    def note(self) -> None:
        """Whether the process runs, and which partitions it reaches, has just changed."""
        there = [up and asleep is None for up, asleep in zip(self.up, self.asleep, strict=True)]
        reached = [there[broker] for broker in self.leader]
        self.history.append((self.env.now, self.process is not None, reached))

    def parts_of(self, row: int, entered_s: float) -> dict[str, float]:
        """Where the time of an input row went until it could be read, stretch by stretch."""
        p = self.partition_of[row]
        stored = zip(self.partitions[p].log, self.partitions[p].left_s, strict=True)
        left_s = min(left_s for (_, of, _), left_s in stored if of == row)
        created_s = self.created_s[row]
        parts_s: dict[str, float] = defaultdict(float)
        changes = [at_s for at_s, _, _ in self.history if created_s < at_s < entered_s]
        cuts = sorted({created_s, *changes, left_s, entered_s})
        for from_s, until_s in pairwise(cuts):
            _, runs, reached = [now for now in self.history if now[0] <= from_s][-1]
            if from_s < left_s and not runs:
                part = "off"
            elif not reached[p]:
                part = "unreachable"
            else:
                part = "buffer" if from_s < left_s else "send"
            parts_s[part] += until_s - from_s
        return parts_s

    @property
    def remaining(self) -> int:
        return self.process.remaining if self.process else 0

    def happens(self, probability: float) -> bool:
        return probability > 0 and self.uniform.take() < probability

    # Verbs.

    def sigkill(self) -> None:
        if self.process:
            self.process.die()

    def sigterm(self, grace_s: float, handlers: bool) -> None:
        if self.process and not self.process.exited:
            if handlers:
                self.process.close(grace_s)
            else:
                self.process.die()

    def exit_normally(self, flush: bool) -> None:
        if self.process and not self.process.exited:
            self.process.exit(flush)

    def restart(self) -> None:
        if self.process and not self.process.exited:
            return
        if self.process:
            self.process.die()
        if self.s.new_ids and self.opened_s is not None:
            self.hanging.append((self.txns, self.opened_s))
            self.opened_s = None
        self.abort()
        self.fenced = False
        self.sessions += 1
        self.txns += 1
        self.process = Process(self, self.sessions)
        self.note()

    def broker_down(self, broker: int, reset: bool) -> None:
        self.up[broker] = False
        self.note()
        if reset:
            self._wake(broker)
            self.left = [left for left in self.left if left[0] != broker]
        if not self.process:
            return
        if reset:
            self.process.disconnect(broker)
        for request in self.process.connections[broker].in_flight:
            request.answer = "never"
        self.process.pump()

    def broker_up(self, broker: int) -> None:
        was_up, self.up[broker] = self.up[broker], True
        self.note()
        if self.process:
            if not was_up and self.process.connections[broker].in_flight:
                self.process.disconnect(broker)
            self.process.pump()
        if broker == self.coordinator:
            self._reach(self.way_s)

    @property
    def way_s(self) -> float:
        """Half a round trip to the coordinator."""
        extra_s = self.extra_s[self.coordinator] if self.s.order == "transaction" else 0.0
        return (self.s.commit_s + extra_s) / 2

    def _reach(self, after_s: float) -> None:
        before, self.reached = self.reached, self.env.event()
        before.succeed(after_s)

    def move_coordinator(self, broker: int) -> None:
        self.coordinator = broker
        self._reach(self.way_s)

    def fence(self, process: "Process", committed: int, polled: int) -> None:
        """The application of a process learns that its producer is fenced."""
        self.seen["fenced"] += 1
        process.die()
        if process.closing:
            return
        if self.s.on_fenced == "exit":
            if self.s.restart_after is not None:
                self.env.process(self._supervise(self.s.restart_after, self.sessions))
            return
        self.restart()
        if self.s.on_fenced == "skip" and self.process is not None:
            self.seen["skipped"] += 1
            for row in range(committed, polled):
                self.status[row] = "skipped"
            self.process.position = polled

    def _supervise(self, after_s: float, session: int) -> Steps:
        yield self.env.timeout(after_s)
        if self.sessions == session and self.process is None:
            self.restart()

    def pause_broker(self, broker: int) -> None:
        if self.asleep[broker] is None:
            self.asleep[broker] = self.env.event()
            self.note()

    def resume_broker(self, broker: int) -> None:
        """KB-13: what was given up lies in its socket and comes first."""
        if self.asleep[broker] is None:
            return
        for at, connection, batches in self.left:
            if at == broker:
                for batch, epoch in batches:
                    if connection.store(batch, epoch) is True:
                        self.seen["given up and handled"] += 1
        self.left = [left for left in self.left if left[0] != broker]
        self._wake(broker)
        if self.process:
            self.process.pump()
        if broker == self.coordinator:
            self._reach(0.0)

    def _wake(self, broker: int) -> None:
        event, self.asleep[broker] = self.asleep[broker], None
        self.note()
        if event is not None:
            event.succeed()

    def move_leader(self, partition: int, broker: int) -> None:
        self.leader[partition] = broker
        self.note()
        if self.process:
            self.process.pump()


class Connection:
    """First in, first out: a broker that serves one request after the other, and their answers."""

    def __init__(self, process: "Process", broker: int) -> None:
        env = process.env
        self.process, self.world, self.env, self.broker = process, process.world, env, broker
        self.broken = False
        self.in_flight: list[Request] = []
        self.to_broker, self.to_client = simpy.Store(env), simpy.Store(env)
        env.process(self._serve())
        env.process(self._answers())

    def send(self, request: Request) -> None:
        world = self.world
        half_s = (world.latency.take() + world.extra_s[self.broker]) / 2
        if world.s.acks == -1:
            request.replicate_s = world.replicate.take()
        request.reaches_s, request.back_s = self.env.now + half_s, half_s
        self.in_flight.append(request)
        self.to_broker.put(request)
        if world.s.acks != 0:
            self.env.process(self._overdue(request))

    def _overdue(self, request: Request) -> Steps:
        yield self.env.timeout(self.world.s.request_timeout_s)
        if not request.done and not self.broken:
            self.world.seen["request timeout"] += 1
            self.world.act("overdue")
            self.leave()
            self.process.disconnect(self.broker)
            self.process.pump()

    def _serve(self) -> Steps:
        while True:
            request = yield self.to_broker.get()
            if self.env.now < request.reaches_s:
                yield self.env.timeout(request.reaches_s - self.env.now)
            yield from self._awake()
            if self.broken:
                return
            self._handle(request)
            if self.world.s.acks == 0:
                self.in_flight.remove(request)
                continue
            yield self.env.timeout(request.replicate_s)
            yield from self._awake()
            request.reaches_s = self.env.now + request.back_s
            self.to_client.put(request)

    def _awake(self) -> Steps:
        while (event := self.world.asleep[self.broker]) is not None:
            yield event

    def leave(self) -> None:
        """The client closes it: a broker that sleeps finds two requests that it can answer."""
        world, b = self.world, self.broker
        if world.asleep[b] is None or not world.up[b]:
            return
        waiting = [r for r in self.in_flight if not r.handled and r.reaches_s <= self.env.now]
        if world.s.acks != 0:
            waiting = waiting[: 1 if any(r.handled for r in self.in_flight) else 2]
        epoch = self.process.epoch
        for request in waiting:
            batches = [(replace(batch), epoch[batch.partition]) for batch in request.batches]
            world.left.append((b, self, batches))

    def _handle(self, request: Request) -> None:
        world = self.world
        request.handled = True
        up = world.up[self.broker]
        request.stored = [
            up and self.store(batch, self.process.epoch[batch.partition])
            for batch in request.batches
        ]
        request.answer = "yes" if up else "never"
        if not up:
            return
        if world.s.acks != 0 and world.happens(world.ack_loss[self.broker]):
            world.seen["lost answer"] += 1
            request.answer = "broken"

    def store(self, batch: Batch, epoch: int) -> bool | None:
        world, process = self.world, self.process
        s, p = world.s, batch.partition
        if world.leader[p] != self.broker:
            world.seen["not leader"] += 1
            return False
        if s.acks == -1 and world.happens(world.append_fails[p]):
            world.seen["append failed"] += 1
            world.act("refused")
            return False
        transactional = s.order == "transaction"
        if transactional and batch.txn != world.txns:
            return False
        if transactional and world.fenced:
            world.seen["invalid epoch"] += 1
            return None
        partition = world.partitions[p]
        if s.idempotent:
            assert batch.sequence is not None
            last = batch.sequence + len(batch.rows) - 1
            verdict = partition.check(process.session, epoch, batch.sequence, last, transactional)
            world.seen[verdict] += 1
            if verdict != "append":
                return verdict == "repeat"
        if batch.resolved and s.acks != 0:
            world.seen["stored though failed"] += 1
        if transactional and world.opened_s is None:
            world.opened_s = self.env.now
        for row in batch.rows:
            partition.log.append((self.env.now, row, batch.attempts))
            partition.txn.append(batch.txn)
            partition.aborted.append(INF)
            partition.visible.append(INF if transactional else self.env.now)
            partition.left_s.append(batch.left_s)
        return True

    def _answers(self) -> Steps:
        """The answers, in order; one that comes late holds up those behind it."""
        while True:
            request = yield self.to_client.get()
            seen_s = request.seen_s(self.world.s.notice_s)
            if self.env.now < seen_s:
                yield self.env.timeout(seen_s - self.env.now)
            if self.broken or request.answer == "never":  # it may have become so meanwhile
                return
            self._take_in(request)
            waiting = self.to_client.items
            while (
                waiting
                and not self.broken
                and waiting[0].seen_s(self.world.s.notice_s) <= self.env.now
            ):
                self._take_in(waiting.pop(0))
            self.process.pump()

    def _take_in(self, request: Request) -> None:
        process = self.process
        if request.answer == "broken":
            process.disconnect(self.broker)
            return
        request.done = True
        self.in_flight.remove(request)
        for batch, stored in zip(request.batches, request.stored, strict=True):
            batch.in_flight = False
            if batch.resolved:
                continue
            if stored is None:
                process.refused = True
                process.resolve(batch, "failed")
            elif stored:
                process.resolve(batch, "acked")
            else:
                process.put_back(batch)


class Process:
    """One life of the application, with its client."""

    def __init__(self, world: PlainClient, session: int) -> None:
        self.world, self.env, self.s = world, world.env, world.s
        self.session = session
        self.dead = False
        self.exited = False
        self.closing = False
        self.numbers = count()
        self.queues: list[list[Batch]] = [[] for _ in range(self.s.partitions)]
        self.unresolved_batches: list[Batch] = []
        self.sequence = [0] * self.s.partitions
        self.epoch = [0] * self.s.partitions
        self.given_up = [False] * self.s.partitions
        self.connections = [Connection(self, b) for b in range(self.s.brokers)]
        for connection, asleep in zip(self.connections, world.asleep, strict=True):
            connection.broken = asleep is not None
        self.turn = [0] * self.s.brokers
        self.remaining = 0
        self.held_bytes = 0
        self.refused = False  # a broker has said that the producer is fenced
        self.hurry = False  # flushing, or (Java) waiting for memory
        self.errors = 0
        self.position = world.committed
        self.changed = self.env.event()
        self.nudged = self.env.event()
        self.app = self.env.process(self._guard(self._run()))

    # The end.

    def die(self) -> None:
        if self.dead:
            return
        self.dead = self.exited = True
        for batch in self.unresolved_batches:
            for row in batch.rows:
                self.world.status[row] = "died"
        self.remaining = 0
        for connection in self.connections:
            if not connection.broken:
                connection.leave()
            connection.broken = True
        if self.app.is_alive and self.app is not self.env.active_process:
            self.app.interrupt()
        self.world.process = None
        self.world.note()

    def close(self, grace_s: float) -> None:
        if not self.closing:
            self.closing = True
            self.nudged.succeed()

        def kill() -> Steps:
            yield self.env.timeout(grace_s)
            self.die()

        if grace_s < INF:
            self.env.process(kill())

    def exit(self, flush: bool) -> None:
        self.app.interrupt()
        if flush:
            self.app = self.env.process(self._guard(self._flush_and_die()))
        else:
            self.die()

    def _flush_and_die(self) -> Steps:
        yield from self._flush(INF)
        self.die()

    def _guard(self, steps: Steps) -> Steps:
        try:
            yield from steps
        except simpy.Interrupt:
            return

    # The application.

    def _run(self) -> Steps:
        world, s, env = self.world, self.s, self.env
        next_commit_s = env.now + s.auto_commit_s
        if env.now == 0:
            yield env.timeout(0)
        while True:
            if self.closing:
                yield from self._shut_down()
                return
            if s.order == "produce" and env.now >= next_commit_s:
                world.committed = self.position
                self.errors = 0
                next_commit_s = env.now + s.auto_commit_s
            polled = []
            row = self.position
            while (
                row < len(world.created_s)
                and world.created_s[row] <= env.now
                and len(polled) < s.poll_records
            ):
                polled.append(row)
                row += 1
            if not polled:
                waits = [self.nudged]
                if row < len(world.created_s):
                    waits.append(env.timeout(world.created_s[row] - env.now))
                if s.order == "produce" and world.committed < self.position:
                    waits.append(env.timeout(next_commit_s - env.now))
                yield env.any_of(waits)
                continue
            if s.order == "commit-produce":
                yield from self._commit(row)
            if s.order == "transaction":
                try:
                    yield from self._transaction(polled)
                except Fenced:
                    world.fence(self, world.committed, polled[-1] + 1)
                    return
                continue
            if s.order == "produce-flush-commit":
                self.errors = 0
            for row in polled:
                yield env.timeout(world.process_s[row])
                yield from self._send(row)
                self.position = row + 1
            if s.order == "produce-flush-commit":
                while True:
                    yield from self._flush(s.flush_timeout_s)
                    if self.remaining == 0 or not s.check_flush:
                        break
                    world.seen["flush timeout"] += 1
                if self.errors and s.check_flush:
                    world.seen["sent again"] += 1
                    self.position = world.committed
                else:
                    yield from self._commit(self.position)

    def _transaction(self, polled: list[int]) -> Steps:
        """Begin, send, flush, and commit or abort."""
        world, env = self.world, self.env
        world.txns += 1
        world.fenced, self.refused, self.errors = False, False, 0
        began = {p: len(part.log) for p, part in enumerate(world.partitions)}
        try:
            for row in polled:
                yield env.timeout(world.process_s[row])
                yield from self._send(row)
                self.position = row + 1
            yield from self._flush(INF)
            if self.refused:
                raise Refused
            fails = self.errors > 0
        except Refused:
            fails = True
        yield from self._ask_coordinator()
        if world.fenced:
            yield env.timeout(world.way_s)
            raise Fenced
        if fails:
            world.seen["aborted"] += 1
            world.abort()
            world.txns += 1
            yield env.timeout(world.way_s)
            self.position = world.committed
            return
        world.committed = self.position
        world.opened_s = None
        for p, part in enumerate(world.partitions):
            for at in range(began[p], len(part.log)):
                part.visible[at] = env.now
        yield env.timeout(world.way_s)

    def _ask_coordinator(self) -> Steps:
        """A request gets to the coordinator, which may be away or asleep."""
        world = self.world
        yield self.env.timeout(world.way_s)
        while not world.up[world.coordinator] or world.asleep[world.coordinator] is not None:
            world.seen["coordinator away"] += 1
            after_s = yield world.reached
            yield self.env.timeout(after_s)

    def _shut_down(self) -> Steps:
        while True:
            yield from self._flush(self.s.flush_timeout_s)
            if self.remaining == 0 or not self.s.check_flush:
                break
        bad = self.s.check_flush and self.errors
        behind = self.position > self.world.committed
        if behind and not bad and self.s.order != "commit-produce":
            yield from self._commit(self.position)
        self.world.seen["closed"] += 1
        self.die()

    def _commit(self, offset: int) -> Steps:
        yield self.env.timeout(self.s.commit_s / 2)
        self.world.committed = offset
        yield self.env.timeout(self.s.commit_s / 2)

    def _flush(self, timeout_s: float) -> Steps:
        deadline_s = self.env.now + timeout_s
        self.hurry = True
        self.pump()
        while self.remaining > 0 and self.env.now < deadline_s and not self.refused:
            waits = [self.changed]
            if deadline_s < INF:
                waits.append(self.env.timeout(deadline_s - self.env.now))
            yield self.env.any_of(waits)
        if self.remaining > 0 and not self.refused:
            self.world.act("unflushed", self.remaining)
        self.hurry = False

    def _full(self) -> str:
        s = self.s
        return "bytes" if s.java or self.remaining < s.buffer_records else "records"

    def _room(self, partition: int, size: int) -> bool:
        s = self.s
        if not s.java:
            return self.remaining < s.buffer_records and self.held_bytes + size <= s.buffer_bytes
        queue = self.queues[partition]
        if queue and not queue[-1].closed and queue[-1].size_bytes + size <= s.batch_bytes:
            return True
        return self.held_bytes + max(s.batch_bytes, size) <= s.buffer_bytes

    def _send(self, row: int) -> Steps:
        partition, size = self.world.partition_of[row], self.world.size_bytes[row]
        deadline_s = self.env.now + self.s.block_s
        meets = 1
        if self.refused:
            raise Refused
        while not self._room(partition, size):
            self.world.act(self._full(), meets)
            meets = 0
            if self.env.now >= deadline_s:
                self.world.seen["rejected"] += 1
                self.world.act("rejected")
                self.world.status[row] = "rejected"
                self.errors += 1
                self.hurry = False
                return
            self.world.seen["blocked"] += 1
            self.hurry = self.s.java
            self.pump()
            if self._room(partition, size):  # acks=0: it has become free at once
                break
            waits = [self.changed]
            if deadline_s < INF:
                waits.append(self.env.timeout(deadline_s - self.env.now))
            yield self.env.any_of(waits)
            if self.refused:
                self.hurry = False
                raise Refused
        self.hurry = False
        self._accept(row, partition, size)

    def _accept(self, row: int, partition: int, size: int) -> None:
        s, queue = self.s, self.queues[partition]
        if queue and queue[-1].size_bytes + size > s.batch_bytes:
            queue[-1].closed = True
        if not queue or queue[-1].closed:
            batch = Batch(next(self.numbers), partition, self.env.now, self.world.txns)
            batch.held_bytes = max(s.batch_bytes, size) if s.java else 0
            self.held_bytes += batch.held_bytes
            queue.append(batch)
            self.unresolved_batches.append(batch)
            self.env.process(self._later(s.linger_s))
            if s.delivery_timeout_s < INF:
                self.env.process(self._expire(batch))
        batch = queue[-1]
        batch.rows.append(row)
        batch.size_bytes += size
        if not s.java:
            batch.held_bytes += size
            self.held_bytes += size
        if batch.size_bytes >= s.batch_bytes or len(batch.rows) >= s.batch_records:
            batch.closed = True
        self.remaining += 1
        self.world.status[row] = "buffered"
        self.world.sent[row] += 1
        self.env.process(self._later(0.0))  # a flush that begins now comes first

    # The client.

    def _later(self, delay_s: float) -> Steps:
        yield self.env.timeout(delay_s)
        self.pump()

    def _expire(self, batch: Batch) -> Steps:
        yield self.env.timeout(self.s.delivery_timeout_s)
        if self.dead or batch.resolved:
            return
        self.world.seen["expired"] += 1
        self.world.act("expired", len(batch.rows))
        if batch in self.queues[batch.partition]:
            self.queues[batch.partition].remove(batch)
        self._give_up(batch)
        self.pump()

    def _give_up(self, batch: Batch) -> None:
        self.resolve(batch, "failed")
        if self.s.idempotent and batch.sequence is not None:
            self.given_up[batch.partition] = True

    def resolve(self, batch: Batch, status: str) -> None:
        batch.resolved = True
        self.unresolved_batches.remove(batch)
        for row in batch.rows:
            self.world.status[row] = status
            if status == "acked":
                self.world.acked_s[row] = min(self.world.acked_s[row], self.env.now)
        self.remaining -= len(batch.rows)
        self.held_bytes -= batch.held_bytes
        if status == "failed":
            self.errors += len(batch.rows)
        self.changed.succeed()
        self.changed = self.env.event()

    def put_back(self, batch: Batch) -> None:
        s = self.s
        batch.in_flight = False
        if batch.resolved:
            return
        expired = self.env.now >= batch.created_s + s.delivery_timeout_s
        if expired or batch.attempts >= s.retries:
            self.world.seen["gave up"] += 1
            self.world.act("expired" if expired else "tried out", len(batch.rows))
            self._give_up(batch)
            return
        self.world.seen["retry"] += 1
        factor = 0.8 + 0.4 * self.world.jitter.take()
        wait_s = min(s.backoff_max_s, s.backoff_s * 2**batch.attempts)
        batch.ready_s = self.env.now + min(s.backoff_max_s, wait_s * factor)
        batch.attempts += 1
        batch.closed = True
        queue = self.queues[batch.partition]
        queue.insert(0, batch)
        if s.in_order:
            queue.sort(key=lambda other: other.number)
        self.env.process(self._later(batch.ready_s - self.env.now + 1e-12))

    def disconnect(self, broker: int) -> None:
        connection = self.connections[broker]
        connection.broken = True
        for request in connection.in_flight:
            for batch in request.batches:
                self.put_back(batch)
        self.connections[broker] = Connection(self, broker)
        if not self.world.up[broker] or self.world.asleep[broker] is not None:
            self.connections[broker].broken = True  # there is none until the broker is back

    def _may_leave(self, batch: Batch) -> bool:
        s, p = self.s, batch.partition
        flying = [
            other
            for connection in self.connections
            for request in connection.in_flight
            for other in request.batches
            if other.partition == p and other.in_flight
        ]
        if self.given_up[p] and not flying:
            self.world.seen["new epoch"] += 1
            self.given_up[p] = False
            self.epoch[p] += 1
            self.sequence[p] = 0
            for other in self.queues[p]:
                other.sequence = None
        if batch.ready_s > self.env.now:
            return False
        if flying and (s.max_in_flight == 1 or self.given_up[p]):
            return False
        retried = s.idempotent and batch.sequence is not None
        return not (retried and any(other.number < batch.number for other in flying))

    def _must_leave(self, batch: Batch) -> bool:
        lingered = self.env.now >= batch.created_s + self.s.linger_s
        return self.hurry or batch.closed or lingered or len(self.queues[batch.partition]) > 1

    def _take(self, partition: int) -> Batch:
        batch = self.queues[partition].pop(0)
        batch.left_s = min(batch.left_s, self.env.now)
        batch.in_flight = True
        batch.closed = True
        if self.s.idempotent and batch.sequence is None:
            batch.sequence = self.sequence[partition]
            self.sequence[partition] += len(batch.rows)
        return batch

    def pump(self) -> None:
        """Send whatever can and must be sent now."""
        if self.dead:
            return
        for broker in range(self.s.brokers):
            while self._fill(broker):
                pass

    def _fill(self, broker: int) -> bool:
        s, world = self.s, self.world
        if self.connections[broker].broken:
            if not world.up[broker] or world.asleep[broker] is not None:
                return False
            self.connections[broker] = Connection(self, broker)
        connection = self.connections[broker]
        if s.acks != 0 and len(connection.in_flight) >= s.max_in_flight:
            world.seen["all in flight"] += 1
            return False
        n = s.partitions
        mine = [
            p
            for p in ((self.turn[broker] + k) % n for k in range(n))
            if world.leader[p] == broker and self.queues[p]
        ]
        due = [
            p
            for p in mine
            if self._may_leave(self.queues[p][0]) and self._must_leave(self.queues[p][0])
        ]
        if not due:
            return False
        request = Request([self._take(due[0])])
        if s.java:
            for p in mine[mine.index(due[0]) + 1 :] + mine[: mine.index(due[0])]:
                if self.queues[p] and self._may_leave(self.queues[p][0]):
                    request.batches.append(self._take(p))
        self.turn[broker] = (due[0] + 1) % n
        connection.send(request)
        if s.acks == 0:
            for batch in request.batches:
                batch.in_flight = False
                self.resolve(batch, "acked")
        return True
