"""The state of one consumer group: its members, their offsets, and what became of the records."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.engine.held_up_kernel import HeldUp, nobody
from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U16, longer
from sim.log import group_state as k
from sim.log import topic_kernel
from sim.log.idle_kernel import IdleTimes


class GroupMembers:
    """Each is a single-threaded poll loop."""

    def __init__(self, members: int, partitions: int, next_commit_s: float) -> None:
        self.phase: I64 = np.full(members, k.POLL, np.int64)
        """[members] what it does: `sim.log.group_state.OFF`, ...."""
        self.hold: I64 = np.zeros(members, np.int64)
        """[members] at the next poll go to HELD: JOIN if connected, LEAVE in any case; or 0."""
        self.now_s: F64 = np.zeros(members)
        """[members] POLL: fetch waiting since; COMMIT: sent; HELD: since."""
        self.end_s: F64 = np.zeros(members)
        """[members] WORK: when the record in progress will be done."""
        self.extra_s: F64 = np.zeros(members)
        """[members] work of the batch as a whole that is yet to be done."""
        self.polled_s: F64 = np.zeros(members)
        """[members] WORK, COMMIT, FAILED: when the batch in hand was polled."""
        self.factor: F64 = np.ones(members)
        """[members] service times are multiplied by this."""
        self.resume_s: F64 = np.full(members, -num.INF)
        """[members] the process is paused until then."""
        self.cut: I64 = np.zeros(members, np.int64)
        """[members] 1: no connection to the brokers."""
        self.next_commit_s: F64 = np.full(members, next_commit_s)
        """[members] auto-commit deadline."""
        self.turn: I64 = np.zeros(members, np.int64)
        """[members] which assigned partition is drained next."""
        self.fetched: I64 = np.zeros(members, np.int64)
        """[members] records left of the fetched chunk of that partition."""
        self.pieces: I64 = np.zeros((members, k.MOST_PIECES), np.int64)
        """[members, pieces] records of each piece of a batch that was split and is handed over
        anew, the one that comes first at last; the member has one partition."""
        self.pieces_n: I64 = np.zeros(members, np.int64)
        """[members] how many pieces there are."""
        self.first: I64 = np.zeros(members, np.int64)
        """[members] WORK: assigned partition with which the batch begins."""
        self.at: I64 = np.zeros(members, np.int64)
        """[members] WORK: which assigned partition is in progress, counted from first."""
        self.assigned: I64 = np.zeros((members, partitions), np.int64)
        """[members, partitions] partitions of each member."""
        self.assigned_n: I64 = np.zeros(members, np.int64)
        """[members] how many it has."""
        self.awaits: I64 = np.zeros(members, np.int64)
        """[members] 1: joined while it works on; no automatic commit until that is answered."""
        self.back_s: F64 = np.full(members, -num.INF)
        """[members] POLL: a retry's back-off ends; -inf: there was none."""
        self.asked_s: F64 = np.zeros(members)
        """[members] when its last fetch began."""
        self.got_s: F64 = np.zeros(members)
        """[members] when it was answered."""
        self.slowed_s: F64 = np.zeros(members)
        """[members] WORK: by how much the record in progress takes longer than it is work."""
        self.call: I64 = np.full(members, -1, np.int64)
        """[members] WORK: the call by which it sends what comes of the record in progress; -1: it
        has not made it yet."""
        self.astray: I64 = np.zeros(members, np.int64)
        """[members] 1: look at the next fetch whether a partition must be gone on elsewhere."""


class GroupOffsets:
    """How far a group is in each partition."""

    def __init__(self, begins: I64) -> None:
        self.processed = begins.copy()
        """[partitions] next offset to process."""
        self.position = begins.copy()
        """[partitions] next offset to fetch."""
        self.committed = begins.copy()
        """[partitions] next offset to read after a restart."""
        self.commit_s: F64 = np.full(begins.size, -num.INF)
        """[partitions] when it was committed last, changed or not; -inf: never."""
        self.checked = begins.copy()
        """[partitions] what was committed when the state was checked last."""
        self.sought: I64 = np.full(begins.size, k.NOWHERE, np.int64)
        """[partitions] offset to go on from at the next fetch; or BEGINNING, END, NOWHERE."""
        self.scan: I64 = np.zeros(begins.size, np.int64)
        """[partitions] scratch."""


class GroupRecords:
    """What a group did with each record; they lie as in the log."""

    def __init__(self, rows: int, kept: int, asks: bool = False) -> None:
        """``asks``: whether polls wait for more than one record."""
        self.service_s: F32 = np.zeros(rows, np.float32)
        """[rows] work a record takes."""
        self.effects: U16 = np.zeros(rows, np.uint16)
        """[rows] how often each record was processed."""
        self.done_s: F64 = np.full(rows, num.INF)
        """[rows] first processed at; inf: not yet."""
        self.handed_s: F64 = np.zeros(rows)
        """[rows] of what was processed: when the poll that led to the first time was answered."""
        self.slowed_s: F64 = np.zeros(0)
        """[rows] by how much that took longer than it is work; no rows: nothing ever did."""
        self.asked_s: F64 = np.zeros(rows if asks else 0)
        """[rows] when its last fetch until then began; no rows: none waits for a second record."""
        self.got_s: F64 = np.zeros(rows if asks else 0)
        """[rows] when that was answered; no rows: likewise."""
        self.arrived_s: F64 = np.zeros(0)
        """[rows] since when a record has been in the log; no rows: nothing is too old."""
        self.repeats = 0
        """Records processed that had been before, kept below or not."""
        self.again_message: I32 = np.zeros(kept, np.int32)
        """[kept] those processed before, in any order; may be empty."""
        self.again_s: F64 = np.zeros(kept)
        """[kept] when each was processed again."""
        self.sends: HeldUp = nobody()
        """What members send to the next stage of a pipeline, and until when they wait for it."""

    def keep_slowed(self) -> None:
        """From now on, keep how much longer than it is work each record takes."""
        if not self.slowed_s.shape[0]:
            self.slowed_s = np.zeros(self.done_s.shape[0])

    def move(self, how: Callable[[Any, float], Any]) -> None:
        """Have the rows lie elsewhere: ``how`` takes a column and what fills it."""
        self.service_s = how(np.asarray(self.service_s), 0.0)
        self.effects = how(np.asarray(self.effects), 0)
        self.done_s = how(np.asarray(self.done_s), num.INF)
        self.handed_s = how(np.asarray(self.handed_s), 0.0)
        if self.slowed_s.shape[0] > 0:
            self.slowed_s = how(np.asarray(self.slowed_s), 0.0)
        if self.asked_s.shape[0] > 0:
            self.asked_s = how(np.asarray(self.asked_s), 0.0)
            self.got_s = how(np.asarray(self.got_s), 0.0)
        if self.arrived_s.shape[0] > 0:
            self.arrived_s = how(np.asarray(self.arrived_s), 0.0)


class OffsetSamples:
    """Offsets at the times of a grid."""

    def __init__(self, grid_s: F64, partitions: int) -> None:
        self.grid_s = grid_s
        """[grid] ascending."""
        self.committed: I64 = np.zeros((grid_s.size, partitions), np.int64)
        """[grid, partitions] committed offsets at those times."""
        self.position: I64 = np.zeros((grid_s.size, partitions), np.int64)
        """[grid, partitions] positions."""
        self.commit_s: F64 = np.zeros((grid_s.size, partitions))
        """[grid, partitions] times of the last commit."""
        self.committed_next: I64 = np.zeros(partitions, np.int64)
        """[partitions] next row to fill of ``committed``."""
        self.position_next: I64 = np.zeros(partitions, np.int64)
        """[partitions] the same of ``position``."""
        self.commit_s_next: I64 = np.zeros(partitions, np.int64)
        """[partitions] the same of ``commit_s``."""


class PositionJumps:
    """When positions were reset or sought, in any order."""

    def __init__(self, room: int) -> None:
        self.n = 0
        """How many there were."""
        self.at_s: F64 = np.zeros(room)
        """[room] when."""
        self.partition: I64 = np.zeros(room, np.int64)
        """[room] where."""
        self.source: I64 = np.zeros(room, np.int64)
        """[room] the offset before; below 0: it was nowhere."""
        self.to: I64 = np.zeros(room, np.int64)
        """[room] the offset after."""
        self.log_start: I64 = np.zeros(room, np.int64)
        """[room] the first offset in the log then."""
        self.sought: I64 = np.zeros(room, np.int64)
        """[room] 1: sought; 0: reset."""

    def make_room(self, more: int) -> None:
        """Have room for so many more jumps."""
        needed = self.n + more
        if needed > self.at_s.shape[0]:
            self.at_s = longer(np.asarray(self.at_s), 2 * needed, 0.0)
            self.partition = longer(np.asarray(self.partition), 2 * needed, 0)
            self.source = longer(np.asarray(self.source), 2 * needed, 0)
            self.to = longer(np.asarray(self.to), 2 * needed, 0)
            self.log_start = longer(np.asarray(self.log_start), 2 * needed, 0)
            self.sought = longer(np.asarray(self.sought), 2 * needed, 0)


class PoisonousOffsets:
    """Records on which the handler fails."""

    def __init__(self, partitions: int, any_at_all: bool) -> None:
        self.any_at_all = any_at_all
        """Whether some message is poisonous, in the log or not yet."""
        self.next: I64 = np.full(partitions, k.NO_OFFSET, np.int64)
        """[partitions] next offset on which the handler fails, if not before processed."""
        self.partition: I64 = np.zeros(0, np.int64)
        """[poisonous] where the handler still fails, in any order."""
        self.offset: I64 = np.zeros(0, np.int64)
        """[poisonous]"""


class Visits:
    """Scratch of `sim.log.group_visits_kernel`: a member that polls again and again.

    Its partitions are in the order in which a poll takes them.
    """

    def __init__(self, room: int) -> None:
        self.row: I64 = np.zeros(room, np.int64)
        """[partitions] of the record that comes next."""
        self.stop: I64 = np.zeros(room, np.int64)
        """[partitions] the row after those of the partition."""
        self.before: I64 = np.zeros(room, np.int64)
        """[partitions] ``row`` before the last poll."""
        self.taken: I64 = np.zeros(k.MOST_TAKEN + 4 * (room + 1), np.int64)
        """[records] rows that the last poll returned."""
        self.first = 0
        """Which of the member's partitions is the first."""
        self.polls = 0
        """Polls that returned records."""
        self.handed = 0
        """Records that they returned."""
        self.working = -1
        """Row of the record in progress, or the next of the batch; -1: the batch is done."""
        self.sent = -1
        """Row of the record whose commit was sent and is not answered; -1: there is none."""
        self.turn = 0
        """Which partition the next poll begins with, counted from the first."""
        self.began = 0
        """Which partition the last poll began with."""
        self.left = 0
        """Records that are fetched and yet to be polled; they are of the partition whose turn it
        is."""
        self.earliest_s = 0.0
        """When the first of the records that come next can be handed over; inf: not known yet."""
        self.since_s = 0.0
        """When the member began to wait: for records, or for its commit."""
        self.ready_s = 0.0
        """When the last poll was answered."""
        self.end_s = 0.0
        """When the last record was done, or will be."""
        self.slowed_s = 0.0
        """By how much that takes longer than it is work."""
        self.commit_s = -num.INF
        """When its program committed last; -inf: not here."""


class Rules:
    """A `sim.log.group_state.Reading` as kernels have it."""

    def __init__(self, reading: k.Reading) -> None:
        self.max_poll_records = reading.max_poll_records
        self.chunk_records = reading.chunk_records
        self.min_records = reading.min_records
        self.max_wait_s = reading.max_wait_s
        self.fetch_s = reading.fetch_s
        self.per_batch_s = reading.per_batch_s
        self.auto_commit_s = reading.auto_commit_s
        self.commit_s = reading.commit_s
        self.reset = reading.reset
        self.reset_s = reading.reset_s
        self.background = bool(reading.background)
        self.handed = bool(reading.handed)
        self.before = bool(reading.before)
        self.per_record = bool(reading.per_record)
        self.wait = bool(reading.wait)
        self.max_poll_s = reading.max_poll_s
        self.max_age_s = reading.max_age_s
        self.by_program = reading.auto_commit_s < 0.0
        """Whether the program commits."""


class GroupState:
    """A group, or a zombie that works as one of a single member."""

    def __init__(
        self,
        log: "topic_kernel.Log",
        members: GroupMembers,
        offsets: GroupOffsets,
        records: GroupRecords,
        samples: OffsetSamples,
        jumps: PositionJumps,
        poison: PoisonousOffsets,
        reading: k.Reading,
        idle: int = 0,
    ) -> None:
        """``idle``: members of whom it is kept when one of them is idle; 0: it is not."""
        self.log = log
        """What it reads."""
        self.members = members
        self.offsets = offsets
        self.records = records
        self.samples = samples
        self.jumps = jumps
        self.poison = poison
        self.rules = Rules(reading)
        self.visits = Visits(members.assigned.shape[1])
        self.idle = IdleTimes(idle)
        self.polls = 0
        """Polls that returned records."""
        self.visited = 0
        """How many of these were taken one after the other (`sim.log.group_visits_kernel`)."""
        self.handed = 0
        """Records that they returned."""
        self.processed = 0
        """Of these, how many were then processed."""
        self.given_up = 0
        """How many were not: passed over, sought back from, or left behind by a process."""
        self.reached_s = 0.0
        """To where `sim.log.group_kernel.advance` came last."""
        self.called = False
        """Whether control is needed then."""
        self.wrong = 0
        """What is wrong with the state then: FINE, ...."""
        self.carried = 0
        """Which member is being advanced; 0 between two calls, unless the first is to go on."""
        self.stretch_s = 0.0
        """To where all are, in one stretch."""
        self.under_way = False
        """Whether that goes on at the next call."""
