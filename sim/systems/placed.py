"""The messages of a scenario, with what waits at its start in the partitions that it says."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.foundation.arrays import I32
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamSystem
from sim.systems import kafka, kinesis, rabbitmq_stream
from sim.traffic.generate import generate, stream, weights_of
from sim.traffic.messages import Messages


def messages_of(scenario: Scenario) -> Messages:
    """All messages of a scenario, as `sim.traffic.generate.generate` draws them.

    Where a `start:` says how many wait in each partition, these get keys of those partitions, each
    as often as it comes, in an order that is drawn. All systems have the same messages: in others
    they are where the keys belong.

    Raises:
        LabError: as `generate`; or no key of the workload belongs to a partition.
    """
    messages = generate(scenario)
    if scenario.start is None or not scenario.start.by_partition:
        return messages
    ((name, backlog),) = scenario.start.by_partition.items()
    system = scenario.systems[name.split(".", 1)[0]]
    partition = partition_of_entities(system, messages)
    weights = weights_of(scenario.workload.keys)
    rng = stream(scenario, "waiting")
    drawn = []
    for p, n in sorted(backlog.items()):
        its = np.flatnonzero((partition == p) & (weights > 0)).astype(np.int32)
        if n and not its.size:
            raise LabError(
                f"start.backlog.{name}: no key of the workload belongs to partition {p}, where "
                f"{n:,} messages are to wait"
            )
        if n:
            drawn.append(rng.choice(its, n, p=weights[its] / weights[its].sum()))
    entity = messages.entity.copy()
    entity[: messages.waiting] = rng.permutation(np.concatenate(drawn))
    return replace(messages, entity=entity)


def _keys(
    system: KafkaSystem | RabbitmqStreamSystem | KinesisSystem, messages: Messages
) -> tuple[I32, Sequence[str]]:
    """[entities] number of the partition key of each, and the names of the keys."""
    assert system.partition_key is not None
    return messages.keys_by([dim for dim in system.partition_key if dim in messages.dims])


def partition_of_entities(system: object, messages: Messages) -> I32:
    """[entities] the partition or shard that the keys of each belong to when the run begins."""
    if isinstance(system, KafkaSystem):
        key, names = _keys(system, messages)
        return kafka.partition_of_keys(names, system, system.topic.partitions)[key]
    if isinstance(system, RabbitmqStreamSystem):
        key, names = _keys(system, messages)
        return rabbitmq_stream.partition_of_keys(names, system.stream.partitions)[key]
    assert isinstance(system, KinesisSystem)
    key, names = _keys(system, messages)
    shards = system.stream.shard_count
    return np.array([kinesis.shard_of_key(one, shards) for one in names], np.int32)[key]
