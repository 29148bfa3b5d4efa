"""A worker fetches, works and completes, in a transaction or without, and ends when told."""

from types import SimpleNamespace

import pytest

from helpers.fake_brokers import HandledByHand, fresh


class _Database:
    """Of psycopg: what it is asked for is in ``asked``; says when there is nothing."""

    def __init__(self, batches):
        self.batches = batches
        self.asked = []
        self.empty = None

    def execute(self, statement, values=None):
        if statement.startswith("LISTEN"):
            self.listens = statement
            return None
        if statement == "complete":
            self.asked.append(("complete", values["ids"], values["counts"]))
            return None
        if len(self.asked) and not self.batches:
            self.empty()
        rows = self.batches.pop(0) if self.batches else []
        self.asked.append(("fetch", len(rows)))
        return SimpleNamespace(fetchall=lambda: rows)

    def notifies(self, timeout, stop_after):
        self.asked.append(("waits", timeout, stop_after))
        return iter(["told"])

    def commit(self):
        self.asked.append("commit")

    def rollback(self):
        self.asked.append("rollback")


@pytest.fixture
def module(monkeypatch):
    databases = []
    connect = {"connect": lambda *_, **given: databases.append(given) or databases[0]["its"]}
    found = fresh(monkeypatch, "postgres_worker", {"psycopg": connect})
    monkeypatch.setattr(found.signal, "signal", lambda *_: None)

    def use(its):
        databases[:] = [{"its": its}]
        return found

    return SimpleNamespace(use=use, given=lambda: databases[-1])


@pytest.fixture
def work(module, tmp_path):
    def run(batches, transaction, fails=(), listen=""):
        its = _Database([[], *batches])  # the first finds nothing: it is prepared
        handler = HandledByHand(fails)
        handler.work = tmp_path / "work"
        spec = {"server": "s", "fetch": "fetch", "complete": "complete", "poll_s": 0.0}
        worker = module.use(its).PostgresWorker(
            {**spec, "transaction": transaction, "listen": listen}, handler
        )
        assert module.given()["autocommit"] is not transaction
        its.empty = lambda: setattr(worker, "stopping", True)
        worker.run()
        return its.asked, handler

    return run


def test_a_batch_is_completed_with_one_statement_without_what_failed(work):
    asked, handler = work([[(3, 1, "2  "), (1, 1, "0"), (2, 4, "1")]], False, fails=[1])
    assert handler.did == [(0, 1), (1, 4), (2, 1)]
    assert asked == [("fetch", 0), ("fetch", 3), ("complete", [1, 3], [1, 1]), ("fetch", 0)]


def test_a_transaction_is_open_while_it_works(work):
    asked, handler = work([[(1, 1, "0")]], True)
    assert handler.did == [(0, 1)]
    assert asked == [
        ("fetch", 0), "rollback", ("fetch", 1), ("complete", [1], [1]), "commit", ("fetch", 0),
        "rollback",
    ]  # fmt: skip


def test_what_fails_in_a_transaction_is_rolled_back_and_counted_when_it_comes_again(work):
    asked, handler = work([[(1, 1, "0")], [(1, 1, "0")]], True, fails=[0])
    assert handler.did == [(0, 1), (0, 2)]
    assert asked[2:5] == [("fetch", 1), "rollback", ("fetch", 1)]


def test_what_fails_under_a_lease_is_left_to_it(work):
    asked, _ = work([[(1, 1, "0")]], False, fails=[0])
    assert asked == [("fetch", 0), ("fetch", 1), ("fetch", 0)]


def test_statements_are_timed_but_for_a_fetch_that_finds_nothing(work):
    _, handler = work([[(1, 1, "0")]], False)
    assert [line.split()[:2] for line in handler.said] == [
        ["e", "subscribed"], ["c", "fetch"], ["c", "complete"], ["x"],
    ]  # fmt: skip


def test_who_listens_waits_for_an_insert_or_its_time(work):
    asked, _ = work([[], [(1, 1, "0")]], False, listen='"c"')
    assert asked == [
        ("fetch", 0), ("fetch", 0), ("waits", 0.0, 1), ("fetch", 1), ("complete", [1], [1]),
        ("fetch", 0), ("waits", 0.0, 1),
    ]  # fmt: skip


def test_sigterm_while_it_waits_ends_it_at_once(module):
    spec = {"server": "s", "transaction": False}
    worker = module.use(_Database([])).PostgresWorker(spec, HandledByHand())
    with pytest.raises(SystemExit):
        worker.stop()
    worker.holds = True
    worker.stop()
    assert worker.stopping
