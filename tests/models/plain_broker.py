"""A broker's queue and its consumers, message by message in plain SimPy: the oracle of the kernel.

It shares no code with ``sim`` and is written for reading: ready messages are plain lists that are
searched, every delivery, ack, lock and delay is a process of its own, and a consumer is as many
processes as it can work on messages side by side.
"""

from collections.abc import Sequence
from contextlib import suppress

import simpy

from models.plain_broker_parts import (
    INF,
    Connection,
    Consumer,
    Delivery,
    Message,
    PlainCall,
    Settings,
)
from models.plain_broker_queue import PlainQueueSide
from models.plain_broker_times import NEAR_S
from models.plain_machine import Machine, Steps

__all__ = ["Message", "PlainBroker", "Settings"]


class PlainBroker(PlainQueueSide):
    """The queue, its consumers, and the faults."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        enqueued_s: Sequence[float],
        messages: Sequence[Message],
        poison: dict[int, tuple[bool, int, float]] | None = None,
    ) -> None:
        super().__init__(env, settings, enqueued_s, messages, poison)
        for c in range(settings.consumers):
            self.restart(c, c * 1e-3)

    # Consumers that are pushed to.

    def _transport(self, d: Delivery) -> Steps:
        consumer = d.connection.consumer
        if consumer.connection is not d.connection:
            self._lose(d)
            return
        half_s = d.travels_s
        if d.held_back:
            d.arrived_s = d.sent_s + half_s
            d.waits_until_s = d.message.due_s
            yield self._due(d.message)
            d.rests_from_s = self.env.now
            if consumer.connection is not d.connection:
                self._lose(d)
                return
            if self.s.ack != "auto" and d.connection.open:
                d.connection.unacked += 1
                self._ask_for_one_less(d.connection)
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
                if consumer.cut:
                    self.times.gone(d)
                    while consumer.cut:  # the network of another one may change meanwhile
                        yield self.network
                    arrives = self.env.timeout(half_s)
                    d.gone_s = INF if consumer.connection is d.connection else d.gone_s
            if consumer.connection is not d.connection:
                self._lose(d)
                return
            consumer.coming -= 1
            d.arrived_s = self.env.now
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
                    if consumer.stopping and self.s.stays:
                        self.seen.add("stays")
                    elif consumer.stopping and idle and (gives_back or empty):
                        if consumer.loop_free_s > self.env.now:
                            left_s = consumer.loop_free_s - self.env.now
                            yield self.env.timeout(left_s) | consumer.changed
                            continue
                        self._leave(consumer)
                        return
                    yield consumer.changed
                free = not consumer.working and not consumer.cut
                if self.s.blocks and consumer.overdue and free:
                    self._renew(consumer)  # a timer goes before what has come
                d = (consumer.ripe or consumer.buffer).popleft()
                consumer.working.append(d)
                self._begun(consumer, d, d.message.work_s)
                if self.s.ack == "start":
                    if consumer.cut:
                        d.owed = True
                    else:
                        self._send_ack(consumer, [d])
                if self.s.work_limit_s < INF:
                    yield from self._work_in_time(consumer, d)
                else:
                    yield from consumer.machine.work(d.message.work_s)
                if self._finish(consumer, d):
                    self._send_acks(consumer)
                self._look(consumer)
        except simpy.Interrupt:
            pass

    def _work_in_time(self, consumer: Consumer, d: Delivery) -> Steps:
        """Work that ends after a while, done or not."""
        works = self.env.process(self._ended_quietly(consumer.machine.work(d.message.work_s)))
        late = self.env.timeout(self.s.work_limit_s)
        try:
            yield works | late
            if works.is_alive:
                works.interrupt()
                d.timed_out = True
                self.seen.add("took too long")
                yield from consumer.machine.running()
        except simpy.Interrupt:
            if works.is_alive:
                works.interrupt()
            raise

    def _ended_quietly(self, steps: Steps) -> Steps:
        with suppress(simpy.Interrupt):
            yield from steps

    def _renewer(self, consumer: Consumer, after_s: float) -> Steps:
        """The timer of a process, which renews the locks of what it has in hand."""
        try:
            yield self.env.timeout(after_s)
            while True:
                yield self.env.timeout(self.s.renew_s)
                consumer.overdue = True
                while consumer.overdue:
                    yield from consumer.machine.running()
                    if not consumer.overdue:
                        break  # done before the work that has begun
                    if consumer.cut:
                        yield self.network
                    elif self.s.blocks and consumer.working:
                        consumer.turned = self.env.event()
                        yield consumer.turned
                    else:
                        self._renew(consumer)
        except simpy.Interrupt:
            pass

    def _turn(self, consumer: Consumer, d: Delivery) -> None:
        """Work is over: a process that was kept from renewing by it does so first."""
        if self.s.blocks and consumer.overdue and not consumer.cut:
            self._renew(consumer, d)
        if consumer.turned is not None and not consumer.turned.triggered:
            consumer.turned.succeed()

    def _begun(self, consumer: Consumer, d: Delivery, work_s: float) -> None:
        d.begun_s, d.work_s = self.env.now, work_s
        d.waits_until_s = max(d.waits_until_s, d.message.due_s)
        if abs(consumer.machine.resume_s - self.env.now) < NEAR_S:
            d.stood_still_s = consumer.paused_s
        else:
            d.stood_still_s = self.env.now

    def _leave(self, consumer: Consumer) -> None:
        self._send_acks(consumer)
        self.crash(self.consumers.index(consumer), but=self.env.active_process, leaving=True)

    def _finish(self, consumer: Consumer, d: Delivery) -> bool:
        """Work on a delivery is over; False: the process died of it."""
        message = d.message
        what = self.poison.get(self.number[id(message)])
        verdict = "ok"
        if d.timed_out:
            verdict = self.s.on_failure
            self.times.acted["work"] += 1
        elif what is not None and what[1] > 0:
            what[1] -= 1
            verdict = self.s.on_kill if what[0] else self.s.on_failure
            self.seen.add("poison")
            if verdict == "die":
                c = self.consumers.index(consumer)
                self.times.acted["killed"] += 1
                self.crash(c, but=self.env.active_process)
                if what[2] < INF:
                    self.env.process(self._start_later(c, what[2]))
                raise simpy.Interrupt("died")
        if verdict == "ok":
            message.effects += 1
            self.times.took_effect(d)
            message.done_s = min(message.done_s, self.env.now)
        consumer.working.remove(d)
        if self.s.until_done and d.acknowledged:
            self.seen.add("asked again")
            self.env.process(self._ask_again(d.connection))
        self._turn(consumer, d)
        if self.s.ack != "late" and not d.owed:
            d.verdict = verdict
            if not d.at_broker and verdict != "ok" and message.where == "acked":
                self._settle(d, verdict, False)
                self._serve()
        elif verdict != "leave":
            d.verdict = verdict
            consumer.done.append(d)
        else:
            self.times.gone(d)
            self._leave_for(consumer, [d])
        if verdict != "ok" and self.s.stop_batch:
            for left in consumer.buffer:
                self.times.gone(left)
            self._leave_for(consumer, list(consumer.buffer))
            consumer.buffer.clear()
        return True

    def _leave_for(self, consumer: Consumer, left: list[Delivery]) -> None:
        """What failed, or is not begun for that, comes back when its consumer says."""
        if self.s.failed_lock_s < INF and not consumer.cut:
            self.seen.add("given back")
            for d in self._lock_anew(left, self.s.failed_lock_s):
                d.given_back = True

    def _heartbeats(self, consumer: Consumer, batch: list[Delivery]) -> Steps:
        """Of one batch, from its beginning: extend the locks of what is left of it."""
        process = consumer.connection
        next_s = self.env.now + self.s.beat_s
        while True:
            yield self.env.timeout(next_s - self.env.now)
            while consumer.machine.paused and consumer.connection is process:
                yield from consumer.machine.running()
            hand = [*consumer.done, *consumer.working, *consumer.buffer]
            hand = [d for d in hand if d in batch]
            if consumer.connection is not process or not hand:
                return
            if not consumer.cut:
                self.seen.add("heartbeat")
                self._lock_anew(hand, self.s.beat_lock_s)
            next_s = self.env.now + self.s.beat_s

    def _ask_again(self, connection: Connection) -> Steps:
        """It has a free place, and asks for one more."""
        yield self.env.timeout(self.s.ack_s / 2)
        if connection.open:
            connection.unacked -= 1
            self._wait(connection)
            self._serve()

    def _start_later(self, c: int, after_s: float) -> Steps:
        died = self.consumers[c].connection
        yield self.env.timeout(after_s)
        if not self.consumers[c].alive and self.consumers[c].connection is died:
            self.restart(c)

    def _send_acks(self, consumer: Consumer) -> None:
        if consumer.done and not consumer.cut:
            self._send_ack(consumer, consumer.done)
            consumer.done = []

    def _send_ack(self, consumer: Consumer, deliveries: list[Delivery]) -> None:
        after_s = 0.0
        if self.s.push and self.s.ack_trips:
            after_s = max(0.0, consumer.loop_free_s - self.env.now)
            consumer.loop_free_s = self.env.now + after_s + self.s.ack_trips * self.s.ack_s
        for d in deliveries:
            d.ack_sent, d.on_wire = True, after_s == 0.0
        self.env.process(self._leave_loop(consumer, consumer.connection, deliveries, after_s))

    def _leave_loop(
        self,
        consumer: Consumer,
        connection: Connection | None,
        deliveries: list[Delivery],
        after_s: float,
    ) -> Steps:
        """An ack waits for the main loop, and is lost if process or connection end before."""
        if after_s > 0:
            self.seen.add("ack waited")
            yield self.env.timeout(after_s)
            if consumer.connection is not connection:
                self.seen.add("ack lost")
                return
        yield from self._ack_travels(deliveries)

    # Consumers that pull.

    def _puller(self, consumer: Consumer, after_s: float) -> Steps:
        s = self.s
        try:
            yield self.env.timeout(after_s)
            while True:
                held, rested_s = [], INF
                if s.claim_s < INF or consumer.owns:
                    yield from self._sleep(consumer)
                    rested_s = consumer.asked_s
                    held = yield from self._pending_first(consumer)
                if not held and not consumer.stopping:
                    rested = consumer.asked_s == rested_s  # it has not asked for what is pending
                    held = yield from self._receive(consumer, rested=rested)
                for d in held:
                    d.arrived_s = self.env.now
                consumer.buffer.extend(held)
                yield from consumer.machine.running()
                if s.beat_s < INF and consumer.buffer:
                    self.env.process(self._heartbeats(consumer, list(consumer.buffer)))
                extra_s, chunk = s.per_batch_s, 0
                while consumer.buffer:
                    d = consumer.buffer.popleft()
                    consumer.working.append(d)
                    self._begun(consumer, d, extra_s + d.message.work_s)
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
        if consumer.stopping and not consumer.buffer:  # else it finishes that
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

    def _receive(self, consumer: Consumer, *, rested: bool = False) -> Steps:
        s = self.s
        assert consumer.connection is not None
        held_up = False
        while True:
            if held_up and consumer.cut:
                yield from self._mended(consumer)
                if s.claim_s < INF:
                    return []
            if not rested:
                yield from self._sleep(consumer)
            rested = False
            consumer.asked_s, consumer.found_none = self.env.now, False
            held_up = True
            if consumer.cut:
                continue
            passed_s = self._passed_s()
            call_s = self._call_s() + passed_s
            travels = self.env.timeout(self._until_taken("receive", call_s / 2))
            if not (yield from self._in_time(consumer, travels)):
                continue
            call = PlainCall(consumer, consumer.connection, self.env.event(), self.env.now)
            self.waiting.append(call)
            self._serve()
            consumer.found_nothing = not (call.answer.triggered and call.answer.value)
            blocked = s.row_waits and not call.answer.triggered
            if blocked:
                self.seen.add("waited for a row")
            if (s.wait_s > 0 or blocked) and not call.answer.triggered:
                consumer.leaves_at_once = True
                ends = self.env.timeout(INF if blocked else s.wait_s)
                hurries = [consumer.hurried] if consumer.hurried is not None else []
                mended = yield from self._in_time(consumer, call.answer, ends, *hurries)
                if any(hurry.processed for hurry in hurries) and not call.answer.triggered:
                    self.waiting.remove(call)
                    consumer.leaves_at_once = False
                    return []
                answered = call.answer.triggered and call.answer.value
                consumer.found_nothing = mended and not answered
                consumer.leaves_at_once = False
                if not mended:
                    if call in self.waiting:
                        self.waiting.remove(call)
                    continue
            if call in self.waiting:
                self.waiting.remove(call)
            held = call.answer.value if call.answer.triggered else []
            consumer.on_the_way = held
            consumer.found_none = not held
            self.times.acted["dead"] += bool(held) and call_s - passed_s > 2 * s.receive_s
            self.times.acted["passed"] += bool(held) and 2 * passed_s > call_s
            if held and consumer.slept_s < INF:
                came_s = self.enqueued_s[held[0].message.row] + s.delay_s
                self.times.acted["poll"] += came_s < consumer.asked_s - NEAR_S
            if not (yield from self._in_time(consumer, self.env.timeout(call_s / 2))):
                for d in held:
                    self.times.gone(d)
                    self._lose(d)
                continue
            consumer.on_the_way = []
            if held:
                return held
            yield from consumer.machine.running()
            if consumer.stopping or consumer.buffer or s.claim_s < INF:
                return []
            held_up = False

    def _pending_first(self, consumer: Consumer) -> Steps:
        """Before it asks for more: what is pending under its name, and what nobody works on."""
        s = self.s
        while not consumer.stopping:
            own = consumer.owns
            if not own:
                if s.claim_s == INF or self.env.now < consumer.claimed_s + s.claim_every_s:
                    return []
                consumer.claimed_s = self.env.now
            consumer.asked_s, consumer.found_none = self.env.now, False
            held = yield from self._pending_call(consumer, own=own)
            if held:
                return held
            yield from consumer.machine.running()
        return []

    def _pending_call(self, consumer: Consumer, *, own: bool) -> Steps:
        s = self.s
        if not consumer.cut:
            travels = self.env.timeout(self._until_taken("receive", s.receive_s / 2))
            if (yield from self._in_time(consumer, travels)):
                held = self._pending_for(consumer, own=own)
                if held:
                    consumer.found_nothing = False
                self._serve()
                consumer.on_the_way = held
                answer = self.env.timeout(s.receive_s / 2)
                if (yield from self._in_time(consumer, answer)):
                    return held
                for d in held:
                    self.times.gone(d)
        yield from self._mended(consumer)
        return []

    def _sleep(self, consumer: Consumer) -> Steps:
        """Wait for the time of the next call."""
        s, now = self.s, self.env.now
        until_s = consumer.asked_s + s.every_s
        if until_s - now <= s.every_least_s:
            until_s = now
        if consumer.found_none:
            until_s = max(until_s, now + s.poll_s)
        soon_s = consumer.asked_s + s.notified_s
        if s.notify and self.latest_s > consumer.asked_s:
            until_s = min(until_s, soon_s)
        consumer.slept_s = INF
        if until_s <= now:
            return
        self.seen.add("slept")
        consumer.slept_s, consumer.sleeping = now, True
        consumer.found_nothing = not consumer.cut
        consumer.soon_s, consumer.until_s = soon_s, until_s
        while self.env.now < consumer.until_s:
            yield self.env.timeout(consumer.until_s - self.env.now) | consumer.changed
            yield from consumer.machine.running()
            if consumer.stopping:
                self._leave(consumer)
                raise simpy.Interrupt("left")
        consumer.sleeping = False

    def _ack_call(self, consumer: Consumer) -> Steps:
        if consumer.cut:
            yield from self._mended(consumer)
        after_s = self._until_taken("ack", self.s.ack_s / 2)
        for d in consumer.done:  # at once: the consumer may end at this time
            d.ack_sent = d.on_wire = True
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
        dropped += consumer.on_the_way
        for d in dropped:
            self._lose(d)
        for d in self.unacked:
            lost = working_too or d not in consumer.working
            if d.connection is consumer.connection and lost and not d.on_wire:
                self.times.gone(d)
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
        consumer.found_nothing = consumer.found_none = consumer.sleeping = False
        consumer.asked_s = -INF
        if self.s.loses and not leaving:
            for d in [d for d in self.unacked if d.connection.consumer is consumer]:
                if not d.on_wire:
                    self._lose_for_good(d)
        self._drop(consumer, working_too=True)
        self.waiting = [
            w for w in self.waiting if not (isinstance(w, PlainCall) and w.consumer is consumer)
        ]
        connection = consumer.connection
        assert connection is not None
        consumer.connection = None
        if self.s.push and connection.open and not consumer.cut:
            self.env.process(self._close_later(connection))
        hands_back = leaving and self.s.hands_back and not self.s.closes
        if self.s.push and hands_back and not consumer.cut:
            self.env.process(self._hand_back(connection, self.s.ack_s / 2))
        if not self.s.push and self.s.closes and not consumer.cut:
            self.env.process(self._hand_back(connection, self.s.closes_after_s))
        for process in consumer.processes:
            if process is not but and process.is_alive:
                process.interrupt()
        if self.s.loses:
            self._serve()

    def restart(self, c: int, after_s: float = 0.0) -> None:
        """Start a new process in the place of a dead one; it makes itself known a little later."""
        consumer = self.consumers[c]
        consumer.machine = Machine(self.env)
        consumer.loop_free_s = -INF
        consumer.alive, consumer.stopping, consumer.leaves_at_once = True, False, False
        consumer.connection = Connection(consumer)
        consumer.claimed_s, consumer.owns = -INF, self.s.own_first
        if self.s.push:
            if not consumer.cut:
                self.env.process(self._join(consumer.connection, after_s + self.s.ack_s / 2))
            consumer.processes = [
                self.env.process(self._slot(consumer)) for _ in range(self.s.slots)
            ]
            if self.s.lease_s < INF:
                consumer.overdue = False
                consumer.processes.append(self.env.process(self._renewer(consumer, after_s)))
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
        elif consumer.sleeping:
            self._look(consumer)

    def pause(self, c: int, for_s: float) -> None:
        """Stop the process for a while."""
        consumer = self.consumers[c]
        if not consumer.machine.paused:
            consumer.paused_s = self.env.now
        consumer.machine.pause(for_s)
        if self.s.loop_s:
            consumer.loop_free_s = max(consumer.loop_free_s, self.env.now + for_s)

    def slow(self, c: int, factor: float) -> None:
        """Stretch the work of the process."""
        self.consumers[c].machine.slow(factor)

    def cut_off(self, c: int) -> None:
        """Cut the network of one consumer."""
        self.consumers[c].cut = True
        self.consumers[c].found_nothing = False
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
        held_up = consumer.machine.paused or (self.s.blocks and consumer.working)
        if consumer.overdue and not held_up:
            self._renew(consumer)  # before it sends what waits
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
