"""Plants in systems on a queue: SQS, RabbitMQ, Celery. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, profile, scenario_of

AT = "systems.s.queues.g"
WORKERS = Part((f"{AT}.workers",), {f"{AT}.workers": 60})
POLL = {"ReceiveMessageWaitTimeSeconds": 20}


def sqs(queue: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An SQS system with one queue, and what else the system has."""
    return {"product": "sqs", "queues": {"g": {"does": ["g"], **queue}}, **more}


def rabbitmq(queue: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A RabbitMQ system with one queue."""
    return {"product": "rabbitmq", "queues": {"g": {"does": ["g"], **queue}}, **more}


def celery(queue: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Celery system with one queue."""
    return {"product": "celery", "queues": {"g": {"does": ["g"], **queue}}, **more}


def ms(low: float, high: float, rng: random.Random) -> str:
    """A time between two, drawn."""
    return f"{rng.uniform(low, high):.3g} ms"


def with_slow_sibling(plant: Plant, workers: int) -> Plant:
    """Beside it, a queue whose work takes 20 times as long; it has the workers for it.

    The work of a message, in ms, is that of the plant.
    """
    scenario = plant.scenario
    work = scenario["workload"]["service"]
    slow = {**work["g"], "per_message": "20 ms"}
    work["sibling"] = slow
    its = scenario["systems"]["s"]["queues"]
    members = "consumers" if "consumers" in its["g"] else "workers"
    its["sibling"] = {**its["g"], "does": ["sibling"], members: workers}
    decoy = Part(
        ("systems.s.queues.sibling", "workload.service.sibling"),
        {"workload.service.sibling.per_message": "0.1 ms"},
    )
    return Plant(plant.kind, scenario, plant.harm, plant.cause, decoy)


def with_absorbed_peak(plant: Plant, times: float) -> Plant:
    """Before it, ten seconds of as many times the traffic, which the workers can take."""
    segments = plant.scenario["workload"]["arrivals"]["profile"]
    rate = float(segments[0]["rate"].removesuffix("/s"))
    length = float(plant.scenario["duration"].removesuffix("s"))
    flat = [(10.0, rate), (length, rate)]
    plant.scenario["workload"]["arrivals"]["profile"] = profile([(10.0, rate * times), flat[1]])
    plant.scenario["duration"] = f"{length + 10:g}s"
    where = "workload.arrivals"
    decoy = Part((where,), {"workload.arrivals.profile": profile(flat)})
    return Plant(plant.kind, plant.scenario, plant.harm, plant.cause, decoy)


def visibility_timeout(rng: random.Random) -> Plant:
    """A few messages take longer than their visibility timeout, and come back for ever."""
    timeout = rng.randint(2, 6)
    slow = {"share": 0.004, "time": f"{timeout * rng.uniform(2.2, 4):.3g} s"}
    queue = {"workers": 40, "VisibilityTimeout": timeout, **POLL}
    plant = Plant(
        "visibility timeout below the work",
        scenario_of(sqs(queue), [(120, 25)], {"per_message": "20 ms", "slow": slow}),
        "double_effects",
        (Part((f"{AT}.VisibilityTimeout",), {f"{AT}.VisibilityTimeout": 300}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def visibility_timeout_of_a_batch(rng: random.Random) -> Plant:
    """What a receive returned takes longer than the visibility timeout, one after the other."""
    timeout = rng.randint(3, 5)
    work = timeout / rng.uniform(4.5, 6)
    queue = {
        "workers": 20,
        "VisibilityTimeout": timeout,
        "MaxNumberOfMessages": 10,
        "stale_receipt": "deletes",
        "delete": "each",
        **POLL,
    }
    arrivals = [(2.0, 250.0), (90.0, 5.0)]
    return Plant(
        "visibility timeout below the work of a batch",
        scenario_of(
            sqs(queue, producer={"threads": 40}), arrivals, {"per_message": f"{work:.3g} s"}
        ),
        "double_effects",
        (
            Part((f"{AT}.VisibilityTimeout",), {f"{AT}.VisibilityTimeout": 300}),
            Part((f"{AT}.MaxNumberOfMessages",), {f"{AT}.MaxNumberOfMessages": 1}),
        ),
    )


def heartbeat_after_the_timeout(rng: random.Random) -> Plant:
    """Heartbeats come when the visibility timeout of what takes longer has ended."""
    timeout = rng.randint(3, 6)
    interval = rng.randint(timeout + 1, 2 * timeout)
    slow = {"share": 0.004, "time": f"{timeout * rng.uniform(2.2, 4):.3g} s"}
    queue = {"workers": 40, "VisibilityTimeout": timeout, "heartbeat": interval, **POLL}
    at, timeout_at = f"{AT}.heartbeat.interval", f"{AT}.VisibilityTimeout"
    plant = Plant(
        "heartbeat after the visibility timeout",
        scenario_of(sqs(queue), [(120, 25)], {"per_message": "20 ms", "slow": slow}),
        "double_effects",
        (Part((at,), {at: 1}), Part((timeout_at,), {timeout_at: 300})),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def long_heartbeat_of_a_dead_worker(rng: random.Random) -> Plant:
    """What a worker had that was killed stays hidden for as long as its last heartbeat said."""
    beat = {"interval": rng.randint(5, 10), "VisibilityTimeout": rng.randint(900, 2_000)}
    work = beat["interval"] * rng.uniform(2, 3)
    queue = {"workers": 40, "VisibilityTimeout": 30, "heartbeat": beat, **POLL}
    crash = {"at": "100s", "fault": "crash", "target": "s.g.*", "restart_after": "1s"}
    at = f"{AT}.heartbeat.VisibilityTimeout"
    plant = Plant(
        "a heartbeat's long timeout, and a crash",
        scenario_of(sqs(queue), [(160, 1.0)], {"per_message": f"{work:.3g} s"}, faults=[crash]),
        "max_time_lag_s",
        (
            Part((at,), {at: 2 * beat["interval"]}),
            Part(("faults.0",), {"faults.0": None}),
        ),
    )
    return with_absorbed_peak(plant, 1.5) if rng.random() < 0.5 else plant


def visibility_timeout_lowered(rng: random.Random) -> Plant:
    """An administrator sets a visibility timeout that is shorter than some of the work."""
    timeout = rng.randint(3, 6)
    slow = {"share": 0.004, "time": f"{timeout * rng.uniform(2.2, 4):.3g} s"}
    lowered = {
        "at": "20s",
        "fault": "attributes",
        "target": "s.g",
        "VisibilityTimeout": timeout,
        "takes": f"{rng.randint(5, 20)}s",
    }
    queue = {"workers": 40, "VisibilityTimeout": 300, **POLL}
    plant = Plant(
        "visibility timeout lowered while it runs",
        scenario_of(
            sqs(queue), [(180, 25)], {"per_message": "20 ms", "slow": slow}, faults=[lowered]
        ),
        "double_effects",
        (Part(("faults.0",), {"faults.0": None}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def one_message_a_call(rng: random.Random) -> Plant:
    """One message a receive: calls are nearly all that a worker does."""
    rate = rng.uniform(70, 100)
    queue = {"workers": 2, "MaxNumberOfMessages": 1, **POLL}
    plant = Plant(
        "one message a call",
        scenario_of(sqs(queue), [(60, rate)], {"per_message": ms(0.1, 0.4, rng)}),
        "drain_s",
        (Part((f"{AT}.MaxNumberOfMessages",), {f"{AT}.MaxNumberOfMessages": 10}),),
    )
    return with_slow_sibling(plant, 24) if rng.random() < 0.8 else plant


def receives_before_the_dead_letters(rng: random.Random) -> Plant:
    """Messages that would work at the next attempt are dead letters before."""
    receives = rng.randint(2, 3)
    redrive = {"maxReceiveCount": receives}
    queue = {"workers": 10, "VisibilityTimeout": 2, "RedrivePolicy": redrive, **POLL}
    failing = {
        "at": "40s",
        "fault": "poison",
        "target": "s.g",
        "effect": "fail",
        "count": rng.randint(20, 60),
        "times": receives + 1,
    }
    at = f"{AT}.RedrivePolicy.maxReceiveCount"
    plant = Plant(
        "dead-lettered one attempt too early",
        scenario_of(sqs(queue), [(120, 25)], {"per_message": "20 ms"}, faults=[failing]),
        "dead_lettered",
        (Part((at,), {at: 100}), Part(("faults.0",), {"faults.0": None})),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def few_message_groups(rng: random.Random) -> Plant:
    """A FIFO queue with a few groups: so many work, whatever the fleet."""
    groups = rng.randint(2, 4)
    queue = {
        "workers": 20,
        "FifoQueue": True,
        "MessageGroupId": ["site"],
        "VisibilityTimeout": 120,
        **POLL,
    }
    rate = groups * rng.uniform(5.5, 7)
    return Plant(
        "few message groups",
        scenario_of(
            sqs(queue),
            [(120, rate)],
            {"per_message": "300 ms"},
            keys={"site": {"count": groups}, "order": {"count": 200}},
        ),
        "drain_s",
        (Part((f"{AT}.MessageGroupId",), {f"{AT}.MessageGroupId": ["site", "order"]}),),
    )


def failing_message_of_a_group(rng: random.Random) -> Plant:
    """On a FIFO queue a message that fails holds up its group for timeout times receives."""
    timeout, receives = rng.randint(20, 40), rng.randint(3, 5)
    queue = {
        "workers": 8,
        "FifoQueue": True,
        "MessageGroupId": ["k"],
        "VisibilityTimeout": timeout,
        "RedrivePolicy": {"maxReceiveCount": receives},
        **POLL,
    }
    return Plant(
        "a failing message holds up its group",
        scenario_of(
            sqs(queue),
            [(200, 20)],
            {"per_message": "20 ms"},
            keys={"k": {"count": 10}},
            needs={"max_delay": "2 s"},
            faults=[{"at": "30s", "fault": "poison", "target": "s.g", "effect": "fail"}],
        ),
        "latency_p99_s",
        (
            Part(("faults.0",), {"faults.0": None}),
            Part((f"{AT}.VisibilityTimeout",), {f"{AT}.VisibilityTimeout": 1}),
        ),
    )


def sqs_retention(rng: random.Random) -> Plant:
    """Messages wait longer than the queue keeps them."""
    workers = rng.randint(2, 3)
    queue = {"workers": workers, "MessageRetentionPeriod": 60, "MaxNumberOfMessages": 10, **POLL}
    rate = workers * rng.uniform(20, 30)
    return Plant(
        "retention shorter than the backlog",
        scenario_of(sqs(queue), [(120, rate)], {"per_message": "100 ms"}, drain_limit="20m"),
        "lost",
        (
            Part((f"{AT}.MessageRetentionPeriod",), {f"{AT}.MessageRetentionPeriod": 86_400}),
            WORKERS,
        ),
    )


def too_few_workers(rng: random.Random) -> Plant:
    """More work comes than they can do."""
    workers = rng.randint(2, 4)
    queue = {"workers": workers, "MaxNumberOfMessages": 10, "VisibilityTimeout": 60, **POLL}
    rate = workers * rng.uniform(14, 18)
    pause = {"at": "30s", "fault": "pause", "target": "s.g.0", "for": "1s"}
    decoy = rng.random() < 0.8
    return Plant(
        "too few workers",
        scenario_of(
            sqs(queue),
            [(120, rate)],
            {"per_message": {"exponential": "100 ms"}},
            faults=[pause] if decoy else [],
        ),
        "drain_s",
        (WORKERS,),
        Part(("faults.0",), {"faults.0": None}) if decoy else None,
    )


def prefetch_hoard(rng: random.Random) -> Plant:
    """Quick messages are held behind slow ones, while others are idle."""
    slow = {"share": 0.005, "time": f"{rng.randint(20, 30)} s"}
    queue = {"consumers": 12, "prefetch_count": rng.randint(20, 60)}
    plant = Plant(
        "held behind a slow one",
        scenario_of(
            rabbitmq(queue),
            [(150, 24)],
            {"per_message": "10 ms", "slow": slow},
            needs={"max_delay": "2 s"},
        ),
        "latency_p99_s",
        (Part((f"{AT}.prefetch_count",), {f"{AT}.prefetch_count": 1}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def delivery_limit(rng: random.Random) -> Plant:
    """A message that kills its consumer takes others of its prefetch over the delivery limit."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": rng.randint(3, 6)}
    queue = {"consumers": 2, "prefetch_count": 20, "arguments": arguments}
    poison = {
        "at": "40s",
        "fault": "poison",
        "target": "s.g",
        "effect": "kill",
        "restart_after": "2s",
    }
    pause = {"at": "20s", "fault": "pause", "target": "s.g.1", "for": "1s"}
    decoy = rng.random() < 0.8
    return Plant(
        "a message that kills, and its innocents",
        scenario_of(
            rabbitmq(queue),
            [(90, 50)],
            {"per_message": "30 ms"},
            faults=[poison, pause] if decoy else [poison],
        ),
        "lost",
        (Part(("faults.0",), {"faults.0": None}),),
        Part(("faults.1",), {"faults.1": None}) if decoy else None,
    )


def delayed_retries(rng: random.Random) -> Plant:
    """What fails now and then waits long before it is tried again."""
    least = rng.randint(60, 120) * 1_000
    retry = {"type": "all", "min": least, "max": 3 * least}
    arguments = {f"x-delayed-retry-{end}": value for end, value in retry.items()}
    queue = {
        "consumers": 4,
        "prefetch_count": 10,
        "on_failure": "reject-requeue",
        "arguments": {"x-queue-type": "quorum", **arguments},
    }
    poison = {"at": "50s", "fault": "poison", "target": "s.g", "effect": "fail",
              "count": rng.randint(2, 8), "times": rng.randint(2, 4)}  # fmt: skip
    plant = Plant(
        "delayed retries far apart",
        scenario_of(
            rabbitmq(queue), [(60, 20)], {"per_message": "20 ms"}, faults=[poison],
            drain_limit="1h",
        ),
        "drain_s",
        (
            Part(
                (*(f"{AT}.arguments.{key}" for key in arguments), "faults.0"),
                {f"{AT}.arguments.x-delayed-retry-type": "disabled"},
            ),
        ),
    )  # fmt: skip
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def retried_at_once(rng: random.Random) -> Plant:
    """What a consumer returns goes before the rest: one that fails many times holds all up."""
    queue = {
        "consumers": 1, "prefetch_count": 1, "arguments": {"x-queue-type": "quorum"}
    }  # fmt: skip
    poison = {"at": "10s", "fault": "poison", "target": "s.g", "effect": "fail",
              "times": rng.randint(400, 800)}  # fmt: skip
    at = f"{AT}.arguments.x-delayed-retry"
    plant = Plant(
        "returned messages first",
        scenario_of(
            rabbitmq(queue), [(120, 10)], {"per_message": "50 ms"}, faults=[poison],
            drain_limit="3h",
        ),
        "latency_p99_s",
        (
            Part(
                (f"{at}-type", "faults.0"),
                {f"{at}-type": "all", f"{at}-min": 10_000},
            ),
        ),
    )  # fmt: skip
    return with_absorbed_peak(plant, 1.5) if rng.random() < 0.5 else plant


def starved_by_priority(rng: random.Random) -> Plant:
    """After a burst, messages of a low priority wait until no other is there."""
    share = rng.randint(5, 15)
    queue = {"consumers": 2, "prefetch_count": 1, "arguments": {"x-queue-type": "quorum"}}
    priority = {"k": {"low": 0, "high": rng.randint(5, 9)}}
    at = "systems.s.producer.priority"
    plant = Plant(
        "a low priority starves",
        scenario_of(
            rabbitmq(queue, producer={"priority": priority}),
            [(10, 60), (200, 38.5)],
            {"per_message": "50 ms"},
            keys={"k": {"weights": {"low": share, "high": 100 - share}}},
        ),
        "latency_p99_s",
        (Part((at,), {at: []}),),
    )
    return plant


def acknowledgement_timeout(rng: random.Random) -> Plant:
    """Work longer than `consumer_timeout`: the channel is closed, and the message comes again."""
    slow = {"share": 0.002, "time": f"{rng.randint(180, 260)} s"}
    queue = {"consumers": 10, "prefetch_count": 1}
    more = {"version": "4.2", "consumer_timeout": 60_000}
    plant = Plant(
        "acknowledgement timeout below the work",
        scenario_of(
            rabbitmq(queue, **more),
            [(120, 20)],
            {"per_message": "10 ms", "slow": slow},
            drain_limit="15m",
        ),
        "double_effects",
        (Part(("systems.s.consumer_timeout",), {"systems.s.consumer_timeout": 7_200_000}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def time_to_live(rng: random.Random) -> Plant:
    """Messages expire while nobody takes them."""
    queue = {
        "consumers": 2,
        "prefetch_count": 10,
        "arguments": {"x-message-ttl": rng.randint(5, 10) * 1_000},
    }
    pause = {"at": "30s", "fault": "pause", "target": "s.g.*", "for": "30s"}
    return Plant(
        "expired while the consumers stood still",
        scenario_of(rabbitmq(queue), [(90, 30)], {"per_message": "5 ms"}, faults=[pause]),
        "lost",
        (
            Part((f"{AT}.arguments.x-message-ttl",), {f"{AT}.arguments.x-message-ttl": 3_600_000}),
            Part(("faults.0",), {"faults.0": None}),
        ),
    )


def expired_at_the_head(rng: random.Random) -> Plant:
    """In a delay queue, messages with a short time to live wait behind those with a long one."""
    short, long = rng.randint(2, 10) * 1_000, rng.randint(300, 900) * 1_000
    to = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "g"}
    system = rabbitmq(
        {"consumers": 2, "prefetch_count": 10}, producer={"expiration": [short, short, long]}
    )
    system["queues"]["delay"] = {"consumers": 0, "arguments": to}
    plant = Plant(
        "expired at the head of a delay queue only",
        scenario_of(system, [(60, 20)], {"per_message": "5 ms"}, drain_limit="30m"),
        "drain_s",
        (Part(("systems.s.producer.expiration",), {"systems.s.producer.expiration": [short]}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def max_length(rng: random.Random) -> Plant:
    """A burst is longer than the queue may be: the oldest give way."""
    length = rng.randint(200, 500)
    queue = {"consumers": 4, "prefetch_count": 10, "arguments": {"x-max-length": length}}
    return Plant(
        "queue full",
        scenario_of(rabbitmq(queue), [(30, 20), (3, 800), (60, 20)], {"per_message": "20 ms"}),
        "lost",
        (Part((f"{AT}.arguments.x-max-length",), {f"{AT}.arguments.x-max-length": 100_000}),),
    )


def single_active_consumer(rng: random.Random) -> Plant:
    """One consumer works, and seven stand by."""
    queue = {
        "consumers": 8,
        "prefetch_count": 10,
        "arguments": {"x-single-active-consumer": True},
    }
    at = f"{AT}.arguments.x-single-active-consumer"
    rate = rng.uniform(30, 45)
    return Plant(
        "single active consumer",
        scenario_of(rabbitmq(queue), [(120, rate)], {"per_message": "50 ms"}),
        "drain_s",
        (Part((at,), {at: False}),),
    )


def acknowledged_before_the_work(rng: random.Random) -> Plant:
    """Messages are acknowledged as they are sent, and a consumer dies with them."""
    queue = {"consumers": 3, "no_ack": True}
    rate = rng.uniform(45, 55)
    crash = {"at": "60s", "fault": "crash", "target": "s.g.0", "restart_after": "2s"}
    pause = {"at": "20s", "fault": "pause", "target": "s.g.1", "for": "1s"}
    decoy = rng.random() < 0.8
    return Plant(
        "acknowledged before the work, and a crash",
        scenario_of(
            rabbitmq(queue),
            [(58, 20), (3, 4 * rate), (60, 20)],
            {"per_message": "40 ms"},
            faults=[crash, pause] if decoy else [crash],
        ),
        "lost",
        (
            Part((f"{AT}.no_ack",), {f"{AT}.no_ack": False, f"{AT}.prefetch_count": 10}),
            Part(("faults.0",), {"faults.0": None}),
        ),
        Part(("faults.1",), {"faults.1": None}) if decoy else None,
    )


def ceiling(rng: random.Random) -> Plant:
    """The queue's process can do no more."""
    queue = {"consumers": 10, "prefetch_count": 20}
    take = rng.uniform(16, 22)
    return Plant(
        "a ceiling",
        scenario_of(
            rabbitmq(queue, ceilings={"deliver": f"{take:.3g} ms"}),
            [(60, 80)],
            {"per_message": "5 ms"},
        ),
        "drain_s",
        (Part(("systems.s.ceilings",), {"systems.s.ceilings.deliver": "0.01 ms"}),),
    )


def slow_consumers(rng: random.Random) -> Plant:
    """All consumers are slow for a while."""
    queue = {"consumers": 4, "prefetch_count": 2}
    slow = {
        "at": "60s",
        "fault": "slow",
        "target": "s.g.*",
        "factor": rng.randint(8, 15),
        "for": "60s",
    }
    crash = {"at": "20s", "fault": "crash", "target": "s.g.1", "restart_after": "1s"}
    decoy = rng.random() < 0.8
    return Plant(
        "slow consumers",
        scenario_of(
            rabbitmq(queue),
            [(120, 50)],
            {"per_message": "20 ms"},
            faults=[slow, crash] if decoy else [slow],
        ),
        "max_time_lag_s",
        (Part(("faults.0",), {"faults.0": None}),),
        Part(("faults.1",), {"faults.1": None}) if decoy else None,
    )


def eta_beyond_the_visibility_timeout(rng: random.Random) -> Plant:
    """Redis hands a task out again while a worker holds it for its ETA."""
    timeout = rng.randint(100, 150)
    at = "systems.s.config.broker_transport_options.visibility_timeout"
    countdown = 2 * timeout + rng.randint(120, 200)
    task = {"countdown": f"{countdown} s"}
    config = {"broker_transport_options": {"visibility_timeout": timeout}}
    return Plant(
        "ETA beyond the Redis visibility timeout",
        scenario_of(
            celery({"workers": 2, "task": task}, broker="redis", config=config),
            [(300, 2)],
            {"per_message": "50 ms"},
            drain_limit="1h",
        ),
        "double_effects",
        (
            Part((at,), {at: 43_200}),
            Part((f"{AT}.task.countdown",), {f"{AT}.task.countdown": 0}),
        ),
    )


def early_acknowledgement(rng: random.Random) -> Plant:
    """Celery's default acknowledges a task before it runs; its worker is killed."""
    queue = {"workers": 2}
    at = "systems.s.config.task_acks_late"
    work = rng.randint(2, 4)
    crash = {"at": "60s", "fault": "crash", "target": "s.g.*", "restart_after": "2s"}
    slow = {"at": "20s", "fault": "slow", "target": "s.g.0", "factor": 1.5, "for": "10s"}
    decoy = rng.random() < 0.8
    return Plant(
        "acknowledged early, and a crash",
        scenario_of(
            celery(queue, config={"worker_concurrency": 16}),
            [(120, 5)],
            {"per_message": f"{work} s"},
            faults=[crash, slow] if decoy else [crash],
        ),
        "lost",
        (Part((at,), {at: True}), Part(("faults.0",), {"faults.0": None})),
        Part(("faults.1",), {"faults.1": None}) if decoy else None,
    )


def celery_hoard(rng: random.Random) -> Plant:
    """A worker reserves tasks behind a long one."""
    slow = {"share": 0.006, "time": f"{rng.randint(60, 90)} s"}
    config = {"worker_concurrency": 1, "worker_prefetch_multiplier": rng.randint(8, 20)}
    at = "systems.s.config.worker_prefetch_multiplier"
    plant = Plant(
        "tasks reserved behind a long one",
        scenario_of(
            celery({"workers": 12}, config={**config, "task_acks_late": True}),
            [(300, 6)],
            {"per_message": "50 ms", "slow": slow},
            needs={"max_delay": "5 s"},
        ),
        "latency_p99_s",
        (Part((at,), {at: 1}),),
    )
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


FUNCTION = f"{AT}.lambda"


def with_a_slower_minute(plant: Plant, factor: float) -> Plant:
    """For half a minute of it, the function takes so much longer: not enough to matter."""
    plant.scenario["faults"].append(
        {"at": "20s", "fault": "slow", "target": "s.g.*", "factor": factor, "for": "30s"}
    )
    decoy = Part(("faults.0",), {"faults.0": None})
    return Plant(plant.kind, plant.scenario, plant.harm, plant.cause, decoy)


def reserved_concurrency(rng: random.Random) -> Plant:
    """Pollers receive more than the reserved concurrency lets run: good messages are buried."""
    reserved = rng.randint(2, 6)
    function = {"BatchSize": 10, "ReservedConcurrentExecutions": reserved}
    queue = {"lambda": function, "VisibilityTimeout": 30, "RedrivePolicy": {"maxReceiveCount": 2}}
    rate = round(reserved * rng.uniform(1.6, 2.4), 1)
    plant = Plant(
        "reserved concurrency below the pollers",
        scenario_of(sqs(queue), [(300, rate)], {"per_message": "1 s"}, drain_limit="1h"),
        "dead_lettered",
        (
            Part(
                (f"{FUNCTION}.ReservedConcurrentExecutions", f"{FUNCTION}.MaximumConcurrency"),
                {f"{FUNCTION}.MaximumConcurrency": reserved},
            ),
        ),
    )
    return with_a_slower_minute(plant, 1.02) if rng.random() < 0.4 else plant


def function_timeout(rng: random.Random) -> Plant:
    """Some messages take longer than the function may: their batches fail, and are buried."""
    timeout = rng.randint(3, 8)
    slow = {"share": 0.01, "time": f"{timeout * rng.uniform(1.2, 1.8):.3g} s"}
    function = {"BatchSize": rng.choice([1, 5]), "Timeout": timeout}
    queue = {"lambda": function, "VisibilityTimeout": 30, "RedrivePolicy": {"maxReceiveCount": 2}}
    plant = Plant(
        "timeout of a function below the work",
        scenario_of(
            sqs(queue), [(120, rng.randint(20, 40))], {"per_message": "20 ms", "slow": slow},
            drain_limit="10m",
        ),
        "dead_lettered",
        (Part((f"{FUNCTION}.Timeout",), {f"{FUNCTION}.Timeout": 29}),),
    )  # fmt: skip
    return with_a_slower_minute(plant, 1.02) if rng.random() < 0.4 else plant


def maximum_concurrency(rng: random.Random) -> Plant:
    """A mapping may invoke the function so often at a time, and that is too little."""
    cap = rng.randint(2, 8)
    function = {"BatchSize": 1, "MaximumConcurrency": cap}
    rate = round(cap * rng.uniform(1.4, 2.2), 1)
    return Plant(
        "MaximumConcurrency below what is needed",
        scenario_of(
            sqs({"lambda": function, "VisibilityTimeout": 60}), [(300, rate)],
            {"per_message": "1 s"},
        ),
        "max_time_lag_s",
        (Part((f"{FUNCTION}.MaximumConcurrency",), {f"{FUNCTION}.MaximumConcurrency": None}),),
    )  # fmt: skip


def few_etas(rng: random.Random) -> Plant:
    """Tasks that are to be tried again fill what a worker may hold for an ETA: it gets no others.

    Workers prefetch 16, and hold fewer than half of the tasks that fail.
    """
    limit, workers = rng.randint(17, 25), rng.randint(1, 3)
    settings = {"worker_concurrency": 4, "worker_eta_task_limit": limit}
    at = "systems.s.config.worker_eta_task_limit"
    task = {"autoretry_for": ["Exception"], "default_retry_delay": rng.randint(150, 240)}
    poison = {"at": "30s", "fault": "poison", "target": "s.g", "effect": "fail",
              "count": 2 * limit * workers, "times": 1}  # fmt: skip
    return Plant(
        "few tasks held for their ETA",
        scenario_of(
            celery({"workers": workers, "task": task}, config=settings), [(240, 10 * workers)],
            {"per_message": "50 ms"}, faults=[poison], drain_limit="1h",
        ),
        "latency_p50_s",
        (Part((at, "faults.0"), {at: None}),),
    )  # fmt: skip


QUEUES: tuple[Kind, ...] = (
    visibility_timeout,
    visibility_timeout_of_a_batch,
    heartbeat_after_the_timeout,
    visibility_timeout_lowered,
    long_heartbeat_of_a_dead_worker,
    one_message_a_call,
    receives_before_the_dead_letters,
    few_message_groups,
    failing_message_of_a_group,
    sqs_retention,
    too_few_workers,
    prefetch_hoard,
    delivery_limit,
    delayed_retries,
    retried_at_once,
    starved_by_priority,
    acknowledgement_timeout,
    time_to_live,
    max_length,
    single_active_consumer,
    acknowledged_before_the_work,
    ceiling,
    slow_consumers,
    eta_beyond_the_visibility_timeout,
    early_acknowledgement,
    celery_hoard,
    few_etas,
    reserved_concurrency,
    function_timeout,
    maximum_concurrency,
    expired_at_the_head,
)
"""Every kind in a queue."""
