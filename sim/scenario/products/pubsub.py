"""Google Cloud Pub/Sub: a topic's subscriptions by the fields of the API, and their subscribers.

Fields of a subscription, their defaults and ranges:
https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions (the same text is in
`google/pubsub/v1/pubsub.proto` of googleapis/googleapis). Settings of a subscriber client are the
Python library's, `FlowControl` and `BatchSettings` in `google/cloud/pubsub_v1/types.py` of
googleapis/python-pubsub, explained at https://cloud.google.com/pubsub/docs/lease-management and
…/flow-control. The latencies are the lab's assumptions.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config, KeyPath, Refusal
from sim.foundation.units import (
    Distribution,
    PositiveBytes,
    PositiveCount,
    Seconds,
    WholeSeconds,
    lognormal,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Jobs, Name, ProductSystem
from sim.scenario.products.not_modelled import NotModelled

MIN_EXTENSION_S, MAX_EXTENSION_S = 10.0, 600.0
"""Shortest and longest that the Python library extends a deadline by (`histogram.py`)."""
EXACTLY_ONCE_EXTENSION_S = 60.0
"""Shortest with exactly-once delivery (`streaming_pull_manager.py`)."""
DAY_S = 86_400.0


class FlowControl(Config):
    """`FlowControl` of the Python client library: how much a subscriber holds, and for how long."""

    max_messages: PositiveCount = 1_000
    """Most messages that a subscriber has received and not yet acknowledged or nacked."""
    max_bytes: PositiveBytes = 100 * 1024 * 1024
    """Most bytes of them, 100 MiB."""
    max_lease_duration: Seconds = 3_600.0
    """A subscriber extends the deadline of a message that it has for so long after it was
    delivered; then it comes again, though its handler may still be at it (PB-02). 0: not at all, as
    with the API's own pull: then `ackDeadlineSeconds` says how long a handler has."""
    min_duration_per_lease_extension: Annotated[Seconds, Field(le=600)] = 0.0
    """Each extension is by no less, 10 s to 600 s; 0: 10 s, or with exactly-once delivery 60 s.
    (The library goes by the 99th percentile of the time that handlers take, where that is longer;
    the lab does not.)"""
    max_duration_per_lease_extension: Annotated[Seconds, Field(le=600)] = 0.0
    """Each extension is by no more, 10 s to 600 s; 0: no bound. What a subscriber had that dies
    comes again after an extension at the latest."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        for key in ("min_duration_per_lease_extension", "max_duration_per_lease_extension"):
            if 0.0 < getattr(self, key) < MIN_EXTENSION_S:
                raise ValueError(f"{key!r} is 10 s to 600 s; or 0, for the library's own")
        least, most = self.min_duration_per_lease_extension, self.max_duration_per_lease_extension
        if most and least > most:
            raise ValueError(
                "'min_duration_per_lease_extension' is more than 'max_duration_per_lease_extension'"
            )
        return self


class DeadLetterPolicy(Config):
    """Where a message goes that keeps failing."""

    dead_letter_topic: str | None = Field(default=None, alias="deadLetterTopic")
    """Name of the topic; the lab only counts what goes there."""
    max_delivery_attempts: Annotated[PositiveCount, Field(ge=5, le=100)] = Field(
        default=5, alias="maxDeliveryAttempts"
    )
    """Attempts after which it goes there, 5 to 100: 1 and the times that it was nacked or its
    deadline passed (PB-04)."""


class RetryPolicy(Config):
    """How long a message that was nacked, or whose deadline passed, waits: exponential backoff."""

    minimum_backoff: Annotated[Seconds, Field(le=600)] = Field(default=10.0, alias="minimumBackoff")
    """The first wait, s, up to 600; each is twice the one before (an assumption: Google says
    "exponential")."""
    maximum_backoff: Annotated[Seconds, Field(le=600)] = Field(
        default=600.0, alias="maximumBackoff"
    )
    """The longest wait, s, up to 600."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.minimum_backoff > self.maximum_backoff:
            raise ValueError("'minimumBackoff' is more than 'maximumBackoff'")
        return self


class PubsubSubscription(Config):
    """A subscription, and the subscribers that share its messages."""

    not_modelled = NotModelled("pubsub", "subscription")

    subscribers: PositiveCount
    """Subscriber clients: processes with a streaming pull each."""
    threads: PositiveCount = 10
    """Messages that a subscriber works on side by side (Python: `ThreadScheduler`)."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    ack_deadline_seconds: Annotated[WholeSeconds, Field(ge=10, le=600)] = Field(
        default=10, alias="ackDeadlineSeconds"
    )
    """A message that is not acknowledged for so long comes again, s, 10 to 600. The client library
    has deadlines of its own: this one is of subscribers that extend none (PB-01)."""
    flow_control: FlowControl = FlowControl()
    """Of each subscriber."""
    enable_message_ordering: bool = Field(default=False, alias="enableMessageOrdering")
    """Messages of an ordering key come in order (PB-06)."""
    enable_exactly_once_delivery: bool = Field(default=False, alias="enableExactlyOnceDelivery")
    """An acknowledgement after the deadline fails; false: it counts, unless the message has been
    delivered again already (PB-03)."""
    dead_letter_policy: DeadLetterPolicy | None = Field(default=None, alias="deadLetterPolicy")
    """Null: a message that fails comes again until it is too old."""
    retry_policy: RetryPolicy | None = Field(default=None, alias="retryPolicy")
    """Null: what was nacked comes again at once (PB-05)."""
    message_retention_duration: Annotated[Seconds, Field(ge=600, le=31 * DAY_S)] = Field(
        default=7 * DAY_S, alias="messageRetentionDuration"
    )
    """A message that is not acknowledged for so long after it was published is deleted, s; 10
    minutes to 31 days."""
    retain_acked_messages: bool = Field(default=False, alias="retainAckedMessages")
    """What is acknowledged is kept for `messageRetentionDuration` as well, so that a seek back has
    it delivered again (PB-08)."""

    @property
    def members(self) -> int:
        """How many subscribers."""
        return self.subscribers

    @property
    def extends(self) -> bool:
        """Whether subscribers extend deadlines."""
        return self.flow_control.max_lease_duration > 0.0

    @property
    def deadline_s(self) -> float:
        """How long a message may be in hand before its deadline passes or is extended, s."""
        its = self.flow_control
        if not self.extends:
            return float(self.ack_deadline_seconds)
        once = EXACTLY_ONCE_EXTENSION_S if self.enable_exactly_once_delivery else MIN_EXTENSION_S
        least_s = its.min_duration_per_lease_extension or once
        return min(least_s, its.max_duration_per_lease_extension or MAX_EXTENSION_S)


class PubsubPublisher(Config):
    """The publisher clients, each of which batches (`BatchSettings` of the Python library)."""

    not_modelled = NotModelled("pubsub", "publisher")

    calls: PositiveCount = 8
    """Calls to `publish` under way at a time (an assumption)."""
    max_messages: Annotated[PositiveCount, Field(le=1_000)] = 100
    """Most messages in one call, up to 1,000."""
    ordering_key: list[str] | None = None
    """Dimensions of `workload.keys` that make up each message's `orderingKey`; null: it has
    none."""


class PubsubTopic(Config):
    """The topic (https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics)."""

    not_modelled = NotModelled("pubsub", "topic")

    message_retention_duration: Annotated[Seconds, Field(ge=600, le=31 * DAY_S)] | None = Field(
        default=None, alias="messageRetentionDuration"
    )
    """Each subscription can have again by a seek what was published in so long before, s; 10
    minutes to 31 days (PB-08). Null: what is acknowledged is kept only where a subscription says
    so."""


class PubsubLatency(Config):
    """Duration of each call (assumptions of the lab; Google publishes none)."""

    publish: Distribution = lognormal(0.020, 0.100)
    """`publish`, until it is confirmed."""
    deliver: Distribution = lognormal(0.020, 0.100)
    """Round trip over the streaming pull: a message takes half of it."""
    acknowledge: Distribution = lognormal(0.020, 0.100)
    """`acknowledge` and nack: they take half of it."""


class PubsubSystem(ProductSystem):
    """A topic, and its subscriptions: each of them gets every message."""

    readers_at: ClassVar[str] = "subscriptions"
    snapshots: ClassVar[bool] = True

    product: Literal["pubsub"]
    """`pubsub`"""
    topic: PubsubTopic = PubsubTopic()
    """What the topic keeps."""
    publisher: PubsubPublisher = PubsubPublisher()
    """The publishers."""
    subscriptions: dict[Name, PubsubSubscription] = Field(min_length=1)
    """Subscriptions, each with its subscribers."""
    latency: PubsubLatency = PubsubLatency()
    """Duration of calls."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.publisher.ordering_key is None:
            for name, its in self.subscriptions.items():
                if its.enable_message_ordering:
                    raise ValueError(
                        f"'{name}: {{enableMessageOrdering: true}}' orders the messages of an "
                        "ordering key: give 'publisher: {ordering_key: [...]}', dimensions of "
                        "'workload.keys'"
                    )
        return self

    @property
    def readers(self) -> Mapping[str, PubsubSubscription]:
        """The subscriptions by name."""
        return self.subscriptions

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """As `ProductSystem.without_effect`."""
        orders = any(its.enable_message_ordering for its in self.subscriptions.values())
        if self.publisher.ordering_key is not None and not orders:
            yield (
                ("publisher", "ordering_key"),
                "has no effect: no subscription has 'enableMessageOrdering: true'",
            )
        for name, its in self.subscriptions.items():
            at, flow = self.place_of(name), its.flow_control
            if its.extends and its.given("ackDeadlineSeconds"):
                yield (
                    (*at, "ackDeadlineSeconds"),
                    "has no effect: the client library sets deadlines of its own, and extends them "
                    "(only with 'flow_control: {max_lease_duration: 0}' does it not)",
                )
            for key in ("min_duration_per_lease_extension", "max_duration_per_lease_extension"):
                if not its.extends and flow.given(key):
                    yield (
                        (*at, "flow_control", key),
                        "has no effect: with 'max_lease_duration: 0' no deadline is extended",
                    )

    def too_small_for(self, size_bytes: int) -> Iterator[Refusal]:
        """As `ProductSystem.too_small_for`."""
        for name, its in self.subscriptions.items():
            if size_bytes > its.flow_control.max_bytes:
                place = (*self.place_of(name), "flow_control", "max_bytes")
                yield Refusal((place,), "is less than a message: nothing would ever be received")


def kept_s(its: PubsubSubscription, topic: PubsubTopic) -> float:
    """How long after it was published a seek can have an acknowledged message again, s; 0: not."""
    own_s = its.message_retention_duration if its.retain_acked_messages else 0.0
    return max(own_s, topic.message_retention_duration or 0.0)


def retained_s(its: PubsubSubscription, topic: PubsubTopic) -> float:
    """How long after it was published a message is deleted that is not acknowledged, s.

    What the topic keeps, a subscription has.
    """
    return max(its.message_retention_duration, topic.message_retention_duration or 0.0)


def held(its: PubsubSubscription, size_bytes: int) -> int:
    """Most messages of a size that a subscriber holds."""
    flow = its.flow_control
    return min(flow.max_messages, max(1, flow.max_bytes // size_bytes))


def retried_s(its: PubsubSubscription) -> tuple[float, float]:
    """First and longest wait of what comes again, s; (0, inf): it does not wait."""
    policy = its.retry_policy
    if policy is None:
        return 0.0, inf
    return policy.minimum_backoff, policy.maximum_backoff
