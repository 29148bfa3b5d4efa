"""`sim drain`: an export of kafka-consumer-groups, and what becomes of its backlog."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.commands import app

HEADER = "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID"


@pytest.fixture
def export(tmp_path):
    """Two partitions, each 300,000 behind; 200 a second arrive, 300 are worked off, in all."""
    lines = []
    for minute in range(11):
        lines += [f"2026-11-27T20:{minute:02}:00Z", HEADER]
        for p in (0, 1):
            end, committed = 1_000_000 + 6_000 * minute, 700_000 + 9_000 * minute
            lines.append(f"pay orders {p} {committed} {end} {end - committed} c-{p} /10.0.0.{p} c")
    path = tmp_path / "export.txt"
    path.write_text("\n".join(lines))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["drain", *map(str, arguments)])


def test_it_says_when_the_backlog_is_gone_and_who_drains_it_in_time(export):
    done = run(export, "--by", "30m", "--retention", "7d")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "pay: 540,000 messages wait at 2026-11-27 20:10:00 UTC" in said
    assert "It falls by 100 msg/s" in said
    assert "gone in 1 h 30 min" in said
    assert "200 msg/s (200 to 200) arrive and 300 msg/s (300 to 300) are worked off by 2" in said
    assert "To be drained within 30 min takes 4 consumers" in said
    assert "The oldest message is some 45 min old, and does not reach 7 d" in said
    assert max(map(len, done.output.splitlines()[1:])) <= 90


def test_of_a_partition_that_stands_still_the_page_is_named():
    page = "scenarios/explain_an_incident.md, 4"
    assert page in " ".join(run("tests/data/exports/stuck.txt").output.split())
    assert page not in run("tests/data/exports/backlog.txt").output
    section = Path("scenarios/explain_an_incident.md").read_text()
    assert "## 4. A partition stands still" in section


def test_what_is_given_wrong_is_named(export, tmp_path):
    done = run(export, "--by", "fast")
    assert done.exit_code == 2
    assert "--by: expected a duration" in done.output
    assert run(tmp_path / "none.txt").exit_code == 2


def test_as_of_a_time_of_the_day(export):
    """Five minutes before its end, of what was known then: 570,000 wait."""
    done = run(export, "--at", "20:05", "--arrivals", "150/s")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "pay: 570,000 messages wait at 2026-11-27 20:05:00 UTC" in said
    assert "With 150 msg/s from now on it is gone in 1 h 3 min" in said
    assert "In the export, which goes on, it is not gone" in said
    assert run(export, "--at", "2026-11-27T20:05:00Z").output == run(export, "--at", "20:05").output


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("21:30", "reaches from 2026-11-27 20:00:00 to 2026-11-27 20:10:00 UTC"),
        ("25:30", "is not a time of day; write 20:14"),
        ("last night", "is not a time; write"),
    ],
)
def test_a_time_that_is_not_in_it_is_said(export, at, why):
    done = run(export, "--at", at)
    assert done.exit_code == 2
    assert why in " ".join(done.output.split())
