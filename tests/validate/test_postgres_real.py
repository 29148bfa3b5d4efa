"""A real PostgreSQL: what transactions and leases do when work fails; and what is said without."""

import builtins

import numpy as np
import pytest

from helpers.real_plans import real
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.plan import plan
from sim.validate.real import BrokerMissingError, broker


def _planned(faults=(), service="5 ms", **queue):
    scenario = Scenario.from_mapping(
        {
            "name": "s",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": {"k": {"count": 3}},
                "service": {"w": {"per_message": service}},
            },
            "systems": {
                "s": {
                    "product": "postgres",
                    "queues": {"q": {"workers": 2, "does": ["w"], **queue}},
                }
            },
            "faults": list(faults),
        }
    )
    return plan(scenario, "s", generate(scenario))


def _real():
    pytest.importorskip("psycopg")
    return real("postgres")


def _latency_s(given, seen):
    done_s = seen.executions.sort_values("message")["done_s"].to_numpy()
    return done_s - given.messages.created_s


@pytest.mark.parametrize(("library", "serial"), [("for_update", True), ("skip_locked", False)])
def test_PG_07_without_skip_locked_one_job_is_at_work_at_a_time(tmp_path, library, serial):
    given = _planned(**{library: {"poll_interval": 0.1}, "workers": 4}, service="80 ms")
    with _real() as server:
        seen = server.run(given, tmp_path).groups["q"]
    ran = seen.executions.sort_values("started_s")
    assert sorted(ran["message"]) == list(range(len(given.messages)))
    began_s, done_s = ran["started_s"].to_numpy(), ran["done_s"].to_numpy()
    assert bool(np.all(began_s[1:] >= done_s[:-1])) is serial


POISON = {"at": 0, "fault": "poison", "target": "s.q", "effect": "fail", "count": 2, "times": 1}


def test_a_row_that_fails_in_a_transaction_is_free_at_once(tmp_path):
    given = _planned([POISON], skip_locked={"poll_interval": 0.1})
    with _real() as server:
        seen = server.run(given, tmp_path).groups["q"]
    n = len(given.messages)
    assert sorted(seen.executions["message"]) == list(range(n))
    assert seen.deliveries.tolist() == [2, 2] + [1] * (n - 2)
    assert _latency_s(given, seen)[:2].max() < 0.9


def test_a_row_that_fails_under_a_lease_comes_back_after_it(tmp_path):
    given = _planned([POISON], pgmq={"vt": 1, "qty": 2})
    with _real() as server:
        seen = server.run(given, tmp_path).groups["q"]
    n = len(given.messages)
    assert sorted(seen.executions["message"]) == list(range(n))
    assert seen.deliveries.tolist() == [2, 2] + [1] * (n - 2)
    assert _latency_s(given, seen)[:2].min() > 1.0


@pytest.mark.parametrize(("notify", "waits"), [(True, False), (False, True)])
def test_an_insert_wakes_the_workers_that_listen(tmp_path, notify, waits):
    given = _planned(skip_locked={"poll_interval": 3, "notify": notify})
    with _real() as server:
        seen = server.run(given, tmp_path).groups["q"]
    assert sorted(seen.executions["message"]) == list(range(len(given.messages)))
    assert bool(np.median(_latency_s(given, seen)) > 0.3) is waits


def test_what_the_real_one_does_not_have_is_said():
    module = pytest.importorskip("sim.validate.postgres_real", exc_type=ImportError)
    words = list(object.__new__(module.PostgresReal).unmapped(_planned(skip_locked={})))
    assert words == [
        "systems.s.latency: of another server; this one is on the machine of its clients"
    ]


def test_without_psycopg_one_line_says_what_to_do(monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name.startswith("sim.validate.postgres_real"):
            raise ImportError("psycopg")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BrokerMissingError, match=r"^psycopg is not installed: `make brokers`$"):
        broker("postgres").make("127.0.0.1:1")


def test_it_takes_libraries_whose_statements_are_known():
    assert broker("postgres").takes(_planned(pgmq={}).product)
    assert not broker("postgres").takes(_planned(river={}).product)
    assert not broker("redis").takes(_planned(pgmq={}).product)
