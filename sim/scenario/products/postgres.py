"""A queue in PostgreSQL, by the names of the library that keeps it there.

Workers take rows with `FOR UPDATE SKIP LOCKED`
(https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE), which none of them
waits for. The libraries differ in when a worker asks again, and in what becomes of a row whose
worker is gone: `postgres_libraries`. The latencies are measured ones (`INSERT`).
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import Distribution, PositiveCount, Seconds, by_quantiles
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.base import Jobs, Name, ProductSystem
from sim.scenario.products.postgres_libraries import (
    ForUpdate,
    GraphileWorker,
    Library,
    Oban,
    PgBoss,
    Pgmq,
    River,
    SkipLocked,
    SolidQueue,
)

_LIBRARIES = (
    "skip_locked", "for_update", "pg-boss", "river", "graphile_worker", "oban", "solid_queue",
    "pgmq",
)  # fmt: skip


class PostgresQueue(Config):
    """A queue in a table, its workers, and the library that they use."""

    alternatives = tuple((library,) for library in _LIBRARIES)

    workers: PositiveCount
    """Places for work in all processes together; each has one job at a time, or one batch, and asks
    for itself. They are `localConcurrency`, `MaxWorkers`, `concurrentJobs`, `limit` or `threads`,
    times processes. A fault strikes a place."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    skip_locked: SkipLocked | None = None
    """A worker of your own: `SELECT … FOR UPDATE SKIP LOCKED LIMIT 1` in a loop."""
    for_update: ForUpdate | None = None
    """The same without SKIP LOCKED: workers wait for each other."""
    pg_boss: PgBoss | None = Field(default=None, alias="pg-boss")
    """pg-boss (Node.js)."""
    river: River | None = None
    """River (Go)."""
    graphile_worker: GraphileWorker | None = None
    """Graphile Worker (Node.js)."""
    oban: Oban | None = None
    """Oban (Elixir)."""
    solid_queue: SolidQueue | None = None
    """Solid Queue (Ruby on Rails)."""
    pgmq: Pgmq | None = None
    """pgmq, an extension of PostgreSQL; and the loop that reads from it."""

    @property
    def members(self) -> int:
        """How many places for work."""
        return self.workers

    @property
    def library(self) -> Library:
        """The one that is given."""
        its: Library = getattr(self, self.library_key.replace("-", "_"))
        return its

    @property
    def library_key(self) -> str:
        """Its key."""
        return next(k for k in _LIBRARIES if getattr(self, k.replace("-", "_")) is not None)


INSERT = by_quantiles(p50=0.00177, p95=0.00227, p99=0.00246)
"""An INSERT of 1 KiB with its commit, 25 clients on PostgreSQL on 4 vCPUs (c7i.xlarge)
(https://github.com/stanislavkozlovski/pg-queue-pubsub-benchmark, results/queue/4vcpu)."""
FETCH = by_quantiles(p50=0.00337, p95=0.00364, p99=0.00420)
"""There, a pop of one row with SKIP LOCKED, with its commit."""


DEAD_ROW_S = 0.084e-6
"""Measured on PostgreSQL 15 (`tests/tools/dead_rows.py`): 8.4 ms for a fetch by `id` past 100,000
deleted rows of 1 KiB that an open REPEATABLE READ transaction kept, 0.1 ms without it. Past 200,000
it was 0.24 to 0.30 us a row: the table was larger than `shared_buffers`, of 128 MB. Of the two rows
that a lease leaves, 0.11 to 0.44 us each. VACUUM changed nothing; when the snapshot ended, the next
fetch took twice as long, and those after it 0.5 ms."""


LOCKED_ROW_S = 0.6e-6
"""Measured on PostgreSQL 15 (`tests/tools/locked_rows.py`): 0.53 to 0.71 us a row for a fetch by
`id` past 10 to 1,000 rows of 1 KiB that other transactions held locked, one or one each; 0.50 to
0.92 by `EXPLAIN ANALYZE`. A fetch that notes a lease had 0.54 to 1.07, where rows were locked."""
LEASED_ROW_S = 0.1e-6
"""There, past 50 to 1,000 rows whose lease another worker has: 0.03 to 0.12 us a row, 0.09 to 0.10
by `EXPLAIN ANALYZE`."""


class PostgresLatency(Config):
    """Duration of each statement with its commit."""

    insert: Distribution = INSERT
    """Of a message. Median 1.8 ms, p99 2.5 ms, as measured on 4 vCPUs."""
    fetch: Distribution = FETCH
    """That looks for messages. Median 3.4 ms, p99 4.2 ms, as measured there with 15 readers. What
    rows add that others have is beside it (`locked_row`, `leased_row`); that many statements at a
    time share processors, locks in memory and pages is not in it (fault: shared_database)."""
    complete: Distribution = INSERT
    """That notes what was done: taken to cost what an INSERT does (an assumption)."""
    locked_row: Seconds = LOCKED_ROW_S
    """What each row adds to a fetch of `skip_locked` that another worker holds locked while it
    works, and that stands before the first free one: 0.6 us, as measured on PostgreSQL 15."""
    leased_row: Seconds = LEASED_ROW_S
    """The same of a row that is leased (`skip_locked` with `lease`, `pgmq`): 0.1 us, as measured
    there."""
    dead_row: Seconds = DEAD_ROW_S
    """What each dead row adds to a fetch while a snapshot is held (fault: snapshot_held): 0.084 us,
    as measured on PostgreSQL 15; three times that where a table is larger than `shared_buffers`."""


class PostgresProducer(Config):
    """The clients that insert."""

    connections: PositiveCount = 8
    """Connections, each with one statement under way at a time."""
    batch: PositiveCount = 1
    """Most messages of one INSERT."""


_PASSED = {
    "locked_row": "'skip_locked' without a lease",
    "leased_row": "'skip_locked' with a lease, or of 'pgmq'",
}
"""Keys of what is passed, and who passes it."""


class PostgresSystem(ProductSystem):
    """Queues in a database; every message goes to each of them."""

    readers_at: ClassVar[str] = "queues"
    tables = True

    product: Literal["postgres"]
    """`postgres`"""
    producer: PostgresProducer = PostgresProducer()
    """Those who insert."""
    queues: dict[Name, PostgresQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: PostgresLatency = PostgresLatency()
    """Duration of statements."""

    @property
    def readers(self) -> Mapping[str, PostgresQueue]:
        """The queues by name."""
        return self.queues

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """As `ProductSystem.without_effect`."""
        for name, queue in self.queues.items():
            for key, why in queue.library.idle_keys():
                yield (*self.place_of(name), queue.library_key, key), f"has no effect: {why}"
        passed = {queue.library.habits.passes for queue in self.queues.values()}
        for key, whose in _PASSED.items():
            if self.latency.given(key) and key not in passed:
                yield ("latency", key), f"has no effect: no queue is of {whose}"
