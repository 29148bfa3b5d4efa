"""One queue with every knob, the consumers that it serves, and what can happen to them.

The presets on it differ in their `sim.queue.broker_policy_kernel.BrokerPolicy`, which
`sim.queue.broker_policy.broker_policy` makes with the defaults of a plain FIFO queue: a preset
names what is different.
"""

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from math import inf, nextafter

import numpy as np

from sim.engine import pieces
from sim.engine.pace import STEPS, StagePace
from sim.engine.system import Sought
from sim.engine.waits import TimePart
from sim.foundation.arrays import F32, F64, I32, I64, Bools
from sim.queue import broker_arrivals_kernel as arrivals
from sim.queue import broker_codes as codes
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_faults_kernel as faults
from sim.queue import broker_kernel as k
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_function_kernel import InvokedFunction
from sim.queue.broker_limits_kernel import act
from sim.queue.broker_messages_kernel import PoisonLeft
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_seek import Seeker
from sim.queue.broker_state import (
    Columns,
    MessageColumns,
    PoisonousMessages,
    columns_of,
    new_state,
    no_poison,
)
from sim.queue.checks import check_broker, check_effects, check_states, counts_of
from sim.queue.feed_kernel import Feed

_STAGGER_S = 1e-3
_LOOK = 1 << 12
"""Rows of the feed looked at together for the oldest message that is still there."""

BEFORE_CONTROL, AFTER_CONTROL = range(2)
"""Whether what is due acts before what control does at the same time, or after."""


class Broker:
    """Stage of the data plane, a queue and its consumers; and a `sim.engine.system.Fleet` of them.

    The verbs (`crash`, `pause`, …) act at the time to which the stage was last advanced. What comes
    of them later, such as a missed heartbeat, the stage does by itself when it gets there.
    """

    def __init__(
        self,
        feed: Feed,
        service_s: F32,
        consumers: int,
        policy: BrokerPolicy,
        *,
        receive_latency_s: F64,
        ack_latency_s: F64,
        grid_s: F64,
        slots: int = 1,
        capacity: int | None = None,
        columns: Columns | None = None,
        poison: PoisonousMessages | None = None,
        jitter: F64 | None = None,
        keep_repeats: int = 0,
        heartbeat_s: float = inf,
        cold_after_s: float = inf,
        function: InvokedFunction | None = None,
        dead: DeadRows | None = None,
        keeps_s: float | None = None,
    ) -> None:
        """
        Args:
            feed: what the senders put in; other queues may read the same one.
            service_s: [messages] work that each message takes, s.
            consumers: processes; they start a millisecond apart.
            policy: settings of the queue and its consumers.
            receive_latency_s: [draws] round trips that fetch messages, s, taken in turn; a push
                takes half of one.
            ack_latency_s: [draws] the same of acks; an ack that nobody waits for takes half of one.
            grid_s: [grid] ascending times at which the queue is sampled.
            slots: messages that a process works on side by side.
            capacity: processes that there can be; those beyond ``consumers`` are not started.
            columns: what the policy needs to know of each message.
            poison: messages that make a consumer fail, ascending.
            jitter: [draws] uniform in [0, 1), for retries.
            keep_repeats: how many times of repeated processing to keep (of the first, all are).
            heartbeat_s: the broker closes a connection over which it has heard nothing for so long.
            cold_after_s: from SIGTERM until work in progress is cancelled and given back.
            function: that consumers, which pull, invoke instead of working; None: they work.
            dead: rows of its table that calls pass, where a snapshot is held; None: it is none.
            keeps_s: for how long what was acknowledged can be had again by a seek, s; None: there
                is no seek, or it only tells what there was.
        """
        self.policy = policy
        self.heartbeat_s = heartbeat_s
        self.cold_after_s = cold_after_s
        self.now_s = 0.0
        """Time to which the stage was last advanced, s."""
        self.state = new_state(
            feed,
            np.require(service_s, requirements="W"),  # `let_in` writes to it
            consumers if capacity is None else max(consumers, capacity),
            policy,
            receive_latency_s=receive_latency_s,
            ack_latency_s=ack_latency_s,
            grid_s=grid_s,
            slots=slots,
            columns=columns or Columns(),
            poison=no_poison() if poison is None else poison,
            jitter=np.zeros(1) if jitter is None else jitter,
            keep_repeats=keep_repeats,
            function=function,
            dead=dead,
        )
        self.seeker = None if keeps_s is None else Seeker(self.state, keeps_s)
        self.pace = StagePace("a queue", self.total)
        self._counts = counts_of(self.state)
        self._due: list[tuple[float, int, int, Callable[[], None]]] = []
        self._dues = 0
        self._oldest = 0
        """Rows of the feed before this are gone."""
        if self.state.leased and policy.check_s < inf:
            events_kernel.push(self.state.events, policy.check_s, codes.CHECK, 0, 0)
        for c in range(consumers):
            self._make_room()
            faults.start(self.state, c * _STAGGER_S, c)

    @property
    def queue(self) -> MessageColumns:
        """What became of each message so far."""
        return columns_of(self.state.messages)

    @property
    def total(self) -> int:
        """Messages that the queue is to get."""
        return self.state.messages.total

    @property
    def size(self) -> int:
        """Places for consumers: alive, dead, or not started yet."""
        return self.state.consumers.anchor

    @property
    def useful(self) -> int | None:
        """There is no limit, but where one consumer alone has messages at a time."""
        return 1 if self.policy.single_active or self.policy.row_waits else None

    @property
    def idle(self) -> TimePart:
        """What a message waits for that is ready while a consumer rests.

        Its line: a message group, a window, the consumer that alone has messages; or a process.
        """
        policy = self.policy
        in_line = policy.pick == codes.SPANS or self.state.by_lane
        if policy.single_active or in_line or policy.eta_limit:
            return TimePart.HEAD_OF_LINE
        return TimePart.CEILING

    # What of its messages is not known beforehand.

    def expect(self, messages: int) -> None:
        """Say how many messages the queue is to get; `NO_LIMIT`: nobody knows yet."""
        self.state.messages.total = messages

    def let_in(self, feed: Feed, lane: I32, new: slice, work_s: F32) -> None:
        """Take notice of messages of which nothing was known beforehand.

        Args:
            feed: the queue's, which may have got longer.
            lane: [room of the feed] of each message.
            new: numbers of those that have come.
            work_s: [new] work that each takes, s.
        """
        messages, room = self.state.messages, feed.message.shape[0]
        if room > messages.state.shape[0]:
            messages.enlarge(room)
            self.state.times.enlarge(room)
            self.state.lanes.enlarge(room, lane)
            self.state.feed = feed
        np.asarray(messages.service_s)[new] = work_s

    def add_poison(self, poison: PoisonousMessages) -> None:
        """Take notice of more messages that make a consumer fail, behind all those so far."""
        known = self.state.poison
        self.state.poison = PoisonLeft(
            np.concatenate([known.message, poison.message]),
            np.concatenate([known.kills, poison.kills]),
            np.concatenate([known.left, poison.times]),
            np.concatenate([known.restart_s, poison.restart_s]),
        )

    # As a stage.

    def advance(self, until_s: float) -> None:
        """Carry queue and consumers to ``until_s``.

        Raises:
            AssertionError: something happened that cannot (`sim.queue.checks`); a bug of the lab.
        """
        while self._due and self._due[0][:2] <= (until_s, BEFORE_CONTROL):
            at_s, _, _, do = heappop(self._due)
            self._work(at_s)
            do()
        self._work(until_s)
        counts = counts_of(self.state)
        check_broker(self._counts, counts, self.state.deliveries.used, self.policy)
        self._counts = counts

    def advance_to_letter(self, until_s: float) -> None:
        """As `advance`, but it stands still where the first message goes into another queue."""
        letters = self.state.letters
        while self._due and self._due[0][:2] <= (until_s, BEFORE_CONTROL):
            self._work(self._due[0][0])
            if letters.n:
                return
            _, _, _, do = heappop(self._due)
            do()
            if letters.n:
                return
        self._work(until_s)

    def ready(self) -> int:
        """How many messages are ready now."""
        self._make_room()
        return self.state.messages.ready_now

    def move_first(self) -> bool:
        """Take the oldest message that is ready out of the queue; False: none is.

        It is then in the queue's letters, alone.
        """
        self._make_room()
        letters = self.state.letters
        assert letters.n == 0, "queue: letters that nobody has taken"
        while letters.message.shape[0] < 1 + k.most_letters(self.state):
            letters.enlarge()
        return arrivals.move_first(self.state) >= 0

    def expire_one(self, message: int) -> None:
        """The life of a message ends that is not counted from when it came here."""
        self._make_room()
        arrivals.expire_one(self.state, message)

    def due_s(self) -> float:
        """When something happens next, as far as is known, s; inf: nothing."""
        due_s = k.due_s(self.state)
        if self._due:
            at_s, order = self._due[0][:2]
            due_s = min(due_s, at_s if order == BEFORE_CONTROL else nextafter(at_s, inf))
        return due_s

    def _work(self, until_s: float) -> None:
        clock_s = self.state.clock_s
        while (ended := k.work(self.state, until_s, STEPS)) != pieces.DONE:
            if ended == pieces.FULL:
                self._enlarge()
            elif self.state.letters.stops and self.state.letters.n:
                until_s = self.state.clock_s
                break
            else:
                self.pace.look(self.state.clock_s, self.state.messages.removed, self._doing)
        self.now_s = until_s
        assert self.state.clock_s >= clock_s, "queue: time went back"

    def _doing(self) -> str:
        """How far it is, and what comes next, for people."""
        messages, consumers = self.state.messages, self.state.consumers
        at_s = events_kernel.first_s(self.state.events)
        return (
            f"{messages.removed} of {messages.total} messages are gone, {messages.ready_now} ready"
            f" and {messages.in_flight_now} in flight; {sum(consumers.alive)} consumers run, and "
            f"what comes next is at {at_s!r} s"
        )

    def later(self, after_s: float, order: int, do: Callable[[], None]) -> None:
        """Have the stage act by itself in a while.

        Args:
            after_s: in how long, s; inf: never.
            order: BEFORE_CONTROL or AFTER_CONTROL.
            do: does it, at the time that `now_s` then is.
        """
        self.at(self.now_s + after_s, order, do)

    def at(self, at_s: float, order: int, do: Callable[[], None]) -> None:
        """As `later`, at a given time, s; inf: never."""
        if at_s < inf:
            self._dues += 1
            heappush(self._due, (at_s, order, self._dues, do))

    def _enlarge(self) -> None:
        """Double whatever is more than half full."""
        deliveries, events = self.state.deliveries, self.state.events
        if 2 * deliveries.used > deliveries.message.shape[0] - self.state.most:
            deliveries.enlarge()
        if 2 * events.stored > events.slot.shape[0] - self._spare:
            events.enlarge()
        if 2 * (events.polls - events.polls_ended) > events.poll_end_s.shape[0]:
            events.enlarge_ring()
        times = self.state.times
        while times.rows + 2 * k.rare_rows(self.state) > times.before.shape[0]:
            times.enlarge_rows()
        if self.policy.moves or self.policy.notes:
            letters = self.state.letters
            while letters.n + k.most_letters(self.state) > letters.message.shape[0]:
                letters.enlarge()

    @property
    def _spare(self) -> int:
        """Events for which there must be room before anything happens, as in `k.work`."""
        policy = self.policy
        return self.state.most + self.state.consumers.slots + (1 + policy.notify) * self.size + 8

    def alter(
        self,
        *,
        lock_s: float | None = None,
        max_receives: int | None = None,
        retention_s: float | None = None,
    ) -> None:
        """Set knobs of the queue anew, at the present time; None: as it is (SS-17).

        Args:
            lock_s: how long the locks of what is handed over from now on last; those that there
                are end when they would have.
            max_receives: a message received so often is dead-lettered instead.
            retention_s: how old a message that is ready may be; it holds for all that are there.
        """
        self._make_room()
        policy, deliveries = self.policy, self.state.deliveries
        if lock_s is not None:
            locked_s, d = np.asarray(deliveries.locked_s), deliveries.first
            while d >= 0:
                locked_s[d] += policy.lock_s - lock_s
                d = deliveries.after[d]
            policy.lock_s = lock_s
        if max_receives is not None:
            policy.max_receives = max_receives
        if retention_s is not None:
            policy.retention_s = retention_s

    def set_clock(self) -> None:
        """Note that time has gone on to ``now_s``, where something changes without an event."""
        k.pass_by(self.state, self.now_s)
        self.state.clock_s = max(self.state.clock_s, self.now_s)

    def _make_room(self) -> None:
        """Get ready for a fault: there is room for what comes of it, and what came, has come."""
        k.pass_by(self.state, self.now_s)
        events = self.state.events
        while events.stored + self._spare > events.slot.shape[0]:
            self._enlarge()

    def settled(self) -> int:
        """Messages gone for good (acknowledged, dead-lettered, expired, …).

        The last one counts only once no consumer has a copy in hand: that would still take effect.
        """
        messages = self.state.messages
        removed = messages.removed
        return removed - (removed == messages.total and messages.held > 0)

    def audit(self) -> None:
        """Compare each message with the counters, at the end.

        Raises:
            AssertionError: they disagree, a message was processed more often than received, or two
                consumers have it under one lock; a bug of the lab.
        """
        queue, counts, deliveries = self.queue, self.state.messages, self.state.deliveries
        check_effects(queue.effects, queue.receives)

        def agree(found: I64) -> bool:
            in_flight = found[codes.IN_FLIGHT] + found[codes.OVERDUE]
            return bool(
                in_flight == counts.in_flight_now
                and found[codes.WAITING] == counts.waiting_now
                and found[codes.ACKED : codes.MOVED].sum() == counts.removed
            )

        check_states(queue.state, codes.STATES, agree)
        locked = []
        d = deliveries.first
        while d >= 0:
            locked.append(int(deliveries.message[d]))
            d = deliveries.after[d]
        assert len(locked) == counts.in_flight_now, "queue: not every lock is of a message"
        assert len(set(locked)) == len(locked), "queue: two consumers hold a message under one lock"

    def spent_s(self) -> Mapping[str, float]:
        """What the consumers did with their time: `GroupOutcome.spent_by_consumers`, s.

        Summed over their places for work. One that is paused counts as at what it was at; of a
        consumer that is pushed to, a free place counts as in calls while messages are ready.
        """
        messages, times = self.state.messages, self.state.times
        if messages.removed < messages.total or messages.held:
            k.pass_by(self.state, self.now_s)
        # Once the last message is gone, the stage stands still, and nobody has anything to do.
        since_s = self.now_s - times.counted_s
        able_s = times.able_s + since_s * times.able
        lived_s = times.lived_s + since_s * times.started
        idle_s = times.idled_s + max(0.0, self.now_s - times.at_s) * times.able
        work_s = min(times.worked_s, lived_s)
        stopped_s = min(lived_s - able_s, lived_s - work_s)
        idle_s = min(idle_s, lived_s - work_s - stopped_s)
        calls_s = lived_s - work_s - stopped_s - idle_s
        return {"work": work_s, "calls": calls_s, "idle": idle_s, "stopped": stopped_s}

    # As a fleet: what is told of the consumers and of what waits for them.

    def seek(self, to_s: float) -> Sought:
        """Go on from the messages of a time; or tell that they are gone, if nothing is kept."""
        if self.seeker is not None:
            self._make_room()
            return self._sought(self.seeker.to_time(self.now_s, to_s))
        queue, feed = self.queue, self.state.feed
        enqueued_s = np.asarray(feed.enqueued_s)[: feed.n[0]] + self.policy.delay_s
        first, stop = np.searchsorted(enqueued_s, [to_s, self.now_s])
        rows = np.asarray(feed.message)[first:stop]
        if queue.wanted.size:
            rows = rows[queue.wanted[rows] == 1]
        states = queue.state[rows]
        gone = (states >= codes.ACKED) & (states != codes.DEAD)
        return Sought(states.size, int(np.count_nonzero(gone)))

    def take_snapshot(self) -> None:
        """As `Seekable.take_snapshot`."""
        assert self.seeker is not None, "queue: nothing is kept of what is acknowledged"
        self._make_room()
        self.seeker.snapshot(self.now_s)

    def seek_snapshot(self, taken_s: float) -> Sought | None:
        """As `Seekable.seek_snapshot`."""
        assert self.seeker is not None, "queue: nothing is kept of what is acknowledged"
        self._make_room()
        sought = self.seeker.to_snapshot(self.now_s, taken_s)
        return None if sought is None else self._sought(sought)

    def _sought(self, sought: Sought) -> Sought:
        """After a seek: what was gone may be back."""
        self._counts, self._oldest = counts_of(self.state), 0
        return sought

    def _arrived(self) -> int:
        """Rows of the feed that have reached the queue."""
        feed = self.state.feed
        due_s = self.now_s - self.policy.delay_s
        enqueued_s = np.asarray(feed.enqueued_s)[: feed.n[0]]
        return int(np.searchsorted(enqueued_s, due_s, side="right"))

    def backlog(self) -> int:
        """Messages that are in the queue: ready, in flight, or to be tried again."""
        messages, wanted = self.state.messages, self.queue.wanted
        pending = np.asarray(self.state.feed.message)[self.state.row : self._arrived()]
        if wanted.size:
            pending = pending[wanted[pending] == 1]
        here = messages.ready_now + messages.in_flight_now + messages.waiting_now
        return here + int(pending.size)

    def age_s(self) -> float:
        """Time since the oldest of them came, s; 0 if there is none."""
        queue, feed, delay_s = self.queue, self.state.feed, self.policy.delay_s
        came = self._arrived()
        while self._oldest < came:
            stop = min(self._oldest + _LOOK, came)
            rows = np.asarray(feed.message)[self._oldest : stop]
            there = queue.state[rows] < codes.ACKED
            if self.state.messages.letter.shape[0]:  # it may have come again
                place = np.asarray(self.state.lanes.place)[rows]
                there &= place == np.arange(self._oldest, stop)
            if queue.wanted.size:
                there &= queue.wanted[rows] == 1
            if there.any():
                self._oldest += int(np.argmax(there))
                return float(self.now_s - feed.enqueued_s[self._oldest] - delay_s)
            self._oldest = stop
        return 0.0

    def orphans(self) -> Bools:
        """A queue has no partitions that one consumer alone may have."""
        return np.zeros(0, np.bool_)

    def busy(self) -> int:
        """How many consumers are at work on a message."""
        consumers = self.state.consumers
        works = (np.asarray(consumers.slot) >= 0).any(axis=1)
        at_work = works & (np.asarray(consumers.resume_s) <= self.now_s)
        return int(np.count_nonzero(at_work))

    def alive(self, c: int) -> bool:
        """Whether the process of consumer ``c`` runs (paused, cut off or stopping counts)."""
        return bool(self.state.consumers.alive[c])

    def life(self, c: int) -> int:
        """Which process and connection consumer ``c`` is."""
        return int(self.state.consumers.epoch[c])

    def cut(self, c: int) -> bool:
        """Whether the network to consumer ``c`` is cut."""
        return bool(self.state.consumers.cut[c])

    def connection(self, c: int) -> int:
        """Number of the connection that the broker has with consumer ``c``; -1: none."""
        return int(self.state.consumers.connected[c])

    # As a fleet: what is done to them.

    def crash(self, c: int) -> None:
        """SIGKILL: what it holds comes back when the connection closes, or the lock ends."""
        if self.alive(c):
            self._make_room()
            faults.crash(self.state, self.now_s, c)

    def restart(self, c: int) -> None:
        """Start a new process in the place of a dead one, or the first one there."""
        if not self.alive(c):
            self._make_room()
            faults.start(self.state, self.now_s, c)

    def terminate(self, c: int) -> None:
        """SIGTERM: finish what is in hand, give back the rest, and leave."""
        if self.alive(c):
            life = self.life(c)  # before, since a process with nothing in hand ends at once
            self._make_room()
            faults.terminate(self.state, self.now_s, c)
            self.later(self.cold_after_s, BEFORE_CONTROL, lambda: self._leave_cold(c, life))

    def stay(self, c: int) -> None:
        """Take a SIGTERM back, if the process has not ended yet."""
        if self.alive(c):
            self._make_room()
            faults.stay(self.state, c)

    def _leave_cold(self, c: int, life: int) -> None:
        if self.life(c) == life:
            self.leave(c)

    def leave(self, c: int) -> None:
        """End at once, but give back what is not acknowledged (a cold shutdown)."""
        if self.alive(c):
            self._make_room()
            faults.leave(self.state, self.now_s, c)

    def pause(self, c: int, for_s: float) -> None:
        """Stop the whole process (a GC pause), heartbeats and all.

        Pauses that overlap end with the last.
        """
        resume_s = self.now_s + for_s
        if resume_s > self.state.consumers.resume_s[c]:
            self._make_room()
            faults.pause(self.state, self.now_s, c, resume_s)
        if self.alive(c) and for_s > self.heartbeat_s:
            self._miss(c)

    def slow(self, c: int, factor: float) -> None:
        """Make consumer ``c`` take ``factor`` times its service times, from now on."""
        self._make_room()
        faults.slow(self.state, self.now_s, c, factor)

    def cut_off(self, c: int) -> None:
        """Cut the network between the broker and consumer ``c``."""
        if not self.cut(c):
            self._make_room()
            faults.cut_off(self.state, self.now_s, c)
        self._miss(c)

    def _miss(self, c: int) -> None:
        """The broker hears nothing over a connection from now on; it closes it in the end."""
        connection = self.connection(c)

        def close() -> None:
            silent = self.cut(c) or self.state.consumers.resume_s[c] > self.now_s
            if silent and connection >= 0 and self.connection(c) == connection:
                since_s = self.now_s - self.heartbeat_s
                act(self.state.limits, codes.LIMIT_HEARTBEAT, since_s, self.now_s)
                self.disconnect(c)

        self.later(self.heartbeat_s, AFTER_CONTROL, close)

    def reconnect(self, c: int) -> None:
        """Mend the network."""
        if self.cut(c):
            self._make_room()
            faults.reconnect(self.state, self.now_s, c)

    def disconnect(self, c: int) -> None:
        """The broker closes the connection to ``c``, of which it has heard nothing for too long."""
        self._make_room()
        faults.disconnect(self.state, self.now_s, c)
