"""A Kafka topic that is altered while it runs: partitions that are added, and what it keeps.

How many partitions there are, from when on, and who knows of it (KB-16); its retention (KB-17).

Without a publisher, messages come from any number of producers, each of which asks for metadata in
a phase of its own, unless `producer.first_metadata_refreshes` says otherwise: until the last of
them has asked, those of one key go to the partition that it had and to the one that it has.
"""

from typing import NamedTuple

import numpy as np

from sim.engine.acted_kernel import Acted, note
from sim.engine.system import Setup
from sim.foundation.arrays import F64, I64
from sim.foundation.text import duration
from sim.log.partition_counts import PartitionCounts
from sim.scenario.faults.settings import ConfigsFault
from sim.scenario.faults.topics import PartitionsFault
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_topic import KafkaTopic
from sim.systems.log_limits import RETENTION_AGE, RETENTION_BYTES
from sim.systems.queue_limits import LimitKey


def counts_of(setup: Setup, config: KafkaSystem) -> PartitionCounts:
    """How many partitions the topic of a system has over time, for the scale of the scenario."""
    added = sorted(
        (fault.at, setup.scaled(fault.to))
        for fault in setup.scenario.faults
        if isinstance(fault, PartitionsFault) and fault.strikes_topic(setup.name)
    )
    return PartitionCounts(setup.scaled(config.topic.partitions), added)


def altered_of(setup: Setup, topic: KafkaTopic) -> list[tuple[float, float, float]]:
    """What a topic keeps from when on, where that is altered: `sim.log.retention.Altered`."""
    altered = []
    age_ms, most_bytes = topic.retention_ms, topic.retention_bytes
    for fault in _altering(setup):
        age_ms = age_ms if fault.retention_ms is None else fault.retention_ms
        most_bytes = most_bytes if fault.retention_bytes is None else fault.retention_bytes
        altered.append(
            (
                fault.at,
                np.inf if age_ms < 0 else age_ms / 1e3,
                np.inf if most_bytes < 0 else float(most_bytes),
            )
        )
    return altered


def _altering(setup: Setup) -> list[ConfigsFault]:
    struck = [
        fault
        for fault in setup.scenario.faults
        if isinstance(fault, ConfigsFault) and fault.strikes_topic(setup.name)
    ]
    return sorted(struck, key=lambda fault: fault.at)


def retention_keys(setup: Setup, topic: KafkaTopic) -> dict[str, LimitKey]:
    """What the limits of a topic are called that delete from it, with what they are set to."""
    age, most = [f"{topic.retention_ms:.10g}"], [f"{topic.retention_bytes}"]
    for fault in _altering(setup):
        when = f"from {duration(fault.at)} on"
        if fault.retention_ms is not None:
            age.append(f"{fault.retention_ms:.10g} {when}")
        if fault.retention_bytes is not None:
            most.append(f"{fault.retention_bytes} {when}")
    return {
        RETENTION_BYTES: LimitKey("retention.bytes", "topic.retention.bytes", ", ".join(most)),
        RETENTION_AGE: LimitKey("retention.ms", "topic.retention.ms", ", ".join(age)),
    }


class Known(NamedTuple):
    """What the producers of messages know."""

    partitions: I64
    """[messages] how many partitions the producer of each knows of as it sends it."""
    unaware: Acted
    """Messages that were sent when there were more."""


def known_of(setup: Setup, producer: KafkaProducer, counts: PartitionCounts) -> Known:
    """What the producer of each message of a system without a publisher knows."""
    created_s, age_s = setup.messages.created_s, producer.metadata_s
    asked_s = np.full(created_s.size, -np.inf)
    if np.isfinite(age_s):
        asked_s = created_s - (created_s - _phases_s(setup, producer)) % age_s
    times_s = np.array([at_s for at_s, _ in counts.added])
    numbers = np.array([counts.first, *(n for _, n in counts.added)], np.int64)
    known = numbers[np.searchsorted(times_s, asked_s, side="right")]
    late = np.flatnonzero(known < numbers[np.searchsorted(times_s, created_s, side="right")])
    unaware = Acted()
    if late.size:
        note(unaware, float(created_s[late[0]]), float(created_s[late[-1]]), late.size)
    return Known(known, unaware)


def _phases_s(setup: Setup, producer: KafkaProducer) -> F64:
    """[messages] a time at which the producer of each asks."""
    n = len(setup.messages)
    given = producer.first_metadata_refreshes
    if given is not None:
        return np.resize(np.array(given, np.float64), n)
    return setup.stream("producer.metadata").uniform(0.0, producer.metadata_s, n)
