"""A Redis stream and its consumer groups, by the names of Redis's commands and their options.

XADD, XREADGROUP, XACK and XAUTOCLAIM: https://redis.io/docs/latest/commands/xadd/ (and so on);
groups and pending entries: https://redis.io/docs/latest/develop/data-types/streams/. Behaviour:
`src/t_stream.c` in redis/redis. What a client makes of the commands (how often it claims, what it
does about an entry that fails) is the application's; the keys for that are the lab's.

Of a group, the lab's "ready" messages are what `XINFO GROUPS` calls `lag`, and "in flight" what it
calls `pending`. There is no order between consumers: entries of one key go to whoever asks.

Not modelled: a crash of the server itself, which loses up to a second of XADDs with `appendfsync
everysec`, and more without AOF.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import (
    Distribution,
    Milliseconds,
    PositiveCount,
    PositiveSeconds,
    Seconds,
)
from sim.scenario.products.base import Ceilings, LogReaders, Name, ProductSystem
from sim.scenario.products.bullmq import REDIS_ONE_WAY
from sim.scenario.products.not_modelled import NotModelled


class StreamAdd(Config):
    """Options of XADD: which entries go when one is added, read or not (RT-01)."""

    not_modelled = NotModelled("redis_streams", "XADD")

    maxlen: PositiveCount | None = Field(default=None, alias="MAXLEN")
    """The stream keeps so many of the latest entries; null: all."""
    minid: PositiveSeconds | None = Field(default=None, alias="MINID")
    """It keeps those that were added no longer ago than this: the threshold that the producer
    computes from its clock; null: all."""
    approximate: bool = False
    """`~`: only whole nodes of the stream go, which have `stream-node-max-entries`. Redis's own
    default is `=`; redis-py's is `~` (https://redis.readthedocs.io/en/stable/commands.html)."""


class StreamNodes(Config):
    """redis.conf: how many entries a node of a stream has, at most
    (https://raw.githubusercontent.com/redis/redis/unstable/redis.conf)."""

    stream_node_max_entries: PositiveCount = Field(default=100, alias="stream-node-max-entries")
    """Entries."""
    stream_node_max_bytes: PositiveCount = Field(default=4096, alias="stream-node-max-bytes")
    """Bytes; a node has one entry at least."""


class StreamRead(Config):
    """Options of XREADGROUP with `>`: what nobody in the group has had yet."""

    not_modelled = NotModelled("redis_streams", "XREADGROUP")

    count: PositiveCount = Field(default=10, alias="COUNT")
    """Entries that a call is given at most: so many in the example of the documentation (Redis's
    own default is all that there are)."""
    block: Milliseconds | None = Field(default=2_000.0, alias="BLOCK")
    """A call that finds nothing waits so long, ms; 0: for ever. So long in the example of the
    documentation. Null, Redis's own default: it is answered at once, and comes again."""
    noack: bool = Field(default=False, alias="NOACK")
    """Entries are not put on the pending list: each counts as acknowledged when it is handed over,
    and goes with a consumer that dies."""


class StreamClaim(Config):
    """Options of XAUTOCLAIM, or of XPENDING and XCLAIM, and how often a consumer calls it."""

    not_modelled = NotModelled("redis_streams", "XAUTOCLAIM")

    min_idle_time: Milliseconds = Field(alias="min-idle-time")
    """ms since an entry was last delivered, after which it may be claimed, whatever its consumer
    does with it (RT-02)."""
    every: Seconds
    """A consumer claims first thing, and again before its next XREADGROUP once so much time has
    passed; 0: before each. One that waits in a call or works does not claim meanwhile."""
    count: PositiveCount = Field(default=100, alias="COUNT")
    """Entries that it claims at once at most."""


class StreamGroup(LogReaders):
    """A consumer group, which has a position of its own in the stream."""

    consumers: PositiveCount
    """Processes that read under a name each. They work on what they have been given one by one."""
    xreadgroup: StreamRead = Field(default=StreamRead(), alias="XREADGROUP")
    """How they read."""
    acks_at_once: PositiveCount = 1
    """Entries that are acknowledged by one XACK, at most; the rest of what a call had, at its
    end."""
    xautoclaim: StreamClaim | None = Field(default=None, alias="XAUTOCLAIM")
    """How they take over what others have pending; null: nobody does. Nothing in Redis does it by
    itself."""
    reads_own_pending: bool = True
    """A process that starts first reads what is pending under its name (ID 0 instead of `>`), as
    the example consumer of the documentation does (RT-03). false: it does not, or its name is new
    each time, as that of a pod is."""
    max_deliveries: PositiveCount | None = None
    """An entry that has been delivered so often (XPENDING tells) and is claimed or read again is
    put into a dead-letter stream and acknowledged instead; null: never."""
    on_failure: Literal["pending", "ack", "dead-letter"] = "pending"
    """When a handler raises: the entry is not acknowledged and stays pending, until somebody takes
    it over; it is acknowledged and so dropped; or put into a dead-letter stream first."""

    @property
    def members(self) -> int:
        """How many consumers."""
        return self.consumers


class StreamLatency(Config):
    """Time between clients and Redis, one way, where no measurement of your own is given."""

    publish: Distribution = REDIS_ONE_WAY
    """From XADD until the entry is there."""
    read: Distribution = REDIS_ONE_WAY
    """Of a call that reads or claims: there, and the same back."""
    ack: Distribution = REDIS_ONE_WAY
    """Of XACK: there, and the same back, for which a consumer waits."""


COMMAND_S = 1.0 / 74_239.05
"""Redis's time for a command that is not pipelined, from its documentation's own figure of 74,239
SET a second (https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/benchmarks/).
"""


class StreamCeilings(Ceilings):
    """What Redis can do at most: it runs one command after the other, in one thread."""

    publish: Seconds = COMMAND_S
    """Redis's time for an XADD."""
    read: Seconds = COMMAND_S
    """Redis's time for an XREADGROUP that finds something."""
    ack: Seconds = COMMAND_S
    """Redis's time for an XACK."""


class RedisStreamsSystem(ProductSystem):
    """A stream with its consumer groups; every message is an entry."""

    readers_at: ClassVar[str] = "groups"

    product: Literal["redis_streams"]
    """`redis_streams`"""
    groups: dict[Name, StreamGroup] = Field(min_length=1)
    """Consumer groups."""
    xadd: StreamAdd = Field(default=StreamAdd(), alias="XADD")
    """How entries are added."""
    config: StreamNodes = StreamNodes()
    """redis.conf."""
    latency: StreamLatency = StreamLatency()
    """Network."""
    ceilings: StreamCeilings = StreamCeilings()
    """What Redis can do at most, for each group by itself; off: anything."""

    @property
    def readers(self) -> Mapping[str, StreamGroup]:
        """The groups by name."""
        return self.groups

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys of pending entries where there are none, and of a trimming that is not asked for."""
        trims = self.xadd.maxlen is not None or self.xadd.minid is not None
        if not trims and self.xadd.approximate:
            yield ("XADD", "approximate"), "has an effect only with 'MAXLEN' or 'MINID'"
        for key in ("stream-node-max-entries", "stream-node-max-bytes"):
            if self.config.given(key) and not (trims and self.xadd.approximate):
                yield ("config", key), "has an effect only where XADD trims with 'approximate'"
        for name, group in self.groups.items():
            at = ("groups", name)
            if group.xreadgroup.noack:
                for key in ("XAUTOCLAIM", "reads_own_pending", "max_deliveries", "acks_at_once"):
                    if group.given(key):
                        yield (*at, key), "has no effect with 'NOACK': nothing is pending"
                if group.on_failure != "pending":
                    yield (*at, "on_failure"), "has no effect with 'NOACK': nothing is pending"
            elif group.max_deliveries is not None and not self._again(group):
                why = "has no effect: without 'XAUTOCLAIM' nothing is delivered again"
                yield (*at, "max_deliveries"), why

    @staticmethod
    def _again(group: StreamGroup) -> bool:
        return group.xautoclaim is not None or group.reads_own_pending
