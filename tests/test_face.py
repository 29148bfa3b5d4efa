"""The face that a notebook sees: load, run, compare, read, and what a result offers."""

import subprocess
import sys
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import sim
from helpers.tables import Group, build
from sim.foundation.errors import LabError
from sim.measure.tables import Tables
from sim.results.result import Result
from sim.words.differences import changes, effects, labels

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "results" / "ledger_ordering" / "example"
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def spike():
    return sim.load("tournament_spike").with_({"scale": 0.01})


@pytest.fixture(scope="module")
def result(spike):
    return sim.run(spike)


@pytest.fixture(scope="module")
def ledger():
    return sim.run(sim.load("ledger_ordering").with_(scale=0.01))


def test_a_bare_import_loads_no_library():
    code = "import sim, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pydantic", "matplotlib", "rich"} & set(done.stdout.split())


def test_everything_in_all_is_there():
    assert all(getattr(sim, name) for name in sim.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Results'"):
        sim.Results  # noqa: B018


def test_tables_are_tidy_and_agree_with_each_other(result):
    groups = result.summary.set_index(["system", "group"])
    last = result.violations.groupby(["system", "group"])["violations"].last()
    assert (last.reindex(groups.index) == groups["violations"]).all()
    worst = result.lag.groupby(["system", "group"])["lag"].max()
    assert (worst.reindex(groups.index) == groups["max_lag"]).all()
    fates = result.fates.groupby(["system", "group"])["messages"].sum()
    assert (fates.reindex(groups.index) == groups["produced"]).all()
    done = result.messages.groupby(["system", "group"])["done_s"].count()
    assert (done > 0).all()
    for name in Tables.FRAMES:
        assert isinstance(getattr(result, name), pd.DataFrame)
        assert name in dir(result)


def test_a_wrong_name_is_answered_with_the_nearest(result):
    with pytest.raises(AttributeError, match="did you mean 'fates'"):
        result.fate  # noqa: B018
    with pytest.raises(AttributeError, match="has no ledger"):
        result.plot.harms()


def test_words_come_first(result, ledger):
    assert "kafka" in result.finding
    for text in (repr(result), result._repr_html_()):
        assert "twelve consumer processes" in text
        flat = " ".join(text.split())
        assert result.finding.split(":")[0] in flat and "everything" in flat
    assert "misstat" in ledger.finding
    assert "books of" in repr(ledger) and "books of" in ledger._repr_html_()
    assert max(map(len, repr(ledger).splitlines())) <= 100


def test_long_names_are_broken_and_numbers_stay_whole():
    rows = {"a_system_with_a_rather_long_name_indeed": {"and_a_group_whose_name_is_long": Group()}}
    text = repr(Result(build(rows, duration_s=60.0), {}, manifest={"scenario": "x"}))
    assert "…" not in text and "violations\n" in text
    assert max(map(len, text.splitlines())) <= 100
    lines = [line.split()[0] for line in text.splitlines()[3:7] if line.split()]
    assert "".join(lines).startswith("a_system_with_a_rather_long_name_indeed")


def test_html_escapes_what_a_scenario_says(spike):
    html = sim.run(spike.with_({"about": "<b>&"}))._repr_html_()
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html


CHARTS = (
    "overview", "throughput", "lag", "time_lag", "status", "latency", "order", "loss", "duplicates",
)  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_are_axes_and_pictures(result, chart):
    drawn = getattr(result.plot, chart)()
    assert drawn and all(isinstance(ax, Axes) for ax in drawn)
    assert drawn.figure is drawn[-1].figure


def test_charts_of_a_ledger(ledger):
    for chart in ("buffer", "books", "harms", "price"):
        assert getattr(ledger.plot, chart)()


def test_a_picture_is_the_same_bytes_each_time_and_names_no_version(result):
    first, second = (result.plot.time_lag()._repr_png_() for _ in range(2))
    assert first == second and first.startswith(PNG)
    assert b"matplotlib" not in first.lower() and b"tIME" not in first


def test_charts_draw_on_given_axes(result):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3))
    axes = list(figure.subplots(1, 3))
    assert list(result.plot.lag(axes)) == axes
    assert all(ax.lines for ax in axes)


def test_a_picture_is_saved_in_the_format_of_its_name(result, tmp_path):
    assert result.plot.lag().save(tmp_path / "lag.svg").read_text().startswith("<?xml")


def test_compare_is_one_table_and_names_what_differs(spike, result):
    slow = sim.run(spike.with_({"systems.kafka.topic.partitions": 100}))
    both = sim.compare([result, slow])
    names = ["kafka.topic.partitions=12", "kafka.topic.partitions=100"]
    assert list(both.results) == names
    assert list(both.summary["run"].unique()) == names
    assert len(both.summary) == len(result.summary) + len(slow.summary)
    assert both.plot()[0].figure
    assert both.plane() and both.plane("throughput")
    assert names[1] in repr(both) and names[1] in both._repr_html_()
    assert result.plot.compare(slow)
    assert list(sim.compare({"a": result, "b": slow}).results) == ["a", "b"]
    with pytest.raises(LabError, match="nothing to compare"):
        sim.compare([])


def test_labels_fall_back_where_too_much_differs_or_nothing():
    assert labels([{"a": 1}, {"a": 1}], ["x", "x"]) == ["x", "x (2)"]
    many = [dict.fromkeys("abcd", 1), dict.fromkeys("abcd", 2)]
    assert labels(many, ["x", "y"]) == ["x", "y"]
    assert labels([{"name": "x"}, {"name": "y"}], ["x", "y"]) == ["x", "y"]
    assert labels([{"seed": 1, "about": "p"}, {"seed": 2}], ["x", "x"]) == ["seed=1", "seed=2"]
    assert labels([{"a": {"b": 1}}, {"a": {}}], ["x", "y"]) == ["a.b=1", "a.b=none"]


def test_a_stored_result_is_a_result(tmp_path):
    stored = sim.read(EXAMPLE)
    assert stored.label == "ledger_ordering/example"
    assert list(stored.scenario.systems) == list(stored.summary["system"].unique())
    assert stored.finding and stored.plot.harms()
    assert sim.read("ledger_ordering/example", ROOT / "results").folder == EXAMPLE
    with pytest.raises(LabError, match="no result 'ledger_orderin'"):
        sim.read("ledger_orderin", ROOT / "results")


def test_run_takes_a_name_and_the_same_scenario_gives_the_same_tables(spike, result):
    again = sim.run(spike)
    for name in Tables.FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))
    tiny = ROOT / "scenarios" / "tournament_spike.yaml"
    assert sim.load(tiny, ["seed=3"]).seed == 3
    assert np.isfinite(result.summary["drain_s"]).all()


def test_changes_are_told_by_path_and_not_if_there_are_many():
    before = {"name": "a", "about": "x", "systems": {"k": {"n": 1, "only": None}}}
    after = {"name": "a", "about": "y", "systems": {"k": {"n": 2, "m": [1]}}}
    assert changes(before, after) == [
        "systems.k.n: 1 -> 2", "systems.k.only: None -> not set", "systems.k.m: not set -> [1]"
    ]  # fmt: skip
    assert changes(before, before) == []
    many = {str(i): i for i in range(7)}
    assert changes(many, {key: -1 for key in many}) == []


def test_effects_are_told_of_what_moved_noticeably_and_the_gravest_first():
    row = {
        "system": "s", "group": "g", "drain_s": 10.0, "max_time_lag_s": 1.0, "latency_p99_s": 0.01,
        "lost": 0, "dead_lettered": 0, "unfinished": 0, "double_effects": 0, "violations": 100,
        "messages_per_call": 1.0, "consumers": 4, "throughput_peak": 10.0,
    }  # fmt: skip
    before = pd.DataFrame([row, row | {"group": "h"}, row | {"group": "only before"}])
    now = {"drain_s": 14.0, "max_time_lag_s": 6.0, "latency_p99_s": 0.09, "violations": 250}
    after = pd.DataFrame(
        [row | now | {"messages_per_call": 9.5}, row | {"group": "h", "lost": 12, "drain_s": inf}]
    )
    assert effects(before, after) == [
        "s.h: drained in 10 s -> did not drain, 0 -> 12 lost",
        "s.g: behind by 1 s -> 6 s, 100 -> 250 out of order; 1 -> 9.5 messages a call",
    ]
    assert effects(before, before) == []
    crowd = pd.DataFrame([row | {"group": f"g{i}", "lost": 0} for i in range(6)])
    assert effects(crowd, crowd.assign(lost=50))[-1] == "and 2 more groups"
