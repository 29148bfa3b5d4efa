"""Apache Kafka on the log mechanism: from its configuration to a topic, groups and coordinators."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.environment import SideBySide, Stage
from sim.errors import LabError
from sim.kernels import log as k
from sim.kernels.partitioners import (
    crc32,
    crc32_numbered,
    murmur2,
    murmur2_numbered,
    partitions_of,
    sticky,
)
from sim.log.coordinator import Coordinator
from sim.log.group import Group
from sim.log.topic import Topic
from sim.messages import Messages, Numbered
from sim.outcome import Effects, Fate, GroupOutcome
from sim.products.kafka import Group as GroupConfig
from sim.products.kafka import KafkaSystem, duration_s
from sim.scenario import Scenario
from sim.system import Fleet, fleet_size
from sim.workload import pool, service_s, stream

_STICKY_CHOICES = 4_096

_REPEATS = 1 << 16
"""Repeats of effects that a ledger can take, beyond one for each message."""


@dataclass(frozen=True)
class Published:
    """What a publisher left in the log, and what it lost."""

    message: NDArray[np.int32]
    """[records] which message each is, in order of appending; any number of times."""
    partition: NDArray[np.int32]
    """[records]"""
    visible_s: NDArray[np.float64]
    """[records] when it can be read, s."""
    fate: NDArray[np.uint8]
    """[messages] a `Fate`: how it was lost, or UNFINISHED."""


class Kafka:
    """A `sim.system.System`: one topic, read by every group."""

    def __init__(
        self,
        name: str,
        config: KafkaSystem,
        scenario: Scenario,
        messages: Messages,
        grid_s: NDArray[np.float64],
        published: Published | None = None,
    ) -> None:
        """
        Args:
            name: of the system in the scenario; names its random streams.
            config: its configuration.
            scenario: for service times, scale and seed.
            messages: what is produced.
            grid_s: [grid] times at which offsets are sampled.
            published: what its publisher left in the log; None: all that is produced gets there.
        """
        self.name = name
        self.config = config
        self.grid_s = grid_s
        self.lost = None if published is None else published.fate
        partitions = fleet_size(config.topic.partitions, scenario.scale)
        if published is None:
            self.topic = Topic(
                messages.created_s,
                partition_of(name, config, scenario, messages),
                partitions,
                messages.size_bytes,
                linger_s=config.producer.linger_ms / 1e3,
                batch_bytes=config.producer.batch_bytes,
                latency_s=pool(scenario, f"{name}.produce", config.latency.produce),
            )
        else:
            self.topic = Topic.of_records(
                messages.created_s,
                partitions,
                published.message,
                published.partition,
                published.visible_s,
            )
        mean_bytes = float(messages.size_bytes.mean())
        self.groups = {
            group: Group(
                self.topic,
                service_s(scenario, len(messages), c.does),
                fleet_size(c.consumers, scenario.scale),
                _reading(c, config, scenario, mean_bytes),
                grid_s,
                keep_repeats=len(messages) + _REPEATS if c.ledger else 0,
                committed=c.starts == "established",
            )
            for group, c in config.groups.items()
        }
        self.total = self.topic.log.message.size * len(self.groups)
        self.readers = SideBySide(list(self.groups.values()), len(messages))
        self.stages: Sequence[Stage] = [self.topic, self.readers]

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start a coordinator for every group."""

        def named(group: str) -> Callable[[str], None]:
            return lambda text: say(f"{group}: {text}")

        coordinators = {
            name: Coordinator(
                env,
                group,
                session_timeout_s=self.config.groups[name].session_timeout_ms / 1e3,
                rebalance_s=self.config.latency.rebalance,
                say=named(name),
            )
            for name, group in self.groups.items()
        }
        for name, coordinator in coordinators.items():
            if self.config.groups[name].joins_at > 0:
                env.process(_join_later(env, coordinator, self.config.groups[name].joins_at))
        return coordinators

    def settled(self) -> int:
        """Messages committed or skipped, over all groups."""
        return sum(group.settled() for group in self.groups.values())

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome; its memory is freed when the next is asked for."""
        t = self.grid_s[self.grid_s <= ended_s]
        self.readers.stages = []
        log_end = self.topic.log_end(t)
        for name in list(self.groups):
            group = self.groups.pop(name)
            group.finish(ended_s)
            state = group.state
            effects = self.topic.to_messages(state.effects, 0, np.add)
            fate = _FATE_OF_PROCESSED[(effects > 0).view(np.uint8)]
            if self.lost is not None:
                np.maximum(fate, self.lost * (effects == 0), out=fate)
            yield GroupOutcome(
                system=self.name,
                group=name,
                kind="log",
                product=self.config.product,
                fate=fate,
                done_s=self.topic.to_messages(state.done_s, np.inf),
                effects=effects,
                gauges_t_s=t,
                gauges={
                    "log_end": log_end,
                    "position": state.grid_position[: t.size].sum(axis=1),
                    "committed": state.grid_committed[: t.size].sum(axis=1),
                },
                history=self._history(group) if self.config.groups[name].ledger else None,
                consumers=group.members,
                extra_deliveries=int(state.counts[1]) - group.runs.distinct(),
                deliveries=int(state.counts[1]),
                calls=int(state.counts[0]),
            )

    def _history(self, group: Group) -> Effects:
        state, log = group.state, self.topic.log
        repeats = int(state.counts[3])
        if repeats > state.again_row.size:
            raise LabError(
                f"{self.name}: {repeats:,} repeated effects, more than a ledger can take"
            )
        again_row = state.again_row[:repeats]
        return Effects.of(
            state.done_s, log.message, state.again_s[:repeats], log.message[again_row]
        )


_FATE_OF_PROCESSED = np.array([Fate.UNFINISHED, Fate.PROCESSED], np.uint8)


def partition_of(
    name: str, config: KafkaSystem, scenario: Scenario, messages: Messages
) -> NDArray[np.int32]:
    """[messages] by the client's hash of the key, or sticky for null keys (KP-18)."""
    partitions = fleet_size(config.topic.partitions, scenario.scale)
    if config.partition_key is not None:
        key_of, names = messages.keys_by(config.partition_key)
        return _partition_of_key(names, config, partitions)[key_of][messages.entity]
    rng = stream(scenario, f"{name}.partitioner")
    choices = rng.integers(0, partitions, _STICKY_CHOICES, dtype=np.int32)
    out = np.zeros(len(messages), np.int32)
    sticky(messages.size_bytes, config.producer.batch_bytes, choices, out)
    return out


def _partition_of_key(
    names: Sequence[str], config: KafkaSystem, partitions: int
) -> NDArray[np.int32]:
    """[keys] Java: murmur2 (KP-17); librdkafka's default, consistent_random: CRC-32."""
    prefix = f"{names.prefix}-".encode() if isinstance(names, Numbered) else b""
    keys = [] if prefix else [key.encode() for key in names]
    if config.producer.client == "java":
        hashes = murmur2_numbered(prefix, len(names)) if prefix else murmur2(keys)
        return partitions_of(hashes, partitions)
    hashes = crc32_numbered(prefix, len(names)) if prefix else crc32(keys)
    return (hashes % partitions).astype(np.int32)


def _join_later(
    env: simpy.Environment, coordinator: Coordinator, joins_s: float
) -> Generator[simpy.Event, Any, None]:
    """Have the consumers of a group start only at ``joins_s``."""
    for m in range(coordinator.group.members):
        coordinator.group.crash(m, env.now)
    yield env.timeout(joins_s)
    for m in range(coordinator.group.members):
        coordinator.restart(m)


def _reading(
    group: GroupConfig, config: KafkaSystem, scenario: Scenario, mean_bytes: float
) -> k.Reading:
    per_batch_s = sum(scenario.workload.service[job].per_batch for job in group.does)
    reset = group.auto_offset_reset
    return k.Reading(
        max_poll_records=group.max_poll_records,
        chunk_records=max(1, int(group.max_partition_fetch_bytes / mean_bytes)),
        min_records=max(1, ceil(group.fetch_min_bytes / mean_bytes)),
        max_wait_s=group.fetch_max_wait_ms / 1e3,
        fetch_s=config.latency.fetch,
        per_batch_s=per_batch_s,
        # The client's timers count in milliseconds: 0 commits at every poll, at most one in each.
        auto_commit_s=max(1.0, group.auto_commit_interval_ms) / 1e3
        if group.enable_auto_commit
        else -1.0,
        commit_s=config.latency.commit,
        reset={"latest": k.LATEST, "earliest": k.EARLIEST}.get(reset, k.BY_DURATION),
        reset_s=duration_s(reset) if reset.startswith("by_duration") else 0.0,
    )
