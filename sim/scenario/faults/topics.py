"""What is done to a topic while it runs."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from sim.foundation.units import PositiveCount, Seconds
from sim.scenario.faults.base import Fault


class TopicFault(Fault):
    """One of a topic."""

    kinds = ("topic",)

    target: str
    """Whose: `system.topic`; `*` and `?` match any text, as in `kafka_*.topic`."""

    def strikes_topic(self, system: str) -> bool:
        """Whether the target matches the topic of a system."""
        return fnmatchcase(f"{system}.topic", self.target)


def moved(faults: Sequence[Fault], system: str, by: int) -> dict[str, int]:
    """What is set for a topic to be given as many partitions as before, once it has others.

    Args:
        faults: of a scenario.
        system: of the topic.
        by: how many partitions more, or fewer, than in the scenario it begins with.

    Returns by dotted path ``to`` of each fault that adds some.
    """
    return {
        f"faults.{i}.to": fault.to + by
        for i, fault in enumerate(faults)
        if isinstance(fault, PartitionsFault) and fault.strikes_topic(system)
    }


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
