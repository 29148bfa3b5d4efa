"""A batch that is handed over again as a whole, in pieces, or not any more.

Of a member that has one partition, whose batches begin at the committed offset.
"""

from collections.abc import Sequence

import numpy as np

from sim.engine.outcome import Fate
from sim.foundation.arrays import F64
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log.group import Group


def limit_age(group: Group, arrived_s: F64) -> None:
    """Have records count as old from ``arrived_s`` [rows] on, s; `Reading.max_age_s` is the limit.

    Members whose next record is too old wait for control: see `aged`.
    """
    group.state.records.arrived_s = np.ascontiguousarray(arrived_s, np.float64)


def aged(group: Group) -> list[int]:
    """Members whose next record is too old for them."""
    return np.flatnonzero(np.asarray(group.state.members.phase) == k.AGED).tolist()


def batch(group: Group, m: int) -> tuple[int, int, int]:
    """The partition of member ``m``, and the batch in hand: its first offset, and that after it."""
    (p,) = group.assigned(m).tolist()
    return p, int(group.committed[p]), int(group.position[p])


def checkpoint(group: Group, m: int, at_s: float) -> None:
    """Commit what member ``m`` has processed of its batch."""
    where.commit(group.state, m, at_s)


def rewind(group: Group, m: int, at_s: float, until_s: float, pieces: Sequence[int]) -> None:
    """Hand the batch of member ``m`` over again from its commit on, when it has waited.

    Args:
        group: whose.
        m: which member.
        at_s: when it failed, s.
        until_s: when it begins again, s.
        pieces: records of each batch that it is given then, one after the other.
    """
    state, members = group.state, group.state.members
    p, low, high = batch(group, m)
    assert sum(pieces) == high - low, (pieces, low, high)
    group.standing.tried(state, m, at_s)
    _leave(group, p, at_s, low)
    members.fetched[m] = pieces[0]
    waiting = int(members.pieces_n[m])
    for n, piece in enumerate(reversed(pieces[1:])):
        members.pieces[m, waiting + n] = piece
    members.pieces_n[m] = waiting + len(pieces) - 1
    group.go_on(m, until_s)
    # A back-off is time between two calls, not in one: no deadline runs.
    members.polled_s[m] = np.inf
    members.back_s[m] = until_s
    group.standing.note(state, m, at_s)


def give_up(group: Group, m: int, at_s: float, fate: Fate) -> None:
    """Have member ``m`` go on behind its batch, of which ``fate`` becomes of what has no effect."""
    group.standing.tried(group.state, m, at_s)
    p, low, high = batch(group, m)
    _pass(group, m, at_s, p, low, high, fate)


def drop_old(group: Group, m: int, at_s: float, fate: Fate) -> int:
    """Have member ``m`` go on behind what is too old for it; returns how many records that is."""
    log, members = group.topic.log, group.state.members
    p, _, low = batch(group, m)
    here = slice(log.start[p] + low, log.start[p] + log.end[p])
    arrived_s = np.asarray(group.state.records.arrived_s)[here]
    oldest_s = arrived_s + group.reading.max_age_s
    # Ascending both; what is not yet given to the group is not too old before it is.
    n = int(np.searchsorted(oldest_s, at_s, side="right"))
    given = int(np.searchsorted(log.visible_s[here], at_s, side="right"))
    n = min(n, given)
    waits = group.reading.min_records > 1
    if waits and not (members.fetched[m] or members.pieces_n[m]):  # what it has gathered, goes on
        members.fetched[m] = min(given, group.reading.max_poll_records)
    left = n
    while left and (members.fetched[m] or members.pieces_n[m]):
        if not members.fetched[m]:
            members.pieces_n[m] -= 1
            members.fetched[m] = members.pieces[m, members.pieces_n[m]]
        taken = min(left, int(members.fetched[m]))
        members.fetched[m] -= taken
        left -= taken
    _pass(group, m, at_s, p, low, low + n, fate)
    return n


def _pass(group: Group, m: int, at_s: float, p: int, low: int, high: int, fate: Fate) -> None:
    """Have member ``m`` go on at offset ``high``; what has no effect from ``low`` on is passed."""
    for offset in range(low, high):
        group.poisoned.passed[p, offset] = fate
    _leave(group, p, at_s, high)
    where.commit(group.state, m, at_s)
    group.go_on(m, at_s)
    group.state.members.back_s[m] = -np.inf
    group.standing.note(group.state, m, at_s)


def _leave(group: Group, p: int, at_s: float, to: int) -> None:
    """Read partition ``p`` from offset ``to`` on; what is in hand was handed over in vain."""
    state = group.state
    where.finish_samples(state, at_s)
    group.follow_jumps()
    group.runs.close([p], group.position[[p]], np.array([to]))
    state.given_up += int(group.position[p] - group.processed[p])
    group.processed[p] = group.position[p] = to
