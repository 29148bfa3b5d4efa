"""What the command prints, as text."""

import subprocess
import sys
from io import StringIO
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

import sim
from helpers.exports import EXPORTS
from helpers.tables import Group, build
from sim.cli import console
from sim.cli.console import describe, describe_measured, print_difference, print_result, run_one
from sim.foundation.errors import LabError, NoRoomError
from sim.imports.read import read
from sim.results.result import Result


@pytest.fixture
def out():
    return Console(file=StringIO(), width=300, highlight=False, soft_wrap=True)


def printed(out):
    return out.file.getvalue()


def result(group, workers):
    tables = build({"s": {"g": group}}, duration_s=3_600.0)
    content = {"systems": {"s": {"workers": workers}}}
    return Result(tables, {}, manifest={"scenario": "x", "content": content, "seed": 1})


def test_a_result_is_printed_in_100_columns_however_wide_the_file(out):
    print_result(build({"a_long_name_of_a_system": {"g": Group()}}), "A title", out)
    lines = printed(out).splitlines()
    assert lines[0].strip() == "A title" and max(map(len, lines)) <= 100


def test_a_difference_names_what_was_set_and_what_came_of_it(out):
    before = result(Group(), workers=1)
    after = result(Group(lost=500), workers=2)
    print_difference(before, after, out)
    lines = printed(out).splitlines()
    assert lines[1].startswith("Against ") and lines[2] == "  systems.s.workers: 1 -> 2"
    assert "0 -> 500 lost" in lines[3]


def test_where_nothing_was_set_otherwise_there_is_no_difference_to_print(out):
    one = result(Group(), workers=1)
    print_difference(one, one, out)
    assert printed(out) == ""
    print_difference(one, result(Group(), workers=2), out)
    assert printed(out).endswith("  no number that matters is noticeably another\n")


def test_a_scenario_is_printed_as_it_will_run_and_warnings_go_elsewhere(out):
    err = Console(file=StringIO(), width=300)
    scenario = sim.load("tournament_spike", ["systems.kafka.producer.compression.type=lz4"])
    describe(scenario, out, err)
    assert printed(out).startswith("name: tournament_spike\n")
    assert printed(out).endswith(f"# content hash {scenario.hash}\n")
    assert printed(err).startswith("warning: ") and "compression.type" in printed(err)


def test_an_export_is_a_line_for_each_group_and_measure(out):
    describe_measured(read(EXPORTS / "cloudwatch.csv"), out)
    lines = printed(out).splitlines()
    assert lines[0].startswith("cloudwatch.csv (")
    assert lines[1] == (
        "  analytics: messages waiting, 5 samples, 2024-05-01 20:00:00 to 2024-05-01 20:25:00 UTC, "
        "max 60,314"
    )


def test_books_are_refused_before_the_run_where_no_system_keeps_a_ledger(out, tmp_path):
    scenario = sim.load("tournament_spike", ["scale=0.01"])
    path = tmp_path / "books.sqlite"
    with pytest.raises(LabError, match=r"--books .*: no system of tournament_spike keeps a ledger"):
        run_one("tournament_spike", scenario, [], tmp_path, "x", False, path, out, out)
    assert not path.exists() and list(tmp_path.rglob("*.parquet")) == []


def test_a_run_prints_its_finding_and_what_repeats_it_is_kept(out, tmp_path):
    overrides = ["scale=0.01"]
    scenario = sim.load("tournament_spike", overrides)
    run_one("tournament_spike", scenario, overrides, tmp_path, "x", False, None, out, out)
    folder = tmp_path / "tournament_spike" / "x"
    assert str(folder / "report.html") in printed(out).replace("\n", "")
    assert sim.read(folder).manifest["command"].startswith("sim run tournament_spike --set scale=")
    assert isinstance(pd.read_csv(folder / "summary.csv"), pd.DataFrame)


@pytest.mark.parametrize(("kept", "says"), [(False, "full$"), (True, "full; systems .* are kept")])
def test_a_full_disk_says_what_is_kept_of_a_run(tmp_path, kept, says):
    store = SimpleNamespace(partial=tmp_path / "run.partial")
    if kept:
        store.partial.mkdir()
    with pytest.raises(NoRoomError, match=says), console._saying_what_is_kept(store):
        raise NoRoomError("the disk is full")


def test_nothing_that_a_run_needs_before_its_kernels_imports_pandas():
    # It takes a quarter of a second, in which kernels could run.
    code = "import sys, sim.lab, sim.cli.console, sim.results.store; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
