"""`--json` of list, run and compare: what programs read is what people do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.commands import app
from sim.results.store import read
from sim.scenario.load import load

SMALL = ["--set", "scale=0.01", "--no-charts"]


def told(*words, code=0):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two runs of the tournament, and what was printed of each."""
    folder = tmp_path_factory.mktemp("results")
    return folder, [
        json.loads(
            told("run", "tournament_spike", *SMALL, "--seed", seed, "--out", folder, "--json")
        )
        for seed in (1, 2)
    ]


def test_a_run_is_told_as_its_tables_have_it(two):
    _, (first, second) = two
    result = read(Path(first["folder"]))
    assert first["scenario"] == "tournament_spike"
    assert first["result"] == result.label and second["result"] != result.label
    assert [row["system"] for row in first["summary"]] == list(result.summary["system"])
    for row, (_, stored) in zip(first["summary"], result.summary.iterrows(), strict=True):
        assert row["processed"] == stored["processed"]
        assert row["latency_p99_s"] == pytest.approx(stored["latency_p99_s"], rel=1e-12)
    assert first["finding"] == result.finding
    assert set(first["usd_per_month"]) == set(load("tournament_spike").systems)
    assert first["needs"]["systems"][0]["met"] is True


def test_what_is_missing_is_null_and_never_nan(two):
    """`rate_per_s` of a system that has no backlog."""
    _, (first, _) = two
    assert any(row["rate_per_s"] is None for row in first["summary"])


def test_several_runs_are_a_line_each(tmp_path):
    lines = told(
        "run", "tournament_spike", "tournament_sqs_tuned", *SMALL, "--out", tmp_path, "--json"
    ).splitlines()
    assert [json.loads(line)["scenario"] for line in lines] == [
        "tournament_spike", "tournament_sqs_tuned",
    ]  # fmt: skip


def test_what_two_runs_differ_in_is_told(two, tmp_path):
    folder, runs = two
    names = [run["result"] for run in runs]
    data = json.loads(told("compare", *names, "--out", folder, "--to", tmp_path, "--json"))
    assert [its["result"] for its in data["results"]] == names
    assert [its["called"] for its in data["results"]] == ["seed=1", "seed=2"]
    assert any("seed" in words for words in data["changes"])
    assert data["charts"] and all(Path(chart).is_file() for chart in data["charts"])


def test_scenarios_are_listed_with_their_files():
    found = json.loads(told("list", "--json"))
    assert [its["name"] for its in found] == sorted(
        p.stem for p in Path("scenarios").glob("*.yaml")
    )
    assert all(its["about"] and Path(its["file"]).is_file() for its in found)


def test_intervals_are_not_told_as_json(tmp_path):
    words = ["run", "tournament_spike", "--replications", "2", "--json", "--out", tmp_path]
    told(*words, code=2)
