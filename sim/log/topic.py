"""A topic and its producer: from messages to readable rows of a log (KP-01, KB-01)."""

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.engine.waits import TimePart, after_start
from sim.foundation.arrays import F32, F64, I32, I64
from sim.log import topic_kernel as k
from sim.log.partition_counts import PartitionCounts

_T = TypeVar("_T", bound=np.generic)


def by_partition(partition: I32, partitions: int) -> NDArray[np.intp]:
    """[records] the order that puts those of a partition together and keeps theirs."""
    # NumPy sorts 16 bits by radix, in a tenth of the time.
    few = partitions <= np.iinfo(np.int16).max
    return np.argsort(partition.astype(np.int16) if few else partition, kind="stable")


def relaid(rows: NDArray[_T], old: I64, new: I64, fill: float) -> NDArray[_T]:
    """A column of a log whose partitions begin at other rows than they did.

    Args:
        rows: [rows] the column.
        old: [partitions + 1] first row of each partition so far.
        new: the same from now on; no partition has less room than before.
        fill: for rows that were not there.
    """
    out = np.full(new[-1], fill, rows.dtype)
    for p, (first, stop) in enumerate(pairwise(old)):
        out[new[p] : new[p] + stop - first] = rows[first:stop]
    return out


class Move(NamedTuple):
    """Rows of a partition that go elsewhere."""

    source: int
    to: int
    rows: int


def moved(column: NDArray[_T], moves: Sequence[Move], rows: int, fill: float) -> NDArray[_T]:
    """[rows] a column of a log after `Topic.roll_on`; ``fill`` for records that are not in it yet.

    Args:
        column: it, before.
        moves: which rows go where.
        rows: how many there are now.
        fill: what stands in the others.
    """
    out = np.zeros(rows, column.dtype) if fill == 0 else np.full(rows, fill, column.dtype)
    for source, to, n in moves:
        out[to : to + n] = column[source : source + n]
    return out


class LogColumns(NamedTuple):
    """Partitions laid end to end; partition ``p`` owns rows ``start[p]:start[p + 1]``."""

    start: I64
    """[partitions + 1] first row of each partition; where records were forgotten
    (`Topic.roll_on`), so many rows before, below 0 perhaps, so that offsets stay what they are."""
    end: I64
    """[partitions] rows appended so far (log-end offset, relative to start)."""
    message: I32
    """[rows] index of the message in each row."""
    visible_s: F64
    """[rows] when the row can be read (below the high watermark); inf: it is not appended."""
    first: I64
    """[partitions] log start offset: what lies before it was deleted."""


class TopicCeilings(NamedTuple):
    """What brokers and partitions of a topic can take (KB-14); inf: anything."""

    brokers: int = 1
    """How many; partition p is led by broker p mod this."""
    broker_bytes_per_s: float = np.inf
    """Bytes that a broker takes a second, over the partitions that it leads."""
    broker_requests_per_s: float = np.inf
    """Batches that it takes a second."""
    partition_bytes_per_s: float = np.inf
    """Bytes that a partition takes a second."""


UNLIMITED = TopicCeilings()


class Topic:
    """Stage of the data plane: appends messages to partitions as time goes on."""

    def __init__(
        self,
        created_s: F64,
        partition_of: I32,
        partitions: int,
        size_bytes: I32,
        *,
        linger_s: float,
        batch_bytes: int,
        latency_s: F64,
        ceilings: TopicCeilings = UNLIMITED,
    ) -> None:
        """
        Args:
            created_s: [messages] ascending, s.
            partition_of: [messages] partition of each message.
            partitions: number of partitions.
            size_bytes: [messages], or [1] when all are the same.
            linger_s: linger.ms, in s.
            batch_bytes: batch.size.
            latency_s: [draws] from sending a batch to its being readable, taken in turn.
            ceilings: what its brokers and partitions can take.
        """
        n = created_s.size
        start = np.zeros(partitions + 1, np.int64)
        np.cumsum(np.bincount(partition_of, minlength=partitions), out=start[1:])
        self.created_s = created_s
        self.partition_of = partition_of
        self.counts = PartitionCounts(partitions)
        """How many of them there are, and from when on."""
        self.repeats = False
        """Whether a message can be in the log more than once."""
        self.grows = False
        """Whether there can be more records than there is room for."""
        self.gone = np.zeros(partitions, np.int64)
        """[partitions] records forgotten: offsets before this have no row any more."""
        self.beyond = 0
        """Records that have no row: forgotten, or of messages that are not known yet."""
        self._sent: tuple[F32, F64] | None = None
        """What `_ways_s` last found; None: time has gone on since."""
        self.truncated: list[tuple[int, float, int, F64]] = []
        """(partition, when, from which offset on, [records] when each was readable) of what
        elections cut off, s."""
        self.producer = k.LogProducer(
            partitions, created_s, partition_of, size_bytes, linger_s, batch_bytes, latency_s,
            k.LogServers(
                partitions,
                ceilings.brokers,
                1.0 / ceilings.broker_bytes_per_s,
                1.0 / ceilings.broker_requests_per_s,
                1.0 / ceilings.partition_bytes_per_s,
            ),
        )  # fmt: skip
        self._keep(
            LogColumns(
                start=start,
                end=np.zeros(partitions, np.int64),
                message=np.zeros(n, np.int32),
                visible_s=np.full(n, np.inf),
                first=np.zeros(partitions, np.int64),
            )
        )

    @classmethod
    def empty(cls, created_s: F64, room: I64) -> "Topic":
        """A topic without a producer of its own, which `put` fills.

        Args:
            created_s: [messages] ascending, s.
            room: [partitions] records for which there is room at first; more is made when needed.
        """
        no_one = np.zeros(0, np.int32)
        topic = cls(
            created_s[:0], no_one, room.size, no_one,
            linger_s=0.0, batch_bytes=1, latency_s=np.zeros(1),
        )  # fmt: skip
        topic.created_s = created_s
        topic.producer.next_message = created_s.size
        topic.repeats = topic.grows = True
        topic._lay(room)
        return topic

    @classmethod
    def of_records(
        cls, created_s: F64, partitions: int, message: I32, partition: I32, visible_s: F64
    ) -> "Topic":
        """A topic whose records are known beforehand.

        Args:
            created_s: [messages] ascending, s.
            partitions: number of partitions.
            message: [records] which message each is, in order of appending; any number of times.
            partition: [records] where it went.
            visible_s: [records] when it can be read, s; never before those ahead of it (LSO).
        """
        records = np.bincount(partition, minlength=partitions)
        topic = cls.empty(created_s, records)
        order = by_partition(partition, partitions)
        for p, here in enumerate(np.split(order, np.cumsum(records)[:-1])):
            topic.put(p, message[here], np.maximum.accumulate(visible_s[here]))
        topic.repeats = bool(np.bincount(message).max(initial=0) > 1)
        topic.grows = False
        return topic

    def stand(self, waiting: int, partition_of: I32) -> None:
        """Have the first messages, created before the start, in the log since their creation.

        Args:
            waiting: how many they are.
            partition_of: [waiting or more] partition of each.
        """
        for p in np.unique(partition_of[:waiting]).tolist():
            message = np.flatnonzero(partition_of[:waiting] == p).astype(np.int32)
            self.put(p, message, self.created_s[message])
        producer = self.producer
        producer.next_message = max(producer.next_message, waiting)

    def put(self, p: int, message: I32, visible_s: F64) -> None:
        """Append records to a partition.

        Args:
            p: the partition.
            message: [records] which message each is.
            visible_s: [records] ascending, when it can be read, s; never before those ahead of it.
        """
        self.make_room(p, message.size)
        log = self.log
        end, stop = int(log.end[p]), int(log.end[p]) + message.size
        here = slice(log.start[p] + end, log.start[p] + stop)
        log.message[here] = message
        log.visible_s[here] = visible_s
        times_s = log.visible_s[log.start[p] + max(0, end - 1) : here.stop]
        assert (times_s[:-1] <= times_s[1:]).all(), "readable before what lies ahead of it"
        log.end[p] = stop

    def make_room(self, p: int, records: int) -> None:
        """See that so many records more can be appended to a partition; rows may move."""
        room = np.diff(self.log.start)
        needed = int(self.log.end[p]) + records
        if needed > room[p]:
            room[p] = max(needed, 2 * room[p])
            self._lay(room)

    def truncate(self, p: int, to: int, at_s: float) -> None:
        """Take the records of a partition from offset ``to`` on out of the log, at ``at_s``."""
        log = self.log
        rows = slice(log.start[p] + to, log.start[p] + log.end[p])
        self.truncated.append((p, at_s, to, log.visible_s[rows].copy()))
        log.visible_s[rows] = np.inf
        log.end[p] = to

    def roll_on(self, final: int, created_s: F64, partition_of: I32) -> list[Move]:
        """Forget the records of the first ``final`` messages, and get to know of more messages.

        Every message must be in one partition, once (no `put`). Messages are numbered anew from 0;
        offsets stay.

        Args:
            final: messages to forget, of those known; their records must be appended.
            created_s: [messages] of those that come behind the ones known, ascending, s.
            partition_of: [messages] partition of each of these.

        Returns:
            how the rows have moved: columns that lie as the log's must follow.
        """
        old, producer, partitions = self.log, self.producer, self.log.end.size
        known = self.partition_of
        self.gone = self.gone + np.bincount(known[:final], minlength=partitions)
        self.partition_of = np.concatenate([known[final:], partition_of])
        self.created_s = np.concatenate([self.created_s[final:], created_s])
        start = np.zeros(partitions + 1, np.int64)
        np.cumsum(np.bincount(self.partition_of, minlength=partitions), out=start[1:])
        kept = old.end + np.asarray(producer.open_records) - self.gone
        sources = old.start[:-1] + self.gone
        moves = [Move(*rows) for rows in zip(sources, start[:-1].copy(), kept, strict=True)]
        message = moved(old.message, moves, self.partition_of.size, final)
        message -= np.int32(final)
        start[:-1] -= self.gone
        producer.created_s, producer.partition_of = self.created_s, self.partition_of
        producer.next_message -= final
        rows = self.partition_of.size
        producer.way_s = moved(np.asarray(producer.way_s), moves, rows, 0.0)
        if producer.over_s.size:
            producer.over_s = moved(np.asarray(producer.over_s), moves, rows, 0.0)
        self._sent = None
        self.beyond += old.message.size - message.size
        visible_s = moved(old.visible_s, moves, message.size, np.inf)
        self._keep(old._replace(start=start, message=message, visible_s=visible_s))
        return moves

    def _lay(self, room: I64) -> None:
        """Lay the partitions end to end anew, each with room for so many records."""
        old = self.log
        start = np.zeros(room.size + 1, np.int64)
        np.cumsum(room, out=start[1:])
        self._keep(
            old._replace(
                start=start,
                message=relaid(old.message, old.start, start, 0),
                visible_s=relaid(old.visible_s, old.start, start, np.inf),
            )
        )

    def _keep(self, log: LogColumns) -> None:
        self.log = log
        """The records."""
        self.rows = k.Log(*log)
        """The same columns as kernels have them."""

    def seen_at(self, visible_s: F64) -> "Topic":
        """The same records, for a reader to whom each is readable from ``visible_s`` [records]."""
        view = copy(self)
        view._keep(self.log._replace(visible_s=visible_s))
        return view

    def waited(self) -> tuple[I64, I64]:
        """[brokers] and [partitions] how many batches waited long for each."""
        met = self.producer.ceilings
        return np.asarray(met.broker_waited), np.asarray(met.partition_waited)

    def full_s(self) -> tuple[F64, F64]:
        """[2, brokers] and [2, partitions] from and until when a batch waited long for each, s.

        Inf and -inf where none did.
        """
        met = self.producer.ceilings
        return np.asarray(met.broker_full_s), np.asarray(met.partition_full_s)

    def advance(self, until_s: float) -> None:
        """Append every batch that leaves the producer by ``until_s``.

        Raises:
            AssertionError: a message was lost, or made, between the application and the log.
        """
        self._sent = None
        has = k.append(self.rows, self.producer, until_s)
        taken = self.producer.next_message + int(self.gone.sum())
        assert has == taken or not self.partition_of.size, (has, taken, self.log.end.tolist())

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, by when the record of each can be read."""
        way_s, over_s = self._ways_s()
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        left_s = entered_s - created_s
        return self._sent_parts_s(parts_s, left_s, way_s[first:last], over_s[first:last])

    def sent_parts_of(self, rows: I64, first: int, last: int, entered_s: F64) -> F64:
        """As `sent_parts_s`, of messages of which it is known in which row each is."""
        way_s, over_s = np.asarray(self.producer.way_s), np.asarray(self.producer.over_s)
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        return self._sent_parts_s(
            parts_s,
            entered_s - created_s,
            way_s[rows] if way_s.size else way_s,
            over_s[rows] if over_s.size else over_s,
        )

    def _sent_parts_s(self, parts_s: F64, left_s: F64, way_s: F32, over_s: F64) -> F64:
        """[parts, messages] of their time until they could be read, ``left_s``; it is used up."""
        if over_s.size:
            parts_s[TimePart.CEILING] = over_s
            left_s -= parts_s[TimePart.CEILING]
        if way_s.size:
            parts_s[TimePart.SEND] = np.minimum(way_s, left_s)
            parts_s[TimePart.BUFFER] = left_s - parts_s[TimePart.SEND]
        else:
            parts_s[TimePart.SEND] = left_s
        return parts_s

    def _ways_s(self) -> tuple[F32, F64]:
        """`LogProducer.way_s` and ``over_s`` by messages; they are asked for in many pieces."""
        if self._sent is None:
            way_s, over_s = np.asarray(self.producer.way_s), np.asarray(self.producer.over_s)
            self._sent = (
                self.to_messages(way_s, 0.0) if way_s.size else way_s,
                self.to_messages(over_s, 0.0) if over_s.size else over_s,
            )
        return self._sent

    def records(self) -> int:
        """Records that will be in the log, as far as is known now."""
        return int(self.log.end.sum()) if self.grows else self.log.message.size + self.beyond

    def to_messages(
        self, rows: NDArray[_T], fill: float, merge: np.ufunc = np.minimum
    ) -> NDArray[_T]:
        """A column in log order, put back in order of creation; ``fill`` where not appended.

        ``merge`` makes one value of those of a message that was appended more than once.
        """
        out = np.full(self.created_s.size, fill, rows.dtype)
        for p, end in enumerate(self.log.end):
            here = slice(self.log.start[p] + self.gone[p], self.log.start[p] + end)
            if self.repeats:
                merge.at(out, self.log.message[here], rows[here])
            else:
                out[self.log.message[here]] = rows[here]
        return out

    def log_end(self, at_s: F64) -> I64:
        """[samples, partitions] readable records at each of the (ascending) times ``at_s``.

        None of these is before a record was forgotten.
        """
        ends = np.zeros((at_s.size, self.log.end.size), np.int64)
        for p in range(self.log.end.size):
            ends[:, p] = self.gone[p] + np.searchsorted(self.readable_s(p), at_s, side="right")
        for p, gone_s, _, visible_s in self.truncated:
            ends[:, p] += np.searchsorted(visible_s, at_s, side="right") * (at_s < gone_s)
        return ends

    def readable(self, now_s: float) -> I64:
        """[partitions] records that can be read by now."""
        ends: I64 = self.log_end(np.array([now_s]))[0]
        return ends

    def readable_s(self, p: int, at_s: float = np.inf) -> F64:
        """[offsets] when each record of partition ``p`` became, or will become, readable.

        ``at_s``: as the partition was then; by default, as it is. From the first that is not
        forgotten on.
        """
        first = self.log.start[p]
        times_s = self.log.visible_s[first + self.gone[p] : first + self.log.end[p]]
        for q, gone_s, to, visible_s in reversed(self.truncated):
            if q == p and gone_s > at_s:
                times_s = np.concatenate([times_s[:to], visible_s])
        return times_s
