"""Lanes, calls and words of an SQS-compatible server, without one."""

import numpy as np
import pytest

from helpers.real_plans import real
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate import sqs_real
from sim.validate.plan import plan
from sim.validate.real import BrokerMissingError, broker


def _planned(producer=None, keys=None, **queue):
    scenario = Scenario.from_mapping(
        {
            "name": "s",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": keys or {"k": {"count": 3}, "j": {"count": 2}},
                "service": {"w": {"per_message": "5 ms"}},
            },
            "systems": {
                "s": {
                    "product": "sqs",
                    "producer": producer or {},
                    "queues": {"q": {"workers": 2, "does": ["w"], **queue}},
                }
            },
        }
    )
    return plan(scenario, "s", generate(scenario))


def test_a_standard_queue_has_no_lanes():
    given = _planned()
    assert sqs_real._lanes(given.product.queues["q"], given.messages) == (None, None)
    assert sqs_real._delays(given.product, given.messages) is None


def test_a_fifo_queue_has_groups_and_an_id_for_each_message():
    given = _planned(FifoQueue=True, MessageGroupId=["k"])
    groups, ids = sqs_real._lanes(given.product.queues["q"], given.messages)
    assert set(groups) == {"k-0", "k-1", "k-2"}
    assert ids == [str(message) for message in range(len(given.messages))]
    given = _planned(FifoQueue=True, MessageGroupId=["k"], MessageDeduplicationId=["j"])
    _, ids = sqs_real._lanes(given.product.queues["q"], given.messages)
    assert set(ids) == {"j-0", "j-1"}


def test_delays_are_whole_seconds_by_state():
    life = {
        "order": {
            "lifecycle": {
                "states": ["new", "paid"],
                "gap": "10 ms",
                "amount": {"median": 10, "p99": 100},
            }
        }
    }
    given = _planned({"delay_per_state": "2 s"}, life)
    assert sqs_real._delays(given.product, given.messages) == [
        2 * int(state) for state in given.messages.seq
    ]


def test_a_queue_with_a_filter_is_meant_for_what_it_lets_in():
    given = _planned(FilterPolicy={"k": ["k-1"]})
    key_of, names = given.messages.keys_of(["k"])
    assert given.groups["q"].rows.tolist() == [
        m for m in range(len(given.messages)) if names[key_of[m]] == "k-1"
    ]


def test_a_message_costs_its_work_and_what_lies_between_in_a_batch():
    started_s = np.arange(50) * 0.003
    started_s[10::10] += 0.0004  # a call
    done_s = started_s + 0.0025
    assert sqs_real._in_batch_s(started_s, done_s) == pytest.approx(0.003)


def test_a_trial_sends_so_that_there_is_a_backlog():
    given = _planned({"threads": 1, "batch": 1})
    full = sqs_real._full(given.product, "q", delete="each")
    assert (full.producer.threads, full.producer.batch) == (8, 10)
    assert full.queues["q"].delete == "each"


def test_what_the_real_one_does_not_have_is_said():
    real = object.__new__(sqs_real.SqsReal)
    words = list(real.unmapped(_planned(MessageGroupId=["k"])))
    assert any("no fair queues" in word for word in words)
    assert any("one server" in word for word in words)


def test_without_boto3_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(BrokerMissingError, match=r"^boto3 is not installed: `make brokers`$"):
        sqs_real.SqsReal("127.0.0.1:1")


def test_it_takes_systems_of_sqs():
    assert broker("sqs").takes(_planned().product)
    assert not broker("redis").takes(_planned().product)


def test_a_real_server_moves_what_is_received_too_often(tmp_path):
    given = _planned(
        workers=1,
        MaxNumberOfMessages=10,
        VisibilityTimeout=1,
        ReceiveMessageWaitTimeSeconds=1,
        RedrivePolicy={"maxReceiveCount": 2},
    )
    poison = {"at": 0, "fault": "poison", "target": "s.q", "effect": "fail", "count": 2}
    given = plan(given.scenario.with_({"faults": [poison]}), "s", given.messages)
    with real("sqs") as server:
        seen = server.run(given, tmp_path).groups["q"]
    n = len(given.messages)
    assert sorted(seen.executions["message"]) == list(range(2, n))
    assert seen.dead.tolist() == [True, True] + [False] * (n - 2)
    assert seen.deliveries.tolist() == [2, 2] + [1] * (n - 2)
