"""How a fleet of sender threads hands messages to a queue service, a call at a time (SS-13)."""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I32, I64
from sim.queue.feed_kernel import Feed


class SendersState:
    """Threads that share one unbounded list of messages to send, oldest first.

    The calls under way are a binary heap by the time of their next event: reaching the service,
    then returning.
    """

    def __init__(
        self,
        feed: Feed,
        created_s: F64,
        order: I32,
        threads: int,
        batch: int,
        latency_s: F64,
        calls_per_s: float,
    ) -> None:
        self.feed: Feed = feed
        """Where messages go half-way through their call."""
        self.created_s: F64 = created_s
        """[messages] ascending, s."""
        self.order: I32 = order
        """[messages] which message each of them is, or [0]: its row."""
        self.latency_s: F64 = latency_s
        """[draws] round trips of the call, s, taken in turn."""
        self.batch = batch
        """Messages a call carries at most."""
        self.calls_per_s = calls_per_s
        """A call beyond this quota, of which a second's worth may be used up at once, gets through
        as soon as it can; inf: there is none."""
        self.event_s: F64 = np.zeros(threads)
        """[threads] heap: when each call reaches the service or returns, s."""
        self.half_s: F64 = np.zeros(threads)
        """[threads] rest of the latency once the service is reached, s."""
        self.first: I64 = np.zeros(threads, np.int64)
        """[threads] first message of the call; -1: it has been handed over."""
        self.n: I64 = np.zeros(threads, np.int64)
        """[threads] messages of the call."""
        self.next = 0
        """Next message to send."""
        self.calls = 0
        """Calls made."""
        self.under_way = 0
        """Calls under way."""
        self.quota_s = -num.INF
        """When the quota would be used up, less the burst, s."""


def _move(s: SendersState, source: int, target: int) -> None:
    s.event_s[target] = s.event_s[source]
    s.half_s[target] = s.half_s[source]
    s.first[target] = s.first[source]
    s.n[target] = s.n[source]


def _put(s: SendersState, at: int, event_s: float, half_s: float, first: int, n: int) -> None:
    s.event_s[at] = event_s
    s.half_s[at] = half_s
    s.first[at] = first
    s.n[at] = n


def _push(s: SendersState, event_s: float, half_s: float, first: int, n: int) -> None:
    at = s.under_way
    s.under_way += 1
    while at > 0 and s.event_s[(at - 1) >> 1] > event_s:
        _move(s, (at - 1) >> 1, at)
        at = (at - 1) >> 1
    _put(s, at, event_s, half_s, first, n)


def _replace_first(s: SendersState, event_s: float, half_s: float, first: int, n: int) -> None:
    at = 0
    while 2 * at + 1 < s.under_way:
        child = 2 * at + 1
        if child + 1 < s.under_way and s.event_s[child + 1] < s.event_s[child]:
            child += 1
        if s.event_s[child] >= event_s:
            break
        _move(s, child, at)
        at = child
    _put(s, at, event_s, half_s, first, n)


def _hand_over(s: SendersState, now: float) -> None:
    """The call that is first in the heap reaches the service."""
    first = s.first[0]
    row = s.feed.n[0]
    for k in range(s.n[0]):
        s.feed.enqueued_s[row + k] = now
        if s.order.shape[0] > 0:
            s.feed.message[row + k] = s.order[first + k]
        else:
            s.feed.message[row + k] = first + k
    s.feed.n[0] = row + s.n[0]
    _replace_first(s, now + s.half_s[0], 0.0, -1, 0)


def _remove_first(s: SendersState) -> None:
    last = s.under_way - 1
    s.under_way = last
    _replace_first(s, s.event_s[last], s.half_s[last], s.first[last], s.n[last])


def _send(s: SendersState, until_s: float) -> None:
    total = s.created_s.shape[0]
    threads = s.event_s.shape[0]
    while True:
        first = s.next
        event_s = s.event_s[0] if s.under_way > 0 else num.INF
        returned = False
        if s.under_way < threads and first < total and s.created_s[first] < event_s:
            now = s.created_s[first]  # an idle thread takes it at once
            if now > until_s:
                return
        else:
            now = event_s
            if now > until_s or s.under_way == 0:
                return
            if s.first[0] >= 0:
                _hand_over(s, now)
                continue
            if first == total or s.created_s[first] > now:
                _remove_first(s)
                continue
            returned = True
        stop = first
        while stop < total and stop - first < s.batch and s.created_s[stop] <= now:
            stop += 1
        half_s = 0.5 * s.latency_s[s.calls % s.latency_s.shape[0]]
        s.next = stop
        s.calls += 1
        reached_s = now + half_s
        if s.calls_per_s < num.INF:
            reached_s = max(reached_s, s.quota_s)
            s.quota_s = max(s.quota_s, reached_s - 1.0) + 1.0 / s.calls_per_s
        if returned:
            _replace_first(s, reached_s, half_s, first, stop - first)
        else:
            _push(s, reached_s, half_s, first, stop - first)


def send(s: SendersState, until_s: float) -> None:
    """Carry the calls to ``until_s``; messages join the feed half-way through their call.

    A free thread takes what is waiting, up to ``batch`` messages, and waits for the answer.
    """
    with cython.nogil:
        _send(s, until_s)
