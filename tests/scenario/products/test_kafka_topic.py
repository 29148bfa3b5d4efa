"""A topic's keys: defaults of Kafka, and what is no value of them."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.kafka_topic import KafkaTopic

DAY_MS = 86_400_000


def test_defaults_are_those_of_the_documentation():
    assert KafkaTopic.model_validate({"partitions": 6}).model_dump(by_alias=True) == {
        "partitions": 6,
        "replication.factor": 1,
        "min.insync.replicas": 1,
        "errors.deadletterqueue.group.enable": False,
        "retention.ms": 7 * DAY_MS,
        "retention.bytes": -1,
        "segment.ms": 7 * DAY_MS,
        "segment.bytes": 1 << 30,
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [("partitions", 0), ("retention.ms", -2), ("segment.bytes", (1 << 20) - 1), ("segment.ms", 0)],
)
def test_what_no_topic_can_have_is_refused(key, value):
    with pytest.raises(ValidationError):
        KafkaTopic.model_validate({"partitions": 1, key: value})


def test_retention_can_be_without_limit():
    topic = KafkaTopic.model_validate({"partitions": 1, "retention.ms": -1})
    assert topic.retention_ms == -1
