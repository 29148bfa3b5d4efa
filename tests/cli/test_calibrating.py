"""`sim calibrate`: what it prints, what it writes, and what it refuses."""

import yaml
from typer.testing import CliRunner

from helpers.calibrated import exported, planted
from sim.cli.commands import app

HEADER = "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID"


def files(folder, seed=4):
    """The scenario that somebody begins with, and the export, as files."""
    plant = planted(seed)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(plant.guess.model_dump(mode="json", by_alias=True)))
    lines = []
    for row in exported(plant.true).offsets.itertuples():
        end, committed = int(row.end), int(row.committed)
        lines += [f"{row.at:%Y-%m-%dT%H:%M:%SZ}", HEADER]
        lines.append(f"g events 0 {committed} {end} {end - committed} c-1 /h c")
    export = folder / "export.txt"
    export.write_text("\n".join(lines))
    return path, export


def run(*arguments):
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def test_it_says_what_it_found_and_writes_a_scenario_that_can_be_explained(tmp_path):
    mine, export = files(tmp_path)
    fitted = tmp_path / "fitted.yaml"
    done = run(mine, "--to", export, "-o", fitted)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "export.txt (kafka-consumer-groups), 121 samples; planted, kafka.g" in said
    assert "No fault is needed" in said and "no more than chance" in said
    assert fitted.read_text().startswith("# `sim calibrate planted`, to export.txt")
    assert (tmp_path / "fitted.png").stat().st_size > 10_000
    from sim.scenario.load import load

    its = load(str(fitted))
    assert its.name == "planted_calibrated" and not its.faults
    again = run(mine, "--to", export, "-o", fitted)
    assert again.exit_code == 2 and "may hold work of yours" in again.output


def test_what_is_not_there_is_named(tmp_path):
    mine, export = files(tmp_path)
    done = run(mine, "--to", export, "--group", "kafka.h")
    assert done.exit_code == 2 and "did you mean 'kafka.g'?" in done.output


def test_an_export_of_which_one_partition_stands_still_is_refused(tmp_path):
    """In place of a fault that did not happen, the fault to write is named."""
    mine, _ = files(tmp_path)
    done = run(mine, "--to", "tests/data/exports/stuck.txt")
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert "orders-2 stands still since 03:02:00, and others do not" in said
    assert "{at: 12 min, fault: poison, target: kafka.g, effect: fail}" in said
