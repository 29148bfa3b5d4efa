"""What became of the records that a group did not process, and when its position jumped (KB-09)."""

from collections.abc import Iterator

import numpy as np

from sim.engine.outcome import Fate
from sim.foundation.arrays import I64, U8
from sim.foundation.text import count
from sim.log import group_state as k
from sim.log.group import Group

_EPISODE_CHECKS = 2
"""Jumps no more than so many checks of retention apart are told together."""


def unread(group: Group) -> U8 | None:
    """[rows] a `Fate` for what the group passed over, or what is deleted and it has yet to read.

    It holds for rows without an effect; None if there are no such rows.
    """
    state, log = group.state, group.topic.log
    jumps = state.jumps[: state.jumped[0]]
    ahead = bool(group.reading.before or group.reading.handed)
    passed = group.poisoned.passed
    if not (len(jumps) or log.first.any() or ahead or passed):
        return None
    fate = np.full(log.message.size, Fate.UNFINISHED, np.uint8)
    for jump in jumps[np.argsort(state.jump_s[: len(jumps)], kind="stable")]:
        base, position = log.start[jump[k.PARTITION]], max(jump[k.FROM], 0)
        to, first = jump[k.TO], jump[k.LOG_START]
        fate[base + position : base + min(to, first)] = Fate.LOST_RETENTION
        fate[base + max(position, first) : base + to] = Fate.LOST_OFFSET_RESET
    handed, goes_on = _where(group)
    for p, base in enumerate(log.start[:-1]):
        done = slice(base, base + handed[p])
        if ahead:  # committed before it was processed
            left = (state.effects[done] == 0) & (fate[done] == Fate.UNFINISHED)
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
    state = group.state
    handed = np.maximum(state.committed, 0)
    goes_on = handed.copy()
    for m in range(group.members):
        if not group.alive(m):
            continue
        for slot, p in enumerate(state.assigned[m, : state.assigned_n[m]]):
            buffered = state.fetched[m] if state.turn[m] == slot else 0
            handed[p] = max(state.processed[p], 0)
            goes_on[p] = max(state.position[p] + buffered, 0)
    return handed, goes_on


def told(group: Group, name: str, check_s: float) -> Iterator[tuple[float, float, str]]:
    """The group's resets in words: (from, until, text) of each episode, s.

    Args:
        group: whose.
        name: its name.
        check_s: time between two checks of retention.
    """
    state = group.state
    n = int(state.jumped[0])
    resets = np.flatnonzero(state.jumps[:n, k.SOUGHT] == 0)
    resets = resets[np.argsort(state.jump_s[resets], kind="stable")]
    at_s = state.jump_s[resets]
    apart = np.flatnonzero(np.diff(at_s) > _EPISODE_CHECKS * check_s) + 1
    for episode in np.split(resets, apart):
        if not episode.size:
            continue
        jumps = state.jumps[episode]
        position, to, first = jumps[:, k.FROM], jumps[:, k.TO], jumps[:, k.LOG_START]
        begins = bool((position < 0).all())
        position = np.maximum(position, 0)
        deleted = int(np.maximum(np.minimum(to, first) - position, 0).sum())
        skipped = int(np.maximum(to - np.maximum(position, first), 0).sum())
        words = f"{name}: {count(deleted)} gone before they were read"
        if begins:
            words = f"{name} begins after {count(deleted + skipped)}"
        elif skipped:
            words += f", {count(skipped)} skipped"
        span_s = state.jump_s[episode]
        yield float(span_s[0]), float(span_s[-1]), words
