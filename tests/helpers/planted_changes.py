"""Plants in logs that an administrator changes while they run. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, scenario_of

APPLICATION = "systems.s.applications.g"


def stream(shards: int, **application: Any) -> dict[str, Any]:
    """A stream that workers of the client library read."""
    return {
        "product": "kinesis",
        "stream": {"ShardCount": shards},
        "partition_key": ["k"],
        "applications": {"g": {"does": ["g"], **application}},
    }


def resharded(rng: random.Random, to: int) -> dict[str, Any]:
    """At some time, to so many."""
    return {
        "at": rng.randint(50, 60), "fault": "reshard", "target": "s.stream", "TargetShardCount": to,
    }  # fmt: skip


def children_wait_for_a_look(rng: random.Random) -> Plant:
    """Twice as many shards, whose leases nobody takes for up to a minute or two."""
    shards, at = rng.randint(1, 3), f"{APPLICATION}.failoverTimeMillis"
    faults = [resharded(rng, 2 * shards)]
    if rng.random() < 0.7:
        faults.append({"at": "5s", "fault": "pause", "target": "s.g.0", "for": "0.5s"})
    return Plant(
        "children of a shard wait for a look at the leases",
        scenario_of(
            stream(shards, workers=1, failoverTimeMillis=rng.choice([30_000, 60_000])),
            [(240, rng.uniform(10, 20))], {"per_message": "5 ms"}, faults=faults,
        ),
        "max_time_lag_s",
        (Part((at,), {at: 1_000}), Part(("faults.0",), {"faults.0": None})),
        Part(("faults.1",), {"faults.1": None}) if len(faults) > 1 else None,
    )  # fmt: skip


def merged_too_far(rng: random.Random) -> Plant:
    """Half as many shards, which cannot do what comes."""
    shards, count, to = 4, "systems.s.stream.ShardCount", "faults.0.TargetShardCount"
    return Plant(
        "merged into too few shards",
        scenario_of(
            stream(shards, workers=4),
            [(150, rng.uniform(46, 54))], {"per_message": "50 ms"}, faults=[resharded(rng, 2)],
        ),
        "drain_s",
        (Part(("faults.0", to, count), {"faults.0": None}),),
    )  # fmt: skip


def kept_for_less(rng: random.Random) -> Plant:
    """A group is behind when its topic is told to keep less."""
    at = rng.randint(90, 110)
    altered = {"at": at, "fault": "configs", "target": "s.topic", "retention.ms": 10_000}
    harmless = {"at": 20, "fault": "configs", "target": "s.topic", "retention.bytes": 10**10}
    topic = {"partitions": 2, "segment.ms": 2_000}
    system = {
        "product": "kafka", "topic": topic, "partition_key": ["k"],
        "brokers": {"log.retention.check.interval.ms": 5_000},
        "groups": {"g": {"consumers": 2, "does": ["g"], "auto.offset.reset": "earliest"}},
    }  # fmt: skip
    faults = [altered, harmless] if rng.random() < 0.7 else [altered]
    where = "faults.0.retention.ms"
    return Plant(
        "what a topic keeps is altered under a backlog",
        scenario_of(
            system, [(180, rng.uniform(60, 70))], {"per_message": "50 ms"},
            faults=faults, drain_limit="10m",
        ),
        "lost",
        (Part(("faults.0", where), {"faults.0": None}),),
        Part(("faults.1",), {"faults.1": None}) if len(faults) > 1 else None,
    )  # fmt: skip


CHANGES: tuple[Kind, ...] = (children_wait_for_a_look, merged_too_far, kept_for_less)
"""Every kind of a change while things run."""
