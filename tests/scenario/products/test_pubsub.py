"""Fields of Pub/Sub: their defaults, what contradicts itself, and what has no effect."""

from math import inf

import pytest
from pydantic import ValidationError

from sim.scenario.products.pubsub import (
    PubsubSubscription,
    PubsubSystem,
    PubsubTopic,
    held,
    kept_s,
    retained_s,
    retried_s,
)

MIB = 1024 * 1024


def subscription(**fields):
    return PubsubSubscription.model_validate({"subscribers": 1, "does": ["x"], **fields})


def system(publisher=None, **fields):
    return PubsubSystem.model_validate(
        {
            "product": "pubsub",
            "publisher": publisher or {},
            "subscriptions": {"s": {"subscribers": 1, "does": ["x"], **fields}},
        }
    )


def test_defaults_are_those_of_the_api_and_of_the_python_library():
    assert subscription().model_dump(by_alias=True) == {
        "subscribers": 1,
        "threads": 10,
        "does": ["x"],
        "ackDeadlineSeconds": 10,
        "flow_control": {
            "max_messages": 1_000,
            "max_bytes": 100 * MIB,
            "max_lease_duration": 3_600.0,
            "min_duration_per_lease_extension": 0.0,
            "max_duration_per_lease_extension": 0.0,
        },
        "enableMessageOrdering": False,
        "enableExactlyOnceDelivery": False,
        "messageRetentionDuration": 604_800.0,
        "retainAckedMessages": False,
    }
    policies = subscription(deadLetterPolicy={}, retryPolicy={})
    assert policies.dead_letter_policy.max_delivery_attempts == 5
    assert retried_s(policies) == (10.0, 600.0)
    assert retried_s(subscription()) == (0.0, inf)


@pytest.mark.parametrize(
    ("fields", "deadline_s"),
    [
        ({}, 10.0),
        ({"ackDeadlineSeconds": 90}, 10.0),
        ({"enableExactlyOnceDelivery": True}, 60.0),
        ({"flow_control": {"min_duration_per_lease_extension": 30}}, 30.0),
        (
            {
                "enableExactlyOnceDelivery": True,
                "flow_control": {"max_duration_per_lease_extension": 20},
            },
            20.0,
        ),
        ({"ackDeadlineSeconds": 90, "flow_control": {"max_lease_duration": 0}}, 90.0),
    ],
)
def test_PB_01_PB_02_whose_deadline_it_is(fields, deadline_s):
    assert subscription(**fields).deadline_s == deadline_s


@pytest.mark.parametrize(
    ("topic", "fields", "kept", "retained"),
    [
        ({}, {}, 0.0, 604_800.0),
        ({}, {"retainAckedMessages": True}, 604_800.0, 604_800.0),
        ({}, {"retainAckedMessages": True, "messageRetentionDuration": 900}, 900.0, 900.0),
        ({"messageRetentionDuration": 1_200}, {"messageRetentionDuration": 900}, 1_200.0, 1_200.0),
        ({"messageRetentionDuration": "1 d"}, {}, 86_400.0, 604_800.0),
    ],
)
def test_PB_08_what_is_acknowledged_is_kept_by_the_subscription_or_the_topic(
    topic, fields, kept, retained
):
    its, topic = subscription(**fields), PubsubTopic.model_validate(topic)
    assert (kept_s(its, topic), retained_s(its, topic)) == (kept, retained)


def test_PB_07_a_subscriber_holds_what_its_flow_control_lets_it():
    assert held(subscription(), 300) == 1_000
    assert held(subscription(), MIB) == 100
    assert held(subscription(flow_control={"max_bytes": "1 MiB"}), MIB) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ackDeadlineSeconds": 5}, "ackDeadlineSeconds"),
        ({"deadLetterPolicy": {"maxDeliveryAttempts": 4}}, "maxDeliveryAttempts"),
        ({"retryPolicy": {"minimumBackoff": 20, "maximumBackoff": 15}}, "more than"),
        ({"flow_control": {"min_duration_per_lease_extension": 5}}, "10 s to 600 s"),
        (
            {
                "flow_control": {
                    "min_duration_per_lease_extension": 60,
                    "max_duration_per_lease_extension": 20,
                }
            },
            "more than",
        ),
        ({"messageRetentionDuration": "5 min"}, "messageRetentionDuration"),
        ({"enableMessageOrdering": True}, "ordering_key"),
    ],
)
def test_wrong_values_give_one_clear_message(fields, words):
    with pytest.raises(ValidationError, match=words) as refused:
        system(**fields)
    assert refused.value.error_count() == 1


def test_keys_without_effect_are_told_of():
    def told(its):
        return [".".join(map(str, path)) for path, _ in its.without_effect()]

    assert told(system()) == []
    assert told(system({"ordering_key": ["k"]})) == ["publisher.ordering_key"]
    assert told(system(ackDeadlineSeconds=60)) == ["subscriptions.s.ackDeadlineSeconds"]
    none = {"max_lease_duration": 0, "max_duration_per_lease_extension": 60}
    assert told(system(ackDeadlineSeconds=60, flow_control=none)) == [
        "subscriptions.s.flow_control.max_duration_per_lease_extension"
    ]


def test_a_message_larger_than_all_that_may_be_held_is_refused():
    its = system(flow_control={"max_bytes": 1_000})
    assert len(list(its.too_small_for(2_000))) == 1
    assert list(its.too_small_for(1_000)) == []
