"""Settings that defeat each other are told of when a scenario is read, at the key to change."""

import pytest

from sim.scenario.load import Scenario, available, load


def said(system, *faults, work="1 ms"):
    return list(
        Scenario.from_mapping(
            {
                "name": "small",
                "duration": "1 min",
                "workload": {
                    "arrivals": {"profile": [{"for": "1 min", "rate": "1/s"}]},
                    "keys": {"k": {"count": 4}},
                    "service": {"j": {"per_message": work}},
                },
                "systems": {"s": system},
                "faults": list(faults),
            }
        ).warnings
    )


def celery(countdown, broker, **keys):
    queue = {"workers": 2, "does": ["j"], "task": {"countdown": countdown}}
    return {"product": "celery", "broker": broker, "queues": {"q": queue}, **keys}


def kafka(backoff, **on_failure):
    group = {"consumers": 1, "does": ["j"], "max.poll.interval.ms": 60_000}
    group["on_failure"] = {"backoff": backoff, **on_failure}
    topic = {"partitions": 1}
    return {"product": "kafka", "topic": topic, "partition_key": ["k"], "groups": {"g": group}}


POISON = {"at": "10 s", "fault": "poison", "target": "s.g", "effect": "fail"}


def test_a_countdown_beyond_the_visibility_timeout():
    assert said(celery("1h", "redis")) == []
    assert said(celery("61m", "redis")) == [
        "scenario: systems.s.queues.q.task.countdown: 1 h 1 min is longer than "
        "'visibility_timeout', 1 h: redis hands the task out again each time that one passes, and "
        "it runs once for each copy that is held when its time comes"
    ]
    assert "30 min: sqs hands" in said(celery("31m", "sqs"))[0]


def test_a_countdown_beyond_the_acknowledgement_timeout():
    assert said(celery("30m", "rabbitmq")) == []
    (warning,) = said(celery("31m", "rabbitmq"))
    assert "31 min is longer than 'consumer_timeout', 30 min: the broker closes" in warning
    assert said(celery("31m", "rabbitmq", broker_version="4.3")) == []
    assert said(celery("31m", "rabbitmq", consumer_timeout=3_600_000)) == []


@pytest.mark.parametrize(
    ("system", "faults", "work", "told"),
    [
        (kafka("55 s"), [POISON], "10 s", True),
        (kafka("55 s"), [POISON], "5 s", False),
        (kafka("61 s"), [POISON], "1 ms", True),
        (kafka("61 s"), [], "1 ms", False),
        (kafka("61 s", attempts=1), [POISON], "1 ms", False),
    ],
)
def test_a_back_off_beyond_max_poll_interval(system, faults, work, told):
    warnings = said(system, *faults, work=work)
    assert len(warnings) == told
    assert all("systems.s.groups.g.on_failure.backoff: " in warning for warning in warnings)


@pytest.mark.parametrize("path", available(), ids=lambda path: path.stem)
def test_no_shipped_scenario_has_one(path):
    assert not any("is longer than" in warning for warning in load(path).warnings)
