"""Amazon Kinesis on the log mechanism: shards are partitions, record processors are members."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import md5
from math import ceil
from typing import NamedTuple

import numpy as np
import simpy

from sim.engine.acted_kernel import Acted, note
from sim.engine.environment import Stage
from sim.engine.held_up import Taken
from sim.engine.outcome import Fate
from sim.engine.system import Fleet, Setup, capacity
from sim.engine.waits import Limit, TimePart, after_start
from sim.foundation.arrays import F32, F64, I32, I64, U8
from sim.foundation.text import duration
from sim.log import acts
from sim.log import kinesis_shards_kernel as k
from sim.log import kinesis_shards_limits as limits
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kinesis_lambda import Invocations
from sim.log.kinesis_leases import Leases
from sim.log.kinesis_lineage import KEYS, Lineage
from sim.log.parts import Behind, LogWaits
from sim.log.retried import limit_age
from sim.log.topic import Topic
from sim.scenario.faults.topics import ReshardFault
from sim.scenario.load import Scenario
from sim.scenario.products.kinesis import KinesisApplication, KinesisSystem
from sim.systems import kinesis_lambda, log_limits
from sim.systems.ceilings import limit_of_each
from sim.systems.log_limits import Keys
from sim.systems.on_log import LogSystem, group_of, named
from sim.systems.queue_limits import LimitKey
from sim.traffic.messages import Messages


class Kinesis(LogSystem):
    """A `sim.engine.system.System`: one stream, read by every application.

    The producer is followed to its end before the run, since nothing that happens to consumers
    reaches it. So is what each application is handed, and when: its fetches go on in the background
    while a batch is processed. What is left out by that: reading again after a lease was taken is
    not held to the limits of a shard, nor is reading a child of a shard that has just ended, and
    several fetches that wait are one batch.

    Of a stream that is resharded, which shard a record goes to is known once it was accepted
    (`sim.log.kinesis_lineage`).
    """

    def __init__(self, setup: Setup, config: KinesisSystem) -> None:
        self.config = config
        self.lineage = lineage_of(setup, config)
        shards = len(self.lineage.shards)
        shard_of = shard_of_messages(setup, config)
        topic, fate, self.refused, self.put = put(setup, config, self.lineage, shard_of)
        polling = sum(a.polls for a in config.applications.values())
        groups = {}
        self.topics: dict[str, Topic] = {}
        """Of each application, the stream with a partition for each of its members."""
        self.ends_s: dict[str, F64] = {}
        """Of each, [shards] when it learns that each is closed, if it reads it all along, s."""
        for group, application in config.applications.items():
            first = setup.stream(f"{group}.reads").random(shards)
            got_s = _got_s(topic, setup.messages, application, config, polling, first)
            self.ends_s[group] = _ends_s(
                topic, self.lineage, application, config, polling, first, got_s
            )
            laid, handed = _laid(setup, config, group, topic, got_s, self.lineage)
            self.topics[group] = laid
            reading = _reading(application, config, setup.scenario)
            members = laid.log.end.size
            there = self.lineage.first * (members // shards)
            groups[group] = group_of(
                setup, handed, group, application, reading, members, started=there
            )
            if reading.max_age_s < np.inf:
                limit_age(groups[group], laid.log.visible_s)
        self.given_s = {name: group.topic.log.visible_s for name, group in groups.items()}
        """Of each application, [rows] when it is given each record, s."""
        super().__init__(setup, topic, groups, config.applications, lost=fate, sent=self.put)
        self.stages: Sequence[Stage] = [self.readers]

    def taken(self, waits_for: str) -> Taken:
        """As `sim.engine.system.System.taken`: its last call was answered, or it was given up."""
        return self.put.taken()

    def topic_of(self, name: str) -> Topic:
        """As in `LogSystem`."""
        return self.topics[name]

    def consumers(self, group: str) -> int:
        """How many workers or functions an application has, alive or not."""
        application = self.config.applications[group]
        if application.function is not None:
            return self.lineage.most * application.function.parallelization_factor
        return self.setup.scaled(application.members)

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start the workers of every application."""
        if self.refused:
            say(f"{self.refused:,} times a shard refused a record")

        fleets: dict[str, Fleet] = {}
        for name, group in self.groups.items():
            application = self.config.applications[name]
            if application.function is not None:
                dealing = kinesis_lambda.dealing(application, application.function)
                fleets[name] = Invocations(
                    env, group, dealing, named(name, say), self.lineage, self.ends_s[name]
                )
                continue
            fleets[name] = Leases(
                env,
                group,
                self.consumers(name),
                capacity(self.setup, name, self.consumers(name)),
                failover_s=application.failover_time_millis / 1e3,
                most_stolen=application.max_leases_to_steal_at_one_time,
                rng=self.setup.stream(f"{name}.leases"),
                on_failure=application.on_failure or "skip-batch",
                retry_s=application.retry_after,
                say=named(name, say),
                lineage=self.lineage,
                seen_s=self.ends_s[name],
            )
        return fleets

    def _apart_s(self, name: str) -> tuple[float, float]:
        """From one read of a shard to the next, as an application asks for it, and as it is, s.

        Applications that poll share the calls that a shard answers.
        """
        of = self.config.applications
        polling = sum(other.polls for other in of.values())
        idle_s = of[name].idle_s
        if not of[name].polls:
            return idle_s, idle_s
        return idle_s, max(idle_s, polling / limits.GET_CALLS_PER_S)

    def waited(self, name: str, group: Group, behind: Behind | None = None) -> LogWaits:
        """As of any log; what the calls of a shard hold reads up by is a ceiling."""
        idle_s, apart_s = self._apart_s(name)

        def ceiling(rows: I64) -> F64:
            in_stream_s, given_s = self.topics[name].log.visible_s, group.topic.log.visible_s
            waited_s = given_s[rows] - np.maximum(in_stream_s[rows], 0.0) - self.config.latency.get
            # Of a wait for the next read, the share by which reads are further apart.
            share = 1.0 - idle_s / apart_s
            held_s: F64 = np.clip(waited_s, 0.0, apart_s) * share
            return held_s

        return LogWaits(
            group, self.sent, behind=behind, ceiling=ceiling if apart_s > idle_s else None
        )

    def keys(self, name: str) -> Keys:
        """What Kinesis and its client library call the limits that can act on an application."""
        application, at = self.config.applications[name], f"applications.{name}"
        if application.function is not None:
            shards = shard_counts(self.lineage)
            return kinesis_lambda.keys(at, application, application.function, shards)
        failover, records = "failoverTimeMillis", f"{application.max_records}"
        millis = f"{application.failover_time_millis:.10g}"
        on_failure = application.on_failure or "skip-batch"
        at_most = LimitKey("maxRecords", f"{at}.maxRecords", records)
        return {
            acts.TAKEOVER: LimitKey(failover, f"{at}.{failover}", millis),
            acts.CHILDREN: LimitKey(failover, f"{at}.{failover}", millis),
            acts.ATTEMPTS: LimitKey("on_failure", f"{at}.on_failure", on_failure),
            acts.RETRIES: LimitKey("on_failure", f"{at}.on_failure", on_failure),
            acts.AGAIN: at_most,
            log_limits.PARTITIONS: LimitKey(
                "ShardCount", "stream.ShardCount", shard_counts(self.lineage)
            ),
            log_limits.POLL_RECORDS: at_most,
        }

    def reading_limits(self, name: str) -> Iterator[Limit]:
        """That a shard answers five reads a second, of all applications that poll."""
        idle_s, apart_s = self._apart_s(name)
        given_s = self.given_s[name]
        times_s = np.unique(given_s[given_s < np.inf])
        if apart_s > idle_s and times_s.size:
            yield Limit(
                "retrievalMode",
                f"applications.{name}.retrievalMode",
                "POLLING",
                "",
                f"a shard answers {limits.GET_CALLS_PER_S} reads a second, of all applications "
                f"that poll: {apart_s * 1e3:.6g} ms from one read to the next",
                times_s.size,
                float(times_s[0]),
                float(times_s[-1]),
            )

    def sending_limits(self) -> Iterator[Limit]:
        """What shards refused, and what the producer held back or gave up."""
        producer, acted = self.config.producer, self.put.acted
        refused = "takes 1,000 records and 1 MiB a second, and refused more"
        yield from limit_of_each(
            "shard",
            [of.refused for of in acted],
            "ShardCount",
            shard_counts(self.lineage),
            refused if producer.fail_if_throttled else f"{refused}, which came again later",
            "stream.ShardCount",
        )
        yield from limit_of_each(
            "shard",
            [of.held for of in acted],
            "RateLimit",
            f"{producer.rate_limit:g}",
            "the producer held records back",
            "producer.RateLimit",
        )
        yield from limit_of_each(
            "shard",
            [of.overdue for of in acted],
            "RecordTtl",
            f"{producer.record_ttl:.10g}",
            "records were not accepted in time, and given up",
            "producer.RecordTtl",
        )


def lineage_of(setup: Setup, config: KinesisSystem) -> Lineage:
    """The shards of a system's stream over time, for the scale of the scenario."""
    changes = sorted(
        (fault.at, setup.scaled(fault.target_shard_count))
        for fault in setup.scenario.faults
        if isinstance(fault, ReshardFault) and fault.strikes_topic(setup.name)
    )
    return Lineage(setup.scaled(config.stream.shard_count), changes)


def shard_counts(lineage: Lineage) -> str:
    """How many shards there are, and from when on: the value of ShardCount."""
    first, *later = [np.unique(row).size for row in lineage.route]
    times_s = lineage.from_s[1:].tolist()
    changes = [f"{n} from {duration(at_s)} on" for n, at_s in zip(later, times_s, strict=True)]
    return ", ".join([f"{first}", *changes])


def shard_of_messages(setup: Setup, config: KinesisSystem) -> I32:
    """[messages] by the MD5 of the partition key, a 128-bit number; shards have equal ranges.

    These are the shards that there are from the start.
    """
    shards = setup.scaled(config.stream.shard_count)
    if config.partition_key is None:
        rng = setup.stream("partition_keys")
        return rng.integers(0, shards, len(setup.messages), dtype=np.int32)
    assert config.partition_key is not None
    key, names = setup.messages.keys_of(config.partition_key)
    return np.array([shard_of_key(name, shards) for name in names], np.int32)[key]


def shard_of_key(key: str, shards: int) -> int:
    """The shard whose range of hash keys the key's MD5 is in."""
    return hash_key(key) * shards >> 128


def hash_key(key: str) -> int:
    """The MD5 of a partition key, a number below 2**128."""
    return int.from_bytes(md5(key.encode(), usedforsecurity=False).digest())


def _cells(setup: Setup, config: KinesisSystem, lineage: Lineage, shard_of: I32) -> I32:
    """[messages] which column of `Lineage.route` each is in.

    Without keys, each has a hash key that is drawn within the shard ``shard_of`` [messages].
    """
    if config.partition_key is not None:
        key, names = setup.messages.keys_of(config.partition_key)
        return np.array([lineage.cell(hash_key(name)) for name in names], np.int32)[key]
    edges = np.array([edge / KEYS for edge in lineage.edges])
    within = setup.stream("partition_keys.within").random(shard_of.size)
    at = (shard_of + within) / lineage.first
    return (np.searchsorted(edges, at, side="right") - 1).astype(np.int32)


class Acts(NamedTuple):
    """What limits did to the records of a shard."""

    held: Acted
    overdue: Acted
    refused: Acted


class Put(NamedTuple):
    """How records got into a stream, and from there to an application."""

    created_s: F64
    """[messages] s."""
    buffered_s: F32
    """[messages] until its first call left, s."""
    trip_s: F32
    """[messages] of the call that was accepted, there and back, s."""
    held_s: F64
    """[messages] between the two: held back by `RateLimit`, or refused by the shard, s."""
    acted: Sequence[Acts]
    """[shards]"""

    def taken(self) -> Taken:
        """When its producer was done with each record."""
        trip_s = self.buffered_s.astype(np.float64) + self.trip_s
        return Taken(self.created_s + trip_s + self.held_s, trip_s)

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, by when the application was handed each.

        From the stream to there it is in calls that fetch.
        """
        parts_s = np.zeros((len(TimePart), last - first))
        created_s, entered_s = after_start(parts_s, self.created_s[first:last], entered_s)
        parts_s[TimePart.BUFFER] = self.buffered_s[first:last]
        parts_s[TimePart.SEND] = self.trip_s[first:last]
        parts_s[TimePart.CEILING] = self.held_s[first:last]
        its = (TimePart.BUFFER, TimePart.SEND, TimePart.CEILING)
        parts_s[TimePart.CALL] = entered_s - created_s - parts_s[its, :].sum(axis=0)
        return parts_s


def put(
    setup: Setup, config: KinesisSystem, lineage: Lineage, shard_of: I32
) -> tuple[Topic, U8, int, Put]:
    """What the producer leaves in the stream, what it gives up ([messages] a `Fate`), refusals.

    And where the time of what it leaves went.
    """
    producer, messages = config.producer, setup.messages
    n, waiting = len(messages), messages.waiting
    latency_s = setup.pool("put", config.latency.put)
    call, ready_s = np.zeros(n, np.int64), messages.created_s.copy()
    sizes = messages.size_bytes
    k.collect(
        messages.created_s[waiting:],
        sizes if sizes.size == 1 else sizes[waiting:],
        producer.record_max_buffered_time / 1e3,
        producer.collection_max_count,
        producer.collection_max_size,
        call[waiting:],
        ready_s[waiting:],
    )
    sends = partial(
        k.Putting,
        buffered_s=producer.record_max_buffered_time / 1e3,
        ttl_s=producer.record_ttl / 1e3,
        limit=producer.rate_limit / 100.0,
        retries=not producer.fail_if_throttled,
    )
    outcome, arrived_s, visible_s = np.zeros(n, np.uint8), ready_s.copy(), ready_s.copy()
    outcome[:waiting] = limits.APPENDED
    columns = messages.created_s, sizes, call, ready_s, latency_s
    filled = outcome, arrived_s, visible_s
    refused = 0
    acted: list[Acts] = []
    if lineage.changes:
        putting = sends(from_s=lineage.from_s, route=lineage.route)
        rows = np.arange(waiting, n, dtype=np.int32)
        cell, shard_of = _cells(setup, config, lineage, shard_of), shard_of.copy()
        refused += k.put(rows, *columns, putting, cell, *filled, shard_of)
        acted += _acts(putting)
    for shard in range(0 if lineage.changes else lineage.first):
        putting = sends()
        rows = (waiting + np.flatnonzero(shard_of[waiting:] == shard)).astype(np.int32)
        refused += k.put(rows, *columns, putting, shard_of[:0], *filled, shard_of[:0])
        acted += _acts(putting)
    kept = np.flatnonzero(outcome == limits.APPENDED).astype(np.int32)
    appended = kept[np.argsort(arrived_s[kept], kind="stable")]
    shards = len(lineage.shards)
    topic = Topic.of_records(
        messages.created_s, shards, appended, shard_of[appended], visible_s[appended]
    )
    given_up = outcome == limits.GIVEN_UP
    assert appended.size + np.count_nonzero(given_up) == n, "a shard lost a record, or made one"
    fate = given_up.astype(np.uint8) * np.uint8(Fate.LOST_SEND_EXPIRED)
    half_s = visible_s - arrived_s
    sent = Put(
        messages.created_s,
        (ready_s - messages.created_s).astype(np.float32),
        (2.0 * half_s).astype(np.float32),
        np.maximum(0.0, arrived_s - half_s - ready_s),
        acted,
    )
    return topic, fate, int(refused), sent


def _acts(putting: k.Putting) -> Iterator[Acts]:
    """What limits did to the records of each shard."""
    each = putting.held, putting.overdue, putting.refused
    for shard in range(len(putting.held.times)):
        its = [Acted(), Acted(), Acted()]
        for acted, of in zip(its, each, strict=True):
            note(acted, of.first_s[shard], of.last_s[shard], of.times[shard])
        yield Acts(*its)


def _got_s(
    topic: Topic,
    messages: Messages,
    application: KinesisApplication,
    config: KinesisSystem,
    polling: int,
    first: F64,
) -> F64:
    """[rows] when an application is handed each record of the stream, s.

    Args:
        topic: the stream.
        messages: for their sizes.
        application: how it reads.
        config: of the system.
        polling: how many applications poll; they share what a shard gives.
        first: [shards] when it reads each shard first, as a fraction of the time between reads.
    """
    got_s = np.full(topic.log.visible_s.size, np.inf)
    for shard, start in enumerate(topic.log.start[:-1]):
        here = slice(start, start + topic.log.end[shard])
        visible_s = topic.log.visible_s[here]
        sizes = messages.size_bytes
        sizes = sizes if sizes.size == 1 else sizes[topic.log.message[here]]
        if not application.polls:
            k.push(visible_s, sizes, config.latency.push, got_s[here])
            continue
        apart_s = max(application.idle_s, polling / limits.GET_CALLS_PER_S)
        k.poll(
            visible_s,
            sizes,
            first[shard] * apart_s,
            apart_s,
            config.latency.get,
            application.max_records if application.function is None else limits.GET_RECORDS,
            limits.SHARD_READ_BYTES_PER_S / polling,
            got_s[here],
        )
    return got_s


def _ends_s(
    topic: Topic,
    lineage: Lineage,
    application: KinesisApplication,
    config: KinesisSystem,
    polling: int,
    first: F64,
    got_s: F64,
) -> F64:
    """[shards] when whoever reads a shard all along learns that it is closed, s; inf: it never is.

    The arguments are those of `_got_s`, and what that gives.
    """
    ends_s = np.full(len(lineage.shards), np.inf)
    apart_s, get_s = max(application.idle_s, polling / limits.GET_CALLS_PER_S), config.latency.get
    for shard in lineage.closing:
        closed_s, n = lineage.shards[shard].closed_s, int(topic.log.end[shard])
        last_s = float(got_s[topic.log.start[shard] + n - 1]) if n else -np.inf
        if not application.polls:
            ends_s[shard] = max(closed_s + config.latency.push, last_s)
            continue
        call_s = last_s - get_s if n else float(first[shard] * apart_s)
        calls = max(0, ceil((closed_s - call_s) / apart_s))
        ends_s[shard] = max(closed_s, call_s + calls * apart_s) + get_s
    return ends_s


def _laid(
    setup: Setup, config: KinesisSystem, group: str, topic: Topic, got_s: F64, lineage: Lineage
) -> tuple[Topic, Topic]:
    """The stream with a partition for each member of an application, and as that sees it."""
    function, log = config.applications[group].function, topic.log
    each = 1 if function is None else function.parallelization_factor
    if each == 1:
        return topic, topic.seen_at(got_s)
    shard_of = np.zeros(len(setup.messages), np.int32)
    shard_of[log.message] = np.repeat(np.arange(log.end.size), log.end)
    if config.partition_key is None:
        part_of = kinesis_lambda.parts_of(setup, group, shard_of, each)
    else:  # a shard's range of hash keys in equal parts
        key, names = setup.messages.keys_of(config.partition_key)
        hashes = [hash_key(name) for name in names]
        part = np.array(
            [
                [lineage.part(shard, its, each) for its in hashes]
                for shard in range(len(lineage.shards))
            ]
        )
        part_of = (shard_of * each + part[shard_of, key]).astype(np.int32)
    return kinesis_lambda.in_parts(topic, part_of, log.end.size * each, got_s)


def _reading(application: KinesisApplication, config: KinesisSystem, scenario: Scenario) -> Reading:
    per_batch_s = scenario.workload.per_batch_s(application.does)
    if application.function is not None:
        return kinesis_lambda.reading(application.function, config, per_batch_s)
    return Reading(
        max_poll_records=application.max_records,
        chunk_records=application.max_records,
        min_records=1,
        max_wait_s=0.0,
        fetch_s=0.0,
        per_batch_s=per_batch_s,
        auto_commit_s=-1.0,
        commit_s=config.latency.checkpoint,
    )
