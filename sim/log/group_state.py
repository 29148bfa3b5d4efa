"""How the members of a group read, and the numbers for what they do: kernels and stages share them.

`sim.log.group_state_kernel` has the state itself.
"""

from typing import NamedTuple

import numpy as np

OFF, POLL, WORK, COMMIT, HELD, FAILED, ZOMBIE, LOST, AGED = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""What a member does: OFF, it has no process; POLL, it waits for records; WORK; COMMIT, it waits
for one; HELD, control has it; FAILED, its handler failed on the record in progress; ZOMBIE, it
works as one (`sim.log.zombie`); LOST, its position is not in the log, and auto.offset.reset is
none; AGED, the record that it would be handed next is too old for it."""
JOIN, LEAVE = 1, 2
"""At its next poll a member goes to HELD: if it is connected, or in any case."""

WAITS, COMMITS, WORKS = 0, 1, 2
"""How `sim.log.group_visits_kernel.visit` leaves a member: in a poll, in a commit, or at work."""
MOST_TAKEN = 512
"""Most records that a poll may return that is a visit."""
MOST_PIECES = 16
"""Most pieces that wait of a batch that was split; one of 10,000 records has 14."""

FINE, TWO_OWNERS, BEYOND_THE_LOG, UNREAD, UNDONE, UNCOMMITTED, UNBALANCED = 0, 1, 2, 3, 4, 5, 6
"""What `sim.log.group_kernel.advance` finds wrong with the state."""
COMPLAINTS = {
    TWO_OWNERS: "a partition has two owners",
    BEYOND_THE_LOG: "a position is beyond the log",
    UNREAD: "what was not handed over is processed",
    UNDONE: "what was not processed is committed",
    UNCOMMITTED: "a committed offset has gone back",
    UNBALANCED: "records were lost or made between poll and effect",
}

NOWHERE, BEGINNING, END = -1, -2, -3
"""In place of an offset."""
NO_OFFSET = 1 << 60
"""Beyond every offset."""
LATEST, EARLIEST, BY_DURATION, NONE = 0, 1, 2, 3
"""auto.offset.reset."""


class Reading(NamedTuple):
    """Constants of one group."""

    max_poll_records: int
    chunk_records: int
    """max.partition.fetch.bytes in records."""
    min_records: int
    """fetch.min.bytes in records."""
    max_wait_s: float
    fetch_s: float
    """From readable at the broker to usable by poll."""
    per_batch_s: float
    auto_commit_s: float
    """Interval; < 0: the program commits."""
    commit_s: float
    """Round trip of a synchronous commit."""
    reset: int = LATEST
    """auto.offset.reset: LATEST, EARLIEST, BY_DURATION, NONE."""
    reset_s: float = 0.0
    """BY_DURATION: how far back."""
    background: int = 0
    """1: a timer commits beside the processing; 0: inside poll."""
    handed: int = 0
    """1: commits what was handed to the program; 0: what it has processed."""
    before: int = 0
    """1: the program commits before it processes; 0: after."""
    per_record: int = 0
    """1: the program commits each record; 0: each batch."""
    wait: int = 1
    """1: the program waits for its commits."""
    max_poll_s: float = np.inf
    """From one poll to the next, or the member is put out."""
    max_age_s: float = np.inf
    """A record that has been in the log for as long is not handed over any more."""
