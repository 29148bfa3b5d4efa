"""Faults of all consumers of a group, or all workers of a queue."""

from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from sim.foundation.config import Config
from sim.foundation.text import duration
from sim.foundation.units import Count, PositiveCount, PositiveSeconds, Ratio, Seconds, seconds
from sim.scenario.faults.base import ConditionalFault, GroupFault, RandomFault
from sim.scenario.faults.processes import TERMINATION_GRACE_S
from sim.scenario.products.not_modelled import NotModelled


class DeployFault(ConditionalFault, GroupFault):
    """All are replaced, one after the other."""

    fault: Literal["deploy"] = "deploy"
    """All are replaced, one after the other."""
    grace: Seconds = TERMINATION_GRACE_S
    """From SIGTERM to SIGKILL; 30 s is what a Kubernetes pod has."""
    startup: Seconds = 0.0
    """From the start of a process to its first receive or poll."""
    max_unavailable: PositiveCount = 1
    """How many are replaced at a time."""


class ScaleFault(ConditionalFault, GroupFault):
    """The number of consumers or workers is another from now on."""

    fault: Literal["scale"] = "scale"
    """The number of consumers or workers is another from now on."""
    to: Count
    """How many."""
    grace: Seconds = TERMINATION_GRACE_S
    """From SIGTERM to SIGKILL of those that are stopped; 30 s is what a Kubernetes pod has."""
    startup: Seconds = 0.0
    """From the start of a process to its first receive or poll."""

    @property
    def most(self) -> int:
        """The most consumers that it starts."""
        return self.to


class Scaler(Config):
    """A KEDA ScaledObject with one lag trigger, and the HorizontalPodAutoscaler that it makes.

    Keys and defaults: https://keda.sh/docs/latest/reference/scaledobject-spec and, of the triggers,
    https://keda.sh/docs/latest/scalers/apache-kafka and …/aws-sqs; of the autoscaler,
    https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale.
    """

    not_modelled = NotModelled("keda", "ScaledObject", "scalers", "autoscaler")
    alternatives = (("lagThreshold",), ("queueLength",))

    lag_threshold: PositiveCount | None = Field(default=None, alias="lagThreshold")
    """Kafka trigger: messages waiting for each replica that is wanted. KEDA's default is 10."""
    queue_length: PositiveCount | None = Field(default=None, alias="queueLength")
    """SQS trigger: the same, ready or in flight. KEDA's default is 5."""
    min_replica_count: Count = Field(default=0, alias="minReplicaCount")
    """Fewest replicas; 0: none are left running when nothing has waited for `cooldownPeriod`."""
    max_replica_count: PositiveCount = Field(default=100, alias="maxReplicaCount")
    """Most replicas."""
    allow_idle_consumers: bool = Field(default=False, alias="allowIdleConsumers")
    """Kafka trigger: let the replicas outnumber the partitions."""
    polling_interval: PositiveSeconds = Field(default=30.0, alias="pollingInterval")
    """How often KEDA looks whether to start the first replica or to stop the last."""
    cooldown_period: Seconds = Field(default=300.0, alias="cooldownPeriod")
    """From the last time that anything waited until the last replica is stopped."""
    sync_period: PositiveSeconds = 15.0
    """horizontal-pod-autoscaler-sync-period: how often the number of replicas is computed."""
    tolerance: Ratio = 0.1
    """horizontal-pod-autoscaler-tolerance: nothing changes while the metric is this near."""
    stabilization: Seconds = 300.0
    """scaleDown.stabilizationWindowSeconds: the most replicas wanted in this time stay."""
    metric_delay: Seconds = 0.0
    """How old the metric is: SQS's counts, or a lag exporter's, lag behind."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replica_count > self.max_replica_count:
            raise ValueError("'minReplicaCount' must not exceed 'maxReplicaCount'")
        return self

    @property
    def per_replica(self) -> int:
        """Messages waiting for each replica that is wanted."""
        return self.lag_threshold or self.queue_length or 1


class AutoscaleFault(GroupFault):
    """The number of consumers or workers follows the lag, from now on."""

    fault: Literal["autoscale"] = "autoscale"
    """The number of consumers or workers follows the lag, from now on."""
    at: Seconds
    """When, from the start."""
    scaler: Scaler
    """How it decides: `{lagThreshold, maxReplicaCount, …}`"""
    grace: Seconds = TERMINATION_GRACE_S
    """From SIGTERM to SIGKILL of those that are stopped; 30 s is what a Kubernetes pod has."""
    startup: Seconds = 0.0
    """From the start of a process to its first receive or poll."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it decides; null: to the end."""

    @property
    def most(self) -> int:
        """The most consumers that it starts."""
        return self.scaler.max_replica_count


class DatabaseFault(GroupFault):
    """All share one database, which slows with the number of those at work."""

    as_one = True
    takes_readers = False

    fault: Literal["database"] = "database"
    """All share one database, which slows with the number of those at work."""
    at: Seconds
    """When, from the start."""
    contention: Ratio
    """How much they wait for each other: a; with n at work at a time, each takes 1 + a (n - 1) +
    b n (n - 1) times as long (Gunther's universal scalability law). Set anew every second."""
    coherency: Ratio
    """How much it costs that they agree: b of the same law."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it lasts; null: to the end."""

    @property
    def lasts_s(self) -> float | None:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """Of all groups that share it."""
        return f"one database for {whom}"


class SnapshotHeldFault(GroupFault):
    """A transaction holds its snapshot over a queue in PostgreSQL: rows that die since stay.

    What an open `REPEATABLE READ` transaction may still see, vacuum does not remove, and no scan
    marks its index entry as dead; so do `pg_dump`, a replication slot that nobody reads, and
    `hot_standby_feedback` with a slow replica
    (https://www.postgresql.org/docs/current/routine-vacuuming.html). Each fetch passes all of them
    on its way to the first job (`latency.dead_row`). When the snapshot ends, the next scan marks
    them, and nothing passes them any more.
    """

    takes_readers = False

    fault: Literal["snapshot_held"] = "snapshot_held"
    """A transaction holds its snapshot: dead rows of a queue in PostgreSQL stay."""
    at: Seconds
    """When it takes it, from the start."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it holds it; null: to the end."""

    @property
    def lasts_s(self) -> float | None:
        """How long it lasts, s."""
        return self.for_

    @property
    def until_s(self) -> float:
        """When it ends, s; inf: never."""
        return inf if self.for_ is None else self.at + self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"snapshot held, dead rows of {whom} stay"


class PoisonFault(RandomFault, GroupFault):
    """A message whose handler raises, or kills its process."""

    refused: ClassVar[Mapping[str, str]] = {"when": "what is poisonous is so when it is created"}

    fault: Literal["poison"] = "poison"
    """A message whose handler raises, or kills its process."""
    effect: Literal["fail", "kill"]
    """The handler raises, or the process dies."""
    key: str | None = None
    """Messages of this key: the values of its dimensions, joined by `/`; null: any."""
    count: PositiveCount = 1
    """So many messages, the first ones created then."""
    times: PositiveCount | None = None
    """The message is harmless after so many failures; null: never."""
    restart_after: Seconds | None = None
    """kill: a new process is started this long afterwards; null: never."""

    @model_validator(mode="after")
    def _killed(self) -> Self:
        if self.restart_after is not None and self.effect == "fail":
            raise ValueError("'restart_after' goes with the effect 'kill'")
        return self


_ENDS = {"beginning": -inf, "end": inf}


def _place(value: Any) -> str | float:
    if isinstance(value, str) and value in _ENDS:
        return value
    if isinstance(value, str) and not any(map(str.isdigit, value)):
        raise ValueError(f"expected 'beginning', 'end' or a time such as '90 s', not {value!r}")
    return seconds(value)


class SeekFault(ConditionalFault, GroupFault):
    """The group goes to another place of the log."""

    takes_readers = False

    fault: Literal["seek"] = "seek"
    """The group goes to another place of the log."""
    to: Annotated[
        str | float | None,
        PlainValidator(_place),
        WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}),
    ] = None
    """`beginning`, `end`, or the time of the first message to read again. In Pub/Sub, what was
    published before is acknowledged, read or not: `end` purges a subscription."""
    snapshot: Seconds | None = None
    """Instead, in Pub/Sub: the snapshot that was taken at this time, from the start (PB-09)."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.to is None and self.snapshot is None:
            raise ValueError("nothing is sought: give 'to' or, in Pub/Sub, 'snapshot'")
        if self.to is not None and self.snapshot is not None:
            raise ValueError("'to' and 'snapshot' are two places to go to")
        if self.snapshot is not None and self.at is not None and self.at <= self.snapshot:
            raise ValueError("'snapshot' is taken before the seek to it")
        return self

    @property
    def place_s(self) -> float:
        """Time of the first message to read again, s; -inf: the beginning, inf: the end."""
        assert self.to is not None, "a seek to a snapshot has no time"
        return _ENDS[self.to] if isinstance(self.to, str) else self.to

    def words(self, whom: str) -> str:
        """With the place."""
        if self.snapshot is not None:
            return f"seek {whom} to the snapshot of {duration(self.snapshot)}"
        assert self.to is not None, "a seek goes somewhere"
        place = self.to if isinstance(self.to, str) else duration(self.to)
        return f"seek {whom} to {place}"


class BugFault(ConditionalFault, GroupFault):
    """What the group does has wrong effects."""

    takes_readers = False

    fault: Literal["bug"] = "bug"
    """What the group does has wrong effects."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"bug in {whom}"
