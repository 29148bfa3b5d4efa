"""Apache Kafka on the log mechanism: from its configuration to a topic, groups and coordinators."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, inf

import numpy as np
import simpy

from sim.engine.acted_kernel import Acted
from sim.engine.environment import Stage, Steps
from sim.engine.held_up import Taken
from sim.engine.outcome import GroupOutcome, Publication
from sim.engine.system import Fleet, Setup, Upstream, capacity
from sim.engine.waits import LINGERED, Limit, of_kernel
from sim.foundation.arrays import F64, I32, Bools
from sim.log import acts
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.kafka_assignors import ASSIGNORS
from sim.log.kafka_coordinator import Coordinator, Terms
from sim.log.kafka_offsets import OffsetRetention
from sim.log.kafka_rebalance_classic import Cooperative, Eager
from sim.log.kafka_rebalance_kip848 import Reconciling
from sim.log.partition_counts import PartitionCounts
from sim.log.retention import Limits
from sim.log.topic import UNLIMITED, Topic, TopicCeilings
from sim.log.truncation import truncate
from sim.producer.partitioners import (
    crc32,
    crc32_numbered,
    murmur2,
    murmur2_numbered,
    partitions_of,
    sticky,
)
from sim.scenario.load import Scenario
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup, duration_s
from sim.systems import log_limits as limits
from sim.systems.ceilings import limits_of_topic, told_of_topic
from sim.systems.kafka_brokers import Cluster
from sim.systems.kafka_growth import altered_of, counts_of, known_of, retention_keys
from sim.systems.kafka_publisher import KafkaPublisher
from sim.systems.kafka_retry_topics import follow, keys_of, retried, together
from sim.systems.log_limits import Keys, failing_keys
from sim.systems.on_log import LogSystem, group_of, horizon_s, named
from sim.systems.queue_limits import LimitKey
from sim.traffic.messages import Messages, Numbered

_STICKY_CHOICES = 4_096


UNAWARE = "producers did not know of partitions that had been added, and used those they knew"
WITHOUT_A_GAP_S = 1e-6
"""Fetches that follow each other so quickly are as one that waits for the next record."""


class Kafka(LogSystem):
    """A `sim.engine.system.System`: one topic, read by every group."""

    def __init__(self, setup: Setup, config: KafkaSystem) -> None:
        """
        Args:
            setup: of the system.
            config: of the system.
        """
        self.setup = setup
        self.config = config
        scenario, messages = setup.scenario, setup.messages
        counts = counts_of(setup, config)
        partitions = counts.most
        self.unaware = Acted()
        """Messages whose producers did not know of all partitions."""
        partition = self._first_partition_of(counts)
        self._of_entity: I32 | None = None
        """[entities] partition of each, once messages with a key have come in windows."""
        self.cluster: Cluster | None = None
        """What stands between a publisher and the topic; None: there is no publisher."""
        self.seen: Mapping[bool, Topic] = {}
        """With a publisher: the log as its readers see it, by whether they read committed records
        only."""
        if config.publisher is None:
            topic = Topic(
                messages.created_s,
                partition,
                partitions,
                messages.size_bytes,
                linger_s=config.producer.linger_ms / 1e3,
                batch_bytes=config.producer.batch_bytes,
                latency_s=setup.pool("produce", config.latency.produce),
                ceilings=_ceilings(config),
            )
            topic.stand(messages.waiting, partition)
        else:
            room = np.bincount(partition, minlength=partitions)
            levels = _levels(config)
            self.seen = {
                only: Topic.empty(messages.created_s, room) for only in set(levels.values())
            }
            shared = [levels[name] for name in config.share_groups]
            topic = self.seen[shared[0] if shared else min(levels.values())]
            publisher = KafkaPublisher(setup, config, partition, partitions)
            self.cluster = Cluster(config, publisher, self.seen)
            for each in self.seen.values():
                each.counts = counts
                each.stand(messages.waiting, partition)
        topic.counts = counts
        mean_bytes = float(messages.size_bytes.mean())
        self.per_record_s = config.ceilings.consumer if config.ceilings.apply else 0.0
        self.members = {g: setup.scaled(c.consumers) for g, c in config.groups.items()}
        reading = {
            group: _reading(c, config, scenario, mean_bytes) for group, c in config.groups.items()
        }
        groups = {
            group: group_of(
                setup,
                self.seen.get(_levels(config)[group], topic),
                group,
                c,
                reading[group],
                capacity(setup, group, self.members[group]),
                committed=c.starts == "established",
                started=self.members[group] if c.joins_at == 0.0 else 0,
                per_record_s=self.per_record_s,
            )
            for group, c in config.groups.items()
        }
        for group, c in config.groups.items():
            if c.first_commits is not None:
                due_s = np.asarray(groups[group].state.members.next_commit_s)
                due_s[:] = each_of(c.first_commits, due_s.size)
        super().__init__(
            setup,
            topic,
            groups,
            config.groups,
            limits=_limits(config),
            altered=altered_of(setup, config.topic),
            sent=None if self.cluster is None else self.cluster.publisher,
            others=[its for its in self.seen.values() if its is not topic],
        )
        self.retries = retried(setup, config, groups, reading, self._by_count)
        """By group, its retry topics, if it has some and anything fails."""
        self.readers.stages = [self.retries.get(name, group) for name, group in groups.items()]
        source: list[Stage] = (
            [topic] if self.cluster is None else [self.cluster.publisher, self.cluster]
        )
        self.stages: Sequence[Stage] = [*source, self.readers]

    def _first_partition_of(self, counts: PartitionCounts) -> I32:
        """[messages] where its producer sends each; a publisher: by what it knows at first."""
        setup, config = self.setup, self.config
        partition = partition_of(setup, config, counts.first)
        if not counts.added or config.publisher is not None:
            return partition
        known, self.unaware = known_of(setup, config.producer, counts)
        for n in np.unique(known).tolist():
            those = known == n
            partition[those] = partition_of(setup, config, n, those=those)
        return partition

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start the publisher, and a coordinator for every group."""
        if self.cluster is not None:
            self.upstream = Upstream(self.cluster.publisher, self.cluster)
            self.cluster.lose = lambda topic, p, to: self._lose(topic, p, to, env.now)
            publisher = self.cluster.publisher
            env.process(publisher.watch(env))
            for at_s, _ in self.topic.counts.added:
                env.process(publisher.learn(env, at_s, self.topic.counts, self._by_count))
        coordinators = {
            name: self._coordinator(env, name, named(name, say)) for name in self.groups
        }
        self._start_retention(env)
        for name, coordinator in coordinators.items():
            self._expire(env, name, coordinator)
        for name, coordinator in coordinators.items():
            joins_s = self.config.groups[name].joins_at
            if joins_s > 0:
                env.process(_join_later(env, coordinator, self.members[name], joins_s))
        return coordinators

    def _coordinator(
        self, env: simpy.Environment, name: str, say: Callable[[str], None]
    ) -> Coordinator:
        """Start the coordinator of a group, and of the groups of its retry topics."""
        config = self.config.groups[name]

        def start(env: simpy.Environment, group: Group, terms: Terms) -> Coordinator:
            return _coordinator(env, group, terms, config, say)

        if name in self.retries:
            return follow(env, self.retries[name], self._terms(name), start)
        return start(env, self.groups[name], self._terms(name))

    def _by_count(self, partitions: int) -> I32:
        """[messages] where each goes, of so many partitions."""
        return partition_of(self.setup, self.config, partitions)

    def _expire(self, env: simpy.Environment, name: str, coordinator: Coordinator) -> None:
        """Delete the offsets of a group that is away for too long, if a run lasts for so long."""
        brokers = self.config.brokers
        if brokers.offsets_retention_s >= horizon_s(self.setup):
            return
        check_s = brokers.offsets_retention_check_interval_ms / 1e3
        if brokers.first_offsets_check is not None:
            first_s = brokers.first_offsets_check
        else:
            first_s = float(self.setup.stream(f"{name}.offsets_check").uniform(0.0, check_s))
        kept = OffsetRetention(
            brokers.offsets_retention_s,
            check_s,
            first_s,
            by_commit=not self.config.groups[name].classic,
        )
        env.process(kept.run(env, coordinator))

    def _lose(self, topic: Topic, p: int, to: int, at_s: float) -> None:
        """An unclean election takes what lies at an offset and beyond from a partition (KB-07)."""
        readers = [group for group in self.groups.values() if group.topic is topic]
        truncate(topic, readers, p, to, at_s)
        if (retention := self.retention_of(topic)) is not None:
            retention.truncate(p, to)

    def topic_of(self, name: str) -> Topic:
        """The log as a group sees it, by its ``isolation.level`` (KC-19)."""
        return self.seen.get(_levels(self.config)[name], self.topic)

    def reading_limits(self, name: str) -> Iterator[Limit]:
        """That it waited for transactions to end, or read what was aborted (KC-19)."""
        cluster, group = self.cluster, self.config.groups[name]
        if cluster is None or not cluster.publisher.publisher.transactional:
            return
        key, path = "isolation.level", f"groups.{name}.isolation.level"
        if group.reads_committed:
            view = next(view for view in cluster.views if view.tail.committed)
            what = "records waited at the last stable offset until a transaction had ended"
            yield from of_kernel(view.tail.held, key, "read_committed", what, path=path)
            return
        times, first_s, last_s = cluster.aborted()
        if times:
            what = "records of aborted transactions were read"
            yield Limit(key, path, "read_uncommitted", "", what, times, first_s, last_s)

    def partitions_of(self, messages: Messages) -> I32:
        """[messages] partition of each, of messages that follow those that are known."""
        if self.config.partition_key is None:
            known = int(self.topic.gone.sum()) + self.topic.partition_of.size
            of_these = replace(self.setup, messages=messages)
            return partition_of(of_these, self.config, self.topic.counts.first, before=known)
        if self._of_entity is None:
            each = np.arange(messages.entities, dtype=np.int32)
            self._of_entity = partition_of(
                replace(self.setup, messages=replace(messages, entity=each)),
                self.config,
                self.topic.counts.first,
            )
        return self._of_entity[messages.entity]

    def records_in(self, topic: Topic) -> int:
        """Records that will be in the log; while that is open, one for each message."""
        if self.cluster is None or self.cluster.done:
            return topic.records()
        return len(self.setup.messages)

    def total(self) -> int:
        """Records that will be in the log and in retry topics, over all groups."""
        again = sum(its.total() for its in self.retries.values())
        return again + sum(self.records_in(self.topic_of(name)) for name in self.config.groups)

    def settled(self) -> int:
        """Records committed or skipped, over all groups and those of their retry topics."""
        return super().settled() + sum(its.settled() for its in self.retries.values())

    def done(self) -> bool:
        """Whether the groups have done with all that is in the log, and nothing more will be."""
        return (self.cluster is None or self.cluster.done) and super().done()

    def taken(self, waits_for: str) -> Taken:
        """As `sim.engine.system.System.taken`; of a publisher, as its client tells it."""
        if self.cluster is None:
            return super().taken(waits_for)
        return self.cluster.publisher.taken(waits_for)

    def publication(self, ended_s: float) -> Publication | None:
        """What became of the publisher, if there is one."""
        if self.cluster is None:
            return None
        self.cluster.check()
        kept = self.cluster.kept()
        self.lost = self.cluster.publisher.client.fates(kept)
        return self.cluster.publisher.publication(ended_s, kept, self.lost)

    def sending_limits(self) -> Iterator[Limit]:
        """What brokers and partitions could not take, and how long batches lingered."""
        producer = self.config.producer
        yield from limits_of_topic(self.topic, self.config.ceilings)
        yield from of_kernel(
            self.unaware,
            producer.metadata_key,
            f"{producer.metadata_s * 1e3:.10g}",
            UNAWARE,
            path=f"producer.{producer.metadata_key}",
        )
        yield from of_kernel(
            self.topic.producer.lingered,
            "linger.ms",
            f"{self.config.producer.linger_ms:.10g}",
            LINGERED,
            path="producer.linger.ms",
        )

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """As of any log; the first also tells what brokers and partitions could not take."""
        told = list(told_of_topic(self.topic, self.config.ceilings))
        for outcome in super().outcomes(ended_s):
            yield replace(outcome, happened=[*told, *outcome.happened])
            told = []

    def completed(self, name: str, outcome: GroupOutcome, ended_s: float) -> GroupOutcome:
        """With what became of its messages in retry topics."""
        its = self.config.groups[name].retry_topics
        if its is None or name not in self.retries:
            return outcome
        at = f"groups.{name}.retry_topics.numPartitions"
        many = LimitKey("retry_topics.numPartitions", at, f"{its.num_partitions}")
        return together(
            self.retries.pop(name), outcome, self.sent, ended_s, self.per_record_s, many
        )

    def keys(self, name: str) -> Keys:
        """What Kafka calls the limits that can act on a group."""
        group, topic, at = self.config.groups[name], self.config.topic, f"groups.{name}"
        session, its = "session.timeout.ms", at
        if not group.classic:
            session, its = "group.consumer.session.timeout.ms", "brokers"
        if group.enable_auto_commit:
            interval = f"{group.auto_commit_interval_ms:.10g}"
            commits = _key("auto.commit.interval.ms", at, interval)
        else:
            commits = _key("commit.per", at, group.program_commits.per)
        keys = {
            acts.MAX_POLL: _key("max.poll.interval.ms", at, f"{group.max_poll_interval_ms:.10g}"),
            acts.SESSION: _key(session, its, f"{group.session_ms(self.config.brokers):.10g}"),
            acts.AGAIN: commits,
            acts.METADATA: _key(group.metadata_key, at, f"{group.metadata_s * 1e3:.10g}"),
            acts.EXPIRED: _key(
                "offsets.retention.minutes",
                "brokers",
                f"{self.config.brokers.offsets_retention_minutes}",
            ),
            **(
                failing_keys(at, group.on_failure)
                if group.retry_topics is None
                else keys_of(at, group.retry_topics)
            ),
            limits.PARTITIONS: _key("partitions", "topic", f"{topic.partitions}"),
            limits.COMMITS: _key("commit.per", at, group.program_commits.per),
            **retention_keys(self.setup, topic),
            limits.RESET: _key("auto.offset.reset", at, group.auto_offset_reset),
        }
        if group.client == "java":
            polled = f"{group.max_poll_records}"
            keys[limits.POLL_RECORDS] = _key("max.poll.records", at, polled)
        return keys

    def _terms(self, name: str) -> Terms:
        """What the members of a group and its coordinator agree on."""
        config, brokers, latency = (
            self.config.groups[name],
            self.config.brokers,
            self.config.latency,
        )
        heartbeat_s = config.heartbeat_ms(brokers) / 1e3
        # Java's members that have joined together beat together; all others beat on their own.
        in_phase = config.classic and config.client == "java"
        members = self.groups[name].members
        first_s = self.setup.stream(f"{name}.heartbeat").uniform(0.0, heartbeat_s, members)
        if in_phase:
            first_s = first_s[:1].repeat(members)
        if (given := config.first_heartbeats) is not None:
            first_s = each_of(given, members)
        return Terms(
            metadata_s=config.metadata_s,
            refreshes_s=self._refreshes_s(name, members),
            asks_anew=config.client == "librdkafka",
            assign=ASSIGNORS[config.assignor],
            session_s=config.session_ms(brokers) / 1e3,
            max_poll_s=config.max_poll_interval_ms / 1e3,
            rebalance_s=latency.rebalance,
            initial_delay_s=brokers.group_initial_rebalance_delay_ms / 1e3,
            heartbeat_s=heartbeat_s,
            phases_s=tuple(first_s.tolist()),
            in_phase=in_phase,
            round_trip_s=latency.commit,
            on_failure=config.on_failure,
            static=config.group_instance_id is not None,
        )

    def _refreshes_s(self, name: str, members: int) -> Sequence[float]:
        """[members] when the client of each asks for metadata first; none: all the same."""
        config = self.config.groups[name]
        if not self.topic.counts.added or not config.classic:
            return ()
        if config.first_metadata_refreshes is not None:
            return tuple(each_of(config.first_metadata_refreshes, members).tolist())
        if config.metadata_s == inf:
            return [-inf] * members
        drawn = self.setup.stream(f"{name}.metadata").uniform(0.0, config.metadata_s, members)
        return tuple(drawn.tolist())


def _key(name: str, at: str, value: str) -> LimitKey:
    return LimitKey(name, f"{at}.{name}", value)


def _levels(config: KafkaSystem) -> Mapping[str, bool]:
    """By group, whether it sees committed records only; all see the same without transactions."""
    if config.publisher is None or not config.publisher.transactional:
        return dict.fromkeys(config.readers, False)
    return {name: its.reads_committed for name, its in config.readers.items()}


def each_of(given: Sequence[float], members: int) -> F64:
    """[members] what is given, in order; the last one is that of the others too."""
    return np.array([*given, *[given[-1]] * members][:members], np.float64)


def partition_of(
    setup: Setup,
    config: KafkaSystem,
    partitions: int,
    *,
    those: Bools | None = None,
    before: int = 0,
) -> I32:
    """[messages] by the client's hash of the key, or sticky for null keys (KP-17, KP-18).

    Args:
        setup: with the messages.
        config: of the system.
        partitions: of which its client knows.
        those: [messages] which are asked for; None: all. Only these make up batches.
        before: messages that came before these.
    """
    messages = setup.messages
    if config.partition_key is not None:
        key, names = messages.keys_of(config.partition_key)
        return partition_of_keys(names, config, partitions)[key if those is None else key[those]]
    rng = setup.stream("partitioner")
    choices = rng.integers(0, partitions, _STICKY_CHOICES, dtype=np.int32)
    sizes, n = messages.size_bytes, len(messages)
    if those is not None:
        sizes, n = sizes[those] if sizes.size > 1 else sizes, int(np.count_nonzero(those))
    return sticky(sizes, config.producer.batch_bytes, choices, n, before)


def partition_of_keys(names: Sequence[str], config: KafkaSystem, partitions: int) -> I32:
    """[keys] Java: murmur2 (KP-17); librdkafka's default, consistent_random: CRC-32."""
    prefix = f"{names.prefix}-".encode() if isinstance(names, Numbered) else b""
    keys = [] if prefix else [key.encode() for key in names]
    if config.producer.client == "java":
        hashes = murmur2_numbered(prefix, len(names)) if prefix else murmur2(keys)
        return partitions_of(hashes, partitions)
    hashes = crc32_numbered(prefix, len(names)) if prefix else crc32(keys)
    return (hashes % partitions).astype(np.int32)


def _join_later(
    env: simpy.Environment, coordinator: Coordinator, members: int, joins_s: float
) -> Steps:
    """Have the consumers of a group start only at ``joins_s``."""
    yield env.timeout(joins_s)
    for m in range(members):
        coordinator.restart(m)


def _ceilings(config: KafkaSystem) -> TopicCeilings:
    """What its brokers and partitions can take."""
    ceilings = config.ceilings
    if not ceilings.apply:
        return UNLIMITED
    return TopicCeilings(
        config.brokers.count,
        float(ceilings.broker),
        inf if ceilings.requests is None else ceilings.requests,
        float(ceilings.partition),
    )


def _limits(config: KafkaSystem) -> Limits:
    topic = config.topic
    return Limits(
        retention_s=inf if topic.retention_ms < 0 else topic.retention_ms / 1e3,
        retention_bytes=inf if topic.retention_bytes < 0 else topic.retention_bytes,
        segment_s=topic.segment_ms / 1e3,
        segment_bytes=topic.segment_bytes,
        check_s=config.brokers.log_retention_check_interval_ms / 1e3,
    )


def _coordinator(
    env: simpy.Environment,
    group: Group,
    terms: Terms,
    config: ConsumerGroup,
    say: Callable[[str], None],
) -> Coordinator:
    if not config.classic:
        return Reconciling(env, group, terms, say)
    return (Cooperative if config.cooperative else Eager)(env, group, terms, say)


def _reading(
    group: ConsumerGroup, config: KafkaSystem, scenario: Scenario, mean_bytes: float
) -> k.Reading:
    per_batch_s = scenario.workload.per_batch_s(group.does)
    reset = group.auto_offset_reset
    java, auto = group.client == "java", group.enable_auto_commit
    stores_early = not java and group.enable_auto_offset_store
    commit = group.program_commits
    # A fetch takes its round trip even where the broker waits for nothing. Where that takes no time
    # to speak of, fetches follow each other without a gap, and each record is returned as it comes.
    max_wait_s = max(group.fetch_max_wait_ms / 1e3, config.latency.fetch)
    enough = 1 if max_wait_s < WITHOUT_A_GAP_S else ceil(group.fetch_min_bytes / mean_bytes)
    before, per_record = commit.when == "before", commit.per == "record"
    return k.Reading(
        max_poll_records=group.poll_records,
        chunk_records=max(1, int(group.max_partition_fetch_bytes / mean_bytes)),
        min_records=max(1, enough),
        max_wait_s=max_wait_s,
        fetch_s=config.latency.fetch,
        per_batch_s=per_batch_s,
        auto_commit_s=group.auto_commit_s,
        commit_s=config.latency.commit,
        background=int(not java and auto),
        handed=int(stores_early if auto else before and not per_record),
        before=int(before),
        per_record=int(per_record),
        wait=int(commit.how == "sync"),
        max_poll_s=group.max_poll_interval_ms / 1e3,
        reset={"latest": k.LATEST, "earliest": k.EARLIEST, "none": k.NONE}.get(
            reset, k.BY_DURATION
        ),
        reset_s=duration_s(reset) if reset.startswith("by_duration") else 0.0,
    )
