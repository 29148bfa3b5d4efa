"""SQS's dead-letter queues as queues, and redrive, with exact figures."""

import pytest

from sim.causes.explain import explain
from sim.foundation.errors import ScenarioError
from sim.lab import run
from sim.scenario.load import Scenario

FIFO = {"FifoQueue": True, "MessageGroupId": ["k"]}


def scenario(faults, rate=10, for_s=300, drain="30m", dead=None, queue=None, jobs=("w",)):
    policy = {"maxReceiveCount": 3, "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:dead"}
    return Scenario.from_mapping(
        {
            "name": "redrive",
            "duration": f"{for_s}s",
            "drain_limit": drain,
            "workload": {
                "arrivals": {"rate": rate},
                "keys": {"k": {"count": 20}},
                "service": {job: "10 ms" for job in jobs},
            },
            "systems": {
                "s": {
                    "product": "sqs",
                    "queues": {
                        "q": {
                            "workers": 4, "does": ["w"], "ReceiveMessageWaitTimeSeconds": 20,
                            "VisibilityTimeout": 10, "RedrivePolicy": policy, **(queue or {}),
                        },
                        "dead": {"workers": 0, **(dead or {})},
                    },
                }
            },
            "faults": list(faults),
        }
    )  # fmt: skip


def fails(**keys):
    return {"at": 20, "fault": "poison", "target": "s.q", "effect": "fail", "count": 30, **keys}


REDRIVE = {"at": 200, "fault": "redrive", "target": "s.dead"}


def row(tables, group="q"):
    summary = tables.summary
    return summary[summary.group == group].iloc[0]


def told(tables):
    return [text for text in tables.faults.text if text.startswith("redrive")]


def test_SS_18_what_nobody_empties_stays_there():
    tables = run(scenario([fails()])).tables
    assert row(tables).dead_lettered == 30 and row(tables).lost == 0
    assert list(tables.summary.group) == ["q"]


def test_SS_18_workers_of_the_dead_letter_queue_get_what_failed():
    its = scenario([fails()], dead={"workers": 1, "does": ["look"]}, jobs=("w", "look"))
    tables = run(its).tables
    assert row(tables).dead_lettered == 30
    assert row(tables, "dead").produced == row(tables, "dead").processed == 30
    # Three receives, each followed by a visibility timeout of 10 s.
    assert row(tables, "dead").latency_p50_s == pytest.approx(30.05, abs=0.01)


def test_SS_20_a_task_brings_them_back_as_new_messages():
    tables = run(scenario([fails(times=5), {**REDRIVE, "MaxNumberOfMessagesPerSecond": 1}])).tables
    # Two more failures, and the third receive after the redrive is the first that works.
    assert row(tables).dead_lettered == 0 and row(tables).lost == 0
    assert told(tables) == ["redrive of dead: 30 to move", "redrive of dead ended: 30 moved"]
    begun, ended = tables.faults[tables.faults.text.str.startswith("redrive")].t_s
    assert (begun, ended) == pytest.approx((200.0, 229.0))
    its = tables.limits[tables.limits.key == "MaxNumberOfMessagesPerSecond"].iloc[0]
    assert (its.value, its.times, its.group) == ("1", 29, "q")


def test_SS_20_before_it_is_mended_they_fail_once_more():
    tables = run(scenario([fails(), REDRIVE])).tables
    assert row(tables).dead_lettered == 30
    assert told(tables)[-1] == "redrive of dead ended: 30 moved"
    received = tables.limits[tables.limits.key == "maxReceiveCount"].iloc[0]
    assert received.times == 60


def test_SS_19_age_in_a_standard_dead_letter_queue_counts_from_the_start():
    kept = {"MessageRetentionPeriod": 60}
    tables = run(scenario([fails(times=3), {**REDRIVE, "at": 75}], dead=kept)).tables
    # Created at 20 to 23 s, dead-lettered at 50 to 53 s: at 75 s there, from 80 s on gone.
    assert told(tables) == ["redrive of dead: 30 to move", "redrive of dead ended: 30 moved"]
    tables = run(scenario([fails(times=3), {**REDRIVE, "at": 90}], dead=kept)).tables
    assert told(tables) == ["redrive of dead: 0 to move"]
    assert row(tables).dead_lettered == 30


def test_SF_09_age_in_a_fifo_dead_letter_queue_counts_from_when_it_came():
    kept = {"MessageRetentionPeriod": 60, **FIFO}
    its = scenario([fails(times=3), {**REDRIVE, "at": 90}], dead=kept, queue=FIFO, rate=5)
    tables = run(its).tables
    # Dead-lettered from 50 s on: none of them is a minute old there.
    assert told(tables) == ["redrive of dead: 24 to move", "redrive of dead ended: 24 moved"]
    assert row(tables).dead_lettered == 6


def test_a_task_waits_for_its_time_though_all_else_is_done():
    tables = run(scenario([fails(times=3, count=2), {**REDRIVE, "at": 900}])).tables
    assert row(tables).dead_lettered == 0
    assert told(tables)[-1] == "redrive of dead ended: 2 moved"


def test_what_fails_is_named_first_though_messages_wait_for_the_task():
    its = scenario([fails(times=4), {**REDRIVE, "MaxNumberOfMessagesPerSecond": 1}])
    (group,) = explain(its).groups
    assert {causes[0].key for causes in group.causes.values()} == {"faults[0]"}


def test_the_quota_of_a_dead_letter_queue_holds_no_sender_up():
    fast = {
        **FIFO,
        "FifoThroughputLimit": "perMessageGroupId",
        "DeduplicationScope": "messageGroup",
    }
    own = scenario([], rate=1_000, for_s=5, queue={**fast, "workers": 40}, dead=FIFO)
    result = run(own)
    assert "FifoThroughputLimit" not in set(result.tables.limits["key"])
    slow = run(scenario([], rate=1_000, for_s=5, queue={**FIFO, "workers": 40}, dead=FIFO))
    assert "FifoThroughputLimit" in set(slow.tables.limits["key"])


def test_where_dead_letters_go_stays_as_it_is_while_the_lab_runs():
    other = {"maxReceiveCount": 2, "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:other"}
    fault = {"at": "1m", "fault": "attributes", "target": "s.q", "RedrivePolicy": other}
    with pytest.raises(ScenarioError, match="does not change where dead letters go"):
        scenario([fault])
    own = other | {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:dead"}
    assert scenario([fault | {"RedrivePolicy": own}]).faults
