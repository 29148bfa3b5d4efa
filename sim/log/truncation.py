"""A log that loses its newest records to an unclean election, and who had read them (KB-07).

A group goes back to the new end of the log, as clients do that know leader epochs (KIP-320). What
it has processed stays done; what it has in hand of these records, it gives up.
"""

import numpy as np

from sim.foundation.arrays import F64
from sim.log import group_kernel as kernel
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.handed_out import Truncated
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
    s, log = group.state, group.topic.log
    kernel.finish_samples(s, at_s)
    group.follow_jumps()
    rows = slice(log.start[p] + to, log.start[p] + log.end[p])
    group.truncated.append(
        Truncated(
            p, at_s, to, log.message[rows].copy(), s.effects[rows].copy(), s.done_s[rows].copy()
        )
    )
    s.effects[rows], s.done_s[rows] = 0, np.inf
    group.gathered[p] = min(group.gathered[p], to)
    group.poisoned.truncate(p, to)
    for zombie in group.zombies.values():
        zombie.truncate(p, to)
    group.runs.close([p], s.position[[p]], np.minimum(s.position[[p]], to))
    group.runs.truncate(p, to)
    s.committed[p] = s.checked[p] = min(s.committed[p], to)
    s.sought[p] = min(s.sought[p], to)
    in_hand = max(0, int(s.position[p]) - max(int(s.processed[p]), to))
    s.counts[k.GIVEN_UP] += in_hand
    s.position[p] = min(s.position[p], to)
    s.processed[p] = min(s.processed[p], to)
    for m in range(group.members):
        n = int(s.assigned_n[m])
        if p not in s.assigned[m, :n]:
            continue
        if s.assigned[m, s.turn[m] % n] == p:
            s.fetched[m] = min(s.fetched[m], to - s.position[p])
        if in_hand:
            _go_on_without(group, p, m, at_s)


def _go_on_without(group: Group, p: int, m: int, at_s: float) -> None:
    """Have member ``m``, which had records in hand that are gone, go on with what it still has."""
    s = group.state
    n = int(s.assigned_n[m])
    if s.phase[m] == k.FAILED and group.in_progress(m)[0] == p:
        group.go_on(m, at_s)
    while s.at[m] < n:
        q = s.assigned[m, (s.first[m] + s.at[m]) % n]
        if s.processed[q] < s.position[q]:
            break
        s.at[m] += 1


def done_s(group: Group, p: int, at_s: float) -> F64:
    """[offsets] when each record that partition ``p`` had at ``at_s`` was first processed, s.

    It is inf for those that never were.
    """
    log = group.topic.log
    times_s = group.state.done_s[log.start[p] : log.start[p] + log.end[p]]
    for gone in reversed(group.truncated):
        if gone.partition == p and gone.at_s > at_s:
            times_s = np.concatenate([times_s[: gone.to], gone.done_s])
    return times_s
