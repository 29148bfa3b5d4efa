"""Shards of a stream and their producer, record by record in plain SimPy.

It shares no code with ``sim`` and is written for reading: every record is a process that waits,
asks, is refused and asks again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import simpy

from models.plain_machine import Steps


@dataclass
class Bucket:
    """Holds at most one second's worth of records and bytes, and fills all the time."""

    env: simpy.Environment
    records_per_s: float
    bytes_per_s: float
    at_s: float = 0.0
    records: float = field(init=False)
    octets: float = field(init=False)

    def __post_init__(self) -> None:
        self.records, self.octets = self.records_per_s, self.bytes_per_s

    def fill(self) -> None:
        passed_s = self.env.now - self.at_s
        self.at_s = self.env.now
        self.records = min(self.records_per_s, self.records + passed_s * self.records_per_s)
        self.octets = min(self.bytes_per_s, self.octets + passed_s * self.bytes_per_s)

    def take(self, size: float) -> None:
        self.records -= 1
        self.octets -= size


class PlainShard:
    """Fates of records that leave for a shard at given times, one call each.

    ``shard_of``: the shard that has the hash key of a record now.
    """

    def __init__(
        self,
        env: simpy.Environment,
        created_s: Sequence[float],
        ready_s: Sequence[float],
        sizes: Sequence[int],
        *,
        trip_s: float,
        buffered_s: float,
        ttl_s: float,
        limit: float,
        retries: bool,
        shard_of: Callable[[int], int] = lambda _: 0,
        shards: int = 1,
    ) -> None:
        self.env = env
        self.trip_s, self.buffered_s, self.ttl_s = trip_s, buffered_s, ttl_s
        self.retries = retries
        self.shard_of = shard_of
        self.ours = [Bucket(env, 1000 * limit, 2**20 * limit) for _ in range(shards)]
        self.theirs = [Bucket(env, 1000, 2**20) for _ in range(shards)]
        self.went: dict[int, int] = {}
        self.visible_s: dict[int, float] = {}
        self.given_up: set[int] = set()
        self.order: list[int] = []
        self.refused = 0
        for i, (created, ready, size) in enumerate(zip(created_s, ready_s, sizes, strict=True)):
            env.process(self.record(i, created, ready, size))

    def record(self, i: int, created_s: float, ready_s: float, size: int) -> Steps:
        yield self.env.timeout(ready_s)
        while True:
            ours = self.ours[self.shard_of(i)]
            ours.fill()
            behind_s = max(
                0.0,
                (1 - ours.records) / ours.records_per_s,
                (size - ours.octets) / ours.bytes_per_s,
            )
            if self.env.now + behind_s > created_s + self.ttl_s:
                break
            ours.take(size)
            yield self.env.timeout(behind_s + self.trip_s / 2)
            theirs = self.theirs[self.shard_of(i)]
            theirs.fill()
            if theirs.records >= 1 and theirs.octets >= size:
                theirs.take(size)
                self.went[i] = self.shard_of(i)
                self.order.append(i)
                self.visible_s[i] = self.env.now + self.trip_s / 2
                return
            self.refused += 1
            if not self.retries:
                break
            yield self.env.timeout(self.trip_s / 2 + self.buffered_s / 2)
        self.given_up.add(i)
