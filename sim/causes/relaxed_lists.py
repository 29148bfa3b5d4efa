"""The lines of `sim.causes.relaxed` that are of queues in Redis: BullMQ, Sidekiq, RQ."""

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


_CONFIG = (READERS, "config")
_OPTIONS = (READERS, "sidekiq_options")

SIDEKIQ = (
    Relaxed(
        (*_CONFIG, "fetch"), lambda at: "super_fetch" if at.value == "basic" else None,
        "BRPOP takes a job out of Redis, and a process that is killed takes it along",
        "Sidekiq Pro; jobs of a process that is gone come back later, and may run twice", ("lost",),
        {(*_CONFIG, "orphan_check"): 60.0},
    ),
    Relaxed(
        (*_OPTIONS, "retry"), lambda at: True if at.value is False or at.value == 0 else None,
        "a job that fails is not retried", "25 retries over three weeks",
        ("lost", "dead_lettered"),
    ),
    Relaxed(
        (*_CONFIG, "max_retries"), up(25),
        "a job has failed for good after {value} retries", "more retries, each later",
        ("lost", "dead_lettered"),
    ),
    Relaxed(
        (*_OPTIONS, "dead"), lambda at: True if at.value is False else None,
        "a job that failed for good is discarded", "dead jobs stay in Redis for six months",
        ("lost",),
    ),
    Relaxed(
        (*_CONFIG, "timeout"),
        lambda at: 2.0 * at.one_s if at.value < at.one_s else None,
        "a job that takes longer than {s} after SIGTERM is pushed back and runs again",
        "a deployment takes so much longer", AGAIN,
    ),
    Relaxed(
        (*_CONFIG, "orphan_check"), down(60.0),
        "jobs of dead processes are looked for only every {s}", "more checks", BEHIND,
    ),
    Relaxed(
        (*_CONFIG, "concurrency"), up(50), "a process works on {value} jobs at once",
        "more memory and connections a process, and threads that share Ruby's lock", BEHIND,
    ),
    Relaxed(
        ("ceilings", "apply"), fixed(False, None), "a ceiling of Redis",
        "more than one Redis, or a faster one", ("late", "unfinished"), key="ceilings",
    ),
)  # fmt: skip
"""Keys of Sidekiq that can be causes, and what they are without being one."""

_RQ_JOB = (READERS, "job")

RQ = (
    Relaxed(
        (*_RQ_JOB, "job_timeout"),
        lambda at: 10.0 * at.one_s if at.value and at.value < at.one_s else None,
        "a job that takes longer than {s} is ended, and has failed",
        "a job that hangs keeps its worker for longer", ("dead_lettered", "lost", *AGAIN),
    ),
    Relaxed(
        (*_RQ_JOB, "retry"), lambda at: 3 if not at.value else None,
        "a job that fails, or whose worker dies, is not tried again",
        "a job that has taken effect may run again", ("dead_lettered",),
    ),
    Relaxed(
        (READERS, "worker", "maintenance_interval"), down(60.0),
        "jobs of a dead worker are looked for only every {s}", "more checks", BEHIND,
    ),
    Relaxed(
        (*_RQ_JOB, "retry", "interval"), down(0.0), "a job waits {s} before it is tried again",
        "attempts follow each other at once", BEHIND, key="retry.interval",
    ),
    Relaxed(
        ("ceilings", "apply"), fixed(False, None), "a ceiling of Redis",
        "more than one Redis, or a faster one", ("late", "unfinished"), key="ceilings",
    ),
)  # fmt: skip
"""Keys of RQ that can be causes, and what they are without being one."""
