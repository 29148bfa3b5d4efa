"""Celery 5 over Redis, RabbitMQ or Amazon SQS, by the names of its settings.

Defaults: `celery/app/defaults.py`, `celery/app/task.py` and `celery/app/autoretry.py` in
celery/celery, `kombu/transport/redis.py` and `kombu/transport/SQS` in celery/kombu (both 5.7),
documented at https://docs.celeryq.dev/en/stable/userguide/configuration.html. The latencies are
the lab's own assumptions.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import (
    Count,
    Distribution,
    PositiveCount,
    PositiveSeconds,
    Seconds,
    lognormal,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products import celery_not_modelled
from sim.scenario.products.base import Jobs, Name, ProductSystem, Selection

VISIBILITY_TIMEOUT_S = {"redis": 3600.0, "sqs": 1800.0}
"""Default `visibility_timeout` of the transports that have one, s."""


class TransportOptions(Config):
    """`broker_transport_options`."""

    not_modelled = dict.fromkeys(celery_not_modelled.TRANSPORT_OPTIONS, "")

    visibility_timeout: PositiveSeconds | None = None
    """redis, sqs: a message not acknowledged for this long is delivered again (CE-06); null: 1 h
    with redis, 30 min with sqs."""
    unacked_restore_interval: PositiveSeconds = 10.0
    """redis: a worker's event loop thinks of looking for such messages this often…"""
    unacked_restore_throttle: PositiveCount = 10
    """…and does so every so many times: every 100 s."""


class CelerySettings(Config):
    """The application's configuration (`celeryconfig.py`)."""

    not_modelled = dict.fromkeys(celery_not_modelled.CONFIG, "")

    task_acks_late: bool = False
    """Acknowledge a message when its task has run; false: just before it runs (CE-01, CE-02)."""
    task_reject_on_worker_lost: bool = False
    """With `task_acks_late`: a task whose child process died goes back to the queue; false: it is
    acknowledged as failed (CE-03)."""
    task_acks_on_failure_or_timeout: bool = True
    """With `task_acks_late`: a task that raised is acknowledged; false: rejected without requeue,
    which drops it (CE-04)."""
    worker_concurrency: PositiveCount = 4
    """Child processes of a worker; each runs a task at a time. (Celery: one a CPU.)"""
    worker_prefetch_multiplier: Count = 4
    """A worker holds at most this many unacknowledged messages for each child; 0: no limit."""
    worker_soft_shutdown_timeout: Seconds = 0.0
    """A cold shutdown waits this long for running tasks before it cancels them."""
    broker_heartbeat: Seconds = 120.0
    """rabbitmq: a worker that is not heard of for this long is disconnected."""
    broker_transport_options: TransportOptions = TransportOptions()
    """Options of the transport."""


class CeleryTask(Config):
    """Options of the task that every message of a queue calls."""

    not_modelled = dict.fromkeys(celery_not_modelled.TASK, "")

    autoretry_for: list[str] = Field(default_factory=list)
    """Exceptions after which the task is published again; any name: whatever it raises; none: an
    exception is its end."""
    max_retries: Count | None = 3
    """How often it is published again before it counts as failed; null: without limit."""
    default_retry_delay: Seconds = 180.0
    """Wait before it runs again, without `retry_backoff`."""
    retry_backoff: bool | PositiveCount = False
    """Exponential waits, retry_backoff · 2^n seconds; true is 1 (CE-09)."""
    retry_backoff_max: Seconds = 600.0
    """Longest of them."""
    retry_jitter: bool = True
    """A random whole number of seconds, from 0 to that wait, instead of it."""
    countdown: Seconds = 0.0
    """The task is not to run before this long after it was called (ETA); a worker holds it."""


class CeleryQueue(Config):
    """A queue and its workers."""

    workers: PositiveCount
    """Worker processes (pods), each with `worker_concurrency` children."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done by the task."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages for which the program calls the
    task; null: for all."""
    task: CeleryTask = CeleryTask()
    """Options of the task."""

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers


class CeleryLatency(Config):
    """Time spent between clients and broker (assumptions of the lab).

    Null: median 1 ms and p99 10 ms with redis and rabbitmq, 12 and 80 ms with sqs.
    """

    publish: Distribution | None = None
    """From the call of a task until its message is in the queue."""
    deliver: Distribution | None = None
    """From the broker sending a message to the worker having it."""
    ack: Distribution | None = None
    """From the worker sending an acknowledgement to the broker having it."""


class CelerySystem(ProductSystem):
    """A Celery application: its broker, and queues with workers; every message goes to each."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["celery"]
    """`celery`"""
    broker: Literal["redis", "rabbitmq", "sqs"] = "rabbitmq"
    """Where the messages are."""
    config: CelerySettings = CelerySettings()
    """Settings of the application."""
    remap_sigterm: Literal["SIGQUIT"] | None = Field(default=None, alias="REMAP_SIGTERM")
    """Environment variable: SIGTERM is a cold shutdown; null: a warm one (CE-08)."""
    queues: dict[Name, CeleryQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: CeleryLatency = CeleryLatency()
    """Network and broker."""

    @property
    def readers(self) -> Mapping[str, CeleryQueue]:
        """The queues by name."""
        return self.queues

    @property
    def visibility_timeout_s(self) -> float:
        """After which an unacknowledged message is delivered again, s; inf: never."""
        given = self.config.broker_transport_options.visibility_timeout
        if self.broker == "rabbitmq":
            return float("inf")
        return VISIBILITY_TIMEOUT_S[self.broker] if given is None else given

    def duration_of(self, call: Literal["publish", "deliver", "ack"]) -> Distribution:
        """How long a step between clients and broker takes."""
        given: Distribution | None = getattr(self.latency, call)
        usual = lognormal(0.012, 0.080) if self.broker == "sqs" else lognormal(0.001, 0.010)
        return usual if given is None else given
