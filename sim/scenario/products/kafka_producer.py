"""A producer of Apache Kafka by its own keys: what each is by default, and what a client refuses.

Java: `ProducerConfig` and `KafkaProducer` in apache/kafka 4.0 (`linger.ms` 5 since KIP-1030),
documented at https://kafka.apache.org/documentation/#producerconfigs. librdkafka, and with it
confluent-kafka: CONFIGURATION.md and `rdkafka_conf.c` in confluentinc/librdkafka 2. What a client
refuses was seen with confluent-kafka 2.16 and read in Java's source.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Annotated, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator

from sim.foundation.config import Config, Refusal, RefusedError
from sim.foundation.units import (
    Bytes,
    Count,
    Milliseconds,
    MillisecondsOrUnlimited,
    PositiveBytes,
    PositiveCount,
    PositiveMilliseconds,
    Seconds,
    shown,
)
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.kafka_membership import metadata_key_of, metadata_s_of

MOST_IN_FLIGHT_IDEMPOTENT = 5
"""Requests of an idempotent producer in flight, at most: brokers remember so many batches."""

_RETRIES = 2_147_483_647
_RETRY_BACKOFF_MS = 100.0
_RETRY_BACKOFF_MAX_MS = 1_000.0
_REQUEST_TIMEOUT_MS = 30_000.0
_TRANSACTION_TIMEOUT_MS = 60_000.0
_KIB = 1_024


class _Defaults(NamedTuple):
    """What differs between the clients; of other keys, the defaults are the same."""

    batch_bytes: int
    batch_records: int | None
    buffer_bytes: int
    buffer_records: int | None
    block_ms: float
    delivery_timeout_ms: float
    in_flight: int
    idempotent: bool


_DEFAULTS: Mapping[str, _Defaults] = {
    "java": _Defaults(
        batch_bytes=16_384,
        batch_records=None,
        buffer_bytes=33_554_432,
        buffer_records=None,
        block_ms=60_000.0,
        delivery_timeout_ms=120_000.0,
        in_flight=5,
        idempotent=True,
    ),
    "librdkafka": _Defaults(
        batch_bytes=1_000_000,
        batch_records=10_000,
        buffer_bytes=1_048_576 * _KIB,
        buffer_records=100_000,
        block_ms=0.0,
        delivery_timeout_ms=300_000.0,
        in_flight=1_000_000,
        idempotent=False,
    ),
}

JAVA_ONLY = ("buffer.memory", "max.block.ms")
"""Keys that librdkafka does not have."""
LIBRDKAFKA_ONLY = (
    "batch.num.messages", "queue.buffering.max.kbytes", "queue.buffering.max.messages",
    "topic.metadata.refresh.interval.ms",
)  # fmt: skip
"""Keys that Java's client does not have."""

_INSTEAD = {
    "buffer.memory": "its buffer has 'queue.buffering.max.kbytes'",
    "max.block.ms": "when its buffer is full, it raises BufferError at once",
}

_WITHOUT_FAILURES = (
    "client", "linger_ms", "batch_size", "metadata_max_age_ms",
    "topic_metadata_refresh_interval_ms", "first_metadata_refreshes",
)  # fmt: skip
"""Fields that matter where nothing fails, too."""

_T = TypeVar("_T")


def _or(given: _T | None, default: _T) -> _T:
    return default if given is None else given


class KafkaProducer(Config):
    """How the producer gathers records into batches, sends them and tries again.

    Without a `publisher` only `linger.ms`, `batch.size` and how often it asks for metadata have an
    effect: nothing fails then. Keys left out are at the defaults of the `client` (KafkaProducer of
    Kafka 4.0, or librdkafka 2 and confluent-kafka). What that client would refuse is an error.
    """

    not_modelled = kafka_not_modelled.PRODUCER

    client: Literal["java", "librdkafka"] = "java"
    """Whose client it is: defaults differ, and so does what a full buffer does."""
    linger_ms: Milliseconds = Field(default=5.0, alias="linger.ms")
    """How long a batch waits to fill, ms."""
    batch_size: Bytes | None = Field(default=None, alias="batch.size")
    """A batch of this many bytes goes at once; 0 sends each record alone (java 16384, librdkafka
    1,000,000)."""
    batch_num_messages: Annotated[PositiveCount, Field(le=1_000_000)] | None = Field(
        default=None, alias="batch.num.messages"
    )
    """librdkafka: so does a batch of this many records (10,000)."""
    buffer_memory: PositiveBytes | None = Field(default=None, alias="buffer.memory")
    """Java: bytes of records not yet acknowledged (32 MiB)."""
    queue_buffering_max_kbytes: PositiveCount | None = Field(
        default=None, alias="queue.buffering.max.kbytes"
    )
    """librdkafka: KiB of records not yet acknowledged (1,048,576)."""
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
    retry_backoff_max_ms: Milliseconds | None = Field(default=None, alias="retry.backoff.max.ms")
    """It doubles up to this, ms (1,000)."""
    request_timeout_ms: PositiveMilliseconds | None = Field(
        default=None, alias="request.timeout.ms"
    )
    """Wait for an answer, ms (30,000)."""
    delivery_timeout_ms: Milliseconds | None = Field(default=None, alias="delivery.timeout.ms")
    """A batch fails this long after it was begun, ms (java 120,000, and never less than linger.ms +
    request.timeout.ms; librdkafka 300,000, or that of the transaction; 0: without limit)."""
    max_in_flight: PositiveCount | None = Field(
        default=None, alias="max.in.flight.requests.per.connection"
    )
    """Requests without an answer (5; librdkafka, not idempotent, 1,000,000)."""
    enable_idempotence: bool | None = Field(default=None, alias="enable.idempotence")
    """The broker refuses repeats and gaps (java true, librdkafka false). It needs acks=all, retries
    and at most 5 requests in flight; a transaction implies it."""
    transaction_timeout_ms: PositiveMilliseconds | None = Field(
        default=None, alias="transaction.timeout.ms"
    )
    """A transaction that is open for longer is aborted, ms (60,000)."""
    transactional_id: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, alias="transactional.id"
    )
    """With `publisher: {order: transaction}`: the transactions' name, whose hash says which broker
    coordinates them. A new process with the same one aborts what the last one has left open. With
    Spring's `${random.uuid}` or another `${random.…}` in it, each process has one of its own, and
    what a dead one has left open is open until transaction.timeout.ms is over."""

    metadata_max_age_ms: PositiveMilliseconds | None = Field(
        default=None, alias="metadata.max.age.ms"
    )
    """Java: after this long, a client asks again which partitions there are, ms (300,000)."""
    topic_metadata_refresh_interval_ms: MillisecondsOrUnlimited | None = Field(
        default=None, alias="topic.metadata.refresh.interval.ms"
    )
    """librdkafka: likewise, ms (300,000); -1: never."""
    first_metadata_refreshes: Annotated[list[Seconds], Field(min_length=1)] | None = None
    """When clients ask first. Without a `publisher`: of so many producers, each of which sends a
    message in turn; null: of any number, each in a phase of its own. Of a `publisher`, the first;
    null: when it starts."""

    @model_validator(mode="after")
    def _client_starts(self) -> Self:
        refusals = [
            *self._keys_of_the_other(),
            *self._not_idempotent(),
            *self._no_time_to_deliver(),
            *self._no_room(),
        ]
        if refusals:
            raise RefusedError(refusals)
        return self

    def _keys_of_the_other(self) -> Iterator[Refusal]:
        given = {field.alias for name, field in type(self).model_fields.items() if self._has(name)}
        if self.client == "java":
            for key in LIBRDKAFKA_ONLY:
                if key in given:
                    yield Refusal(((key,),), "is a key of librdkafka; say 'client: librdkafka'")
        else:
            for key in JAVA_ONLY:
                if key in given:
                    yield Refusal(((key,),), f"librdkafka has no such key; {_INSTEAD[key]}")

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _not_idempotent(self) -> Iterator[Refusal]:
        """KP-12: Java drops an idempotence that is only its default for acks and retries."""
        found: Iterator[tuple[str, str]] = iter(())
        if self.enable_idempotence:
            found = self.against_idempotence("'enable.idempotence: true'")
        elif self.enable_idempotence is None and self.client == "java":
            found = self._too_many_in_flight("an idempotent producer, as Java's is by default,")
        for key, message in found:
            yield Refusal(((key,), ("enable.idempotence",)), message)

    def against_idempotence(self, who: str) -> Iterator[tuple[str, str]]:
        """What no idempotent producer can have (KP-12): key, and message.

        Args:
            who: what makes it idempotent, as the subject of the message.
        """
        if not self.acks_all:
            yield "acks", f"{who} needs 'acks: all', not {shown(self.acks)}"
        if self.retries == 0:
            yield "retries", f"{who} needs 'retries' of at least 1, not 0"
        yield from self._too_many_in_flight(who)

    def against_transaction(self, who: str) -> Iterator[tuple[str, str]]:
        """What no producer with a transactional.id can have (KP-16), as `against_idempotence`."""
        if self.enable_idempotence is False:
            yield "enable.idempotence", f"{who} needs 'enable.idempotence: true'"
        yield from self.against_idempotence(who)
        given_ms, most_s = self.delivery_timeout_ms, self.transaction_timeout_s
        if self.client == "librdkafka" and given_ms is not None and given_ms / 1e3 > most_s:
            yield (
                "delivery.timeout.ms",
                f"{who} needs 'delivery.timeout.ms' of at most transaction.timeout.ms "
                f"({most_s * 1e3:,.10g}), not {given_ms:,.10g}",
            )

    def _too_many_in_flight(self, who: str) -> Iterator[tuple[str, str]]:
        key, most = "max.in.flight.requests.per.connection", MOST_IN_FLIGHT_IDEMPOTENT
        if self.max_in_flight is not None and self.max_in_flight > most:
            yield key, f"{who} needs {key!r} of at most {most}, not {self.max_in_flight:,}"

    def _no_time_to_deliver(self) -> Iterator[Refusal]:
        given_ms = self.delivery_timeout_ms
        if given_ms is None:
            return
        linger, delivery = ("linger.ms",), ("delivery.timeout.ms",)
        if self.client == "java":
            least_ms = self.linger_ms + _or(self.request_timeout_ms, _REQUEST_TIMEOUT_MS)
            if given_ms < least_ms:
                yield Refusal(
                    (delivery, ("request.timeout.ms",), linger),
                    f"'delivery.timeout.ms' ({given_ms:,.10g}) must be at least "
                    f"linger.ms + request.timeout.ms ({least_ms:,.10g})",
                )
        elif 0.0 < given_ms <= self.linger_ms:
            # Where linger.ms is only the default, librdkafka would shorten it.
            yield Refusal(
                (delivery, linger),
                f"'delivery.timeout.ms' ({given_ms:,.10g}) must be more than linger.ms "
                f"({self.linger_ms:,.10g}), or 0: without limit",
            )

    def _no_room(self) -> Iterator[Refusal]:
        if self.client == "java" and self.batch_bytes > self.buffer_bytes:
            yield Refusal(
                (("buffer.memory",), ("batch.size",)),
                f"'buffer.memory' ({self.buffer_bytes:,} B) must have room for a batch, "
                f"'batch.size' ({self.batch_bytes:,} B): no record could be sent",
            )

    @property
    def of_failures(self) -> Sequence[str]:
        """Keys that were given and matter only when something fails or is full."""
        fields = type(self).model_fields
        return [
            field.alias or name
            for name, field in fields.items()
            if name in self.model_fields_set and name not in _WITHOUT_FAILURES
        ]

    # What is in effect.

    @property
    def metadata_key(self) -> str:
        """What its client calls the time between two refreshes of its metadata."""
        return metadata_key_of(self.client)

    @property
    def metadata_s(self) -> float:
        """Time between two refreshes of a client's metadata, s; inf: it asks only at its start."""
        java_ms, librdkafka_ms = self.metadata_max_age_ms, self.topic_metadata_refresh_interval_ms
        return metadata_s_of(self.client, java_ms, librdkafka_ms)

    @property
    def batch_bytes(self) -> int:
        """A batch of so many bytes goes at once; 0: each record alone."""
        return _or(self.batch_size, _DEFAULTS[self.client].batch_bytes)

    @property
    def batch_records(self) -> int | None:
        """So does one of so many records; None: there is no such limit."""
        return _or(self.batch_num_messages, _DEFAULTS[self.client].batch_records)

    @property
    def buffer_bytes(self) -> int:
        """Most bytes of records not yet acknowledged."""
        if self.queue_buffering_max_kbytes is not None:
            return self.queue_buffering_max_kbytes * _KIB
        return _or(self.buffer_memory, _DEFAULTS[self.client].buffer_bytes)

    @property
    def buffer_key(self) -> str:
        """The key that says so."""
        return "buffer.memory" if self.client == "java" else "queue.buffering.max.kbytes"

    @property
    def buffer_records(self) -> int | None:
        """Most records not yet acknowledged; None: there is no such limit."""
        return _or(self.queue_buffering_max_messages, _DEFAULTS[self.client].buffer_records)

    @property
    def block_s(self) -> float:
        """How long send() waits for room, s."""
        return _or(self.max_block_ms, _DEFAULTS[self.client].block_ms) / 1e3

    @property
    def acks_all(self) -> bool:
        """Whether the acknowledgement is that of all in-sync replicas."""
        return self.acks in (None, -1, "-1", "all")

    @property
    def acks_of(self) -> Literal[0, 1, -1]:
        """Whose acknowledgement counts: 0 nobody's, 1 the leader's, -1 all in-sync replicas'."""
        if self.acks_all:
            return -1
        return 1 if self.acks in (1, "1") else 0

    @property
    def most_retries(self) -> int:
        """How often a batch is sent again."""
        return _or(self.retries, _RETRIES)

    @property
    def backoff_s(self) -> float:
        """Wait before the first retry, s."""
        return _or(self.retry_backoff_ms, _RETRY_BACKOFF_MS) / 1e3

    @property
    def backoff_max_s(self) -> float:
        """Longest wait before a retry, s."""
        return _or(self.retry_backoff_max_ms, _RETRY_BACKOFF_MAX_MS) / 1e3

    @property
    def request_timeout_s(self) -> float:
        """Wait for an answer, s."""
        return _or(self.request_timeout_ms, _REQUEST_TIMEOUT_MS) / 1e3

    def delivery_timeout_s(self, transactional: bool = False) -> float:
        """From the beginning of a batch to its failing, s; infinite: it does not fail so.

        Args:
            transactional: as for `idempotent`; librdkafka's default is then the transaction's.
        """
        given_ms = self.delivery_timeout_ms
        if self.client == "java":
            least_ms = self.linger_ms + _or(self.request_timeout_ms, _REQUEST_TIMEOUT_MS)
            return max(_or(given_ms, _DEFAULTS[self.client].delivery_timeout_ms), least_ms) / 1e3
        if given_ms is None and transactional:
            return self.transaction_timeout_s
        timeout_ms = _or(given_ms, _DEFAULTS[self.client].delivery_timeout_ms)
        return timeout_ms / 1e3 if timeout_ms > 0.0 else inf

    @property
    def transaction_timeout_s(self) -> float:
        """A transaction that is open for longer is aborted, s."""
        return _or(self.transaction_timeout_ms, _TRANSACTION_TIMEOUT_MS) / 1e3

    @property
    def new_transactional_ids(self) -> bool:
        """Whether each process has a transactional.id of its own."""
        return "${random." in (self.transactional_id or "")

    def idempotent(self, transactional: bool = False) -> bool:
        """Whether the broker refuses repeats and gaps (KP-12).

        Args:
            transactional: whether it has a transactional.id, which implies it (KP-16).
        """
        if transactional:
            return True
        if self.enable_idempotence is not None:
            return self.enable_idempotence
        return _DEFAULTS[self.client].idempotent and self.acks_all and self.retries != 0

    def in_flight(self, transactional: bool = False) -> int:
        """Requests without an answer that a connection has at most; as for `idempotent`."""
        if self.max_in_flight is None and self.idempotent(transactional):
            return MOST_IN_FLIGHT_IDEMPOTENT
        return _or(self.max_in_flight, _DEFAULTS[self.client].in_flight)
