"""Polls one after the other, where nothing happens but that: the way that most records take.

A member is calm while it is in touch with the brokers, is not to be held, has nothing left in its
buffer, and no commit by a timer and no sample falls between two of its polls. Then every poll
returns all that there is of each of its partitions, in the same order, and it is enough to know of
each partition which record comes next. What `sim.log.group_kernel` does step by step, with the
state written at each, is here one loop over polls; both give the same bits.
"""

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I64, U16
from sim.log import group_state as k
from sim.log.group_state_kernel import GroupState, Visits


def _is_calm(group: GroupState, m: int) -> bool:
    """Whether member ``m``, which polls, is calm now."""
    return bool(
        group.members.hold[m] == 0
        and group.members.cut[m] == 0
        and group.members.astray[m] == 0
        and group.members.awaits[m] == 0
        and group.members.fetched[m] == 0
        and group.members.assigned_n[m] > 0
        and group.members.assigned_n[m] <= group.visits.row.shape[0]
    )


def _calm_until_s(group: GroupState, m: int, limit_s: float) -> float:
    """To when it stays so, if nothing changes."""
    until = limit_s
    if not group.rules.by_program and not group.rules.background:
        until = min(until, num.nextafter(group.members.next_commit_s[m], -num.INF))
    grid = group.samples.grid_s.shape[0]
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        g = group.samples.position_next[p]
        if group.rules.by_program:
            g = min(g, group.samples.committed_next[p])
            g = min(g, group.samples.commit_s_next[p])
        if g < grid:
            until = min(until, group.samples.grid_s[g])
    return until


def _take_up(group: GroupState, m: int, room: int) -> bool:
    """Note of each partition of member ``m`` which record comes next.

    Returns whether the next poll finds less than ``room`` records in each.
    """
    n = group.members.assigned_n[m]
    since = group.members.now_s[m]
    group.visits.first = group.members.turn[m] % n
    group.visits.earliest_s = num.INF
    for a in range(n):
        slot = group.visits.first + a
        if slot >= n:
            slot -= n
        p = group.members.assigned[m, slot]
        row = group.log.start[p] + group.offsets.position[p]
        stop = group.log.start[p + 1]
        group.visits.row[a] = row
        group.visits.stop[a] = stop
        if row < stop:
            ready = group.log.visible_s[row] + group.rules.fetch_s
            group.visits.earliest_s = min(group.visits.earliest_s, ready)
        if row + room < stop and group.log.visible_s[row + room] + group.rules.fetch_s <= since:
            return False
    return True


def _visit_alone(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    room: int,
    fetch_s: float,
    per_batch_s: float,
    factor: float,
    limit_s: float,
    calm_s: float,
    commits: bool,
    commit_s: float,
    resume_s: float,
) -> int:
    """`_visit` of a single partition, where each poll finds the next record at least."""
    since = v.since_s
    head = v.earliest_s
    row = v.row[0]
    stop = v.stop[0]
    polls = 0
    outcome = k.WAITS
    while True:
        ready = max(since, head)
        if ready > calm_s:
            break
        if row + room < stop and visible_s[row + room] + fetch_s <= ready:
            break  # more than it may return, so it has to be taken step by step
        polls += 1
        v.before[0] = row
        v.ready_s = ready
        end = ready
        extra = per_batch_s
        while True:
            end += (extra + num.double(service_s[row])) * factor
            extra = 0.0
            if end > limit_s or effects[row] != 0:
                outcome = k.WORKS
                break
            done_s[row] = end
            effects[row] = 1
            row += 1
            head = num.INF
            if row == stop:
                break
            head = visible_s[row] + fetch_s
            if head > ready:
                break
        v.end_s = end
        if outcome == k.WORKS:
            v.taken[0] = row
            while row < stop and visible_s[row] + fetch_s <= ready:
                row += 1
            break
        since = end
        if commits:
            at = end + commit_s
            if at > calm_s:
                outcome = k.COMMITS
                break
            v.commit_s = at
            since = max(at, resume_s)
    v.since_s = since
    v.polls = polls
    v.handed = row - v.row[0]
    v.row[0] = row
    v.at = 0
    return outcome


def _visit(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    rows: I64,
    stops: I64,
    before: I64,
    taken: I64,
    n: int,
    room: int,
    fetch_s: float,
    per_batch_s: float,
    factor: float,
    limit_s: float,
    calm_s: float,
    commits: bool,
    commit_s: float,
    resume_s: float,
) -> int:
    """Poll and process from ``v.since_s`` on; returns how it ended: WAITS, COMMITS, WORKS.

    One function, since the parts of a poll are a few instructions each.
    """
    since = v.since_s
    earliest = v.earliest_s
    many = n > 8  # where most have nothing, a branch costs less
    while True:
        ready = max(since, earliest)
        if ready > calm_s:
            v.since_s = since
            return k.WAITS
        # The poll: it returns what there is.
        total = 0
        earliest = num.INF
        for a in range(n):
            row = rows[a]
            before[a] = row
            if many and row < stops[a] and visible_s[row] + fetch_s > ready:
                earliest = min(earliest, visible_s[row] + fetch_s)
                continue
            # How many there are cannot be foreseen: a branch on it costs more than to look at four.
            if row + 4 <= stops[a]:
                count = num.integer(visible_s[row] + fetch_s <= ready)
                count += num.integer(visible_s[row + 1] + fetch_s <= ready)
                count += num.integer(visible_s[row + 2] + fetch_s <= ready)
                count += num.integer(visible_s[row + 3] + fetch_s <= ready)
                taken[total] = row
                taken[total + 1] = row + 1
                taken[total + 2] = row + 2
                taken[total + 3] = row + 3
                row += count
                total += count
                if count < 4:
                    rows[a] = row
                    earliest = min(earliest, visible_s[row] + fetch_s)
                    continue
            while row < stops[a] and visible_s[row] + fetch_s <= ready and total <= room:
                taken[total] = row
                row += 1
                total += 1
            rows[a] = row
            if row < stops[a]:
                earliest = min(earliest, visible_s[row] + fetch_s)
        if total > room:  # more than it may return, so it has to be taken step by step
            for a in range(n):
                rows[a] = before[a]
            v.since_s = since
            return k.WAITS
        v.polls += 1
        v.handed += total
        v.ready_s = ready
        # The batch.
        end = ready
        extra = per_batch_s
        for i in range(total):
            row = taken[i]
            end += (extra + num.double(service_s[row])) * factor
            extra = 0.0
            if end > limit_s or effects[row] != 0:
                v.since_s = since
                v.end_s = end
                v.at = i
                return k.WORKS
            done_s[row] = end
            effects[row] = 1
        since = end
        v.end_s = end
        if commits:
            at = end + commit_s
            if at > calm_s:
                v.since_s = end
                return k.COMMITS
            v.commit_s = at
            since = max(at, resume_s)


def _lay_down(group: GroupState, m: int, outcome: int) -> None:
    """Write into the state of member ``m`` where it was left."""
    n = group.members.assigned_n[m]
    working = -1
    if outcome == k.WORKS:
        working = group.visits.taken[group.visits.at]
    group.members.at[m] = n
    for a in range(n):
        slot = group.visits.first + a
        if slot >= n:
            slot -= n
        p = group.members.assigned[m, slot]
        base = group.log.start[p]
        row = group.visits.row[a]
        before = group.visits.before[a]
        group.offsets.position[p] = row - base
        if before <= working and working < row:
            group.members.at[m] = a
            group.offsets.processed[p] = working - base
        elif group.members.at[m] < n:
            group.offsets.processed[p] = before - base
        else:
            group.offsets.processed[p] = row - base
        if group.visits.commit_s > -num.INF:
            value = (row if outcome == k.WAITS else before) - base
            group.offsets.committed[p] = max(group.offsets.committed[p], value)
            group.offsets.commit_s[p] = group.visits.commit_s
        group.processed -= group.offsets.position[p] - group.offsets.processed[p]
    group.polls += group.visits.polls
    group.visited += group.visits.polls
    group.handed += group.visits.handed
    group.processed += group.visits.handed
    group.members.first[m] = group.visits.first
    group.members.turn[m] = group.visits.first
    group.members.now_s[m] = group.visits.since_s
    group.members.polled_s[m] = group.visits.ready_s
    group.members.end_s[m] = group.visits.end_s
    group.members.extra_s[m] = 0.0
    if outcome == k.WORKS:
        group.members.phase[m] = k.WORK
    elif outcome == k.COMMITS:
        group.members.phase[m] = k.COMMIT


def visit(group: GroupState, m: int, limit_s: float) -> None:
    """Have member ``m``, which polls, go on to ``limit_s`` as long as it is calm."""
    since = group.members.now_s[m]
    if since > limit_s or not _is_calm(group, m):
        return
    calm_s = _calm_until_s(group, m, limit_s)
    # A poll that is full begins the next one with another partition.
    room = min(group.rules.max_poll_records - 1, group.rules.chunk_records)
    room = min(room, k.MOST_TAKEN)
    if since > calm_s or not _take_up(group, m, room):
        return
    group.visits.polls = 0
    group.visits.handed = 0
    group.visits.since_s = since
    group.visits.commit_s = -num.INF
    if group.members.assigned_n[m] == 1:
        outcome = _visit_alone(
            group.visits,
            group.log.visible_s,
            group.records.service_s,
            group.records.effects,
            group.records.done_s,
            room,
            group.rules.fetch_s,
            group.rules.per_batch_s,
            group.members.factor[m],
            limit_s,
            calm_s,
            group.rules.by_program,
            group.rules.commit_s if group.rules.wait else 0.0,
            group.members.resume_s[m],
        )
    else:
        outcome = _visit(
            group.visits,
            group.log.visible_s,
            group.records.service_s,
            group.records.effects,
            group.records.done_s,
            group.visits.row,
            group.visits.stop,
            group.visits.before,
            group.visits.taken,
            group.members.assigned_n[m],
            room,
            group.rules.fetch_s,
            group.rules.per_batch_s,
            group.members.factor[m],
            limit_s,
            calm_s,
            group.rules.by_program,
            group.rules.commit_s if group.rules.wait else 0.0,
            group.members.resume_s[m],
        )
    if group.visits.polls > 0:
        _lay_down(group, m, outcome)
