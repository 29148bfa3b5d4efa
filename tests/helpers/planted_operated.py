"""Plants in what somebody does to a topic or a queue, and in pipelines; as in `helpers.planted`."""

import random

from helpers.planted import Kind, Part, Plant, scenario_of
from helpers.planted_logs import FIRST_FAULT, kafka, with_second_fault
from helpers.planted_queues import POLL, rabbitmq, sqs


def retention_lowered(rng: random.Random) -> Plant:
    """While the consumers stand still, the topic is told to keep less than that."""
    topic = {"retention.ms": 86_400_000, "segment.ms": 5_000}
    pause = {"at": "30s", "fault": "pause", "target": "s.g.*", "for": "80s"}
    lowered = {
        "at": f"{rng.randint(35, 60)}s", "fault": "configs", "target": "s.topic",
        "retention.ms": rng.randint(10, 20) * 1_000,
    }  # fmt: skip
    more = {"topic": topic, "brokers": {"log.retention.check.interval.ms": 5_000}}
    group = {"consumers": 2, "auto.offset.reset": "earliest"}
    plant = Plant(
        "retention lowered while the consumers stand still",
        scenario_of(
            kafka(group, 2, **more), [(150, 20)], {"per_message": "5 ms"}, faults=[lowered, pause]
        ),
        "lost",
        (FIRST_FAULT, Part(("faults.1",), {"faults.1": None})),
    )
    slow = {"at": "10s", "fault": "slow", "target": "s.g.1", "factor": 2, "for": "10s"}
    return with_second_fault(plant, slow) if rng.random() < 0.8 else plant


def redriven(rng: random.Random) -> Plant:
    """Dead letters are moved back only after a while, and are late."""
    rate = rng.uniform(18, 22)
    dead = rng.randint(50, 150)
    system = {
        "workers": 10, "VisibilityTimeout": 1,
        "RedrivePolicy": {"maxReceiveCount": 1, "deadLetterTargetArn": "dead"}, **POLL,
    }  # fmt: skip
    its = sqs(system)
    its["queues"]["dead"] = {"workers": 0}
    failing = {
        "at": "10s", "fault": "poison", "target": "s.g", "effect": "fail", "count": dead,
        "times": 1,
    }  # fmt: skip
    back = {"at": f"{rng.randint(55, 65)}s", "fault": "redrive", "target": "s.dead"}
    plant = Plant(
        "dead letters moved back late",
        scenario_of(its, [(100, rate)], {"per_message": "200 ms"}, faults=[back, failing]),
        "max_time_lag_s",
        (FIRST_FAULT, Part(("faults.1",), {"faults.1": None})),
    )
    pause = {"at": "5s", "fault": "pause", "target": "s.g.0", "for": "1s"}
    return with_second_fault(plant, pause) if rng.random() < 0.8 else plant


def next_stage_too_slow(rng: random.Random) -> Plant:
    """A bounded queue at the end of a pipeline has too few consumers: who feeds it waits."""
    queue = {
        "consumers": 1, "prefetch_count": 1, "does": ["next"],
        "arguments": {"x-max-length": rng.randint(5, 15), "x-overflow": "reject-publish"},
    }  # fmt: skip
    work = {"per_message": f"{rng.randint(260, 300)} ms"}
    scenario = scenario_of(
        rabbitmq({"consumers": 2, "prefetch_count": 1}),
        [(20, rng.uniform(8, 10))],
        {"per_message": "20 ms"},
        more_work={"next": work},
        pipeline=[{"from": "s.g", "to": "next", "waits_for": "acknowledgement"}],
    )
    scenario["systems"]["next"] = {"product": "rabbitmq", "queues": {"q": queue}}
    at = "systems.next.queues.q.consumers"
    plant = Plant(
        "the next stage too slow",
        scenario,
        "max_time_lag_s",
        (Part((at, "workload.service.next"), {at: 8}),),
    )
    pause = {"at": "3s", "fault": "pause", "target": "s.g.0", "for": "1s"}
    return with_second_fault(plant, pause) if rng.random() < 0.8 else plant


OPERATED: tuple[Kind, ...] = (retention_lowered, redriven, next_stage_too_slow)
"""Every kind."""
