"""A topic of Apache Kafka 4.x by its own keys.

Defaults are those of `TopicConfig` and `LogConfig` in apache/kafka 4.0, documented at
https://kafka.apache.org/documentation/#topicconfigs.
"""

from typing import Annotated

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import (
    BytesOrUnlimited,
    MillisecondsOrUnlimited,
    PositiveBytes,
    PositiveCount,
    PositiveMilliseconds,
)
from sim.scenario.products import kafka_not_modelled


class KafkaTopic(Config):
    """The topic that every message goes to."""

    not_modelled = kafka_not_modelled.TOPIC

    partitions: PositiveCount
    """Partitions; each has one reader in a group, so they cap a group's parallelism."""
    replication_factor: PositiveCount = Field(default=1, alias="replication.factor")
    """Brokers that hold each partition (default.replication.factor); with a `publisher`."""
    min_insync_replicas: PositiveCount = Field(default=1, alias="min.insync.replicas")
    """acks=all is refused while fewer than this are in sync; with a `publisher`."""
    takes_dead_letters: bool = Field(default=False, alias="errors.deadletterqueue.group.enable")
    """Whether brokers may write dead letters of share groups to it (KIP-1191, Kafka 4.4)."""
    retention_ms: MillisecondsOrUnlimited = Field(default=604_800_000.0, alias="retention.ms")
    """A segment goes when its newest record is older than this, ms (7 days); -1: never."""
    retention_bytes: BytesOrUnlimited = Field(default=-1, alias="retention.bytes")
    """Oldest segments go while a partition would still have this many bytes; -1: never."""
    segment_ms: PositiveMilliseconds = Field(default=604_800_000.0, alias="segment.ms")
    """A record this much younger than the first of the segment begins another, ms (7 days)."""
    segment_bytes: Annotated[PositiveBytes, Field(ge=1_048_576)] = Field(
        default=1_073_741_824, alias="segment.bytes"
    )
    """A segment has at most this many bytes, 1 MiB or more (1 GiB)."""
