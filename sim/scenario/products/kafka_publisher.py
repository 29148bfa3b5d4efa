"""The process around a producer of Kafka: the lab's own keys, but for auto.commit.interval.ms."""

from typing import Literal

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import Distribution, Milliseconds, PositiveCount, PositiveSeconds, Seconds

Order = Literal["produce", "commit-produce", "produce-flush-commit", "transaction"]
"""In what order a process consumes, produces, flushes and commits."""


class Publisher(Config):
    """A service that reads its input in order and sends a record for each: one process.

    Its input is a topic of its own, so that after a restart it goes on from the offset that it
    committed last. In what order it consumes (c), produces (o), flushes (f) and commits (k) decides
    what a crash loses or repeats.
    """

    order: Order = "produce"
    """produce: o, and k by timer; commit-produce: k, o; produce-flush-commit: o, f, k; transaction:
    o and k become valid together."""
    poll_records: PositiveCount = 500
    """Most input messages of one poll; with produce-flush-commit each poll is flushed."""
    per_message: Distribution = Distribution(constant=0.0)
    """The service's own work before it sends a record."""
    auto_commit_interval_ms: Milliseconds = Field(default=5000.0, alias="auto.commit.interval.ms")
    """order: produce. Least time between two automatic commits, ms."""
    flush_timeout: PositiveSeconds = 10.0
    """Longest wait of a flush."""
    check_flush: bool = True
    """Commit only when the flush left nothing and no record failed; else flush again, or go back to
    the committed offset and send again. false: commit whatever the flush said."""
    alarm_over: PositiveCount = 1_000
    """An alarm is raised while buffer.remaining, the records in the client, is over this."""
    handlers: list[Literal["SIGTERM", "SIGINT", "exit"]] = Field(default_factory=list)
    """Which ends of the process flush, check and commit first."""

    on_fenced: Literal["exit", "replace", "skip"] = "exit"
    """order: transaction. When its producer is fenced, since the coordinator has aborted its
    transaction: exit ends the process, as the example of KafkaProducer does ("our only option is to
    close the producer and exit"); replace makes a new producer and reads again from the committed
    offset (Kafka Streams); skip makes a new one and goes on with the next poll, without what was
    aborted (spring-kafka's container with stopContainerWhenFenced false, its default)."""
    restart_after: Seconds | None = None
    """After `on_fenced: exit`, its supervisor starts a new process so long after; null: nobody
    does."""

    @property
    def transactional(self) -> bool:
        """Whether its producer has a transactional.id."""
        return self.order == "transaction"

    @property
    def auto_commit_s(self) -> float:
        """Least time between two automatic commits, s; the client's timers count in ms."""
        return max(1.0, self.auto_commit_interval_ms) / 1e3
