"""A log that loses its newest records to an unclean election, and who had read them (KB-07).

A group goes back to the new end of the log, as clients do that know leader epochs (KIP-320). What
it has processed stays done; what it has in hand of these records, it gives up.
"""

import numpy as np

from sim.log import group_kernel as kernel
from sim.log import group_state as k
from sim.log.group import Group, Truncated
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
    rows = slice(log.start[p] + to, log.start[p] + group.gathered[p])
    done = np.flatnonzero(s.effects[rows])
    group.truncated.append(
        Truncated(log.message[rows][done], s.effects[rows][done], s.done_s[rows][done])
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
    if s.position[p] <= to:
        return
    s.counts[k.GIVEN_UP] += s.position[p] - max(s.processed[p], to)
    s.position[p] = to
    s.processed[p] = min(s.processed[p], to)
    for m in range(group.members):
        n = int(s.assigned_n[m])
        if p not in s.assigned[m, :n]:
            continue
        if s.assigned[m, s.turn[m] % n] == p:
            s.fetched[m] = 0
        if s.phase[m] == k.FAILED and group.in_progress(m)[0] == p:
            group.go_on(m, at_s)
        while s.at[m] < n:
            q = s.assigned[m, (s.first[m] + s.at[m]) % n]
            if s.processed[q] < s.position[q]:
                break
            s.at[m] += 1
