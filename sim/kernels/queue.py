"""How competing workers drain a destructive queue: receive, hide, process, delete.

Rules held: SS-01 (receive hides a message for the visibility timeout; only delete removes it),
SS-03 (a delete with an old receipt does nothing), SS-04 (a batch slower than the timeout is
delivered again), SS-10 (a message received maxReceiveCount times goes to the dead-letter queue
instead of being received once more), SS-13 (calls per worker are serial).

A worker has one next event: its receive reaches the server, or its delete does. A visibility expiry
is stored only where the planned delete comes later, so a healthy queue stores none; the timeout is
the same for all, so expiries fall due in the order in which they were stored.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels.jit import kernel

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

READY, IN_FLIGHT, DELETED, DEAD = 0, 1, 2, 3
RECEIVE, DELETE = 0, 1


class Queue(NamedTuple):
    """What the server knows of each message."""

    next_fresh: I64  # [1] first message never received, in order of enqueue
    state: NDArray[np.uint8]  # [messages] READY, IN_FLIGHT, DELETED, DEAD
    receives: NDArray[np.uint16]  # [messages] receive count; also the current receipt
    effects: NDArray[np.uint16]  # [messages] how often each message was processed
    done_s: F64  # [messages] first processed at; inf: not yet
    expiry_s: F64  # [cap] ring of visibility expiries, oldest first
    expiry_message: I64  # [cap]
    expiry_receipt: I64  # [cap]
    returned: I64  # [cap] ring of messages that became visible again, oldest first
    counts: I64  # [5] expiry head, tail; returned head, tail (never wrapped); empty receives


class Workers(NamedTuple):
    """Competing workers; each is a serial loop of receive, process, delete."""

    event_s: F64  # [workers] time of the worker's next event at the server
    kind: I64  # [workers] RECEIVE or DELETE
    start_s: F64  # [workers] when processing of the held batch began
    held: I64  # [workers, batch] messages held
    receipt: I64  # [workers, batch] receive count when received
    held_n: I64  # [workers]
    finished: I64  # [workers] how many of the held messages have been processed


@kernel
def _process(until_s, service_s, queue, workers, per_batch_s, w):  # type: ignore[no-untyped-def]
    t = workers.start_s[w] + per_batch_s
    for k in range(workers.held_n[w]):
        message = workers.held[w, k]
        t += np.float64(service_s[message])
        if t > until_s:
            break
        if k >= workers.finished[w]:
            queue.effects[message] += 1
            queue.done_s[message] = min(queue.done_s[message], t)
            workers.finished[w] = k + 1


@kernel
def work(  # type: ignore[no-untyped-def]
    until_s, enqueued_s, service_s, queue, workers, per_batch_s, batch, call_s, visibility_s,
    max_receives
):  # fmt: skip
    """Advance all workers to ``until_s`` (short polling). Returns True if a ring was full.

    ``enqueued_s`` float64 [messages], ascending; ``service_s`` float32 [messages]; ``call_s`` the
    round trip of one API call. True means that the state is whole, but ``cap`` was too small for
    the run: build larger rings and run again.
    """
    room = queue.expiry_s.size
    while True:
        w = 0
        for other in range(1, workers.event_s.size):
            if workers.event_s[other] < workers.event_s[w]:
                w = other
        now = workers.event_s[w]
        if now > until_s:
            for other in range(workers.event_s.size):
                _process(until_s, service_s, queue, workers, per_batch_s, other)
            return False
        if queue.counts[1] - queue.counts[0] + batch > room or (
            queue.counts[3] - queue.counts[2] + queue.counts[1] - queue.counts[0] > room
        ):
            return True
        if workers.kind[w] == DELETE:
            _process(now, service_s, queue, workers, per_batch_s, w)
            for k in range(workers.held_n[w]):
                message = workers.held[w, k]
                if (
                    queue.receives[message] == workers.receipt[w, k]
                    and queue.state[message] != DEAD
                ):
                    queue.state[message] = DELETED
            workers.held_n[w] = 0
            workers.finished[w] = 0
            workers.kind[w] = RECEIVE
            workers.event_s[w] = now + call_s
            continue
        while queue.counts[0] < queue.counts[1]:
            at = queue.counts[0] % room
            if queue.expiry_s[at] > now:
                break
            queue.counts[0] += 1
            message = queue.expiry_message[at]
            if (
                queue.state[message] == IN_FLIGHT
                and queue.receives[message] == queue.expiry_receipt[at]
            ):
                queue.state[message] = READY
                queue.returned[queue.counts[3] % room] = message
                queue.counts[3] += 1
        n = 0
        while n < batch:
            if queue.counts[2] < queue.counts[3]:
                message = queue.returned[queue.counts[2] % room]
                queue.counts[2] += 1
                if queue.state[message] == DELETED:
                    continue
                if queue.receives[message] >= max_receives:
                    queue.state[message] = DEAD
                    continue
            elif queue.next_fresh[0] < enqueued_s.size and enqueued_s[queue.next_fresh[0]] <= now:
                message = queue.next_fresh[0]
                queue.next_fresh[0] += 1
            else:
                break
            queue.state[message] = IN_FLIGHT
            queue.receives[message] += 1
            workers.held[w, n] = message
            workers.receipt[w, n] = queue.receives[message]
            n += 1
        if n == 0:
            queue.counts[4] += 1
            workers.event_s[w] = now + call_s
            continue
        t = now + call_s / 2
        workers.start_s[w] = t
        t += per_batch_s
        for k in range(n):
            t += np.float64(service_s[workers.held[w, k]])
        delete_s = t + call_s / 2
        if delete_s > now + visibility_s:
            for k in range(n):
                at = queue.counts[1] % room
                queue.expiry_s[at] = now + visibility_s
                queue.expiry_message[at] = workers.held[w, k]
                queue.expiry_receipt[at] = workers.receipt[w, k]
                queue.counts[1] += 1
        workers.held_n[w] = n
        workers.kind[w] = DELETE
        workers.event_s[w] = delete_s
