"""Apache Kafka 4 with its Java client and librdkafka, as `sim validate` needs them."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from math import ceil, inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, cast
from uuid import uuid4

import numpy as np

from sim.engine.system import Setup
from sim.foundation.errors import LabError
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.scaling import fleet_size
from sim.validate import kafka_server
from sim.validate.calibrate import calibrated
from sim.validate.fleet import RealClient, RealFleet
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.python import client_program, have
from sim.validate.real import Calibration
from sim.validate.replay import AHEAD_S, Staging, replay

_SAME = {
    "java": (
        "max.poll.records", "max.poll.interval.ms", "max.partition.fetch.bytes", "fetch.min.bytes",
        "fetch.max.wait.ms", "enable.auto.commit", "auto.commit.interval.ms",
        "group.remote.assignor",
    ),
    "librdkafka": (
        "max.poll.interval.ms", "max.partition.fetch.bytes", "fetch.min.bytes",
        "enable.auto.commit", "auto.commit.interval.ms", "enable.auto.offset.store",
        "group.remote.assignor",
    ),
}  # fmt: skip
"""Keys of a consumer that go to the real client as they are."""
_JAVA_ASSIGNORS = {
    "range": "RangeAssignor",
    "roundrobin": "RoundRobinAssignor",
    "sticky": "StickyAssignor",
    "cooperative-sticky": "CooperativeStickyAssignor",
}
_PRODUCER = (
    "linger.ms", "batch.size", "batch.num.messages", "retries", "retry.backoff.ms",
    "retry.backoff.max.ms", "request.timeout.ms", "delivery.timeout.ms",
    "max.in.flight.requests.per.connection", "enable.idempotence", "acks",
)  # fmt: skip
_JAVA_PRODUCER = {
    "partitioner": "murmur2_random",
    "batch.size": 16_384,
    "enable.idempotence": True,
    "delivery.timeout.ms": 120_000,
}
"""What makes librdkafka send as the Java client does."""
_LOWEST = {
    "group.min.session.timeout.ms": 1_000,
    "group.consumer.min.session.timeout.ms": 1_000,
    "group.consumer.min.heartbeat.interval.ms": 500,
    "group.share.min.session.timeout.ms": 1_000,
    "group.share.min.heartbeat.interval.ms": 500,
    "group.share.min.record.lock.duration.ms": 1_000,
}
"""Of the broker: timeouts that were shortened are not refused."""
_STABLE_S = 1.0
_NONE = 1 << 30
"""Comes after every partition."""
_SHARED_S = 8.0
"""Members of a share group do not tell what they have."""
_TICKS = {
    "heartbeat": re.compile(r"^%7\|([0-9.]+)\|HEARTBEAT\|[^\n]*Heartbeat for group", re.MULTILINE),
    "commit": re.compile(r"^%7\|([0-9.]+)\|COMMIT\|[^\n]*cgrp auto commit", re.MULTILINE),
}


def _ms(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(round(value)) if isinstance(value, float) else str(value)


class KafkaReal:
    """A broker, and the clients of a scenario's own systems."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a broker that runs; None: start one.

        Raises:
            BrokerMissingError: neither broker nor clients are installed.
        """
        have("confluent_kafka", "confluent-kafka")
        kafka = kafka_server.installed()
        self.versions: Mapping[str, str] = {
            "Kafka": kafka,
            "confluent-kafka": version("confluent-kafka"),
        }
        self.given = address
        self.server: kafka_server.KafkaServer | None = None
        self._folder = TemporaryDirectory(prefix="sim-kafka-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What the real system does not have of the lab's."""
        config = cast(KafkaSystem, plan.product)
        if config.brokers.count > 1:
            yield f"one broker stands for {config.brokers.count}; nothing is replicated"
        if config.topic.replication_factor > 1 and config.publisher is not None:
            yield "replication.factor is 1"
        if config.producer.client == "java":
            yield "librdkafka sends for the Java producer, with murmur2 and its batch.size"
        if config.publisher is not None:
            yield "the program around the producer sends and does nothing else"
        if self.given is not None:
            yield "the broker's own settings hold, whatever the scenario says of `brokers`"

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Calls and work on this machine."""
        return calibrated(
            plan,
            folder,
            self.run,
            calls={"produce": "latency.produce", "deliver": "latency.fetch"},
            lingers_s=cast(KafkaSystem, plan.product).producer.linger_ms / 1e3,
        )

    def run(self, plan: Plan, folder: Path) -> Observed:
        """One run, on a topic of its own."""
        config = cast(KafkaSystem, plan.product)
        address = self.given or self._serve(config)
        staging = KafkaStaging(address, f"v-{uuid4().hex[:8]}")
        staging.create(plan)
        return replay(plan, staging, folder, self.server)

    def _serve(self, config: KafkaSystem) -> str:
        brokers = config.brokers
        settings: dict[str, Any] = {
            **_LOWEST,
            "group.initial.rebalance.delay.ms": brokers.group_initial_rebalance_delay_ms,
            "group.consumer.session.timeout.ms": brokers.group_consumer_session_timeout_ms,
            "group.consumer.heartbeat.interval.ms": brokers.group_consumer_heartbeat_interval_ms,
        }
        for share in config.share_groups.values():
            settings |= {
                "group.share.record.lock.duration.ms": share.lock_duration_ms,
                "group.share.delivery.count.limit": share.delivery_count_limit,
                "group.share.session.timeout.ms": share.session_timeout_ms,
            }
        wanted = {key: _ms(float(value)) for key, value in settings.items()}
        if self.server is None or self.server.settings != wanted:
            if self.server is not None:
                self.server.stop()
            self.server = kafka_server.KafkaServer(Path(self._folder.name, "broker"), wanted)
            self.server.start()
        return self.server.address


class KafkaStaging(Staging):
    """Topic and clients of one run."""

    def __init__(self, address: str, topic: str) -> None:
        """
        Args:
            address: of the broker.
            topic: name of one that is not there yet.
        """
        self.address = address
        self.topic = topic
        self.has: dict[str, set[int]] = {}
        self._steady_since = inf

    def create(self, plan: Plan) -> None:
        """Make the topic."""
        from confluent_kafka import admin as kafka_admin

        admin: Any = kafka_admin.AdminClient({"bootstrap.servers": self.address})
        new: Any = kafka_admin.NewTopic(  # type: ignore[attr-defined]
            self.topic, _partitions(plan), 1
        )
        admin.create_topics([new])[self.topic].result(60)

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """A Java consumer, one of a share group, or librdkafka's."""
        readers = plan.groups[group].readers
        given = {
            "bootstrap.servers": self.address,
            "group.id": f"{self.topic}-{group}",
            "client.id": group,
        }
        if isinstance(readers, ShareGroup):
            given |= _share(readers)
            program = kafka_server.java("RealConsumer")
        else:
            assert isinstance(readers, ConsumerGroup)
            given |= _consumer(readers)
            librdkafka = readers.client == "librdkafka"
            program = (
                client_program("rdkafka_consumer")
                if librdkafka
                else kafka_server.java("RealConsumer")
            )
        return [*program, str(log), str(work), self.topic, *_pairs(given)]

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """librdkafka, as itself or in the place of the Java client."""
        producer = cast(KafkaSystem, plan.product).producer
        given: dict[str, Any] = {"bootstrap.servers": self.address}
        if producer.client == "java":
            given |= _JAVA_PRODUCER
        dumped = producer.model_dump(by_alias=True)
        given |= {key: _ms(dumped[key]) for key in _PRODUCER if dumped.get(key) is not None}
        if "request.timeout.ms" in given:
            given["socket.timeout.ms"] = given["request.timeout.ms"]
        program = client_program("rdkafka_producer")
        return [*program, str(log), str(messages), self.topic, *_pairs(given)]

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether every group's partitions are given out, as evenly as they can, and stay."""
        subscribed = all([_subscribed(fleet) for fleet in fleets.values()])
        even = all(
            self._even(fleet, _partitions(plan))
            for name, fleet in fleets.items()
            if isinstance(plan.groups[name].readers, ConsumerGroup)
        )
        now_s = time.monotonic()
        self._steady_since = min(self._steady_since, now_s) if even and subscribed else inf
        shares = any(isinstance(group.readers, ShareGroup) for group in plan.groups.values())
        return now_s - self._steady_since > (_SHARED_S if shares else _STABLE_S)

    def _even(self, fleet: RealFleet, partitions: int) -> bool:
        has = [assigned(client.lines) for client in fleet.clients if client.member >= 0]
        sizes = [len(its) for its in has]
        whole = set().union(*has) if has else set()
        return len(whole) == sum(sizes) == partitions and max(sizes) - min(sizes) <= 1

    def begin_s(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> float:
        """So that Java's classic members beat when the lab's do.

        The heartbeats of members that joined together count from then. The lab draws when the
        first of them falls due; the run begins so long before the real one.
        """
        soon_s = time.time() + AHEAD_S
        for name, fleet in fleets.items():
            readers = plan.groups[name].readers
            if isinstance(readers, ConsumerGroup) and readers.group_instance_id is None:
                number_by_partitions(fleet)
            if isinstance(readers, ConsumerGroup) and readers.classic and readers.client == "java":
                every_s = readers.heartbeat_ms(cast(KafkaSystem, plan.product).brokers) / 1e3
                setup = Setup(plan.system, plan.scenario, plan.messages, plan.messages.created_s)
                drawn = setup.stream(f"{name}.heartbeat").uniform(0.0, every_s, len(fleet.places))
                joined_s = max(
                    float(line[1])
                    for client in fleet.clients
                    for line in client.lines
                    if line[0] == "e" and line[2] == "+"
                )
                first_s = joined_s - float(drawn[0])
                return first_s + ceil((soon_s - first_s) / every_s) * every_s
        return soon_s

    def initial(
        self, plan: Plan, fleets: Mapping[str, RealFleet], began_s: float
    ) -> Mapping[str, Any]:
        """When each member beat first, from its last beat before second 0."""
        found: dict[str, Any] = {}
        for name, fleet in fleets.items():
            readers = plan.groups[name].readers
            if not isinstance(readers, ConsumerGroup):
                continue
            heartbeat_s = readers.heartbeat_ms(cast(KafkaSystem, plan.product).brokers) / 1e3
            of_timers = [("heartbeat", "first_heartbeats", heartbeat_s)]
            if readers.auto_commit_s > 0.0:
                of_timers.append(("commit", "first_commits", readers.auto_commit_s))
            for what, key, every_s in of_timers:
                first = first_s(fleet, what, every_s, began_s)
                if len(first) == plan.groups[name].members:
                    place = ".".join(str(part) for part in plan.product.place_of(name))
                    found[f"systems.{plan.system}.{place}.{key}"] = first
        return {**found, **_restarts(plan, [gap for x in fleets.values() for gap in gaps_s(x)])}

    def stored(self, plan: Plan) -> Sequence[int]:
        """What is in the topic."""
        from confluent_kafka import Consumer, TopicPartition

        reader: Any = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "stored",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        n = _partitions(plan)
        reader.assign([TopicPartition(self.topic, partition, 0) for partition in range(n)])
        found: list[tuple[int, int, int]] = []
        ended = 0
        while ended < n and (record := reader.poll(10.0)) is not None:
            if record.error():
                ended += 1
                continue
            message = int(record.value().split(maxsplit=1)[0])
            found.append((record.partition(), record.offset(), message))
        reader.close()
        return [message for _, _, message in sorted(found)]


def _partitions(plan: Plan) -> int:
    return fleet_size(cast(KafkaSystem, plan.product).topic.partitions, plan.scenario.scale)


def _pairs(given: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_ms(value)}" for key, value in given.items()]


def _consumer(group: ConsumerGroup) -> dict[str, Any]:
    """The configuration of a group's real consumers."""
    if group.retry_topics is not None:
        raise LabError("'retry_topics' are Spring's, and the real consumers here are without it")
    dumped = group.model_dump(by_alias=True)
    given = {key: dumped[key] for key in _SAME[group.client] if dumped.get(key) is not None}
    reset = group.auto_offset_reset
    given["auto.offset.reset"] = "earliest" if group.starts == "established" else reset
    given["group.protocol"] = group.group_protocol
    if group.classic:
        for key in ("session.timeout.ms", "heartbeat.interval.ms"):
            if dumped.get(key) is not None:
                given[key] = dumped[key]
        if names := group.partition_assignment_strategy:
            java = "org.apache.kafka.clients.consumer."
            prefixed = [java + _JAVA_ASSIGNORS[name] for name in names]
            given["partition.assignment.strategy"] = ",".join(
                prefixed if group.client == "java" else names
            )
    if group.group_instance_id is not None:
        given["group.instance.id"] = f"{group.group_instance_id}-{{member}}"
    if group.client == "librdkafka":
        given["fetch.wait.max.ms"] = group.fetch_max_wait_ms
    if not group.enable_auto_commit:
        commit = group.program_commits
        given["lab.commit"] = f"{commit.when}.{commit.how}.{commit.per}"
    failure = group.on_failure
    given["lab.attempts"] = -1 if failure.attempts is None else failure.attempts
    given["lab.backoff.ms"] = failure.backoff * 1e3
    given["lab.then"] = failure.then
    return given


def _share(group: ShareGroup) -> dict[str, Any]:
    return {
        "lab.share": "true",
        "max.poll.records": group.max_poll_records,
        "fetch.max.wait.ms": group.fetch_max_wait_ms,
    }


def _subscribed(fleet: RealFleet) -> bool:
    """Whether all have; reads what they have written since."""
    return all([client.said("e") for client in fleet.clients if client.member >= 0])


def gaps_s(fleet: RealFleet) -> list[float]:
    """From the end of each process until its successor in the group subscribed, s."""
    found = []
    ended_s: dict[int, float] = {}
    for client in fleet.clients:
        ends = [float(line[1]) for line in client.lines if line[0] == "x"]
        begins = [
            float(line[1])
            for line in client.lines
            if line[0] == "e" and line[2:3] == ["subscribed"]
        ]
        if begins and client.member in ended_s:
            found.append(begins[0] - ended_s[client.member])
        if ends:
            ended_s[client.member] = ends[-1]
    return found


def _restarts(plan: Plan, gaps_s: Sequence[float]) -> Mapping[str, Any]:
    """The faults with the time that processes really took to come back.

    One takes some tenths of a second from being started until it subscribes, however warm it is,
    and another to be gone; of the group's protocol that says nothing.
    """
    faults = plan.scenario.model_dump(mode="json", by_alias=True)["faults"]
    asked_s = [fault.get("restart_after") for fault in faults if fault["fault"] == "terminate"]
    if not gaps_s or None in asked_s or len({*asked_s}) != 1:
        return {}
    back_s = max(asked_s[0], float(np.median(gaps_s)))
    return {
        "faults": [
            {**fault, "restart_after": back_s} if fault["fault"] == "terminate" else fault
            for fault in faults
        ]
    }


def number_by_partitions(fleet: RealFleet) -> None:
    """Number members by the first partition that each has, as the lab gives them out.

    A broker gives its members ids at random, and assigns by their order: whom a fault strikes would
    have had other partitions, with other keys, in each run.
    """
    going = [client for client in fleet.places if client is not None]
    going.sort(key=lambda client: min(assigned(client.lines), default=_NONE))
    for member, client in enumerate(going):
        client.member = member
        fleet.places[member] = client


def first_s(fleet: RealFleet, what: str, every_s: float, began_s: float) -> list[float]:
    """When each member that was there at second 0 did something first, by a timer that it had.

    Args:
        fleet: the group.
        what: `heartbeat` or `commit`.
        every_s: the timer's interval, s.
        began_s: second 0 on the wall's clock.

    Returns:
        [members], s: an interval after the last time before second 0; nothing, if one of them did
        it neither before nor in the first interval.
    """
    found = {}
    for client in fleet.clients:
        times = ticks(client, what)
        after = [at for at in times if began_s <= at < began_s + every_s * 1.5]
        before = [at + every_s for at in times if at < began_s]
        if client.member >= 0 and client.member not in found and (before or after):
            at_s = before[-1] if before else after[0]
            found[client.member] = round(max(0.0, at_s - began_s), 4)
    return [found[member] for member in sorted(found)]


def ticks(client: RealClient, what: str) -> list[float]:
    """When a consumer sent a `heartbeat` or a `commit`, on the wall's clock, ascending.

    It is in the lines of the Java program, or in what librdkafka writes to standard error.
    """
    said = [float(line[1]) for line in client.lines if line[0] == "e" and line[2] == what]
    errors = client.log.with_suffix(".err")
    if not said and errors.exists():
        found = _TICKS[what].findall(errors.read_text(errors="replace"))
        said = [float(time_s) for time_s in found]
    return sorted(said)


def assigned(lines: Sequence[Sequence[str]]) -> set[int]:
    """The partitions that a consumer has, by what it wrote of assignments."""
    has: set[int] = set()
    for line in lines:
        if line[0] == "e" and len(line) == 4 and line[2] in "+-!" and line[3] != "none":
            these = {int(partition) for partition in line[3].split(",")}
            has = has | these if line[2] == "+" else has - these
    return has
