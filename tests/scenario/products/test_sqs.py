"""SQS's attributes: their defaults, and what contradicts itself."""

import json

import pytest
from pydantic import ValidationError

from helpers.scenario_files import GOOD
from sim.scenario.load import load
from sim.scenario.products.sqs import SqsQueue


def test_defaults_of_sqs_are_those_of_its_documentation():
    queue = SqsQueue.model_validate({"workers": 1, "does": ["x"]})
    assert queue.model_dump(by_alias=True) == {
        "workers": 1,
        "does": ["x"],
        "delete": "batch",
        "MaxNumberOfMessages": 1,
        "VisibilityTimeout": 30,
        "ReceiveMessageWaitTimeSeconds": 0,
        "MessageRetentionPeriod": 345600,
        "DelaySeconds": 0,
        "order": "as-visible",
        "stale_receipt": "ignored",
        "max_in_flight": 120000,
        "FifoQueue": False,
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
        "look_ahead": 120000,
    }


@pytest.mark.parametrize("policy", [{"maxReceiveCount": 5}, '{"maxReceiveCount": "5"}'])
def test_a_redrive_policy_is_a_mapping_or_the_json_that_aws_gives(policy):
    override = f"systems.sqs_short.queues.counters.RedrivePolicy={json.dumps(policy)}"
    queue = load(GOOD, [override]).systems["sqs_short"].queues["counters"]
    assert queue.redrive_policy.max_receive_count == 5
    assert queue.redrive_policy.dead_letter_target_arn is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FifoQueue": True}, "a FIFO queue needs a 'MessageGroupId'"),
        ({"DeduplicationScope": "messageGroup"}, "'DeduplicationScope' is of queues with 'FifoQ"),
        ({"look_ahead": 5}, "'look_ahead' is of queues with 'FifoQueue: true'"),
        (
            {"FifoQueue": True, "MessageGroupId": [], "FifoThroughputLimit": "perMessageGroupId"},
            "needs 'DeduplicationScope: messageGroup'",
        ),
        (
            {"FifoQueue": True, "MessageGroupId": [], "order": "returned-first"},
            "'order' is of standard queues: a FIFO queue says it itself",
        ),
        (
            {"FifoQueue": True, "MessageGroupId": [], "stale_receipt": "deletes"},
            "'stale_receipt' is of standard queues",
        ),
        ({"MessageGroupId": [], "order": "fresh-first"}, "a fair queue knows no order 'fresh-f"),
        ({"RedrivePolicy": "5"}, "RedrivePolicy"),
        ({"RedrivePolicy": "{5"}, "expected a mapping or a JSON object such as"),
        ({"MaxNumberOfMessages": 11}, "less than or equal to 10"),
        ({"VisibilityTimeout": "12.5 h"}, "less than or equal to 43200"),
    ],
)
def test_what_aws_would_refuse_is_refused(given, said):
    with pytest.raises(ValidationError) as error:
        SqsQueue.model_validate({"workers": 1, "does": ["x"], **given})
    assert said in str(error.value)


def test_SF_05_calls_of_a_fifo_queue_have_a_quota_but_in_high_throughput_mode():
    fifo = {"workers": 1, "does": ["x"], "FifoQueue": True, "MessageGroupId": ["video"]}
    high = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    assert SqsQueue.model_validate(fifo).calls_per_s == 300
    assert SqsQueue.model_validate({**fifo, **high}).calls_per_s == float("inf")
    assert SqsQueue.model_validate({"workers": 4, "does": ["x"]}).calls_per_s == float("inf")
