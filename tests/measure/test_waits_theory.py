"""Where the time goes, against queueing theory and in every shipped scenario.

The systems are ideal ones: calls take no time, and one message is handed over at a time. A message
then waits because all consumers are busy, for as long as its path through the queue says (a plain
loop over arrivals and work) and, on average, as theory says.
"""

import heapq
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.engine import waits as waits_module
from sim.engine.waits import TimePart
from sim.lab import run_system
from sim.scenario.load import Scenario, available, load
from sim.scenario.pipeline import stages_before
from sim.traffic.generate import generate

NONE_S = {"constant": 0}
FOR_S = 6_000
RUNS = 20
FLOATS_S = 1e-6
"""What floats lose, s."""
PRODUCTS = {
    "sqs": {
        "product": "sqs",
        "servers": 1,
        "latency": {"send": NONE_S, "receive": NONE_S, "delete": NONE_S},
        "producer": {"threads": 1_000, "batch": 1},
        "queues": {
            "jobs": {
                "workers": 1,
                "does": ["job"],
                "ReceiveMessageWaitTimeSeconds": 20,
                "VisibilityTimeout": 43_200,
            }
        },
    },
    "log": {
        "product": "kafka",
        "topic": {"partitions": 1},
        "producer": {"linger.ms": 0},
        "latency": {"produce": NONE_S, "fetch": 0, "commit": 0},
        "groups": {
            "jobs": {
                "consumers": 1,
                "does": ["job"],
                "max.poll.records": 1,
                "max.poll.interval.ms": 1_000_000_000,
            }
        },
    },
    "broker": {
        "product": "rabbitmq",
        "latency": {"publish": NONE_S, "deliver": NONE_S, "ack": NONE_S},
        "queues": {"jobs": {"consumers": 1, "does": ["job"], "prefetch_count": 1}},
    },
}
WORK = {
    "M/M/1": {"per_message": {"exponential": "1 s"}},
    "M/D/1": {"per_message": {"constant": "1 s"}},
    # Nine of ten take 0.5 s on average, one takes 5.5 s: E[S] = 1 s, E[S^2] = 6.5 s^2.
    "M/G/1": {
        "per_message": {"exponential": "500 ms"},
        "slow": {"share": 0.1, "time": {"exponential": "5.5 s"}},
    },
}
SQUARE = {"M/M/1": 2.0, "M/D/1": 1.0, "M/G/1": 6.5}
"""E[S^2], where E[S] = 1 s."""


def scenario(product, work, rate, seed, keys=None):
    return Scenario.from_mapping(
        {
            "name": "ideal",
            "seed": seed,
            "duration": FOR_S,
            "drain_limit": "5d",
            "workload": {
                "arrivals": {"profile": [{"for": FOR_S, "rate": rate}]},
                "keys": keys or {"any": {"count": 1}},
                "service": {"job": work},
            },
            "systems": {"it": product},
        }
    )


def parts_of(given):
    """The messages, and the parts of their time [parts, messages], s."""
    messages, found = generate(given), []
    run_system(given, "it", messages, on_outcome=found.append)
    (outcome,) = found
    return messages, outcome.waits.parts_s(0, len(messages))


def path(created_s, work_s, servers=1, urgent=None):
    """How long each message waits for a server, s: who is urgent first, then who came first."""
    ranks = np.zeros(created_s.size, int) if urgent is None else 1 - urgent
    free_s, waiting, out, came = [0.0] * servers, [], np.zeros(created_s.size), 0
    for _ in range(created_s.size):
        at_s = heapq.heappop(free_s)
        while came < created_s.size and (created_s[came] <= at_s or not waiting):
            heapq.heappush(waiting, (ranks[came], came))
            at_s = max(at_s, created_s[came]) if len(waiting) == 1 else at_s
            came += 1
        _, i = heapq.heappop(waiting)
        out[i] = at_s - created_s[i]
        heapq.heappush(free_s, at_s + work_s[i])
    return out


def assert_close(estimates, expected):
    """Theory within the 99 % interval of the runs, which says something: it is narrow."""
    half_width = stats.t.ppf(0.995, len(estimates) - 1) * stats.sem(estimates)
    assert half_width < 0.15 * expected
    assert abs(np.mean(estimates) - expected) <= half_width + FLOATS_S, (estimates, expected)


def assert_waits_for_consumers(parts_s, wait_s):
    """Beside their own work, messages only wait because all consumers are busy, and so long."""
    work_s, busy_s = parts_s[TimePart.WORK], parts_s[TimePart.CAPACITY]
    # What a record's times lose adds up over those that are worked on without a pause.
    np.testing.assert_allclose(busy_s, wait_s, atol=1_000 * FLOATS_S)
    np.testing.assert_allclose(parts_s.sum(axis=0), work_s + busy_s, atol=1_000 * FLOATS_S)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("model", WORK)
def test_waiting_for_a_consumer_is_that_of_theory(product, model):
    rho = 0.6
    waits_s, works_s = [], []
    for seed in range(RUNS):
        messages, parts_s = parts_of(scenario(PRODUCTS[product], WORK[model], rho, seed))
        assert_waits_for_consumers(parts_s, path(messages.created_s, parts_s[TimePart.WORK]))
        waits_s.append(parts_s[TimePart.CAPACITY].mean())
        works_s.append(parts_s[TimePart.WORK].mean())
    assert_close(works_s, 1.0)
    assert_close(waits_s, rho * SQUARE[model] / (2 * (1 - rho)))


@pytest.mark.parametrize(("product", "of"), [("sqs", "workers"), ("broker", "consumers")])
def test_waiting_for_one_of_three_consumers_is_that_of_erlang(product, of):
    rho, servers = 0.7, 3
    queues = {"jobs": {**PRODUCTS[product]["queues"]["jobs"], of: servers}}
    waits_s = []
    for seed in range(RUNS):
        given = scenario({**PRODUCTS[product], "queues": queues}, WORK["M/M/1"], 3 * rho, seed)
        messages, parts_s = parts_of(given)
        wait_s = path(messages.created_s, parts_s[TimePart.WORK], servers)
        assert_waits_for_consumers(parts_s, wait_s)
        waits_s.append(parts_s[TimePart.CAPACITY].mean())
    load_s = servers * rho
    states = [load_s**k / math.factorial(k) for k in range(servers)]
    all_busy = load_s**servers / math.factorial(servers) / (1 - rho)
    erlang_c = all_busy / (sum(states) + all_busy)
    assert_close(waits_s, erlang_c / (servers * (1 - rho)))


def test_waiting_by_priority_is_that_of_theory():
    """Two classes, who is served is not interrupted: Cobham, 1954."""
    rho = {"low": 0.4, "high": 0.3}
    queue = {**PRODUCTS["broker"]["queues"]["jobs"], "arguments": {"x-max-priority": 1}}
    product = {
        **PRODUCTS["broker"],
        "producer": {"priority": ["urgency"]},
        "queues": {"jobs": queue},
    }
    waits_s = {"low": [], "high": []}
    for seed in range(RUNS):
        keys = {"urgency": {"weights": rho}}
        messages, parts_s = parts_of(scenario(product, WORK["M/M/1"], 0.7, seed, keys))
        key_of, names = messages.keys_by(["urgency"])
        urgent = (key_of[messages.entity] == names.index("high")).astype(int)
        wait_s = path(messages.created_s, parts_s[TimePart.WORK], urgent=urgent)
        assert_waits_for_consumers(parts_s, wait_s)
        for is_urgent, name in enumerate(waits_s):
            waits_s[name].append(parts_s[TimePart.CAPACITY, urgent == is_urgent].mean())
    residual_s = 0.7 * SQUARE["M/M/1"] / 2
    assert_close(waits_s["high"], residual_s / (1 - rho["high"]))
    assert_close(waits_s["low"], residual_s / (1 - rho["high"]) / (1 - 0.7))


@pytest.mark.parametrize("file", available(), ids=lambda file: file.stem)
def test_parts_sum_to_the_latencies_of_a_shipped_scenario(file, monkeypatch):
    monkeypatch.setattr(waits_module, "ENOUGH", 1 << 30)  # every message is split
    given = load(file).with_({"scale": 0.02, "drain_limit": "2h"})
    messages, latency_s, outcomes = generate(given), {}, []
    waits = []
    for name in given.systems:
        tables = run_system(given, name, messages, on_outcome=outcomes.append)
        waits.append(tables.waits)
        if stages_before(given.pipeline, name):  # its messages are what the stage before did
            for group, of in tables.messages.groupby("group"):
                took_s = (of["done_s"] - of["created_s"]).to_numpy()
                latency_s[name, group] = took_s[of["done_s"] < np.inf]
    for outcome in outcomes:
        if (outcome.system, outcome.group) in latency_s:
            continue
        rows = slice(None) if outcome.rows is None else outcome.rows
        took_s = outcome.done_s - messages.created_s[rows]
        latency_s[outcome.system, outcome.group] = took_s[outcome.done_s < np.inf]
    table = pd.concat(waits).groupby(["system", "group"])
    assert set(table.groups) == {key for key, took_s in latency_s.items() if took_s.size}
    for key, rows in table:
        n = latency_s[key].size
        assert rows["total_s"].sum() == pytest.approx(latency_s[key].sum(), abs=n * 1e-6)
        assert rows["mean_s"].sum() == pytest.approx(latency_s[key].mean(), abs=1e-6)
        slow_s = np.sort(latency_s[key])[-max(1, int(np.ceil(0.01 * n))) :].mean()
        # Whole bins of latencies, one of which is 0.05 % wide.
        assert rows["slowest_s"].sum() <= slow_s * 1.000_001 + 1e-6
        assert (rows["messages"] <= n).all() and (rows["total_s"] >= 0).all()
