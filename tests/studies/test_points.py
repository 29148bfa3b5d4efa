"""Runs that are kept one by one: on several cores, after a kill, and with what each stretch had."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.studies import points


def few(n=4):
    return [scenario(seed=seed) for seed in range(n)]


def test_a_point_gives_what_a_run_gives(tmp_path):
    from sim.lab import run

    assert list(points.compute(few(2), tmp_path, jobs=1)) == [0, 1, 2]
    summary = points.read(few(2), tmp_path, "summary")
    for i, one in enumerate(few(2)):
        its = (
            summary[summary["point"] == i]
            .drop(columns=["point", "usd_per_month"])
            .reset_index(drop=True)
        )
        pd.testing.assert_frame_equal(its, run(one).tables.summary)


def test_processes_give_what_one_after_the_other_gives(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    list(points.compute(few(), alone, jobs=1))
    assert list(points.compute(few(), together, jobs=2)) == [0, 1, 2, 3, 4]
    for table in ("summary", "series"):
        pd.testing.assert_frame_equal(
            points.read(few(), alone, table), points.read(few(), together, table)
        )


def test_what_is_there_is_not_run_again(tmp_path, monkeypatch):
    list(points.compute(few(3), tmp_path, jobs=1))
    asked = []
    monkeypatch.setattr(points, "_run", lambda point, folder, also: asked.append(point.seed))
    assert list(points.compute(few(5), tmp_path, jobs=1)) == [3, 4, 5]
    assert asked == [3, 4]
    assert [point.seed for point in points.done(few(5), tmp_path)] == [0, 1, 2]


def test_twins_are_run_once(tmp_path):
    assert list(points.compute([*few(1), *few(1)], tmp_path, jobs=1)) == [1, 2]


def test_a_run_that_fails_ends_it_and_what_was_done_is_kept(tmp_path, monkeypatch):
    from sim import lab

    def run(point, run=lab.run):
        if point.seed == 2:
            raise LabError("no")
        return run(point)

    monkeypatch.setattr(lab, "run", run)
    with pytest.raises(LabError, match="no"):
        list(points.compute(few(), tmp_path, jobs=1))
    assert [point.seed for point in points.done(few(), tmp_path)] == [0, 1]


def test_each_stretch_has_the_most_of_it(tmp_path, monkeypatch):
    from sim.lab import run

    monkeypatch.setattr(points, "SAMPLES", 50)
    list(points.compute(few(1), tmp_path, jobs=1))
    thin = points.read(few(1), tmp_path, "series")
    whole = run(few(1)[0]).tables.series
    assert len(thin) <= 50
    assert thin["time_lag_s"].max() == whole["time_lag_s"].max()
    assert thin["t_s"].iloc[-1] == whole["t_s"].iloc[-1]


_STUDY = """
import sys
from pathlib import Path
from helpers.traffic import scenario
from sim.studies import points
for there in points.compute([scenario(seed=s, scale=4) for s in range(8)], Path(sys.argv[1]), 1):
    print(there, flush=True)
"""


@pytest.mark.parametrize("after", [1, 3, 6])
def test_killed_half_way_it_goes_on_and_gives_the_same(tmp_path, after):
    whole = [scenario(seed=s, scale=4) for s in range(8)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _STUDY, str(tmp_path / "killed")],
        stdout=subprocess.PIPE, text=True, env=environment,
    ) as study:  # fmt: skip
        assert study.stdout is not None
        while int(study.stdout.readline()) < after:
            time.sleep(0.001)
        study.send_signal(signal.SIGKILL)
    kept = len(points.done(whole, tmp_path / "killed"))
    assert after <= kept < 8
    assert next(points.compute(whole, tmp_path / "killed", 1)) == kept
    list(points.compute(whole, tmp_path / "killed", 1))
    list(points.compute(whole, tmp_path / "whole", 1))
    pd.testing.assert_frame_equal(
        points.read(whole, tmp_path / "killed", "summary"),
        points.read(whole, tmp_path / "whole", "summary"),
    )


def test_other_tables_are_kept_on_demand(tmp_path):
    point = scenario()
    list(points.compute([point], tmp_path, 1))
    assert points.done([point], tmp_path) == [point]
    assert points.done([point], tmp_path, ["latency"]) == []
    list(points.compute([point], tmp_path, 1, also=["latency", "waits"]))
    assert points.done([point], tmp_path, ["latency", "waits"]) == [point]
    assert points.read([point], tmp_path, "latency")["q"].is_monotonic_increasing


def test_another_lab_makes_its_own_runs(monkeypatch, tmp_path):
    here = points.edition(scenario())
    assert here == points.edition(scenario(seed=2)) and here.startswith("0.1.0-")
    module = tmp_path / "group.py"
    monkeypatch.setattr(points, "_SIM", tmp_path)
    seen = {here}
    for change in (
        lambda: module.write_text("1"),
        lambda: module.write_text("2"),
        lambda: module.rename(tmp_path / "topic.py"),
    ):
        change()
        points.of_lab.cache_clear()
        seen.add(points.edition(scenario()))
    assert len(seen) == 4
    monkeypatch.undo()
    points.of_lab.cache_clear()
    assert points.edition(scenario()) == here
