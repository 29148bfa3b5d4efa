"""What a stage hands on: a message for each effect."""

import numpy as np

from sim.engine.passed_on import PassedOn, effects_of, passed_on
from sim.lab import run_system
from sim.scenario.load import Scenario
from sim.traffic.generate import generate


def handed(queue, faults=()):
    its = {"workers": 2, "does": ["w"], **queue}
    scenario = Scenario.from_mapping(
        {
            "name": "x",
            "duration": "60s",
            "workload": {
                "arrivals": {"rate": 5},
                "keys": {"k": {"weights": {"a": 1, "b": 1}}},
                "service": {"w": "200 ms"},
            },
            "systems": {
                "s": {"product": "sqs", "queues": {"q": its}},
                "t": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["w"]}}},
            },
            "pipeline": [{"from": "s.q", "to": "t"}],
            "faults": list(faults),
        }
    )  # fmt: skip
    messages, outcomes = generate(scenario), []
    run_system(scenario, "s", messages, on_outcome=outcomes.append)
    return messages, outcomes[0], passed_on(PassedOn.first(messages), effects_of(outcomes[0]))


def test_each_effect_is_a_message_at_its_moment_with_the_key_of_its_own():
    messages, outcome, on = handed({})
    order = np.argsort(outcome.done_s, kind="stable")
    np.testing.assert_array_equal(on.origin, order)
    np.testing.assert_array_equal(on.messages.created_s, outcome.done_s[order])
    np.testing.assert_array_equal(on.messages.entity, messages.entity[order])
    np.testing.assert_array_equal(on.begun_s, messages.created_s)


def test_what_is_processed_twice_is_sent_twice():
    # Deleted with its batch: what the killed worker had done before comes again.
    queue = {"workers": 1, "MaxNumberOfMessages": 10, "VisibilityTimeout": 10}
    crash = {"at": 30, "fault": "crash", "target": "s.q.0", "restart_after": 1}
    messages, outcome, on = handed(queue, [crash])
    twice = int(outcome.effects.sum()) - len(messages)
    assert twice > 0 and len(on.messages) == len(messages) + twice
    np.testing.assert_array_equal(np.bincount(on.origin, minlength=len(messages)), outcome.effects)


def test_only_those_that_a_queue_lets_in_go_on():
    messages, outcome, on = handed({"FilterPolicy": {"k": ["a"]}})
    assert set(on.origin) == set(messages.where({"k": ["a"]})) == set(outcome.rows)
