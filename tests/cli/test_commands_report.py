"""The report, written again on the command line."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner


def test_the_command_writes_the_report_again_and_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.cli.commands import app

    run = ["run", "tournament_spike", "--set", "scale=0.01", "--no-charts", "--name", "small"]
    done = CliRunner().invoke(app, [*run, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    path = tmp_path / "tournament_spike" / "small" / "report.html"
    assert str(path) in done.output and "sim report tournament_spike/small" in path.read_text()
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    again = ["report", "tournament_spike/small", "--open", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, again)
    assert done.exit_code == 0, done.output
    assert opened == [path.as_uri()] and "<svg" in path.read_text()
    assert not re.search(r"Traceback", done.output)
    none = CliRunner().invoke(app, ["report", "nothing", "--out", str(tmp_path)])
    assert none.exit_code == 2
