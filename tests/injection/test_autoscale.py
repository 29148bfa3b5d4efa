"""The autoscaler against the algorithms of Kubernetes and KEDA."""

import pytest
import simpy

from helpers.fault_lab import FakeFleet, scenario
from sim.injection.autoscale import limited, recommended
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.scenario.faults.groups import Scaler

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


@pytest.mark.parametrize("waiting", [300, 500])
def test_replicas_stay_where_the_metric_is_off_by_just_the_tolerance(waiting):
    near = SCALER.model_copy(update={"tolerance": 0.25})
    assert recommended(waiting, 4, near) == 4
    assert recommended(waiting + (1 if waiting > 400 else -101), 4, near) != 4


@pytest.mark.parametrize(
    ("advice", "replicas", "allowed"),
    [(101, 4, 8), (101, 1, 4), (101, 6, 10), (0, 4, 2), (3, 4, 3)],
)
def test_a_step_at_most_doubles_and_keeps_to_the_limits(advice, replicas, allowed):
    assert limited(advice, replicas, 2, 10) == allowed


def autoscaled(backlog, size=2, until_s=2_000.0, useful=None, for_=None, **scaler):
    """(time, replicas) whenever an autoscaler changes them, under a given backlog over time."""
    env = simpy.Environment()
    fake = FakeFleet(env, size=size, places=20, backlog=lambda: backlog(env.now))
    fake.useful = useful
    settings = {"lagThreshold": 100, "minReplicaCount": 2, "maxReplicaCount": 20, **scaler}
    fault = {"at": 0, "fault": "autoscale", "target": "a.g", "for": for_, "scaler": settings}
    timeline = Timeline(env)
    schedule(env, scenario(fault), "a", {"g": fake}, 1_000.0, timeline)
    env.run(until_s)
    steps = [(t, text) for t, _, text in timeline.events if "→" in text]
    return [(t, int(text.split()[-1])) for t, text in steps]


def held(backlog, size=2, until_s=100.0, useful=None, **scaler):
    """Key and path, value, how often, and first and last time of what limited an autoscaler."""
    env = simpy.Environment()
    fake = FakeFleet(env, size=size, places=20, backlog=lambda: backlog(env.now))
    fake.useful = useful
    settings = {"lagThreshold": 100, "minReplicaCount": 2, "maxReplicaCount": 20, **scaler}
    faults = [
        {"at": 9_999, "fault": "crash", "target": "a.g.0"},
        {"at": 0, "fault": "autoscale", "target": "a.g", "scaler": settings},
    ]
    replays = schedule(env, scenario(*faults), "a", {"g": fake}, 1_000.0, Timeline(env))
    env.run(until_s)
    return {
        (limit.key, limit.path): (limit.value, limit.times, limit.first_s, limit.last_s)
        for limit in replays["g"].limits.values()
    }


def test_a_step_that_only_doubles_and_the_most_replicas_are_limits():
    # 2,500 ask for 25: 4 at 15 s, 8 at 30, 16 at 45, and the 20 that there may be from 60 s on.
    assert held(lambda t: 2_500) == {
        ("scaleUp.policies", ""): ("100 %", 3, 15, 45),
        ("maxReplicaCount", "faults.1.scaler.maxReplicaCount"): ("20", 3, 60, 90),
    }


def test_a_lag_within_the_tolerance_is_a_limit_only_where_it_asks_for_more():
    # 439 over four replicas are 9.75 % over the threshold; 390 ask for four.
    assert held(lambda t: 439 if t < 40 else 390, size=4) == {
        ("tolerance", "faults.1.scaler.tolerance"): ("0.1", 2, 15, 30),
    }


def test_the_partitions_are_a_limit_to_what_is_counted():
    # Counted are 600: six replicas, which are there. The lag itself would ask for ten.
    assert held(lambda t: 1_000, size=6, useful=6) == {
        ("allowIdleConsumers", "faults.1.scaler.allowIdleConsumers"): ("false", 6, 15, 90),
    }
    assert held(lambda t: 600, size=6, useful=6) == {}


def test_the_windows_that_keep_replicas_are_limits():
    assert held(lambda t: 1_600 if t < 40 else 300, size=16, stabilization=45) == {
        ("stabilizationWindowSeconds", "faults.1.scaler.stabilization"): ("45s", 3, 45, 75),
    }
    assert held(lambda t: 0, size=1, minReplicaCount=0, cooldownPeriod=60) == {
        ("cooldownPeriod", "faults.1.scaler.cooldownPeriod"): ("60s", 1, 30, 30),
    }


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


def test_the_last_decision_is_at_the_end_of_its_time():
    assert autoscaled(lambda t: 1_600 if t > 99 else 200, for_=99, sync_period=20) == []
    assert autoscaled(lambda t: 1_600 if t > 99 else 200, for_=100, sync_period=20) == [(100, 4)]
