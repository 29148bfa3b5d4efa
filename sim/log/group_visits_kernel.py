"""Polls one after the other, where nothing happens but that: the way that most records take.

A member is calm while it is in touch with the brokers, is not to be held, has nothing left in its
buffer, and no commit by a timer and no sample falls between two of its polls. Then every poll
returns what there is of each of its partitions, in the same order, and it is enough to know of each
partition which record comes next, and when it can be read. What `sim.log.group_kernel` does step by
step, with the state written at each, is here one loop over records; both give the same bits.
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
        and group.members.assigned_n[m] <= group.visits.head_s.shape[0]
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


def _take_up(group: GroupState, m: int) -> None:
    """Note of each partition of member ``m`` which record comes next."""
    n = group.members.assigned_n[m]
    group.visits.first = group.members.turn[m] % n
    for a in range(n):
        slot = group.visits.first + a
        if slot >= n:
            slot -= n
        p = group.members.assigned[m, slot]
        row = group.log.start[p] + group.offsets.position[p]
        stop = group.log.start[p] + group.log.end[p]
        group.visits.row[a] = row
        group.visits.stop[a] = stop
        group.visits.before[a] = row
        group.visits.head_s[a] = num.INF
        if row < stop:
            group.visits.head_s[a] = group.log.visible_s[row] + group.rules.fetch_s


def _visit(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    head_s: F64,
    rows: I64,
    stops: I64,
    before: I64,
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
    """Poll and process from ``v.since_s`` on; returns how it ended: WAITS, ...."""
    since = v.since_s
    while True:
        earliest = head_s[0]
        for a in range(1, n):
            earliest = min(earliest, head_s[a])
        ready = max(since, earliest)
        if ready > calm_s:
            v.since_s = since
            return k.WAITS
        there = 0
        for a in range(n):
            there |= num.integer(head_s[a] <= ready) << a
        v.polls += 1
        v.there = there
        end = ready
        extra = per_batch_s
        while there != 0:
            a = num.lowest_bit(there)
            there &= there - 1
            row = rows[a]
            full = row + room
            stop = stops[a]
            before[a] = row
            head = num.INF
            while True:
                end += (extra + num.double(service_s[row])) * factor
                extra = 0.0
                if end > limit_s or effects[row] != 0:
                    v.since_s, v.ready_s, v.end_s, v.slot = since, ready, end, a
                    rows[a] = row
                    return k.PLANNED
                done_s[row] = end
                effects[row] = 1
                row += 1
                if row == stop:
                    head = num.INF
                    break
                head = visible_s[row] + fetch_s
                if head > ready:
                    break
                if row == full:
                    v.since_s, v.ready_s, v.end_s, v.slot = since, ready, end, a
                    rows[a] = row
                    return k.FULL
            rows[a] = row
            head_s[a] = head
        v.ready_s = ready
        v.end_s = end
        since = end
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
    done = 0
    for a in range(n):
        slot = group.visits.first + a
        if slot >= n:
            slot -= n
        p = group.members.assigned[m, slot]
        base = group.log.start[p]
        row = group.visits.row[a]
        before = row  # before the last poll
        if (group.visits.there >> a) & 1 and (outcome <= k.COMMITS or a <= group.visits.slot):
            before = group.visits.before[a]
        done += row - base - group.offsets.processed[p]
        group.offsets.processed[p] = row - base
        group.offsets.position[p] = row - base
        if outcome > k.COMMITS and a == group.visits.slot:
            group.offsets.position[p] = before - base
        if group.visits.commit_s > -num.INF:
            value = (row if outcome == k.WAITS else before) - base
            group.offsets.committed[p] = max(group.offsets.committed[p], value)
            group.offsets.commit_s[p] = group.visits.commit_s
    group.polls += group.visits.polls
    group.visited += group.visits.polls
    group.processed += done
    group.handed += done
    group.members.first[m] = group.visits.first
    group.members.turn[m] = group.visits.first
    group.members.at[m] = n
    group.members.now_s[m] = group.visits.since_s
    group.members.polled_s[m] = group.visits.ready_s
    group.members.end_s[m] = group.visits.end_s
    group.members.extra_s[m] = 0.0
    if outcome == k.COMMITS:
        group.members.phase[m] = k.COMMIT


def visit(group: GroupState, m: int, limit_s: float) -> int:
    """Have member ``m``, which polls, go on to ``limit_s`` as long as it is calm.

    Returns how it is left: WAITS, COMMITS, or in the middle of a batch, PLANNED or FULL. Then the
    poll is to be completed, from partition ``group.visits.slot`` on.
    """
    since = group.members.now_s[m]
    if since > limit_s or not _is_calm(group, m):
        return k.WAITS
    calm_s = _calm_until_s(group, m, limit_s)
    n = group.members.assigned_n[m]
    room = min(group.rules.max_poll_records, group.rules.chunk_records) // n
    if since > calm_s or room == 0:
        return k.WAITS
    _take_up(group, m)
    group.visits.polls = 0
    group.visits.since_s = since
    group.visits.commit_s = -num.INF
    outcome = _visit(
        group.visits,
        group.log.visible_s,
        group.records.service_s,
        group.records.effects,
        group.records.done_s,
        group.visits.head_s,
        group.visits.row,
        group.visits.stop,
        group.visits.before,
        n,
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
    return outcome
