"""How one consumer group reads a partitioned log.

Rules held: KC-01 (one owner per partition), KC-02 (a group reads without deleting), KC-11 (commit
before or after processing), KC-12 (Java auto-commit happens inside poll), KC-13 (librdkafka commits
by a timer), KC-14 (an asynchronous commit is not waited for). What needs control stops a group: a
batch that outlasts max.poll.interval.ms (KC-03), and a record that its handler fails on (KC-18).
"""

import cython

from sim.engine import held_up_kernel as held_up
from sim.engine import pieces
from sim.foundation import num
from sim.log import group_forecast_kernel as forecast
from sim.log import group_offsets_kernel as where
from sim.log import group_state as k
from sim.log import group_visits_kernel as visits
from sim.log import idle_kernel as idles
from sim.log.group_state_kernel import GroupState


def _poll(group: GroupState, m: int, ready_s: float) -> None:
    """Hand member ``m`` up to max.poll.records, from its buffer only if it is cut off."""
    n_parts = group.members.assigned_n[m]
    taken = 0
    first = group.members.turn[m] % n_parts
    if group.members.fetched[m] == 0 and group.members.pieces_n[m] > 0:
        group.members.pieces_n[m] -= 1
        group.members.fetched[m] = group.members.pieces[m, group.members.pieces_n[m]]
    group.members.first[m] = first
    group.members.turn[m] = first
    for a in range(n_parts):
        slot = first + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.members.assigned[m, slot]
        if group.members.fetched[m] == 0:
            if group.members.cut[m] == 1:
                break
            row = group.log.start[p] + group.offsets.position[p]
            stop = min(group.log.start[p] + group.log.end[p], row + group.rules.chunk_records)
            n = 0
            while row < stop and group.log.visible_s[row] + group.rules.fetch_s <= ready_s:
                row += 1
                n += 1
            group.members.fetched[m] = n
        n = min(group.members.fetched[m], group.rules.max_poll_records - taken)
        if n > 0:
            where.sample_position(group.samples, p, group.offsets.position[p], ready_s)
            group.offsets.position[p] += n
            group.members.fetched[m] -= n
            taken += n
        if group.members.fetched[m] > 0:
            break
        # This partition's chunk is drained: the next one is served before it is fetched again.
        group.members.turn[m] = slot + 1 if slot + 1 < n_parts else 0
        if taken >= group.rules.max_poll_records:
            break
    group.polls += 1
    group.handed += taken
    group.members.at[m] = _with_work(group, m, 0)
    group.members.polled_s[m] = ready_s
    group.members.extra_s[m] = group.rules.per_batch_s


def _with_work(group: GroupState, m: int, at: int) -> int:
    """The first of the partitions of member ``m``, from ``at`` on, of which it has work in hand.

    Both are counted from that with which the batch begins; as many as it has: there is none.
    """
    n_parts = group.members.assigned_n[m]
    while at < n_parts:
        slot = group.members.first[m] + at
        if slot >= n_parts:
            slot -= n_parts
        p = group.members.assigned[m, slot]
        if group.offsets.processed[p] < group.offsets.position[p]:
            break
        at += 1
    return at


def _begin(group: GroupState, m: int, now_s: float) -> None:
    """Plan the end of the next record in hand of member ``m``, which has one."""
    slot = group.members.first[m] + group.members.at[m]
    if slot >= group.members.assigned_n[m]:
        slot -= group.members.assigned_n[m]
    p = group.members.assigned[m, slot]
    row = group.log.start[p] + group.offsets.processed[p]
    work_s = group.members.extra_s[m] + num.double(group.records.service_s[row])
    group.members.extra_s[m] = 0.0
    group.members.slowed_s[m] = work_s * (group.members.factor[m] - 1.0)
    group.members.end_s[m] = now_s + work_s * group.members.factor[m]
    group.members.phase[m] = k.WORK
    group.members.call[m] = -1


def _keep(group: GroupState, m: int, row: int, slowed_s: float) -> None:
    """Keep how member ``m`` came to process a record, of which the first time is known now."""
    group.records.handed_s[row] = group.members.polled_s[m]
    if group.records.slowed_s.shape[0] > 0:
        group.records.slowed_s[row] = slowed_s
    if group.records.asked_s.shape[0] > 0:
        group.records.asked_s[row] = group.members.asked_s[m]
        group.records.got_s[row] = group.members.got_s[m]


def _repeat(group: GroupState, m: int, row: int, end_s: float, slowed_s: float) -> None:
    """A record that was processed before is processed again."""
    if end_s < group.records.done_s[row]:
        _keep(group, m, row, slowed_s)
    # A zombie and the new owner are not worked in order of time: either may be first.
    if group.records.repeats < group.records.again_message.shape[0]:
        group.records.again_message[group.records.repeats] = group.log.message[row]
        group.records.again_s[group.records.repeats] = max(end_s, group.records.done_s[row])
    group.records.repeats += 1
    group.records.done_s[row] = min(end_s, group.records.done_s[row])


def _work(group: GroupState, m: int, until_s: float, most: int) -> bool:
    """Process up to ``most`` records of the batch up to ``until_s``; returns whether done."""
    n_parts = group.members.assigned_n[m]
    factor = group.members.factor[m]
    end = group.members.end_s[m]
    slowed = group.members.slowed_s[m]
    a = group.members.at[m]
    sends = group.records.sends.message.shape[0] > 0
    planned = True
    while a < n_parts:
        slot = group.members.first[m] + a
        if slot >= n_parts:
            slot -= n_parts
        p = group.members.assigned[m, slot]
        base = group.log.start[p]
        first = base + group.offsets.processed[p]
        row = first
        last = base + group.offsets.position[p]
        stop = min(last, first + most)
        bad = base + group.poison.next[p]
        if first <= bad and bad < stop:
            stop = bad
        while row < stop:
            if not planned:
                end += num.double(group.records.service_s[row]) * factor
                slowed = num.double(group.records.service_s[row]) * (factor - 1.0)
                planned = True
            if end > until_s:
                break
            if sends:
                if group.members.call[m] < 0:
                    group.members.call[m] = held_up.call(
                        group.records.sends, group.log.message[row], end
                    )
                call = group.members.call[m]
                goes_on = held_up.goes_on_s(group.records.sends, call, end)
                goes_on = max(goes_on, group.members.resume_s[m])
                if goes_on > until_s:
                    break  # ``end`` stays: it is asked again
                slowed += goes_on - end
                end = goes_on
                if group.records.effects[row] == 0:
                    held_up.took(group.records.sends, call, group.log.message[row], end)
                group.members.call[m] = -1
            if group.records.effects[row] > 0:
                _repeat(group, m, row, end, slowed)
            else:
                group.records.done_s[row] = end
                _keep(group, m, row, slowed)
            group.records.effects[row] += 1
            row += 1
            planned = False
        group.offsets.processed[p] = row - base
        group.processed += row - first
        most -= row - first
        if row < stop:
            break
        if row < last:
            if most > 0:
                if not planned:
                    end += num.double(group.records.service_s[row]) * factor
                    slowed = num.double(group.records.service_s[row]) * (factor - 1.0)
                if end <= until_s:
                    group.members.phase[m] = k.FAILED
            break
        a += 1
    group.members.end_s[m] = end
    group.members.at[m] = a
    ended = a == n_parts or most == 0
    group.members.slowed_s[m] = 0.0 if ended else slowed
    return ended


def _after_record(group: GroupState, m: int) -> None:
    """What member ``m`` does when it is done with a batch, or with a record that it commits."""
    finished = group.members.at[m] == group.members.assigned_n[m]
    if group.rules.by_program and not (group.rules.before and finished):
        group.members.phase[m] = k.COMMIT
    else:
        group.members.phase[m] = k.POLL


def pass_over(group: GroupState, m: int, at_s: float) -> None:
    """Have member ``m``, whose handler failed at ``at_s``, go on with the next record in hand."""
    n_parts = group.members.assigned_n[m]
    slot = (group.members.first[m] + group.members.at[m]) % n_parts
    group.offsets.processed[group.members.assigned[m, slot]] += 1
    group.given_up += 1
    group.members.at[m] = _with_work(group, m, group.members.at[m])
    group.members.now_s[m] = at_s
    finished = group.members.at[m] == n_parts
    if finished or (group.rules.by_program and group.rules.per_record):
        _after_record(group, m)
    else:
        _begin(group, m, at_s)


def _is_too_old(group: GroupState, m: int, at_s: float) -> bool:
    """Whether the next record of a partition of member ``m`` is too old to be handed over."""
    for a in range(group.members.assigned_n[m]):
        p = group.members.assigned[m, a]
        offset = group.offsets.position[p]
        if offset >= 0 and offset < group.log.end[p]:
            row = group.log.start[p] + offset
            if group.records.arrived_s[row] + group.rules.max_age_s <= at_s:
                return True
    return False


def _wait_in_poll(group: GroupState, m: int, limit_s: float) -> bool:
    """Have member ``m``, which polls, be answered by ``limit_s``; returns whether it goes on."""
    since = group.members.now_s[m]
    if since > limit_s:  # paused
        return False
    connected = group.members.cut[m] == 0
    hold = group.members.hold[m]
    if hold == k.LEAVE or (hold == k.JOIN and connected):
        commits = not group.rules.by_program and connected
        if commits and (group.members.awaits[m] == 0 or hold == k.LEAVE):
            where.commit(group, m, since)
        group.members.phase[m] = k.HELD
        return False
    if group.members.assigned_n[m] == 0:
        return False
    if not connected and group.members.fetched[m] == 0:
        return False
    if group.members.astray[m] == 1 and connected:
        where.go_on_elsewhere(group, m, since)
        if group.members.phase[m] == k.LOST:
            return False
    ready = forecast.ready_s(group, m, since)
    empty = group.rules.min_records > 1 and ready == num.INF
    answered = since + group.rules.max_wait_s if empty else ready
    # An idle application keeps polling, so a due commit does not wait for records.
    by_poll = not group.rules.by_program and not group.rules.background
    commits_now = by_poll and connected and group.members.awaits[m] == 0
    if commits_now and group.members.next_commit_s[m] <= min(answered, limit_s):
        due = max(since, group.members.next_commit_s[m])
        where.commit(group, m, due)
        group.members.next_commit_s[m] = due + group.rules.auto_commit_s
        return True  # and waits on
    if answered > limit_s:
        return False
    if group.idle.tracks and answered > since:
        idles.note(group.idle, since, answered)
    if empty:
        group.members.now_s[m] = answered
        return True
    fetches = group.members.fetched[m] == 0 and group.members.pieces_n[m] == 0
    if group.records.asked_s.shape[0] > 0 and fetches:
        group.members.asked_s[m] = since
        group.members.got_s[m] = ready
    if group.rules.max_age_s < num.INF and _is_too_old(group, m, ready):
        group.members.now_s[m] = ready
        group.members.phase[m] = k.AGED
        return False
    _poll(group, m, ready)
    if group.rules.by_program and group.rules.before:
        group.members.now_s[m] = ready
        group.members.phase[m] = k.COMMIT
    else:
        _begin(group, m, ready)
    return True


def _wait_for_commit(group: GroupState, m: int, limit_s: float) -> bool:
    """Have member ``m`` be answered by ``limit_s`` that it committed; whether it goes on."""
    at = group.members.now_s[m]
    if group.rules.wait:
        if group.members.cut[m] == 1:
            return False
        at += group.rules.commit_s
    if at > limit_s:
        return False
    if group.members.cut[m] == 0:
        where.commit(group, m, at)
    group.members.now_s[m] = max(at, group.members.resume_s[m])
    if group.members.at[m] < group.members.assigned_n[m]:
        _begin(group, m, group.members.now_s[m])
    else:
        group.members.phase[m] = k.POLL
    return True


def _carry(group: GroupState, m: int, limit_s: float, most: int, left: int) -> int:
    """Advance member ``m`` to ``limit_s``; it processes up to ``most`` records at a time.

    Returns how many are left of the ``left`` steps that it may take; below 0: it needs more.
    """
    calm = group.rules.min_records <= 1 and limit_s < num.INF
    if group.poison.offset.shape[0] > 0 or (group.rules.by_program and group.rules.before):
        calm = False
    if group.rules.max_age_s < num.INF or group.members.pieces_n[m] > 0:
        calm = False
    if group.records.sends.message.shape[0] > 0:
        calm = False
    while True:
        left -= 1
        if left < 0:
            return left
        if group.idle.n >= group.idle.most:
            return -1
        if calm and group.members.phase[m] == k.POLL:
            visits.visit(group, m, limit_s)
        if group.members.phase[m] == k.POLL:
            if not _wait_in_poll(group, m, limit_s):
                return left
        elif group.members.phase[m] == k.WORK:
            if not _work(group, m, limit_s, most):
                return left
            group.members.now_s[m] = group.members.end_s[m]
            _after_record(group, m)
        elif group.members.phase[m] == k.COMMIT:
            if not _wait_for_commit(group, m, limit_s):
                return left
        else:
            return left


def _consume(group: GroupState, until_s: float, left: int) -> int:
    """Advance every member from ``group.carried`` on; returns as `_carry`."""
    most = 1 if group.rules.by_program and group.rules.per_record else k.NO_OFFSET
    for m in range(group.carried, group.members.phase.shape[0]):
        group.carried = m
        processed = group.processed
        while True:
            limit = until_s
            timed = group.rules.background and group.members.cut[m] == 0
            if timed:
                limit = min(until_s, group.members.next_commit_s[m])
            left = _carry(group, m, limit, most, left)
            if left < 0:
                return left
            if not timed or group.members.next_commit_s[m] > until_s:
                break
            phase = group.members.phase[m]
            if phase == k.OFF or phase == k.HELD or phase == k.ZOMBIE:
                break
            where.commit(group, m, limit)
            group.members.next_commit_s[m] = limit + group.rules.auto_commit_s
        left = max(0, left - (group.processed - processed))
        if group.idle.tracks:
            waits = group.members.phase[m] == k.POLL and group.members.cut[m] == 0
            if waits and group.members.now_s[m] < until_s:
                idles.note(group.idle, group.members.now_s[m], until_s)
            group.idle.starts[m + 1] = group.idle.n
    group.carried = 0
    return left


def consume(group: GroupState, until_s: float, most: int) -> int:
    """Advance every member of a group to ``until_s`` (inclusive), by at most ``most`` steps.

    Members are independent between control events, so each is carried through the whole stretch
    before the next. Returns DONE, or GOES_ON: call again.
    """
    with cython.nogil:
        left = _consume(group, until_s, most)
    return pieces.DONE if left >= 0 else pieces.GOES_ON


def _complaint(group: GroupState) -> int:
    """What is wrong with the state of a group, between two events; FINE: nothing.

    Each partition has one owner (KC-01); committed, processed, position and log end are in this
    order, unless commits are ahead of the work (KC-11, KC-13); what is committed goes back by a
    seek only; and what was handed over was processed, was given up, or is in hand. It looks at
    every partition, and at no record.
    """
    ahead = group.rules.before or group.rules.handed
    in_hand = 0
    for p in range(group.offsets.position.shape[0]):
        group.offsets.scan[p] = 0
        in_hand += group.offsets.position[p] - group.offsets.processed[p]
        if group.offsets.position[p] > group.log.end[p]:
            return k.BEYOND_THE_LOG
        if group.offsets.processed[p] > group.offsets.position[p]:
            return k.UNREAD
        if group.offsets.committed[p] > group.offsets.processed[p] and not ahead:
            return k.UNDONE
        if group.offsets.committed[p] < group.offsets.checked[p]:
            return k.UNCOMMITTED
        group.offsets.checked[p] = group.offsets.committed[p]
    for m in range(group.members.phase.shape[0]):
        for a in range(group.members.assigned_n[m]):
            p = group.members.assigned[m, a]
            group.offsets.scan[p] += 1
            if group.offsets.scan[p] > 1:
                return k.TWO_OWNERS
    if group.handed != group.processed + group.given_up + in_hand:
        return k.UNBALANCED
    return k.FINE


def _next_stop_s(group: GroupState, now_s: float, until_s: float) -> float:
    """To where the group goes in one stretch from ``now_s``, at most to ``until_s``."""
    stop = until_s
    n = group.members.phase.shape[0]
    if group.rules.max_poll_s < num.INF:
        stop = min(stop, now_s + group.rules.max_poll_s)
        for m in range(n):
            stop = min(stop, max(now_s, forecast.deadline_s(group, m)))
    if group.rules.max_age_s < num.INF:
        for m in range(n):
            stop = min(stop, forecast.aged_s(group, m, now_s))
    poisoned = group.poison.offset.shape[0] > 0
    if poisoned:
        stop = min(stop, max(now_s, forecast.next_risk_s(group)))
    # Where a position moves, control may be needed at once, or earlier than it was before.
    if poisoned or group.rules.reset == k.NONE:
        for m in range(n):
            phase = group.members.phase[m]
            polls = phase == k.POLL or phase == k.WORK or phase == k.COMMIT
            moves = group.members.astray[m] == 1 and group.members.cut[m] == 0
            if polls and moves and group.members.assigned_n[m] > 0:
                stop = min(stop, max(now_s, forecast.batch_end_s(group, m, False)))
    if group.records.sends.message.shape[0] > 0:
        for m in range(n):
            stop = min(stop, _next_step_s(group, m, now_s))
    return stop


def _next_step_s(group: GroupState, m: int, now_s: float) -> float:
    """When member ``m`` does something after ``now_s``; inf: that is not known yet.

    Where members send on what they do, they are carried step by step, so that calls are made in
    order of time.
    """
    phase = group.members.phase[m]
    at_s = num.double(group.members.now_s[m])
    if phase == k.WORK:
        at_s = num.double(group.members.end_s[m])
        if group.members.call[m] >= 0:
            at_s = held_up.goes_on_s(group.records.sends, group.members.call[m], at_s)
            at_s = max(at_s, num.double(group.members.resume_s[m]))
    elif phase == k.COMMIT:
        at_s += group.rules.commit_s if group.rules.wait else 0.0
    elif phase == k.POLL:
        if group.members.assigned_n[m] == 0:
            return num.INF
        at_s = forecast.ready_s(group, m, at_s)
    else:
        return num.INF
    return at_s if at_s > now_s else num.INF


def _is_called(group: GroupState, at_s: float) -> bool:
    """Whether a member needs control at ``at_s``."""
    for m in range(group.members.phase.shape[0]):
        phase = group.members.phase[m]
        if phase == k.FAILED or phase == k.LOST or phase == k.AGED:
            return True
        if forecast.deadline_s(group, m) <= at_s:
            return True
    return False


def _advance(group: GroupState, from_s: float, until_s: float, most: int) -> int:
    now = from_s
    left = most
    while True:
        # A stretch ends where it was to end when it began, in however many pieces.
        stop = group.stretch_s if group.under_way else _next_stop_s(group, now, until_s)
        left = _consume(group, stop, left)
        group.stretch_s = stop
        group.under_way = left < 0
        if group.under_way:
            return pieces.GOES_ON
        if group.idle.tracks:
            idles.cover(group.idle, stop)
        group.called = _is_called(group, stop)
        if group.called or stop >= until_s:
            break
        now = stop
    group.reached_s = stop if group.called else until_s
    group.wrong = _complaint(group)
    return pieces.DONE


def advance(group: GroupState, from_s: float, until_s: float, most: int) -> int:
    """Advance a group to ``until_s``, or to the first time at which a member needs control.

    Returns DONE; or GOES_ON after about ``most`` steps: call again, and nothing is to be changed
    before.

    Writes ``reached_s``, the time reached, and ``called``, whether control is needed then. No
    member is carried past it, so the group goes on in stretches: a batch polled in one of them
    cannot be overdue before its end. At last, ``wrong``: what is wrong with the state, FINE if
    nothing is.
    """
    with cython.nogil:
        ended = _advance(group, from_s, until_s, most)
    return ended
