"""From the keys of a producer and its application to the constants of a client."""

from collections.abc import Mapping

from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_state_kernel as parts
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_publisher import Order, Publisher

_UNLIMITED = 1 << 60

_MODES: Mapping[Order, int] = {
    "produce": codes.PRODUCE,
    "commit-produce": codes.COMMIT_PRODUCE,
    "produce-flush-commit": codes.FLUSH_COMMIT,
    "transaction": codes.TRANSACTION,
}


def settings_of(
    producer: KafkaProducer,
    publisher: Publisher,
    commit_s: float,
    block_s: float,
    notice_s: float,
    abort_interval_s: float,
) -> parts.ClientSettings:
    """The constants of a client.

    Args:
        producer: configuration of the client.
        publisher: of the application.
        commit_s: round trip of a commit, s.
        block_s: how long send() waits for room, s.
        notice_s: from when a lost answer was due until the client sees a broken connection, s.
        abort_interval_s: time between two looks for transactions that are too old, s.
    """
    java, transactional = producer.client == "java", publisher.transactional
    idempotent = producer.idempotent(transactional)
    return parts.ClientSettings(
        mode=_MODES[publisher.order],
        poll_records=publisher.poll_records,
        auto_commit_s=publisher.auto_commit_s,
        commit_s=float(commit_s),
        flush_timeout_s=publisher.flush_timeout,
        check_flush=publisher.check_flush or transactional,
        transaction_timeout_s=producer.transaction_timeout_s,
        abort_interval_s=abort_interval_s,
        java=java,
        linger_s=producer.linger_ms / 1e3,
        batch_bytes=max(1, producer.batch_bytes),
        batch_records=producer.batch_records or _UNLIMITED,
        buffer_bytes=producer.buffer_bytes,
        buffer_records=producer.buffer_records or _UNLIMITED,
        block_s=block_s,
        acks=producer.acks_of,
        retries=producer.most_retries,
        backoff_s=producer.backoff_s,
        backoff_max_s=producer.backoff_max_s,
        request_timeout_s=producer.request_timeout_s,
        delivery_timeout_s=producer.delivery_timeout_s(transactional),
        max_in_flight=producer.in_flight(transactional),
        idempotent=idempotent,
        # librdkafka puts messages back by their number (rd_kafka_retry_msgq).
        in_order=idempotent or not java,
        notice_s=float(notice_s),
    )


def check_settings(settings: parts.ClientSettings, largest_bytes: int) -> None:
    """What the kernel takes for granted; a scenario that says otherwise was refused (KP-12)."""
    assert largest_bytes <= settings.buffer_bytes, "a record fits into the buffer"
    if settings.java:
        assert settings.batch_bytes <= settings.buffer_bytes, "a batch fits into the buffer"
    if settings.idempotent:
        assert settings.acks == -1 and settings.retries > 0
        assert settings.max_in_flight <= codes.RETAINED, "brokers remember no more"
    assert settings.flush_timeout_s > 0, "or it would flush for ever without time passing"
