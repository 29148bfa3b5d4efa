"""How a fleet of sender threads hands messages to a queue service, a call at a time (SS-13)."""

import cython
import numpy as np

from sim.engine import pieces
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
        self.event_s: F64 = np.full(threads + 1, num.INF)
        """[threads + 1] heap: when each call reaches the service or returns, s; then inf."""
        self.call: I64 = np.arange(threads)
        """[threads] which call each of these is of, and then the numbers of no call."""
        self.half_s: F64 = np.zeros(threads)
        """[calls] rest of the latency once the service is reached, s."""
        self.first: I64 = np.zeros(threads, np.int64)
        """[calls] first message of the call; -1: it has been handed over."""
        self.n: I64 = np.zeros(threads, np.int64)
        """[calls] messages of the call."""
        self.next = 0
        """Next message to send."""
        self.draw = 0
        """Next of the round trips."""
        self.calls = 0
        """Calls made."""
        self.under_way = 0
        """Calls under way."""
        self.quota_s = -num.INF
        """When the quota would be used up, less the burst, s."""


def _push(s: SendersState, at_s: float) -> int:
    """Put an event into the heap; returns the number of its call, a new one."""
    at = s.under_way
    call: int = s.call[at]
    s.under_way += 1
    while at > 0 and s.event_s[(at - 1) >> 1] > at_s:
        s.event_s[at] = s.event_s[(at - 1) >> 1]
        s.call[at] = s.call[(at - 1) >> 1]
        at = (at - 1) >> 1
    s.event_s[at] = at_s
    s.call[at] = call
    return call


def _replace_first(s: SendersState, at_s: float, call: int) -> None:
    """Have another event in the place of the first."""
    at = 0
    child = 1
    while child < s.under_way:
        # The lesser of two, without a branch; behind the last is one at infinity.
        child += s.event_s[child + 1] < s.event_s[child]
        if s.event_s[child] >= at_s:
            break
        s.event_s[at] = s.event_s[child]
        s.call[at] = s.call[child]
        at = child
        child = 2 * at + 1
    s.event_s[at] = at_s
    s.call[at] = call


def _hand_over(s: SendersState, now: float) -> None:
    """The call that is first in the heap reaches the service."""
    call = s.call[0]
    first = s.first[call]
    row = s.feed.n[0]
    for k in range(s.n[call]):
        s.feed.enqueued_s[row + k] = now
        if s.order.shape[0] > 0:
            s.feed.message[row + k] = s.order[first + k]
        else:
            s.feed.message[row + k] = first + k
    s.feed.n[0] = row + s.n[call]
    s.first[call] = -1
    _replace_first(s, now + s.half_s[call], call)


def _remove_first(s: SendersState) -> None:
    gone = s.call[0]
    last = s.under_way - 1
    at_s = s.event_s[last]
    call = s.call[last]
    s.under_way = last
    s.event_s[last] = num.INF
    s.call[last] = gone
    if last > 0:
        _replace_first(s, at_s, call)


def _send(s: SendersState, until_s: float, most: int) -> int:
    total = s.created_s.shape[0]
    threads = s.call.shape[0]
    for _ in range(most):
        first = s.next
        event_s = s.event_s[0] if s.under_way > 0 else num.INF
        returned = False
        if s.under_way < threads and first < total and s.created_s[first] < event_s:
            now = s.created_s[first]  # an idle thread takes it at once
            if now > until_s:
                return pieces.DONE
        else:
            now = event_s
            if now > until_s or s.under_way == 0:
                return pieces.DONE
            if s.first[s.call[0]] >= 0:
                _hand_over(s, now)
                continue
            if first == total or s.created_s[first] > now:
                _remove_first(s)
                continue
            returned = True
        stop = first
        while stop < total and stop - first < s.batch and s.created_s[stop] <= now:
            stop += 1
        half_s = 0.5 * s.latency_s[s.draw]
        s.draw = s.draw + 1 if s.draw + 1 < s.latency_s.shape[0] else 0
        s.next = stop
        s.calls += 1
        reached_s = now + half_s
        if s.calls_per_s < num.INF:
            reached_s = max(reached_s, s.quota_s)
            s.quota_s = max(s.quota_s, reached_s - 1.0) + 1.0 / s.calls_per_s
        if returned:
            call = s.call[0]
            _replace_first(s, reached_s, call)
        else:
            call = _push(s, reached_s)
        s.half_s[call] = half_s
        s.first[call] = first
        s.n[call] = stop - first
    return pieces.GOES_ON


def send(s: SendersState, until_s: float, most: int) -> int:
    """Carry the calls to ``until_s``, by at most ``most`` steps: DONE, or GOES_ON.

    Messages join the feed half-way through their call. A free thread takes what is waiting, up to
    ``batch`` messages, and waits for the answer.
    """
    with cython.nogil:
        return _send(s, until_s, most)
