"""The retry topics of Kafka's consumer groups (KC-25): from their configuration to an outcome."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from itertools import cycle
from math import inf

import numpy as np
import simpy

from sim.engine.outcome import Effects, Fate, GroupOutcome
from sim.engine.system import Setup
from sim.engine.waits import Limit, Sent
from sim.foundation.arrays import F64, I32
from sim.log import acts
from sim.log import group_state as k
from sim.log.fates import unread
from sim.log.group import Group
from sim.log.kafka_coordinator import Coordinator, Terms
from sim.log.kafka_retry_topics import Retrying, RetryTopics
from sim.log.parts import Behind, LogWaits
from sim.log.retried_parts import CameBy, RetriedWaits
from sim.log.topic import Topic
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_retry_topics import RetryableTopic
from sim.systems.log_limits import PARTITIONS, Keys, limits_of
from sim.systems.on_log import group_of
from sim.systems.queue_limits import LimitKey

_ROOM = 16
"""Records of a partition of a retry topic for which there is room at first."""
PartitionOf = Callable[[int], I32]
"""[messages] where each goes by its key, of so many partitions."""


def retried(
    setup: Setup,
    system: KafkaSystem,
    groups: Mapping[str, Group],
    reading: Mapping[str, k.Reading],
    partition_of: PartitionOf,
) -> dict[str, RetryTopics]:
    """The retry topics of the groups that have some, and in which something fails.

    Args:
        setup: of the system.
        system: its configuration.
        groups: the groups by name.
        reading: how the consumers of each poll and commit; those of its retry topics do as well.
        partition_of: by which partitions a record goes that cannot keep its number.
    """
    found = {}
    for name, config in system.groups.items():
        if config.retry_topics is not None and len(groups[name].poisoned.messages):
            found[name] = _of_group(
                setup, system, name, config, config.retry_topics, groups[name], reading[name],
                partition_of,
            )  # fmt: skip
    return found


def _of_group(
    setup: Setup,
    system: KafkaSystem,
    name: str,
    config: ConsumerGroup,
    its: RetryableTopic,
    main: Group,
    reading: k.Reading,
    partition_of: PartitionOf,
) -> RetryTopics:
    partitions = setup.scaled(its.num_partitions)
    by_key = cache(partition_of)
    draws = cycle(setup.pool(f"{name}.retry", system.latency.produce).tolist())

    def partition_in(message: int, partition: int, topic: int) -> int:
        return partition if partition < partitions else int(by_key(partitions)[message])

    policy = Retrying(
        its.topics_s,
        its.attempts,
        inf if its.timeout is None else its.timeout / 1e3,
        its.dlt_strategy != "NO_DLT",
        lambda: float(next(draws)),
        partition_in,
    )
    per_record_s = system.ceilings.consumer if system.ceilings.apply else 0.0
    topics = [
        Topic.empty(setup.messages.created_s, np.full(partitions, _ROOM, np.int64))
        for _ in policy.delays_s
    ]
    started = setup.scaled(config.consumers) if config.joins_at == 0.0 else 0
    retries = [
        group_of(
            setup, topic, name, config, reading, main.members,
            started=started, per_record_s=per_record_s,
        )
        for topic in topics
    ]  # fmt: skip
    return RetryTopics(main, retries, policy)


def follow(
    env: simpy.Environment,
    retried: RetryTopics,
    terms: Terms,
    coordinate: Callable[[simpy.Environment, Group, Terms], Coordinator],
) -> Coordinator:
    """Start the coordinators of a group and of those that read its retry topics.

    Args:
        env: clock.
        retried: the groups.
        terms: of the main group; the consumers of the others beat as its own do.
        coordinate: starts the coordinator of one.

    Returns:
        that of the main group, whose verbs strike the processes.
    """
    leader, *followers = (
        coordinate(env, group, replace(terms, pass_on=partial(retried.pass_on, stage)))
        for stage, group in enumerate(retried.groups)
    )
    leader.followers = followers
    for its in followers:
        its.processes = leader
    return leader


def keys_of(at: str, its: RetryableTopic) -> dict[str, LimitKey]:
    """What the limits are called that act on records which fail; ``at``: where the group stands."""
    said = f"{at}.retry_topics"
    timeout = "" if its.timeout is None else f"{its.timeout:.10g}"
    return {
        acts.RETRY_TOPIC: LimitKey(
            "retry_topics.backoff.delay", f"{said}.backoff.delay", f"{its.backoff.delay:.10g}"
        ),
        acts.ATTEMPTS: LimitKey("retry_topics.attempts", f"{said}.attempts", f"{its.attempts}"),
        acts.AGE: LimitKey("retry_topics.timeout", f"{said}.timeout", timeout),
    }


def together(
    retried: RetryTopics,
    outcome: GroupOutcome,
    sent: Sent,
    ended_s: float,
    per_record_s: float,
    partitions: LimitKey,
) -> GroupOutcome:
    """The outcome of a group with what became of its messages in its retry topics.

    Consumer lag stays that of its own topic: each retry topic has a group of its own.

    Args:
        retried: the group, whose samples are complete, and those of its retry topics.
        outcome: of the group alone.
        sent: how messages get into its topic.
        ended_s: when the run ended, s.
        per_record_s: a client's own work for each record, s.
        partitions: what the number of partitions of a retry topic is called.
    """
    main, *retries = retried.groups
    effects, fate = outcome.effects.copy(), outcome.fate.copy()
    done_s, history = [outcome.done_s], outcome.history
    waits = [LogWaits(main, sent, per_record_s=per_record_s)]
    limits = list(outcome.limits)
    for stage, group in enumerate(retries, 1):
        group.finish(ended_s)
        effects += group.topic.to_messages(group.effects, 0, np.add)
        done_s.append(group.topic.to_messages(group.done_s, inf))
        rows = unread(group)
        if rows is not None:
            given_up = group.topic.to_messages(rows, Fate.UNFINISHED, np.maximum)
            np.maximum(fate, given_up, out=fate)
        if history is not None:
            history = _merged(history, _history(group))
        its = LogWaits(group, CameBy(retried, stage, waits), per_record_s=per_record_s)
        waits.append(its)
        limits += _limits(group, its, {PARTITIONS: partitions})
    fate[effects > 0] = Fate.PROCESSED
    handed = sum(group.counts.handed for group in retries)
    return replace(
        outcome,
        fate=fate,
        done_s=np.minimum.reduce(done_s),
        effects=effects,
        history=history,
        extra_deliveries=outcome.extra_deliveries + handed,
        deliveries=outcome.deliveries + handed,
        calls=outcome.calls + sum(group.counts.polls for group in retries),
        waits=RetriedWaits(waits, done_s),
        limits=limits,
    )


def _limits(group: Group, waits: LogWaits, keys: Keys) -> Iterator[Limit]:
    """Of a retry topic, that records waited for its one consumer while others were idle."""
    waits.behind = Behind(group.topic.gone.size)
    waits.note_behind()
    for limit in limits_of(group, keys, np.zeros(0, np.uint8), waits.behind, None):
        yield limit._replace(target="retry topic")
    waits.behind = None


def _history(group: Group) -> Effects:
    """Every time that a record of a retry topic was processed."""
    records, message = group.state.records, group.topic.log.message
    repeats = records.repeats
    return Effects.of(
        group.done_s,
        message,
        np.asarray(records.again_s)[:repeats],
        np.asarray(records.again_message)[:repeats],
    )


def _merged(one: Effects, other: Effects) -> Effects:
    at_s: F64 = np.concatenate([one.at_s, other.at_s])
    order = np.argsort(at_s, kind="stable")
    return Effects(at_s[order], np.concatenate([one.message, other.message])[order])
