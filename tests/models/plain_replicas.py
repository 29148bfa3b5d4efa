"""Replicas of partitions, record by record, each with a disk and a page cache: power that fails.

It shares no code with ``sim``. A leader's followers have a record at once (`replicate: 0`), so that
the only thing that can be lost is what was in page caches when the power went.
"""

from dataclasses import dataclass, field

INF = float("inf")


@dataclass(frozen=True)
class Disks:
    """When a record gets from a broker's page cache to its disk; times in s."""

    expire_s: float = 30.0  # the system writes what is older than this
    wakes_s: float = 5.0  # whenever it looks, so often
    every_s: float = INF  # the broker flushes everything, so often
    most: float = INF  # and a partition that has so many records that are not on disk


@dataclass
class Replica:
    """Of one partition on one broker."""

    records: list[tuple[float, int]] = field(default_factory=list)  # (appended at, message)
    flushed_s: float = -INF  # what was appended until then is on disk
    dirty: int = 0
    looked_s: float = 0.0

    def append(self, at_s: float, messages: list[int], disks: Disks) -> None:
        """Append a batch; with so many records that are not on disk, flush."""
        if disks.every_s < INF and at_s // disks.every_s > self.looked_s // disks.every_s:
            self.dirty = 0
        self.looked_s = at_s
        self.records += [(at_s, message) for message in messages]
        self.dirty += len(messages)
        if self.dirty >= disks.most:
            self.flushed_s, self.dirty = at_s, 0

    def lose_power(self, now_s: float, disks: Disks) -> None:
        """Only what is on disk is left."""
        on_disk_s = max(
            self.flushed_s,
            now_s // disks.wakes_s * disks.wakes_s - disks.expire_s,
            now_s // disks.every_s * disks.every_s if disks.every_s < INF else -INF,
        )
        self.records = [record for record in self.records if record[0] <= on_disk_s]


class PlainReplicas:
    """Brokers with replicas of partitions; the first replica of a partition leads it at first."""

    def __init__(self, brokers: int, replicas: list[list[int]], disks: Disks) -> None:
        self.disks = disks
        self.up = [True] * brokers
        self.replicas = [{b: Replica() for b in of_partition} for of_partition in replicas]
        self.leader = [of_partition[0] for of_partition in replicas]

    def append(self, at_s: float, p: int, messages: list[int]) -> None:
        """The leader stores a batch, and the replicas that are up have it too."""
        assert self.up[self.leader[p]]
        for b, replica in self.replicas[p].items():
            if self.up[b]:
                replica.append(at_s, messages, self.disks)

    def lose_power(self, now_s: float, broker: int) -> None:
        """A broker is gone, and so is what was not on its disk; others take over if they can."""
        self.up[broker] = False
        for p, replicas in enumerate(self.replicas):
            if broker in replicas:
                replicas[broker].lose_power(now_s, self.disks)
            able = [b for b in replicas if self.up[b]]
            if self.leader[p] == broker and able:
                self.leader[p] = able[0]

    def restart(self, broker: int) -> None:
        """It copies what the leaders have, and leads with its own what nobody else could."""
        self.up[broker] = True
        for p, replicas in enumerate(self.replicas):
            for b, replica in replicas.items():
                if b == broker:
                    replica.dirty = 0  # it recovers its log before it is there
                # Whoever is up follows the leader, as soon as both are.
                leader = replicas[self.leader[p]]
                if self.up[b] and self.up[self.leader[p]] and replica is not leader:
                    replica.records = list(leader.records)

    def log(self, p: int) -> list[int]:
        """The messages of a partition, as its leader has them."""
        return [message for _, message in self.replicas[p][self.leader[p]].records]
