"""A Lambda function on a Kinesis stream: the parts of each shard, and what its mapping says."""

from collections.abc import Mapping

import numpy as np

from sim.engine.outcome import Fate
from sim.engine.system import Setup
from sim.foundation.arrays import F64, I32
from sim.log import acts
from sim.log.group_state import Reading
from sim.log.kinesis_lambda import EventSourceMapping
from sim.log.topic import Topic, by_partition
from sim.scenario.products.kinesis import KinesisApplication, KinesisSystem
from sim.scenario.products.kinesis_lambda import KinesisFunction
from sim.systems import log_limits
from sim.systems.queue_limits import LimitKey


def in_parts(topic: Topic, part_of: I32, parts: int, got_s: F64) -> tuple[Topic, Topic]:
    """The stream with a partition for each part of a shard, and the same as the function sees it.

    Args:
        topic: the stream, a partition a shard.
        part_of: [messages] which part each is in, over all shards.
        parts: how many there are.
        got_s: [rows of ``topic``] when each record was read, s.
    """
    log = topic.log
    partition = part_of[log.message]
    laid = Topic.of_records(topic.created_s, parts, log.message, partition, log.visible_s)
    return laid, laid.seen_at(got_s[by_partition(partition, parts)])


def reading(function: KinesisFunction, config: KinesisSystem, per_batch_s: float) -> Reading:
    """How a function gathers and checkpoints; ``per_batch_s``: its own work for each batch, s.

    A batching window begins when the last invocation has ended
    (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html).
    """
    window_s, age_s = function.maximum_batching_window_in_seconds, function.age_s
    invoke_s = config.latency.invoke
    return Reading(
        max_poll_records=function.batch_size,
        chunk_records=function.batch_size,
        min_records=function.batch_size if window_s else 1,
        max_wait_s=float(window_s),
        fetch_s=0.0,
        per_batch_s=invoke_s + per_batch_s,
        auto_commit_s=-1.0,
        commit_s=0.0,
        wait=0,
        max_poll_s=invoke_s + function.timeout_s,
        max_age_s=age_s,
    )


def dealing(application: KinesisApplication, function: KinesisFunction) -> EventSourceMapping:
    """What is done about a batch that fails."""
    caught = application.on_failure
    return EventSourceMapping(
        parts=function.parallelization_factor,
        bisects=function.bisect_batch_on_function_error,
        retries=function.maximum_retry_attempts,
        backoff_s=(function.retry_backoff.first, function.retry_backoff.most),
        reports=function.reports,
        caught=None if caught == "retry" else caught,
        given_up=Fate.DEAD_LETTERED if function.dead_letters else Fate.LOST_REJECTED,
    )


def parts_of(setup: Setup, group: str, shard_of: I32, each: int) -> I32:
    """[messages] the part that each is in where there are no keys: any one of its shard."""
    rng = setup.stream(f"{group}.parts")
    return shard_of * each + rng.integers(0, each, shard_of.size, dtype=np.int32)


def keys(
    at: str, application: KinesisApplication, function: KinesisFunction, shards: str
) -> Mapping[str, LimitKey]:
    """What the limits that can act on a function are called.

    Args:
        at: where its application is.
        application: it.
        function: its event source mapping.
        shards: how many the stream has, in words.
    """

    def key(name: str, value: object) -> LimitKey:
        return LimitKey(name, f"{at}.lambda.{name}", f"{value}")

    retries = key("MaximumRetryAttempts", function.maximum_retry_attempts)
    caught = LimitKey("on_failure", f"{at}.on_failure", f"{application.on_failure}")
    parts = key("ParallelizationFactor", function.parallelization_factor)
    shard_count = LimitKey("ShardCount", "stream.ShardCount", shards)
    return {
        acts.RETRIES: retries,
        acts.ATTEMPTS: retries if application.on_failure in (None, "retry") else caught,
        acts.TIMEOUT: key("Timeout", f"{function.timeout_s:g}"),
        acts.AGE: key("MaximumRecordAgeInSeconds", function.maximum_record_age_in_seconds),
        log_limits.PARTITIONS: parts if function.parallelization_factor < 10 else shard_count,
        log_limits.POLL_RECORDS: key("BatchSize", function.batch_size),
    }
