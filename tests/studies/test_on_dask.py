"""Runs on a Dask cluster: a real scheduler and real workers on loopback, of which one dies."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from helpers.sweeps import CONSUMERS, WORK, grid
from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.studies import points
from sim.studies.dials import read_dials
from sim.studies.goals import read_goal
from sim.studies.replications import replicate
from sim.studies.sizing import size_system
from sim.studies.sweeps import DATASET, place_of, sweep

pytest.importorskip("distributed")
from sim.studies.on_dask import outcomes

FEW = {"share": 0.5, "confidence": 0.8, "most": 6}
WITHIN_S = 120.0
"""A scheduler and its workers are there in seconds, where the machine is not busy."""


def _begun(folder, *arguments):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=folder,
    )  # fmt: skip


@contextmanager
def cluster(folder, workers):
    """The address of a scheduler, and its workers' processes."""
    about = folder / "scheduler.json"
    alone = ["--host", "127.0.0.1", "--no-dashboard"]
    processes = [_begun(folder, "scheduler", *alone, "--port", "0", "--scheduler-file", str(about))]
    try:
        until = time.monotonic() + WITHIN_S
        while not about.exists():
            assert processes[0].poll() is None and time.monotonic() < until
            time.sleep(0.05)
        its = ["--scheduler-file", str(about), "--no-nanny", "--nthreads", "1"]
        processes += [
            _begun(folder, "worker", *alone, *its, "--local-directory", str(folder / f"worker{i}"))
            for i in range(workers)
        ]
        from distributed import Client

        with Client(scheduler_file=str(about), timeout=WITHIN_S, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=WITHIN_S) if workers else None
            address = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def test_a_sweep_gives_the_same_bytes_though_a_worker_dies_in_the_middle(tmp_path):
    base, its = grid(f"{CONSUMERS}=1,2,3", f"{WORK}=1ms,4ms", base=scenario())
    with cluster(tmp_path, 2) as (address, workers):

        def heard(there, _of, _left):
            if there == 2:
                workers[0].send_signal(signal.SIGKILL)

        sweep(base, its, 2, tmp_path / "there", heard, cluster=address)
        assert workers[0].wait(60) == -signal.SIGKILL
        assert workers[1].poll() is None
    sweep(base, its, 2, tmp_path / "here", jobs=1)
    there, here = (place_of(base, its, 2, tmp_path / of) for of in ("there", "here"))
    assert (there / DATASET).read_bytes() == (here / DATASET).read_bytes()
    kept = {of: tmp_path / of / "test" / "sweeps" / "runs" for of in ("there", "here")}
    runs = {
        of: {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}
        for of, folder in kept.items()
    }
    assert len(runs["here"]) == 12 * len(points._of(base))
    assert runs["there"] == runs["here"]


def test_replications_and_a_size_are_the_same_from_a_cluster(tmp_path):
    base = scenario()
    vary, goal = read_dials([f"{CONSUMERS}=1..3"], base), [read_goal("p99 < 1s", ["g"])]
    with cluster(tmp_path, 1) as (address, _):
        there = replicate(base, 3, tmp_path / "there", cluster=address)
        size_there = size_system(base, vary, goal, tmp_path / "size", cluster=address, **FEW)
    here = replicate(base, 3, tmp_path / "here", jobs=1)
    assert there.intervals.equals(here.intervals)
    size_here = size_system(base, vary, goal, tmp_path / "size_here", jobs=1, **FEW)
    assert size_there.answer == size_here.answer
    assert size_there.verdicts == size_here.verdicts
    bytes_of = [
        {path.name: path.read_bytes() for path in (tmp_path / of).iterdir()}
        for of in ("size", "size_here")
    ]
    assert bytes_of[0] == bytes_of[1] and any(".latency." in name for name in bytes_of[0])


def test_what_fails_on_a_worker_is_told_here(tmp_path):
    base = scenario()
    with cluster(tmp_path, 1) as (address, _):
        refused = scenario(**{"workload.arrivals.profile.0.rate": "1e12/s"})
        with pytest.raises(LabError, match=r"memory|time|large"):
            list(outcomes([refused], address))
        (done,) = outcomes([base], address)
        assert done[0] == 0 and list(done[1]) == list(points._of(base))


def test_a_scheduler_without_workers_or_none_at_all_is_told(tmp_path, monkeypatch):
    from sim.studies import on_dask

    monkeypatch.setattr(on_dask, "PATIENCE_S", 0.5)
    with pytest.raises(LabError, match="no scheduler answers there"):
        list(outcomes([scenario()], "tcp://127.0.0.1:9"))
    with pytest.raises(LabError, match="no scheduler answers there"):
        list(outcomes([scenario()], "nonsense://x"))
    monkeypatch.setattr(on_dask, "PATIENCE_S", 5.0)
    with cluster(tmp_path, 0) as (address, _), pytest.raises(LabError, match="no workers"):
        list(outcomes([scenario()], address))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LabError, match=r"pip install 'queue-log-lab\[dask\]'"):
        list(outcomes([scenario()], "tcp://127.0.0.1:9"))
