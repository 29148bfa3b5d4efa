"""Brokers of Apache Kafka 4.x by their own keys, and the time between them and their clients.

Defaults are those of `GroupCoordinatorConfig` and `ServerLogConfigs` in apache/kafka 4.0,
documented at https://kafka.apache.org/documentation/#brokerconfigs. The latencies are the lab's own
assumptions, not Kafka's.
"""

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import (
    Distribution,
    Milliseconds,
    PositiveCount,
    PositiveMilliseconds,
    Seconds,
    lognormal,
)


class KafkaBrokers(Config):
    """The brokers that hold the topic."""

    count: PositiveCount = 3
    """Partition p is led by broker p mod count; with a `publisher`."""
    group_initial_rebalance_delay_ms: Milliseconds = Field(
        default=3_000.0, alias="group.initial.rebalance.delay.ms"
    )
    """classic: an empty group that is joined waits so long for more members, ms."""
    group_consumer_session_timeout_ms: PositiveMilliseconds = Field(
        default=45_000.0, alias="group.consumer.session.timeout.ms"
    )
    """group.protocol consumer: a member silent for this long is dead, ms."""
    group_consumer_heartbeat_interval_ms: PositiveMilliseconds = Field(
        default=5_000.0, alias="group.consumer.heartbeat.interval.ms"
    )
    """group.protocol consumer: a member learns at its heartbeats what it is to read, ms apart."""
    log_retention_check_interval_ms: PositiveMilliseconds = Field(
        default=300_000.0, alias="log.retention.check.interval.ms"
    )
    """How often brokers look for segments to delete, ms (5 minutes)."""
    replicate: Seconds = 0.002
    """From the leader's append until the in-sync replicas have it too; 0 with one replica, and
    without a `publisher`."""


class KafkaLatency(Config):
    """Time spent between client and broker (assumptions of the lab, not defaults of Kafka)."""

    produce: Distribution = lognormal(0.003, 0.030)
    """From sending a batch to its acknowledgement, `acks=all`."""
    fetch: Seconds = 0.001
    """From the broker having the data to the consumer having them."""
    commit: Seconds = 0.003
    """A synchronous commit, and any other request to the group's coordinator."""
    rebalance: Seconds = 0.0
    """group.protocol classic: from when the last member has joined until all have their partitions,
    beside two round trips of `commit`: the leader's assignor, listeners of the application."""
