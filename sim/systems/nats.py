"""NATS JetStream on the queue mechanism: a consumer is a queue that the server keeps of a stream.

Rules held: NJ-01 to NJ-06. What is sent and not acknowledged is in flight with a lock of
`ack_wait`; what comes back goes before what nobody has had.
"""

from collections.abc import Sequence
from math import inf

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.nats import NatsConsumer, NatsStream, NatsSystem
from sim.scenario.workload import Workload
from sim.systems.on_log import picky_service_s, wanted_by
from sim.systems.on_queue import QueueSystem, of_rows, poison_of, sent_at_once
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.systems.redis import DelayedJobs


class Nats(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every message is stored, and each consumer gets it."""

    def __init__(self, setup: Setup, config: NatsSystem) -> None:
        messages = setup.messages
        matters = messages.of_each({g: c.only for g, c in config.consumers.items()})
        waiting = setup.that_wait({})
        stored = sent_at_once(setup, config.latency.publish)
        queues = {
            name: _consumer(setup, config, stored, name, waiting.get(name))
            for name in config.consumers
        }
        sent = dict.fromkeys(queues, DelayedJobs(messages.created_s, 0.0))
        keys = {name: limit_keys(config, name) for name in queues}
        super().__init__(setup, queues, setup.that_wait(matters), sent, keys)
        self.stages: Sequence[Stage] = [self.readers]


def _consumer(
    setup: Setup, config: NatsSystem, stored: Feed, name: str, waiting: I32 | None
) -> Broker:
    its, n = config.consumers[name], len(setup.messages)
    subscribers = setup.scaled(its.subscribers)
    of = setup.scenario.workload
    # Work once a fetch; of what is sent ahead, for each by itself.
    sent_ahead_s = 0.0 if its.fetch is not None else of.per_batch_s(its.does)
    return Broker(
        Feed(stored.message, stored.enqueued_s, stored.n),
        picky_service_s(setup, name, its) + np.float32(sent_ahead_s),
        subscribers,
        nats_policy(config.stream, its, of),
        receive_latency_s=setup.pool(f"{name}.deliver", config.latency.deliver),
        ack_latency_s=setup.pool(f"{name}.ack", config.latency.ack),
        grid_s=setup.grid_s,
        capacity=capacity(setup, name, subscribers),
        columns=Columns(wanted=of_rows(waiting, n)),
        poison=poison_of(setup, name, wanted_by(setup, its)),
        keep_repeats=repeats_kept(setup, name),
    )


def _or_none(limit: int) -> int:
    return NO_LIMIT if limit == -1 else limit


def nats_policy(stream: NatsStream, its: NatsConsumer, of: Workload) -> BrokerPolicy:
    """What a consumer and its subscribers do with messages of a workload."""
    acks, fetches = its.ack_policy == "explicit", its.fetch is not None
    delayed = acks and its.on_failure == "nak" and its.nak_delay > 0.0
    on_failure = codes.LEAVE
    if acks and its.on_failure != "none" and not delayed:
        on_failure = codes.REQUEUE if its.on_failure == "nak" else codes.REJECTED
    return broker_policy(
        push=int(not fetches),
        batch=its.asks if fetches else 1,
        prefetch=its.most,
        wait_s=0.0 if its.fetch is None else its.fetch.expires,
        ack=codes.LATE if acks else codes.AUTO,
        ack_waits=0,
        hands_back=0,  # a subscriber that stops says nothing of what it holds
        lock_s=its.ack_wait if acks else inf,
        # An ack is of the message: that of a delivery that came back counts, too
        # (`processAckMsgLocked`).
        late_ack=1,
        any_copy=1,
        beat_s=its.in_progress if acks and its.in_progress else inf,
        beat_lock_s=its.ack_wait,
        failed_lock_s=its.nak_delay if delayed else inf,
        per_batch_s=of.per_batch_s(its.does) if fetches else 0.0,
        on_failure=on_failure,
        # What comes back after its last delivery is given up (`checkPending`, `getNextMsg`).
        max_returns=NO_LIMIT if its.max_deliver == -1 else its.max_deliver - 1,
        counted=codes.BY_LOCK + codes.BY_FAILURE,
        dead_letters=1,
        max_in_flight=_or_none(its.max_ack_pending) if acks else NO_LIMIT,
        retention_s=stream.max_age or inf,
        keep_rows=_or_none(stream.max_msgs),
    )


def limit_keys(config: NatsSystem, name: str) -> Keys:
    """What NATS calls the limits of a stream and a consumer."""
    its, here, stream = config.consumers[name], f"consumers.{name}", config.stream

    def key(path: str, value: object, what: str = "") -> LimitKey:
        return LimitKey(path.split(".")[-1], f"{here}.{path}", str(value), what)

    wait = key("ack_wait", written_s(its.ack_wait))
    keys = {
        codes.LIMIT_LOCK_HELD: wait,
        codes.LIMIT_LOCK_GONE: wait,
        codes.LIMIT_BUSY: key("subscribers", its.subscribers),
        codes.LIMIT_HELD: key(
            "consume.MaxMessages" if its.fetch is None else "fetch.batch", its.asks
        ),
    }
    if its.max_ack_pending != -1:
        keys[codes.LIMIT_IN_FLIGHT] = key(
            "max_ack_pending", its.max_ack_pending, "was reached: the server sent no new message"
        )
    if its.max_deliver != -1:
        keys[codes.LIMIT_RETURNS] = key("max_deliver", its.max_deliver)
    if its.nak_delay:
        keys[codes.LIMIT_FAILED] = key("nak_delay", written_s(its.nak_delay))
    if its.ack_policy == "none":
        keys[codes.LIMIT_LOST] = key("ack_policy", "none")
    gone = "had a message go that the consumer had not acknowledged"
    if stream.max_msgs != -1:
        keys[codes.LIMIT_EXPIRED] = LimitKey(
            "max_msgs", "stream.max_msgs", str(stream.max_msgs), gone
        )
    elif stream.max_age:
        keys[codes.LIMIT_EXPIRED] = LimitKey(
            "max_age", "stream.max_age", written_s(stream.max_age), gone
        )
    return keys
