"""RabbitMQ by the names of its queue arguments, of AMQP 0.9.1 and of `rabbitmq.conf`.

What depends on the broker's version is in `rabbitmq_broker`. Defaults, of 4.3:
https://www.rabbitmq.com/docs/queues, …/quorum-queues, …/consumer-prefetch, …/confirms,
…/consumers (acknowledgement timeout), …/dlx, …/maxlength, …/heartbeats. The latencies are
measured ones (`PUBLISH`); how long a client takes to subscribe again is the lab's assumption.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config, KeyPath, Refusal, RefusedError
from sim.foundation.units import (
    Count,
    Distribution,
    Milliseconds,
    PositiveCount,
    PositiveMilliseconds,
    PositiveSeconds,
    Seconds,
    by_quantiles,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Ceilings, Jobs, Name, ProductSystem
from sim.scenario.products.not_modelled import NotModelled
from sim.scenario.products.rabbitmq_broker import (
    CONSUMER_TIMEOUT_MS,
    ROUND_TRIP_S,
    QueueType,
    RabbitmqVersion,
    consumer_timeout_refusal,
)
from sim.scenario.products.rabbitmq_dead_letters import Expiration, is_linked, linked, targets
from sim.scenario.products.rabbitmq_exchange import Binding, Exchange
from sim.scenario.products.rabbitmq_quorum import (
    DelayedRetryType,
    Priority,
    delayed_retry_refusal,
    levels,
)


class RabbitmqQueueArguments(Config):
    """Optional arguments of a queue, as given to `queue.declare`."""

    not_modelled = NotModelled("rabbitmq", "arguments")

    queue_type: QueueType = Field(default="classic", alias="x-queue-type")
    """classic, or quorum: replicated, with a delivery limit."""
    delivery_limit: Annotated[int, Field(ge=-1)] | None = Field(
        default=None, alias="x-delivery-limit"
    )
    """quorum: a message that came back more often is dead-lettered, or dropped; -1: no limit, and
    what is nacked goes to the back; null: 20, and without limit before 4.0. Until 4.2 every return
    counts."""
    delayed_retry_type: DelayedRetryType = Field(default="disabled", alias="x-delayed-retry-type")
    """quorum, from 4.3: which returned messages wait before they are ready again (RQ-11): failed,
    those whose return counts (a channel that ends, basic.reject); returned, the others (basic.nack,
    the acknowledgement timeout); all. Without a delivery limit, a nack never waits."""
    delayed_retry_min: PositiveMilliseconds | None = Field(
        default=None, alias="x-delayed-retry-min"
    )
    """They wait this long, ms, times how often they came back and that counted, once at least…"""
    delayed_retry_max: PositiveMilliseconds | None = Field(
        default=None, alias="x-delayed-retry-max"
    )
    """…but no longer than this, ms; null: `x-delayed-retry-min`, each time."""
    dead_letter_exchange: str | None = Field(default=None, alias="x-dead-letter-exchange")
    """Where rejected, expired and surplus messages go; null: they are dropped. If that leads to a
    queue of this system, they enter it (RQ-16); else the lab only counts them."""
    dead_letter_routing_key: str | None = Field(default=None, alias="x-dead-letter-routing-key")
    """Their routing key there. A queue that is bound to the exchange (`bindings`, `source`) gets
    them; to the default exchange `""`, and where no queue is bound, it is the name of the queue.
    Null: the exchange's own name is."""
    dead_letter_strategy: Literal["at-most-once", "at-least-once"] = Field(
        default="at-most-once", alias="x-dead-letter-strategy"
    )
    """quorum: whether they are published there with confirms; no difference while that exchange
    works, as it does here."""
    message_ttl: Milliseconds | None = Field(default=None, alias="x-message-ttl")
    """A ready message older than this expires, ms, once it is the first of the queue (RQ-17);
    null: never. `expiration` of a message counts as well: the smaller one."""
    max_length: PositiveCount | None = Field(default=None, alias="x-max-length")
    """Most ready messages; null: no limit."""
    overflow: Literal["drop-head", "reject-publish", "reject-publish-dlx"] = Field(
        default="drop-head", alias="x-overflow"
    )
    """What gives way when there are more: the oldest, or the one being published."""
    single_active_consumer: bool = Field(default=False, alias="x-single-active-consumer")
    """One consumer receives, the others stand by (RQ-09)."""
    max_priority: Annotated[PositiveCount, Field(le=255)] | None = Field(
        default=None, alias="x-max-priority"
    )
    """classic: priorities from 0 to this; null: none. Quorum queues have theirs without it (see
    `producer.priority`)."""
    consumer_timeout: PositiveMilliseconds | None = Field(default=None, alias="x-consumer-timeout")
    """A delivery not acknowledged for this long closes the channel, ms, looked at once a minute
    (RQ-06). From 4.3 of quorum queues only, and at once: the consumer is cancelled, and here it
    opens a new channel, as if the old one had been closed. Null: the broker's
    `consumer_timeout`."""

    @model_validator(mode="after")
    def _of_one_type(self) -> Self:
        quorum = self.queue_type == "quorum"
        for key, of_quorum in (("x-delivery-limit", True), ("x-max-priority", False)):
            if self.given(key) and quorum != of_quorum:
                raise ValueError(f"{key!r} is of {'quorum' if of_quorum else 'classic'} queues")
        if quorum and self.overflow == "reject-publish-dlx":
            raise ValueError("a quorum queue knows no 'reject-publish-dlx'")
        if self.dead_letter_strategy == "at-least-once":
            if not quorum or self.overflow != "reject-publish":
                raise ValueError(
                    "'x-dead-letter-strategy: at-least-once' needs 'x-queue-type: quorum' and "
                    "'x-overflow: reject-publish'"
                )
            if self.dead_letter_exchange is None:
                raise ValueError(
                    "'x-dead-letter-strategy: at-least-once' needs a 'x-dead-letter-exchange'"
                )
        return self


class RabbitmqQueue(Config):
    """A queue and its consumers."""

    not_modelled = NotModelled("rabbitmq", "queue")

    consumers: Count
    """Processes with a connection, a channel and a consumer each; 0: nobody reads it, as of a queue
    that only delays, or that keeps dead letters."""
    does: Jobs = Field(default_factory=list)
    """Jobs of `workload.service` done for each message; none, where there are no consumers."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    bindings: list[Binding] = Field(default_factory=list)
    """Which messages of the exchange the queue gets; a fanout exchange needs none."""
    arguments: RabbitmqQueueArguments = RabbitmqQueueArguments()
    """Optional arguments of the queue."""
    prefetch_count: Count = 0
    """basic.qos: most unacknowledged deliveries of a consumer; 0: no limit, but 2,000 on a quorum
    queue (RQ-03)."""
    no_ack: bool = False
    """basic.consume: a message counts as acknowledged when it is sent to the consumer; also called
    automatic acknowledgement (RQ-01)."""
    threads: PositiveCount = 1
    """Messages that a consumer works on side by side."""
    on_failure: Literal["nack-requeue", "reject-requeue", "reject"] = "nack-requeue"
    """What a consumer answers when its handler raises: back to the queue with basic.nack, which
    from 4.3 does not count towards the delivery limit, or with basic.reject, which does; or
    rejected for good."""

    @model_validator(mode="after")
    def _works(self) -> Self:
        if self.consumers and not self.does:
            raise ValueError("a queue with consumers needs 'does': the jobs that they do")
        return self

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


class RabbitmqProducer(Config):
    """The clients that publish."""

    channels: PositiveCount = 8
    """Channels of one connection; each publishes a batch and waits for its confirms. What is
    published on a connection reaches the broker in that order (RQ-15; AMQP 0-9-1, 4.7, says it of
    a channel, and the broker reads a connection from front to back)."""
    batch: PositiveCount = 100
    """Most messages that a channel has unconfirmed."""
    confirms: bool = True
    """Wait for publisher confirms; false: fire and forget (RQ-07)."""
    republish: Seconds | None = 1.0
    """With confirms: a message that a full queue refuses is published again after; null: never."""
    priority: Priority = Field(default_factory=list)
    """basic.publish: dimension of `workload.keys` whose values, in order, are the priorities 0, 1,
    …, or the priorities of its values, `{plan: {free: 0, paid: 9}}`. A classic queue knows as many
    as its `x-max-priority`, and 0 of the rest; a quorum queue 32 from 4.3 (RQ-19), with 4 for the
    rest, and from 4.0 two, of which above 4 is high."""
    expiration: Expiration = Field(default_factory=list)
    """basic.publish: how long a message may wait in its queue, ms: one time; several, which
    messages have in turn (null: none); or by the values of one dimension of `workload.keys`,
    `{plan: {free: 5 s}}`. It expires only once it is the first of the queue (RQ-17), and is taken
    from it when it is dead-lettered."""

    @property
    def soonest_s(self) -> float:
        """The shortest `expiration`, s; inf: there is none."""
        given = self.expiration
        times = list(next(iter(given.values())).values()) if isinstance(given, dict) else given
        return min((ms / 1e3 for ms in times if ms is not None), default=inf)


PUBLISH = by_quantiles(
    min=0.000232,
    p1=0.000277,
    p10=0.000320,
    p50=0.000576,
    p90=0.000747,
    p99=0.000873,
    p99_9=0.001261,
    p99_99=0.029699,
    max=0.099032,
)
"""Publish latency of RabbitMQ 3.8, classic queues, in Confluent's run of the OpenMessaging
Benchmark, 2020, at 30,000 msg/s over 100 queues
(https://github.com/confluentinc/openmessaging-benchmark at 08e2fee, blog/results,
rabbitmq_latency_classic-30k)."""


class RabbitmqLatency(Config):
    """Time spent between clients and broker, where no measurement of your own is given.

    Of classic queues; what replication adds to quorum queues is not in it.
    """

    publish: Distribution = PUBLISH
    """From sending messages to their confirm; half of it until they are in the queue. Median 0.58
    ms, p99 0.87 ms, as in Confluent's run of the OpenMessaging Benchmark at 30,000 msg/s, 2020."""
    deliver: Distribution = Distribution(constant=ROUND_TRIP_S)
    """A round trip; a delivery takes half of one. 0.3 ms, by the same run."""
    ack: Distribution = Distribution(constant=ROUND_TRIP_S)
    """A round trip; an acknowledgement takes half of one."""
    reopen: Seconds = 1.0
    """From a client losing its channel to subscribing again."""


class RabbitmqCeilings(Ceilings):
    """What the process of a queue can do: one thing at a time, on one core (RQ-13).

    "Currently a single queue replica … is limited to a single CPU core on its hot code path"
    (https://www.rabbitmq.com/docs/queues). How much: RabbitMQ 4.0 with AMQP 0.9.1 carried 88,534
    messages a second through a classic queue and 70,067 through a quorum queue
    (https://www.rabbitmq.com/blog/2024/08/21/amqp-benchmarks). Which fifth of it is publishing:
    PerfTest published 176,680 a second to a queue of which nobody read, and 35,198 went in and out
    (rabbitmq/rabbitmq-perf-html, `various-result.js`). All of small messages; bytes have no ceiling
    of their own. A publisher is not told that it has to wait: its messages do, in front of the
    queue.
    """

    publish: PositiveSeconds | None = None
    """Time of the queue's process that a published message takes; null: a fifth of 1 s / 88,534, of
    a quorum queue of 1 s / 70,067."""
    deliver: PositiveSeconds | None = None
    """Time of it that a delivery takes, with its acknowledgement; null: the other four fifths."""

    def times_s(self, queue_type: QueueType) -> tuple[float, float]:
        """Of a published message and of a delivery, s; (0, 0): there is no ceiling."""
        if not self.apply:
            return 0.0, 0.0
        both_s = 1 / 70_067 if queue_type == "quorum" else 1 / 88_534
        publish_s = both_s * _PUBLISHING if self.publish is None else self.publish
        deliver_s = both_s * (1 - _PUBLISHING) if self.deliver is None else self.deliver
        return publish_s, deliver_s


_PUBLISHING = 0.2
"""Share of a queue's work that goes into taking a message in."""


class RabbitmqSystem(ProductSystem):
    """An exchange, and queues with their consumers."""

    not_modelled = NotModelled("rabbitmq", "rabbitmq.conf")
    readers_at: ClassVar[str] = "queues"

    product: Literal["rabbitmq"]
    """`rabbitmq`"""
    exchange: Exchange = Exchange()
    """Where everything is published."""
    producer: RabbitmqProducer = RabbitmqProducer()
    """The publishers."""
    queues: dict[Name, RabbitmqQueue] = Field(min_length=1)
    """Queues, each with its consumers."""
    version: RabbitmqVersion = "4.3"
    """Of the broker, from 3.9: until 4.2 classic queues have the acknowledgement timeout too, and
    every return counts towards a delivery limit; before 4.0 there is no limit by default."""
    consumer_timeout: PositiveMilliseconds | None = CONSUMER_TIMEOUT_MS
    """rabbitmq.conf: a delivery not acknowledged for this long closes its channel, ms (RQ-06);
    null: never (`undefined` in advanced.config), but from 4.3 24 hours."""
    heartbeat: Seconds = 60.0
    """A connection on which nothing came for this long is closed, s; 0: never."""
    latency: RabbitmqLatency = RabbitmqLatency()
    """Network and broker."""
    ceilings: RabbitmqCeilings = RabbitmqCeilings()
    """What a queue can do at most; off: anything."""

    @model_validator(mode="after")
    def _linked(self) -> Self:
        if not self.readers:
            raise ValueError("no queue has consumers")
        refused = []
        for name, to in targets(self.queues).items():
            arguments = self.queues[name].arguments
            exchange, key = arguments.dead_letter_exchange, arguments.dead_letter_routing_key
            at = ("queues", name, "arguments")
            if len(to) > 1:
                where = (*at, "x-dead-letter-exchange")
                both = " and ".join(map(repr, to))
                why = f"the dead letters of {name!r} go to {both}; the lab follows one copy"
                refused.append(Refusal((where,), why))
            if key is not None and not to and self.producer.expiration:
                delays = ""
                if self.queues[name].consumers:
                    its = self.queues[name]
                    delays = (
                        f"; a queue that only delays has no consumers: '{name}: {{consumers: 0, "
                        f"arguments: …}}' and '{key}: {{consumers: {its.consumers}, does: "
                        f"[{', '.join(its.does)}]}}'"
                    )
                why = (
                    f"messages with an 'expiration' go from here to {key!r} (exchange "
                    f"{exchange!r}), and no queue of this system has that name: RabbitMQ would "
                    f"drop them without a word. Declare it{delays}"
                )
                refused.append(Refusal(((*at, "x-dead-letter-routing-key"),), why))
        if refused:
            raise RefusedError(refused)
        return self

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if self.exchange.type != "fanout":
            gets = set(linked(self.queues).values())
            unbound = [n for n, q in self.queues.items() if not self.bound(n) and n not in gets]
            if unbound:
                raise ValueError(
                    f"queue {unbound[0]!r} needs 'bindings': the exchange is {self.exchange.type}"
                )
        if self.exchange.type == "x-consistent-hash":
            for name in self.queues:
                for binding in self.bound(name):
                    if not binding.routing_key.isdigit() or int(binding.routing_key) == 0:
                        raise ValueError(
                            f"queue {name!r}: the routing_key of a binding to a consistent hash "
                            f"exchange is a weight, 1 or more, not {binding.routing_key!r}"
                        )
        return self

    @model_validator(mode="after")
    def _of_the_version(self) -> Self:
        refused = [
            Refusal((("queues", name, "arguments", "x-consumer-timeout"), ("version",)), why)
            for name, queue in self.queues.items()
            if queue.arguments.consumer_timeout is not None
            and (why := consumer_timeout_refusal(self.version, queue.arguments.queue_type))
        ]
        for name, queue in self.queues.items():
            its = queue.arguments
            of_retry = (its.delayed_retry_type, its.delayed_retry_min, its.delayed_retry_max)
            if why := delayed_retry_refusal(self.version, its.queue_type, *of_retry):
                keys = [f"x-delayed-retry-{end}" for end in ("type", "min", "max")]
                at = [("queues", name, "arguments", key) for key in keys if its.given(key)]
                refused.append(Refusal((*at, ("version",)), why))
        if refused:
            raise RefusedError(refused)
        return self

    @property
    def readers(self) -> Mapping[str, RabbitmqQueue]:
        """The queues that somebody reads, by name."""
        return {name: queue for name, queue in self.queues.items() if queue.consumers}

    def bound(self, name: str) -> list[Binding]:
        """Bindings of a queue to the exchange where messages are published."""
        dead = {queue.arguments.dead_letter_exchange for queue in self.queues.values()}
        its = self.queues[name].bindings
        return [binding for binding in its if not binding.source or binding.source not in dead]

    def levels_of(self, name: str) -> int:
        """How many priorities a queue tells apart; 0: it looks at none."""
        arguments = self.queues[name].arguments
        if arguments.queue_type == "classic":
            return 0 if arguments.max_priority is None else arguments.max_priority + 1
        its = levels(self.version) if self.producer.priority else 1
        return its if its > 1 else 0

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys that were given and have no effect here: path from the system, and why."""
        if self.producer.priority and not any(map(self.levels_of, self.queues)):
            yield ("producer", "priority"), "no queue has priorities: see 'x-max-priority'"
        to = linked(self.queues)
        for name, queue in self.queues.items():
            arguments, here = queue.arguments, ("queues", name)
            key = arguments.dead_letter_routing_key
            if key is not None and name not in to:
                why = "there is no 'x-dead-letter-exchange'"
                if arguments.dead_letter_exchange is not None:
                    why = f"{key!r} is no queue of this system: dead letters are only counted"
                yield (*here, "arguments", "x-dead-letter-routing-key"), why
            if arguments.delayed_retry_type == "disabled":
                for end in ("min", "max"):
                    if arguments.given(f"x-delayed-retry-{end}"):
                        why = "has an effect only with 'x-delayed-retry-type'"
                        yield (*here, "arguments", f"x-delayed-retry-{end}"), why
            elif (
                arguments.delivery_limit is not None
                and arguments.delivery_limit < 0
                and queue.on_failure == "nack-requeue"
            ):
                why = (
                    "without a delivery limit, what is nacked goes to the back at once; only "
                    "'on_failure: reject-requeue' and channels that end have it wait"
                )
                yield (*here, "arguments", "x-delayed-retry-type"), why
            if queue.consumers:
                continue
            if queue.does:
                yield (*here, "does"), "the queue has no consumers"
            for given in ("prefetch_count", "no_ack", "threads", "on_failure", "ledger"):
                if queue.given(given):
                    yield (*here, given), "the queue has no consumers"
            if not is_linked(name, to):
                yield (
                    (*here, "consumers"),
                    (
                        "nobody reads it, and it dead-letters into no queue of the system: what is "
                        "published to it is left out"
                    ),
                )
