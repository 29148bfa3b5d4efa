"""How a group's offsets are committed, sampled, and moved to where records are.

Rules held: KC-10 (committed = next offset to read), KC-11 (commit before or after processing),
KC-13 (librdkafka commits what was handed over), KB-09 and KB-10 (a position that is not in the log,
or that a group never had, is reset when it is next fetched from).
"""

from sim.foundation import num
from sim.log import group_state as k
from sim.log import topic_kernel
from sim.log.group_state_kernel import GroupOffsets, GroupState, OffsetSamples


def _is_due(samples: OffsetSamples, g: int, at_s: float) -> bool:
    """Whether sample ``g`` is before ``at_s``."""
    return bool(g < samples.grid_s.shape[0] and samples.grid_s[g] < at_s)


def sample_position(samples: OffsetSamples, p: int, value: int, at_s: float) -> None:
    """Fill the samples before ``at_s``, at which partition ``p`` leaves the position ``value``."""
    g = samples.position_next[p]
    while _is_due(samples, g, at_s):
        samples.position[g, p] = value
        g += 1
    samples.position_next[p] = g


def sample_commit(samples: OffsetSamples, p: int, commit_s: float, at_s: float) -> None:
    """The same for the time of the last commit."""
    g = samples.commit_s_next[p]
    while _is_due(samples, g, at_s):
        samples.commit_s[g, p] = commit_s
        g += 1
    samples.commit_s_next[p] = g


def sample_committed(samples: OffsetSamples, p: int, value: int, at_s: float) -> None:
    """The same for the committed offset."""
    g = samples.committed_next[p]
    while _is_due(samples, g, at_s):
        samples.committed[g, p] = value
        g += 1
    samples.committed_next[p] = g


def _commit_one(
    offsets: GroupOffsets, samples: OffsetSamples, p: int, value: int, at_s: float
) -> None:
    """Commit an offset of partition ``p``, if it is beyond the one that is."""
    g = samples.commit_s_next[p]
    if _is_due(samples, g, at_s):
        sample_commit(samples, p, offsets.commit_s[p], at_s)
    offsets.commit_s[p] = at_s
    if value > offsets.committed[p]:
        g = samples.committed_next[p]
        if _is_due(samples, g, at_s):
            sample_committed(samples, p, offsets.committed[p], at_s)
        offsets.committed[p] = value


def commit(group: GroupState, m: int, at_s: float) -> None:
    """Commit for member ``m``, at ``at_s``: what it has processed, or all that it was handed."""
    n = group.members.assigned_n[m]
    ahead = -1  # which of its partitions has a record in progress that is committed
    if group.rules.before and group.rules.per_record and group.members.at[m] < n:
        ahead = (group.members.first[m] + group.members.at[m]) % n
    for a in range(n):
        p = group.members.assigned[m, a]
        if group.offsets.position[p] == k.NOWHERE:
            continue
        value = group.offsets.position[p] if group.rules.handed else group.offsets.processed[p]
        if a == ahead:
            value += 1
        _commit_one(group.offsets, group.samples, p, value, at_s)


def fill_samples(group: GroupState, before_s: float) -> None:
    """Fill the samples before ``before_s`` with what is true now, the group having come there."""
    for p in range(group.offsets.committed.shape[0]):
        sample_committed(group.samples, p, group.offsets.committed[p], before_s)
        sample_position(group.samples, p, group.offsets.position[p], before_s)
        sample_commit(group.samples, p, group.offsets.commit_s[p], before_s)


def finish_samples(group: GroupState, until_s: float) -> None:
    """Fill the samples up to ``until_s`` (inclusive) with what is true now."""
    fill_samples(group, num.nextafter(until_s, num.INF))


def _aim(group: GroupState, p: int) -> None:
    """Find the next offset of partition ``p`` on which the handler fails, after it was moved."""
    group.poison.next[p] = k.NO_OFFSET
    for i in range(group.poison.offset.shape[0]):
        offset = group.poison.offset[i]
        ahead = group.offsets.processed[p] <= offset and offset < group.poison.next[p]
        if ahead and group.poison.partition[i] == p:
            group.poison.next[p] = offset


def _reset_to(group: GroupState, p: int, end: int, at_s: float) -> int:
    """Where auto.offset.reset has partition ``p`` go on; ``end``: its readable end at ``at_s``."""
    if group.rules.reset == k.LATEST:
        return end
    if group.rules.reset == k.EARLIEST:
        return num.integer(group.log.first[p])
    back_s = num.nextafter(at_s - group.rules.reset_s, -num.INF)
    return topic_kernel.readable(group.log, p, back_s)


def _jump(group: GroupState, p: int, to: int, sought: bool, at_s: float) -> None:
    """Move the position of partition ``p``."""
    n = group.jumps.n
    group.jumps.n = n + 1
    group.jumps.at_s[n] = at_s
    group.jumps.partition[n] = p
    group.jumps.source[n] = group.offsets.position[p]
    group.jumps.to[n] = to
    group.jumps.log_start[n] = group.log.first[p]
    group.jumps.sought[n] = sought
    sample_position(group.samples, p, group.offsets.position[p], at_s)
    group.offsets.position[p] = to
    group.offsets.processed[p] = to
    if group.poison.any_at_all:
        _aim(group, p)
    if sought:
        sample_committed(group.samples, p, group.offsets.committed[p], at_s)
        sample_commit(group.samples, p, group.offsets.commit_s[p], at_s)
        group.offsets.committed[p] = group.offsets.checked[p] = to
        group.offsets.commit_s[p] = at_s
        group.offsets.sought[p] = k.NOWHERE


def go_on_elsewhere(group: GroupState, m: int, at_s: float) -> None:
    """Move the positions of member ``m`` that were sought anew, or that are not in the log."""
    group.members.astray[m] = 0
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        to = group.offsets.sought[p]
        sought = to != k.NOWHERE
        if not sought:
            if group.offsets.position[p] >= group.log.first[p]:
                continue
            if group.members.fetched[m] > 0 and group.members.turn[m] == a:
                group.members.astray[m] = 1  # the client still has records of it
                continue
        end = topic_kernel.readable(group.log, p, at_s)
        if to == k.BEGINNING:
            to = group.log.first[p]
        elif to == k.END:
            to = end
        elif to < group.log.first[p] or to > end:
            if group.rules.reset == k.NONE:
                if not group.rules.by_program:
                    commit(group, m, at_s)
                group.members.phase[m] = k.LOST
                return
            to = _reset_to(group, p, end, at_s)
        _jump(group, p, to, sought, at_s)
        if sought and group.members.turn[m] == a:
            group.members.fetched[m] = 0
            group.members.pieces_n[m] = 0
