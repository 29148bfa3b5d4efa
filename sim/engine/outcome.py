"""What one consumer group (or queue) made of the messages: the hand-over from engine to metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np

from sim.engine.waits import Limit, Waits, of_rows
from sim.foundation.arrays import F64, I32, I64, U8, U16

if TYPE_CHECKING:
    import pandas as pd


CEILING = "reaches its ceiling"
"""Words in the text of something that could do no more for a while."""


class Fate(IntEnum):
    """What became of a message, exactly one per group; the codes are stored as uint8."""

    UNFINISHED = 0
    PROCESSED = 1
    DEAD_LETTERED = 2
    LOST_PRODUCER_BUFFER = 3
    LOST_SEND_EXPIRED = 4
    LOST_BROKER_FAILOVER = 5
    LOST_RETENTION = 6
    LOST_ACKED_BEFORE_PROCESSING = 7
    LOST_REJECTED = 8
    LOST_OFFSET_RESET = 9
    LOST_TRANSACTION_ABORTED = 10

    @property
    def lost(self) -> bool:
        """Whether the message can never be processed, other than by being dead-lettered."""
        return self >= Fate.LOST_PRODUCER_BUFFER

    @property
    def label(self) -> str:
        """In words, for a table or a chart."""
        return self.name.replace("_", " ").lower().replace("dead lettered", "dead-lettered")

    @property
    def place(self) -> str:
        """Where a lost message was lost; empty for the other fates."""
        return self.label.removeprefix("lost ") if self.lost else ""


@dataclass(frozen=True)
class Effects:
    """Every time that a message was processed, repeats included, in order of time."""

    at_s: F64
    """[effects] ascending, s."""
    message: I32
    """[effects]"""

    def only(self, rows: I32) -> "Effects":
        """Those of the messages in ``rows`` (ascending), numbered anew from 0."""
        place = np.searchsorted(rows, self.message)
        kept = np.flatnonzero(np.isin(self.message, rows))
        return Effects(self.at_s[kept], place[kept].astype(np.int32))

    @classmethod
    def of(
        cls,
        done_s: F64,
        message: I32,
        again_s: F64,
        again: I32,
    ) -> "Effects":
        """Merge first effects (``done_s``, inf: none) with repeated ones, in any order each."""
        rows = np.flatnonzero(done_s < np.inf)
        at_s = np.concatenate([done_s[rows], again_s])
        order = np.argsort(at_s, kind="stable")
        return cls(at_s[order], np.concatenate([message[rows], again])[order])


@dataclass(frozen=True)
class Offsets:
    """The partitions of a log at the sample times of the gauges, as one group stands to them."""

    start: I64
    """[samples, partitions] log start offset."""
    end: I64
    """[samples, partitions] log-end offset: the next that will be readable."""
    position: I64
    """[samples, partitions] next offset to hand over; below 0: none yet."""
    committed: I64
    """[samples, partitions] committed offset; below 0: none yet."""
    commit_s: F64
    """[samples, partitions] time of the last commit, s; -inf: none yet."""
    readable_s: Callable[[int, float], F64]
    """For a partition as it was at a time, [offsets] when each record became readable, s."""
    done_s: Callable[[int, float], F64]
    """For the same, [offsets] when each record was first processed, s; inf: never."""
    known_s: F64 | None = None
    """[samples, partitions] `waited_s`, where the records are not there any more; else None."""

    def waited_s(self, g: int, p: int, t_s: float) -> float:
        """Age of the oldest record of partition ``p`` that waits at sample ``g``, s; 0: none does.

        It is counted from when the record became readable. ``t_s``: the time of the sample.
        """
        if self.known_s is not None:
            return float(self.known_s[g, p])
        first = max(int(self.committed[g, p]), int(self.start[g, p]), 0)
        handed = max(int(self.position[g, p]), first)
        late = self.done_s(p, t_s)[first:handed] > t_s
        oldest = first + int(late.argmax()) if late.any() else handed
        if oldest >= self.end[g, p]:
            return 0.0
        return t_s - float(self.readable_s(p, t_s)[oldest])


@dataclass(frozen=True)
class Publication:
    """What became of a system's publisher."""

    producer: "pd.DataFrame"
    """One row: see `sim.measure.tables.Tables.producer`."""
    buffer: "pd.DataFrame"
    """See `sim.measure.tables.Tables.buffer`."""
    happened: Sequence[tuple[float, float, str]]
    """(from, until, text) of what is known only afterwards, s."""
    limits: Sequence[Limit] = ()
    """Limits that acted on it."""


class Became(Protocol):
    """What became of some messages so far, in order of their creation."""

    @property
    def fate(self) -> U8:
        """[messages] a `Fate`."""

    @property
    def done_s(self) -> F64:
        """[messages] first effect, s; inf: none yet."""

    @property
    def effects(self) -> U16:
        """[messages] how often each was processed."""

    @property
    def waits(self) -> Waits | None:
        """What each waited for; None: that was not measured."""


class Some(NamedTuple):
    """Of some of a group's messages, what each waited for."""

    whole: Waits
    rows: I32
    """[messages] ascending."""

    def parts_s(self, first: int, last: int) -> F64:
        """As `Waits.parts_s`, of the messages in ``rows``."""
        return of_rows(self.whole.parts_s, self.rows[first:last])


@dataclass(frozen=True)
class GroupOutcome:
    """Every message as one group saw it. Arrays over messages are in order of creation."""

    system: str
    group: str
    kind: Literal["log", "queue"]
    product: str
    fate: U8
    """[messages] a `Fate`."""
    done_s: F64
    """[messages] first effect, s; inf: never."""
    effects: U16
    """[messages] how often it was processed."""
    extra_deliveries: int
    """Deliveries to a consumer beyond the first of each message."""
    gauges_t_s: F64
    """[samples] sample times of the gauges, s."""
    gauges: Mapping[str, I64]
    """[samples] messages; log: log_end, position, committed; queue: enqueued, ready, in_flight."""
    history: Effects | None
    """Of a group that keeps a ledger, or has a bug; else None."""
    consumers: int
    """Places that ever had a member or worker, alive or not."""
    deliveries: int
    """Times any message was handed to a consumer."""
    calls: int
    """Receive calls or polls that returned messages."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """Calls that a service bills, by kind (send, receive, empty receive, delete); may be empty."""
    rows: I32 | None = None
    """[messages] the messages meant for this group, ascending, where it does not get them all;
    "messages" in the other columns means these."""
    happened: Sequence[tuple[float, float, str]] = ()
    """(from, until, text) of what is known only afterwards, s."""
    offsets: Offsets | None = None
    """Of a log: its partitions over time."""
    waits: Waits | None = None
    """What each message waited for; None: that was not measured."""
    limits: Sequence[Limit] = ()
    """Limits that acted on this group."""
    spent_by_consumers: Mapping[str, float] = field(default_factory=dict)
    """What its consumers did with their time: seconds by activity, summed over all of them from
    when each first ran to the end: "work" (on messages, and what a batch costs; slowed counts),
    "calls" (that fetch, hand over, acknowledge, commit; also those that do not get through),
    "idle" (nothing to be had: a long poll, an empty receive, no partition), "stopped" (no process,
    or a paused one). Empty: not measured."""

    buried: Effects | None = None
    """When each dead letter was put aside, and which message it was; None: that is not known."""

    def only(self, rows: I32) -> "GroupOutcome":
        """The same for a group that is meant to process only the messages in ``rows``."""
        return replace(
            self,
            fate=self.fate[rows],
            done_s=self.done_s[rows],
            effects=self.effects[rows],
            history=None if self.history is None else self.history.only(rows),
            waits=None if self.waits is None else Some(self.waits, rows),
            rows=rows,
        )
