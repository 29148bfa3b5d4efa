"""When a member of a group will be answered, done, overdue or failing, if nothing changes."""

import numpy as np

from sim.foundation.jit import inlined, resumable
from sim.log.group_state import COMMIT, POLL, WORK
from sim.log.topic_kernel import head_s


@inlined
def ready_s(since_s, log, group, reading, m):
    """When a fetch that began to wait at ``since_s`` can be answered; inf: not known yet."""
    n_parts = group.assigned_n[m]
    if group.fetched[m] > 0:
        return since_s
    if reading.min_records <= 1:
        earliest = np.inf
        for a in range(n_parts):
            p = group.assigned[m, a]
            earliest = min(earliest, head_s(log, p, group.position[p]))
            if earliest + reading.fetch_s <= since_s:
                return since_s
        return earliest + reading.fetch_s
    deadline = since_s + reading.max_wait_s
    for a in range(n_parts):
        group.scan[group.assigned[m, a]] = group.position[group.assigned[m, a]]
    for k in range(reading.min_records):
        earliest = np.inf
        best = -1
        for a in range(n_parts):
            p = group.assigned[m, a]
            at = head_s(log, p, group.scan[p])
            if at < earliest:
                earliest = at
                best = p
        if earliest + reading.fetch_s > deadline:
            return deadline if k > 0 else np.inf
        group.scan[best] += 1
        if k == reading.min_records - 1:
            return max(since_s, earliest + reading.fetch_s)
    return np.inf


@resumable
def free_s(log, group, poison, reading, m):
    """When member ``m`` will next be free to poll, or its handler fails; inf: not while cut off."""
    return batch_end_s(log, group, poison, reading, m)


@inlined
def batch_end_s(log, group, poison, reading, m):
    """The end of the batch in hand, or of its first record on which the handler fails."""
    phase = group.phase[m]
    if phase != WORK and phase != COMMIT:
        return group.now_s[m]
    commits = reading.auto_commit_s < 0.0
    commit_s = reading.commit_s if reading.wait == 1 else 0.0
    stuck = reading.wait == 1 and group.cut[m] == 1
    end = group.end_s[m]
    extra_s = group.extra_s[m]
    planned = phase == WORK
    due = phase == COMMIT
    n_parts = group.assigned_n[m]
    for a in range(group.at[m], n_parts):
        slot = (group.first[m] + a) % n_parts
        p = group.assigned[m, slot]
        for offset in range(group.processed[p], group.position[p]):
            if not planned:
                if due:
                    if stuck:
                        return np.inf
                    from_s = group.now_s[m] if phase == COMMIT else end
                    end = max(from_s + commit_s, group.resume_s[m])
                    phase = WORK
                work_s = extra_s + np.float64(group.service_s[log.start[p] + offset])
                extra_s = 0.0
                end += work_s * group.factor[m]
            if poison is not None and offset == poison.next[p]:
                return end
            planned = False
            due = commits and reading.per_record == 1
    if phase == COMMIT or (commits and reading.before == 0):
        if stuck:
            return np.inf
        from_s = group.now_s[m] if phase == COMMIT else end
        return max(from_s + commit_s, group.resume_s[m])
    return end


@inlined
def next_risk_s(log, group, poison, reading):
    """Before then no handler fails: the earliest failure in hand, or poll that may return one."""
    earliest = np.inf
    for m in range(group.phase.size):
        phase = group.phase[m]
        if phase != POLL and phase != WORK and phase != COMMIT:
            continue
        for a in range(group.assigned_n[m]):
            p = group.assigned[m, a]
            offset = poison.next[p]
            if offset < group.processed[p] or offset >= log.end[p]:
                continue
            readable_s = log.visible_s[log.start[p] + offset] + reading.fetch_s
            if offset < group.position[p]:
                at = batch_end_s(log, group, poison, reading, m)
            elif phase == POLL:
                if group.cut[m] == 1 and group.fetched[m] == 0:
                    continue
                at = ready_s(group.now_s[m], log, group, reading, m)
                if at == np.inf:  # nothing yet: it asks again
                    at = group.now_s[m] + reading.max_wait_s
                at = max(readable_s, at)
            else:
                at = max(readable_s, batch_end_s(log, group, None, reading, m))
            earliest = min(earliest, at)
    return earliest


@inlined
def deadline_s(group, reading, m):
    """When member ``m`` will have gone too long without a poll; a paused one notices later.

    The back-off of a retry counts: it is between two polls.
    """
    late_s = max(group.polled_s[m] + reading.max_poll_s, group.resume_s[m])
    if group.phase[m] == WORK or group.phase[m] == COMMIT:
        return late_s
    if group.phase[m] == POLL and late_s < group.back_s[m]:
        return late_s
    return np.inf


@resumable
def overdue(at_s, group, reading, m):
    """Whether member ``m`` has gone too long without a poll."""
    return deadline_s(group, reading, m) <= at_s
