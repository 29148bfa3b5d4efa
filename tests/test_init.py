"""The face that a notebook sees: load, run, compare, read, and what a result offers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from helpers.incidents import incident, queue
from sim.foundation.errors import LabError
from sim.measure.tables import Tables

ROOT = Path(__file__).parent.parent


EXAMPLE = ROOT / "results" / "ledger_ordering" / "example"


def test_a_bare_import_loads_no_library():
    code = "import sim, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pydantic", "matplotlib", "rich"} & set(done.stdout.split())


def test_everything_in_all_is_there():
    assert all(getattr(sim, name) for name in sim.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Results'"):
        sim.Results  # noqa: B018


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


def test_a_result_and_its_scenario_are_explained_alike():
    scenario = incident(queue(1, MaxNumberOfMessages=10), work=0.2)
    of_scenario, of_result = sim.explain(scenario), sim.run(scenario).explain("s", "g")
    assert of_scenario == of_result
    assert isinstance(of_result, sim.Explanation)
    assert of_result.first.key == "workers"
    assert "only 1 worker: with 2 workers" in repr(of_result)
