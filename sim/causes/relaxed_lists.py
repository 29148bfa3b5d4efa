"""The lines of `sim.causes.relaxed` that are of queues in Redis: BullMQ."""

from typing import Any

from sim.causes.relaxed import AGAIN, BEHIND, READERS, At, Relaxed, down, fixed, up

_WORKER = (READERS, "worker")
_JOB = (READERS, "defaultJobOptions")


def _long_enough(at: At) -> Any:
    """Of work that keeps the event loop, a lock that outlasts all that a worker may have in hand.

    Renewed locks need no longer one: what stands still for long is a fault.
    """
    behind = at.other(*_WORKER, "concurrency") if at.other(READERS, "cpu_bound") else 1
    wanted = max(10 * at.value, 2_000.0 * at.one_s * behind)
    return wanted if wanted > at.value else None


def _sooner(at: At) -> Any:
    """Of work that lets locks be renewed: a tenth."""
    least = 1_000.0
    if at.other(READERS, "cpu_bound"):
        least = max(least, 1_500.0 * at.one_s)
    shorter = max(least, at.value / 10)
    return shorter if shorter <= at.value / 2 else None


def _backs_off(at: At) -> bool:
    """Whether a job waits before its next attempt: a number is short for its delay."""
    given = at.value
    return bool(given.get("delay") if isinstance(given, dict) else given)


BULLMQ = (
    Relaxed(
        (READERS, "cpu_bound"), lambda at: False if at.value else None,
        "the processor keeps the event loop, so that one job runs at a time and no lock is renewed",
        "a sandboxed processor: a process or thread for each job that runs",
        (*AGAIN, "lost"),
    ),
    Relaxed(
        (*_WORKER, "lockDuration"), _long_enough,
        "the lock of a job that is not renewed ends after {ms}",
        "what a dead worker holds comes back later", AGAIN,
    ),
    Relaxed(
        (*_WORKER, "lockDuration"), _sooner,
        "what a dead worker holds comes back only once its lock has ended, {ms} after its renewal",
        "a worker that stands still for longer has its jobs run twice", BEHIND,
        {(*_WORKER, "stalledInterval"): 1_000.0},
        name="lockDuration (shorter)",
    ),
    Relaxed(
        (*_WORKER, "stalledInterval"), down(1_000.0),
        "stalled jobs are looked for every {ms}, and come back at the second look",
        "the check runs more often, over all jobs at work", BEHIND,
    ),
    Relaxed(
        (*_WORKER, "skipStalledCheck"), fixed(False, None),
        "nobody looks for stalled jobs", "the check", ("unfinished", "late"),
    ),
    Relaxed(
        (*_WORKER, "skipLockRenewal"), fixed(False, None),
        "locks are not renewed", "a call every few seconds", AGAIN,
    ),
    Relaxed(
        (*_WORKER, "maxStalledCount"), up(1_000),
        "a job that stalled more than {value} times has failed",
        "a job that kills its worker comes back a thousand times", ("dead_lettered", "lost"),
    ),
    Relaxed(
        (*_JOB, "attempts"), up(1_000), "a job has failed for good after {value} attempts",
        "a job that always fails is tried a thousand times", ("dead_lettered", "lost"),
    ),
    Relaxed(
        (*_JOB, "removeOnFail"), lambda at: False if at.value is True else None,
        "a job that failed for good is deleted", "failed jobs stay in Redis", ("lost",),
    ),
    Relaxed(
        (*_JOB, "backoff"), lambda at: 0 if _backs_off(at) else None,
        "a job that failed waits before its next attempt",
        "attempts follow each other at once", BEHIND,
    ),
    Relaxed(
        (*_JOB, "delay"), down(0.0), "a job is asked to wait {ms}", "it runs at once", BEHIND,
    ),
    Relaxed(
        (*_WORKER, "limiter"), lambda at: "" if at.value else None,
        "the limiter lets only so many jobs begin in a span", "what it protects gets more", BEHIND,
    ),
    Relaxed(
        (*_WORKER, "concurrency"), up(50), "a worker has {value} jobs in hand at once",
        "more memory and connections a worker", BEHIND,
    ),
    Relaxed(
        ("ceilings", "apply"), fixed(False, None), "a ceiling of Redis",
        "more than one Redis, or a faster one", ("late", "unfinished"), key="ceilings",
    ),
)  # fmt: skip
