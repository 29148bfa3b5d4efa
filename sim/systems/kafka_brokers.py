"""The brokers behind a publisher: who is up, who leads, and what of theirs consumers can read."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from math import inf

import numpy as np

from sim.foundation.arrays import I64, Bools, longer
from sim.log.topic import Topic
from sim.scenario.products.kafka import KafkaSystem
from sim.systems import kafka_brokers_kernel as k
from sim.systems.kafka_publisher import KafkaPublisher

_FIRST_ROOM = 1 << 8


class View:
    """The log as those see it who read with one ``isolation.level``."""

    def __init__(self, topic: Topic, tail: k.TailState) -> None:
        """
        Args:
            topic: empty so far; what can be read is put into it.
            tail: what cannot be read yet; its ``committed`` says by which level.
        """
        self.topic = topic
        self.tail = tail
        self.passed = 0
        """Offsets of records that elections cut off and retention had deleted before."""


class Cluster:
    """Stage of the data plane: from the journal of a publisher's client to the log of a topic.

    As `sim.engine.system.BrokerSet`, what faults do to them; the verbs act at the time to which the
    stage was last advanced. A broker that dies leaves the in-sync replicas at once, and one of
    these takes over what it led (KB-06); a partition without another replica waits. While fewer
    than min.insync.replicas are in sync, acks=all is refused (KB-04) and what acks=0 and 1 append
    cannot be read (KB-05). While a leader stands still, nothing new of its partitions can be read
    (KB-13). A broker that loses its power has what it has flushed; where no other replica is up,
    that is all there is of the partition (KB-12).
    """

    def __init__(
        self, config: KafkaSystem, publisher: KafkaPublisher, topics: Mapping[bool, Topic]
    ) -> None:
        """
        Args:
            config: of the system.
            publisher: whose client writes to them; advanced before this stage.
            topics: empty so far; what can be read is put into them: by whether for those who read
                committed records only.
        """
        leader = publisher.client.leader
        factor = config.topic.replication_factor
        self.publisher = publisher
        self.client = publisher.client
        self.count = config.brokers.count
        self.min_insync_replicas = config.topic.min_insync_replicas
        self.flushing = config.brokers
        """When what is appended gets to disk."""
        self.replicate_s = config.brokers.replicate
        self.promises_all = config.producer.acks_all
        """Whether what was acknowledged is on all in-sync replicas."""
        self.now_s = 0.0
        self.up = np.ones(self.count, np.bool_)
        self.away: list[list[float]] = [[] for _ in range(self.count)]
        """[brokers] when it went and came back, in turn, s."""
        self.replicas = [
            [(int(p) + r) % self.count for r in range(factor)] for p in range(leader.size)
        ]
        self.cuts: list[tuple[int, float, float]] = []
        """(partition, from, until): appended then, and cut off by an election."""
        self.short: list[tuple[int, float, float]] = []
        """(partition, from, until): too few replicas in sync; inf: still so."""
        self.lose: Callable[[Topic, int, int], None] = lambda topic, p, to: topic.truncate(
            p, to, self.now_s
        )
        """Called when a partition of a topic has to end at an offset from now on."""
        self.still: list[tuple[int, float, float]] = []
        """(partition, from, until): its leader stood still; inf: it still does."""
        replicate_s = config.brokers.replicate if factor > 1 else 0.0
        none = _spans([])
        self.views = [
            View(
                topic,
                k.TailState(_FIRST_ROOM, leader.size, replicate_s, none, none, none, committed),
            )
            for committed, topic in topics.items()
        ]
        """What groups read."""

    @property
    def done(self) -> bool:
        """Whether nothing more will get into the log."""
        return self.publisher.ended and self.waiting == 0

    @property
    def waiting(self) -> int:
        """Batches stored, not cut off, and not yet readable."""
        return sum(view.tail.waiting for view in self.views)

    def advance(self, until_s: float) -> None:
        """Put into the log what can be read by ``until_s``."""
        self.now_s = until_s
        for view in self.views:
            self._advance(view, until_s)

    def _advance(self, view: View, until_s: float) -> None:
        tail, journal = view.tail, self.client.state.journal
        new = journal.entries - tail.taken
        if not (new or tail.waiting):
            return
        room = len(tail.entry)
        if tail.waiting + new > room:
            tail.entry = longer(np.asarray(tail.entry), 2 * (room + new), 0)
        while True:
            full = k.move(until_s, journal, tail, view.topic.rows)
            if full < 0:
                return
            view.topic.make_room(full, tail.lack)

    def kept(self) -> Bools:
        """[entries] of the journal that no election cut off."""
        journal = self.client.journal
        kept = np.ones(journal.append_s.size, np.bool_)
        for partition, from_s, until_s in self.cuts:
            when = journal.append_s
            kept &= ~((journal.partition == partition) & (when > from_s) & (when <= until_s))
        return kept

    def check(self) -> None:
        """Assert that every record stored and not cut off is in the log, or cannot be read yet.

        Raises:
            AssertionError: a bug of the lab.
        """
        for view in self.views:
            readable = int(self.client.journal.n[self._readable(view)].sum()) + view.passed
            at_end = view.topic.log.end.sum()
            at_end -= self.client.waiting
            assert readable == at_end, "stored, and neither readable nor waiting"

    def _readable(self, view: View) -> Bools:
        """[entries] of the journal that are in the log."""
        readable, tail = self.kept(), view.tail
        if tail.committed:
            readable &= self.client.journal.visible_s < np.inf
        readable[np.asarray(tail.entry)[: tail.waiting]] = False
        readable[tail.taken :] = False
        return readable

    def aborted(self) -> tuple[int, float, float]:
        """Records of aborted transactions that are in the log, and when it was stored first, last.

        So much is read by those who do not ask for committed records only.
        """
        journal = self.client.journal
        gone = self.kept() & (journal.aborted_s < np.inf)
        times_s = journal.append_s[gone]
        if not times_s.size:
            return 0, 0.0, 0.0
        return int(journal.n[gone].sum()), float(times_s[0]), float(times_s[-1])

    # What happens to them.

    def cut_off(self, broker: int) -> None:
        """It cannot be reached; it runs on, and leads what it led."""
        self.client.broker_down(broker, self.now_s)

    def reconnect(self, broker: int) -> None:
        """It can be reached again, unless it is dead."""
        if self.up[broker]:
            self.client.broker_up(broker, self.now_s)

    def slow(self, broker: int, extra_s: float) -> None:
        """From now on each request takes this much longer, s."""
        self.client.slow_broker(broker, extra_s)

    def pause(self, broker: int) -> None:
        """It stands still, as a stopped process does; its connections stay (KB-13)."""
        if not self.up[broker]:
            return
        self.client.pause_broker(broker, self.now_s)
        led = np.flatnonzero(self.client.leader == broker)
        self.still += [(int(p), self.now_s, np.inf) for p in led]
        self._see_spans()

    def resume(self, broker: int) -> None:
        """It goes on, unless it has died meanwhile."""
        self._end_pause(broker)
        self.client.resume_broker(broker, self.now_s)

    def _end_pause(self, broker: int) -> None:
        leader = self.client.leader
        self.still = [
            (p, from_s, min(until_s, self.now_s) if leader[p] == broker else until_s)
            for p, from_s, until_s in self.still
        ]
        self._see_spans()

    def _see_spans(self) -> None:
        """Have the data plane know of what was added."""
        for view in self.views:
            view.tail.short = _spans(self.short)
            view.tail.cuts = _spans(self.cuts)
            view.tail.still = _spans(self.still)

    def lose_acks(self, broker: int, probability: float) -> None:
        """From now on answers are lost with this probability, after their request was done."""
        self.client.lose_acks(broker, probability)

    def crash(self, broker: int, behind_s: float | None) -> None:
        """Its process dies; ``behind_s``: the elections are unclean, their winners so late."""
        at_s = self.now_s
        if self.up[broker]:
            self.away[broker].append(at_s)
        self.up[broker] = False
        self._end_pause(broker)
        self.client.broker_down(broker, at_s, reset=True)
        # A clean election keeps what all in-sync replicas have; that is all that acks=all promised.
        lost_s = self.replicate_s if behind_s is None else behind_s
        for p, replicas in enumerate(self.replicas):
            if self.client.leader[p] != broker:
                continue
            next_leader = next((b for b in replicas if self.up[b]), None)
            if next_leader is None:
                continue
            if behind_s is not None or not self.promises_all:
                self._cut_off(p, at_s - lost_s)
            self.client.move_leader(p, next_leader, at_s)
        self._move_coordinator(broker)
        self._count_in_sync()

    def _move_coordinator(self, broker: int) -> None:
        """Have another broker coordinate transactions if this one did, and there is one (KP-20).

        Its log has ``transaction.state.log.replication.factor`` replicas, 3.
        """
        if self.client.state.brokers.coordinator != broker:
            return
        following = [(broker + r) % self.count for r in range(1, min(3, self.count))]
        if (next_one := next((b for b in following if self.up[b]), None)) is not None:
            self.client.move_coordinator(next_one, self.now_s)

    def lose_power(self, broker: int) -> None:
        """Its machine stops, whether its process was up or not."""
        if self.up[broker]:
            self.crash(broker, None)
        for p in np.flatnonzero(self.client.leader == broker):  # nobody took over
            self._cut_off(int(p), self._flushed_s(int(p), broker))

    def _flushed_s(self, p: int, broker: int) -> float:
        """Until when everything appended to a partition is on the disk of its leader, s.

        A broker that comes back recovers its log, and counts its records anew.
        """
        flushing, now_s = self.flushing, self.now_s
        back = flushing.writeback
        on_disk_s = now_s // back.dirty_writeback * back.dirty_writeback - back.dirty_expire
        period_s = flushing.flush_period_s
        flushed_s = now_s // period_s * period_s if period_s < inf else -inf
        most = flushing.log_flush_interval_messages
        if most is not None:
            journal, dirty, since_s, turns = self.client.journal, 0, 0.0, 0
            for e in np.flatnonzero((journal.partition == p) & self.kept()):
                at_s = float(journal.append_s[e])
                passed = bisect_right(self.away[broker], at_s)
                if passed % 2:
                    continue  # it was not there
                if passed > turns or (period_s < inf and at_s // period_s > since_s // period_s):
                    dirty = 0  # flushed by time in between, or recovered
                turns, since_s, dirty = passed, at_s, dirty + int(journal.n[e])
                if dirty >= most:
                    flushed_s, dirty = max(flushed_s, at_s), 0
        return max(on_disk_s, flushed_s)

    def _cut_off(self, p: int, from_s: float) -> None:
        """What was appended to a partition after ``from_s`` is gone, though it was read (KB-07)."""
        journal = self.client.journal
        cut = (journal.partition == p) & (journal.append_s > from_s)
        gone = [int(journal.n[self._readable(view) & cut].sum()) for view in self.views]
        self.cuts.append((p, from_s, self.now_s))
        self._see_spans()
        for view, records in zip(self.views, gone, strict=True):
            if records:
                log = view.topic.log
                # What retention has deleted cannot be taken: the offsets go on from there.
                to = max(int(log.first[p]), int(log.end[p]) - records)
                view.passed += to - (int(log.end[p]) - records)
                self.lose(view.topic, p, to)

    def restart(self, broker: int) -> None:
        """It is back and in sync again; it leads only what nobody else could."""
        if not self.up[broker]:
            self.away[broker].append(self.now_s)
        self.up[broker] = True
        self.client.broker_up(broker, self.now_s)
        self._count_in_sync()

    def _count_in_sync(self) -> None:
        still = {p: i for i, (p, _, until_s) in enumerate(self.short) if until_s == np.inf}
        for p, replicas in enumerate(self.replicas):
            short = int(self.up[replicas].sum()) < self.min_insync_replicas
            self.client.fail_appends(p, 1.0 if short else 0.0)
            if short and p not in still:
                self.short.append((p, self.now_s, np.inf))
            elif not short and p in still:
                self.short[still[p]] = (p, self.short[still[p]][1], self.now_s)
        self._see_spans()


def _spans(spans: list[tuple[int, float, float]]) -> k.Spans:
    partition: I64 = np.array([p for p, _, _ in spans], np.int64)
    return k.Spans(
        partition,
        np.array([from_s for _, from_s, _ in spans], np.float64),
        np.array([until_s for _, _, until_s in spans], np.float64),
    )
