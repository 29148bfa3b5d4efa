"""What clients know of a topic: each asks for metadata again and again (KB-16).

A client asks when it starts, and then `metadata.max.age.ms` after it was answered last (librdkafka:
`topic.metadata.refresh.interval.ms`). In between it knows of no partitions that were added. One
that is paused or cut off when its time comes asks as soon as it can.

Source: `Metadata.timeToNextUpdate` of the Java client in apache/kafka 4.
"""

from collections.abc import Sequence
from math import ceil, inf, isfinite

from sim.log.partition_counts import PartitionCounts


def next_refresh_s(after_s: float, phase_s: float, age_s: float) -> float:
    """The first refresh at or after a time, of a client that asks at ``phase_s`` + k ``age_s``."""
    if not isfinite(age_s) or not isfinite(after_s):
        return phase_s if after_s <= phase_s else inf
    at_s = phase_s + ceil((after_s - phase_s) / age_s) * age_s
    return at_s if at_s >= after_s else at_s + age_s


class KnownPartitions:
    """How many partitions the client in each place of a group knows of."""

    def __init__(
        self, counts: PartitionCounts, places: int, age_s: float, first_s: Sequence[float]
    ) -> None:
        """
        Args:
            counts: how many there are.
            places: for clients.
            age_s: between two refreshes of a client, s; inf: it never asks again.
            first_s: [places] when each that is there from the start asks first, s; short of them:
                as if it had started now.
        """
        self.counts = counts
        self.age_s = age_s
        self.phase_s = list(first_s) if first_s else [0.0] * places
        """[places] a time at which each asked, or asks."""
        self.known = [counts.first] * places
        """[places]"""
        self.silent_s = [inf] * places
        """[places] since when a client cannot ask, s; inf: it can."""

    def start(self, place: int, at_s: float) -> None:
        """A new client takes a place, and asks."""
        self.phase_s[place] = at_s
        self.known[place] = self.counts.at(at_s)
        self.silent_s[place] = inf

    def falls_silent(self, place: int, at_s: float) -> None:
        """A client cannot ask from now on."""
        self.silent_s[place] = min(self.silent_s[place], at_s)

    def wakes(self, place: int, at_s: float) -> None:
        """It can again, and asks at once if it was to ask meanwhile."""
        if self.next_s(place, self.silent_s[place]) <= at_s:
            self.phase_s[place] = at_s
        self.silent_s[place] = inf

    def next_s(self, place: int, after_s: float) -> float:
        """When a client is to ask next, at a time or after it, s."""
        return next_refresh_s(after_s, self.phase_s[place], self.age_s)

    def refresh(self, place: int, at_s: float) -> bool:
        """A client asks; whether it learns anything."""
        before = self.known[place]
        self.start(place, at_s)
        return self.known[place] != before
