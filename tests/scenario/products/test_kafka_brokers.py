"""The brokers' keys: defaults of Kafka, and the lab's own latencies."""

from sim.scenario.products.kafka_brokers import KafkaBrokers, KafkaLatency


def test_defaults_are_those_of_the_documentation():
    assert KafkaBrokers().model_dump(by_alias=True) == {
        "count": 3,
        "group.initial.rebalance.delay.ms": 3_000,
        "group.consumer.session.timeout.ms": 45_000,
        "group.consumer.heartbeat.interval.ms": 5_000,
        "log.retention.check.interval.ms": 300_000,
        "replicate": 0.002,
    }


def test_latencies_are_assumptions_in_seconds():
    latency = KafkaLatency()
    assert (latency.fetch, latency.commit, latency.rebalance) == (0.001, 0.003, 0.0)
    assert (latency.produce.kind, latency.produce.a, latency.produce.b) == (
        "lognormal",
        0.003,
        0.03,
    )
