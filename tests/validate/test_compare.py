"""Counts by the lab's own definitions, and curves by arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.real_plans import planned
from sim.engine.outcome import Fate, GroupOutcome
from sim.validate.compare import figures, points, rms, table


def outcome(plan, done_s, effects):
    n = len(plan.messages)
    grid_s = np.arange(40) * 0.25
    fate = np.where(np.isfinite(done_s), int(Fate.PROCESSED), int(Fate.UNFINISHED))
    zeros = np.zeros(grid_s.size, np.int64)
    return GroupOutcome(
        "kafka", "g", "queue", "kafka", fate.astype(np.uint8), done_s,
        np.asarray(effects, np.uint16), 0, grid_s,
        {"enqueued": zeros, "ready": zeros, "in_flight": zeros}, None, 2, n, 0,
    )  # fmt: skip


def test_figures_are_counted_from_the_messages():
    plan = planned()
    created_s = plan.messages.created_s
    n = created_s.size
    done_s = created_s + 0.5
    done_s[0] = 3.0
    done_s[1] = np.inf
    effects = np.ones(n)
    effects[1], effects[2], effects[3] = 0, 2, 3
    found = figures(plan.messages, [], outcome(plan, done_s, effects), 40)
    numbers = found.numbers
    assert (numbers["processed"], numbers["unprocessed"]) == (n - 1, 1)
    assert (numbers["twice"], numbers["repeats"]) == (2, 3)
    # The first message is done after all others.
    assert numbers["out_of_order"] == 1
    assert numbers["drain_s"] == pytest.approx(3.0 - created_s[-1])
    assert numbers["max_s"] == pytest.approx(3.0 - created_s[0])
    assert numbers["p50_s"] == pytest.approx(0.5)
    assert found.waiting[12] == 1
    assert found.waiting[10] == int((created_s <= 2.5).sum() - (done_s <= 2.5).sum())
    assert points([outcome(plan, done_s, effects)]) == 16


def test_rms_is_a_share_of_the_real_peak():
    assert rms(np.array([0, 10, 0, 0]), np.array([0, 6, 2, 0])) == pytest.approx(
        np.sqrt((16 + 4) / 4) / 10
    )
    assert rms(np.array([1, 2]), np.array([1, 2])) == 0.0


def test_ranges_agree_when_they_have_a_value_in_common():
    plan = planned()
    n = len(plan.messages)
    runs = [
        figures(plan.messages, [], outcome(plan, plan.messages.created_s + late, np.ones(n)), 20)
        for late in (0.5, 1.0, 0.7)
    ]
    rows = table({"system": "kafka"}, runs[:2], runs[2], runs[2:] * 2).set_index("figure")
    assert rows.loc["p50_s", ["real_least", "real_most"]].tolist() == pytest.approx([0.5, 1.0])
    assert rows.loc["p50_s", "lab_median"] == pytest.approx(0.7)
    assert bool(rows.loc["p50_s", "inside"])
    assert not bool(rows.loc["rms", "inside"])
    one = table({"system": "kafka"}, runs[:1], runs[0], runs[2:]).set_index("figure")
    assert not bool(one.loc["p50_s", "inside"])
    assert one.loc["rms", "default"] == 0.0


def test_deliveries_again_are_of_queues_only():
    plan = planned()
    seen = outcome(plan, plan.messages.created_s + 0.1, np.ones(len(plan.messages)))
    assert "redelivered" not in figures(plan.messages, [], seen, 20).numbers
    queue = replace(seen, product="sqs", extra_deliveries=7)
    found = figures(plan.messages, [], queue, 20)
    assert found.numbers["redelivered"] == 7
    rows = table({"system": "s"}, [found], found, [found]).set_index("figure")
    assert rows.loc["redelivered", "real_most"] == 7
