"""A stream that is resharded and its readers, record by record in plain SimPy.

Each shard has at most one reader, a process that takes what is there, works it off and checkpoints.
Workers of the client library look at the table of leases now and then; a function of Lambda is
started for a shard as soon as its parents have ended. It shares no code with the lab.
"""

from dataclasses import dataclass, field

import simpy

INF = float("inf")


@dataclass
class Record:
    given_s: float
    work_s: float
    effects: list[float] = field(default_factory=list)
    handed_s: float = INF
    begun_s: float = INF
    tries: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Shard:
    records: list[Record]
    parents: list[int]
    seen_s: float = INF
    """When a reader learns that it is closed."""
    checkpoint: int = 0
    ended: bool = False
    owner: object = None
    """A worker's process, or None: nobody has taken the lease."""
    listed: bool = False
    renewed: int = 0
    reader: simpy.Process | None = None
    waits_since: float | None = None
    """Since when its reader has nothing."""
    owned_since: float | None = None
    nobody: list[tuple[float, float]] = field(default_factory=list)


@dataclass(eq=False)
class Worker:
    """A process: a new one is another worker to the others."""

    number: int
    up: bool = True
    died_s: float = INF


class PlainShards:
    def __init__(self, shards, first, *, batch, per_batch_s, commit_s, until_s):
        self.env = simpy.Environment()
        self.shards, self.first, self.until_s = shards, first, until_s
        self.batch, self.per_batch_s, self.commit_s = batch, per_batch_s, commit_s
        self.idle = []
        for shard in shards[:first]:
            shard.listed, shard.owned_since = True, 0.0

    # Reading.

    def read(self, shard):
        """Until it is told to stop, or the shard ends."""
        env, at = self.env, shard.checkpoint
        hand = []
        try:
            while True:
                shard.waits_since = env.now
                while at == len(shard.records) or shard.records[at].given_s > env.now:
                    if at == len(shard.records) and env.now >= shard.seen_s:
                        self.has_work(shard)
                        self.end(shard)
                        return
                    next_s = shard.seen_s
                    if at < len(shard.records):
                        next_s = shard.records[at].given_s
                    yield env.timeout(min(next_s, self.until_s + 1.0) - env.now)
                self.has_work(shard)
                there = [r for r in shard.records[at : at + self.batch] if r.given_s <= env.now]
                hand, handed_s = list(there), env.now
                yield env.timeout(self.per_batch_s)
                for record in there:
                    begun_s = env.now
                    yield env.timeout(record.work_s)
                    if not record.effects:
                        record.handed_s, record.begun_s = handed_s, begun_s
                    record.effects.append(env.now)
                    hand.remove(record)
                yield env.timeout(self.commit_s)
                at += len(there)
                shard.checkpoint = at
        except simpy.Interrupt:
            self.has_work(shard)
            for record in hand:
                record.tries.append((handed_s, env.now))

    def has_work(self, shard):
        """It waits no more."""
        if shard.waits_since is not None:
            self.idle.append((shard.waits_since, self.env.now))
        shard.waits_since = None

    def finish(self):
        """At the end."""
        for shard in self.shards:
            self.has_work(shard)
            if shard.owned_since is not None:
                shard.nobody.append((shard.owned_since, self.env.now))
        self.idle.sort()

    def begin(self, shard):
        if shard.owned_since is not None:
            shard.nobody.append((shard.owned_since, self.env.now))
        shard.owned_since = None
        shard.reader = self.env.process(self.read(shard))

    def stop(self, shard):
        if shard.reader is not None and shard.reader.is_alive:
            shard.reader.interrupt()
            shard.owned_since = self.env.now
        shard.reader = None

    def end(self, shard):
        shard.ended = True
        shard.reader = None
        number = self.shards.index(shard)
        for child in self.shards:
            if number in child.parents:
                if not child.listed:
                    child.listed = True
                    self.listed(child)
                if all(self.shards[p].ended for p in child.parents):
                    child.owned_since = self.env.now
                    self.free(child)

    def listed(self, child):
        """A lease was put into the table."""

    def free(self, child):
        """All parents of a child have ended."""


class PlainFunctions(PlainShards):
    """Lambda: a function for each shard."""

    def run(self):
        for shard in self.shards[: self.first]:
            self.begin(shard)
        self.env.run(self.until_s)
        return self

    def free(self, child):
        self.begin(child)


class PlainLibrary(PlainShards):
    """Workers of the client library, with a look at the leases every 2 x (failover + 25 ms)."""

    def __init__(self, *args, workers, first_looks_s, failover_s, crashes, **more):
        super().__init__(*args, **more)
        self.failover_s = failover_s
        self.look_every_s = 2 * (failover_s + 0.025)
        self.workers = [Worker(i) for i in range(workers)]
        self.first_looks_s = first_looks_s
        self.crashes = crashes

    def run(self):
        for i, shard in enumerate(self.shards[: self.first]):
            shard.owner = self.workers[i % len(self.workers)]
            self.begin(shard)
        for worker, first_s in zip(self.workers, self.first_looks_s, strict=True):
            self.start(worker, first_s)
        for at_s, i, back_s in self.crashes:
            self.env.process(self.crash(at_s, i, back_s))
        self.env.run(self.until_s)
        return self

    def start(self, worker, first_s):
        self.env.process(self.looks(worker, first_s))
        self.env.process(self.cleans(worker))

    def crash(self, at_s, i, back_s):
        yield self.env.timeout(at_s)
        worker = self.workers[i]
        if worker.up:
            worker.up, worker.died_s = False, self.env.now
            for shard in self.shards:
                if shard.owner is worker:
                    self.stop(shard)
        yield self.env.timeout(back_s)
        if not self.workers[i].up:
            self.workers[i] = Worker(i)
            self.start(self.workers[i], 0.0)

    def counter(self, shard):
        """What the counter of a lease is: it goes on while its owner lives."""
        return self.env.now if shard.owner.up else shard.owner.died_s

    def looks(self, worker, first_s):
        seen = {}
        yield self.env.timeout(first_s)
        while worker.up:
            self.look(worker, seen)
            yield self.env.timeout(self.look_every_s)

    def look(self, worker, seen):
        table = [shard for shard in self.shards if shard.listed]
        new = [shard for shard in table if shard.owner is None]
        for shard in new:
            self.take(worker, shard)
        expired = []
        for shard in table:
            now = (shard.owner, self.counter(shard))
            before = seen.get(id(shard))
            since_s = before[1] if before is not None and before[0] == now else self.env.now
            seen[id(shard)] = now, since_s
            if self.env.now - since_s > self.failover_s:
                expired.append(shard)
        if new:
            return
        count = {worker: 0}
        for shard in table:
            if shard not in expired:
                count[shard.owner] = count.get(shard.owner, 0) + 1
        target = max(1, -(-len(table) // len(count)))
        needed = target - count[worker]
        if needed <= 0:
            return
        if expired:
            for shard in expired[:needed]:
                self.take(worker, shard)
            return
        most = max(count.values())
        if needed > 1 or most > target:
            richest = [other for other, n in count.items() if n == most]
            assert len(richest) == 1 or most > 0
            whose = min(richest, key=self.rank)
            if most >= target:
                self.take(worker, next(s for s in table if s.owner is whose))

    def rank(self, worker):
        """Of several with as many leases: those that were replaced, then by their number."""
        return (0, -worker.number) if worker not in self.workers else (1, worker.number)

    def take(self, worker, shard):
        self.stop(shard)
        shard.owner = worker
        if shard.ended:
            return
        if all(self.shards[p].ended for p in shard.parents):
            self.begin(shard)
        else:
            self.env.process(self.waits(worker, shard))

    def waits(self, worker, shard):
        """For both parents; every 10 s."""
        while True:
            yield self.env.timeout(10.0)
            if shard.owner is not worker or not worker.up:
                return
            if all(self.shards[p].ended for p in shard.parents):
                self.begin(shard)
                return

    def cleans(self, worker):
        """Every five minutes, leases of ended shards whose children are all being read."""
        while True:
            yield self.env.timeout(300.0)
            if not worker.up:
                return
            for i, shard in enumerate(self.shards):
                if not shard.listed or not shard.ended or shard.owner is not worker:
                    continue
                if all(child.checkpoint for child in self.shards if i in child.parents):
                    shard.listed, shard.owner = False, None


def parts_of(record, shard, idle, per_batch_s):
    """Where a record's time went from when it could be had to its first effect, s.

    ``idle``: stretches in which a reader had nothing, by their begin.
    """
    inside = record.given_s, record.handed_s
    tries = [(a, min(b, record.handed_s)) for a, b in record.tries if a < record.handed_s]
    left = [inside]
    nobody_s = 0.0
    for a, b in shard.nobody:
        nobody_s += max(0.0, min(b, inside[1]) - max(a, inside[0]))
    for a, b in [*tries, *shard.nobody]:
        left = [
            piece
            for low, high in left
            for piece in ((low, min(high, a)), (max(low, b), high))
            if piece[0] < piece[1]
        ]
    idle_s = 0.0
    for low, high in left:
        covered = low
        for a, b in idle:
            if b > covered and a < high:
                idle_s += min(b, high) - max(a, covered)
                covered = max(covered, min(b, high))
    return {
        "ATTEMPT": sum(b - a for a, b in tries),
        "NO_OWNER": nobody_s,
        "HEAD_OF_LINE": idle_s,
        "CAPACITY": sum(high - low for low, high in left) - idle_s,
        "CALL": per_batch_s,
        "HELD": record.begun_s - record.handed_s - per_batch_s,
        "WORK": record.effects[0] - record.begun_s,
    }
