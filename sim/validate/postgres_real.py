"""A queue in a real PostgreSQL, with psycopg and a small worker.

Where it is not what a scenario means: statements go to a server on this machine, and no other
application uses its processors; `fsync` is on, so a commit waits for this machine's disk.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psycopg

from sim.scenario.products.postgres import PostgresSystem
from sim.validate import postgres_statements as sql
from sim.validate.fleet import RealFleet
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.postgres_server import PostgresServer, url
from sim.validate.real import Calibration
from sim.validate.replay import AHEAD_S, Staging, replay
from sim.validate.staging import came_up_s, module, subscribed, written
from sim.validate.trials import (
    all_at_once,
    as_planned,
    beside_work,
    calls_s,
    folder_of,
    measured,
    trial,
    work_s,
)

_WAITED = 0.25
"""Share of the calls of a trial, the first ones, that may have waited for messages."""


class PostgresReal:
    """A server, started here or elsewhere, and clients of it."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a server that lets user `lab` in; None: one is started.

        Raises:
            BrokerMissingError: the server is not installed.
        """
        self._folder = TemporaryDirectory(prefix="sim-postgres-")
        self.server = PostgresServer(Path(self._folder.name)) if address is None else None
        self.url = url(self.server.address if self.server is not None else str(address))
        self.versions: Mapping[str, str] = {"psycopg": psycopg.__version__}
        self._numbers = count()

    def __enter__(self) -> "PostgresReal":
        if self.server is not None:
            self.server.start()
        try:
            with psycopg.connect(self.url) as database:
                (found,) = database.execute("SHOW server_version").fetchone() or ("",)
            self.versions = {"PostgreSQL": str(found).split()[0], **self.versions}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of the system's configuration the real one does not have."""
        product = _product(plan)
        at = f"systems.{plan.system}"
        yield f"{at}.latency: of another server; this one is on the machine of its clients"
        for name, queue in product.queues.items():
            if queue.ledger is not None:
                yield f"{at}.queues.{name}.ledger: no books are kept"

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it with tables of its own, which are dropped at the end."""
        tag = f"lab-{int(time.time())}-{next(self._numbers)}"
        with _PostgresRun(self.url, plan, folder, tag) as staging:
            return replay(plan, staging, folder, self.server)

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure the statements, and what a message costs a worker beside its work."""
        product = _product(plan)
        at = f"systems.{plan.system}"
        overrides: dict[str, Any] = {}
        words: list[str] = []
        beside_s: dict[str, float] = {}
        took_s: dict[str, list[float]] = {"insert": [], "fetch": [], "complete": []}
        for name in product.queues:
            seen = self.run(trial(plan, name, as_planned(plan)), folder_of(folder, f"{name}-send"))
            took_s["insert"] += list((seen.acked_s - seen.sent_s)[np.isfinite(seen.acked_s)])
            full = folder_of(folder, f"{name}-full")
            seen = self.run(trial(plan, name, all_at_once(plan, name), _full(product, name)), full)
            # As in the run, statements follow upon each other; an idle worker's take longer.
            for statement in ("fetch", "complete"):
                made_s = calls_s(full, name, statement)
                took_s[statement] += list(made_s[int(made_s.size * _WAITED) :])
            executions = seen.groups[name].executions
            done_s, began_s = executions["done_s"], executions["started_s"]
            beside_s[name] = float(np.mean(done_s - began_s)) - work_s(plan, name)
            words.append(f"{name}: {beside_s[name] * 1e3:.2f} ms a message beside its work")
        for statement, durations_s in took_s.items():
            overrides[f"{at}.latency.{statement}"] = measured(np.array(durations_s))
            median_s, p99_s = np.quantile(durations_s, [0.5, 0.99])
            words.append(
                f"{len(durations_s)} statements {statement}: {median_s * 1e3:.1f} ms (median), "
                f"{p99_s * 1e3:.1f} ms (p99)"
            )
        # Rows that other workers have are in the fetches of the trial.
        passed = {queue.library.habits.passes for queue in product.queues.values()} - {""}
        overrides |= {f"{at}.latency.{row}": 0.0 for row in passed}
        batch = {name: queue.library.habits.batch for name, queue in product.queues.items()}
        return Calibration({**beside_work(plan, beside_s, batch), **overrides}, words)


class _PostgresRun(Staging):
    """Tables of one run."""

    def __init__(self, server: str, plan: Plan, folder: Path, tag: str) -> None:
        self._url = server
        self._plan = plan
        self._folder = folder
        queues = _product(plan).queues
        self._tables = {name: sql.table(tag, f"{n}") for n, name in enumerate(queues)}
        self._sql = {
            name: sql.statements(queue, self._tables[name]) for name, queue in queues.items()
        }
        longest_s = max(float(group.work_s.max(initial=0.0)) for group in plan.groups.values())
        self.quiet_s = 3.0 + max(
            (0.0 if habits.held else habits.lease_s) + habits.poll_s + habits.batch * longest_s
            for habits in (queue.library.habits for queue in queues.values())
        )

    def __enter__(self) -> "_PostgresRun":
        self._database = psycopg.connect(self._url, autocommit=True)
        for its in self._sql.values():
            for statement in its.make:
                self._database.execute(statement.encode())
        return self

    def __exit__(self, *_: object) -> None:
        for table in self._tables.values():
            self._database.execute(f"DROP TABLE {table}".encode())
        self._database.close()

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a worker."""
        its, habits = self._sql[group], _product(plan).queues[group].library.habits
        spec = {
            "server": self._url,
            "fetch": its.fetch,
            "complete": its.complete,
            "transaction": its.transaction,
            "poll_s": habits.poll_s,
            "listen": self._tables[group] if habits.notify else "",
        }
        return module("postgres_worker", written(self._folder, f"{group}.json", spec), work, log)

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the process that inserts."""
        producer, queues = _product(plan).producer, _product(plan).queues
        notified = [name for name, queue in queues.items() if queue.library.habits.notify]
        spec = {
            "server": self._url,
            "insert": sql.insert(self._tables, notified),
            "connections": producer.connections,
            "batch": producer.batch,
        }
        path = written(self._folder, "sender.json", spec)
        return module("postgres_sender", path, messages, log)

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether all workers are about to fetch."""
        return subscribed(fleets)

    def begin_s(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> float:
        """Second 0, a whole number of polls after the workers came up.

        They begin with the scenario, as far as anybody can tell from when they ask.
        """
        poll_s = max(queue.library.habits.poll_s for queue in _product(plan).queues.values())
        soon_s, came_up = time.time() + AHEAD_S, min(came_up_s(fleets))
        return came_up + ceil((soon_s - came_up) / poll_s) * poll_s if poll_s else soon_s

    def left(self, plan: Plan) -> int:
        """Rows in the tables, locked or not."""
        return sum(self._rows(table) for table in self._tables.values())

    def _rows(self, table: str) -> int:
        found = self._database.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        return int(found[0]) if found else 0


def _full(product: PostgresSystem, queue: str) -> PostgresSystem:
    """The same system with one queue, and clients that make a backlog."""
    producer = product.producer.model_copy(update={"connections": 8, "batch": 10})
    return product.model_copy(
        update={"producer": producer, "queues": {queue: product.queues[queue]}}
    )


def _product(plan: Plan) -> PostgresSystem:
    assert isinstance(plan.product, PostgresSystem)
    return plan.product
