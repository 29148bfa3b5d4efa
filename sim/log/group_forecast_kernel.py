"""When a member of a group will be answered, done, overdue or failing, if nothing changes."""

from sim.engine import held_up_kernel as held_up
from sim.foundation import num
from sim.log import group_state as k
from sim.log.group_state_kernel import GroupState


def _head_s(group: GroupState, p: int, offset: int) -> float:
    """When the record at an offset of partition ``p`` can be read; inf: not known yet.

    -inf for a position that is nowhere: a fetch finds that out, it does not wait.
    """
    if offset < 0:
        return -num.INF
    if offset < group.log.end[p]:
        return num.double(group.log.visible_s[group.log.start[p] + offset])
    return num.INF


def _enough_s(group: GroupState, m: int, since_s: float) -> float:
    """`ready_s` of a fetch that waits for several records: fetch.min.bytes."""
    deadline = since_s + group.rules.max_wait_s
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        group.offsets.scan[p] = group.offsets.position[p]
    earliest = num.INF
    for found in range(group.rules.min_records):
        earliest = num.INF
        best = -1
        for a in range(group.members.assigned_n[m]):
            p = group.members.assigned[m, a]
            at = _head_s(group, p, group.offsets.scan[p])
            if at < earliest:
                earliest = at
                best = p
        if earliest + group.rules.fetch_s > deadline:
            return deadline if found > 0 else num.INF
        if best >= 0:
            group.offsets.scan[best] += 1
    return max(since_s, earliest + group.rules.fetch_s)


def ready_s(group: GroupState, m: int, since_s: float) -> float:
    """When a fetch that began to wait at ``since_s`` can be answered; inf: not known yet."""
    if group.members.fetched[m] > 0 or group.members.pieces_n[m] > 0:
        return since_s
    if group.rules.min_records > 1:
        return _enough_s(group, m, since_s)
    earliest = num.INF
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        earliest = min(earliest, _head_s(group, p, group.offsets.position[p]))
        if earliest + group.rules.fetch_s <= since_s:
            return since_s
    return earliest + group.rules.fetch_s


def batch_end_s(group: GroupState, m: int, fails: bool) -> float:
    """When member ``m`` is done with what it has in hand; inf: not while it is cut off.

    ``fails``: or with the first record in hand on which its handler fails.
    """
    phase = group.members.phase[m]
    if phase != k.WORK and phase != k.COMMIT:
        return num.double(group.members.now_s[m])
    commit_s = group.rules.commit_s if group.rules.wait else 0.0
    stuck = group.rules.wait and group.members.cut[m] == 1
    sent = phase == k.COMMIT
    end = num.double(group.members.now_s[m] if sent else group.members.end_s[m])
    if not sent and group.members.call[m] >= 0:
        end = held_up.goes_on_s(group.records.sends, group.members.call[m], end)
        end = max(end, num.double(group.members.resume_s[m]))
    extra_s = group.members.extra_s[m]
    planned = not sent
    due = sent
    n_parts = group.members.assigned_n[m]
    for a in range(group.members.at[m], n_parts):
        p = group.members.assigned[m, (group.members.first[m] + a) % n_parts]
        for offset in range(group.offsets.processed[p], group.offsets.position[p]):
            if not planned:
                if due:
                    if stuck:
                        return num.INF
                    end = max(end + commit_s, group.members.resume_s[m])
                    sent = False
                work_s = extra_s + num.double(group.records.service_s[group.log.start[p] + offset])
                extra_s = 0.0
                end += work_s * group.members.factor[m]
            if fails and offset == group.poison.next[p]:
                return num.double(end)
            planned = False
            due = group.rules.by_program and group.rules.per_record
    if sent or (group.rules.by_program and not group.rules.before):
        if stuck:
            return num.INF
        return num.double(max(end + commit_s, group.members.resume_s[m]))
    return num.double(end)


def _risk_s(group: GroupState, m: int, p: int) -> float:
    """Before then the handler of member ``m`` does not fail on a record of its partition ``p``."""
    phase = group.members.phase[m]
    offset = group.poison.next[p]
    if offset < group.offsets.processed[p] or offset >= group.log.end[p]:
        return num.INF
    if offset < group.offsets.position[p]:
        return batch_end_s(group, m, True)
    readable_s = group.log.visible_s[group.log.start[p] + offset] + group.rules.fetch_s
    if phase != k.POLL:
        return num.double(max(readable_s, batch_end_s(group, m, False)))
    if group.members.cut[m] == 1 and group.members.fetched[m] == 0:
        return num.INF
    at = ready_s(group, m, group.members.now_s[m])
    if at == num.INF:  # nothing yet: it asks again
        at = group.members.now_s[m] + group.rules.max_wait_s
    return num.double(max(readable_s, at))


def next_risk_s(group: GroupState) -> float:
    """Before then no handler fails: the earliest failure in hand, or poll that may return one."""
    earliest = num.INF
    for m in range(group.members.phase.shape[0]):
        phase = group.members.phase[m]
        if phase == k.POLL or phase == k.WORK or phase == k.COMMIT:
            for a in range(group.members.assigned_n[m]):
                earliest = min(earliest, _risk_s(group, m, group.members.assigned[m, a]))
    return earliest


def aged_s(group: GroupState, m: int, now_s: float) -> float:
    """Before then member ``m`` is not handed a record that is too old; inf: none is known of."""
    phase = group.members.phase[m]
    if phase != k.POLL and phase != k.WORK and phase != k.COMMIT:
        return num.INF
    earliest = num.INF
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        offset = group.offsets.position[p]
        if offset >= 0 and offset < group.log.end[p]:
            row = group.log.start[p] + offset
            earliest = min(earliest, group.records.arrived_s[row] + group.rules.max_age_s)
    if earliest == num.INF:
        return num.INF
    if phase != k.POLL:
        return num.double(max(now_s, earliest, batch_end_s(group, m, True)))
    if group.members.cut[m] == 1 and group.members.fetched[m] == 0:
        return num.INF
    at = ready_s(group, m, group.members.now_s[m])
    if at == num.INF:  # nothing yet: it asks again
        at = group.members.now_s[m] + group.rules.max_wait_s
    return num.double(max(now_s, earliest, at))


def deadline_s(group: GroupState, m: int) -> float:
    """When member ``m`` will have gone too long without a poll; a paused one notices later.

    The back-off of a retry counts: it is between two polls.
    """
    phase = group.members.phase[m]
    late_s = group.members.polled_s[m] + group.rules.max_poll_s
    late_s = max(late_s, group.members.resume_s[m])
    if phase == k.WORK or phase == k.COMMIT:
        return num.double(late_s)
    if phase == k.POLL and late_s < group.members.back_s[m]:
        return num.double(late_s)
    return num.INF
