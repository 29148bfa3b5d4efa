"""What a Kafka consumer may say of commits, rebalance protocols and assignors, and what it may not.

Sources: `ConsumerConfig`, `AbstractCoordinator` and `ConsumerCoordinator` in apache/kafka 4.0;
CONFIGURATION.md and `rdkafka_conf.c` in confluentinc/librdkafka 2.
"""

from collections.abc import Iterator
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sim.foundation.config import Config, Refusal

SESSION_TIMEOUT_MS = 45_000.0
"""`session.timeout.ms` by default."""
HEARTBEAT_INTERVAL_MS = 3_000.0
"""`heartbeat.interval.ms` by default."""

METADATA_MAX_AGE_MS = 300_000.0
"""`metadata.max.age.ms` of the Java clients by default, and `topic.metadata.refresh.interval.ms` of
librdkafka's."""

Strategy = Literal["range", "roundrobin", "sticky", "cooperative-sticky"]

_CLASSES = {
    "RangeAssignor": "range",
    "RoundRobinAssignor": "roundrobin",
    "StickyAssignor": "sticky",
    "CooperativeStickyAssignor": "cooperative-sticky",
}

_DEFAULTS: dict[str, list[Strategy]] = {
    "java": ["range", "cooperative-sticky"],
    "librdkafka": ["range", "roundrobin"],
}


def metadata_key_of(client: str) -> str:
    """What a client calls the time between two refreshes of its metadata."""
    return "metadata.max.age.ms" if client == "java" else "topic.metadata.refresh.interval.ms"


def metadata_s_of(client: str, java_ms: float | None, librdkafka_ms: float | None) -> float:
    """Time between two refreshes of a client's metadata, s; inf: it asks only at its start."""
    own_ms = librdkafka_ms if client == "librdkafka" else java_ms
    own_ms = METADATA_MAX_AGE_MS if own_ms is None else own_ms
    return inf if own_ms < 0 else own_ms / 1e3


def _strategies(value: Any) -> Any:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list):
        return value
    return [
        _CLASSES.get(name.strip().rpartition(".")[2], name.strip())
        if isinstance(name, str)
        else name
        for name in names
    ]


Strategies = Annotated[
    list[Strategy],
    BeforeValidator(_strategies),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""Names or class names of assignors, as a list or with commas."""


class Commit(Config):
    """When a program commits by itself, with `enable.auto.commit: false`."""

    when: Literal["after", "before"] = "after"
    """After it has processed: at least once; before: at most once."""
    how: Literal["sync", "async"] = "sync"
    """sync: it waits for the answer, and sends again what got none; async: it does neither."""
    per: Literal["batch", "record"] = "batch"
    """For all records of a poll at once, or for each."""


def in_force(client: str, strategies: list[Strategy] | None) -> tuple[Strategy, bool]:
    """The assignor that a classic group uses, and whether it rebalances cooperatively.

    The first one that all members have; and cooperatively only if all their assignors do: with
    Java's default list, range and eager (KC-06).
    """
    names = strategies or _DEFAULTS[client]
    return names[0], all(name == "cooperative-sticky" for name in names)


def refusals(
    client: str,
    *,
    classic: bool,
    strategies: list[Strategy] | None,
    remote_assignor: str | None,
    session_ms: float | None,
    heartbeat_ms: float | None,
    max_poll_ms: float,
) -> Iterator[Refusal]:
    """Why the client would not start, in its own terms (KC-07)."""
    protocol = ("group.protocol",)
    if not classic:
        for key, value in (
            ("session.timeout.ms", session_ms),
            ("heartbeat.interval.ms", heartbeat_ms),
            ("partition.assignment.strategy", strategies),
        ):
            if value is not None:
                yield Refusal(
                    ((key,), protocol),
                    f"{key!r} cannot be set with 'group.protocol: consumer': the broker decides",
                )
        return
    if remote_assignor is not None:
        yield Refusal(
            (("group.remote.assignor",), protocol),
            "'group.remote.assignor' needs 'group.protocol: consumer'",
        )
    session_ms = SESSION_TIMEOUT_MS if session_ms is None else session_ms
    heartbeat_ms = HEARTBEAT_INTERVAL_MS if heartbeat_ms is None else heartbeat_ms
    session = ("session.timeout.ms",)
    if heartbeat_ms >= session_ms:
        yield Refusal(
            (("heartbeat.interval.ms",), session),
            f"'heartbeat.interval.ms' ({heartbeat_ms:,.10g}) must be less than "
            f"'session.timeout.ms' ({session_ms:,.10g} ms)",
        )
    if client == "librdkafka":
        yield from _refusals_of_librdkafka(strategies)
        if max_poll_ms < session_ms:
            yield Refusal(
                (("max.poll.interval.ms",), session),
                f"'max.poll.interval.ms' ({max_poll_ms:,.10g}) must not be less than "
                f"'session.timeout.ms' ({session_ms:,.10g} ms)",
            )


def _refusals_of_librdkafka(strategies: list[Strategy] | None) -> Iterator[Refusal]:
    key = (("partition.assignment.strategy",),)
    names = strategies or _DEFAULTS["librdkafka"]
    if "sticky" in names:
        yield Refusal(key, "librdkafka has no assignor 'sticky'; it has 'cooperative-sticky'")
    if "cooperative-sticky" in names and set(names) != {"cooperative-sticky"}:
        yield Refusal(key, "librdkafka takes 'cooperative-sticky' only without eager assignors")
