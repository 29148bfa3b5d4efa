"""One queue with every knob, the consumers that it serves, and what can happen to them.

The presets on it differ in their `sim.queue.broker_kernel.Policy`, which `policy` makes with the
defaults of a plain FIFO queue: a preset names what is different.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.queue import broker_kernel as k

NO_LIMIT = np.iinfo(np.int64).max
"""Of counts: prefetch, length, deliveries, …"""

_FIRST_ROOM = 1 << 10
_STAGGER_S = 1e-3

_PLAIN = k.Policy(
    push=0,
    batch=1,
    wait_s=0.0,
    prefetch=NO_LIMIT,
    ack=k.LATE,
    ack_every=1,
    ack_waits=1,
    per_batch_s=0.0,
    lock_s=np.inf,
    sweep_s=0.0,
    late_ack=0,
    lock_closes=0,
    closes=0,
    reopen_s=0.0,
    place=k.RETURNS,
    requeue_place=k.RETURNS,
    pick=k.ONE,
    look_ahead=NO_LIMIT,
    span=NO_LIMIT,
    noisy_share=1.0,
    noisy_least=NO_LIMIT,
    recent_s=60.0,
    single_active=0,
    max_receives=NO_LIMIT,
    max_returns=NO_LIMIT,
    counted=0,
    dead_letters=0,
    on_failure=k.LEAVE,
    stop_batch=0,
    on_kill=k.DIE,
    retry_s=0.0,
    retry_growth=1.0,
    retry_max_s=np.inf,
    retry_held=0,
    retry_whole=0,
    max_length=NO_LIMIT,
    overflow=k.DROP_HEAD,
    republish_s=np.inf,
    max_in_flight=NO_LIMIT,
    dedup_s=0.0,
    calls_per_s=np.inf,
    retention_s=np.inf,
    delay_s=0.0,
)


def policy(**knobs: Any) -> k.Policy:
    """A policy that differs from a plain queue's, where consumers pull one by one, in ``knobs``.

    What a consumer has requeued comes back to the same ``place`` as the rest unless told otherwise.
    """
    if "place" in knobs:
        knobs.setdefault("requeue_place", knobs["place"])
    # Of one type throughout: the kernel is compiled anew, for minutes, where an int is a float.
    return _PLAIN._replace(
        **{name: type(getattr(_PLAIN, name))(value) for name, value in knobs.items()}
    )


class Columns(NamedTuple):
    """What a queue may need to know of each message, beyond the work; None: nothing special."""

    wanted: NDArray[np.uint8] | None = None
    """[messages] 1: the message is routed to this queue; None: all are."""
    lane: NDArray[np.int32] | None = None
    """[messages] its priority, group, tenant or partition; None: one lane."""
    due_s: NDArray[np.float64] | None = None
    """[messages] a consumer does not start it before (ETA); None: at any time."""
    same: NDArray[np.int32] | None = None
    """[messages] number of its deduplication id; None: every message has its own."""
    lanes: int = 1
    """How many lanes."""
    reach: NDArray[np.uint8] | None = None
    """[consumers, lanes] with `k.SPANS`: 1: the consumer takes from that lane; None: from all."""


class Broker:
    """Stage of the data plane: a queue and its consumers, as time goes on.

    The verbs (`crash`, `pause`, …) act at the time to which the stage was last advanced.
    """

    def __init__(
        self,
        feed: k.Feed,
        service_s: NDArray[np.float32],
        consumers: int,
        policy: k.Policy,
        *,
        receive_latency_s: NDArray[np.float64],
        ack_latency_s: NDArray[np.float64],
        grid_s: NDArray[np.float64],
        slots: int = 1,
        capacity: int | None = None,
        columns: Columns | None = None,
        poison: k.Poison | None = None,
        jitter: NDArray[np.float64] | None = None,
        keep_repeats: int = 0,
    ) -> None:
        """
        Args:
            feed: what the senders put in; other queues may read the same one.
            service_s: [messages] work that each message takes, s.
            consumers: processes; they start a millisecond apart.
            policy: settings of the queue and its consumers; see `policy`.
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
        """
        n = service_s.size
        places = consumers if capacity is None else max(consumers, capacity)
        columns = columns or Columns()
        queue = k.Queue(
            state=np.zeros(n, np.uint8),
            receives=np.zeros(n, np.uint16),
            returns=np.zeros(n, np.uint16),
            effects=np.zeros(n, np.uint16),
            done_s=np.full(n, np.inf),
            wanted=np.zeros(0, np.uint8) if columns.wanted is None else columns.wanted,
            due_s=np.zeros(0) if columns.due_s is None else columns.due_s,
            same=np.zeros(0, np.int32) if columns.same is None else columns.same,
            let_in_s=np.zeros(0)
            if columns.same is None
            else np.full(int(columns.same.max(initial=-1)) + 1, -np.inf),
            quota_s=np.full(2, -np.inf),
            clock_s=np.zeros(1),
            counts=np.zeros(k.COUNTS, np.int64),
            grid_s=grid_s,
            grid=np.zeros((grid_s.size, 3), np.int64),
            again_message=np.zeros(keep_repeats, np.int32),
            again_s=np.zeros(keep_repeats),
        )
        queue.counts[k.TOTAL] = n if columns.wanted is None else np.count_nonzero(columns.wanted)
        queue.counts[[k.ACTIVE, k.ASKING, k.CURSOR_LANE]] = -1
        self.policy = policy
        self.state = k.Broker(
            feed=feed,
            service_s=service_s,
            receive_latency_s=receive_latency_s,
            ack_latency_s=ack_latency_s,
            jitter=np.zeros(1) if jitter is None else jitter,
            queue=queue,
            lanes=_lanes(n, policy, columns),
            pool=_pool(_FIRST_ROOM),
            consumers=_consumers(places, slots),
            events=_events(_FIRST_ROOM),
            poison=no_poison() if poison is None else poison,
        )
        for c in range(consumers):
            self._make_room()
            k.start(c * _STAGGER_S, self.state, self.policy, c)

    @property
    def queue(self) -> k.Queue:
        """Messages and counters."""
        return self.state.queue

    @property
    def total(self) -> int:
        """Messages that the queue is to get."""
        return int(self.queue.counts[k.TOTAL])

    @property
    def size(self) -> int:
        """Places for consumers, alive or not."""
        return int(self.state.consumers.slot.shape[0])

    def advance(self, until_s: float) -> None:
        """Carry queue and consumers to ``until_s``."""
        while k.work(until_s, self.state, self.policy):
            self._enlarge()

    def _enlarge(self) -> None:
        """Double whatever is more than half full."""
        state = self.state
        pool, events = state.pool, state.events
        room = pool.n.shape[0]
        if 2 * pool.meta[k.USED] > room - self.policy.batch:
            larger = _pool(2 * room)
            larger.n[:room] = pool.n
            larger.s[:room] = pool.s
            larger.n[-1, k.THEN] = pool.meta[k.FREE]
            larger.meta[:] = pool.meta
            larger.meta[k.FREE] = room
            state = state._replace(pool=larger)
        if 2 * events.size[0] > events.at_s.size - self._spare:
            larger_events = _events(2 * events.at_s.size)
            larger_events.at_s[: events.at_s.size] = events.at_s
            larger_events.n[: events.at_s.size] = events.n
            larger_events.size[:] = events.size
            state = state._replace(events=larger_events)
        self.state = state

    @property
    def _spare(self) -> int:
        """Events for which there must be room before anything happens, as in `k.work`."""
        return self.policy.batch + int(self.state.consumers.slot.shape[1]) + self.size + 8

    def _make_room(self) -> None:
        events = self.state.events
        while events.size[0] + self._spare > events.at_s.size:
            self._enlarge()
            events = self.state.events

    def settled(self) -> int:
        """Messages gone for good (acknowledged, dead-lettered, expired, …).

        The last one counts only once no consumer has a copy in hand: that would still take effect.
        """
        counts = self.queue.counts
        removed = int(counts[k.REMOVED])
        return removed - (removed == counts[k.TOTAL] and bool(counts[k.HELD] > 0))

    def backlog(self, now_s: float) -> int:
        """Messages that are in the queue: ready, in flight, or to be tried again."""
        pending = self.state.feed.message[self.queue.counts[k.ROW] : self._arrived(now_s)]
        if self.queue.wanted.size:
            pending = pending[self.queue.wanted[pending] == 1]
        counts = self.queue.counts[[k.READY_NOW, k.IN_FLIGHT_NOW, k.WAITING_NOW]]
        return int(counts.sum()) + pending.size

    def _arrived(self, now_s: float) -> int:
        """Rows of the feed that have reached the queue."""
        feed = self.state.feed
        due_s = now_s - self.policy.delay_s
        return int(np.searchsorted(feed.enqueued_s[: feed.n[0]], due_s, side="right"))

    def alive(self, c: int) -> bool:
        """Whether the process of consumer ``c`` runs (paused, cut off or stopping counts)."""
        return bool(self.state.consumers.n[c, k.ALIVE])

    def cut(self, c: int) -> bool:
        """Whether the network to consumer ``c`` is cut."""
        return bool(self.state.consumers.n[c, k.CUT])

    def connection(self, c: int) -> int:
        """Number of the connection that the broker has with consumer ``c``; -1: none."""
        return int(self.state.consumers.n[c, k.CONNECTED])

    def crash(self, c: int, at_s: float) -> None:
        """SIGKILL: what it holds comes back when the connection closes, or the lock ends."""
        if self.alive(c):
            self._make_room()
            k.crash(at_s, self.state, self.policy, c)

    def restart(self, c: int, at_s: float) -> None:
        """Start a new process in the place of a dead one."""
        if not self.alive(c):
            self._make_room()
            k.start(at_s, self.state, self.policy, c)

    def terminate(self, c: int, at_s: float) -> None:
        """SIGTERM: finish what is in hand, give back the rest, and leave."""
        if self.alive(c):
            self._make_room()
            k.terminate(at_s, self.state, self.policy, c)

    def leave(self, c: int, at_s: float) -> None:
        """End at once, but give back what is not acknowledged (a cold shutdown)."""
        if self.alive(c):
            self._make_room()
            epoch = self.state.consumers.n[c, k.EPOCH]
            k.crash(at_s, self.state, self.policy, c)
            if self.policy.closes == 0 and not self.cut(c):
                k.push(self.state.events, at_s, k.HAND_BACK, c, epoch)

    def pause(self, c: int, at_s: float, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        resume_s = at_s + for_s
        if resume_s > self.state.consumers.s[c, k.RESUME_S]:
            self._make_room()
            k.pause(at_s, self.state, c, resume_s)

    def slow(self, c: int, at_s: float, factor: float) -> None:
        """Make consumer ``c`` take ``factor`` times its service times, from now on."""
        self._make_room()
        k.slow(at_s, self.state, c, factor)

    def cut_off(self, c: int, at_s: float) -> None:
        """Cut the network between the broker and consumer ``c``."""
        if not self.cut(c):
            k.cut_off(at_s, self.state, self.policy, c)

    def reconnect(self, c: int, at_s: float) -> None:
        """Mend the network."""
        if self.cut(c):
            self._make_room()
            k.reconnect(at_s, self.state, self.policy, c)

    def disconnect(self, c: int, at_s: float) -> None:
        """The broker closes the connection to ``c``, of which it has heard nothing for too long."""
        self._make_room()
        k.disconnect(at_s, self.state, c)


def no_poison() -> k.Poison:
    """No message makes a consumer fail."""
    return k.Poison(np.zeros((0, 3), np.int64), np.zeros(0))


def poison(
    messages: ArrayLike, kills: ArrayLike, times: ArrayLike, restart_s: ArrayLike
) -> k.Poison:
    """Messages that make their consumer fail.

    Args:
        messages: which.
        kills: the process dies; else the handler raises.
        times: how often, in all; NO_LIMIT: always.
        restart_s: a killed consumer starts again after; inf: never.
    """
    columns = [np.asarray(column).astype(np.int64) for column in (messages, kills, times)]
    order = np.argsort(columns[0], kind="stable")
    return k.Poison(np.stack(columns, axis=1)[order], np.asarray(restart_s, np.float64)[order])


def _lanes(n: int, policy: k.Policy, columns: Columns) -> k.Lanes:
    lanes = np.full((columns.lanes + 1, k.LANE_FIELDS), -1, np.int64)
    lanes[:, [k.IN_LANE, k.SPAN]] = 0
    return k.Lanes(
        of=np.zeros(0, np.int32) if columns.lane is None else columns.lane,
        links=np.full((n, 2), -1, np.int32),
        n=lanes,
        heap_n=np.zeros(1, np.int64),
        spent_s=np.zeros((columns.lanes + 1, 2)),
        window=np.zeros((n if policy.pick == k.SPANS else 0, 2), np.int32),
        reach=np.zeros((0, 0), np.uint8) if columns.reach is None else columns.reach,
    )


def _pool(room: int) -> k.Deliveries:
    free = np.zeros((room, k.DELIVERY_FIELDS), np.int64)
    free[:, k.THEN] = np.arange(1, room + 1)
    free[-1, k.THEN] = -1
    return k.Deliveries(free, np.zeros((room, 2)), np.array([0, -1, -1, 0]))


def _consumers(places: int, slots: int) -> k.Consumers:
    n = np.zeros((places + 1, k.CONSUMER_FIELDS), np.int64)
    n[:, [k.CONNECTED, k.JOINED, k.BUFFER, k.RIPE, k.DONE, k.AHEAD, k.BEHIND]] = -1
    n[:, k.IDLE] = slots
    n[places, [k.AHEAD, k.BEHIND]] = places
    s = np.zeros((places, 6))
    s[:] = [0.0, 1.0, -np.inf, np.inf, -np.inf, -np.inf]
    return k.Consumers(
        n=n,
        s=s,
        idle_slot=np.tile(np.arange(slots - 1, -1, -1, dtype=np.int32), (places, 1)),
        slot=np.full((places, slots), -1, np.int32),
        end_s=np.zeros((places, slots)),
    )


def _events(room: int) -> k.Events:
    return k.Events(np.zeros(room), np.zeros((room, 4), np.int64), np.zeros(2, np.int64))
