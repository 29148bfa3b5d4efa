"""Results side by side, on the command line."""

from pathlib import Path

from typer.testing import CliRunner


def test_the_command_names_runs_by_what_differs(tmp_path: Path) -> None:
    from sim.cli.commands import app

    run = ["run", "tournament_spike", "--set", "scale=0.01", "--no-charts", "--out", str(tmp_path)]
    for n in (2, 3):
        done = CliRunner().invoke(
            app, [*run, "--set", f"systems.kafka.groups.analytics.consumers={n}", "--name", f"n{n}"]
        )
        assert done.exit_code == 0, done.output
    both = ["compare", "tournament_spike/n2", "tournament_spike/n3", "--out", str(tmp_path)]
    to = ["--to", str(tmp_path / "to")]
    done = CliRunner().invoke(app, [*both, *to, "--width", "183mm", "--price", "throughput"])
    assert done.exit_code == 0, done.output
    assert "kafka.groups.analytics.consumers=2" in done.output
    assert {path.suffix for path in (tmp_path / "to").iterdir()} == {".png", ".svg", ".pdf"}
    for wrong in (["--width", "9px"], ["--width", "1mm"]):
        assert CliRunner().invoke(app, [*both, *to, *wrong]).exit_code == 2
