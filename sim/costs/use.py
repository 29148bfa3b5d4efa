"""What a run used of what is billed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

import pandas as pd

from sim.measure.tables import Tables
from sim.scenario.faults.topics import ReshardFault
from sim.scenario.load import Scenario

INVOKE = "invoke"
"""Among the ``requests`` of a queue that Lambda empties: invocations, which SQS does not bill."""
_AT_WORK = ("work", "consumer slowed or paused")
"""Parts of a message's time that a function is billed for."""


@dataclass(frozen=True)
class GroupUse:
    """What a group or queue used in the run."""

    name: str
    workers: int
    """Places that ever had a worker or consumer; 0 where Lambda does the work."""
    requests: Mapping[str, int]
    """Calls by kind: send, receive, empty receive, delete; of queues."""
    sent: int
    """Messages that were sent to it."""
    reads: int
    """Messages handed out, repeats among them."""
    invocations: int = 0
    """Of a Lambda function."""
    work_s: float = 0.0
    """Time that its invocations worked, summed over them, s. Without cold starts, and not rounded
    up to whole milliseconds."""


@dataclass(frozen=True)
class Use:
    """What a system used in the run."""

    hours: float
    """In which messages came, a second at least: what a system does later is for these, too, and
    how long another one takes is nothing to it."""
    messages: int
    """That were sent in the run."""
    message_bytes: float
    """Mean size of each."""
    partitions: float
    """Partitions or shards; 1 of a queue. Of a stream that is resharded, the mean of those that
    are open: a shard is billed while it is."""
    groups: tuple[GroupUse, ...]

    @property
    def gb(self) -> float:
        """Written in the run, GB."""
        return self.messages * self.message_bytes / 1e9

    @property
    def reads(self) -> int:
        """Over all groups."""
        return sum(group.reads for group in self.groups)


def use_of(
    scenario: Scenario,
    tables: Tables,
    system: str,
    *,
    messages: int | None = None,
    message_bytes: float | None = None,
    workers: Mapping[str, int] | None = None,
) -> Use:
    """What a system used.

    Args:
        scenario: that was run.
        tables: what it gave.
        system: of the scenario.
        messages: that were sent; None: as many as the group has that was sent most.
        message_bytes: mean size of each; None: the workload's ``size``.
        workers: of each group; None: as many as the run had.
    """
    rows = tables.summary[tables.summary["system"] == system]
    size = scenario.workload.size if message_bytes is None else message_bytes
    sent = int(tables.summary["produced"].max()) if messages is None else messages
    return Use(
        hours=max(1.0, tables.duration_s) / 3600,
        messages=sent,
        message_bytes=float(size),
        partitions=_partitions(scenario, system, tables.duration_s),
        groups=tuple(_groups(scenario, tables, rows, system, workers or {})),
    )


def _partitions(scenario: Scenario, system: str, duration_s: float) -> float:
    """Partitions or shards of its log, on average over the time in which messages came."""
    config = scenario.systems[system]
    if not config.partitions:
        return 1.0
    resharded = sorted(
        (fault.at, fault.target_shard_count)
        for fault in scenario.faults
        if isinstance(fault, ReshardFault) and fault.strikes_topic(system)
    )
    now, since_s, sum_s = float(ceil(config.partitions * scenario.scale)), 0.0, 0.0
    for at_s, to in resharded:
        if at_s < duration_s:
            sum_s += now * (at_s - since_s)
            now, since_s = float(ceil(to * scenario.scale)), at_s
    if not since_s:
        return now
    return (sum_s + now * (duration_s - since_s)) / duration_s


def _groups(
    scenario: Scenario,
    tables: Tables,
    rows: pd.DataFrame,
    system: str,
    workers: Mapping[str, int],
) -> Iterator[GroupUse]:
    readers = scenario.systems[system].readers
    for row in rows.to_dict("records"):
        name = str(row["group"])
        reads = int(row["deliveries"])
        requests = _of(tables.requests, system, name, "request", "calls")
        calls = {kind: int(n) for kind, n in requests.items()}
        if getattr(readers[name], "function", None) is None:
            n = workers.get(name, int(row["consumers"]))
            yield GroupUse(name, n, calls, int(row["produced"]), reads)
            continue
        invocations = calls.pop(INVOKE, None)
        if invocations is None:  # of a stream, a poll is an invocation
            each = float(row["messages_per_call"])
            invocations = round(reads / each) if reads and each > 0 else 0
        busy_s = _of(tables.workers, system, name, "activity", "total_s").get("work")
        if busy_s is None:
            busy_s = reads * _work_s(scenario, tables, system, name)
        yield GroupUse(name, 0, calls, int(row["produced"]), reads, invocations, busy_s)


def _of(table: pd.DataFrame, system: str, group: str, key: str, value: str) -> dict[str, float]:
    """A group's values in a table, by a column; none where the table has no rows."""
    if not len(table):
        return {}
    its = table[(table["system"] == system) & (table["group"] == group)]
    return {str(k): float(v) for k, v in zip(its[key], its[value], strict=True)}


def _work_s(scenario: Scenario, tables: Tables, system: str, group: str) -> float:
    """Mean time that a function works on a message, s: as measured, or as the workload says."""
    measured = _of(tables.waits, system, group, "part", "mean_s")
    if measured:
        return sum(measured.get(part, 0.0) for part in _AT_WORK)
    service = scenario.workload.service
    readers = scenario.systems[system].readers[group]
    return sum(service[job].per_message.mean_s() for job in readers.does)
