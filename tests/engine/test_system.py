"""What a system is given besides its configuration: scaled numbers, and streams of its own."""

import numpy as np
import pytest

import sim
from helpers import fault_lab
from sim.engine.system import Setup, capacity
from sim.foundation.units import Distribution
from sim.traffic.messages import Messages


@pytest.fixture
def setup():
    scenario = sim.load("tournament_spike")
    none = Messages(np.zeros(0), np.zeros(0, np.int32), np.full(1, 300, np.int32), {}, 1.0)

    def make(name="kafka", **changes):
        return Setup(name, scenario.with_(changes), none, np.zeros(1))

    return make


def test_streams_are_the_systems_own_one_for_each_purpose(setup):
    def drawn(one, purpose):
        return one.stream(purpose).random(4).tolist()

    assert drawn(setup(), "keys") == drawn(setup(), "keys")
    others = [
        drawn(setup(), "other"),
        drawn(setup("sqs_fanout"), "keys"),
        drawn(setup(seed=2), "keys"),
    ]
    assert all(other != drawn(setup(), "keys") for other in others)


def test_durations_of_a_call_are_drawn_unless_they_are_constant(setup):
    assert setup().pool("send", Distribution(constant=0.02)).tolist() == [0.02]
    drawn = setup().pool(
        "send", Distribution.model_validate({"lognormal": {"median": 1, "p99": 4}})
    )
    assert np.median(drawn) == pytest.approx(1, rel=0.02)


def test_a_group_has_places_for_as_many_as_a_fault_ever_starts(setup):
    faults = [
        {"at": 1, "fault": "scale", "target": "kafka.counters", "to": 20},
        {"at": 2, "fault": "scale", "target": "kafka.counters", "to": 30},
        {"at": 2, "fault": "scale", "target": "kafka.analytics", "to": 99},
    ]
    assert setup().product == "kafka"
    assert capacity(setup(faults=faults), "counters", 12) == 30
    assert capacity(setup(faults=faults, scale=0.1), "counters", 2) == 3
    assert capacity(setup(), "counters", 12) == 12


def test_capacity_is_the_most_that_a_scale_ever_starts():
    scaler = {"queueLength": 5, "maxReplicaCount": 9}
    scaled = fault_lab.scenario(
        {"at": 1, "fault": "scale", "target": "a.g", "to": 7},
        {"at": 2, "fault": "scale", "target": "*.g", "to": 2},
        {"at": 0, "fault": "autoscale", "target": "b.*", "scaler": scaler},
        scale=2.0,
    )  # fmt: skip
    assert capacity(fault_lab.setup("a", scaled), "g", 6) == 14
    assert capacity(fault_lab.setup("b", scaled), "g", 6) == 18
    assert capacity(fault_lab.setup("a", fault_lab.scenario()), "g", 6) == 6
