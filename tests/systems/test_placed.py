"""What waits at a start in given partitions: where it is, with which keys, and when it is gone."""

import numpy as np
import pytest

from sim.foundation.errors import LabError
from sim.lab import run, run_system
from sim.scenario.load import Scenario
from sim.systems.placed import messages_of, partition_of_entities
from sim.systems.windowed import why_whole
from sim.traffic.generate import generate, service_s

OF = {
    "kafka": {
        "topic": {"partitions": 3},
        "partition_key": ["key"],
        "groups": {"g": {"consumers": 3, "does": ["job"], "max.poll.records": 1}},
        "ceilings": {"apply": False},
        "latency": {"produce": 0, "fetch": 0, "commit": 0},
        "producer": {"linger.ms": 0},
    },
    "rabbitmq_stream": {
        "stream": {"partitions": 3},
        "partition_key": ["key"],
        "groups": {"g": {"consumers": 3, "does": ["job"]}},
    },
    "kinesis": {
        "stream": {"ShardCount": 3},
        "partition_key": ["key"],
        "applications": {"g": {"workers": 3, "does": ["job"]}},
    },
}
WAITING = {0: 100, 2: 1_500}


def scenario(product, **changes):
    return Scenario.from_mapping(
        {
            "name": "placed",
            "seed": 5,
            "duration": "100 s",
            "drain_limit": "1h",
            "workload": {
                "arrivals": {"profile": [{"for": "100 s", "rate": "60/s"}]},
                "keys": {"key": {"count": 40, "zipf": 1.0}, "other": {"count": 2}},
                "service": {"job": {"per_message": "20 ms"}},
            },
            "systems": {"it": {"product": product, **OF[product]}},
            "start": {"backlog": {"it.g": WAITING}, "age": "10 min"},
        }
    ).with_(changes)


@pytest.mark.parametrize("product", OF)
def test_so_many_wait_in_each_partition_and_the_rest_is_as_it_was(product):
    its = scenario(product)
    messages, others = messages_of(its), generate(its)
    partition = partition_of_entities(its.systems["it"], messages)[messages.entity]
    assert np.bincount(partition[: messages.waiting], minlength=3).tolist() == [100, 0, 1_500]
    assert messages.waiting == 1_600
    assert (messages.entity[1_600:] == others.entity[1_600:]).all()
    assert (messages.created_s == others.created_s).all()
    # They come mixed: each tenth of the 1,600 has some of the 100.
    first = (partition[:1_600] == 0).reshape(10, 160).sum(axis=1)
    assert first.min() > 0 and first.sum() == 100


def test_keys_of_a_partition_come_as_often_as_they_do_otherwise():
    its = scenario("kafka")
    messages = messages_of(its)
    _, names = messages.keys_by(["key"])
    key = messages.entity // 2
    partition = partition_of_entities(its.systems["it"], messages)[::2]
    weights = np.arange(1, len(names) + 1.0) ** -1.0
    weights[partition != 2] = 0.0
    found = np.bincount(key[:1_600][partition[key[:1_600]] == 2], minlength=len(names)) / 1_500
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.04)


@pytest.mark.parametrize("product", OF)
def test_the_system_has_them_where_it_keeps_them(product):
    its = scenario(product)
    seen = {}
    run_system(its, "it", messages_of(its), on_outcome=lambda o: seen.update({o.group: o}))
    lag = seen["g"].offsets
    at_start = (lag.end - lag.committed)[0]
    assert at_start.tolist() == [100, 0, 1_500]


def test_each_partition_is_worked_off_by_itself_as_in_a_plain_model():
    its = scenario("kafka")
    messages, found = messages_of(its), {}
    run_system(its, "it", messages, on_outcome=lambda o: found.update({o.group: o}))
    partition = partition_of_entities(its.systems["it"], messages)[messages.entity]
    work_s = service_s(its, len(messages), ["job"]).astype(float)
    expected, free_s = np.empty(len(messages)), np.zeros(3)
    for i, p in enumerate(partition):
        free_s[p] = max(free_s[p], messages.created_s[i]) + work_s[i]
        expected[i] = free_s[p]
    np.testing.assert_allclose(found["g"].done_s, expected, atol=2e-3)


def test_without_a_key_in_a_partition_nothing_can_wait_there():
    its = scenario("kafka", **{"workload.keys.key": {"weights": {"one": 1}}})
    with pytest.raises(LabError, match=r"start\.backlog\.it\.g: no key of the workload belongs to"):
        run(its)


def test_messages_that_come_in_windows_are_drawn_without_regard_to_it():
    assert "by partition" in why_whole(scenario("kafka"), "it")


def test_without_a_start_they_are_those_that_are_drawn():
    its = scenario("kafka", start=None)
    assert (messages_of(its).entity == generate(its).entity).all()
