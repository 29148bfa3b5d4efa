"""What a Kafka consumer may say of commits, rebalance protocols and assignors, and what it may not.

Sources: `ConsumerConfig`, `AbstractCoordinator` and `ConsumerCoordinator` in apache/kafka 4.0;
CONFIGURATION.md and `rdkafka_conf.c` in confluentinc/librdkafka 2.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sim.foundation.config import Config

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


def objections(
    client: str,
    *,
    classic: bool,
    strategies: list[Strategy] | None,
    remote_assignor: str | None,
    session_ms: float | None,
    heartbeat_ms: float | None,
    max_poll_ms: float,
) -> list[str]:
    """Why the client would not start, in its own terms; empty if it would."""
    found = []
    if not classic:
        refused = {
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": heartbeat_ms,
            "partition.assignment.strategy": strategies,
        }
        found += [
            f"{key!r} cannot be set with 'group.protocol: consumer': the broker decides"
            for key, value in refused.items()
            if value is not None
        ]
        return found
    if remote_assignor is not None:
        found.append("'group.remote.assignor' needs 'group.protocol: consumer'")
    session_ms = 45_000.0 if session_ms is None else session_ms
    heartbeat_ms = 3_000.0 if heartbeat_ms is None else heartbeat_ms
    if heartbeat_ms >= session_ms:
        found.append(
            f"'heartbeat.interval.ms' ({heartbeat_ms:,.10g}) must be less than "
            f"'session.timeout.ms' ({session_ms:,.10g} ms)"
        )
    if client == "librdkafka":
        names = strategies or _DEFAULTS[client]
        if "sticky" in names:
            found.append("librdkafka has no assignor 'sticky'; it has 'cooperative-sticky'")
        if "cooperative-sticky" in names and set(names) != {"cooperative-sticky"}:
            found.append("librdkafka takes 'cooperative-sticky' only without eager assignors")
        if max_poll_ms < session_ms:
            found.append("'max.poll.interval.ms' must not be less than 'session.timeout.ms'")
    return found
