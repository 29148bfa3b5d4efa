"""RQ 2 (Redis Queue), by the names of its arguments: Python workers, and jobs in a list of Redis.

https://python-rq.org/docs/workers/, …/docs/jobs/, …/docs/exceptions/; behaviour, in rq/rq:
`rq/worker.py` (`get_heartbeat_ttl`, `should_run_maintenance_tasks`), `rq/registry.py`
(`StartedJobRegistry.cleanup`) and `rq/job.py`.

A worker forks a process for each job; what that costs belongs into the time of the job.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import Count, PositiveCount, PositiveSeconds, Seconds
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Jobs, Name, ProductSystem, Selection
from sim.scenario.products.not_modelled import NotModelled
from sim.scenario.products.sidekiq import JobCeilings, JobLatency


class RqRetry(Config):
    """`Retry(max, interval)` of a job."""

    shorthand = "max"

    max: Count
    """How often a job that failed is tried again."""
    interval: Seconds = 0.0
    """It waits so long before (a worker with `with_scheduler` is needed then); a list of intervals
    is not modelled."""


class RqJob(Config):
    """Arguments of `Queue.enqueue`."""

    not_modelled = NotModelled("rq", "job")

    job_timeout: PositiveSeconds | None = 180.0
    """A job that takes longer is ended, and has failed (RB-02). Null: as -1, no limit."""
    retry: RqRetry | None = None
    """A number is `max`, at once. Null: a job that fails goes to the FailedJobRegistry, which is no
    loss: the lab counts it as dead-lettered."""


class RqWorker(Config):
    """Arguments of `Worker`."""

    not_modelled = NotModelled("rq", "worker")

    job_monitoring_interval: PositiveSeconds = 30.0
    """A worker at work says so often that it is; a job of which nothing is heard for 60 s more
    counts as abandoned (RB-01)."""
    maintenance_interval: PositiveSeconds = 600.0
    """Abandoned jobs are looked for this often, by a worker before it takes its next job: here by
    all at the same times from the start of the run on, and not by one that starts. They are tried
    again if `retry` has any left, else they have failed."""


class RqQueue(Config):
    """A queue and its workers."""

    workers: PositiveCount
    """Worker processes, each with a job at a time."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done by the function."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages for which a job is enqueued; null:
    for all."""
    worker: RqWorker = RqWorker()
    """Of the workers."""
    job: RqJob = RqJob()
    """Of the jobs."""

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers

    @property
    def heard_s(self) -> float:
        """A job is abandoned when nothing has been heard of it for so long, s."""
        return self.worker.job_monitoring_interval + 60.0


class RqSystem(ProductSystem):
    """Queues of RQ with their workers, over one Redis; every message is a job in each."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["rq"]
    """`rq`"""
    queues: dict[Name, RqQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: JobLatency = JobLatency()
    """Network."""
    ceilings: JobCeilings = JobCeilings()
    """What Redis can do at most, for each queue; off: anything."""

    @property
    def readers(self) -> Mapping[str, RqQueue]:
        """The queues by name."""
        return self.queues

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """An interval of retries that are not made."""
        for name, queue in self.queues.items():
            retry = queue.job.retry
            if retry is not None and retry.max == 0 and retry.interval:
                at = ("queues", name, "job", "retry", "interval")
                yield at, "has an effect only with 'max' of 1 or more"
