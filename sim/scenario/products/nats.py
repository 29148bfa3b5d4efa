"""NATS JetStream: a stream and its consumers, by the fields of the API, and their clients.

Fields of a stream and of a consumer: https://docs.nats.io/nats-concepts/jetstream/streams and
…/consumers; `StreamConfig` in `server/stream.go` and `ConsumerConfig` in `server/consumer.go` of
nats-io/nats-server (read at 2.15.0-dev), which the behaviour is from as well. Durations are the
command line's (`30s`): the API's JSON has nanoseconds, and a number that can only be that is
refused. What a client fetches is of nats.go's `jetstream/pull.go`; the latencies are the lab's
assumptions.

A consumer is what the server keeps, and subscribers are the processes that it hands messages to.
There is no order between them, but with `max_ack_pending: 1`.

Not modelled: a crash of the server, which loses what was not yet synced (`sync_interval`, 2
minutes), and push consumers.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import Distribution, PositiveCount, PositiveSeconds, Seconds, lognormal
from sim.scenario.products.base import LogReaders, Name, ProductSystem
from sim.scenario.products.not_modelled import NotModelled

_MOST_S = 1e8
"""Three years: more than a duration of NATS has, and less than its nanoseconds."""


def _no_nanoseconds(value_s: float) -> float:
    if value_s > _MOST_S:
        raise ValueError(f"is {value_s / 1e9:g} s in nanoseconds: write '{value_s / 1e9:g}s'")
    return value_s


Duration = Annotated[Seconds, AfterValidator(_no_nanoseconds)]
"""0 or more, s."""
PositiveDuration = Annotated[PositiveSeconds, AfterValidator(_no_nanoseconds)]
"""More than 0, s."""


class NatsStream(Config):
    """`StreamConfig`: how long messages stay, with the retention policy `limits`."""

    not_modelled = NotModelled("nats", "stream")

    max_age: Duration = 0.0
    """A message goes so long after it was stored, acknowledged or not; 0, the default: never."""
    max_msgs: Annotated[int, Field(ge=-1)] = -1
    """The stream keeps so many of the latest messages, acknowledged or not (`discard: old`); -1,
    the default: all."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.max_msgs == 0:
            raise ValueError("'max_msgs' is -1, for all, or at least 1")
        return self


class NatsConsume(Config):
    """`Consume` and `Messages` of newer clients: the server sends to a subscriber up to so many."""

    max_messages: PositiveCount = Field(default=500, alias="MaxMessages")
    """Messages that a subscriber holds at most beside the one in work; their `ack_wait` runs.
    (`DefaultMaxMessages` of nats.go, which asks for more once half are taken up; here, once one
    is.)"""


class NatsFetch(Config):
    """`Fetch` of a client: a batch, which it works through before it asks again."""

    batch: PositiveCount = 1
    """Messages that it asks for at most (nats.py's default)."""
    expires: PositiveDuration = 5.0
    """It waits so long for the first (nats.py's `timeout`)."""


class NatsConsumer(LogReaders):
    """`ConsumerConfig` of a pull consumer, and its subscribers."""

    not_modelled = NotModelled("nats", "consumer")

    subscribers: PositiveCount
    """Processes that messages of this consumer go to. Each works on one after the other."""
    ack_policy: Literal["explicit", "none"] = "explicit"
    """`none`: a message counts as acknowledged when it is sent (NJ-05)."""
    ack_wait: PositiveDuration = 30.0
    """A message that is not acknowledged for so long after it was sent comes again (NJ-01)."""
    max_deliver: Annotated[int, Field(ge=-1)] = -1
    """A message that was sent so often and comes back is given up: it stays in the stream, and an
    advisory says so; here it counts as dead-lettered (NJ-03). -1, the default: never."""
    max_ack_pending: Annotated[int, Field(ge=-1)] = 1_000
    """Messages that are sent and not acknowledged, over all subscribers: at so many, the server
    sends no new one (NJ-02). -1: any number."""
    consume: NatsConsume | None = None
    """Messages are sent ahead. Without either, it is this."""
    fetch: NatsFetch | None = None
    """Messages are fetched, batch by batch."""
    on_failure: Literal["nak", "none", "term"] = "nak"
    """When a handler raises: the message comes again at once (`nak`) or after `nak_delay`; after
    `ack_wait` (`none`); or never, and counts as dead-lettered (`term`) (NJ-04)."""
    nak_delay: Duration = 0.0
    """`NakWithDelay`: so long; meanwhile it is still pending."""
    in_progress: PositiveDuration | None = None
    """With `fetch`: a subscriber calls `InProgress` for all that it has in hand this often, and
    `ack_wait` begins anew; null: never."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.consume is not None and self.fetch is not None:
            raise ValueError("takes either 'consume' or 'fetch'")
        if self.in_progress is not None and self.fetch is None:
            raise ValueError("'in_progress' is modelled with 'fetch' only")
        for key in ("max_deliver", "max_ack_pending"):
            if getattr(self, key) == 0:
                raise ValueError(f"{key!r} is -1, for no limit, or at least 1")
        return self

    @property
    def members(self) -> int:
        """How many subscribers."""
        return self.subscribers

    @property
    def asks(self) -> int:
        """Messages that a subscriber asks for at most."""
        if self.fetch is not None:
            return self.fetch.batch
        return (self.consume or NatsConsume()).max_messages

    @property
    def most(self) -> int:
        """Messages that a subscriber has in hand at most: of what is sent ahead, one is in work."""
        return self.asks if self.fetch is not None else self.asks + 1


class NatsLatency(Config):
    """Duration of each call (assumptions of the lab: a server in the same data centre)."""

    publish: Distribution = lognormal(0.001, 0.005)
    """Until a published message is stored."""
    deliver: Distribution = lognormal(0.001, 0.005)
    """Of a fetch, there and back; a message that is sent ahead takes half of it."""
    ack: Distribution = lognormal(0.001, 0.005)
    """Of an acknowledgement, there and back; nobody waits for it."""


class NatsSystem(ProductSystem):
    """A stream with its consumers, each of which gets every message."""

    readers_at: ClassVar[str] = "consumers"

    product: Literal["nats"]
    """`nats`"""
    stream: NatsStream = NatsStream()
    """The stream."""
    consumers: dict[Name, NatsConsumer] = Field(min_length=1)
    """Consumers, each with its subscribers."""
    latency: NatsLatency = NatsLatency()
    """Duration of calls."""

    @property
    def readers(self) -> Mapping[str, NatsConsumer]:
        """The consumers by name."""
        return self.consumers

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of what is pending where nothing is, and of a delay that is not asked for."""
        for name, its in self.consumers.items():
            at = self.place_of(name)
            if its.ack_policy == "none":
                for key in ("ack_wait", "max_deliver", "max_ack_pending", "in_progress"):
                    if its.given(key):
                        yield (
                            (*at, key),
                            "has no effect with 'ack_policy: none': nothing is pending",
                        )
            if its.nak_delay and its.on_failure != "nak":
                yield (*at, "nak_delay"), "has an effect only with 'on_failure: nak'"
