"""What is wrong between the parts of a scenario: a profile as long as the duration, and so on.

Each check looks only at parts that are valid by themselves, so that these problems are told
together with those of a single key.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from sim.foundation.config import KeyPath
from sim.foundation.document import Document
from sim.foundation.errors import Problem, nearest, unknown
from sim.foundation.units import PositiveBytes, seconds
from sim.scenario.faults.base import Fault, GroupFault, Kind
from sim.scenario.faults.catalogue import AnyFault
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault, SeekFault, SnapshotHeldFault
from sim.scenario.faults.queues import QueueFault, RedriveFault
from sim.scenario.faults.settings import AttributesFault, ConfigsFault
from sim.scenario.faults.topics import ReshardFault, TopicFault
from sim.scenario.keyless import keyless, no_dimension, order_of_none
from sim.scenario.pipeline import Edge, bad_edges, not_a_dead_letter_queue
from sim.scenario.products.base import Selection
from sim.scenario.products.catalogue import System
from sim.scenario.products.sqs_dead_letters import is_linked, linked, named
from sim.scenario.repartitioned import not_more, reshards
from sim.scenario.start import Start, bad_start
from sim.scenario.workload import STATE, Arrivals, CaseFile, Workload

TOLERANCE_S = 1e-3
"""Durations that differ by no more than this are equal, s."""

_T = TypeVar("_T")
_SYSTEM: TypeAdapter[System] = TypeAdapter(System)
_START: TypeAdapter[Start] = TypeAdapter(Start)
_FAULT: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)
_EDGE = TypeAdapter(Edge)


def _valid(adapter: TypeAdapter[_T], value: Any) -> _T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _names(whole: Document, *path: str) -> list[str]:
    value = whole.get(path)
    return list(value) if isinstance(value, dict) else []


def contradictions(whole: Document) -> Iterator[Problem]:
    """Every problem between parts, each of them valid by itself."""
    for path, message in _found(whole):
        yield whole.problem(path, message)


def _found(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    systems = {
        name: _valid(_SYSTEM, whole.get(("systems", name))) for name in _names(whole, "systems")
    }
    yield from _bad_length(whole)
    yield from _no_cases(whole)
    yield from _bad_dimensions(whole, systems)
    yield from order_of_none(whole)
    yield from _bad_jobs(whole, systems)
    yield from _bad_size(whole, systems)
    yield from _bad_ledgers(whole, systems)
    yield from _nothing_to_show(whole, systems)
    start = None if whole.get(("start",)) is None else _valid(_START, whole.get(("start",)))
    if start is not None:
        yield from bad_start(start, systems, _has_states(whole), whole.get(("scale",)))
    if None not in systems.values():
        yield from _bad_targets(whole, systems)
        yield from _bad_pipeline(whole, systems)


def _done_in_stages(whole: Document, systems: Mapping[str, System | None]) -> set[str]:
    """The jobs that some stage of a pipeline does, and no other has to; empty without one."""
    if not whole.get(("pipeline",)):
        return set()
    its = (readers for system in systems.values() if system for readers in system.readers.values())
    return {job for readers in its for job in readers.does}


def _bad_pipeline(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Edges that lead nowhere or in a circle, and what does not go with stages."""
    given = whole.get(("pipeline",))
    edges = [_valid(_EDGE, data) for data in (given if isinstance(given, list) else ())]
    if not edges or None in edges:
        return
    groups = {name: list(its.readers) for name, its in systems.items() if its is not None}
    yield from bad_edges([edge for edge in edges if edge is not None], groups)
    for i, edge in enumerate(edges):
        if edge is not None and (said := _cannot_wait(edge, systems)) is not None:
            yield ("pipeline", i, "waits_for"), said
        if edge is not None and (told := not_a_dead_letter_queue(edge, systems)) is not None:
            yield ("pipeline", i), told
    if whole.get(("start",)) is not None:
        why = "does not go with a 'pipeline': the lab knows what waits in front of the first stage"
        yield ("start",), f"{why} alone"
    if _has_states(whole):
        why = "does not go with states of 'keys': a message that is worked on twice is sent twice"
        yield ("pipeline",), why


def _cannot_wait(edge: Edge, systems: Mapping[str, System | None]) -> str | None:
    """Why a group cannot wait for the next stage as its edge says; None: it can."""
    before, group = edge.source
    one, other = systems.get(before), systems.get(edge.to)
    if edge.waits_for == "nothing" or one is None or other is None:
        return None
    if edge.waits_for == "buffer" and getattr(other, "publisher", None) is None:
        return (
            f"{edge.to!r} has no producer whose buffer can be full; give it a 'publisher', or wait "
            "for the 'acknowledgement'"
        )
    if group in getattr(one, "share_groups", ()):
        return f"{group!r} is a share group, of which the lab does not know how it waits"
    if getattr(one.readers.get(group), "retry_topics", None) is not None:
        return f"{group!r} has retry topics, of which the lab does not know how they wait"
    return None


def _bad_length(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    path: KeyPath = ("workload", "arrivals")
    arrivals = _valid(TypeAdapter(Arrivals), whole.get(path))
    if arrivals is None:
        return
    if arrivals.trace is not None:
        if data_file(whole, (*path, "trace"), arrivals.trace.path) is None:
            where: KeyPath = (*path, "trace")
            where = (*where, "path") if isinstance(whole.get(where), dict) else where
            yield where, _missing_trace(whole, arrivals.trace.path)
        return
    given = whole.get(("duration",))
    if given is None:
        yield ("duration",), "missing; how long messages are created"
        return
    try:
        duration_s = seconds(given)
    except ValueError:
        return
    if arrivals.profile is not None:
        total_s = math.fsum(segment.for_ for segment in arrivals.profile)
        key, what = "profile", "the segments of the profile last"
    else:
        assert arrivals.counts is not None
        total_s = len(arrivals.counts.values) * arrivals.counts.interval
        key, what = "counts", f"{len(arrivals.counts.values)} intervals last"
    if abs(total_s - duration_s) > TOLERANCE_S:
        message = f"{what} {total_s:,.10g} s in all, but the duration is {duration_s:,.10g} s"
        yield whole.last_set([(*path, key), ("duration",)]), message


def data_file(whole: Document, key: KeyPath, name: str) -> Path | None:
    """The file that a key names: beside the scenario (or base), or in the working directory."""
    place = whole.place((*key, "path"))
    for folder in (place.folder, whole.place(()).folder, Path.cwd()):
        if (folder / name).is_file():
            return folder / name
    return None


def _no_cases(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    key: KeyPath = ("workload", "cases")
    cases = _valid(TypeAdapter(CaseFile), whole.get(key)) if whole.get(key) is not None else None
    if cases is not None and data_file(whole, key, cases.path) is None:
        yield (
            key,
            f"no such file {cases.path!r}; a case file is a CSV or CSV.gz file with the columns "
            "case, seq, timestamp and activity, and if there is money in it amount and payment",
        )


def _missing_trace(whole: Document, name: str) -> str:
    message = (
        f"no such file {name!r}; a trace is a CSV or CSV.gz file with a header, a timestamp "
        "(ISO 8601, ascending) in its first column, and messages per interval in the others"
    )
    if "worldcup98" in name.lower():
        message += (
            ". The Internet Traffic Archive publishes the logs of the 1998 World Cup site: "
            "https://ita.ee.lbl.gov/html/contrib/WorldCup.html; counts of them that you have made "
            "are found with `--set workload.arrivals.trace.path=PATH`"
        )
    return message


def _bad_dimensions(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    known = _names(whole, "workload", "keys")
    in_keys = [*known, STATE] if _has_states(whole) else known
    lists: list[tuple[KeyPath, list[str]]] = [(("workload", "order_by"), known)]
    for name in systems:
        lists.append((("systems", name, "partition_key"), in_keys))
        lists.append((("systems", name, "exchange", "routing_key"), known))
        lists.append((("systems", name, "producer", "priority"), known))
        lists.append((("systems", name, "publisher", "ordering_key"), known))
        for queue in _names(whole, "systems", name, "queues"):
            for key in ("MessageGroupId", "MessageDeduplicationId"):
                lists.append((("systems", name, "queues", queue, key), known))
    for path, allowed in lists:
        value = whole.get(path)
        for index, dimension in enumerate(value if isinstance(value, list) else ()):
            if keyless(whole) and isinstance(dimension, str):
                yield (*path, index), no_dimension(dimension)
            elif known and isinstance(dimension, str) and dimension not in allowed:
                yield (*path, index), unknown("dimension", dimension, allowed)
    for name in systems:
        for key in ("expiration", "priority"):
            path = ("systems", name, "producer", key)
            for dimension in _names(whole, *path):
                values = _names(whole, *path, dimension)
                for _, message in _bad_values(whole, path, dimension, values):
                    yield (*path, dimension), message
    for path, selection in _selections(whole, systems):
        written = isinstance(whole.get(path), dict)  # AWS gives a filter policy inside a string
        for dimension, values in selection.items():
            where = (*path, dimension) if written else path
            yield from _bad_values(whole, where, dimension, values)


def _selections(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, Selection]]:
    """Where messages are chosen by their values."""
    for name, system in systems.items():
        if system is None:
            continue
        for group, readers in system.readers.items():
            for key, field in (("only", "only"), ("FilterPolicy", "filter_policy")):
                if chosen := getattr(readers, field, None):
                    yield ("systems", name, *system.place_of(group), key), chosen
    jobs = [("needs", "routing", job) for job in _names(whole, "needs", "routing")]
    for path in (*jobs, ("shows", "of"), ("shows", "without")):
        chosen = whole.get(path)
        if isinstance(chosen, dict) and all(isinstance(v, list) for v in chosen.values()):
            yield path, chosen


def _bad_values(
    whole: Document, path: KeyPath, dimension: str, values: Sequence[str]
) -> Iterator[tuple[KeyPath, str]]:
    """Values that a dimension of the workload does not have."""
    known = _names(whole, "workload", "keys")
    if dimension not in known:
        none = keyless(whole)
        yield path, no_dimension(dimension) if none else unknown("dimension", dimension, known)
        return
    weights = _names(whole, "workload", "keys", dimension, "weights")
    for index, value in enumerate(values):
        if weights and value not in weights:
            yield (*path, index), unknown("value", value, weights)


def _has_states(whole: Document) -> bool:
    """Whether entities go through states."""
    keys = whole.get(("workload", "keys"))
    lives = isinstance(keys, dict) and any(
        isinstance(key, dict) and key.get("lifecycle") for key in keys.values()
    )
    return lives or whole.get(("workload", "cases")) is not None


def _bad_jobs(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    jobs = _names(whole, "workload", "service")
    if not jobs:
        return
    for job in _names(whole, "needs", "routing"):
        if job not in jobs:
            yield ("needs", "routing", job), unknown("job", job, jobs)
    told = whole.get(("shows", "jobs"))
    for index, job in enumerate(told if isinstance(told, list) else ()):
        if job not in jobs:
            yield ("shows", "jobs", index), unknown("job", str(job), jobs)
    for name, system in systems.items():
        if system is None:
            continue
        where: KeyPath = ("systems", name, system.readers_at)
        done: dict[str, str] = {}
        for group, readers in system.readers.items():
            for index, job in enumerate(readers.does):
                path = ("systems", name, *system.place_of(group), "does", index)
                if job not in jobs:
                    yield path, unknown("job", job, jobs)
                elif job in done:
                    yield path, f"{job!r} is already done by {done[job]!r}"
                done.setdefault(job, group)
        for job in jobs:
            if job in _done_in_stages(whole, systems):
                continue
            if job not in done and done.keys() <= set(jobs):
                yield where, f"nothing here does the job {job!r} of workload.service"


def _bad_size(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Messages that do not fit into what a system keeps them in."""
    size: KeyPath = ("workload", "size")
    given = whole.get(size)
    default = Workload.model_fields["size"].default
    size_bytes = default if given is None else _valid(TypeAdapter(PositiveBytes), given)
    for name, system in systems.items():
        if system is None or size_bytes is None:
            continue
        for keys, message in system.too_small_for(size_bytes):
            at = [("systems", name, *key) for key in keys]
            yield whole.last_set([*at, size]), message


def _bad_ledgers(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    if _has_states(whole):
        return
    for name, system in systems.items():
        if system is None:
            continue
        for group, readers in system.readers.items():
            if readers.ledger is not None:
                yield (
                    ("systems", name, *system.place_of(group), "ledger"),
                    "there is nothing to book: no dimension of workload.keys has a lifecycle",
                )


def _nothing_to_show(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """What the scenario is about, and no system can show."""
    if whole.get(("shows", "quick")) is True and not any(
        whole.get(("workload", "service", job, "slow"))
        for job in _names(whole, "workload", "service")
    ):
        yield ("shows", "quick"), "no job of workload.service has a 'slow': all are quick"
    measure: KeyPath = ("shows",)
    if isinstance(whole.get(measure), dict):
        measure = ("shows", "measure")
    if whole.get(measure) == "money_misstated" and not any(
        readers.ledger
        for system in systems.values()
        if system is not None
        for readers in system.readers.values()
    ):
        yield measure, "no system keeps a 'ledger'"


_Struck = dict[str, tuple[str, str, int]]
"""What a fault can strike, by `system.group`: the system, the group, and how many are in it."""


def _bad_targets(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    given = whole.get(("faults",))
    faults = [_valid(_FAULT, data) for data in (given if isinstance(given, list) else ())]
    valid = [fault for fault in faults if fault is not None]
    consumers: _Struck = {
        f"{name}.{group}": (name, group, _most(name, group, readers.members, valid))
        for name, system in systems.items()
        if system is not None
        for group, readers in system.readers.items()
    }
    struck: dict[Kind, _Struck] = {"consumer": consumers, "publisher": {}, "broker": {}}
    for name, system in systems.items():
        for part, number in (system.ahead if system is not None else {}).items():
            struck[part][f"{name}.{part}"] = (name, part, number)
    for index, fault in enumerate(faults):
        if fault is None:
            continue
        path: KeyPath = ("faults", index)
        if isinstance(fault, GroupFault):
            yield from _bad_group(path, fault, consumers)
            yield from _no_attributes(whole, path, fault, systems)
            yield from _no_seek(path, fault, systems)
            yield from _no_table(path, fault, systems)
        elif isinstance(fault, TopicFault):
            yield from _bad_topic(path, fault, systems)
        elif isinstance(fault, QueueFault):
            yield from _bad_queue(path, fault, systems)
        else:
            yield from _bad_index(path, fault, struck)
        yield from _no_fault(path, fault, systems)
        yield from _bad_condition(path, fault, struck)
    for name, system in systems.items():
        if system is not None and system.partitions is not None:
            yield from not_more(name, system.partitions, faults)
            yield from reshards(name, system, system.partitions, faults)


def _bad_topic(
    path: KeyPath, fault: TopicFault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """A topic that is not there, or that stays as it is."""
    found = {name: system for name, system in systems.items() if fault.strikes_topic(name)}
    for name, system in found.items():
        if isinstance(fault, ConfigsFault):
            if system is not None and system.product != "kafka":
                yield (*path, "target"), f"{name!r} has no topic of Kafka, which alone is altered"
        elif isinstance(fault, ReshardFault):
            if system is not None and system.product != "kinesis":
                yield (*path, "target"), f"{name!r} is no stream of Kinesis, which alone has shards"
        elif system is not None and (why := system.no_partitions) is not None:
            yield (*path, "target"), f"{name!r} {why}"
    if not found:
        topics = [f"{name}.{fault.whose}" for name in systems]
        near = nearest(fault.target, topics)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(topics)}"
        yield (*path, "target"), f"{fault.target!r} matches nothing; {hint}"


def _bad_queue(
    path: KeyPath, fault: QueueFault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """A queue that is not there, or out of which nothing can be moved to where it says."""
    into = {
        f"{name}.{queue}": sources
        for name, system in systems.items()
        for queue, sources in (system.redriven if system is not None else {}).items()
    }
    found = [queue for queue in into if fault.strikes_queue(*queue.split(".", 1))]
    if not into:
        why = "needs an SQS queue whose 'RedrivePolicy' names another queue of the system"
        yield (*path, "fault"), f"{fault.fault!r} {why}"
    elif not found:
        near = nearest(fault.target, into)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(into)}"
        yield (*path, "target"), f"{fault.target!r} is no dead-letter queue; {hint}"
    elif isinstance(fault, RedriveFault) and fault.destination_arn is not None:
        to = named(fault.destination_arn)
        for queue in found:
            if to not in into[queue]:
                its = " and ".join(map(repr, into[queue]))
                why = (
                    f"the dead letters of {to!r} do not come to {queue!r}: those of {its} do; a "
                    "task to any other queue is left out, for a message could be there twice"
                )
                yield (*path, "DestinationArn"), why


def _most(system: str, group: str, members: int, faults: Sequence[Fault]) -> int:
    """The most consumers that a group can come to have."""
    scaled = [
        fault.most
        for fault in faults
        if isinstance(fault, ScaleFault | AutoscaleFault) and fault.strikes_group(system, group)
    ]
    return max([members, *scaled])


def _bad_group(path: KeyPath, fault: GroupFault, groups: _Struck) -> Iterator[tuple[KeyPath, str]]:
    if not any(fault.strikes_group(system, group) for system, group, _ in groups.values()):
        near = nearest(fault.target, groups)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(groups)}"
        yield (*path, "target"), f"{fault.target!r} matches nothing; {hint}"


def _no_fault(
    path: KeyPath, fault: Fault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Of those that a target names; one that only matches them does nothing there."""
    for name, system in systems.items():
        for group in system.readers if system is not None else ():
            why = system.no_fault(group, fault.fault) if system is not None else None
            if why is not None and fault.target.startswith(f"{name}.{group}"):
                yield (*path, "target"), f"'{name}.{group}' {why}"


def _no_delay(whole: Document, fault: AttributesFault, group: str, system: System) -> str | None:
    """Why the delay of a queue cannot be set anew; None: it can, or is not."""
    if fault.delay_seconds is None:
        return None
    if whole.get(("start",)) is not None:
        return "the lab does not know how long what waits at the 'start' was delayed"
    if is_linked(group, linked(getattr(system, "queues", {}))):
        return "the lab does not change the delay of a queue with dead letters of its own or others"
    return None


def _no_attributes(
    whole: Document, path: KeyPath, fault: GroupFault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Attributes of what is no queue of SQS, or of one that the lab cannot change."""
    if not isinstance(fault, AttributesFault):
        return
    for name, system in systems.items():
        for group in system.readers if system is not None else ():
            if system is None or not fault.strikes_group(name, group):
                continue
            if system.product != "sqs":
                why = "is no queue of SQS, which alone has attributes that are set"
                yield (*path, "target"), f"'{name}.{group}' {why}"
            elif (said := _no_delay(whole, fault, group, system)) is not None:
                yield (*path, "DelaySeconds"), said
            elif getattr(system.readers[group], "order", "") == "fresh-first":
                why = "has the order 'fresh-first', which the lab does not know there"
                yield (*path, "target"), f"'{name}.{group}' {why}"
            elif fault.redrive_policy is not None:
                own = getattr(system.readers[group], "redrive_policy", None)
                arn = fault.redrive_policy.dead_letter_target_arn
                if arn is not None and (own is None or arn != own.dead_letter_target_arn):
                    yield (
                        (*path, "RedrivePolicy", "deadLetterTargetArn"),
                        "the lab does not change where dead letters go while it runs; give "
                        "maxReceiveCount alone",
                    )


def _no_seek(
    path: KeyPath, fault: GroupFault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(fault, SeekFault):
        return
    for name, system in systems.items():
        for group in system.readers if system is not None else ():
            why = system.no_seek(group) if system is not None else None
            if system is not None and fault.snapshot is not None and not system.snapshots:
                why = "is no subscription of Pub/Sub, of which alone there are snapshots here"
            if why is not None and fault.strikes_group(name, group):
                yield (*path, "target"), f"'{name}.{group}' {why}"


def _no_table(
    path: KeyPath, fault: GroupFault, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(fault, SnapshotHeldFault):
        return
    for name, system in systems.items():
        for group in system.readers if system is not None and not system.tables else ():
            if fault.strikes_group(name, group):
                yield (*path, "target"), f"'{name}.{group}' is no table of PostgreSQL"


def _bad_index(
    path: KeyPath, fault: Fault, struck: Mapping[Kind, _Struck]
) -> Iterator[tuple[KeyPath, str]]:
    groups = {name: whom for kind in fault.kinds for name, whom in struck[kind].items()}
    if not groups:
        yield (*path, "fault"), f"{fault.fault!r} needs a system with a 'publisher'"
        return
    if any(fault.strikes_any(s, g, n) for s, g, n in groups.values()):
        return
    whom, _, which = fault.target.rpartition(".")
    matched = [known for known in groups if fnmatchcase(known, whom)]
    if not matched:
        near = nearest(whom, groups)
        hint = f"did you mean '{near}.{which}'?" if near else f"known: {', '.join(groups)}"
        yield (*path, "target"), f"{fault.target!r} matches nothing; {hint}"
    else:
        most = max(groups[known][2] for known in matched)
        yield (
            (*path, "target"),
            f"{fault.target!r} matches nothing; the index is 0 to {most - 1}, or '*'",
        )


def _bad_condition(
    path: KeyPath, fault: Fault, struck: Mapping[Kind, _Struck]
) -> Iterator[tuple[KeyPath, str]]:
    if fault.condition is None:
        return
    of, consumers = fault.condition.of, struck["consumer"]
    ahead = [
        whom for k in ("publisher", "broker") if k in fault.kinds for whom in struck[k].values()
    ]
    if of is None and any(fault.strikes_any(s, g, n) for s, g, n in ahead):
        yield (
            (*path, "when"),
            "give 'of', whose lag: a publisher and its brokers have none of their own",
        )
    if of is not None and not any(fnmatchcase(known, of) for known in consumers):
        near = nearest(of, consumers)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(consumers)}"
        yield (*path, "when", "of"), f"{of!r} matches nothing; {hint}"
