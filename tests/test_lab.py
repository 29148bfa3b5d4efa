"""Whole runs: determinism, conservation, resuming, and the fluid recursion on a real trace."""

import os
from collections import Counter
from math import inf
from pathlib import Path
from threading import Barrier, current_thread

import numpy as np
import pandas as pd
import pytest

from sim import lab
from sim.foundation.errors import LabError
from sim.lab import run
from sim.measure.tables import Tables
from sim.results.store import Store, find, manifest, read
from sim.scenario.load import Scenario, available, load
from sim.systems.size import Allowance, size
from sim.traffic.windows import WindowPlan

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
    thread_of, together = {}, Barrier(3)

    def told(system, now_s, settled, total):
        if system not in thread_of:
            thread_of[system] = current_thread().name
            together.wait(600.0)  # for the two others: one after the other, they would never come

    monkeypatch.setattr(lab, "WORTH_THREADS", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    tables = run(scenario, told).tables
    assert len(set(thread_of.values())) == 3 and "MainThread" not in thread_of.values()
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


def test_a_run_in_windows_tells_how_far_it_is_of_all_messages():
    scenario = load("tournament_sqs_tuned").with_(SMALL)
    seen = {}
    windowed = run(
        scenario,
        lambda system, now_s, settled, total: seen.setdefault(system, []).append((settled, total)),
        window=500,
    )
    assert_same(windowed.tables, run(scenario).tables)
    produced = windowed.tables.summary.groupby("system")["produced"].sum()
    for system, looks in seen.items():
        settled, total = zip(*looks, strict=True)
        assert set(total) == {produced[system]} and settled[-1] == total[0]
        assert list(settled) == sorted(settled) and settled[0] < total[0] / 10


def test_some_systems_of_a_run_get_windows_and_others_all_messages(monkeypatch):
    scenario = load("share_group").with_(SMALL)
    got = {}
    runs = lab.run_system

    def note(scenario, name, source, *more, **how):
        got[name] = type(source).__name__
        return runs(scenario, name, source, *more, **how)

    monkeypatch.setattr(lab, "run_system", note)
    tables = run(scenario, window=300).tables
    assert got.pop("kafka_group") == "WindowPlan" and set(got.values()) == {"Messages"}
    assert_same(tables, run(scenario).tables)


def test_large_runs_are_in_windows_by_themselves(monkeypatch):
    scenario = load("tournament_sqs_tuned").with_(SMALL)
    monkeypatch.setattr(lab, "messages_of", lambda _: pytest.fail("drawn at once"))
    monkeypatch.setattr("sim.systems.windowed.WORTH", 1_000)
    monkeypatch.setattr(lab, "at_a_time", lambda _: 700)
    assert (run(scenario).tables.summary["produced"] > 2_000).all()


def test_a_run_looks_at_each_window_whether_it_is_to_stop(monkeypatch):
    """Kernels look after so many steps, which a window may not have."""
    looks = []
    monkeypatch.setattr("sim.engine.pace.check", lambda: looks.append(1))
    scenario = load("tournament_sqs_tuned").with_(SMALL)
    run(scenario, window=50)
    windows = len(scenario.systems) * WindowPlan(scenario, 50).stops.size
    assert windows > 1_000 and len(looks) >= windows


def test_the_whole_world_cup_is_run_from_a_trace_of_ones_own(tmp_path, monkeypatch):
    """Half an hour by the minute; in windows it is what it is at once."""
    counts = np.random.default_rng(1).poisson(400, 30)
    rows = [f"1998-06-30 18:{minute:02}:00,{n}" for minute, n in enumerate(counts)]
    path = tmp_path / "own.csv"
    path.write_text("minute,requests\n" + "\n".join(rows))
    scenario = load("world_cup_1998_all", [f"workload.arrivals.trace.path={path}"])
    whole, windowed = run(scenario).tables, run(scenario, window=1_000).tables
    assert_same(windowed, whole)
    assert (whole.summary["processed"] == counts.sum()).all() and len(whole.summary) == 2


def test_systems_take_turns_where_memory_is_short(monkeypatch):
    expected = size(load("tournament_sqs_tuned").with_(scale=2))
    assert lab._side_by_side(expected, expected.bytes_side_by_side + 1)
    assert not lab._side_by_side(expected, expected.bytes_side_by_side)
    monkeypatch.setattr(lab, "WORTH_THREADS", expected.messages + 1)
    assert not lab._side_by_side(expected, inf)


def test_a_run_that_is_too_large_is_refused_before_anything_is_drawn(monkeypatch):
    monkeypatch.setattr(lab, "messages_of", lambda _: pytest.fail("drawn"))
    with pytest.raises(LabError, match=r"would take .* GB of memory, more than the"):
        run(load("tournament_spike").with_(scale=1e6))
    with pytest.raises(LabError, match="more than the 1 MB of --max-memory"):
        run(load("tournament_spike"), allowed=Allowance(1e6))


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


def _told(*faults, **changes):
    """Run-time warnings of a small run, without where they stand."""
    data = {
        "name": "small",
        "duration": "10 s",
        "drain_limit": "1 min",
        "workload": {
            "arrivals": {"profile": [{"for": "10 s", "rate": "50/s"}]},
            "keys": {"k": {"weights": {"a": 1, "b": 1, "never": 0}}},
            "service": {"j": {"per_message": "5 ms"}},
        },
        "systems": {
            "q": {"product": "sqs", "queues": {"w": {"workers": 2, "does": ["j"]}}},
            "l": {
                "product": "kafka",
                "partition_key": ["k"],
                "topic": {"partitions": 2},
                "groups": {"g": {"consumers": 2, "does": ["j"]}},
            },
        },
        "faults": list(faults),
    }
    done = run(Scenario.from_mapping(data).with_(changes))
    return [words.removeprefix("scenario: ") for words in done.warnings]


def test_a_fault_that_never_struck_is_told_with_where_and_why():
    crash = {"fault": "crash", "target": "*.*.0", "restart_after": "1 s"}
    assert _told({**crash, "at": "5 s"}) == []
    assert _told({**crash, "at": "40 s"}) == [
        "faults.0: 'crash' never struck: it was due at 40 s, and all was done at 10 s (in q and l)"
    ]
    assert _told({**crash, "rate": "1/d"}) == [
        "faults.0: 'crash' never struck: at its rate, it came up at no time (in q and l)"
    ]
    deep = {"lag_over": 10_000}
    assert _told({**crash, "when": deep}, {**crash, "when": {**deep, "lag_over": 1}}) == [
        "faults.0: 'crash' never struck: its condition never held (in q and l)"
    ]
    scaled = {"at": "1 s", "fault": "scale", "target": "q.w", "to": 1}
    assert _told(scaled, {**crash, "at": "5 s", "target": "q.w.1"}) == [
        "faults.1: 'crash' never struck: at its time, there was nothing for it to strike (in q)"
    ]


def test_a_restart_of_the_living_and_a_crash_of_the_dead_are_told():
    crash = {"at": "2 s", "fault": "crash", "target": "q.w.0"}
    restart = {"at": "4 s", "fault": "restart", "target": "q.w.0"}
    nothing = "never struck: at its time, there was nothing for it to strike (in q)"
    assert _told(crash, restart) == []
    assert _told(restart) == [f"faults.0: 'restart' {nothing}"]
    again = [{**crash, "at": "3 s", "fault": fault} for fault in ("crash", "terminate")]
    assert _told(crash, *again, {**again[0], "fault": "pause", "for": "1 s"}, restart) == [
        f"faults.1: 'crash' {nothing}", f"faults.2: 'terminate' {nothing}",
        f"faults.3: 'pause' {nothing}",
    ]  # fmt: skip


def test_poison_for_nobody_is_told():
    poison = {"fault": "poison", "target": "*.*", "effect": "fail", "times": 1}
    assert _told({**poison, "at": "5 s"}, {**poison, "at": "5 s", "key": "a"}) == []
    words = "'poison' never struck: no such message was created at or after its time (in q and l)"
    assert _told({**poison, "at": "10 s"}, {**poison, "at": 0, "key": "never"}) == [
        f"faults.0: {words}", f"faults.1: {words}",
    ]  # fmt: skip


def test_a_slow_share_that_drew_nobody_is_told():
    slow = {"share": 1e-5, "time": "1 s"}
    (words,) = _told(**{"workload.service.j.slow": slow})
    assert ": workload.service.j.slow: none of " in words and "drew this share, 1e-05" in words
    assert _told(**{"workload.service.j.slow": {**slow, "share": 0.05}}) == []
    # Only the messages that a queue lets in count: of 'never', there are none to be slow.
    only = {"systems.q.queues.w.FilterPolicy": {"k": ["never"]}}
    assert _told(**only, **{"workload.service.j.slow": {**slow, "share": 0.05}}) == []


def test_a_poisonous_share_that_drew_nobody_is_told():
    poison = {"share": 1e-5, "times": 1}
    (words,) = _told(**{"workload.service.j.poison": poison})
    assert ": workload.service.j.poison: none of " in words
    assert "drew this share, 1e-05: no message was poisonous" in words
    assert _told(**{"workload.service.j.poison": {**poison, "share": 0.05}}) == []
    only = {"systems.q.queues.w.FilterPolicy": {"k": ["never"]}}
    assert _told(**only, **{"workload.service.j.poison": {**poison, "share": 0.05}}) == []


def test_scaled_to_nobody_nobody_works():
    none = {"at": "5 s", "fault": "scale", "target": "q.w", "to": 0, "grace": 0}
    for scale in (1.0, 0.5):
        scenario = Scenario.from_mapping(
            {
                "name": "small",
                "scale": scale,
                "duration": "10 s",
                "drain_limit": "20 s",
                "workload": {
                    "arrivals": {"profile": [{"for": "10 s", "rate": "50/s"}]},
                    "keys": {"k": {"count": 4}},
                    "service": {"j": {"per_message": "5 ms"}},
                },
                "systems": {
                    "q": {"product": "sqs", "queues": {"w": {"workers": 2, "does": ["j"]}}}
                },
                "faults": [none],
            }
        )
        done = run(scenario)
        after = done.tables.series
        processed = after[after["t_s"] > 5.1]["processed"]
        assert processed.nunique() == 1 and done.tables.summary["unfinished"].sum() > 0
        assert done.tables.faults["text"].tolist() == ["scale w to 0"]


def test_warnings_are_kept_with_the_result(tmp_path):
    scenario = load("tournament_spike").with_(SMALL)
    assert any("is rounded up from" in words for words in scenario.warnings)
    scenario = scenario.with_({"faults": [{"fault": "crash", "target": "*.*.0", "rate": "1/d"}]})
    store = Store(tmp_path, scenario)
    done = run(scenario, store=store)
    assert done.warnings[-1].endswith("came up at no time (in sqs_single, sqs_fanout and kafka)")
    # A run that is stopped now goes on with what its systems have said.
    again = run(scenario, store=store)
    assert again.warnings == done.warnings
    about = manifest(scenario, [], {}, again.warnings)
    assert read(store.write(store.begin(), again.tables, about)).warnings == done.warnings
    said = " ".join(repr(done).split())
    assert all(f"warning: {' '.join(words.split())}" in said for words in done.warnings)
    assert "Warning: " in done._repr_html_()
