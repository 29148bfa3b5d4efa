"""Messages that only some readers want, and keys that hold the state: who is given what."""

import json

import numpy as np
import pytest
from ruamel.yaml import YAML

from sim.engine.outcome import Effects
from sim.engine.system import Setup
from sim.lab import run
from sim.scenario.load import Scenario, load
from sim.systems.kafka import partition_of
from sim.traffic.generate import generate
from sim.traffic.messages import Messages

ROUTED = """
name: routed
about: one topic, and readers that want part of it
seed: 7
duration: 60s
workload:
  arrivals: {profile: [{for: 60s, rate: 50/s}]}
  keys:
    user: {count: 40}
    kind: {weights: {order: 90, refund: 8, fraud: 2}}
  order_by: [user]
  service:
    all: {per_message: 1 ms}
    rare: {per_message: 100 ms}
systems:
  kafka:
    product: kafka
    topic: {partitions: 4}
    partition_key: [user]
    groups:
      all: {consumers: 2, does: [all]}
      rare: {consumers: 2, does: [rare], only: {kind: [refund, fraud]}, discard: 0}
"""


def test_a_group_is_measured_by_the_messages_that_matter_to_it(tmp_path):
    path = tmp_path / "routed.yaml"
    path.write_text(ROUTED)
    scenario = load(path)
    messages = generate(scenario)
    kinds = list(messages.dims["kind"])
    wanted = [i for i in range(len(messages)) if kinds[messages.entity[i] % 3] != "order"]
    assert messages.where({"kind": ["refund", "fraud"]}).tolist() == wanted
    assert messages.where({}).tolist() == list(range(len(messages)))
    tables = run(scenario).tables
    summary = tables.summary.set_index("group")
    assert summary.loc["all", "produced"] == len(messages)
    assert summary.loc["rare", "produced"] == summary.loc["rare", "processed"] == len(wanted)
    latency = tables.latency.query("group == 'rare' and q == 0.0")["latency_s"]
    assert latency.item() > 0.1, "the work is done for what is wanted"
    # 50/s of 100 ms would be five consumers' work.
    assert summary.loc["rare", "drain_s"] < 5


def test_effects_of_some_messages():
    effects = Effects(np.arange(5.0), np.array([4, 2, 7, 2, 0], np.int32))
    only = effects.only(np.array([2, 4, 9], np.int32))
    assert only.at_s.tolist() == [0.0, 1.0, 3.0]
    assert only.message.tolist() == [1, 0, 0]


def test_a_key_with_the_state_spreads_an_entity(tmp_path):
    path = tmp_path / "transfers.yaml"
    path.write_text("""
name: transfers
about: a transfer is a debit of one account and a credit of another
seed: 7
duration: 60s
workload:
  arrivals: {profile: [{for: 60s, rate: 20/s}]}
  keys:
    transfer: {lifecycle: {states: [debit, credit], gap: 50 ms, amount: {median: 10, p99: 100}}}
  service: {book: {per_message: 1 ms}}
systems:
  kafka:
    product: kafka
    topic: {partitions: 8}
    partition_key: [transfer, state]
    groups: {book: {consumers: 2, does: [book]}}
""")
    scenario = load(path)
    messages = generate(scenario)
    key, names = messages.keys_of(["transfer", "state"])
    assert [names[i] for i in key] == [
        f"transfer-{entity}/{messages.states[seq]}"
        for entity, seq in zip(messages.entity, messages.seq, strict=True)
    ]
    partition = partition_of(
        Setup("kafka", scenario, messages, np.zeros(0)), scenario.systems["kafka"], 8
    )
    order = np.argsort(messages.entity, kind="stable")
    debit, credit = partition[order].reshape(-1, 2).T
    assert np.mean(debit == credit) == pytest.approx(1 / 8, abs=0.03)
    assert len(messages.keys_of(["transfer"])[1]) == len(names) / 2
    assert isinstance(messages, Messages)


LOGS = {
    "kafka": {
        "topic": {"partitions": 4},
        "partition_key": ["user"],
        "groups": {"all": {"consumers": 2}, "rare": {"consumers": 2}},
    },
    "share group": {
        "product": "kafka",
        "topic": {"partitions": 4},
        "partition_key": ["user"],
        "share_groups": {"all": {"consumers": 2}, "rare": {"consumers": 2}},
    },
    "kinesis": {
        "stream": {"ShardCount": 4},
        "partition_key": ["user"],
        "applications": {"all": {"workers": 2}, "rare": {"workers": 2}},
    },
    "rabbitmq_stream": {
        "stream": {"partitions": 4},
        "partition_key": ["user"],
        "groups": {"all": {"consumers": 2}, "rare": {"consumers": 2}},
    },
}
QUEUES = {
    "sqs": {"queues": {"all": {"workers": 2}, "rare": {"workers": 2}}},
    "sqs_fifo": {
        "product": "sqs",
        "queues": {
            "all": {"workers": 2},
            "rare": {"workers": 2, "FifoQueue": True, "MessageGroupId": ["user"]},
        },
    },
    "celery": {"queues": {"all": {"workers": 2}, "rare": {"workers": 2}}},
}


def selecting(system, name, key, selection):
    """The scenario above with another system, whose second readers select."""
    data = YAML(typ="safe").load(ROUTED)
    at = next(k for k in ("groups", "share_groups", "applications", "queues") if k in system)
    readers = {
        group: {**config, "does": [group]} | ({key: selection} if group == "rare" else {})
        for group, config in system[at].items()
    }
    data["systems"] = {"it": {"product": name, **system, at: readers}}
    return Scenario.from_mapping(data)


@pytest.mark.parametrize("name", LOGS)
def test_readers_of_a_log_are_handed_everything_and_throw_away_what_they_do_not_want(name):
    scenario = selecting(LOGS[name], name, "only", {"kind": ["refund", "fraud"]})
    messages = generate(scenario)
    summary = run(scenario).tables.summary.set_index("group")
    wanted = messages.where({"kind": ["refund", "fraud"]}).size
    rare = summary.loc["rare"]
    assert (rare["produced"], rare["processed"]) == (wanted, wanted)
    assert rare["deliveries"] - rare["extra_deliveries"] == len(messages)
    # What it wants, 5/s of 0.1 s, keeps two consumers a quarter busy; 200 ms for each of the others
    # would be the work of nine.
    assert rare["drain_s"] < 5
    data = scenario.model_dump(mode="json", by_alias=True)
    (at,) = {"groups", "share_groups", "applications"} & {
        key for key, value in data["systems"]["it"].items() if value and key != "topic"
    }
    data["systems"]["it"][at]["rare"]["discard"] = "200 ms"
    slower = run(Scenario.from_mapping(data)).tables.summary.set_index("group").loc["rare"]
    assert slower["drain_s"] > 60


@pytest.mark.parametrize("name", QUEUES)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_queue_gets_only_what_is_let_in(name, as_json):
    selection = {"kind": ["refund", "fraud"]}
    key = "only" if name == "celery" else "FilterPolicy"
    written = json.dumps(selection) if as_json and key == "FilterPolicy" else selection
    scenario = selecting(QUEUES[name], name, key, written)
    messages = generate(scenario)
    wanted = messages.where(selection)
    tables = run(scenario).tables
    summary = tables.summary.set_index("group")
    assert summary.loc["all", "processed"] == summary.loc["all", "deliveries"] == len(messages)
    rare = summary.loc["rare"]
    assert (rare["produced"], rare["processed"], rare["deliveries"]) == (wanted.size,) * 3
    waits = tables.messages.query("group == 'rare'")
    assert (waits["done_s"] - waits["created_s"]).min() > 0.1, "the work is done for each"
    assert waits["created_s"].isin(messages.created_s[wanted]).all()
    depth = tables.series.query("group == 'rare'")["lag"]
    assert 0 <= depth.min() <= depth.max() < 30


def test_what_no_filter_policy_lets_in_is_dropped_and_said():
    system = {"queues": {"all": {"workers": 2, "FilterPolicy": {"kind": ["order"]}},
                         "rare": {"workers": 2}}}  # fmt: skip
    scenario = selecting(system, "sqs", "FilterPolicy", {"kind": ["fraud"]})
    dropped = generate(scenario).where({"kind": ["refund"]}).size
    (event,) = run(scenario).tables.faults["text"]
    assert event == f"{dropped} messages pass no filter policy and are dropped"
