"""A log that loses its newest records to an unclean election, and who had read them (KB-07).

A group goes back to the new end of the log, as clients do that know leader epochs (KIP-320). What
it has processed stays done; what it has in hand of these records, it gives up.
"""

import numpy as np

from sim.foundation.arrays import F64
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.handed_out import Truncated
from sim.log.parts import columns_of
from sim.log.topic import Topic


def truncate(topic: Topic, groups: list[Group], p: int, to: int, at_s: float) -> None:
    """Take from the log of a partition what lies at ``to`` and beyond.

    Args:
        topic: whose log.
        groups: all that read it, advanced to the present time.
        p: the partition.
        to: its new end; not before its start.
        at_s: present time.
    """
    assert topic.log.first[p] <= to <= topic.log.end[p], (p, to)
    for group in groups:
        _truncate(group, p, to, at_s)
    topic.truncate(p, to, at_s)


def _truncate(group: Group, p: int, to: int, at_s: float) -> None:
    state, log = group.state, group.topic.log
    members, offsets = state.members, state.offsets
    position, processed = group.position, group.processed
    where.finish_samples(state, at_s)
    group.follow_jumps()
    rows = slice(log.start[p] + to, log.start[p] + log.end[p])
    effects, done_s = group.effects[rows], group.done_s[rows]
    columns = {name: column[rows].copy() for name, column in columns_of(group).items()}
    group.truncated.append(
        Truncated(p, at_s, to, log.message[rows].copy(), effects.copy(), done_s.copy(), columns)
    )
    effects[:], done_s[:] = 0, np.inf
    group.gathered[p] = min(group.gathered[p], to)
    group.poisoned.truncate(p, to)
    for zombie in group.zombies.values():
        zombie.truncate(p, to)
    group.runs.close([p], position[[p]], np.minimum(position[[p]], to))
    group.runs.truncate(p, to)
    offsets.committed[p] = offsets.checked[p] = min(offsets.committed[p], to)
    offsets.sought[p] = min(offsets.sought[p], to)
    in_hand = max(0, int(position[p]) - max(int(processed[p]), to))
    state.given_up += in_hand
    position[p] = min(position[p], to)
    processed[p] = min(processed[p], to)
    for m in range(group.members):
        own = group.assigned(m)
        if p not in own:
            continue
        if own[members.turn[m] % own.size] == p:
            members.fetched[m] = min(members.fetched[m], to - position[p])
        if in_hand:
            _go_on_without(group, p, m, at_s)


def _go_on_without(group: Group, p: int, m: int, at_s: float) -> None:
    """Have member ``m``, which had records in hand that are gone, go on with what it still has."""
    members, own = group.state.members, group.assigned(m)
    if members.phase[m] == k.FAILED and group.in_progress(m)[0] == p:
        group.go_on(m, at_s)
    while members.at[m] < own.size:
        q = own[(members.first[m] + members.at[m]) % own.size]
        if group.processed[q] < group.position[q]:
            break
        members.at[m] += 1


def done_s(group: Group, p: int, at_s: float) -> F64:
    """[offsets] when each record that partition ``p`` had at ``at_s`` was first processed, s.

    It is inf for those that never were.
    """
    log = group.topic.log
    times_s = group.done_s[log.start[p] : log.start[p] + log.end[p]]
    for gone in reversed(group.truncated):
        if gone.partition == p and gone.at_s > at_s:
            times_s = np.concatenate([times_s[: gone.to], gone.done_s])
    return times_s
