"""Retry topics in whole systems (KC-25), against a plain model and by hand."""

import numpy as np
import pytest

from helpers.traffic import scenario
from models import plain_retry_topics as plain
from sim.causes.explain import explain
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.engine.system import Setup
from sim.engine.waits import TimePart
from sim.injection.poison import ALWAYS
from sim.lab import run
from sim.scenario.load import Scenario
from sim.systems.kafka import Kafka, partition_of
from sim.traffic.generate import generate

POISON = {"fault": "poison", "target": "s.g", "effect": "fail"}
NO_TIME = {"produce": 0, "fetch": 0, "commit": 0}


def of(retry_topics, *faults, partitions=4, rate="20/s", latency=None, work="20 ms", **more):
    group = {
        "consumers": partitions, "does": ["job"], "max.poll.records": 1,
        "retry_topics": retry_topics,
    }  # fmt: skip
    system = {
        "product": "kafka",
        "topic": {"partitions": partitions},
        "partition_key": ["k"],
        "producer": {"linger.ms": 0},
        "latency": NO_TIME | (latency or {}),
        "ceilings": {"apply": False},
        "groups": {"g": group | more.pop("group", {})},
    }
    return scenario(
        **{
            "systems": {"s": system},
            "faults": [f if "fault" in f else POISON | f for f in faults],
            "workload.arrivals.profile": [{"for": "60 s", "rate": rate}],
            "workload.keys": {"k": {"count": 40}},
            "workload.service": {"job": {"per_message": work}},
            "duration": "60 s",
            **more,
        }
    )


def outcome_of(its: Scenario, until_s=2_000.0):
    setup = Setup("s", its, generate(its), np.arange(0.0, until_s, 10.0))
    system = Kafka(setup, its.systems["s"])
    env = Environment(system.stages)
    said = []
    system.control(env, lambda text: said.append((env.now, text)))
    poison = system.groups["g"].poisoned
    fails = {
        int(m): 10**6 if bad.left == ALWAYS else bad.left
        for m, bad in zip(poison.messages, poison.of, strict=True)
    }
    readable_s = system.topic
    env.run(until=until_s)
    assert system.done()
    (outcome,) = system.outcomes(until_s)
    return outcome, setup, fails, readable_s.to_messages(readable_s.log.visible_s, np.inf), said


def drawn(seed):
    rng = np.random.default_rng(seed)
    partitions = int(rng.integers(1, 6))
    retry = {
        "attempts": int(rng.integers(1, 6)),
        "backoff": {
            "delay": int(rng.choice([0, 100, 1_000, 4_000])),
            "multiplier": float(rng.choice([1, 1, 2])),
            "maxDelay": int(rng.choice([2_000, 100_000])),
        },
        "numPartitions": int(rng.integers(1, partitions + 1)),
        "sameIntervalTopicReuseStrategy": str(rng.choice(["SINGLE_TOPIC", "MULTIPLE_TOPICS"])),
    }
    if rng.random() < 0.3:
        retry["timeout"] = int(rng.choice([500, 5_000]))
    faults = []
    for _ in range(int(rng.integers(1, 4))):
        fault = {"at": float(rng.uniform(0, 50)), "count": int(rng.integers(1, 40))}
        if rng.random() < 0.8:
            fault["times"] = int(rng.integers(1, 5))
        faults.append(fault)
    work = [{"exponential": "30 ms"}, "20 ms", {"lognormal": {"median": "5 ms", "p99": "2 s"}}]
    return of(
        retry, *faults, partitions=partitions, rate=f"{rng.integers(1, 60)}/s", seed=seed,
        latency={"produce": int(rng.choice([0, 3, 300])) / 1e3}, work=work[int(rng.integers(3))],
        drain_limit="30m", group={"max.poll.records": int(rng.choice([1, 500]))},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_KC_25_each_record_ends_as_in_the_plain_model(seed):
    its = drawn(seed)
    outcome, setup, fails, readable_s, _ = outcome_of(its)
    config = its.systems["s"]
    retry = config.groups["g"].retry_topics
    work_s = setup.work_s("g", ["job"]).astype(np.float64)
    n = retry.num_partitions
    few = partition_of(setup, config, n).tolist()
    delay_s, factor = retry.backoff.delay / 1e3, retry.backoff.multiplier
    delays_s = [
        min(retry.backoff.max_delay / 1e3, delay_s * factor**i) for i in range(retry.attempts - 1)
    ]
    if retry.same_interval_topic_reuse_strategy == "SINGLE_TOPIC":
        while len(delays_s) > 1 and delays_s[-1] == delays_s[-2]:
            del delays_s[-1]
    ends = plain.run(
        readable_s.tolist(), partition_of(setup, config, config.partitions).tolist(),
        work_s.tolist(), fails, delays_s, retry.attempts, config.latency.produce.a,
        lambda message, p: p if p < n else few[message],
        setup.messages.created_s.tolist(),
        np.inf if retry.timeout is None else retry.timeout / 1e3,
    )  # fmt: skip
    done_s = np.array([end.done_s for end in ends])
    np.testing.assert_allclose(outcome.done_s, done_s, rtol=0, atol=1e-6)
    given_up = np.isinf(done_s)
    assert (outcome.fate == np.where(given_up, Fate.DEAD_LETTERED, Fate.PROCESSED)).all()
    assert outcome.effects.tolist() == (~given_up).astype(int).tolist()
    assert outcome.extra_deliveries == sum(end.tried - 1 for end in ends)
    parts_s = outcome.waits.parts_s(0, done_s.size)[:, ~given_up]
    taken_s = outcome.done_s[~given_up] - setup.messages.created_s[~given_up]
    np.testing.assert_allclose(parts_s.sum(axis=0), taken_s, rtol=0, atol=1e-6)
    attempts_s = parts_s[TimePart.ATTEMPT] - np.array([end.attempts_s for end in ends])[~given_up]
    if config.groups["g"].max_poll_records == 1:
        np.testing.assert_allclose(attempts_s, 0.0, atol=1e-6)
    assert attempts_s.min() > -1e-6  # handed over with others, it waits for those before it
    for part, expected_s in (
        (TimePart.BACKOFF, np.array([end.delays_s for end in ends])),
        (TimePart.WORK, work_s),
    ):
        np.testing.assert_allclose(parts_s[part], expected_s[~given_up], rtol=0, atol=1e-6)
    assert parts_s.min() > -1e-9


def summary_of(its):
    result = run(its)
    (row,) = result.tables.summary.to_dict("records")
    return result, row


def test_KC_25_a_record_that_fails_lets_others_of_its_key_overtake_it():
    fault = {"at": 20, "count": 30, "times": 1}
    _, again = summary_of(of({"backoff": 5_000}, fault))
    in_place = {"retry_topics": None, "on_failure": {"attempts": 3, "backoff": 5}}
    _, blocking = summary_of(of(None, fault, group=in_place))
    assert again["violations"] == 27 and blocking["violations"] == 0
    assert again["max_time_lag_s"] < 6 < 30 < blocking["max_time_lag_s"]
    assert again["processed"] == blocking["processed"]


def test_KC_25_the_consumers_of_retry_topics_die_with_their_processes():
    fault = {"at": 20, "times": 1}
    crash = {"at": 22, "fault": "crash", "target": "s.g.0", "restart_after": 1}
    its = of({"backoff": 5_000}, fault, crash, partitions=1, drain_limit="10m")
    result, row = summary_of(its)
    assert row["lost"] == row["unfinished"] == row["dead_lettered"] == 0
    said = result.tables.faults
    assert (said["text"].str.contains("session of consumer 0 expired")).sum() == 2


def test_KC_25_what_acted_is_told_with_its_keys_and_the_first_cause_is_named():
    fault = {"at": 20, "count": 30, "times": 1}
    its = of({"backoff": 5_000}, fault, {"at": 40, "count": 2})
    limits = run(its).tables.limits.set_index("key")
    waited = limits.loc["retry_topics.backoff.delay"]
    assert (waited["value"], waited["times"]) == ("5000", 30 + 2 * 2)
    given_up = limits.loc["retry_topics.attempts"]
    assert (given_up["path"], given_up["times"]) == ("groups.g.retry_topics.attempts", 2)
    (group,) = explain(of({"backoff": 5_000}, fault)).groups
    assert {harm.kind for harm in group.harms} == {"out_of_order", "late"}
    named = {
        kind: causes[0].path.removeprefix("systems.s.groups.g.")
        for kind, causes in group.causes.items()
    }
    assert named == {"late": "retry_topics.backoff.delay", "out_of_order": "retry_topics"}
