"""Keys without effect: none of them is one that the lab reads, and other names lead to those."""

import pytest

from sim.foundation.config import keys
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_producer import JAVA_ONLY, LIBRDKAFKA_ONLY, KafkaProducer
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.products.kafka_topic import KafkaTopic


@pytest.mark.parametrize("model", [KafkaTopic, KafkaProducer, ConsumerGroup, ShareGroup])
def test_no_key_is_read_and_without_effect(model):
    assert model.not_modelled.keys() & keys(model).keys() == set()


def test_another_name_leads_to_a_key_that_is_read():
    assert set(kafka_not_modelled.PRODUCER_NAMES.values()) <= keys(KafkaProducer).keys()
    assert set(kafka_not_modelled.CONSUMER_NAMES.values()) <= keys(ConsumerGroup).keys()
    said = kafka_not_modelled.PRODUCER["message.timeout.ms"]
    assert said == "write 'delivery.timeout.ms', its other name"
    for names, known in (
        (kafka_not_modelled.PRODUCER_NAMES, kafka_not_modelled.PRODUCER),
        (kafka_not_modelled.CONSUMER_NAMES, kafka_not_modelled.CONSUMER),
    ):
        assert {key: known[key] for key in names} == {
            key: f"write {its!r}, its other name" for key, its in names.items()
        }


def test_a_key_of_one_client_is_read():
    assert {*JAVA_ONLY, *LIBRDKAFKA_ONLY} <= keys(KafkaProducer).keys()
