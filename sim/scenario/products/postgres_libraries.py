"""Libraries that keep a queue in PostgreSQL: their own keys, defaults and units.

Each says the same of itself in one set of words (`Habits`): when a worker asks again, for how many
jobs, and what becomes of a job that failed or whose worker is gone. Left out, of all of them: the
jitter of retries, priorities, and jobs scheduled for later.
"""

from collections.abc import Iterator, Mapping
from math import e, inf
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import (
    Count,
    Milliseconds,
    PositiveCount,
    PositiveMilliseconds,
    PositiveSeconds,
    Seconds,
)


class Retries(NamedTuple):
    """How long a job that failed waits for retry n: base_s + wait_s * growth^(n - 1) * n^power."""

    most: float = inf
    """Retries in all; inf: without end."""
    wait_s: float = 0.0
    growth: float = 1.0
    power: int = 0
    base_s: float = 0.0
    most_s: float = inf


class Habits(NamedTuple):
    """What a library makes its workers and jobs do. Times in s."""

    batch: int = 1
    """Jobs of a fetch."""
    every_s: float = 0.0
    """From one fetch of a worker to the next, at least."""
    every_least_s: float = 0.0
    """What is left of that and no more is not waited for."""
    poll_s: float = 0.0
    """After a fetch that found nothing."""
    notify: bool = False
    """LISTEN and NOTIFY: a job that is inserted ends both waits, …"""
    notified_s: float = 0.0
    """… but for this, from one fetch to the next."""
    lease_s: float = inf
    """A job that is at work for longer is taken away; inf: never."""
    sweep_s: float = 0.0
    """How often leases are looked at; 0: at each fetch."""
    held: bool = False
    """A job is free again when its worker's process ends, …"""
    seen_s: float = 0.0
    """… which is noticed so much later."""
    dies: bool = False
    """… and has then failed for good."""
    in_order: bool = False
    """What comes back stands where it stood; else behind all others."""
    any_copy: bool = False
    """Who finishes a job that was taken away finishes it all the same."""
    retries: Retries | None = None
    """Of a job that failed; None: it waits until its lease is over, or is free at once if held."""


class Keys(NamedTuple):
    """What a library calls what may be a limit; "": it has no such key."""

    every: str = ""
    poll: str = ""
    batch: str = ""
    lease: str = ""
    retries: str = ""


class Library(Config):
    """Of any of the libraries."""

    @property
    def habits(self) -> Habits:
        """What it does."""
        raise NotImplementedError

    @property
    def names(self) -> Keys:
        """What it calls its limits."""
        raise NotImplementedError

    def idle_keys(self) -> Iterator[tuple[str, str]]:
        """Keys given that have no effect beside the others, and why."""
        return iter(())


class SkipLocked(Library):
    """A loop of one's own: `BEGIN; SELECT … ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1; …`.

    The transaction stays open while the worker works. When its connection ends, PostgreSQL rolls
    back, and the row is free again
    (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
    """

    poll_interval: Seconds = 1.0
    """Wait after a SELECT that found nothing, s (an assumption: it is yours)."""
    lease: PositiveSeconds | None = None
    """The worker notes that it has the row and commits, and another may have it after this, s.
    Null: it holds the row's lock until it is done, and a row whose work fails is free at once."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.poll_interval,
            lease_s=self.lease or inf,
            held=self.lease is None,
            in_order=True,
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="poll_interval", lease="lease")


class PgBoss(Library):
    """`work()` and the options of a queue.

    https://timgit.github.io/pg-boss/#/./api/workers and …/queues; of when a worker asks again:
    https://github.com/timgit/pg-boss/blob/master/src/worker.ts: `pollingIntervalSeconds` after the
    last fetch began, whether that found something or not; at once, where no more than 100 ms of it
    are left. Failed jobs go behind the others here, though pg-boss takes the oldest first.
    """

    not_modelled: ClassVar[Mapping[str, str]] = {
        "deadLetter": "the lab only counts what goes there",
        **dict.fromkeys(("deleteAfterSeconds", "includeMetadata", "policy", "priority"), ""),
        "heartbeatSeconds": "a job's worker is not asked for signs of life",
        "localConcurrency": "'workers' are places for work, in all processes",
        "retentionSeconds": "",
    }

    polling_interval_seconds: Annotated[Seconds, Field(ge=0.5)] = Field(
        default=2.0, alias="pollingIntervalSeconds"
    )
    """From one fetch of a worker to the next, s; 0.5 at least."""
    batch_size: PositiveCount = Field(default=1, alias="batchSize")
    """Jobs of a fetch, worked on one after the other and completed together."""
    notify: bool = False
    """Of the queue: a job that is inserted wakes its workers."""
    retry_limit: Count = Field(default=2, alias="retryLimit")
    """Retries; then the job has failed."""
    retry_delay: Seconds = Field(default=0.0, alias="retryDelay")
    """Wait before a retry, s."""
    retry_backoff: bool = Field(default=False, alias="retryBackoff")
    """Each wait is twice the one before, from `retryDelay`, or from 1 s."""
    retry_delay_max: PositiveSeconds | None = Field(default=None, alias="retryDelayMax")
    """No wait is longer, s; null: any."""
    expire_in_seconds: PositiveSeconds = Field(default=900.0, alias="expireInSeconds")
    """A job that is active for longer has failed, and is retried, s."""
    monitor_interval_seconds: PositiveSeconds = Field(default=60.0, alias="monitorIntervalSeconds")
    """How often expired jobs are looked for, s."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        wait_s = max(1.0, self.retry_delay) if self.retry_backoff else self.retry_delay
        return Habits(
            batch=self.batch_size,
            every_s=self.polling_interval_seconds,
            every_least_s=0.1,
            notify=self.notify,
            lease_s=self.expire_in_seconds,
            sweep_s=self.monitor_interval_seconds,
            retries=Retries(
                self.retry_limit,
                wait_s,
                growth=2.0 if self.retry_backoff else 1.0,
                most_s=self.retry_delay_max or inf,
            ),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(
            every="pollingIntervalSeconds",
            batch="batchSize",
            lease="expireInSeconds",
            retries="retryLimit",
        )

    def idle_keys(self) -> Iterator[tuple[str, str]]:
        """As `Library.idle_keys`."""
        if self.given("retryDelayMax") and not self.retry_backoff:
            yield "retryDelayMax", "without 'retryBackoff' no wait grows"


class River(Library):
    """The `Config` of a client: https://pkg.go.dev/github.com/riverqueue/river#Config.

    A client fetches no sooner than `FetchCooldown` after its last fetch, and once in
    `FetchPollInterval` or when it is notified of an insert, where it had found nothing. Retries
    wait n^4 s (`DefaultRetryPolicy`). Stuck jobs are rescued every 30 s (`JobRescuer`).
    """

    not_modelled: ClassVar[Mapping[str, str]] = {
        "JobTimeout": "no job is cancelled",
        "MaxWorkers": "'workers' are places for work, in all clients",
        **dict.fromkeys(
            (
                "CancelledJobRetentionPeriod", "CompletedJobRetentionPeriod",
                "DiscardedJobRetentionPeriod", "ID", "JobCleanerTimeout", "JobStuckThreshold",
                "ReindexerTimeout", "Schema", "SoftStopTimeout",
            ),
            "",
        ),
    }  # fmt: skip

    fetch_cooldown: PositiveMilliseconds = Field(default=100.0, alias="FetchCooldown")
    """From one fetch to the next at least, ms."""
    fetch_poll_interval: PositiveMilliseconds = Field(default=1000.0, alias="FetchPollInterval")
    """Between fetches where there is nothing, ms."""
    poll_only: bool = Field(default=False, alias="PollOnly")
    """true: no LISTEN."""
    max_attempts: PositiveCount = Field(default=25, alias="MaxAttempts")
    """Attempts of a job; then it is discarded."""
    rescue_stuck_jobs_after: PositiveSeconds = Field(default=3600.0, alias="RescueStuckJobsAfter")
    """A job that runs for longer is retried, s."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            every_s=self.fetch_cooldown / 1e3,
            poll_s=self.fetch_poll_interval / 1e3,
            notify=not self.poll_only,
            notified_s=self.fetch_cooldown / 1e3,
            lease_s=self.rescue_stuck_jobs_after,
            sweep_s=30.0,
            retries=Retries(self.max_attempts - 1, 1.0, power=4),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(
            every="FetchCooldown",
            poll="FetchPollInterval",
            lease="RescueStuckJobsAfter",
            retries="MaxAttempts",
        )


class GraphileWorker(Library):
    """`worker` of a preset: https://worker.graphile.org/docs/config.

    A worker that has found a job looks for the next at once. Retries wait e^n s, 22,026 s at most
    (https://worker.graphile.org/docs/exponential-backoff). A job that is locked for 4 h is free
    again, which is looked at every 8 to 10 min: 9 here.
    """

    not_modelled: ClassVar[Mapping[str, str]] = {
        "concurrentJobs": "'workers' are places for work, in all processes",
        **dict.fromkeys(("maxPoolSize", "preparedStatements", "schema", "taskDirectory"), ""),
    }

    poll_interval: PositiveMilliseconds = Field(default=2000.0, alias="pollInterval")
    """After a look that found nothing, ms; an insert is notified of."""
    max_attempts: PositiveCount = Field(default=25, alias="maxAttempts")
    """Of a job (`max_attempts`); then it stays failed."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.poll_interval / 1e3,
            notify=True,
            lease_s=4 * 3600.0,
            sweep_s=540.0,
            retries=Retries(self.max_attempts - 1, e, growth=e, most_s=e**10),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="pollInterval", retries="maxAttempts")


class Oban(Library):
    """Of a queue, of `Oban.Worker` and of `Oban.Plugins.Lifeline`.

    https://hexdocs.pm/oban/defining_queues.html, …/Oban.Worker.html (retries wait 15 + 2^n s),
    …/Oban.Plugins.Lifeline.html.
    """

    not_modelled: ClassVar[Mapping[str, str]] = {
        "limit": "'workers' are places for work, on all nodes",
        "global_limit": "",
    }

    dispatch_cooldown: PositiveMilliseconds = 5.0
    """From one fetch to the next at least, ms."""
    stage_interval: PositiveMilliseconds = 1000.0
    """Between fetches where there is nothing, ms; an insert is notified of."""
    max_attempts: PositiveCount = 20
    """Attempts of a job; then it is discarded."""
    rescue_after: PositiveMilliseconds | None = None
    """Lifeline: a job that executes for longer is available again, ms (60 min by the plugin's
    default); null: without the plugin it is for ever executing."""
    interval: PositiveMilliseconds = 60_000.0
    """Lifeline: how often it looks, ms."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        rescued = self.rescue_after is not None
        return Habits(
            every_s=self.dispatch_cooldown / 1e3,
            poll_s=self.stage_interval / 1e3,
            notify=True,
            notified_s=self.dispatch_cooldown / 1e3,
            lease_s=self.rescue_after / 1e3 if self.rescue_after is not None else inf,
            sweep_s=self.interval / 1e3 if rescued else 0.0,
            retries=Retries(self.max_attempts - 1, 2.0, growth=2.0, base_s=15.0),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(
            every="dispatch_cooldown",
            poll="stage_interval",
            lease="rescue_after",
            retries="max_attempts",
        )

    def idle_keys(self) -> Iterator[tuple[str, str]]:
        """As `Library.idle_keys`."""
        if self.given("interval") and self.rescue_after is None:
            yield "interval", "without 'rescue_after' there is no Lifeline"


class SolidQueue(Library):
    """Of a worker in `config/queue.yml`: https://github.com/rails/solid_queue#configuration.

    It does not retry: a job that raises has failed, and so have those of a process that is found
    dead.
    """

    not_modelled: ClassVar[Mapping[str, str]] = {
        "batch_size": "of a dispatcher, which moves jobs that are scheduled for later",
        "processes": "'workers' are places for work, in all processes",
        "process_heartbeat_interval": "",
        "queues": "",
        "threads": "'workers' are places for work, in all processes",
    }

    polling_interval: Seconds = 0.1
    """After a poll that found nothing, s."""
    process_alive_threshold: PositiveSeconds = 300.0
    """A process that has given no sign of life for so long is dead, s; its jobs have failed."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.polling_interval,
            held=True,
            seen_s=self.process_alive_threshold,
            dies=True,
            retries=Retries(0),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="polling_interval", lease="process_alive_threshold")


class Pgmq(Library):
    """`pgmq.read` and `pgmq.read_with_poll`: https://github.com/pgmq/pgmq/blob/main/docs/api/sql.

    The loop around it deletes a batch when it is done. It has no limit of deliveries.
    """

    vt: PositiveSeconds = 30.0
    """Visibility timeout, s: a message that is not deleted is visible again after it. SQL has no
    default; clients have 30."""
    qty: PositiveCount = 1
    """Messages of a read."""
    poll_interval_ms: Milliseconds = 100.0
    """After a read that found nothing, ms, as `read_with_poll` looks again."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            batch=self.qty,
            poll_s=self.poll_interval_ms / 1e3,
            lease_s=self.vt,
            in_order=True,
            any_copy=True,
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="poll_interval_ms", batch="qty", lease="vt")
