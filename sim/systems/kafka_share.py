"""Kafka's share groups (KIP-932): a queue on a log.

Rules held: KS-01 to KS-06. The records of a topic feed a queue as they become readable, a lane for
each partition; what a consumer acquires, releases or lets run out is the queue's (`sim.queue`). The
unit is a record, numbered in this order, since a publisher may have stored a message more than
once.

The group coordinator only says who takes from which partitions: each member from one or more of
them, and each partition goes to as many members as there are to spare (the simple assignor). A dead
member's records are available again when its connection closes; its partitions wait for the session
timeout, if nobody else takes from them. Left out: retention, below which a share group would move
on, and that it forgets what an unclean election takes from the log (KB-07).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.engine.environment import SideBySide, Stage
from sim.engine.outcome import Effects, Fate, GroupOutcome
from sim.engine.system import Fleet, Setup, capacity
from sim.engine.waits import Limit, Sent, Waits, of_kernel, of_rows, sent_of_rows
from sim.foundation.arrays import F32, F64, I32, NO_LIMIT, U8, longer
from sim.injection.crew import LOOK_S
from sim.injection.replay import repeats_kept
from sim.log.topic import Topic
from sim.queue import broker_codes as codes
from sim.queue.broker import AFTER_CONTROL, Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns, PoisonousMessages, poisonous_messages
from sim.queue.broker_waits import BrokerWaits
from sim.queue.feed_kernel import Feed
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_share import ShareGroup
from sim.systems.kafka import Kafka
from sim.systems.on_log import picky_service_s, wanted_by
from sim.systems.on_queue import outcome_of, poison_of
from sim.systems.queue_limits import Keys, LimitKey

_T = TypeVar("_T", bound=np.generic)


class Readable:
    """Stage of the data plane: the records of a topic in the order in which they become readable.

    That order numbers them, over all partitions, for share groups.
    """

    def __init__(self, topic: Topic) -> None:
        """
        Args:
            topic: advanced before this stage.
        """
        n = topic.log.message.size
        self.topic = topic
        self.feed = Feed(np.arange(n, dtype=np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
        self.message = np.zeros(n, np.int32)
        """[records] which message each is."""
        self.lane = np.zeros(n, np.int32)
        """[records] its partition."""
        self.fed = np.zeros(topic.log.end.size, np.int64)
        """[partitions] offset from which on records are yet to come."""
        self.gone = 0
        """Records that had come, and were taken from the log since."""
        self.readers: list[Callable[[int, int], None]] = []
        """Told which numbers have come: from the first, before the second."""

    def advance(self, until_s: float) -> None:
        """Append the records that can be read by ``until_s``."""
        log = self.topic.log
        rows, lanes = [], []
        for p, first in enumerate(log.start[:-1]):
            waiting = log.visible_s[first + self.fed[p] : first + log.end[p]]
            n = int(np.searchsorted(waiting, until_s, side="right"))
            rows.append(np.arange(first + self.fed[p], first + self.fed[p] + n))
            lanes.append(np.full(n, p, np.int32))
            self.fed[p] += n
        found = np.concatenate(rows)
        if not found.size:
            return
        order = np.argsort(log.visible_s[found], kind="stable")
        found = found[order]
        at, stop = int(self.feed.n[0]), int(self.feed.n[0]) + found.size
        if stop > self.message.size:
            self._enlarge(max(stop, 2 * self.message.size))
        self.message[at:stop] = log.message[found]
        self.lane[at:stop] = np.concatenate(lanes)[order]
        self.feed.enqueued_s[at:stop] = log.visible_s[found]
        self.feed.n[0] = stop
        fed = int(self.fed.sum()) + self.gone
        assert stop == fed, "a record was read twice, or passed over"
        assert at == 0 or self.feed.enqueued_s[at - 1] <= self.feed.enqueued_s[at], "time went back"
        for came in self.readers:
            came(at, stop)

    def truncate(self, p: int, to: int) -> None:
        """The log of a partition ends at offset ``to`` from now on."""
        self.gone += max(0, int(self.fed[p]) - to)
        self.fed[p] = min(self.fed[p], to)

    def _enlarge(self, n: int) -> None:
        self.message = longer(self.message, n, 0)
        self.lane = longer(self.lane, n, 0)
        enqueued_s = longer(np.asarray(self.feed.enqueued_s), n, np.inf)
        self.feed = Feed(np.arange(n, dtype=np.int32), enqueued_s, self.feed.n)

    def to_messages(self, records: NDArray[_T], fill: float, merge: np.ufunc) -> NDArray[_T]:
        """A column of records, as one of messages; ``fill`` where there is none.

        ``merge`` makes one value of those of a message that was appended more than once.
        """
        out = np.full(self.topic.created_s.size, fill, records.dtype)
        n = int(self.feed.n[0])
        merge.at(out, self.message[:n], records[:n])
        return out


class RecordsSent(NamedTuple):
    """How records got into the topic, by their numbers: a `sim.engine.waits.Sent`."""

    sent: Sent
    """Of messages."""
    readable: Readable

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, of records."""
        return sent_of_rows(self.sent, self.readable.message[first:last], entered_s)


class FirstRecords(NamedTuple):
    """What messages waited for, as the record did of each whose effect was the first."""

    whole: Waits
    """Of records."""
    record: I32
    """[messages] -1: none had an effect."""

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        return of_rows(self.whole.parts_s, np.maximum(self.record[first:last], 0))


def share_policy(group: ShareGroup, per_batch_s: float) -> BrokerPolicy:
    """What a share group does.

    Args:
        group: its configuration.
        per_batch_s: work that is done once a poll.
    """
    return broker_policy(
        batch=group.max_poll_records,
        wait_s=group.fetch_max_wait_ms / 1e3,
        ack_every=group.max_poll_records,
        ack_waits=0,
        per_batch_s=per_batch_s,
        lock_s=group.lock_duration_ms / 1e3,
        closes=1,
        place=codes.ORIGINAL,
        pick=codes.SPANS,
        span=group.max_record_locks,
        counted=codes.BY_CLOSE | codes.BY_LOCK | codes.BY_FAILURE,
        max_returns=group.delivery_count_limit - 1,
        dead_letters=int(group.dead_letter_topic is not None),
        notes=int(group.dead_letter_topic is not None),
        on_failure=codes.REQUEUE if group.on_failure == "release" else codes.REJECTED,
    )


def _key(name: str, key: str, value: object) -> LimitKey:
    return LimitKey(key, f"share_groups.{name}.{key}", f"{value}")


def limit_keys(name: str, group: ShareGroup) -> Keys:
    """What Kafka calls the limits of a share group and its members."""
    lock = _key(name, "group.share.record.lock.duration.ms", f"{group.lock_duration_ms:.10g}")
    count = group.delivery_count_limit
    return {
        codes.LIMIT_LOCK_HELD: lock,
        codes.LIMIT_LOCK_GONE: lock,
        codes.LIMIT_RETURNS: _key(name, "group.share.delivery.count.limit", count),
        codes.LIMIT_HELD: _key(name, "max.poll.records", group.max_poll_records),
        codes.LIMIT_BUSY: _key(name, "consumers", group.consumers),
    }


def limits_of_partitions(name: str, group: ShareGroup, share: Broker) -> Iterator[Limit]:
    """What kept records of a partition from members that might have had them.

    Args:
        name: of the group.
        group: its configuration.
        share: its queue, at the end.
    """
    span = _key(name, "group.share.partition.max.record.locks", group.max_record_locks)
    said = "a member found that a partition had no record it might acquire: too many were open"
    closed = share.state.lanes.closed
    yield from of_kernel(closed, span.name, span.value, said, path=span.path)
    limits, reach = share.state.limits, np.asarray(share.state.lanes.reach)
    partly = reach.any(axis=1) & ~reach.all(axis=1)
    times = int(limits.times[codes.LIMIT_LINE])
    if times and partly.any():
        yield Limit(
            "partitions",
            "topic.partitions",
            f"{reach.shape[1]}",
            "",
            "a record waited while a member was idle that takes from other partitions",
            times,
            float(limits.first_s[codes.LIMIT_LINE]),
            float(limits.last_s[codes.LIMIT_LINE]),
        )


class Members(Broker):
    """A share group: its queue and consumers, and who of them takes from which partitions.

    The coordinator's part is here: whom it counts as a member, and what it assigns to each.
    """

    def __init__(self, session_s: float, *broker: Any, **options: Any) -> None:
        """
        Args:
            session_s: a member silent for so long is not one any more.
            broker: as of `sim.queue.broker.Broker`; all its consumers are members at first.
            options: the same; the ``reach`` of its columns is kept up to date here.
        """
        super().__init__(*broker, **options)
        self.session_s = session_s
        self.counted = {c for c in range(self.size) if self.alive(c)}
        self.closing: set[int] = set()
        """Those that leave when they have ended by themselves; who is killed cannot."""
        self._assign()

    def _assign(self) -> None:
        """Assign partitions anew; who waits is handed what it now reaches from now on."""
        self.set_clock()
        assign(np.asarray(self.state.lanes.reach), sorted(self.counted))

    def crash(self, c: int) -> None:
        """SIGKILL: its records are available at once, its place is missed after the session."""
        if self.alive(c):
            self.closing.discard(c)
            super().crash(c)
            self.later(self.session_s, AFTER_CONTROL, lambda: self._leave(c))

    def _leave(self, c: int) -> None:
        if not self.alive(c) and c in self.counted:
            self.counted.remove(c)
            self._assign()

    def terminate(self, c: int) -> None:
        """SIGTERM: it finishes what it has acquired, releases the rest, and leaves the group."""
        if self.alive(c) and c not in self.closing:
            self.closing.add(c)
            super().terminate(c)
            self._close(c)

    def _close(self, c: int) -> None:
        """Leave when the process has ended by itself."""
        if self.alive(c):
            self.later(LOOK_S, AFTER_CONTROL, lambda: self._close(c))
        elif c in self.closing:
            self.closing.remove(c)
            self._leave(c)

    def restart(self, c: int) -> None:
        """A new process: it joins, and takes from the partitions that it is given."""
        if not self.alive(c):
            self.closing.discard(c)
        super().restart(c)
        self.counted.add(c)
        self._assign()


def assign(reach: U8, members: Sequence[int]) -> None:
    """Give each of the members partitions, and each partition to members, as evenly as may be.

    Args:
        reach: [consumers, partitions] set to 1 where a consumer may take from a partition.
        members: the consumers to assign to.
    """
    partitions = reach.shape[1]
    reach[:] = 0
    for rank, member in enumerate(members):
        if len(members) >= partitions:
            reach[member, rank % partitions] = 1
        else:
            reach[member, rank :: len(members)] = 1


class SharedKafka(Kafka):
    """A `sim.engine.system.System`: one topic, read by consumer groups and by share groups."""

    def __init__(self, setup: Setup, config: KafkaSystem) -> None:
        """As `sim.systems.kafka.Kafka`."""
        super().__init__(setup, config)
        messages = setup.messages
        self.only |= setup.that_wait(
            messages.of_each({g: c.only for g, c in config.share_groups.items()})
        )
        self.readable = Readable(self.topic)
        self.shares = {group: self._share(setup, group) for group in config.share_groups}
        self.sharers = SideBySide(list(self.shares.values()), len(messages), messages.duration_s)
        self.stages: Sequence[Stage] = [*self.stages, self.readable, self.sharers]

    def _share(self, setup: Setup, name: str) -> Members:
        config, scenario, topic = self.config.share_groups[name], setup.scenario, self.topic
        members = setup.scaled(config.consumers)
        places = capacity(setup, name, members)
        partitions = topic.log.end.size
        work_s = picky_service_s(setup, name, config)
        per_batch_s = scenario.workload.per_batch_s(config.does)
        fetch_s = self.config.latency.fetch
        share = Members(
            config.session_timeout_ms / 1e3,
            self.readable.feed,
            np.zeros(self.readable.message.size, np.float32),
            members,
            share_policy(config, per_batch_s),
            receive_latency_s=np.array([2.0 * fetch_s]),
            ack_latency_s=np.array([2.0 * fetch_s]),
            grid_s=setup.grid_s,
            capacity=places,
            columns=Columns(
                lane=self.readable.lane,
                lanes=partitions,
                reach=np.zeros((places, partitions), np.uint8),
            ),
            keep_repeats=repeats_kept(setup, name),
        )
        if topic.grows:
            share.expect(NO_LIMIT)
        bad = poison_of(setup, name, wanted_by(setup, config))
        self.readable.readers.append(partial(_came, share, self.readable, work_s, bad))
        return share

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start a coordinator for every group, and the members of every share group."""
        return {**super().control(env, say), **self.shares}

    def total(self) -> int:
        """As `Kafka.total`, share groups included."""
        its = self.records_in(self.topic) + self.readable.gone
        return super().total() + its * len(self.shares)

    def settled(self) -> int:
        """Records that each group is done with."""
        return super().settled() + sum(broker.settled() for broker in self.shares.values())

    def _lose(self, topic: Topic, p: int, to: int, at_s: float) -> None:
        """As `Kafka`; what share groups were told of stays theirs, acquired or not."""
        super()._lose(topic, p, to, at_s)
        if topic is self.topic:
            self.readable.truncate(p, to)

    def done(self) -> bool:
        """As `Kafka.done`; a share group that has done with all there will be stops to poll."""
        if self.cluster is not None and self.cluster.done:
            for broker in self.shares.values():
                broker.expect(int(self.readable.feed.n[0]))
        return super().done()

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome; its memory is freed when the next is asked for."""
        yield from super().outcomes(ended_s)
        self.sharers.stages = []
        for name in list(self.shares):
            share, group = self.shares.pop(name), self.config.share_groups[name]
            of_records = outcome_of(self.setup, name, share, ended_s, keys=limit_keys(name, group))
            of_records = replace(
                of_records,
                waits=BrokerWaits(share, RecordsSent(self.sent, self.readable)),
                limits=[*of_records.limits, *limits_of_partitions(name, group, share)],
            )
            outcome = replace(self._of_messages(of_records), buried=self._buried(share))
            yield outcome.only(self.only[name]) if name in self.only else outcome

    def _of_messages(self, of_records: GroupOutcome) -> GroupOutcome:
        """The outcome of records as one of messages."""
        to_messages, history = self.readable.to_messages, of_records.history
        effects = to_messages(of_records.effects, 0, np.add)
        fate = to_messages(of_records.fate, 0, np.maximum)
        fate[effects > 0] = Fate.PROCESSED
        if self.lost is not None:
            np.maximum(fate, self.lost * (effects == 0), out=fate)
        if history is not None:
            history = Effects(history.at_s, self.readable.message[history.message])
        waits = of_records.waits
        if waits is not None:
            waits = FirstRecords(waits, self._first_records(of_records.done_s))
        return replace(
            of_records,
            waits=waits,
            fate=fate,
            done_s=to_messages(of_records.done_s, np.inf, np.minimum),
            effects=effects,
            history=history,
        )

    def _buried(self, share: Broker) -> Effects | None:
        """When each message became a dead letter; None: the group has no dead-letter queue.

        As Kafka, it may write several for a message that a publisher has stored more than once.
        """
        if not share.policy.notes:
            return None
        letters = share.state.letters
        record = np.asarray(letters.message)[: letters.n]
        return Effects(np.asarray(letters.at_s)[: letters.n].copy(), self.readable.message[record])

    def _first_records(self, done_s: F64) -> I32:
        """[messages] the record of each that was done first; -1: none was.

        Args:
            done_s: [records] s.
        """
        record = np.full(len(self.setup.messages), -1, np.int32)
        n = int(self.readable.feed.n[0])
        done = np.flatnonzero(done_s[:n] < np.inf)
        latest_first = done[np.argsort(done_s[done], kind="stable")[::-1]]
        record[self.readable.message[latest_first]] = latest_first
        return record


def kafka(setup: Setup, config: KafkaSystem) -> Kafka:
    """A system of Kafka, with share groups or without."""
    return (SharedKafka if config.share_groups else Kafka)(setup, config)


def _came(
    broker: Broker, readable: Readable, work_s: F32, bad: PoisonousMessages, first: int, stop: int
) -> None:
    """Tell a share group of the records from number ``first`` to before ``stop``.

    Args:
        broker: the group.
        readable: the records.
        work_s: [messages] work that each message takes, s.
        bad: messages that make a consumer fail.
        first: number of a record.
        stop: likewise.
    """
    message = readable.message[first:stop]
    broker.let_in(readable.feed, readable.lane, slice(first, stop), work_s[message])
    if bad.message.size:
        here = np.flatnonzero(np.isin(message, bad.message))
        which = np.searchsorted(bad.message, message[here])
        broker.add_poison(
            poisonous_messages(
                first + here, bad.kills[which], bad.times[which], bad.restart_s[which]
            )
        )
