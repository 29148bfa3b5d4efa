"""How large a run will be, from the scenario alone: before anything is drawn or allocated.

The coefficients below were measured at a million and more messages on one machine (x86-64, Python
3.11, kernels compiled), as processor time and as the growth of the resident set; `make bench` draws
the cost of a message anew. Tests hold the estimate against real runs: memory within a factor of 2.5
above and 1.5 below. Seconds depend on the machine, and say the order of magnitude.
"""

from collections.abc import Iterator
from math import ceil, inf, log, prod
from pathlib import Path
from typing import NamedTuple

from sim.foundation import files
from sim.foundation.config import KeyPath
from sim.foundation.errors import LabError, ScenarioError
from sim.foundation.text import duration, messages
from sim.foundation.units import Distribution
from sim.scenario.faults.base import RandomFault
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault
from sim.scenario.load import Scenario
from sim.scenario.poison import has_share
from sim.scenario.products.aws_lambda import LONG_POLL_S
from sim.scenario.products.base import Readers
from sim.scenario.products.bullmq import BullmqQueue
from sim.scenario.products.catalogue import System
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.products.kinesis import KinesisApplication, KinesisSystem
from sim.scenario.products.nats import NatsConsumer, NatsSystem
from sim.scenario.products.postgres import PostgresProducer, PostgresQueue, PostgresSystem
from sim.scenario.products.pubsub import PubsubSubscription
from sim.scenario.products.rabbitmq import RabbitmqQueue, RabbitmqSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamConsumers, RabbitmqStreamSystem
from sim.scenario.products.redis_streams import RedisStreamsSystem, StreamGroup
from sim.scenario.products.sidekiq import SidekiqQueue
from sim.scenario.products.sqs import SqsProducer, SqsQueue, SqsSystem
from sim.scenario.products.sqs_dead_letters import is_linked, linked
from sim.scenario.workload import Key
from sim.systems.windowed import HELD, at_a_time, rolling, why_whole
from sim.traffic import arrivals
from sim.traffic.backlog import backlog_size

GRID_STEPS = 600
"""Samples of each series over the arrivals; draining is sampled at the same step."""
LEAST_S = 1e-6
"""The shortest duration: of less, the samples cannot be told apart."""

_CREATED = 16, 1e-8
"""Bytes and seconds of a message in the workload."""
_HISTORY = 80, 2e-7
"""Likewise, more, where entities go through states or come from a file."""
_KAFKA = 57, 4e-8
"""Likewise in a system; the others follow."""
_PUBLISHER = 68, 1e-7
_SHARED = 80, 4e-7
_KINESIS = 101, 2e-7
_QUEUED = 49, 3e-7
_MET = 44, 7e-8
"""What each general queue keeps of where its time went."""
_SQS = 74, 8e-8
_GROUP = 17, 6e-8
"""Bytes and seconds of a message in each group or queue."""
_ENTITY_BYTES = 44, 150
"""Of a combination of key values while keys are drawn: of one dimension, of several."""
_CELL_BYTES = 40
"""Of a second while arrivals are drawn."""
_SAMPLE_BYTES = 58
"""Of a sample of a partition, in each group."""
_GRID_BYTES = 24
"""Of a sample, up to the end of the drain limit."""
_PARTITION_S = 1e-4
_MEMBER = 1_000, 1e-5
"""Of a consumer."""
_SLOT_BYTES = 40
"""Of a message that a consumer can work at or hold besides."""
_BROKER_BYTES, _SERVER_BYTES, _SENDER_BYTES, _POLLED_BYTES = 40, 24, 32, 60
_OVERDUE_S = 1e-4
"""Of a consumer that leaves for having polled too late, and comes back: at the worst, all do."""
_STROKE = 3_000, 1.5e-4
"""Of one time that a random fault strikes, in each system."""
_LOOK_S = 3e-5
"""Of a look at a condition, at an autoscaler's metric or at who has no reader."""
_CHECK_S = 1e-5
"""Of a check of retention, or of leases."""
_EMPTY_S = 5e-8
"""Of a receive that finds nothing, and its like."""
_EMPTY_FIFO_S = 1.5e-7
_EMPTY_KINESIS_S = 2e-7


class Allowance(NamedTuple):
    """What a run may take."""

    bytes: float | None = None
    """Memory; None: what is free."""
    seconds: float = 3_600.0
    """Processor time."""


USUAL = Allowance()


class Part(NamedTuple):
    """What one thing in a scenario comes to."""

    what: str
    """In words, with its number."""
    bytes: float
    seconds: float
    path: KeyPath
    """The key that decides it."""
    system: str = ""
    """To which it belongs; empty: to the workload."""


class Size(NamedTuple):
    """What a run comes to."""

    messages: float
    parts: tuple[Part, ...]

    @property
    def bytes(self) -> float:
        """Memory at its highest, one system after the other, besides the program's own."""
        return self._of_workload() + max(self._by_system().values(), default=0.0)

    @property
    def bytes_side_by_side(self) -> float:
        """The same, all systems at one time."""
        return self._of_workload() + sum(self._by_system().values())

    @property
    def systems(self) -> int:
        """How many there are."""
        return len(self._by_system())

    @property
    def seconds(self) -> float:
        """Processor time, all systems together."""
        return sum(part.seconds for part in self.parts)

    @property
    def workload(self) -> "Size":
        """What the messages alone come to, before any system."""
        return self._replace(parts=tuple(part for part in self.parts if not part.system))

    def _of_workload(self) -> float:
        return sum(part.bytes for part in self.parts if not part.system)

    def _by_system(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for part in self.parts:
            if part.system:
                found[part.system] = found.get(part.system, 0.0) + part.bytes
        return found


def size(scenario: Scenario) -> Size:
    """What a scenario comes to.

    Raises:
        LabError: a file that it names cannot be read, or its duration is too short to be sampled.
    """
    if scenario.duration < LEAST_S:
        said = f"too short to be sampled {GRID_STEPS} times; at least 1 us"
        raise ScenarioError([scenario._document.problem(("duration",), said)])
    n, duration_s = _messages(scenario)
    rolls = rolling(scenario, n)
    parts = list(
        _of_workload(scenario, n, duration_s, all_at_once=len(rolls) < len(scenario.systems))
    )
    for name, system in scenario.systems.items():
        held = _held(scenario, system, n, duration_s) if name in rolls else None
        parts += _of_system(scenario, name, system, n, duration_s, held)
    return Size(n, tuple(parts))


def _messages(scenario: Scenario) -> tuple[float, float]:
    """How many messages to expect, and for how long they arrive in s."""
    workload = scenario.workload
    if workload.cases is not None:
        path = workload.cases.file
        try:
            with files.open_text(path, "utf-8-sig") as file:
                events = max(0, sum(1 for _ in file) - 1)
        except (OSError, UnicodeError, *files.PACKED) as error:
            raise LabError(f"{path}: {files.why(error)}") from None
        return float(events), scenario.duration if scenario.duration < inf else 86_400.0
    n = arrivals.expected(scenario)[0] + backlog_size(scenario)
    duration_s = scenario.duration
    if duration_s == inf:
        duration_s = arrivals.lasts_s(scenario)
    states = [len(key.lifecycle.states) for key in workload.keys.values() if key.lifecycle]
    return n * prod(states), duration_s


def _held(scenario: Scenario, system: System, n: float, duration_s: float) -> float:
    """Messages that a system knows at a time, at most, where they come in windows."""
    workload, waiting = scenario.workload, 0.0
    for readers in system.readers.values():
        each_s = _work_s(scenario, readers)
        if isinstance(system, SqsSystem) and isinstance(readers, SqsQueue):
            calls_s = _mean_s(system.latency.receive) + _mean_s(system.latency.delete)
            each_s += calls_s / readers.batch
        members = max(1.0, readers.members * scenario.scale)
        if isinstance(system, KafkaSystem):
            # All that came since the oldest message that waits is known, and that may be of the
            # partition of the commonest key, which one member reads.
            share = prod(_commonest(workload.keys[dim]) for dim in system.partition_key or ())
            members = min(members, 1.0 / share) if system.partition_key else members
        per_s = members / each_s if each_s > 0 else inf
        if per_s < inf:
            waiting = max(waiting, arrivals.most_waiting(scenario, per_s, duration_s))
    return min(n, HELD * at_a_time(scenario) + waiting + backlog_size(scenario))


def _commonest(key: Key) -> float:
    """Share of the commonest of its values, within a hundredth."""
    if key.weights is not None:
        return max(key.weights.values()) / sum(key.weights.values())
    count = 1 if key.count is None else key.count
    some = min(count, 1_000)
    total: float = sum(rank**-key.zipf for rank in range(1, some + 1))
    if count > some:  # the rest as an integral
        power = 1.0 - key.zipf
        total += log(count / some) if power == 0.0 else float(count**power - some**power) / power
    return 1.0 / total


def _of_workload(
    scenario: Scenario, n: float, duration_s: float, all_at_once: bool
) -> Iterator[Part]:
    workload = scenario.workload
    lives = workload.cases is not None or any(key.lifecycle for key in workload.keys.values())
    more, more_s = _HISTORY if lives else (0, 0.0)
    where = ("workload", "arrivals" if workload.cases is None else "cases")
    if all_at_once:
        yield Part("messages", n * (_CREATED[0] + more), n * (_CREATED[1] + more_s), where)
    cells = min(max(duration_s, 1_000.0), arrivals.MOST_CELLS)
    yield Part("seconds of arrivals", cells * _CELL_BYTES, cells * 1e-7, ("duration",))
    entities = prod(
        float(len(key.weights) if key.weights is not None else key.count or 1)
        for key in workload.keys.values()
    )
    yield Part(
        "combinations of keys",
        entities * _ENTITY_BYTES[len(workload.keys) > 1],
        entities * 1e-7,
        ("workload", "keys"),
    )


def _of_system(
    scenario: Scenario,
    name: str,
    system: System,
    n: float,
    duration_s: float,
    held: float | None,
) -> Iterator[Part]:
    """``held``: messages that it knows at a time; None: all, and others have drawn them."""
    here = ("systems", name)
    readers = system.readers
    end_s = max(_end_s(scenario, group, n, duration_s) for group in readers.values())
    per_message = [_GROUP[0] * len(readers), _GROUP[1] * len(readers)]
    for coefficient in _whose(system):
        per_message[0] += coefficient[0]
        per_message[1] += coefficient[1]
    if held is not None:
        per_message[0] += _CREATED[0]
        per_message[1] += _CREATED[1]
    known = n if held is None else held
    where = ("workload", "arrivals")
    yield Part("messages", known * per_message[0], n * per_message[1], where, name)
    samples = GRID_STEPS * (1 + scenario.drain_limit / duration_s)
    yield Part("samples up to drain_limit", samples * _GRID_BYTES, 0.0, ("drain_limit",), name)
    partitions = 0.0 if system.partitions is None else max(1.0, system.partitions * scenario.scale)
    taken = partitions * len(readers)
    touched = min(samples, GRID_STEPS * end_s / duration_s)
    yield Part(
        "partitions",
        taken * touched * _SAMPLE_BYTES,
        taken * _PARTITION_S,
        (*here, *system.partitions_at),
        name,
    )
    for group, its in readers.items():
        members = max(1.0, _most(scenario, name, group, its) * scenario.scale)
        slots = _slots(system, its)
        yield Part(
            "consumers",
            members * (_MEMBER[0] + slots * _SLOT_BYTES + partitions * isinstance(its, ShareGroup)),
            members * _MEMBER[1] + _idle_s(system, its, members, partitions) * end_s,
            (*here, *system.place_of(group)),
            name,
        )
        yield from _of_readers(name, (*here, *system.place_of(group)), its, members * end_s)
    if isinstance(system, KafkaSystem):
        every_s = system.brokers.log_retention_check_interval_ms / 1e3
        checks = end_s / every_s
        yield Part("checks of retention", 0.0, checks * _CHECK_S, (*here, "brokers"), name)
        brokers = system.brokers.count * _BROKER_BYTES
        yield Part("brokers", brokers, 0.0, (*here, "brokers", "count"), name)
    if isinstance(system, SqsSystem):
        servers = len(readers) * system.servers * _SERVER_BYTES
        yield Part("servers", servers, 0.0, (*here, "servers"), name)
    if isinstance(system, PostgresSystem | SqsSystem | RabbitmqSystem):
        producer = system.producer
        at = "threads" if isinstance(producer, SqsProducer) else "channels"
        at = "connections" if isinstance(producer, PostgresProducer) else at
        senders = max(1.0, getattr(producer, at) * scenario.scale) * _SENDER_BYTES
        yield Part("senders", senders, 0.0, (*here, "producer", at), name)
    yield from _of_faults(scenario, name, duration_s, end_s)


def _of_readers(system: str, path: KeyPath, readers: Readers, time_s: float) -> Iterator[Part]:
    """What some keys of readers decide; ``time_s``: of all members together."""
    if isinstance(readers, ConsumerGroup):
        overdue = time_s / (readers.max_poll_interval_ms / 1e3)
        key = "max.poll.interval.ms"
        yield Part("members that are overdue", 0.0, overdue * _OVERDUE_S, (*path, key), system)
    elif isinstance(readers, RabbitmqStreamConsumers):
        stored = time_s / readers.flush_interval
        yield Part("offsets stored", 0.0, stored * 2 * _EMPTY_S, (*path, "flushInterval"), system)
    elif isinstance(readers, ShareGroup):
        taken = readers.max_poll_records * _POLLED_BYTES
        yield Part("records of a poll", taken, 0.0, (*path, "max.poll.records"), system)


def _most(scenario: Scenario, system: str, group: str, readers: Readers) -> int:
    """The most consumers that a group can come to have, at scale 1."""
    scaled = [
        fault.most
        for fault in scenario.faults
        if isinstance(fault, ScaleFault | AutoscaleFault) and fault.strikes_group(system, group)
    ]
    return max([readers.members, *scaled])


def _of_faults(scenario: Scenario, system: str, duration_s: float, end_s: float) -> Iterator[Part]:
    shares = any(has_share(scenario, system, name) for name in scenario.systems[system].readers)
    first_s = 0.0 if shares else inf
    for index, fault in enumerate(scenario.faults):
        path = ("faults", index)
        starts_s = fault.at or 0.0
        if fault.at is not None:
            yield Part("faults", *_STROKE, path, system)
        if isinstance(fault, RandomFault) and fault.rate is not None:
            starts_s = fault.from_ or 0.0
            until_s = duration_s if fault.until is None else fault.until
            times = fault.rate * max(0.0, until_s - starts_s)
            yield Part(
                "times that a fault strikes", times * _STROKE[0], times * _STROKE[1],
                (*path, "rate"), system,
            )  # fmt: skip
        if fault.condition is not None:
            looks = end_s / fault.condition.every
            yield Part(
                "looks at a condition", 0.0, looks * _LOOK_S, (*path, "when", "every"), system
            )
        if isinstance(fault, AutoscaleFault):
            lasts_s = min(end_s, fault.for_ or inf)
            for key, every_s in (
                ("pollingInterval", fault.scaler.polling_interval),
                ("sync_period", fault.scaler.sync_period),
            ):
                yield Part(
                    "looks of an autoscaler", 0.0, lasts_s / every_s * _LOOK_S,
                    (*path, "scaler", key), system,
                )  # fmt: skip
        if fault.takes_readers:
            first_s = min(first_s, starts_s)
    if first_s < end_s:
        looks = end_s - first_s
        yield Part("looks for readers", 0.0, looks * _LOOK_S, ("duration",), system)


def _whose(system: System) -> Iterator[tuple[int, float]]:
    """Bytes and seconds of a message in a product."""
    if isinstance(system, KafkaSystem):
        yield _KAFKA
        if system.publisher is not None:
            yield _PUBLISHER
        if system.share_groups:
            yield _SHARED
    elif isinstance(system, RabbitmqStreamSystem):
        yield _KAFKA
    elif isinstance(system, KinesisSystem):
        yield _KINESIS
    elif isinstance(system, SqsSystem) and all(
        q.plain and not q.unread and not is_linked(name, linked(system.queues))
        for name, q in system.queues.items()
    ):
        yield _SQS
    else:
        yield _QUEUED
        yield _MET[0] * len(system.readers), _MET[1] * len(system.readers)


def _slots(system: System, readers: Readers) -> float:
    """How many messages a consumer can be at work on at once."""
    if isinstance(system, CelerySystem):
        return float(system.config.worker_concurrency)
    if isinstance(readers, BullmqQueue):
        return float(readers.lanes)
    if isinstance(readers, SidekiqQueue):
        return float(readers.config.concurrency)
    if isinstance(readers, RabbitmqQueue | PubsubSubscription):
        return float(readers.threads)
    return 1.0


def _idle_s(system: System, readers: Readers, members: float, partitions: float) -> float:
    """Processor time that consumers take in each second in which there is nothing to do, s."""
    if isinstance(system, SqsSystem) and isinstance(readers, SqsQueue):
        call_s = max(1e-9, _mean_s(system.latency.receive))
        wait_s = float(readers.receive_message_wait_time_seconds)
        if readers.function is not None:
            members, wait_s = float(readers.function.pollers.start), LONG_POLL_S
        return members / (call_s + wait_s) * (_EMPTY_FIFO_S if readers.fifo_queue else _EMPTY_S)
    if isinstance(system, PostgresSystem) and isinstance(readers, PostgresQueue):
        its = readers.library.habits
        call_s = max(1e-4, _mean_s(system.latency.fetch))
        return members / (call_s + max(its.poll_s, its.every_s)) * _EMPTY_FIFO_S
    if isinstance(system, RedisStreamsSystem) and isinstance(readers, StreamGroup):
        call_s = max(1e-4, 2.0 * _mean_s(system.latency.read))
        return members / (call_s + (readers.xreadgroup.block or 0.0) / 1e3) * _EMPTY_FIFO_S
    if isinstance(system, NatsSystem) and isinstance(readers, NatsConsumer):
        if readers.fetch is None:
            return 0.0
        call_s = max(1e-4, _mean_s(system.latency.deliver))
        return members / (call_s + readers.fetch.expires) * _EMPTY_FIFO_S
    if isinstance(readers, ShareGroup):
        return members / max(1e-3, readers.fetch_max_wait_ms / 1e3) * 2 * _EMPTY_S
    if isinstance(readers, KinesisApplication):
        idle_s = max(1e-3, readers.idle_s)
        return partitions / idle_s * _EMPTY_KINESIS_S + members / 20.0 * _CHECK_S
    return 0.0


def _end_s(scenario: Scenario, readers: Readers, n: float, duration_s: float) -> float:
    """When a group has done its work, if nothing goes wrong, s."""
    busy_s = n * _work_s(scenario, readers) / max(1.0, readers.members * scenario.scale)
    return min(max(duration_s * 1.02, busy_s), duration_s + scenario.drain_limit)


def _work_s(scenario: Scenario, readers: Readers) -> float:
    """Mean work of a message, s."""
    work_s = 0.0
    for job in readers.does:
        service = scenario.workload.service[job]
        slow = service.slow
        share = 0.0 if slow is None else slow.share
        work_s += (1 - share) * _mean_s(service.per_message)
        work_s += 0.0 if slow is None else share * _mean_s(slow.time)
    return work_s


def _mean_s(distribution: Distribution) -> float:
    try:
        return distribution.mean_s()
    except OverflowError:
        return inf


def free_bytes() -> int:
    """Memory that programs may still take; where the machine does not say, 4 GiB."""
    try:
        about = Path("/proc/meminfo").read_text()
    except OSError:
        return 4 << 30
    return int(about.split("MemAvailable:")[1].split()[0]) << 10


def check(scenario: Scenario, of: Size, allowed: Allowance, free: float) -> None:
    """Refuse a run that is larger than it may be.

    Args:
        scenario: what is to be run.
        of: what it comes to.
        allowed: what its user insists that it may take.
        free: memory that there is, bytes.

    Raises:
        ScenarioError: it is; the message has the figures, the key that decides, and the way out.
    """
    limit = free if allowed.bytes is None else allowed.bytes
    # Not `>`: infinite rates times nothing are not a number.
    too_large, too_long = not of.bytes <= limit, not of.seconds <= allowed.seconds
    if not (too_large or too_long):
        return
    worst = max(of.parts, key=lambda part: _finite(part.bytes if too_large else part.seconds))
    document = scenario._document
    if too_large:
        whose = "free here" if allowed.bytes is None else "of --max-memory"
        of_memory = f"{memory(of.bytes)} of memory, more than the {memory(limit)} {whose}"
        insist = f"--max-memory {memory(_finite(of.bytes) * 1.1)}".replace(" GB", "GB")
    else:
        of_memory = f"{duration(of.seconds)} of computing, more than {duration(allowed.seconds)}"
        insist = f"--max-time {_hours(of.seconds)}"
    raise ScenarioError(
        [
            document.problem(
                worst.path,
                f"the run would take {of_memory} (estimated: {messages(of.messages)}, "
                f"{memory(of.bytes)}, {duration(of.seconds)}); most of it for {worst.what}: "
                f"change this or `scale`, or insist with `{insist}`"
                f"{_all_at_once(scenario, worst) if too_large else ''}",
            )
        ]
    )


def _all_at_once(scenario: Scenario, worst: Part) -> str:
    """Why messages, if they take the memory, cannot be forgotten while the run goes on."""
    if worst.what != "messages":
        return ""
    names = [worst.system] if worst.system else list(scenario.systems)
    reasons = ((name, why_whole(scenario, name)) for name in names)
    said = [f"{name} needs all messages at once, since {why}" for name, why in reasons if why]
    return f". {said[0]}" if said else ""


def memory(size_bytes: float) -> str:
    """Memory in words that `--max-memory` reads: "350 MB", "1.2 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size_bytes >= unit:
            digits = (
                f"{size_bytes / unit:.1f}" if size_bytes < 10 * unit else f"{size_bytes / unit:.3g}"
            )
            return f"{float(digits):,.10g} {name}".replace(",", "")
    return "1 MB"


def _hours(seconds: float) -> str:
    return f"{max(1, ceil(_finite(seconds) / 3600)):.3g}h"


def _finite(number: float) -> float:
    return number if number < 1e300 else 1e300
