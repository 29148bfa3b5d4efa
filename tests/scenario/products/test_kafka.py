"""A Kafka system as a whole: what its parts refuse together, and what faults can strike in it."""

import pytest
from pydantic import ValidationError

from sim.foundation.config import RefusedError
from sim.scenario.products.kafka import KafkaSystem

READERS = {"consumers": 1, "does": ["work"]}


def kafka(**keys):
    return KafkaSystem.model_validate(
        {"product": "kafka", "topic": {"partitions": 1}, "groups": {"readers": READERS}, **keys}
    )


def refusals(**keys):
    with pytest.raises(ValidationError) as raised:
        kafka(**keys)
    (detail,) = raised.value.errors()
    error = detail["ctx"]["error"]
    assert isinstance(error, RefusedError)
    return [(refusal.keys[0], refusal.message) for refusal in error.refusals]


def test_replicas_need_brokers_and_those_in_sync_are_among_them():
    topic = {"partitions": 1, "replication.factor": 4, "min.insync.replicas": 5}
    assert refusals(topic=topic) == [
        (("topic", "replication.factor"),
         "'replication.factor' 4 needs as many brokers; there are 3"),
        (("topic", "min.insync.replicas"),
         "'min.insync.replicas' 5 must not exceed 'replication.factor', 4"),
    ]  # fmt: skip
    assert kafka(topic={**topic, "min.insync.replicas": 4}, brokers={"count": 4}).ahead == {}


def test_a_publisher_and_its_brokers_can_be_struck():
    system = kafka(publisher={"alarm_over": 7}, brokers={"count": 5})
    assert system.ahead == {"publisher": 1, "broker": 5}
    assert system.publishing.alarm_over == 7
    assert kafka().publishing is None


def test_a_share_group_stands_elsewhere_and_cannot_seek():
    system = kafka(share_groups={"shared": READERS})
    assert system.place_of("readers") == ("groups", "readers")
    assert system.place_of("shared") == ("share_groups", "shared")
    assert system.no_seek("readers") is None
    assert system.no_seek("shared") == (
        "is a share group, whose start offset the lab does not move"
    )


def test_keys_of_failures_have_an_effect_only_with_a_publisher():
    keys = {"client": "librdkafka", "linger.ms": 1, "batch.size": 2, "retries": 3, "acks": 1}
    assert [path for path, _ in kafka(producer=keys).without_effect()] == [
        ("producer", "acks"), ("producer", "retries"),
    ]  # fmt: skip
    assert not list(kafka(producer=keys, publisher={}).without_effect())


def test_a_message_fits_into_the_buffer_of_the_publisher():
    keys = {"client": "librdkafka", "queue.buffering.max.kbytes": 2}
    assert not list(kafka(producer=keys, publisher={}).too_small_for(2_048))
    assert not list(kafka(producer=keys).too_small_for(2_049))
    (refusal,) = kafka(producer=keys, publisher={}).too_small_for(2_049)
    assert refusal.keys == (("producer", "queue.buffering.max.kbytes"),)
    assert refusal.message == (
        "'queue.buffering.max.kbytes' (2,048 B) must have room for a message, "
        "workload.size (2,049 B)"
    )


IN_TRANSACTIONS = {"order": "transaction"}


def test_KP_20_a_transaction_cannot_ask_for_longer_than_brokers_grant():
    keys = {"transaction.timeout.ms": 60_001}
    brokers = {"transaction.max.timeout.ms": 60_000}
    found = refusals(producer=keys, brokers=brokers, publisher=IN_TRANSACTIONS)
    message = (
        "'transaction.timeout.ms' (60,001) must be at most 'transaction.max.timeout.ms' (60,000)"
    )
    assert found == [(("producer", "transaction.timeout.ms"), message)]
    assert kafka(producer=keys, brokers=brokers, publisher={})
    assert kafka(producer={"transaction.timeout.ms": 900_000}, publisher=IN_TRANSACTIONS)


def test_keys_of_transactions_have_an_effect_only_with_one():
    keys = {
        "producer": {"transactional.id": "a", "transaction.timeout.ms": 1_000},
        "brokers": {"transaction.abort.timed.out.transaction.cleanup.interval.ms": 5_000},
    }
    publisher = {"on_fenced": "exit", "restart_after": 1}  # exit is the default: not as given
    without = kafka(publisher=publisher, **keys).without_effect()
    assert [path for path, _ in without] == [
        ("producer", "transactional.id"), ("producer", "transaction.timeout.ms"),
        ("publisher", "restart_after"),
        ("brokers", "transaction.abort.timed.out.transaction.cleanup.interval.ms"),
    ]  # fmt: skip
    assert not list(kafka(publisher=publisher | IN_TRANSACTIONS, **keys).without_effect())
    replaced = {**publisher, **IN_TRANSACTIONS, "on_fenced": "replace"}
    assert list(kafka(publisher=replaced).without_effect()) == [
        (("publisher", "restart_after"), "has an effect only with 'on_fenced: exit'")
    ]


def test_KC_19_share_groups_of_a_topic_read_alike():
    levels = ("read_committed", "read_uncommitted")
    shared = {level: {**READERS, "share.isolation.level": level} for level in levels}
    with pytest.raises(ValidationError, match=r"have one 'share\.isolation\.level' in the lab"):
        kafka(share_groups=shared)
    shared.pop("read_uncommitted")
    without = kafka(share_groups=shared, publisher={}).without_effect()
    assert [path for path, _ in without] == [
        ("share_groups", "read_committed", "share.isolation.level")
    ]
    assert not list(kafka(share_groups=shared, publisher=IN_TRANSACTIONS).without_effect())
