"""RabbitMQ on the queue mechanism: from arguments to exchange, queues and consumers (§7, RQ-…)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

import numpy as np
import simpy

from sim.engine.environment import SideBySide, Stage
from sim.engine.outcome import GroupOutcome
from sim.engine.system import Fleet, Setup, capacity
from sim.engine.waits import Limit, Waits, of_kernel
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.broker_waits import BrokerWaits
from sim.queue.dead_letters import DeadLetters, own_feed
from sim.queue.feed_kernel import Feed
from sim.queue.senders import Senders
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_broker import (
    consumer_timeout_s,
    delivery_limit,
    prefetch,
    since,
)
from sim.scenario.products.rabbitmq_dead_letters import entries, is_linked, linked
from sim.systems import rabbitmq_dead_letters as letters
from sim.systems.on_queue import QueueSystem, of_rows, poison_of
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.systems.rabbitmq_exchange import routed
from sim.systems.rabbitmq_quorum import quorum_keys, quorum_knobs, with_priorities
from sim.traffic.generate import service_s
from sim.traffic.messages import Messages

_ON_FAILURE = {
    "nack-requeue": codes.REQUEUE,
    "reject-requeue": codes.REQUEUE,
    "reject": codes.REJECTED,
}
_OVERFLOW = {
    "drop-head": codes.DROP_HEAD,
    "reject-publish": codes.REJECT,
    "reject-publish-dlx": codes.REJECT_DEAD,
}


class Rabbitmq(QueueSystem[Broker]):
    """A `sim.engine.system.System`: publishers, an exchange, and the queues bound to it."""

    def __init__(self, setup: Setup, config: RabbitmqSystem) -> None:
        producer = config.producer
        self.config = config
        self.senders = senders = Senders(
            setup.messages.created_s,
            threads=setup.scaled(producer.channels) if producer.confirms else _UNHELD,
            batch=producer.batch if producer.confirms else 1,
            latency_s=setup.pool("publish", config.latency.publish),
            one_connection=True,
        )
        rows = {}
        names = letters.known(config)
        if config.exchange.type != "fanout":
            bindings = {queue: config.bound(queue) for queue in names if config.bound(queue)}
            rows = routed(config.exchange, bindings, setup.messages)
        self.routed = rows
        rows = setup.that_wait(rows)
        to = linked(config.queues)
        queues = {
            queue: _queue(
                setup,
                config,
                own_feed() if is_linked(queue, to) else senders.feed,
                queue,
                None if is_linked(queue, to) else rows.get(queue),
            )
            for queue in names
        }
        keys = {queue: limit_keys(queue, config) for queue in queues}
        only = {queue: its for queue, its in rows.items() if not is_linked(queue, to)}
        super().__init__(setup, queues, only, dict.fromkeys(queues, senders), keys)
        self.links: DeadLetters | None = None
        if to:
            self.links = self._link(to, rows)
        self.stages: Sequence[Stage] = [senders, self.readers]

    def _link(self, to: Mapping[str, str], rows: Mapping[str, I32]) -> DeadLetters:
        """Advance the queues that dead-letter into each other together."""
        n, first = len(self.setup.messages), entries(self.config.queues)
        its = {name: queue for name, queue in self.queues.items() if is_linked(name, to)}
        fanout = self.config.exchange.type == "fanout"
        published = {}
        for name in its:
            published[name] = np.full(n, fanout and name in first)
            if name in rows and (name in first or not fanout):
                published[name][:] = False
                published[name][rows[name]] = True
        links = DeadLetters(self.senders.feed, its, to, published)
        others = [queue for name, queue in self.queues.items() if name not in its]
        self.readers = SideBySide(
            [links, *others], self.setup.total, self.setup.messages.duration_s
        )
        return links

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """The consumers of every queue; tells of messages that no queue gets."""
        if self.routed:
            routed_somewhere = np.unique(np.concatenate(list(self.routed.values()))).size
            nowhere = len(self.setup.messages) - routed_somewhere
            if nowhere:
                say(f"{nowhere:,} messages match no binding and are dropped")
        return {name: queue for name, queue in self.queues.items() if queue.size}

    def total(self) -> int:
        """Messages that the queues are to get; one that goes from queue to queue is one."""
        if self.links is None:
            return super().total()
        others = (queue for name, queue in self.queues.items() if name not in self.links.queues)
        return self.links.total() + sum(queue.total for queue in others)

    def settled(self) -> int:
        """Messages gone for good, or put aside where nobody reads, over all queues."""
        if self.links is None:
            return super().settled()
        others = (queue for name, queue in self.queues.items() if name not in self.links.queues)
        return self.links.settled() + sum(queue.settled() for queue in others)

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome; messages may be in queues that nobody reads."""
        for name in [name for name, queue in self.queues.items() if not queue.size]:
            queue = self.queues.pop(name)
            queue.audit()
            letters.note_behind(queue, ended_s)
        yield from super().outcomes(ended_s)

    def waits_of(self, name: str, queue: Broker) -> Waits:
        """As `QueueSystem.waits_of`, since each message came into the first of its queues."""
        if self.links is None or name not in self.links.queues:
            return super().waits_of(name, queue)
        return BrokerWaits(queue, self.sent[name], 0.0, self.senders.visible_s(0.0))

    def completed(self, name: str, queue: Broker, outcome: GroupOutcome) -> GroupOutcome:
        """As `QueueSystem.completed`: where messages are that have left the queue."""
        if self.links is None or name not in self.links.queues:
            return outcome
        its = letters.ended(self.links, self.config, name)
        before = letters.limits_before(self.links, self.config, name, self.keys)
        limits = [*outcome.limits, *before, *letters.of_cycles(self.links)]
        return replace(outcome, fate=its.fate, limits=limits).only(its.rows)

    def sending_limits(self) -> Iterator[Limit]:
        """That all channels waited for confirms."""
        yield from of_kernel(
            self.senders.state.busy,
            "channels",
            f"{self.config.producer.channels}",
            "all channels waited for confirms while messages waited to be published",
            path="producer.channels",
        )


def _queue(
    setup: Setup,
    config: RabbitmqSystem,
    feed: Feed,
    queue: str,
    rows: I32 | None,
) -> Broker:
    c = config.queues[queue]
    scenario, messages = setup.scenario, setup.messages
    consumers = setup.scaled(c.consumers) if c.consumers else 0
    # Every delivery is a batch.
    per_delivery_s = scenario.workload.per_batch_s(c.does)
    return Broker(
        feed,
        service_s(scenario, len(messages), c.does) + np.float32(per_delivery_s),
        consumers,
        rabbitmq_policy(queue, config),
        receive_latency_s=setup.pool(f"{queue}.deliver", config.latency.deliver),
        ack_latency_s=setup.pool(f"{queue}.ack", config.latency.ack),
        grid_s=setup.grid_s,
        slots=c.threads,
        capacity=capacity(setup, queue, consumers) if consumers else 0,
        columns=_columns(queue, config, messages, rows),
        poison=poison_of(setup, queue, rows) if consumers else None,
        keep_repeats=repeats_kept(setup, queue) if consumers else 0,
        heartbeat_s=config.heartbeat or inf,
    )


_UNHELD = 4096
"""Messages under way at once of publishers that wait for nothing: as good as any number."""


def _columns(name: str, config: RabbitmqSystem, messages: Messages, rows: I32 | None) -> Columns:
    columns = Columns(
        wanted=of_rows(rows, len(messages)),
        ttl_s=letters.ttl_s(config, messages),
        linked=is_linked(name, linked(config.queues)),
    )
    return with_priorities(columns, name, config, messages)


def limit_keys(name: str, config: RabbitmqSystem) -> Keys:
    """What RabbitMQ calls the limits of a queue and its consumers."""
    queue = config.queues[name]
    arguments, here = queue.arguments, f"queues.{name}"
    of_queue = arguments.consumer_timeout is not None
    timeout_ms = arguments.consumer_timeout if of_queue else config.consumer_timeout
    limit = delivery_limit(config.version, arguments.delivery_limit)
    given, count = queue.prefetch_count, prefetch(arguments.queue_type, queue.prefetch_count)
    its = "no limit" if count is None else f"{count:,}"

    def argument(key: str, value: object) -> LimitKey:
        return LimitKey(key, f"{here}.arguments.{key}", str(value))

    ttl = argument("x-message-ttl", written_s((arguments.message_ttl or 0) / 1e3))
    expiration = ttl
    if config.producer.expiration:
        expiration = LimitKey("expiration", "producer.expiration", letters.written(config))
    return {
        codes.LIMIT_LOCK_HELD: argument("x-consumer-timeout", written_s((timeout_ms or 0.0) / 1e3))
        if of_queue
        else LimitKey("consumer_timeout", "consumer_timeout", written_s((timeout_ms or 0.0) / 1e3)),
        codes.LIMIT_RETURNS: argument("x-delivery-limit", limit),
        codes.LIMIT_DROPPED: argument("x-max-length", arguments.max_length),
        codes.LIMIT_REFUSED: argument("x-max-length", arguments.max_length),
        # Where nobody reads, messages are to expire; where somebody does, what is behind others
        # waits for the readers.
        **(
            {codes.LIMIT_EXPIRED: ttl if arguments.message_ttl is not None else expiration}
            if queue.consumers or name not in linked(config.queues)
            else {codes.LIMIT_BEHIND: expiration}
        ),
        codes.LIMIT_LINE: argument("x-single-active-consumer", "true"),
        **quorum_keys(name, config),
        codes.LIMIT_HELD: LimitKey(
            "prefetch_count", f"{here}.prefetch_count", str(given) if given else f"0 ({its})"
        ),
        codes.LIMIT_HEARTBEAT: LimitKey("heartbeat", "heartbeat", written_s(config.heartbeat)),
        codes.LIMIT_BUSY: LimitKey("consumers", f"{here}.consumers", str(queue.consumers)),
        codes.LIMIT_PROCESS: LimitKey(
            "ceilings.publish",
            "ceilings.publish",
            written_s(config.ceilings.times_s(arguments.queue_type)[0]),
        ),
    }


def rabbitmq_policy(name: str, config: RabbitmqSystem) -> BrokerPolicy:
    """What a queue of this system and its consumers do."""
    queue = config.queues[name]
    arguments, version = queue.arguments, config.version
    quorum = arguments.queue_type == "quorum"
    limit = delivery_limit(version, arguments.delivery_limit) if quorum else None
    timeout_s = consumer_timeout_s(
        version, arguments.queue_type, arguments.consumer_timeout, config.consumer_timeout
    )
    producer = config.producer
    publish_s, deliver_s = config.ceilings.times_s(arguments.queue_type)
    republish_s = producer.republish if producer.confirms else None
    return broker_policy(
        push=1,
        prefetch=prefetch(arguments.queue_type, queue.prefetch_count) or NO_LIMIT,
        ack=codes.AUTO if queue.no_ack else codes.LATE,
        lock_s=np.inf if queue.no_ack else timeout_s,
        lock_closes=1,
        closes=1,
        reopen_s=config.latency.reopen,
        single_active=int(arguments.single_active_consumer),
        max_returns=NO_LIMIT if limit is None else limit,
        dead_letters=int(arguments.dead_letter_exchange is not None),
        on_failure=codes.DISCARD if queue.no_ack else _ON_FAILURE[queue.on_failure],
        max_length=arguments.max_length or NO_LIMIT,
        overflow=_OVERFLOW[arguments.overflow],
        republish_s=np.inf if republish_s is None else republish_s,
        letters_again_s=letters.CONFIRM_TIMEOUT_S if letters.sure(config, name) else np.inf,
        retention_s=np.inf if arguments.message_ttl is None else arguments.message_ttl / 1e3,
        at_head=int(arguments.message_ttl is not None or bool(producer.expiration)),
        moves=int(name in linked(config.queues)),
        publish_s=publish_s,
        deliver_s=deliver_s,
        # RQ-14: until 4.0 the leader of a quorum queue that reads a backlog from disk starves its
        # publishers (https://www.rabbitmq.com/blog/2025/04/08/4.1-performance-improvements).
        deliveries_first=int(quorum and not since(version, 4, 1)),
        **quorum_knobs(name, config),
    )
