"""A group of the lab for a plain model's settings, and random scenarios for both."""

from dataclasses import replace

import numpy as np

from helpers import random_faults
from helpers.operated import Operated
from models.plain_log import Settings, by_range
from sim.injection.poison import ALWAYS, Poison
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.kafka_assignors import ASSIGNORS
from sim.log.kafka_coordinator import Terms
from sim.log.kafka_offsets import OffsetRetention
from sim.log.kafka_rebalance_classic import Cooperative, Eager
from sim.log.kafka_rebalance_kip848 import Reconciling
from sim.log.partition_counts import PartitionCounts
from sim.log.topic import Topic, TopicCeilings
from sim.scenario.products.base import OnFailure

PROTOCOLS = {
    "eager": (Eager, "range"),
    "cooperative": (Cooperative, "cooperative-sticky"),
    "consumer": (Reconciling, "uniform"),
}


class Verbs:
    """The faults' verbs of `Coordinator`."""

    def __init__(self, coordinator):
        self.alive = coordinator.group.alive
        self.crash = coordinator.crash
        self.restart = coordinator.restart
        self.pause = coordinator.pause
        self.slow = coordinator.slow
        self.terminate = Operated(coordinator.env, coordinator).terminate
        self.cut_off = coordinator.cut_off
        self.reconnect = coordinator.reconnect


def reading_of(s):
    return k.Reading(
        max_poll_records=s.max_poll_records,
        chunk_records=s.chunk_records,
        min_records=s.min_records,
        max_wait_s=s.max_wait_s,
        fetch_s=s.fetch_s,
        per_batch_s=s.per_batch_s,
        auto_commit_s=s.auto_commit_s,
        commit_s=s.commit_s,
        background=int(s.background),
        handed=int(s.handed),
        before=int(s.before),
        per_record=int(s.per_record),
        wait=int(s.wait),
        max_poll_s=s.max_poll_s,
        reset=k.EARLIEST if s.reset == "earliest" else k.LATEST,
    )


def topic_of(s, created_s, partition_of, size_bytes=300, latency_s=None):
    topic = Topic(
        np.asarray(created_s, float),
        np.asarray(partition_of, np.int32),
        s.most,
        np.atleast_1d(np.asarray(size_bytes, np.int32)),
        linger_s=s.linger_s,
        batch_bytes=s.batch_bytes,
        latency_s=np.array([s.ack_s] if latency_s is None else latency_s),
        ceilings=TopicCeilings(
            s.brokers, s.broker_bytes_per_s, s.broker_requests_per_s, s.partition_bytes_per_s
        ),
    )
    topic.counts = PartitionCounts(s.partitions, s.added)
    return topic


def group_of(s, topic, work_s, grid_s=()):
    work_s = np.broadcast_to(np.asarray(work_s, np.float32), topic.created_s.shape)
    bad = sorted(s.bad)
    poison = Poison(
        np.array([record for record, _, _ in bad], np.int64),
        np.array([kills for _, kills, _ in bad], np.bool_),
        np.array([times for _, _, times in bad], np.int32),
        np.full(len(bad), s.revive_s),
    )
    return Group(topic, work_s, s.members, reading_of(s), np.asarray(grid_s, float), poison=poison)


def coordinator_of(s, env, group, say=lambda text: None):
    protocol, assignor = PROTOCOLS[s.protocol]
    terms = Terms(
        s.assign if s.assign is not by_range else ASSIGNORS[assignor],
        session_s=s.session_s,
        max_poll_s=s.max_poll_s,
        rebalance_s=s.rebalance_s,
        initial_delay_s=s.initial_delay_s,
        heartbeat_s=s.heartbeat_s,
        phases_s=s.first_beats_s,
        in_phase=s.in_phase,
        round_trip_s=s.round_trip_s,
        on_failure=OnFailure(attempts=s.attempts, backoff=s.backoff_s, then=s.then),
        static=s.static,
        metadata_s=s.metadata_s,
        refreshes_s=s.first_refreshes_s,
        asks_anew=s.asks_anew,
    )
    coordinator = protocol(env, group, terms, say)
    if s.offsets_kept_s < np.inf:
        kept = OffsetRetention(
            s.offsets_kept_s,
            s.offsets_check_s,
            s.first_offsets_check_s,
            by_commit=s.protocol == "consumer",
        )
        env.process(kept.run(env, coordinator))
    return coordinator


COMMITS = {
    "java": lambda rng: dict(auto_commit_s=rng.uniform(0.2, 2.0)),
    "sync": lambda rng: dict(auto_commit_s=-1.0, per_record=bool(rng.integers(2))),
    "async": lambda rng: dict(auto_commit_s=-1.0, wait=False, per_record=bool(rng.integers(2))),
    "before": lambda rng: dict(
        auto_commit_s=-1.0,
        before=True,
        wait=bool(rng.integers(2)),
        **({"per_record": True} if rng.integers(2) else {"handed": True}),
    ),
    "librdkafka": lambda rng: dict(
        auto_commit_s=rng.uniform(0.2, 2.0),
        background=True,
        handed=bool(rng.integers(2)),
        max_poll_records=1,
    ),
}
"""What a group may commit, and when."""


def scenario(rng):
    """Random continuous times throughout: where events tie, either order would be right."""
    s = dict(
        partitions=int(rng.integers(1, 7)),
        linger_s=rng.choice([0.0, 1.0]) * rng.uniform(0.005, 0.3),
        batch_bytes=int(rng.integers(200, 3_000)),
        ack_s=rng.uniform(0.001, 0.05),
        members=int(rng.integers(1, 6)),
        max_poll_records=int(rng.integers(1, 20)),
        chunk_records=int(rng.integers(1, 30)),
        min_records=int(rng.choice([1, 1, 4])),
        max_wait_s=rng.uniform(0.1, 0.6),
        fetch_s=rng.uniform(0.001, 0.01),
        per_batch_s=rng.choice([0.0, 1.0]) * rng.uniform(0.0, 0.1),
        commit_s=rng.uniform(0.002, 0.05),
        round_trip_s=rng.uniform(0.002, 0.05),
        session_s=rng.uniform(0.6, 2.5),
        rebalance_s=rng.choice([0.0, 1.0]) * rng.uniform(0.1, 0.5),
        max_poll_s=float(rng.choice([np.inf, rng.uniform(0.5, 3.0)])),
        initial_delay_s=float(rng.choice([0.0, rng.uniform(0.1, 0.5)])),
        static=bool(rng.integers(2)),
        heartbeat_s=rng.uniform(0.2, 0.6),
        in_phase=bool(rng.integers(2)),
    )
    s["first_beats_s"] = tuple(rng.uniform(0.0, s["heartbeat_s"], s["members"]))
    protocol = str(rng.choice(list(PROTOCOLS)))
    assignor = ASSIGNORS[str(rng.choice(["range", "roundrobin", "sticky", "uniform"]))]
    s |= dict(protocol=protocol, assign=assignor)
    if rng.integers(3) == 0:
        bad = rng.choice(100, rng.integers(1, 4), replace=False)
        times = (1, 2, 3, ALWAYS)
        s |= dict(
            bad=tuple(
                (int(record), bool(rng.integers(2)), int(rng.choice(times))) for record in bad
            ),
            attempts=[None, 1, 2][rng.integers(3)],
            backoff_s=rng.uniform(0.0, 0.7),
            then=str(rng.choice(["skip", "stop"])),
            revive_s=rng.uniform(0.1, 1.5),
        )
    s |= COMMITS[str(rng.choice(list(COMMITS)))](rng)
    s = Settings(**s)
    n, until_s = 100, 12.0
    created_s = np.cumsum(rng.exponential(6.0 / n, n))
    partition_of = rng.integers(0, s.partitions, n)
    size_bytes = rng.integers(50, 600, n)
    work_s = rng.exponential(rng.uniform(0.01, 0.06) * s.members, n).astype(np.float32)
    verbs = ("crash", "crash", "pause", "slow", "partition", "terminate")
    faults = random_faults.draw(rng, rng.integers(6), s.members, 9.0, (0.1, 4.0), verbs)
    if rng.integers(2):
        s = replace(
            s,
            brokers=int(rng.integers(1, 4)),
            broker_bytes_per_s=float(rng.choice([np.inf, rng.uniform(3e3, 2e4)])),
            broker_requests_per_s=float(rng.choice([np.inf, rng.uniform(5.0, 50.0)])),
            partition_bytes_per_s=float(rng.choice([np.inf, rng.uniform(1e3, 1e4)])),
        )
    return s, created_s, partition_of, size_bytes, work_s, until_s, faults


def away(rng):
    """One in which all members go at about the same time, and offsets are not kept for long."""
    s, *messages, faults = scenario(rng)
    check_s = rng.uniform(0.05, 0.5)
    s = replace(
        s,
        reset=str(rng.choice(["latest", "earliest"])),
        offsets_kept_s=rng.uniform(0.1, 1.5),
        offsets_check_s=check_s,
        first_offsets_check_s=rng.uniform(0.0, check_s),
    )
    at_s, verb = rng.uniform(0.5, 5.0), str(rng.choice(["crash", "terminate"]))
    faults = faults + [
        random_faults.Fault(
            at_s + rng.uniform(0.0, 0.1), verb, m, rng.uniform(0.5, 5.0), rng.uniform(0.1, 1.0)
        )
        for m in range(s.members)
    ]
    return s, *messages, faults


def grown(rng):
    """One in which partitions are added, once or twice, and some messages go there at once."""
    s, created_s, partition_of, *rest, faults = scenario(rng)
    added, most = [], s.partitions
    for at_s in np.sort(rng.uniform(0.5, 5.0, rng.integers(1, 3))):
        most += int(rng.integers(1, 4))
        added.append((float(at_s), most))
        goes = (created_s > at_s) & (rng.random(created_s.size) < 0.7)
        partition_of = np.where(goes, rng.integers(0, most, created_s.size), partition_of)
    metadata_s = rng.uniform(0.2, 3.0)
    s = replace(
        s,
        reset=str(rng.choice(["latest", "earliest"])),
        added=tuple(added),
        metadata_s=metadata_s,
        first_refreshes_s=tuple(rng.uniform(0.0, metadata_s, s.members)),
        asks_anew=bool(rng.integers(2)),
    )
    return s, created_s, partition_of, *rest, faults
