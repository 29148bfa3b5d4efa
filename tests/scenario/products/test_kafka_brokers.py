"""The brokers' keys: defaults of Kafka, and the lab's own latencies."""

import pytest

from sim.scenario.products.kafka_brokers import KafkaBrokers, KafkaLatency


def test_defaults_are_those_of_the_documentation():
    assert KafkaBrokers().model_dump(by_alias=True) == {
        "count": 3,
        "errors.deadletterqueue.topic.name.prefix": "dlq.",
        "group.initial.rebalance.delay.ms": 3_000,
        "group.consumer.session.timeout.ms": 45_000,
        "group.consumer.heartbeat.interval.ms": 5_000,
        "log.retention.check.interval.ms": 300_000,
        "offsets.retention.minutes": 10_080,
        "offsets.retention.check.interval.ms": 600_000,
        "transaction.max.timeout.ms": 900_000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 10_000,
        "replicate": 0.0005,
        "writeback": {"dirty_expire": 30.0, "dirty_writeback": 5.0},
    }


def test_latencies_are_those_of_the_benchmark_in_seconds():
    latency = KafkaLatency()
    assert (latency.fetch, latency.commit, latency.rebalance) == (0.001, 0.002, 0.0)
    given = latency.produce.quantiles
    assert (given["p50"], given["p99"], given["p99.9"]) == (0.002146, 0.004349, 0.017392)
    # The run's average, 2.309 ms, is not among the quantiles.
    assert latency.produce.mean_s() == pytest.approx(0.002309, rel=0.02)
