"""What a scenario asks for and will not get, as far as it alone tells: each is said in a warning.

What only a run can tell is in `sim.words.silence`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.foundation.config import Config, KeyPath
from sim.foundation.text import duration
from sim.scenario.faults.base import Fault, RandomFault
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault, SnapshotHeldFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault
from sim.scenario.poison import is_poisoned
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.postgres import PostgresSystem
from sim.scenario.scaling import fleet_size

if TYPE_CHECKING:
    from sim.scenario.load import Scenario

_SAME = 0.1
"""A fleet that is larger than its share by no more than this is as good as in scale."""

_FEW_TOPICS = 100
"""More retry topics than this are slow: 100 take twice the time of 4, and 400 twenty times."""


def silences(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """The key, and what is to be said of it."""
    for index, fault in enumerate(scenario.faults):
        found = never_strikes(scenario, fault)
        if found is not None:
            key, said = found
            yield ("faults", index, key), said
    for job, service in scenario.workload.service.items():
        if service.slow is not None and service.slow.share == 0:
            yield ("workload", "service", job, "slow", "share"), "0: no message is slow"
        if service.poison is not None and service.poison.share == 0:
            yield ("workload", "service", job, "poison", "share"), "0: no message is poisonous"
    yield from _asks_for_nothing(scenario)
    yield from _never_fails(scenario)
    yield from _many_topics(scenario)
    yield from _passes_nothing(scenario)
    yield from _unordered(scenario)
    yield from _out_of_scale(scenario)


def never_strikes(scenario: "Scenario", fault: Fault) -> tuple[str, str] | None:
    """The key by which a fault can never strike, and why; None: it may."""
    longest_s = scenario.duration + scenario.drain_limit
    if fault.at is not None and fault.at > longest_s:
        return "at", (
            f"{fault.fault!r} never strikes: the run is over after {duration(longest_s)} at the "
            "latest (duration and drain_limit)"
        )
    if isinstance(fault, RandomFault) and fault.rate == 0:
        return "rate", f"0: {fault.fault!r} never strikes"
    return None


_METADATA = (
    "metadata.max.age.ms", "topic.metadata.refresh.interval.ms", "first_metadata_refreshes",
)  # fmt: skip


def _asks_for_nothing(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """How often clients ask which partitions there are, where none are added."""
    for name, system in scenario.systems.items():
        if not isinstance(system, KafkaSystem) or any(
            isinstance(fault, PartitionsFault) and fault.strikes_topic(name)
            for fault in scenario.faults
        ):
            continue
        places: dict[KeyPath, Config] = {("producer",): system.producer}
        places |= {("groups", group): its for group, its in system.groups.items()}
        for path, its in places.items():
            for key in _METADATA:
                if its.given(key):
                    yield (
                        ("systems", name, *path, key),
                        "has an effect only where partitions are added (fault: partitions)",
                    )


def _passes_nothing(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """What dead rows cost, where no snapshot keeps any."""
    for name, system in scenario.systems.items():
        if not isinstance(system, PostgresSystem) or not system.latency.given("dead_row"):
            continue
        if not any(
            isinstance(fault, SnapshotHeldFault) and fault.strikes_group(name, queue)
            for fault in scenario.faults
            for queue in system.queues
        ):
            yield (
                ("systems", name, "latency", "dead_row"),
                "has an effect only while a snapshot is held (fault: snapshot_held)",
            )


def _never_fails(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """Retry topics of a group whose handler never fails."""
    for name, system in scenario.systems.items():
        if not isinstance(system, KafkaSystem):
            continue
        for group, its in system.groups.items():
            if its.retry_topics is not None and not is_poisoned(scenario, name, group):
                yield (
                    ("systems", name, "groups", group, "retry_topics"),
                    "has an effect only where records fail (fault: poison, or a service's poison)",
                )


def _many_topics(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """Retry topics that are so many that a run takes long."""
    for name, system in scenario.systems.items():
        if not isinstance(system, KafkaSystem):
            continue
        for group, its in system.groups.items():
            topics = 0 if its.retry_topics is None else len(its.retry_topics.topics_s)
            if topics > _FEW_TOPICS:
                yield (
                    ("systems", name, "groups", group, "retry_topics"),
                    f"makes {topics} retry topics, and the lab follows each with consumers of its "
                    "own: with 400 a run took twenty times as long as with 4. Fewer come of "
                    "'sameIntervalTopicReuseStrategy: SINGLE_TOPIC', or of a 'maxDelay' for a "
                    "backoff that grows",
                )


def _unordered(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """Order that is asked for, and messages without a key, which go to any partition."""
    order_by = scenario.workload.order_by
    if order_by is None:
        return
    for name, system in scenario.systems.items():
        if system.keyless and (system.partitions or 0) > 1:
            within = f"of each {'/'.join(order_by)}" if order_by else "of all messages"
            yield (
                ("systems", name),
                f"has no 'partition_key': messages go to any of {system.partitions} partitions, "
                f"and the order {within} (workload.order_by) is not kept",
            )


def _out_of_scale(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """Consumers, partitions and others that are rounded up to whole ones."""
    scale = scenario.scale
    numbers: dict[KeyPath, int] = {
        ("systems", name, *path): n
        for name, system in scenario.systems.items()
        for path, n in system.scaled()
    }
    for index, fault in enumerate(scenario.faults):
        if isinstance(fault, ScaleFault | PartitionsFault):
            numbers["faults", index, "to"] = fault.to
        elif isinstance(fault, ReshardFault):
            numbers["faults", index, "TargetShardCount"] = fault.target_shard_count
        elif isinstance(fault, AutoscaleFault):
            numbers["faults", index, "scaler", "maxReplicaCount"] = fault.most
    grown = {path: fleet_size(n, scale) / (n * scale) for path, n in numbers.items() if n}
    off = {path: times for path, times in grown.items() if times > 1 + _SAME}
    if not off:
        return
    worst = max(off, key=lambda path: off[path])
    n, more = numbers[worst], len(off) - 1
    others = f", and so {'is 1 more number' if more == 1 else f'are {more} more numbers'}"
    yield (
        ("scale",),
        f"at {scale:g}, {'.'.join(map(str, worst))} is rounded up from {n * scale:.3g} to "
        f"{fleet_size(n, scale)}, {off[worst]:.3g} times its share of the traffic"
        f"{others if more else ''}; what is found at this scale may not hold at scale 1",
    )
