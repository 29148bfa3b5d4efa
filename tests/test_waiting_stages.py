"""Stages that wait for the next one, beside what happens to a log meanwhile: the run goes on."""

import pytest

from sim.lab import run
from sim.scenario.load import Scenario

KAFKA = {
    "product": "kafka",
    "topic": {"partitions": 4},
    "groups": {"a": {"consumers": 2, "does": ["a"]}},
}
KINESIS = {
    "product": "kinesis",
    "stream": {"ShardCount": 2},
    "partition_key": ["key"],
    "applications": {"a": {"workers": 2, "does": ["a"]}},
}
STREAM = {
    "product": "rabbitmq_stream",
    "stream": {"partitions": 2},
    "groups": {"a": {"consumers": 2, "does": ["a"]}},
}
ONCE = {"at": 5, "fault": "poison", "target": "f.a", "effect": "fail", "times": 1}
GROWS = [
    {"at": 5, "fault": "scale", "target": "f.a", "to": 4},
    {"at": 10, "fault": "scale", "target": "f.a", "to": 1},
]
RESHARD = {"at": 5, "fault": "reshard", "target": "f.stream", "TargetShardCount": 4}


def waits(duration, rate, keys, edge, faults, systems):
    """A pipeline of two stages, jobs ``a`` and ``b``, of which the first waits for the second."""
    data = {
        "name": "waits",
        "duration": duration,
        "workload": {
            "arrivals": {"rate": rate},
            "keys": {"key": {"count": keys}},
            "service": {"a": "5 ms", "b": "5 ms"},
        },
        "pipeline": [{**edge, "waits_for": "acknowledgement"}],
        "faults": faults,
        "systems": systems,
    }
    return run(Scenario.from_mapping(data)).tables.summary.set_index("system")


@pytest.mark.parametrize(
    ("first", "faults"),
    [
        (KAFKA, [ONCE]),
        (KAFKA, GROWS),
        (KINESIS, [RESHARD]),
        (KINESIS, [ONCE, RESHARD]),
        (STREAM, [ONCE]),
    ],
)
def test_a_log_that_waits_goes_on_when_a_record_fails_or_its_members_or_shards_change(
    first, faults
):
    """A member that is held in a call has not ended its batch at the time that was planned."""
    queue = {"workers": 2, "does": ["b"], "VisibilityTimeout": 5}
    systems = {"f": first, "s": {"product": "sqs", "queues": {"b": queue}}}
    rows = waits("20s", "50/s", 50, {"from": "f.a", "to": "s"}, faults, systems)
    assert rows.at["f", "processed"] + rows.at["f", "lost"] == rows.at["f", "produced"] > 900
    assert rows.at["f", "unfinished"] == rows.at["s", "unfinished"] == 0
    if first is not KINESIS:  # whose stages agree to a tenth of a second, and so not on each effect
        sent = rows.at["f", "processed"] + rows.at["f", "double_effects"]
        assert rows.at["s", "produced"] == sent


def test_who_sends_does_not_wait_for_a_delay_that_is_set_meanwhile():
    """A SendMessage is answered at once, however long the message is delayed."""
    delay = {"at": 20, "fault": "attributes", "target": "q.b", "DelaySeconds": 5, "takes": 0}
    systems = {
        "n": {"product": "nats", "consumers": {"a": {"subscribers": 2, "does": ["a"]}}},
        "q": {"product": "sqs", "queues": {"b": {"workers": 3, "does": ["b"]}}},
    }
    rows = waits("60s", "20/s", 100, {"from": "n.a", "to": "q"}, [delay], systems)
    assert rows.at["n", "latency_max_s"] < 1.0
    assert 5.0 < rows.at["q", "latency_max_s"] < 6.0
