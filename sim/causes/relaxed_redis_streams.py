"""The lines of `sim.causes.relaxed` that are of Redis streams."""

from typing import Any

from sim.causes.relaxed import AGAIN, BEHIND, READERS, At, Relaxed, down, fixed, if_given, up

_READ = (READERS, "XREADGROUP")
_CLAIM = (READERS, "XAUTOCLAIM")


def _longest_ms(at: At) -> float:
    """How long a consumer may have an entry that it was given with others, ms."""
    count = at.other(*_READ, "COUNT")
    if at.other(*_CLAIM, "min-idle-time") is not None:
        count = max(count, at.other(*_CLAIM, "COUNT"))
    return 2_000.0 * float(at.one_s) * float(count)


def _claims(at: At) -> Any:
    """Claiming of what nobody can have in hand any more."""
    if at.value is not None or at.other(*_READ, "NOACK"):
        return None
    count = at.other(*_READ, "COUNT")
    idle_ms = max(10_000.0, 2_000.0 * at.one_s * count)
    return {"min-idle-time": idle_ms, "every": 1.0, "COUNT": count}


def _sooner(at: At) -> Any:
    """A tenth, but longer than a consumer may have an entry in hand."""
    if at.value is None:
        return None
    shorter = max(1_000.0, _longest_ms(at), at.value / 10)
    return shorter if shorter <= at.value / 2 else None


REDIS_STREAMS = (
    Relaxed(
        _CLAIM, _claims,
        "nobody claims (XAUTOCLAIM) what a consumer that failed or is gone has pending",
        "calls for what is pending; an entry that takes longer than min-idle-time is done twice",
        ("unfinished", "late"),
    ),
    Relaxed(
        (*_CLAIM, "min-idle-time"),
        lambda at: 2 * _longest_ms(at) if at.value and at.value < _longest_ms(at) else None,
        "an entry is claimed {ms} after it was delivered, though its consumer still has it",
        "what a dead consumer has pending comes back later", AGAIN,
    ),
    Relaxed(
        (*_CLAIM, "min-idle-time"), _sooner,
        "what a dead consumer has pending is claimed only {ms} after it was delivered",
        "a consumer that stands still for longer has its entries done twice", BEHIND,
        name="min-idle-time (shorter)",
    ),
    Relaxed(
        (*_CLAIM, "every"), down(1.0), "a consumer claims only every {s}",
        "more calls of XAUTOCLAIM", BEHIND,
    ),
    Relaxed(
        (READERS, "reads_own_pending"), fixed(True, None),
        "a consumer that starts again does not read what is pending under its name",
        "a name that stays, and a read of ID 0 at the start", ("unfinished", "late"),
    ),
    Relaxed(
        (*_READ, "NOACK"), fixed(False, None),
        "entries count as acknowledged when they are handed over (NOACK)",
        "an XACK for each entry, and claiming of what is pending", ("lost",),
    ),
    Relaxed(
        ("XADD", "MAXLEN"), if_given(""), "the stream keeps only its latest {value} entries",
        "memory for all entries", ("lost",),
    ),
    Relaxed(
        ("XADD", "MINID"), if_given(""), "the stream keeps entries for {s} only",
        "memory for all entries", ("lost",),
    ),
    Relaxed(
        (READERS, "max_deliveries"), up(1_000),
        "an entry that was delivered {value} times is dead-lettered",
        "an entry that always fails is delivered a thousand times", ("dead_lettered", "lost"),
    ),
    Relaxed(
        (READERS, "on_failure"), lambda at: "pending" if at.value == "ack" else None,
        "an entry that failed is acknowledged", "it stays pending until somebody claims it",
        ("lost",),
    ),
    Relaxed(
        (*_READ, "COUNT"), down(1),
        "a consumer is given up to {value} entries at once, and has them pending behind each other",
        "a call for each entry", AGAIN,
    ),
    Relaxed(
        (READERS, "acks_at_once"), down(1), "{value} entries are acknowledged together",
        "an XACK for each entry", AGAIN,
    ),
    Relaxed(
        ("ceilings", "apply"), fixed(False, None), "a ceiling of Redis",
        "more than one Redis, or a faster one", ("late", "unfinished"), key="ceilings",
    ),
)  # fmt: skip
"""Keys of a stream and its groups that can be causes, and what they are without being one."""
