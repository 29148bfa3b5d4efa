"""A destructive queue, message by message in plain SimPy: what the queue kernels are held to.

It shares no code with ``sim`` and is written for reading: a timer for every receive, a process for
every worker and every delete. One server, so a short poll sees the whole queue.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import simpy

from models.plain_machine import Machine, Steps
from models.plain_waits import Delivery, Effect, parts_of


@dataclass(frozen=True)
class Settings:
    """Of senders, queue and workers; times in s."""

    threads: int = 1
    send_batch: int = 10
    send_s: float = 0.0
    workers: int = 1
    batch: int = 10
    delete_each: bool = False
    per_batch_s: float = 0.0
    visibility_s: float = 30.0
    wait_s: float = 0.0
    max_receives: int = 1_000
    max_in_flight: int = 120_000
    retention_s: float = 345_600.0
    delay_s: float = 0.0
    order: str = "returned-first"  # or as-visible, fresh-first
    stale_deletes: bool = False
    receive_s: float = 0.02
    delete_s: float = 0.02


@dataclass
class Message:
    """What the queue and the workers know of one message."""

    work_s: float
    visible_s: float = float("inf")
    back_s: float = float("inf")  # when it became visible again
    where: str = "unsent"  # unsent, ready, hidden, deleted, dead, expired
    receives: int = 0
    done_s: float = float("inf")
    effects: int = 0
    poison: str = ""  # fail: the handler raises; kill: the process dies
    times: int = 0  # on the first so many receives
    revive_s: float = float("inf")  # from the death of a process to the next one
    created_s: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)
    effect: Effect | None = None  # the first

    def poisonous(self, receipt: int) -> bool:
        """Whether its processing ends badly, after a receive of this number."""
        return bool(self.poison) and receipt <= self.times


Held = list[tuple[Message, int]]


class Worker:
    """A place for a process: what is known of the one there, and of its network."""

    def __init__(self, env: simpy.Environment) -> None:
        self.machine = Machine(env)
        self.process: simpy.Process
        self.life = 0
        self.has: Held = []  # what it holds and has not done
        self.asking = True
        self.ending = False
        self.dead = False
        self.idle = False  # has nothing and has still to ask: no long poll of it waits
        self.cut = False
        self.cutting = env.event()
        self.mending = env.event()


class PlainQueue:
    """Senders, one queue, its workers, and the faults of a worker."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        created_s: Sequence[float],
        work_s: Sequence[float],
    ) -> None:
        self.env = env
        self.settings = settings
        self.messages = [Message(float(work)) for work in work_s]
        self.unsent: deque[Message] = deque()
        self.created = env.event()
        self.fresh: deque[Message] = deque()
        self.returned: deque[Message] = deque()
        self.parked: list[simpy.Event] = []
        self.in_flight = 0
        self.full = False  # somebody gets nothing because of what is in flight
        self.history: list[tuple[float, str]] = [(0.0, "capacity")]  # why what is ready waits
        self.dead_lettered: list[float] = []
        self.seen: set[str] = set()
        self.workers = [Worker(env) for _ in range(settings.workers)]
        env.process(self._create(created_s))
        for _ in range(settings.threads):
            env.process(self._sender())
        for w, worker in enumerate(self.workers):
            worker.process = env.process(self._worker(worker, w * 1e-3))

    # The way in.

    def _create(self, created_s: Sequence[float]) -> Steps:
        for message, at_s in zip(self.messages, created_s, strict=True):
            yield self.env.timeout(at_s - self.env.now)
            message.created_s = at_s
            self.unsent.append(message)
            self.created.succeed()
            self.created = self.env.event()

    def _sender(self) -> Steps:
        while True:
            while not self.unsent:
                yield self.created
            size = min(self.settings.send_batch, len(self.unsent))
            call = [self.unsent.popleft() for _ in range(size)]
            yield self.env.timeout(self.settings.send_s / 2)
            self.env.process(self._enqueue(call))
            yield self.env.timeout(self.settings.send_s / 2)

    def _enqueue(self, call: list[Message]) -> Steps:
        yield self.env.timeout(self.settings.delay_s)
        for message in call:
            message.visible_s = self.env.now
            message.where = "ready"
            self.fresh.append(message)
        self._answer_long_polls()

    # The servers.

    def _drop_if_old(self, message: Message) -> None:
        if (
            message.where == "ready"
            and self.env.now >= message.visible_s + self.settings.retention_s
        ):
            message.where = "expired"

    def _next(self) -> deque[Message]:
        """Where the next message is taken from."""
        if not self.returned or not self.fresh:
            return self.returned or self.fresh
        if self.settings.order == "returned-first":
            return self.returned
        # Dropped for its age, it is in nobody's way.
        self._drop_if_old(self.fresh[0])
        if self.fresh[0].where != "ready":
            return self.fresh
        if self.settings.order == "fresh-first":
            return self.fresh
        earlier = self.returned[0].back_s < self.fresh[0].visible_s
        self.seen.add("came back earlier" if earlier else "came back later")
        return self.returned if earlier else self.fresh

    def _receive(self, worker: Worker | None = None, sent_s: float = 0.0) -> Held:
        limit = min(self.settings.batch, self.settings.max_in_flight - self.in_flight)
        if limit < self.settings.batch and (self.returned or self.fresh):
            self.seen.add("in-flight cap")
        held: Held = []
        while len(held) < limit and (self.returned or self.fresh):
            message = self._next().popleft()
            self._drop_if_old(message)
            if message.where != "ready":
                continue
            if message.receives >= self.settings.max_receives:
                message.where = "dead"
                self.dead_lettered.append(self.env.now)
                continue
            message.where = "hidden"
            message.receives += 1
            message.deliveries.append(Delivery(self.env.now, None if worker is None else sent_s))
            held.append((message, message.receives))
        self.in_flight += len(held)
        if held:
            self.env.process(self._visibility(held))
        elif self.in_flight >= self.settings.max_in_flight:
            self.full = True
        if worker is not None:
            worker.idle = not held and self.settings.wait_s == 0
        self._look()
        return held

    def _look(self) -> None:
        """Write down why what is ready waits, from now on."""
        self.full = self.full and self.in_flight >= self.settings.max_in_flight
        able = [w for w in self.workers if not (w.dead or w.ending or w.cut or w.machine.paused)]
        why = "capacity"
        if not able:
            why = "nobody"
        elif self.full:
            why = "ceiling"
        elif any(w.idle for w in able):
            why = "idle"
        if why != self.history[-1][1]:
            self.history.append((self.env.now, why))

    def parts(self, message: Message) -> dict[str, float]:
        """What a message waited for until its first effect, by part, s."""
        return parts_of(message, self.history)

    def _visibility(self, held: Held) -> Steps:
        yield self.env.timeout(self.settings.visibility_s)
        for message, receipt in held:
            if message.where == "hidden" and message.receives == receipt:
                message.where = "ready"
                self.in_flight -= 1
                message.deliveries[-1].back_s = self.env.now
                message.back_s = self.env.now
                self.returned.append(message)
                self.seen.add("visibility expired")
        self._look()
        self._answer_long_polls()

    def _delete(self, held: Held) -> Steps:
        yield self.env.timeout(self.settings.delete_s / 2)
        for message, receipt in held:
            self._drop_if_old(message)
            if message.receives != receipt:
                self.seen.add("stale receipt")
            if message.receives != receipt and not self.settings.stale_deletes:
                continue
            if message.where in ("ready", "hidden"):
                if message.receives != receipt:
                    self.seen.add("stale receipt deleted")
                self.in_flight -= message.where == "hidden"
                message.where = "deleted"
        self._look()
        self._answer_long_polls()

    def _answer_long_polls(self) -> None:
        while self.parked:
            held = self._receive()
            if not held:
                return
            self.parked.pop(0).succeed(held)
            if self.parked and self.in_flight >= self.settings.max_in_flight:
                self.full = True
            self._look()

    # The workers.

    def _able(self, worker: Worker) -> Steps:
        """Wait until the process runs and its network works."""
        was_cut = False
        while worker.cut or worker.machine.paused:
            was_cut = was_cut or worker.cut
            yield worker.mending if worker.cut else self.env.process(worker.machine.running())
        return was_cut

    def _ask(self, worker: Worker) -> Steps:
        """One receive; its request is lost with the network, its answer is not."""
        s = self.settings
        worker.asking = True
        while True:
            worker.idle |= yield from self._able(worker)
            self._look()
            cut, sent_s = worker.cutting, self.env.now
            yield self.env.timeout(s.receive_s / 2) | cut
            if cut.triggered:
                worker.idle = True
                continue
            held = self._receive(worker, sent_s)
            if not held and s.wait_s > 0:
                poll = self.env.event()
                self.parked.append(poll)
                try:
                    yield poll | self.env.timeout(s.wait_s) | cut
                finally:
                    if poll in self.parked:
                        self.parked.remove(poll)
                if poll.triggered:
                    held = poll.value
                elif cut.triggered:
                    continue
                worker.idle = not held
                self._look()
            worker.asking = not held
            worker.has = list(held)
            yield self.env.timeout(s.receive_s / 2)
            return held

    def _call_delete(self, worker: Worker, chunk: Held) -> Steps:
        """One delete, made again until its answer comes."""
        while True:
            yield from self._able(worker)
            self.env.process(self._delete(chunk))
            yield self.env.timeout(self.settings.delete_s / 2)
            if not worker.cut:
                yield self.env.timeout(self.settings.delete_s / 2)
                return
            self.seen.add("answer lost")

    def _worker(self, worker: Worker, start_s: float) -> Steps:
        s = self.settings
        machine = worker.machine
        try:
            yield self.env.timeout(start_s)
            worker.idle = True
            self._look()
            while not worker.ending:
                held = yield from self._ask(worker)
                came_s = self.env.now
                yield from machine.running()
                extra_s = s.per_batch_s
                for chunk in [[one] for one in held] if s.delete_each else [held]:
                    done: Held = []
                    for message, receipt in chunk:
                        begun_s, own_s = self.env.now, extra_s + message.work_s
                        yield from machine.work(own_s)
                        extra_s = 0.0
                        delivery = message.deliveries[receipt - 1]
                        if message.poisonous(receipt):
                            delivery.left_s = self.env.now
                            self.seen.add(message.poison)
                            if message.poison == "kill":
                                self._die(worker, message.revive_s)
                                return
                            continue
                        message.effects += 1
                        if message.effect is None:
                            others = message is not held[0][0]
                            now_s = self.env.now
                            effect = Effect(delivery, came_s, begun_s, now_s, own_s, others)
                            message.effect = effect
                        message.done_s = min(message.done_s, self.env.now)
                        worker.has.remove((message, receipt))
                        done.append((message, receipt))
                    if done:
                        yield from self._call_delete(worker, done)
                        yield from machine.running()
            yield from machine.running()
        except simpy.Interrupt as signal:
            self._drop(worker)
            if signal.cause == "SIGTERM":
                yield from self._leave(machine)

    def _leave(self, machine: Machine) -> Steps:
        """End, once the process runs again."""
        with suppress(simpy.Interrupt):
            yield from machine.running()

    # What messages do to processes.

    def _drop(self, worker: Worker) -> None:
        """What it holds and has not done, nobody has any more."""
        for message, receipt in worker.has:
            delivery = message.deliveries[receipt - 1]
            delivery.left_s = min(delivery.left_s, self.env.now)
        worker.has = []

    def _die(self, worker: Worker, revive_s: float) -> None:
        self._drop(worker)
        worker.dead = True
        self._look()
        if revive_s < float("inf") and not worker.ending:
            self.env.process(self._revive(worker, worker.life, revive_s))

    def _revive(self, worker: Worker, life: int, after_s: float) -> Steps:
        yield self.env.timeout(after_s)
        if worker.life == life:
            self._start(worker)

    def _start(self, worker: Worker) -> None:
        worker.life += 1
        worker.ending = False
        worker.dead = False
        worker.asking = True
        worker.idle = False
        worker.has = []
        worker.machine = Machine(self.env)
        worker.process = self.env.process(self._worker(worker, 0.0))

    # The faults.

    def crash(self, w: int) -> None:
        """Kill the process; a delete already sent still arrives."""
        if self.alive(w):
            self.workers[w].process.interrupt()
            self.workers[w].dead = True
            self._look()

    def terminate(self, w: int, grace_s: float) -> None:
        """Let it finish what it holds, and kill it if that takes too long."""
        if self.alive(w):
            self.env.process(self._end(self.workers[w], grace_s))

    def _end(self, worker: Worker, grace_s: float) -> Steps:
        process = worker.process
        worker.ending = True
        self._look()
        if worker.asking:
            self.seen.add("ended at once")
            process.interrupt("SIGTERM")
        yield self.env.timeout(grace_s)
        if process.is_alive:
            worker.dead = True
            self.seen.add("grace over")
            process.interrupt()
        else:
            self.seen.add("ended in grace")

    def restart(self, w: int) -> None:
        """Start a new process in the place of a dead one."""
        if not self.alive(w):
            self._start(self.workers[w])

    def alive(self, w: int) -> bool:
        """Whether the process runs."""
        return self.workers[w].process.is_alive

    def pause(self, w: int, for_s: float) -> None:
        """Stop the process for a while."""
        machine = self.workers[w].machine
        machine.pause(for_s)
        self._look()
        self.env.process(self._look_after(machine))

    def _look_after(self, machine: Machine) -> Steps:
        yield from machine.running()
        self._look()

    def slow(self, w: int, factor: float) -> None:
        """Stretch the work of the process."""
        self.workers[w].machine.slow(factor)

    def cut_off(self, w: int) -> None:
        """Let no call through."""
        worker = self.workers[w]
        if not worker.cut:
            worker.cut = True
            self._look()
            worker.cutting.succeed()
            worker.cutting = self.env.event()

    def reconnect(self, w: int) -> None:
        """Let calls through again."""
        worker = self.workers[w]
        if worker.cut:
            worker.cut = False
            self._look()
            worker.mending.succeed()
            worker.mending = self.env.event()

    def finish(self) -> None:
        """Drop what retention has already reached; call at the end."""
        for message in self.messages:
            self._drop_if_old(message)
