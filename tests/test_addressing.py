"""Messages that only some readers want, and keys that hold the state: who is given what."""

import numpy as np
import pytest

from sim.lab import run
from sim.log.kafka import partition_of
from sim.messages import Messages
from sim.outcome import Effects
from sim.scenario import load
from sim.workload import generate

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
    partition = partition_of("kafka", scenario.systems["kafka"], scenario, messages)
    order = np.argsort(messages.entity, kind="stable")
    debit, credit = partition[order].reshape(-1, 2).T
    assert np.mean(debit == credit) == pytest.approx(1 / 8, abs=0.03)
    assert len(messages.keys_of(["transfer"])[1]) == len(names) / 2
    assert isinstance(messages, Messages)
