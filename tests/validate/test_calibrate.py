"""What a probe measures becomes what the model is given."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.real_plans import planned
from sim.foundation.units import Distribution
from sim.validate.calibrate import BURST, SINGLE, calibrated, probe
from sim.validate.observed import GroupObserved, Observed


def test_a_probe_is_of_one_process_each_and_has_no_fault():
    plan = planned([{"at": 1, "fault": "crash", "target": "kafka.g.0"}])
    quiet = probe(plan)
    assert (quiet.groups["g"].members, len(quiet.messages)) == (1, SINGLE + BURST)
    assert list(quiet.faults) == []
    assert (quiet.groups["g"].work_s[:SINGLE] == 0.0).all()
    assert (quiet.groups["g"].work_s[SINGLE:] == np.float64(np.float32(0.005))).all()


def _seen(plan):
    """Acknowledged after 3 ms, handed over 1 ms later, 5.25 ms a message in the burst."""
    n = len(plan.messages)
    sent_s = plan.messages.created_s
    started_s = sent_s + 0.004
    started_s[SINGLE:] = sent_s[SINGLE] + 0.004 + 0.00525 * np.arange(BURST)
    rows = pd.DataFrame(
        {
            "message": np.arange(n),
            "member": 0,
            "started_s": started_s,
            "done_s": started_s + np.where(np.arange(n) < SINGLE, 0.0, 0.005),
            "deliveries": 1,
            "partition": 0,
        }
    )
    return Observed(sent_s, sent_s + 0.003, {"g": GroupObserved(rows, np.zeros(n, np.bool_))})


def test_calls_and_the_cost_of_a_message_are_put_into_the_model(tmp_path):
    plan = planned()
    found = calibrated(
        plan,
        tmp_path,
        lambda quiet, _: _seen(quiet),
        calls={"produce": "latency.produce", "deliver": "latency.fetch"},
        lingers_s=0.001,
    )
    its = found.overrides
    assert its["systems.kafka.latency.fetch"] == pytest.approx(0.001)
    assert its["systems.kafka.latency.produce"]["quantiles"]["p50"] == pytest.approx(
        0.002, abs=1e-5
    )
    fitted = plan.scenario.with_(its)
    jobs = fitted.systems["kafka"].readers["g"].does
    assert jobs == ["w", "overhead-kafka-g"]
    cost = fitted.workload.service["overhead-kafka-g"].per_message
    assert isinstance(cost, Distribution)
    assert cost.a == pytest.approx(0.00025, abs=1e-6)
    assert replace(plan, scenario=fitted).scenario.faults == []
