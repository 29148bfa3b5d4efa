"""A share group of Apache Kafka by its own keys (KIP-932).

Defaults are those of `GroupConfig` and `ShareGroupConfig` in apache/kafka 4.2, documented at
https://kafka.apache.org/documentation/#groupconfigs; of dead-letter queues those of 4.4
(https://cwiki.apache.org/confluence/display/KAFKA/KIP-1191:+Dead-letter+queues+for+share+groups).
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from sim.foundation.units import Milliseconds, PositiveCount, PositiveMilliseconds
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.base import LogReaders


class ShareGroup(LogReaders):
    """A share group (KIP-932): consumers that take single records from the same partitions.

    Keys with the names of brokers' settings can be set for each group. Defaults are those of Kafka
    4.2. A consumer acknowledges what a poll returned at its next poll.
    """

    not_modelled = kafka_not_modelled.SHARE

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
    isolation_level: Literal["read_uncommitted", "read_committed"] = Field(
        default="read_uncommitted", alias="share.isolation.level"
    )
    """With a `publisher` of transactions, as `isolation.level` of a group; in the lab, one for all
    share groups of a topic."""
    on_failure: Literal["release", "reject"] = "release"
    """What the application says of a record whose handler raised."""
    dead_letter_topic: str | None = Field(
        default=None, alias="errors.deadletterqueue.topic.name", min_length=1
    )
    """The dead-letter queue (KIP-1191, Kafka 4.4): a record that is rejected, or that comes back
    after the last delivery, is written to this topic by a broker. Null (Kafka's default: none): it
    is archived, and nobody reads it any more. Who reads the topic is a system of its own, to which
    a `pipeline` edge with `of: dead_letters` leads; without one its records are counted only."""
    copy_record: bool = Field(default=False, alias="errors.deadletterqueue.copy.record.enable")
    """Whether a dead letter has the header, key and value of its record, too; by default it says
    which record it was, and why (its size is then an assumption: 250 bytes)."""

    def without_effect(self) -> Iterator[tuple[str, str]]:
        """Keys that were given and have no effect, and why."""
        if self.given("errors.deadletterqueue.copy.record.enable") and not self.dead_letter_topic:
            yield (
                "errors.deadletterqueue.copy.record.enable",
                "it goes with 'errors.deadletterqueue.topic.name'",
            )

    @property
    def reads_committed(self) -> bool:
        """Whether it is given committed records only (KC-19)."""
        return self.isolation_level == "read_committed"

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers
