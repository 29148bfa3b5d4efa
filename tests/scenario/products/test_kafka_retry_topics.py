"""Retry topics by Spring's attributes: which there are, and what is refused."""

import pytest

from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_retry_topics import RetryableTopic


def group(**keys):
    return ConsumerGroup.model_validate({"consumers": 1, "does": ["x"], **keys})


def test_by_default_a_record_is_tried_three_times_a_second_apart_in_one_retry_topic():
    its = RetryableTopic()
    assert (its.attempts, its.num_partitions) == (3, 1)
    assert its.delays_s == (1.0, 1.0) and its.topics_s == (1.0,)


@pytest.mark.parametrize(
    ("keys", "topics_s"),
    [
        ({"attempts": 1}, ()),
        ({"attempts": 2}, (1.0,)),
        ({"attempts": 4, "sameIntervalTopicReuseStrategy": "MULTIPLE_TOPICS"}, (1.0, 1.0, 1.0)),
        ({"attempts": 4, "backoff": {"delay": 1_000, "multiplier": 2}}, (1.0, 2.0, 4.0)),
        # Spring's documentation: only what is repeated at the end shares a topic.
        ({"attempts": 6, "backoff": {"multiplier": 2, "maxDelay": 3_000}}, (1.0, 2.0, 3.0)),
        ({"attempts": 3, "backoff": 500}, (0.5,)),
    ],
)
def test_each_delay_has_a_topic_and_those_that_repeat_at_the_end_share_one(keys, topics_s):
    assert RetryableTopic.model_validate(keys).topics_s == topics_s


def test_a_record_is_tried_again_in_place_or_elsewhere():
    with pytest.raises(ValueError, match="the lab does one of them"):
        group(retry_topics={}, on_failure={"attempts": 3})
    with pytest.raises(ValueError, match="those of Spring"):
        group(retry_topics={}, client="librdkafka")
    assert group(retry_topics={}).retry_topics == RetryableTopic()
    assert group().retry_topics is None


def test_delays_that_leave_floating_point_last_for_ever():
    its = RetryableTopic.model_validate({"attempts": 1_000, "backoff": {"multiplier": 1e3}})
    assert its.topics_s[:3] == (1.0, 1e3, 1e6) and its.topics_s[-1] == 1e15


@pytest.mark.parametrize(
    "keys", [{"attempts": 0}, {"attempts": 1_001}, {"backoff": {"multiplier": 0}}, {"retries": 1}]
)
def test_values_that_mean_nothing_are_refused(keys):
    with pytest.raises(ValueError):
        RetryableTopic.model_validate(keys)
