"""How a fleet of sender threads hands messages to a queue service, a call at a time (SS-13)."""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.foundation.jit import inlined, resumable

# Places in SendersState.counts.
NEXT, CALLS, UNDER_WAY = range(3)
COUNTS = 3


class SendersState(NamedTuple):
    """Threads that share one unbounded list of messages to send, oldest first.

    The calls under way are a binary heap by the time of their next event: reaching the service,
    then returning.
    """

    event_s: F64  # [threads] heap
    half_s: F64  # [threads] rest of the latency once the service is reached
    first: I64  # [threads] first message of the call; -1: it has been handed over
    n: I64  # [threads] messages of the call
    counts: I64  # [COUNTS] next message to send, calls made, calls under way
    quota_s: F64  # [1] when the quota would be used up, less the burst


@inlined
def _move(senders, source, target):
    senders.event_s[target] = senders.event_s[source]
    senders.half_s[target] = senders.half_s[source]
    senders.first[target] = senders.first[source]
    senders.n[target] = senders.n[source]


@inlined
def _put(senders, at, event_s, half_s, first, n):
    senders.event_s[at] = event_s
    senders.half_s[at] = half_s
    senders.first[at] = first
    senders.n[at] = n


@inlined
def _push(senders, event_s, half_s, first, n):
    at = senders.counts[UNDER_WAY]
    senders.counts[UNDER_WAY] += 1
    while at > 0 and senders.event_s[(at - 1) >> 1] > event_s:
        _move(senders, (at - 1) >> 1, at)
        at = (at - 1) >> 1
    _put(senders, at, event_s, half_s, first, n)


@inlined
def _replace_first(senders, event_s, half_s, first, n):
    size = senders.counts[UNDER_WAY]
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and senders.event_s[child + 1] < senders.event_s[child]:
            child += 1
        if senders.event_s[child] >= event_s:
            break
        _move(senders, child, at)
        at = child
    _put(senders, at, event_s, half_s, first, n)


@resumable
def send(until_s, created_s, order, batch, latency_s, calls_per_s, senders, feed):
    """Carry the calls to ``until_s``; messages join ``feed`` half-way through their call.

    A free thread takes what is waiting, up to ``batch`` messages, and waits for the answer.
    ``created_s`` float64 [messages], ascending; ``order`` int32 [messages], which message each of
    them is, or [0]: its row; ``latency_s`` float64 [draws], round trips, taken in turn;
    ``calls_per_s``: a call beyond this quota, of which a second's worth may be used up at once,
    gets through as soon as it can (inf: there is none).
    """
    total = created_s.size
    threads = senders.event_s.size
    while True:
        size = senders.counts[UNDER_WAY]
        first = senders.counts[NEXT]
        event_s = senders.event_s[0] if size > 0 else np.inf
        returned = False
        if size < threads and first < total and created_s[first] < event_s:
            now = created_s[first]  # an idle thread takes it at once
            if now > until_s:
                return
        else:
            now = event_s
            if now > until_s or size == 0:
                return
            start = senders.first[0]
            if start >= 0:
                row = feed.n[0]
                n = senders.n[0]
                for k in range(n):
                    feed.enqueued_s[row + k] = now
                    feed.message[row + k] = order[start + k] if order.size > 0 else start + k
                feed.n[0] = row + n
                _replace_first(senders, now + senders.half_s[0], 0.0, -1, 0)
                continue
            if first == total or created_s[first] > now:
                last = size - 1
                senders.counts[UNDER_WAY] = last
                _replace_first(
                    senders,
                    senders.event_s[last],
                    senders.half_s[last],
                    senders.first[last],
                    senders.n[last],
                )
                continue
            returned = True
        stop = first
        while stop < total and stop - first < batch and created_s[stop] <= now:
            stop += 1
        half_s = 0.5 * latency_s[senders.counts[CALLS] % latency_s.size]
        senders.counts[NEXT] = stop
        senders.counts[CALLS] += 1
        reached_s = now + half_s
        if calls_per_s < np.inf:
            reached_s = max(reached_s, senders.quota_s[0])
            senders.quota_s[0] = max(senders.quota_s[0], reached_s - 1.0) + 1.0 / calls_per_s
        if returned:
            _replace_first(senders, reached_s, half_s, first, stop - first)
        else:
            _push(senders, reached_s, half_s, first, stop - first)
