"""Apache Kafka 4.x by its own keys, as in the Java client.

Defaults are those of `ProducerConfig` and `ConsumerConfig` in apache/kafka (4.0; `linger.ms` 5
since KIP-1030), documented at https://kafka.apache.org/documentation/#configuration. The latencies
are the lab's own assumptions, not Kafka's.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from sim.config import Config
from sim.products import kafka_keys
from sim.products.base import Jobs, LedgerPolicy, Name
from sim.units import (
    Bytes,
    Distribution,
    Milliseconds,
    PositiveBytes,
    PositiveCount,
    Seconds,
    lognormal,
)


class Topic(Config):
    """The topic that every message goes to."""

    not_modelled = dict.fromkeys(kafka_keys.TOPIC, "")

    partitions: PositiveCount
    """Partitions; each has one reader in a group, so they cap a group's parallelism."""


class Producer(Config):
    """How the producer gathers records into batches."""

    not_modelled = dict.fromkeys(kafka_keys.PRODUCER, "")

    linger_ms: Milliseconds = Field(default=5.0, alias="linger.ms")
    """How long a batch waits to fill, ms."""
    batch_size: Bytes = Field(default=16384, alias="batch.size")
    """A batch of this many bytes goes at once; 0 sends each record alone."""


class Group(Config):
    """A consumer group: its single-threaded consumers, and how they poll and commit."""

    not_modelled = dict.fromkeys(kafka_keys.CONSUMER, "")

    consumers: PositiveCount
    """Members of the group; those beyond the number of partitions stay idle."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each record."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    max_poll_records: PositiveCount = Field(default=500, alias="max.poll.records")
    """Most records that one poll returns."""
    max_partition_fetch_bytes: PositiveBytes = Field(
        default=1048576, alias="max.partition.fetch.bytes"
    )
    """Most bytes that one fetch takes from a partition."""
    fetch_min_bytes: Bytes = Field(default=1, alias="fetch.min.bytes")
    """The broker answers a fetch when it has this many bytes…"""
    fetch_max_wait_ms: Milliseconds = Field(default=500.0, alias="fetch.max.wait.ms")
    """…or after this long, ms."""
    enable_auto_commit: bool = Field(default=True, alias="enable.auto.commit")
    """Commit inside poll once the interval has passed; false: synchronously after each batch."""
    auto_commit_interval_ms: Milliseconds = Field(default=5000.0, alias="auto.commit.interval.ms")
    """Least time between two automatic commits, ms."""
    session_timeout_ms: Milliseconds = Field(default=45000.0, alias="session.timeout.ms")
    """A member silent for this long is dead, ms."""

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


class Latency(Config):
    """Time spent between client and broker (assumptions of the lab, not defaults of Kafka)."""

    produce: Distribution = lognormal(0.003, 0.030)
    """From sending a batch to its acknowledgement, `acks=all`."""
    fetch: Seconds = 0.001
    """From the broker having the data to the consumer having them."""
    commit: Seconds = 0.003
    """A synchronous commit."""
    rebalance: Seconds = 3.0
    """From a change of membership to every member reading again."""


class KafkaSystem(Config):
    """One topic, its producer and its consumer groups."""

    product: Literal["kafka"]
    """`kafka`"""
    topic: Topic
    """The topic."""
    partition_key: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions of `workload.keys` that make up the record key; null: no key, sticky batches."""
    producer: Producer = Producer()
    """The producer's configuration."""
    groups: dict[Name, Group] = Field(min_length=1)
    """Consumer groups; each reads every message."""
    latency: Latency = Latency()
    """Network and broker."""

    @property
    def readers(self) -> Mapping[str, Group]:
        """The consumer groups by name."""
        return self.groups
