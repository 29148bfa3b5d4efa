"""What a row that another transaction holds adds to a fetch of a queue in PostgreSQL.

    python tests/tools/locked_rows.py    # with `make brokers`; a minute

Starts a server of its own and fills a table with rows of 1 KiB. Some rows at its head are locked,
by one transaction or by one each, as workers hold them; or they are leased, as pgmq leaves them;
and a fetch of the first row behind them is timed, beside one with none in its way. `LOCKED_ROW_S`
and `LEASED_ROW_S` of `sim.scenario.products.postgres` are from it.
"""

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from sim.scenario.products.postgres import PostgresQueue  # noqa: E402
from sim.validate.postgres_server import PostgresServer  # noqa: E402
from sim.validate.postgres_statements import statements  # noqa: E402

ROWS = 20_000
AHEAD = (1, 10, 50, 90, 200, 1_000)
MOST_HOLDERS = 90
TIMES = 401


def timed_us(database: psycopg.Connection, fetch: str) -> float:
    """The median of many fetches that are rolled back."""
    took = []
    for _ in range(TIMES):
        database.execute("SELECT 1")  # the transaction is open
        began = time.perf_counter()
        database.execute(fetch).fetchall()
        took.append(time.perf_counter() - began)
        database.rollback()
    return 1e6 * statistics.median(took)


def of_server_us(database: psycopg.Connection, fetch: str) -> float:
    """The same as the server sees it (`EXPLAIN ANALYZE`)."""
    took = []
    for _ in range(TIMES):
        plan = database.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {fetch}").fetchall()
        took.append(float(plan[-1][0].split()[2]))
        database.rollback()
    return 1e3 * statistics.median(took)


def measure(url: str, library: str, keys: dict[str, object], how: str) -> None:
    """Print a line for each number of rows ahead."""
    queue = PostgresQueue.model_validate({"workers": 1, "does": ["w"], library: keys})
    its = statements(queue, "t")
    with (
        psycopg.connect(url, autocommit=True) as owner,
        psycopg.connect(url, prepare_threshold=0) as worker,
    ):
        owner.execute("DROP TABLE IF EXISTS t")
        for statement in its.make:
            owner.execute(statement)
        rows = f"SELECT rpad(n::text, 1024) FROM generate_series(1, {ROWS}) n"
        owner.execute(f"INSERT INTO t (body) {rows}")
        owner.execute("VACUUM ANALYZE t")
        print(f"{library}, {how}", flush=True)
        for ahead in AHEAD:
            if how == "a transaction each" and ahead > MOST_HOLDERS:
                continue
            free_us, server_us = timed_us(worker, its.fetch), of_server_us(worker, its.fetch)
            with ExitStack() as stack:
                if how == "leased":
                    lease = "UPDATE t SET vt = vt + interval '1 hour', read_ct = read_ct + 1"
                    owner.execute(f"{lease} WHERE id <= {ahead}")
                    owner.execute("VACUUM t")
                else:
                    each = 1 if how == "a transaction each" else ahead
                    for first in range(1, ahead + 1, each):
                        holder = stack.enter_context(psycopg.connect(url))
                        which = f"id >= {first} AND id < {first + each}"
                        holder.execute(f"SELECT 1 FROM t WHERE {which} FOR UPDATE")
                us = (timed_us(worker, its.fetch) - free_us) / ahead
                by_server_us = (of_server_us(worker, its.fetch) - server_us) / ahead
                (found,) = worker.execute(its.fetch).fetchone()[:1]
                worker.rollback()
            assert found == ahead + 1, (found, ahead)
            owner.execute(f"UPDATE t SET vt = clock_timestamp() WHERE id <= {ahead}")
            owner.execute("VACUUM ANALYZE t")
            print(
                f"  past {ahead:,}: {us:.2f} us a row, {by_server_us:.2f} us of them the server's; "
                f"with none {free_us:.0f} and {server_us:.0f} us",
                flush=True,
            )


def main() -> None:
    """The command."""
    with tempfile.TemporaryDirectory(prefix="sim-locked-rows-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            for how in ("one transaction", "a transaction each"):
                measure(server.url, "skip_locked", {}, how)
            for how in ("one transaction", "leased"):
                measure(server.url, "pgmq", {"vt": 3600, "qty": 1}, how)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
