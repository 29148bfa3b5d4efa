"""Google Cloud Pub/Sub on the queue mechanism: from fields of subscriptions to queues (PB-…).

A subscription is a queue, and a subscriber client is pushed to, over its streaming pull. What it
has, it keeps by extending the deadline; what it loses comes again when that has passed.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.engine.waits import Limit, of_kernel
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept, seeks_of
from sim.queue import broker_codes as codes
from sim.queue.broker import BEFORE_CONTROL, Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.senders import Senders
from sim.scenario.products.pubsub import (
    PubsubSubscription,
    PubsubSystem,
    PubsubTopic,
    held,
    kept_s,
    retained_s,
    retried_s,
)
from sim.systems.on_queue import QueueSystem, of_rows, poison_of
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.traffic.generate import service_s


class Pubsub(QueueSystem[Broker]):
    """A `sim.engine.system.System`: publishers, a topic, and its subscriptions."""

    def __init__(self, setup: Setup, config: PubsubSystem) -> None:
        publisher = config.publisher
        self.config = config
        self.senders = Senders(
            setup.messages.created_s,
            threads=setup.scaled(publisher.calls),
            batch=publisher.max_messages,
            latency_s=setup.pool("publish", config.latency.publish),
            # The client sends the next batch of an ordering key once the one before is confirmed.
            one_connection=publisher.ordering_key is not None,
        )
        rows = setup.that_wait({})
        queues = {
            name: _queue(setup, config, self.senders, name, rows.get(name))
            for name in config.subscriptions
        }
        keys = {name: limit_keys(setup, config, name) for name in queues}
        super().__init__(setup, queues, rows, dict.fromkeys(queues, self.senders), keys)
        self.stages: Sequence[Stage] = [self.senders, self.readers]

    def sending_limits(self) -> Iterator[Limit]:
        """That all calls of the publishers were under way."""
        yield from of_kernel(
            self.senders.state.busy,
            "calls",
            f"{self.config.publisher.calls}",
            "all publishing calls were under way while messages waited to be published",
            path="publisher.calls",
        )


def _queue(
    setup: Setup, config: PubsubSystem, senders: Senders, name: str, rows: I32 | None
) -> Broker:
    its, scenario, messages = config.subscriptions[name], setup.scenario, setup.messages
    subscribers = setup.scaled(its.subscribers)
    # A handler is called with one message, so that what a job does once a batch is done for each.
    per_batch_s = scenario.workload.per_batch_s(its.does)
    wanted = of_rows(rows, len(messages))
    columns = Columns(wanted=wanted)
    if its.enable_message_ordering:
        key_of, keys = messages.keys_by(config.publisher.ordering_key or [])
        columns = Columns(lane=key_of[messages.entity], lanes=len(keys), wanted=wanted)
    queue = Broker(
        senders.feed,
        service_s(scenario, len(messages), its.does) + np.float32(per_batch_s),
        subscribers,
        pubsub_policy(its, scenario.workload.size, config.topic),
        receive_latency_s=setup.pool(f"{name}.deliver", config.latency.deliver),
        ack_latency_s=setup.pool(f"{name}.acknowledge", config.latency.acknowledge),
        grid_s=setup.grid_s,
        slots=its.threads,
        capacity=capacity(setup, name, subscribers),
        columns=columns,
        poison=poison_of(setup, name, rows),
        keep_repeats=repeats_kept(setup, name),
        keeps_s=kept_s(its, config.topic) if seeks_of(setup, name) else None,
    )
    for at_s in _snapshots_s(setup, name):
        queue.at(at_s, BEFORE_CONTROL, queue.take_snapshot)
    return queue


def _snapshots_s(setup: Setup, name: str) -> list[float]:
    """When snapshots of a subscription are taken to which it seeks later, s, ascending."""
    taken = {fault.snapshot for fault in seeks_of(setup, name) if fault.snapshot is not None}
    return sorted(taken)


def pubsub_policy(
    its: PubsubSubscription, size_bytes: int, topic: PubsubTopic | None = None
) -> BrokerPolicy:
    """What a subscription and its subscribers do with messages of this size."""
    ordered, dead = its.enable_message_ordering, its.dead_letter_policy
    back_off_s, back_off_max_s = retried_s(its)
    counts = dead is not None or back_off_s > 0.0
    return broker_policy(
        push=1,
        prefetch=held(its, size_bytes),
        lock_s=its.deadline_s,
        extends_s=its.flow_control.max_lease_duration,
        late_ack=int(not its.enable_exactly_once_delivery),
        any_copy=int(not its.enable_exactly_once_delivery),
        # What is nacked is delivered again at once, before what nobody has had (the log jam of
        # https://github.com/googleapis/nodejs-pubsub/issues/1477).
        place=codes.ORIGINAL if ordered else codes.RETURNS,
        pick=codes.GROUPS if ordered else codes.ONE,
        on_failure=codes.REQUEUE,
        # The first attempt is one, too; and those that a subscriber gives back as it stops count.
        max_returns=NO_LIMIT if dead is None else dead.max_delivery_attempts - 1,
        counted=(codes.BY_CLOSE + codes.BY_LOCK + codes.BY_FAILURE) if counts else 0,
        back_off_s=back_off_s,
        back_off_max_s=back_off_max_s,
        dead_letters=int(dead is not None),
        retention_s=retained_s(its, topic or PubsubTopic()),
    )


def _deleted(
    its: PubsubSubscription, topic: PubsubTopic, key: Callable[[str, object], LimitKey]
) -> LimitKey:
    """What says how long an unacknowledged message is kept: the subscription, or the topic."""
    its_s, least = retained_s(its, topic), "messageRetentionDuration"
    if its_s > its.message_retention_duration:
        return LimitKey(least, f"topic.{least}", written_s(its_s))
    return key(least, written_s(its_s))


def limit_keys(setup: Setup, config: PubsubSystem, name: str) -> Keys:
    """What Pub/Sub and its client library call the limits of a subscription."""
    its, here = config.subscriptions[name], f"subscriptions.{name}"
    flow = its.flow_control

    def key(path: str, value: object) -> LimitKey:
        return LimitKey(path.split(".")[-1], f"{here}.{path}", str(value))

    deadline = key("ackDeadlineSeconds", written_s(its.ack_deadline_seconds))
    gone = deadline
    if its.extends:
        deadline = key("flow_control.max_lease_duration", written_s(flow.max_lease_duration))
        gone = key("flow_control.max_duration_per_lease_extension", written_s(its.deadline_s))
    holds = "max_messages"
    if held(its, setup.scenario.workload.size) < flow.max_messages:
        holds = "max_bytes"
    keys = {
        codes.LIMIT_LOCK_HELD: deadline,
        codes.LIMIT_LOCK_GONE: gone,
        codes.LIMIT_EXPIRED: _deleted(its, config.topic, key),
        codes.LIMIT_HELD: key(f"flow_control.{holds}", getattr(flow, holds)),
        codes.LIMIT_BUSY: key("subscribers", its.subscribers),
    }
    if its.dead_letter_policy is not None:
        keys[codes.LIMIT_RETURNS] = key(
            "deadLetterPolicy.maxDeliveryAttempts", its.dead_letter_policy.max_delivery_attempts
        )
    if its.enable_message_ordering:
        keys_of = setup.messages.keys_by(config.publisher.ordering_key or [])[1]
        keys[codes.LIMIT_LINE] = key("enableMessageOrdering", f"{len(keys_of):,} ordering keys")
    return keys
