"""The process around a producer: what its keys come to."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.kafka_publisher import Publisher


def test_a_timer_of_the_client_counts_in_milliseconds():
    assert Publisher().auto_commit_s == 5.0
    assert Publisher.model_validate({"auto.commit.interval.ms": 0}).auto_commit_s == 0.001


def test_KP_16_a_transaction_has_a_transactional_id():
    assert Publisher(order="transaction").transactional
    assert not Publisher().transactional


def test_a_flush_waits_for_some_time():
    assert Publisher(flush_timeout="5 ms").flush_timeout == 0.005
    with pytest.raises(ValidationError, match="must be more than 0"):
        Publisher(flush_timeout=0)
