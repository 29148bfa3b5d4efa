"""What is done to whole groups: each fault by itself, and a shared database against its law."""

import numpy as np
import pytest

from helpers.fault_lab import felt, scenario
from sim.engine.environment import Environment
from sim.engine.system import Setup, Sought
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.lab import run
from sim.systems.kafka import Kafka
from sim.traffic.generate import generate


def test_a_rolling_deploy_replaces_one_after_the_other():
    log, events = felt({"at": 10, "fault": "deploy", "target": "a.g", "startup": 3})
    assert log == [
        (10, "terminate", 0), (12, "gone", 0), (15, "restart", 0),
        (15, "terminate", 1), (17, "gone", 1), (20, "restart", 1),
        (20, "terminate", 2), (22, "gone", 2), (25, "restart", 2),
    ]  # fmt: skip
    assert [tuple(np.round(e[:2], 1)) for e in events] == [(10, 25)]


def test_a_deploy_waits_no_longer_than_the_grace_and_keeps_max_unavailable():
    deploy = {"at": 0, "fault": "deploy", "target": "a.g", "grace": 4, "max_unavailable": 2}
    log, events = felt(deploy, leaves_s=100.0, size=5)
    down, most = 0, 0
    for _, verb, _ in log:
        down += {"terminate": 1, "restart": -1}.get(verb, 0)
        most = max(most, down)
    assert most == 2
    (from_s, until_s, text) = events[0]
    assert (from_s, text) == (0, "deploy g")
    assert until_s == pytest.approx(12, abs=0.5)


def test_a_scale_fills_low_places_and_empties_high_ones():
    log, _ = felt(
        {"at": 10, "fault": "scale", "target": "a.g", "to": 5, "startup": 2},
        {"at": 50, "fault": "scale", "target": "a.g", "to": 2},
        places=5,
    )
    assert log == [
        (12, "restart", 3), (12, "restart", 4),
        (50, "terminate", 2), (50, "terminate", 3), (50, "terminate", 4),
        (52, "gone", 2), (52, "gone", 3), (52, "gone", 4),
    ]  # fmt: skip


def test_a_seek_tells_what_it_found_and_a_bug_how_long_it_lasts():
    def seek(to_s):
        return Sought(100, 30) if to_s == 60.0 else Sought(50, 0, 7)

    log, events = felt(
        {"at": 10, "fault": "seek", "target": "a.g", "to": "1m"},
        {"at": 20, "fault": "seek", "target": "a.g", "to": "beginning"},
        {"at": 30, "fault": "bug", "target": "a.g", "for": 5},
        {"at": 40, "fault": "poison", "target": "a.g", "effect": "fail"},
        seek=seek,
    )
    assert log == []
    assert events == [
        (10, 10, "seek g to 1 min: 30 of 100 gone"),
        (20, 20, "seek g to beginning: 50 again, 7 acknowledged unread"),
        (30, 35, "bug in g"), (40, 40, "poison g"),
    ]  # fmt: skip


def test_a_shared_database_slows_every_second_and_lets_go_at_its_end():
    fault = {"at": 10, "fault": "database", "target": "a.g", "contention": 0.5, "coherency": 0.1}
    crash = {"at": 11.5, "fault": "crash", "target": "a.g.2"}
    log, events = felt({**fault, "for": 3}, crash)
    three, two = 1 + 0.5 * 2 + 0.1 * 6, 1 + 0.5 + 0.1 * 2
    slow = [what for what in log if what[1] == "slow"]
    assert slow[:3] == [(10, "slow", i, three) for i in range(3)]
    assert slow[3:6] == [(12, "slow", i, two) for i in range(3)]
    assert slow[6:] == [(13, "slow", i, 1.0) for i in range(3)]
    assert events[0] == (10, 13, "one database for g")


@pytest.mark.parametrize("product", ["sqs", "kafka"])
def test_a_shared_database_gives_what_the_law_says_at_full_load(product):
    a, b, n, work_s = 0.05, 0.004, 12, 0.02
    queue = {"workers": n, "does": ["work"], "MaxNumberOfMessages": 10}
    calls = dict.fromkeys(("send", "receive", "delete"), 1e-6)
    group = {"consumers": n, "does": ["work"]}
    system = (
        {"product": "sqs", "queues": {"g": queue}, "latency": calls, "servers": 1}
        if product == "sqs"
        else {"product": "kafka", "topic": {"partitions": n}, "groups": {"g": group}}
    )  # fmt: skip
    law = n / (work_s * (1 + a * (n - 1) + b * n * (n - 1)))
    tables = run(
        scenario(
            {"at": 0, "fault": "database", "target": "x.g", "contention": a, "coherency": b},
            systems={"x": system},
            duration=100.0,
            drain_limit=0.0,
            workload={
                "arrivals": {"profile": [{"for": 100.0, "rate": 2 * law}]},
                "keys": {"key": {"count": 100_000}},
                "service": {"work": {"per_message": work_s}},
            },
        )
    ).tables
    series = tables.series
    early, late = (series[series["t_s"] >= t].iloc[0] for t in (20.0, 90.0))
    rate = (late["processed"] - early["processed"]) / (late["t_s"] - early["t_s"])
    assert rate == pytest.approx(law, rel=0.01)


def test_a_shared_database_at_part_load_is_where_work_and_law_meet():
    # Mean at work B = rate * work * (1 + a (B - 1) + b B (B - 1)), the lower of its two solutions.
    a, b, rate, work_s = 0.03, 0.002, 250.0, 0.02
    expected = rate * work_s
    for _ in range(200):
        expected = rate * work_s * (1 + a * (expected - 1) + b * expected * (expected - 1))
    group = {"consumers": 64, "does": ["work"]}
    config = scenario(
        {"at": 0, "fault": "database", "target": "x.g", "contention": a, "coherency": b},
        systems={"x": {"product": "kafka", "topic": {"partitions": 64}, "groups": {"g": group}}},
        duration=400.0,
        workload={
            "arrivals": {"profile": [{"for": 400.0, "rate": rate}]},
            "keys": {"key": {"count": 100_000}},
            "service": {"work": {"per_message": {"exponential": work_s}}},
        },
    )
    system = Kafka(Setup("x", config, generate(config), np.arange(400.0)), config.systems["x"])
    env = Environment(system.stages)
    timeline = Timeline(env)
    fleets = system.control(env, timeline.say)
    schedule(env, config, "x", fleets, 400.0, timeline)
    seen = []
    for at_s in np.arange(10.25, 400.0, 0.5):
        env.run(at_s)
        seen.append(fleets["g"].busy())
    # Records wait for each other in a partition, which the law does not know; and the factor of a
    # second follows the number at work at its beginning.
    assert np.mean(seen) == pytest.approx(expected, rel=0.1)
