"""Trials have a plan's configuration and nothing of its faults; what they measure is arithmetic."""

import numpy as np
import pandas as pd
import pytest

from helpers.real_plans import planned
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.observed import GroupObserved
from sim.validate.plan import plan
from sim.validate.trials import (
    all_at_once,
    beside_work,
    calls_s,
    cycle_s,
    folder_of,
    measured,
    now_and_then,
    trial,
    work_s,
)

RABBIT = {
    "name": "r",
    "duration": "2s",
    "workload": {
        "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
        "keys": {"k": {"count": 5}},
        "service": {
            "w": {"per_message": "5 ms", "per_batch": "1 ms"},
            "v": {"per_message": "1 ms"},
        },
    },
    "systems": {
        "r": {
            "product": "rabbitmq",
            "queues": {"a": {"consumers": 3, "does": ["w"]}, "b": {"consumers": 2, "does": ["v"]}},
        }
    },
    "faults": [
        {"at": 1, "fault": "crash", "target": "r.a.0"},
        {"at": 0, "fault": "poison", "target": "r.a", "effect": "kill"},
    ],
}


def _planned():
    scenario = Scenario.from_mapping(RABBIT)
    return plan(scenario, "r", generate(scenario))


def test_a_trial_is_one_process_of_one_group_without_faults():
    small = trial(_planned(), "a", np.array([0.0, 0.5]))
    assert list(small.product.readers) == list(small.groups) == ["a"]
    one = small.groups["a"]
    assert (one.members, one.most, len(one.poison)) == (1, 1, 0)
    assert one.work_s == pytest.approx(0.005)
    assert (small.faults, small.messages.duration_s, len(small.messages)) == ([], 0.5, 2)


def test_a_trial_of_a_log_keeps_a_key():
    small = trial(planned(), "g", now_and_then(3))
    assert small.keys == [planned().keys[0]] * 3
    assert small.messages.created_s.tolist() == [0.0, 0.025, 0.05]


def test_a_cycle_is_the_mean_without_the_edges():
    started_s = np.arange(100) * 0.01
    started_s[:5] -= 9.0
    started_s[97:] += 5.0
    frame = pd.DataFrame({"started_s": started_s[::-1]})
    assert cycle_s(GroupObserved(frame, np.zeros(0, np.bool_))) == pytest.approx(0.01)


def test_a_backlog_is_three_seconds_of_the_plans_own_work_or_so():
    given = _planned()
    assert (work_s(given, "a"), work_s(given, "b")) == pytest.approx((0.005, 0.001))
    assert (all_at_once(given, "a").size, all_at_once(given, "b").size) == (400, 400)
    long = given.scenario.with_({"workload.service.w.per_message": "2 s"})
    long = plan(long, "r", given.messages)
    assert (work_s(long, "a"), all_at_once(long, "a").size) == (0.05, 60)


def test_what_a_message_costs_besides_is_added_to_what_the_job_has():
    given = _planned()
    assert beside_work(given, {"a": 0.002}) == {"workload.service.w.per_batch": 0.003}
    assert beside_work(given, {"a": 0.002}, {"a": 10}) == {"workload.service.w.per_batch": 0.021}
    assert beside_work(given, {"a": -1.0}) == {"workload.service.w.per_batch": 0.001}
    assert given.scenario.with_(beside_work(given, {"a": 0.002})).workload.service[
        "w"
    ].per_batch == pytest.approx(0.003)


def test_measured_durations_are_a_distribution_of_a_scenario():
    durations_s = np.linspace(0.001, 0.101, 101)
    found = measured(durations_s)
    scenario = _planned().scenario.with_({"systems.r.latency.publish": found})
    assert scenario.systems["r"].latency.publish.a == pytest.approx(0.051)
    assert found["quantiles"]["p99"] == pytest.approx(0.1)
    assert found["quantiles"]["max"] == pytest.approx(0.101)


def test_equal_durations_are_a_distribution_too():
    scenario = _planned().scenario.with_({"systems.r.latency.publish": measured(np.full(9, 0.01))})
    assert scenario.systems["r"].latency.publish.a == pytest.approx(0.01, rel=0.01)


def test_each_trial_has_a_folder_of_its_own(tmp_path):
    assert folder_of(tmp_path, "x").is_dir()
    with pytest.raises(FileExistsError):
        folder_of(tmp_path, "x")


def test_calls_are_read_from_what_workers_wrote(tmp_path):
    (tmp_path / "q-0.log").write_text("w 1\nc 2.0 receive 0.004\nc 3.0 delete 0.002\n")
    (tmp_path / "q-1.log").write_text("c 2.5 receive 0.006\n")
    (tmp_path / "other-0.log").write_text("c 2.5 receive 9\n")
    assert calls_s(tmp_path, "q", "receive").tolist() == [0.004, 0.006]
