"""The shards of a stream over time: those that are closed, and those that take their hash keys.

A stream is resharded by splits and merges of shards (KN-13): parents are closed, and each child
has a range of hash keys that was of one parent or of several. Records stay where they are, so a
reader has a key's records in order if it reads parents to their end before their children
(https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html).
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32

KEYS = 1 << 128
"""Hash keys that there are: the MD5 of a partition key is one."""


class Shard(NamedTuple):
    """A shard."""

    first: int
    """The first hash key of its range."""
    stop: int
    """The first hash key after its range."""
    opened_s: float
    """From when on it takes records, s."""
    closed_s: float
    """From when on it takes none, s; inf: it is never closed."""
    parents: tuple[int, ...]
    """Shards that were closed when it was opened, and had hash keys of its range."""


class Lineage:
    """Which shards there are, and when, numbered in the order in which they are opened."""

    def __init__(self, first: int, changes: Sequence[tuple[float, int]] = ()) -> None:
        """
        Args:
            first: shards from the start, with equal ranges.
            changes: (s, how many there are from then on, with equal ranges), ascending in time; a
                shard whose range stays the same stays open.
        """
        self.first = first
        self.shards = [Shard(*keys, -np.inf, np.inf, ()) for keys in _equal(first)]
        open_now, routes = list(range(first)), [list(range(first))]
        times_s = [-np.inf]
        for at_s, to in changes:
            before = {self._keys(p): p for p in open_now}
            after = _equal(to)
            if after == sorted(before):
                continue
            for keys in before.keys() - set(after):
                p = before[keys]
                self.shards[p] = self.shards[p]._replace(closed_s=at_s)
            open_now = [before[k] if k in before else self._open(k, open_now, at_s) for k in after]
            times_s.append(at_s)
            routes.append(open_now)
        edges = sorted({shard.first for shard in self.shards})
        self.edges = edges
        """The first hash key of each cell: within one, all keys are in the same shard."""
        self.from_s: F64 = np.array(times_s)
        """[epochs] from when on these shards are open, s."""
        self.route: I32 = np.array(
            [[self._owner(shards, edge) for edge in edges] for shards in routes], np.int32
        )
        """[epochs, cells] the shard that is open then, of the hash keys of each cell."""

    def _keys(self, shard: int) -> tuple[int, int]:
        return self.shards[shard][:2]

    def _open(self, keys: tuple[int, int], before: Sequence[int], at_s: float) -> int:
        """Open a shard; ``before``: those that were open until then."""
        parents = [
            p for p in before if self.shards[p].first < keys[1] and keys[0] < self.shards[p].stop
        ]
        self.shards.append(Shard(*keys, at_s, np.inf, tuple(parents)))
        return len(self.shards) - 1

    def _owner(self, shards: Sequence[int], key: int) -> int:
        return next(p for p in shards if self.shards[p].first <= key < self.shards[p].stop)

    @property
    def changes(self) -> bool:
        """Whether any shard is ever closed."""
        return self.from_s.size > 1

    @property
    def closing(self) -> list[int]:
        """The shards that are closed at some time."""
        return [p for p, shard in enumerate(self.shards) if shard.closed_s < np.inf]

    @property
    def most(self) -> int:
        """How many are open at once, at most."""
        return max(np.unique(row).size for row in self.route)

    def children(self, shard: int) -> list[int]:
        """The shards that have hash keys of a shard that was closed."""
        return [p for p, other in enumerate(self.shards) if shard in other.parents]

    def cell(self, key: int) -> int:
        """The cell of a hash key."""
        return bisect_right(self.edges, key) - 1

    def part(self, shard: int, key: int, parts: int) -> int:
        """Which of ``parts`` equal parts of a shard's range a hash key is in."""
        its = self.shards[shard]
        return (key - its.first) * parts // (its.stop - its.first)


def _equal(shards: int) -> list[tuple[int, int]]:
    """Ranges of equal size, as `StartingHashKey` and the key after `EndingHashKey` of each."""
    edges = [-(-i * KEYS // shards) for i in range(shards + 1)]
    return list(pairwise(edges))
