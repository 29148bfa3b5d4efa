"""What a queue knows of each message. Columns are indexed by message, not by row of the feed."""

import numpy as np

from sim.engine.held_up_kernel import HeldUp, nobody
from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U8, U16, longer
from sim.queue import broker_codes as codes


class QueueMessages:
    """The messages of a queue, and how many are where."""

    def __init__(
        self,
        service_s: F32,
        wanted: U8,
        due_s: F64,
        same: I32,
        ttl_s: F64,
        expires: bool,
        linked: bool,
        stalls: bool,
        total: int,
        keep_repeats: int,
    ) -> None:
        n = service_s.size
        self.service_s: F32 = service_s
        """[messages] work that each takes."""
        self.wanted: U8 = wanted
        """[messages] 1: routed to this queue; [0]: all are."""
        self.due_s: F64 = due_s
        """[messages] not to be started before; [0]: any time."""
        self.same: I32 = same
        """[messages] number of its deduplication id; [0]: each has its own."""
        self.let_in_s: F64 = np.full(int(same.max(initial=-1)) + 1, -np.inf)
        """[ids] when a message with this id was let in last; -inf: never."""
        self.ttl_s: F64 = ttl_s
        """[messages] own time to live; inf: none; [0]: none has any."""
        self.expires_s: F64 = np.full(n if expires else 0, np.inf)
        """[messages] when it is too old; inf: never; [0]: not kept."""
        self.letter: U8 = np.zeros(n if linked else 0, np.uint8)
        """[messages] 1: it came last as a dead letter; [0]: none does."""
        self.state: U8 = np.zeros(n, np.uint8)
        """[messages] READY … LOST; READY too before it has come."""
        self.receives: U16 = np.zeros(n, np.uint16)
        """[messages] deliveries so far."""
        self.returns: U16 = np.zeros(n, np.uint16)
        """[messages] returns and retries that count."""
        self.forgiven: U16 = np.zeros(n if linked else 0, np.uint16)
        """[messages] deliveries from before it came last, which do not count any more; [0]: all
        count."""
        self.stalls: U16 = np.zeros(n if stalls else 0, np.uint16)
        """[messages] how often its renewed lock had ended; [0]: that is not counted."""
        self.effects: U16 = np.zeros(n, np.uint16)
        """[messages] how often each was processed."""
        self.done_s: F64 = np.full(n, np.inf)
        """[messages] first processed at; inf: not yet."""
        self.again_message: I32 = np.zeros(keep_repeats, np.int32)
        """[kept] messages processed before, in any order; may be empty."""
        self.again_s: F64 = np.zeros(keep_repeats)
        """[kept] when each was processed again."""
        self.sends: HeldUp = nobody()
        """What consumers send to the next stage of a pipeline, and until when they wait for it."""
        self.total = total
        """Messages that the queue is to get."""
        self.may_return = 0
        """1: what is gone for good may come again, by a seek: time goes on when all are gone."""
        self.arrived = 0
        """Messages that came to it."""
        self.ready_now = 0
        self.in_flight_now = 0
        """Messages that the broker waits for an ack of."""
        self.waiting_now = 0
        """Messages that are to be published again."""
        self.delayed_now = 0
        """Messages that came back and are not ready yet."""
        self.removed = 0
        """Messages gone for good."""
        self.moved = 0
        """Times that a message went into another queue."""
        self.held = 0
        """Deliveries that a consumer has and has not finished."""
        self.deliveries = 0
        """Deliveries so far."""
        self.repeats = 0
        """Effects beyond a message's first."""
        self.retries = 0
        """Messages published again after a failure."""
        self.refusals = 0
        """Messages not let in: the queue was full, or had had their id."""

    def enlarge(self, n: int) -> None:
        """Have room for ``n`` messages."""
        self.service_s = longer(np.asarray(self.service_s), n, 0.0)
        self.state = longer(np.asarray(self.state), n, 0)
        self.receives = longer(np.asarray(self.receives), n, 0)
        self.returns = longer(np.asarray(self.returns), n, 0)
        if self.stalls.shape[0]:
            self.stalls = longer(np.asarray(self.stalls), n, 0)
        self.effects = longer(np.asarray(self.effects), n, 0)
        self.done_s = longer(np.asarray(self.done_s), n, np.inf)


class PoisonLeft:
    """Messages that make their consumer fail, ascending."""

    def __init__(self, message: I64, kills: I64, left: I64, restart_s: F64) -> None:
        self.message: I64 = message
        """[poison] which."""
        self.kills: I64 = kills
        """[poison] 1: it kills the process; 0: its handler raises."""
        self.left: I64 = left
        """[poison] how many more times."""
        self.restart_s: F64 = restart_s
        """[poison] a killed consumer starts again after; inf: never."""


def ttl_of(messages: QueueMessages, ttl_s: float, message: int) -> float:
    """How long a message that comes now may wait, s; ``ttl_s``: any message of the queue.

    A dead letter has no time to live of its own any more.
    """
    if messages.ttl_s.shape[0] == 0:
        return ttl_s
    if messages.letter.shape[0] > 0 and messages.letter[message] == 1:
        return ttl_s
    return min(ttl_s, num.double(messages.ttl_s[message]))


def poison_place(poison: PoisonLeft, message: int) -> int:
    """Where a message is in the list of those that fail; -1: nowhere."""
    low = 0
    high = poison.message.shape[0]
    while low < high:
        middle = (low + high) // 2
        if poison.message[middle] < message:
            low = middle + 1
        else:
            high = middle
    if low < poison.message.shape[0] and poison.message[low] == message:
        return low
    return -1


def received(messages: QueueMessages, message: int) -> int:
    """How often a message was handed out since it came."""
    times = num.integer(messages.receives[message])
    if messages.forgiven.shape[0] > 0:
        times -= num.integer(messages.forgiven[message])
    return times


def affect(messages: QueueMessages, now: float, message: int) -> None:
    """A message was processed."""
    if messages.effects[message] > 0:
        if messages.repeats < messages.again_message.shape[0]:
            messages.again_message[messages.repeats] = message
            messages.again_s[messages.repeats] = now
        messages.repeats += 1
    messages.effects[message] += 1
    if now < messages.done_s[message]:
        messages.done_s[message] = now


def receive(messages: QueueMessages, message: int) -> None:
    """A message is handed out."""
    messages.deliveries += 1
    messages.ready_now -= 1
    if messages.receives[message] < codes.MOST_RECEIVES:
        messages.receives[message] += 1
