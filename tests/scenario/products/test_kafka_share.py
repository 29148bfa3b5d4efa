"""A share group's keys: defaults of Kafka 4.2, and the brokers' limits of each."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.kafka_share import ShareGroup

READERS = {"consumers": 3, "does": ["work"]}


def test_defaults_are_those_of_the_documentation():
    group = ShareGroup.model_validate(READERS)
    assert group.members == 3
    assert group.model_dump(by_alias=True) == {
        **READERS,
        "discard": 0.00001,
        "max.poll.records": 500,
        "fetch.max.wait.ms": 500,
        "group.share.record.lock.duration.ms": 30_000,
        "group.share.delivery.count.limit": 5,
        "group.share.partition.max.record.locks": 2_000,
        "group.share.session.timeout.ms": 45_000,
        "share.isolation.level": "read_uncommitted",
        "on_failure": "release",
        "errors.deadletterqueue.copy.record.enable": False,
    }


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("group.share.record.lock.duration.ms", 1_000, 3_600_000),
        ("group.share.delivery.count.limit", 2, 25),
        ("group.share.partition.max.record.locks", 100, 10_000),
    ],
)
def test_brokers_limit_what_a_group_can_ask_for(key, least, most):
    for value in (least, most):
        ShareGroup.model_validate({**READERS, key: value})
    for value in (least - 1, most + 1):
        with pytest.raises(ValidationError):
            ShareGroup.model_validate({**READERS, key: value})
