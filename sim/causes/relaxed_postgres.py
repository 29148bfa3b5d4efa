"""The lines of `sim.causes.relaxed` that are of queues in PostgreSQL, by the library's keys."""

from typing import Any

from sim.causes.relaxed import (
    AGAIN,
    BEHIND,
    DAY_MS,
    GONE,
    LATER,
    READERS,
    At,
    Relaxed,
    down,
    grown,
    longer_lock,
    shorter_lock,
    up,
)

_QUERIES = "more queries to the database, also where there is nothing"
_HELD = "a worker that dies holds more jobs"
_MOST_S = DAY_MS / 1e3


def _poll(library: str, key: str, least: float, unit: str) -> Relaxed:
    return Relaxed(
        (READERS, library, key), down(least), f"an idle worker asks again after {{{unit}}}",
        _QUERIES, BEHIND,
    )  # fmt: skip


def _every(library: str, key: str, least: float, unit: str) -> Relaxed:
    return Relaxed(
        (READERS, library, key), down(least),
        f"a worker fetches once in {{{unit}}}, whatever it finds", _QUERIES, BEHIND,
    )  # fmt: skip


def _lease(library: str, key: str, batch: str | None, unit: float = 1.0) -> tuple[Relaxed, Relaxed]:
    def jobs(at: At) -> int:
        return int(at.other(READERS, library, batch)) if batch else 1

    after = "{s}" if unit == 1.0 else "{ms}"
    return (
        Relaxed(
            (READERS, library, key), longer_lock(jobs, _MOST_S * unit, unit),
            f"a job is taken away after {after}, while a worker is at it", LATER, AGAIN,
        ),
        Relaxed(
            (READERS, library, key), shorter_lock(jobs, unit, unit),
            f"what a worker holds that is gone comes back only after {after}",
            "a job that takes longer is processed twice", BEHIND, name=f"{key} (shorter)",
        ),
    )  # fmt: skip


def _retries(library: str, key: str) -> Relaxed:
    return Relaxed(
        (READERS, library, key), up(10_000), "a job is given up after {value} tries",
        "a job that always fails is tried for ever", GONE,
    )  # fmt: skip


def _batch(library: str, key: str) -> Relaxed:
    def to(at: At) -> Any:
        return None if at.value is None or at.value >= 1_000 else min(1_000, 10 * at.value)

    return Relaxed((READERS, library, key), to, "{value} a fetch", _HELD, BEHIND)


def _notified(library: str, and_: str = "") -> Relaxed:
    def to(at: At) -> Any:
        return True if at.other(READERS, library) and not at.value else None

    return Relaxed(
        (READERS, library, "notify"), to, "an insert wakes nobody",
        f"a NOTIFY for each insert, which commits one after the other{and_}", BEHIND,
    )  # fmt: skip


POSTGRES = (
    _poll("skip_locked", "poll_interval", 0.01, "s"),
    _notified("skip_locked"),
    *_lease("skip_locked", "lease", None),
    Relaxed(
        (READERS, "for_update"), lambda at: at.value,
        "a fetch waits for the row that another worker has, without SKIP LOCKED",
        "jobs are done out of order", BEHIND, instead="skip_locked",
    ),
    _poll("for_update", "poll_interval", 0.01, "s"),
    _notified("for_update"),
    _every("pg-boss", "pollingIntervalSeconds", 0.5, "s"),
    _every("pg-boss", "notifyPollingIntervalSeconds", 0.5, "s"),
    _batch("pg-boss", "batchSize"),
    _notified("pg-boss", "; and polls only each 'notifyPollingIntervalSeconds'"),
    *_lease("pg-boss", "expireInSeconds", "batchSize"),
    _retries("pg-boss", "retryLimit"),
    _every("river", "FetchCooldown", 1.0, "ms"),
    _poll("river", "FetchPollInterval", 1.0, "ms"),
    *_lease("river", "RescueStuckJobsAfter", None),
    _retries("river", "MaxAttempts"),
    _poll("graphile_worker", "pollInterval", 10.0, "ms"),
    _retries("graphile_worker", "maxAttempts"),
    _every("oban", "dispatch_cooldown", 1.0, "ms"),
    _poll("oban", "stage_interval", 10.0, "ms"),
    *_lease("oban", "rescue_after", None, 1e3),
    _retries("oban", "max_attempts"),
    _poll("solid_queue", "polling_interval", 0.01, "s"),
    _poll("pgmq", "poll_interval_ms", 1.0, "ms"),
    _batch("pgmq", "qty"),
    *_lease("pgmq", "vt", "qty"),
    Relaxed(
        ("producer", "connections"), grown(8, 8, 10_000), "{value} connections that insert",
        "connections of the database", BEHIND, key="producer.connections",
    ),
)  # fmt: skip
