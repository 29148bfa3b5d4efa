"""`sim sweep`: what is printed and written, what is refused, and that it stops at once."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers.sweeps import BASE, CONSUMERS, WORK
from helpers.traffic import scenario
from sim.cli.commands import app
from sim.cli.sweeping import _MEASURES, _about
from sim.foundation.document import dumped
from sim.studies.replications import NUMBERS


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = scenario(**BASE).model_dump(mode="json", by_alias=True)
    (tmp_path / "small.yaml").write_text(dumped(data))
    return tmp_path


def sweep(*arguments):
    return CliRunner().invoke(app, ["sweep", "small.yaml", "--jobs", "1", *arguments])


def test_a_dataset_words_and_a_picture_are_written(small):
    done = sweep(
        "--vary", f"{CONSUMERS}=1,2", "--vary", f"{WORK}=1ms..30ms:2", "--replications", "2"
    )
    assert done.exit_code == 0, done.output
    (place,) = [p for p in (small / "results/test/sweeps").iterdir() if p.name != "runs"]
    assert sorted(path.name for path in place.iterdir()) == [
        "latency_p99_s.png", "latency_p99_s.txt", "sweep.json", "sweep.parquet",
    ]  # fmt: skip
    assert len(pd.read_parquet(place / "sweep.parquet")) == 8
    assert "p99 of kafka.g depends most on per_message" in (place / "latency_p99_s.txt").read_text()
    assert "p99 of kafka.g, mean of 2 runs" in done.output
    assert max(map(len, done.output.splitlines()[:-5])) <= 80


def test_another_number_is_told_of_the_same_runs(small):
    vary = ["--vary", f"{CONSUMERS}=1,2", "--no-charts"]
    assert sweep(*vary).exit_code == 0
    done = sweep(*vary, "--show", "max_lag")
    assert "lag or depth of kafka.g" in " ".join(done.output.split())
    (place,) = [p for p in (small / "results/test/sweeps").iterdir() if p.name != "runs"]
    assert (place / "max_lag.txt").exists() and (place / "latency_p99_s.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--vary'"),
        (["--vary", f"{CONSUMERS}=1"], "one value is no variation"),
        (["--vary", f"{CONSUMERS}=1,2", "--design", "lhs"], "takes --points"),
        (["--vary", f"{CONSUMERS}=1,2", "--show", "p98"], "unknown number 'p98'"),
        (["--vary", "systems.kafka.groups.g.consumer=1,2"], "did you mean 'consumers'?"),
    ],
)
def test_what_cannot_be_swept_is_refused(small, arguments, said):
    done = sweep(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (small / "results").exists()


def test_what_the_scenario_is_about_is_told():
    assert _about(scenario()) == "latency_p99_s"
    assert _about(scenario(shows="time_to_drain")) == "drain_s"
    assert set(_MEASURES.values()) <= set(NUMBERS)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_ends_it_and_all_its_processes_and_says_that_it_goes_on(small):
    command = (
        "import sys; from sim.cli.commands import main; "
        f"sys.argv = 'sim sweep small.yaml --vary {CONSUMERS}=1..60:60 --vary {WORK}=1ms..9ms:9 "
        "--set scale=40 --jobs 2'.split(); main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        while not list(small.glob("results/test/sweeps/runs/*/*.series.parquet")):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        at = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        took_s = time.monotonic() - at
        assert process.returncode == 130
        assert said.endswith(
            "stopped; runs that were done are kept, and the same command goes on\n"
        ), said
        assert took_s < 20  # a second on a quiet machine; minutes where it is not heeded
        for _ in range(200):
            if not _session(process.pid):
                break
            time.sleep(0.05)
        assert _session(process.pid) == []
    finally:
        for left in _session(process.pid):
            os.kill(left, signal.SIGKILL)


def _session(number):
    out = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                state, _, _, its = file.read().rsplit(")", 1)[1].split()[:4]
        except OSError:
            continue
        if int(its) == number and state != "Z":
            out.append(int(entry))
    return out
