"""A broker's queue and its consumers, message by message in plain SimPy: the oracle of the kernel.

It shares no code with ``sim`` and is written for reading: ready messages are plain lists that are
searched, every delivery, ack, lock and delay is a process of its own, and a consumer is as many
processes as it can work on messages side by side.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import simpy

from models.plain_machine import Machine, Steps

INF = float("inf")
FINAL = ("acked", "dead", "dropped", "expired", "refused", "lost")


@dataclass(frozen=True)
class Settings:
    """Of queue and consumers; times in s."""

    consumers: int = 1
    slots: int = 1
    push: bool = False
    batch: int = 1
    wait_s: float = 0.0
    prefetch: int = 1_000_000
    ack: str = "late"  # auto, start, late
    ack_every: int = 1
    ack_waits: bool = True
    per_batch_s: float = 0.0
    lock_s: float = INF
    sweep_s: float = 0.0
    late_ack: bool = False
    lock_closes: bool = False
    closes: bool = False
    reopen_s: float = 0.0
    place: str = "returns"  # original, returns, next, back
    requeue_place: str = "returns"  # the same, of what a consumer requeues
    pick: str = "one"  # one, groups, priority, fair, spans
    look_ahead: int = 1_000_000
    span: int = 1_000_000
    noisy_share: float = 1.0
    noisy_least: int = 1_000_000
    recent_s: float = 60.0
    single_active: bool = False
    max_receives: int = 1_000_000
    max_returns: int = 1_000_000
    counted: tuple[str, ...] = ()  # close, lock, failure
    dead_letters: bool = False
    on_failure: str = "leave"  # discard, rejected, requeue, retry, leave
    stop_batch: bool = False
    on_kill: str = "die"
    retry_s: float = 0.0
    retry_growth: float = 1.0
    retry_max_s: float = INF
    retry_held: bool = False
    max_length: int = 1_000_000
    overflow: str = "drop-head"
    republish_s: float = INF
    max_in_flight: int = 1_000_000
    dedup_s: float = 0.0
    calls_per_s: float = INF
    retention_s: float = INF
    delay_s: float = 0.0
    receive_s: float = 0.02
    ack_s: float = 0.02


@dataclass(eq=False)
class Message:
    """One message, as the broker and the outside see it."""

    work_s: float
    lane: int = 0
    due_s: float = 0.0
    same: int = -1  # number of its deduplication id; -1: its own
    row: int = -1
    where: str = "unsent"  # ready, flight, waiting, and the final ones
    old: bool = False
    receives: int = 0
    returns: int = 0
    done_s: float = INF
    effects: int = 0


@dataclass(eq=False)
class Connection:
    """Of one process of one consumer; the broker may know it or not."""

    consumer: "Consumer"
    joined: int = -1  # order of subscription; -1: not subscribed (yet, or any more)
    open: bool = False
    unacked: int = 0


@dataclass(eq=False)
class Delivery:
    """One copy of a message, handed to a consumer."""

    message: Message
    connection: Connection
    receipt: int
    sent_s: float
    at_broker: bool = True
    verdict: str = "ok"
    owed: bool = False
    ack_sent: bool = False
    held_back: bool = False  # for its ETA; does not count against the prefetch


@dataclass(eq=False)
class Consumer:
    """A process (or its place), with what it has in hand."""

    machine: Machine
    changed: simpy.Event  # it has something new to look at
    alive: bool = False
    stopping: bool = False
    cut: bool = False
    connection: Connection | None = None
    ripe: deque[Delivery] = field(default_factory=deque)
    buffer: deque[Delivery] = field(default_factory=deque)
    coming: int = 0
    working: list[Delivery] = field(default_factory=list)
    done: list[Delivery] = field(default_factory=list)
    processes: list[simpy.Process] = field(default_factory=list)
    leaves_at_once: bool = False  # pull: a SIGTERM ends it now, as it only waits


class PlainBroker:
    """The queue, its consumers, and the faults."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        enqueued_s: Sequence[float],
        messages: Sequence[Message],
        poison: dict[int, tuple[bool, int, float]] | None = None,
    ) -> None:
        self.env = env
        self.s = settings
        self.messages = list(messages)
        self.poison = {i: list(what) for i, what in (poison or {}).items()}
        self.number = {id(m): i for i, m in enumerate(self.messages)}
        self.lanes = 1 + max(m.lane for m in self.messages)
        self.front: list[list[Message]] = [[] for _ in range(self.lanes)]  # came back, to go first
        self.main: list[list[Message]] = [[] for _ in range(self.lanes)]
        self.arrived: list[Message] = []
        self.unacked: list[Delivery] = []
        self.waiting: list[Connection | PlainCall] = []
        self.active: Connection | None = None
        self.joins = 0
        self.subscribed: list[Connection] = []
        self.rotor = 0
        self.let_in: dict[int, float] = {}
        self.taken: dict[str, list[float]] = {"receive": [], "ack": []}
        self.spent: list[tuple[int, int, float]] = []
        self.dues: dict[tuple[int, float], simpy.Event] = {}
        self.seen: set[str] = set()
        self.network = env.event()  # a network was cut or mended
        self.consumers = [Consumer(Machine(env), env.event()) for _ in range(settings.consumers)]
        env.process(self._arrive(enqueued_s))
        if settings.sweep_s > 0:
            env.process(self._sweep())
        for c in range(settings.consumers):
            self.restart(c, c * 1e-3)

    # The way in.

    def _arrive(self, enqueued_s: Sequence[float]) -> Steps:
        for row, at_s in enumerate(enqueued_s):
            yield self.env.timeout(at_s + self.s.delay_s - self.env.now)
            message = self.messages[row]
            message.row = row
            if message.same >= 0:
                if self.env.now - self.let_in.get(message.same, -INF) < self.s.dedup_s:
                    message.where = "refused"
                    self.seen.add("deduplicated")
                    continue
                self.let_in[message.same] = self.env.now
            self.arrived.append(message)
            self.env.process(self._age(message))
            self._come(message)

    def _come(self, message: Message) -> None:
        s = self.s
        if s.overflow != "drop-head" and self._ready() >= s.max_length:
            self.seen.add("refused")
            if s.republish_s < INF:
                message.where = "waiting"
                self.env.process(self._again(message, s.republish_s))
            else:
                message.where = "dead" if s.overflow == "reject-dead" else "refused"
            return
        message.where = "ready"
        self.main[message.lane].append(message)
        self._serve()

    def _again(self, message: Message, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        self._come(message)

    def _age(self, message: Message) -> Steps:
        if self.s.retention_s == INF:
            return
        yield self.env.timeout(self.s.retention_s)
        if message.where == "ready":
            self._unready(message)
            message.where = "expired"
            self._serve()
        elif message.where == "flight":
            message.old = True

    # What is ready.

    def _ready(self) -> int:
        return sum(len(lane) for lane in self.front) + sum(len(lane) for lane in self.main)

    def _head(self, lane: int) -> Message | None:
        both = self.front[lane] or self.main[lane]
        return both[0] if both else None

    def _unready(self, message: Message) -> None:
        for lists in (self.front, self.main):
            if message in lists[message.lane]:
                lists[message.lane].remove(message)

    def _put_back(self, message: Message, place: str) -> None:
        message.where = "ready"
        front, main = self.front[message.lane], self.main[message.lane]
        if place == "returns":
            front.append(message)
        elif place == "next":
            (front or main).insert(0, message)
        elif place == "back":
            main.append(message)
        else:
            at = next((i for i, other in enumerate(main) if other.row > message.row), len(main))
            main.insert(at, message)

    def _bury(self, message: Message) -> None:
        message.where = "dead" if self.s.dead_letters else "dropped"
        self.seen.add("buried")

    def _give_back(self, message: Message, why: str) -> None:
        self.seen.add(f"back by {why}")
        if message.old:
            message.where = "expired"
            return
        if why in self.s.counted:
            message.returns += 1
        if message.returns > self.s.max_returns:
            self._bury(message)
        else:
            self._put_back(message, self.s.requeue_place if why == "failure" else self.s.place)

    def _in_flight(self, lane: int | None = None) -> int:
        return sum(1 for d in self.unacked if lane is None or d.message.lane == lane)

    def _noisy(self, lane: int) -> bool:
        of_lane, of_all = self._in_flight(lane), self._in_flight()
        if of_lane >= self.s.noisy_least and of_lane > self.s.noisy_share * of_all:
            return True
        now = self.env.now // self.s.recent_s
        recent = [(which, t) for span, which, t in self.spent if span in (now, now - 1)]
        mine = sum(t for which, t in recent if which == lane)
        return mine > self.s.noisy_share * sum(t for _, t in recent)

    def _next(self, going_on: int | None, consumer: Consumer) -> Message | None:
        """The message that would be handed out now."""
        heads = [m for m in map(self._head, range(self.lanes)) if m is not None]
        if self.s.pick == "one":
            return self._head(0)
        if self.s.pick == "priority":
            return max(heads, key=lambda m: m.lane, default=None)
        if self.s.pick == "groups":
            window = [m for m in self.arrived if m.where not in FINAL][: self.s.look_ahead]
            heads = [m for m in heads if m in window]
            if going_on is not None:
                same = [m for m in heads if m.lane == going_on]
                if same:
                    return same[0]
            if any(self._in_flight(m.lane) for m in heads):
                self.seen.add("group blocked")
            free = [m for m in heads if not self._in_flight(m.lane)]
            return min(free, key=lambda m: m.row, default=None)
        if self.s.pick == "fair":
            quiet = [m for m in heads if not self._noisy(m.lane)]
            if quiet:
                if len(quiet) < len(heads):
                    self.seen.add("noisy")
                return min(quiet, key=lambda m: m.row)
            return min(heads, key=lambda m: (self._in_flight(m.lane), m.row), default=None)
        for step in range(self.lanes):
            lane = (self.rotor + step) % self.lanes
            head = self._head(lane)
            if head is None:
                continue
            came = [m for m in self.arrived if m.lane == lane]
            first = next(i for i, m in enumerate(came) if m.where not in FINAL)
            if head.receives or came.index(head) - first < self.s.span:
                return head
            self.seen.add("window full")
        return None

    def _take(self, consumer: Consumer, connection: Connection) -> list[Delivery]:
        limit = 1 if self.s.push else self.s.batch
        held: list[Delivery] = []
        lane = None
        while len(held) < limit and self._in_flight() < self.s.max_in_flight:
            message = self._next(lane, consumer)
            if message is None:
                break
            lane = message.lane
            self._unready(message)
            if message.receives >= self.s.max_receives:
                self._bury(message)
                continue
            message.receives += 1
            delivery = Delivery(message, connection, message.receives, self.env.now)
            held.append(delivery)
            if self.s.ack == "auto":
                message.where = "acked"
                delivery.at_broker = False
                continue
            message.where = "flight"
            self.unacked.append(delivery)
            if self.s.push:
                connection.unacked += 1
        if held:
            self.rotor = (self.rotor + 1) % self.lanes
            if self.s.ack != "auto" and self.s.lock_s < INF and self.s.sweep_s == 0:
                self.env.process(self._lock(held))
        return held

    def _may_receive(self, connection: Connection) -> bool:
        return (
            connection.open
            and connection.joined >= 0
            and (self.s.ack == "auto" or connection.unacked < self.s.prefetch)
            and (not self.s.single_active or self.active is connection)
        )

    def _wait(self, connection: Connection) -> None:
        if self._may_receive(connection) and connection not in self.waiting:
            self.waiting.append(connection)

    def _serve(self) -> None:
        """Hand out what can be handed out, to those who wait, first come first."""
        while self.waiting:
            first = self.waiting[0]
            if isinstance(first, PlainCall):
                held = self._take(first.consumer, first.connection)
                if not held:
                    break
                self.waiting.pop(0)
                first.answer.succeed(held)
                continue
            held = self._take(first.consumer, first)
            if not held:
                break
            self.waiting.pop(0)
            d, there = held[0], first.consumer.connection is first
            if there and d.message.due_s > self.env.now + self.s.receive_s / 2:
                d.held_back = True
                first.unacked -= self.s.ack != "auto"
            self._wait(first)
            self.env.process(self._transport(d))
        dropped = False
        if self.s.overflow == "drop-head":
            while self._ready() > self.s.max_length:
                lane = max(i for i in range(self.lanes) if self._head(i) is not None)
                message = self._head(lane)
                assert message is not None
                self._unready(message)
                self._bury(message)
                self.seen.add("head dropped")
                dropped = True
        if dropped:
            self._serve()  # the next head may be one that can be handed out

    # Acks, locks, connections.

    def _until_taken(self, kind: str, after_s: float) -> float:
        """Until a call that arrives ``after_s`` from now is within its quota.

        The calls taken leave a bucket of a second's quota at that rate; it must not run over.
        """
        rate = self.s.calls_per_s
        if rate == INF:
            return after_s
        level, last_s = 0.0, -INF
        for at_s in self.taken[kind]:
            level = max(0.0, level - (at_s - last_s) * rate) + 1.0
            last_s = at_s
        at_s = max(self.env.now + after_s, last_s)
        level = max(0.0, level - (at_s - last_s) * rate) if self.taken[kind] else 0.0
        if level > rate:
            self.seen.add("throttled")
            at_s += (level - rate) / rate
        self.taken[kind].append(at_s)
        return at_s - self.env.now

    def _ack_travels(self, deliveries: list[Delivery], after_s: float | None = None) -> Steps:
        for d in deliveries:
            d.ack_sent = True
        yield self.env.timeout(self.s.ack_s / 2 if after_s is None else after_s)
        for d in deliveries:
            self._acknowledge(d)
        self._serve()

    def _acknowledge(self, d: Delivery) -> None:
        message, connection = d.message, d.connection
        if d.at_broker:
            self._forget(d)
            self._settle(message, d.verdict, d in connection.consumer.working)
        elif (
            self.s.late_ack
            and d.verdict == "ok"
            and message.where == "ready"
            and message.receives == d.receipt
        ):
            self._unready(message)
            message.where = "acked"
            self.seen.add("late ack")
        else:
            self.seen.add("stale ack")
        if self.s.push and connection.open:
            connection.unacked -= 1
            self._wait(connection)

    def _forget(self, d: Delivery) -> None:
        d.at_broker = False
        self.unacked.remove(d)
        now = self.env.now
        self.spent.append((int(now // self.s.recent_s), d.message.lane, now - d.sent_s))

    def _settle(self, message: Message, verdict: str, worked_on: bool) -> None:
        if verdict == "retry":
            self._retry(message)
        elif verdict == "requeue":
            self._give_back(message, "failure")
        elif verdict == "rejected":
            self._bury(message)
        elif message.effects or worked_on:
            message.where = "acked"
        else:
            message.where = "dropped" if verdict == "discard" else "lost"

    def _retry(self, message: Message) -> None:
        message.returns += 1
        if message.returns > self.s.max_returns:
            self._bury(message)
            return
        self.seen.add("retried")
        message.old = False  # it is published anew
        wait_s = self.s.retry_s * self.s.retry_growth ** (message.returns - 1)
        wait_s = min(wait_s, self.s.retry_max_s)
        if self.s.retry_held:
            self.seen.add("retry held")
            message.due_s = self.env.now + wait_s
            self._put_back(message, "back")
            return
        message.where = "waiting"
        self.env.process(self._again(message, wait_s))

    def _lock(self, held: list[Delivery]) -> Steps:
        yield self.env.timeout(self.s.lock_s)
        # With it, all that were handed out at the same moment.
        self._unlock([d for d in self.unacked if d.sent_s <= held[0].sent_s])

    def _sweep(self) -> Steps:
        while True:
            yield self.env.timeout(self.s.sweep_s)
            self._unlock([d for d in self.unacked if d.sent_s + self.s.lock_s <= self.env.now])

    def _unlock(self, held: list[Delivery]) -> None:
        for d in held:
            if not d.at_broker:
                continue
            if self.s.lock_closes:
                self.seen.add("closed by lock")
                self._close(d.connection, "lock")
            else:
                self._forget(d)
                self._give_back(d.message, "lock")
        self._serve()

    def _join(self, connection: Connection, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        consumer = connection.consumer
        if not consumer.alive or consumer.connection is not connection:
            return
        for d in [d for d in self.unacked if d.connection.consumer is consumer]:
            if d.connection is not connection:
                self._close(d.connection)
        for other in list(self.waiting):
            if isinstance(other, Connection) and other.consumer is consumer:
                self._close(other)
        if self.active is not None and self.active.consumer is consumer:
            self._close(self.active)
        connection.open = True
        connection.joined = self.joins
        self.joins += 1
        self.subscribed.append(connection)
        if self.s.single_active and self.active is None:
            self._choose()
        self._wait(connection)
        self._serve()

    def _choose(self) -> None:
        able = [c for c in self.subscribed if c.open and c.joined >= 0]
        self.active = min(able, key=lambda c: c.joined, default=None)
        if self.active is not None:
            self._wait(self.active)

    def _cancel(self, connection: Connection) -> Steps:
        yield self.env.timeout(self.s.ack_s / 2)
        if connection.open:
            connection.joined = -1
            if connection in self.waiting:
                self.waiting.remove(connection)
            if self.active is connection:
                self._choose()
            self._serve()

    def _close_later(self, connection: Connection) -> Steps:
        yield self.env.timeout(self.s.ack_s / 2)
        self._close(connection)
        self._serve()

    def _take_back(self, connection: Connection, why: str) -> None:
        for d in [d for d in self.unacked if d.connection is connection]:
            if self.s.push or not d.ack_sent:
                self._forget(d)
                self._give_back(d.message, why)

    def _hand_back(self, connection: Connection, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        self.seen.add("handed back")
        self._take_back(connection, "close")
        self._serve()

    def _close(self, connection: Connection, why: str = "close") -> None:
        """The broker closes a connection: what it has not acknowledged comes back."""
        if not connection.open:
            return
        if self.s.closes:
            self._take_back(connection, why)
        connection.open = False
        connection.unacked = 0
        if connection in self.waiting:
            self.waiting.remove(connection)
        if self.active is connection:
            self._choose()
        consumer = connection.consumer
        if consumer.alive and consumer.connection is connection and self.s.closes:
            self._drop(consumer, working_too=False)
            consumer.connection = Connection(consumer)
            if not consumer.cut and not consumer.stopping:
                left_s = max(self.env.now, consumer.machine.resume_s) - self.env.now
                self.env.process(self._join(consumer.connection, left_s + self.s.reopen_s))

    # Consumers that are pushed to.

    def _transport(self, d: Delivery) -> Steps:
        consumer = d.connection.consumer
        if consumer.connection is not d.connection:
            self._lose(d)
            return
        half_s = self.s.receive_s / 2
        if d.held_back:
            yield self._due(d.message)
            if consumer.connection is not d.connection:
                self._lose(d)
                return
            if self.s.ack != "auto" and d.connection.open:
                d.connection.unacked += 1
                if not self._may_receive(d.connection) and d.connection in self.waiting:
                    self.waiting.remove(d.connection)
            consumer.ripe.append(d)
        else:
            consumer.coming += 1
            arrives = self.env.timeout(half_s)
            while True:
                if not consumer.cut:
                    yield arrives | self.network
                    if arrives.processed:
                        break
                while consumer.cut:
                    yield self.network
                    arrives = self.env.timeout(half_s)
            if consumer.connection is not d.connection:
                self._lose(d)
                return
            consumer.coming -= 1
            consumer.buffer.append(d)
        self._look(consumer)

    def _due(self, message: Message) -> simpy.Event:
        """One event for all copies: they are due at the same moment, the first handed out first."""
        which = self.number[id(message)], message.due_s
        if which not in self.dues:
            self.dues[which] = self.env.timeout(message.due_s - self.env.now)
        return self.dues[which]

    def _look(self, consumer: Consumer) -> None:
        consumer.changed.succeed()
        consumer.changed = self.env.event()

    def _lose(self, d: Delivery) -> None:
        if d.message.where == "acked" and not d.message.effects:
            d.message.where = "lost"

    def _slot(self, consumer: Consumer) -> Steps:
        try:
            while True:
                while True:
                    yield from consumer.machine.running()
                    gives_back = consumer.stopping and self.s.ack != "auto"
                    if (consumer.ripe or consumer.buffer) and not gives_back:
                        break
                    idle = not consumer.working and not consumer.machine.paused
                    empty = not (consumer.ripe or consumer.buffer or consumer.coming)
                    if consumer.stopping and idle and (gives_back or empty):
                        self._leave(consumer)
                        return
                    yield consumer.changed
                d = (consumer.ripe or consumer.buffer).popleft()
                consumer.working.append(d)
                if self.s.ack == "start":
                    if consumer.cut:
                        d.owed = True
                    else:
                        self.env.process(self._ack_travels([d]))
                yield from consumer.machine.work(d.message.work_s)
                if self._finish(consumer, d):
                    self._send_acks(consumer)
                self._look(consumer)
        except simpy.Interrupt:
            pass

    def _leave(self, consumer: Consumer) -> None:
        self._send_acks(consumer)
        self.crash(self.consumers.index(consumer), but=self.env.active_process, leaving=True)

    def _finish(self, consumer: Consumer, d: Delivery) -> bool:
        """Work on a delivery is over; False: the process died of it."""
        message = d.message
        what = self.poison.get(self.number[id(message)])
        verdict = "ok"
        if what is not None and what[1] > 0:
            what[1] -= 1
            verdict = self.s.on_kill if what[0] else self.s.on_failure
            self.seen.add("poison")
            if verdict == "die":
                c = self.consumers.index(consumer)
                self.crash(c, but=self.env.active_process)
                if what[2] < INF:
                    self.env.process(self._start_later(c, what[2]))
                raise simpy.Interrupt("died")
        if verdict == "ok":
            message.effects += 1
            message.done_s = min(message.done_s, self.env.now)
        consumer.working.remove(d)
        if self.s.ack != "late" and not d.owed:
            d.verdict = verdict
            if not d.at_broker and verdict != "ok" and message.where == "acked":
                self._settle(message, verdict, False)
                self._serve()
        elif verdict != "leave":
            d.verdict = verdict
            consumer.done.append(d)
        if verdict != "ok" and self.s.stop_batch:
            consumer.buffer.clear()
        return True

    def _start_later(self, c: int, after_s: float) -> Steps:
        died = self.consumers[c].connection
        yield self.env.timeout(after_s)
        if not self.consumers[c].alive and self.consumers[c].connection is died:
            self.restart(c)

    def _send_acks(self, consumer: Consumer) -> None:
        if consumer.done and not consumer.cut:
            self.env.process(self._ack_travels(consumer.done))
            consumer.done = []

    # Consumers that pull.

    def _puller(self, consumer: Consumer, after_s: float) -> Steps:
        s = self.s
        try:
            yield self.env.timeout(after_s)
            while True:
                held = yield from self._receive(consumer)
                consumer.buffer.extend(held)
                yield from consumer.machine.running()
                extra_s, chunk = s.per_batch_s, 0
                while consumer.buffer:
                    d = consumer.buffer.popleft()
                    consumer.working.append(d)
                    yield from consumer.machine.work(extra_s + d.message.work_s)
                    extra_s = 0.0
                    self._finish(consumer, d)
                    chunk += 1
                    if chunk < s.ack_every and consumer.buffer:
                        continue
                    chunk = 0
                    if consumer.done:
                        yield from self._ack_call(consumer)
                if consumer.stopping:
                    break
            self._leave(consumer)
        except simpy.Interrupt:
            pass

    def _mended(self, consumer: Consumer) -> Steps:
        while consumer.cut:
            consumer.leaves_at_once = True
            while consumer.cut:
                yield self.network
            consumer.leaves_at_once = False
            yield from consumer.machine.running()
        if consumer.stopping:
            self._leave(consumer)
            raise simpy.Interrupt("left")

    def _in_time(self, consumer: Consumer, *events: simpy.Event) -> Steps:
        """Wait for one of the events; False: the network was cut before any came."""
        while not any(event.processed for event in events):
            yield self.env.any_of([*events, self.network])
            if any(event.processed for event in events):
                break
            if consumer.cut:
                return False
        return True

    def _receive(self, consumer: Consumer) -> Steps:
        s = self.s
        assert consumer.connection is not None
        while True:
            if consumer.cut:
                yield from self._mended(consumer)
            travels = self.env.timeout(self._until_taken("receive", s.receive_s / 2))
            if not (yield from self._in_time(consumer, travels)):
                continue
            call = PlainCall(consumer, consumer.connection, self.env.event())
            self.waiting.append(call)
            self._serve()
            if s.wait_s > 0 and not call.answer.triggered:
                consumer.leaves_at_once = True
                ends = self.env.timeout(s.wait_s)
                mended = yield from self._in_time(consumer, call.answer, ends)
                consumer.leaves_at_once = False
                if not mended:
                    if call in self.waiting:
                        self.waiting.remove(call)
                    continue
            if call in self.waiting:
                self.waiting.remove(call)
            held = call.answer.value if call.answer.triggered else []
            if not (yield from self._in_time(consumer, self.env.timeout(s.receive_s / 2))):
                continue
            if held:
                return held
            yield from consumer.machine.running()
            if consumer.stopping:
                return []

    def _ack_call(self, consumer: Consumer) -> Steps:
        if consumer.cut:
            yield from self._mended(consumer)
        after_s = self._until_taken("ack", self.s.ack_s / 2)
        self.env.process(self._ack_travels(consumer.done, after_s))
        consumer.done = []
        if self.s.ack_waits:
            answered = self.env.timeout(after_s + self.s.ack_s / 2)
            if not (yield from self._in_time(consumer, answered)):
                yield from self._mended(consumer)
            yield from consumer.machine.running()

    # The faults.

    def alive(self, c: int) -> bool:
        """Whether the process runs."""
        return self.consumers[c].alive

    def _drop(self, consumer: Consumer, working_too: bool) -> None:
        dropped = [*consumer.ripe, *consumer.buffer, *(consumer.working if working_too else [])]
        for d in dropped:
            self._lose(d)
        consumer.ripe.clear()
        consumer.buffer.clear()
        consumer.coming = 0
        consumer.done = []
        if working_too:
            consumer.working.clear()

    def crash(self, c: int, but: simpy.Process | None = None, *, leaving: bool = False) -> None:
        """Kill the process; acks already sent still arrive."""
        consumer = self.consumers[c]
        if not consumer.alive:
            return
        consumer.alive = False
        self._drop(consumer, working_too=True)
        self.waiting = [
            w for w in self.waiting if not (isinstance(w, PlainCall) and w.consumer is consumer)
        ]
        connection = consumer.connection
        assert connection is not None
        consumer.connection = None
        if self.s.push and connection.open and not consumer.cut:
            self.env.process(self._close_later(connection))
        if self.s.push and leaving and not self.s.closes and not consumer.cut:
            self.env.process(self._hand_back(connection, self.s.ack_s / 2))
        if not self.s.push and self.s.closes and not consumer.cut:
            self.env.process(self._hand_back(connection, 0.0))
        for process in consumer.processes:
            if process is not but and process.is_alive:
                process.interrupt()

    def restart(self, c: int, after_s: float = 0.0) -> None:
        """Start a new process in the place of a dead one; it makes itself known a little later."""
        consumer = self.consumers[c]
        consumer.machine = Machine(self.env)
        consumer.alive, consumer.stopping, consumer.leaves_at_once = True, False, False
        consumer.connection = Connection(consumer)
        if self.s.push:
            if not consumer.cut:
                self.env.process(self._join(consumer.connection, after_s + self.s.ack_s / 2))
            consumer.processes = [
                self.env.process(self._slot(consumer)) for _ in range(self.s.slots)
            ]
        else:
            consumer.processes = [self.env.process(self._puller(consumer, after_s))]

    def terminate(self, c: int) -> None:
        """SIGTERM."""
        consumer = self.consumers[c]
        if not consumer.alive:
            return
        consumer.stopping = True
        if self.s.push:
            if not consumer.cut and consumer.connection.open:
                self.env.process(self._cancel(consumer.connection))
            self._look(consumer)
        elif consumer.leaves_at_once:
            self.crash(c)

    def pause(self, c: int, for_s: float) -> None:
        """Stop the process for a while."""
        self.consumers[c].machine.pause(for_s)

    def slow(self, c: int, factor: float) -> None:
        """Stretch the work of the process."""
        self.consumers[c].machine.slow(factor)

    def cut_off(self, c: int) -> None:
        """Cut the network of one consumer."""
        self.consumers[c].cut = True
        self.network.succeed()
        self.network = self.env.event()

    def reconnect(self, c: int) -> None:
        """Mend it."""
        consumer = self.consumers[c]
        if not consumer.cut:
            return
        consumer.cut = False
        self.network.succeed()
        self.network = self.env.event()
        if not self.s.push:
            return
        for old in self._connections(consumer):
            if old is not consumer.connection:
                self.env.process(self._close_later(old))
        if not consumer.alive:
            return
        connection = consumer.connection
        if connection.open:
            self._send_acks(consumer)
            for d in consumer.working:
                if d.owed:
                    d.owed = False
                    self.env.process(self._ack_travels([d]))
            if consumer.stopping:
                self.env.process(self._cancel(connection))
        elif not consumer.stopping:
            self.env.process(self._join(connection, self.s.ack_s / 2))

    def _connections(self, consumer: Consumer) -> list[Connection]:
        """Those that the broker believes to be open."""
        return [c for c in self.subscribed if c.open and c.consumer is consumer]

    def disconnect(self, c: int) -> None:
        """The broker has heard nothing of a consumer for too long."""
        for connection in self._connections(self.consumers[c]):
            self._close(connection)
        self._serve()


@dataclass(eq=False)
class PlainCall:
    """A receive call that waits for messages."""

    consumer: Consumer
    connection: Connection
    answer: simpy.Event
