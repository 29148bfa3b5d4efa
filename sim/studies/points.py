"""Runs of many scenarios on all cores, each kept as soon as it is done.

A study that was stopped, however it was, goes on where it was: what a point gave is in a file of
its own, named by the hash of its scenario, and is there whole or not at all.
"""

import hashlib
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sim.costs.prices import prices
from sim.foundation import files
from sim.foundation.processes import end_with, give_back, runs
from sim.scenario.load import Scenario, distribution_files
from sim.studies.steady import is_steady, kept

if TYPE_CHECKING:
    import pandas as pd

COST = "usd_per_month"
"""Column that a kept summary has besides: what the system of the row would cost a month."""
SAMPLES = 120
"""Times of each series that are kept of a run, at most."""
_SERIES = ["system", "group", "t_s", "lag", "time_lag_s"]
_SIM = Path(__file__).resolve().parents[1]
_WRITING = re.compile(r"\..+\.writing-(\d+)\.parquet")
"""What `sim.foundation.files.replacing` writes to; a process that was killed leaves it."""


@cache
def of_lab() -> str:
    """Version of the lab and a digest of its sources: of two that differ, runs may."""
    digest = hashlib.sha256()
    for path in sorted(_SIM.rglob("*.py")):
        digest.update(f"{path.relative_to(_SIM).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{version('queue-log-lab')}-{digest.hexdigest()[:8]}"


def edition(scenario: Scenario) -> str:
    """What besides its content a run depends on: the lab (`of_lab`), prices, and files of data."""
    digest = hashlib.sha256(prices().model_dump_json().encode())
    trace, cases = scenario.workload.arrivals.trace, scenario.workload.cases
    its = [one.file for one in (trace, cases) if one is not None]
    for path in (*its, *(one.file for _, one in distribution_files(scenario))):
        digest.update(path.read_bytes())
    return f"{of_lab()}-{digest.hexdigest()[:8]}"


def done(points: Sequence[Scenario], folder: Path, also: Sequence[str] = ()) -> list[Scenario]:
    """Those of the points that were run earlier, and of which all these tables were kept."""
    return [
        point
        for point in points
        if all(_file(folder, point, t).exists() for t in (*_of(point), *also))
    ]


def _of(point: Scenario) -> Sequence[str]:
    """The tables that are kept of a run, whatever else is."""
    return ("summary", "latencies", "series") if is_steady(point) else ("summary", "series")


def compute(
    points: Sequence[Scenario],
    folder: Path,
    jobs: int | None = None,
    cluster: str | None = None,
    also: Sequence[str] = (),
) -> Iterator[int]:
    """Run all points that were not run earlier; yields how many are there, after each.

    Args:
        points: scenarios; of two with the same hash, one is run.
        folder: where what they gave is kept.
        jobs: processes; None: one a core.
        cluster: address of the scheduler of a Dask cluster that runs them instead.
        also: tables of `sim.measure.tables.Tables` that are kept besides.

    Raises:
        LabError: one of them cannot be run; or as `sim.studies.on_dask.outcomes`.
    """
    folder = folder.resolve()  # processes that wait for work may have another folder as theirs
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    known = {point.hash for point in done(points, folder, also)}
    left = list({point.hash: point for point in points if point.hash not in known}.values())
    there = len(points) - len(left)
    yield there
    if not left:
        return
    for _ in (
        _on_cluster(left, folder, cluster, also) if cluster else _here(left, folder, jobs, also)
    ):
        there += 1
        yield there


def _here(
    points: Sequence[Scenario], folder: Path, jobs: int | None, also: Sequence[str]
) -> Iterator[None]:
    from joblib import Parallel, delayed

    n = min(len(points), jobs or os.cpu_count() or 1)
    if n == 1:
        for point in points:
            _run(point, folder, also)
            yield
        return
    # Of a process that has grown, a new one takes the place: that is as it should be.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    yield from Parallel(n_jobs=n, return_as="generator_unordered")(
        delayed(_run_below)(os.getpid(), point, folder, also) for point in points
    )


def _on_cluster(
    points: Sequence[Scenario], folder: Path, address: str, also: Sequence[str]
) -> Iterator[None]:
    from sim.studies.on_dask import outcomes

    for place, files_of_it in outcomes(points, address, also):
        _keep(points[place], files_of_it, folder)
        yield


def _clear(folder: Path) -> None:
    """Remove what processes that were killed had begun to write."""
    for path in folder.iterdir():
        writing = _WRITING.fullmatch(path.name)
        if writing and not runs(int(writing[1])):
            with suppress(OSError):  # another process was quicker
                path.unlink()


def _run_below(parent: int, point: Scenario, folder: Path, also: Sequence[str]) -> None:
    """As `_run`, in a process that ends when the study does, however it does."""
    end_with(parent)
    _run(point, folder, also)
    give_back()


def _run(point: Scenario, folder: Path, also: Sequence[str] = ()) -> None:
    _keep(point, outcome(point, also), folder)


def outcome(point: Scenario, also: Sequence[str] = ()) -> dict[str, bytes]:
    """Run a point; returns what is kept of it, by table: a Parquet file each.

    Raises:
        LabError: it cannot be run.
    """
    from sim.costs.bill import usd_per_month
    from sim.lab import run

    tables = run(point).tables
    months = usd_per_month(point, tables)
    summary = tables.summary.assign(**{COST: tables.summary["system"].map(months)})
    its = {"summary": summary, "series": _thinned(tables.series)}
    if is_steady(point):
        its["latencies"] = kept(tables.messages)
    its |= {table: tables.frames[table] for table in also}
    return {table: _packed(its[table]) for table in (*also, *_of(point))}


def _packed(frame: "pd.DataFrame") -> bytes:
    packed = BytesIO()
    frame.to_parquet(packed, compression="zstd", index=False)
    return packed.getvalue()


def _thinned(series: "pd.DataFrame") -> "pd.DataFrame":
    """At most `SAMPLES` times of each group, with the most of the times that each stands for."""
    every = -(-series["t_s"].nunique() // SAMPLES)
    who = ["system", "group"]
    of = series.groupby(who, sort=False).cumcount() // every
    its = series.groupby([*who, of], sort=False)
    out = its[["t_s", "lag", "time_lag_s"]].max().reset_index(who).reset_index(drop=True)
    return out[_SERIES]


def _keep(point: Scenario, tables: Mapping[str, bytes], folder: Path) -> None:
    for table in tables:  # the series last: by them, all is there
        with files.replacing(_file(folder, point, table)) as new:
            new.write_bytes(tables[table])


def _file(folder: Path, point: Scenario, table: str) -> Path:
    return folder / f"{point.hash}.{table}.parquet"


def read(points: Sequence[Scenario], folder: Path, table: str) -> "pd.DataFrame":
    """A table of all points below each other; ``point`` is the place of each in ``points``.

    Args:
        points: all of which were computed.
        folder: where they are kept.
        table: ``summary`` and what else was asked for, as in `sim.measure.tables.Tables`;
            ``series``: system, group, t_s, the most lag and time_lag_s of each of at most `SAMPLES`
            stretches; or, of scenarios that have a steady state, ``latencies``, from which
            `sim.studies.steady` finds it.
    """
    import pandas as pd
    from pyarrow.parquet import ParquetFile

    # pandas' own way looks for a dataset of several files first, ten times as long.
    frames: list[pd.DataFrame] = [
        ParquetFile(_file(folder, point, table)).read().to_pandas() for point in points
    ]
    return pd.concat([frame.assign(point=i) for i, frame in enumerate(frames)], ignore_index=True)
