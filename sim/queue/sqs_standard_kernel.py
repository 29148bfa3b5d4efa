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

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I32, I64, U8, U16
from sim.foundation.jit import inlined, resumable

READY, IN_FLIGHT, OVERDUE, DELETED, DEAD, EXPIRED = range(6)  # OVERDUE: in flight, past retention
STATES = 6
OFF, RECEIVE, PARKED, DELETE, LEAVING, STARTING = range(6)
# StandardPolicy.order: when what came back is handed out, beside what was never received.
RETURNED_FIRST, AS_VISIBLE, FRESH_FIRST = range(3)
ENDING, CUT_OFF = 1, 2  # bits of WorkersState.barred
CHUNK_FIRST, CHUNK_END = range(2)  # columns of WorkersState.chunk

# Places in StandardQueueState.counts.
EXPIRY_HEAD, EXPIRY_TAIL, RETURNED_HEAD, RETURNED_TAIL, PARKED_HEAD, PARKED_TAIL = range(6)
IN_FLIGHT_NOW, REMOVED, GRID_NEXT, RETENTION_ROW = range(6, 10)
RECEIVE_CALLS, EMPTY_RECEIVES, OVER_LIMIT, DELETE_CALLS, DELIVERIES, AGAIN = range(10, 16)
DEATHS = 16
EFFECTS = 17
COUNTS = 18


class StandardQueueState(NamedTuple):
    """What the servers know of each message (columns are indexed by message, not by row)."""

    next_fresh: I64  # [servers] next row never received; server s holds rows s, s + servers, …
    state: U8  # [messages] READY, IN_FLIGHT, OVERDUE, DELETED, DEAD, EXPIRED
    receives: U16  # [messages] receive count; also the current receipt
    effects: U16  # [messages] how often each message was processed
    done_s: F64  # [messages] first processed at; inf: not yet
    expiry_s: F64  # [cap] ring of visibility expiries, earliest first
    expiry_message: I64  # [cap]
    expiry_receipt: I64  # [cap]
    returned: I64  # [cap] ring of messages that became visible again, oldest first
    returned_s: F64  # [cap] and when
    parked: I64  # [workers] ring of the workers whose long polls wait, first come first
    clock_s: F64  # [1] time of the latest event
    counts: I64  # [COUNTS] ring heads and tails (never wrapped) and counters
    grid_s: F64  # [grid] sample times
    grid_in_flight: I64  # [grid] messages hidden at that time
    grid_removed: I64  # [grid] messages gone for good by that time
    again_message: I32  # [kept] messages processed before, in any order; may be empty
    again_s: F64  # [kept] when each was processed again


class PoisonedQueue(NamedTuple):
    """Messages whose handler raises, or that kill; None in its place: there are none.

    Numba compiles what concerns it only where there are some.
    """

    fails: I32  # [messages] its first so many receives end badly
    revive_s: F64  # [messages] those kill, and the next process starts so late; -1: they raise
    death_s: F64  # [deaths kept] ring of when messages killed a process
    death_w: I64  # [deaths kept] and which worker's


class WorkersState(NamedTuple):
    """Competing workers; each is a serial loop of receive, process, delete."""

    event_s: F64  # [groups * width] time of the next event at the server; inf: none
    group_s: F64  # [groups] least event_s of each block of ``width`` workers
    group_w: I64  # [groups] the worker that has it
    kind: I64  # [workers] OFF, RECEIVE, PARKED, DELETE, LEAVING, STARTING
    half_s: F64  # [workers] half the latency of the call under way
    held: I64  # [workers, batch] messages held
    receipt: I64  # [workers, batch] receive count when received
    held_n: I64  # [workers]
    chunk: I64  # [workers, 2] held messages that the next delete covers: CHUNK_FIRST, CHUNK_END
    current: I64  # [workers] held message in progress; end of chunk: all done
    start_s: F64  # [workers] when the chunk's processing began
    end_s: F64  # [workers] when the message in progress will be done
    received_s: F64  # [workers] when the held messages were hidden
    stored: I64  # [workers] 1: visibility expiries of the held messages are in the ring
    factor: F64  # [workers] service times are multiplied by this
    resume_s: F64  # [workers] the process is paused until then
    doomed: I64  # [workers] 1: crashed after its delete was sent
    restart_s: F64  # [workers] a successor of a doomed worker was started then; inf: none yet
    barred: I64  # [workers] ENDING: was sent SIGTERM; CUT_OFF: no call gets through
    cut_s: F64  # [workers] since when it is cut off


class StandardPolicy(NamedTuple):
    """Constants of one queue."""

    batch: int  # messages a receive asks for
    per_delete: int  # messages a delete call covers
    per_batch_s: float  # work done once a receive
    visibility_s: float
    wait_s: float  # long-poll wait; 0: short polling
    max_receives: int
    max_in_flight: int
    retention_s: float
    asked: int  # servers that a short poll asks
    delay_s: float  # from the feed to this queue (fan-out)
    order: int = AS_VISIBLE  # RETURNED_FIRST, AS_VISIBLE, FRESH_FIRST
    stale_deletes: int = 0  # 1: a delete with an old receipt deletes all the same


@inlined
def schedule(workers, w, at_s):
    """Set a worker's next event and keep its block's earliest."""
    groups = workers.group_s.size
    width = workers.event_s.size // groups
    workers.event_s[w] = at_s
    g = w // width
    best = g * width
    best_s = workers.event_s[best]
    for other in range(g * width + 1, (g + 1) * width):
        if workers.event_s[other] < best_s:
            best_s = workers.event_s[other]
            best = other
    workers.group_s[g] = best_s
    workers.group_w[g] = best


@resumable
def hide_until(queue, message, receipt, at_s):
    """Store a visibility expiry; a ring in order of time, equal times in order of storing."""
    room = queue.expiry_s.size
    slot = queue.counts[EXPIRY_TAIL]
    while (
        slot > queue.counts[EXPIRY_HEAD] and queue.expiry_s[(slot - 1) % room] > at_s
    ):  # rare: a fault re-planned a delete
        queue.expiry_s[slot % room] = queue.expiry_s[(slot - 1) % room]
        queue.expiry_message[slot % room] = queue.expiry_message[(slot - 1) % room]
        queue.expiry_receipt[slot % room] = queue.expiry_receipt[(slot - 1) % room]
        slot -= 1
    queue.expiry_s[slot % room] = at_s
    queue.expiry_message[slot % room] = message
    queue.expiry_receipt[slot % room] = receipt
    queue.counts[EXPIRY_TAIL] += 1


@inlined
def ends_badly(poison, workers, w, k):
    """Whether held message ``k`` is poison to worker ``w``; ask only where there is poison."""
    return workers.receipt[w, k] <= poison.fails[workers.held[w, k]]


@inlined
def _kills(poison, workers, w, k):
    return ends_badly(poison, workers, w, k) and poison.revive_s[workers.held[w, k]] >= 0.0


@inlined
def _nothing_done(poison, workers, w):
    """Whether no message of the chunk is to be deleted."""
    for k in range(workers.chunk[w, CHUNK_FIRST], workers.chunk[w, CHUNK_END]):
        if not ends_badly(poison, workers, w, k):
            return False
    return True


@inlined
def settle(until_s, service_s, queue, poison, workers, w):
    """Record the effects of worker ``w`` up to ``until_s`` (inclusive)."""
    k = workers.current[w]
    stop = workers.chunk[w, CHUNK_END]
    end = workers.end_s[w]
    factor = workers.factor[w]
    processed = 0
    while k < stop and end <= until_s:
        message = workers.held[w, k]
        badly = False
        if poison is not None:
            badly = ends_badly(poison, workers, w, k)
            if _kills(poison, workers, w, k):
                break  # the event of its death is due
        if not badly:
            if queue.effects[message] > 0:
                if queue.counts[AGAIN] < queue.again_message.size:
                    queue.again_message[queue.counts[AGAIN]] = message
                    queue.again_s[queue.counts[AGAIN]] = end
                queue.counts[AGAIN] += 1
            queue.effects[message] += 1
            processed += 1
            queue.done_s[message] = min(queue.done_s[message], end)
        k += 1
        if k < stop:
            end += np.float64(service_s[workers.held[w, k]]) * factor
    queue.counts[EFFECTS] += processed
    workers.current[w] = k
    workers.end_s[w] = end


@inlined
def replan(service_s, queue, poison, workers, visibility_s, w):
    """Plan the delete of the chunk in progress; store expiries that now come before it."""
    t = workers.end_s[w]
    factor = workers.factor[w]
    stop = workers.chunk[w, CHUNK_END]
    half_s = workers.half_s[w]
    if poison is not None:
        for k in range(workers.current[w], stop):
            if _kills(poison, workers, w, k):
                stop = k + 1
                half_s = 0.0  # the event is its death
                break
    for k in range(workers.current[w] + 1, stop):
        t += np.float64(service_s[workers.held[w, k]]) * factor
    t += half_s
    expiry = workers.received_s[w] + visibility_s
    if t > expiry and workers.stored[w] == 0:
        workers.stored[w] = 1
        for k in range(workers.chunk[w, CHUNK_FIRST], workers.held_n[w]):
            hide_until(queue, workers.held[w, k], workers.receipt[w, k], expiry)
    schedule(workers, w, t)


@inlined
def _begin_chunk(service_s, queue, poison, workers, policy, delete_latency_s, w, first, start_s):
    stop = min(first + policy.per_delete, workers.held_n[w])
    workers.chunk[w, CHUNK_FIRST] = first
    workers.chunk[w, CHUNK_END] = stop
    workers.current[w] = first
    workers.start_s[w] = start_s
    work_s = np.float64(service_s[workers.held[w, first]])
    if first == 0:
        work_s += policy.per_batch_s
    workers.end_s[w] = start_s + work_s * workers.factor[w]
    nothing_done = False
    if poison is not None:
        nothing_done = _nothing_done(poison, workers, w)
    if nothing_done:
        workers.half_s[w] = 0.0  # there will be nothing to delete
    else:
        calls = queue.counts[DELETE_CALLS]
        workers.half_s[w] = 0.5 * delete_latency_s[calls % delete_latency_s.size]
        queue.counts[DELETE_CALLS] = calls + 1
    workers.kind[w] = DELETE
    replan(service_s, queue, poison, workers, policy.visibility_s, w)


@inlined
def _turn_off(workers, w):
    workers.kind[w] = OFF
    workers.held_n[w] = 0
    workers.barred[w] &= CUT_OFF
    schedule(workers, w, np.inf)


@inlined
def start(queue, workers, receive_latency_s, w, at_s):
    """Worker ``w`` sends a receive call at ``at_s``; while it is cut off, it waits."""
    half = 0.0
    if workers.barred[w] & CUT_OFF:
        at_s = np.inf
    else:
        calls = queue.counts[RECEIVE_CALLS]
        half = 0.5 * receive_latency_s[calls % receive_latency_s.size]
        queue.counts[RECEIVE_CALLS] = calls + 1
        workers.half_s[w] = half
    workers.held_n[w] = 0
    workers.kind[w] = RECEIVE
    schedule(workers, w, at_s + half)


@inlined
def _die(now, queue, poison, workers, w):
    """The message in progress kills worker ``w``; all that it holds waits out its timeout."""
    deaths = queue.counts[DEATHS]
    poison.death_s[deaths % poison.death_s.size] = now
    poison.death_w[deaths % poison.death_s.size] = w
    queue.counts[DEATHS] = deaths + 1
    at = now + poison.revive_s[workers.held[w, workers.current[w]]]
    stays = np.isfinite(at) and workers.barred[w] & ENDING == 0
    _turn_off(workers, w)
    if stays:
        workers.kind[w] = STARTING
        workers.factor[w] = 1.0
        workers.resume_s[w] = -np.inf
        schedule(workers, w, at)


@inlined
def _expire(now, feed, queue, policy):
    """Make messages visible whose timeout ended by ``now``, and drop those past retention."""
    room = queue.expiry_s.size
    while queue.counts[EXPIRY_HEAD] < queue.counts[EXPIRY_TAIL]:
        at = queue.counts[EXPIRY_HEAD] % room
        if queue.expiry_s[at] > now:
            break
        queue.counts[EXPIRY_HEAD] += 1
        message = queue.expiry_message[at]
        if queue.receives[message] != queue.expiry_receipt[at]:
            continue
        if queue.state[message] == IN_FLIGHT:
            queue.counts[IN_FLIGHT_NOW] -= 1
            queue.state[message] = READY
            queue.returned[queue.counts[RETURNED_TAIL] % room] = message
            queue.returned_s[queue.counts[RETURNED_TAIL] % room] = queue.expiry_s[at]
            queue.counts[RETURNED_TAIL] += 1
        elif queue.state[message] == OVERDUE:
            queue.counts[IN_FLIGHT_NOW] -= 1
            queue.state[message] = EXPIRED
            queue.counts[REMOVED] += 1
    row = queue.counts[RETENTION_ROW]
    while row < feed.n[0] and feed.enqueued_s[row] + policy.delay_s + policy.retention_s <= now:
        message = feed.message[row]
        if queue.state[message] == IN_FLIGHT:
            queue.state[message] = OVERDUE
        elif queue.state[message] == READY:
            queue.state[message] = EXPIRED
            queue.counts[REMOVED] += 1
        row += 1
    queue.counts[RETENTION_ROW] = row


@resumable
def _take_returned(queue, workers, policy, w, n, limit, before_s):
    """Hand worker ``w`` what came back before ``before_s``; returns how many it has then."""
    room = queue.expiry_s.size
    while n < limit and queue.counts[RETURNED_HEAD] < queue.counts[RETURNED_TAIL]:
        at = queue.counts[RETURNED_HEAD] % room
        if queue.returned_s[at] >= before_s:
            break
        message = queue.returned[at]
        queue.counts[RETURNED_HEAD] += 1
        if queue.state[message] != READY:
            continue
        if queue.receives[message] >= policy.max_receives:
            queue.state[message] = DEAD
            queue.counts[REMOVED] += 1
            continue
        queue.state[message] = IN_FLIGHT
        queue.receives[message] += 1
        workers.held[w, n] = message
        workers.receipt[w, n] = queue.receives[message]
        n += 1
    return n


@inlined
def _take(now, feed, queue, workers, policy, w, everywhere):
    """Hand worker ``w`` what the servers asked have at ``now``; returns how many."""
    servers = queue.next_fresh.size
    limit = min(policy.batch, policy.max_in_flight - queue.counts[IN_FLIGHT_NOW])
    n = 0
    if policy.order == RETURNED_FIRST:
        n = _take_returned(queue, workers, policy, w, n, limit, np.inf)
    asked = servers if everywhere else policy.asked
    # Which servers a call reaches: Knuth's multiplicative scramble of the number of calls so far.
    start = 0
    if servers > 1:
        start = (((queue.counts[RECEIVE_CALLS] * 2654435761) & 0xFFFFFFFF) >> 16) % servers
    # Order is best effort: a call begins with the oldest message of the servers that it asks.
    offset = 0
    oldest = queue.next_fresh[start]
    for other in range(1, asked):
        server = start + other
        if server >= servers:
            server -= servers
        if queue.next_fresh[server] < oldest:
            oldest = queue.next_fresh[server]
            offset = other
    misses = 0
    while n < limit and misses < asked:
        server = start + offset
        if server >= servers:
            server -= servers
        offset += 1
        if offset == asked:
            offset = 0
        row = queue.next_fresh[server]
        while row < feed.n[0] and queue.state[feed.message[row]] == EXPIRED:
            row += servers
        queue.next_fresh[server] = row
        if row >= feed.n[0] or feed.enqueued_s[row] + policy.delay_s > now:
            misses += 1
            continue
        misses = 0
        if policy.order == AS_VISIBLE:
            n = _take_returned(
                queue, workers, policy, w, n, limit, feed.enqueued_s[row] + policy.delay_s
            )
            if n == limit:
                break
        message = feed.message[row]
        queue.next_fresh[server] = row + servers
        queue.state[message] = IN_FLIGHT
        queue.receives[message] = 1
        workers.held[w, n] = message
        workers.receipt[w, n] = 1
        n += 1
    if policy.order != RETURNED_FIRST:
        n = _take_returned(queue, workers, policy, w, n, limit, np.inf)
    workers.held_n[w] = n
    queue.counts[IN_FLIGHT_NOW] += n
    queue.counts[DELIVERIES] += n
    return n


@resumable
def unpark(queue, w):
    """Take worker ``w`` out of the waiting long polls, keeping the others in order."""
    room = queue.parked.size
    at = queue.counts[PARKED_HEAD]
    while queue.parked[at % room] != w:
        at += 1
    while at > queue.counts[PARKED_HEAD]:
        queue.parked[at % room] = queue.parked[(at - 1) % room]
        at -= 1
    queue.counts[PARKED_HEAD] += 1


@inlined
def _received(now, service_s, queue, poison, workers, policy, delete_latency_s, w):
    workers.received_s[w] = now
    workers.stored[w] = 0
    if poison is not None:
        for k in range(workers.held_n[w]):
            if ends_badly(poison, workers, w, k):
                workers.stored[w] = 1
        if workers.stored[w] == 1:
            for k in range(workers.held_n[w]):
                expiry = now + policy.visibility_s
                hide_until(queue, workers.held[w, k], workers.receipt[w, k], expiry)
    start = max(now + workers.half_s[w], workers.resume_s[w])
    _begin_chunk(service_s, queue, poison, workers, policy, delete_latency_s, w, 0, start)


@inlined
def _available_s(clock, feed, queue, policy):
    """When a waiting long poll may get something: now, a fresh message, or an expiry."""
    room = queue.expiry_s.size
    at = np.inf
    if queue.counts[EXPIRY_HEAD] < queue.counts[EXPIRY_TAIL]:
        at = queue.expiry_s[queue.counts[EXPIRY_HEAD] % room]
    if queue.counts[IN_FLIGHT_NOW] < policy.max_in_flight:
        if queue.counts[RETURNED_HEAD] < queue.counts[RETURNED_TAIL]:
            return clock
        row = queue.next_fresh[0]
        for server in range(1, queue.next_fresh.size):
            row = min(row, queue.next_fresh[server])
        if row < feed.n[0]:
            at = min(at, max(clock, feed.enqueued_s[row] + policy.delay_s))
    return at


@resumable
def work(
    until_s, feed, service_s, queue, poison, workers, policy, receive_latency_s, delete_latency_s
):
    """Advance all workers to ``until_s`` (inclusive); returns True if a ring was full.

    ``service_s`` float32 [messages]; ``*_latency_s`` float64 [draws], round trips of API calls,
    taken in turn. True means that the state is whole, but the rings are too small to go on:
    enlarge them and call again. Stops early once every message is gone for good and no worker
    holds any. Effects of batches in progress are recorded by `settle`.
    """
    room = queue.expiry_s.size
    total = queue.state.size
    parked_room = queue.parked.size
    while True:
        g = 0
        for other in range(1, workers.group_s.size):
            if workers.group_s[other] < workers.group_s[g]:
                g = other
        w = workers.group_w[g]
        now = workers.group_s[g]
        waiting = queue.counts[PARKED_HEAD] < queue.counts[PARKED_TAIL]
        if waiting:
            available = _available_s(queue.clock_s[0], feed, queue, policy)
            waiting = available <= now
            if waiting:
                now = available
        gone = queue.counts[REMOVED] == total
        if gone:
            # A worker may still be busy with messages that others deleted or that ran out of time.
            for other in range(workers.kind.size):
                gone = gone and workers.kind[other] != DELETE
        sample = queue.counts[GRID_NEXT]
        while sample < queue.grid_s.size and queue.grid_s[sample] <= until_s:
            if queue.grid_s[sample] >= now and not gone:
                break
            _expire(queue.grid_s[sample], feed, queue, policy)
            queue.grid_in_flight[sample] = queue.counts[IN_FLIGHT_NOW]
            queue.grid_removed[sample] = queue.counts[REMOVED]
            sample += 1
        queue.counts[GRID_NEXT] = sample
        if gone or now > until_s:
            return False
        if (
            queue.counts[EXPIRY_TAIL] - queue.counts[EXPIRY_HEAD]
            + queue.counts[RETURNED_TAIL] - queue.counts[RETURNED_HEAD]
            + policy.batch
            > room
        ):  # fmt: skip
            return True
        queue.clock_s[0] = now
        receive_s = np.inf
        if waiting:
            w = queue.parked[queue.counts[PARKED_HEAD] % parked_room]
            _expire(now, feed, queue, policy)
            if _take(now, feed, queue, workers, policy, w, True) > 0:
                queue.counts[PARKED_HEAD] += 1
                _received(now, service_s, queue, poison, workers, policy, delete_latency_s, w)
        elif workers.kind[w] == RECEIVE:
            _expire(now, feed, queue, policy)
            if _take(now, feed, queue, workers, policy, w, policy.wait_s > 0.0) > 0:
                _received(now, service_s, queue, poison, workers, policy, delete_latency_s, w)
                continue
            if queue.counts[IN_FLIGHT_NOW] >= policy.max_in_flight:
                queue.counts[OVER_LIMIT] += 1
            if policy.wait_s > 0.0:
                workers.kind[w] = PARKED
                queue.parked[queue.counts[PARKED_TAIL] % parked_room] = w
                queue.counts[PARKED_TAIL] += 1
                schedule(workers, w, now + policy.wait_s)
            else:
                queue.counts[EMPTY_RECEIVES] += 1
                receive_s = max(now + workers.half_s[w], workers.resume_s[w])
        elif workers.kind[w] == DELETE:
            settle(now, service_s, queue, poison, workers, w)
            done = workers.chunk[w, CHUNK_END]
            calls = True
            if poison is not None:
                if workers.current[w] < done:
                    _die(now, queue, poison, workers, w)
                    continue
                calls = not _nothing_done(poison, workers, w)
            barred = workers.barred[w]
            if barred & CUT_OFF and calls and now - workers.half_s[w] >= workers.cut_s[w]:
                schedule(workers, w, np.inf)  # sent in vain
                continue
            for k in range(workers.chunk[w, CHUNK_FIRST], done):
                message = workers.held[w, k]
                newest = queue.receives[message] == workers.receipt[w, k]
                if newest or policy.stale_deletes == 1:
                    if poison is not None and ends_badly(poison, workers, w, k):
                        continue
                    state = queue.state[message]
                    if state in (IN_FLIGHT, OVERDUE):
                        queue.counts[IN_FLIGHT_NOW] -= 1
                    if state <= OVERDUE:
                        queue.state[message] = DELETED
                        queue.counts[REMOVED] += 1
            again = max(now + workers.half_s[w], workers.resume_s[w])
            if workers.doomed[w] == 1:
                workers.doomed[w] = 0
                if np.isfinite(workers.restart_s[w]):
                    receive_s = max(now, workers.resume_s[w])
                else:
                    _turn_off(workers, w)
            elif calls and barred & CUT_OFF:
                schedule(workers, w, np.inf)  # its answer is lost: it will be sent again
            elif done < workers.held_n[w]:
                _begin_chunk(
                    service_s, queue, poison, workers, policy, delete_latency_s, w, done, again
                )
            elif barred & ENDING:
                workers.kind[w] = LEAVING
                schedule(workers, w, again)
            else:
                receive_s = again
        elif workers.kind[w] == PARKED:
            unpark(queue, w)
            queue.counts[EMPTY_RECEIVES] += 1
            receive_s = max(now + workers.half_s[w], workers.resume_s[w])
        elif workers.kind[w] == LEAVING:
            _turn_off(workers, w)
        else:
            receive_s = now
        if receive_s < np.inf:
            start(queue, workers, receive_latency_s, w, receive_s)
