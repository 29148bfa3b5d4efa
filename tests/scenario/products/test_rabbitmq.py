"""RabbitMQ's arguments: defaults, and what the broker would refuse."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.rabbitmq import RabbitmqQueueArguments, RabbitmqSystem


def system(exchange, **queue):
    queues = {"q": {"consumers": 2, "does": ["job"], **queue}}
    return RabbitmqSystem.model_validate(
        {"product": "rabbitmq", "exchange": exchange, "queues": queues}
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x-delivery-limit": 5}, "'x-delivery-limit' is of quorum queues"),
        ({"x-queue-type": "quorum", "x-max-priority": 5}, "'x-max-priority' is of classic queues"),
        (
            {"x-queue-type": "quorum", "x-overflow": "reject-publish-dlx"},
            "a quorum queue knows no 'reject-publish-dlx'",
        ),
        (
            {"x-dead-letter-strategy": "at-least-once"},
            "needs 'x-queue-type: quorum' and 'x-overflow: reject-publish'",
        ),
        (
            {
                "x-queue-type": "quorum",
                "x-overflow": "reject-publish",
                "x-dead-letter-strategy": "at-least-once",
            },
            "needs a 'x-dead-letter-exchange'",
        ),
    ],
)
def test_arguments_belong_to_a_type_of_queue(arguments, said):
    with pytest.raises(ValidationError) as error:
        RabbitmqQueueArguments.model_validate(arguments)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("version", "queue_type", "said"),
    [
        (
            "4.3",
            "classic",
            "'x-consumer-timeout' is of quorum queues, from RabbitMQ 4.3; this is 4.3",
        ),
        (4.3, "quorum", None),
        ("4.2.7", "classic", None),
        ("3.11", "quorum", "'x-consumer-timeout' is known from RabbitMQ 3.12; this is 3.11"),
    ],
)
def test_RQ_06_which_queues_have_an_acknowledgement_timeout_is_by_version(
    version, queue_type, said
):
    arguments = {"x-queue-type": queue_type, "x-consumer-timeout": 60_000}
    given = {
        "product": "rabbitmq",
        "version": version,
        "queues": {"q": {"consumers": 1, "does": ["job"], "arguments": arguments}},
    }
    if said is None:
        assert RabbitmqSystem.model_validate(given).version == str(version)
    else:
        with pytest.raises(ValidationError) as error:
            RabbitmqSystem.model_validate(given)
        assert said in str(error.value)


def test_defaults_are_those_of_its_documentation():
    assert RabbitmqQueueArguments().model_dump(by_alias=True) == {
        "x-queue-type": "classic",
        "x-delayed-retry-type": "disabled",
        "x-dead-letter-strategy": "at-most-once",
        "x-overflow": "drop-head",
        "x-single-active-consumer": False,
    }
    made = system({})
    assert made.exchange.type == "fanout" and made.heartbeat == 60
    assert made.version == "4.3" and made.consumer_timeout == 1_800_000
    assert made.queues["q"].prefetch_count == 0 and made.producer.confirms
    assert made.readers["q"].members == 2


def test_a_queue_is_bound_unless_it_gets_everything_and_a_weight_is_a_number():
    with pytest.raises(ValidationError, match="queue 'q' needs 'bindings': the exchange is topic"):
        system({"type": "topic"})
    assert system({"type": "topic"}, bindings=["orders.#"]).queues["q"].bindings
    for wrong in ("x", "0"):
        with pytest.raises(ValidationError, match="is a weight, 1 or more, not"):
            system({"type": "x-consistent-hash"}, bindings=[wrong])
    assert system({"type": "x-consistent-hash"}, bindings=["3"])
