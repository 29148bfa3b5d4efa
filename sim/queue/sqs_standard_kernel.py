"""How competing workers drain a destructive queue: receive, hide, process, delete.

Rules held: SS-01 (receive hides a message for the visibility timeout; only delete removes it),
SS-03 (a delete with an old receipt does nothing, or deletes), SS-04 (a batch slower than the
timeout is delivered again), SS-05 (a crashed worker's messages wait out the timeout), SS-07 (a
short poll asks some of the servers, a long poll all of them and returns as soon as there is one
message), SS-08 (order is best effort), SS-09 (in-flight cap), SS-10 (a message received
maxReceiveCount times goes to the dead-letter queue instead of being received once more), SS-11
(retention deletes what was not read), SS-13 (the calls of one worker are serial), SS-16 (what came
back goes before what is new, in turn, or behind it).

Each call takes one draw of latency, and reaches the server half-way. A worker has one next event
at the server: its receive is answered, its long poll ends empty, or its delete takes effect. A
visibility expiry is stored only where the planned delete comes later, so a healthy queue stores
none.

Poison: a message whose handler raises is not deleted, and waits out its timeout while the rest of
its batch is deleted as usual; one that kills takes its process along at the end of its work.
"""

import cython

from sim.engine import part_codes, pieces
from sim.foundation import num
from sim.queue import sqs_standard_codes as codes
from sim.queue import sqs_standard_expiry_kernel as expiry
from sim.queue import sqs_standard_heap_kernel as heap
from sim.queue import sqs_standard_notes_kernel as notes
from sim.queue import sqs_standard_rounds_kernel as rounds
from sim.queue.sqs_standard_state_kernel import StandardQueue, StandardWorkers


def ends_badly(queue: StandardQueue, workers: StandardWorkers, w: int, k: int) -> bool:
    """Whether held message ``k`` is poison to worker ``w``; ask where there is poison."""
    badly: bool = workers.receipt[w, k] <= queue.poison.fails[workers.held[w, k]]
    return badly


def _kills(queue: StandardQueue, workers: StandardWorkers, w: int, k: int) -> bool:
    return ends_badly(queue, workers, w, k) and queue.poison.revive_s[workers.held[w, k]] >= 0.0


def _nothing_done(queue: StandardQueue, workers: StandardWorkers, w: int) -> bool:
    """Whether no message of the chunk is to be deleted."""
    for k in range(workers.chunk_first[w], workers.chunk_end[w]):
        if not ends_badly(queue, workers, w, k):
            return False
    return True


def settle(queue: StandardQueue, workers: StandardWorkers, w: int, until_s: float) -> None:
    """Record the effects of worker ``w`` up to ``until_s`` (inclusive)."""
    k = workers.current[w]
    stop = workers.chunk_end[w]
    end = workers.end_s[w]
    begun = workers.begun_s[w]
    factor = workers.factor[w]
    processed = 0
    while k < stop and end <= until_s:
        message = workers.held[w, k]
        badly = False
        if queue.has_poison:
            badly = ends_badly(queue, workers, w, k)
            if _kills(queue, workers, w, k):
                break  # the event of its death is due
        if not badly:
            if queue.effects[message] > 0:
                if queue.again < queue.again_message.shape[0]:
                    queue.again_message[queue.again] = message
                    queue.again_s[queue.again] = end
                queue.again += 1
            queue.effects[message] += 1
            processed += 1
            if end < queue.done_s[message]:
                queue.done_s[message] = end
                # As `notes.hand`, which a call for each message would make dear.
                row = queue.split[(message + queue.split_from) >> part_codes.BLOCK_BITS]
                if row >= 0:
                    row += (message + queue.split_from) & ((1 << part_codes.BLOCK_BITS) - 1)
                    queue.handed_s[row] = workers.received_s[w]
                    queue.begun_s[row] = begun
                    queue.call_s[row] = workers.call_s[w]
                    left = queue.place[message] & codes.LEFT
                    queue.place[message] = k | workers.woken[w] | left
        else:
            notes.gave_up(queue, workers, w, k, end)
        queue.worked += num.truncated((end - begun) * codes.TICKS + 0.5)
        k += 1
        if k < stop:
            begun = end
            end += num.double(queue.service_s[workers.held[w, k]]) * factor
    queue.effects_in_all += processed
    workers.current[w] = k
    workers.begun_s[w] = begun
    workers.end_s[w] = end


def _replan(queue: StandardQueue, workers: StandardWorkers, w: int) -> None:
    """Plan the delete of the chunk in progress; store expiries that now come before it."""
    t = workers.end_s[w]
    factor = workers.factor[w]
    stop = workers.chunk_end[w]
    half_s = workers.half_s[w]
    if queue.has_poison:
        for k in range(workers.current[w], stop):
            if _kills(queue, workers, w, k):
                stop = k + 1
                half_s = 0.0  # the event is its death
                break
    for k in range(workers.current[w] + 1, stop):
        t += num.double(queue.service_s[workers.held[w, k]]) * factor
    t += half_s
    expiry_s = workers.received_s[w] + queue.policy.visibility_s
    if t > expiry_s and workers.stored[w] == 0:
        workers.stored[w] = 1
        for k in range(workers.chunk_first[w], workers.held_n[w]):
            expiry.hide_until(queue, workers.held[w, k], expiry_s)
    workers.event_s[w] = t


def replan(queue: StandardQueue, workers: StandardWorkers, w: int) -> None:
    """Plan the delete of the chunk in progress again, from outside."""
    _replan(queue, workers, w)
    workers.disordered = True


def next_delete(queue: StandardQueue) -> float:
    """A delete is sent; half of its round trip, s."""
    half_s: float = 0.5 * queue.delete_latency_s[queue.delete_draw]
    queue.delete_calls += 1
    queue.delete_draw += 1
    if queue.delete_draw == queue.delete_latency_s.shape[0]:
        queue.delete_draw = 0
    return half_s


def _begin_chunk(
    queue: StandardQueue, workers: StandardWorkers, w: int, first: int, start_s: float
) -> None:
    stop = min(first + queue.policy.per_delete, workers.held_n[w])
    workers.chunk_first[w] = first
    workers.chunk_end[w] = stop
    workers.current[w] = first
    workers.start_s[w] = start_s
    workers.begun_s[w] = start_s
    work_s = num.double(queue.service_s[workers.held[w, first]])
    if first == 0:
        work_s += queue.policy.per_batch_s
    workers.end_s[w] = start_s + work_s * workers.factor[w]
    nothing_done = False
    if queue.has_poison:
        nothing_done = _nothing_done(queue, workers, w)
    if nothing_done:
        workers.half_s[w] = 0.0  # there will be nothing to delete
    else:
        workers.half_s[w] = next_delete(queue)
    workers.kind[w] = codes.DELETE
    _replan(queue, workers, w)


def _turn_off(workers: StandardWorkers, w: int) -> None:
    workers.kind[w] = codes.OFF
    workers.held_n[w] = 0
    workers.barred[w] &= codes.CUT_OFF
    workers.event_s[w] = num.INF


def _start(queue: StandardQueue, workers: StandardWorkers, w: int, at_s: float) -> None:
    """Worker ``w`` sends a receive call at ``at_s``; while it is cut off, it waits."""
    half = 0.0
    if workers.barred[w] & codes.CUT_OFF:
        at_s = num.INF
        notes.not_idle(queue, workers, w, queue.clock_s)
    else:
        half = rounds.next_receive(queue)
        workers.half_s[w] = half
    workers.held_n[w] = 0
    workers.kind[w] = codes.RECEIVE
    workers.event_s[w] = at_s + half


def start(queue: StandardQueue, workers: StandardWorkers, w: int, at_s: float) -> None:
    """Worker ``w`` has nothing, and sends a receive call at ``at_s``, from outside."""
    workers.idle_s[w] = at_s
    _start(queue, workers, w, at_s)
    workers.disordered = True


def _die(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The message in progress kills worker ``w``; all that it holds waits out its timeout."""
    deaths = queue.poison.deaths
    queue.poison.death_s[deaths % queue.poison.death_s.shape[0]] = now
    queue.poison.death_w[deaths % queue.poison.death_s.shape[0]] = w
    queue.poison.deaths = deaths + 1
    at = now + queue.poison.revive_s[workers.held[w, workers.current[w]]]
    stays = num.isfinite(at) and workers.barred[w] & codes.ENDING == 0
    queue.worked += notes.ticks(workers.end_s[w] - workers.begun_s[w])
    notes.leave(queue, workers, w, workers.chunk_first[w], now)
    notes.note(queue, codes.DEATH, w, now, at if stays else num.INF)
    workers.off_s[w] = now
    _turn_off(workers, w)
    if stays:
        workers.kind[w] = codes.STARTING
        workers.factor[w] = 1.0
        workers.resume_s[w] = -num.INF
        workers.event_s[w] = at


def _take_returned(
    queue: StandardQueue, workers: StandardWorkers, w: int, n: int, limit: int, before_s: float
) -> int:
    """Hand worker ``w`` what came back before ``before_s``; returns how many it has then."""
    room = queue.expiry_s.shape[0]
    while n < limit and queue.returned_head < queue.returned_tail:
        at = queue.returned_head & (room - 1)
        if queue.returned_s[at] >= before_s:
            break
        message = queue.returned[at]
        queue.returned_head += 1
        if queue.state[message] != codes.READY:
            continue
        if queue.receives[message] >= queue.policy.max_receives:
            queue.state[message] = codes.DEAD
            queue.removed += 1
            notes.acted(queue, codes.DEAD_LETTERED, queue.clock_s)
            continue
        queue.state[message] = codes.IN_FLIGHT
        queue.receives[message] += 1
        workers.held[w, n] = message
        workers.receipt[w, n] = queue.receives[message]
        n += 1
    return n


def _is_there(queue: StandardQueue, row: int, now: float) -> bool:
    """Whether the message of a row has reached the queue."""
    there = False
    if row < queue.feed.n[0]:
        there = queue.feed.enqueued_s[row] + queue.policy.delay_s <= now
    return there


def _more(queue: StandardQueue, now: float) -> bool:
    """Whether there is more to be handed out."""
    more: bool = queue.returned_head < queue.returned_tail
    if not more:
        more = _is_there(queue, rounds.oldest_fresh(queue), now)
    return more


def _take(
    queue: StandardQueue, workers: StandardWorkers, w: int, now: float, everywhere: bool
) -> int:
    """Hand worker ``w`` what the servers asked have at ``now``; returns how many."""
    servers = queue.next_fresh.shape[0]
    limit = min(queue.policy.batch, queue.policy.max_in_flight - queue.in_flight)
    n = 0
    if queue.policy.order == codes.RETURNED_FIRST:
        n = _take_returned(queue, workers, w, n, limit, num.INF)
    asked = servers if everywhere else queue.policy.asked
    start = 0
    misses = 0
    # Order is best effort: a call begins with the oldest message of the servers that it asks.
    if asked == servers:
        oldest = rounds.oldest_fresh(queue)
        offset = queue.oldest_server
        if not _is_there(queue, oldest, now):
            misses = asked  # all others are younger
    else:
        # Which servers a call reaches: Knuth's scramble of the number of calls so far.
        scramble = 2654435761
        start = ((queue.receive_calls * scramble >> 16) & 0xFFFF) % servers
        offset = 0
        oldest = queue.next_fresh[start]
        for other in range(1, asked):
            server = start + other
            if server >= servers:
                server -= servers
            if queue.next_fresh[server] < oldest:
                oldest = queue.next_fresh[server]
                offset = other
    while n < limit and misses < asked:
        server = start + offset
        if server >= servers:
            server -= servers
        offset += 1
        if offset == asked:
            offset = 0
        row = queue.next_fresh[server]
        while row < queue.feed.n[0] and queue.state[queue.feed.message[row]] == codes.EXPIRED:
            row += servers
        queue.next_fresh[server] = row
        if not _is_there(queue, row, now):
            misses += 1
            continue
        misses = 0
        if queue.policy.order == codes.AS_VISIBLE:
            n = _take_returned(
                queue, workers, w, n, limit, queue.feed.enqueued_s[row] + queue.policy.delay_s
            )
            if n == limit:
                break
        message = queue.feed.message[row]
        queue.next_fresh[server] = row + servers
        queue.state[message] = codes.IN_FLIGHT
        queue.receives[message] = 1
        workers.held[w, n] = message
        workers.receipt[w, n] = 1
        n += 1
    if queue.policy.order != codes.RETURNED_FIRST:
        n = _take_returned(queue, workers, w, n, limit, num.INF)
    workers.held_n[w] = n
    queue.in_flight += n
    queue.deliveries += n
    if n == queue.policy.batch and _more(queue, now):
        notes.acted(queue, codes.BATCH_FULL, now)
    return n


def unpark(queue: StandardQueue, w: int) -> None:
    """Take worker ``w`` out of the waiting long polls, keeping the others in order."""
    room = queue.parked.shape[0]
    at = queue.parked_head
    while queue.parked[at & (room - 1)] != w:
        at += 1
    while at > queue.parked_head:
        queue.parked[at & (room - 1)] = queue.parked[(at - 1) & (room - 1)]
        at -= 1
    queue.parked_head += 1


def _goes_on_s(workers: StandardWorkers, w: int, now: float) -> float:
    """When the answer that the server gives at ``now`` reaches worker ``w`` and it runs, s."""
    at_s: float = max(now + workers.half_s[w], workers.resume_s[w])
    return at_s


def _received(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    notes.not_idle(queue, workers, w, now)
    workers.received_s[w] = now
    workers.call_s[w] = workers.half_s[w]
    workers.woken[w] = 0
    workers.stored[w] = 0
    if queue.has_poison:
        for k in range(workers.held_n[w]):
            if ends_badly(queue, workers, w, k):
                workers.stored[w] = 1
        if workers.stored[w] == 1:
            for k in range(workers.held_n[w]):
                expiry_s = now + queue.policy.visibility_s
                expiry.hide_until(queue, workers.held[w, k], expiry_s)
    _begin_chunk(queue, workers, w, 0, _goes_on_s(workers, w, now))


def _available_s(queue: StandardQueue) -> float:
    """When a waiting long poll may get something: now, a fresh message, or an expiry."""
    room = queue.expiry_s.shape[0]
    at = num.INF
    if queue.expiry_head < queue.expiry_tail:
        at = queue.expiry_s[queue.expiry_head & (room - 1)]
    if queue.in_flight < queue.policy.max_in_flight:
        if queue.returned_head < queue.returned_tail:
            return queue.clock_s
        row = rounds.oldest_fresh(queue)
        if row < queue.feed.n[0]:
            at = min(at, max(queue.clock_s, queue.feed.enqueued_s[row] + queue.policy.delay_s))
    return at


def _none_held(workers: StandardWorkers) -> bool:
    """Whether no worker is busy, with messages that others deleted or that ran out of time."""
    for w in range(workers.kind.shape[0]):  # noqa: SIM110
        if workers.kind[w] == codes.DELETE:
            return False
    return True


def _sample(queue: StandardQueue, until_s: float, now: float, gone: bool) -> None:
    """Sample the queue at the grid times up to ``until_s`` that come before what is at ``now``."""
    sample = queue.grid_next
    while sample < queue.grid_s.shape[0] and queue.grid_s[sample] <= until_s:
        if queue.grid_s[sample] >= now and not gone:
            break
        if queue.grid_s[sample] >= queue.next_out_s:
            expiry.expire(queue, queue.grid_s[sample])
        queue.grid_in_flight[sample] = queue.in_flight
        queue.grid_removed[sample] = queue.removed
        sample += 1
    queue.grid_next = sample


def _receive(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> float:
    """The receive of worker ``w`` is answered, or waits; when it sends the next, s (inf: open)."""
    if now >= queue.next_out_s:
        expiry.expire(queue, now)
    if _take(queue, workers, w, now, queue.policy.wait_s > 0.0) > 0:
        _received(queue, workers, w, now)
        return num.INF
    if queue.in_flight >= queue.policy.max_in_flight:
        queue.over_limit += 1
        notes.acted(queue, codes.CAPPED, now)
        queue.full_s = min(queue.full_s, now)
    if queue.policy.wait_s > 0.0:
        notes.not_idle(queue, workers, w, now)
        workers.kind[w] = codes.PARKED
        queue.parked[queue.parked_tail & (queue.parked.shape[0] - 1)] = w
        queue.parked_tail += 1
        workers.event_s[w] = now + queue.policy.wait_s
        return num.INF
    queue.empty_receives += 1
    if queue.in_flight < queue.policy.max_in_flight:
        row = rounds.oldest_fresh(queue)
        if _is_there(queue, row, now) and queue.state[queue.feed.message[row]] == codes.READY:
            notes.acted(queue, codes.MISSED, now)
    if workers.idle_s[w] == num.INF:
        workers.idle_s[w] = max(now, workers.resume_s[w])
    return _goes_on_s(workers, w, now)


def _remove(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The delete of worker ``w`` takes effect."""
    for k in range(workers.chunk_first[w], workers.chunk_end[w]):
        message = workers.held[w, k]
        newest = queue.receives[message] == workers.receipt[w, k]
        if newest or queue.policy.stale_deletes == 1:
            if queue.has_poison and ends_badly(queue, workers, w, k):
                continue
            state = queue.state[message]
            if state == codes.IN_FLIGHT or state == codes.OVERDUE:
                queue.in_flight -= 1
            if state <= codes.OVERDUE:
                queue.state[message] = codes.DELETED
                queue.removed += 1
    notes.look_full(queue, now)


def _delete(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> float:
    """Worker ``w`` is done with its chunk; when it sends a receive, s (inf: open)."""
    settle(queue, workers, w, now)
    done = workers.chunk_end[w]
    calls = True
    if queue.has_poison:
        if workers.current[w] < done:
            _die(queue, workers, w, now)
            return num.INF
        calls = not _nothing_done(queue, workers, w)
    barred = workers.barred[w]
    if barred & codes.CUT_OFF and calls and now - workers.half_s[w] >= workers.cut_s[w]:
        workers.event_s[w] = num.INF  # sent in vain
        return num.INF
    if queue.full_s < num.INF and now >= queue.next_out_s:
        expiry.expire(queue, now)
    _remove(queue, workers, w, now)
    again_s = _goes_on_s(workers, w, now)
    if workers.doomed[w] == 1:
        workers.doomed[w] = 0
        if num.isfinite(workers.restart_s[w]):
            workers.idle_s[w] = max(now, workers.resume_s[w])
            return num.double(workers.idle_s[w])
        _turn_off(workers, w)
    elif calls and barred & codes.CUT_OFF:
        workers.event_s[w] = num.INF  # its answer is lost: it will be sent again
    elif done < workers.held_n[w]:
        _begin_chunk(queue, workers, w, done, again_s)
    elif barred & codes.ENDING:
        workers.kind[w] = codes.LEAVING
        workers.event_s[w] = again_s
    else:
        return again_s
    return num.INF


def _visit(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The next event of worker ``w`` happens."""
    receive_s = now
    kind = workers.kind[w]
    if kind == codes.RECEIVE:
        receive_s = _receive(queue, workers, w, now)
    elif kind == codes.DELETE:
        receive_s = _delete(queue, workers, w, now)
    elif kind == codes.LEAVING:
        workers.off_s[w] = now
        _turn_off(workers, w)
        return
    elif kind == codes.STARTING:
        workers.idle_s[w] = now
    if receive_s < num.INF:
        _start(queue, workers, w, receive_s)


def _wake(queue: StandardQueue, workers: StandardWorkers, now: float) -> None:
    """Hand what there is to the long poll that has waited longest."""
    w = queue.parked[queue.parked_head & (queue.parked.shape[0] - 1)]
    if now >= queue.next_out_s:
        expiry.expire(queue, now)
    if _take(queue, workers, w, now, True) > 0:
        queue.parked_head += 1
        notes.poll_ends(queue, workers, w, now)
        _received(queue, workers, w, now)
        if queue.room_s == now:
            workers.woken[w] = codes.WOKEN
        heap.push(workers, w)
        full = queue.in_flight >= queue.policy.max_in_flight
        if full and queue.parked_head < queue.parked_tail:
            queue.full_s = min(queue.full_s, now)


def _ends_first(queue: StandardQueue, workers: StandardWorkers) -> int:
    """The worker whose long poll ends before all others; of several at once, the lowest."""
    mask = queue.parked.shape[0] - 1
    first: int = queue.parked[queue.parked_head & mask]
    for at in range(queue.parked_head + 1, queue.parked_tail):
        w = queue.parked[at & mask]
        if workers.event_s[w] > workers.event_s[first]:
            break
        first = min(first, w)
    return first


def _end_poll(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The long poll of worker ``w`` has waited in vain."""
    unpark(queue, w)
    notes.poll_ends(queue, workers, w, now)
    queue.empty_receives += 1
    workers.idle_s[w] = max(now, workers.resume_s[w])
    _start(queue, workers, w, _goes_on_s(workers, w, now))
    heap.push(workers, w)


def _work(queue: StandardQueue, workers: StandardWorkers, until_s: float, most: int) -> int:
    expiry.look_out(queue)
    if workers.disordered:
        heap.order(workers)
    if rounds.may_begin(queue, workers):
        rounds.rounds(queue, workers, until_s)
    reserve = notes.to_come(queue, workers) - queue.notes
    reserve -= queue.expiry_tail - queue.expiry_head
    for _ in range(most):
        now = workers.heap_s[0]
        w = workers.heap_w[0]
        ends = False
        wakes = False
        if queue.parked_head < queue.parked_tail:
            # Long polls wait equally long, so that the first to have come is the first to end.
            end_s = workers.event_s[queue.parked[queue.parked_head & (queue.parked.shape[0] - 1)]]
            if end_s <= now:
                first = _ends_first(queue, workers)
                if end_s < now or first < w:
                    ends = True
                    now = end_s
                    w = first
            available_s = _available_s(queue)
            if available_s <= now:
                wakes = True
                now = available_s
        gone = queue.removed == queue.total and _none_held(workers)
        _sample(queue, until_s, now, gone)
        if gone or now > until_s:
            return pieces.DONE
        stored = queue.expiry_tail - queue.expiry_head + queue.returned_tail - queue.returned_head
        if stored + queue.policy.batch > queue.expiry_s.shape[0]:
            return pieces.FULL
        # As `notes.to_come`, which a call for each event would make dear.
        stored = queue.notes + queue.expiry_tail - queue.expiry_head
        if stored + reserve > queue.note_from_s.shape[0]:
            return pieces.FULL
        queue.clock_s = now
        if wakes:
            _wake(queue, workers, now)
        elif ends:
            _end_poll(queue, workers, w, now)
        else:
            _visit(queue, workers, w, now)
            heap.put_back(workers, w)
        if rounds.may_begin(queue, workers):
            rounds.rounds(queue, workers, until_s)
    return pieces.GOES_ON


def work(queue: StandardQueue, workers: StandardWorkers, until_s: float, most: int) -> int:
    """Advance all workers to ``until_s`` (inclusive), by at most ``most`` events.

    Returns DONE; or FULL or GOES_ON, where the state is whole: call again, after FULL with larger
    rings. Stops early once every message is gone for good and no worker holds any. Effects of
    batches in progress are recorded by `settle`.
    """
    with cython.nogil:
        return _work(queue, workers, until_s, most)
