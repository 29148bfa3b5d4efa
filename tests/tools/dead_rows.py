"""What a dead row adds to a fetch of a queue in PostgreSQL, while a snapshot is held.

    python tests/tools/dead_rows.py    # with `make brokers`; a minute

Starts a server of its own and fills a table with rows of 1 KiB. Another transaction takes its
snapshot; rows are deleted as a loop of one's own does, or leased and deleted as pgmq does; and a
fetch is timed. `DEAD_ROW_S` of `sim.scenario.products.postgres` is from it.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from sim.scenario.products.postgres import PostgresQueue  # noqa: E402
from sim.validate.postgres_server import PostgresServer  # noqa: E402
from sim.validate.postgres_statements import Statements, statements  # noqa: E402

ROWS = 210_000
DEAD = (10_000, 50_000, 100_000, 200_000)
LIBRARIES = {"skip_locked": {}, "pgmq": {"vt": 3600}}
TIMES = 9


def timed_ms(database: psycopg.Connection, fetch: str) -> float:
    """The median of a few fetches that are rolled back."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        database.execute(fetch).fetchall()
        took.append(time.perf_counter() - began)
        database.rollback()
    return 1e3 * statistics.median(took)


def die(database: psycopg.Connection, its: Statements, after: int, until: int) -> None:
    """Jobs have been done."""
    if not its.transaction:
        lease = "UPDATE t SET vt = vt + interval '1 hour', read_ct = read_ct + 1"
        database.execute(f"{lease} WHERE id > {after} AND id <= {until}")
    database.execute(f"DELETE FROM t WHERE id <= {until}")


def measure(url: str, library: str) -> None:
    """Print a line for each number of dead rows."""
    queue = PostgresQueue.model_validate({"workers": 1, "does": ["w"], library: LIBRARIES[library]})
    its = statements(queue, "t")
    with (
        psycopg.connect(url, autocommit=True) as owner,
        psycopg.connect(url, prepare_threshold=0) as worker,
        psycopg.connect(url) as holder,
    ):
        owner.execute("DROP TABLE IF EXISTS t")
        for statement in its.make:
            owner.execute(statement)
        rows = f"SELECT rpad(n::text, 1024) FROM generate_series(1, {ROWS}) n"
        owner.execute(f"INSERT INTO t (body) {rows}")
        owner.execute("VACUUM ANALYZE t")
        free_ms = timed_ms(worker, its.fetch)
        print(f"{library}: {free_ms:.2f} ms", flush=True)
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT 1 FROM t LIMIT 1")
        for after, until in zip((0, *DEAD), DEAD, strict=False):
            die(owner, its, after, until)
            took_ms = timed_ms(worker, its.fetch)
            row_us = 1e3 * (took_ms - free_ms) / (until * (1 if its.transaction else 2))
            print(f"  past {until:,} jobs: {took_ms:.2f} ms, {row_us:.3f} us a row", flush=True)
        owner.execute("VACUUM t")
        print(f"  after VACUUM: {timed_ms(worker, its.fetch):.2f} ms")
        holder.rollback()
        began = time.perf_counter()
        worker.execute(its.fetch).fetchall()
        first_ms = 1e3 * (time.perf_counter() - began)
        worker.rollback()
        print(f"  once it ends: {first_ms:.2f} ms, then {timed_ms(worker, its.fetch):.2f} ms")


def main() -> None:
    """The command."""
    with tempfile.TemporaryDirectory(prefix="sim-dead-rows-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            for library in LIBRARIES:
                measure(server.url, library)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
