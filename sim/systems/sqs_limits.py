"""Limits of a standard queue that acted, by AWS's keys, and what its workers did all the time."""

from collections.abc import Iterator, Mapping

import numpy as np

from sim.engine.waits import Limit
from sim.queue import sqs_standard_codes as codes
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_waits import deaths
from sim.scenario.products.sqs import SqsQueue

CALLS_MATTER = 0.2
"""Of a worker's time for messages, the share of calls from which on their number is a limit."""


def standard_limits(
    name: str, config: SqsQueue, workers: Workers, spent_s: Mapping[str, float]
) -> Iterator[Limit]:
    """The limits of a standard queue that acted.

    That a receive returns its maximum while there is more says nothing of itself: it is a limit
    where calls take much of the time (`CALLS_MATTER`).

    Args:
        name: of the queue.
        config: its attributes.
        workers: the queue, and who works for it, at the end of the run.
        spent_s: what they did with their time, by activity, s.
    """
    queue = workers.queue
    redrive = config.redrive_policy
    receives = 0 if redrive is None else redrive.max_receive_count
    batch = config.max_number_of_messages
    polls = config.receive_message_wait_time_seconds
    said = {
        codes.EARLY: (
            "VisibilityTimeout", f"{config.visibility_timeout:g}s",
            "made messages visible while their worker still had them",
        ),
        codes.LOCKED: (
            "VisibilityTimeout", f"{config.visibility_timeout:g}s",
            "ran on after the worker was gone or had failed",
        ),
        codes.DEAD_LETTERED: (
            "RedrivePolicy.maxReceiveCount", f"{receives}",
            "sent messages to the dead-letter queue",
        ),
        codes.CAPPED: (
            "max_in_flight", f"{config.max_in_flight}",
            "left receives without a message: as many were in flight as may be",
        ),
        codes.TOO_OLD: (
            "MessageRetentionPeriod", f"{config.message_retention_period:g}s",
            "deleted messages that nobody had processed",
        ),
        codes.BATCH_FULL: (
            "MaxNumberOfMessages", f"{batch}",
            "limited receives while more messages were there, and workers spent "
            f"{_share_of_calls(spent_s):.0%} of their time for messages in calls",
        ),
        codes.MISSED: (
            "ReceiveMessageWaitTimeSeconds", f"{polls:g}s",
            "short polls asked servers that had nothing, while others had messages",
        ),
    }  # fmt: skip
    for code, (key, value, what) in said.items():
        times = int(queue.limit_n[code])
        if times == 0 or (code == codes.BATCH_FULL and _share_of_calls(spent_s) < CALLS_MATTER):
            continue
        first_s, last_s = float(queue.limit_first_s[code]), float(queue.limit_last_s[code])
        path = f"queues.{name}.{key}"
        yield Limit(key.split(".")[-1], path, value, "", what, times, first_s, last_s)


def _share_of_calls(spent_s: Mapping[str, float]) -> float:
    busy_s = spent_s["work"] + spent_s["calls"]
    return spent_s["calls"] / busy_s if busy_s else 0.0


def spent_by_workers(workers: Workers) -> dict[str, float]:
    """As `sim.engine.outcome.GroupOutcome.spent_by_consumers`, until now.

    Whatever a worker's process did that is none of the others was in calls.
    """
    queue, s, now_s = workers.queue, workers.workers, workers.now_s
    began_s = np.array(workers.stops.began_s)
    whole_s = float(np.maximum(now_s - began_s, 0.0).sum())
    off = deaths(workers)
    off += [
        (w, float(s.off_s[w]), np.inf)
        for w in range(workers.size)
        if not workers.alive(w) and s.off_s[w] < np.inf
    ]
    spent_s = {
        "work": queue.worked / codes.TICKS + sum(map(workers.in_work_s, range(workers.size))),
        "idle": queue.idled / codes.TICKS + sum(_idle_s(workers, w) for w in range(workers.size)),
        "stopped": workers.stops.without_process_s(now_s, off),
    }
    return {
        "work": spent_s["work"],
        "calls": max(0.0, whole_s - sum(spent_s.values())),
        "idle": spent_s["idle"],
        "stopped": spent_s["stopped"],
    }


def _idle_s(workers: Workers, w: int) -> float:
    """How long worker ``w`` has had nothing, up to now, s."""
    s = workers.workers
    since_s = float(s.idle_s[w])
    if s.kind[w] == codes.PARKED:
        since_s = s.event_s[w] - workers.policy.wait_s
    elif s.kind[w] == codes.RECEIVE:  # with nothing left to get, nobody answers
        since_s = min(since_s, s.event_s[w])
    return max(0.0, workers.now_s - since_s)
