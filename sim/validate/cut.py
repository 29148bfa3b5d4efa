"""A scenario short enough for real time: a minute or two, some processes, some messages a second.

What takes long becomes shorter by one factor: the duration and all that the workload says of time,
when faults strike and how long they last, sessions, heartbeats, time-outs and intervals. What is of
a single message stays: its work, its size, the latency of calls. So rates and loads stay as they
are, and a backlog and its drain become smaller by the factor. Rates, consumers and partitions
become fewer by the scenario's own `scale`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from sim.foundation.errors import LabError
from sim.foundation.text import duration
from sim.scenario.load import Scenario
from sim.scenario.pipeline import refuse_pipeline
from sim.scenario.products.base import ProductSystem
from sim.scenario.scaling import fleet_size
from sim.systems.placed import messages_of
from sim.traffic.messages import Messages
from sim.validate.plan import concerns, impossible

LONGEST_S = 90.0
"""Longest duration that is done as it is."""
MOST_PROCESSES = 8
"""Consumers of a system; each is a process of this machine."""
MOST_PER_S = 600.0
"""Messages a second, on average."""

_SLOW = re.compile(
    r"(session|heartbeat|poll|commit|request|delivery|transaction|retry\.backoff\.max|lock|visib"
    r"|consumer).*(timeout|interval|duration|max)(\.ms)?$|^visibility|^Visibility",
    re.IGNORECASE,
)
"""Keys of products that hold a time as long as what they guard against."""
_NOT_SLOW = ("max.poll.records", "max.partition.fetch.bytes", "maxReceiveCount")
_FAULT_TIMES = (
    "at", "for", "restart_after", "ramp", "startup", "grace", "from", "until", "every",
)  # fmt: skip
_LEAST_MS = {"session.timeout.ms": 1_500.0, "heartbeat.interval.ms": 500.0}


@dataclass(frozen=True)
class Cut:
    """What is done instead of the scenario as it stands."""

    scenario: Scenario
    messages: Messages
    systems: Sequence[str]
    """Those that are held against the real broker."""
    said: Sequence[str]
    """What is different from the scenario that was asked for, a sentence each."""


def cut(scenario: Scenario, systems: Sequence[str], longest_s: float = LONGEST_S) -> Cut:
    """Make a scenario short enough, and leave out what cannot be done to real processes.

    Args:
        scenario: as it was asked for.
        systems: names of those that are to be done.
        longest_s: a longer one is made as short as this, s.

    Raises:
        LabError: it cannot be made short: a trace or case file, or too many processes.
    """
    refuse_pipeline(scenario.pipeline, "sim validate")
    said: list[str] = []
    content = scenario.model_dump(mode="json", by_alias=True)
    content["systems"] = {name: content["systems"][name] for name in systems}
    jobs = {
        job for name in systems for of in scenario.systems[name].readers.values() for job in of.does
    }
    service = content["workload"]["service"]
    content["workload"]["service"] = {job: service[job] for job in service if job in jobs}
    faults = []
    for index, fault in enumerate(scenario.faults):
        its = [name for name in systems if concerns(fault, scenario.systems[name], name)]
        reasons = {impossible(fault, scenario.systems[name], name) for name in its} - {None}
        if its and not reasons:
            faults.append(content["faults"][index])
        elif reasons:
            said.append(f"{scenario.problem(('faults', index), str(reasons.pop()))}: left out")
    content["faults"] = faults
    content.pop("needs", None)
    factor = scenario.duration / longest_s if scenario.duration > longest_s else 1.0
    if factor > 1.0:
        if not isfinite(factor) or scenario.workload.arrivals is None:
            raise LabError("a trace cannot be made shorter: give the scenario a duration")
        _shorten(content, factor)
        said.append(
            f"{duration(scenario.duration)} became {duration(longest_s)}: the workload, the faults,"
            f" sessions, heartbeats, time-outs and intervals {factor:.4g} times as short; work and "
            "calls as they are"
        )
    scale = _scale(scenario, systems, longest_s)
    if scale < scenario.scale:
        content["scale"] = scale
        said.append(f"scale {scale:.3g}: for at most {MOST_PROCESSES} processes a system")
    short = Scenario.from_mapping(content)
    messages = messages_of(short)
    if len(messages) > MOST_PER_S * 2 * max(longest_s, messages.duration_s):
        raise LabError(
            f"{len(messages):,} messages in {duration(messages.duration_s)} are too many for "
            "clients on one machine: say a smaller --set scale"
        )
    return Cut(short, messages, systems, said)


def _scale(scenario: Scenario, systems: Sequence[str], longest_s: float) -> float:
    """The scenario's, or less: so that processes and messages are few enough."""

    def processes(product: ProductSystem, scale: float) -> int:
        return sum(fleet_size(readers.members, scale) for readers in product.readers.values())

    scale = scenario.scale
    most = MOST_PROCESSES
    while any(processes(scenario.systems[name], scale) > most for name in systems):
        smaller = scale / 1.25
        if all(
            processes(scenario.systems[name], smaller) == len(scenario.systems[name].readers)
            for name in systems
        ):
            return smaller
        scale = smaller
    return scale


def _shorten(content: dict[str, Any], factor: float) -> None:
    content["duration"] /= factor
    arrivals = content["workload"]["arrivals"]
    for segment in arrivals.get("profile") or ():
        segment["for"] /= factor
        for part, keys in (("spike", ("rise", "decay", "at")), ("sine", ("period",))):
            if part in segment:
                segment[part] |= {key: segment[part][key] / factor for key in keys}
    if "counts" in arrivals:
        counts = arrivals["counts"]
        counts["interval"] /= factor
        counts["values"] = [round(value / factor) for value in counts["values"]]
    for fault in content["faults"]:
        fault |= {key: fault[key] / factor for key in _FAULT_TIMES if key in fault}
    for system in content["systems"].values():
        _shorten_keys(system, factor)


def _shorten_keys(part: Any, factor: float) -> None:
    """Divide what is a slow time by its name, wherever it stands in a product's configuration."""
    for key, value in list(part.items()) if isinstance(part, dict) else enumerate(part):
        if isinstance(value, dict | list):
            _shorten_keys(value, factor)
        elif _is_slow(key, value):
            part[key] = max(_LEAST_MS.get(str(key), 0.0), value / factor)


def _is_slow(key: object, value: object) -> bool:
    if not isinstance(key, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return key not in _NOT_SLOW and _SLOW.search(key) is not None and value > 0


def alone(scenario: Scenario, system: str) -> Scenario:
    """A scenario with one of its systems: the same messages, and the faults that concern it."""
    content = scenario.model_dump(mode="json", by_alias=True)
    product = scenario.systems[system]
    jobs = {job for readers in product.readers.values() for job in readers.does}
    service = content["workload"]["service"]
    content["workload"]["service"] = {job: service[job] for job in service if job in jobs}
    content["systems"] = {system: content["systems"][system]}
    content["faults"] = [
        told
        for told, fault in zip(content["faults"], scenario.faults, strict=True)
        if concerns(fault, product, system)
    ]
    return Scenario.from_mapping(content)


def of_broker(scenario: Scenario, takes: Any) -> Mapping[str, ProductSystem]:
    """The systems of a scenario that a broker can be."""
    return {name: system for name, system in scenario.systems.items() if takes(system)}
