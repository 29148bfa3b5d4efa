"""Calibration: planted work and faults are found, and what is fitted is the lab's own curve."""

from math import inf, log

import numpy as np
import pytest

from helpers.calibrated import exported, planted
from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.foundation.units import Distribution
from sim.scenario.load import Scenario
from sim.studies import calibration
from sim.studies.calibration import (
    KINDS,
    Fit,
    LabRuns,
    LagToFit,
    calibrate,
    changes_of,
    fluid,
    observe,
    scaled,
)

NONE, SLOW, PAUSE, TRAFFIC = KINDS


@pytest.mark.parametrize(
    ("seed", "kind"),
    [(7, "slow"), (5, "pause"), (4, "none")],
)
def test_the_planted_fault_is_named(seed, kind):
    plant = planted(seed)
    assert plant.kind == kind
    found = calibrate(plant.guess, exported(plant.true))
    assert found.best.kind.name == kind
    if plant.fault:
        begin, length = (found.best.values[key] for key in ("begin", "length"))
        assert begin.estimate == pytest.approx(plant.fault["at"], abs=20.0)
        assert length.estimate == pytest.approx(plant.fault["for"], abs=20.0)
    guess_s = plant.guess.workload.service["job"].per_message.mean_s()
    assert found.best.values["work"].estimate * guess_s == pytest.approx(plant.work_s, rel=0.03)
    # What is written runs, and gives that very curve.
    again = LabRuns(found.scenario, found.observed)
    faults = found.scenario.model_dump(by_alias=True)["faults"]
    assert again.lag({"faults": faults}) == pytest.approx(found.best.lag, abs=1e-6)


def test_work_that_is_right_is_left_as_it_is():
    plant = planted(5)
    found = calibrate(plant.true, exported(plant.true))
    assert found.best.values["work"].estimate == pytest.approx(1.0, abs=0.02)
    assert found.best.enough


@pytest.mark.parametrize(
    ("given", "twice"),
    [
        ("4 ms", 0.008),
        ({"exponential": "4 ms"}, {"exponential": 0.008}),
        ({"lognormal": {"median": 1, "p99": 3}}, {"lognormal": {"median": 2, "p99": 6}}),
        ({"gamma": {"mean": 1, "cv": 0.5}}, {"gamma": {"mean": 2, "cv": 0.5}}),
        ({"quantiles": {"p50": 1, "p99": 3}}, {"quantiles": {"p50": 2, "p99": 6}}),
    ],
)
def test_work_is_scaled_in_its_own_form(given, twice):
    assert scaled(Distribution.model_validate(given), 2.0) == twice


def test_work_in_a_file_is_refused():
    with pytest.raises(LabError, match="cannot be fitted"):
        scaled(Distribution.model_validate({"csv": "work.csv"}), 2.0)


def observed(counts, lag=None, interval_s=10.0):
    n = len(counts)
    lag = np.zeros(n + 1) if lag is None else lag
    return LagToFit("kafka", "g", np.arange(n + 1) * interval_s, lag, np.array(counts))


def two_jobs():
    data = planted(4).guess.model_dump(mode="json", by_alias=True)
    data["workload"]["service"]["other"] = {"per_message": 0.04, "per_batch": 0.02}
    data["systems"]["kafka"]["groups"]["g"]["does"] = ["job", "other"]
    return Scenario.from_mapping(data)


def test_of_several_jobs_all_are_scaled_or_those_that_are_named():
    whole, o = two_jobs(), observed([10.0] * 20)
    job_s = whole.workload.service["job"].per_message.exponential
    both = changes_of(LabRuns(whole, o), NONE, {"work": 2.0})
    assert both == {
        "workload.service.job.per_message": {"exponential": 2 * job_s},
        "workload.service.other.per_message": 0.08,
        "workload.service.other.per_batch": 0.04,
    }
    one = changes_of(LabRuns(whole, o, ["other"]), NONE, {"work": 2.0})
    assert list(one) == ["workload.service.other.per_message", "workload.service.other.per_batch"]
    with pytest.raises(LabError, match=r"kafka\.g: job 'othr' is not there; did you mean 'other'"):
        LabRuns(whole, o, ["othr"])


def test_the_jump_of_samples_is_that_of_their_errors_whatever_the_slope():
    # Up and down by one round a slope: second differences are 4, and 4 ** 2 / 6 is 8 / 3.
    up_and_down = 5.0 * np.arange(21) + np.resize([1.0, -1.0], 21)
    assert observed([1.0] * 20, up_and_down).jitter == pytest.approx(np.sqrt(8 / 3))
    assert observed([1.0] * 20, 5.0 * np.arange(21)).jitter == 0.0
    # Independent errors round a level, as of a saturated broker: the best curve is the level.
    errors = np.random.default_rng(1).normal(1_000.0, 200.0, 4_001)
    assert observed([1.0] * 4_000, errors).jitter == pytest.approx(200.0, rel=0.03)


def test_a_fluid_queue_by_hand():
    o = observed([10.0, 30.0, 0.0, 0.0])
    lag = fluid(o, NONE, o.counts, {}, np.array([1.0]))
    assert lag[:, 0].tolist() == [0.0, 0.0, 20.0, 10.0, 0.0]


def test_a_fluid_queue_with_a_fault_by_hand():
    o = observed([10.0, 10.0, 10.0, 0.0])
    slow = {"begin": np.array([5.0]), "length": np.array([15.0]), "factor": np.array([2.0])}
    assert fluid(o, SLOW, o.counts, slow, np.array([1.0]))[:, 0].tolist() == [0, 2.5, 7.5, 7.5, 0]
    assert fluid(o, PAUSE, o.counts, slow, np.array([1.0]))[:, 0].tolist() == [0, 5, 15, 15, 5]
    assert fluid(o, TRAFFIC, o.counts, slow, np.array([1.0]))[:, 0].tolist() == [0, 5, 15, 15, 5]


def test_what_was_drawn_arrives_and_traffic_is_more_of_it():
    bench = LabRuns(scenario(), observed([100] * 10))
    at = {"work": 1.0, "arrivals": 2.0, "begin": 50.0, "length": 20.0, "factor": 1.5}
    free = np.full(10, 100.0)
    made = changes_of(bench, TRAFFIC, at, free)["workload.arrivals"]["counts"]
    assert made["values"] == [200] * 5 + [300] * 2 + [200] * 3
    assert made["interval"] == 10.0


def test_an_export_must_have_enough_and_name_what_it_is_about():
    measured = exported(planted(4).true)
    with pytest.raises(LabError, match="group 'h' is not there; known: g"):
        observe(planted(4).guess, measured, "h")
    with pytest.raises(LabError, match=r"group 'kafka\.h' is not there; did you mean 'kafka\.g'"):
        observe(planted(4).guess, measured, target="kafka.h")
    few = type(measured)("few", "log", measured.samples.iloc[:5])
    with pytest.raises(LabError, match="few: 5 samples of g; it takes 12"):
        observe(planted(4).guess, few)


def test_without_offsets_the_traffic_is_the_scenarios():
    its, notes = observe(planted(4).guess, exported(planted(4).true, offsets=False))
    assert its.counts is None
    assert notes == [
        "the export does not tell what arrived: the shape of the traffic is the scenario's"
    ]


def fit(kind, rms, chance, independent=1.0):
    names = ["work", *kind.parameters]
    return Fit(kind, names, {}, np.zeros(3), rms, chance, independent)


def test_no_fault_is_the_answer_where_chance_explains_what_is_left():
    ranked = calibration._ranked([fit(SLOW, 1.0, 5.0), fit(NONE, 4.0, 5.0)], 100)
    assert [one.kind.name for one in ranked] == ["none", "slow"]
    ranked = calibration._ranked([fit(SLOW, 1.0, 5.0), fit(NONE, 6.0, 5.0)], 100)
    assert [one.kind.name for one in ranked] == ["slow", "none"]


def test_of_two_as_close_the_simpler_is_first():
    ranked = calibration._ranked([fit(SLOW, 1.0, 0.1), fit(PAUSE, 1.0, 0.1)], 100)
    assert [one.kind.name for one in ranked] == ["pause", "slow"]
    assert ranked[1].criterion - ranked[0].criterion == pytest.approx(log(100))


def test_a_parameter_that_moves_nothing_has_no_interval():
    o = observed([10.0] * 10)
    jac = np.column_stack([np.ones(11), np.zeros(11)])
    low, high = np.full(2, -3.0), np.full(2, 3.0)
    chance = np.random.default_rng(1).normal(0, 1, (calibration.SEEDS, 11))
    told = calibration._told(
        o, SLOW, ["work", "factor"], np.zeros(2), np.zeros(11), jac, chance, 1.0, low, high
    )
    assert told.values["factor"].low == pytest.approx(np.exp(-3))
    assert told.values["factor"].high == pytest.approx(np.exp(3))
    assert told.values["work"].high < inf and told.values["work"].high < 3
