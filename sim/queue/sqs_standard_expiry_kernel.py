"""Messages of a standard queue that become visible again, or run out of time (SS-01, SS-11)."""

from sim.foundation import num
from sim.queue import sqs_standard_codes as codes
from sim.queue import sqs_standard_notes_kernel as notes
from sim.queue.sqs_standard_state_kernel import StandardQueue


def hide_until(queue: StandardQueue, message: int, at_s: float) -> None:
    """Store a visibility expiry; a ring in order of time, equal times in order of storing."""
    room = queue.expiry_s.shape[0]
    slot = queue.expiry_tail
    while (
        slot > queue.expiry_head and queue.expiry_s[(slot - 1) & (room - 1)] > at_s
    ):  # rare: a fault re-planned a delete
        queue.expiry_s[slot & (room - 1)] = queue.expiry_s[(slot - 1) & (room - 1)]
        queue.expiry_message[slot & (room - 1)] = queue.expiry_message[(slot - 1) & (room - 1)]
        slot -= 1
    queue.expiry_s[slot & (room - 1)] = at_s
    queue.expiry_message[slot & (room - 1)] = message
    queue.expiry_tail += 1
    queue.next_out_s = min(queue.next_out_s, at_s)


def look_out(queue: StandardQueue) -> None:
    """Find when `expire` will next have something to do."""
    at_s = num.INF
    if queue.expiry_head < queue.expiry_tail:
        at_s = queue.expiry_s[queue.expiry_head & (queue.expiry_s.shape[0] - 1)]
    row = queue.retention_row
    if row < queue.feed.n[0]:
        overdue_s = queue.feed.enqueued_s[row] + queue.policy.delay_s + queue.policy.retention_s
        at_s = min(at_s, overdue_s)
    queue.next_out_s = at_s


def _write_down(queue: StandardQueue, message: int, at_s: float) -> None:
    """A message is visible again: why, and where nobody has processed it, since when."""
    if queue.place[message] & codes.LEFT:
        queue.place[message] -= codes.LEFT
        notes.acted(queue, codes.LOCKED, at_s)
    else:
        notes.acted(queue, codes.EARLY, at_s)
    if queue.effects[message] == 0:
        notes.note(queue, codes.BACK, message, at_s - queue.policy.visibility_s, at_s)


def expire(queue: StandardQueue, now: float) -> None:
    """Make messages visible whose timeout ended by ``now``, and drop those past retention."""
    room = queue.expiry_s.shape[0]
    while queue.expiry_head < queue.expiry_tail:
        at = queue.expiry_head & (room - 1)
        if queue.expiry_s[at] > now:
            break
        queue.expiry_head += 1
        message = queue.expiry_message[at]
        # A message is not received again before this, its latest receive's: it has one at a time.
        if queue.state[message] == codes.IN_FLIGHT:
            queue.in_flight -= 1
            queue.state[message] = codes.READY
            _write_down(queue, message, queue.expiry_s[at])
            queue.returned[queue.returned_tail & (room - 1)] = message
            queue.returned_s[queue.returned_tail & (room - 1)] = queue.expiry_s[at]
            queue.returned_tail += 1
        elif queue.state[message] == codes.OVERDUE:
            queue.in_flight -= 1
            queue.state[message] = codes.EXPIRED
            queue.removed += 1
            if queue.effects[message] == 0:
                notes.acted(queue, codes.TOO_OLD, queue.expiry_s[at])
        notes.look_full(queue, queue.expiry_s[at])
    row = queue.retention_row
    while (
        row < queue.feed.n[0]
        and queue.feed.enqueued_s[row] + queue.policy.delay_s + queue.policy.retention_s <= now
    ):
        message = queue.feed.message[row]
        if queue.state[message] == codes.IN_FLIGHT:
            queue.state[message] = codes.OVERDUE
        elif queue.state[message] == codes.READY:
            queue.state[message] = codes.EXPIRED
            queue.removed += 1
            if queue.effects[message] == 0:
                since_s = queue.feed.enqueued_s[row] + queue.policy.delay_s
                notes.acted(queue, codes.TOO_OLD, since_s + queue.policy.retention_s)
        row += 1
    queue.retention_row = row
    look_out(queue)
