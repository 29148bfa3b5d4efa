"""The statements of a queue in a table, as a library has them: for `postgres_worker` and its like.

Three are run for real. `skip_locked`, a loop of one's own, keeps a row locked in an open
transaction while it works, or notes a lease and commits; `for_update` is the same without SKIP
LOCKED. `pgmq` reads and deletes with the statements of its extension (`pgmq.read`, `pgmq.delete`:
pgmq-extension/sql/pgmq.sql, 1.5.1), which need not be installed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.scenario.products.base import ProductSystem
from sim.scenario.products.postgres import PostgresQueue, PostgresSystem

LIBRARIES = ("skip_locked", "for_update", "pgmq")
"""Those that are run for real."""


@dataclass(frozen=True)
class Statements:
    """Of one queue. ``fetch`` gives rows of ``id, deliveries, body``."""

    make: tuple[str, ...]
    """The table, and its index."""
    fetch: str
    complete: str
    """Parameters: ``ids``, an array, and ``counts``, how often each was read."""
    transaction: bool
    """Whether both are in one transaction, which is open while the worker works."""


def taken(system: ProductSystem) -> bool:
    """Whether a system can be held against a real server: all of its libraries are run for real."""
    return isinstance(system, PostgresSystem) and all(
        queue.library_key in LIBRARIES for queue in system.queues.values()
    )


def table(tag: str, queue: str) -> str:
    """The quoted name of a table.

    Args:
        tag: of a run; PostgreSQL cuts names off after 63 bytes, so it must tell runs apart.
        queue: a number is enough.
    """
    return f'"{tag}-{queue}"'


def statements(queue: PostgresQueue, at: str) -> Statements:
    """What a queue's library asks.

    Args:
        queue: of one of `LIBRARIES`.
        at: its table.
    """
    columns = (
        "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL, "
        "read_ct integer NOT NULL DEFAULT 0, vt timestamptz NOT NULL DEFAULT clock_timestamp()"
    )
    make = (f"CREATE TABLE {at} ({columns})",)
    habits = queue.library.habits
    if habits.held:
        skips = "" if habits.waits else " SKIP LOCKED"
        return Statements(
            make,
            f"SELECT id, 1, body FROM {at} ORDER BY id LIMIT {habits.batch} FOR UPDATE{skips}",
            f"DELETE FROM {at} WHERE id = ANY(%(ids)s)",
            transaction=True,
        )
    # Who finishes late deletes the row all the same (pgmq), or only while the lease is its own.
    own = "" if habits.any_time else " AND read_ct = ANY(%(counts)s) AND vt > clock_timestamp()"
    return Statements(
        (*make, f"CREATE INDEX ON {at} (vt ASC)"),
        f"WITH next AS (SELECT id FROM {at} WHERE vt <= clock_timestamp() ORDER BY id "
        f"LIMIT {habits.batch} FOR UPDATE SKIP LOCKED) "
        f"UPDATE {at} m SET vt = clock_timestamp() + interval '{habits.lease_s} seconds', "
        "read_ct = read_ct + 1 FROM next WHERE m.id = next.id RETURNING m.id, m.read_ct, m.body",
        f"DELETE FROM {at} WHERE id = ANY(%(ids)s){own}",
        transaction=False,
    )


def insert(tables: Mapping[str, str], notified: Sequence[str] = ()) -> str:
    """One statement that inserts the same messages into each queue. Parameter: ``bodies``.

    Args:
        tables: by the names of the queues.
        notified: names of those whose workers it notifies, over channels named as their tables.
    """
    each = [
        f"q{n} AS (INSERT INTO {at} (body) SELECT unnest(%(bodies)s::text[]))"
        for n, at in enumerate(tables.values())
    ]
    channels = [tables[name].strip('"') for name in notified]
    told = ", ".join(f"pg_notify('{name}', '')" for name in channels)
    return f"WITH {', '.join(each)} SELECT {told or 1}"
