"""The broker's side of `models.plain_broker`: what is ready, acks, locks and connections."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import simpy

from models.plain_broker_parts import (
    FINAL,
    INF,
    Connection,
    Consumer,
    Delivery,
    Message,
    PlainCall,
    Settings,
)
from models.plain_broker_times import NEAR_S, History
from models.plain_machine import Machine, Steps


class PlainQueueSide:
    """The queue and what the broker knows of its consumers; what these do is in `PlainBroker`."""

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
        self.enqueued_s = enqueued_s
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
        self.came_first: list[Message] = []  # of all priorities, what came back
        self.turn = 0
        self.backing_off: list[Message] = []
        self.let_in: dict[int, float] = {}
        self.taken: dict[str, list[float]] = {"receive": [], "ack": []}
        self.spent: list[tuple[int, int, float]] = []
        self.dues: dict[tuple[int, float], simpy.Event] = {}
        self.seen: set[str] = set()
        self.died_s: list[float] = []  # when each row died
        self.network = env.event()  # a network was cut or mended
        self.mailbox: list[int] = []  # rows that wait for the queue's process
        self.busy = False
        self.did = "delivered"
        self.came = 0
        self.latest_s = -INF  # when the latest message came
        self.takes_letters = False
        self.post: Callable[[int, str, Counter[str]], None] | None = None  # to another queue
        self.consumers = [Consumer(Machine(env), env.event()) for _ in range(settings.consumers)]
        self.times = History(self)
        env.process(self._arrive(enqueued_s))
        if settings.sweep_s > 0:
            env.process(self._sweep())
        self.marked: set[Delivery] = set()  # seen by the latest check, and not renewed since
        if settings.lease_s < INF:
            env.process(self._check())
        self.span: list[Message] | None = None  # handed over since it began
        self.snapshots: dict[float, set[Message]] = {}  # what was not acknowledged, and when

    # The way in.

    def _arrive(self, enqueued_s: Sequence[float]) -> Steps:
        for row, at_s in enumerate(enqueued_s):
            if at_s == INF:
                continue  # it comes from another queue, if at all
            yield self.env.timeout(at_s + self.s.delay_s - self.env.now)
            self.messages[row].entered_s = self.messages[row].first_s = at_s
            if self._limited():
                self.mailbox.append(row)
                self._serve()
                continue
            self._take_in(row, at_s)

    def _limited(self) -> bool:
        return self.s.publish_s > 0 or self.s.deliver_s > 0

    def _take_in(self, row: int, at_s: float) -> None:
        """A published message is in the queue, or is not let in."""
        message = self.messages[row]
        message.row = self.came
        self.came += 1
        self._trim(message)
        if not message.effects:
            message.came_s = self.env.now
        if message.same >= 0 and not message.letter:
            if self.env.now - self.let_in.get(message.same, -INF) < self.s.dedup_s:
                message.where = "refused"
                self.seen.add("deduplicated")
                return
            self.let_in[message.same] = self.env.now
        self.arrived.append(message)
        self.latest_s = self.env.now
        if not self.s.at_head:
            self.env.process(self._age(message, at_s + self.s.delay_s))
        self._come(message)
        for consumer in self.consumers if self.s.notify else ():
            at_s = max(self.env.now, consumer.soon_s)
            if consumer.sleeping and not consumer.cut and at_s < consumer.until_s:
                consumer.until_s = at_s
                self.seen.add("notified")
                self._look(consumer)

    def _come(self, message: Message) -> None:
        s = self.s
        if s.overflow != "drop-head" and self._ready() + len(self.backing_off) >= s.max_length:
            self.seen.add("refused")
            self.times.acted["refused"] += 1
            again_s = s.letters_again_s if message.letter else s.republish_s
            if again_s < INF:
                self.times.waits(message, "send", again_s)
                message.where = "waiting"
                self.env.process(self._again(message, again_s))
            elif s.overflow == "reject-dead" and self.post:
                self._bury(message, "maxlen")
            else:
                message.where = "dead" if s.overflow == "reject-dead" else "refused"
            return
        message.where = "ready"
        message.expires_s = self.env.now + min(
            s.retention_s, INF if message.letter else message.ttl_s
        )
        self.main[message.lane].append(message)
        self.times.ready(message)
        self._serve()

    def _again(self, message: Message, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        self._come(message)

    def _age(self, message: Message, came_s: float) -> Steps:
        if self.s.retention_s == INF:
            return
        stay = message.stay
        yield self.env.timeout(max(0.0, came_s + self.s.retention_s - self.env.now))
        if came_s + self.s.retention_s > self.env.now + NEAR_S:
            return  # it may be older by now
        if message.stay != stay:
            return
        yield from self._end(message)

    def _live(self, message: Message, ends_s: float) -> Steps:
        """A letter whose life did not begin when it came here."""
        stay = message.stay
        yield self.env.timeout(max(0.0, ends_s - self.env.now))
        if message.stay == stay:
            self.seen.add("letter expired")
            yield from self._end(message)

    def _end(self, message: Message) -> Steps:
        yield from ()
        if message.where == "ready":
            self._unready(message)
            message.where = "expired"
            self.times.acted["expired"] += 1
            self._serve()
        elif message.where == "flight" or message in self.backing_off:
            message.old = True

    def alter(self, **settings: float) -> None:
        """Set the lock of what is handed over from now on, and the others for all that is there."""
        self.s = replace(self.s, **settings)
        self.seen.update(f"altered {name}" for name in settings)
        if "retention_s" in settings:
            for row, message in enumerate(self.messages):
                if message in self.arrived:
                    came_s = self.enqueued_s[row] + self.s.delay_s
                    self.env.process(self._age(message, came_s))

    # Seeks.

    def seek(self, to_s: float) -> None:
        """What came before is acknowledged; what came since comes again, as far as it is kept."""
        now = self.env.now
        for message in self.arrived:
            came_s = message.entered_s
            self._go_to(message, read=came_s < to_s, kept=came_s >= now - self.s.keeps_s)
        self._go_on()

    def take_snapshot(self) -> None:
        """Note what is not acknowledged."""
        there = ("ready", "flight", "waiting")
        self.snapshots[self.env.now] = {m for m in self.arrived if m.where in there}

    def seek_snapshot(self, taken_s: float) -> None:
        """As it was then; what came since comes again."""
        open_then = self.snapshots[taken_s]
        for message in self.arrived:
            self._go_to(
                message, read=message not in open_then and message.entered_s <= taken_s, kept=True
            )
        self._go_on()

    def _go_to(self, message: Message, *, read: bool, kept: bool) -> None:
        gone = message.where in FINAL
        if read and not gone:
            self.seen.add(f"sought past {message.where}")
            if message.where == "ready":
                self._unready(message)
            elif message.where == "waiting":
                self.backing_off.remove(message)
                self.times.line_moved(message.lane)
            else:
                for d in [d for d in self.unacked if d.message is message]:
                    self._forget(d)
            message.sought += 1
            message.old = False
            message.where = "acked" if message.effects else "lost"
        too_old = message.entered_s + self.s.delay_s + self.s.retention_s <= self.env.now
        back = message.where in ("acked", "lost", "dead")
        if not read and gone and kept and back and not too_old:
            self.seen.add(f"sought {message.where}")
            message.where, message.returns = "ready", 0
            if not message.effects:
                self.times.starts_anew(message)
            self.times.ready(message)
            self.main[message.lane].append(message)

    def _go_on(self) -> None:
        for lane in range(self.lanes):
            ready = [*self.front[lane], *self.main[lane]]
            self.front[lane], self.main[lane] = [], sorted(ready, key=lambda m: m.row)
        self._serve()

    # Too old once it is the first.

    def _first(self) -> Message | None:
        heads = self.came_first[:1]
        heads += [m for m in map(self._head, range(self.lanes)) if m is not None]
        if self.s.all_heads:
            return min(heads, key=lambda m: m.expires_s, default=None)
        return self._preferred()

    def _preferred(self) -> Message | None:
        """The message that goes first where there are priorities."""
        if self.came_first:
            return self.came_first[0]
        heads = [m for m in map(self._head, range(self.lanes)) if m is not None]
        if self.s.turns and self.turn == self.s.turns and len(heads) == 2:
            preferred = min(heads, key=lambda m: m.row)
            if preferred is self._head(0):
                self.seen.add("had its turn")
            return preferred
        return max(heads, key=self._priority, default=None)

    def _priority(self, message: Message) -> int:
        return next(i for i in range(self.lanes) if self._head(i) is message)

    def _take_out(self, message: Message) -> None:
        """It is taken because it was its turn, or too old, or too much."""
        if self.s.turns and message not in self.came_first:
            self.turn = 0 if self.turn == self.s.turns else self.turn + 1
        self._unready(message)

    def _expire_first(self) -> None:
        head = self._first()
        assert head is not None
        self._take_out(head)
        self.times.acted["expired"] += 1
        self.times.acted["behind"] += head.expires_s < self.env.now - NEAR_S
        self.seen.add("expired at the head")
        self._bury(head, "expired")

    def _expire_firsts(self) -> None:
        """Before anything is handed over."""
        if self.s.at_head:
            while (head := self._first()) and head.expires_s < self.env.now - NEAR_S:
                self._expire_first()

    def _watch_first(self) -> None:
        head = self._first() if self.s.at_head else None
        if head is not None and head.expires_s < INF:
            self.env.process(self._expire_in_time(head, head.expires_s))

    def _expire_in_time(self, head: Message, at_s: float) -> Steps:
        yield self.env.timeout(max(0.0, at_s - self.env.now))
        if self._first() is head and head.expires_s == at_s:
            self._expire_first()
            self._serve()

    def take_letter(self, i: int, met: Counter[str], first_s: float, ends_s: float = INF) -> None:
        """A message comes from another queue, or comes back; its life may end at a given time."""
        message = self.messages[i]
        message.forgiven = message.receives
        message.stay += 1
        if ends_s < INF:
            self.env.process(self._live(message, ends_s))
        message.letter, message.returns, message.old = True, 0, False
        if not message.effects:
            message.met, message.first_s, message.entered_s = met, first_s, self.env.now
            self.times.way.pop(id(message), None)
        if self._limited():
            self.mailbox.append(i)
            self._serve()
        elif self.s.delay_s:
            self.env.process(self._take_later(i, self.env.now))
        else:
            self._take_in(i, self.env.now)

    def _take_later(self, i: int, at_s: float) -> Steps:
        yield self.env.timeout(self.s.delay_s)
        self._take_in(i, at_s)

    def move_first(self) -> tuple[int, Counter[str]] | None:
        """Take out the oldest message that is ready, but of a group with one in flight."""
        heads = [
            head
            for lane in range(self.lanes)
            if (head := self._head(lane)) is not None
            and not (self.s.pick == "groups" and self._in_flight(lane))
        ]
        if not heads:
            return None
        message = min(heads, key=lambda head: head.row)
        met = self.times.left(message, None, was_ready=True)
        self._unready(message)
        message.where = "moved"
        self._serve()
        return self.number[id(message)], met

    # What is ready.

    def _ready(self) -> int:
        lanes = [*self.front, *self.main, self.came_first]
        return sum(len(lane) for lane in lanes)

    def _head(self, lane: int) -> Message | None:
        both = self.front[lane] or self.main[lane]
        return both[0] if both else None

    def _unready(self, message: Message) -> None:
        for lane in (*self.front, *self.main, self.came_first):
            if message in lane:
                lane.remove(message)

    def _put_back(self, d: Delivery, place: str) -> None:
        message = d.message
        message.where = "ready"
        self.times.came_back(d)
        self.times.ready(message)
        self._insert(message, place)

    def _insert(self, message: Message, place: str) -> None:
        lane = message.lane
        if place == "back" and self.s.back_lane >= 0:
            lane = self.s.back_lane
        front, main = self.front[lane], self.main[lane]
        if place == "returns" and self.s.returns_first:
            self.seen.add("before all priorities")
            self.came_first.append(message)
        elif place == "returns":
            front.append(message)
        elif place == "next":
            (front or main).insert(0, message)
        elif place == "back":
            main.append(message)
        else:
            at = next((i for i, other in enumerate(main) if other.row > message.row), len(main))
            main.insert(at, message)

    def _bury(self, message: Message, reason: str, d: Delivery | None = None) -> None:
        self.seen.add("buried")
        if self.post is not None:
            met = self.times.left(message, d, was_ready=message.where == "ready")
            message.where = "moved"
            self.seen.add(f"moved: {reason}")
            self.post(self.number[id(message)], reason, met)
        elif self.s.dead_letters:
            message.where, message.dead_s, message.dead_by = "dead", self.env.now, reason
        else:
            message.where = "expired" if reason == "expired" else "dropped"

    def _give_back(self, d: Delivery, why: str) -> None:
        message = d.message
        self.seen.add(f"back by {why}")
        if message.old:
            message.where = "expired"
            self.times.acted["expired"] += 1
            return
        if why in self.s.counted:
            message.returns += 1
        message.stalls += why == "lock"
        if message.stalls > self.s.max_stalls:
            self.seen.add("stalled too often")
            self._bury(message, "limit", d)
            self.times.acted["stalls"] += 1
        elif message.returns > self.s.max_returns:
            self._bury(message, "limit", d)
            self.times.acted["returns"] += 1
        else:
            place = self.s.requeue_place if why == "failure" else self.s.place
            waits = self.s.counted if self.s.back_off_by is None else self.s.back_off_by
            if self.s.back_off_s and why in waits:
                self._back_off(d, place, why)
            else:
                self._put_back(d, place)

    def _back_off(self, d: Delivery, place: str, why: str) -> None:
        self.seen.add("backed off")
        message = d.message
        times = 2 ** max(0, message.returns - 1)
        if self.s.back_off_linear:
            times = max(1, message.returns)
            self.seen.add(f"linear by {why}")
        wait_s = min(self.s.back_off_max_s, self.s.back_off_s * times)
        self.times.came_back(d)
        self.times.waits(message, "backoff", wait_s)
        message.where = "waiting"
        self.backing_off.append(message)
        self.env.process(self._return(message, wait_s, place))

    def _return(self, message: Message, after_s: float, place: str) -> Steps:
        sought = message.sought
        yield self.env.timeout(after_s)
        if message.sought != sought:
            return  # a seek has acknowledged it meanwhile
        self.backing_off.remove(message)
        if message.old:
            self.seen.add("too old to return")
            message.where = "expired"
            self.times.acted["expired"] += 1
        else:
            message.where = "ready"
            self.times.ready(message)
            self._insert(message, place)
        self.times.line_moved(message.lane)
        self._serve()

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
            return self._preferred()
        if self.s.pick == "groups":
            window = [m for m in self.arrived if m.where not in FINAL][: self.s.look_ahead]
            heads = [m for m in heads if m in window]
            if going_on is not None:
                same = [m for m in heads if m.lane == going_on]
                if same:
                    return same[0]
            behind = {d.message.lane for d in self.unacked} | {m.lane for m in self.backing_off}
            if any(m.lane in behind for m in heads):
                self.seen.add("group blocked")
            free = [m for m in heads if m.lane not in behind]
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
        limit = 1 if self.s.push else min(self.s.batch, consumer.room)
        held: list[Delivery] = []
        lane = None
        while len(held) < limit and self._in_flight() < self.s.max_in_flight:
            self._expire_firsts()
            message = self._next(lane, consumer)
            if message is None:
                break
            if self.s.row_waits and message not in self._rows_of(self.waiting[0]):
                self.seen.add("came later")
                break
            lane = message.lane
            self._take_out(message)
            if message.receives - message.forgiven >= self.s.max_receives:
                self._bury(message, "limit")
                self.times.acted["receives"] += 1
                continue
            held.append(self._hand(message, connection))
        self.died_s += [self.env.now] * (len(held) * self.s.dead_taken)
        if held:
            self.rotor = (self.rotor + 1) % self.lanes
            if self.s.ack != "auto" and self.s.lock_s < INF and self.s.sweep_s == 0:
                for d in held:
                    d.ends_s = self.env.now + self.s.lock_s
                self.env.process(self._lock(held))
        return held

    def _hand(self, message: Message, connection: Connection) -> Delivery:
        message.receives += 1
        self._count(message)
        delivery = Delivery(
            message,
            connection,
            message.receives,
            self.env.now,
            self.env.now,
            message.republished,
        )
        self.times.handed(delivery)
        if self.s.ack == "auto":
            self._acked(message)
            delivery.at_broker = False
            return delivery
        message.where = "flight"
        self.unacked.append(delivery)
        if self.s.push:
            connection.unacked += 1
        return delivery

    # A stream: what is pending is taken over, and what is too much goes, read or not.

    def _trim(self, newest: Message) -> None:
        """It comes; those before it may go."""
        old = sum(m.entered_s < newest.entered_s - self.s.keep_s for m in self.arrived)
        beyond = max(old, self.came - self.s.keep_rows)
        beyond -= beyond % self.s.keep_whole
        for message in self.arrived:
            if message.row < beyond:
                if message.where == "ready":
                    self._unready(message)
                    message.where = "expired"
                    self.times.acted["expired"] += 1
                    self.seen.add("trimmed")
                elif message.where == "flight":
                    message.old = True

    def _pending_for(self, consumer: Consumer, *, own: bool) -> list[Delivery]:
        """What of what is pending goes to a consumer that asks for it."""
        assert consumer.connection is not None
        held, asked = [], self.s.batch if own else self.s.claim_count
        pending = []
        for d in sorted(self.unacked, key=lambda d: d.message.row):
            if own:
                its = d.connection.consumer is consumer
                wanted = its and d.connection is not consumer.connection
            else:
                wanted = d.message.old or self.env.now - d.sent_s >= self.s.claim_s
            if wanted:
                pending.append(d)
        consumer.owns = own and bool(pending)
        for d in pending[:asked]:
            message = d.message
            self._forget(d)
            if message.old:
                message.where = "expired"
                self.times.acted["expired"] += 1
                self.seen.add("gone when taken over")
                continue
            holder = d.connection.consumer
            if (
                d in (*holder.buffer, *holder.working, *holder.done)
                or d.arrived_s == INF > d.gone_s
            ):
                self.seen.add("taken from a live consumer")
            self.seen.add("own taken over" if own else "taken over")
            if message.receives >= self.s.max_receives:
                self._bury(message, "limit", d)
                self.times.acted["receives"] += 1
                continue
            self.times.came_back(d)
            self.times.ready(message)
            held.append(self._hand(message, consumer.connection))
        return held

    def _may_receive(self, connection: Connection) -> bool:
        return (
            connection.open
            and connection.joined >= 0
            and (self.s.ack == "auto" or connection.unacked + connection.later < connection.asks)
            and (not self.s.single_active or self.active is connection)
        )

    def _ask_for_one_more(self, connection: Connection) -> None:
        """It holds one for its ETA."""
        connection.later += 1
        connection.asks += 1
        if self.s.eta_limit and connection.asks > self.s.eta_limit:
            self.seen.add("holds as many as it may")
            self.times.acted["etas"] += 1
            connection.asks = self.s.eta_limit

    def _ask_for_one_less(self, connection: Connection) -> None:
        """What it held is due."""
        connection.later -= 1
        connection.asks = max(1, connection.asks - 1)

    def _wait(self, connection: Connection) -> None:
        if self._may_receive(connection) and connection not in self.waiting:
            self.waiting.append(connection)

    def _serve(self) -> None:
        """Hand out what can be handed out, to those who wait, first come first."""
        while self.waiting and not self._process_is_taken() and not self._rate_is_full():
            first = self.waiting[0]
            if isinstance(first, PlainCall):
                if self.s.row_waits and self.unacked:
                    break
                if self.s.row_waits and not self._rows_of(first):
                    self.waiting.pop(0)
                    first.answer.succeed([])
                    self.seen.add("saw none")
                    continue
                held = self._take(first.consumer, first.connection)
                if not held:
                    break
                self.waiting.pop(0)
                first.answer.succeed(held)
                if self._limited():
                    self.did = "delivered"
                    for_s = self.s.call_s + self.s.deliver_s * len(held)
                    self.env.process(self._process_works(for_s))
                    self.busy = True
                continue
            held = self._take(first.consumer, first)
            if not held:
                break
            self.waiting.pop(0)
            d, there = held[0], first.consumer.connection is first
            if there:
                d.travels_s = self._travels_s(first.consumer)
                d.loop_part_s = self.at_loop_s
            else:
                self.times.gone(d)
                if self.s.loses:
                    self._lose_for_good(d)
            if there and d.message.due_s > self.env.now + d.travels_s:
                d.held_back = True
                first.unacked -= self.s.ack != "auto"
                self._ask_for_one_more(first)
            elif there and (self.s.etas or d.message.returns):
                self._ask_for_one_more(first)
                self._ask_for_one_less(first)
            self._wait(first)
            self.env.process(self._transport(d))
            if self._limited():
                self.did = "delivered"
                self.env.process(self._process_works(self.s.deliver_s))
                self.busy = True
        dropped = False
        if self.s.overflow == "drop-head":
            while self._ready() and self._ready() + len(self.backing_off) > self.s.max_length:
                message = self._preferred()
                assert message is not None
                self._take_out(message)
                self._bury(message, "maxlen")
                self.times.acted["dropped"] += 1
                self.seen.add("head dropped")
                dropped = True
        if dropped:
            self._serve()  # the next head may be one that can be handed out
        if self.mailbox and not self.busy:
            self.busy = True
            self.env.process(self._process_works(self.s.publish_s, self.mailbox.pop(0)))
        self._watch_first()

    # Main loops and the queue's process, if they have a ceiling.

    def _travels_s(self, consumer: Consumer) -> float:
        """How long a delivery takes from now until the consumer's main loop is through with it."""
        s, there_s = self.s, self.env.now + self.s.receive_s / 2
        self.at_loop_s = 0.0
        if consumer.cut or not s.loop_s:
            return s.receive_s / 2
        if consumer.loop_free_s > there_s:
            self.seen.add("loop busy")
        through_s = max(consumer.loop_free_s, there_s) + s.loop_s
        consumer.loop_free_s = through_s
        self.at_loop_s = through_s - there_s
        if s.fetch_trips:
            through_s += (s.fetch_trips - 1) * s.receive_s
            # The loop asks for the next one, and waits for the answer.
            consumer.loop_free_s = through_s + s.receive_s
        return through_s - self.env.now

    def _process_is_taken(self) -> bool:
        """Whether it cannot deliver now: it is busy, or what was published has its turn."""
        if not self._limited():
            return False
        has_turn = self.did == "delivered" and not self.s.deliveries_first
        return self.busy or (bool(self.mailbox) and has_turn)

    def _process_works(self, for_s: float, row: int | None = None) -> Steps:
        """It delivers, or takes in the message of a row; then it does what is next."""
        yield self.env.timeout(for_s)
        self.busy = False
        if row is None:
            self._serve()
        else:
            self.did = "published"
            self._take_in(row, self.messages[row].entered_s)
            self._serve()  # it may have been refused, so that nobody was served

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
            d.ack_sent = d.on_wire = True
        yield self.env.timeout(self.s.ack_s / 2 if after_s is None else after_s)
        for d in deliveries:
            self._acknowledge(d)
        self._serve()

    def _acknowledge(self, d: Delivery) -> None:
        message, connection = d.message, d.connection
        ended = d.locked_s + self.s.lease_s <= self.env.now
        if d.at_broker and ended and not self.s.lease_late:
            self.seen.add("refused ack")
            self.times.acted["lease"] += 1
            self.times.gone(d)
        elif d.at_broker:
            self._forget(d)
            self._settle(d, d.verdict, d in connection.consumer.working)
        elif d.receipt <= message.forgiven:
            self.seen.add("receipt of an earlier stay")
        elif (
            self.s.late_ack
            and d.verdict == "ok"
            and message.where == "ready"
            and (self.s.any_copy or message.receives == d.receipt)
        ):
            self._unready(message)
            self._acked(message)
            self.seen.add("late ack")
        elif self.s.any_copy and (later := self._later_copy(d)) is not None:
            self.seen.add("ack of another copy")
            self._forget(later)
            self._settle(later, d.verdict, d in connection.consumer.working)
        else:
            self.seen.add("stale ack")
        d.acknowledged = True
        counts = self.s.until_done and d in connection.consumer.working
        if self.s.push and connection.open and not counts:
            connection.unacked -= 1
            self._wait(connection)

    def _later_copy(self, d: Delivery) -> Delivery | None:
        """Of the same publication of its message, one that waits for an ack."""
        for other in self.unacked:
            if other.message is d.message:
                if other.publication == d.publication:
                    return other
                self.seen.add("republished copy")
        return None

    def _forget(self, d: Delivery) -> None:
        d.at_broker = False
        self.unacked.remove(d)
        self.times.forgot(d)
        now = self.env.now
        self.spent.append((int(now // self.s.recent_s), d.message.lane, now - d.sent_s))

    def _settle(self, d: Delivery, verdict: str, worked_on: bool) -> None:
        message = d.message
        if verdict == "retry":
            self._retry(d)
        elif verdict == "requeue":
            self._give_back(d, "failure")
        elif verdict == "rejected":
            self._bury(message, "rejected", d)
        elif message.effects or worked_on:
            self._acked(message)
        else:
            message.where = "dropped" if verdict == "discard" else "lost"

    def _acked(self, message: Message) -> None:
        message.where = "acked"
        self.died_s += [self.env.now] * self.s.dead_done

    def _rows_of(self, call: "Connection | PlainCall") -> list[Message]:
        """What is ready of the rows that a statement saw as it began."""
        assert isinstance(call, PlainCall)
        at_s = {id(m): at_s for m, at_s in zip(self.messages, self.enqueued_s, strict=True)}
        ready = self.front[0] + self.main[0]
        return [m for m in ready if at_s[id(m)] + self.s.delay_s <= call.at_s]

    def _passed_s(self) -> float:
        """What a call that is made now spends on rows that others have, before the first free."""
        head = self._head(0) if self.s.passed_s else None
        rows = [d for d in self.unacked if head is None or d.message.row < head.row]
        if self.s.passed_s and 0 < len(rows) < len(self.unacked):
            self.seen.add("some passed")
        return len(rows) * self.s.passed_s

    def _call_s(self) -> float:
        """A call that is made now: it passes what has died under the snapshot that is held."""
        s, now = self.s, self.env.now
        for from_s, until_s in s.held_s:
            if from_s <= now < until_s:
                more_s = s.dead_row_s * sum(from_s <= at_s for at_s in self.died_s)
                if more_s > 0:
                    self.seen.add("dead rows")
                return s.receive_s + more_s
        return s.receive_s

    def _retry(self, d: Delivery) -> None:
        message = d.message
        message.returns += 1
        if message.returns > self.s.max_returns:
            self._bury(message, "limit", d)
            self.times.acted["retries"] += 1
            return
        self.seen.add("retried")
        message.republished += 1
        message.old = False  # it is published anew
        wait_s = self.s.retry_s * self.s.retry_growth ** (message.returns - 1)
        wait_s = wait_s * message.returns**self.s.retry_degree + self.s.retry_base_s
        wait_s = min(wait_s, self.s.retry_max_s)
        if self.s.retry_power:
            wait_s += (message.returns - 1.0) ** self.s.retry_power
        if self.s.retry_spread:
            wait_s = 0.001 * int(1000.0 * (wait_s - wait_s * self.s.retry_spread))
        if self.s.retry_held:
            self.seen.add("retry held")
            message.due_s = self.env.now + wait_s
            self._put_back(d, "back")
            return
        self.times.came_back(d)
        self.times.waits(message, "backoff", wait_s)
        message.where = "waiting"
        self.env.process(self._again(message, wait_s))

    def _lock(self, held: list[Delivery]) -> Steps:
        yield self.env.timeout(held[0].ends_s - self.env.now)
        # With it, all that were handed out or extended at the same moment.
        self._unlock([d for d in self.unacked if d.ends_s < self.env.now + NEAR_S])

    def _lock_anew(self, held: list[Delivery], for_s: float) -> list[Delivery]:
        """The locks of what is in flight last so long from now on."""
        held = [d for d in held if d.at_broker]
        if self.s.lock_most_s < INF:
            late = [d for d in held if self.env.now + for_s > d.sent_s + self.s.lock_most_s]
            held = [d for d in held if d not in late]
        for d in held:
            d.ends_s = self.env.now + for_s
            self.unacked.remove(d)
            self.unacked.append(d)
        if held:
            self.env.process(self._lock(held))
        return held

    def _sweep(self) -> Steps:
        while True:
            yield self.env.timeout(self.s.sweep_s)
            self._unlock([d for d in self.unacked if d.locked_s + self.s.lock_s <= self.env.now])

    # Locks that are renewed, and a rate.

    def _check(self) -> Steps:
        while True:
            yield self.env.timeout(self.s.check_s)
            now = self.env.now
            if not any(c.alive and not c.cut and not c.machine.paused for c in self.consumers):
                self.seen.add("nobody checked")
                continue
            for d in list(self.unacked):
                seen = d in self.marked or not self.s.check_twice
                if seen and d.locked_s + self.s.lease_s <= now:
                    self.seen.add("stalled")
                    self._forget(d)
                    self._give_back(d, "lock")
            self.marked = set(self.unacked)
            self._serve()

    def _renew(self, consumer: Consumer, *more: Delivery) -> None:
        """Renew what it has had in hand for long enough, and what has a lock yet."""
        consumer.overdue = False
        now = self.env.now
        for d in [*consumer.buffer, *consumer.working, *consumer.done, *more]:
            if d.arrived_s + self.s.renew_s < now < d.locked_s + self.s.lease_s:
                self.seen.add("renewed")
                d.locked_s = now
                self.marked.discard(d)

    def _lose_for_good(self, d: Delivery) -> None:
        self.seen.add("lost in hand")
        self._forget(d)
        d.message.where = "acked" if d.message.effects else "lost"

    def _count(self, message: Message) -> None:
        if self.s.rate_s == INF:
            return
        if self.span is None:
            self.span = []
            self.env.process(self._end_span())
        self.span.append(message)

    def _rate_is_full(self) -> bool:
        return self.span is not None and len(self.span) >= self.s.rate_max

    def _end_span(self) -> Steps:
        yield self.env.timeout(self.s.rate_s)
        held_up = self._rate_is_full() and self._ready() and self.waiting
        self.times.acted["rate"] += bool(held_up)
        self.span = None
        self._serve()

    def _unlock(self, held: list[Delivery]) -> None:
        for d in held:
            if not d.at_broker:
                continue
            if self._extends(d):
                self.seen.add("extended")
                d.locked_s = self.env.now
                d.ends_s = self.env.now + self.s.lock_s
                self.unacked.remove(d)
                self.unacked.append(d)
                if self.s.sweep_s == 0:
                    self.env.process(self._lock([d]))
                continue
            too_long = self.env.now + self.s.beat_lock_s > d.sent_s + self.s.lock_most_s
            if self.s.beat_s < INF and too_long:
                consumer = d.connection.consumer
                hand = [*consumer.done, *consumer.working, *consumer.buffer]
                self.times.acted["most"] += d in hand
            if self.s.lock_closes:
                self.seen.add("closed by lock")
                self.times.acted["closed"] += 1
                self._close(d.connection, "lock")
            else:
                self._forget(d)
                self._give_back(d, "lock")
        self._serve()

    def _extends(self, d: Delivery) -> bool:
        """Its consumer has it in hand, or has just sent its ack, and may extend its lock."""
        if self.env.now >= d.sent_s + self.s.extends_s:
            return False
        consumer = d.connection.consumer
        hands = (consumer.ripe, consumer.buffer, consumer.working, consumer.done)
        if d.on_wire:
            return True
        if consumer.connection is not d.connection or consumer.cut or consumer.machine.paused:
            return False
        held_back = d.held_back and d.arrived_s <= self.env.now < d.message.due_s
        return held_back or any(d in hand for hand in hands)

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
        connection.later, connection.asks = 0, self.s.prefetch
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
                late = d.locked_s + self.s.lock_s <= self.env.now
                its = "close" if why == "lock" and self.s.lock_alone and not late else why
                if its != why:
                    self.seen.add("back with another's lock")
                self._forget(d)
                self._give_back(d, its)

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
