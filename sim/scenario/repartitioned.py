"""What cannot be done to the partitions of a topic, or to the shards of a stream, while it runs."""

from collections.abc import Iterator, Sequence

from sim.foundation.config import KeyPath
from sim.scenario.faults.base import Fault
from sim.scenario.faults.groups import SeekFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault
from sim.scenario.products.catalogue import System

_RESHARDS_A_DAY, _DAY_S = 10, 86_400.0
"""How often a stream is resharded within a day, at most."""


def not_more(
    name: str, partitions: int, faults: Sequence[Fault | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Partitions of a topic that would be taken away: Kafka has no such thing."""
    added = [
        (fault.at, index, fault.to)
        for index, fault in enumerate(faults)
        if isinstance(fault, PartitionsFault) and fault.strikes_topic(name)
    ]
    for _, index, to in sorted(added):
        if to <= partitions:
            yield (
                ("faults", index, "to"),
                f"{to} is not more than the {partitions} partitions that {name!r} has then; they "
                "can only be added",
            )
        partitions = max(partitions, to)


def reshards(
    name: str, system: System, shards: int, faults: Sequence[Fault | None]
) -> Iterator[tuple[KeyPath, str]]:
    """What AWS refuses of an `UpdateShardCount`, and what the lab does."""
    changed = [
        (fault.at, index, fault.target_shard_count)
        for index, fault in enumerate(faults)
        if isinstance(fault, ReshardFault) and fault.strikes_topic(name)
    ]
    done_s: list[float] = []
    for at_s, index, to in sorted(changed):
        path: KeyPath = ("faults", index, "TargetShardCount")
        if not shards / 2 <= to <= 2 * shards:
            yield (
                path,
                f"from the {shards} shards that {name!r} has then, at most {2 * shards} and at "
                f"least {-(-shards // 2)} are possible at a time, not {to}",
            )
        if sum(at_s - before_s < _DAY_S for before_s in done_s) >= _RESHARDS_A_DAY:
            yield path, f"{name!r} is resharded {_RESHARDS_A_DAY} times in 24 hours, and no more"
        done_s.append(at_s)
        shards = to
    if changed:
        for index, fault in enumerate(faults):
            if isinstance(fault, SeekFault) and any(
                fault.strikes_group(name, group) for group in system.readers
            ):
                yield (
                    ("faults", index, "target"),
                    f"{name!r} is resharded: the lab does not read shards that have ended again",
                )
