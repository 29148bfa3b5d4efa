"""A long scenario becomes short by one factor, and says so."""

import pytest

from helpers.real_plans import short
from sim.validate.cut import MOST_PROCESSES, alone, cut, of_broker

FAULTS = [
    {"at": "300 s", "fault": "terminate", "target": "kafka.g.1", "restart_after": "30 s"},
    {"at": "400 s", "fault": "partition", "target": "kafka.g.1", "for": "20 s"},
]


def long(**more):
    return short(
        FAULTS,
        duration="900s",
        workload={
            "arrivals": {"profile": [{"for": "900s", "rate": "20/s"}]},
            "keys": {"k": {"count": 5}},
            "service": {"w": {"per_message": "5 ms"}},
        },
        **more,
    )


def test_what_is_short_enough_stays():
    found = cut(short(), ["kafka"])
    assert found.said == []
    assert found.scenario.duration == 2.0
    assert len(found.messages) == len(cut(short(), ["kafka"]).messages)


def test_a_long_scenario_is_shortened_by_one_factor():
    found = cut(long(), ["kafka"], longest_s=90.0)
    its = found.scenario
    assert its.duration == 90.0
    (fault,) = its.faults
    assert (fault.at, fault.restart_after) == (30.0, 3.0)
    group = its.systems["kafka"].readers["g"]
    # 5,000 ms of the default would be 500; work and rates are as they were.
    assert group.auto_commit_interval_ms == 500.0
    assert group.max_poll_interval_ms == 30_000.0
    assert group.max_poll_records == 500
    assert its.workload.service["w"].per_message.a == 0.005
    assert its.workload.arrivals.profile[0].rate == 20.0
    assert any("15 min became" in words for words in found.said)
    assert any("'partition' cannot be done" in words for words in found.said)


def test_many_consumers_become_fewer_with_the_scale():
    found = cut(short(systems=_group(40)), ["kafka"])
    n = found.scenario.systems["kafka"].readers["g"].members
    assert n == 40
    assert 0 < round(40 * found.scenario.scale) <= MOST_PROCESSES
    assert any("scale" in words for words in found.said)


def _group(consumers):
    return {
        "kafka": {
            "product": "kafka",
            "topic": {"partitions": 40},
            "groups": {"g": {"consumers": consumers, "does": ["w"]}},
        }
    }


def test_one_system_alone_keeps_its_faults_and_jobs():
    systems = {**_group(2), "other": _group(2)["kafka"]}
    faults = [{"at": 1, "fault": "crash", "target": "other.g.1"}]
    found = alone(short(faults, systems=systems), "kafka")
    assert list(found.systems) == ["kafka"]
    assert found.faults == []
    assert len(alone(short(faults, systems=systems), "other").faults) == 1


def test_systems_are_those_that_the_broker_can_be():
    assert list(of_broker(short(), lambda system: system.product == "kafka")) == ["kafka"]
    assert of_broker(short(), lambda system: False) == {}


@pytest.mark.parametrize("name", ["rolling_deploy", "crash_and_rebalance", "share_group"])
def test_shipped_scenarios_can_be_made_short(name):
    from sim.scenario.load import load

    scenario = load(name)
    names = list(of_broker(scenario, lambda system: system.product == "kafka"))
    found = cut(scenario, names)
    assert found.scenario.duration == 90.0
    assert list(found.scenario.systems) == names
