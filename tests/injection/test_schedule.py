"""When faults strike: at a time, at random, on a condition."""

from math import inf
from types import SimpleNamespace

import numpy as np
import pytest
import simpy

from helpers.fault_lab import SQS, FakeFleet, felt, scenario, upstream_felt
from sim.injection import schedule as module
from sim.injection.context import Timeline
from sim.injection.replay import Replay
from sim.injection.schedule import _watch_readers, schedule


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


def test_a_random_fault_strikes_one_of_the_groups_that_it_names():
    env = simpy.Environment()
    fleets = {name: FakeFleet(env, size=1) for name in "gh"}
    faults = scenario(
        {"rate": "60/h", "fault": "deploy", "target": "a.*"},
        systems={"a": {**SQS, "queues": {n: {"workers": 1, "does": [n]} for n in fleets}}},
        workload={
            "arrivals": {"profile": [{"for": 1_000, "rate": 1.0}]},
            "keys": {"key": {"count": 5}},
            "service": {n: {"per_message": 0.1} for n in fleets},
        },
    )
    timeline = Timeline(env)
    schedule(env, faults, "a", fleets, 1_000.0, timeline)
    env.run(1_000.0)
    assert len({at_s for at_s, *_ in timeline.events}) == len(timeline.events) > 8
    assert {words for *_, words in timeline.events} == {"deploy g", "deploy h"}


def test_a_publisher_is_struck_on_the_lag_of_the_group_that_is_named():
    env = simpy.Environment()
    fleet = FakeFleet(env, backlog=lambda: int(env.now) * 10)
    when = {"lag_over": 100, "of": "a.g", "every": 4}
    log, events, _ = upstream_felt(
        {"when": when, "fault": "crash", "target": "a.publisher.0", "restart_after": 3},
        {"when": when, "fault": "unreachable", "target": "a.broker.1", "for": 2},
        env=env,
        fleet=fleet,
    )
    assert log == [(12, "crash"), (12, "cut_off", 1), (14, "reconnect", 1), (15, "restart")]
    assert events == [(12, 15, "SIGKILL publisher"), (12, 14, "unreachable: broker 1")]
    assert fleet.log == []


@pytest.mark.parametrize(("first_s", "looks"), [(0.0, 9), (3.0, 7), (3.5, 6), (inf, 0)])
def test_readers_are_looked_for_every_second_from_the_first_fault_on(first_s, looks):
    """From 3.5 s to 6.2 s partition 1 of two has no reader: looks at 4, 5 and 6 s."""
    env = simpy.Environment()
    seen = []

    class Fleet:
        def orphans(self):
            seen.append(env.now)
            return np.array([False, 3.5 <= env.now < 6.2])

    crew = SimpleNamespace(fleet=Fleet(), replay=Replay())
    env.process(_watch_readers(env, [crew], first_s))
    env.run(9.5)
    assert len(seen) == 1 + looks
    assert seen[1:] == [float(s) for s in range(10 - looks, 10)]
    lost = (0.0, 0.0) if first_s == inf else (3.0, 3.0)
    assert (crew.replay.without_reader_s, crew.replay.longest_without_reader_s) == lost


def without_reader(*faults, from_s, until_s):
    """Partition-seconds without a reader, if the one partition has none from then to then."""
    env = simpy.Environment()
    fleet = FakeFleet(env)
    fleet.orphans = lambda: np.array([from_s <= env.now < until_s])
    replay = schedule(env, scenario(*faults), "a", {"g": fleet}, 1_000.0, Timeline(env))["g"]
    env.run(1_000.0)
    return replay.without_reader_s


@pytest.mark.parametrize(
    ("faults", "seconds"),
    [
        ([{"at": 50, "fault": "crash", "target": "a.g.0"}], 31.0),
        (
            [
                {"at": 50, "fault": "crash", "target": "a.g.0"},
                {"at": 20, "fault": "crash", "target": "a.g.1"},
            ],
            61.0,
        ),
        ([{"when": {"lag_over": 10**6}, "fault": "crash", "target": "a.g.0"}], 76.0),
    ],
    ids=["at a time", "the first of two", "on a condition, which may hold at once"],
)
def test_readers_are_looked_for_from_when_a_fault_may_first_take_one(faults, seconds):
    """From 5 to 80.5 s, of which only those are seen that lie behind the first fault."""
    assert without_reader(*faults, from_s=5.0, until_s=80.5) == seconds


def test_how_long_there_was_no_reader_does_not_depend_on_how_often_it_is_looked(monkeypatch):
    monkeypatch.setattr(module, "_READERS_STEP_S", 2.0)
    fault = {"at": 50, "fault": "crash", "target": "a.g.0"}
    assert without_reader(fault, from_s=5.0, until_s=81.0) == 32.0  # at 50, 52, ..., 80 s
