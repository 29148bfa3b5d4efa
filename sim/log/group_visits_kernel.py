"""Polls one after the other, where nothing happens but that: the way that most records take.

A member is calm while it is in touch with the brokers, is not to be held, has nothing left in its
buffer, and no commit by a timer and no sample falls between two of its polls. Then every poll
returns all that there is of each of its partitions, in the same order, and it is enough to know of
each partition which record comes next. What `sim.log.group_kernel` does step by step, with the
state written at each, is here one loop over polls; both give the same bits.
"""

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I64, U16
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log import idle_kernel as idles
from sim.log.group_state_kernel import GroupState, Visits
from sim.log.idle_kernel import IdleTimes


def _is_calm(group: GroupState, m: int) -> bool:
    """Whether member ``m``, which polls, is calm now."""
    return bool(
        group.members.hold[m] == 0
        and group.members.cut[m] == 0
        and group.members.astray[m] == 0
        and group.members.awaits[m] == 0
        and (group.members.fetched[m] == 0 or group.rules.max_poll_records == 1)
        and group.members.assigned_n[m] > 0
        and group.members.assigned_n[m] <= group.visits.row.shape[0]
    )


def _calm_until_s(group: GroupState, m: int, limit_s: float) -> float:
    """To when it stays so, if nothing changes; what is sampled until now is written."""
    until = limit_s
    since = group.members.now_s[m]
    if not group.rules.by_program and not group.rules.background:
        until = min(until, num.nextafter(group.members.next_commit_s[m], -num.INF))
    grid = group.samples.grid_s.shape[0]
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        where.sample_position(group.samples, p, group.offsets.position[p], since)
        g = group.samples.position_next[p]
        if group.rules.by_program:
            where.sample_committed(group.samples, p, group.offsets.committed[p], since)
            where.sample_commit(group.samples, p, group.offsets.commit_s[p], since)
            g = min(g, group.samples.committed_next[p])
            g = min(g, group.samples.commit_s_next[p])
        if g < grid:
            until = min(until, group.samples.grid_s[g])
    return until


def _take_up(group: GroupState, m: int) -> None:
    """Note of each partition of member ``m`` which record comes next."""
    n = group.members.assigned_n[m]
    group.visits.first = group.members.turn[m] % n
    group.visits.earliest_s = num.INF
    for a in range(n):
        slot = group.visits.first + a
        if slot >= n:
            slot -= n
        p = group.members.assigned[m, slot]
        row = group.log.start[p] + group.offsets.position[p]
        stop = group.log.start[p] + group.log.end[p]
        group.visits.row[a] = row
        group.visits.stop[a] = stop
        if row < stop:
            ready = group.log.visible_s[row] + group.rules.fetch_s
            group.visits.earliest_s = min(group.visits.earliest_s, ready)
    group.visits.turn = 0
    group.visits.began = 0
    group.visits.left = group.members.fetched[m]
    group.visits.polls = 0
    group.visits.handed = 0
    group.visits.working = -1
    group.visits.sent = -1
    group.visits.since_s = group.members.now_s[m]
    group.visits.commit_s = -num.INF


def _is_backlogged(group: GroupState, m: int, room: int) -> bool:
    """Whether the next poll of member ``m`` finds more than ``room`` records in a partition."""
    for a in range(group.members.assigned_n[m]):
        row = group.visits.row[a] + room
        if row < group.visits.stop[a]:
            ready = group.log.visible_s[row] + group.rules.fetch_s
            if ready <= group.visits.since_s:
                return True
    return False


def _visit_alone(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    handed_s: F64,
    slowed_s: F64,
    idle: IdleTimes,
    room: int,
    fetch_s: float,
    per_batch_s: float,
    factor: float,
    limit_s: float,
    calm_s: float,
    commits: bool,
    per_record: bool,
    commit_s: float,
    resume_s: float,
) -> int:
    """`_visit` of a single partition, where each poll finds the next record at least."""
    since = v.since_s
    head = v.earliest_s
    row = v.row[0]
    stop = v.stop[0]
    polls = 0
    slowed = slowed_s.shape[0] > 0 and factor != 1.0
    outcome = k.WAITS
    while outcome == k.WAITS:
        ready = max(since, head)
        if ready > calm_s or idle.n >= idle.most:
            break
        if row + room < stop and visible_s[row + room] + fetch_s <= ready:
            break  # more than it may return, so it has to be taken step by step
        if idle.tracks and ready > since:
            idles.note(idle, since, ready)
        polls += 1
        v.before[0] = row
        v.ready_s = ready
        end = ready
        extra = per_batch_s
        head = ready
        while head <= ready:
            work = extra + num.double(service_s[row])
            end += work * factor
            extra = 0.0
            v.end_s = end
            if end > limit_s or effects[row] != 0:
                v.slowed_s = work * (factor - 1.0)
                outcome = k.WORKS
                break
            done_s[row] = end
            handed_s[row] = ready
            if slowed:
                slowed_s[row] = work * (factor - 1.0)
            effects[row] = 1
            row += 1
            head = num.INF
            if row < stop:
                head = visible_s[row] + fetch_s
            if per_record:
                at = end + commit_s
                if at > calm_s:
                    since = end
                    outcome = k.COMMITS
                    break
                v.commit_s = at
                since = max(at, resume_s)
                end = since
        if outcome == k.WAITS and not per_record:
            since = end
            if commits:
                at = end + commit_s
                if at > calm_s:
                    outcome = k.COMMITS
                    break
                v.commit_s = at
                since = max(at, resume_s)
    if outcome == k.COMMITS:
        v.sent = row - 1
    following = row
    if outcome != k.WAITS:
        while row < stop and visible_s[row] + fetch_s <= v.ready_s:
            row += 1
    if following < row:
        v.working = following
    v.since_s = since
    v.polls = polls
    v.handed = row - v.row[0]
    v.row[0] = row
    return outcome


def _visit(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    handed_s: F64,
    slowed_s: F64,
    idle: IdleTimes,
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
    per_record: bool,
    commit_s: float,
    resume_s: float,
) -> int:
    """Poll and process from ``v.since_s`` on; returns how it ended: WAITS, COMMITS, WORKS.

    One function, since the parts of a poll are a few instructions each.
    """
    since = v.since_s
    earliest = v.earliest_s
    many = n > 8  # where most have nothing, a branch costs less
    slowed = slowed_s.shape[0] > 0 and factor != 1.0
    while True:
        ready = max(since, earliest)
        if ready > calm_s or idle.n >= idle.most:
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
        if idle.tracks and ready > since:
            idles.note(idle, since, ready)
        v.polls += 1
        v.handed += total
        v.ready_s = ready
        # The batch.
        end = ready
        extra = per_batch_s
        for i in range(total):
            row = taken[i]
            work = extra + num.double(service_s[row])
            end += work * factor
            extra = 0.0
            if end > limit_s or effects[row] != 0:
                v.since_s = since
                v.end_s = end
                v.slowed_s = work * (factor - 1.0)
                v.working = row
                return k.WORKS
            done_s[row] = end
            handed_s[row] = ready
            if slowed:
                slowed_s[row] = work * (factor - 1.0)
            effects[row] = 1
            if per_record:
                v.end_s = end
                at = end + commit_s
                if at > calm_s:
                    v.since_s = end
                    v.sent = row
                    if i + 1 < total:
                        v.working = taken[i + 1]
                    return k.COMMITS
                v.commit_s = at
                since = max(at, resume_s)
                end = since
        if per_record:
            continue
        since = end
        v.end_s = end
        if commits:
            at = end + commit_s
            if at > calm_s:
                v.since_s = end
                return k.COMMITS
            v.commit_s = at
            since = max(at, resume_s)


def _visit_singly(
    v: Visits,
    visible_s: F64,
    service_s: F32,
    effects: U16,
    done_s: F64,
    handed_s: F64,
    slowed_s: F64,
    idle: IdleTimes,
    n: int,
    chunk: int,
    fetch_s: float,
    per_batch_s: float,
    factor: float,
    limit_s: float,
    calm_s: float,
    commits: bool,
    commit_s: float,
    resume_s: float,
) -> int:
    """`_visit` where a poll returns one record, mostly one that was fetched before."""
    since = v.since_s
    outcome = k.WAITS
    a = 0
    last = 0
    row = -1
    slowed = slowed_s.shape[0] > 0 and factor != 1.0
    while outcome == k.WAITS:
        ready = since
        if v.left == 0:
            earliest = num.INF
            for b in range(n):
                if v.row[b] < v.stop[b]:
                    earliest = min(earliest, visible_s[v.row[b]] + fetch_s)
            ready = max(since, earliest)
        if ready > calm_s or idle.n >= idle.most:
            break
        if idle.tracks and ready > since:
            idles.note(idle, since, ready)
        v.began = a
        if v.left == 0:
            while v.row[a] == v.stop[a] or visible_s[v.row[a]] + fetch_s > ready:
                a = a + 1 if a + 1 < n else 0
            row = v.row[a]
            stop = min(v.stop[a], row + chunk)
            while row < stop and visible_s[row] + fetch_s <= ready:
                row += 1
            v.left = row - v.row[a]
        last = a
        row = v.row[a]
        v.row[a] = row + 1
        v.polls += 1
        v.left -= 1
        if v.left == 0:
            a = a + 1 if a + 1 < n else 0
        v.ready_s = ready
        work = per_batch_s + num.double(service_s[row])
        end = ready + work * factor
        v.end_s = end
        if end > limit_s or effects[row] != 0:
            v.slowed_s = work * (factor - 1.0)
            v.working = row
            outcome = k.WORKS
            break
        done_s[row] = end
        handed_s[row] = ready
        if slowed:
            slowed_s[row] = work * (factor - 1.0)
        effects[row] = 1
        since = end
        if commits:
            at = end + commit_s
            if at > calm_s:
                v.sent = row
                outcome = k.COMMITS
                break
            v.commit_s = at
            since = max(at, resume_s)
    for b in range(n):
        v.before[b] = v.row[b]
    if v.polls > 0:
        v.before[last] = row
    v.turn = a
    v.handed = v.polls
    v.since_s = since
    return outcome


def _lay_down(group: GroupState, m: int, outcome: int) -> None:
    """Write into the state of member ``m`` where it was left."""
    n = group.members.assigned_n[m]
    working = group.visits.working
    group.members.at[m] = n
    for a in range(n):
        p = group.members.assigned[m, (group.visits.first + a) % n]
        base = group.log.start[p]
        row = group.visits.row[a]
        before = group.visits.before[a]
        processed = row
        if before <= working and working < row:
            group.members.at[m] = (a - group.visits.began + n) % n
            processed = working
        elif group.members.at[m] < n:
            processed = before
        if group.visits.commit_s > -num.INF:
            value = before
            if outcome == k.WAITS or group.rules.per_record:
                value = processed
            if before <= group.visits.sent and group.visits.sent < row:
                value = min(value, group.visits.sent)
            value -= base
            group.offsets.committed[p] = max(group.offsets.committed[p], value)
            group.offsets.commit_s[p] = group.visits.commit_s
        group.offsets.position[p] = row - base
        group.offsets.processed[p] = processed - base
        group.processed -= row - processed
    group.polls += group.visits.polls
    group.visited += group.visits.polls
    group.handed += group.visits.handed
    group.processed += group.visits.handed
    group.members.first[m] = (group.visits.first + group.visits.began) % n
    group.members.turn[m] = (group.visits.first + group.visits.turn) % n
    group.members.fetched[m] = group.visits.left
    group.members.now_s[m] = group.visits.since_s
    group.members.polled_s[m] = group.visits.ready_s
    group.members.end_s[m] = group.visits.end_s
    group.members.extra_s[m] = 0.0
    group.members.slowed_s[m] = 0.0
    if outcome == k.WORKS:
        group.members.slowed_s[m] = group.visits.slowed_s
        group.members.phase[m] = k.WORK
    elif outcome == k.COMMITS:
        group.members.phase[m] = k.COMMIT


def visit(group: GroupState, m: int, limit_s: float) -> None:
    """Have member ``m``, which polls, go on to ``limit_s`` as long as it is calm."""
    since = group.members.now_s[m]
    if since > limit_s or not _is_calm(group, m):
        return
    calm_s = _calm_until_s(group, m, limit_s)
    if since > calm_s:
        return
    _take_up(group, m)
    n = group.members.assigned_n[m]
    # A poll that is full begins the next one with another partition.
    room = min(group.rules.max_poll_records - 1, group.rules.chunk_records)
    room = min(room, k.MOST_TAKEN)
    commit_s = group.rules.commit_s if group.rules.wait else 0.0
    per_record = group.rules.by_program and group.rules.per_record
    if group.rules.max_poll_records == 1:
        outcome = _visit_singly(
            group.visits,
            group.log.visible_s,
            group.records.service_s,
            group.records.effects,
            group.records.done_s,
            group.records.handed_s,
            group.records.slowed_s,
            group.idle,
            n,
            group.rules.chunk_records,
            group.rules.fetch_s,
            group.rules.per_batch_s,
            group.members.factor[m],
            limit_s,
            calm_s,
            group.rules.by_program,
            commit_s,
            group.members.resume_s[m],
        )
    elif _is_backlogged(group, m, room):
        return
    elif n == 1:
        outcome = _visit_alone(
            group.visits,
            group.log.visible_s,
            group.records.service_s,
            group.records.effects,
            group.records.done_s,
            group.records.handed_s,
            group.records.slowed_s,
            group.idle,
            room,
            group.rules.fetch_s,
            group.rules.per_batch_s,
            group.members.factor[m],
            limit_s,
            calm_s,
            group.rules.by_program,
            per_record,
            commit_s,
            group.members.resume_s[m],
        )
    else:
        outcome = _visit(
            group.visits,
            group.log.visible_s,
            group.records.service_s,
            group.records.effects,
            group.records.done_s,
            group.records.handed_s,
            group.records.slowed_s,
            group.idle,
            group.visits.row,
            group.visits.stop,
            group.visits.before,
            group.visits.taken,
            n,
            room,
            group.rules.fetch_s,
            group.rules.per_batch_s,
            group.members.factor[m],
            limit_s,
            calm_s,
            group.rules.by_program,
            per_record,
            commit_s,
            group.members.resume_s[m],
        )
    if group.visits.polls > 0:
        _lay_down(group, m, outcome)
