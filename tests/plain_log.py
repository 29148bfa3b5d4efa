"""A partitioned log and a consumer group, message by message in plain SimPy.

It shares no code with ``sim`` and is written for reading: a timer for every batch and every fetch,
a process for every consumer. What a consumer can fetch is what became readable ``fetch_s`` ago; a
paused consumer begins its fetch again when it goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import simpy
from plain_machine import Machine, Steps


@dataclass(frozen=True)
class Settings:
    """Of producer, topic, consumers and coordinator; times in s."""

    partitions: int = 1
    linger_s: float = 0.0
    batch_bytes: int = 16_384
    ack_s: float = 0.0
    members: int = 1
    max_poll_records: int = 500
    chunk_records: int = 1_000
    min_records: int = 1
    max_wait_s: float = 0.5
    fetch_s: float = 0.0
    per_batch_s: float = 0.0
    auto_commit_s: float = 5.0  # < 0: a synchronous commit after each batch
    commit_s: float = 0.0
    session_s: float = 45.0
    rebalance_s: float = 3.0


@dataclass
class Batch:
    """Records of one partition on their way from the client to the log."""

    partition: int
    records: list[int] = field(default_factory=list)
    size_bytes: int = 0
    sent: bool = False


class Member:
    """One consumer process."""

    def __init__(self, env: simpy.Environment) -> None:
        self.machine = Machine(env)
        self.partitions: list[int] = []
        self.turn = 0
        self.left_of_chunk = 0
        self.next_commit_s = 0.0
        self.joined = False


class PlainLog:
    """Producer, topic, one group with its coordinator, and the faults of a consumer."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: Settings,
        created_s: Sequence[float],
        partition_of: Sequence[int],
        size_bytes: Sequence[int],
        work_s: Sequence[float],
    ) -> None:
        s = settings
        self.env = env
        self.settings = s
        self.work_s = [float(work) for work in work_s]
        self.open: dict[int, Batch] = {}
        self.log: list[list[int]] = [[] for _ in range(s.partitions)]
        self.changed = env.event()  # something readable, or a rebalance has begun or ended
        self.processed = [0] * s.partitions
        self.position = [0] * s.partitions
        self.committed = [0] * s.partitions
        self.done_s = [float("inf")] * len(work_s)
        self.effects = [0] * len(work_s)
        self.rebalancing = False
        self.stale = False
        self.sessions: list[tuple[int, float]] = []  # of dead members, and when each ends
        self.rebalances = 0
        env.process(self._produce(created_s, partition_of, size_bytes))
        self.members = [Member(env) for _ in range(s.members)]
        self.processes = [env.process(self._consume(member)) for member in self.members]
        self._assign()

    def _change(self) -> None:
        self.changed.succeed()
        self.changed = self.env.event()

    # The producer.

    def _produce(
        self, created_s: Sequence[float], partition_of: Sequence[int], size_bytes: Sequence[int]
    ) -> Steps:
        for record, at_s in enumerate(created_s):
            yield self.env.timeout(at_s - self.env.now)
            partition, size = int(partition_of[record]), int(size_bytes[record])
            batch = self.open.get(partition)
            if batch and batch.size_bytes + size > self.settings.batch_bytes:
                self._send(batch)
            if partition not in self.open:
                self.open[partition] = Batch(partition)
                self.env.process(self._linger(self.open[partition]))
            batch = self.open[partition]
            batch.records.append(record)
            batch.size_bytes += size
            if batch.size_bytes >= self.settings.batch_bytes:
                self._send(batch)

    def _linger(self, batch: Batch) -> Steps:
        yield self.env.timeout(self.settings.linger_s)
        if not batch.sent:
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        batch.sent = True
        del self.open[batch.partition]
        self.env.process(self._append(batch))

    def _append(self, batch: Batch) -> Steps:
        yield self.env.timeout(self.settings.ack_s)
        yield self.env.timeout(self.settings.fetch_s)
        self.log[batch.partition] += batch.records
        self._change()

    # A consumer.

    def _consume(self, me: Member) -> Steps:
        s = self.settings
        try:
            while True:
                yield from me.machine.running()
                if self.rebalancing or me.joined:
                    yield from self._join(me)
                    continue
                polled = yield from self._poll(me)
                extra_s = s.per_batch_s
                for partition, offset in polled:
                    record = self.log[partition][offset]
                    yield from me.machine.work(extra_s + self.work_s[record])
                    extra_s = 0.0
                    self.done_s[record] = min(self.done_s[record], self.env.now)
                    self.effects[record] += 1
                    self.processed[partition] = offset + 1
                if polled and s.auto_commit_s < 0:
                    yield self.env.timeout(s.commit_s)
                    self._commit(me)
        except simpy.Interrupt:
            me.joined = False
            self._change()

    def _join(self, me: Member) -> Steps:
        if not me.joined and self.settings.auto_commit_s >= 0:
            self._commit(me)
        me.joined = True
        self._change()
        while me.joined:
            yield self.changed

    def _poll(self, me: Member) -> Steps:
        """Wait for one fetch; empty when disturbed, else (partition, offset) of each record."""
        s = self.settings
        deadline = self.env.timeout(s.max_wait_s)
        while True:
            auto = s.auto_commit_s >= 0 and bool(me.partitions)
            if auto and self.env.now >= me.next_commit_s - 1e-12:
                self._commit(me)
                me.next_commit_s = self.env.now + s.auto_commit_s
            fetchable = sum(len(self.log[p]) - self.position[p] for p in me.partitions)
            enough = s.min_records if not deadline.processed else 1
            if me.left_of_chunk or fetchable >= max(1, enough):
                return self._take(me)
            waits = [self.changed, me.machine.disturbed]
            if auto:
                waits.append(self.env.timeout(me.next_commit_s - self.env.now))
            if not deadline.processed:
                waits.append(deadline)
            elif s.min_records > 1:
                return []
            yield self.env.any_of(waits)
            if self.rebalancing or me.machine.paused:
                return []

    def _take(self, me: Member) -> list[tuple[int, int]]:
        polled: list[tuple[int, int]] = []
        n = len(me.partitions)
        for step in range(n):
            partition = me.partitions[(me.turn + step) % n]
            at = self.position[partition]
            chunk = me.left_of_chunk or min(
                self.settings.chunk_records, len(self.log[partition]) - at
            )
            taken = min(chunk, self.settings.max_poll_records - len(polled))
            polled += [(partition, offset) for offset in range(at, at + taken)]
            self.position[partition] += taken
            me.left_of_chunk = chunk - taken
            if me.left_of_chunk:
                me.turn = (me.turn + step) % n
                return polled
            if len(polled) == self.settings.max_poll_records:
                me.turn = (me.turn + step + 1) % n
                return polled
        return polled

    def _commit(self, me: Member) -> None:
        for partition in me.partitions:
            self.committed[partition] = max(self.committed[partition], self.processed[partition])

    # The coordinator.

    def _assign(self) -> None:
        """Range: the first of P mod C members get one partition more."""
        s = self.settings
        known = [m for m in range(s.members) if self.alive(m) or self._session_open(m)]
        self.processed = list(self.committed)
        self.position = list(self.committed)
        for member in self.members:
            member.partitions, member.turn, member.left_of_chunk = [], 0, 0
        for rank, m in enumerate(known):
            first = rank * (s.partitions // len(known)) + min(rank, s.partitions % len(known))
            size = s.partitions // len(known) + (rank < s.partitions % len(known))
            self.members[m].partitions = list(range(first, first + size))
        for member in self.members:
            member.next_commit_s = self.env.now + s.auto_commit_s
            member.joined = False

    def _session_open(self, m: int) -> bool:
        return any(member == m for member, _ in self.sessions)

    def _everyone_in(self) -> bool:
        return not self.sessions and all(
            self.members[m].joined for m in range(self.settings.members) if self.alive(m)
        )

    def _ask_rebalance(self) -> None:
        self.stale = True
        if not self.rebalancing:
            self.rebalancing = True
            self.rebalances += 1
            self.env.process(self._rebalance())

    def _rebalance(self) -> Steps:
        while self.stale:
            self._change()
            while not self._everyone_in():
                yield self.changed
            self.stale = False
            if self._anyone():
                yield self.env.timeout(self.settings.rebalance_s)
        self.rebalancing = False
        if self._anyone():
            self._assign()
        self._change()

    def _anyone(self) -> bool:
        return bool(self.sessions) or any(map(self.alive, range(self.settings.members)))

    def _session(self, m: int) -> Steps:
        session = (m, self.env.now)
        self.sessions.append(session)
        yield self.env.timeout(self.settings.session_s)
        self.sessions.remove(session)
        self._ask_rebalance()
        self._change()

    # The faults.

    def alive(self, m: int) -> bool:
        """Whether the process runs."""
        return self.processes[m].is_alive

    def crash(self, m: int) -> None:
        """Kill the process; the coordinator misses it when its session ends."""
        self.processes[m].interrupt()
        self.env.process(self._session(m))

    def restart(self, m: int) -> None:
        """Start a new process, which joins the group."""
        self.members[m] = Member(self.env)
        self.members[m].joined = True
        self.processes[m] = self.env.process(self._consume(self.members[m]))
        self._ask_rebalance()

    def pause(self, m: int, for_s: float) -> None:
        """Stop the process for a while, shorter than the session."""
        self.members[m].machine.pause(for_s)

    def slow(self, m: int, factor: float) -> None:
        """Stretch the work of the process."""
        self.members[m].machine.slow(factor)
