"""What a real application is told, and how long one waits for it, without one."""

import json
from types import SimpleNamespace

import pytest

from helpers.real_plans import real
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate import celery_real
from sim.validate.plan import plan
from sim.validate.real import BrokerMissingError


def _planned(broker="redis", config=None, faults=(), **queue):
    scenario = Scenario.from_mapping(
        {
            "name": "c",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": {"k": {"count": 3}},
                "service": {"w": {"per_message": "4 s"}},
            },
            "systems": {
                "c": {
                    "product": "celery",
                    "broker": broker,
                    "config": config or {},
                    "queues": {"q": {"workers": 2, "does": ["w"], **queue}},
                }
            },
            "faults": list(faults),
        }
    )
    return plan(scenario, "c", generate(scenario))


LATE = {
    "task_acks_late": True,
    "broker_transport_options": {
        "visibility_timeout": "5 s", "unacked_restore_interval": "2 s",
        "unacked_restore_throttle": 3,
    },
}  # fmt: skip


def _staging(given, tmp_path):
    return celery_real._CeleryRun(given, tmp_path, "redis://x/0", "tag")


def test_a_worker_is_told_the_settings_that_were_given(tmp_path):
    given = _planned(config=LATE, task={"autoretry_for": ["X"], "countdown": "3 s"})
    command = _staging(given, tmp_path).consumer(given, "q", tmp_path / "w", tmp_path / "l")
    assert command[2] == "sim.validate.celery_worker"
    spec = json.loads((tmp_path / "q.json").read_text())
    assert spec == {
        "broker": "redis://x/0",
        "queue": "tag.q",
        "task": {"autoretry_for": ["X"]},
        "config": {
            "task_acks_late": True,
            "worker_concurrency": 4,
            "broker_transport_options": {
                "visibility_timeout": 5.0,
                "unacked_restore_interval": 2.0,
                "unacked_restore_throttle": 3,
            },
        },
    }


def test_the_program_is_told_whom_to_call_and_when(tmp_path):
    given = _planned(task={"countdown": "3 s"}, only={"k": ["k-0"]})
    _staging(given, tmp_path).producer(given, tmp_path / "m", tmp_path / "l")
    spec = json.loads((tmp_path / "sender.json").read_text())
    rows = given.groups["q"].rows.tolist()
    assert spec["calls"] == [{"queue": "tag.q", "countdown": 3.0, "rows": rows}]


def test_on_redis_one_waits_until_everything_must_have_come_back(tmp_path):
    # 8 s, the longest work, the timeout and three looks.
    assert _staging(_planned(config=LATE), tmp_path).quiet_s == 8 + 4 + 5 + 2 * 3
    assert _staging(_planned("rabbitmq", LATE), tmp_path).quiet_s == 8 + 4


def test_on_redis_the_run_begins_a_whole_number_of_looks_after_the_workers(tmp_path):
    up = SimpleNamespace(update=lambda: None, lines=[["e", "1000.25", "subscribed"]])
    fleets = {"q": SimpleNamespace(places=[up])}
    given = _planned(config=LATE)
    looks = (_staging(given, tmp_path).begin_s(given, fleets) - 1000.25) / 2.0
    assert abs(looks - round(looks)) < 1e-4


def test_what_the_real_one_does_not_have_is_said():
    given = _planned("rabbitmq", {}, queue_arguments={"x-consumer-timeout": 60_000})
    assert any("queue_arguments" in word for word in celery_real.unmapped(given))


def test_without_celery_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "celery", None)
    with pytest.raises(BrokerMissingError, match=r"^Celery is not installed: `make brokers`$"):
        celery_real.versions()


def test_on_a_real_redis_every_task_runs_once(tmp_path):
    given = _planned(config={"worker_concurrency": 2})
    scenario = given.scenario.with_({"workload.service.w.per_message": "20 ms"})
    given = plan(scenario, "c", given.messages)
    with real("redis") as server:
        seen = server.run(given, tmp_path).groups["q"]
    assert sorted(seen.executions["message"]) == list(range(len(given.messages)))
