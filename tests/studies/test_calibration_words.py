"""What a calibration found, in words."""

import numpy as np

from helpers.traffic import scenario
from sim.measure.intervals import Interval
from sim.scenario.load import Scenario
from sim.studies.calibration import KINDS, Calibrated, Fit, LagToFit
from sim.studies.calibration_words import told

NONE, SLOW, PAUSE, TRAFFIC = KINDS
T_S = np.arange(5) * 60.0


def of(kind, values, rms=20.0, chance=30.0, alike=()):
    return Fit(kind, list(values), values, np.zeros(5), rms, chance, 1.0, 0.0, alike)


def said(*fits, notes=()):
    o = LagToFit("kafka", "g", T_S, np.array([0, 5, 1_000, 3, 0.0]), None)
    return list(told(Calibrated(o, fits, scenario(), {}, notes)))


WORK = Interval(0.565, 0.549, 0.582)


def test_without_a_fault():
    assert said(of(NONE, {"work": WORK})) == [
        "Work per message is 0.565 times (0.549 to 0.582) what the scenario says",
        "No fault is needed: work and traffic alone give the curve",
        "The curve is 20 messages off (root mean square), of a peak of 1,000: no more than chance",
    ]


def test_with_one_and_what_else_was_tried():
    values = {
        "work": WORK,
        "begin": Interval(90.0, 80.0, 100.0),
        "length": Interval(60.0, 50.0, 75.0),
        "factor": Interval(5.0, 4.0, 6.0),
    }
    lines = said(of(SLOW, values, rms=40.0), of(NONE, {"work": WORK}, rms=200.0))
    assert lines[1] == (
        "Consumers were 5 times (4 to 6) slower from 1 min 30 s (give or take 10 s) for 1 min "
        "(give or take 15 s)"
    )
    assert lines[2].endswith("of a peak of 1,000: chance makes 30 at most")
    assert lines[3] == "Tried as well: no fault (200 off)"


def test_what_the_data_do_not_tell():
    values = {"work": WORK, "begin": Interval(90.0, 0.0, 240.0), "length": Interval(9.0, 8.0, 9.9)}
    lines = said(of(PAUSE, values, alike=[("work", "length", 0.97)]), notes=["a note"])
    assert lines[1].startswith("Consumers stood still from 1 min 30 s")
    assert lines[3:] == [
        "The data cannot tell the work per message from how long it lasted: more of the one looks "
        "like less of the other, or more",
        "The data do not tell when it began",
        "a note",
    ]


def test_samples_that_jump_by_themselves_are_told():
    # A level of 1,000, 300 up and down: second differences are 1,200, and 1,200 / sqrt(6) is 490.
    lag = np.resize([700.0, 1_300.0], 20)
    o = LagToFit("kafka", "g", np.arange(20) * 10.0, lag, None)
    words = "Samples jump by themselves: they are 490 off a smooth curve through them, 49% of"
    for rms, chance, said_so in ((300.0, 20.0, True), (300.0, 400.0, False), (990.0, 20.0, False)):
        fit = of(NONE, {"work": WORK}, rms=rms, chance=chance)
        lines = list(told(Calibrated(o, [fit], scenario(), {})))
        assert any(line.startswith(words) for line in lines) == said_so


def test_of_a_group_with_several_jobs_it_is_said_whose_work_it_is():
    data = scenario().model_dump(mode="json", by_alias=True)
    data["workload"]["service"]["other"] = {"per_message": 0.04}
    data["systems"]["kafka"]["groups"]["g"]["does"].append("other")
    o = LagToFit("kafka", "g", T_S, np.array([0, 5, 1_000, 3, 0.0]), None)
    its, fit = Scenario.from_mapping(data), of(NONE, {"work": WORK})
    first = next(told(Calibrated(o, [fit], its, {}, jobs=["other"])))
    assert first.startswith("Work per message of other is 0.565 times")
