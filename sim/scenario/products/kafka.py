"""Apache Kafka 4.x by its own keys: one topic, its producer, and its groups.

Each part has a module with the source of its defaults: `kafka_topic`, `kafka_producer`,
`kafka_publisher`, `kafka_consumer`, `kafka_share`, `kafka_brokers`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.foundation.config import KeyPath, Refusal, RefusedError
from sim.scenario.products.base import Name, ProductSystem
from sim.scenario.products.kafka_brokers import KafkaBrokers, KafkaCeilings, KafkaLatency
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_publisher import Publisher
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.products.kafka_topic import KafkaTopic

_NEEDS = "has an effect only with"
_OF_TRANSACTIONS = (
    "transaction.max.timeout.ms", "transaction.abort.timed.out.transaction.cleanup.interval.ms",
)  # fmt: skip


DEAD_LETTER_BYTES = 250
"""Of a dead letter without a copy of its record: names and values of the headers that say which
record it was, of which group, how often it was delivered and why it is one (an assumption)."""
_OF_A_PUBLISHER = "has an effect only with a 'publisher'"
_WHAT_IT_IS = (
    ", the service that sends through this client and may fail: write 'publisher: {}' beside "
    "'producer'"
)


class KafkaSystem(ProductSystem):
    """One topic, its producer and its consumer groups."""

    readers_at: ClassVar[str] = "groups"
    partitions_at: ClassVar[KeyPath] = ("topic", "partitions")

    product: Literal["kafka"]
    """`kafka`"""
    topic: KafkaTopic
    """The topic."""
    partition_key: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions of `workload.keys` that make up the record key (with a lifecycle, `state` too);
    null: no key, sticky batches."""
    producer: KafkaProducer = KafkaProducer()
    """The producer's configuration."""
    publisher: Publisher | None = None
    """The process around the producer, if its crashes and its client's failures matter."""
    brokers: KafkaBrokers = KafkaBrokers()
    """The brokers."""

    @model_validator(mode="after")
    def _replicas(self) -> Self:
        replicas, brokers = self.topic.replication_factor, self.brokers.count
        in_sync = self.topic.min_insync_replicas
        factor = ("topic", "replication.factor")
        found = []
        if replicas > brokers:
            message = f"'replication.factor' {replicas} needs as many brokers; there are {brokers}"
            found.append(Refusal((factor, ("brokers", "count")), message))
        if in_sync > replicas:
            message = (
                f"'min.insync.replicas' {in_sync} must not exceed 'replication.factor', {replicas}"
            )
            found.append(Refusal((("topic", "min.insync.replicas"), factor), message))
        if found:
            raise RefusedError(found)
        return self

    @model_validator(mode="after")
    def _dead_letter_topics(self) -> Self:
        """KS-06: the name of a topic of dead letters has the brokers' prefix."""
        key, prefix = "errors.deadletterqueue.topic.name", self.brokers.dead_letter_prefix
        found = [
            Refusal(
                (("share_groups", name, key), ("brokers", f"{key}.prefix")),
                f"{key!r} must begin with {prefix!r}, the brokers' '{key}.prefix'",
            )
            for name, group in self.share_groups.items()
            if group.dead_letter_topic is not None
            and not group.dead_letter_topic.startswith(prefix)
        ]
        if found:
            raise RefusedError(found)
        return self

    @model_validator(mode="after")
    def _transaction(self) -> Self:
        """KP-16: a transaction has a transactional.id, which implies idempotence (KP-12)."""
        if self.publisher is None or not self.publisher.transactional:
            return self
        who = "the transactional.id of 'order: transaction'"
        order = ("publisher", "order")
        refusals = [
            Refusal((("producer", key), order), message)
            for key, message in self.producer.against_transaction(who)
        ]
        asked_ms, most_ms = (
            self.producer.transaction_timeout_s * 1e3,
            self.brokers.transaction_max_timeout_ms,
        )
        if asked_ms > most_ms:
            key = "transaction.timeout.ms"
            most = ("brokers", "transaction.max.timeout.ms")
            message = (
                f"{key!r} ({asked_ms:,.10g}) must be at most 'transaction.max.timeout.ms' "
                f"({most_ms:,.10g})"
            )
            refusals.append(Refusal((("producer", key), most, order), message))
        if refusals:
            raise RefusedError(refusals)
        return self

    groups: dict[Name, ConsumerGroup] = Field(default_factory=dict)
    """Consumer groups; each reads every message."""
    share_groups: dict[Name, ShareGroup] = Field(default_factory=dict)
    """Share groups; each is given every message."""
    latency: KafkaLatency = KafkaLatency()
    """Network and broker."""
    ceilings: KafkaCeilings = KafkaCeilings()
    """What brokers, partitions and clients can do at most; off: anything."""

    @model_validator(mode="after")
    def _someone_reads(self) -> Self:
        if not self.groups and not self.share_groups:
            raise ValueError("there is nobody to read: give 'groups' or 'share_groups'")
        if both := self.groups.keys() & self.share_groups.keys():
            raise ValueError(f"{sorted(both)[0]!r} is both a group and a share group")
        if len({its.isolation_level for its in self.share_groups.values()}) > 1:
            raise ValueError("share groups of a topic have one 'share.isolation.level' in the lab")
        return self

    @property
    def partitions(self) -> int:
        """Of its log."""
        return self.topic.partitions

    @property
    def readers(self) -> Mapping[str, ConsumerGroup | ShareGroup]:
        """The consumer groups and share groups by name."""
        return {**self.groups, **self.share_groups}

    def place_of(self, readers: str) -> KeyPath:
        """Where the group or share group of this name is configured."""
        return ("share_groups" if readers in self.share_groups else self.readers_at, readers)

    def no_seek(self, readers: str) -> str | None:
        """Why a share group cannot go to another place."""
        if readers in self.share_groups:
            return "is a share group, whose start offset the lab does not move"
        return None

    def no_dead_letters(self, readers: str) -> str | None:
        """That it is no share group with a dead-letter queue."""
        if readers not in self.share_groups:
            return super().no_dead_letters(readers)
        if self.share_groups[readers].dead_letter_topic is None:
            return "has no 'errors.deadletterqueue.topic.name'"
        return None

    def dead_letters(self, readers: str) -> int | None:
        """Of one without a copy of its record, the headers."""
        return None if self.share_groups[readers].copy_record else DEAD_LETTER_BYTES

    @property
    def takes_no_dead_letters(self) -> str | None:
        """That its topic does not permit it."""
        if self.topic.takes_dead_letters:
            return None
        return "has 'errors.deadletterqueue.group.enable' of its topic at false: no broker writes"

    @property
    def no_partitions(self) -> str | None:
        """Why a topic that share groups read stays as it is."""
        if self.share_groups:
            return "has share groups, which the lab gives their partitions at the start"
        return None

    @property
    def publishing(self) -> Publisher | None:
        """The `publisher`."""
        return self.publisher

    @property
    def ahead(self) -> Mapping[Literal["publisher", "broker"], int]:
        """The publisher and its brokers."""
        return {} if self.publisher is None else {"publisher": 1, "broker": self.brokers.count}

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of a producer whose failures are not followed, for want of a publisher."""
        if self.publisher is None:
            for i, key in enumerate(self.producer.of_failures):
                yield ("producer", key), _OF_A_PUBLISHER + ("" if i else _WHAT_IT_IS)
        elif not self.publisher.transactional:
            for key in ("transactional.id", "transaction.timeout.ms"):
                if key in self.producer.of_failures:
                    yield ("producer", key), f"{_NEEDS} 'publisher.order: transaction'"
            for key in ("on_fenced", "restart_after"):
                if self.publisher.given(key):
                    yield ("publisher", key), f"{_NEEDS} 'order: transaction'"
        elif self.publisher.on_fenced != "exit" and self.publisher.restart_after is not None:
            yield ("publisher", "restart_after"), f"{_NEEDS} 'on_fenced: exit'"
        if self.publisher is None or not self.publisher.transactional:
            for key in _OF_TRANSACTIONS:
                if self.brokers.given(key):
                    yield ("brokers", key), f"{_NEEDS} 'publisher.order: transaction'"
            for name, readers in self.readers.items():
                shared = name in self.share_groups
                key = "share.isolation.level" if shared else "isolation.level"
                if readers.given(key):
                    yield (*self.place_of(name), key), f"{_NEEDS} 'publisher.order: transaction'"
        yield from self.brokers.without_effect()
        for name, share in self.share_groups.items():
            for key, why in share.without_effect():
                yield ("share_groups", name, key), why
        if self.producer.client == "librdkafka" and self.producer.metadata_max_age_ms is not None:
            yield (
                ("producer", "metadata.max.age.ms"),
                "librdkafka asks every 'topic.metadata.refresh.interval.ms'",
            )
        for name, group in self.groups.items():
            for key, why in group.metadata_without_effect():
                yield ("groups", name, key), why

    def too_small_for(self, size_bytes: int) -> Iterator[Refusal]:
        """The buffer of the publisher's client, if no record of this size fits into it."""
        if self.publisher is not None and size_bytes > self.producer.buffer_bytes:
            key = self.producer.buffer_key
            yield Refusal(
                (("producer", key),),
                f"{key!r} ({self.producer.buffer_bytes:,} B) must have room for a message, "
                f"workload.size ({size_bytes:,} B)",
            )
