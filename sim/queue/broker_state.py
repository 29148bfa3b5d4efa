"""The state of a broker's queue as it is before anything has come, and with more room."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sim.foundation.arrays import F32, F64, I32, U8, longer
from sim.queue import broker_kernel as k
from sim.queue.feed import columns_of
from sim.queue.feed_kernel import Feed

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
    reach: U8 | None = None
    """[consumers, lanes] with `k.SPANS`: 1: the consumer takes from that lane; None: from all."""


def no_poison() -> k.PoisonousMessages:
    """No message makes a consumer fail."""
    return k.PoisonousMessages(np.zeros((0, k.POISON_FIELDS), np.int64), np.zeros(0))


def poisonous_messages(
    messages: ArrayLike, kills: ArrayLike, times: ArrayLike, restart_s: ArrayLike
) -> k.PoisonousMessages:
    """Messages that make their consumer fail.

    Args:
        messages: which.
        kills: the process dies; else the handler raises.
        times: how often, in all; NO_LIMIT: always.
        restart_s: a killed consumer starts again after; inf: never.
    """
    columns = [np.asarray(column).astype(np.int64) for column in (messages, kills, times)]
    order = np.argsort(columns[0], kind="stable")
    return k.PoisonousMessages(
        np.stack(columns, axis=1)[order], np.asarray(restart_s, np.float64)[order]
    )


def new_state(
    feed: Feed,
    service_s: F32,
    places: int,
    policy: k.BrokerPolicy,
    *,
    receive_latency_s: F64,
    ack_latency_s: F64,
    grid_s: F64,
    slots: int,
    columns: Columns,
    poison: k.PoisonousMessages,
    jitter: F64,
    keep_repeats: int,
) -> k.BrokerState:
    """A queue to which nothing has come, and consumers none of which is started.

    Args: as those of `sim.queue.broker.Broker`; ``places``: for consumers.
    """
    n = service_s.size
    return k.BrokerState(
        feed=columns_of(feed),
        service_s=service_s,
        receive_latency_s=receive_latency_s,
        ack_latency_s=ack_latency_s,
        jitter=jitter,
        queue=_queue(n, columns, grid_s, keep_repeats),
        lanes=_lanes(n, policy, columns),
        pool=_pool(_FIRST_ROOM),
        consumers=_consumers(places, slots),
        events=_events(_FIRST_ROOM),
        poison=poison,
    )


def _queue(n: int, columns: Columns, grid_s: F64, keep_repeats: int) -> k.QueueState:
    counts = np.zeros(k.COUNTS, np.int64)
    counts[k.TOTAL] = n if columns.wanted is None else np.count_nonzero(columns.wanted)
    counts[[k.ACTIVE, k.ASKING, k.CURSOR_LANE]] = -1
    ids = 0 if columns.same is None else int(columns.same.max(initial=-1)) + 1
    return k.QueueState(
        state=np.zeros(n, np.uint8),
        receives=np.zeros(n, np.uint16),
        returns=np.zeros(n, np.uint16),
        effects=np.zeros(n, np.uint16),
        done_s=np.full(n, np.inf),
        wanted=np.zeros(0, np.uint8) if columns.wanted is None else columns.wanted,
        due_s=np.zeros(0) if columns.due_s is None else columns.due_s,
        same=np.zeros(0, np.int32) if columns.same is None else columns.same,
        let_in_s=np.full(ids, -np.inf),
        quota_s=np.full(k.QUOTAS, -np.inf),
        clock_s=np.zeros(1),
        counts=counts,
        grid_s=grid_s,
        grid=np.zeros((grid_s.size, k.GRID_FIELDS), np.int64),
        again_message=np.zeros(keep_repeats, np.int32),
        again_s=np.zeros(keep_repeats),
    )


def _lanes(n: int, policy: k.BrokerPolicy, columns: Columns) -> k.LanesState:
    lanes = np.full((columns.lanes + 1, k.LANE_FIELDS), -1, np.int64)
    lanes[:, [k.IN_LANE, k.SPAN]] = 0
    return k.LanesState(
        of=np.zeros(0, np.int32) if columns.lane is None else columns.lane,
        links=np.full((n, 2), -1, np.int32),
        n=lanes,
        heap_n=np.zeros(1, np.int64),
        spent_s=np.zeros((columns.lanes + 1, 2)),
        window=np.zeros((n if policy.pick == k.SPANS else 0, 2), np.int32),
        reach=np.zeros((0, 0), np.uint8) if columns.reach is None else columns.reach,
    )


def _pool(room: int) -> k.DeliveriesState:
    free = np.zeros((room, k.DELIVERY_FIELDS), np.int64)
    free[:, k.THEN] = np.arange(1, room + 1)
    free[-1, k.THEN] = -1
    meta = np.zeros(k.POOL_PLACES, np.int64)
    meta[[k.FIRST, k.LAST]] = -1
    return k.DeliveriesState(free, np.zeros((room, 2)), meta)


def _consumers(places: int, slots: int) -> k.ConsumersState:
    n = np.zeros((places + 1, k.CONSUMER_FIELDS), np.int64)
    n[:, [k.CONNECTED, k.JOINED, k.BUFFER, k.RIPE, k.DONE, k.AHEAD, k.BEHIND]] = -1
    n[:, k.IDLE] = slots
    n[places, [k.AHEAD, k.BEHIND]] = places
    s = np.zeros((places, k.CONSUMER_TIMES))
    s[:, k.FACTOR] = 1.0
    s[:, [k.RESUME_S, k.INBOUND_S, k.OUTBOUND_S]] = -np.inf
    s[:, k.WAKE_S] = np.inf
    return k.ConsumersState(
        n=n,
        s=s,
        idle_slot=np.tile(np.arange(slots - 1, -1, -1, dtype=np.int32), (places, 1)),
        slot=np.full((places, slots), -1, np.int32),
        end_s=np.zeros((places, slots)),
    )


def _events(room: int) -> k.EventsState:
    return k.EventsState(
        np.zeros(room), np.zeros((room, k.EVENT_FIELDS), np.int64), np.zeros(2, np.int64)
    )


def with_more_deliveries(pool: k.DeliveriesState) -> k.DeliveriesState:
    """The same deliveries with twice the room."""
    room = pool.n.shape[0]
    larger = _pool(2 * room)
    larger.n[:room] = pool.n
    larger.s[:room] = pool.s
    larger.n[-1, k.THEN] = pool.meta[k.FREE]
    larger.meta[:] = pool.meta
    larger.meta[k.FREE] = room
    return larger


def with_more_events(events: k.EventsState) -> k.EventsState:
    """The same events with twice the room."""
    room = events.at_s.size
    larger = _events(2 * room)
    larger.at_s[:room] = events.at_s
    larger.n[:room] = events.n
    larger.size[:] = events.size
    return larger


def with_more_messages(
    state: k.BrokerState, policy: k.BrokerPolicy, feed: Feed, lane: I32
) -> k.BrokerState:
    """The same queue with room for as many messages as its feed has now.

    Args:
        state: of the queue.
        policy: of the queue.
        feed: longer than before.
        lane: [room of the feed] lane of each message.
    """
    n, queue, lanes = feed.message.size, state.queue, state.lanes
    return state._replace(
        feed=columns_of(feed),
        service_s=longer(state.service_s, n, 0.0),
        queue=queue._replace(
            state=longer(queue.state, n, 0),
            receives=longer(queue.receives, n, 0),
            returns=longer(queue.returns, n, 0),
            effects=longer(queue.effects, n, 0),
            done_s=longer(queue.done_s, n, np.inf),
        ),
        lanes=lanes._replace(
            of=lane,
            links=longer(lanes.links, n, -1),
            window=longer(lanes.window, n if policy.pick == k.SPANS else 0, 0),
        ),
    )
