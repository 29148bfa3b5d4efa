"""Whole runs: determinism, conservation, resuming, and the fluid recursion on a real trace."""

import os
from collections import Counter
from pathlib import Path
from threading import current_thread

import numpy as np
import pandas as pd
import pytest

from sim import lab
from sim.lab import run
from sim.measure.tables import Tables
from sim.results.store import Store, find, manifest, read
from sim.scenario.load import Scenario, available, load

TRACES = Path(os.environ.get("LAB_TRACES", Path(__file__).parents[2] / "shared" / "traces"))

SMALL = {"scale": 0.02, "drain_limit": "2h"}


def assert_same(a: Tables, b: Tables) -> None:
    for name in Tables.FRAMES:
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)


@pytest.mark.parametrize("path", available(), ids=lambda path: path.stem)
def test_a_shipped_scenario_accounts_for_every_message(path):
    scenario = load(path).with_(SMALL)
    tables = run(scenario).tables
    assert set(tables.summary["system"]) == set(scenario.systems)
    produced = tables.summary.set_index(["system", "group"])["produced"]
    # Readers may want only some of the messages, but the same ones of every system.
    assert produced.groupby("system").max().nunique() == 1 and (produced > 0).all()
    accounted = tables.fates.groupby(["system", "group"])["messages"].sum()
    assert (accounted == produced.reindex(accounted.index)).all()
    if scenario.faults:
        assert set(tables.faults["system"]) <= set(scenario.systems) and len(tables.faults)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    scenario = load("tournament_slow_group").with_(SMALL)
    folders = []
    for name in ("a", "b"):
        store = Store(tmp_path, scenario, name)
        done = run(scenario, store=store)
        folders.append(store.write(store.begin(), done.tables, manifest(scenario, [], {})))
    for path in [*sorted(folders[0].glob("*.parquet")), folders[0] / "summary.csv"]:
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name
    other = run(scenario.with_(seed=2)).tables
    assert not other.summary.equals(read(folders[0]).tables.summary)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    scenario = load("tournament_spike").with_(SMALL)
    whole = run(scenario).tables

    def stop(system, now_s, settled, total):
        if system == "kafka":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(scenario, stop, Store(tmp_path, scenario))
    assert not list(tmp_path.glob("*/*/manifest.json")), "a half-written result"
    store = Store(tmp_path, scenario)
    seen = set()
    again = run(scenario, lambda system, *_: seen.add(system), store)
    assert seen == {"kafka"}, "finished systems are not computed again"
    assert_same(again.tables, whole)
    store.write(store.begin(), again.tables, manifest(scenario, ["sim"], again.wall_s))
    result = read(find("tournament_spike", tmp_path))
    assert_same(result.tables, whole)
    assert [p.name for p in (tmp_path / "tournament_spike").iterdir()] == [result.folder.name]


def test_systems_side_by_side_are_as_one_after_the_other(monkeypatch):
    scenario = load("tournament_sqs_tuned").with_(SMALL)
    one_by_one = run(scenario).tables
    threads = set()
    monkeypatch.setattr(lab, "WORTH_THREADS", 0)
    tables = run(scenario, lambda *_: threads.add(current_thread().name)).tables
    assert len(threads) == min(3, os.cpu_count()) and "MainThread" not in threads
    assert_same(tables, one_by_one)


def test_side_by_side_all_stop_when_one_is_stopped(monkeypatch):
    monkeypatch.setattr(lab, "WORTH_THREADS", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    looks = Counter()

    def stop(system, now_s, settled, total):
        looks[system] += 1
        if system == "kafka":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(load("tournament_sqs_tuned").with_(SMALL), stop)
    assert looks["kafka"] == 1


def test_systems_take_turns_where_memory_is_short(monkeypatch):
    scenario = load("tournament_sqs_tuned")
    monkeypatch.setattr(lab, "_free_bytes", lambda: 2_000_000 * 7 * 128)
    assert lab._side_by_side(scenario, 2_000_000 - 1)
    assert not lab._side_by_side(scenario, 2_000_000)
    assert not lab._side_by_side(scenario, 999_999)


def test_compared_systems_get_the_same_work():
    """A queue and a log whose consumers are never short of time finish the same work."""
    tables = run(load("tournament_sqs_tuned").with_(SMALL)).tables
    assert (tables.summary["processed"] == tables.summary["produced"]).all()
    arrived = tables.series.groupby(["system", "group"])["arrived"].max()
    assert arrived.nunique() == 1


def fluid(counts, capacity):
    """Backlog after each interval, q <- max(0, q + arrivals - capacity)."""
    backlog, out = 0.0, []
    for n in counts:
        backlog = max(0.0, backlog + n - capacity)
        out.append(backlog)
    return np.array(out)


@pytest.mark.parametrize("product", ["sqs", "kafka"])
def test_the_trace_at_constant_capacity_follows_the_fluid_recursion(product):
    path = TRACES / "worldcup98_per_minute.csv.gz"
    if not path.exists():
        pytest.skip(f"the trace is not here: {path}")
    capacity = 40.0  # messages a second
    if product == "sqs":
        system = {
            "product": "sqs",
            "producer": {"threads": 64},
            "latency": {"send": "0.1 ms", "receive": 0, "delete": 0},
            "queues": {
                "q": {"workers": 1, "does": ["job"], "MaxNumberOfMessages": 10,
                      "VisibilityTimeout": "12h", "ReceiveMessageWaitTimeSeconds": 20}
            },
        }  # fmt: skip
    else:
        system = {
            "product": "kafka",
            "topic": {"partitions": 1},
            "groups": {"g": {"consumers": 1, "does": ["job"], "auto.commit.interval.ms": 0}},
        }
    scenario = Scenario.from_mapping(
        {
            "name": "fluid",
            "scale": 0.02,
            "drain_limit": "24h",
            "workload": {
                "arrivals": {
                    "trace": {"path": str(path), "start": "1998-06-30", "end": "1998-07-01"}
                },
                "keys": {"page": {"count": 1}},
                "service": {"job": {"per_message": 1 / capacity}},
            },
            "systems": {"s": system},
        }
    )
    tables = run(scenario).tables
    trace = pd.read_csv(path)
    day = trace[trace["minute_utc"].str.startswith("1998-06-30")]["requests"].to_numpy()
    scaled = np.diff(np.round(np.cumsum(day) * 0.02), prepend=0.0)
    assert tables.summary["produced"].iloc[0] == scaled.sum()
    backlog = fluid(scaled, capacity * 60)
    row = tables.summary.iloc[0]
    series = tables.series
    unprocessed = series["arrived"] - series["processed"]
    assert unprocessed.max() == pytest.approx(backlog.max(), rel=0.01)
    assert row["max_lag"] == pytest.approx(backlog.max(), rel=0.01)
    assert row["drain_s"] == pytest.approx(backlog[-1] / capacity, rel=0.01)
