"""What the harms of a group may come from: keys, faults, work, traffic and workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from sim.causes.data import CauseKind, Change, HarmKind, Hypothesis, widened
from sim.causes.relaxed import BEHIND, At, Relaxed, value_at
from sim.causes.relaxed_logs import lines
from sim.foundation.text import count, duration
from sim.scenario.faults.base import Fault, GroupFault
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault
from sim.scenario.faults.queues import FASTEST, QueueFault, RedriveFault
from sim.scenario.faults.topics import TopicFault, moved
from sim.scenario.load import Scenario, Service
from sim.scenario.pipeline import stages_before
from sim.scenario.products.aws_lambda import SqsFunction
from sim.scenario.products.base import COUNTED
from sim.scenario.products.celery import CelerySystem
from sim.traffic.arrivals import cumulative

_DELAYED: Sequence[HarmKind] = (*BEHIND, "slower", "lost", "dead_lettered", "duplicates")
"""Harms that may come of being behind: of a queue that is long, messages expire."""


def hypotheses(
    scenario: Scenario,
    system: str,
    group: str,
    harms: Sequence[HarmKind],
    limits: pd.DataFrame,
    behind: Sequence[HarmKind] = (),
) -> list[Hypothesis]:
    """What may be the cause of some harms of a group, each of which can be tried.

    Args:
        scenario: whose group it is.
        system: of the group.
        group: name.
        harms: those that are to be explained.
        limits: the table of the run; only rows of the group, or of the system as a whole, count.
        behind: harms that these come of, although there may be as much of them.
    """
    acted = acted_on(limits, scenario, system, group)
    found = [
        *_keys(scenario, system, group, [*harms, *behind], acted),
        *_faults(scenario, system, group),
        *_start(scenario, system, group),
        *_scalers(scenario, system, group, harms),
        *_redrives(scenario, system, group),
    ]
    if set(harms) & set(_DELAYED):
        found += [
            *_work(scenario, system, group),
            *_hot_keys(scenario, system, group),
            *_partitions(scenario, system, group),
            *_workers(scenario, system, group),
            *_peaks(scenario),
        ]
    return [one if one.kind is CauseKind.LIMIT else _as_limit(one, acted) for one in found]


Acted = Sequence[Mapping[str, Any]]
"""Rows of the table ``limits``, one for each key, with ``path`` from the top of the scenario."""


def _as_limit(one: Hypothesis, acted: Acted) -> Hypothesis:
    """The same as a limit, if it acted in the run and it is no brute force."""
    if one.kind not in (CauseKind.SETTING, CauseKind.PARTITIONS):
        return one
    for row in acted:
        if _is_of(row, one):
            value = "" if one.key == "ceilings" else f" {row['value']}".rstrip()
            what = f"{row['key']}{value} ({row['what']})"
            return replace(one, kind=CauseKind.LIMIT, what=what, times=int(row["times"]))
    return one


_UNKNOWN = "no other value of it is known here"
_WHY_NOT: Mapping[str, str] = {
    "dead_row": "it is what PostgreSQL takes, and no setting: such rows go when no snapshot is "
    "held",
    "MaxNumberOfMessagesPerSecond": "SQS moves no more than that in a second",
}
"""By key of a limit, why it is not taken away: nobody could."""


def unexplored(found: Sequence[Hypothesis], acted: Acted) -> dict[str, str]:
    """Keys of limits that acted and that no hypothesis takes away, and why."""
    return {
        str(row["key"]): f"{row['what']}; {_WHY_NOT.get(str(row['key']), _UNKNOWN)}"
        for row in acted
        if row["key"] not in _FLEETS and not any(_is_of(row, one) for one in found)
    }


_FLEETS = (*COUNTED, "worker_concurrency")
"""Keys that say how many work, each of which more workers take away as well."""
_COMES_OF: Mapping[str, Sequence[str]] = {
    "max.poll.interval.ms": ("on_failure.backoff",),
    "allowIdleConsumers": ("partitions", "ShardCount"),
    "MessageGroupId": ("FifoQueue",),
    "retry_topics.backoff.delay": ("retry_topics",),
}
"""Of a limit, other keys that bring a group to it: a back-off counts as time between two polls
(KC-23), KEDA counts only the lag that a replica for each partition is for, groups are of FIFO
queues, and what waits in a retry topic is overtaken."""


_OTHER_WAY: Mapping[str, str] = {
    "MaxNumberOfMessages (1)": "limited receives",
    "failoverTimeMillis (longer)": "children of a shard",
}
"""By name of a hypothesis, how a limit of its key begins that acts more without it, not less."""


def _is_of(row: Mapping[str, Any], one: Hypothesis) -> bool:
    """Whether a limit that acted is what a hypothesis takes away."""
    if one.name in _OTHER_WAY and str(row["what"]).startswith(_OTHER_WAY[one.name]):
        return False
    if one.key == "ceilings":
        return ".ceilings." in str(row["path"])
    if one.key in _COMES_OF.get(str(row["key"]), ()):
        return True
    return bool(row["path"] == one.path if row["path"] else row["key"] == one.key)


def acted_on(limits: pd.DataFrame, scenario: Scenario, system: str, group: str) -> Acted:
    """The limits that acted on a group or on what sends to it, each once with all of its times."""
    if "key" not in limits:
        return []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    own = ".".join(map(str, scenario.systems[system].place_of(group)))
    others = f"{scenario.systems[system].readers_at}."
    for row in limits[limits["system"] == system].to_dict("records"):
        values = {str(column): value for column, value in row.items()}
        path = str(values["path"])
        of_other = path.startswith(others) and not f"{path}.".startswith(f"{own}.")
        if of_other or values["group"] not in (group, "publisher"):
            continue
        if path and not path.startswith(("faults.", "workload.")):
            values["path"] = f"systems.{system}.{path}"
        known = found.setdefault((str(values["key"]), path), {**values, "times": 0})
        known["times"] += int(values["times"])
    return list(found.values())


def _keys(
    scenario: Scenario,
    system: str,
    group: str,
    harms: Sequence[HarmKind],
    acted: Acted,
) -> Iterator[Hypothesis]:
    data = scenario.systems[system].model_dump(mode="json", by_alias=True)
    for line in lines(scenario, system, group):
        key = line.key or line.path[-1]
        at = At(scenario, system, group, data, None)
        place = at.place(line.path)
        path = ".".join(map(str, ("systems", system, *place)))
        if not set(line.helps) & set(harms) and all(row["path"] != path for row in acted):
            continue
        at = At(scenario, system, group, data, value_at(data, place))
        to = line.to(at)
        if to is not None:
            yield _of_key(line, at, place, key, to)


def _of_key(line: Relaxed, at: At, place: Sequence[Any], key: str, to: Any) -> Hypothesis:
    def path(steps: Sequence[Any]) -> str:
        return ".".join(map(str, ("systems", at.system, *steps)))

    stays = [*place[:-1], line.instead] if line.instead else place
    first = Change(path(stays), None if to == "" else to)
    others = [
        Change(path(at.place(steps)), value(at) if callable(value) else value)
        for steps, value in line.also.items()
    ]
    now = at.value
    if now is None:
        now = line.default(at) if callable(line.default) else line.default
    value = "" if line.instead else written(now)
    name = line.name or key
    what = said(line.what, now, key)
    remedy = f"without {key}" if to in ("", None) else f"with {key} {written(to)}"
    if line.instead:
        remedy = f"with {line.instead}"
    if to is False and line.path[-1] == "apply":
        remedy = "without ceilings"
    return Hypothesis(
        name,
        CauseKind.PROMISE if line.promise else CauseKind.SETTING,
        key,
        path(place),
        value,
        "" if to == "" or line.instead else written(to),
        [first, *others],
        what,
        remedy,
        line.cost,
        helps=widened(line.helps),
    )


def said(what: str, now: Any, key: str) -> str:
    """The cause in words, with its value."""
    value = written(now)
    if what in ("{value} a call", "{value} a poll", "{value} a send"):
        thing = "record" if what.endswith("poll") else "message"
        return f"{_n(value, thing)} {what.removeprefix('{value} ')}"
    seconds = float(now) if isinstance(now, int | float) else inf
    return what.format(value=value or "none", s=duration(seconds), ms=duration(seconds / 1e3))


def _n(value: str, thing: str) -> str:
    return f"one {thing}" if value == "1" else f"{value} {thing}s"


def written(value: Any) -> str:
    """A value as a scenario would write it; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}" if value < 1e6 else f"{value:.0f}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {written(inner)}' for key, inner in value.items())}}}"
    return str(value)


def _faults(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    for index, fault in enumerate(scenario.faults):
        if not strikes(scenario, fault, system, group):
            continue
        name = f"faults[{index}]"
        when = f" at {duration(fault.at)}" if fault.at is not None else ""
        yield Hypothesis(
            name,
            CauseKind.FAULT,
            name,
            f"faults.{index}",
            fault.fault,
            "",
            [Change(f"faults.{index}", None)],
            f"{fault.words(fault.target)}{when}",
            f"without {name}",
            "",
        )


def _start(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    """What waited when the run began."""
    if scenario.start is None or not (waiting := scenario.start.waiting(system, group)):
        return
    yield Hypothesis(
        "start", CauseKind.FAULT, "start", "start", f"{waiting:,}", "", [Change("start", None)],
        f"{waiting:,} messages waited when the run began", "if none had", "",
    )  # fmt: skip


def strikes(scenario: Scenario, fault: Fault, system: str, group: str) -> bool:
    """Whether a fault may matter to a group: it strikes the group, or what publishes to it.

    Or a stage of the pipeline from which its messages come.
    """
    stages = [*stages_before(scenario.pipeline, system), (system, group)]
    return any(_strikes(scenario, fault, *stage) for stage in stages)


def _strikes(scenario: Scenario, fault: Fault, system: str, group: str) -> bool:
    its = scenario.systems[system]
    ahead = its.ahead
    if any(fault.strikes_any(system, whom, n) for whom, n in ahead.items()):
        return True
    if isinstance(fault, TopicFault):
        return fault.strikes_topic(system)
    if isinstance(fault, QueueFault):
        return any(fault.strikes_queue(system, queue) for queue in its.redriven)
    if isinstance(fault, GroupFault):
        return fault.strikes_group(system, group)
    # A crash of one that an autoscaler has started counts too.
    return fault.strikes_any(system, group, 1_000)


_LONGER = ("cooldownPeriod", "stabilization")
"""Keys of an autoscaler that are a cause if they are too short."""


def _scalers(
    scenario: Scenario, system: str, group: str, harms: Sequence[HarmKind]
) -> Iterator[Hypothesis]:
    """Keys of an autoscaler."""
    if not set(harms) & set(_DELAYED):
        return
    for index, fault in enumerate(scenario.faults):
        if not isinstance(fault, AutoscaleFault) or not fault.strikes_group(system, group):
            continue
        scaler = fault.scaler.model_dump(mode="json", by_alias=True)
        most = fault.scaler.max_replica_count
        for key, to, what, cost in (
            ("tolerance", 0.0, "nothing changes within {value} of the metric", "more changes"),
            ("maxReplicaCount", 4 * most, "at most {value} replicas", "more replicas at the peak"),
            ("metric_delay", 0.0, "the metric is {value} s old", "a metric that is fresh"),
            ("cooldownPeriod", 3_600.0, "the last replica stops after {value} s", "idle replicas"),
            ("stabilization", 3_600.0, "replicas stay for {value} s", "idle replicas"),
            ("sync_period", 5.0, "it looks every {value} s", "more looks"),
            ("allowIdleConsumers", True, "no more replicas than partitions", "idle replicas"),
            ("startup", 0.0, "a replica starts in {value} s", "a faster start"),
        ):
            place = ("faults", index) if key == "startup" else ("faults", index, "scaler")
            value = fault.startup if key == "startup" else scaler.get(key)
            if (
                value == to
                or value is None
                or (key in ("cooldownPeriod", "stabilization") and value > to)
            ):
                continue
            path = ".".join(map(str, (*place, key)))
            yield Hypothesis(
                f"autoscaler's {key}", CauseKind.SETTING, key, path, written(value), written(to),
                [Change(path, to)], what.format(value=written(value)), f"with {key} {written(to)}",
                cost,
            )  # fmt: skip


def _redrives(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    """How fast a redrive moves messages, where it could be faster."""
    for index, fault in enumerate(scenario.faults):
        its = isinstance(fault, RedriveFault) and strikes(scenario, fault, system, group)
        if its and isinstance(fault, RedriveFault) and fault.per_s < FASTEST:
            key = "MaxNumberOfMessagesPerSecond"
            path = f"faults.{index}.{key}"
            yield Hypothesis(
                f"redrive's {key}", CauseKind.SETTING, key, path, str(fault.per_s), str(FASTEST),
                [Change(path, FASTEST)], f"a redrive moves {fault.per_s} messages a second",
                f"with {key} {FASTEST}", "the consumers get them all the sooner",
            )  # fmt: skip


def _work(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    """The few messages that take long, and the tail of the others."""
    for job in scenario.systems[system].readers[group].does:
        service = scenario.workload.service[job]
        path = f"workload.service.{job}"
        if service.slow is not None and service.slow.share:
            yield Hypothesis(
                f"{path}.slow", CauseKind.WORK, f"{path}.slow", f"{path}.slow",
                f"{service.slow.share:.6g} take {service.slow.time.mean_s():.6g} s", "",
                [Change(f"{path}.slow", None)],
                f"one message in {count(1 / service.slow.share)} takes "
                f"{service.slow.time.mean_s():.6g} s",
                "without the slow ones", "they go to a queue of their own",
            )  # fmt: skip
        if service.poison is not None and service.poisons:
            its = service.poison
            does = "makes its handler raise" if its.effect == "fail" else "kills its process"
            yield Hypothesis(
                f"{path}.poison", CauseKind.WORK, f"{path}.poison", f"{path}.poison",
                f"{its.share:.6g} {'fail' if its.effect == 'fail' else 'kill'}", "",
                [Change(f"{path}.poison", None)],
                f"one message in {count(1 / its.share)} {does}"
                + ("" if its.times is None else f" {its.times} times"),
                "without the poisonous ones", "what cannot be processed is refused by its sender",
            )  # fmt: skip
        if service.per_message.constant is None:
            mean_s = service.per_message.mean_s()
            yield Hypothesis(
                f"{path}.per_message", CauseKind.WORK, f"{path}.per_message",
                f"{path}.per_message", _kind(service), written(mean_s),
                [Change(f"{path}.per_message", {"constant": mean_s})],
                "the work of some messages is far longer than that of others",
                f"if each took {mean_s:.3g} s", "long work in pieces",
            )  # fmt: skip


def _kind(service: Service) -> str:
    return service.per_message.kind


def _hot_keys(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    """Values that are far more frequent, where messages of a key wait for each other."""
    its = scenario.systems[system]
    fifo = getattr(its.readers[group], "message_group_id", None)
    if fifo is None and (its.partitions is None or its.keyless):
        return
    for dim, key in scenario.workload.keys.items():
        path = f"workload.keys.{dim}"
        cost = "a finer key, and order within it alone"
        if key.zipf:
            yield Hypothesis(
                f"{path}.zipf", CauseKind.WORK, f"{path}.zipf", f"{path}.zipf",
                written(key.zipf), "0", [Change(f"{path}.zipf", 0)],
                f"some values of {dim} have far more messages than others",
                f"if all values of {dim} had as many", cost,
            )  # fmt: skip
        elif key.weights is not None and len(set(key.weights.values())) > 1:
            yield Hypothesis(
                f"{path}.weights", CauseKind.WORK, f"{path}.weights", f"{path}.weights",
                "uneven", "even", [Change(f"{path}.weights", dict.fromkeys(key.weights, 1))],
                f"some values of {dim} have far more messages than others",
                f"if all values of {dim} had as many", cost,
            )  # fmt: skip


def _partitions(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    its = scenario.systems[system]
    if its.partitions is None:
        return
    members = _most_members(scenario, system, group)
    place = ".".join(("systems", system, *map(str, its.partitions_at)))
    more = max(2 * its.partitions, members)
    yield Hypothesis(
        "partitions", CauseKind.PARTITIONS, str(its.partitions_at[-1]), place, str(its.partitions),
        str(more), _with_partitions(scenario, system, more),
        f"{its.partitions} partition{'' if its.partitions == 1 else 's'} for {members} "
        f"consumer{'' if members == 1 else 's'}",
        f"with {more} partitions", "keys move to other partitions once",
    )  # fmt: skip


def _with_partitions(scenario: Scenario, system: str, partitions: int) -> list[Change]:
    """What gives a topic so many; a fault that adds some adds as many as before."""
    its = scenario.systems[system]
    assert its.partitions is not None
    place = ".".join(("systems", system, *map(str, its.partitions_at)))
    later = moved(scenario.faults, system, its.partitions, partitions)
    return [Change(place, partitions), *(Change(path, to) for path, to in later.items())]


def _most_members(scenario: Scenario, system: str, group: str) -> int:
    """Consumers that a group has at most, by its configuration and by faults that scale it."""
    most = scenario.systems[system].readers[group].members
    for fault in scenario.faults:
        if isinstance(fault, AutoscaleFault | ScaleFault) and fault.strikes_group(system, group):
            most = max(most, fault.most if isinstance(fault, AutoscaleFault) else fault.to)
    return most


def _workers(scenario: Scenario, system: str, group: str) -> Iterator[Hypothesis]:
    its = scenario.systems[system]
    place = ".".join(("systems", system, *map(str, its.place_of(group))))
    function = getattr(its.readers[group], "function", None)
    if isinstance(function, SqsFunction):
        yield from _concurrency(function, f"{place}.lambda")
    if function is not None:  # Lambda starts as many as it needs
        return
    members = its.readers[group].members
    key = next((key for key in COUNTED if hasattr(its.readers[group], key)), "workers")
    for factor in (2, 4):
        changes = [Change(f"{place}.{key}", factor * members)]
        more = (factor - 1) * members
        cost = f"{more} more {key if more != 1 else key.removesuffix('s')}"
        if its.partitions is not None and factor * members > its.partitions:
            changes += _with_partitions(scenario, system, factor * members)
            cost += f", and {factor * members} partitions"
        thing = key if members != 1 else key.removesuffix("s")
        children = ""
        if isinstance(its, CelerySystem):
            n = its.config.worker_concurrency
            children = f" of {n} child{'' if n == 1 else 'ren'}{' each' if members > 1 else ''}"
        yield Hypothesis(
            f"{key} x{factor}", CauseKind.WORKERS, key, f"{place}.{key}", str(members),
            str(factor * members), changes, f"only {members} {thing}{children}",
            f"with {factor * members} {key}", cost,
        )  # fmt: skip


def _concurrency(function: SqsFunction, place: str) -> Iterator[Hypothesis]:
    """More invocations at a time, where they are fewer than could be."""
    nested = function.maximum_concurrency is None
    cap = f"{place}.ScalingConfig.MaximumConcurrency" if nested else f"{place}.MaximumConcurrency"
    reserve = f"{place}.ReservedConcurrentExecutions"
    now = function.pollers.most if function.capped is not None else function.concurrency
    for factor in (2, 4):
        changes = []
        if function.capped is not None:
            changes.append(Change(cap, min(1_000, factor * function.capped)))
        if function.reserved_concurrent_executions is not None:
            changes.append(Change(reserve, factor * function.reserved_concurrent_executions))
        if changes:
            more = factor * now
            yield Hypothesis(
                f"concurrency x{factor}", CauseKind.WORKERS, "concurrency", changes[0].path,
                str(now), str(more), changes, f"only {now} invocations at a time",
                f"with {more} invocations at a time", f"{more - now} more at a time",
            )  # fmt: skip


def _peaks(scenario: Scenario) -> Iterator[Hypothesis]:
    """The same messages, spread evenly over the time of arrivals."""
    arrivals = scenario.workload.arrivals
    if scenario.workload.cases is not None:
        return
    even: list[Change] = []
    profile, key = arrivals.profile, ""
    if profile is not None and {(one.kind, one.rate) for one in profile} != {
        ("rate", profile[0].rate)
    }:
        whole_s = sum(segment.for_ for segment in profile)
        n = float(cumulative(profile, np.array([whole_s]))[0])
        key = "workload.arrivals.profile"
        even = [Change(key, [{"for": whole_s, "rate": n / whole_s}])]
    elif arrivals.counts is not None and len(set(arrivals.counts.values)) > 1:
        values = arrivals.counts.values
        key = "workload.arrivals.counts.values"
        even = [Change(key, [round(sum(values) / len(values))] * len(values))]
    if even:
        yield Hypothesis(
            "peak of arrivals", CauseKind.TRAFFIC, key, key, "uneven", "even", even,
            "more arrives at the peak than is worked off", "if they came evenly",
            "senders that wait: a rate limit",
        )  # fmt: skip
