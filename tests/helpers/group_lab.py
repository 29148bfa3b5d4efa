"""A small topic, a group and its coordinator, to which verbs happen at given times."""

import numpy as np

from helpers.operated import Operated
from sim.engine.environment import Environment
from sim.injection.poison import ALWAYS, Poison
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kafka_assignors import ASSIGNORS
from sim.log.kafka_coordinator import Terms
from sim.log.kafka_rebalance_classic import Cooperative, Eager
from sim.log.kafka_rebalance_kip848 import Reconciling
from sim.log.partition_counts import PartitionCounts
from sim.log.rabbitmq_stream_single_active import SingleActive
from sim.log.topic import Topic
from sim.scenario.products.base import OnFailure

PROTOCOLS = {
    "eager": (Eager, "range"),
    "cooperative": (Cooperative, "cooperative-sticky"),
    "consumer": (Reconciling, "uniform"),
    "single-active": (SingleActive, "roundrobin"),
}


class Lab:
    """Session 45 s, heartbeats at 1, 6, 11, ... s, 3 s from the last join to the assignment (the
    consumer protocol: heartbeats spread over 5 s); Java's automatic commits if nothing else."""

    def __init__(
        self,
        created_s,
        partition_of,
        work_s,
        partitions=2,
        members=2,
        protocol="eager",
        assignor=None,
        started=None,
        bad=(),
        added=(),
        on_failure=None,
        terms=(),
        **reading,
    ):
        n = len(created_s)
        self.topic = Topic(
            np.asarray(created_s, float),
            np.asarray(partition_of, np.int32),
            partitions,
            np.full(1, 300, np.int32),
            linger_s=0.0,
            batch_bytes=16_384,
            latency_s=np.zeros(1),
        )
        first = partitions if not added else 1
        self.topic.counts = PartitionCounts(first, added)
        work_s = np.broadcast_to(np.asarray(work_s, np.float32), n)
        reading = {
            "max_poll_records": 500,
            "chunk_records": 1_000,
            "min_records": 1,
            "max_wait_s": 0.5,
            "fetch_s": 0.0,
            "per_batch_s": 0.0,
            "auto_commit_s": 5.0,
            "commit_s": 0.0,
        } | reading
        poison = Poison(
            np.array([message for message, _ in bad], np.int64),
            np.array([kills for _, kills in bad], np.bool_),
            np.full(len(bad), ALWAYS, np.int32),
            np.full(len(bad), 5.0),
        )
        self.group = Group(
            self.topic, work_s, members, Reading(**reading), np.zeros(0),
            keep_repeats=1_000, started=started, poison=poison,
        )  # fmt: skip
        self.env = Environment([self.topic, self.group])
        self.said = []
        kind, usual = PROTOCOLS[protocol]
        more = {"rebalance_s": 3.0} | dict(terms)
        if protocol in ("eager", "cooperative"):
            more.setdefault("phases_s", (1.0,) * members)
        if "max_poll_s" in reading:
            more["max_poll_s"] = reading["max_poll_s"]
        if on_failure is not None:
            more["on_failure"] = OnFailure(**on_failure)
        self.coordinator = kind(
            self.env,
            self.group,
            Terms(ASSIGNORS[assignor or usual], **more),
            lambda text: self.said.append((round(self.env.now, 3), text)),
        )

    def at(self, at_s, verb, *args):
        """Have the coordinator's ``verb`` happen at ``at_s``."""

        def process():
            yield self.env.timeout(at_s)
            getattr(Operated(self.env, self.coordinator), verb)(*args)

        self.env.process(process())
        return self

    def run(self, until_s):
        """Returns done_s in order of creation."""
        self.env.run(until_s)
        return self.topic.to_messages(self.group.done_s, np.inf)

    def effects(self):
        """How often each message was processed."""
        return self.topic.to_messages(self.group.effects, 0).tolist()

    def committed(self):
        """Committed offset of each partition."""
        return self.group.committed.tolist()

    def owners(self):
        return [self.group.assigned(m).tolist() for m in range(self.group.members)]
