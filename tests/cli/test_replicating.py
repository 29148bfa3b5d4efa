"""`sim run --replications`: what is printed and written, and what does not go together."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers.traffic import scenario
from sim.cli.commands import app
from sim.foundation.document import dumped


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = scenario().model_dump(mode="json", by_alias=True)
    (tmp_path / "small.yaml").write_text(dumped(data))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["run", "small.yaml", *arguments])


def test_tables_a_finding_and_a_picture_are_written(small):
    done = run("--replications", "6")
    assert done.exit_code == 0, done.output
    assert "Medians of 6 runs" in done.output
    assert "in 6 of 6 runs" in done.output
    (place,) = (small / "results" / "test" / "replications").iterdir()
    assert sorted(path.name for path in place.iterdir()) == [
        "differences.csv", "findings.txt", "intervals.csv", "runs", "scenario.json", "summary.csv",
        "time_lag.png",
    ]  # fmt: skip
    assert pd.read_csv(place / "summary.csv")["seed"].tolist() == [3, 4, 5, 6, 7, 8]
    assert max(map(len, done.output.splitlines()[:-7])) <= 80


def test_more_runs_go_on_from_those_that_are_there(small, monkeypatch):
    from sim.studies import points

    assert run("--replications", "3", "--no-charts").exit_code == 0
    made = []
    its = points._run
    monkeypatch.setattr(points, "_run", lambda *how: (made.append(how[0].seed), its(*how)))
    monkeypatch.setattr(points.os, "cpu_count", lambda: 1)
    assert run("--replications", "5", "--no-charts").exit_code == 0
    assert made == [6, 7]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--precision", "five"], "--precision takes a share between 0 and 1, such as 5%"),
        (["--precision", "120%"], "--precision takes a share between 0 and 1, such as 5%"),
        (["--precision", "5%", "--replications", "4"], "give one of them"),
        (["--dask", "tcp://127.0.0.1:9"], "--dask goes with --replications or --precision"),
        (["--replications", "4", "--name", "x"], "go without --check, --books and --name"),
    ],
)
def test_what_does_not_go_together_is_refused(small, arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (small / "results").exists()


def test_a_precision_is_reached(small):
    done = run("--precision", "40%", "--no-charts")
    assert done.exit_code == 0, done.output
    assert "Medians of " in done.output
