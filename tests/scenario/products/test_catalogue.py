"""The products that a scenario can name, and what an editor shows of them."""

from typing import get_args

from sim.scenario.load import Scenario
from sim.scenario.products.catalogue import System


def test_each_product_is_named_by_its_own_word():
    of = {get_args(c.model_fields["product"].annotation): c for c in get_args(get_args(System)[0])}
    assert {words: c.__name__ for words, c in of.items()} == {
        ("bullmq",): "BullmqSystem",
        ("redis_streams",): "RedisStreamsSystem",
        ("rq",): "RqSystem",
        ("sidekiq",): "SidekiqSystem",
        ("celery",): "CelerySystem",
        ("kafka",): "KafkaSystem",
        ("kinesis",): "KinesisSystem",
        ("nats",): "NatsSystem",
        ("postgres",): "PostgresSystem",
        ("pubsub",): "PubsubSystem",
        ("rabbitmq",): "RabbitmqSystem",
        ("rabbitmq_stream",): "RabbitmqStreamSystem",
        ("sqs",): "SqsSystem",
    }


def test_an_editor_shows_names_of_the_domain_and_no_paths_of_modules():
    """Pydantic puts the path of the module before the name where two classes share it."""
    assert [name for name in Scenario.json_schema()["$defs"] if "__" in name] == []
