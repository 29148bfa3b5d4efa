"""Keys of Kafka without effect here that files tell clients apart by, and other names of keys.

What they are, and why each has no effect, stands in `kafka_not_modelled.yaml`.
"""

from sim.scenario.products.not_modelled import NotModelled

_LIBRDKAFKA = ("librdkafka functions", "librdkafka clients")

PRODUCER = NotModelled(
    "kafka", "security", "clients", "producer", *_LIBRDKAFKA, "librdkafka producer"
)
"""Of the producer."""
CONSUMER = NotModelled(
    "kafka", "security", "clients", "group", "consumer", *_LIBRDKAFKA, "librdkafka consumer"
)
"""Of a consumer group and of its consumers."""
SHARE = NotModelled("kafka", "security", "clients", "group", "share")
"""Of a share group and of its consumers."""
TOPIC = NotModelled("kafka", "topic")
"""Of the topic."""
BROKER = NotModelled("kafka", "security", "brokers")
"""Of brokers."""
LIBRDKAFKA_PRODUCER = NotModelled("kafka", "librdkafka clients", "librdkafka producer")
"""Of the producer, which only librdkafka has."""
LIBRDKAFKA_CONSUMER = NotModelled("kafka", "librdkafka clients", "librdkafka consumer")
"""Of the consumer, which only librdkafka has."""

PRODUCER_NAMES = {
    "max.in.flight": "max.in.flight.requests.per.connection",
    "message.send.max.retries": "retries",
    "message.timeout.ms": "delivery.timeout.ms",
    "queue.buffering.max.ms": "linger.ms",
    "request.required.acks": "acks",
}
"""librdkafka's own names of keys of the producer, and the names that the lab reads."""

CONSUMER_NAMES = {
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "fetch.wait.max.ms": "fetch.max.wait.ms",
}
"""Likewise of the consumer."""
