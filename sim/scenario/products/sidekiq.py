"""Sidekiq 7, by the names of its configuration and of `sidekiq_options`: jobs in a list of Redis.

https://github.com/sidekiq/sidekiq/wiki/Advanced-Options, …/Error-Handling, …/Reliability (also of
Pro's super_fetch); `lib/sidekiq/fetch.rb`, `job_retry.rb` and `config.rb` in sidekiq/sidekiq.

Not modelled: the poller that puts retries back when they are due looks each 5 s on average, so that
they may be that much later; threads that share Ruby's lock (work that computes is one by one).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import Count, Distribution, PositiveCount, PositiveSeconds, Seconds
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Ceilings, Jobs, Name, ProductSystem, Selection
from sim.scenario.products.bullmq import REDIS_ONE_WAY
from sim.scenario.products.not_modelled import NotModelled
from sim.scenario.products.redis_streams import COMMAND_S


class SidekiqConfig(Config):
    """`sidekiq.yml`, or `Sidekiq.configure_server`: of a process."""

    not_modelled = NotModelled("sidekiq", "config")

    concurrency: PositiveCount = 5
    """Threads, each with a job (10 before Sidekiq 7)."""
    timeout: Seconds = 25.0
    """After SIGTERM, jobs have so long to end; then they are pushed back to the front of the queue,
    and run again from their beginning (SK-03)."""
    max_retries: Count = 25
    """How often a job is retried where `retry` is true."""
    fetch: Literal["basic", "super_fetch"] = "basic"
    """basic: BRPOP takes a job out of Redis, and it is gone with a process that is killed (SK-01).
    super_fetch, of Sidekiq Pro: it stays in Redis, and is recovered (SK-04)."""
    heartbeat_ttl: PositiveSeconds = 60.0
    """super_fetch: a process is dead when it has not been heard of for so long; it tells each
    10 s."""
    orphan_check: PositiveSeconds = 3_600.0
    """super_fetch: jobs of dead processes are looked for so often (once an hour; here, from the
    start of the run on, and not by a process that starts)."""


def _retries(given: Any) -> Any:
    if isinstance(given, bool) or (isinstance(given, int) and given >= 0):
        return given
    raise ValueError(f"expected true, false or a number of 0 or more, not {given!r}")


Retries = Annotated[bool | int, BeforeValidator(_retries)]
"""How often, or whether at all."""


class SidekiqOptions(Config):
    """`sidekiq_options` of a job class."""

    not_modelled = NotModelled("sidekiq", "options")

    retry: Retries = True
    """How often a job that fails is retried (SK-02): true: `max_retries` times; false: never, and
    it is discarded; 0: never, and it goes to the dead set. Before retry n it waits
    (n - 1)^4 + 15 + rand(10) · n seconds."""
    dead: bool = True
    """A job goes to the dead set after its last retry, which is no loss: the lab counts it as
    dead-lettered. false: it is discarded."""


class SidekiqQueue(Config):
    """A queue and the processes that work on it."""

    processes: PositiveCount
    """Sidekiq processes."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done by `perform`."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages for which a job is pushed; null: for
    all."""
    config: SidekiqConfig = SidekiqConfig()
    """Of the processes."""
    sidekiq_options: SidekiqOptions = SidekiqOptions()
    """Of the job."""

    @property
    def members(self) -> int:
        """How many processes."""
        return self.processes

    @property
    def retries(self) -> int | None:
        """How often a job is retried; None: it is discarded when it fails."""
        retry = self.sidekiq_options.retry
        if retry is False:
            return None
        return self.config.max_retries if retry is True else int(retry)


class JobLatency(Config):
    """Time between clients and Redis, one way, where no measurement of your own is given."""

    publish: Distribution = REDIS_ONE_WAY
    """From a client until the job is in the queue."""
    deliver: Distribution = REDIS_ONE_WAY
    """From Redis to the process."""
    ack: Distribution = REDIS_ONE_WAY
    """From the process to Redis, with what became of a job."""


class JobCeilings(Ceilings):
    """What Redis can do at most, in one thread, with commands that are not pipelined
    (`redis_streams`). Only the commands that take a job in and hand it over are counted."""

    publish: Seconds = COMMAND_S
    """Redis's time to take a job in."""
    deliver: Seconds = COMMAND_S
    """Redis's time to hand a job over."""


class SidekiqSystem(ProductSystem):
    """Queues of Sidekiq with their processes, over one Redis; every message is a job in each."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["sidekiq"]
    """`sidekiq`"""
    queues: dict[Name, SidekiqQueue] = Field(min_length=1)
    """Queues, each with processes of its own."""
    latency: JobLatency = JobLatency()
    """Network."""
    ceilings: JobCeilings = JobCeilings()
    """What Redis can do at most, for each queue; off: anything."""

    @property
    def readers(self) -> Mapping[str, SidekiqQueue]:
        """The queues by name."""
        return self.queues

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of super_fetch where it is not used, and of retries that are not made."""
        for name, queue in self.queues.items():
            at = ("queues", name)
            for key in ("heartbeat_ttl", "orphan_check"):
                if queue.config.fetch == "basic" and queue.config.given(key):
                    yield (*at, "config", key), "has an effect only with 'fetch: super_fetch'"
            if queue.sidekiq_options.retry is not True and queue.config.given("max_retries"):
                yield (*at, "config", "max_retries"), "has an effect only with 'retry: true'"
            if queue.retries is None and queue.sidekiq_options.given("dead"):
                yield (*at, "sidekiq_options", "dead"), "has no effect with 'retry: false'"
