"""Where a run is written: names that are folders' names, and what a run of the same name keeps."""

import pandas as pd
import pytest

from sim.foundation.errors import LabError
from sim.lab import run
from sim.measure.tables import Tables
from sim.results.folders import MANIFEST
from sim.results.store import Store, manifest, newest, read
from sim.scenario.load import load

SCENARIO = load("head_of_line")


@pytest.mark.parametrize(
    "name",
    ["../../../precious", ".", "..", "a/b", "/tmp/x", ".hidden", "a b", "x" * 101, "run.partial"],
)
def test_a_name_that_is_no_folder_s_name_is_refused_and_nothing_is_touched(tmp_path, name):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("years")
    out = tmp_path / "a" / "b"
    with pytest.raises(LabError, match="the name of a run is one folder's name"):
        Store(out, SCENARIO, name)
    assert (precious / "thesis").read_text() == "years"
    assert not out.exists()


def test_a_folder_that_is_no_result_stops_the_run_before_it_begins(tmp_path):
    there = tmp_path / SCENARIO.name / "mine"
    there.mkdir(parents=True)
    (there / "thesis").write_text("years")
    with pytest.raises(LabError, match="was not written by the lab"):
        Store(tmp_path, SCENARIO, "mine")
    assert (there / "thesis").read_text() == "years"


def test_the_newest_run_is_never_one_that_was_put_aside(tmp_path):
    run = Store(tmp_path, SCENARIO, "run").folder
    aside = run.with_name(f".run.replaced-{'0' * 32}")
    for folder in (run, aside):
        folder.mkdir()
        (folder / MANIFEST).write_text("{}")
    assert newest(run.parent) == run
    assert not aside.exists()
    run.rename(aside)
    assert newest(run.parent) == run, "what a killed process had put aside is back"


def test_a_closed_store_leaves_nothing_that_it_began(tmp_path):
    store = Store(tmp_path, SCENARIO, "run")
    (store.begin() / "charts").mkdir()
    store.close()
    assert list(store.folder.parent.iterdir()) == []


def test_a_system_that_is_kept_comes_back_as_it_was(tmp_path):
    scenario = load("crash_and_rebalance", ["scale=0.02"])
    tables = run(scenario).tables
    store = Store(tmp_path, scenario, "run")
    assert store.finished("kafka") is None
    store.keep("kafka", tables)
    kept = store.finished("kafka")
    assert kept.duration_s == tables.duration_s
    for name, frame in tables.frames.items():
        pd.testing.assert_frame_equal(kept.frames[name], frame, check_exact=True)
    assert Store(tmp_path, scenario.with_({"seed": 1}), "run").finished("kafka") is None


@pytest.mark.parametrize("table", ["summary", "series", "latency", "fates", "messages", "faults"])
def test_a_result_without_one_of_its_tables_is_none(tmp_path, table):
    store = Store(tmp_path, SCENARIO, "run")
    frame = pd.DataFrame({"system": ["s"]})
    tables = Tables(**dict.fromkeys(Tables.FRAMES, frame), duration_s=1.0)
    folder = store.write(store.begin(), tables, manifest(SCENARIO, ["sim"], {}))
    assert read(folder).tables.duration_s == 1.0
    (folder / f"{table}.parquet").unlink()
    with pytest.raises(LabError, match=f"does not hold a result: there is no {table}.parquet$"):
        read(folder)
