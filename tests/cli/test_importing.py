"""The commands below `sim import`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from helpers.sizing import ideal_log
from sim.cli.commands import app
from sim.foundation.document import dumped
from sim.scenario.load import load


@pytest.mark.parametrize("command", ["lag", "omb", "omb-result", "config"])
def test_each_says_what_it_takes(command):
    done = CliRunner().invoke(app, ["import", command, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


def test_no_file_of_yours_is_written_over(tmp_path):
    given, there = tmp_path / "c.properties", tmp_path / "mine.yaml"
    given.write_text("group.id=g\nmax.poll.records=10\n")
    there.write_text("mine")
    done = CliRunner().invoke(app, ["import", "config", str(given), "-o", str(there)])
    assert done.exit_code == 2
    assert "exists, and may hold work of yours" in " ".join(done.output.split())
    assert there.read_text() == "mine"


def test_a_scenario_that_starts_with_the_last_sample_is_written(tmp_path):
    export = Path(__file__).parents[1] / "data/exports/consumer_groups.txt"
    mine = tmp_path / "mine.yaml"
    scenario = ideal_log("1 ms").with_(
        {"systems.kafka.groups": {"analytics": {"consumers": 1, "does": ["job"]}}}
    )
    mine.write_text(dumped(scenario.model_dump(mode="json", by_alias=True)))
    made = tmp_path / "full.yaml"
    done = CliRunner().invoke(
        app, ["import", "lag", str(export), "--into", str(mine), "-o", str(made)]
    )
    assert done.exit_code == 0, done.output
    start = load(made).start
    assert start.backlog == {"kafka.analytics": 200}
    assert made.read_text().startswith("# Starts with the last sample of consumer_groups.txt")
    alone = CliRunner().invoke(app, ["import", "lag", str(export), "-o", str(tmp_path / "x.yaml")])
    assert alone.exit_code == 2
    assert "-o goes with --into SCENARIO" in " ".join(alone.output.split())
