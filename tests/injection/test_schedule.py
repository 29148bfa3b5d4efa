"""The fault schedule: what is done to whom, and when; and the autoscaler against its algorithm."""

from math import inf

import numpy as np
import pytest
import simpy

from sim.engine.environment import Environment
from sim.engine.system import Setup, capacity
from sim.foundation.errors import LabError
from sim.injection.autoscale import limited, recommended
from sim.injection.poison import ALWAYS, poison
from sim.injection.scene import Timeline
from sim.injection.schedule import schedule
from sim.lab import run
from sim.scenario.faults.groups import Scaler
from sim.scenario.load import Scenario
from sim.systems.kafka import Kafka
from sim.traffic.generate import generate, strokes

KAFKA = {
    "product": "kafka",
    "topic": {"partitions": 4},
    "groups": {"g": {"consumers": 3, "does": ["work"]}},
}
SQS = {"product": "sqs", "queues": {"g": {"workers": 3, "does": ["work"]}}}


def scenario(*faults, duration=1_000.0, rate=1.0, keys=None, systems=None, **changes):
    return Scenario.from_mapping(
        {
            "name": "faults",
            "duration": duration,
            "workload": {
                "arrivals": {"profile": [{"for": duration, "rate": rate}]},
                "keys": keys or {"key": {"count": 5}},
                "service": {"work": {"per_message": 0.1}},
            },
            "systems": systems or {"a": SQS, "b": SQS},
            "faults": list(faults),
            **changes,
        }
    )


def setup(system, of):
    return Setup(system, of, generate(of), np.zeros(0))


class FakeFleet:
    """Consumers that only write down what is done to them; SIGTERM takes `leaves_s`."""

    def __init__(self, env, size=3, places=None, leaves_s=1.96, backlog=lambda: 0):
        self.env, self.size, self.leaves_s = env, places or size, leaves_s
        self.up = [i < size for i in range(self.size)]
        self.lives = [0] * self.size
        self.useful = None
        self.backlog = backlog
        self.age_s = lambda: 0.0
        self.busy = lambda: sum(self.up)
        self.orphans = lambda: np.zeros(0, np.bool_)
        self.log = []

    def alive(self, i):
        return self.up[i]

    def _note(self, *what):
        self.log.append((round(self.env.now, 1), *what))

    def crash(self, i):
        self._note("crash", i)
        self.up[i] = False

    def life(self, i):
        return self.lives[i]

    def terminate(self, i):
        self._note("terminate", i)
        self.env.process(self._leave(i, self.lives[i]))

    def _leave(self, i, life):
        yield self.env.timeout(self.leaves_s)
        if self.up[i] and self.lives[i] == life:
            self.up[i] = False
            self._note("gone", i)

    def restart(self, i):
        self._note("restart", i)
        self.up[i] = True
        self.lives[i] += 1

    def pause(self, i, for_s):
        self._note("pause", i, for_s)

    def slow(self, i, factor):
        self._note("slow", i, round(factor, 6))

    def cut_off(self, i):
        self._note("cut", i)

    def reconnect(self, i):
        self._note("reconnect", i)


def felt(*faults, until_s=2_000.0, system="a", **fleet):
    """What the fake fleet of one group wrote down, and the timeline."""
    env = simpy.Environment()
    fake = FakeFleet(env, **fleet)
    timeline = Timeline(env)
    schedule(env, scenario(*faults), system, {"g": fake}, 1_000.0, timeline)
    env.run(until_s)
    return fake.log, timeline.events


def test_each_kind_does_what_it_says_for_as_long_as_it_says():
    log, events = felt(
        {"at": 10, "fault": "crash", "target": "a.g.1", "restart_after": 5},
        {"at": 20, "fault": "pause", "target": "a.g.0", "for": 3},
        {"at": 30, "fault": "partition", "target": "a.g.2", "for": 4},
        {"at": 40, "fault": "terminate", "target": "a.g.0", "restart_after": 6},
    )
    assert log == [
        (10, "crash", 1), (15, "restart", 1), (20, "pause", 0, 3), (30, "cut", 2),
        (34, "reconnect", 2), (40, "terminate", 0), (42, "gone", 0), (48, "restart", 0),
    ]  # fmt: skip
    assert events == [
        (10, 15, "crash g 1"), (20, 23, "pause g 0"), (30, 34, "partition g 2"),
        (40, 46, "terminate g 0"),
    ]  # fmt: skip


def test_a_slow_down_can_come_on_by_and_by():
    ramp = {"at": 10, "fault": "slow", "target": "a.g.0", "factor": 3, "ramp": 20, "for": 50}
    log, _ = felt(ramp)
    assert log[0] == (11, "slow", 0, 1.1)
    assert log[19] == (30, "slow", 0, 3.0)
    assert log[20] == (60, "slow", 0, 1.0)
    assert len(log) == 21


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


def test_what_was_scaled_away_does_not_come_back_from_a_crash():
    log, _ = felt(
        {"at": 10, "fault": "crash", "target": "a.g.2", "restart_after": 10},
        {"at": 15, "fault": "scale", "target": "a.g", "to": 2},
    )
    assert log == [(10, "crash", 2)]


def test_a_fault_of_all_strikes_only_places_in_use():
    log, events = felt({"at": 10, "fault": "crash", "target": "a.g.*"}, places=6)
    assert log == [(10, "crash", 0), (10, "crash", 1), (10, "crash", 2)]
    assert events == [(10, inf, "crash g (all 3)")]


def test_a_condition_is_looked_at_until_it_is_true_once():
    env = simpy.Environment()
    waiting = FakeFleet(env, backlog=lambda: int(env.now) * 10)
    idle = FakeFleet(env)
    names = ("idle", "waiting")
    fault = {"when": {"lag_over": 100, "of": "a.waiting", "every": 4}, "fault": "crash"}
    faults = scenario(
        {**fault, "target": "a.idle.*"},
        systems={"a": {**SQS, "queues": {n: {"workers": 3, "does": [n]} for n in names}}},
        workload={
            "arrivals": {"profile": [{"for": 1_000, "rate": 1.0}]},
            "keys": {"key": {"count": 5}},
            "service": {n: {"per_message": 0.1} for n in names},
        },
    )  # fmt: skip
    timeline = Timeline(env)
    schedule(env, faults, "a", {"idle": idle, "waiting": waiting}, 1_000.0, timeline)
    env.run(100)
    assert [t for t, *_ in idle.log] == [12, 12, 12]
    assert waiting.log == []
    assert timeline.events == [(12, inf, "crash idle (all 3)")]


def test_random_faults_are_poisson_and_the_same_in_every_system():
    fault = {"rate": "600/h", "fault": "pause", "target": "*.g.*", "for": 0.1, "from": 100}
    one, events = felt(fault, system="a")
    other, _ = felt(fault, system="b")
    assert one == other
    expected = 600 / 3_600 * 900
    assert abs(len(one) - expected) < 4 * expected**0.5
    assert all(100 <= t <= 1_000 for t, *_ in one)
    assert {i for _, _, i, _ in one} == {0, 1, 2}
    assert len(events) == len(one)
    gaps = np.diff([t for t, *_ in one])
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.25)


def test_strokes_of_one_fault_do_not_depend_on_the_others():
    random = {"rate": "60/h", "fault": "crash", "target": "a.g.*"}
    alone = strokes(scenario(random), 0, 1_000.0)
    beside = strokes(scenario(random, {**random, "fault": "restart"}), 0, 1_000.0)
    assert alone == beside
    assert alone != strokes(scenario(random, random), 1, 1_000.0)


def test_capacity_is_the_most_that_a_scale_ever_starts():
    scaler = {"queueLength": 5, "maxReplicaCount": 9}
    scaled = scenario(
        {"at": 1, "fault": "scale", "target": "a.g", "to": 7},
        {"at": 2, "fault": "scale", "target": "*.g", "to": 2},
        {"at": 0, "fault": "autoscale", "target": "b.*", "scaler": scaler},
        scale=2.0,
    )  # fmt: skip
    assert capacity(setup("a", scaled), "g", 6) == 14
    assert capacity(setup("b", scaled), "g", 6) == 18
    assert capacity(setup("a", scenario()), "g", 6) == 6


# Poison


def test_poison_is_the_first_so_many_messages_of_a_key():
    keys = {"key": {"count": 5}, "kind": {"weights": {"view": 1, "like": 1}}}
    poisoned = scenario(
        {
            "at": 100, "fault": "poison", "target": "a.g", "key": "key-3/like",
            "effect": "kill", "count": 2, "restart_after": 7,
        },
        {"at": 50, "fault": "poison", "target": "a.*", "effect": "fail", "times": 3},
        keys=keys,
    )  # fmt: skip
    messages = generate(poisoned)
    found = poison(setup("a", poisoned), "g")
    entity = 3 * 2 + 1
    due = np.flatnonzero((messages.created_s >= 100) & (messages.entity == entity))[:2]
    first = int(np.searchsorted(messages.created_s, 50))
    assert found.message.tolist() == [first, *due]
    assert found.kills.tolist() == [False, True, True]
    assert found.times.tolist() == [3, ALWAYS, ALWAYS]
    assert found.restart_after_s.tolist() == [inf, 7, 7]
    assert len(poison(setup("b", poisoned), "g")) == 0


@pytest.mark.parametrize(
    ("key", "told"),
    [("key-9", "did you mean|unknown|known"), ("kee-3", "did you mean|unknown|known")],
)
def test_poison_of_a_key_that_does_not_exist_is_told(key, told):
    bad = scenario({"at": 1, "fault": "poison", "target": "a.g", "key": key, "effect": "fail"})
    with pytest.raises(LabError, match=told):
        poison(setup("a", bad), "g")


# The autoscaler


SCALER = Scaler(lagThreshold=100, minReplicaCount=2, maxReplicaCount=10)


@pytest.mark.parametrize(
    ("waiting", "replicas", "wanted"),
    [
        (1_000, 4, 10),
        (401, 4, 4),  # within 10 %
        (439, 4, 4),
        (441, 4, 5),
        (361, 4, 4),
        (359, 4, 4),  # ceil(3.59) is what there is
        (299, 4, 3),
        (0, 4, 0),
        (10_001, 4, 101),
    ],
)
def test_replicas_recommended_are_the_lag_by_the_threshold_unless_near(waiting, replicas, wanted):
    assert recommended(waiting, replicas, SCALER) == wanted


@pytest.mark.parametrize(
    ("advice", "replicas", "allowed"),
    [(101, 4, 8), (101, 1, 4), (101, 6, 10), (0, 4, 2), (3, 4, 3)],
)
def test_a_step_at_most_doubles_and_keeps_to_the_limits(advice, replicas, allowed):
    assert limited(advice, replicas, 2, 10) == allowed


def autoscaled(backlog, size=2, until_s=2_000.0, useful=None, **scaler):
    """(time, replicas) whenever an autoscaler changes them, under a given backlog over time."""
    env = simpy.Environment()
    fake = FakeFleet(env, size=size, places=20, backlog=lambda: backlog(env.now))
    fake.useful = useful
    settings = {"lagThreshold": 100, "minReplicaCount": 2, "maxReplicaCount": 20, **scaler}
    fault = {"at": 0, "fault": "autoscale", "target": "a.g", "scaler": settings}
    timeline = Timeline(env)
    schedule(env, scenario(fault), "a", {"g": fake}, 1_000.0, timeline)
    env.run(until_s)
    steps = [(t, text) for t, _, text in timeline.events if "→" in text]
    return [(t, int(text.split()[-1])) for t, text in steps]


def test_the_autoscaler_doubles_every_sync_until_the_lag_is_shared():
    assert autoscaled(lambda t: 1_600 if t > 50 else 200) == [(60, 4), (75, 8), (90, 16)]


def test_the_autoscaler_shrinks_to_the_most_of_the_last_five_minutes():
    # Advice: 16 until 200 s, then 3. At 500 s the last advice of 16, of 195 s, is 305 s old.
    steps = autoscaled(lambda t: 1_600 if t < 200 else 300, size=16)
    assert steps == [(510, 3)]


def test_the_autoscaler_follows_a_metric_that_is_late():
    assert autoscaled(lambda t: 400 if t >= 60 else 200, metric_delay=40)[0] == (100, 4)


def test_a_log_is_scaled_no_further_than_its_partitions():
    assert autoscaled(lambda t: 10_000, useful=6)[-1][1] == 6
    assert autoscaled(lambda t: 10_000, useful=6, allowIdleConsumers=True)[-1][1] == 20


def test_the_last_replica_goes_after_the_cooldown_and_the_first_comes_at_a_poll():
    steps = autoscaled(
        lambda t: 0 if 100 <= t < 1_000 else 50, minReplicaCount=0, size=1, cooldownPeriod=300
    )
    # Something waited last at the look of 90 s; the first look 300 s later is at 390 s. The first
    # look that finds something again is at 1,020 s.
    assert steps == [(390, 0), (1_020, 1)]


# One database for all


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
