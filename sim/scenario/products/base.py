"""What the products have in common: named groups of readers, each with its jobs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import AfterValidator, Field, WithJsonSchema

from sim.foundation.config import Config, KeyPath, Refusal
from sim.foundation.units import Distribution, PositiveCount, Seconds
from sim.ledger.policy import LedgerPolicy

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name consists of letters, digits, '_' and '-'")
    return text


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
"""Name of a system, group, queue, job or dimension; without dots, which separate names."""

Jobs = list[str]
"""Names of entries of `workload.service`."""


Selection = dict[Name, list[str]]
"""Values, by dimension of `workload.keys`, of messages: those that have one of each."""


class LogReaders(Config):
    """Readers of a log: they read everything, whatever of it they want."""

    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages that matter to them; they read the
    others too, and throw them away. Null: all matter."""
    discard: Seconds = 0.00001
    """Time to look at a message that is thrown away (an assumption)."""


class OnFailure(Config):
    """What a consumer does when its handler raises: the application's own retries."""

    attempts: PositiveCount | None = None
    """How often a message is tried in all before `then`; null: for ever."""
    backoff: Seconds = 1.0
    """Wait between two attempts."""
    then: Literal["skip", "dead-letter", "stop"] = "skip"
    """After the last attempt: go on without it; put it into a dead-letter topic or queue; stop."""


class Ceilings(Config):
    """What clients, brokers and workers can do at most: each does one thing after the other.

    ``ceilings: off`` is `{apply: off}`: then nothing has a ceiling.
    """

    shorthand = "apply"

    apply: bool = True
    """off: nothing has a ceiling."""


COUNTED = ("consumers", "subscribers", "workers", "processes")
"""What products call how many members a group has, or a queue."""


class Readers(Protocol):
    """A consumer group, or the workers of a queue."""

    @property
    def does(self) -> Jobs:
        """The jobs done for each message, in this order."""

    @property
    def members(self) -> int:
        """How many consumers or workers."""

    @property
    def ledger(self) -> LedgerPolicy | None:
        """How they keep the books, if they do."""


class PublishingProcess(Protocol):
    """A process that publishes what a system carries, and that may die or lose some of it."""

    @property
    def per_message(self) -> Distribution:
        """Its own work before it sends a message."""

    @property
    def alarm_over(self) -> int:
        """An alarm is raised while it holds more messages than this."""


class ProductSystem(Config):
    """A system under test, whatever its product; what a product does not have, it says here."""

    readers_at: ClassVar[str]
    """Key of the configuration under which readers stand."""

    @property
    def readers(self) -> Mapping[str, Readers]:
        """Groups or queues by name."""
        raise NotImplementedError

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of those whose work a Lambda function does: they have no workers."""
        return tuple(
            name for name, its in self.readers.items() if getattr(its, "function", None) is not None
        )

    def place_of(self, readers: str) -> KeyPath:
        """Where the readers of this name are configured, as a path from the system."""
        return (self.readers_at, readers)

    def no_seek(self, readers: str) -> str | None:
        """Why the readers of this name cannot go to another place, as a clause; None: they can."""
        return None

    snapshots: ClassVar[bool] = False
    """Whether a seek can go to a snapshot."""
    tables: ClassVar[bool] = False
    """Whether its queues are tables of PostgreSQL, of which a snapshot can be held."""

    def no_fault(self, readers: str, fault: str) -> str | None:
        """Why a kind of fault cannot strike the readers of this name, as a clause; None: it can."""
        return None

    @property
    def no_partitions(self) -> str | None:
        """Why no partitions can be added to it, as a clause; None: they can."""
        return "has no topic of Kafka, to which alone partitions are added here"

    def no_dead_letters(self, readers: str) -> str | None:
        """Why the dead letters of its readers cannot be led on, as a clause; None: they can."""
        return "is no share group of Kafka, whose dead letters alone are led on"

    def dead_letters(self, readers: str) -> int | None:
        """How long each dead letter is, bytes; None: as long as its message."""
        return None

    @property
    def takes_no_dead_letters(self) -> str | None:
        """Why it is no topic to which brokers write dead letters, as a clause; None: it is."""
        return "is no topic of Kafka, to which alone its brokers write"

    @property
    def redriven(self) -> Mapping[str, Sequence[str]]:
        """Queues out of which messages can be moved, and into which; none, in most products."""
        return {}

    partitions_at: ClassVar[KeyPath] = ()
    """Where the number of partitions is configured, as a path from the system."""

    @property
    def partitions(self) -> int | None:
        """Partitions or shards of its log; None: it is a queue."""
        return None

    @property
    def keyless(self) -> bool:
        """Whether it is a log, and its messages go to any partition, for want of a key."""
        return self.partitions is not None and getattr(self, "partition_key", None) is None

    def scaled(self) -> Iterator[tuple[KeyPath, int]]:
        """What a scenario's `scale` rounds to whole ones: path from the system, and how many."""
        if self.partitions is not None:
            yield self.partitions_at, self.partitions
        for name, readers in self.readers.items():
            yield self.place_of(name), readers.members

    @property
    def publishing(self) -> PublishingProcess | None:
        """The process that publishes, if its crashes matter; None: all that is created arrives."""
        return None

    @property
    def ahead(self) -> Mapping[Literal["publisher", "broker"], int]:
        """Other parts than readers that faults can strike, and how many there are of each."""
        return {}

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys that were given and have no effect here: path from the system, and why."""
        return iter(())

    def too_small_for(self, size_bytes: int) -> Iterator[Refusal]:
        """What has no room for a message of this size."""
        return iter(())
