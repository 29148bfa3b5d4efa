"""Incidents that others reported, rebuilt: what came out there must come out here.

The reports are public; the figures are what they say, or follow from what they say.
"""

import numpy as np
import pytest

from sim.lab import run
from sim.scenario.load import Scenario


def scenario(name, systems, arrivals, service, faults=(), drain_limit="4h", key="k", **more):
    duration = sum(length for length, _ in arrivals)
    return Scenario.from_mapping(
        {
            "name": name,
            "duration": f"{duration}s",
            "drain_limit": drain_limit,
            "workload": {
                "arrivals": {"profile": [{"for": f"{for_s}s", "rate": r} for for_s, r in arrivals]},
                "keys": {key: {"count": 100_000}},
                "order_by": [key],
                "service": service,
            },
            "systems": systems,
            "faults": list(faults),
            **more,
        }
    )


def celery(countdown, broker, **keys):
    queue = {"workers": 2, "does": ["task"], "task": {"countdown": countdown}}
    return {"product": "celery", "broker": broker, "queues": {"q": queue}, **keys}


def test_CE_11_an_eta_beyond_the_visibility_timeout_runs_once_for_each_copy_that_it_meets():
    """kombu 337, celery 2481: reminders two and a half hours ahead, on Redis at its defaults.

    Handed out again after an hour and after two, a task is in three copies when its ETA comes; the
    first acknowledgement ends it. With a timeout of 12 hours there is one.
    """
    longer = {"config": {"broker_transport_options": {"visibility_timeout": 43_200}}}
    its = scenario(
        "eta",
        {"an_hour": celery("150m", "redis"), "half_a_day": celery("150m", "redis", **longer)},
        [(3_600, "10/min")],
        {"task": {"per_message": "50 ms"}},
    )
    tables = run(its).tables
    rows = {row["system"]: row for row in tables.summary.to_dict("records")}
    produced = rows["an_hour"]["produced"]
    assert produced > 550
    assert rows["an_hour"]["double_effects"] == 2 * produced
    assert rows["half_a_day"]["double_effects"] == rows["half_a_day"]["extra_deliveries"] == 0
    assert rows["an_hour"]["processed"] == rows["half_a_day"]["processed"] == produced
    (warning,) = [text for text in its.warnings if "visibility_timeout" in text]
    assert "countdown" in warning and "an_hour" in warning


def test_RQ_06_a_countdown_beyond_the_acknowledgement_timeout_is_delivered_again_and_again():
    """celery 6760, openedx 32811: a countdown of an hour, RabbitMQ's consumer_timeout of 30 min.

    The broker looks once a minute: taken back after 30 to 31 min, and again; then its ETA comes.
    """
    late = {"config": {"task_acks_late": True}}
    its = scenario(
        "grades",
        {"rabbit": celery("60m", "rabbitmq", **late)},
        [(3_600, "10/min")],
        {"task": {"per_message": "1 s"}},
    )
    tables = run(its).tables
    (row,) = tables.summary.to_dict("records")
    assert row["processed"] == row["produced"] > 550
    assert 1.8 * row["produced"] < row["extra_deliveries"] <= 2 * row["produced"]
    (warning,) = [text for text in its.warnings if "consumer_timeout" in text]
    assert "countdown" in warning
    given_longer = its.with_({"systems.rabbit.consumer_timeout": 7_200_000})
    assert run(given_longer).tables.summary["extra_deliveries"][0] == 0
    newer = its.with_({"systems.rabbit.broker_version": "4.3"})
    assert run(newer).tables.summary["extra_deliveries"][0] == 0


def test_RQ_03_without_a_prefetch_one_consumer_holds_what_others_could_do():
    """rabbitmq-server 14485: three consumers join when one was sent everything, or 2,000 of it.

    5,000 messages of 100 ms: the one needs 500 s for them; on a quorum queue four of them work on
    what is left, and are done after 230 s or so.
    """
    hold = {"consumers": 1, "does": ["hold"]}
    quorum = {**hold, "arguments": {"x-queue-type": "quorum"}}
    its = scenario(
        "hold",
        {
            name: {"product": "rabbitmq", "queues": {"hold": queue}}
            for name, queue in {"classic": hold, "quorum": quorum}.items()
        },
        [(10, "500/s"), (110, "1/s")],
        {"hold": {"per_message": "100 ms"}},
        [{"at": "30s", "fault": "scale", "target": "*.hold", "to": 4}],
        drain_limit="30m",
        seed=3,
    )
    rows = {row["system"]: row for row in run(its).tables.summary.to_dict("records")}
    assert 120 + rows["classic"]["drain_s"] == pytest.approx(500, abs=15)
    assert 120 + rows["quorum"]["drain_s"] == pytest.approx(230, abs=10)


def test_KC_23_a_back_off_beyond_max_poll_interval_costs_one_member_after_the_other():
    """spring-kafka 2542: 60 s after a failure its member is out, and the next one fails as well.

    With a back-off of ten minutes both members of a group are out, and all partitions stand still
    until the first is back.
    """
    group = {
        "consumers": 2,
        "does": ["w"],
        "max.poll.interval.ms": 60_000,
        "on_failure": {"attempts": 3, "backoff": "10m", "then": "skip"},
    }
    kafka = {"product": "kafka", "topic": {"partitions": 4}, "partition_key": ["k"]}
    its = scenario(
        "backoff",
        {
            "classic": {**kafka, "groups": {"w": group}},
            "consumer": {**kafka, "groups": {"w": {**group, "group.protocol": "consumer"}}},
        },
        [(600, "1/s")],
        {"w": {"per_message": "10 ms"}},
        [{"at": "1m", "fault": "poison", "target": "*.w", "effect": "fail"}],
        drain_limit="40m",
    )
    tables = run(its).tables
    for system, rows in tables.faults.groupby("system"):
        out = rows[rows["text"].str.contains("exceeded max.poll.interval.ms")]
        first_s, second_s = out["t_s"].iloc[:2]
        assert 120 <= first_s < 130 and 60 <= second_s - first_s < 66, system
        assert out["text"].iloc[0] != out["text"].iloc[1], "another member"
        series = tables.series[tables.series["system"] == system]
        still = series[(series["t_s"] > second_s + 1) & (series["t_s"] < 660)]
        assert np.ptp(still["processed"]) == 0
    (warning,) = [text for text in its.warnings if "'classic'" in text or "classic" in text]
    assert "backoff" in warning and "max.poll.interval.ms" in warning
