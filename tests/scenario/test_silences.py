"""What a scenario asks for and will not get is said when it is read, at its line."""

import pytest

from sim.scenario.load import Scenario, available, load

_SQS = {"product": "sqs", "queues": {"q": {"workers": 4, "does": ["j"]}}}
_KAFKA = {
    "product": "kafka",
    "topic": {"partitions": 6},
    "groups": {"g": {"consumers": 3, "does": ["j"]}},
}


def said(*faults, systems=None, **changes):
    data = {
        "name": "small",
        "duration": "1 min",
        "drain_limit": "1 min",
        "workload": {
            "arrivals": {"profile": [{"for": "1 min", "rate": "1/s"}]},
            "keys": {"k": {"count": 4}},
            "service": {"j": {"per_message": "1 ms"}},
        },
        "systems": systems or {"s": _SQS},
        "faults": list(faults),
    }
    return list(Scenario.from_mapping(data).with_(changes).warnings)


@pytest.mark.parametrize("path", available(), ids=lambda path: path.stem)
def test_the_shipped_scenarios_get_what_they_ask_for(path):
    assert load(path).warnings == ()


def test_a_fault_that_can_never_strike_is_told():
    crash = {"fault": "crash", "target": "s.q.0"}
    assert said({**crash, "at": "2 min"}, {**crash, "rate": "1/h"}) == []
    assert said({**crash, "at": "121 s"}) == [
        "scenario: faults.0.at: 'crash' never strikes: the run is over after 2 min at the latest "
        "(duration and drain_limit)"
    ]
    assert said({**crash, "rate": 0}) == ["scenario: faults.0.rate: 0: 'crash' never strikes"]


def test_a_poisonous_share_of_nothing_is_told():
    (words,) = said(**{"workload.service.j.poison": 0})
    assert words.endswith(": workload.service.j.poison.share: 0: no message is poisonous")
    assert said(**{"workload.service.j.poison": 0.1}) == []


def test_a_slow_share_of_nothing_is_told():
    slow_share = {"share": 0, "time": "1 s"}
    slow = {"workload.service.j.slow": slow_share}
    (words,) = said(**slow)
    assert words.endswith(": workload.service.j.slow.share: 0: no message is slow")
    assert said(**{"workload.service.j.slow": {"share": 0.1, "time": "1 s"}}) == []


@pytest.mark.parametrize(
    "log",
    [
        _KAFKA,
        {"product": "kafka", "topic": {"partitions": 6}, "share_groups": _KAFKA["groups"]},
        {
            "product": "kinesis",
            "stream": {"ShardCount": 6},
            "applications": {"g": {"workers": 3, "does": ["j"]}},
        },
        {
            "product": "rabbitmq_stream",
            "stream": {"partitions": 6},
            "groups": {"g": {"consumers": 3, "does": ["j"]}},
        },
    ],
    ids=["kafka", "share", "kinesis", "stream"],
)
def test_order_that_is_asked_of_messages_without_a_key_is_told(log):
    order = {"workload.order_by": ["k"]}
    assert said(systems={"l": log}) == []
    assert said(systems={"l": {**log, "partition_key": ["k"]}}, **order) == []
    assert said(systems={"l": log, "s": _SQS}, **order) == [
        "scenario: systems.l: has no 'partition_key': messages go to any of 6 partitions, and the "
        "order of each k (workload.order_by) is not kept"
    ]
    (words,) = said(systems={"l": log}, **{"workload.order_by": []})
    assert "the order of all messages (workload.order_by) is not kept" in words


def test_one_partition_keeps_the_order_of_all():
    one = {**_KAFKA, "topic": {"partitions": 1}}
    assert said(systems={"l": one}, **{"workload.order_by": ["k"]}) == []


def test_fleets_that_are_rounded_up_are_told():
    assert said(scale=0.5) == []
    assert said(scale=0.24) == []  # 0.96 of a worker is 1, near enough
    assert said(scale=0.02) == [
        "scale=0.02: scale: at 0.02, systems.s.queues.q is rounded up from 0.08 to 1, 12.5 times "
        "its share of the traffic; what is found at this scale may not hold at scale 1"
    ]
    assert said(systems={"l": _KAFKA}, scale=0.1) == [
        "scale=0.1: scale: at 0.1, systems.l.groups.g is rounded up from 0.3 to 1, 3.33 times its "
        "share of the traffic, and so is 1 more number; what is found at this scale may not hold "
        "at scale 1"
    ]
    # Too many for more traffic, too; and what a fault asks for.
    (words,) = said({"at": 1, "fault": "scale", "target": "s.q", "to": 5}, scale=0.5)
    assert "faults.0.to is rounded up from 2.5 to 3, 1.2 times" in words
    scaler = {"queueLength": 1, "maxReplicaCount": 7}
    (words,) = said({"at": 1, "fault": "autoscale", "target": "s.q", "scaler": scaler}, scale=0.5)
    assert "faults.0.scaler.maxReplicaCount is rounded up from 3.5 to 4" in words
    assert said({"at": 1, "fault": "scale", "target": "s.q", "to": 0}, scale=0.5) == []


def test_asking_for_metadata_is_for_nothing_where_no_partitions_are_added():
    group = {**_KAFKA["groups"]["g"], "metadata.max.age.ms": 60_000}
    log = {**_KAFKA, "partition_key": ["k"], "groups": {"g": group}}
    assert said(systems={"l": log}) == [
        "scenario: systems.l.groups.g.metadata.max.age.ms: has an effect only where partitions are "
        "added (fault: partitions)"
    ]
    added = {"at": 1, "fault": "partitions", "target": "l.topic", "to": 8}
    assert said(added, systems={"l": log}) == []
    broker = {**log, "groups": {"g": {**group, "group.protocol": "consumer"}}}
    (words,) = said(added, systems={"l": broker})
    assert "the broker tells members of partitions" in words


def test_retry_topics_of_a_group_that_never_fails_are_told():
    retried = {**_KAFKA, "groups": {"g": {**_KAFKA["groups"]["g"], "retry_topics": {}}}}
    poison = {"at": "1s", "fault": "poison", "target": "s.g", "effect": "fail"}
    assert said(poison, systems={"s": retried}) == []
    share = {"workload.service.j.poison": 0.1}
    assert said(systems={"s": retried}, **share) == []
    assert said(systems={"s": retried}) == [
        "scenario: systems.s.groups.g.retry_topics: has an effect only where records fail "
        "(fault: poison, or a service's poison)"
    ]


def test_what_dead_rows_cost_is_told_where_no_snapshot_keeps_any():
    table = {
        "product": "postgres",
        "queues": {"g": {"workers": 1, "does": ["j"], "skip_locked": {}}},
        "latency": {"dead_row": "1 us"},
    }
    held = {"at": 1, "fault": "snapshot_held", "target": "s.g"}
    assert said(held, systems={"s": table}) == []
    assert said(systems={"s": table}) == [
        "scenario: systems.s.latency.dead_row: has an effect only while a snapshot is held "
        "(fault: snapshot_held)"
    ]


@pytest.mark.parametrize(
    ("attempts", "more", "topics"),
    [
        (400, {"sameIntervalTopicReuseStrategy": "MULTIPLE_TOPICS"}, 399),
        (101, {"sameIntervalTopicReuseStrategy": "MULTIPLE_TOPICS"}, 0),
        (400, {}, 0),
        (400, {"backoff": {"delay": 1, "multiplier": 1.01}}, 399),
        (400, {"backoff": {"delay": 1, "multiplier": 1.1, "maxDelay": 1_000}}, 0),
    ],
)
def test_retry_topics_by_the_hundred_are_slow(attempts, more, topics):
    group = {"does": "work", "consumers": 1, "retry_topics": {"attempts": attempts, **more}}
    data = {
        "name": "x",
        "duration": 60,
        "workload": {"arrivals": {"rate": 1}, "service": {"work": 0.001}},
        "systems": {"k": {"product": "kafka", "topic": {"partitions": 1}, "groups": {"g": group}}},
        "faults": [{"at": 10, "fault": "poison", "target": "k.g", "effect": "fail"}],
    }
    told = [one for one in Scenario.from_mapping(data).warnings if "retry topics, and" in one]
    assert len(told) == (topics > 0)
    assert all(f"retry_topics: makes {topics} retry topics" in one for one in told)
