"""What each message of `models.plain_broker` waited for, from a history that is looked at later.

After every event the whole queue is looked at: who could be handed a message, who has nothing to
do, how many are at work. What a message met is added up over the stretches between these looks.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import simpy

from models.plain_broker_parts import INF, Connection, Consumer, Delivery, Message

NEAR_S = 1e-9


class WatchedEnvironment(simpy.Environment):
    """Shows what it runs to a history after every event."""

    history: "History | None" = None

    def step(self) -> None:
        super().step()
        if self.history is not None:
            self.history.look()


@dataclass
class Look:
    """The queue from one time to the next."""

    owned: bool  # somebody could be handed a message
    rests: bool  # a consumer has nothing to do
    offered: bool  # one waits for what the broker sends
    busy: float  # share of the places for work that is taken


@dataclass
class Span:
    """Part of the way of a message."""

    kind: str
    from_s: float
    until_s: float
    idle_until_s: float = INF  # later, nothing but a call kept it from an idle consumer


@dataclass
class Way:
    """Of one delivery, or of a message that is in nobody's hands."""

    spans: list[Span] = field(default_factory=list)
    ready_s: float = 0.0


class History:
    """Of one queue."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain
        self.at_s: list[float] = []
        self.looks: list[Look] = []
        self.way: dict[int, Way] = {}
        self.of: dict[int, list[Span]] = {}
        self.effect: dict[int, Delivery] = {}
        self.eta_s = {id(m): m.due_s for m in plain.messages}
        self.freed_s: dict[int, float] = {}
        self.acted: Counter[str] = Counter()

    # What is told by the model.

    def ready(self, message: Message) -> None:
        self.way.setdefault(id(message), Way()).ready_s = self.plain.env.now

    def handed(self, d: Delivery) -> None:
        now = self.plain.env.now
        way = self.way[id(d.message)]
        self.of[id(d)] = [*way.spans, Span("ready", way.ready_s, now, self._line_s(d.message))]
        d.rests_from_s = now
        message = d.message
        d.entered_s, d.came_s, d.met = message.entered_s, message.came_s, message.met

    def _line_s(self, message: Message) -> float:
        """Until when its line may hold a message up: until its group was free."""
        if self.plain.s.pick != "groups" and not self.plain.s.row_waits:
            return INF
        return self.freed_s.get(message.lane, 0.0)

    def came_back(self, d: Delivery) -> None:
        now = self.plain.env.now
        gone_s = min(now, max(d.sent_s, d.gone_s))
        spans = [Span("attempt", d.sent_s, gone_s)]
        if d.asked_s < INF:
            let_in_s = min(now, d.let_in_s)
            spans = [
                Span("attempt", d.sent_s, d.asked_s),
                Span("throttled", d.asked_s, let_in_s),
                Span("attempt", let_in_s, gone_s),
            ]
        spans.append(Span("backoff" if d.given_back else "lock", gone_s, now))
        self.way[id(d.message)].spans = [*self.of[id(d)], *spans]

    def waits(self, message: Message, kind: str, for_s: float) -> None:
        now = self.plain.env.now
        self.way.setdefault(id(message), Way()).spans.append(Span(kind, now, now + for_s))

    def starts_anew(self, message: Message) -> None:
        """Of what comes again without an effect, all before was one wait."""
        came_s = message.entered_s + self.plain.s.delay_s
        self.way[id(message)] = Way([Span("backoff", came_s, self.plain.env.now)])

    def gone(self, d: Delivery) -> None:
        d.gone_s = min(d.gone_s, self.plain.env.now)

    def left(self, message: Message, d: Delivery | None, *, was_ready: bool) -> Counter[str]:
        """What a message that goes into another queue has met since it reached the first."""
        now, s = self.plain.env.now, self.plain.s
        if message.effects:
            here_s = now - message.entered_s
            return Counter(ATTEMPT=here_s, CALL=message.entered_s - message.first_s)
        out = Counter(message.met)
        out["SEND"] += s.publish_s
        out["DELAY"] += s.delay_s
        out["CEILING"] += message.came_s - message.entered_s - s.delay_s - s.publish_s
        way = self.way.get(id(message), Way())
        spans = [*way.spans]
        if d is not None:
            gone_s = min(now, max(d.sent_s, d.gone_s))
            spans = [
                *self.of[id(d)], Span("attempt", d.sent_s, gone_s), Span("lock", gone_s, now)
            ]  # fmt: skip
        elif was_ready:
            ttl_s = min(s.retention_s, INF if message.letter else message.ttl_s)
            if not self.plain.consumers and s.at_head and ttl_s < INF:
                late_s = max(0.0, now - message.expires_s)
                out["HEAD_OF_LINE"] += late_s
                out["DELAY"] += now - way.ready_s - late_s
            else:
                spans.append(Span("ready", way.ready_s, now, self._line_s(message)))
        for span in spans:
            self._add_span(out, span.from_s, span)
        return out

    def took_effect(self, d: Delivery) -> None:
        self.effect.setdefault(id(d.message), d)

    def forgot(self, d: Delivery) -> None:
        self.line_moved(d.message.lane)

    def line_moved(self, lane: int) -> None:
        waits_for = [d.message for d in self.plain.unacked] + self.plain.backing_off
        if not any(message.lane == lane for message in waits_for):
            self.freed_s[lane] = self.plain.env.now

    # What is seen.

    def _able(self, consumer: Consumer) -> bool:
        if not self.plain.s.push:
            return consumer.alive and not consumer.cut and not consumer.stopping
        connection = consumer.connection
        return connection is not None and connection.open and connection.joined >= 0

    def _rests(self, consumer: Consumer) -> bool:
        if not self.plain.s.push:
            return consumer.alive and consumer.found_nothing
        has = consumer.working or consumer.buffer or consumer.ripe or consumer.coming
        connection = consumer.connection
        return (
            connection is not None and self._able(consumer) and connection.unacked == 0 and not has
        )

    def look(self) -> None:
        plain, now = self.plain, self.plain.env.now
        able = sum(self._able(c) for c in plain.consumers) * plain.s.slots
        working = sum(len(c.working) + c.throttled for c in plain.consumers)
        seen = Look(
            owned=able > 0,
            rests=any(self._rests(c) for c in plain.consumers),
            offered=any(isinstance(w, Connection) or not plain.s.push for w in plain.waiting),
            busy=min(1.0, working / able) if able else 0.0,
        )
        if self.at_s and self.at_s[-1] == now:
            self.looks[-1] = seen
        else:
            self.at_s.append(now)
            self.looks.append(seen)

    def _over(self, from_s: float, until_s: float) -> list[tuple[float, Look]]:
        """How long each look lasted, between two times."""
        out = []
        k = max(0, bisect_right(self.at_s, from_s) - 1)
        while k < len(self.at_s) and self.at_s[k] < until_s:
            ends_s = self.at_s[k + 1] if k + 1 < len(self.at_s) else INF
            lasted_s = min(ends_s, until_s) - max(self.at_s[k], from_s)
            if lasted_s > 0:
                out.append((lasted_s, self.looks[k]))
            k += 1
        return out

    # What comes of it.

    def parts(self, i: int) -> dict[str, float]:
        """Of message number ``i``, which took effect, the parts that are not zero, s."""
        message = self.plain.messages[i]
        d, s = self.effect[id(message)], self.plain.s
        entered_s, came_s = d.entered_s, d.came_s
        eta_s = max(self.eta_s[id(message)], came_s)
        out: Counter[str] = Counter()
        out.update(d.met)
        # What dead letters were asked to wait in each queue is told as that.
        out["DELAY" if self.plain.takes_letters else "SEND"] += s.delay_s
        out["SEND"] += s.publish_s
        out["CEILING"] += came_s - entered_s - s.delay_s - s.publish_s
        out["DELAY"] += min(eta_s, d.begun_s) - came_s
        for span in self.of[id(d)]:
            from_s = max(span.from_s, eta_s)
            if span.until_s <= from_s:
                continue
            self._add_span(out, from_s, span)
        self._add_hand(out, d, eta_s)
        return {part: time_s for part, time_s in out.items() if abs(time_s) > NEAR_S}

    def _add_span(self, out: Counter[str], from_s: float, span: Span) -> None:
        if span.kind == "ready":
            self._add_ready(out, from_s, span)
        else:
            kind = {"attempt": "ATTEMPT", "lock": "LOCK", "backoff": "BACKOFF", "send": "SEND",
                    "throttled": "CEILING"}  # fmt: skip
            out[kind[span.kind]] += span.until_s - from_s

    def _add_ready(self, out: Counter[str], from_s: float, span: Span) -> None:
        s = self.plain.s
        limited = s.publish_s > 0 or s.deliver_s > 0 or s.rate_s < INF
        in_line = s.single_active or s.pick in ("groups", "spans") or s.eta_limit > 0
        in_line = in_line or s.row_waits
        part = "HEAD_OF_LINE" if in_line else "CEILING" if limited else "CALL"
        at_s = from_s
        for lasted_s, look in self._over(from_s, span.until_s):
            idle = look.offered if limited and not s.single_active else look.rests
            if not look.owned:
                out["NO_OWNER"] += lasted_s
            elif idle:
                there_s = min(lasted_s, max(0.0, span.idle_until_s - at_s))
                out[part] += there_s
                out["CALL"] += lasted_s - there_s
            else:
                out["CAPACITY"] += lasted_s * look.busy
                out["CALL"] += lasted_s * (1.0 - look.busy)
            at_s += lasted_s

    def _add_invoked(self, out: Counter[str], d: Delivery) -> None:
        """What it met in the hands of a poller, and in the function."""
        out["CALL"] += d.arrived_s - d.sent_s + d.started_s - d.let_in_s
        out["CEILING"] += d.let_in_s - d.asked_s
        looks = self._over(d.started_s, d.begun_s)
        resting = sum(t for t, look in looks if look.rests)
        out["HELD"] += d.asked_s - d.arrived_s + resting
        out["CAPACITY"] += d.begun_s - d.started_s - resting
        took_s = d.message.done_s - d.begun_s
        out["WORK"] += min(took_s, d.work_s)
        out["SLOWED"] += max(0.0, took_s - d.work_s)

    def _add_hand(self, out: Counter[str], d: Delivery, eta_s: float) -> None:
        if d.asked_s < INF:
            self._add_invoked(out, d)
            return
        from_s = max(d.arrived_s, eta_s)
        travelled_s = max(0.0, from_s - max(d.sent_s, eta_s))
        at_loop_s = min(d.loop_part_s, max(0.0, d.arrived_s - eta_s))
        out["CEILING"] += at_loop_s
        out["CALL"] += travelled_s - at_loop_s
        if d.waits_until_s > from_s:
            out["BACKOFF"] += d.waits_until_s - from_s
            from_s = d.waits_until_s
        held_s = max(0.0, d.begun_s - from_s)
        stood_s = min(held_s, d.begun_s - max(from_s, d.stood_still_s))
        held_s -= stood_s
        resting = sum(t for t, look in self._over(d.rests_from_s, d.begun_s) if look.rests)
        behind_s = min(held_s, resting)
        out["HELD"] += behind_s
        out["CAPACITY"] += held_s - behind_s
        took_s = d.message.done_s - d.begun_s
        slowed_s = max(0.0, took_s - d.work_s)
        out["SLOWED"] += stood_s + slowed_s
        out["WORK"] += took_s - slowed_s
