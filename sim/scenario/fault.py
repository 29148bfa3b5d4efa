"""What goes wrong in a scenario: the kinds of faults, what each takes, and whom it strikes.

`sim.injection.schedule` makes SimPy processes of them.
"""

from fnmatch import fnmatchcase
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from sim.foundation.config import Config
from sim.foundation.units import (
    Count,
    PositiveCount,
    PositiveRatio,
    PositiveSeconds,
    Rate,
    Ratio,
    Seconds,
    count,
    seconds,
    shown,
)

OF_CONSUMERS = ("crash", "terminate", "restart", "pause", "slow", "partition")
"""Faults of consumers and workers."""
OF_GROUPS = ("deploy", "scale", "autoscale", "database", "poison", "seek", "bug")
"""Faults of all consumers of a group or all workers of a queue, `system.group`."""
OF_PUBLISHERS = ("crash", "terminate", "interrupt", "exit")
"""Faults of a publisher, `system.publisher.0`."""
OF_BROKERS = ("unreachable", "broker_slow", "ack_loss", "leader_crash")
"""Faults of the brokers behind a publisher, `system.broker.0` and so on."""

TERMINATION_GRACE_S = 30.0
"""terminationGracePeriodSeconds of a Kubernetes pod."""

_TAKES: dict[str, tuple[set[str], set[str]]] = {
    "crash": (set(), {"restart_after"}),
    "terminate": (set(), {"grace", "restart_after"}),
    "restart": (set(), set()),
    "pause": ({"for"}, set()),
    "slow": ({"factor"}, {"for", "ramp"}),
    "partition": (set(), {"for"}),
    "deploy": (set(), {"grace", "startup", "max_unavailable"}),
    "scale": ({"to"}, {"grace", "startup"}),
    "autoscale": ({"scaler"}, {"grace", "startup", "for"}),
    "database": ({"contention", "coherency"}, {"for"}),
    "poison": ({"effect"}, {"key", "count", "times", "restart_after"}),
    "seek": ({"to"}, set()),
    "bug": ({"for"}, set()),
    "interrupt": (set(), {"restart_after"}),
    "exit": (set(), {"restart_after"}),
    "unreachable": ({"for"}, set()),
    "broker_slow": ({"for", "extra"}, set()),
    "ack_loss": ({"for", "probability"}, set()),
    "leader_crash": (set(), {"for", "behind"}),
}
"""What each fault needs, and what it can take besides."""

_ALWAYS = {"at", "rate", "from", "until", "when", "fault", "target"}


class When(Config):
    """A condition, looked at again and again until it is true for the first time."""

    alternatives = (("lag_over",), ("depth_over",), ("age_over",))

    lag_over: Count | None = None
    """More messages than this wait: on a log, appended and not committed."""
    depth_over: Count | None = None
    """The same on a queue: ready or in flight."""
    age_over: Seconds | None = None
    """The oldest message that waits is older than this."""
    of: str | None = None
    """Whose: `system.group`, with `*` and `?`; null: of the group that the fault strikes."""
    every: PositiveSeconds = 1.0
    """Time between two looks."""


class Scaler(Config):
    """A KEDA ScaledObject with one lag trigger, and the HorizontalPodAutoscaler that it makes.

    Keys and defaults: https://keda.sh/docs/latest/reference/scaledobject-spec and, of the triggers,
    https://keda.sh/docs/latest/scalers/apache-kafka and …/aws-sqs; of the autoscaler,
    https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale.
    """

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


def _to(value: Any) -> str | int | float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"expected a number, a time, 'beginning' or 'end', not {shown(value)}")


class Fault(Config):
    """Something that happens to consumers, workers, a publisher or brokers.

    `at` a time, at random (`rate`), or on a condition (`when`).
    """

    alternatives = (("at",), ("rate", "from", "until"), ("when",))

    at: Seconds | None = None
    """When, from the start."""
    rate: Rate | None = None
    """How often, at random (a Poisson process, the same for all systems): each time one of those
    that the target matches."""
    from_: Seconds | None = Field(default=None, alias="from")
    """rate: not before this; null: from the start."""
    until: Seconds | None = None
    """rate: not after this; null: until the last arrival."""
    when: When | None = None
    """`{lag_over, depth_over, age_over, of, every}`: once, when it is first seen to be true."""
    fault: Literal[
        "crash", "terminate", "restart", "pause", "slow", "partition", "deploy", "scale",
        "autoscale", "database", "poison", "seek", "bug", "interrupt", "exit", "unreachable",
        "broker_slow", "ack_loss", "leader_crash",
    ]  # fmt: skip
    """What. crash: SIGKILL; terminate: SIGTERM, and SIGKILL after `grace`; pause: the process
    stands still; slow: its work takes longer; partition: no call gets through between consumer and
    broker; deploy: all are replaced, one after the other; scale: to so many; autoscale: by lag;
    database: all share one, which slows with their number; poison: a message whose handler raises,
    or kills its process; seek: the group goes to another place; bug: wrong effects; interrupt:
    SIGINT; leader_crash: a broker dies, and another one leads its partitions."""
    target: str
    """Whom: `system.group.index`; `*` and `?` match any text, as in `sqs_*.counters.0`. deploy,
    scale, autoscale, database, poison, seek and bug strike whole groups, `system.group`. The
    publisher of a Kafka system is `system.publisher.0`, its brokers are `system.broker.0` and so
    on."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it lasts; null: to the end."""
    factor: PositiveRatio | None = None
    """slow: every service time is multiplied by this."""
    ramp: PositiveSeconds | None = None
    """slow: the factor rises linearly for so long, in twenty steps; null: at once."""
    restart_after: Seconds | None = None
    """A new process is started this long afterwards; null: never."""
    grace: Seconds | None = None
    """From SIGTERM to SIGKILL; null: 30 s, as a Kubernetes pod has."""
    startup: Seconds = 0.0
    """deploy, scale, autoscale: from the start of a process to its first receive or poll."""
    max_unavailable: PositiveCount = 1
    """deploy: how many are replaced at a time."""
    to: Annotated[
        str | int | float | None,
        PlainValidator(_to),
        WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
    ] = None
    """scale: how many consumers or workers. seek: `beginning`, `end`, or the time of the first
    message to read again."""
    scaler: Scaler | None = None
    """autoscale: `{lagThreshold, maxReplicaCount, …}`"""
    contention: Ratio | None = None
    """database: a; with n at work at a time, each takes 1 + a (n - 1) + b n (n - 1) times as long
    (Gunther's universal scalability law). Set anew every second."""
    coherency: Ratio | None = None
    """database: b of the same."""
    effect: Literal["fail", "kill"] | None = None
    """poison: the handler raises, or the process dies."""
    key: str | None = None
    """poison: messages of this key: the values of its dimensions, joined by `/`; null: any."""
    count: PositiveCount = 1
    """poison: so many messages, the first ones created then."""
    times: PositiveCount | None = None
    """poison: the message is harmless after so many failures; null: never."""
    extra: PositiveSeconds | None = None
    """broker_slow: added to each round trip."""
    probability: Annotated[Ratio, Field(le=1)] | None = None
    """ack_loss: of losing an acknowledgement."""
    behind: Seconds | None = None
    """leader_crash: how far behind the next leader is, if the election is unclean; null: it is
    clean, and with acks=all nothing is lost."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed, optional = _TAKES[self.fault]
        for key in sorted(needed):
            if not self.given(key):
                raise ValueError(f"{self.fault!r} needs {key!r}")
        for name, field in type(self).model_fields.items():
            key = field.alias or name
            if self.given(key) and key not in needed | optional | _ALWAYS:
                raise ValueError(f"{self.fault!r} takes no {key!r}")
        if self.rate is None and (self.from_ is not None or self.until is not None):
            raise ValueError("'from' and 'until' go with a 'rate'")
        if self.until is not None and self.until <= (self.from_ or 0.0):
            raise ValueError("'until' is not later than 'from'")
        if self.restart_after is not None and self.effect == "fail":
            raise ValueError("'restart_after' goes with the effect 'kill'")
        if self.at is None and self.fault in ("autoscale", "database"):
            raise ValueError(f"{self.fault!r} needs 'at'")
        if self.when is not None and self.fault == "poison":
            raise ValueError("'poison' takes no 'when': what is poisonous is so when it is created")
        if self.fault == "scale":
            count(self.to)
        elif self.fault == "seek" and self.to not in ("beginning", "end"):
            seconds(self.to)
        if "." not in self.target:
            form = "system.group" if self.fault in OF_GROUPS else "system.group.index"
            raise ValueError(f"the target {shown(self.target)} is not of the form {form!r}")
        return self

    @property
    def replicas(self) -> int:
        """scale, autoscale: the most that it starts."""
        return self.scaler.max_replica_count if self.scaler is not None else count(self.to)

    @property
    def seek_s(self) -> float:
        """seek: of the first message to read again, s; -inf: the beginning, inf: the end."""
        return {"beginning": -inf, "end": inf}.get(str(self.to)) or seconds(self.to)

    @property
    def grace_s(self) -> float:
        """From SIGTERM to SIGKILL, s."""
        return TERMINATION_GRACE_S if self.grace is None else self.grace

    def strikes(self, system: str, group: str, index: int) -> bool:
        """Whether the target matches consumer or worker ``index`` (from 0) of a group."""
        return fnmatchcase(f"{system}.{group}.{index}", self.target)

    def strikes_group(self, system: str, group: str) -> bool:
        """Whether it is one of whole groups, and the target (with or without index) matches it."""
        return self.fault in OF_GROUPS and (
            fnmatchcase(f"{system}.{group}", self.target) or self.strikes(system, group, 0)
        )
