"""Runs that start full, against plain models of them and against arithmetic.

Calls take no time here, so that what a message waits for is what is ahead of it.
"""

import heapq

import numpy as np
import pytest

from helpers.windowed import compare
from sim.causes.explain import explain
from sim.engine.outcome import Fate
from sim.engine.waits import TimePart
from sim.lab import run_system
from sim.scenario.load import Scenario
from sim.traffic.generate import generate, service_s

GROUPS = {"a": {"does": ["one"]}, "b": {"does": ["other"]}}
READERS = {
    "kafka": "groups",
    "rabbitmq_stream": "groups",
    "nats": "consumers",
    "redis_streams": "groups",
    "rq": "queues",
    "sidekiq": "queues",
    "kinesis": "applications",
    "sqs": "queues",
    "rabbitmq": "queues",
    "celery": "queues",
    "bullmq": "queues",
    "postgres": "queues",
    "pubsub": "subscriptions",
}
WORKERS = dict.fromkeys(("kinesis", "sqs", "celery", "bullmq", "postgres"), "workers")
WORKERS["pubsub"] = WORKERS["nats"] = "subscribers"
WORKERS |= {"rq": "workers", "sidekiq": "processes"}
OF_READERS = {"postgres": {"skip_locked": {}}}
PARTS = {
    "kafka": {"topic": {"partitions": 2}, "partition_key": ["key"]},
    "rabbitmq_stream": {"stream": {"partitions": 2}},
    "kinesis": {"stream": {"ShardCount": 2}, "partition_key": ["key"]},
}
NO_CALLS = {
    "sqs": {"send": 0, "receive": 0, "delete": 0, "fanout": 0},
    "rabbitmq": {"publish": 0, "deliver": 0, "ack": 0},
    "kafka": {"produce": 0, "fetch": 0},
    "rabbitmq_stream": {"publish": 0, "deliver": 0},
}


def system(product, members=2, **more):
    groups = {
        name: {WORKERS.get(product, "consumers"): members, **its, **OF_READERS.get(product, {})}
        for name, its in GROUPS.items()
    }
    return {"product": product, READERS[product]: groups, **PARTS.get(product, {}), **more}


def scenario(systems, start, work="20 ms", rate="60/s", **more):
    return Scenario.from_mapping(
        {
            "name": "full",
            "seed": 5,
            "duration": "100 s",
            "drain_limit": "1h",
            "workload": {
                "arrivals": {"profile": [{"for": "100 s", "rate": rate}]},
                "keys": {"key": {"count": 50}},
                "service": {job: {"per_message": work} for job in ("one", "other")},
            },
            "systems": systems,
            "start": start,
            **more,
        }
    )


def run(its, name):
    found = {}
    messages = generate(its)
    tables = run_system(its, name, messages, on_outcome=lambda o: found.update({o.group: o}))
    return messages, tables, found


def lines(created_s, work_s, line_of, servers):
    """When each message is done: lines of so many servers, who take the oldest that has come."""
    free_s = {line: [0.0] * servers for line in np.unique(line_of).tolist()}
    done_s = np.empty(created_s.size)
    for i, line in enumerate(line_of.tolist()):
        begins_s = max(heapq.heappop(free_s[line]), created_s[i], 0.0)
        done_s[i] = begins_s + work_s[i]
        heapq.heappush(free_s[line], done_s[i])
    return done_s


STARTS = {
    "all": {"backlog": "2k", "age": "10 min"},
    "one": {"backlog": {"it.a": "2k", "it.b": 300}, "age": {"it.a": "10 min", "it.b": "20 s"}},
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("product", ["sqs", "rabbitmq"])
def test_a_queue_hands_out_what_waits_as_a_plain_model_does(product, start):
    queues = {"sqs": {"ReceiveMessageWaitTimeSeconds": 20, "MaxNumberOfMessages": 1},
              "rabbitmq": {"prefetch_count": 1}}  # fmt: skip
    its = system(product, members=3)
    for queue in its["queues"].values():
        queue.update({k: v for k, v in queues[product].items()})
    its["latency"] = NO_CALLS[product]
    its |= {"producer": {"threads": 5_000}} if product == "sqs" else {}
    given = scenario({"it": its}, STARTS[start], work={"exponential": "30 ms"})
    messages, _, found = run(given, "it")
    for name, outcome in found.items():
        rows = np.arange(0 if name == "a" or start == "all" else 1_700, len(messages))
        work_s = service_s(given, len(messages), GROUPS[name]["does"]).astype(float)[rows]
        expected = lines(messages.created_s[rows], work_s, np.zeros(rows.size), 3)
        np.testing.assert_allclose(outcome.done_s, expected, atol=2e-3)
        assert (outcome.fate == Fate.PROCESSED).all()


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("product", ["kafka", "rabbitmq_stream"])
def test_a_log_hands_out_what_waits_as_a_plain_model_does(product, start):
    its = system(product, members=1) | {"latency": NO_CALLS[product]}
    its["topic" if product == "kafka" else "stream"] = {"partitions": 1}
    if product == "kafka":
        its |= {"ceilings": {"apply": False}, "producer": {"linger.ms": 0}}
    else:
        its["producer"] = {"dynamicBatch": True}
    given = scenario({"it": its}, STARTS[start], work={"exponential": "10 ms"})
    messages, _, found = run(given, "it")
    for name, outcome in found.items():
        rows = np.arange(0 if name == "a" or start == "all" else 1_700, len(messages))
        work_s = service_s(given, len(messages), GROUPS[name]["does"]).astype(float)[rows]
        expected = lines(messages.created_s[rows], work_s, np.zeros(rows.size), 1)
        np.testing.assert_allclose(outcome.done_s, expected, atol=2e-3)
        assert (outcome.fate == Fate.PROCESSED).all()


@pytest.mark.parametrize("product", READERS)
def test_all_products_start_full_and_lose_nothing(product):
    given = scenario({"it": system(product)}, STARTS["one"], work="10 ms")
    messages, tables, found = run(given, "it")
    series = tables.series
    assert messages.waiting == 2_000
    for name, waiting, age_s in (("a", 2_000, 600.0), ("b", 300, 20.0)):
        its = series[series["group"] == name].iloc[0]
        assert its["t_s"] == 0.0 and its["arrived"] == waiting == its["lag"], name
        assert its["time_lag_s"] == pytest.approx(age_s), name
        assert (found[name].fate == Fate.PROCESSED).all()
        # What was before the start is a part of its own, and no part is less than none.
        first = messages.created_s.size - found[name].done_s.size
        created_s = messages.created_s[first:]
        parts_s = found[name].waits.parts_s(0, created_s.size)
        np.testing.assert_allclose(
            parts_s[TimePart.BEFORE_START], -np.minimum(created_s, 0.0), atol=1e-9
        )
        np.testing.assert_allclose(parts_s.sum(axis=0), found[name].done_s - created_s, atol=1e-6)
        assert parts_s.min() > -1e-6


@pytest.mark.parametrize("product", ["sqs", "rabbitmq", "kafka"])
def test_a_fluid_says_when_what_waits_is_gone(product):
    """B / (mu - lambda), for constant work and a rate that hardly varies."""
    its = system(product, members=1) | {"latency": NO_CALLS[product]}
    if product == "sqs":
        its["producer"] = {"threads": 5_000}
        for queue in its["queues"].values():
            queue["ReceiveMessageWaitTimeSeconds"] = 20
    if product == "kafka":
        its |= {"topic": {"partitions": 1}, "ceilings": {"apply": False}}
    given = scenario({"it": its}, {"backlog": 20_000, "age": "1h"}, work="1 ms")
    counts = {"values": [600] * 100, "interval": "1 s"}
    _, tables, _ = run(given.with_({"workload.arrivals": {"counts": counts}}), "it")
    series = tables.series[tables.series["group"] == "a"]
    level_s = series["t_s"][series["arrived"] - series["processed"] < 20].iloc[0]
    assert level_s == pytest.approx(20_000 / (1_000.0 - 600.0), rel=0.02)


def test_what_is_older_than_a_queue_keeps_it_goes_when_the_run_begins():
    """All that is older than retention at once, and the others when they are as old, to the s."""
    its = system("sqs")
    for queue in its["queues"].values():
        queue["MessageRetentionPeriod"] = 300
    given = scenario({"it": its}, {"backlog": 6_000, "age": "10 min"}, work="10 min")
    messages, tables, found = run(given, "it")
    dead = found["a"].fate == Fate.LOST_RETENTION
    age_s = -messages.created_s
    assert dead[age_s > 300.0].all() and np.count_nonzero(age_s > 300.0) == 3_000
    series = tables.series[tables.series["group"] == "a"]
    step = series[series["t_s"] >= 50.0].iloc[0]
    gone = np.count_nonzero(age_s >= 300.0 - step["t_s"])
    assert abs(step["lag"] - (step["arrived"] - gone)) <= 4  # two are in each worker's hands


def test_a_queue_of_rabbitmq_expires_by_age_from_the_head():
    its = system("rabbitmq")
    for queue in its["queues"].values():
        queue |= {"arguments": {"x-message-ttl": "5 min"}, "prefetch_count": 1}
    given = scenario({"it": its}, {"backlog": 6_000, "age": "10 min"}, work="10 min")
    messages, _, found = run(given, "it")
    age_s = -messages.created_s
    assert (found["a"].fate[age_s > 300.1] == Fate.LOST_RETENTION).all()
    # Two of the youngest that may wait are taken at once, and stay.
    assert (found["a"].fate[(age_s < 300.0)][:2] == Fate.PROCESSED).all()


def test_retention_of_a_log_goes_by_the_age_of_what_waits():
    its = system("kafka")
    its["topic"] = {"partitions": 2, "retention.ms": "5 min", "segment.ms": "10 s"}
    its["brokers"] = {"log.retention.check.interval.ms": "10 s"}
    its["groups"]["a"]["auto.offset.reset"] = its["groups"]["b"]["auto.offset.reset"] = "earliest"
    given = scenario({"it": its}, {"backlog": 6_000, "age": "10 min"}, work="1 s")
    messages, tables, found = run(given, "it")
    lost = found["a"].fate == Fate.LOST_RETENTION
    age_s = -messages.created_s
    # At the first check, ten seconds after the start, each member has 500 of a poll in hand.
    assert np.count_nonzero(~lost[age_s > 310.0]) == 2 * 500
    # It takes whole segments, of ten seconds, of which the newest record is older than 5 min.
    offsets, series = found["a"].offsets, tables.series[tables.series["group"] == "a"]
    after = int(np.searchsorted(series["t_s"], 10.5))
    gone = int(offsets.start[after].sum())
    assert np.count_nonzero(age_s > 300.0) <= gone <= np.count_nonzero(age_s > 290.0)
    assert set(np.unique(found["a"].fate)) <= {Fate.LOST_RETENTION, Fate.PROCESSED}


def test_a_publisher_goes_on_behind_what_waits():
    its = {**system("kafka"), "publisher": {}}
    given = scenario({"it": its}, STARTS["one"], work="10 ms")
    messages, tables, found = run(given, "it")
    assert all((o.fate == Fate.PROCESSED).all() for o in found.values())
    assert tables.producer["appended"].tolist() == [len(messages) - 2_000]


@pytest.mark.parametrize("window", [7, 300, 10_000])
@pytest.mark.parametrize("product", ["kafka", "sqs"])
def test_in_windows_it_is_the_same_to_the_bit(product, window):
    given = scenario({"it": system(product)}, {"backlog": 1_000, "age": "3 min"}, work="15 ms")
    assert compare(given, "it", window) >= 1


def test_that_it_started_full_is_why_it_is_behind():
    """Fifty of sixty a second are worked off more than come, and nothing else makes it late."""
    its = system("kafka", members=1)
    given = scenario({"it": its}, {"backlog": 2_000, "age": "10 min"}, work="10 ms")
    explained = {group.group: group for group in explain(given).groups}
    assert {group.first.key for group in explained.values()} == {"start"}
    assert "2,000 messages waited when the run began" in explained["a"].first.said
