"""Plants in systems on a log, and in what publishes to it. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, scenario_of

AT = "systems.s.groups.g"
FIRST_FAULT = Part(("faults.0",), {"faults.0": None})


def kafka(group: dict[str, Any], partitions: int = 8, **more: Any) -> dict[str, Any]:
    """A Kafka system with one group."""
    return {
        "product": "kafka",
        "topic": {"partitions": partitions, **more.pop("topic", {})},
        "partition_key": ["k"],
        "groups": {"g": {"does": ["g"], **group}},
        **more,
    }


def with_second_fault(plant: Plant, fault: dict[str, Any]) -> Plant:
    """Something else happens too, and does no harm."""
    faults = plant.scenario["faults"]
    at = f"faults.{len(faults)}"
    faults.append(fault)
    return Plant(plant.kind, plant.scenario, plant.harm, plant.cause, Part((at,), {at: None}))


def with_slow_sibling(plant: Plant) -> Plant:
    """Another group of the same topic takes 20 ms a record; it has the consumers for it."""
    scenario = plant.scenario
    scenario["workload"]["service"]["sibling"] = {"per_message": "20 ms"}
    its = scenario["systems"]["s"]["groups"]
    its["sibling"] = {"does": ["sibling"], "consumers": 8}
    decoy = Part(
        ("systems.s.groups.sibling", "workload.service.sibling"),
        {"workload.service.sibling.per_message": "0.1 ms"},
    )
    return Plant(plant.kind, scenario, plant.harm, plant.cause, decoy)


def few_partitions(rng: random.Random) -> Plant:
    """Most consumers have no partition."""
    partitions = rng.randint(1, 3)
    at = "systems.s.topic.partitions"
    rate = partitions * rng.uniform(26, 32)
    plant = Plant(
        "too few partitions",
        scenario_of(kafka({"consumers": 12}, partitions), [(120, rate)], {"per_message": "50 ms"}),
        "drain_s",
        (Part((at,), {at: 24}),),
    )
    if rng.random() < 0.8:
        pause = {"at": "30s", "fault": "pause", "target": "s.g.11", "for": "5s"}
        return with_second_fault(plant, pause)
    return plant


def hot_key(rng: random.Random) -> Plant:
    """One key has most of the traffic, and its partition one consumer."""
    hot = rng.uniform(60, 75)
    weights = {"hot": hot, **{f"k{i}": (100 - hot) / 20 for i in range(20)}}
    even = {name: 1 for name in weights}
    at = "workload.keys.k.weights"
    return Plant(
        "a hot key",
        scenario_of(
            kafka({"consumers": 8}),
            [(120, 60)],
            {"per_message": "40 ms"},
            keys={"k": {"weights": weights}},
        ),
        "drain_s",
        (Part(("workload.keys.k", "systems.s.partition_key"), {at: even}),),
    )


def long_work(rng: random.Random) -> Plant:
    """A record takes longer than max.poll.interval.ms: its member leaves, and it comes again."""
    interval = rng.randint(8, 15)
    slow = {"share": 0.002, "time": f"{interval * rng.uniform(1.5, 2.5):.3g} s"}
    group = {
        "consumers": 3,
        "max.poll.interval.ms": interval * 1_000,
        "max.poll.records": 1,
        "enable.auto.commit": False,
    }
    plant = Plant(
        "work longer than max.poll.interval.ms",
        scenario_of(kafka(group, 6), [(120, 12)], {"per_message": "10 ms", "slow": slow}),
        "double_effects",
        (Part((f"{AT}.max.poll.interval.ms",), {f"{AT}.max.poll.interval.ms": 3_600_000}),),
    )
    return with_slow_sibling(plant) if rng.random() < 0.8 else plant


def back_off(rng: random.Random) -> Plant:
    """A back-off is longer than max.poll.interval.ms: one member after the other leaves."""
    interval = rng.randint(8, 15)
    failing = {"attempts": 3, "backoff": f"{rng.randint(100, 140)} s", "then": "skip"}
    group = {"consumers": 2, "max.poll.interval.ms": interval * 1_000, "on_failure": failing}
    poison = {"at": "40s", "fault": "poison", "target": "s.g", "effect": "fail"}
    return Plant(
        "back-off longer than max.poll.interval.ms",
        scenario_of(
            kafka(group, 4),
            [(120, 10)],
            {"per_message": "5 ms"},
            faults=[poison],
            drain_limit="15m",
        ),
        "max_time_lag_s",
        (
            Part((f"{AT}.on_failure",), {f"{AT}.on_failure.backoff": 0.1}),
            FIRST_FAULT,
        ),
    )


def killed(rng: random.Random) -> Plant:
    """A consumer is killed, and its partitions wait until its session times out."""
    group = {"consumers": 4, "session.timeout.ms": rng.randint(40, 60) * 1_000}
    crash = {"at": "40s", "fault": "crash", "target": "s.g.0"}
    plant = Plant(
        "killed, and a long session timeout",
        scenario_of(kafka(group), [(120, 30)], {"per_message": "5 ms"}, faults=[crash]),
        "max_time_lag_s",
        (
            FIRST_FAULT,
            Part(
                (f"{AT}.session.timeout.ms",),
                {f"{AT}.session.timeout.ms": 6_000, f"{AT}.heartbeat.interval.ms": 2_000},
            ),
        ),
    )
    if rng.random() < 0.8:
        slow = {"at": "15s", "fault": "slow", "target": "s.g.1", "factor": 3, "for": "10s"}
        return with_second_fault(plant, slow)
    return plant


def retention(rng: random.Random) -> Plant:
    """The consumers stand still for longer than the topic keeps its records."""
    topic = {"retention.ms": rng.randint(15, 25) * 1_000, "segment.ms": 5_000}
    pause = {"at": "30s", "fault": "pause", "target": "s.g.*", "for": "90s"}
    group = {"consumers": 2, "auto.offset.reset": "earliest"}
    more = {"topic": topic, "brokers": {"log.retention.check.interval.ms": 5_000}}
    return Plant(
        "retention shorter than the stop",
        scenario_of(kafka(group, 2, **more), [(150, 20)], {"per_message": "5 ms"}, faults=[pause]),
        "lost",
        (
            Part(("systems.s.topic.retention.ms",), {"systems.s.topic.retention.ms": 86_400_000}),
            FIRST_FAULT,
        ),
    )


def offset_reset(rng: random.Random) -> Plant:
    """A new group joins late, and begins at the end."""
    group = {"consumers": 2, "starts": "new", "joins_at": f"{rng.randint(10, 25)} s"}
    plant = Plant(
        "a new group begins at the end",
        scenario_of(kafka(group, 4), [(60, 30)], {"per_message": "5 ms"}),
        "lost",
        (
            Part((f"{AT}.auto.offset.reset",), {f"{AT}.auto.offset.reset": "earliest"}),
            Part((f"{AT}.joins_at", f"{AT}.starts"), {f"{AT}.starts": "established"}),
        ),
    )
    if rng.random() < 0.8:
        pause = {"at": "45s", "fault": "pause", "target": "s.g.1", "for": "5s"}
        return with_second_fault(plant, pause)
    return plant


def partitions_added(rng: random.Random) -> Plant:
    """Partitions are added; what comes to them before the group knows is never read."""
    added = {"at": "60s", "fault": "partitions", "target": "s.topic", "to": rng.randint(10, 16)}
    group = {"consumers": 3, "first_metadata_refreshes": [f"{rng.randint(200, 280)} s"]}
    producer = {"first_metadata_refreshes": ["70 s"]}
    plant = Plant(
        "partitions added, and a group that begins at the end",
        scenario_of(
            kafka(group, 8, producer=producer),
            [(300, rng.uniform(8, 12))],
            {"per_message": "5 ms"},
            faults=[added],
        ),
        "lost",
        (
            Part((f"{AT}.auto.offset.reset",), {f"{AT}.auto.offset.reset": "earliest"}),
            FIRST_FAULT,
        ),
    )
    if rng.random() < 0.8:
        slow = {"at": "150s", "fault": "slow", "target": "s.g.1", "factor": 3, "for": "10s"}
        return with_second_fault(plant, slow)
    return plant


def partitions_disagree(rng: random.Random) -> Plant:
    """Partitions are added, and each producer learns of it in its own time: keys lose their order.

    The group hears of the new ones late, so that what went there is processed late.
    """
    added = {"at": "60s", "fault": "partitions", "target": "s.topic", "to": rng.randint(10, 16)}
    group = {
        "consumers": 3,
        "auto.offset.reset": "earliest",
        "first_metadata_refreshes": [f"{rng.randint(150, 200)} s"],
    }
    return Plant(
        "partitions added, and keys out of order",
        scenario_of(
            kafka(group, 8),
            [(300, rng.uniform(8, 12))],
            {"per_message": "5 ms"},
            faults=[added],
            keys={"k": {"count": 50}},
            needs={"order": "per_key"},
        ),
        "violations",
        (
            Part((f"{AT}.metadata.max.age.ms",), {f"{AT}.metadata.max.age.ms": 1_000}),
            FIRST_FAULT,
        ),
    )


def offsets_deleted(rng: random.Random) -> Plant:
    """All members are away for longer than their offsets are kept."""
    brokers = {"offsets.retention.minutes": 1, "offsets.retention.check.interval.ms": 1_000}
    away = {"at": "20s", "fault": "terminate", "target": "s.g.*"}
    away["restart_after"] = f"{rng.randint(100, 140)} s"
    group = {"consumers": 2, "group.protocol": rng.choice(["classic", "consumer"])}
    at = "systems.s.brokers.offsets.retention.minutes"
    plant = Plant(
        "offsets deleted while the group was away",
        scenario_of(
            kafka(group, 4, brokers=brokers),
            [(240, rng.uniform(15, 25))],
            {"per_message": "5 ms"},
            faults=[away],
        ),
        "lost",
        (
            Part((at,), {at: 10_080}),
            Part((f"{AT}.auto.offset.reset",), {f"{AT}.auto.offset.reset": "earliest"}),
            FIRST_FAULT,
        ),
    )
    if rng.random() < 0.8:
        slow = {"at": "200s", "fault": "slow", "target": "s.g.1", "factor": 3, "for": "10s"}
        return with_second_fault(plant, slow)
    return plant


def publishing(producer: dict[str, Any], publisher: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Kafka system whose records come from a process of their own."""
    return kafka(
        {"consumers": 3, "auto.offset.reset": "earliest"},
        3,
        topic={"replication.factor": 3, "min.insync.replicas": 2},
        producer=producer,
        publisher=publisher,
        **more,
    )


def buffer_full(rng: random.Random) -> Plant:
    """A burst is more than the client's buffer may hold."""
    at = "systems.s.producer.queue.buffering.max.messages"
    most = rng.randint(500, 1_500)
    producer = {"client": "librdkafka", "queue.buffering.max.messages": most}
    far = {"produce": {"constant": "400 ms"}}
    plant = Plant(
        "the client's buffer is full",
        scenario_of(
            publishing(producer, {"order": "produce"}, latency=far),
            [(20, 10), (1, 6_000), (40, 10)],
            {"per_message": "0.01 ms"},
        ),
        "lost",
        (Part((at,), {at: 1_000_000}),),
    )
    if rng.random() < 0.8:
        slow = {"at": "40s", "fault": "broker_slow", "target": "s.broker.0", "for": "5s"}
        return with_second_fault(plant, {**slow, "extra": "500 ms"})
    return plant


def delivery_timeout(rng: random.Random) -> Plant:
    """Brokers are away for longer than a record may take: it expires in the client."""
    at = "systems.s.producer.delivery.timeout.ms"
    producer = {
        "client": "java",
        "delivery.timeout.ms": rng.randint(6, 10) * 1_000,
        "request.timeout.ms": 2_000,
    }
    away = {"at": "20s", "fault": "unreachable", "target": "s.broker.*", "for": "25s"}
    return Plant(
        "delivery timeout shorter than an outage",
        scenario_of(
            publishing(producer, {"order": "produce"}),
            [(90, 40)],
            {"per_message": "1 ms"},
            faults=[away],
        ),
        "lost",
        (Part((at,), {at: 120_000}), FIRST_FAULT),
    )


def brokers_away(rng: random.Random) -> Plant:
    """Nothing gets into the log for a while."""
    away = {
        "at": "30s",
        "fault": "unreachable",
        "target": "s.broker.*",
        "for": f"{rng.randint(20, 40)} s",
    }
    plant = Plant(
        "brokers unreachable",
        scenario_of(
            publishing({"client": "java"}, {"order": "produce"}),
            [(120, 40)],
            {"per_message": "1 ms"},
            faults=[away],
        ),
        "max_time_lag_s",
        (FIRST_FAULT,),
    )
    if rng.random() < 0.8:
        pause = {"at": "90s", "fault": "pause", "target": "s.g.0", "for": "2s"}
        return with_second_fault(plant, pause)
    return plant


def unsafe_publisher(rng: random.Random) -> Plant:
    """What was read is committed before it is stored, and the process is killed."""
    at = "systems.s.publisher.order"
    crash = {"at": "50s", "fault": "crash", "target": "s.publisher.0", "restart_after": "3s"}
    publisher = {"order": "commit-produce", "per_message": "2 ms"}
    producer = {"client": "java", "linger.ms": rng.randint(2_000, 4_000)}
    return Plant(
        "committed before it is stored, and a crash",
        scenario_of(
            publishing(producer, publisher), [(90, 40)], {"per_message": "1 ms"}, faults=[crash]
        ),
        "lost",
        (
            Part((at,), {at: "produce-flush-commit"}),
            FIRST_FAULT,
        ),
    )


def long_transaction(rng: random.Random) -> Plant:
    """A burst makes a poll so large that its transaction outlasts its timeout."""
    at = "systems.s.producer.transaction.timeout.ms"
    publisher = {"order": "transaction", "per_message": f"{rng.randint(50, 80)} ms"}
    producer = {"client": "java", "transaction.timeout.ms": rng.randint(4, 9) * 1_000}
    plant = Plant(
        "a transaction that outlasts its timeout",
        scenario_of(
            publishing(producer, publisher),
            [(30, 5), (2, 300), (120, 5)],
            {"per_message": "1 ms"},
        ),
        "unfinished",
        (Part((at,), {at: 300_000}),),
    )
    if rng.random() < 0.8:
        slow = {"at": "20s", "fault": "broker_slow", "target": "s.broker.*", "for": "5s"}
        return with_second_fault(plant, {**slow, "extra": "300 ms"})
    return plant


def slow_transactions(rng: random.Random) -> Plant:
    """Requests are so slow for a while that transactions outlast their timeout."""
    at = "systems.s.producer.transaction.timeout.ms"
    producer = {"client": "java", "transaction.timeout.ms": rng.randint(3, 6) * 1_000}
    slow = {
        "at": "40s", "fault": "broker_slow", "target": "s.broker.*", "for": "60s",
        "extra": f"{rng.randint(12, 18)} s",
    }  # fmt: skip
    return Plant(
        "transactions that outlast their timeout",
        scenario_of(
            publishing(producer, {"order": "transaction", "per_message": "1 ms"}),
            [(180, 40)],
            {"per_message": "1 ms"},
            faults=[slow],
        ),
        "unfinished",
        (Part((at,), {at: 300_000}), FIRST_FAULT),
    )


def reads_uncommitted(rng: random.Random) -> Plant:
    """A publisher is killed within a transaction, and a group reads what that had stored."""
    at = f"{AT}.isolation.level"
    crash = {
        "at": f"{rng.uniform(22.5, 25.5):.2f} s", "fault": "crash", "target": "s.publisher.0",
        "restart_after": "2s",
    }  # fmt: skip
    publisher = {"order": "transaction", "per_message": "5 ms", "poll_records": 2_000}
    return Plant(
        "aborted records are read",
        scenario_of(
            publishing({"client": "java"}, publisher),
            [(20, 5), (1, 1_200), (20, 5)],
            {"per_message": "1 ms"},
            faults=[crash],
        ),
        "double_effects",
        (Part((at,), {at: "read_committed"}), FIRST_FAULT),
    )


def left_open(rng: random.Random) -> Plant:
    """A publisher is killed within a transaction, and the next has another transactional.id."""
    at = "systems.s.producer.transactional.id"
    crash = {
        "at": f"{rng.uniform(22.5, 25.5):.2f} s", "fault": "crash", "target": "s.publisher.0",
        "restart_after": "2s",
    }  # fmt: skip
    its = publishing(
        {"client": "java", "transactional.id": "orders-${random.uuid}"},
        {"order": "transaction", "per_message": "5 ms", "poll_records": 2_000},
    )
    its["groups"]["g"]["isolation.level"] = "read_committed"
    return Plant(
        "a transaction that nobody ends",
        scenario_of(its, [(20, 5), (1, 1_200), (20, 5)], {"per_message": "1 ms"}, faults=[crash]),
        "max_time_lag_s",
        (Part((at,), {at: "orders"}), FIRST_FAULT),
    )


def commit_before(rng: random.Random) -> Plant:
    """Offsets are committed before the work, and a consumer is killed."""
    at = f"{AT}.commit"
    group = {
        "consumers": 3,
        "enable.auto.commit": False,
        "commit": {"when": "before"},
        "session.timeout.ms": 10_000,
    }
    crash = {"at": "56s", "fault": "crash", "target": "s.g.0", "restart_after": "2s"}
    return Plant(
        "committed before the work, and a crash",
        scenario_of(
            kafka(group, 3),
            [(50, 10), (5, rng.uniform(100, 160)), (60, 10)],
            {"per_message": "40 ms"},
            faults=[crash],
        ),
        "lost",
        (Part((at,), {f"{at}.when": "after"}), FIRST_FAULT),
    )


def too_few_consumers(rng: random.Random) -> Plant:
    """More work comes than they can do."""
    consumers = rng.randint(2, 3)
    rate = consumers * rng.uniform(14, 18)
    at = f"{AT}.consumers"
    plant = Plant(
        "too few consumers",
        scenario_of(
            kafka({"consumers": consumers}, 12, partition_key=None),
            [(120, rate)],
            {"per_message": {"exponential": "100 ms"}},
        ),
        "drain_s",
        (Part((at,), {at: 12}),),
    )
    if rng.random() < 0.8:
        pause = {"at": "30s", "fault": "pause", "target": "s.g.1", "for": "1s"}
        return with_second_fault(plant, pause)
    return plant


def slow_consumer(rng: random.Random) -> Plant:
    """One consumer is slow; its partitions wait for it."""
    slow = {
        "at": "40s",
        "fault": "slow",
        "target": "s.g.0",
        "factor": rng.randint(20, 40),
        "for": "60s",
    }
    plant = Plant(
        "a slow consumer",
        scenario_of(kafka({"consumers": 4}), [(120, 60)], {"per_message": "10 ms"}, faults=[slow]),
        "max_time_lag_s",
        (FIRST_FAULT,),
    )
    return with_slow_sibling(plant) if rng.random() < 0.8 else plant


def one_record_a_poll(rng: random.Random) -> Plant:
    """Each poll returns one record, and each batch costs a write."""
    at = f"{AT}.max.poll.records"
    rate = rng.uniform(90, 120)
    plant = Plant(
        "one record a poll",
        scenario_of(
            kafka({"consumers": 2, "max.poll.records": 1}, 4),
            [(60, rate)],
            {"per_message": "0.2 ms", "per_batch": "40 ms"},
        ),
        "drain_s",
        (Part((at,), {at: 500}),),
    )
    return with_slow_sibling(plant) if rng.random() < 0.8 else plant


def scaled(most: int, **more: float) -> dict[str, Any]:
    """KEDA on the lag of the group."""
    scaler = {"lagThreshold": 50, "minReplicaCount": 1, "maxReplicaCount": most, **more}
    return {"at": 0, "fault": "autoscale", "target": "s.g", "startup": "2s", "scaler": scaler}


SCALED = {"partition.assignment.strategy": "cooperative-sticky", "does": ["g"]}
"""A group whose members come and go."""


def autoscaler_cap(rng: random.Random) -> Plant:
    """The autoscaler may not start as many as it wants."""
    cap = rng.randint(2, 3)
    at = "faults.0.scaler.maxReplicaCount"
    return Plant(
        "the autoscaler's cap",
        scenario_of(
            kafka({**SCALED, "consumers": 1}, 12, partition_key=None),
            [(300, cap * rng.uniform(14, 17))],
            {"per_message": "100 ms"},
            faults=[scaled(cap)],
        ),
        "drain_s",
        (Part((at,), {at: 12}),),
    )


def autoscaler_tolerance(rng: random.Random) -> Plant:
    """What it wants is near what there is, so that nothing is done: 12 / 8 - 1 = 0.5."""
    at = "faults.0.scaler.tolerance"
    return Plant(
        "the autoscaler's tolerance",
        scenario_of(
            kafka({**SCALED, "consumers": 8}, 12, partition_key=None),
            [(300, rng.uniform(95, 105))],
            {"per_message": "100 ms"},
            faults=[scaled(12, minReplicaCount=8, tolerance=0.5)],
        ),
        "drain_s",
        (Part((at,), {at: 0.1}),),
    )


def few_shards(rng: random.Random) -> Plant:
    """A Kinesis stream with fewer shards than workers."""
    at = "systems.s.stream.ShardCount"
    system = {
        "product": "kinesis",
        "stream": {"ShardCount": 1},
        "partition_key": ["k"],
        "applications": {"g": {"workers": 4, "does": ["g"]}},
    }
    return Plant(
        "too few shards",
        scenario_of(system, [(120, rng.uniform(28, 36))], {"per_message": "50 ms"}),
        "drain_s",
        (Part((at,), {at: 8}),),
    )


def nothing(rng: random.Random) -> Plant:
    """Things happen, and nothing comes of them."""
    faults = [
        {"at": "30s", "fault": "pause", "target": "s.g.0", "for": "0.3s"},
        {"at": "60s", "fault": "slow", "target": "s.g.1", "factor": 1.5, "for": "20s"},
    ]
    scenario = scenario_of(
        kafka({"consumers": 4}),
        [(40, 20), (10, rng.uniform(80, 120)), (60, 20)],
        {"per_message": "5 ms"},
        faults=faults,
    )
    return Plant("nothing is wrong", scenario, "drain_s", ())


LOGS: tuple[Kind, ...] = (
    few_partitions,
    hot_key,
    long_work,
    back_off,
    killed,
    retention,
    offset_reset,
    offsets_deleted,
    partitions_added,
    partitions_disagree,
    buffer_full,
    delivery_timeout,
    brokers_away,
    unsafe_publisher,
    long_transaction,
    slow_transactions,
    reads_uncommitted,
    left_open,
    commit_before,
    too_few_consumers,
    slow_consumer,
    one_record_a_poll,
    autoscaler_cap,
    autoscaler_tolerance,
    few_shards,
    nothing,
)
"""Every kind on a log."""
