"""From what brokers have stored to what consumers can read, entry by entry of the journal.

Rules held: KB-05 (a record can be read once all in-sync replicas have it, and they are enough),
KP-16 and KC-19 (records of a transaction once it is committed; until it has ended they hold up
those behind them: the last stable offset; if it is aborted they are never read;
who reads uncommitted records waits for no end, and reads these too), KB-07 (what an
election cuts off is gone), KB-13 (a leader that stands still lets nothing become readable).
"""

import cython
import numpy as np

from sim.engine.acted_kernel import Acted, note
from sim.foundation import num
from sim.foundation.arrays import F64, I64, U8
from sim.log.topic_kernel import Log
from sim.producer.kafka_client_state_kernel import Journal

LONG_S = 1.0
"""Records that wait for longer than this have met a limit: until a poll's worth is processed, sent
and committed, as all do that are in a transaction, takes some tenths."""


class Spans:
    """Stretches of time in a partition's life, in any order."""

    def __init__(self, partition: I64, from_s: F64, until_s: F64) -> None:
        self.partition = partition
        """[spans]"""
        self.from_s = from_s
        """[spans]"""
        self.until_s = until_s
        """[spans] inf: it goes on."""


class TailState:
    """Entries of the journal that cannot be read yet, and what holds them up."""

    def __init__(
        self,
        room: int,
        partitions: int,
        replicate_s: float,
        short: Spans,
        cuts: Spans,
        still: Spans,
        committed: bool = True,
    ) -> None:
        self.committed = committed
        """Whether who reads this waits for transactions to end (read_committed), and is not given
        what was aborted."""
        self.replicate_s = replicate_s
        """From an append to its being on all in-sync replicas."""
        self.short = short
        """When partitions had too few replicas in sync."""
        self.cuts = cuts
        """What elections cut off: appended after from_s, until until_s."""
        self.still = still
        """When leaders of partitions stood still."""
        self.entry: I64 = np.zeros(room, np.int64)
        """[room] numbers of the entries, ascending; there is room for all those of the journal."""
        self.waiting = 0
        """How many wait."""
        self.taken = 0
        """How many of the journal were looked at."""
        self.held = Acted()
        """Records that waited long for the end of a transaction, their own or one before."""
        self.moved = 0
        """Rows that became readable."""
        self.lack = 0
        """Records for which the log had no room, when `move` said so."""
        self.last_s: F64 = np.full(partitions, -num.INF)
        """[partitions] when the last record became readable, or was known to be none."""
        self.stable_s: F64 = np.full(partitions, -num.INF)
        """[partitions] when the last aborted transaction before what waits had ended."""
        self.shut: U8 = np.zeros(partitions, np.uint8)
        """[partitions] scratch; 1: an entry before waits."""


def _is_cut(at: float, p: int, tail: TailState) -> bool:
    """Whether an election cut off what was appended to a partition at a time."""
    for i in range(tail.cuts.partition.shape[0]):
        if tail.cuts.partition[i] == p and tail.cuts.from_s[i] < at and at <= tail.cuts.until_s[i]:
            return True
    return False


def _readable_s(at: float, p: int, tail: TailState) -> float:
    """When what was appended to a partition, or committed, at a time can be read."""
    readable: float = max(at + tail.replicate_s, tail.last_s[p])
    for s in range(tail.short.partition.shape[0]):
        until_s = tail.short.until_s[s]
        if tail.short.partition[s] == p and tail.short.from_s[s] <= at and at < until_s:
            readable = max(readable, until_s)
    for s in range(tail.still.partition.shape[0]):
        until_s = tail.still.until_s[s]
        if tail.still.partition[s] == p and tail.still.from_s[s] < readable and readable < until_s:
            readable = until_s
    return readable


def _take_new(entries: int, tail: TailState) -> None:
    for entry in range(tail.taken, entries):
        tail.entry[tail.waiting] = entry
        tail.waiting += 1
    tail.taken = entries
    for p in range(tail.shut.shape[0]):
        tail.shut[p] = 0


def _note_wait(append_s: float, visible_s: float, p: int, n: int, tail: TailState) -> None:
    """Note how records waited for the last stable offset (KC-19)."""
    stable_s = max(visible_s, tail.stable_s[p])
    if stable_s - append_s > LONG_S:
        note(tail.held, append_s, stable_s, n)


def _move(until_s: float, journal: Journal, tail: TailState, log: Log) -> int:
    _take_new(journal.entries, tail)
    full = -1
    kept = 0
    for i in range(tail.waiting):
        entry = tail.entry[i]
        p = journal.partition[entry]
        n = journal.n[entry]
        readable = num.INF
        if full < 0 and tail.shut[p] == 0:
            if _is_cut(journal.append_s[entry], p, tail):
                continue
            at = journal.visible_s[entry] if tail.committed else journal.append_s[entry]
            if at < num.INF:
                readable = _readable_s(at, p, tail)
            elif journal.aborted_s[entry] <= until_s:
                tail.last_s[p] = max(tail.last_s[p], journal.aborted_s[entry])
                tail.stable_s[p] = max(tail.stable_s[p], journal.aborted_s[entry])
                continue
            if readable <= until_s and log.end[p] + n > log.start[p + 1] - log.start[p]:
                full = p
                tail.lack = n
                readable = num.INF
        if readable > until_s or readable == num.INF:
            tail.shut[p] = 1
            tail.entry[kept] = entry
            kept += 1
            continue
        if tail.committed:
            _note_wait(journal.append_s[entry], at, p, n, tail)
        first = journal.first[entry]
        row = log.start[p] + log.end[p]
        for record in range(n):
            log.message[row + record] = journal.row[first + record]
            log.visible_s[row + record] = readable
        log.end[p] += n
        tail.moved += n
        tail.last_s[p] = readable
    tail.waiting = kept
    return full


def move(until_s: float, journal: Journal, tail: TailState, log: Log) -> int:
    """Put into the log what can be read by ``until_s``, partition by partition in order.

    Args:
        until_s: present time.
        journal: of the client.
        tail: of the journal; changed.
        log: of the topic; changed.

    Returns:
        a partition that needs more room in the log before this is called again, or -1;
        ``tail.lack`` says how many records wait for the room.
    """
    with cython.nogil:
        full = _move(until_s, journal, tail, log)
    return full
