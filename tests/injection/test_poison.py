"""Which messages are poisonous."""

from math import inf

import numpy as np
import pandas as pd
import pytest

from helpers.fault_lab import scenario, setup
from sim.foundation.errors import LabError
from sim.injection.poison import ALWAYS, poison
from sim.lab import run
from sim.scenario.load import Scenario
from sim.traffic.generate import generate


def test_poison_is_the_first_so_many_messages_of_a_key():
    keys = {"key": {"count": 5}, "kind": {"weights": {"view": 1, "like": 1}}}
    poisoned = scenario(
        {
            "at": 100, "fault": "poison", "target": "a.g", "key": "key-3/like",
            "effect": "kill", "count": 2, "restart_after": 7,
        },
        {"at": 50, "fault": "poison", "target": "a.*", "effect": "fail", "times": 3},
        keys=keys,
    )  # fmt: skip
    messages = generate(poisoned)
    found = poison(setup("a", poisoned), "g")
    entity = 3 * 2 + 1
    due = np.flatnonzero((messages.created_s >= 100) & (messages.entity == entity))[:2]
    first = int(np.searchsorted(messages.created_s, 50))
    assert found.message.tolist() == [first, *due]
    assert found.kills.tolist() == [False, True, True]
    assert found.times.tolist() == [3, ALWAYS, ALWAYS]
    assert found.restart_after_s.tolist() == [inf, 7, 7]
    assert len(poison(setup("b", poisoned), "g")) == 0


def told(key, keys):
    """What is said of a poisonous key that does not exist."""
    bad = {"at": 1, "fault": "poison", "target": "a.g", "key": key, "effect": "fail"}
    of = scenario(bad, keys=keys)
    with pytest.raises(LabError) as error:
        poison(setup("a", of), "g")
    return str(error.value)


def test_poison_of_a_key_that_does_not_exist_is_told():
    assert "unknown key 'kee-3'; did you mean 'key-3'?" in told("kee-3", {"key": {"count": 5}})
    assert "unknown key 'x'; known: key-0, key-1" in told("x", {"key": {"count": 2}})
    kinds = {"key": {"count": 5}, "kind": {"weights": {"view": 1, "like": 1}}}
    assert "unknown kind 'vew'; did you mean 'view'?" in told("key-3/vew", kinds)
    assert "'key-3' needs a value of each of key/kind" in told("key-3", kinds)


def test_of_many_keys_the_first_thousand_are_looked_at_for_what_was_meant():
    names = told("x", {"key": {"count": 1_002}})
    assert names.count("key-") == 1_000


KINDS = {
    "sqs": {"product": "sqs", "queues": {"g": {"workers": 6, "does": ["job"]}}},
    "kafka": {
        "product": "kafka", "topic": {"partitions": 4}, "partition_key": ["key"],
        "groups": {
            "g": {
                "consumers": 4, "does": ["job"],
                "on_failure": {"attempts": 3, "backoff": "0.2 s", "then": "dead-letter"},
            }
        },
    },
    "rabbitmq": {
        "product": "rabbitmq",
        "queues": {
            "g": {
                "consumers": 4, "does": ["job"], "on_failure": "reject-requeue",
                "arguments": {"x-queue-type": "quorum", "x-dead-letter-exchange": "dead"},
            }
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "effect", [{"times": 2}, {"effect": "kill", "times": 1, "restart_after": 3}]
)
def test_a_share_of_the_workload_is_as_a_fault_for_each_of_its_messages(effect):
    """In every system the same messages; nothing else differs from a run with these faults."""
    plain = Scenario.from_mapping(
        {
            "name": "share", "duration": 100, "drain_limit": "1 h",
            "workload": {
                "arrivals": {"rate": 12},
                "keys": {"key": {"count": 40}},
                "service": {"job": {"exponential": "40 ms"}},
            },
            "systems": KINDS,
        }
    )  # fmt: skip
    share = plain.with_({"workload.service.job.poison": {"share": "1 %", **effect}})
    messages = generate(share)
    rows = poison(setup("sqs", share), "g").message
    assert 5 <= rows.size <= 25
    for name in KINDS:
        np.testing.assert_array_equal(poison(setup(name, share), "g").message, rows)
    its = {"fault": "poison", "target": "*.g", "effect": "fail", **effect}
    faults = [its | {"at": float(messages.created_s[row])} for row in rows]
    told = run(plain.with_(faults=faults)).tables
    drawn = run(share).tables
    for table in ("summary", "latency", "series", "requests", "fates"):
        a, b = getattr(told, table), getattr(drawn, table)
        pd.testing.assert_frame_equal(a, b, obj=table)
    (failed,) = set(drawn.summary["dead_lettered"] + drawn.summary["extra_deliveries"] > 0)
    assert failed
