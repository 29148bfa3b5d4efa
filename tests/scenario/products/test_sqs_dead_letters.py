"""Where SQS's dead letters go, and what AWS would refuse."""

import pytest

from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.sqs_dead_letters import chains, named

WORKS = {"workers": 1, "does": ["w"]}


def to(name, most=3):
    return {"maxReceiveCount": most, "deadLetterTargetArn": name}


def scenario(queues, *faults):
    return Scenario.from_mapping(
        {
            "name": "x",
            "duration": "10s",
            "workload": {
                "arrivals": {"rate": 1},
                "keys": {"k": {"count": 3}},
                "service": {"w": "10 ms"},
            },
            "systems": {"s": {"product": "sqs", "queues": queues}},
            "faults": list(faults),
        }
    )


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:eu-west-1:1:dead",
        "dead",
        "https://sqs.eu-west-1.amazonaws.com/1/dead",
        "arn:aws:sqs:eu-west-1:1:dead.fifo",
    ],
)
def test_the_target_is_named_by_arn_url_or_name(arn):
    assert named(arn) == "dead"
    queues = {"q": {**WORKS, "RedrivePolicy": to(arn)}, "dead": {"workers": 0}}
    system = scenario(queues).systems["s"]
    assert system.redriven == {"dead": ["q"]} and list(system.readers) == ["q"]


def test_queues_between_which_messages_go_are_together():
    assert chains({"a": "b", "c": "d", "e": "b", "d": "f"}) == [["a", "b", "e"], ["c", "d", "f"]]


@pytest.mark.parametrize(
    ("queues", "said"),
    [
        ({"q": WORKS, "dead": {"workers": 0}}, "nobody empties 'dead'"),
        (
            {"q": {**WORKS, "RedrivePolicy": to("q")}},
            "the dead letters of 'q' would come back to it by themselves",
        ),
        (
            {
                "q": {**WORKS, "FifoQueue": True, "MessageGroupId": ["k"],
                      "RedrivePolicy": to("dead")},
                "dead": {"workers": 0},
            },
            "'q' is a FIFO queue, and so must be its dead-letter queue 'dead'",
        ),
        ({"q": {"workers": 1}}, "does: is empty; give at least one"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_refused(queues, said):
    with pytest.raises(LabError, match=said):
        scenario(queues)


LINKED = {
    "q": {**WORKS, "RedrivePolicy": to("dead")},
    "dead": {"workers": 0},
}


@pytest.mark.parametrize(
    ("queues", "keys", "said"),
    [
        ({"q": WORKS}, {}, "'redrive' needs an SQS queue whose 'RedrivePolicy' names another"),
        (LINKED, {"target": "s.q"}, "'s.q' is no dead-letter queue; known: s.dead"),
        (LINKED, {"target": "s.daed"}, "did you mean 's.dead'"),
        (
            LINKED,
            {"DestinationArn": "other"},
            "the dead letters of 'other' do not come to 's.dead'",
        ),
    ],
)
def test_a_task_needs_a_dead_letter_queue_and_goes_back_only(queues, keys, said):
    with pytest.raises(LabError, match=said):
        scenario(queues, {"at": 3, "fault": "redrive", "target": "s.dead", **keys})


def test_keys_of_workers_have_no_effect_where_there_are_none():
    queues = {**LINKED, "dead": {"workers": 0, "VisibilityTimeout": 60}}
    assert any(
        "dead.VisibilityTimeout: has no effect: nobody empties this queue" in str(warning)
        for warning in scenario(queues).warnings
    )
