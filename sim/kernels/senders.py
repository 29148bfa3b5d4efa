"""How a fleet of sender threads hands messages to a queue service, a call at a time (SS-13)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels.jit import resumable
from sim.kernels.queue import Feed


class Senders(NamedTuple):
    """Threads that share one unbounded list of messages to send, oldest first."""

    free_s: NDArray[np.float64]  # [threads] when the call under way returns
    counts: NDArray[np.int64]  # [2] next message to send, calls made


@resumable
def send(until_s, created_s, batch, latency_s, senders, feed):  # type: ignore[no-untyped-def]
    """Start every call that begins by ``until_s``; its messages join ``feed`` half-way through it.

    A free thread takes what is waiting, up to ``batch`` messages, and waits for the answer.
    ``created_s`` float64 [messages], ascending; ``latency_s`` float64 [draws], round trips.
    Rows of ``feed`` up to ``until_s`` are final; later ones may still be overtaken.
    """
    n = created_s.size
    free_s = senders.free_s
    while senders.counts[0] < n:
        first = senders.counts[0]
        thread = 0
        for other in range(1, free_s.size):
            if free_s[other] < free_s[thread]:
                thread = other
        at = max(free_s[thread], created_s[first])
        if at > until_s:
            return
        stop = first
        while stop < n and stop - first < batch and created_s[stop] <= at:
            stop += 1
        latency = latency_s[senders.counts[1] % latency_s.size]
        senders.counts[0] = stop
        senders.counts[1] += 1
        free_s[thread] = at + latency
        enqueued = at + 0.5 * latency
        row = feed.n[0]
        while row > 0 and feed.enqueued_s[row - 1] > enqueued:
            row -= 1
        shift = stop - first
        moved = feed.n[0] - 1
        while moved >= row:
            feed.enqueued_s[moved + shift] = feed.enqueued_s[moved]
            feed.message[moved + shift] = feed.message[moved]
            moved -= 1
        for k in range(shift):
            feed.enqueued_s[row + k] = enqueued
            feed.message[row + k] = first + k
        feed.n[0] += shift
