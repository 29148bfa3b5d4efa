"""What a standard queue and its workers write down of why messages waited."""

from sim.engine import part_codes
from sim.foundation import num
from sim.foundation.arrays import F64
from sim.queue import sqs_standard_codes as codes
from sim.queue.sqs_standard_state_kernel import StandardQueue, StandardWorkers


def ticks(seconds: float) -> int:
    """A time in ticks."""
    whole: int = num.truncated(seconds * codes.TICKS + 0.5)
    return whole


def row_of(queue: StandardQueue, message: int) -> int:
    """The row of a message in the columns of those whose time is split; less than 0: it is not."""
    at = message + queue.split_from
    row: int = queue.split[at >> part_codes.BLOCK_BITS]
    if row >= 0:
        row += at & ((1 << part_codes.BLOCK_BITS) - 1)
    return row


def hand(
    queue: StandardQueue, message: int, handed_s: float, begun_s: float, call_s: float
) -> None:
    """Note when a message was handed over and begun, if its time is split."""
    row = row_of(queue, message)
    if row >= 0:
        queue.handed_s[row] = handed_s
        queue.begun_s[row] = begun_s
        queue.call_s[row] = call_s


def entered(queue: StandardQueue, first: int, last: int, entered_s: F64) -> None:
    """Note when messages came into the feed, those of its rows from ``first`` to before ``last``.

    ``entered_s``: [split] as the columns of messages whose time is split.
    """
    for at in range(first, last):
        row = row_of(queue, queue.feed.message[at])
        if row >= 0:
            entered_s[row] = queue.feed.enqueued_s[at]


def note(queue: StandardQueue, kind: int, of: int, from_s: float, until_s: float) -> None:
    """Write down what happened to message or worker ``of``; there must be room."""
    at = queue.notes
    queue.note_kind[at] = kind
    queue.note_of[at] = of
    queue.note_from_s[at] = from_s
    queue.note_until_s[at] = until_s
    queue.notes = at + 1


def acted(queue: StandardQueue, limit: int, at_s: float) -> None:
    """A limit acted."""
    if queue.limit_n[limit] == 0:
        queue.limit_first_s[limit] = at_s
    queue.limit_n[limit] += 1
    queue.limit_last_s[limit] = max(queue.limit_last_s[limit], at_s)


def not_idle(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """Worker ``w`` gets something, waits at the service, or does not run any more."""
    since_s = workers.idle_s[w]
    if since_s < now:
        note(queue, codes.IDLE, w, since_s, now)
        queue.idled += ticks(now - since_s)
    workers.idle_s[w] = num.INF


def look_full(queue: StandardQueue, now: float) -> None:
    """Fewer than may be are in flight again, or not."""
    if queue.in_flight < queue.policy.max_in_flight and queue.full_s < num.INF:
        note(queue, codes.FULL, 0, queue.full_s, now)
        queue.full_s = num.INF
        queue.room_s = now


def poll_ends(queue: StandardQueue, workers: StandardWorkers, w: int, now: float) -> None:
    """The long poll of worker ``w`` does not wait any more."""
    queue.idled += ticks(now - (workers.event_s[w] - queue.policy.wait_s))


def gave_up(queue: StandardQueue, workers: StandardWorkers, w: int, k: int, at_s: float) -> None:
    """What worker ``w`` holds at place ``k`` it has failed, or it is gone, before it was done."""
    note(queue, codes.GAVE_UP, workers.held[w, k], _hidden_until_s(queue, workers, w), at_s)
    _left(queue, workers, w, k, at_s)


def leave(queue: StandardQueue, workers: StandardWorkers, w: int, first: int, now: float) -> None:
    """Worker ``w`` is gone; of what it holds from ``first`` on, some may be done."""
    for k in range(first, workers.held_n[w]):
        if k >= workers.current[w]:
            gave_up(queue, workers, w, k, now)
        else:
            _left(queue, workers, w, k, now)


def _hidden_until_s(queue: StandardQueue, workers: StandardWorkers, w: int) -> float:
    """When what worker ``w`` holds becomes visible again, s."""
    at_s: float = workers.received_s[w] + queue.policy.visibility_s
    return at_s


def _left(queue: StandardQueue, workers: StandardWorkers, w: int, k: int, at_s: float) -> None:
    """The visibility timeout of a message runs on without a holder, if it runs."""
    message = workers.held[w, k]
    newest = queue.receives[message] == workers.receipt[w, k]
    if newest and at_s < _hidden_until_s(queue, workers, w):
        state = queue.state[message]
        if state == codes.IN_FLIGHT or state == codes.OVERDUE:
            queue.place[message] |= codes.LEFT


def to_come(queue: StandardQueue, workers: StandardWorkers) -> int:
    """How many notes there may be when next there is a look at whether there is room."""
    expiries = queue.expiry_tail - queue.expiry_head
    held = 4 * queue.policy.batch
    there: int = queue.notes + expiries + held + 2 * workers.kind.shape[0] + 4
    return there
