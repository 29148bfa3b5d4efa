"""How an application hands records to a producer client, and the client hands batches to brokers.

One single-threaded process reads its input in order and sends a record for each
(`sim.producer.kafka_client_application_kernel`). Its client gathers them in batches
(`kafka_client_batches_kernel`), keeps several requests in flight and retries
(`kafka_client_requests_kernel`), and brokers store them (`kafka_client_appends_kernel`). Here is
what comes next of all that, and the end of the process:

* KP-15 what has not reached a broker is lost with the process.
* KB-13 a broker that stands still handles later what its client has given up.
"""

import cython

from sim.foundation import num
from sim.producer import kafka_client_application_kernel as application
from sim.producer import kafka_client_batches_kernel as batches
from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_requests_kernel as requests
from sim.producer.kafka_client_state_kernel import ClientState


def die(now: float, c: ClientState) -> None:
    """End the process: what has not reached a broker is lost (KP-15)."""
    application.fill_samples(now, c)
    for number in range(c.batches.oldest, c.batches.next):
        if c.batches.state[number & c.batches.mask] < codes.GONE:
            batches.resolve(now, number & c.batches.mask, codes.DIED, c)
    c.batches.oldest = c.batches.next
    c.batches.oldest_pending = c.batches.next
    for b in range(c.requests.next.shape[0]):
        c.requests.oldest[b] = c.requests.next[b]
        c.requests.arriving[b] = c.requests.next[b]
        c.requests.free_s[b] = now
        c.requests.connected[b] = 0 if c.brokers.stalled[b] else 1
        c.requests.turn[b] = 0
        c.requests.event_s[b] = c.requests.due_s[b]
        c.requests.full_s[b] = num.INF
    c.partitions.queues = 0
    for p in range(c.partitions.first.shape[0]):
        c.partitions.first[p] = -1
        c.partitions.last[p] = -1
        c.partitions.in_flight[p] = 0
    c.app.phase = codes.OFF
    c.app.closing = codes.NO
    c.app.next_s = num.INF
    c.wake_s = num.INF
    c.app.kill_s = num.INF
    c.off_s = min(c.off_s, now)


def _has_room_for_all(c: ClientState) -> bool:
    """Whether the journal has room for every batch in the client: no more are stored at a time."""
    if c.batches.oldest == c.batches.next:
        return True
    entries: int = c.journal.append_s.shape[0] - c.journal.entries
    rows: int = c.journal.row.shape[0] - c.journal.rows
    records = c.records.next - num.integer(c.batches.first[c.batches.oldest & c.batches.mask])
    return entries >= c.batches.next - c.batches.oldest and rows >= records


def _publish(until_s: float, c: ClientState, most: int) -> int:
    done = codes.DONE
    left = most
    while done == codes.DONE:
        now = min(c.app.next_s, c.wake_s, c.app.kill_s)
        if now > until_s or now == num.INF:
            break
        left -= 1
        if left < 0:
            return codes.GOES_ON
        if now < c.wake_s and now < c.app.kill_s:
            done = application.act(until_s, c, most)
            continue
        application.fill_samples(now, c)
        if c.app.kill_s <= now:
            if requests.wait_in_sockets(c):
                return codes.DIES
            die(now, c)
        elif _has_room_for_all(c):
            done = requests.serve(now, c)
        else:
            return codes.FULL_JOURNAL
    return done


def publish(until_s: float, c: ClientState, most: int) -> int:
    """Advance the process, its client and its requests to ``until_s`` (inclusive).

    Where several things fall due at one time: a kill, what reaches brokers, answers, expiry,
    sending, and then the application.

    Returns:
        DONE; or what has to be done before this is called again: which ring or journal has to
        grow, or GIVES_UP (at ``wake_s``), DIES (at ``kill_s``) or IS_FENCED (at the application's
        ``next_s``); or GOES_ON, after ``most`` steps of the process or of its client.
    """
    with cython.nogil:
        done = _publish(until_s, c, most)
    return done
