"""The commands below `sim import`."""

import pytest
from typer.testing import CliRunner

from sim.cli.commands import app


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
