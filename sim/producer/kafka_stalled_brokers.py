"""Brokers that stand still, alive and silent, as a producer's client meets them (KB-13).

Requests reach the socket of such a broker, and nothing is done with them until it goes on. What it
was at work on is answered then; answers under way arrive. The client gives a connection up when its
oldest request is overdue, and cannot send on a new one, which begins with a request for the
broker's API versions. What it gave up lies in the socket, and is handled when the broker goes on,
before anything else.

The client is back on a new connection as soon as the broker goes on. A real one may be in the
middle of `reconnect.backoff.ms`, or of looking for its bootstrap servers again
(`metadata.recovery.strategy`): librdkafka was back 0.3 to 1.4 s later.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.producer.kafka_client_requests_kernel import look_everywhere
from sim.producer.kafka_client_state_kernel import ClientState

HANDLED_OF_A_CLOSED_CONNECTION = 2
"""Requests that a broker still handles of a connection that its client has closed.

It takes up one at a time and answers before the next (``SocketServer`` mutes the channel). The
first answer goes to a closed socket, which replies with a reset; that becomes known when the second
answer cannot be written, and then the rest is dropped (``Selector``: a channel is kept until a send
fails). So it was with Kafka 4.4 over loopback in each of three runs. If a round trip takes longer
than a broker's work on a request, a few more may get through. acks=0 has no answers, so all are
handled."""


class GivenUp(NamedTuple):
    """A batch that lies in the socket of a broker and has no client any more."""

    broker: int
    what: tuple[int, int, int, int, int, int, float]
    """Partition, session, epoch, first sequence number, transaction, attempt, and when it first
    left its client, s."""
    row: NDArray[np.int32]
    """[records] input row of each."""


def pause(now: float, broker: int, state: ClientState) -> None:
    """A broker stands still from now on."""
    requests = state.requests
    if state.brokers.stalled[broker]:
        return
    state.brokers.stalled[broker] = 1
    requests.free_s[broker] = np.inf
    requests.event_s[broker] = -np.inf
    for at in _places(broker, int(requests.oldest[broker]), state):
        if requests.arrive_s[broker, at] + requests.replicate_s[broker, at] > now:
            requests.respond_s[broker, at] = np.inf
        if requests.arrive_s[broker, at] > now:
            requests.arrive_s[broker, at] = np.inf


def resume(now: float, broker: int, state: ClientState) -> None:
    """It goes on: it answers what it was at work on, and takes up what waits, in order."""
    requests = state.requests
    state.brokers.stalled[broker] = 0
    free_s = now
    for at in _places(broker, int(requests.oldest[broker]), state):
        arrive_s = requests.arrive_s[broker, at]
        half_s, replicate_s = requests.half_s[broker, at], requests.replicate_s[broker, at]
        if arrive_s < np.inf:
            if requests.respond_s[broker, at] < np.inf or not state.brokers.up[broker]:
                continue
            free_s = max(free_s, arrive_s + replicate_s)
        else:
            arrive_s = max(free_s, requests.sent_s[broker, at] + half_s)
            requests.arrive_s[broker, at] = arrive_s
            free_s = arrive_s + replicate_s
        requests.respond_s[broker, at] = free_s + half_s
        if requests.lost[broker, at]:
            requests.respond_s[broker, at] += state.settings.notice_s
    requests.free_s[broker] = free_s
    look_everywhere(now, state)


def overdue(now: float, state: ClientState) -> list[int]:
    """Brokers that stand still and have not answered the oldest request in time."""
    requests = state.requests
    found = []
    for broker in map(int, np.flatnonzero(state.brokers.stalled)):
        places = _places(broker, int(requests.oldest[broker]), state)
        if places:
            sent_s = requests.sent_s[broker, places[0]]
            if sent_s + state.settings.request_timeout_s <= now:
                found.append(broker)
    return found


def left_in_socket(now: float, broker: int, state: ClientState) -> list[GivenUp]:
    """What a broker that stands still will handle of a connection that is given up now."""
    requests, batches, records = state.requests, state.batches, state.records
    if not (state.brokers.stalled[broker] and state.brokers.up[broker]):
        return []
    places = [
        at
        for at in _places(broker, int(requests.arriving[broker]), state)
        if requests.sent_s[broker, at] + requests.half_s[broker, at] <= now
    ]
    if state.settings.acks != 0:
        unanswered = int(requests.oldest[broker] < requests.arriving[broker])
        places = places[: HANDLED_OF_A_CLOSED_CONNECTION - unanswered]
    left = []
    for at in places:
        number = int(requests.first[broker, at])
        while number >= 0:
            batch = number & batches.mask
            row = np.empty(batches.n[batch], np.int32)
            record = int(batches.first[batch])
            for i in range(row.size):
                row[i] = records.row[record & records.mask]
                record = int(records.link[record & records.mask])
            p = int(batches.partition[batch])
            session, epoch = state.app.session, int(state.partitions.epoch[p])
            seq, txn = int(batches.seq[batch]), int(batches.txn[batch])
            attempt, left_s = int(batches.attempts[batch]), float(batches.left_s[batch])
            what = (p, session, epoch, seq, txn, attempt, left_s)
            left.append(GivenUp(broker, what, row))
            number = int(batches.link[batch])
    return left


def _places(broker: int, first: int, state: ClientState) -> list[int]:
    """Places in the ring of a broker's requests from number ``first`` on."""
    requests = state.requests
    return [number & requests.mask for number in range(first, int(requests.next[broker]))]
