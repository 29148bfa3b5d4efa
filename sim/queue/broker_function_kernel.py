"""A function that consumers invoke with what they have received: AWS Lambda's pollers (SS-15).

A poller is a consumer that pulls. It gathers a batch, invokes the function, which works on the
batch in its stead, and acknowledges what is done. Of the function, only so many run at a time; an
invocation beyond that is throttled, and the poller tries it again until the locks of its batch
end. A batch that nobody could be invoked with was received all the same.
"""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker_consumers_kernel import Consumers


class InvokedFunction:
    """A function, and how far each consumer is with invoking it. Times in s."""

    def __init__(self, places: int, invoke_s: F64, cold_s: F64) -> None:
        """
        Args:
            places: for consumers.
            invoke_s: [draws] from an invocation to its work, taken in turn.
            cold_s: [draws] the same of what an environment that is new takes before that.
        """
        self.invoked = False
        """Whether there is a function; else consumers work themselves."""
        self.batch = NO_LIMIT
        """Messages of an invocation, at most."""
        self.window_s = 0.0
        """So long they are gathered."""
        self.limit = NO_LIMIT
        """Invocations at a time, at most."""
        self.retry_s = num.INF
        """A consumer whose invocation was throttled tries again after."""
        self.timeout_s = num.INF
        """An invocation that works for longer is ended."""
        self.reports = False
        """Whether a failure is of one message; else it is of the whole batch."""
        self.invoke_s: F64 = invoke_s
        """[draws] from an invocation to its work, taken in turn."""
        self.cold_s: F64 = cold_s
        """[draws] what a new environment takes before that, taken in turn."""

        self.stage: I64 = np.zeros(places, np.int64)
        """[places] GATHERING, INVOKING, STARTING, RUNNING."""
        self.held: I64 = np.zeros(places, np.int64)
        """[places] messages gathered."""
        self.until_s: F64 = np.full(places, num.INF)
        """[places] when gathering ends; inf: nothing has come."""
        self.asked_s: F64 = np.zeros(places)
        """[places] when it was invoked with the batch first."""
        self.next_s: F64 = np.zeros(places)
        """[places] INVOKING: when it is tried next."""
        self.ends_s: F64 = np.zeros(places)
        """[places] INVOKING: when the lock of the oldest of the batch ends."""
        self.throttled: I64 = np.zeros(places, np.int64)
        """[places] 1: the batch in hand has been throttled, and has not been let in."""
        self.let_in_s: F64 = np.zeros(places)
        """[places] when an invocation was let in."""
        self.start_s: F64 = np.zeros(places)
        """[places] when its work begins, or began."""
        self.rest_s: F64 = np.zeros(places)
        """[places] `QueueTimes.rest_s` then."""
        self.number: I64 = np.zeros(places, np.int64)
        """[places] how many invocations there have been."""

        self.running = 0
        """Invocations under way."""
        self.environments = 0
        """Environments that are warm or in use."""
        self.peak = 0
        """Most invocations that were under way at a time."""
        self.invocations = 0
        """Invocations let in."""
        self.throttles = 0
        """Invocations refused, each time."""
        self.throttled_batches = 0
        """Batches that were refused at least once."""
        self.given_up = 0
        """Batches that were refused until their locks ended."""
        self.colds = 0
        """Invocations that needed a new environment."""
        self.failed = 0
        """Invocations that failed as a whole."""


def deadline_s(f: InvokedFunction, c: int) -> float:
    """When the invocation of a consumer would be ended."""
    at_s: float = f.start_s[c] + f.timeout_s
    return at_s


def let_in(f: InvokedFunction, consumers: Consumers, c: int, now: float) -> None:
    """An invocation is let in: it has a place, and begins its work in a while."""
    f.running += 1
    f.peak = max(f.peak, f.running)
    f.start_s[c] = now + f.invoke_s[f.invocations % f.invoke_s.shape[0]]
    f.invocations += 1
    if f.running > f.environments:
        f.environments = f.running
        f.start_s[c] += f.cold_s[f.colds % f.cold_s.shape[0]]
        f.colds += 1
    f.let_in_s[c] = now
    f.number[c] += 1
    f.stage[c] = codes.STARTING
    consumers.throttled -= f.throttled[c]
    f.throttled[c] = 0


def throttle(f: InvokedFunction, consumers: Consumers, c: int, now: float) -> None:
    """As many run as may: it is tried again, or given up when the lock of the oldest ends."""
    f.throttles += 1
    if f.throttled[c] == 0:
        f.throttled[c] = 1
        f.throttled_batches += 1
        consumers.throttled += 1
    f.next_s[c] = max(now, min(now + f.retry_s, f.ends_s[c]))


def put_down(f: InvokedFunction, consumers: Consumers, c: int) -> None:
    """A consumer has nothing in hand any more; what it had invoked is over."""
    if f.stage[c] >= codes.STARTING:
        f.running -= 1
    consumers.throttled -= f.throttled[c]
    f.throttled[c] = 0
    f.stage[c] = codes.GATHERING
    f.held[c] = 0
    f.until_s[c] = num.INF
