"""How many partitions a topic has, and from when on: they are added while it runs (KB-16)."""

from bisect import bisect_right
from collections.abc import Sequence


class PartitionCounts:
    """The number of partitions over time; it never falls (`kafka-topics.sh --alter`).

    What a topic keeps by partition has room for the most; those that are not there yet are empty.
    """

    def __init__(self, first: int, added: Sequence[tuple[float, int]] = ()) -> None:
        """
        Args:
            first: partitions from the start.
            added: (s, how many there are from then on), ascending in both.
        """
        self.first = first
        self.added = tuple(added)
        self._times_s = [at_s for at_s, _ in self.added]
        self._numbers = [first, *(n for _, n in self.added)]
        assert self._times_s == sorted(self._times_s), "in order of time"
        assert self._numbers == sorted(self._numbers), "partitions are not taken away"

    @property
    def most(self) -> int:
        """How many there are in the end."""
        return self._numbers[-1]

    def at(self, at_s: float) -> int:
        """How many there are at a time; those that are added then are there."""
        return self._numbers[bisect_right(self._times_s, at_s)]
