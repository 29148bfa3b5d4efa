"""The state of a broker's queue as it is before anything has come, and with more room."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.foundation.arrays import F32, F64, I32, I64, NO_LIMIT, U8, U16
from sim.queue import broker_codes as codes
from sim.queue.broker_consumers_kernel import Consumers
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_deliveries_kernel import Deliveries
from sim.queue.broker_events_kernel import Events
from sim.queue.broker_function_kernel import InvokedFunction
from sim.queue.broker_lanes_kernel import Lanes
from sim.queue.broker_letters_kernel import QueueLetters
from sim.queue.broker_limits_kernel import QueueLimits
from sim.queue.broker_messages_kernel import PoisonLeft, QueueMessages
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state_kernel import BrokerState, Calls, QueueSamples
from sim.queue.broker_times_kernel import QueueTimes
from sim.queue.feed_kernel import Feed

_T = TypeVar("_T", bound=np.generic)

_FIRST_ROOM = 1 << 10


class Columns(NamedTuple):
    """What a queue may need to know of each message, beyond the work; None: nothing special."""

    wanted: U8 | None = None
    """[messages] 1: the message is routed to this queue; None: all are."""
    lane: I32 | None = None
    """[messages] its priority, group, tenant or partition; None: one lane."""
    due_s: F64 | None = None
    """[messages] a consumer does not start it before (ETA); None: at any time."""
    same: I32 | None = None
    """[messages] number of its deduplication id; None: every message has its own."""
    lanes: int = 1
    """How many lanes."""
    ttl_s: F64 | None = None
    """[messages] with `BrokerPolicy.at_head`, own time to live, s; inf: none; None: nobody."""
    linked: bool = False
    """Whether messages may come more than once: dead letters of this or another queue."""
    reach: U8 | None = None
    """[consumers, lanes] with SPANS: 1: the consumer takes from that lane; None: from all."""


class PoisonousMessages(NamedTuple):
    """Messages that make their consumer fail, ascending."""

    message: I64
    """[poison] which."""
    kills: I64
    """[poison] 1: it kills the process; 0: its handler raises."""
    times: I64
    """[poison] how often, in all; NO_LIMIT: always."""
    restart_s: F64
    """[poison] a killed consumer starts again after; inf: never."""


def no_poison() -> PoisonousMessages:
    """No message makes a consumer fail."""
    return poisonous_messages([], [], [], [])


def poisonous_messages(
    messages: ArrayLike, kills: ArrayLike, times: ArrayLike, restart_s: ArrayLike
) -> PoisonousMessages:
    """Messages that make their consumer fail.

    Args:
        messages: which.
        kills: the process dies; else the handler raises.
        times: how often, in all; NO_LIMIT: always.
        restart_s: a killed consumer starts again after; inf: never.
    """
    message = np.asarray(messages).astype(np.int64)
    order = np.argsort(message, kind="stable")
    return PoisonousMessages(
        message[order],
        np.asarray(kills).astype(np.int64)[order],
        np.asarray(times).astype(np.int64)[order],
        np.asarray(restart_s, np.float64)[order],
    )


class MessageColumns(NamedTuple):
    """What the queue knows of each message, as NumPy arrays; the memory is the state's."""

    state: U8
    """[messages] READY … LOST."""
    receives: U16
    """[messages] deliveries."""
    returns: U16
    """[messages] returns and retries that count."""
    effects: U16
    """[messages] how often each was processed."""
    done_s: F64
    """[messages] first processed at; inf: not yet."""
    wanted: U8
    """[messages] 1: routed to this queue; [0]: all are."""
    again_message: I32
    """[kept] messages processed before, in any order; may be empty."""
    again_s: F64
    """[kept] when each was processed again."""


def columns_of(messages: QueueMessages) -> MessageColumns:
    """The same memory as NumPy arrays."""
    return MessageColumns(*(np.asarray(getattr(messages, name)) for name in MessageColumns._fields))


def new_state(
    feed: Feed,
    service_s: F32,
    places: int,
    policy: BrokerPolicy,
    *,
    receive_latency_s: F64,
    ack_latency_s: F64,
    grid_s: F64,
    slots: int,
    columns: Columns,
    poison: PoisonousMessages,
    jitter: F64,
    keep_repeats: int,
    function: InvokedFunction | None = None,
    dead: DeadRows | None = None,
) -> BrokerState:
    """A queue to which nothing has come, and consumers none of which is started.

    Args: as those of `sim.queue.broker.Broker`; ``places``: for consumers.

    Raises:
        ValueError: the queue drops heads, or lets them expire, and cannot say which is one; or it
            is a table whose rows are in no order.
    """
    # Messages that the window has not let in are in no lane; and the heap is by the heads.
    drops = policy.overflow == codes.DROP_HEAD and policy.max_length < NO_LIMIT
    if drops and policy.pick in (codes.GROUPS, codes.FAIR):
        raise ValueError("a queue with message groups or fair lanes cannot drop its head")
    of_rows = policy.passed_s > 0.0 or policy.row_waits
    if of_rows and (policy.pick, policy.place) != (codes.ONE, codes.ORIGINAL):
        raise ValueError("rows of a table that others have are passed in their order")
    if policy.at_head and policy.pick not in (codes.ONE, codes.PRIORITY):
        raise ValueError("a queue with message groups, fair lanes or windows has no head")
    n, wanted = service_s.size, columns.wanted
    messages = QueueMessages(
        service_s,
        _rows(wanted, np.uint8),
        _rows(columns.due_s, np.float64),
        _rows(columns.same, np.int32),
        _rows(columns.ttl_s, np.float64),
        policy.at_head == 1,
        columns.linked,
        policy.max_stalls < NO_LIMIT,
        n if wanted is None else int(np.count_nonzero(wanted)),
        keep_repeats,
    )
    lanes = Lanes(
        n,
        columns.lanes,
        _rows(columns.lane, np.int32),
        np.zeros((0, 0), np.uint8) if columns.reach is None else columns.reach,
        policy.pick == codes.SPANS,
    )
    times = QueueTimes(
        n,
        columns.lanes,
        _rows(columns.due_s, np.float64).copy(),  # a retry has another ETA, the message has not
        policy.publish_s > 0.0 or policy.deliver_s > 0.0,
        policy.loop_s > 0.0 or function is not None,
        policy.per_batch_s > 0.0,
        columns.linked,
    )
    dead = DeadRows(np.zeros(0), np.zeros(0), 0.0, 0, 0) if dead is None else dead
    dead.added_s = np.zeros(places)
    return BrokerState(
        feed,
        policy,
        messages,
        lanes,
        Deliveries(_FIRST_ROOM),
        Consumers(places, slots),
        Events(_FIRST_ROOM),
        PoisonLeft(poison.message, poison.kills, poison.times.copy(), poison.restart_s),
        Calls(receive_latency_s),
        Calls(ack_latency_s),
        QueueSamples(grid_s),
        times,
        QueueLimits(places),
        QueueLetters(_FIRST_ROOM),
        jitter,
        InvokedFunction(0, np.zeros(1), np.zeros(1)) if function is None else function,
        dead,
    )


def _rows(column: NDArray[_T] | None, kind: type[_T]) -> NDArray[_T]:
    """A column, or one without rows."""
    return np.zeros(0, kind) if column is None else column
