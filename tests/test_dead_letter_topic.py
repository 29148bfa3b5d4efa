"""The topic of a share group's dead letters, read by others (KIP-1191)."""

import numpy as np
import pytest

from sim.causes.explain import explain
from sim.engine.outcome import Fate
from sim.foundation.errors import ScenarioError
from sim.lab import Passed, run, run_system
from sim.scenario.load import Scenario
from sim.systems.placed import messages_of

TOPIC, COPY = "errors.deadletterqueue.topic.name", "errors.deadletterqueue.copy.record.enable"
PERMITS = "errors.deadletterqueue.group.enable"


def scenario(share=None, dead=None, edge=None, **more):
    """A share group at 40/s, which fails on 30 messages, and who looks at those."""
    group = {"consumers": 4, "does": ["pay"], TOPIC: "dlq.pay"}
    readers = {"groups": {"look": {"consumers": 1, "does": ["look"]}}}
    return Scenario.from_mapping(
        {
            "name": "letters",
            "seed": 1,
            "duration": "5m",
            "drain_limit": "5m",
            "workload": {
                "arrivals": {"profile": [{"for": "5m", "rate": "40/s"}]},
                "keys": {"order": {"count": 500}},
                "size": "1 kB",
                "service": {"pay": {"per_message": "30 ms"}, "look": {"per_message": "1 s"}},
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": 4},
                    "share_groups": {"pay": {**group, **(share or {})}},
                },
                "dead": dead
                or {"product": "kafka", "topic": {"partitions": 1, PERMITS: True}, **readers},
            },
            "pipeline": [{"from": "kafka.pay", "to": "dead", "of": "dead_letters", **(edge or {})}],
            "faults": [
                {"at": "1m", "fault": "poison", "target": "kafka.pay", "effect": "fail",
                 "count": 30},
            ],
            **more,
        }
    )  # fmt: skip


def rows(its):
    return {row["group"]: row for row in run(its).tables.summary.to_dict("records")}


def test_KS_06_each_dead_letter_is_read_once_by_others_and_nothing_else_is():
    its = scenario()
    found = rows(its)
    assert found["pay"]["dead_lettered"] == 30 and found["pay"]["lost"] == 0
    assert found["pay"]["processed"] == found["pay"]["produced"] - 30
    assert found["look"]["produced"] == found["look"]["processed"] == 30
    # They come within some seconds, and are looked at one by one.
    assert 15 < found["look"]["latency_p99_s"] < 30


@pytest.mark.parametrize(("copies", "size"), [(True, 1_000), (False, 250)])
def test_KS_06_a_dead_letter_has_its_record_or_says_which_it_was(copies, size):
    its, passed = scenario(share={COPY: copies}), Passed()
    workload = messages_of(its)
    outcomes = []
    run_system(its, "kafka", workload, on_outcome=outcomes.append, passed=passed)
    letters = passed.letters["kafka", "pay"]
    (outcome,) = outcomes
    dead = np.flatnonzero(outcome.fate == Fate.DEAD_LETTERED)
    assert np.sort(letters.origin).tolist() == dead.tolist()
    assert dead.size == 30
    assert letters.messages.size_bytes.tolist() == [size]
    assert letters.messages.created_s.tolist() == outcome.buried.at_s.tolist()
    assert (letters.messages.created_s > workload.created_s[letters.origin]).all()


def test_what_failed_is_the_cause_of_what_comes_to_the_topic_of_dead_letters():
    its = scenario()
    assert explain(its, "kafka", "pay").first.path == "faults.0"
    assert explain(its, "dead", "look").first.path == "faults.0"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": {TOPIC: "pay.dead"}}, "must begin with 'dlq.'"),
        ({"share": {TOPIC: None}}, "'kafka.pay' has no 'errors.deadletterqueue.topic.name'"),
        ({"edge": {"waits_for": "acknowledgement"}}, "the group does not wait for it"),
        (
            {
                "dead": {
                    "product": "kafka", "topic": {"partitions": 1},
                    "groups": {"look": {"consumers": 1, "does": ["look"]}},
                }
            },
            "has 'errors.deadletterqueue.group.enable' of its topic at false",
        ),
        (
            {"dead": {"product": "sqs", "queues": {"look": {"workers": 1, "does": ["look"]}}}},
            "'dead' is no topic of Kafka",
        ),
        ({"edge": {"from": "dead.look", "to": "kafka"}}, "is no share group of Kafka"),
    ],
)  # fmt: skip
def test_what_is_no_dead_letter_queue_is_refused(changes, said):
    with pytest.raises(ScenarioError, match=said):
        scenario(**changes)
