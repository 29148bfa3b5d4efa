"""Faults of a scenario, aimed at the consumers of a preset."""

from helpers.advice import scenario
from sim.advice.data import presets
from sim.advice.trial import Bench
from sim.scenario.needs import Needs
from sim.traffic.generate import generate


def test_faults_strike_the_consumers_that_do_the_same_job():
    s = scenario(
        faults=[
            {"at": 1, "fault": "crash", "target": "old.q.3", "restart_after": 5},
            {"at": 1, "fault": "crash", "target": "*.q.3", "restart_after": 5},
            {"at": 2, "fault": "pause", "target": "old.q.*", "for": 2},
            {"at": 3, "fault": "deploy", "target": "old.q"},
            {"at": 4, "fault": "scale", "target": "old.q", "to": 9},
        ]
    )
    bench = Bench(s, generate(s), Needs(consumer_crash="survives"))
    faults, spared = bench.faults(presets()["sqs_batched"], {"job": 2})
    assert [(f.fault, f.target) for f in faults] == [
        ("crash", "advised.job.1"),
        ("pause", "advised.job.*"),
        ("deploy", "advised.job"),
        ("crash", "advised.job.0"),
    ]
    assert [fault.fault for fault in spared] == ["scale"]


def test_a_snapshot_is_of_its_own_tables():
    table = {"product": "postgres", "queues": {"q": {"workers": 1, "does": ["job"], "pgmq": {}}}}
    held = {"at": 1, "fault": "snapshot_held", "target": "old.q"}
    s = scenario(faults=[held], systems={"old": table})
    bench = Bench(s, generate(s), Needs())
    faults, spared = bench.faults(presets()["sqs_batched"], {"job": 2})
    assert (faults, [fault.fault for fault in spared]) == ([], ["snapshot_held"])
    faults, spared = bench.faults(presets()["postgres_river"], {"job": 2})
    assert ([(f.fault, f.target) for f in faults], spared) == (
        [("snapshot_held", "advised.job")],
        [],
    )
