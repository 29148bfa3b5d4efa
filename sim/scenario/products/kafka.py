"""Apache Kafka 4.x by its own keys, as in the Java client.

Defaults are those of `ProducerConfig` and `ConsumerConfig` in apache/kafka (4.0; `linger.ms` 5
since KIP-1030), documented at https://kafka.apache.org/documentation/#configuration. The latencies
are the lab's own assumptions, not Kafka's.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.foundation.config import Config
from sim.foundation.units import (
    Bytes,
    BytesOrUnlimited,
    Count,
    Distribution,
    Milliseconds,
    MillisecondsOrUnlimited,
    PositiveBytes,
    PositiveCount,
    PositiveMilliseconds,
    Seconds,
    lognormal,
    shown,
)
from sim.scenario.products import kafka_keys
from sim.scenario.products.base import LogReaders, Name, OnFailure
from sim.scenario.products.kafka_membership import Commit, Strategies, in_force, objections

_BY_DURATION = re.compile(
    r"by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE
)


def duration_s(reset: str) -> float:
    """Seconds that `auto.offset.reset` goes back: of ``by_duration:P1DT2H`` 93,600.

    Raises:
        ValueError: it is not by duration, in days, hours, minutes and seconds of ISO 8601.
    """
    found = _BY_DURATION.fullmatch(reset)
    if found is None or not any(found.groups()):
        raise ValueError(
            f"expected latest, earliest, none or by_duration:PnDTnHnMnS, not {shown(reset)}"
        )
    return sum(
        float(n or 0) * unit for n, unit in zip(found.groups(), (86_400, 3_600, 60, 1), strict=True)
    )


def _offset_reset(value: Any) -> Any:
    if value not in ("latest", "earliest", "none"):
        duration_s(str(value))
    return value


OffsetReset = Annotated[
    str,
    BeforeValidator(_offset_reset),
    WithJsonSchema({"type": "string", "pattern": "^(latest|earliest|none|by_duration:P.+)$"}),
]
"""A value of `auto.offset.reset`."""


class Topic(Config):
    """The topic that every message goes to."""

    not_modelled = dict.fromkeys(kafka_keys.TOPIC, "") | {
        "cleanup.policy": "the lab deletes by retention and compacts nothing"
    }

    partitions: PositiveCount
    """Partitions; each has one reader in a group, so they cap a group's parallelism."""
    replication_factor: PositiveCount = Field(default=1, alias="replication.factor")
    """Brokers that hold each partition (default.replication.factor); with a `publisher`."""
    min_insync_replicas: PositiveCount = Field(default=1, alias="min.insync.replicas")
    """acks=all is refused while fewer than this are in sync; with a `publisher`."""
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


class Producer(Config):
    """How the producer gathers records into batches, sends them and tries again.

    Without a `publisher` only `linger.ms` and `batch.size` have an effect: nothing fails then. Keys
    left out are at the defaults of the `client` (KafkaProducer of Kafka 4.0, or librdkafka 2 and
    confluent-kafka).
    """

    not_modelled = dict.fromkeys(
        (*kafka_keys.PRODUCER, *kafka_keys.LIBRDKAFKA_PRODUCER), ""
    ) | kafka_keys.other_names(kafka_keys.PRODUCER_NAMES)

    client: Literal["java", "librdkafka"] = "java"
    """Whose client it is: defaults differ, and so does what a full buffer does."""
    linger_ms: Milliseconds = Field(default=5.0, alias="linger.ms")
    """How long a batch waits to fill, ms."""
    batch_size: Bytes | None = Field(default=None, alias="batch.size")
    """A batch of this many bytes goes at once; 0 sends each record alone (java 16384)."""
    buffer_memory: PositiveBytes | None = Field(default=None, alias="buffer.memory")
    """Java: bytes of records not yet acknowledged (32 MiB)."""
    queue_buffering_max_messages: PositiveCount | None = Field(
        default=None, alias="queue.buffering.max.messages"
    )
    """librdkafka: records not yet acknowledged (100,000)."""
    max_block_ms: Milliseconds | None = Field(default=None, alias="max.block.ms")
    """Java: how long send() waits for room, ms (60,000); librdkafka raises BufferError at once."""
    acks: Literal[0, 1, -1, "0", "1", "-1", "all"] | None = None
    """Whose acknowledgement counts: 0 nobody's, 1 the leader's, all the in-sync replicas' (all)."""
    retries: Count | None = None
    """How often a batch is sent again (2147483647: until the delivery timeout)."""
    retry_backoff_ms: Milliseconds | None = Field(default=None, alias="retry.backoff.ms")
    """Wait before the first retry, ms (100); it doubles."""
    request_timeout_ms: Milliseconds | None = Field(default=None, alias="request.timeout.ms")
    """Wait for an answer, ms (30,000)."""
    delivery_timeout_ms: Milliseconds | None = Field(default=None, alias="delivery.timeout.ms")
    """A batch fails this long after it was begun, ms (java 120,000, librdkafka 300,000)."""
    max_in_flight: PositiveCount | None = Field(
        default=None, alias="max.in.flight.requests.per.connection"
    )
    """Requests without an answer (java 5, librdkafka 1,000,000)."""
    enable_idempotence: bool | None = Field(default=None, alias="enable.idempotence")
    """The broker refuses repeats and gaps (java true, librdkafka false)."""

    @property
    def batch_bytes(self) -> int:
        """``batch.size``, or the client's default."""
        if self.batch_size is not None:
            return self.batch_size
        return 16_384 if self.client == "java" else 1_000_000


class Group(LogReaders):
    """A consumer group: its single-threaded consumers, and how they poll and commit."""

    not_modelled = dict.fromkeys(
        (*kafka_keys.CONSUMER, *kafka_keys.LIBRDKAFKA_CONSUMER), ""
    ) | kafka_keys.other_names(kafka_keys.CONSUMER_NAMES)

    client: Literal["java", "librdkafka"] = "java"
    """Whose client it is. librdkafka hands over one record at a time, and its automatic commits
    run beside the processing."""
    consumers: PositiveCount
    """Members of the group; those beyond the number of partitions stay idle."""
    max_poll_records: PositiveCount = Field(default=500, alias="max.poll.records")
    """Java: most records that one poll returns."""
    max_poll_interval_ms: PositiveMilliseconds = Field(
        default=300_000.0, alias="max.poll.interval.ms"
    )
    """A member that takes longer than this from one poll to the next leaves the group, ms."""
    max_partition_fetch_bytes: PositiveBytes = Field(
        default=1048576, alias="max.partition.fetch.bytes"
    )
    """Most bytes that one fetch takes from a partition."""
    fetch_min_bytes: Bytes = Field(default=1, alias="fetch.min.bytes")
    """The broker answers a fetch when it has this many bytes…"""
    fetch_max_wait_ms: Milliseconds = Field(default=500.0, alias="fetch.max.wait.ms")
    """…or after this long, ms."""
    enable_auto_commit: bool = Field(default=True, alias="enable.auto.commit")
    """Commit automatically; false: the program does, as `commit` says."""
    auto_commit_interval_ms: Milliseconds = Field(default=5000.0, alias="auto.commit.interval.ms")
    """Time between two automatic commits, ms. Java commits inside poll what it returned before;
    librdkafka, by a timer, what is stored (0: never)."""
    enable_auto_offset_store: bool = Field(default=True, alias="enable.auto.offset.store")
    """librdkafka: a record's offset is stored when it is handed over; false: once processed."""
    commit: Commit | None = None
    """With `enable.auto.commit: false`, `{when, how, per}`; null: after, sync, batch."""
    on_failure: OnFailure = OnFailure()
    """What it does when the handler of a record raises: `{attempts, backoff, then}`. It seeks back
    to the record, waits and polls again, so that its partition stands still (KC-18)."""
    auto_offset_reset: OffsetReset = Field(default="latest", alias="auto.offset.reset")
    """Where to go on when the next record was deleted, or without a committed offset: latest,
    earliest, by_duration:PT1H (records of the last hour), or none: the consumer ends."""
    starts: Literal["established", "new"] = "established"
    """Whether the group has committed the beginning of the log before, or has committed nothing
    and begins where auto.offset.reset says."""
    joins_at: Seconds = 0.0
    """When its consumers are started."""
    group_protocol: Literal["classic", "consumer"] = Field(
        default="classic", alias="group.protocol"
    )
    """classic: members rebalance together; consumer: the broker moves partitions (KIP-848)."""
    session_timeout_ms: PositiveMilliseconds | None = Field(
        default=None, alias="session.timeout.ms"
    )
    """classic: a member silent for this long is dead, ms (45,000)."""
    heartbeat_interval_ms: PositiveMilliseconds | None = Field(
        default=None, alias="heartbeat.interval.ms"
    )
    """classic: within this, a member learns of a rebalance, ms (3,000)."""
    partition_assignment_strategy: Strategies | None = Field(
        default=None, alias="partition.assignment.strategy"
    )
    """classic: range, roundrobin, sticky, cooperative-sticky; the first is in force, eagerly unless
    all are cooperative (java range, cooperative-sticky; librdkafka range, roundrobin)."""
    group_remote_assignor: Literal["uniform", "range"] | None = Field(
        default=None, alias="group.remote.assignor"
    )
    """consumer: the broker's assignor (uniform)."""
    group_instance_id: str | None = Field(default=None, alias="group.instance.id")
    """Makes the members static: each has this id and its number. One that is back within its
    session causes no rebalance, and one that is stopped does not leave."""

    @model_validator(mode="after")
    def _client_starts(self) -> Self:
        found = objections(
            self.client,
            classic=self.classic,
            strategies=self.partition_assignment_strategy,
            remote_assignor=self.group_remote_assignor,
            session_ms=self.session_timeout_ms,
            heartbeat_ms=self.heartbeat_interval_ms,
            max_poll_ms=self.max_poll_interval_ms,
        )
        if self.commit is not None and self.enable_auto_commit:
            found.append("'commit' needs 'enable.auto.commit: false'")
        if self.client == "java" and not self.enable_auto_offset_store:
            found.append("'enable.auto.offset.store' is a key of librdkafka; say 'client'")
        if self.client == "librdkafka" and self.given("max.poll.records"):
            found.append("librdkafka has no 'max.poll.records': it hands over one at a time")
        if found:
            raise ValueError(found[0])
        return self

    @property
    def classic(self) -> bool:
        """Whether members rebalance by themselves."""
        return self.group_protocol == "classic"

    @property
    def assignor(self) -> str:
        """The assignor in force."""
        if not self.classic:
            return self.group_remote_assignor or "uniform"
        return in_force(self.client, self.partition_assignment_strategy)[0]

    @property
    def cooperative(self) -> bool:
        """Whether a classic group's members keep partitions while they rebalance."""
        return self.classic and in_force(self.client, self.partition_assignment_strategy)[1]

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


class ShareGroup(LogReaders):
    """A share group (KIP-932): consumers that take single records from the same partitions.

    Keys with the names of brokers' settings can be set for each group. Defaults are those of Kafka
    4.2. A consumer acknowledges what a poll returned at its next poll.
    """

    not_modelled = dict.fromkeys(
        (
            "client.id", "fetch.max.bytes", "fetch.min.bytes", "group.id",
            "group.share.heartbeat.interval.ms", "group.share.max.groups", "group.share.max.size",
            "key.deserializer", "share.acknowledgement.mode", "share.acquire.mode",
            "share.isolation.level", "value.deserializer",
        ),
        "",
    ) | {"share.auto.offset.reset": "the group is there from the beginning of the log"}  # fmt: skip

    consumers: PositiveCount
    """Members of the group; there may be more than partitions (KS-05)."""
    max_poll_records: PositiveCount = Field(default=500, alias="max.poll.records")
    """Most records that one poll acquires."""
    fetch_max_wait_ms: Milliseconds = Field(default=500.0, alias="fetch.max.wait.ms")
    """A poll that finds nothing is answered after this long, ms."""
    lock_duration_ms: Annotated[PositiveMilliseconds, Field(ge=1_000, le=3_600_000)] = Field(
        default=30_000.0, alias="group.share.record.lock.duration.ms"
    )
    """A record acquired and not acknowledged for this long is available again, ms."""
    delivery_count_limit: Annotated[PositiveCount, Field(ge=2, le=25)] = Field(
        default=5, alias="group.share.delivery.count.limit"
    )
    """A record that comes back after so many deliveries is archived, unprocessed."""
    max_record_locks: Annotated[PositiveCount, Field(ge=100, le=10_000)] = Field(
        default=2_000, alias="group.share.partition.max.record.locks"
    )
    """New records of a partition are acquired less than this from the first unfinished one."""
    session_timeout_ms: Milliseconds = Field(
        default=45_000.0, alias="group.share.session.timeout.ms"
    )
    """Partitions of a member silent for this long go to others, ms."""
    on_failure: Literal["release", "reject"] = "release"
    """What the application says of a record whose handler raised."""

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


class Publisher(Config):
    """A service that reads its input in order and sends a record for each: one process.

    Its input is a topic of its own, so that after a restart it goes on from the offset that it
    committed last. In what order it consumes (c), produces (o), flushes (f) and commits (k) decides
    what a crash loses or repeats.
    """

    order: Literal["produce", "commit-produce", "produce-flush-commit", "transaction"] = "produce"
    """produce: o, and k by timer; commit-produce: k, o; produce-flush-commit: o, f, k; transaction:
    o and k become valid together."""
    poll_records: PositiveCount = 500
    """Most input messages of one poll; with produce-flush-commit each poll is flushed."""
    per_message: Distribution = Distribution(constant=0.0)
    """The service's own work before it sends a record."""
    auto_commit_interval_ms: Milliseconds = Field(default=5000.0, alias="auto.commit.interval.ms")
    """order: produce. Least time between two automatic commits, ms."""
    flush_timeout: Seconds = 10.0
    """Longest wait of a flush."""
    check_flush: bool = True
    """Commit only when the flush left nothing and no record failed."""
    alarm_over: PositiveCount = 1_000
    """An alarm is raised while buffer.remaining, the records in the client, is over this."""
    handlers: list[Literal["SIGTERM", "SIGINT", "exit"]] = Field(default_factory=list)
    """Which ends of the process flush, check and commit first."""


class Brokers(Config):
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


class Latency(Config):
    """Time spent between client and broker (assumptions of the lab, not defaults of Kafka)."""

    produce: Distribution = lognormal(0.003, 0.030)
    """From sending a batch to its acknowledgement, `acks=all`."""
    fetch: Seconds = 0.001
    """From the broker having the data to the consumer having them."""
    commit: Seconds = 0.003
    """A synchronous commit, and any other request to the group's coordinator."""
    rebalance: Seconds | None = None
    """group.protocol classic: from when all members have finished their batches until they have
    their partitions; null: the heartbeat interval, in which the last of them learns of it."""


class KafkaSystem(Config):
    """One topic, its producer and its consumer groups."""

    readers_at: ClassVar[str] = "groups"

    product: Literal["kafka"]
    """`kafka`"""
    topic: Topic
    """The topic."""
    partition_key: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions of `workload.keys` that make up the record key (with a lifecycle, `state` too);
    null: no key, sticky batches."""
    producer: Producer = Producer()
    """The producer's configuration."""
    publisher: Publisher | None = None
    """The process around the producer, if its crashes and its client's failures matter."""
    brokers: Brokers = Brokers()
    """The brokers."""

    @model_validator(mode="after")
    def _replicas(self) -> Self:
        if self.topic.replication_factor > self.brokers.count:
            raise ValueError(
                f"'replication.factor' {self.topic.replication_factor} needs as many brokers; "
                f"there are {self.brokers.count}"
            )
        if self.topic.min_insync_replicas > self.topic.replication_factor:
            raise ValueError("'min.insync.replicas' must not exceed 'replication.factor'")
        return self

    groups: dict[Name, Group] = Field(default_factory=dict)
    """Consumer groups; each reads every message."""
    share_groups: dict[Name, ShareGroup] = Field(default_factory=dict)
    """Share groups; each is given every message."""
    latency: Latency = Latency()
    """Network and broker."""

    @model_validator(mode="after")
    def _someone_reads(self) -> Self:
        if not self.groups and not self.share_groups:
            raise ValueError("there is nobody to read: give 'groups' or 'share_groups'")
        if both := self.groups.keys() & self.share_groups.keys():
            raise ValueError(f"{sorted(both)[0]!r} is both a group and a share group")
        return self

    @property
    def readers(self) -> Mapping[str, Group | ShareGroup]:
        """The consumer groups and share groups by name."""
        return {**self.groups, **self.share_groups}
