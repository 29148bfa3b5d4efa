"""Sweeps: what is run and kept, that a kill loses nothing, and what keys are said to do."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from helpers.sweeps import BASE, CONSUMERS, WORK, grid, made
from helpers.traffic import scenario
from sim.costs.bill import usd_per_month
from sim.foundation.errors import LabError
from sim.lab import run
from sim.measure.intervals import of_mean
from sim.studies import points
from sim.studies.sweeps import ASKED, DATASET, check_number, place_of, sweep


def test_the_dataset_has_a_row_for_each_run_with_its_settings_and_its_summary(tmp_path):
    base, its = grid()
    found = sweep(base, its, 2, tmp_path, jobs=1)
    rows = pd.read_parquet(place_of(base, its, 2, tmp_path) / DATASET)
    pd.testing.assert_frame_equal(rows, found.runs)
    assert rows[["point", "replication", "seed", CONSUMERS, WORK]].to_numpy().tolist() == [
        [k, i, 3 + i, consumers, work]
        for k, (consumers, work) in enumerate([(1, 0.001), (1, 0.03), (2, 0.001), (2, 0.03)])
        for i in range(2)
    ]
    assert rows[CONSUMERS].dtype == np.int64
    alone = run(base.with_({CONSUMERS: 2, WORK: "30ms", "seed": 4})).tables.summary
    pd.testing.assert_frame_equal(rows.iloc[[7]][alone.columns].reset_index(drop=True), alone)
    one = base.with_({CONSUMERS: 2, WORK: "30ms", "seed": 4})
    (usd,) = usd_per_month(one, run(one).tables).values()
    assert rows.loc[7, "usd_per_month"] == usd > 0
    check_number("usd_per_month")


def test_what_another_sweep_has_run_is_not_run_again(tmp_path, monkeypatch):
    base, its = grid(f"{CONSUMERS}=1,2")
    sweep(base, its, 2, tmp_path, jobs=1)
    made = []
    kept = points._run
    monkeypatch.setattr(
        points,
        "_run",
        lambda one, *how: (made.append((one.value_at(CONSUMERS), one.seed)), kept(one, *how)),
    )
    base, its = grid(f"{CONSUMERS}=1,2,3")
    heard = []
    sweep(base, its, 3, tmp_path, lambda there, of, _: heard.append((there, of)), jobs=1)
    assert sorted(made) == [(1, 5), (2, 5), (3, 3), (3, 4), (3, 5)]
    assert heard == [(there, 9) for there in range(4, 10)]


def test_runs_of_other_data_are_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = scenario(**BASE)
    places = set()
    for seconds in (0.001, 0.002):
        (tmp_path / "work.csv").write_text(f"quantile,s\n0.5,{seconds}\n0.99,0.01\n")
        its = base.with_({WORK: {"csv": "work.csv"}})
        places.add(place_of(its, grid(f"{CONSUMERS}=1,2", base=its)[1], 1, tmp_path))
    assert len(places) == 2


def whole(folder, jobs=1, heard=lambda *_: None):
    base, its = grid(f"{CONSUMERS}=1..6:6", f"{WORK}=1ms,4ms", base=scenario())
    sweep(base, its, 1, folder, heard, jobs)
    return place_of(base, its, 1, folder)


def _begun(folder, jobs):
    code = (
        "import sys, importlib.util\nfrom pathlib import Path\n"
        f"spec = importlib.util.spec_from_file_location('study', {__file__!r})\n"
        "study = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(study)\n"
        "heard = lambda there, *_: print(there, flush=True)\n"
        f"study.whole(Path({str(folder)!r}), {jobs}, heard)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip


def _of_session(session):
    """Processes of a session that still run."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    state, _, _, its = file.read().rsplit(")", 1)[1].split()[:4]
            except OSError:
                continue
            if int(its) == session and state != "Z":
                found.append(int(entry))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("jobs", "after"), [(1, 2), (2, 1), (2, 6)])
def test_killed_at_any_moment_it_goes_on_and_gives_the_same_bytes(tmp_path, jobs, after):
    with _begun(tmp_path / "killed", jobs) as study:
        assert study.stdout is not None
        while int(study.stdout.readline()) < after:
            pass
        study.send_signal(signal.SIGKILL)
    for _ in range(1000):
        if not _of_session(study.pid):
            break
        time.sleep(0.02)
    assert _of_session(study.pid) == []
    (kept,) = (tmp_path / "killed" / "test" / "sweeps" / "runs").iterdir()
    before = {path.name: path.stat().st_mtime_ns for path in kept.glob("[!.]*.parquet")}
    assert not list((tmp_path / "killed").rglob(DATASET))
    (kept / f".0000.summary.writing-{study.pid}.parquet").write_bytes(b"cut sh")

    killed = whole(tmp_path / "killed")
    after_it = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    whole_runs = {
        name: at for name, at in before.items()
        if f"{name.split('.')[0]}.series.parquet" in before
    }  # fmt: skip
    assert len(whole_runs) >= 2 * after
    assert whole_runs.items() <= after_it.items()
    assert len(after_it) == 12 * len(points._of(scenario()))
    other = whole(tmp_path / "whole")
    for name in (DATASET, ASKED):
        assert (killed / name).read_bytes() == (other / name).read_bytes()


def test_cells_are_means_with_students_interval():
    found = made([[1.0, 2.0, 6.0], [5.0, 5.0, 5.0]], f"{CONSUMERS}=1,2", replications=3)
    cells = found.cells("latency_p99_s", "kafka", "g")
    mean = of_mean(np.array([1.0, 2.0, 6.0]))
    assert cells["mean"].tolist() == [3.0, 5.0]
    assert mean.low < 0
    assert cells["low"].tolist() == [0.0, 5.0]
    assert cells["high"].tolist() == pytest.approx([mean.high, 5.0])
    assert cells[CONSUMERS].tolist() == [1.0, 2.0]


def test_of_one_run_and_of_infinite_ones_there_is_no_interval():
    once = made([1.0, 2.0], f"{CONSUMERS}=1,2").cells("latency_p99_s", "kafka", "g")
    assert once[["low", "high"]].isna().all(axis=None)
    never = made([[1.0, np.inf], [2.0, 3.0]], f"{CONSUMERS}=1,2", replications=2)
    cells = never.cells("latency_p99_s", "kafka", "g")
    assert cells["mean"].tolist() == [np.inf, 2.5]
    assert cells["high"].isna().tolist() == [True, False]


def test_a_number_depends_on_settings_if_it_changes_with_the_same_seed():
    found = made([[1.0, 2.0], [1.0, 2.0]], f"{CONSUMERS}=1,2", replications=2)
    assert found.depends("latency_p99_s") == []
    found = made([[1.0, 2.0], [1.0, 2.1]], f"{CONSUMERS}=1,2", replications=2)
    assert found.depends("latency_p99_s") == [("kafka", "g")]
    assert found.depends("lost") == []


def test_an_effect_goes_from_the_class_with_the_least_median_to_that_with_the_greatest():
    work = (1.0, 9.0, 3.0)
    found = made(
        [c + w for c in (0.0, 0.5) for w in work], f"{CONSUMERS}=1,2", f"{WORK}=1ms,2ms,3ms"
    )
    effects = found.effects("latency_p99_s", "kafka", "g")
    assert effects["path"].tolist() == [WORK, CONSUMERS]
    assert effects[["from", "to", "low", "high"]].to_numpy().tolist() == [
        ["1 ms", "2 ms", 1.25, 9.25], ["1", "2", 3.0, 3.5],
    ]  # fmt: skip
    # Ranks are 1 5 3 and 2 6 4: of their variance of 17.5 in all, 16 are between the amounts of
    # work, with 6 settings in 3 classes; and 1.5 between consumers, in 2.
    assert effects["share"].tolist() == pytest.approx([1 - (1.5 / 3) * 5 / 17.5, 0.0])


def test_what_never_ends_is_the_most_and_many_values_are_classed_by_five():
    numbers = [float(n) for n in range(19)] + [np.inf]
    found = made(numbers, f"{WORK}=1ms..20ms:20")
    (row,) = found.effects("latency_p99_s", "kafka", "g").to_dict("records")
    assert (row["from"], row["to"]) == ("1 ms to 4 ms", "17 ms to 20 ms")
    assert (row["low"], row["high"]) == (1.5, 17.5)


def test_an_effect_that_is_none_has_a_share_of_0_on_average():
    random = np.random.default_rng(5)
    shares = []
    for _ in range(60):
        found = made(random.exponential(1.0, 24) ** 4, f"{CONSUMERS}=1,2,3", f"{WORK}=1ms..8ms:8")
        shares += found.effects("latency_p99_s", "kafka", "g")["share"].tolist()
    assert np.mean(shares) < 0.06  # those below 0 count as 0
    assert np.median(shares) == 0.0


def test_a_number_that_there_is_not_is_refused():
    check_number("latency_p99_s")
    with pytest.raises(LabError, match="did you mean 'latency_p99_s'"):
        check_number("latency_p9_s")
