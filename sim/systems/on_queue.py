"""What systems on the queue mechanism share: queues with consumers, and what comes of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import simpy

from sim.engine.environment import SideBySide
from sim.engine.held_up import Taken
from sim.engine.outcome import Effects, Fate, GroupOutcome
from sim.engine.system import Fleet, Setup, Upstream
from sim.engine.waits import Limit, Sent, Waits
from sim.foundation.arrays import F64, I32, I64, NO_LIMIT, U8, U16
from sim.foundation.errors import LabError
from sim.foundation.units import Distribution
from sim.injection.poison import ALWAYS, Poison, poison
from sim.queue import broker_codes as codes
from sim.queue import sqs_standard_codes as standard
from sim.queue.broker import Broker
from sim.queue.broker_state import MessageColumns, PoisonousMessages, poisonous_messages
from sim.queue.broker_waits import BrokerWaits
from sim.queue.delayed import DelayedSent
from sim.queue.feed_kernel import Feed
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardQueue
from sim.systems.ceilings import told_of_queue
from sim.systems.queue_limits import Keys, limits_of, told_of_deaths

_Q = TypeVar("_Q", bound=Broker | Workers)


class QueueSystem(Generic[_Q]):
    """Queues with consumers: what every `sim.engine.system.System` of this kind shares."""

    upstream: Upstream | None = None
    """Nothing in front of a queue can fail."""

    def __init__(
        self,
        setup: Setup,
        queues: dict[str, _Q],
        only: Mapping[str, I32] = MappingProxyType({}),
        sent: Mapping[str, Sent] = MappingProxyType({}),
        keys: Mapping[str, Keys] = MappingProxyType({}),
        asked_s: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """
        Args:
            setup: of the system.
            queues: the queues by name.
            only: the messages that are routed to a queue, ascending; all, where none are given.
            sent: of each queue, how its messages get into its feed, numbered as there.
            keys: of each general queue, what its product calls its limits.
            asked_s: of a general queue, how long its messages are asked to wait, s.
        """
        self.setup = setup
        self.queues = queues
        self.only = only
        self.sent = sent
        self.keys = keys
        self.asked_s = asked_s
        self.enqueued: Mapping[str, I64] = {}
        """[grid] messages that a queue had got, of those that have forgotten some."""
        messages = setup.messages
        self.readers = SideBySide(list(queues.values()), setup.total, messages.duration_s)

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """The consumers of every queue; nothing happens to them but faults."""
        return dict(self.queues)

    def total(self) -> int:
        """Messages that the queues are to get."""
        return sum(queue.total for queue in self.queues.values())

    def settled(self) -> int:
        """Messages gone for good, over all queues."""
        return sum(queue.settled() for queue in self.queues.values())

    def done(self) -> bool:
        """Whether the queues have done with all that they are to get."""
        return self.settled() == self.total()

    def taken(self, waits_for: str) -> Taken:
        """As `sim.engine.system.System.taken`: half a trip after it came into the last queue."""
        senders = getattr(self, "senders", None)
        out = np.full(self.setup.total, -np.inf)
        for name, queue in self.queues.items():
            came_s = _came_s(queue, self.setup.total)
            sent = self.sent.get(name)
            if isinstance(sent, DelayedSent):  # who sends does not wait for that
                came_s[np.isfinite(came_s)] -= sent.delayed.delay_s[np.isfinite(came_s)]
            out[came_s < inf] = np.maximum(out, came_s)[came_s < inf]
        if isinstance(senders, Senders):
            way_s = np.asarray(senders.state.way_s).astype(np.float64)
            out = np.maximum(out, senders.visible_s(0.0)) + way_s
            trip_s = 2.0 * way_s
        else:
            trip_s = out - self.setup.messages.created_s
            trip_s[~np.isfinite(out)] = 0.0
        out[out == -np.inf] = np.inf
        return Taken(out, trip_s)

    def publication(self, ended_s: float) -> None:
        """Nothing in front of a queue can fail."""

    def sending_limits(self) -> Iterator[Limit]:
        """Limits that acted on those who send: none, where nobody says otherwise."""
        yield from ()

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each queue's outcome; its memory is freed when the next is asked for."""
        self.readers.stages = []
        for name in list(self.queues):
            came, queue = self.enqueued.get(name), self.queues.pop(name)
            outcome = outcome_of(self.setup, name, queue, ended_s, came, self.keys.get(name, {}))
            if isinstance(queue, Broker) and name in self.sent:
                outcome = replace(outcome, waits=self.waits_of(name, queue))
                outcome = self.completed(name, queue, outcome)
            yield outcome.only(self.only[name]) if name in self.only else outcome

    def waits_of(self, name: str, queue: Broker) -> Waits:
        """What the messages of a general queue waited for."""
        return BrokerWaits(queue, self.sent[name], self.asked_s.get(name, 0.0))

    def completed(self, name: str, queue: Broker, outcome: GroupOutcome) -> GroupOutcome:
        """The outcome of a general queue, with what only the product knows: here, nothing."""
        return outcome


def _came_s(queue: Broker | Workers, messages: int) -> F64:
    """[messages] when each came into a queue, refused or not, for the last time, s; inf: never.

    Left out, and all inf, is a queue that numbers only its own messages, one of the fast kernel,
    which lets all in, and one in which dead letters may be.
    """
    out = np.full(messages, np.inf)
    if queue.queue.state.size != messages or isinstance(queue, Workers):
        return out
    if queue.state.messages.letter.shape[0]:
        return out
    feed, times = queue.state.feed, queue.state.times
    rows = slice(0, int(feed.n[0]))
    message = np.asarray(feed.message)[rows]
    out[message] = np.asarray(feed.enqueued_s)[rows]
    row_of = np.asarray(times.row_of)[:messages]
    again = np.flatnonzero(row_of)
    out[again] += np.asarray(times.before)[row_of[again] - 1, codes.MET_SEND]
    return out


class QueueBecame(NamedTuple):
    """What became of the messages that a queue knows, so far: a `sim.engine.outcome.Became`."""

    fate: U8
    done_s: F64
    effects: U16
    waits: Waits | None = None


def became(queue: Broker | Workers) -> QueueBecame:
    """What became of the messages that a queue knows; effects must be recorded (`settle`)."""
    columns = queue.queue
    effects = np.asarray(columns.effects)
    fate_of = FATE_OF_STATE if isinstance(queue, Broker) else _FATE_OF_STATE_STANDARD
    fate = fate_of[np.asarray(columns.state)] * (effects == 0)
    fate += np.uint8(Fate.PROCESSED) * (effects > 0)
    return QueueBecame(fate, np.asarray(columns.done_s), effects)


def outcome_of(
    setup: Setup,
    name: str,
    queue: Broker | Workers,
    ended_s: float,
    enqueued: I64 | None = None,
    keys: Keys = MappingProxyType({}),
) -> GroupOutcome:
    """What a queue and its consumers made of the messages.

    Args:
        setup: of the system.
        name: of the queue.
        queue: the queue.
        ended_s: end of the run, s.
        enqueued: [grid] messages that it had got, where it has forgotten some; else None.
        keys: what the product of a general queue calls its limits.
    """
    t = setup.grid_s[setup.grid_s <= ended_s]
    if isinstance(queue, Broker):
        seen, gone_received = _by_broker(queue, t), 0
    else:
        seen, gone_received = _by_workers(queue, t, enqueued), queue.gone_received
    queue.audit()
    columns, its = queue.queue, became(queue)
    received = gone_received + int(np.count_nonzero(np.asarray(columns.receives)))
    return GroupOutcome(
        system=setup.name,
        group=name,
        kind="queue",
        product=setup.product,
        fate=its.fate,
        done_s=its.done_s,
        effects=its.effects,
        gauges_t_s=t,
        gauges=seen.gauges,
        history=_history(setup.name, columns, seen.repeats) if columns.again_message.size else None,
        consumers=seen.consumers,
        extra_deliveries=seen.deliveries - received,
        deliveries=seen.deliveries,
        calls=seen.requests["receive"],
        requests=seen.requests,
        happened=[*told_of_queue(queue, name), *told_of_deaths(queue, name)]
        if isinstance(queue, Broker)
        else [],
        limits=list(limits_of(queue, keys)) if isinstance(queue, Broker) else [],
        spent_by_consumers=queue.spent_s() if isinstance(queue, Broker) else {},
    )


class _Seen(NamedTuple):
    """What the two kernels name or count differently."""

    gauges: dict[str, I64]
    repeats: int
    consumers: int
    deliveries: int
    requests: dict[str, int]
    """As in `GroupOutcome`; "receive" counts what found messages, or single pushes."""


def _by_broker(broker: Broker, t: F64) -> _Seen:
    state = broker.state
    messages, samples = state.messages, state.samples
    return _Seen(
        {
            "enqueued": np.asarray(samples.came)[: t.size],
            "ready": np.asarray(samples.ready)[: t.size],
            "in_flight": np.asarray(samples.in_flight)[: t.size],
        },
        repeats=messages.repeats,
        consumers=broker.size,
        deliveries=messages.deliveries,
        requests={
            "send": messages.arrived,
            "receive": messages.deliveries if broker.policy.push else state.consumers.found,
            "empty receive": state.consumers.empty_receives,
            "delete": state.acks.made,
        },
    )


def _by_workers(workers: Workers, t: F64, known: I64 | None) -> _Seen:
    workers.settle()
    queue, feed = workers.queue, workers.feed
    sent = int(feed.n[0])
    if known is None:
        arrived_s = np.asarray(feed.enqueued_s)[:sent]
        enqueued = np.searchsorted(arrived_s, t - workers.policy.delay_s, side="right")
    else:
        enqueued = known[: t.size]
    in_flight = np.asarray(queue.grid_in_flight)[: t.size]
    ready = enqueued - np.asarray(queue.grid_removed)[: t.size] - in_flight
    return _Seen(
        {"enqueued": enqueued, "ready": ready, "in_flight": in_flight},
        repeats=queue.again,
        consumers=int(np.count_nonzero(workers.lives)),
        deliveries=queue.deliveries,
        requests={
            "send": workers.gone_rows + sent,
            "receive": queue.receive_calls - queue.empty_receives,
            "empty receive": queue.empty_receives,
            "delete": queue.delete_calls,
        },
    )


def _history(system: str, queue: MessageColumns | StandardQueue, repeats: int) -> Effects:
    if repeats > queue.again_message.size:
        raise LabError(f"{system}: {repeats:,} repeated effects, more than the lab can keep")
    done_s = np.asarray(queue.done_s)
    everyone = np.arange(done_s.size, dtype=np.int32)
    again = np.asarray(queue.again_message)[:repeats]
    return Effects.of(done_s, everyone, np.asarray(queue.again_s)[:repeats], again)


FATE_OF_STATE = np.zeros(codes.STATES, np.uint8)
"""[states of a general queue] the `Fate`."""
FATE_OF_STATE[codes.DEAD] = Fate.DEAD_LETTERED
FATE_OF_STATE[[codes.DROPPED, codes.REFUSED]] = Fate.LOST_REJECTED
FATE_OF_STATE[codes.EXPIRED] = Fate.LOST_RETENTION
FATE_OF_STATE[codes.LOST] = Fate.LOST_ACKED_BEFORE_PROCESSING

_FATE_OF_STATE_STANDARD = np.zeros(standard.STATES, np.uint8)
_FATE_OF_STATE_STANDARD[standard.DEAD] = Fate.DEAD_LETTERED
_FATE_OF_STATE_STANDARD[standard.EXPIRED] = Fate.LOST_RETENTION


def of_rows(rows: I32 | None, n: int) -> U8 | None:
    """[n] 1 for messages that are in ``rows``; None: all are."""
    if rows is None:
        return None
    wanted = np.zeros(n, np.uint8)
    wanted[rows] = 1
    return wanted


def sent_at_once(setup: Setup, latency: Distribution) -> Feed:
    """Messages as they get to a broker that is told of each at once, by whoever creates it.

    Args:
        setup: of the system.
        latency: of the call that tells it.
    """
    messages = setup.messages
    latency_s = np.resize(setup.pool("publish", latency), len(messages))
    latency_s[: messages.waiting] = 0.0  # they are there since then
    there_s = messages.created_s + latency_s
    order = np.argsort(there_s, kind="stable").astype(np.int32)
    return Feed(order, there_s[order], np.array([len(messages)]))


def poison_of(setup: Setup, queue: str, rows: I32 | None = None) -> PoisonousMessages:
    """What is poisonous to a queue's consumers, who want ``rows``, as the kernel wants it."""
    return for_kernel(poison(setup, queue, rows))


def for_kernel(found: Poison) -> PoisonousMessages:
    """What is poisonous, as the kernel of the general queue wants it."""
    times = np.where(found.times == ALWAYS, NO_LIMIT, found.times.astype(np.int64))
    return poisonous_messages(
        found.message.tolist(), found.kills.tolist(), times.tolist(), found.restart_after_s.tolist()
    )
