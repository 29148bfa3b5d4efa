"""The fast path of a standard queue: a worker's round of receive, process and delete is one event.

It holds while each worker has one message at a time, and nothing expires, fails or is limited.
`rounds` stops before the first event of which that is not so, and leaves the state as the full
kernel would have it then, bit for bit.

Within a round the message is written down as deleted when it is received, and the worker's next
event is that its next receive is answered. What of this has not come about when `rounds` stops is
taken back. Where receives do not take equally long, a round is two events: which latency a receive
draws depends on the order of the deletes.
"""

from sim.engine import part_codes
from sim.foundation import num
from sim.queue import sqs_standard_codes as codes
from sim.queue import sqs_standard_heap_kernel as heap
from sim.queue import sqs_standard_notes_kernel as notes
from sim.queue.sqs_standard_state_kernel import StandardQueue, StandardWorkers


def oldest_fresh(queue: StandardQueue) -> int:
    """The first row never received, over all servers; ``oldest_server`` has it."""
    while queue.next_fresh[queue.oldest_server] > queue.oldest_fresh:
        queue.oldest_fresh += 1
        queue.oldest_server += 1
        if queue.oldest_server == queue.next_fresh.shape[0]:
            queue.oldest_server = 0
    return queue.oldest_fresh


def may_begin(queue: StandardQueue, workers: StandardWorkers) -> bool:
    """Whether rounds are possible at all, and the last try was worth its while."""
    if queue.rounds_after > 0:
        queue.rounds_after -= 1
        return False
    if queue.policy.batch > 1 or queue.has_poison:
        return False
    if queue.policy.wait_s == 0.0 and queue.policy.asked < queue.next_fresh.shape[0]:
        return False
    if queue.returned_head < queue.returned_tail:
        return False
    if notes.to_come(queue, workers) > queue.note_from_s.shape[0]:
        return False
    room: bool = queue.in_flight + workers.kind.shape[0] <= queue.policy.max_in_flight
    return room


def next_receive(queue: StandardQueue) -> float:
    """A receive is sent; half of its round trip, s."""
    half_s: float = 0.5 * queue.receive_latency_s[queue.receive_draw]
    queue.receive_calls += 1
    queue.receive_draw += 1
    if queue.receive_draw == queue.receive_latency_s.shape[0]:
        queue.receive_draw = 0
    return half_s


def _again_s(queue: StandardQueue, workers: StandardWorkers, w: int, delete_s: float) -> float:
    """When the worker's next event is, the delete or the answer to the receive behind it, s."""
    if queue.receive_latency_s.shape[0] > 1:
        return delete_s
    free_s = max(delete_s + workers.half_s[w], workers.resume_s[w])
    at_s: float = free_s + 0.5 * queue.receive_latency_s[0]
    return at_s


def _join(queue: StandardQueue, workers: StandardWorkers) -> None:
    """Have workers that are at work on a message be within a round."""
    for w in range(workers.kind.shape[0]):
        if workers.kind[w] != codes.DELETE or workers.held_n[w] != 1 or workers.current[w] > 0:
            continue
        if workers.stored[w] == 1 or workers.doomed[w] == 1 or workers.barred[w] != 0:
            continue
        message = workers.held[w, 0]
        if queue.state[message] != codes.IN_FLIGHT or queue.receives[message] != 1:
            continue
        if queue.effects[message] > 0:
            continue
        workers.kind[w] = codes.ROUND
        queue.state[message] = codes.DELETED
        queue.effects[message] = 1
        queue.done_s[message] = workers.end_s[w]
        notes.hand(queue, message, workers.received_s[w], workers.begun_s[w], workers.call_s[w])
        queue.worked += notes.ticks(workers.end_s[w] - workers.begun_s[w])
        workers.event_s[w] = _again_s(queue, workers, w, workers.event_s[w])
    heap.order(workers)


def _write_down(queue: StandardQueue, workers: StandardWorkers, w: int, current: int) -> None:
    """Give worker ``w`` what the full kernel knows of the message in its hand."""
    workers.receipt[w, 0] = 1
    workers.chunk_first[w] = 0
    workers.chunk_end[w] = 1
    workers.current[w] = current
    workers.end_s[w] = queue.done_s[workers.held[w, 0]]
    workers.stored[w] = 0


def _ask_again(queue: StandardQueue, workers: StandardWorkers, w: int) -> None:
    """The message of worker ``w`` is gone, and its next receive sent."""
    _write_down(queue, workers, w, 1)
    workers.kind[w] = codes.RECEIVE
    workers.held_n[w] = 0
    workers.half_s[w] = next_receive(queue)


def _take_back(queue: StandardQueue, workers: StandardWorkers, w: int) -> None:
    """Worker ``w`` is still at work on its message."""
    _write_down(queue, workers, w, 0)
    message = workers.held[w, 0]
    queue.state[message] = codes.IN_FLIGHT
    queue.effects[message] = 0
    queue.worked -= notes.ticks(queue.done_s[message] - workers.begun_s[w])
    queue.done_s[message] = num.INF
    notes.hand(queue, message, 0.0, 0.0, 0.0)
    workers.kind[w] = codes.DELETE
    workers.held_n[w] = 1


def _leave(queue: StandardQueue, workers: StandardWorkers, before_s: float) -> None:
    """Have all rounds end: what was to come about before ``before_s`` has, and nothing else."""
    for w in range(workers.kind.shape[0]):
        if workers.kind[w] != codes.ROUND:
            continue
        delete_s = queue.done_s[workers.held[w, 0]] + workers.half_s[w]
        if delete_s < before_s:
            queue.clock_s = max(queue.clock_s, delete_s)
            workers.event_s[w] = _again_s(queue, workers, w, delete_s)
            _ask_again(queue, workers, w)
        else:
            workers.event_s[w] = delete_s
            _take_back(queue, workers, w)
    heap.order(workers)


def _take(queue: StandardQueue, workers: StandardWorkers, w: int, row: int, now: float) -> float:
    """Worker ``w`` begins a round; when its next receive is answered, s (inf: it cannot)."""
    message = queue.feed.message[row]
    if queue.state[message] != codes.READY:
        return num.INF
    half_s = workers.half_s[w]
    if workers.kind[w] == codes.ROUND:
        half_s = 0.5 * queue.receive_latency_s[0]
    start_s = max(now + half_s, workers.resume_s[w])
    call_s = half_s
    work_s = num.double(queue.service_s[message]) + queue.policy.per_batch_s
    end_s = start_s + work_s * workers.factor[w]
    half_s = 0.5 * queue.delete_latency_s[queue.delete_draw]
    delete_s = end_s + half_s
    if delete_s > now + queue.policy.visibility_s:
        return num.INF
    queue.delete_draw += 1
    if queue.delete_draw == queue.delete_latency_s.shape[0]:
        queue.delete_draw = 0
    if workers.kind[w] == codes.ROUND:
        queue.receive_calls += 1
    queue.deliveries += 1
    queue.next_fresh[queue.oldest_server] = row + queue.next_fresh.shape[0]
    queue.state[message] = codes.DELETED
    queue.receives[message] = 1
    queue.effects[message] = 1
    queue.done_s[message] = end_s
    at = message + queue.split_from
    if queue.split[at >> part_codes.BLOCK_BITS] >= 0:
        notes.hand(queue, message, now, start_s, call_s)
    queue.worked += num.truncated((end_s - start_s) * codes.TICKS + 0.5)
    if workers.idle_s[w] < num.INF:
        notes.not_idle(queue, workers, w, now)
    row = oldest_fresh(queue)
    if row < queue.feed.n[0] and queue.feed.enqueued_s[row] + queue.policy.delay_s <= now:
        notes.acted(queue, codes.BATCH_FULL, now)
    workers.kind[w] = codes.ROUND
    workers.held[w, 0] = message
    workers.received_s[w] = now
    workers.start_s[w] = start_s
    workers.begun_s[w] = start_s
    workers.call_s[w] = call_s
    workers.woken[w] = 0
    workers.half_s[w] = half_s
    return _again_s(queue, workers, w, delete_s)


def _delete(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The delete of worker ``w``, the first in the heap, takes effect at ``now``."""
    free_s = max(now + workers.half_s[w], workers.resume_s[w])
    _ask_again(queue, workers, w)
    workers.event_s[w] = free_s + workers.half_s[w]
    heap.replace_first(workers, w, workers.event_s[w])


def _park(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The receive of worker ``w``, the first in the heap, finds nothing and waits."""
    if workers.kind[w] == codes.ROUND:
        _ask_again(queue, workers, w)
    notes.not_idle(queue, workers, w, now)
    workers.kind[w] = codes.PARKED
    workers.event_s[w] = now + queue.policy.wait_s
    queue.parked[queue.parked_tail & (queue.parked.shape[0] - 1)] = w
    queue.parked_tail += 1
    heap.put_back(workers, w)


def _go_round(queue: StandardQueue, workers: StandardWorkers, until_s: float) -> float:
    """Go on to ``until_s`` or the first event that is none of a round; returns its time, s."""
    filled = queue.feed.n[0]
    two_events = queue.receive_latency_s.shape[0] > 1
    while True:
        now = workers.heap_s[0]
        w = workers.heap_w[0]
        row = oldest_fresh(queue)
        arrives_s = num.INF
        if row < filled:
            arrives_s = queue.feed.enqueued_s[row] + queue.policy.delay_s
        wakes = False
        if queue.parked_head < queue.parked_tail:
            first = queue.parked[queue.parked_head & (queue.parked.shape[0] - 1)]
            available_s = max(queue.clock_s, arrives_s)
            if available_s <= now:
                wakes = True
                now = available_s
                w = first
            if workers.event_s[first] <= now:  # its poll ends
                return num.double(workers.event_s[first])
        if row >= filled:
            return num.double(now)
        if now > until_s or now >= queue.next_out_s:
            return num.double(now)
        if not wakes and workers.kind[w] != codes.ROUND and workers.kind[w] != codes.RECEIVE:
            return num.double(now)
        if two_events and not wakes and workers.kind[w] == codes.ROUND:
            _delete(queue, workers, w, now)
        elif arrives_s <= now:
            at_s = _take(queue, workers, w, row, now)
            if at_s == num.INF:
                return num.double(now)
            if wakes:
                queue.parked_head += 1
                notes.poll_ends(queue, workers, w, now)
                workers.event_s[w] = at_s
                heap.push(workers, w)
            elif workers.heap_n == 1:
                workers.heap_s[0] = at_s
            else:
                heap.replace_first(workers, w, at_s)
        elif queue.policy.wait_s > 0.0:
            _park(queue, workers, w, now)
        else:
            return num.double(now)
        queue.clock_s = now


def rounds(queue: StandardQueue, workers: StandardWorkers, until_s: float) -> None:
    """Go on to ``until_s``, the next sample or the first event that the full kernel is to do."""
    if queue.grid_next < queue.grid_s.shape[0]:
        until_s = min(until_s, queue.grid_s[queue.grid_next])
    delivered = queue.deliveries
    received = queue.receive_calls
    _join(queue, workers)
    _leave(queue, workers, min(_go_round(queue, workers, until_s), until_s))
    delivered = queue.deliveries - delivered
    received = queue.receive_calls - received
    queue.in_rounds += delivered
    queue.delete_calls += delivered
    queue.in_flight += delivered - received
    queue.removed += received
    queue.effects_in_all += received
    if delivered < workers.kind.shape[0]:  # to join and to leave look at every worker
        queue.rounds_after = 4 * workers.kind.shape[0]
