"""A producer of Apache Kafka 4.x by its own keys.

Defaults are those of `ProducerConfig` in apache/kafka (4.0; `linger.ms` 5 since KIP-1030),
documented at https://kafka.apache.org/documentation/#producerconfigs.
"""

from typing import Literal

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import Bytes, Count, Milliseconds, PositiveBytes, PositiveCount
from sim.scenario.products import kafka_keys


class KafkaProducer(Config):
    """How the producer gathers records into batches, sends them and tries again.

    Without a `publisher` only `linger.ms` and `batch.size` have an effect: nothing fails then. Keys
    left out are at the defaults of the `client` (KafkaProducer of Kafka 4.0, or librdkafka 2 and
    confluent-kafka).
    """

    not_modelled = dict.fromkeys(
        (*kafka_keys.PRODUCER, *kafka_keys.LIBRDKAFKA_PRODUCER), ""
    ) | kafka_keys.other_names(kafka_keys.PRODUCER_NAMES)

    client: Literal["java", "librdkafka"] = "java"
    """Whose client it is: defaults differ, and so does what a full buffer does."""
    linger_ms: Milliseconds = Field(default=5.0, alias="linger.ms")
    """How long a batch waits to fill, ms."""
    batch_size: Bytes | None = Field(default=None, alias="batch.size")
    """A batch of this many bytes goes at once; 0 sends each record alone (java 16384)."""
    buffer_memory: PositiveBytes | None = Field(default=None, alias="buffer.memory")
    """Java: bytes of records not yet acknowledged (32 MiB)."""
    queue_buffering_max_messages: PositiveCount | None = Field(
        default=None, alias="queue.buffering.max.messages"
    )
    """librdkafka: records not yet acknowledged (100,000)."""
    max_block_ms: Milliseconds | None = Field(default=None, alias="max.block.ms")
    """Java: how long send() waits for room, ms (60,000); librdkafka raises BufferError at once."""
    acks: Literal[0, 1, -1, "0", "1", "-1", "all"] | None = None
    """Whose acknowledgement counts: 0 nobody's, 1 the leader's, all the in-sync replicas' (all)."""
    retries: Count | None = None
    """How often a batch is sent again (2147483647: until the delivery timeout)."""
    retry_backoff_ms: Milliseconds | None = Field(default=None, alias="retry.backoff.ms")
    """Wait before the first retry, ms (100); it doubles."""
    request_timeout_ms: Milliseconds | None = Field(default=None, alias="request.timeout.ms")
    """Wait for an answer, ms (30,000)."""
    delivery_timeout_ms: Milliseconds | None = Field(default=None, alias="delivery.timeout.ms")
    """A batch fails this long after it was begun, ms (java 120,000, librdkafka 300,000)."""
    max_in_flight: PositiveCount | None = Field(
        default=None, alias="max.in.flight.requests.per.connection"
    )
    """Requests without an answer (java 5, librdkafka 1,000,000)."""
    enable_idempotence: bool | None = Field(default=None, alias="enable.idempotence")
    """The broker refuses repeats and gaps (java true, librdkafka false)."""

    @property
    def batch_bytes(self) -> int:
        """``batch.size``, or the client's default."""
        if self.batch_size is not None:
            return self.batch_size
        return 16_384 if self.client == "java" else 1_000_000
