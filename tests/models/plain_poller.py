"""Pollers that invoke a function (AWS Lambda on a queue), in plain SimPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import simpy

from models.plain_broker import PlainBroker
from models.plain_broker_parts import INF, Consumer, Delivery, Message, Settings
from models.plain_machine import Steps


@dataclass(frozen=True)
class PollerSettings(Settings):
    """Of a queue, its pollers, and the function that these invoke; times in s."""

    most: int = 10  # messages of an invocation
    window_s: float = 0.0  # for which they are gathered
    limit: int = 1_000_000  # invocations at a time
    again_s: float = 1.0  # from a throttle to the next try
    timeout_s: float = INF
    reports: bool = False  # which messages of a batch have failed
    invoke_s: float = 0.0  # until it works, …
    cold_s: float = 0.0  # … and more, in a new environment


class PlainPollers(PlainBroker):
    """Each poller gathers a batch, has the function work on it, and deletes what is done."""

    s: PollerSettings

    def __init__(
        self,
        env: simpy.Environment,
        settings: PollerSettings,
        enqueued_s: Sequence[float],
        messages: Sequence[Message],
        poison: dict[int, tuple[bool, int, float]] | None = None,
    ) -> None:
        self.running = 0
        self.peak = 0
        self.environments = 0
        super().__init__(env, settings, enqueued_s, messages, poison)

    def _puller(self, consumer: Consumer, after_s: float) -> Steps:
        s = self.s
        try:
            yield self.env.timeout(after_s)
            while True:
                until_s, consumer.room = INF, s.most
                consumer.hurried = None
                while True:
                    held = yield from self._receive(consumer)
                    for d in held:
                        d.arrived_s = self.env.now
                    consumer.buffer.extend(held)
                    consumer.room -= len(held)
                    if consumer.buffer and until_s == INF:
                        until_s = self.env.now + s.window_s
                        consumer.hurried = self.env.event()
                    complete = not consumer.room or self.env.now >= until_s
                    if complete or consumer.stopping:
                        break
                    self.seen.add("gathered on")
                consumer.found_nothing = False
                if consumer.buffer:
                    yield from self._invoke(consumer)
                if consumer.done:
                    yield from self._ack_call(consumer)
                if consumer.stopping:
                    break
            self._leave(consumer)
        except simpy.Interrupt:
            pass

    def terminate(self, c: int) -> None:
        """End, but not before what is gathered has been worked on."""
        consumer = self.consumers[c]
        gathers = consumer.alive and consumer.leaves_at_once and bool(consumer.buffer)
        if gathers and consumer.hurried is not None:
            consumer.stopping = True
            consumer.found_nothing = False
            if not consumer.hurried.triggered:
                self.seen.add("hurried")
                consumer.hurried.succeed()
        else:
            super().terminate(c)

    def stay(self, c: int) -> None:
        """Not to end after all."""
        self.consumers[c].stopping = False

    def _let_in(self, consumer: Consumer) -> Steps:
        """Wait for a place to run; False: the visibility timeout ended before."""
        s, batch = self.s, list(consumer.buffer)
        ends_s = batch[0].sent_s + s.lock_s
        for d in batch:
            d.asked_s = self.env.now
        while True:
            over = consumer.throttled and self.env.now >= ends_s - 1e-9
            if over or self.running < s.limit:
                for d in batch:
                    d.let_in_s = self.env.now
                consumer.throttled = False
                return not over
            consumer.throttled = True
            self.seen.add("throttled")
            self.times.acted["throttled"] += 1
            next_s = min(self.env.now + s.again_s, ends_s)
            yield self.env.timeout(max(0.0, next_s - self.env.now))

    def _invoke(self, consumer: Consumer) -> Steps:
        s, env = self.s, self.env
        if not (yield from self._let_in(consumer)):
            self.seen.add("given up")
            self._fail(consumer)
            return
        self.running += 1
        self.peak = max(self.peak, self.running)
        cold = self.running > self.environments
        self.environments = max(self.environments, self.running)
        yield env.timeout(s.invoke_s + cold * s.cold_s)
        for d in consumer.buffer:
            d.started_s = env.now
        yield from self._run(consumer, env.now + s.timeout_s)
        self.running -= 1

    def _run(self, consumer: Consumer, deadline_s: float) -> Steps:
        """The function works on its batch."""
        extra_s = self.s.per_batch_s
        while consumer.buffer:
            d = consumer.buffer.popleft()
            consumer.working.append(d)
            d.begun_s, d.work_s = self.env.now, extra_s + d.message.work_s
            if not (yield from self._works(consumer, d.work_s, deadline_s)):
                self.seen.add("timed out")
                self.times.acted["timeout"] += 1
                self._fail(consumer)
                return
            extra_s = 0.0
            kills, times, _ = self.poison.get(self.number[id(d.message)], (False, 0, 0.0))
            self._finish(consumer, d)
            if times > 0 and (kills or not self.s.reports):
                self.seen.add("failed as a whole")
                self.environments -= kills
                self.times.acted["killed"] += kills
                self._fail(consumer)

    def _works(self, consumer: Consumer, work_s: float, deadline_s: float) -> Steps:
        """Whether the work on a message ends before the function is ended."""
        machine, left_s = consumer.machine, work_s
        while True:
            began_s, factor = self.env.now, machine.factor
            finished = self.env.timeout(left_s * factor)
            events = [finished, machine.disturbed]
            ended = self.env.event()
            if began_s + left_s * factor > deadline_s:
                ended = self.env.timeout(max(0.0, deadline_s - began_s))
                events.append(ended)
            came = yield self.env.any_of(events)
            if finished in came:
                return True
            if ended in came:
                return False
            left_s -= (self.env.now - began_s) / factor

    def _fail(self, consumer: Consumer) -> None:
        """All that it has in hand comes back after its visibility timeout."""
        held: list[Delivery] = [*consumer.working, *consumer.buffer, *consumer.done]
        for d in held:
            self.times.gone(d)
        consumer.working.clear()
        consumer.buffer.clear()
        consumer.done = []
