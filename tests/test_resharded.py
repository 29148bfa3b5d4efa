"""Streams that are resharded, as people meet it: with exact figures, and the cause named first."""

import numpy as np
import pytest

from sim.causes.explain import explain
from sim.lab import run
from sim.scenario.load import Scenario
from sim.traffic.generate import generate


def scenario(shards, to, rate, work, applications, **more):
    """A stream with keys, resharded at 5 min."""
    return Scenario.from_mapping(
        {
            "name": "resharded",
            "seed": 5,
            "duration": "15m",
            "drain_limit": "15m",
            "workload": {
                "arrivals": {"profile": [{"for": "15m", "rate": rate}]},
                "keys": {"device": {"count": 400}},
                "order_by": ["device"],
                "service": {"store": {"per_message": work}},
            },
            "systems": {
                name: {
                    "product": "kinesis",
                    "stream": {"ShardCount": shards},
                    "partition_key": ["device"],
                    "latency": {"put": "12 ms"},
                    "applications": {"store": {"does": ["store"], **application}},
                }
                for name, application in applications.items()
            },
            "faults": [
                {
                    "at": "5m",
                    "fault": "reshard",
                    "target": "*.stream",
                    "TargetShardCount": to,
                }
            ],
            **more,
        }
    )


def test_KN_13_what_waits_in_a_parent_holds_its_children_up():
    """A shard gets 60/s and can do 40: its backlog of 6,000 takes 2.5 min after the split."""
    its = scenario(
        1, 2, "60/s", "25 ms",
        {"function": {"lambda": {"BatchSize": 100}}, "library": {"workers": 2}},
    )  # fmt: skip
    tables = run(its).tables
    rows = {row["system"]: row for row in tables.summary.to_dict("records")}
    came = int(np.searchsorted(generate(its).created_s, 300.0))
    for system, row in rows.items():
        assert row["processed"] == row["produced"] and row["violations"] == 0
        told = tables.faults[tables.faults["system"] == system]
        (ended,) = told[told["text"].str.contains("closed")].to_dict("records")
        # Of work alone; calls and checkpoints take half a percent more.
        assert ended["t_s"] == pytest.approx(came * 0.025, rel=0.02)
        begun_s = ended["t_s"]
        if system == "library":  # whose workers look every 20.05 s
            begun_s = told[told["text"].str.contains("child")]["t_s"].min()
            assert 0 < begun_s - ended["t_s"] < 20.05
        assert row["max_time_lag_s"] == pytest.approx(begun_s - 300.0, abs=1.0)
    assert rows["function"]["double_effects"] == 0


def test_KN_13_children_wait_until_somebody_looks_at_the_leases():
    its = scenario(2, 4, "20/s", "5 ms", {"s": {"workers": 1, "failoverTimeMillis": 60_000}})
    tables = run(its).tables
    (ended_s, _), (taken_s, *_) = (
        tables.faults[tables.faults["text"].str.contains(what)]["t_s"].tolist()
        for what in ("closed", "child")
    )
    assert ended_s == pytest.approx(300.07, abs=0.01) and 5.0 < taken_s - ended_s < 120.05
    (row,) = tables.summary.to_dict("records")
    assert row["max_time_lag_s"] == pytest.approx(taken_s - ended_s, abs=1.0)
    assert row["lost"] == row["violations"] == 0
    first = explain(its, "s", "store").first
    assert first is not None and first.key == "failoverTimeMillis"
    assert "children of a shard" in first.said
