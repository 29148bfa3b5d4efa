"""`sim advise`: the search, each need on made-up numbers, the ranking, the bill, a run."""

import json
from dataclasses import replace

from typer.testing import CliRunner

from helpers.advice import row, scenario
from sim.advice.advise import advise, ranked
from sim.advice.data import presets
from sim.cli.commands import app


def test_needs_come_before_the_bill_and_the_bill_before_workers():
    rows = [
        row("cheap but lossy", usd=0.1, unmet=["loss"]),
        row("dear", usd=3.0),
        replace(row("cheap if", usd=0.2), assumes="it waits"),
        row("worst", usd=0.01, unmet=["loss", "order"]),
        row("same price, more workers", usd=2.0, workers=4),
        row("same price, fewer workers", usd=2.0, workers=2),
    ]
    assert [r.preset for r in ranked(rows)] == [
        "same price, fewer workers",
        "same price, more workers",
        "dear",
        "cheap if",
        "cheap but lossy",
        "worst",
    ]


def test_equals_stay_in_the_order_of_the_presets():
    rows = [row("first"), row("second"), row("third")]
    assert ranked(rows) == rows
    assert ranked(rows[::-1]) == rows[::-1]


def test_advice_on_a_small_scenario(tmp_path):
    """30/s of 50 ms: two workers at least; a queue loses what a log still has."""
    path = tmp_path / "small.yaml"
    data = scenario(needs={"max_delay": "5 s", "order": "per_key"}).model_dump(
        mode="json", by_alias=True
    )
    path.write_text(json.dumps(data))
    command = ["advise", str(path), "--max-workers", "8"]
    run = CliRunner().invoke(app, [*command, "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    systems = {system["system"]: system for system in found["systems"]}
    yours = {name for name, system in systems.items() if system["yours"]}
    assert yours == {"yours.old"} and systems["yours.old"]["workers"] == {"q": 4}
    assert systems["yours.old"]["with_more_workers"]["workers"] == {"q": 6}
    assert set(systems) - yours == {name for name, p in presets().items() if p.only is None}
    fit = {name for name, system in systems.items() if system["meets_needs"]}
    assert {"kafka", "sqs_fifo"} <= fit
    assert not fit & {"sqs_defaults", "sqs_batched", "rabbitmq", "share_group"}
    assert 2 <= systems["kafka"]["workers"]["job"] <= 4
    (unmet,) = [need for need in systems["sqs_batched"]["needs"] if not need["met"]]
    assert unmet["need"] == "order: per_key"
    assert found["systems"][0]["meets_needs"]
    assert found["answer"].startswith("Either will do")
    text = CliRunner().invoke(app, command).stdout
    assert "Either will do" in text
    assert "out of order" in text


def test_as_many_workers_are_tried_as_are_busy_twice_over():
    """60/s of 2 s keep 120 busy; of 50 ms, 3, and then 64 are the most."""
    peak = {"workload.arrivals.profile": [{"for": "100 s", "rate": "60/s"}]}
    slow = scenario(**peak, **{"workload.service.job.per_message": "2 s"})
    most = advise(slow, catalogue={}, own=False).most_workers
    assert abs(most - 240) < 12  # 6,000 messages by Poisson, give or take 2.5 %
    assert advise(scenario(**peak), catalogue={}, own=False).most_workers == 64
    assert advise(slow, 8, catalogue={}, own=False).most_workers == 8
