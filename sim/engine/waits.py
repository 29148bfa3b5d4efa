"""What a message waited for, from its creation to its first effect, and which limits acted."""

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np

from sim.engine import part_codes, waits_kernel
from sim.engine.acted_kernel import Acted
from sim.foundation.arrays import F64, I32, I64


class TimePart(IntEnum):
    """A part of a message's time; those of a message sum to its latency."""

    BUFFER = part_codes.BUFFER
    """In its producer: it lingers, or waits for its batch to fill, for room, or for its turn."""
    SEND = part_codes.SEND
    """On the way into the log or queue, with the retries of its call."""
    UNREACHABLE = part_codes.UNREACHABLE
    """Its producer could not reach a broker."""
    DELAY = part_codes.DELAY
    """It was asked for: DelaySeconds, countdown, ETA. Not behind."""
    NO_OWNER = part_codes.NO_OWNER
    """Nobody could be handed it: a session timeout, a rebalance, a restart, no consumer alive; or
    its publisher did not run."""
    LOCK = part_codes.LOCK
    """A visibility timeout or lock ran on after its holder was gone or had given up."""
    BACKOFF = part_codes.BACKOFF
    """Between a failed attempt and the next one, because a retry waits."""
    ATTEMPT = part_codes.ATTEMPT
    """In the hands of a consumer that then did not finish it, or had it behind others."""
    CAPACITY = part_codes.CAPACITY
    """Ready, while every consumer was busy. On SQS standard, one that makes calls for others is; on
    the other queues, of consumers of which some work and some make calls, the time is this in
    proportion to those that work, and `CALL` to the others."""
    HEAD_OF_LINE = part_codes.HEAD_OF_LINE
    """Ready, behind an earlier one of its partition or message group, while a consumer was idle."""
    CEILING = part_codes.CEILING
    """The broker or its client could do no more: a ceiling, a quota, a throttle."""
    CALL = part_codes.CALL
    """In a call that fetches or hands it over, or ready for one that an idle consumer makes."""
    HELD = part_codes.HELD
    """In the hands of the consumer that finished it, behind others: a batch, prefetch, a hoard. On
    queues but SQS standard, only while another consumer rests; while none does, `CAPACITY`."""
    SLOWED = part_codes.SLOWED
    """In work, longer than it takes: its consumer was slowed or paused."""
    WORK = part_codes.WORK
    """Its own work."""
    BEFORE_START = part_codes.BEFORE_START
    """Before the run began: it waited then already, and why is not known."""
    BLOCKED = part_codes.BLOCKED
    """Worked on, while whoever did waited for the next stage of a pipeline to take what comes of
    it."""

    @property
    def label(self) -> str:
        """In words, for a table or a chart."""
        return _LABELS[self]


_LABELS = {
    TimePart.BUFFER: "producer's buffer",
    TimePart.SEND: "send",
    TimePart.UNREACHABLE: "broker unreachable",
    TimePart.DELAY: "delay asked for",
    TimePart.NO_OWNER: "no owner",
    TimePart.LOCK: "lock of a holder that is gone",
    TimePart.BACKOFF: "retry back-off",
    TimePart.ATTEMPT: "attempts that failed",
    TimePart.CAPACITY: "all consumers busy",
    TimePart.HEAD_OF_LINE: "head of line",
    TimePart.CEILING: "ceiling",
    TimePart.CALL: "calls",
    TimePart.HELD: "held behind others",
    TimePart.SLOWED: "consumer slowed or paused",
    TimePart.WORK: "work",
    TimePart.BEFORE_START: "before the start",
    TimePart.BLOCKED: "held up by the next stage",
}


class Waits(Protocol):
    """Of the messages of a group, in order of creation: what each waited for."""

    def parts_s(self, first: int, last: int) -> F64:
        """[parts, last - first] s, of the messages from ``first`` to before ``last``.

        A column sums to ``done_s - created_s`` of its message, which
        `sim.measure.waits` asserts; that of a message without an effect may be anything.
        """


SPAN = 1 << 16
"""Messages that are asked for at once, where only some of them are wanted."""


def of_rows(parts_s: Callable[[int, int], F64], rows: I32) -> F64:
    """[parts, rows] of messages in any order, from what gives those of a stretch of messages.

    Args:
        parts_s: as `Waits.parts_s`.
        rows: [rows] the messages; one may be there more than once.
    """
    out = np.zeros((len(TimePart), rows.size))
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    at = 0
    while at < rows.size:
        low = int(ascending[at])
        stop = int(np.searchsorted(ascending, low + SPAN))
        here = ascending[at:stop] - low
        out[:, order[at:stop]] = parts_s(low, low + int(here[-1]) + 1)[:, here]
        at = stop
    return out


def after_start(parts_s: F64, created_s: F64, entered_s: F64) -> tuple[F64, F64]:
    """Note what was before the start, and give the times as if everything began with that.

    Args:
        parts_s: [parts, messages] s, to note it in.
        created_s: [messages] ascending, s.
        entered_s: [messages] s.
    """
    if not created_s.size or created_s[0] >= 0.0:
        return created_s, entered_s
    parts_s[TimePart.BEFORE_START] -= np.minimum(created_s, 0.0)
    return np.maximum(created_s, 0.0), np.maximum(entered_s, 0.0)


class Sent(Protocol):
    """How messages get into a log or a queue: where the time until then went."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """[parts, last - first] s, of the messages from ``first`` to before ``last``.

        A column sums to ``entered_s - created_s`` of its message; that of a message that has not
        entered may be anything. One that entered before the start counts as entered at 0: until
        then all is `TimePart.BEFORE_START`. The array is the caller's, to fill in the other parts.

        Args:
            first: number of a message, as whoever asks knows it now.
            last: likewise.
            entered_s: [last - first] when each came into the log or queue, s: the time at which the
                record could be read, or the one of its row in the queue's feed.
        """


class Unsplit(NamedTuple):
    """Messages of whose way is known only when it began: all of it counts as `TimePart.SEND`."""

    created_s: F64
    """[messages] s."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `Sent.sent_parts_s`."""
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        parts_s[TimePart.SEND] = entered_s - created_s
        return parts_s


def sent_of_rows(sent: Sent, rows: I32, entered_s: F64) -> F64:
    """[parts, rows] of messages in any order: until ``entered_s``, which is one's each time.

    Args:
        sent: of all messages.
        rows: [rows] the messages; one may be there more than once, as one of several records.
        entered_s: [rows] s.
    """
    out = np.zeros((len(TimePart), rows.size))
    left = np.arange(rows.size)
    while left.size:
        some, first = np.unique(rows[left], return_index=True)
        at = left[first]
        for low in range(int(some[0]), int(some[-1]) + 1, SPAN):
            here = slice(*np.searchsorted(some, [low, low + SPAN]))
            its = some[here] - low
            if not its.size:
                continue
            all_s = np.full(int(its[-1]) + 1, np.inf)
            all_s[its] = entered_s[at[here]]
            out[:, at[here]] = sent.sent_parts_s(low, low + all_s.size, all_s)[:, its]
        left = np.delete(left, first)
    return out


class SentOnly(NamedTuple):
    """Of some of the messages, numbered anew from 0."""

    whole: Sent
    rows: I32
    """[messages] ascending."""

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `Sent.sent_parts_s`, of the messages in ``rows``."""
        return sent_of_rows(self.whole, self.rows[first:last], entered_s)


LINGERED = "batches waited this long to fill, and left before they were full"
"""What a limit of a producer's lingering did."""


class Limit(NamedTuple):
    """A limit that acted in a run: what the place that applies it says of it."""

    key: str
    """The product's own name of it: ``VisibilityTimeout``."""
    path: str
    """Where its key stands in the scenario, below the system: ``queues.counters.
    VisibilityTimeout``, or from the top: ``faults.0.scaler.tolerance``; "" where it is no key."""
    value: str
    """As the scenario would write it: ``30s``, ``1``."""
    target: str
    """Whom it held up or struck: a consumer, a partition, a message group; "": all of the group."""
    what: str
    """What it did, as a clause: ``made messages visible while they were worked on``."""
    times: int
    """How often."""
    first_s: float
    """When first, s."""
    last_s: float
    """When last, s."""
    part: TimePart | None = None
    """It is worth telling only where this is much of the messages' time; None: wherever it acted.
    That a message waits, now and then, because all consumers are busy is no limit yet."""


def of_kernel(
    acted: Acted, key: str, value: str, what: str, *, path: str = "", target: str = ""
) -> Iterator[Limit]:
    """A limit of which a kernel has counted how often it acted, if it did; see `Limit`."""
    if acted.times:
        yield Limit(key, path, value, target, what, acted.times, acted.first_s, acted.last_s)


BLOCK = 1 << part_codes.BLOCK_BITS
"""Messages that are split at a time, so that their parts stay near the CPU."""
ENOUGH = 1 << 17
"""Messages of a group, about, that are split at the least; of more, every so-manieth block."""


def every(total: int) -> int:
    """Every how-manieth block is split where there are ``total`` messages; the first always is."""
    return max(1, total // ENOUGH)


class SplitRows:
    """The messages whose time is split, among those that are known: whoever notes what only the
    parts of a message are made from does it of these, in columns that hold nobody else."""

    def __init__(self, total: int, gone: int, n: int) -> None:
        """
        Args:
            total: messages that there will be in all.
            gone: messages forgotten; those known are numbered from 0, behind them.
            n: messages that are known.
        """
        self.every = every(total)
        blocks = np.arange(gone // BLOCK, -(-(gone + n) // BLOCK) + 1)
        split = blocks % self.every == 0
        self.start: I64 = np.where(split, (np.cumsum(split) - 1) * BLOCK, -1)
        """[blocks] row of the columns at which each block begins; -1: it is not split. The first
        block is that of message ``gone``, which need not be its first."""
        self.gone = gone % BLOCK
        """Messages of the first block that are forgotten."""
        self.rows = int(np.count_nonzero(split)) * BLOCK
        """Rows of the columns."""
        self.row_0 = -(-(gone // BLOCK) // self.every) * BLOCK
        """Which row the first one would be, were nothing forgotten."""

    def rows_of(self, first: int, last: int) -> slice:
        """The rows of some messages: of one block, or where all blocks are split."""
        block, within = divmod(first + self.gone, BLOCK)
        row = int(self.start[block])
        assert row >= 0, "of these messages, what their time is split by is not noted"
        assert self.every == 1 or within + last - first <= BLOCK, "messages of several blocks"
        return slice(row + within, row + within + last - first)


class Stretches:
    """Disjoint stretches of time, ascending, and how much of them lies before any time.

    That of an idle consumer in a group, of a partition without an owner: what a message that
    waited from a to b met of it is ``before(b) - before(a)``.
    """

    def __init__(self, from_s: F64, until_s: F64) -> None:
        """
        Args:
            from_s: [stretches] s.
            until_s: [stretches] s; the last may be inf.
        """
        self.from_s: F64 = np.ascontiguousarray(from_s, np.float64)
        self.until_s: F64 = np.ascontiguousarray(until_s, np.float64)
        self._sum_s: F64 = np.concatenate([[0.0], np.cumsum(self.until_s - self.from_s)])

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "Stretches":
        """From (from, until) pairs, s: in any order, they may overlap or be empty."""
        ends = np.array(pairs, np.float64).reshape(-1, 2)
        return cls.union(ends[:, 0], ends[:, 1])

    @classmethod
    def union(cls, from_s: F64, until_s: F64) -> "Stretches":
        """From the ends of stretches, s: in any order, they may overlap or be empty."""
        some = np.flatnonzero(from_s < until_s)
        order = some[np.argsort(from_s[some], kind="stable")]
        from_s, last_s = from_s[order], np.maximum.accumulate(until_s[order])
        begins = np.ones(order.size, np.bool_)
        begins[1:] = from_s[1:] > last_s[:-1]
        return cls(from_s[begins], last_s[np.append(begins[1:], True)[: order.size]])

    def before(self, at_s: F64) -> F64:
        """[times] how much of the stretches lies before each time, s."""
        out = np.zeros(at_s.shape)
        if self.from_s.size:
            at_s = np.ascontiguousarray(at_s, np.float64)
            waits_kernel.before(self.from_s, self.until_s, self._sum_s, at_s, out)
        return out
