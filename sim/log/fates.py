"""What became of the records that a group did not process, and when its position jumped (KB-09)."""

from collections.abc import Iterator

import numpy as np

from sim.engine.outcome import Fate
from sim.foundation.arrays import I64, U8
from sim.foundation.text import count
from sim.log.group import Group

_EPISODE_CHECKS = 2
"""Jumps no more than so many checks of retention apart are told together."""


def unread(group: Group) -> U8 | None:
    """[rows] a `Fate` for what the group passed over, or what is deleted and it has yet to read.

    It holds for rows without an effect; None if there are no such rows.
    """
    jumps, log = group.state.jumps, group.topic.log
    ahead = bool(group.reading.before or group.reading.handed)
    passed = group.poisoned.passed
    if not (jumps.n or log.first.any() or ahead or passed):
        return None
    fate = np.full(log.message.size, Fate.UNFINISHED, np.uint8)
    for i in np.argsort(np.asarray(jumps.at_s)[: jumps.n], kind="stable").tolist():
        base, position = log.start[jumps.partition[i]], max(jumps.source[i], 0)
        to, first = jumps.to[i], jumps.log_start[i]
        fate[base + position : base + min(to, first)] = Fate.LOST_RETENTION
        fate[base + max(position, first) : base + to] = Fate.LOST_OFFSET_RESET
    handed, goes_on = _where(group)
    for p, base in enumerate(log.start[:-1]):
        done = slice(base, base + handed[p])
        if ahead:  # committed before it was processed
            left = (group.effects[done] == 0) & (fate[done] == Fate.UNFINISHED)
            fate[done][left] = Fate.LOST_ACKED_BEFORE_PROCESSING
        fate[base + handed[p] : log.start[p + 1]] = Fate.UNFINISHED
        fate[base + goes_on[p] : base + log.first[p]] = Fate.LOST_RETENTION
    for (p, offset), given_up in passed.items():
        fate[log.start[p] + offset] = given_up
    for zombie in group.zombies.values():
        for p, low, high in zombie.in_hand():
            fate[log.start[p] + low : log.start[p] + high] = Fate.UNFINISHED
    return fate


def _where(group: Group) -> tuple[I64, I64]:
    """[partitions] what is in the hands of a live member: from the first to before the second."""
    members = group.state.members
    handed = np.maximum(group.committed, 0)
    goes_on = handed.copy()
    for m in range(group.members):
        if not group.alive(m):
            continue
        for slot, p in enumerate(group.assigned(m).tolist()):
            buffered = members.fetched[m] if members.turn[m] == slot else 0
            handed[p] = max(group.processed[p], 0)
            goes_on[p] = max(group.position[p] + buffered, 0)
    return handed, goes_on


def told(group: Group, name: str, check_s: float) -> Iterator[tuple[float, float, str]]:
    """The group's resets in words: (from, until, text) of each episode, s.

    Args:
        group: whose.
        name: its name.
        check_s: time between two checks of retention.
    """
    jumps = group.state.jumps
    at_s = np.asarray(jumps.at_s)
    resets = np.flatnonzero(np.asarray(jumps.sought)[: jumps.n] == 0)
    resets = resets[np.argsort(at_s[resets], kind="stable")]
    apart = np.flatnonzero(np.diff(at_s[resets]) > _EPISODE_CHECKS * check_s) + 1
    for episode in np.split(resets, apart):
        if not episode.size:
            continue
        position, to, first = (
            np.asarray(column)[episode] for column in (jumps.source, jumps.to, jumps.log_start)
        )
        position = np.where(position < 0, _came_to(group, episode), position)
        begins = bool((position < 0).all())
        position = np.maximum(position, 0)
        deleted = int(np.maximum(np.minimum(to, first) - position, 0).sum())
        skipped = int(np.maximum(to - np.maximum(position, first), 0).sum())
        words = f"{name}: {count(deleted)} gone before they were read"
        if begins and _added(group, episode):
            words = f"{name} goes on after {count(skipped)} in partitions that were added"
        elif begins:
            words = f"{name} begins after {count(deleted + skipped)}"
        elif skipped:
            words += f", {count(skipped)} skipped"
        span_s = at_s[episode]
        yield float(span_s[0]), float(span_s[-1]), words


def _came_to(group: Group, which: I64) -> I64:
    """[jumps] how far a group had come in each one's partition when it lost its offset there.

    Below 0: it never did. ``which`` [jumps] are those that are asked for.
    """
    jumps = group.state.jumps
    partition, at_s = np.asarray(jumps.partition)[which], np.asarray(jumps.at_s)[which]
    came_to = np.full(which.size, -1, np.int64)
    for expired_s, offsets in group.standing.acts.expired:
        since = at_s >= expired_s
        came_to[since] = np.maximum(came_to[since], offsets[partition[since]])
    return came_to


def _added(group: Group, which: I64) -> bool:
    """Whether all of some jumps are in partitions that were added."""
    partition = np.asarray(group.state.jumps.partition)[which]
    return bool((partition >= group.topic.counts.first).all())
