"""A consumer's configuration: what its client refuses, and what the lab makes of the rest."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.lab import run
from sim.log.kafka_rebalance_classic import Cooperative, Eager
from sim.log.kafka_rebalance_kip848 import Reconciling
from sim.scenario.load import Scenario
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.systems.kafka import Kafka
from sim.traffic.generate import generate


def group(**keys):
    return ConsumerGroup.model_validate({"consumers": 3, "does": ["work"], **keys})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"group.protocol": "consumer", "session.timeout.ms": 45000}, "'session.timeout.ms' ca"),
        ({"group.protocol": "consumer", "heartbeat.interval.ms": 3000}, "'heartbeat.interval.ms'"),
        ({"group.protocol": "consumer", "partition.assignment.strategy": "range"}, "the broker"),
        ({"group.remote.assignor": "uniform"}, "needs 'group.protocol: consumer'"),
        ({"heartbeat.interval.ms": 45000}, r"\(45,000\) must be less than 'session.timeout.ms'"),
        ({"partition.assignment.strategy": ["rangy"]}, "partition.assignment.strategy"),
        ({"commit": {"how": "async"}}, "needs 'enable.auto.commit: false'"),
        ({"enable.auto.offset.store": False}, "a key of librdkafka"),
        ({"client": "librdkafka", "max.poll.records": 10}, "librdkafka has no 'max.poll.records'"),
        ({"client": "librdkafka", "max.poll.interval.ms": 9000}, "must not be less than"),
        ({"client": "librdkafka", "partition.assignment.strategy": "sticky"}, "no assignor"),
        (
            {"client": "librdkafka", "partition.assignment.strategy": "range,cooperative-sticky"},
            "only without eager",
        ),
    ],
)  # fmt: skip
def test_KC_07_what_the_client_refuses_is_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        group(**keys)


@pytest.mark.parametrize(
    ("keys", "assignor", "cooperative"),
    [
        # KC-06: with Java's default list, range is in force, eagerly.
        ({}, "range", False),
        ({"client": "librdkafka"}, "range", False),
        ({"partition.assignment.strategy": "cooperative-sticky"}, "cooperative-sticky", True),
        (
            {"partition.assignment.strategy": "cooperative-sticky,range"},
            "cooperative-sticky",
            False,
        ),
        ({"partition.assignment.strategy": ["roundrobin", "range"]}, "roundrobin", False),
        (
            {"partition.assignment.strategy": "org.apache.kafka.clients.consumer.StickyAssignor"},
            "sticky",
            False,
        ),
        ({"group.protocol": "consumer"}, "uniform", False),
        ({"group.protocol": "consumer", "group.remote.assignor": "range"}, "range", False),
    ],
)
def test_KC_06_the_assignor_in_force(keys, assignor, cooperative):
    assert (group(**keys).assignor, group(**keys).cooperative) == (assignor, cooperative)
    again = ConsumerGroup.model_validate(group(**keys).model_dump(by_alias=True))
    assert again == group(**keys)


def scenario(keys, faults=(), **system):
    return Scenario.from_mapping(
        {
            "name": "consumer",
            "about": "A group under test",
            "duration": "2m",
            "workload": {
                "arrivals": {"profile": [{"for": "2m", "rate": "50/s"}]},
                "keys": {"key": {"count": 100}},
                "service": {"work": {"per_message": "55 ms"}},
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": 6},
                    "partition_key": ["key"],
                    "groups": {"g": {"consumers": 3, "does": ["work"], **keys}},
                    **system,
                }
            },
            "faults": list(faults),
        }
    )


def built(keys):
    case = scenario(keys)
    system = Kafka(Setup("kafka", case, generate(case), np.zeros(0)), case.systems["kafka"])
    coordinator = system.control(Environment(system.stages), lambda text: None)["g"]
    return system.groups["g"].reading, coordinator


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, {"auto_commit_s": 5.0, "background": 0, "handed": 0, "max_poll_records": 500}),
        ({"enable.auto.commit": False}, {"auto_commit_s": -1, "wait": 1, "before": 0, "handed": 0}),
        (
            {"enable.auto.commit": False, "commit": {"when": "before", "how": "async"}},
            {"before": 1, "handed": 1, "wait": 0, "per_record": 0},
        ),
        (
            {"enable.auto.commit": False, "commit": {"when": "before", "per": "record"}},
            {"before": 1, "handed": 0, "wait": 1, "per_record": 1},
        ),
        ({"client": "librdkafka"}, {"background": 1, "handed": 1, "max_poll_records": 1}),
        (
            {"client": "librdkafka", "enable.auto.offset.store": False},
            {"background": 1, "handed": 0, "max_poll_records": 1},
        ),
        (
            {"client": "librdkafka", "enable.auto.commit": False},
            {"background": 0, "handed": 0, "auto_commit_s": -1.0},
        ),
        ({"client": "librdkafka", "auto.commit.interval.ms": 0}, {"auto_commit_s": np.inf}),
        ({"max.poll.interval.ms": 60000}, {"max_poll_s": 60.0}),
    ],
)
def test_KC_11_to_KC_14_how_a_group_commits(keys, expected):
    reading, _ = built(keys)
    assert {name: getattr(reading, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("wait_ms", "fetch_s", "expected"),
    [
        (500, 0.002, (334, 0.5)),
        (1, 0.002, (334, 0.002)),  # it asks again after a round trip, not at once
        (0, 0.002, (334, 0.002)),
        (0, 1e-7, (1, 1e-7)),  # it asks all the time, and has each record as it comes
        (0, 0, (1, 0.0)),
    ],
)
def test_a_fetch_that_waits_for_nothing_takes_its_round_trip(wait_ms, fetch_s, expected):
    keys = {"fetch.min.bytes": 100_000, "fetch.max.wait.ms": wait_ms}
    case = scenario(keys, latency={"fetch": fetch_s})
    system = Kafka(Setup("kafka", case, generate(case), np.zeros(0)), case.systems["kafka"])
    reading = system.groups["g"].reading
    assert (reading.min_records, reading.max_wait_s) == expected


@pytest.mark.parametrize("fetch_s", [0.02, 0])
def test_a_fetch_that_waits_for_nothing_ends_and_gives_what_the_round_trip_would(fetch_s):
    latency = {"fetch": fetch_s}
    none = run(scenario({"fetch.min.bytes": 9_999, "fetch.max.wait.ms": 0}, latency=latency))
    keys = {"fetch.min.bytes": 9_999 if fetch_s else 1, "fetch.max.wait.ms": fetch_s * 1e3}
    same = run(scenario(keys, latency=latency))
    assert none.summary["processed"].sum() > 0
    pd.testing.assert_frame_equal(none.summary, same.summary)
    pd.testing.assert_frame_equal(none.tables.series, same.tables.series)


@pytest.mark.parametrize(
    ("keys", "kind", "expected"),
    [
        ({}, Eager, {"session_s": 45.0, "rebalance_s": 0.0, "initial_delay_s": 3.0}),
        ({"heartbeat.interval.ms": 1000}, Eager, {"heartbeat_s": 1.0, "max_poll_s": 300.0}),
        ({"partition.assignment.strategy": "cooperative-sticky"}, Cooperative, {"static": False}),
        (
            {"group.protocol": "consumer", "group.instance.id": "x"},
            Reconciling,
            {"session_s": 45.0, "heartbeat_s": 5.0, "static": True},
        ),
    ],
)
def test_KC_05_KC_06_KC_07_which_protocol_a_group_runs(keys, kind, expected):
    _, coordinator = built(keys)
    assert type(coordinator) is kind
    assert {name: getattr(coordinator.terms, name) for name in expected} == expected


def test_a_run_tells_what_was_committed_and_never_processed():
    keys = {"client": "librdkafka", "session.timeout.ms": 6000, "auto.commit.interval.ms": 5}
    crash = {"at": 30, "fault": "crash", "target": "kafka.g.1", "restart_after": 20}
    tables = run(scenario(keys, [crash])).tables
    lost = tables.fates.set_index("place")["messages"]
    assert lost["acked before processing"] == 1  # the record in progress
    keys["enable.auto.offset.store"] = False
    tables = run(scenario(keys, [crash])).tables
    left = tables.fates[tables.fates["fate"] != "processed"]
    assert not left["messages"].any()


@pytest.mark.parametrize(
    ("given", "phases_s"),
    [([0.5], [0.5, 0.5, 0.5]), ([0.5, 1.0], [0.5, 1.0, 1.0]), ([3, 1, 2, 0], [3.0, 1.0, 2.0])],
)
def test_members_beat_first_when_they_are_said_to(given, phases_s):
    for keys in ({}, {"client": "librdkafka"}, {"group.protocol": "consumer"}):
        _, coordinator = built({"consumers": 3, "first_heartbeats": given, **keys})
        assert list(coordinator.terms.phases_s) == phases_s


def test_a_session_ends_so_long_after_the_last_beat_as_the_phases_say():
    """Beats at 0.5, 2.5, … 28.5; killed at 30: put out at 34.5."""
    keys = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 2000, "first_heartbeats": [0.5]}
    keys["auto.commit.interval.ms"] = 600_000
    crash = {"at": 30, "fault": "crash", "target": "kafka.g.1"}
    told = run(scenario(keys, [crash])).tables.faults
    (at_s,) = told[told["text"].str.contains("session of consumer 1 expired")]["t_s"]
    assert at_s == 34.5


def test_members_commit_first_when_they_are_said_to():
    """Every 5 s from 2 s on: at 27 s, three before the crash, so 3 s of work come again."""
    keys = {"auto.commit.interval.ms": 5000, "session.timeout.ms": 6000}
    crash = {"at": 29.99, "fault": "crash", "target": "kafka.g.1"}

    def again(first):
        given = {**keys, **({} if first is None else {"first_commits": first})}
        return int(run(scenario(given, [crash])).summary["double_effects"].iloc[0])

    at_start, later = again([5]), again([2])
    assert again(None) == at_start
    assert 0 < later < at_start
