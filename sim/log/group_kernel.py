"""How one consumer group reads a partitioned log.

Rules held: KC-01 (one owner per partition), KC-02 (a group reads without deleting),
KC-10 (committed = next offset to read), KC-11 (commit before or after processing), KC-12 (Java
auto-commit happens inside poll), KC-13 (librdkafka's commits what was handed over, by a timer),
KC-14 (an asynchronous commit is not waited for), KB-09 and KB-10 (a position that is not in the
log, or that a group never had, is reset when it is next fetched from). What needs control stops a
group: a batch that outlasts max.poll.interval.ms (KC-03), and a record that its handler fails on
(KC-18).
"""

import numpy as np

from sim.foundation.jit import inlined, resumable
from sim.log.group_forecast_kernel import batch_end_s, deadline_s, next_risk_s, ready_s
from sim.log.group_state import (
    BEGINNING,
    BEYOND_THE_LOG,
    COMMIT,
    COMMIT_TIME,
    COMMITTED,
    EARLIEST,
    END,
    FAILED,
    FINE,
    FROM,
    GIVEN_UP,
    HANDED,
    HELD,
    JOIN,
    LATEST,
    LEAVE,
    LOG_START,
    LOST,
    NO_OFFSET,
    NONE,
    NOWHERE,
    OFF,
    PARTITION,
    POLL,
    POLLS,
    POSITION,
    PROCESSED,
    SOUGHT,
    TO,
    TWO_OWNERS,
    UNBALANCED,
    UNCOMMITTED,
    UNDONE,
    UNREAD,
    WORK,
    ZOMBIE,
)
from sim.log.topic_kernel import readable


@inlined
def _sample(group, which, grid, p, value, at_s):
    """Fill the samples before ``at_s``, at which ``value`` stops being true."""
    g = group.grid_next[which, p]
    while g < group.grid_s.size and group.grid_s[g] < at_s:
        grid[g, p] = value
        g += 1
    group.grid_next[which, p] = g


@inlined
def commit(group, reading, m, at_s):
    """Commit for member ``m``, at ``at_s``: what it has processed, or all that it was handed."""
    for a in range(group.assigned_n[m]):
        p = group.assigned[m, a]
        if group.position[p] == NOWHERE:
            continue
        _sample(group, COMMIT_TIME, group.grid_commit_s, p, group.commit_s[p], at_s)
        group.commit_s[p] = at_s
        value = group.position[p] if reading.handed == 1 else group.processed[p]
        if reading.before == 1 and reading.per_record == 1:
            slot = group.first[m] + group.at[m]
            in_progress = slot == a or slot - group.assigned_n[m] == a
            if in_progress and group.at[m] < group.assigned_n[m]:
                value += 1
        if value > group.committed[p]:
            _sample(group, COMMITTED, group.grid_committed, p, group.committed[p], at_s)
            group.committed[p] = value


@resumable
def finish_samples(group, until_s):
    """Fill the samples up to ``until_s`` (inclusive) with what is true now."""
    after = np.nextafter(until_s, np.inf)
    for p in range(group.committed.size):
        _sample(group, COMMITTED, group.grid_committed, p, group.committed[p], after)
        _sample(group, POSITION, group.grid_position, p, group.position[p], after)
        _sample(group, COMMIT_TIME, group.grid_commit_s, p, group.commit_s[p], after)


@inlined
def _aim(group, poison, p):
    """Find the next offset of partition ``p`` on which the handler fails, after it was moved."""
    poison.next[p] = NO_OFFSET
    for i in range(poison.offset.size):
        offset = poison.offset[i]
        if poison.partition[i] == p and group.processed[p] <= offset < poison.next[p]:
            poison.next[p] = offset


@inlined
def _go_on_elsewhere(log, group, poison, reading, m, at_s):
    """Move the positions of member ``m`` that were sought anew, or that are not in the log."""
    group.astray[m] = 0
    for a in range(group.assigned_n[m]):
        p = group.assigned[m, a]
        to = group.sought[p]
        if to == NOWHERE:
            if group.position[p] >= log.first[p]:
                continue
            if group.fetched[m] > 0 and group.turn[m] == a:
                group.astray[m] = 1  # the client still has records of it
                continue
        sought = to != NOWHERE
        end = readable(log, p, at_s)
        if to == BEGINNING:
            to = log.first[p]
        elif to == END:
            to = end
        elif to < log.first[p] or to > end:
            if reading.reset == NONE:
                if reading.auto_commit_s >= 0.0:
                    commit(group, reading, m, at_s)
                group.phase[m] = LOST
                return
            if reading.reset == LATEST:
                to = end
            elif reading.reset == EARLIEST:
                to = log.first[p]
            else:
                to = readable(log, p, np.nextafter(at_s - reading.reset_s, -np.inf))
        n = group.jumped[0]
        group.jumped[0] = n + 1
        group.jump_s[n] = at_s
        group.jumps[n, PARTITION] = p
        group.jumps[n, FROM] = group.position[p]
        group.jumps[n, TO] = to
        group.jumps[n, LOG_START] = log.first[p]
        group.jumps[n, SOUGHT] = 1 if sought else 0
        _sample(group, POSITION, group.grid_position, p, group.position[p], at_s)
        group.position[p] = to
        group.processed[p] = to
        if poison is not None:
            _aim(group, poison, p)
        if sought:
            _sample(group, COMMITTED, group.grid_committed, p, group.committed[p], at_s)
            _sample(group, COMMIT_TIME, group.grid_commit_s, p, group.commit_s[p], at_s)
            group.committed[p] = group.checked[p] = to
            group.commit_s[p] = at_s
            group.sought[p] = NOWHERE
            if group.turn[m] == a:
                group.fetched[m] = 0


@inlined
def _poll(ready, log, group, reading, m):
    """Hand member ``m`` up to max.poll.records, from its buffer only if it is cut off."""
    n_parts = group.assigned_n[m]
    taken = 0
    first = group.turn[m]
    if first >= n_parts:
        first %= n_parts
    group.first[m] = first
    group.turn[m] = first
    for a in range(n_parts):
        slot = first + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        if group.fetched[m] == 0:
            if group.cut[m] == 1:
                break
            row = log.start[p] + group.position[p]
            stop = min(log.start[p] + log.end[p], row + reading.chunk_records)
            n = 0
            while row < stop and log.visible_s[row] + reading.fetch_s <= ready:
                row += 1
                n += 1
            group.fetched[m] = n
        n = min(group.fetched[m], reading.max_poll_records - taken)
        if n > 0:
            _sample(group, POSITION, group.grid_position, p, group.position[p], ready)
            group.position[p] += n
            group.fetched[m] -= n
            taken += n
        if group.fetched[m] > 0:
            break
        # This partition's chunk is drained: the next one is served before it is fetched again.
        group.turn[m] = slot + 1 if slot + 1 < n_parts else 0
        if taken >= reading.max_poll_records:
            break
    group.counts[POLLS] += 1
    group.counts[HANDED] += taken
    a = 0
    while True:
        slot = first + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        if group.processed[p] < group.position[p]:
            break
        a += 1
    group.at[m] = a
    group.polled_s[m] = ready
    group.extra_s[m] = reading.per_batch_s


@inlined
def _begin(now_s, log, group, m):
    """Plan the end of the next record in hand of member ``m``, which has one."""
    slot = group.first[m] + group.at[m]
    if slot >= group.assigned_n[m]:
        slot -= group.assigned_n[m]
    p = group.assigned[m, slot]
    work_s = group.extra_s[m] + np.float64(group.service_s[log.start[p] + group.processed[p]])
    group.extra_s[m] = 0.0
    group.end_s[m] = now_s + work_s * group.factor[m]
    group.phase[m] = WORK


@inlined
def _work(until_s, log, group, poison, m, most):
    """Process up to ``most`` records of the batch up to ``until_s``; returns whether done."""
    n_parts = group.assigned_n[m]
    factor = group.factor[m]
    end = group.end_s[m]
    a = group.at[m]
    planned = True
    while a < n_parts:
        slot = group.first[m] + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.assigned[m, slot]
        base = log.start[p]
        first = base + group.processed[p]
        row = first
        last = base + group.position[p]
        stop = min(last, first + most)
        if poison is not None and first <= base + poison.next[p] < stop:
            stop = base + poison.next[p]
        while row < stop:
            if not planned:
                end += np.float64(group.service_s[row]) * factor
                planned = True
            if end > until_s:
                break
            if group.effects[row] > 0:
                # A zombie and the new owner are not worked in order of time: either may be first.
                if group.repeats[0] < group.again_message.size:
                    group.again_message[group.repeats[0]] = log.message[row]
                    group.again_s[group.repeats[0]] = max(end, group.done_s[row])
                group.repeats[0] += 1
                group.done_s[row] = min(end, group.done_s[row])
            else:
                group.done_s[row] = end
            group.effects[row] += 1
            row += 1
            planned = False
        group.processed[p] = row - base
        group.counts[PROCESSED] += row - first
        most -= row - first
        if row < stop:
            break
        if row < last:
            if poison is not None and most > 0:
                if not planned:
                    end += np.float64(group.service_s[row]) * factor
                if end <= until_s:
                    group.phase[m] = FAILED
            break
        a += 1
    group.end_s[m] = end
    group.at[m] = a
    return a == n_parts or most == 0


@inlined
def _after_record(group, reading, m):
    """What member ``m`` does when it is done with a batch, or with a record that it commits."""
    finished = group.at[m] == group.assigned_n[m]
    if reading.auto_commit_s < 0.0 and not (reading.before == 1 and finished):
        group.phase[m] = COMMIT
    else:
        group.phase[m] = POLL


@resumable
def pass_over(at_s, log, group, reading, m):
    """Have member ``m``, whose handler failed at ``at_s``, go on with the next record in hand."""
    n_parts = group.assigned_n[m]
    a = group.at[m]
    group.processed[group.assigned[m, (group.first[m] + a) % n_parts]] += 1
    group.counts[GIVEN_UP] += 1
    while a < n_parts:
        p = group.assigned[m, (group.first[m] + a) % n_parts]
        if group.processed[p] < group.position[p]:
            break
        a += 1
    group.at[m] = a
    group.now_s[m] = at_s
    if a == n_parts or (reading.auto_commit_s < 0.0 and reading.per_record == 1):
        _after_record(group, reading, m)
    else:
        _begin(at_s, log, group, m)


@resumable
def consume(until_s, log, group, poison, reading):
    """Advance every member of a group to ``until_s`` (inclusive).

    Members are independent between control events, so each is carried through the whole stretch
    before the next.
    """
    program_commits = reading.auto_commit_s < 0.0
    most = 1 if program_commits and reading.per_record == 1 else NO_OFFSET
    for m in range(group.phase.size):
        while True:
            limit = until_s
            if reading.background == 1 and group.cut[m] == 0:
                limit = min(until_s, group.next_commit_s[m])
            while True:
                if group.phase[m] == POLL:
                    since = group.now_s[m]
                    if since > limit:  # paused
                        break
                    if group.hold[m] == LEAVE or (group.hold[m] == JOIN and group.cut[m] == 0):
                        commits = not program_commits and group.cut[m] == 0
                        if commits and (group.awaits[m] == 0 or group.hold[m] == LEAVE):
                            commit(group, reading, m, since)
                        group.phase[m] = HELD
                        break
                    if group.assigned_n[m] == 0:
                        break
                    if group.cut[m] == 1 and group.fetched[m] == 0:
                        break
                    if group.astray[m] == 1 and group.cut[m] == 0:
                        _go_on_elsewhere(log, group, poison, reading, m, since)
                        if group.phase[m] == LOST:
                            break
                    ready = ready_s(since, log, group, reading, m)
                    empty = reading.min_records > 1 and ready == np.inf
                    answered = since + reading.max_wait_s if empty else ready
                    # An idle application keeps polling, so a due commit does not wait for records.
                    by_poll = not program_commits and reading.background == 0
                    if by_poll and group.cut[m] == 0 and group.awaits[m] == 0:
                        while group.next_commit_s[m] <= min(answered, limit):
                            due = max(since, group.next_commit_s[m])
                            commit(group, reading, m, due)
                            group.next_commit_s[m] = due + reading.auto_commit_s
                    if answered > limit:
                        break
                    if empty:
                        group.now_s[m] = answered
                        continue
                    _poll(ready, log, group, reading, m)
                    if program_commits and reading.before == 1:
                        group.now_s[m] = ready
                        group.phase[m] = COMMIT
                    else:
                        _begin(ready, log, group, m)
                elif group.phase[m] == WORK:
                    if not _work(limit, log, group, poison, m, most):
                        break
                    group.now_s[m] = group.end_s[m]
                    _after_record(group, reading, m)
                elif group.phase[m] == COMMIT:
                    at = group.now_s[m]
                    if reading.wait == 1:
                        if group.cut[m] == 1:
                            break
                        at += reading.commit_s
                    if at > limit:
                        break
                    if group.cut[m] == 0:
                        commit(group, reading, m, at)
                    group.now_s[m] = max(at, group.resume_s[m])
                    if group.at[m] < group.assigned_n[m]:
                        _begin(group.now_s[m], log, group, m)
                    else:
                        group.phase[m] = POLL
                else:
                    break
            if reading.background == 0 or group.cut[m] == 1 or group.next_commit_s[m] > until_s:
                break
            if group.phase[m] == OFF or group.phase[m] == HELD or group.phase[m] == ZOMBIE:
                break
            commit(group, reading, m, limit)
            group.next_commit_s[m] = limit + reading.auto_commit_s


@resumable
def complaint(log, group, reading):
    """What is wrong with the state of a group, between two events; FINE: nothing.

    Each partition has one owner (KC-01); committed, processed, position and log end are in this
    order, unless commits are ahead of the work (KC-11, KC-13); what is committed goes back by a
    seek only; and what was handed over was processed, was given up, or is in hand. It looks at
    every partition, and at no record: 0.06 us with 48 partitions, of the 6 us that an advance takes
    where nothing happens.
    """
    ahead = reading.before == 1 or reading.handed == 1
    in_hand = 0
    for p in range(group.position.size):
        group.scan[p] = 0
        in_hand += group.position[p] - group.processed[p]
        if group.position[p] > log.end[p]:
            return BEYOND_THE_LOG
        if group.processed[p] > group.position[p]:
            return UNREAD
        if group.committed[p] > group.processed[p] and not ahead:
            return UNDONE
        if group.committed[p] < group.checked[p]:
            return UNCOMMITTED
        group.checked[p] = group.committed[p]
    for m in range(group.phase.size):
        for a in range(group.assigned_n[m]):
            p = group.assigned[m, a]
            group.scan[p] += 1
            if group.scan[p] > 1:
                return TWO_OWNERS
    if group.counts[HANDED] != group.counts[PROCESSED] + group.counts[GIVEN_UP] + in_hand:
        return UNBALANCED
    return FINE


@resumable
def advance(from_s, until_s, log, group, poison, reading):
    """Advance a group to ``until_s``, or to the first time at which a member needs control.

    Returns the time reached, and whether control is needed then. No member is carried past it, so
    the group goes on in stretches: a batch polled in one of them cannot be overdue before its end.
    At last, what is wrong with the state, FINE if nothing is: `complaint`.
    """
    now = from_s
    poisoned = False
    if poison is not None:
        poisoned = poison.offset.size > 0
    while True:
        stop = until_s
        if reading.max_poll_s < np.inf:
            stop = min(stop, now + reading.max_poll_s)
            for m in range(group.phase.size):
                stop = min(stop, max(now, deadline_s(group, reading, m)))
        if poison is not None and poisoned:
            stop = min(stop, max(now, next_risk_s(log, group, poison, reading)))
        # Where a position moves, control may be needed at once, or earlier than it was before.
        if poisoned or reading.reset == NONE:
            for m in range(group.phase.size):
                polls = group.phase[m] == POLL or group.phase[m] == WORK or group.phase[m] == COMMIT
                if polls and group.astray[m] == 1 and group.cut[m] == 0 and group.assigned_n[m] > 0:
                    stop = min(stop, max(now, batch_end_s(log, group, None, reading, m)))
        consume(stop, log, group, poison, reading)
        for m in range(group.phase.size):
            if (
                group.phase[m] == FAILED
                or group.phase[m] == LOST
                or deadline_s(group, reading, m) <= stop
            ):
                return stop, True, complaint(log, group, reading)
        if stop >= until_s:
            return until_s, False, complaint(log, group, reading)
        now = stop
