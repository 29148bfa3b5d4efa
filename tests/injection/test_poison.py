"""Which messages are poisonous."""

from math import inf

import numpy as np
import pandas as pd
import pytest

from helpers.fault_lab import scenario, setup
from sim.engine.outcome import Fate
from sim.foundation.errors import LabError
from sim.injection.poison import ALWAYS, poison
from sim.lab import run, run_system
from sim.scenario.load import Scenario
from sim.traffic.generate import generate, poisonous_rows


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


BUY = {"kind": ["buy"]}
DEAD = {"attempts": 3, "backoff": "0.2 s", "then": "dead-letter"}
REDRIVE = {"RedrivePolicy": {"maxReceiveCount": 3}, "VisibilityTimeout": 5}
LETS_IN = {"does": ["job"], "FilterPolicy": BUY, **REDRIVE}
CHOOSY = {
    "kafka": {
        "product": "kafka", "topic": {"partitions": 4}, "partition_key": ["kind"],
        "groups": {"g": {"consumers": 4, "does": ["job"], "only": BUY, "on_failure": DEAD}},
    },
    "kafka_share": {
        "product": "kafka", "topic": {"partitions": 4}, "partition_key": ["kind"],
        "share_groups": {
            "g": {
                "consumers": 4, "does": ["job"], "only": BUY,
                "errors.deadletterqueue.topic.name": "dlq.g",
            }
        },
    },
    "sqs": {"product": "sqs", "queues": {"g": {"workers": 4, **LETS_IN}}},
    "sqs_fifo": {
        "product": "sqs",
        "queues": {
            "g": {"workers": 4, "FifoQueue": True, "MessageGroupId": ["kind"], **LETS_IN}
        },
    },
    "sqs_lambda": {"product": "sqs", "queues": {"g": {"lambda": {"BatchSize": 1}, **LETS_IN}}},
    "bullmq": {
        "product": "bullmq",
        "queues": {
            "g": {"workers": 4, "does": ["job"], "only": BUY, "defaultJobOptions": {"attempts": 3}}
        },
    },
    "celery": {
        "product": "celery",
        "queues": {"g": {"workers": 4, "does": ["job"], "only": BUY}},
    },
    "nats": {
        "product": "nats",
        "consumers": {"g": {"subscribers": 4, "does": ["job"], "only": BUY, "max_deliver": 3}},
    },
    "redis_streams": {
        "product": "redis_streams",
        "groups": {
            "g": {"consumers": 4, "does": ["job"], "only": BUY, "on_failure": "dead-letter"}
        },
    },
    "rabbitmq": {
        "product": "rabbitmq", "exchange": {"type": "topic", "routing_key": ["kind"]},
        "queues": {
            "g": {
                "consumers": 4, "does": ["job"], "bindings": ["buy"], "on_failure": "reject",
                "arguments": {"x-dead-letter-exchange": "dead"},
            }
        },
    },
}  # fmt: skip


def choosy(**changes):
    """A scenario of groups that want every fifth message or so."""
    return Scenario.from_mapping(
        {
            "name": "choosy", "duration": 60, "drain_limit": "1 h",
            "workload": {
                "arrivals": {"profile": [{"for": 60, "rate": 20}]},
                "keys": {"kind": {"weights": {"view": 4, "buy": 1}}},
                "service": {"job": "10 ms"},
            },
            "systems": CHOOSY,
        }
    ).with_(changes)  # fmt: skip


def wanted(messages):
    return messages.where(BUY)


def failed(of, messages):
    """By system, the messages that its group did not process."""
    found = {}

    def keep(outcome):
        found[outcome.system] = outcome.rows[outcome.fate != Fate.PROCESSED].tolist()

    for name in CHOOSY:
        run_system(of, name, messages, on_outcome=keep)
    return found


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_of_a_share_those_that_a_group_wants_fail_the_same_in_every_system(share):
    """Of all messages a share is drawn, and no other is a dead letter (or lost) anywhere."""
    its = choosy(**{"workload.service.job.poison": {"share": share}})
    messages = generate(its)
    bad = np.intersect1d(poisonous_rows(its, len(messages), "job"), wanted(messages))
    assert 0 < bad.size <= wanted(messages).size < len(messages)
    assert failed(its, messages) == dict.fromkeys(CHOOSY, bad.tolist())


def test_what_a_group_throws_away_fails_nowhere():
    """Two back-offs for each message that is wanted, and none for the others."""
    its = choosy(**{"workload.service.job.poison": {"share": 1.0}})
    messages = generate(its)
    limits = run_system(its, "kafka", messages).limits
    (times,) = limits[limits["key"] == "backoff"]["times"]
    assert times == 2 * wanted(messages).size


def test_a_fault_counts_among_the_messages_that_a_group_wants():
    fault = {"at": 10, "fault": "poison", "target": "*.g", "effect": "fail", "count": 7}
    its = choosy(faults=[fault])
    messages = generate(its)
    rows = wanted(messages)
    first = rows[messages.created_s[rows] >= 10][:7]
    assert failed(its, messages) == dict.fromkeys(CHOOSY, first.tolist())


def test_a_key_that_a_group_does_not_want_is_poison_for_nobody():
    fault = {"at": 10, "fault": "poison", "target": "*.g", "effect": "fail", "key": "view"}
    its = choosy(faults=[fault])
    for name in ("kafka", "sqs", "bullmq"):
        tables = run_system(its, name, generate(its))
        assert tables.summary["dead_lettered"].tolist() == [0]
        (said,) = tables.silences["text"]
        assert ": 'poison' never struck: no such message was created" in said


def test_the_share_of_a_group_without_a_choice_is_all_that_was_drawn():
    its = choosy(**{"workload.service.job.poison": {"share": 0.1}})
    rows = poisonous_rows(its, len(generate(its)), "job")
    of = setup("kafka", its)
    np.testing.assert_array_equal(poison(of, "g").message, rows)
    everything = np.arange(len(of.messages), dtype=np.int32)
    np.testing.assert_array_equal(poison(of, "g", everything).message, rows)
    here = poison(of, "g", rows[1:4].astype(np.int32)).numbered_in(rows[1:4])
    assert here.message.tolist() == [0, 1, 2]
    assert poison(of, "g", np.zeros(0, np.int32)).message.tolist() == []
