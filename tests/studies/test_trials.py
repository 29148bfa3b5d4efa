"""Runs of settings: which are made, what they come to, and when they are enough."""

import numpy as np
import pytest

from helpers.sizing import CONSUMERS, ideal_log
from sim.lab import run
from sim.studies.dials import read_dials
from sim.studies.goals import Goal
from sim.studies.trials import BATCHES, Outcomes, Trials


def trials(folder, goals, **changes):
    scenario = ideal_log("1 s", duration="200 s", **changes)
    return Trials(scenario, read_dials([CONSUMERS], scenario), goals, ["g"], folder, jobs=1)


def test_numbers_are_those_of_the_runs_with_the_seeds_that_follow(tmp_path):
    goals = [Goal("p99", 1.0), Goal("mean", 1.0), Goal("lag", 5), Goal("max", 9.0)]
    its = trials(tmp_path, goals)
    found = its.run((2,), 3)
    assert found.numbers.shape == (3, 1, 4)
    tables = run(its.scenario.with_({CONSUMERS: 2, "seed": its.scenario.seed + 2})).tables
    row = tables.summary.iloc[0]
    mean_s = tables.messages["latency_s"].mean() if "latency_s" in tables.messages else None
    assert found.numbers[2, 0, [0, 2, 3]].tolist() == [
        row["latency_p99_s"], row["max_lag"], row["latency_max_s"],
    ]  # fmt: skip
    assert found.numbers[2, 0, 1] == pytest.approx(tables.waits["total_s"].sum() / row["processed"])
    assert mean_s is None or found.numbers[2, 0, 1] == pytest.approx(mean_s, rel=0.2)


def test_runs_are_made_once(tmp_path):
    its = trials(tmp_path, [Goal("lost", 0)])
    its.run((2,), 3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert its.run((2,), 2).runs == 3
    again = trials(tmp_path, [Goal("p99", 1.0)])
    again.run((2,), 3)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert again.runs == 3


def test_a_group_meets_the_goals_that_are_of_it():
    goals = [Goal("lost", 0), Goal("p99", 1.0, group="b")]
    nan = np.nan
    numbers = np.array([[[0, nan], [0, 2.0]], [[0, nan], [0, 0.5]], [[1, nan], [0, 0.5]]])
    tried = Outcomes(["a", "b"], goals, numbers)
    assert (tried.met("a"), tried.met("b"), tried.met()) == (2, 2, 1)
    assert tried.worst(0).tolist() == [0, 0, 1]
    assert tried.worst(1).tolist() == [2.0, 0.5, 0.5]
    assert tried.interval(1) == (0.5, 0.5, 2.0)
    tried.refused = "no"
    assert tried.met() == 0


class Coin(Trials):
    """Runs that meet the goal, or not, as is said."""

    def __init__(self, meets):
        scenario = ideal_log("1 s")
        super().__init__(
            scenario, read_dials([CONSUMERS], scenario), [Goal("lost", 0)], ["g"], None
        )
        self.meets = meets

    def run(self, values, runs):
        numbers = [[[0.0 if self.meets(i) else 1.0]] for i in range(runs)]
        self.tried[values] = Outcomes(self.groups, self.goals, np.array(numbers))
        return self.tried[values]


def test_a_decision_takes_as_many_runs_as_it_needs():
    for meets, verdict, runs in (
        (lambda i: True, True, 40),
        (lambda i: False, False, 2),
        (lambda i: i % 2, False, 12),
        (lambda i: i % 10, None, 100),
    ):
        coin = Coin(meets)
        assert coin.decide((1,), 0.9, 0.95, 100) is verdict
        assert coin.tried[1,].runs == runs
    assert 40 in BATCHES


def test_few_runs_tell_where_to_look():
    assert Coin(lambda i: True).passes((1,), 0.9, 4) == {"g": True}
    coin = Coin(lambda i: i != 3)
    assert coin.passes((1,), 0.9, 4) == {"g": False}
    assert coin.passes((1,), 0.7, 4) == {"g": True}
    coin = Coin(lambda i: False)
    assert coin.passes((1,), 0.5, 4) == {"g": False}
    assert coin.tried[1,].runs == 2
