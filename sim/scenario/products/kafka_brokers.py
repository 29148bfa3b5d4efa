"""Brokers of Apache Kafka 4.x by their own keys, and the time between them and their clients.

Defaults are those of `GroupCoordinatorConfig`, `ServerLogConfigs` and
`TransactionStateManagerConfig` in apache/kafka 4.0,
documented at https://kafka.apache.org/documentation/#brokerconfigs. Kafka has no defaults of
latencies: those here are measured ones, with their source, or assumptions.
"""

from collections.abc import Iterator
from math import ceil, inf

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import (
    Distribution,
    Milliseconds,
    PositiveBytes,
    PositiveCount,
    PositiveMilliseconds,
    PositiveSeconds,
    Seconds,
    by_quantiles,
)
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.base import Ceilings


class Writeback(Config):
    """When Linux writes dirty pages of its page cache to disk by itself.

    Defaults: https://docs.kernel.org/admin-guide/sysctl/vm.html; that dirty pages become too many
    (`vm.dirty_background_ratio`) is not modelled.
    """

    dirty_expire: Seconds = 30.0
    """vm.dirty_expire_centisecs, 3,000: pages that were dirty for longer are written…"""
    dirty_writeback: PositiveSeconds = 5.0
    """vm.dirty_writeback_centisecs, 500: …when the flusher threads wake up, so often."""


class KafkaCeilings(Ceilings):
    """What brokers, partitions and clients can do at most (KB-14, KC-24).

    Brokers' and partitions': without a `publisher`; records that wait for them are not readable
    yet. What of each: Confluent, "Benchmarking Kafka vs. Pulsar vs. RabbitMQ", 2020 (605 MB/s peak,
    three brokers, three replicas, acks=all); Tencent, use limits of CKafka (30 to 60 MB/s a
    partition); LinkedIn, "Benchmarking Apache Kafka: 2 million writes per second", 2014 (100 B
    records: a producer 821,557, a consumer 940,521 a second).
    """

    broker: PositiveBytes = 200_000_000
    """Bytes that producers can send to the partitions led by a broker, a second: a third of 605
    MB/s."""
    requests: PositiveCount | None = None
    """Batches that a broker takes a second; null: any number, for want of a public figure."""
    partition: PositiveBytes = 45_000_000
    """Bytes that can be appended to a partition, a second: between 30 and 60 MB/s."""
    producer: Seconds = 1.2e-6
    """Processor time of a `publisher` for each record, s: 821,557 records a second."""
    consumer: Seconds = 1.06e-6
    """Processor time of a consumer for each record, besides its jobs, s: 940,521 a second."""


class KafkaBrokers(Config):
    """The brokers that hold the topic."""

    not_modelled = kafka_not_modelled.BROKER

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
    offsets_retention_minutes: PositiveCount = Field(
        default=10_080, alias="offsets.retention.minutes"
    )
    """A group loses its committed offsets when it has had no member for this long, minutes (7
    days); group.protocol consumer: those that were committed so long ago."""
    offsets_retention_check_interval_ms: PositiveMilliseconds = Field(
        default=600_000.0, alias="offsets.retention.check.interval.ms"
    )
    """How often brokers look for such offsets, ms (10 minutes)."""
    first_offsets_check: Seconds | None = None
    """When they look first; null: drawn, within an interval from the start."""
    log_flush_interval_messages: PositiveCount | None = Field(
        default=None, alias="log.flush.interval.messages"
    )
    """A partition is flushed to disk when so many of its records are not; null: never for that
    (9223372036854775807). Matters to a `power_loss`."""
    log_flush_interval_ms: PositiveMilliseconds | None = Field(
        default=None, alias="log.flush.interval.ms"
    )
    """…and when it was not for this long, ms, as far as somebody looks; null: whenever he does."""
    log_flush_scheduler_interval_ms: PositiveMilliseconds | None = Field(
        default=None, alias="log.flush.scheduler.interval.ms"
    )
    """How often the flusher looks, ms; null: never (9223372036854775807)."""
    transaction_max_timeout_ms: PositiveMilliseconds = Field(
        default=900_000.0, alias="transaction.max.timeout.ms"
    )
    """The longest `transaction.timeout.ms` that a producer may ask for, ms (15 minutes)."""
    transaction_abort_interval_ms: PositiveMilliseconds = Field(
        default=10_000.0, alias="transaction.abort.timed.out.transaction.cleanup.interval.ms"
    )
    """How often the coordinator looks for transactions that are too old, ms; from the start on."""
    dead_letter_prefix: str = Field(
        default="dlq.", alias="errors.deadletterqueue.topic.name.prefix"
    )
    """How the name of a topic begins to which share groups may have dead letters written
    (KIP-1191, Kafka 4.4)."""
    writeback: Writeback = Writeback()
    """When the operating system writes pages to disk by itself."""
    replicate: Seconds = 0.0005
    """From the leader's append until the in-sync replicas have it too; 0 with one replica, and
    without a `publisher`. An assumption: two round trips within a zone."""

    @property
    def offsets_retention_s(self) -> float:
        """Time without a member after which a group loses its offsets, s."""
        return 60.0 * self.offsets_retention_minutes

    @property
    def flush_period_s(self) -> float:
        """Time between two flushes by time, s; inf: there are none."""
        looks_ms, apart_ms = self.log_flush_scheduler_interval_ms, self.log_flush_interval_ms
        if looks_ms is None:
            return inf
        return looks_ms / 1e3 * (1 if apart_ms is None else ceil(apart_ms / looks_ms))

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """A time between flushes at which nobody looks (LogManager.flushDirtyLogs)."""
        if self.log_flush_interval_ms is not None and self.log_flush_scheduler_interval_ms is None:
            yield (
                ("brokers", "log.flush.interval.ms"),
                "has an effect only with 'log.flush.scheduler.interval.ms': else nobody looks",
            )


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
