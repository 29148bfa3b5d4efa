"""RabbitMQ streams on the log mechanism: a super stream's streams are partitions (RQ-12)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

import numpy as np
import simpy

from sim.engine.environment import Stage, Steps
from sim.engine.system import Fleet, Setup, capacity
from sim.engine.waits import LINGERED, Limit, of_kernel
from sim.foundation.arrays import I32, I64
from sim.log import acts
from sim.log import group_state as k
from sim.log.kafka_assignors import assign_roundrobin
from sim.log.kafka_coordinator import Coordinator, Terms
from sim.log.rabbitmq_stream_single_active import SingleActive
from sim.log.retention import Altered, Limits, Retention
from sim.log.topic import Topic
from sim.producer.partitioners import murmur3
from sim.scenario.load import Scenario
from sim.scenario.products.rabbitmq_stream import (
    RabbitmqStreamConsumers,
    RabbitmqStreamSystem,
    Where,
    age_s,
    specification,
)
from sim.systems import log_limits as limits
from sim.systems.log_limits import Keys, failing_keys
from sim.systems.on_log import LogSystem, group_of, named
from sim.systems.queue_limits import LimitKey, written_s

SEED = 104729
"""Of the hash of routing keys (`HashUtils` of the Java client; the other clients have the same)."""
LOOK_S = 1.0
"""How often the lab looks whether a segment is full."""
SCHEDULED_S = 3600.0
"""`osiris_retention`: age is also looked at so long after it was looked at last."""


class RabbitmqStream(LogSystem):
    """A `sim.engine.system.System`: one stream or super stream, read by every group."""

    def __init__(self, setup: Setup, config: RabbitmqStreamSystem) -> None:
        self.config = config
        scenario, messages = setup.scenario, setup.messages
        partitions = setup.scaled(config.stream.partitions)
        producer = config.producer
        topic = Topic(
            messages.created_s,
            partition_of_messages(setup, config, partitions),
            partitions,
            messages.size_bytes,
            linger_s=0.0 if producer.dynamic_batch else producer.batch_publishing_delay / 1e3,
            batch_bytes=int(producer.batch_size * float(messages.size_bytes.mean())),
            latency_s=setup.pool("publish", config.latency.publish),
        )
        topic.stand(messages.waiting, topic.partition_of)
        self.members = {g: setup.scaled(c.consumers) for g, c in config.groups.items()}
        groups = {
            group: group_of(
                setup,
                topic,
                group,
                c,
                _reading(c, config, scenario),
                capacity(setup, group, self.members[group]),
                committed=c.joins_at == 0.0,
                started=self.members[group] if c.joins_at == 0.0 else 0,
            )
            for group, c in config.groups.items()
        }
        super().__init__(
            setup, topic, groups, config.groups, limits=_limits(config), retention=Segments
        )
        self.stages: Sequence[Stage] = [self.topic, self.readers]

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start the consumers of every group."""
        self._start_retention(env)
        coordinators = {}
        for name, group in self.groups.items():
            consumers = self.config.groups[name]
            terms = Terms(
                assign_roundrobin,
                session_s=self.config.heartbeat,
                round_trip_s=self.config.latency.activate,
                on_failure=consumers.on_failure,
            )
            coordinators[name] = SingleActive(env, group, terms, named(name, say))
            if consumers.joins_at > 0.0:
                env.process(self._subscribe_later(env, name, coordinators[name]))
        return coordinators

    def keys(self, name: str) -> Keys:
        """What RabbitMQ calls the limits that can act on a group."""
        group, stream, at = self.config.groups[name], self.config.stream, f"groups.{name}"
        stores = LimitKey("store_every", f"{at}.store_every", f"{group.store_every}")
        if group.tracking == "automatic":
            interval = written_s(group.flush_interval)
            stores = LimitKey("flushInterval", f"{at}.flushInterval", interval)
        length = f"{stream.max_length_bytes}"
        return {
            acts.SESSION: LimitKey("heartbeat", "heartbeat", written_s(self.config.heartbeat)),
            acts.AGAIN: stores,
            **failing_keys(at, group.on_failure),
            limits.PARTITIONS: LimitKey("partitions", "stream.partitions", f"{stream.partitions}"),
            limits.RETENTION_BYTES: LimitKey(
                "x-max-length-bytes", "stream.x-max-length-bytes", length
            ),
            limits.RETENTION_AGE: LimitKey("x-max-age", "stream.x-max-age", f"{stream.max_age}"),
        }

    def sending_limits(self) -> Iterator[Limit]:
        """How long batches lingered."""
        yield from of_kernel(
            self.topic.producer.lingered,
            "batchPublishingDelay",
            f"{self.config.producer.batch_publishing_delay:.10g}",
            LINGERED,
            path="producer.batchPublishingDelay",
        )

    def _subscribe_later(
        self, env: simpy.Environment, name: str, coordinator: Coordinator
    ) -> Steps:
        consumers = self.config.groups[name]
        yield env.timeout(consumers.joins_at)
        where, number = specification(consumers.stream_offset)
        self.groups[name].seek(offsets_of(self.topic, where, number, env.now), env.now)
        for m in range(self.members[name]):
            coordinator.restart(m)


class Segments(Retention):
    """Retention of `osiris_log`: it is looked at when a segment is full, and the last one stays."""

    def __init__(
        self, topic: Topic, size_bytes: I32, limits: Limits, altered: Altered = ()
    ) -> None:
        super().__init__(topic, size_bytes, limits, altered)
        self.rolled = [False] * topic.log.end.size
        self.aged_s = [0.0] * topic.log.end.size
        """[partitions] When age was looked at last."""

    def _roll(self, p: int) -> None:
        super()._roll(p)
        self.rolled[p] = True

    def _cut(self, p: int, at_s: float) -> None:
        closed, limits = self.closed[p], self.limits
        rolled, self.rolled[p] = self.rolled[p], False
        if rolled:
            size = self.active.size_bytes
            while closed and self.kept_bytes[p] + size[p] > limits.retention_bytes:
                self.by_bytes += self._delete_oldest(p)
        if rolled or at_s - self.aged_s[p] >= SCHEDULED_S:
            self.aged_s[p] = at_s
            while closed and at_s - closed[0][0] > limits.retention_s:
                self.by_age += self._delete_oldest(p)


def partition_of_messages(setup: Setup, config: RabbitmqStreamSystem, partitions: int) -> I32:
    """[messages] by the MurmurHash3 of the routing key, modulo the number of partitions."""
    if config.partition_key is None:
        rng = setup.stream("routing_keys")
        return rng.integers(0, partitions, len(setup.messages), dtype=np.int32)
    key, names = setup.messages.keys_of(config.partition_key)
    return partition_of_keys(names, partitions)[key]


def partition_of_keys(names: Sequence[str], partitions: int) -> I32:
    """[names] the partition of each routing key (`HashRoutingStrategy`)."""
    return (murmur3([name.encode() for name in names], SEED) % partitions).astype(np.int32)


def offsets_of(topic: Topic, where: Where, number: float, now_s: float) -> I64:
    """[partitions] where a consumer that subscribes now begins, by its `x-stream-offset`."""
    first, end = topic.log.first, topic.readable(now_s)
    offsets = np.zeros_like(end)
    for p, n in enumerate(end):
        readable_s = topic.readable_s(p)[:n]
        match where:
            case "first":
                offsets[p] = 0
            case "next":
                offsets[p] = n
            case "offset":
                offsets[p] = int(number)
            case "last":
                offsets[p] = np.searchsorted(readable_s, readable_s[-1]) if n else 0
            case "timestamp" | "interval":
                since_s = number if where == "timestamp" else now_s - number
                offsets[p] = np.searchsorted(readable_s, since_s)
    return np.clip(offsets, first, end)


def _limits(config: RabbitmqStreamSystem) -> Limits:
    of = config.stream
    return Limits(
        retention_s=inf if of.max_age is None else age_s(of.max_age),
        retention_bytes=inf if of.max_length_bytes < 0 else of.max_length_bytes,
        segment_s=inf,
        segment_bytes=of.max_segment_size_bytes,
        check_s=LOOK_S,
    )


def _reading(
    consumers: RabbitmqStreamConsumers, config: RabbitmqStreamSystem, scenario: Scenario
) -> k.Reading:
    automatic = consumers.tracking == "automatic"
    before = not automatic and consumers.store == "before"
    return k.Reading(
        max_poll_records=1 if automatic else consumers.store_every,
        chunk_records=consumers.initial_credits * config.producer.batch_size,
        min_records=1,
        max_wait_s=0.0,
        fetch_s=config.latency.deliver,
        per_batch_s=scenario.workload.per_batch_s(consumers.does),
        auto_commit_s=consumers.flush_interval if automatic else -1.0,
        commit_s=0.0,
        reset=k.EARLIEST,
        background=int(automatic),
        handed=int(before),
        before=int(before),
        wait=0,
    )
