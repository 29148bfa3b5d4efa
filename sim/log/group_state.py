"""The state of one consumer group, as its kernels have it, and how its members read."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F32, F64, I32, I64, U16

OFF, POLL, WORK, COMMIT, HELD, FAILED, ZOMBIE, LOST = 0, 1, 2, 3, 4, 5, 6, 7
NO_OFFSET = 1 << 60
JOIN, LEAVE = 1, 2

COMMITTED, POSITION, COMMIT_TIME = 0, 1, 2
"""Rows of `GroupState.grid_next`: of which grid."""
POLLS, HANDED, PROCESSED, GIVEN_UP = 0, 1, 2, 3
"""Of `GroupState.counts`: polls that returned records; records that they returned, that were then
processed, and that were not: passed over, sought back from, or left behind by a process."""
PARTITION, FROM, TO, LOG_START, SOUGHT = 0, 1, 2, 3, 4
"""Columns of `GroupState.jumps`: where, the offsets, and 1: sought or 0: reset."""


class GroupState(NamedTuple):
    """State of one consumer group; a member is a single-threaded poll loop."""

    phase: I64  # [members] OFF, POLL, WORK, COMMIT (commit sent), HELD (control has it), FAILED
    #             (the handler failed on the record in progress), ZOMBIE (`sim.log.zombie`), LOST
    #             (its position is not in the log, and auto.offset.reset is none)
    hold: I64  # [members] at the next poll go to HELD: JOIN if connected, LEAVE in any case; or 0
    now_s: F64  # [members] POLL: fetch waiting since; COMMIT: sent; HELD: since
    end_s: F64  # [members] WORK: when the record in progress will be done
    extra_s: F64  # [members] work of the batch as a whole that is yet to be done
    polled_s: F64  # [members] WORK, COMMIT, FAILED: when the batch in hand was polled
    factor: F64  # [members] service times are multiplied by this
    resume_s: F64  # [members] the process is paused until then
    cut: I64  # [members] 1: no connection to the brokers
    next_commit_s: F64  # [members] auto-commit deadline
    turn: I64  # [members] which assigned partition is drained next
    fetched: I64  # [members] records left of the fetched chunk of that partition
    first: I64  # [members] WORK: assigned partition with which the batch begins
    at: I64  # [members] WORK: which assigned partition is in progress, counted from first
    assigned: I64  # [members, partitions] partitions of each member
    assigned_n: I64  # [members]
    processed: I64  # [partitions] next offset to process
    position: I64  # [partitions] next offset to fetch
    committed: I64  # [partitions] next offset to read after a restart
    commit_s: F64  # [partitions] when it was committed last, changed or not; -inf: never
    checked: I64  # [partitions] what was committed when `complaint` looked last
    scan: I64  # [partitions] scratch
    awaits: I64  # [members] 1: joined while it works on; no automatic commit until that is answered
    back_s: F64  # [members] POLL: a retry's back-off ends; -inf: there was none
    astray: I64  # [members] 1: look at the next fetch whether a partition must be gone on elsewhere
    sought: I64  # [partitions] offset to go on from at the next fetch; or BEGINNING, END, NOWHERE
    service_s: F32  # [rows] work a record takes
    effects: U16  # [rows] how often each record was processed
    done_s: F64  # [rows] first processed at; inf: not yet
    grid_s: F64  # [grid] sample times
    grid_committed: I64  # [grid, partitions] committed offsets at those times
    grid_position: I64  # [grid, partitions]
    grid_commit_s: F64  # [grid, partitions]
    grid_next: I64  # [COMMITTED..., partitions] next row to fill of each grid
    counts: I64  # [POLLS...]
    repeats: I64  # [1] records processed before, kept or not
    again_message: I32  # [kept] those processed before, in any order; may be empty
    again_s: F64  # [kept] when each was processed again
    jumps: I64  # [room, PARTITION...]
    jump_s: F64  # [room] when the position jumped
    jumped: I64  # [1] rows of jumps filled


class PoisonousOffsets(NamedTuple):
    """Records on which the handler fails; None in its place: there are none.

    Numba compiles what concerns it only where there are some.
    """

    next: I64  # [partitions] next offset on which the handler fails, if not before processed
    partition: I64  # [poisonous] where the handler still fails, in any order
    offset: I64  # [poisonous]


FINE, TWO_OWNERS, BEYOND_THE_LOG, UNREAD, UNDONE, UNCOMMITTED, UNBALANCED = 0, 1, 2, 3, 4, 5, 6
"""What `sim.log.group_kernel.complaint` finds."""

NOWHERE, BEGINNING, END = -1, -2, -3
LATEST, EARLIEST, BY_DURATION, NONE = 0, 1, 2, 3


class Reading(NamedTuple):
    """Constants of one group."""

    max_poll_records: int
    chunk_records: int  # max.partition.fetch.bytes in records
    min_records: int  # fetch.min.bytes in records
    max_wait_s: float
    fetch_s: float  # from readable at the broker to usable by poll
    per_batch_s: float
    auto_commit_s: float  # interval; < 0: the program commits
    commit_s: float  # round trip of a synchronous commit
    reset: int = LATEST  # auto.offset.reset: LATEST, EARLIEST, BY_DURATION, NONE
    reset_s: float = 0.0  # BY_DURATION: how far back
    background: int = 0  # 1: a timer commits beside the processing; 0: inside poll
    handed: int = 0  # 1: commits what was handed to the program; 0: what it has processed
    before: int = 0  # 1: the program commits before it processes; 0: after
    per_record: int = 0  # 1: the program commits each record; 0: each batch
    wait: int = 1  # 1: the program waits for its commits
    max_poll_s: float = np.inf  # from one poll to the next, or the member is put out
