"""How a fleet of sender threads hands messages to a queue service, a call at a time (SS-13).

Threads are alike: all that is known of one is when it is free. So what becomes of a call is settled
when it starts, at one visit, and only its messages still have to get into the feed in their turn.
"""

import cython
import numpy as np

from sim.engine import pieces
from sim.engine.acted_kernel import Acted, note
from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U8
from sim.queue.feed_kernel import Feed


class SendersState:
    """Threads that share one unbounded list of messages to send, oldest first."""

    def __init__(
        self,
        feed: Feed,
        created_s: F64,
        order: I32,
        threads: int,
        batch: int,
        latency_s: F64,
        calls_per_s: float,
        one_connection: bool,
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
        self.one_connection = one_connection
        """Whether a call reaches the service only after those that started before it."""
        self.last_reached_s = 0.0
        """When the call that started last reaches it, s."""
        self.free_s: F64 = np.full(threads + 4, num.INF)
        """[threads + 4] heap of four children: when each thread is free, s; then inf."""
        self.free_s[:threads] = -num.INF
        self.reached_s: F64 = np.full(threads + 4, num.INF)
        """[threads + 4] heap of four children: when each call on its way reaches the service, s;
        then inf. At equal times the call that started first comes first."""
        self.first: I64 = np.zeros(threads + 4, np.int64)
        """[threads + 4] the first message of each of these calls."""
        self.n: I64 = np.zeros(threads + 4, np.int64)
        """[threads + 4] its messages; then 0."""
        self.threads = threads
        """Serial callers."""
        self.next = 0
        """Next message to send."""
        self.draw = 0
        """Next of the round trips."""
        self.calls = 0
        """Calls made."""
        self.on_the_way = 0
        """Of them, calls that have not yet reached the service."""
        self.quota_s = -num.INF
        """When the quota would be used up, less the burst, s."""
        self.way_s: F32 = np.zeros(created_s.size, np.float32)
        """[messages] how long the call that took each was on its way, the quota apart, s."""
        limited = calls_per_s < num.INF
        self.held: U8 = np.zeros(created_s.size if limited else 0, np.uint8)
        """[messages] 1: the quota held that call up; [0]: there is none."""
        self.long_s = 0.1
        """Who waits for longer than this has met a limit."""
        self.busy = Acted()
        """Calls whose first message had waited long, as all threads were busy, and not for the
        quota."""
        self.throttled = Acted()
        """Calls that the quota held up, and whose first message had waited long."""


def _replace_first(s: SendersState, at_s: float) -> None:
    """The thread that was to be free first will be free at ``at_s``."""
    at = 0
    child = 1
    while child < s.threads:
        # The least of four, without a branch; behind the last are some at infinity.
        s0 = s.free_s[child]
        s1 = s.free_s[child + 1]
        s2 = s.free_s[child + 2]
        s3 = s.free_s[child + 3]
        left_s = min(s0, s1)
        right_s = min(s2, s3)
        least_s = min(left_s, right_s)
        if least_s >= at_s:
            break
        left = child + (s1 < s0)
        right = child + 2 + (s3 < s2)
        s.free_s[at] = least_s
        at = left + (right - left) * (right_s < left_s)
        child = 4 * at + 1
    s.free_s[at] = at_s


def _set_out(s: SendersState, reached_s: float, first: int, n: int) -> None:
    """Put a call on its way, which starts after all others."""
    at = s.on_the_way
    s.on_the_way += 1
    while at > 0 and s.reached_s[(at - 1) >> 2] > reached_s:
        _move(s, (at - 1) >> 2, at)
        at = (at - 1) >> 2
    s.reached_s[at] = reached_s
    s.first[at] = first
    s.n[at] = n


def _move(s: SendersState, of: int, to: int) -> None:
    """Copy an entry of the heap of calls over another."""
    s.reached_s[to] = s.reached_s[of]
    s.first[to] = s.first[of]
    s.n[to] = s.n[of]


def _before(s: SendersState, one: int, other: int) -> bool:
    """Whether a call on its way reaches the service before another."""
    before: bool = s.reached_s[one] < s.reached_s[other]
    if s.reached_s[one] == s.reached_s[other]:
        before = s.first[one] < s.first[other]
    return before


def _arrive(s: SendersState) -> None:
    """Take the first call from those on their way."""
    last = s.on_the_way - 1
    s.on_the_way = last
    at = 0
    child = 1
    while child < last:
        s0 = s.reached_s[child]
        s1 = s.reached_s[child + 1]
        s2 = s.reached_s[child + 2]
        s3 = s.reached_s[child + 3]
        left_s = min(s0, s1)
        right_s = min(s2, s3)
        left = child + (s1 < s0)
        right = child + 2 + (s3 < s2)
        # Without a branch, but where two are equal; what is behind the last is at infinity.
        least = left + (right - left) * (right_s < left_s)
        least_s = min(left_s, right_s)
        ties = num.integer(s0 == least_s) + num.integer(s1 == least_s)
        ties += num.integer(s2 == least_s) + num.integer(s3 == least_s)
        if ties > 1:
            least = child
            for other in range(child + 1, child + 4):
                if _before(s, other, least):
                    least = other
        if not _before(s, least, last):
            break
        _move(s, least, at)
        at = least
        child = 4 * at + 1
    _move(s, last, at)
    s.reached_s[last] = num.INF


def _hand_over(s: SendersState, until_s: float) -> None:
    """Put the messages of all calls that reach the service by ``until_s`` into the feed."""
    row = s.feed.n[0]
    while s.on_the_way > 0 and s.reached_s[0] <= until_s:
        for message in range(s.first[0], s.first[0] + s.n[0]):
            s.feed.enqueued_s[row] = s.reached_s[0]
            if s.order.shape[0] > 0:
                s.feed.message[row] = s.order[message]
            else:
                s.feed.message[row] = message
            row += 1
        _arrive(s)
    s.feed.n[0] = row


def _send(s: SendersState, until_s: float, most: int) -> int:
    total = s.created_s.shape[0]
    for _ in range(most):
        first = s.next
        if first == total:
            _hand_over(s, until_s)
            return pieces.DONE
        now = max(s.created_s[first], s.free_s[0])
        if now > until_s:
            _hand_over(s, until_s)
            return pieces.DONE
        _hand_over(s, now)
        stop = first + 1
        while stop < total and stop - first < s.batch and s.created_s[stop] <= now:
            stop += 1
        half_s = 0.5 * s.latency_s[s.draw]
        s.draw = s.draw + 1 if s.draw + 1 < s.latency_s.shape[0] else 0
        s.next = stop
        reached_s = now + half_s
        held_s = 0.0
        if s.calls_per_s < num.INF:
            held_s = max(0.0, s.quota_s - reached_s)
            for message in range(first, stop):
                s.held[message] = held_s > 0.0
            reached_s = max(reached_s, s.quota_s)
            s.quota_s = max(s.quota_s, reached_s - 1.0) + 1.0 / s.calls_per_s
        if s.one_connection:
            reached_s = max(reached_s, s.last_reached_s)
            s.last_reached_s = reached_s
        for message in range(first, stop):
            s.way_s[message] = reached_s - now - held_s
        # Threads whose calls are held up are not too few: with more, the quota would hold as many.
        if now + held_s - s.created_s[first] > s.long_s:
            if held_s > 0.0:
                note(s.throttled, s.created_s[first], now + held_s, 1)
            else:
                note(s.busy, s.created_s[first], now, 1)
        _replace_first(s, reached_s + half_s)
        _set_out(s, reached_s, first, stop - first)
        s.calls += 1
    return pieces.GOES_ON


def send(s: SendersState, until_s: float, most: int) -> int:
    """Carry the calls to ``until_s``, by at most ``most`` steps: DONE, or GOES_ON.

    Messages join the feed half-way through their call; of calls that get there at one time, the one
    that started first does. A free thread takes what is waiting, up to ``batch`` messages, and
    waits for the answer.
    """
    with cython.nogil:
        return _send(s, until_s, most)
