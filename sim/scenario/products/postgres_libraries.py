"""Libraries that keep a queue in PostgreSQL: their own keys, defaults and units.

Each says the same of itself in one set of words (`Habits`): when a worker asks again, for how many
jobs, and what becomes of a job that failed or whose worker is gone. Left out, of all of them: the
jitter of retries (the mean is taken where it is wide), priorities, and jobs scheduled for later.
Names, defaults and formulas were read in the sources of 2026-08 that each class names (pgmq:
2025-05); what is the lab's own says so.
"""

from collections.abc import Iterator
from math import e, inf
from typing import Annotated, Literal, NamedTuple

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
from sim.scenario.products.not_modelled import NotModelled


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
    lease_waits: bool = False
    """A job that is taken away waits like one that failed; else it is free at once."""
    any_copy: bool = False
    """Who finishes a job that was taken away finishes it all the same, while another is at it, …"""
    any_time: bool = False
    """… and while nobody is."""
    dead_taken: int = 1
    """Rows of the index by which jobs are found that are dead once a job is taken: its old version,
    or its row, …"""
    dead_done: int = 0
    """… and the same once it is done."""
    passes: Literal["", "locked_row", "leased_row"] = ""
    """Which rows a fetch passes that others have at work: its index has them among those that
    wait; "": none."""
    waits: bool = False
    """A fetch waits while others have rows."""
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
    notify: bool = False
    """An INSERT notifies, and workers LISTEN: each of those that wait asks at once
    (https://www.postgresql.org/docs/current/sql-notify.html)."""
    lease: PositiveSeconds | None = None
    """The worker notes that it has the row and commits, and another may have it after this, s.
    Null: it holds the row's lock until it is done, and a row whose work fails is free at once."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.poll_interval,
            notify=self.notify,
            lease_s=self.lease or inf,
            held=self.lease is None,
            in_order=True,
            dead_taken=int(self.lease is not None),
            dead_done=1,
            passes="locked_row" if self.lease is None else "leased_row",
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="poll_interval", lease="lease")


class ForUpdate(Library):
    """The same loop without SKIP LOCKED: `BEGIN; SELECT … ORDER BY id LIMIT 1 FOR UPDATE; …`.

    A SELECT waits while another worker has the first row locked, which it has until it is done: one
    job is at work at a time, whatever the number of workers. Then it takes the next row of those
    that were committed as it began, or finds nothing where all came later
    (https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED).
    A loop that notes a lease and commits keeps rows locked for a statement only: that wait is left
    out.
    """

    poll_interval: Seconds = 1.0
    """Wait after a SELECT that found nothing, s (an assumption: it is yours)."""
    notify: bool = False
    """An INSERT notifies, and workers LISTEN: each of those that wait asks at once; one that waits
    for a row hears of it afterwards."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.poll_interval,
            notify=self.notify,
            held=True,
            in_order=True,
            dead_taken=0,
            dead_done=1,
            waits=True,
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="poll_interval")


class PgBoss(Library):
    """`work()` and the options of a queue: https://github.com/timgit/pg-boss, 12.27.

    When a worker asks again (src/worker.ts): `pollingIntervalSeconds` after the last fetch began,
    whether that found something or not; at once, where no more than 100 ms of it are left. A job
    that comes back stands where it stood, by `created_on` (`fetchNextJob` in src/plans.ts); here
    only one that expired does, and one that failed goes behind the others. What expires waits for
    its retry like what failed (`failJobsByTimeout`).

    A worker that lives gives a batch up by itself when the longest `expireInSeconds` of it are over
    (`#processJobs` in src/manager.ts), so nothing counts that is finished later. Here such a job is
    taken away at the next look, and its worker is busy until it is done. Only the job that failed
    is retried here; in pg-boss its whole batch is, unless the handler says which.
    """

    not_modelled = NotModelled("postgres", "pg-boss")

    polling_interval_seconds: Annotated[Seconds, Field(ge=0.5)] = Field(
        default=2.0, alias="pollingIntervalSeconds"
    )
    """From one fetch of a worker to the next, s; 0.5 at least (`applyPollingInterval` in
    src/attorney.ts)."""
    batch_size: PositiveCount = Field(default=1, alias="batchSize")
    """Jobs of a fetch, worked on one after the other and completed together."""
    notify: bool = False
    """Of the queue, with `useListenNotify` of the instance: a job that is inserted wakes its
    workers, …"""
    notify_polling_interval_seconds: Annotated[Seconds, Field(ge=0.5)] = Field(
        default=30.0, alias="notifyPollingIntervalSeconds"
    )
    """… which else fetch only so often, s, or each `pollingIntervalSeconds` where that is longer
    (docs/api/workers.md)."""
    retry_limit: Count = Field(default=2, alias="retryLimit")
    """Retries; then the job has failed (`QUEUE_DEFAULTS` in src/plans.ts, as what follows)."""
    retry_delay: Seconds = Field(default=0.0, alias="retryDelay")
    """Wait before a retry, s."""
    retry_backoff: bool = Field(default=False, alias="retryBackoff")
    """The wait before retry n is `retryDelay`, or 1 s, times something from 2^(n - 1) to 2^n; 2^16
    at most (`failJobsBody`). Here it is the mean of the two."""
    retry_delay_max: PositiveSeconds | None = Field(default=None, alias="retryDelayMax")
    """No wait is longer, s; null: any."""
    expire_in_seconds: PositiveSeconds = Field(default=900.0, alias="expireInSeconds")
    """A job that is active for longer has failed, and is retried, s."""
    monitor_interval_seconds: PositiveSeconds = Field(default=60.0, alias="monitorIntervalSeconds")
    """How often expired jobs are looked for, s (src/attorney.ts; `superviseIntervalSeconds` is 60 s
    too)."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        wait_s, most_s = self.retry_delay, inf
        if self.retry_backoff:
            wait_s = 1.5 * max(1.0, self.retry_delay)
            most_s = min(self.retry_delay_max or inf, wait_s * 2.0**15)
        every_s = self.polling_interval_seconds
        return Habits(
            batch=self.batch_size,
            every_s=max(every_s, self.notify_polling_interval_seconds) if self.notify else every_s,
            every_least_s=0.1,
            notify=self.notify,
            lease_s=self.expire_in_seconds,
            sweep_s=self.monitor_interval_seconds,
            in_order=True,
            lease_waits=True,
            retries=Retries(
                self.retry_limit,
                wait_s,
                growth=2.0 if self.retry_backoff else 1.0,
                most_s=most_s,
            ),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        backstop = self.notify and (
            self.notify_polling_interval_seconds >= self.polling_interval_seconds
        )
        return Keys(
            every="notifyPollingIntervalSeconds" if backstop else "pollingIntervalSeconds",
            batch="batchSize",
            lease="expireInSeconds",
            retries="retryLimit",
        )

    def idle_keys(self) -> Iterator[tuple[str, str]]:
        """As `Library.idle_keys`."""
        if self.given("retryDelayMax") and not self.retry_backoff:
            yield "retryDelayMax", "without 'retryBackoff' no wait grows"
        if self.given("notifyPollingIntervalSeconds") and not self.notify:
            yield "notifyPollingIntervalSeconds", "without 'notify' it is 'pollingIntervalSeconds'"


class River(Library):
    """The `Config` of a client: https://pkg.go.dev/github.com/riverqueue/river#Config.

    Read in https://github.com/riverqueue/river, 0.43. A client fetches no sooner than
    `FetchCooldown` after its last fetch, and once in `FetchPollInterval` (up to a tenth more, which
    is left out) or when it is notified of an insert, where it had found nothing (producer.go).
    Retries wait n^4 s, give or take a tenth (internal/retrypolicy/default.go). Stuck jobs are
    rescued every 30 s (internal/maintenance/job_rescuer.go), and wait n^4 s too; here they are
    free at once.

    Who finishes a job late finishes it while it is `running`, whoever runs it; one that waits for
    its retry stays there (`JobSetStateIfRunningMany` in
    riverdriver/riverpgxv5/internal/dbsqlc/river_job.sql).
    """

    not_modelled = NotModelled("postgres", "river")

    fetch_cooldown: PositiveMilliseconds = Field(default=100.0, alias="FetchCooldown")
    """From one fetch to the next at least, ms."""
    fetch_poll_interval: PositiveMilliseconds = Field(default=1000.0, alias="FetchPollInterval")
    """Between fetches where there is nothing, ms."""
    poll_only: bool = Field(default=False, alias="PollOnly")
    """true: no LISTEN."""
    max_attempts: PositiveCount = Field(default=25, alias="MaxAttempts")
    """Attempts of a job; then it is discarded (internal/rivercommon/river_common.go)."""
    rescue_stuck_jobs_after: PositiveSeconds = Field(default=3600.0, alias="RescueStuckJobsAfter")
    """A job that runs for longer is retried, s (1 h, or `JobTimeout` and 1 h if that is longer:
    client.go)."""

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
            any_copy=True,
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

    Read in https://github.com/graphile/worker, main of 2026-07. A worker that has found a job looks
    for the next at once (src/worker.ts). Retries wait e^min(n, 10) s: 22,026 s at most
    (src/sql/failJobs.ts). A job that is locked for 4 h is free again, behind those that are due
    (src/sql/resetLockedAt.ts), which is looked at every 8 to 10 min (src/config.ts): 9 here.

    Who finishes a job late deletes it, whoever has it (src/sql/completeJobs.ts); one that fails
    late fails it only while it still has it, which is left out.
    """

    not_modelled = NotModelled("postgres", "graphile")

    poll_interval: PositiveMilliseconds = Field(default=2000.0, alias="pollInterval")
    """After a look that found nothing, ms; an insert is notified of."""
    max_attempts: PositiveCount = Field(default=25, alias="maxAttempts")
    """Of a job (`max_attempts`: sql/000018.sql); then it stays failed."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.poll_interval / 1e3,
            notify=True,
            lease_s=4 * 3600.0,
            sweep_s=540.0,
            any_copy=True,
            any_time=True,
            retries=Retries(self.max_attempts - 1, e, growth=e, most_s=e**10),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="pollInterval", retries="maxAttempts")


class Oban(Library):
    """Of Oban, of `Oban.Worker` and of Lifeline: https://github.com/oban-bg/oban, main of 2026-08.

    Retries wait 15 + 2^n s, and up to a tenth more, which is left out; with more than 20 attempts,
    2 to the n-th of their share of 20, there rounded (`backoff` in lib/oban/worker.ex). A job that
    Lifeline rescues is available at once, where it stood (`rescue_jobs` in
    lib/oban/engines/basic.ex).

    Who finishes a job late completes it, whatever its state and whoever has it (`complete_job`,
    there); while it waits for a retry, it does not here.
    """

    not_modelled = NotModelled("postgres", "oban")

    dispatch_cooldown: PositiveMilliseconds = 5.0
    """From one fetch to the next at least, ms: from 0 to twice that, the mean here
    (lib/oban/queues/producer.ex)."""
    stage_interval: PositiveMilliseconds = 1000.0
    """Between fetches where there is nothing, ms (`interval` of `stager`, of which it is the older
    name: lib/oban/stager.ex); an insert is notified of."""
    max_attempts: PositiveCount = 20
    """Attempts of a job; then it is discarded."""
    rescue_after: PositiveMilliseconds | None = None
    """Lifeline: a job that executes for longer is available again, ms (60 min by its default:
    lib/oban/lifeline.ex); null: without Lifeline, as by Oban's default, it executes for ever."""
    interval: PositiveMilliseconds = 60_000.0
    """Lifeline: how often it looks, ms."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        rescued = self.rescue_after is not None
        growth = 2.0 ** (20 / max(20, self.max_attempts))
        return Habits(
            every_s=self.dispatch_cooldown / 1e3,
            poll_s=self.stage_interval / 1e3,
            notify=True,
            notified_s=self.dispatch_cooldown / 1e3,
            lease_s=self.rescue_after / 1e3 if self.rescue_after is not None else inf,
            sweep_s=self.interval / 1e3 if rescued else 0.0,
            in_order=True,
            any_copy=True,
            any_time=True,
            retries=Retries(self.max_attempts - 1, growth, growth=growth, base_s=15.0),
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

    Read in 1.5.0. It does not retry: a job that raises has failed, and so have those of a process
    that is found dead (app/models/solid_queue/process/prunable.rb).

    A process that gives no sign of life for `process_alive_threshold` is dead; the supervisors of
    others look each `process_alive_threshold` (lib/solid_queue/supervisor/maintenance.rb), and it
    gave its last sign up to `process_heartbeat_interval` before its end. So it is seen after 4 to
    10 min by default: the lab takes the mean, 7. That is of a machine that is gone: where only the
    worker's process ends, its own supervisor sees it within a second
    (lib/solid_queue/fork_supervisor.rb), which the lab does not tell apart.
    """

    not_modelled = NotModelled("postgres", "solid_queue")

    polling_interval: Seconds = 0.1
    """After a poll that found nothing, s (lib/solid_queue/configuration.rb)."""
    process_alive_threshold: PositiveSeconds = 300.0
    """A process that has given no sign of life for so long is dead, s (lib/solid_queue.rb); its
    jobs have failed."""
    process_heartbeat_interval: PositiveSeconds = 60.0
    """Between signs of life, s (lib/solid_queue.rb)."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            poll_s=self.polling_interval,
            held=True,
            seen_s=max(
                0.0, 1.5 * self.process_alive_threshold - 0.5 * self.process_heartbeat_interval
            ),
            dies=True,
            retries=Retries(0),
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="polling_interval", lease="process_alive_threshold")


class Pgmq(Library):
    """`pgmq.read` and `pgmq.read_with_poll`: https://github.com/pgmq/pgmq/blob/main/docs/api/sql.

    Read in pgmq-extension/sql/pgmq.sql, 1.5.1: messages by `msg_id`, and `pgmq.delete` deletes
    whoever has read the message since. The loop around it deletes a batch when it is done (an
    assumption: it is yours). There is no limit of deliveries.
    """

    not_modelled = NotModelled("postgres", "pgmq")

    vt: PositiveSeconds = 30.0
    """Visibility timeout, s: a message that is not deleted is visible again after it. SQL has no
    default; the clients in the same repository have 30 (tembo-pgmq-python, pgmq-rs)."""
    qty: PositiveCount = 1
    """Messages of a read."""
    poll_interval_ms: Milliseconds = 100.0
    """After a read that found nothing, ms, as `read_with_poll` looks again; 250 in pgmq-rs."""

    @property
    def habits(self) -> Habits:
        """As `Library.habits`."""
        return Habits(
            batch=self.qty,
            poll_s=self.poll_interval_ms / 1e3,
            lease_s=self.vt,
            in_order=True,
            any_copy=True,
            any_time=True,
            dead_done=1,
            passes="leased_row",
        )

    @property
    def names(self) -> Keys:
        """As `Library.names`."""
        return Keys(poll="poll_interval_ms", batch="qty", lease="vt")
