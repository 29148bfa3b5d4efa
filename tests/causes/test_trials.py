import os
import signal

import pytest

from helpers.incidents import incident, queue
from sim.causes.data import CauseKind, Change, Hypothesis
from sim.causes.trials import Laboratory, Onlooker, changed, without
from sim.foundation.errors import ScenarioError
from sim.lab import run
from sim.traffic.generate import strokes

RANDOM = {"rate": 0.1, "fault": "crash", "target": "s.g.*", "restart_after": 1}


def taking(*changes):
    return Hypothesis("x", CauseKind.SETTING, "x", "x", "", "", changes, "", "", "")


def test_what_is_left_of_the_faults_strikes_as_before():
    """Draws of a fault go by its number: the one that is left out keeps its place."""
    faults = [{"at": 10, "fault": "crash", "target": "s.g.0"}, RANDOM]
    scenario = incident(queue(2), faults=faults)
    after = changed(scenario, [Change("faults.0", None)])
    assert strokes(after, 1, 300.0) == strokes(scenario, 1, 300.0)
    assert after.faults[0].at > 1e8


def test_without_later_draws_a_fault_is_dropped():
    faults = [RANDOM, {"at": 10, "fault": "crash", "target": "s.g.0"}]
    scenario = incident(queue(2), faults=faults)
    assert [fault["fault"] for fault in without(scenario, [1])] == ["crash"]
    assert without(scenario, [0, 1]) == []


def test_a_run_is_that_of_the_scenario_with_the_change():
    scenario = incident(queue(1), work=0.2)
    more = Change("systems.s.queues.g.workers", 3)
    (tried,) = Laboratory(scenario).try_all("s", [[taking(more)]])
    row = run(scenario.with_({more.path: more.value})).summary.iloc[0]
    assert tried.of["g"].drain_s == row["drain_s"]
    assert tried.of["g"].of["late"] == max(row["drain_s"], row["max_time_lag_s"])


def test_other_arrivals_are_drawn_anew_with_the_same_seed():
    scenario = incident(queue(1))
    path = "workload.arrivals.profile"
    half = Change(path, [{"for": 300, "rate": 5}])
    (tried,) = Laboratory(scenario).try_all("s", [[taking(half)]])
    assert tried.of["g"].produced == run(scenario.with_({path: half.value})).summary["produced"][0]


def test_what_is_no_scenario_is_not_run():
    laboratory = Laboratory(incident(queue(1)))
    (tried,) = laboratory.try_all("s", [[taking(Change("systems.s.queues.g.workers", 0))]])
    assert tried.of == {} and "nobody empties 'g'" in tried.why_not
    assert laboratory.runs == 0


def test_a_path_that_there_is_none_of_is_an_error():
    with pytest.raises(ScenarioError):
        changed(incident(queue(1)), [Change("systems.s.queues.g.nonsense", 1)])


class Impatient(Onlooker):
    """Presses Ctrl+C as soon as the first of many runs is done."""

    runs = 0

    def done(self, what):
        self.runs += 1
        if self.runs == 2:  # the first is the scenario as it is
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def hears_ctrl_c():
    """A job in the background of a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_ctrl_c_stops_all_runs_that_are_left():
    onlooker = Impatient()
    laboratory = Laboratory(incident(queue(1), work=0.2), onlooker)
    laboratory.baseline("s")
    more = [[taking(Change("systems.s.queues.g.workers", n))] for n in range(1, 400)]
    with pytest.raises(KeyboardInterrupt):
        laboratory.try_all("s", more)
    assert onlooker.runs < 400
