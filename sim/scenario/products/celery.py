"""Celery 5 over Redis, RabbitMQ or Amazon SQS, by the names of its settings.

Defaults: `celery/app/defaults.py`, `celery/app/task.py` and `celery/app/autoretry.py` in
celery/celery, `kombu/transport/redis.py` and `kombu/transport/SQS` in celery/kombu (both 5.7),
documented at https://docs.celeryq.dev/en/stable/userguide/configuration.html. Latencies: see
`ONE_WAY`.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config, KeyPath, Refusal, RefusedError
from sim.foundation.units import (
    Count,
    Distribution,
    PositiveCount,
    PositiveMilliseconds,
    PositiveSeconds,
    Seconds,
    lognormal,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Ceilings, Jobs, Name, ProductSystem, Selection
from sim.scenario.products.not_modelled import NotModelled
from sim.scenario.products.rabbitmq_broker import (
    CONSUMER_TIMEOUT_MS,
    ROUND_TRIP_S,
    RabbitmqVersion,
    consumer_timeout_refusal,
    consumer_timeout_s,
)

VISIBILITY_TIMEOUT_S = {"redis": 3600.0, "sqs": 1800.0}
"""Default `visibility_timeout` of the transports that have one, s."""


class TransportOptions(Config):
    """`broker_transport_options`."""

    not_modelled = NotModelled("celery", "transport options")

    visibility_timeout: PositiveSeconds | None = None
    """redis, sqs: a message not acknowledged for this long is delivered again (CE-06); with redis
    until any of its copies is acknowledged (CE-11). Null: 1 h with redis, 30 min with sqs."""
    unacked_restore_interval: PositiveSeconds = 10.0
    """redis: a worker's event loop thinks of looking for such messages this often…"""
    unacked_restore_throttle: PositiveCount = 10
    """…and does so every so many times: every 100 s."""


class CelerySettings(Config):
    """The application's configuration (`celeryconfig.py`)."""

    not_modelled = NotModelled("celery", "settings")

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
    worker_disable_prefetch: bool = False
    """redis: a worker asks for a task only when a child is free, whenever it acknowledges (5.6,
    CE-13; https://docs.celeryq.dev/en/stable/userguide/configuration.html#worker-disable-prefetch);
    tasks that wait for their ETA do not count."""
    worker_eta_task_limit: PositiveCount | None = None
    """A worker asks for one more message for each that it holds for its ETA, but for no more than
    this in all (5.6, CE-14); null: for any number. When an ETA comes it asks for one less, also if
    it had not asked for one more: once the limit was reached, it prefetches less, down to one,
    until it is connected anew (`QoS` in kombu/common.py)."""
    worker_soft_shutdown_timeout: Seconds = 0.0
    """A cold shutdown waits this long for running tasks before it cancels them (5.5)."""
    worker_enable_soft_shutdown_on_idle: bool = False
    """It does so also where none is running, but tasks may be held for their ETA (5.5, CE-15);
    false: then the worker ends at once."""
    broker_heartbeat: Seconds = 120.0
    """rabbitmq: a worker that is not heard of for this long is disconnected."""
    broker_transport_options: TransportOptions = TransportOptions()
    """Options of the transport."""


_OF_TASK = ("acks_late", "reject_on_worker_lost", "acks_on_failure_or_timeout")
"""Options of a task that say otherwise what a setting says of all of them."""
_OF_LATE = _OF_TASK[1:]
"""Those that have no effect on a task that is acknowledged early."""
_OF_RETRIES = (
    "max_retries", "default_retry_delay", "retry_backoff", "retry_backoff_max", "retry_jitter"
)  # fmt: skip


class CeleryTask(Config):
    """Options of the task that every message of a queue calls."""

    not_modelled = NotModelled("celery", "task")

    acks_late: bool | None = None
    """As `task_acks_late`, of this task; null: what that says."""
    reject_on_worker_lost: bool | None = None
    """As `task_reject_on_worker_lost`, of this task; null: what that says."""
    acks_on_failure_or_timeout: bool | None = None
    """As `task_acks_on_failure_or_timeout`, of this task; null: what that says."""
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


class CeleryQueueArguments(Config):
    """`queue_arguments` of a queue in `task_queues`; it is a classic one."""

    not_modelled = NotModelled("celery", "queue arguments")

    consumer_timeout: PositiveMilliseconds | None = Field(default=None, alias="x-consumer-timeout")
    """rabbitmq, 3.12 to 4.2: instead of the broker's `consumer_timeout`, ms; null: that."""


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
    queue_arguments: CeleryQueueArguments = CeleryQueueArguments()
    """Optional arguments of the queue."""

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers


ONE_WAY = {
    "redis": Distribution(constant=0.0001),
    "rabbitmq": Distribution(constant=ROUND_TRIP_S / 2),
    "sqs": lognormal(0.012, 0.080),
}
"""From a client to the broker or back. Redis: "the typical latency of a 1 Gbit/s network is about
200 us" (https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/), there
and back. SQS: a call, an assumption of the lab."""


class CeleryLatency(Config):
    """Time spent between clients and broker, where no measurement of your own is given.

    Null: with rabbitmq and redis half a round trip, of 0.3 ms (see `rabbitmq`) and 0.2 ms (a
    network of 1 Gbit/s, as Redis's documentation has it); with sqs median 12 ms and p99 80 ms.
    """

    publish: Distribution | None = None
    """From the call of a task until its message is in the queue."""
    deliver: Distribution | None = None
    """From the broker sending a message to the worker having it."""
    ack: Distribution | None = None
    """From the worker sending an acknowledgement to the broker having it."""
    reopen: Seconds = 1.0
    """rabbitmq: from a worker losing its channel, which ends it, to the next one consuming."""


class CeleryCeilings(Ceilings):
    """What a worker's main process can do: it fetches, hands over and acknowledges one by one.

    With redis it waits for three round trips a task (kombu/transport/redis.py: BRPOP; ZADD and
    HSET, pipelined; ZREM and HDEL, pipelined), with sqs for one, its DeleteMessage; over rabbitmq
    for none. Processor times were measured: Celery 5.7.0, Python 3.11, Redis 7.0, 3,000 tasks that
    do nothing, November 2026, x86-64.
    """

    task: Seconds = 0.00063
    """Processor time of the main process for each task (0.61 to 0.64 ms in four runs)."""
    child: Seconds = 0.00013
    """Processor time of a child process for each task, besides the task's own."""


class CelerySystem(ProductSystem):
    """A Celery application: its broker, and queues with workers; every message goes to each."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["celery"]
    """`celery`"""
    broker: Literal["redis", "rabbitmq", "sqs"] = "rabbitmq"
    """Where the messages are."""
    broker_version: RabbitmqVersion = "4.2"
    """rabbitmq: until 4.2 a worker that does not acknowledge a message for `consumer_timeout`, also
    one that it holds for its ETA, loses its channel and all that it holds (RQ-06); from 4.3 only
    quorum queues do that, and the lab's Celery has classic ones. The default is what Celery's
    documentation warns of."""
    consumer_timeout: PositiveMilliseconds | None = CONSUMER_TIMEOUT_MS
    """rabbitmq: that time, ms, by the broker's rabbitmq.conf, looked at once a minute; null: never
    (`undefined` in advanced.config)."""
    config: CelerySettings = CelerySettings()
    """Settings of the application."""
    remap_sigterm: Literal["SIGQUIT"] | None = Field(default=None, alias="REMAP_SIGTERM")
    """Environment variable: SIGTERM is a cold shutdown; null: a warm one (CE-08)."""
    queues: dict[Name, CeleryQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: CeleryLatency = CeleryLatency()
    """Network and broker."""
    ceilings: CeleryCeilings = CeleryCeilings()
    """What a worker can do at most; off: anything."""

    @model_validator(mode="after")
    def _of_the_broker(self) -> Self:
        why: str | None = "'x-consumer-timeout' is of RabbitMQ"
        if self.broker == "rabbitmq":
            why = consumer_timeout_refusal(self.broker_version, "classic")
        settings = self.config
        if self.prefetches_none and settings.worker_eta_task_limit is not None:
            of = [("config", "worker_eta_task_limit"), ("config", "worker_disable_prefetch")]
            raise RefusedError(
                [Refusal(tuple(of), "the lab knows one of these settings at a time")]
            )
        keys = [
            ("queues", name, "queue_arguments", "x-consumer-timeout")
            for name, queue in self.queues.items()
            if queue.queue_arguments.consumer_timeout is not None
        ]
        if why is not None and keys:
            at = ("broker_version",) if self.broker == "rabbitmq" else ("broker",)
            raise RefusedError([Refusal((key, at), why) for key in keys])
        return self

    @property
    def prefetches_none(self) -> bool:
        """Whether workers ask for a task only when a child is free."""
        return self.config.worker_disable_prefetch and self.broker == "redis"

    @property
    def readers(self) -> Mapping[str, CeleryQueue]:
        """The queues by name."""
        return self.queues

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of retries, of tasks that are never tried again, and of late acks of early ones.

        And of prefetching, where nothing is prefetched, or the broker knows no other way.
        """
        if self.config.worker_disable_prefetch and self.broker != "redis":
            yield (
                ("config", "worker_disable_prefetch"),
                "has an effect only with 'broker: redis'",
            )
        elif self.config.worker_disable_prefetch and self.config.given(
            "worker_prefetch_multiplier"
        ):
            yield (
                ("config", "worker_prefetch_multiplier"),
                "has no effect with 'worker_disable_prefetch'",
            )
        yield from self._shutdown_without_effect()
        if self.config.worker_eta_task_limit is not None:
            why = ""
            if self.config.worker_prefetch_multiplier == 0:
                why = "has no effect with 'worker_prefetch_multiplier: 0'"
            elif not any(q.task.countdown or q.task.autoretry_for for q in self.queues.values()):
                why = "no task has an ETA: see 'countdown' and 'autoretry_for'"
            if why:
                yield ("config", "worker_eta_task_limit"), why
        for name, queue in self.queues.items():
            if not self.settings_of(queue.task).task_acks_late:
                for key in _OF_LATE:
                    if getattr(queue.task, key) is not None:
                        why = "has an effect only with 'acks_late'"
                        yield ("queues", name, "task", key), why
            if not queue.task.autoretry_for:
                for key in _OF_RETRIES:
                    if key in queue.task.model_fields_set:
                        why = "has an effect only with 'autoretry_for', which says what to retry"
                        yield ("queues", name, "task", key), why

    def _shutdown_without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        settings = self.config
        key = "worker_enable_soft_shutdown_on_idle"
        if settings.worker_enable_soft_shutdown_on_idle and not self.waits_on_idle:
            why = "has an effect only with 'worker_soft_shutdown_timeout' and 'REMAP_SIGTERM'"
            yield ("config", key), why

    @property
    def waits_on_idle(self) -> bool:
        """Whether a worker that is told to stop waits though it has nothing to do (CE-15)."""
        soft = self.config.worker_soft_shutdown_timeout > 0 and self.remap_sigterm is not None
        return soft and self.config.worker_enable_soft_shutdown_on_idle

    def settings_of(self, task: CeleryTask) -> CelerySettings:
        """The application's settings as they are for a task: its own options come first.

        (`Task.from_config` in `celery/app/task.py`: a setting fills in what a task leaves open.)
        """
        given = {name: getattr(task, name) for name in _OF_TASK}
        its = {f"task_{name}": value for name, value in given.items() if value is not None}
        return self.config.model_copy(update=its)

    @property
    def visibility_timeout_s(self) -> float:
        """After which an unacknowledged message is delivered again, s; inf: never."""
        given = self.config.broker_transport_options.visibility_timeout
        if self.broker == "rabbitmq":
            return float("inf")
        return VISIBILITY_TIMEOUT_S[self.broker] if given is None else given

    def consumer_timeout_s(self, arguments: CeleryQueueArguments) -> float:
        """After which a worker that does not acknowledge loses its channel, s; inf: never."""
        if self.broker != "rabbitmq":
            return float("inf")
        return consumer_timeout_s(
            self.broker_version, "classic", arguments.consumer_timeout, self.consumer_timeout
        )

    def duration_of(self, call: Literal["publish", "deliver", "ack"]) -> Distribution:
        """How long a step between clients and broker takes."""
        given: Distribution | None = getattr(self.latency, call)
        return ONE_WAY[self.broker] if given is None else given
