"""What held up a group that fell behind, or did another harm: only limits that are seen to have
acted in the run (table ``limits``), on what its messages waited for (table ``waits``).

A limit that acted alike in a sibling that kept up, or where the same harm is not, is no cause, and
is not stated. That the others are causes, `sim explain` proves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from sim.engine.waits import TimePart
from sim.foundation.text import names
from sim.measure.limits import MUCH
from sim.scenario.products.base import COUNTED
from sim.words.standings import Pace, allowed, pace
from sim.words.waits import ActedLimit, Split, acted, in_words, often, splits

Row = Mapping[Any, Any]
"""A group's row of the summary."""
MOST = 2
"""Limits that are stated of a group."""
_ASKED = (TimePart.WORK, TimePart.DELAY, TimePart.BEFORE_START)
_TEAM = (*COUNTED, "worker_concurrency", "threads")
"""Keys that say how many there are: any group that is late is short of them in some way."""
_ON: Mapping[TimePart, Sequence[str]] = {
    TimePart.BUFFER: (
        "linger.ms", "batch.size", "buffer.memory", "max.in.flight.requests.per.connection",
        "queue.buffering.max.messages", "queue.buffering.max.kbytes", "RecordMaxBufferedTime",
    ),
    TimePart.SEND: (
        "threads", "channels", "request.timeout.ms", "RateLimit", "ShardCount",
        "transactional.id", "transaction.timeout.ms",
    ),
    TimePart.NO_OWNER: (
        "session.timeout.ms", "max.poll.interval.ms", "group.consumer.session.timeout.ms",
        "group.share.session.timeout.ms", "failoverTimeMillis", "heartbeat", "broker_heartbeat",
    ),
    TimePart.LOCK: (
        "VisibilityTimeout", "visibility_timeout", "consumer_timeout", "x-consumer-timeout",
        "group.share.record.lock.duration.ms", "heartbeat", "broker_heartbeat",
    ),
    TimePart.BACKOFF: (
        "on_failure.backoff", "backoff", "default_retry_delay", "retry_backoff",
        "retry_topics.backoff.delay", "x-delayed-retry-min",
        "Timeout", "MaximumRetryAttempts",
    ),
    TimePart.ATTEMPT: (
        "VisibilityTimeout", "visibility_timeout", "max.poll.interval.ms", "consumer_timeout",
        "x-consumer-timeout", "group.share.record.lock.duration.ms", "Timeout",
        "MaximumRetryAttempts",
    ),
    TimePart.CAPACITY: (
        *_TEAM, "MaxNumberOfMessages", "max.poll.records", "maxRecords", "commit.per", "tolerance",
        "maxReplicaCount", "allowIdleConsumers", "scaleUp.policies",
        "ReservedConcurrentExecutions", "account_concurrency", "MaximumConcurrency",
        "event source mapping", "ProvisionedPollerConfig", "MinimumPollers", "MaximumPollers",
        "MaximumRetryAttempts", "dead_row", "locked_row", "leased_row",
    ),
    TimePart.HEAD_OF_LINE: (
        "MessageGroupId", "partitions", "retry_topics.numPartitions", "ShardCount",
        "x-single-active-consumer", "expiration", "ParallelizationFactor", "MaximumRetryAttempts",
        "worker_eta_task_limit", "for_update",
    ),
    TimePart.CEILING: (
        "ceilings.broker", "ceilings.partition", "ceilings.deliver", "ceilings.publish",
        "ceilings.task", "ceilings.consumer", "ceilings.producer", "FifoThroughputLimit",
        "ReservedConcurrentExecutions", "account_concurrency",
    ),
    TimePart.CALL: (
        "MaxNumberOfMessages", "ReceiveMessageWaitTimeSeconds", "max.poll.records",
        "maxRecords", "commit.per", "fetch.max.wait.ms", "retrievalMode",
        "idleTimeBetweenReadsInMillis", "dead_row", "locked_row", "leased_row",
        "pollingIntervalSeconds", "FetchCooldown",
    ),
    TimePart.HELD: (
        "prefetch_count", "worker_prefetch_multiplier", "MaxNumberOfMessages", "max.poll.records",
        "BatchSize",
    ),
}  # fmt: skip
"""By what a message waits for, the keys that can be why."""
BY_HARM: Mapping[str, Sequence[str]] = {
    "lost": (
        "MessageRetentionPeriod", "retention.ms", "retention.bytes", "x-max-age",
        "x-max-length-bytes", "x-message-ttl",
        "x-max-length", "x-overflow", "offsets.retention.minutes", "auto.offset.reset",
        "queue.buffering.max.messages",
        "queue.buffering.max.kbytes", "buffer.memory", "max.block.ms", "delivery.timeout.ms",
        "message.timeout.ms", "RecordTtl", "expiration", "x-delivery-limit", "maxReceiveCount",
        "group.share.delivery.count.limit", "transaction.timeout.ms",
        "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "retry_topics.attempts",
        "retry_topics.timeout",
    ),
    "unfinished": ("transaction.timeout.ms", "Timeout", "MaximumRetryAttempts"),
    "dead_lettered": (
        "maxReceiveCount", "x-delivery-limit", "x-message-ttl", "expiration", "x-max-length",
        "group.share.delivery.count.limit", "max_retries",
        "ReservedConcurrentExecutions", "account_concurrency", "Timeout",
        "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "retry_topics.attempts",
        "retry_topics.timeout",
    ),
    "double_effects": (
        "VisibilityTimeout", "visibility_timeout", "consumer_timeout", "x-consumer-timeout",
        "max.poll.interval.ms", "group.share.record.lock.duration.ms", "request.timeout.ms",
        "auto.commit.interval.ms", "commit.per", "store_every", "flushInterval",
        "offsets.retention.minutes", "Timeout",
        "transaction.timeout.ms",
        "MaximumRetryAttempts",
    ),
}  # fmt: skip
"""By what becomes of messages (a column of the summary), the keys that can be why."""


_BEFORE: Mapping[str, str] = {"auto.offset.reset": "offsets.retention.minutes"}
"""Of a limit, another that brings a group to it, and is stated instead if it acted too."""


def binding(
    summary: pd.DataFrame, duration_s: float, waits: pd.DataFrame, limits: pd.DataFrame
) -> Iterator[str]:
    """Why the group that drained last did, and why messages were lost or repeated: sentences.

    Nothing is said where no limit is seen to have acted on that.

    Args:
        summary: the table of that name; as the others, of all systems of a run.
        duration_s: when arrivals ended.
        waits: the table of that name; empty: of a run that has none.
        limits: likewise.
    """
    yield from dict.fromkeys(_binding(summary, duration_s, waits, limits))


def _binding(
    summary: pd.DataFrame, duration_s: float, waits: pd.DataFrame, limits: pd.DataFrame
) -> Iterator[str]:
    is_late = partial(_is_late, allowed(summary, duration_s)[0])
    rows = summary.to_dict("records")
    found = acted(limits)
    late = [row for row in rows if is_late(row)]
    if late:
        last = max(late, key=lambda row: (row["drain_s"], row["max_time_lag_s"]))
        its = next((s for s in splits(waits) if is_of(s, last)), None)
        if its is not None:
            yield from _of_the_last(its, last, found, rows, is_late)
    for harm, keys in BY_HARM.items():
        harmed = [row for row in rows if row[harm] > 0]
        if harmed:
            worst = max(harmed, key=lambda row: row[harm])
            those = [limit for limit in found if limit.key in keys and is_of(limit, worst)]
            acted_too = {limit.key for limit in those}
            those = [limit for limit in those if _BEFORE.get(limit.key) not in acted_too]
            has = partial(_has, harm)
            true = [one for one in those if not _excused(one, worst, found, rows, has)]
            yield from (_said(one) for one in _most(true)[:1])


def waited_on(its: Split) -> list[str]:
    """Keys that can be why the messages of a group wait for what they mostly wait for."""
    return [key for part in _much(its) for key in _ON.get(part, ())]


def _much(its: Split) -> list[TimePart]:
    """The parts of a group's time that are a reason for being late, the largest first."""
    whole_s = sum(its.mean_s.values())
    waited = {part: s for part, s in its.mean_s.items() if part not in _ASKED}
    much = [part for part in waited if whole_s > 0 and waited[part] >= MUCH * whole_s]
    return sorted(much, key=lambda part: -waited[part])


def _is_late(allowed_s: float, row: Row) -> bool:
    return pace(row["drain_s"], row["max_time_lag_s"], allowed_s) >= Pace.LATE


def _has(harm: str, row: Row) -> bool:
    return bool(row[harm] > 0)


def is_of(its: Split | ActedLimit, row: Row) -> bool:
    """Whether it is of a group. A publisher's limits are those of each group of its system."""
    same = its.group == row["group"] or its.group == "publisher"
    return its.system == row["system"] and same


def _of_the_last(
    its: Split,
    row: Row,
    found: Sequence[ActedLimit],
    rows: Sequence[Row],
    is_late: Callable[[Row], bool],
) -> Iterator[str]:
    much = _much(its)
    if not much:
        return
    whole_s = sum(its.mean_s.values())
    parts = names([in_words(part, its.mean_s[part] / whole_s) for part in much[:MOST]])
    yield f"Where the time of {its.who}'s messages goes: {parts}"
    for_it: list[ActedLimit] = []
    for part in much:
        for limit in _most([one for one in found if one.key in _ON.get(part, ())]):
            its_own = is_of(limit, row) and limit not in for_it
            if its_own and not _excused(limit, row, found, rows, is_late):
                for_it.append(limit)
    stated = [one for one in for_it if one.key not in _TEAM] or for_it
    yield from (_said(one) for one in stated[:MOST])


def _excused(
    limit: ActedLimit,
    row: Row,
    found: Sequence[ActedLimit],
    rows: Sequence[Row],
    harmed: Callable[[Row], bool],
) -> bool:
    """Whether a sibling disproves that a limit is why a group is harmed.

    It is a group of the same name in another system, with no more consumers, that is not harmed
    although the same limit acted on it. Of a number of consumers, it need not have acted there.
    """
    siblings = [
        other
        for other in rows
        if other["group"] == row["group"]
        and other["system"] != row["system"]
        and other["consumers"] <= row["consumers"]
        and not harmed(other)
    ]
    if limit.key in _TEAM:
        return bool(siblings)
    same = [one for one in found if (one.key, one.value) == (limit.key, limit.value)]
    return any(is_of(one, other) for one in same for other in siblings)


def _most(limits: Sequence[ActedLimit]) -> list[ActedLimit]:
    """Those that acted most often first."""
    return sorted(limits, key=lambda limit: -limit.times)


def _said(limit: ActedLimit) -> str:
    """One limit, as a sentence: what binds, what it did, and how often."""
    whose = limit.system if limit.group == "publisher" else f"{limit.system}.{limit.group}"
    return f"What binds in {whose} is {limit.name}: {limit.what}, {often(limit.times)}"
