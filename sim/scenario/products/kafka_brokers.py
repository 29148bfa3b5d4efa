"""Brokers of Apache Kafka 4.x by their own keys, and the time between them and their clients.

Defaults are those of `GroupCoordinatorConfig` and `ServerLogConfigs` in apache/kafka 4.0,
documented at https://kafka.apache.org/documentation/#brokerconfigs. Kafka has no defaults of
latencies: those here are measured ones, with their source, or assumptions.
"""

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import (
    Distribution,
    Milliseconds,
    PositiveCount,
    PositiveMilliseconds,
    Seconds,
    by_quantiles,
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
    replicate: Seconds = 0.0005
    """From the leader's append until the in-sync replicas have it too; 0 with one replica, and
    without a `publisher`. An assumption: two round trips within a zone."""


PRODUCE = by_quantiles(
    min=0.000669,
    p1=0.001165,
    p10=0.001589,
    p50=0.002146,
    p90=0.003105,
    p95=0.003479,
    p99=0.004349,
    p99_9=0.017392,
    p99_99=0.065896,
    max=0.094178,
)
"""Publish latency of Kafka in Confluent's run of the OpenMessaging Benchmark, 2020, at 200,000
msg/s (https://github.com/confluentinc/openmessaging-benchmark at 08e2fee, blog/results,
kafka_latency_default-sync-200k): three brokers, replication 3, acks=all, 1 KiB, 100 partitions, a
third of what they can carry. What its records waited for their batches is in it, 1 ms at most."""


class KafkaLatency(Config):
    """Time spent between client and broker, where no measurement of your own is given."""

    produce: Distribution = PRODUCE
    """From sending a batch to its acknowledgement, `acks=all`; median 2.1 ms, p99 4.3 ms, p99.9 17
    ms, as in Confluent's run of the OpenMessaging Benchmark at 200,000 msg/s, 2020. With a
    `publisher`, `brokers.replicate` comes to it."""
    fetch: Seconds = 0.001
    """From the broker having the data to the consumer having them (an assumption)."""
    commit: Seconds = 0.002
    """A synchronous commit, and any other request to the group's coordinator: as the median of
    `produce`, since a commit is answered when __consumer_offsets is replicated
    (offsets.commit.required.acks)."""
    rebalance: Seconds = 0.0
    """group.protocol classic: from when the last member has joined until all have their partitions,
    beside two round trips of `commit`: the leader's assignor, listeners of the application."""
