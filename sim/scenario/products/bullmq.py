"""BullMQ 5, by the names of its options: Node.js workers, and jobs in Redis.

Options of a worker: https://api.docs.bullmq.io/interfaces/v5.WorkerOptions.html; of a job:
https://api.docs.bullmq.io/interfaces/v5.BaseJobOptions.html. Behaviour: `src/classes/worker.ts`,
`src/classes/lock-manager.ts`, `src/commands/moveStalledJobsToWait-9.lua` and
`src/commands/includes/prepareJobForProcessing.lua` in taskforcesh/bullmq.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import (
    Count,
    Distribution,
    Milliseconds,
    PositiveCount,
    PositiveMilliseconds,
    Ratio,
    Seconds,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Ceilings, Jobs, Name, ProductSystem, Selection
from sim.scenario.products.not_modelled import NotModelled


class BullmqLimiter(Config):
    """`limiter` of a worker: of all workers of the queue together."""

    max: PositiveCount
    """Jobs that are handed over…"""
    duration: PositiveMilliseconds
    """…in so many ms from the first of them; then the next span begins with the next job."""


class BullmqWorker(Config):
    """Options of a `Worker`."""

    not_modelled = NotModelled("bullmq", "worker")

    concurrency: PositiveCount = 1
    """Jobs that a worker has in hand at once."""
    lock_duration: PositiveMilliseconds = Field(default=30_000.0, alias="lockDuration")
    """A job's lock ends so many ms after it was set or renewed."""
    lock_renew_time: PositiveMilliseconds | None = Field(default=None, alias="lockRenewTime")
    """A worker's timer fires each half of this, ms, and renews the locks of jobs that it has had
    for longer than that half; null: half of `lockDuration`."""
    skip_lock_renewal: bool = Field(default=False, alias="skipLockRenewal")
    """Renew no lock."""
    stalled_interval: PositiveMilliseconds = Field(default=30_000.0, alias="stalledInterval")
    """One of the workers looks for stalled jobs this often: those without a lock that were at work
    when it looked before (BM-02)."""
    skip_stalled_check: bool = Field(default=False, alias="skipStalledCheck")
    """Never look for them."""
    max_stalled_count: Count = Field(default=1, alias="maxStalledCount")
    """A job that has stalled more often than this goes to the failed ones (BM-03)."""
    limiter: BullmqLimiter | None = None
    """How many jobs may begin in a span (BM-05); null: any number."""


class BullmqBackoff(Config):
    """`backoff` of a job: how long it waits for its next attempt."""

    shorthand = "delay"

    type: Literal["fixed", "exponential"] = "fixed"
    """The same each time; or `delay` · 2^(attempts made - 1)."""
    delay: Milliseconds = 0.0
    """ms."""
    jitter: Ratio = 0.0
    """Share of the wait that is random."""


class BullmqJob(Config):
    """Options of a job: `defaultJobOptions` of its queue."""

    not_modelled = NotModelled("bullmq", "job")

    attempts: Count = 1
    """How often a job is tried in all; 0 is 1. (BullMQ's default is 0.)"""
    backoff: BullmqBackoff = BullmqBackoff()
    """Wait before the next attempt; a number is a fixed one, ms. At its end, and without one, the
    job goes behind those that wait."""
    delay: Milliseconds = 0.0
    """A job is to wait so many ms before it can be taken."""
    remove_on_fail: bool | Count | dict[str, Any] = Field(default=False, alias="removeOnFail")
    """true: a job that failed for good is deleted; else it stays in the failed set, which is no
    loss: the lab counts it as dead-lettered."""


class BullmqQueue(Config):
    """A queue and its workers."""

    workers: PositiveCount
    """Worker processes, each with a `Worker`."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done by the processor."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages for which a job is added; null:
    for all."""
    cpu_bound: bool = False
    """The processor never yields: it keeps the event loop of its worker to itself. One job runs at
    a time, and no lock is renewed meanwhile (BM-04). A sandboxed processor does not do that."""
    worker: BullmqWorker = BullmqWorker()
    """Options of the workers."""
    default_job_options: BullmqJob = Field(default=BullmqJob(), alias="defaultJobOptions")
    """Options of the jobs."""

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers

    @property
    def lanes(self) -> int:
        """Jobs that a worker is at work on at once."""
        return 1 if self.cpu_bound else self.worker.concurrency

    @property
    def renew_s(self) -> float:
        """How often a worker's timer fires that renews locks, s; inf: never."""
        if self.worker.skip_lock_renewal:
            return float("inf")
        renew_ms = self.worker.lock_renew_time or self.worker.lock_duration / 2
        return renew_ms / 2_000.0


REDIS_ONE_WAY = Distribution(constant=0.0001)
"""From a client to Redis or back: "the typical latency of a 1 Gbit/s network is about 200 us"
(https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/), both ways."""


class BullmqLatency(Config):
    """Time spent between clients and Redis, where no measurement of your own is given."""

    publish: Distribution = REDIS_ONE_WAY
    """From `Queue.add` until the job is in the queue."""
    deliver: Distribution = REDIS_ONE_WAY
    """From Redis to the worker."""
    ack: Distribution = REDIS_ONE_WAY
    """From the worker to Redis, with what became of a job."""


class BullmqCeilings(Ceilings):
    """What Redis can do at most: it runs one script after the other, in one thread.

    From BullMQ's own figures for 1, 5 and 10 workers, 4,111, 12,363 and 16,501 jobs a second
    (https://hexdocs.pm/bullmq/benchmarks.html: jobs that do nothing, Redis 7.4 on an Apple M2 Pro).
    The universal scalability law meets all three with a serial share of 0.166 and no share of
    coherence: a ceiling of 24,800 jobs a second.
    """

    publish: Seconds = 0.0
    """Redis's time to add a job. (No figure is published of it by itself.)"""
    deliver: Seconds = 0.0000403
    """Redis's time to hand a job over, renew its lock and take in what became of it."""


class BullmqSystem(ProductSystem):
    """Queues of BullMQ with their workers, over one Redis; every message is a job in each."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["bullmq"]
    """`bullmq`"""
    queues: dict[Name, BullmqQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: BullmqLatency = BullmqLatency()
    """Network."""
    ceilings: BullmqCeilings = BullmqCeilings()
    """What Redis can do at most, for each queue; off: anything."""

    @property
    def readers(self) -> Mapping[str, BullmqQueue]:
        """The queues by name."""
        return self.queues

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of renewals and checks that are skipped, and of retries of what is tried once."""
        for name, queue in self.queues.items():
            worker, job, at = queue.worker, queue.default_job_options, ("queues", name)
            if worker.skip_lock_renewal and worker.given("lockRenewTime"):
                yield (*at, "worker", "lockRenewTime"), "has no effect with 'skipLockRenewal'"
            for key in ("stalledInterval", "maxStalledCount"):
                if worker.skip_stalled_check and worker.given(key):
                    yield (*at, "worker", key), "has no effect with 'skipStalledCheck'"
            if not isinstance(job.remove_on_fail, bool):
                why = (
                    "says how many failed jobs are kept, and for how long; the lab keeps them all, "
                    "as dead letters"
                )
                yield (*at, "defaultJobOptions", "removeOnFail"), why
            if job.attempts <= 1 and job.given("backoff"):
                why = "has an effect only with 'attempts' of 2 or more"
                yield (*at, "defaultJobOptions", "backoff"), why
