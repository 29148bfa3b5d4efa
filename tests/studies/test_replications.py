"""Many seeds: intervals, paired differences, bands, and how many runs a precision takes."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from helpers.traffic import scenario
from sim.measure.intervals import of_mean, of_quantile
from sim.studies import replications
from sim.studies.replications import Replications, replicate, replicate_until
from sim.words.standings import Pace


def summary(**columns):
    """Runs of two systems, with a group each."""
    n = len(next(iter(columns.values()))["a"])
    rows = []
    for point in range(n):
        for system in ("a", "b"):
            zero = dict.fromkeys(replications.NUMBERS, 0.0)
            its = {name: values[system][point] for name, values in columns.items()}
            rows.append({"system": system, "group": "g", "point": point, **zero, **its})
    return pd.DataFrame(rows)


def found(series=None, **columns):
    frame = pd.DataFrame() if series is None else series
    return Replications(scenario(), summary(**columns), frame, 100.0)


def test_the_runs_are_those_of_the_seeds_that_follow(tmp_path):
    from sim.lab import run

    got = replicate(scenario(seed=5), 3, tmp_path, jobs=1)
    assert got.runs == 3
    assert got.summary["seed"].tolist() == [5, 6, 7]
    last = run(scenario(seed=7)).tables.summary
    assert got.summary["latency_p99_s"].iloc[-1] == last["latency_p99_s"].iloc[0]


def test_intervals_are_of_each_number_of_each_group():
    values = {"a": [3.0, 1.0, 2.0, 6.0, 5.0, 4.0], "b": [np.inf] * 6}
    table = found(drain_s=values).intervals.set_index(["system", "number"])
    row = table.loc[("a", "drain_s")]
    median, mean = of_quantile(np.array(values["a"])), of_mean(np.array(values["a"]))
    assert (row["median"], row["median_low"], row["median_high"]) == median
    assert (row["mean"], row["mean_low"], row["mean_high"]) == mean
    assert (row["least"], row["most"]) == (1.0, 6.0)
    assert table.loc[("b", "drain_s")]["median_low"] == np.inf
    assert len(table) == 2 * len(replications.NUMBERS)


def test_systems_are_compared_within_each_run():
    # Always a little more, whatever the run is like: the pairs tell, the means alone would not.
    a = [100.0, 10.0, 1_000.0, 500.0]
    table = found(max_time_lag_s={"a": a, "b": [x + 2.0 for x in a]}).differences
    row = table[table["number"] == "max_time_lag_s"].iloc[0]
    assert (row["system"], row["than"], row["mean"], row["less"], row["more"]) == (
        "a", "b", -2.0, 4, 0
    )  # fmt: skip
    assert row["low"] == row["high"] == -2.0


def test_a_difference_to_what_never_drains_is_none():
    table = found(drain_s={"a": [1.0, 2.0], "b": [np.inf, 1.0]}).differences
    row = table[table["number"] == "drain_s"].iloc[0]
    assert np.isnan(row["mean"])
    assert (row["less"], row["more"]) == (1, 1)


def test_how_each_kept_up_is_counted():
    paces = found(
        drain_s={"a": [0.0, 0.0, 50.0], "b": [np.inf] * 3},
        max_time_lag_s={"a": [0.0, 5.0, 60.0], "b": [99.0] * 3},
    ).paces
    assert paces == {
        "a": Counter({Pace.LEVEL: 1, Pace.BEHIND: 1, Pace.LATE: 1}),
        "b": Counter({Pace.NEVER: 3}),
    }


def test_bands_hold_the_runs_and_one_that_ended_has_no_lag():
    series = pd.DataFrame(
        [("a", "g", 1.0, float(lag)) for lag in range(11)] + [("a", "g", 2.0, 4.0)],
        columns=["system", "group", "t_s", "time_lag_s"],
    )
    got = found(series, drain_s={"a": [0.0] * 11, "b": [0.0] * 11}).bands(0.1, 0.9)
    assert got[["t_s", "low", "median", "high"]].to_numpy().tolist() == [
        [1.0, 1.0, 5.0, 9.0],
        [2.0, 0.0, 0.0, 0.0],
    ]


def _known(values):
    """`replicate` of a scenario whose p99s are known beforehand."""
    asked = []

    def made(given, runs, *_):
        asked.append(runs)
        values_of = {"a": values[:runs], "b": values[:runs]}
        return found(latency_p99_s=values_of)

    return made, asked


def test_runs_are_made_until_the_means_are_known(monkeypatch, tmp_path):
    rng = np.random.default_rng(5)
    values = rng.normal(10.0, 2.0, replications.MOST).tolist()
    made, asked = _known(values)
    monkeypatch.setattr(replications, "replicate", made)
    got = replicate_until(scenario(), 0.05, tmp_path)
    mean = of_mean(np.array(values[: got.runs]))
    assert mean.within(0.05)
    # By theory (1.96 x 2 / 0.5)^2 = 62 runs; the deviation is itself estimated.
    assert 45 <= got.runs <= 85
    assert asked[0] == replications.FIRST


def test_a_precision_that_is_never_reached_ends_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(replications, "MOST", 30)
    rng = np.random.default_rng(5)
    made, _ = _known(rng.pareto(1.1, 30).tolist())
    monkeypatch.setattr(replications, "replicate", made)
    assert replicate_until(scenario(), 0.001, tmp_path).runs == 30


@pytest.mark.parametrize("number", replications.NUMBERS)
def test_each_number_is_a_column_of_the_summary(number):
    from sim.lab import run

    assert number in run(scenario()).tables.summary
