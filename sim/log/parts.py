"""What the records of a group waited for: each one's time from creation to its first effect.

Between the fetch that could have returned a record and the poll that did:

- its partition stood still: nobody who runs owned it, or its owner waited to try again;
- it was handed over, and whoever had it did not finish it;
- its owner worked on something else, of the same partition or of another of its own. While every
  member that lives did, they could do no more; while one was idle, it was the partition that kept
  the record from it, which has one owner at a time.

What the owner was handed together is then worked on one after the other.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from sim.engine.acted_kernel import Acted, note
from sim.engine.waits import Sent, TimePart
from sim.foundation.arrays import F64, I64
from sim.log import parts_kernel as k
from sim.log.group import Group
from sim.log.poisoned import Place
from sim.log.standing import BACKOFF, NO_OWNER

BLOCK = 1 << 13
"""Messages that are split at a time."""
LONG_S = 0.1
"""A record that waits longer than this behind others, while a member is idle, is kept from it."""

Ceiling = Callable[[I64], F64]
"""Of the records in some rows: how much of the time until the group is given them is one, s."""


def columns_of(group: Group) -> dict[str, Any]:
    """[rows] of each: what is read of a record to split its time; those that are not kept: none."""
    records = group.state.records
    names = ("done_s", "handed_s", "slowed_s", "asked_s", "got_s", "service_s")
    columns = {name: np.asarray(getattr(records, name)) for name in names}
    rows = columns["done_s"].size
    kept = {name: column for name, column in columns.items() if column.size == rows}
    visible_s, created_s = group.topic.log.visible_s, group.topic.created_s
    if created_s.size and created_s[0] < 0.0:
        visible_s = np.maximum(visible_s, 0.0)  # what came before the start counts from there
    return {"visible_s": visible_s, **kept}


class Behind:
    """Which records waited long behind others of their partition or owner, while one was idle."""

    def __init__(self, partitions: int) -> None:
        self.times = np.zeros(partitions, np.int64)
        """[partitions] records that did."""
        self.behind = Acted()
        """The same of all."""
        self.busy = Acted()
        """Those that waited long while no member was idle."""

    def add(self, partition: I64, from_s: F64, until_s: F64) -> None:
        """Records, [records] of which partitions, that waited so within these times."""
        self.times += np.bincount(partition, minlength=self.times.size)
        _note(self.behind, from_s, until_s)

    def add_busy(self, from_s: F64, until_s: F64) -> None:
        """Records that waited while no member was idle, [records] within these times."""
        _note(self.busy, from_s, until_s)


def _note(acted: Acted, from_s: F64, until_s: F64) -> None:
    if from_s.size:
        note(acted, float(from_s.min()), float(until_s.max()), from_s.size)


class LogWaits:
    """A `sim.engine.waits.Waits` of a group, as far as it is advanced."""

    def __init__(
        self,
        group: Group,
        sent: Sent,
        *,
        per_record_s: float = 0.0,
        ceiling: Ceiling | None = None,
        behind: Behind | None = None,
    ) -> None:
        """
        Args:
            group: whose.
            sent: how its messages get into the log.
            per_record_s: of each record's work, what the client takes; it counts as a call.
            ceiling: how much of the calls that ``sent`` tells of is one; None: nothing.
            behind: to note there what waited; None: nowhere.
        """
        self.group = group
        self.sent = sent
        self.per_record_s = per_record_s
        self.ceiling = ceiling
        self.behind = behind
        state = group.state
        group.standing.note_all(state, group.now_s)
        self._stood = {
            part: stood
            for part, how in ((TimePart.NO_OWNER, NO_OWNER), (TimePart.BACKOFF, BACKOFF))
            if (stood := group.standing.stretches(state, how)) is not None
        }
        self._columns = columns_of(group)
        self._row_of: I64 | None = None
        """[messages] where it is not as simple as `rows_of` has it."""
        self._next = 0, group.topic.gone.copy()
        """The message that `_rows` found last, and the offset of the next of each partition."""
        topic = group.topic
        if topic.repeats or topic.grows or not topic.partition_of.size:
            self._row_of = self._find_rows()
        self._tries = self._find_tries()

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        rows, topic = self._rows(first, last), self.group.topic
        if not self._columns["done_s"].size:
            return np.zeros((len(TimePart), last - first))
        visible_s = self._columns["visible_s"][rows]
        if self.sent is topic and self._row_of is None:
            parts_s = topic.sent_parts_of(rows, first, last, visible_s)
        else:
            parts_s = np.ascontiguousarray(self.sent.sent_parts_s(first, last, visible_s))
        if self.ceiling is not None:
            held_s = np.minimum(self.ceiling(rows), parts_s[TimePart.CALL])
            parts_s[TimePart.CALL] -= held_s
            parts_s[TimePart.CEILING] += held_s
        self._split(parts_s, rows, first, last)
        return parts_s

    def _split(self, parts_s: F64, rows: I64, first: int, last: int) -> None:
        """Add to ``parts_s`` what is known of the messages in ``rows`` from the log on."""
        columns, none = self._columns, np.zeros(0)
        reading, (from_s, until_s, fetch_s) = self.group.reading, np.zeros((3, last - first))
        # A program that commits before it works does so between the poll and the first record.
        commits = reading.auto_commit_s < 0.0 and reading.before and reading.wait
        k.split(
            rows,
            columns["visible_s"],
            columns["done_s"],
            columns["handed_s"],
            columns.get("slowed_s", none),
            columns.get("asked_s", none),
            columns.get("got_s", none),
            columns["service_s"],
            reading.fetch_s,
            reading.per_batch_s + (reading.commit_s if commits else 0.0),
            self.per_record_s,
            from_s,
            until_s,
            fetch_s,
            parts_s[TimePart.CALL],
            parts_s[TimePart.HELD],
            parts_s[TimePart.SLOWED],
            parts_s[TimePart.WORK],
        )
        partition = self._partition(rows, first, last) if self._stood else None
        self._add_waited(parts_s, partition, from_s, until_s)
        if "asked_s" in columns:  # its owner was the one that was idle
            parts_s[TimePart.CALL] += fetch_s
            parts_s[TimePart.HEAD_OF_LINE] -= fetch_s
        for i, tries in self._tries_of(rows):
            for of in tries:
                if from_s[i] <= of.from_s and of.until_s <= columns["handed_s"][rows[i]]:
                    parts_s[:, i] -= of.else_s
                    parts_s[TimePart.ATTEMPT, i] += of.until_s - of.from_s
        if self.behind is not None:
            long = np.flatnonzero(parts_s[TimePart.HEAD_OF_LINE] > LONG_S)
            if long.size:
                its = self._partition(rows, first, last)[long]
                self.behind.add(its, from_s[long], until_s[long])
            long = np.flatnonzero(parts_s[TimePart.CAPACITY] > LONG_S)
            self.behind.add_busy(from_s[long], until_s[long])

    def failed_parts_s(
        self, place: Place, readable_s: float, fetch_s: tuple[float, float], polled_s: float
    ) -> F64:
        """[parts] of a record's time until the delivery of which nothing came, s.

        Args:
            place: partition and offset of the record.
            readable_s: when it could be read, s.
            fetch_s: when the fetch that returned it began, and was answered, s.
            polled_s: when it was handed over, s.
        """
        parts_s = np.zeros((len(TimePart), 1))
        fetched_s = min(readable_s + self.group.reading.fetch_s, polled_s)
        parts_s[TimePart.CALL] += fetched_s - readable_s
        partition = np.array([place[0]], np.int64) if self._stood else None
        self._add_waited(parts_s, partition, np.array([fetched_s]), np.array([polled_s]))
        if "asked_s" in self._columns:
            asked_s, got_s = fetch_s
            waited_s = max(0.0, min(got_s, polled_s) - max(asked_s, fetched_s))
            parts_s[TimePart.CALL] += waited_s
            parts_s[TimePart.HEAD_OF_LINE] -= waited_s
        row = np.array([self.group.topic.log.start[place[0]] + place[1]])
        for _, tries in self._tries_of(row):
            for of in tries:
                if fetched_s <= of.from_s and of.until_s <= polled_s:
                    parts_s[:, 0] -= of.else_s
                    parts_s[TimePart.ATTEMPT] += of.until_s - of.from_s
        return parts_s[:, 0]

    def note_behind(self) -> None:
        """Split all, to note what waited behind others."""
        n = self.group.topic.created_s.size if self._columns["done_s"].size else 0
        for first in range(0, n, BLOCK):
            last = min(first + BLOCK, n)
            rows = self._rows(first, last)
            self._split(np.zeros((len(TimePart), last - first)), rows, first, last)

    def _add_waited(self, parts_s: F64, partition: I64 | None, from_s: F64, until_s: F64) -> None:
        """Add what the times were in which records that could be had were in nobody's hands.

        Args:
            parts_s: [parts, times] to add to.
            partition: [times] which partition; None: none ever stood still.
            from_s: [times] s.
            until_s: [times] s.
        """
        idle = self.group.state.idle
        idle_from_s, idle_until_s = idle.before(from_s), idle.before(until_s)
        behind_s = idle_until_s - idle_from_s
        left_s = until_s - from_s - behind_s
        if partition is not None:
            for part, stood in self._stood.items():
                stood_s, idle_then_s = np.zeros(from_s.size), np.zeros(from_s.size)
                k.stand(partition, *stood, until_s, idle_until_s, 1.0, stood_s, idle_then_s)
                k.stand(partition, *stood, from_s, idle_from_s, -1.0, stood_s, idle_then_s)
                parts_s[part] += stood_s
                behind_s -= idle_then_s
                left_s -= stood_s - idle_then_s
        parts_s[TimePart.HEAD_OF_LINE] += behind_s
        parts_s[TimePart.CAPACITY] += left_s

    # Which rows are whose.

    def _rows(self, first: int, last: int) -> I64:
        """[messages] the row that was processed first; -1: none is known to be."""
        if self._row_of is not None:
            return self._row_of[first:last]
        at, following = self._next
        topic = self.group.topic
        if at != first:
            before = np.bincount(topic.partition_of[:first], minlength=topic.gone.size)
            following = topic.gone + before
        rows = np.zeros(last - first, np.int64)
        k.rows_of(topic.partition_of, first, last, topic.log.start[:-1], following, rows)
        self._next = last, following
        return rows

    def _find_rows(self) -> I64:
        """[messages] the row of each that was processed first; -1: none was."""
        log, group = self.group.topic.log, self.group
        message = [log.message, *(gone.message for gone in group.truncated)]
        for name, column in self._columns.items():
            of_gone = [
                gone.columns.get(name, np.zeros(gone.message.size)) for gone in group.truncated
            ]
            self._columns[name] = np.concatenate([column, *of_gone])
        done_s = self._columns["done_s"]
        rows = np.flatnonzero(done_s < np.inf)
        rows = rows[np.argsort(-done_s[rows], kind="stable")]
        out = np.full(self.group.topic.created_s.size, -1, np.int64)
        out[np.concatenate(message)[rows]] = rows  # of several, the last one stays: the first done
        return out

    def _partition(self, rows: I64, first: int, last: int) -> I64:
        """[messages] the partition of each."""
        topic = self.group.topic
        if self._row_of is None:
            return topic.partition_of[first:last].astype(np.int64)
        starts = topic.log.start
        gone = [(cut.partition, cut.message.size) for cut in self.group.truncated]
        of_gone = np.repeat([p for p, _ in gone], [n for _, n in gone]).astype(np.int64)
        found = np.searchsorted(starts, rows, side="right") - 1
        cut_off = rows >= starts[-1]
        found[cut_off] = of_gone[rows[cut_off] - starts[-1]]
        return np.clip(found, 0, starts.size - 2)

    # Deliveries that came to nothing.

    def _find_tries(self) -> tuple[I64, I64, list["_Try"]]:
        """[records] rows, ascending, and which delivery each had; and these."""
        start, gone = self.group.topic.log.start, self.group.topic.gone
        tries, rows = [], [np.zeros(0, np.int64)]
        for a in self.group.standing.attempts:
            else_s = np.zeros((len(TimePart), 1))
            ends_s = np.array([a.from_s]), np.array([a.until_s])
            self._add_waited(else_s, np.array([a.partition], np.int64), *ends_s)
            tries.append(_Try(a.from_s, a.until_s, else_s[:, 0]))
            rows.append(start[a.partition] + np.arange(max(a.low, gone[a.partition]), a.high))
        row = np.concatenate(rows)
        which = np.repeat(np.arange(len(tries)), [its.size for its in rows[1:]])
        order = np.argsort(row, kind="stable")
        return row[order], which[order], tries

    def _tries_of(self, rows: I64) -> Iterator[tuple[int, list["_Try"]]]:
        """Those of ``rows`` that had deliveries which came to nothing: the place, and these."""
        row, which, tries = self._tries
        if not row.size:
            return
        low, high = np.searchsorted(row, rows), np.searchsorted(row, rows, side="right")
        for i in np.flatnonzero(high > low).tolist():
            yield i, [tries[which[j]] for j in range(low[i], high[i])]


class _Try(NamedTuple):
    """A delivery that came to nothing."""

    from_s: float
    until_s: float
    else_s: F64
    """[parts] what its time would have been for a record that was not in hand, s."""
