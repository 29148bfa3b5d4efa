"""Keys of Kafka's consumers: their defaults, and where a group begins."""

import pytest

from helpers.scenario_files import GOOD
from sim.scenario.load import load
from sim.scenario.products.kafka_consumer import ConsumerGroup, duration_s


def test_defaults_of_kafka_are_those_of_its_documentation():
    group = ConsumerGroup.model_validate({"consumers": 1, "does": ["x"]})
    assert group.model_dump(by_alias=True) == {
        "client": "java",
        "consumers": 1,
        "does": ["x"],
        "max.poll.records": 500,
        "max.poll.interval.ms": 300000,
        "max.partition.fetch.bytes": 1048576,
        "fetch.min.bytes": 1,
        "fetch.max.wait.ms": 500,
        "enable.auto.commit": True,
        "auto.commit.interval.ms": 5000,
        "auto.offset.reset": "latest",
        "discard": 0.00001,
        "starts": "established",
        "joins_at": 0,
        "enable.auto.offset.store": True,
        "on_failure": {"backoff": 1, "then": "skip"},
        "group.protocol": "classic",
    }
    assert (group.assignor, group.cooperative) == ("range", False)
    producer = load(GOOD).systems["kafka"].producer
    assert producer.model_dump(by_alias=True) == {"client": "java", "linger.ms": 5}
    assert producer.batch_bytes == 16384


@pytest.mark.parametrize(
    ("given", "s"),
    [("PT1H", 3_600.0), ("P1DT2H3M4.5S", 93_784.5), ("p2d", 172_800.0), ("PT0.5S", 0.5)],
)
def test_an_offset_reset_by_duration_is_an_iso_8601_duration(given, s):
    group = {"consumers": 1, "does": ["x"], "auto.offset.reset": f"by_duration:{given}"}
    assert duration_s(ConsumerGroup.model_validate(group).auto_offset_reset) == s


@pytest.mark.parametrize("given", ["by_duration:", "by_duration:P", "by_duration:1h", "Latest", 5])
def test_other_offset_resets_are_refused(given):
    with pytest.raises(ValueError, match=r"expected latest, earliest, none or by_duration"):
        ConsumerGroup.model_validate({"consumers": 1, "does": ["x"], "auto.offset.reset": given})
