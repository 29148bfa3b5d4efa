"""A consumer group of Apache Kafka 4.x by its own keys.

Defaults are those of `ConsumerConfig` in apache/kafka 4.0, documented at
https://kafka.apache.org/documentation/#consumerconfigs.
"""

import re
from collections.abc import Iterator
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.foundation.config import Refusal, RefusedError
from sim.foundation.units import (
    Bytes,
    Milliseconds,
    MillisecondsOrUnlimited,
    PositiveBytes,
    PositiveCount,
    PositiveMilliseconds,
    Seconds,
    shown,
)
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.base import LogReaders, OnFailure
from sim.scenario.products.kafka_brokers import KafkaBrokers
from sim.scenario.products.kafka_membership import (
    HEARTBEAT_INTERVAL_MS,
    SESSION_TIMEOUT_MS,
    Commit,
    Strategies,
    in_force,
    metadata_key_of,
    metadata_s_of,
    refusals,
)
from sim.scenario.products.kafka_retry_topics import RetryableTopic

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


class ConsumerGroup(LogReaders):
    """A consumer group: its single-threaded consumers, and how they poll and commit."""

    not_modelled = kafka_not_modelled.CONSUMER

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
    retry_topics: RetryableTopic | None = None
    """In place of `on_failure`, Spring's non-blocking retries: it publishes the record to a retry
    topic, and goes on (KC-25). Each retry topic has a consumer of its own in each of the processes,
    which waits for a record's time, works and commits as the group's. Null: none."""
    auto_offset_reset: OffsetReset = Field(default="latest", alias="auto.offset.reset")
    """Where to go on when the next record was deleted, or without a committed offset: latest,
    earliest, by_duration:PT1H (records of the last hour), or none: the consumer ends."""
    isolation_level: Literal["read_uncommitted", "read_committed"] | None = Field(
        default=None, alias="isolation.level"
    )
    """With a `publisher` of transactions: read_committed waits at the last stable offset for those
    that are open, and is not given what was aborted; read_uncommitted reads everything at once
    (java read_uncommitted, librdkafka read_committed: its CONFIGURATION.md)."""
    starts: Literal["established", "new"] = "established"
    """Whether the group has committed the beginning of the log before, or has committed nothing
    and begins where auto.offset.reset says."""
    joins_at: Seconds = 0.0
    """When its consumers are started."""
    metadata_max_age_ms: PositiveMilliseconds | None = Field(
        default=None, alias="metadata.max.age.ms"
    )
    """Java: after this long, a client asks again which partitions there are, ms (300,000). Of a
    classic group, its leader learns so of partitions that were added (KB-16)."""
    topic_metadata_refresh_interval_ms: MillisecondsOrUnlimited | None = Field(
        default=None, alias="topic.metadata.refresh.interval.ms"
    )
    """librdkafka: likewise, ms (300,000); -1: never."""
    first_metadata_refreshes: Annotated[list[Seconds], Field(min_length=1)] | None = None
    """When the client of each member of a group that is there from the start asks first, in order;
    the last one is that of the others too. Null: drawn. One that starts later asks at its start."""
    first_heartbeats: Annotated[list[Seconds], Field(min_length=1)] | None = None
    """When each member of a group that is there from the start beats first, in order; the last one
    is that of the others too. Null: drawn, once for all members of Java's classic groups."""
    first_commits: Annotated[list[Seconds], Field(min_length=1)] | None = None
    """When each of them commits first by its timer, likewise. Null: an interval after the start."""
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
        found = [
            *refusals(
                self.client,
                classic=self.classic,
                strategies=self.partition_assignment_strategy,
                remote_assignor=self.group_remote_assignor,
                session_ms=self.session_timeout_ms,
                heartbeat_ms=self.heartbeat_interval_ms,
                max_poll_ms=self.max_poll_interval_ms,
            ),
            *self._commits_otherwise(),
            *self._asks_otherwise(),
            *self._fails_otherwise(),
        ]
        if found:
            raise RefusedError(found)
        return self

    def _commits_otherwise(self) -> Iterator[Refusal]:
        if self.commit is not None and self.enable_auto_commit:
            yield Refusal(
                (("commit",), ("enable.auto.commit",)),
                "'commit' needs 'enable.auto.commit: false'",
            )
        client = ("client",)
        if self.client == "java" and not self.enable_auto_offset_store:
            yield Refusal(
                (("enable.auto.offset.store",), client),
                "'enable.auto.offset.store' is a key of librdkafka; say 'client: librdkafka'",
            )
        if self.client == "librdkafka" and self.given("max.poll.records"):
            yield Refusal(
                (("max.poll.records",), client),
                "librdkafka has no 'max.poll.records': it hands over one at a time",
            )

    def _asks_otherwise(self) -> Iterator[Refusal]:
        if self.client == "java" and self.topic_metadata_refresh_interval_ms is not None:
            yield Refusal(
                (("topic.metadata.refresh.interval.ms",), ("client",)),
                "'topic.metadata.refresh.interval.ms' is a key of librdkafka; Java has "
                "'metadata.max.age.ms'",
            )

    def _fails_otherwise(self) -> Iterator[Refusal]:
        if self.retry_topics is None:
            return
        if self.given("on_failure"):
            yield Refusal(
                (("on_failure",), ("retry_topics",)),
                "'on_failure' tries a record again in place, and 'retry_topics' elsewhere: the lab "
                "does one of them",
            )
        if self.client == "librdkafka":
            yield Refusal(
                (("retry_topics",), ("client",)),
                "'retry_topics' are those of Spring, whose client is Java's",
            )

    def metadata_without_effect(self) -> Iterator[tuple[str, str]]:
        """Keys of how often a client asks which partitions there are, and why they do nothing."""
        broker = "the broker tells members of partitions, with 'group.protocol: consumer'"
        for key, value in (
            ("metadata.max.age.ms", self.metadata_max_age_ms),
            ("topic.metadata.refresh.interval.ms", self.topic_metadata_refresh_interval_ms),
            ("first_metadata_refreshes", self.first_metadata_refreshes),
        ):
            if value is not None and not self.classic:
                yield key, broker
        if self.classic and self.client == "librdkafka" and self.metadata_max_age_ms is not None:
            yield (
                "metadata.max.age.ms",
                "librdkafka asks every 'topic.metadata.refresh.interval.ms'",
            )

    @property
    def metadata_key(self) -> str:
        """What its client calls the time between two refreshes of its metadata."""
        return metadata_key_of(self.client)

    @property
    def metadata_s(self) -> float:
        """Time between two refreshes of a client's metadata, s; inf: it asks only at its start."""
        java_ms, librdkafka_ms = self.metadata_max_age_ms, self.topic_metadata_refresh_interval_ms
        return metadata_s_of(self.client, java_ms, librdkafka_ms)

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
    def poll_records(self) -> int:
        """Most records that the application is handed at a time."""
        return self.max_poll_records if self.client == "java" else 1

    @property
    def auto_commit_s(self) -> float:
        """Time between automatic commits, s; infinite: by a timer that never ends; below 0: none.

        Clients' timers count in milliseconds: with 0, Java commits at every poll, at most one in
        each.
        """
        if not self.enable_auto_commit:
            return -1.0
        if self.client == "librdkafka" and self.auto_commit_interval_ms == 0.0:
            return inf
        return max(1.0, self.auto_commit_interval_ms) / 1e3

    @property
    def program_commits(self) -> Commit:
        """How the program commits, where the client does not do it automatically."""
        return self.commit or Commit()

    @property
    def reads_committed(self) -> bool:
        """Whether it is given committed records only (KC-19)."""
        if self.isolation_level is None:
            return self.client == "librdkafka"
        return self.isolation_level == "read_committed"

    @property
    def commits_ahead(self) -> bool:
        """Whether an offset is committed before its record is processed (KC-11, KC-13)."""
        if self.enable_auto_commit:
            return self.client == "librdkafka" and self.enable_auto_offset_store
        return self.program_commits.when == "before"

    def session_ms(self, brokers: KafkaBrokers) -> float:
        """A member silent for this long is dead, ms: as it says or, by KIP-848, the broker."""
        if not self.classic:
            return brokers.group_consumer_session_timeout_ms
        return SESSION_TIMEOUT_MS if self.session_timeout_ms is None else self.session_timeout_ms

    def heartbeat_ms(self, brokers: KafkaBrokers) -> float:
        """Time between two heartbeats, ms: likewise."""
        if not self.classic:
            return brokers.group_consumer_heartbeat_interval_ms
        own_ms = self.heartbeat_interval_ms
        return HEARTBEAT_INTERVAL_MS if own_ms is None else own_ms

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers
