"""The lines of `sim.causes.relaxed` that are of NATS JetStream."""

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
    longer_lock,
    shorter_lock,
)

_CONSUME = (READERS, "consume", "MaxMessages")
_FETCH = (READERS, "fetch", "batch")


def _fetches(at: At) -> bool:
    return at.other(READERS, "fetch") is not None


def _most(at: At) -> int:
    """Messages that a subscriber has in hand at most."""
    return int(at.other(*_FETCH) if _fetches(at) else (at.other(*_CONSUME) or 500) + 1)


def _acked(to: To) -> To:
    """Where messages are acknowledged."""
    return lambda at: None if at.other(READERS, "ack_policy") == "none" else to(at)


def _one_ahead(at: At) -> Any:
    """One message sent ahead, in place of many."""
    if _fetches(at):
        return None
    return 1 if at.value is None or at.value > 1 else None


def _more_ahead(at: At) -> Any:
    return 100 if not _fetches(at) and at.value is not None and at.value < 20 else None


def _without(at: At) -> Any:
    return -1 if at.value != -1 else None


NATS = (
    Relaxed(
        (READERS, "ack_wait"), _acked(longer_lock(_most, 12 * 3_600)),
        "a message comes again {s} after it was sent, though its subscriber still has it",
        LATER, AGAIN,
    ),
    Relaxed(
        (READERS, "ack_wait"), _acked(shorter_lock(_most, 1)),
        "what a subscriber had that is gone comes again only after {s}",
        "a message that takes longer is done twice", BEHIND, name="ack_wait (shorter)",
    ),
    Relaxed(
        _CONSUME, _one_ahead,
        "up to {value} messages are sent ahead, and wait behind each other at one subscriber",
        "a round trip for each message", ANY, default=500,
    ),
    Relaxed(
        _CONSUME, _more_ahead, "a subscriber is sent {value} at a time",
        "a subscriber holds more messages", BEHIND, name="MaxMessages (100)",
    ),
    Relaxed(
        _FETCH, down(1), "a subscriber fetches up to {value}, which wait behind each other",
        "a round trip for each message", ANY, key="fetch.batch",
    ),
    Relaxed(
        _FETCH, lambda at: 100 if at.value is not None and at.value < 20 else None,
        "a subscriber fetches {value} at a time", "a subscriber holds more messages", BEHIND,
        name="batch (100)", key="fetch.batch",
    ),
    Relaxed(
        (READERS, "max_ack_pending"), _acked(_without),
        "the server sends no new message while {value} are not acknowledged",
        "more messages come again when subscribers die", BEHIND,
    ),
    Relaxed(
        (READERS, "max_deliver"), _acked(_without),
        "a message that was sent {value} times is given up",
        "a message that always fails comes again for ever", GONE,
    ),
    Relaxed(
        (READERS, "on_failure"), _acked(lambda at: "nak" if at.value != "nak" else None),
        "a message that failed is given up, or comes again only after ack_wait ({value})",
        "it comes again at once", (*GONE, "late"),
    ),
    Relaxed(
        (READERS, "nak_delay"), lambda at: 0.0 if at.value else None,
        "a message that failed is pending for {s} before it comes again",
        "it comes again at once", BEHIND,
    ),
    Relaxed(
        (READERS, "nak_delay"),
        _acked(
            lambda at: 30.0
            if not at.value and at.other(READERS, "on_failure") == "nak"
            else None
        ),
        "a message that failed comes again at once, before what nobody has had",
        "it comes again later", BEHIND, name="nak_delay (30 s)",
    ),
    Relaxed(
        (READERS, "ack_policy"), fixed("explicit", None),
        "a message counts as acknowledged when it is sent (ack_policy: none)",
        "an acknowledgement for each message", ("lost",),
    ),
    Relaxed(
        ("stream", "max_age"), lambda at: 0.0 if at.value else None,
        "the stream keeps a message for {s} only", "more is stored", GONE,
    ),
    Relaxed(
        ("stream", "max_msgs"), _without, "the stream keeps only its latest {value} messages",
        "more is stored", GONE,
    ),
)  # fmt: skip
"""Keys of a stream and its consumers that can be causes, and what they are without being one."""
