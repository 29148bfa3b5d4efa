"""What is done to a topic while it runs."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sim.foundation.units import PositiveCount, Seconds
from sim.scenario.faults.base import Fault


class TopicFault(Fault):
    """One of a topic."""

    kinds = ("topic",)
    whose: ClassVar[str] = "topic"
    """What it is called in a target."""

    target: str
    """Whose: `system.topic`; `*` and `?` match any text, as in `kafka_*.topic`."""

    def strikes_topic(self, system: str) -> bool:
        """Whether the target matches the topic of a system."""
        return fnmatchcase(f"{system}.{self.whose}", self.target)


def moved(faults: Sequence[Fault], system: str, now: int, to: int) -> dict[str, int]:
    """What is set for a topic to be given as many partitions as before, once it has others.

    Args:
        faults: of a scenario.
        system: of the topic.
        now: how many partitions or shards it has in the scenario, to begin with.
        to: how many it is to begin with.

    Returns by dotted path the number of each fault that adds some, or reshards: as many more as
    before, as far as may be.
    """
    out = {}
    shards = to
    for i, fault in sorted(enumerate(faults), key=lambda its: its[1].at or 0.0):
        if isinstance(fault, PartitionsFault) and fault.strikes_topic(system):
            out[f"faults.{i}.to"] = fault.to + to - now
        elif isinstance(fault, ReshardFault) and fault.strikes_topic(system):
            wanted = fault.target_shard_count + to - now
            shards = min(2 * shards, max(-(-shards // 2), wanted))
            out[f"faults.{i}.TargetShardCount"] = shards
    return out


class PartitionsFault(TopicFault):
    """Partitions are added (`kafka-topics.sh --alter --partitions`), and keys move (KB-16).

    Producers and consumers learn of them when they next refresh their metadata
    (`metadata.max.age.ms`). Groups read them from where `auto.offset.reset` says.
    """

    takes_readers = False

    fault: Literal["partitions"] = "partitions"
    """Partitions are added to a topic: keys move, and clients learn of it by and by."""
    at: Seconds
    """When, from the start."""
    to: PositiveCount
    """How many there are then, more than before."""

    def words(self, whom: str) -> str:
        """With the number."""
        return f"{whom}: partitions added, {self.to} now"


class ReshardFault(TopicFault):
    """A stream of Kinesis is resharded (`UpdateShardCount`): its shards are closed, and others take
    their hash keys (KN-13).

    Each shard is read to its end before its children are, so that the records of a key stay in
    order. https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html: at
    most twice as many shards as there are, at least half, ten times in 24 hours. The lab changes
    all shards at one time, where AWS splits and merges one after the other for some minutes.
    """

    takes_readers = False
    whose = "stream"

    fault: Literal["reshard"] = "reshard"
    """A stream has another number of shards: parents are closed, and read before their children."""
    target: str
    """Whose: `system.stream`; `*` and `?` match any text, as in `kinesis_*.stream`."""
    at: Seconds
    """When the parents are closed, from the start."""
    target_shard_count: Annotated[PositiveCount, Field(le=10_000)] = Field(alias="TargetShardCount")
    """Shards from then on, with equal ranges of hash keys (`UNIFORM_SCALING`)."""

    def words(self, whom: str) -> str:
        """With the number."""
        n = self.target_shard_count
        return f"{whom}: resharded, {n} shard{'' if n == 1 else 's'} now"
