"""`sim cost`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.commands import app

EXAMPLES = Path(__file__).parents[2] / "results"


@pytest.fixture
def results(tmp_path):
    shutil.copytree(EXAMPLES / "lambda_throttle", tmp_path / "lambda_throttle")
    return tmp_path


def cost(*args):
    done = CliRunner().invoke(app, ["cost", *map(str, args)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_stored_result_is_billed_line_by_line_and_drawn(results):
    said = cost("lambda_throttle", "--out", results)
    assert "lambda_gb_second" in said and "* No official page was found" in said
    assert "USD a month more, for workers instead of capped" in said.replace("\n", " ")
    assert all(len(line) <= 80 for line in said.splitlines() if not line.startswith("/"))
    picture = results / "lambda_throttle/example/charts/worth.png"
    assert picture.stat().st_size > 10_000 and str(picture) in said


def test_json_has_each_price_with_its_source(results):
    data = json.loads(cost("lambda_throttle", "--out", results, "--json"))
    assert list(data["systems"]) == ["throttled", "capped", "workers"]
    for its in data["systems"].values():
        assert its["usd_per_month"] == pytest.approx(
            sum(line["usd_per_month"] for line in its["bill"])
        )
        assert all(line["source"] and line["read"] for line in its["bill"])
    assert not (results / "lambda_throttle/example/charts/worth.png").exists()


def test_prices_of_ones_own_are_taken(results):
    file = results / "mine.yaml"
    file.write_text("prices: {worker: {price: 1, per: 1 hours, source: my bill, read: 2026-11-01}}")
    data = json.loads(cost("lambda_throttle", "--out", results, "--json", "--prices", file))
    (line,) = [x for x in data["systems"]["workers"]["bill"] if x["what"] == "worker"]
    assert line["usd_per_month"] == 8 * 730 and line["source"] == "my bill"


def test_systems_that_do_not_meet_the_needs_are_named(tmp_path):
    shutil.copytree(EXAMPLES / "celery_jobs", tmp_path / "celery_jobs")
    said = cost("celery_jobs", "--out", tmp_path, "--no-charts").replace("\n", " ")
    assert "Not all that the scenario needs: sqs." in said
    data = json.loads(cost("celery_jobs", "--out", tmp_path, "--json"))
    needs = {name: system["unmet_needs"] for name, system in data["systems"].items()}
    assert needs == {"celery": [], "kafka": [], "sqs": ["max_delay: 30 s"]}
