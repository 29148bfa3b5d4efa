import pytest

from helpers.incidents import group, incident, queue
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_groups import KAFKA_GROUP, SHARE_GROUP
from sim.causes.relaxed_queues import CELERY, RABBITMQ, SQS
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late")


def keys(scenario):
    found = hypotheses(scenario, "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_a_visibility_timeout_becomes_longer_than_a_batch():
    scenario = incident(queue(1, MaxNumberOfMessages=10, VisibilityTimeout=2), work=0.5)
    one = keys(scenario)["VisibilityTimeout"]
    assert (one.value, one.to) == ("2", "20")  # ten times; 10 messages take 5 s
    assert one.path == "systems.s.queues.g.VisibilityTimeout"
    assert one.remedy == "with VisibilityTimeout 20"


def test_one_message_a_call_becomes_ten():
    one = keys(incident(queue(1)))["MaxNumberOfMessages"]
    assert (one.what, one.to) == ("one message a call", "10")
    assert "MaxNumberOfMessages" not in keys(incident(queue(1, MaxNumberOfMessages=10)))


FIFO = queue(2, FifoQueue=True, MessageGroupId=["k"], MessageDeduplicationId=["k"])
RABBIT = {
    "product": "rabbitmq",
    "queues": {
        "g": {
            "consumers": 2,
            "does": ["w"],
            "arguments": {"x-queue-type": "quorum", "x-message-ttl": 1_000, "x-max-length": 5},
        }
    },
}
CELERY_REDIS = {
    "product": "celery",
    "broker": "redis",
    "queues": {"g": {"workers": 2, "does": ["w"], "task": {"countdown": 60}}},
}
SHARES = {
    "product": "kafka",
    "topic": {"partitions": 2},
    "share_groups": {"g": {"consumers": 2, "does": ["w"]}},
}


@pytest.mark.parametrize(
    "system",
    [queue(2), FIFO, RABBIT, CELERY_REDIS, {**CELERY_REDIS, "broker": "rabbitmq"}, SHARES,
     group(3), group(3, client="librdkafka")],
)  # fmt: skip
def test_every_key_can_be_relaxed(system):
    """The scenario with the other value is one: no key, bound or combination is refused."""
    scenario = incident(system)
    for one in keys(scenario).values():
        assert changed(scenario, one.changes).hash != scenario.hash, one.name


def test_a_key_that_is_left_out_is_gone():
    one = keys(incident(RABBIT))["x-message-ttl"]
    assert (one.to, one.remedy) == ("", "without x-message-ttl")
    after = changed(incident(RABBIT), one.changes)
    assert after.systems["s"].readers["g"].arguments.message_ttl is None


def test_each_line_has_a_name_of_its_own():
    for lines in (SQS, RABBITMQ, CELERY, KAFKA_GROUP, SHARE_GROUP):
        names = [line.name or line.key or line.path[-1] for line in lines]
        assert len(names) == len(set(names))
