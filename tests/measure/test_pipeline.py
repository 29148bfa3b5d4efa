"""A pipeline end to end: against plain recursions of queues in tandem, and Burke's theorem."""

from itertools import pairwise

import numpy as np
import pytest

from sim.lab import run, run_system
from sim.scenario.load import Scenario
from sim.traffic.generate import generate, service_s

NOTHING = {"constant": 0}
LATENCY = {"publish": NOTHING, "deliver": NOTHING, "ack": NOTHING}


def tandem(for_s, rates=(8, 8), arrivals=5.6, faults=(), **queue):
    """Stages of one server each, of RabbitMQ without any time on the way."""
    jobs = "abc"[: len(rates)]
    systems = {
        name: {
            "product": "rabbitmq", "latency": LATENCY, "ceilings": "off",
            "producer": {"confirms": False},
            "queues": {"q": {"consumers": 1, "prefetch_count": 1, "does": [name], **queue}},
        }
        for name in jobs
    }  # fmt: skip
    return Scenario.from_mapping(
        {
            "name": "tandem",
            "duration": for_s,
            "workload": {
                "arrivals": {"rate": arrivals},
                "keys": {"k": {"count": 7}},
                "service": {
                    name: {"exponential": f"{1 / rate} s"}
                    for name, rate in zip(jobs, rates, strict=True)
                },
            },
            "systems": systems,
            "pipeline": [{"from": f"{one}.q", "to": other} for one, other in pairwise(jobs)],
            "faults": list(faults),
        }
    )


def plain(scenario):
    """[stages] when each message leaves a stage, by Lindley's recursion: nobody overtakes."""
    came_s = generate(scenario).created_s
    left = []
    for name in scenario.systems:
        free_s, done_s = 0.0, []
        for at_s, work_s in zip(came_s, service_s(scenario, came_s.size, [name]), strict=True):
            free_s = max(free_s, float(at_s)) + float(work_s)
            done_s.append(free_s)
        came_s = np.array(done_s)
        left.append(came_s)
    return left


def test_three_stages_agree_message_by_message_with_a_plain_recursion():
    its = tandem("100s", rates=(9, 7, 8))
    messages = generate(its)
    for name, left_s in zip(its.systems, plain(its), strict=True):
        outcomes = []
        run_system(its, name, messages, on_outcome=outcomes.append)
        np.testing.assert_allclose(outcomes[-1].done_s, left_s, rtol=0, atol=1e-6)
    table = run(its).pipeline
    took_s = [left_s - messages.created_s for left_s in plain(its)]
    np.testing.assert_allclose(table.mean_s, [t.mean() for t in took_s], atol=1e-6)
    np.testing.assert_allclose(table.p99_s, [np.quantile(t, 0.99) for t in took_s], atol=1e-6)
    assert list(table.behind) == ["", "a.q", "b.q"] and list(table.stage) == [0, 1, 2]
    assert (table.produced == len(messages)).all() and (table.processed == len(messages)).all()
    assert not table.duplicates.any() and not table.out_of_order.any()


def test_two_servers_in_tandem_are_two_servers_alone():
    """Burke: what leaves an M/M/1 is Poisson, and the times in the two are independent."""
    its = tandem("40000s")
    first_s, second_s = plain(its)
    created_s = generate(its).created_s
    outcomes = []
    run_system(its, "b", generate(its), on_outcome=outcomes.append)
    done_s = outcomes[-1].done_s
    np.testing.assert_allclose(done_s, second_s, rtol=0, atol=1e-5)
    one, other = first_s - created_s, done_s - first_s
    expected_s = 1 / (8 - 5.6)
    assert one.mean() == pytest.approx(expected_s, rel=0.03)
    assert other.mean() == pytest.approx(expected_s, rel=0.03)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_a_crash_before_the_acknowledgement_leaves_duplicates_to_the_next_stage():
    queue = {"workers": 1, "MaxNumberOfMessages": 10, "VisibilityTimeout": 10}
    systems = {
        name: {"product": "sqs", "queues": {"q": {**queue, "does": [name]}}} for name in "ab"
    }
    its = Scenario.from_mapping(
        {
            "name": "x",
            "duration": "60s",
            "workload": {
                "arrivals": {"rate": 5},
                "keys": {"k": {"count": 7}},
                "service": {"a": "200 ms", "b": "1 ms"},
            },
            "systems": systems,
            "pipeline": [{"from": "a.q", "to": "b"}],
            "faults": [{"at": 30, "fault": "crash", "target": "a.q.0", "restart_after": 1}],
        }
    )
    tables = run(its).tables
    doubled = int(tables.summary.double_effects[0])
    assert doubled > 0 and list(tables.summary.double_effects) == [doubled, 0]
    # The next stage cannot tell: each is a message of its own there.
    assert list(tables.pipeline.duplicates) == [doubled, doubled]
    assert tables.summary.produced[1] == tables.summary.produced[0] + doubled


def test_a_fault_hits_the_stage_that_it_names_and_delays_the_next():
    pause = {"at": 30, "fault": "pause", "target": "a.q.0", "for": "20s"}
    calm, struck = run(tandem("60s")).pipeline, run(tandem("60s", faults=[pause])).pipeline
    assert struck.max_s[0] > 20 and struck.max_s[1] > struck.max_s[0]
    assert calm.max_s[1] < 20
    assert list(struck.processed) == list(calm.processed)
