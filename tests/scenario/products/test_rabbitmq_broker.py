"""What a RabbitMQ broker does by its version."""

from math import inf

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.products.rabbitmq_broker import (
    RabbitmqVersion,
    consumer_timeout_s,
    delivery_limit,
    prefetch,
    since,
)


@pytest.mark.parametrize(
    ("version", "queue_type", "of_queue_ms", "of_broker_ms", "timeout_s"),
    [
        ("4.2", "classic", None, 1_800_000.0, 1_800.0),
        ("4.2", "quorum", None, 1_800_000.0, 1_800.0),
        ("4.2", "classic", 60_000.0, 1_800_000.0, 60.0),
        ("4.2", "classic", 60_000.0, None, 60.0),
        ("4.2", "classic", None, None, inf),
        ("4.3", "classic", None, 1_800_000.0, inf),
        ("4.3", "quorum", None, 1_800_000.0, 1_800.0),
        ("4.10", "classic", None, 1_800_000.0, inf),
    ],
)
def test_RQ_06_the_acknowledgement_timeout_is_by_version_and_queue(
    version, queue_type, of_queue_ms, of_broker_ms, timeout_s
):
    assert consumer_timeout_s(version, queue_type, of_queue_ms, of_broker_ms) == timeout_s


def test_RQ_03_without_a_prefetch_a_quorum_queue_sends_2_000():
    assert prefetch("quorum", 0) == 2_000 and prefetch("classic", 0) is None
    assert prefetch("quorum", 5_000) == prefetch("classic", 5_000) == 5_000


def test_RQ_05_the_default_delivery_limit_is_of_4_0():
    assert delivery_limit("4.0", None) == 20 and delivery_limit("3.13", None) is None
    assert delivery_limit("4.3", -1) is None and delivery_limit("3.13", 7) == 7


def test_a_version_is_two_numbers_and_in_quotes_where_yaml_would_shorten_it():
    parse = TypeAdapter(RabbitmqVersion).validate_python
    assert parse(4.3) == parse("4.3") == "4.3" and parse("4.2.1") == "4.2.1"
    assert since("4.2.1", 4, 2) and not since("4.2.1", 4, 3)
    for wrong in (3.1, "4", "four", True, None):
        with pytest.raises(ValidationError, match=r"expected a version from 3\.9, in quotes if"):
            parse(wrong)
