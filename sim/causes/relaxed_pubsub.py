"""The lines of `sim.causes.relaxed` that are of Pub/Sub."""

from typing import Any

from sim.causes.relaxed import (
    AGAIN,
    ANY,
    BEHIND,
    GONE,
    LATER,
    READERS,
    At,
    Relaxed,
    To,
    down,
    fixed,
    grown,
    longer_lock,
    up,
)
from sim.scenario.faults.groups import SeekFault

_FLOW = (READERS, "flow_control")
_LEASE = (*_FLOW, "max_lease_duration")
_SHORTEST_S = 10.0
_DAY_S = 86_400.0


def _extended(to: To) -> To:
    """Where the client library extends deadlines."""
    return lambda at: to(at) if at.other(*_LEASE) else None


def _finer(at: At) -> Any:
    """All dimensions of the key in place of some."""
    keys = list(at.scenario.workload.keys)
    return keys if at.value and set(at.value) < set(keys) else None


def _sought(at: At) -> bool:
    """Whether a group goes back to a time."""
    return any(isinstance(f, SeekFault) and f.to is not None for f in at.scenario.faults)


def _held(at: At) -> int:
    return int(at.other(*_FLOW, "max_messages"))


PUBSUB = (
    Relaxed(
        _LEASE, _extended(lambda at: 12 * 3_600.0 if at.value < 12 * 3_600.0 else None),
        "a message comes again after {s}, while its handler is at it",
        "what a handler has that hangs comes again later", AGAIN,
    ),
    Relaxed(
        (READERS, "ackDeadlineSeconds"),
        lambda at: None if at.other(*_LEASE) else longer_lock(_held, 600)(at),
        "a message comes again after {s}, while its handler is at it", LATER, AGAIN,
    ),
    Relaxed(
        _LEASE, lambda at: None if at.value else 3_600.0,
        "no deadline is extended: a message comes again while its handler is at it",
        "what a handler has that hangs comes again later", AGAIN,
        name="max_lease_duration (3,600 s)",
    ),
    Relaxed(
        (*_FLOW, "max_duration_per_lease_extension"),
        _extended(
            lambda at: _SHORTEST_S
            if at.value > _SHORTEST_S
            or (not at.value and at.other(READERS, "enableExactlyOnceDelivery"))
            else None
        ),
        "what a subscriber had that is gone comes again only after an extension of its deadline",
        "more calls", BEHIND, {(*_FLOW, "min_duration_per_lease_extension"): 0.0},
    ),
    Relaxed(
        (*_FLOW, "min_duration_per_lease_extension"),
        _extended(lambda at: 0.0 if at.value > _SHORTEST_S else None),
        "what a subscriber had that is gone comes again only after {s}", "more calls", BEHIND,
    ),
    Relaxed(
        (*_FLOW, "max_messages"), down(1),
        "up to {value} messages wait behind each other at one subscriber",
        "a round trip for each message", ANY, name="max_messages (1)",
    ),
    Relaxed(
        (*_FLOW, "max_messages"),
        lambda at: int(at.other(READERS, "threads"))
        if at.value > at.other(READERS, "threads")
        else None,
        "up to {value} messages wait behind each other at one subscriber",
        "a round trip for each message", ANY, name="max_messages (as threads)",
    ),
    Relaxed(
        (*_FLOW, "max_messages"), lambda at: 1_000 if at.value < 1_000 else None,
        "a subscriber receives {value} at a time", "a subscriber holds more messages", BEHIND,
        name="max_messages (1,000)",
    ),
    Relaxed(
        (READERS, "threads"), grown(10, 10, 10_000), "a subscriber runs {value} handlers at a time",
        "more threads", BEHIND,
    ),
    Relaxed(
        (READERS, "deadLetterPolicy", "maxDeliveryAttempts"), up(100),
        "a message is dead-lettered after {value} attempts",
        "a message that always fails comes again a hundred times", GONE,
    ),
    Relaxed(
        (READERS, "retryPolicy", "minimumBackoff"), lambda at: 0.0 if at.value else None,
        "a message that was nacked waits for {s} and longer",
        "what fails comes again at once, before what nobody has had", BEHIND,
    ),
    Relaxed(
        (READERS, "retryPolicy"),
        lambda at: None if at.value else {"minimumBackoff": 10.0},
        "what is nacked comes again at once, before what nobody has had", "what fails comes later",
        AGAIN,
    ),
    Relaxed(
        (READERS, "messageRetentionDuration"), up(31 * _DAY_S),
        "a message older than {s} is deleted", "more is stored", GONE,
    ),
    Relaxed(
        (READERS, "retainAckedMessages"),
        lambda at: None if at.value or not _sought(at) else True,
        "what is acknowledged is not kept: a seek back finds it gone", "more is stored",
        ("wrong_results",), name="retainAckedMessages (true)",
    ),
    Relaxed(
        ("publisher", "ordering_key"),
        lambda at: _finer(at) if at.other(READERS, "enableMessageOrdering") else None,
        "messages of an ordering key of {value} wait for each other",
        "order holds only within the finer keys", BEHIND,
    ),
    Relaxed(
        (READERS, "enableMessageOrdering"), fixed(False, None),
        "each ordering key waits for its first message", "the order that it keeps", AGAIN,
        promise=True,
    ),
    Relaxed(
        (READERS, "enableMessageOrdering"),
        lambda at: True if not at.value and at.order_by else None,
        "a subscription without message ordering keeps no order",
        "a message waits for those before it of its key", ("out_of_order",),
        {("publisher", "ordering_key"): lambda at: at.order_by},
        name="enableMessageOrdering (true)",
    ),
    Relaxed(
        ("publisher", "calls"), grown(8, 8, 10_000), "{value} publishing calls at a time",
        "more calls", BEHIND, key="publisher.calls",
    ),
    Relaxed(
        ("publisher", "max_messages"), up(100), "{value} a call", "a message waits for others",
        BEHIND, key="publisher.max_messages",
    ),
)  # fmt: skip
