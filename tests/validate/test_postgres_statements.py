"""A transaction or a lease holds a row; a late delete counts where the library lets it."""

import pytest

from sim.scenario.products.postgres import PostgresQueue, PostgresSystem
from sim.validate.postgres_statements import insert, statements, table, taken


def _queue(**library):
    return PostgresQueue.model_validate({"workers": 1, "does": ["w"], **library})


def test_a_transaction_holds_a_row():
    its = statements(_queue(skip_locked={}), "t")
    assert its.transaction
    assert its.fetch == "SELECT id, 1, body FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    assert its.complete == "DELETE FROM t WHERE id = ANY(%(ids)s)"
    assert len(its.make) == 1


def test_without_skip_locked_it_waits_for_the_row():
    its = statements(_queue(for_update={}), "t")
    assert its.transaction
    assert its.fetch == "SELECT id, 1, body FROM t ORDER BY id LIMIT 1 FOR UPDATE"


def test_a_lease_is_noted_and_only_its_owner_deletes():
    its = statements(_queue(skip_locked={"lease": 4}), "t")
    assert not its.transaction
    assert "interval '4.0 seconds'" in its.fetch
    assert its.complete.endswith(" AND read_ct = ANY(%(counts)s) AND vt > clock_timestamp()")


def test_pgmq_reads_a_batch_and_deletes_whoever_has_it():
    its = statements(_queue(pgmq={"qty": 5, "vt": 7}), "t")
    assert "LIMIT 5 FOR UPDATE SKIP LOCKED" in its.fetch
    assert "interval '7.0 seconds'" in its.fetch
    assert its.complete == "DELETE FROM t WHERE id = ANY(%(ids)s)"


def test_one_statement_inserts_into_every_queue():
    assert insert({"a": "t0", "b": "t1"}) == (
        "WITH q0 AS (INSERT INTO t0 (body) SELECT unnest(%(bodies)s::text[])), "
        "q1 AS (INSERT INTO t1 (body) SELECT unnest(%(bodies)s::text[])) SELECT 1"
    )


def test_it_notifies_the_workers_that_listen():
    assert insert({"a": '"t-0"', "b": '"t-1"'}, ["b"]).endswith(" SELECT pg_notify('t-1', '')")


def test_a_name_is_quoted():
    assert table("lab-1", "2") == '"lab-1-2"'


@pytest.mark.parametrize(
    ("library", "held"), [({"skip_locked": {}}, True), ({"pgmq": {}}, True), ({"river": {}}, False)]
)
def test_libraries_whose_statements_are_known_are_held_against_a_server(library, held):
    queues = {"q": {"workers": 1, "does": ["w"], **library}}
    system = PostgresSystem.model_validate({"product": "postgres", "queues": queues})
    assert taken(system) is held
