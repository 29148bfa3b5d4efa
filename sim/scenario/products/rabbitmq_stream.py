"""RabbitMQ streams and super streams (RQ-12), by the names of queue arguments and the Java client.

Defaults: https://www.rabbitmq.com/docs/streams; `StreamProducerBuilder` and `StreamConsumerBuilder`
in rabbitmq/rabbitmq-stream-java-client (0.2x); `osiris_log` and `osiris_retention` in
rabbitmq/osiris. Latencies: see `PUBLISH`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import (
    BytesOrUnlimited,
    Distribution,
    Milliseconds,
    PositiveBytes,
    PositiveCount,
    PositiveSeconds,
    Seconds,
    by_quantiles,
    seconds,
    shown,
)
from sim.scenario.products.base import LogReaders, Name, OnFailure, ProductSystem
from sim.scenario.products.not_modelled import NotModelled

_UNITS_S = {"Y": 31_536_000, "M": 2_592_000, "D": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGE = re.compile(rf"(\d+)([{''.join(_UNITS_S)}])")
_TIMESTAMP = "timestamp:"


def age_s(text: str) -> float:
    """Seconds of an age as RabbitMQ writes it: of ``7D`` 604,800; ``M`` are months, ``m`` minutes.

    Raises:
        ValueError: it is not a number and one of Y, M, D, h, m, s.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a number and one of Y, M, D, h, m, s, not {shown(text)}")
    return float(found[1]) * _UNITS_S[found[2]]


def _age(value: Any) -> Any:
    age_s(str(value))
    return value


Age = Annotated[
    str, BeforeValidator(_age), WithJsonSchema({"type": "string", "pattern": f"^{_AGE.pattern}$"})
]
"""A value of `x-max-age`."""

Where = Literal["first", "last", "next", "offset", "timestamp", "interval"]
_WORDS: Mapping[str, Where] = {"first": "first", "last": "last", "next": "next"}


def specification(text: str) -> tuple[Where, float]:
    """What `x-stream-offset` says, and its number: an offset, a time, or an age, s.

    Raises:
        ValueError: it says nothing that is known.
    """
    if text in _WORDS:
        return _WORDS[text], 0.0
    if text.isdigit():
        return "offset", float(text)
    if text.startswith(_TIMESTAMP):
        return "timestamp", seconds(text.removeprefix(_TIMESTAMP))
    if _AGE.fullmatch(text):
        return "interval", age_s(text)
    raise ValueError(
        "expected first, last, next, an offset, an interval such as 10m (Y, M, D, h, m, s) or "
        f"timestamp:<time of the run>, not {shown(text)}"
    )


def _offset(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        specification(text)
    return text


OffsetSpecification = Annotated[
    str,
    BeforeValidator(_offset),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {
                    "type": "string",
                    "pattern": rf"^(first|last|next|\d+|{_AGE.pattern}|{_TIMESTAMP}.+)$",
                },
            ]
        }
    ),
]
"""A value of `x-stream-offset`."""


class RabbitmqSuperStream(Config):
    """The stream, or the partitions of the super stream, that every message goes to."""

    not_modelled = NotModelled("rabbitmq", "stream")

    partitions: PositiveCount = 1
    """Streams that make up a super stream; 1: a plain stream. Each has one active consumer in a
    group."""
    max_age: Age | None = Field(default=None, alias="x-max-age")
    """Segments go when their newest message is older than this: 7D, 1h, 30m (M: months), looked at
    whenever a segment is full, and once an hour; null: never."""
    max_length_bytes: BytesOrUnlimited = Field(default=-1, alias="x-max-length-bytes")
    """Oldest segments go while a stream has more bytes, looked at whenever a segment is full;
    -1: never."""
    max_segment_size_bytes: PositiveBytes = Field(
        default=500_000_000, alias="x-stream-max-segment-size-bytes"
    )
    """A segment has at most this many bytes (500 MB). The last one is always kept. Segments that
    are full by their number of chunks (256,000) are not modelled."""


class RabbitmqStreamProducer(Config):
    """The publishers: one client, which gathers messages for each partition."""

    not_modelled = NotModelled("rabbitmq", "stream producer")

    batch_size: PositiveCount = Field(default=100, alias="batchSize")
    """Most messages of one publish, counted in messages of mean size."""
    batch_publishing_delay: Milliseconds = Field(default=100.0, alias="batchPublishingDelay")
    """How long a message waits for others, ms."""
    dynamic_batch: bool = Field(default=False, alias="dynamicBatch")
    """Publish at once, without `batchPublishingDelay`."""


class RabbitmqStreamConsumers(LogReaders):
    """Consumers of one name, with single active consumer.

    Each partition has one active consumer, the others stand by; a super stream's are shared out by
    partition number, modulo the number of consumers, in the order in which they subscribed. When
    one comes or goes, only partitions whose active consumer changes stop for a moment. Consumers
    without single active consumer read everything each: make a group for each of them.
    """

    not_modelled = NotModelled("rabbitmq", "stream consumers")

    consumers: PositiveCount
    """Processes, each with one thread for all of its partitions."""
    on_failure: OnFailure = OnFailure()
    """What the application does when its handler raises."""
    joins_at: Seconds = 0.0
    """When its consumers are started; the stream is empty at 0."""
    stream_offset: OffsetSpecification = Field(default="next", alias="x-stream-offset")
    """Where consumers that `joins_at` later begin: first; last (the last chunk: what got into the
    stream at once); next: what comes after; an offset in each partition; an interval back from then
    such as 10m; or timestamp:<time of the run>. An offset that is not there is the nearest. It
    counts as stored from then on."""
    tracking: Literal["automatic", "manual"] = "automatic"
    """automatic: every `flushInterval`, the client stores what it has processed; manual: the
    program stores offsets, and does not wait for the answer."""
    flush_interval: PositiveSeconds = Field(default=5.0, alias="flushInterval")
    """automatic: from one storing of offsets to the next."""
    store: Literal["after", "before"] = "after"
    """manual: whether a message's offset is stored after it is processed, or before."""
    store_every: PositiveCount = 1
    """manual: after so many messages; or fewer, when no more are there."""
    initial_credits: PositiveCount = Field(default=10, alias="initialCredits")
    """Chunks (each of up to `batchSize` messages) that the broker sends ahead; a processed one
    is replaced."""

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


PUBLISH = by_quantiles(p50=0.005, p75=0.006, p95=0.008, p99=0.009)
"""RabbitMQ's own Stream PerfTest, in its documentation
(https://github.com/rabbitmq/rabbitmq-stream-perf-test, src/docs/asciidoc/common-usage.adoc): from a
publish to its consumer, one node, 1.8 million msg/s. It publishes nothing below the highest rate,
so that these are rather too long."""


class RabbitmqStreamLatency(Config):
    """Time spent between clients and broker, where no measurement of your own is given."""

    publish: Distribution = PUBLISH
    """From a publish to its messages being readable: replicated to a majority. Median 5 ms, p99 9
    ms, as Stream PerfTest's documentation shows of one node at its highest rate."""
    deliver: Seconds = 0.0005
    """From a message being readable to the consumer having it (an assumption)."""
    activate: PositiveSeconds = 0.010
    """For the broker to tell a consumer that it is active, or not any more, and the answer (an
    assumption)."""


class RabbitmqStreamSystem(ProductSystem):
    """A stream or super stream, its publishers and its consumers."""

    readers_at: ClassVar[str] = "groups"
    partitions_at: ClassVar[KeyPath] = ("stream", "partitions")

    product: Literal["rabbitmq_stream"]
    """`rabbitmq_stream`"""
    stream: RabbitmqSuperStream = RabbitmqSuperStream()
    """The stream."""
    partition_key: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions of `workload.keys` that make up the routing key (with a lifecycle, `state` too),
    whose MurmurHash3 chooses the partition; null: a random one a message."""
    producer: RabbitmqStreamProducer = RabbitmqStreamProducer()
    """The publishers."""
    groups: dict[Name, RabbitmqStreamConsumers] = Field(min_length=1)
    """Consumers by the name under which they store offsets; each name reads every message."""
    heartbeat: PositiveSeconds = 60.0
    """A connection on which nothing came for this long is closed; a process that ends closes its
    own at once."""
    latency: RabbitmqStreamLatency = RabbitmqStreamLatency()
    """Network and broker."""

    @property
    def partitions(self) -> int:
        """Of its log."""
        return self.stream.partitions

    @property
    def readers(self) -> Mapping[str, RabbitmqStreamConsumers]:
        """The groups by name."""
        return self.groups
