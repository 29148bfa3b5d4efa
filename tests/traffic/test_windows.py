"""Messages that are drawn window by window are those that are drawn at once, to the bit."""

import numpy as np
import pytest

from helpers.traffic import scenario
from sim.traffic.generate import Work, generate, service_s
from sim.traffic.windows import WindowPlan, Windows

PROFILES = {
    "steady": {},
    "bursty": {"workload.arrivals.dispersion": 3},
}


def drawn(plan):
    windows, found = Windows(plan), []
    while windows.due_s < np.inf:
        due_s = windows.due_s
        found.append(windows.following())
        if len(found) > 1:
            earlier, later = found[-2].created_s, found[-1].created_s
            assert due_s < later[0] and earlier[0] < due_s
    return found


@pytest.mark.parametrize("at_a_time", [1, 7, 100, 10**9])
@pytest.mark.parametrize("profile", PROFILES)
def test_windows_together_are_all_messages(profile, at_a_time):
    its = scenario(**PROFILES[profile])
    whole, plan = generate(its), WindowPlan(its, at_a_time)
    parts = drawn(plan)
    assert plan.total == len(whole) > 300 and plan.duration_s == whole.duration_s
    assert plan.ends.tolist() == np.cumsum([len(part) for part in parts]).tolist()
    assert (len(parts) > 1) == (at_a_time < plan.total)
    for name in ("created_s", "entity"):
        together = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(together, getattr(whole, name))
    assert all(part.dims.keys() == whole.dims.keys() for part in parts)


def test_several_windows_can_be_had_as_one():
    plan = WindowPlan(scenario(**PROFILES["bursty"]), 100)
    (one, *_), windows = drawn(plan), Windows(plan)
    sizes = np.diff(plan.ends, prepend=0)
    first = windows.following(int(sizes[0]) + 1)
    assert len(first) == sizes[0] + sizes[1]
    np.testing.assert_array_equal(first.created_s[: sizes[0]], one.created_s)
    assert len(windows.following(0)) == sizes[2] == windows.work_s("g", ["job"]).size
    assert windows.due_s < np.inf
    assert len(windows.following(10**9)) == plan.total - plan.ends[2] and windows.due_s == np.inf


def test_each_reader_gets_the_same():
    plan = WindowPlan(scenario(**PROFILES["bursty"]), 50)
    for one, other in zip(drawn(plan), drawn(plan), strict=True):
        np.testing.assert_array_equal(one.created_s, other.created_s)
        np.testing.assert_array_equal(one.entity, other.entity)


@pytest.mark.parametrize(
    "time",
    [
        "3 ms",
        {"exponential": "3 ms"},
        {"lognormal": {"median": "3 ms", "p99": "30 ms"}},
        {"gamma": {"mean": "3 ms", "cv": 0.5}},
    ],
    ids=str,
)
def test_work_is_the_same_however_many_messages_are_asked_for(time):
    """Single-precision draws take half of a random word, and keep the other half."""
    service = {"per_message": time, "slow": {"share": 0.1, "time": {"exponential": "1 s"}}}
    its = scenario(**{"workload.service": {"job": service}})
    work = Work(its, ["job"])
    parts = [work.draw(n) for n in (1, 2, 3, 0, 997, 10)]
    np.testing.assert_array_equal(np.concatenate(parts), service_s(its, 1013, ["job"]))


def test_no_messages_are_one_window():
    its = scenario(**{"workload.arrivals": {"counts": {"values": [0, 0], "interval": "50 s"}}})
    (only,) = drawn(WindowPlan(its, 10))
    assert len(only) == 0 and only.duration_s == 100
