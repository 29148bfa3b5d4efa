"""Random scenarios with random fault schedules, and what must hold in each of them.

`python tests/helpers/schedules.py 10000` tries so many, prints the scenario of any that fails as a
file that `sim run` replays, and says how many were tried in what time. The invariants:

1. conservation: the fates of messages add up to those produced (asserted by
   `sim.measure.tables.measure`);
2. per-key order: where nothing is committed before it is processed, a partition's records are
   first processed in the order of its offsets, but for poisonous ones;
3. at least once, where nothing is committed before it is processed: every record below the
   committed offset was processed, or is poisonous and was given up; a message that a queue deleted
   was processed;
4. committed offsets never move back;
5. at most once: with commits that are waited for before processing, nothing is processed twice;
6. a partition has at most one owner that the coordinator knows to be alive, and exactly one once
   nothing has happened for long enough;
7. a message under its visibility timeout is held by one worker.
"""

import sys
import time
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from helpers.plain_kernel import arrays
from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.injection.context import Timeline
from sim.injection.poison import poison
from sim.injection.schedule import schedule
from sim.measure.tables import measure
from sim.queue import sqs_standard_codes as k
from sim.scenario.load import Scenario
from sim.systems.kafka import Kafka
from sim.systems.sqs import Sqs
from sim.traffic.generate import generate

QUIET_S = 400.0
"""After so long without a fault, sessions have ended and rebalances are over."""

LOOKS = 40
"""Times at which the invariants on the running system are looked at."""


def a_time(rng: np.random.Generator, duration_s: float) -> dict[str, Any]:
    """When a fault strikes: at a time, at random, or on a condition."""
    kind = rng.choice(["at", "at", "at", "rate", "when"])
    if kind == "at":
        return {"at": float(rng.uniform(0.5, duration_s))}
    if kind == "rate":
        return {"rate": float(rng.uniform(0.5, 3.0) / duration_s)}
    condition = {
        "lag_over": int(rng.integers(5, 300)),
        "age_over": float(rng.uniform(0.5, 20.0)),
    }
    name = str(rng.choice(list(condition)))
    return {"when": {name: condition[name], "every": float(rng.uniform(0.5, 5.0))}}


def a_fault(rng: np.random.Generator, consumers: int, duration_s: float) -> dict[str, Any]:
    """One fault of any kind, for one consumer (of at most so many) or all of both systems."""
    kind = str(rng.choice(KINDS))
    one = f"*.g.{rng.choice(['*', str(rng.integers(consumers))])}"
    when = a_time(rng, duration_s)
    brief = float(rng.choice([rng.uniform(0.5, 10.0), rng.uniform(10.0, 90.0)]))
    again = {} if rng.random() < 0.3 else {"restart_after": brief}
    grace = {"grace": float(rng.choice([0.5, 5.0, 30.0]))}
    new = {**grace, "startup": float(rng.uniform(0.0, 5.0))}
    at = {"at": float(rng.uniform(0.0, duration_s))}
    match kind:
        case "crash":
            return {"fault": kind, "target": one, **when, **again}
        case "terminate":
            return {"fault": kind, "target": one, **when, **again, **grace}
        case "restart":
            return {"fault": kind, "target": one, **when}
        case "pause":
            return {"fault": kind, "target": one, **when, "for": brief}
        case "slow":
            extra = {} if rng.random() < 0.5 else {"ramp": brief / 2}
            return {
                "fault": kind, "target": one, **when, "for": brief,
                "factor": float(rng.uniform(0.5, 20.0)), **extra,
            }  # fmt: skip
        case "partition":
            return {"fault": kind, "target": one, **when, "for": brief}
        case "deploy":
            unavailable = int(rng.integers(1, 4))
            return {"fault": kind, "target": "*.g", **when, "max_unavailable": unavailable, **new}
        case "scale":
            return {"fault": kind, "target": "*.g", **when, "to": int(rng.integers(1, 8)), **new}
        case "autoscale":
            scaler = {
                "lagThreshold": int(rng.integers(20, 300)),
                "minReplicaCount": int(rng.integers(0, 2)),
                "maxReplicaCount": int(rng.integers(2, 8)),
                "metric_delay": float(rng.choice([0.0, 20.0])),
                "stabilization": float(rng.choice([0.0, 60.0])),
                "cooldownPeriod": 30.0,
            }
            return {"fault": kind, "target": "*.g", **at, "scaler": scaler, **new}
        case "database":
            return {
                "fault": kind, "target": "*.g", **at, "for": brief,
                "contention": float(rng.uniform(0.0, 0.3)), "coherency": float(rng.uniform(0, 0.1)),
            }  # fmt: skip
    assert kind == "poison"
    effect = str(rng.choice(["fail", "kill"]))
    restart = {"restart_after": float(rng.uniform(0.5, 10.0))} if effect == "kill" else {}
    times = {} if rng.random() < 0.3 else {"times": int(rng.integers(1, 4))}
    count = int(rng.integers(1, 4))
    return {
        "fault": kind, "target": "*.g", **at, "effect": effect, "count": count, **times, **restart,
    }  # fmt: skip


KINDS = [
    "crash", "crash", "terminate", "restart", "pause", "slow", "partition", "deploy", "scale",
    "autoscale", "database", "poison",
]  # fmt: skip


def a_group(rng: np.random.Generator) -> dict[str, Any]:
    """A consumer group with any settings: client, commits, protocol, assignor, static or not."""
    java = bool(rng.integers(2))
    group: dict[str, Any] = {
        "consumers": int(rng.integers(1, 6)),
        "does": ["work"],
        "client": "java" if java else "librdkafka",
        "enable.auto.commit": bool(rng.integers(2)),
        "max.poll.interval.ms": float(rng.choice([300_000.0, rng.uniform(20_000.0, 60_000.0)])),
    }
    if java:
        group["max.poll.records"] = int(rng.integers(1, 60))
    if group["enable.auto.commit"]:
        group["auto.commit.interval.ms"] = float(rng.uniform(200.0, 6_000.0))
        if not java:
            group["enable.auto.offset.store"] = bool(rng.integers(2))
    else:
        group["commit"] = {
            "when": str(rng.choice(["after", "before"])),
            "how": str(rng.choice(["sync", "async"])),
            "per": str(rng.choice(["batch", "record"])),
        }
    if rng.random() < 0.4:
        group["group.protocol"] = "consumer"
        group["group.remote.assignor"] = str(rng.choice(["uniform", "range"]))
    else:
        names = ["range", "roundrobin", "cooperative-sticky", *(["sticky"] if java else [])]
        group["partition.assignment.strategy"] = str(rng.choice(names))
        group["session.timeout.ms"] = float(rng.uniform(6_000.0, 20_000.0))
        group["heartbeat.interval.ms"] = float(rng.uniform(500.0, 3_000.0))
    if rng.random() < 0.3:
        group["group.instance.id"] = "g"
    if rng.random() < 0.5:
        group["on_failure"] = {
            "attempts": int(rng.integers(1, 4)),
            "backoff": float(rng.uniform(0.1, 3.0)),
            "then": str(rng.choice(["skip", "dead-letter", "stop"])),
        }
    return group


def loses(group: Any) -> bool:
    """Whether a group may commit a record before it has processed it."""
    if group.enable_auto_commit:
        return bool(group.client == "librdkafka" and group.enable_auto_offset_store)
    return bool(group.commit is not None and group.commit.when == "before")


def repeats(group: Any) -> bool:
    """Whether a group may process a record again: not if it waits for its commit before."""
    commit = group.commit
    return not (commit is not None and commit.when == "before" and commit.how == "sync")


def a_queue(rng: np.random.Generator) -> dict[str, Any]:
    """A queue with any settings."""
    redrive = {} if rng.random() < 0.3 else {"RedrivePolicy": {"maxReceiveCount": 20}}
    return {
        "workers": int(rng.integers(1, 6)),
        "does": ["work"],
        "MaxNumberOfMessages": int(rng.integers(1, 11)),
        "delete": str(rng.choice(["batch", "each"])),
        "VisibilityTimeout": int(rng.integers(2, 40)),
        "ReceiveMessageWaitTimeSeconds": int(rng.choice([0, 5, 20])),
        **redrive,
    }


def a_scenario(seed: int) -> dict[str, Any]:
    """A scenario in plain data: a log and a queue under the same work and the same faults."""
    rng = np.random.default_rng(seed)
    duration_s = float(rng.integers(30, 120))
    rate = float(rng.uniform(5.0, 40.0))
    work = float(rng.uniform(0.005, 0.08))
    group, queue = a_group(rng), a_queue(rng)
    most = max(group["consumers"], queue["workers"])
    faults = [a_fault(rng, most, duration_s) for _ in range(int(rng.integers(0, 7)))]
    return {
        "name": f"schedule-{seed}",
        "about": "A random schedule of faults",
        "seed": seed,
        "duration": duration_s,
        "drain_limit": 900.0,
        "workload": {
            "arrivals": {"profile": [{"for": duration_s, "rate": rate}]},
            "keys": {"key": {"count": int(rng.integers(1, 40))}},
            "service": {"work": {"per_message": {"exponential": work}}},
        },
        "systems": {
            "log": {
                "product": "kafka",
                "topic": {"partitions": int(rng.integers(1, 7))},
                "partition_key": ["key"],
                "groups": {"g": group},
            },
            "queue": {"product": "sqs", "queues": {"g": queue}},
        },
        "faults": faults,
    }


class Broken(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, what: str) -> None:
    """Raise `Broken` if something does not hold."""
    if not holds:
        raise Broken(what)


def run(scenario: Scenario, name: str) -> dict[str, int]:
    """Run one system of a scenario, looking at the invariants; returns what happened.

    Raises:
        AssertionError: one does not hold.
    """
    messages = generate(scenario)
    horizon_s = messages.duration_s + scenario.drain_limit
    grid_s = np.arange(0.0, horizon_s + 2.0, 2.0)
    config = scenario.systems[name]
    setup = Setup(name, scenario, messages, grid_s)
    system: Any = (Kafka if config.product == "kafka" else Sqs)(setup, config)
    env = Environment(system.stages)
    timeline = Timeline(env)
    fleets = system.control(env, timeline.say)
    schedule(env, scenario, name, fleets, messages.duration_s, timeline)
    rng = np.random.default_rng(scenario.seed + 1)
    looks = np.sort(rng.uniform(0.0, messages.duration_s * 1.5, LOOKS))
    poisonous = poison(setup, "g").message
    if name == "log":
        look = _look_at_log(fleets["g"], loses(config.readers["g"]), poisonous)
    else:
        look = _look_at_queue(system.queues["g"], env)

    def watch() -> Any:
        for at_s in looks:
            yield env.timeout(at_s - env.now)
            look()

    env.process(watch())
    done = env.event()

    def end_early() -> Any:
        while not system.done() or not _calm(env, timeline):
            yield env.timeout(10.0)
        done.succeed()

    env.process(end_early())
    env.run(until=done | env.timeout(horizon_s))
    look()
    state = system.groups["g"] if name == "log" else system.queues["g"]
    if name == "log":
        last = _end_of_log(state, env, timeline, config.readers["g"], poisonous)
    else:
        last = _end_of_queue(state, env)
    (outcome,) = system.outcomes(env.now)
    if len(messages):
        measure(messages, ["key"], outcome)
    return {event[2].split()[0]: 1 for event in timeline.events} | last


def _calm(env: Environment, timeline: Timeline) -> bool:
    """Whether nothing has happened for long."""
    latest_s = max(
        (t for from_s, until_s, _ in timeline.events for t in (from_s, until_s) if t < np.inf),
        default=0.0,
    )
    return env.now - latest_s > QUIET_S


def _look_at_log(coordinator: Any, loses: bool, poisonous: Any) -> Any:
    """Invariants 3, 4 and 6 of a group that runs."""
    group = coordinator.group
    before = np.zeros(group.committed.size, np.int64)

    def look() -> None:
        log = group.topic.log
        require(bool((group.committed >= before).all()), "a committed offset moved back")
        before[:] = group.committed
        owners = np.zeros(before.size, np.int64)
        for m in range(group.members):
            if group.alive(m) and m not in group.zombies:
                owners[group.assigned(m)] += 1
        require(bool((owners <= 1).all()), "two live members own a partition")
        for p, committed in enumerate([] if loses else group.committed):
            rows = slice(log.start[p], log.start[p] + committed)
            done = (group.effects[rows] > 0) | np.isin(log.message[rows], poisonous)
            require(bool(done.all()), "committed before it was processed")

    return look


def _look_at_queue(workers: Any, env: Environment) -> Any:
    """Invariant 7 of a queue that is worked on."""

    def look() -> None:
        team = workers.workers
        hidden = [
            message
            for w in range(workers.size)
            if team.kind[w] == k.DELETE
            and env.now < team.received_s[w] + workers.policy.visibility_s
            for message in team.held[w, : team.held_n[w]]
        ]
        require(len(hidden) == len(set(hidden)), "two workers hold a message in its timeout")
        require(
            bool((np.asarray(workers.queue.state)[hidden] != k.READY).all()),
            "a message held is ready",
        )

    return look


def _end_of_log(
    group: Any, env: Environment, timeline: Timeline, config: Any, poisonous: Any
) -> dict[str, int]:
    log = group.topic.log
    for p, n in enumerate(log.end):
        rows = slice(log.start[p], log.start[p] + n)
        # What was given up may be processed later, when the records behind it are read again.
        kept = (group.effects[rows] > 0) & ~np.isin(log.message[rows], poisonous)
        done_s = group.done_s[rows][kept]
        # A zombie may be late with what it committed before, and what nobody else reads again.
        in_order = loses(config) or bool((np.diff(done_s) >= 0).all())
        require(in_order, "a partition is processed out of order")
    twice = bool((group.effects > 1).any())
    if not repeats(config):
        require(not twice, "processed again though it was committed before")
    calm = _calm(env, timeline)
    alive = [m for m in range(group.members) if group.alive(m)]
    if calm and alive and not any(group.state.members.cut[m] for m in alive):
        owned = sorted(p for m in alive for p in group.assigned(m))
        require(owned == list(range(log.end.size)), "a partition has no live owner, or two")
        if not poisonous.size:
            require(int(group.committed.sum()) == int(log.end.sum()), "records are left over")
    lost = int(log.end.sum()) > np.count_nonzero(group.effects)
    return {
        "calm": int(calm), "twice": int(twice), "lost": int(calm and lost and not poisonous.size),
        "at most once": int(not repeats(config)), "may lose": int(loses(config)),
        config.group_protocol: 1, "cooperative": int(config.cooperative),
        "static": int(config.group_instance_id is not None), config.client: 1,
    }  # fmt: skip


def _end_of_queue(workers: Any, env: Environment) -> dict[str, int]:
    workers.settle()
    queue = arrays(workers.queue)
    require(
        bool((queue.effects[queue.state == k.DELETED] > 0).all()), "deleted before it was processed"
    )
    require(bool((queue.effects <= queue.receives).all()), "processed more often than received")
    removed = np.isin(queue.state, (k.DELETED, k.DEAD, k.EXPIRED)).sum()
    require(int(removed) == queue.removed, "removed messages are miscounted")
    again = int((queue.effects > 1).any())
    return {"again": again, "dead": int((queue.state == k.DEAD).any())}


def replay(data: dict[str, Any]) -> str:
    """A scenario as a file that ``sim run`` reads."""
    from io import StringIO

    text = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(data, text)
    return text.getvalue()


def check(seed: int) -> dict[str, int]:
    """Try one seed on both systems.

    Raises:
        AssertionError: an invariant does not hold; the text ends with the scenario's file.
    """
    data = a_scenario(seed)
    seen: dict[str, int] = {}
    for name in ("log", "queue"):
        try:
            seen |= run(Scenario.from_mapping(data), name)
        except AssertionError as broken:
            raise Broken(f"{name}: {broken}\nReplay with `sim run`:\n{replay(data)}") from broken
    return seen


def main() -> None:
    first, last = 0, int(sys.argv[1])
    if len(sys.argv) > 2:
        first, last = last, int(sys.argv[2])
    began = time.perf_counter()
    seen: dict[str, int] = {}
    failed = 0
    for seed in range(first, last):
        try:
            for what, times in check(seed).items():
                seen[what] = seen.get(what, 0) + times
        except AssertionError as broken:
            failed += 1
            print(f"seed {seed}: {broken}", flush=True)
        if (seed - first) % 500 == 499:
            minutes = (time.perf_counter() - began) / 60
            print(f"{seed - first + 1} schedules, {failed} failed, {minutes:.1f} min", flush=True)
    minutes = (time.perf_counter() - began) / 60
    print(f"{last - first} schedules, {failed} failed, {minutes:.1f} min")
    print(dict(sorted(seen.items(), key=lambda item: -item[1])))


if __name__ == "__main__":
    main()
