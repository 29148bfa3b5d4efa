"""What already waits when a scenario starts: `start:`, as somebody on call sees it now."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import inf
from typing import Annotated, Any, Self, TypeVar

from pydantic import PlainValidator, WithJsonSchema, model_validator

from sim.foundation.config import Config, KeyPath
from sim.foundation.errors import unknown
from sim.foundation.text import duration
from sim.foundation.units import count, seconds, shown
from sim.scenario.products.base import Readers
from sim.scenario.products.catalogue import System
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.rabbitmq import RabbitmqQueue
from sim.scenario.products.rabbitmq_stream import (
    RabbitmqStreamConsumers,
    RabbitmqStreamSystem,
    age_s,
)
from sim.scenario.products.sqs import SqsQueue

_N = TypeVar("_N", int, float)

_THOUSANDS = {"k": 10**3, "M": 10**6, "G": 10**9}
_WITH_UNIT = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([kMG])\s*")


def _many(value: Any) -> int:
    """A number of messages such as 1200, 800k or 1.2 M.

    Raises:
        ValueError: it is none.
    """
    found = _WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        try:
            return count(value)
        except ValueError as error:
            if isinstance(value, str):
                raise ValueError(
                    f"expected a number of messages such as 1200, 800k or 1.2 M, not {shown(value)}"
                ) from None
            raise error from None
    return count(round(float(found[1]) * _THOUSANDS[found[2]], 6))


def _each(value: Any, parse: Callable[[object], _N]) -> _N | dict[str, _N]:
    """One for all readers, or by their names.

    Raises:
        ValueError: there are no names, or one has something else.
    """
    if not isinstance(value, Mapping):
        return parse(value)
    if not value:
        raise ValueError("expected names such as kafka.analytics, not an empty mapping")
    out: dict[str, _N] = {}
    for name, its in value.items():
        try:
            out[str(name)] = parse(its)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return out


def _waiting(value: Any) -> int | dict[str, int]:
    """How many wait for a reader, or of each partition.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, Mapping):
        return _many(value)
    if not value:
        raise ValueError("expected partitions such as {0: 1200, 3: 800k}, not an empty mapping")
    out = {}
    for partition, n in value.items():
        try:
            out[str(count(partition))] = _many(n)
        except ValueError as error:
            raise ValueError(f"partition {partition}: {error}") from None
    return out


def _backlog(value: Any) -> int | dict[str, int | dict[str, int]]:
    """Of all readers, or of each by its name: a number, or one of each partition.

    Raises:
        ValueError: as `_each`.
    """
    if not isinstance(value, Mapping):
        return _many(value)
    if not value:
        raise ValueError("expected names such as kafka.analytics, not an empty mapping")
    out: dict[str, int | dict[str, int]] = {}
    for name, its in value.items():
        try:
            out[str(name)] = _waiting(its)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return out


def _age(value: object) -> float:
    age = seconds(value)
    if age == 0:
        raise ValueError(f"must be more than 0, not {shown(value)}")
    return age


def _schema(example: str, pattern: str, by_partition: bool = False) -> WithJsonSchema:
    either: list[dict[str, Any]] = [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": pattern},
    ]
    of_one = [*either]
    if by_partition:
        of_one.append({"type": "object", "additionalProperties": {"anyOf": either}})
    each = {"type": "object", "additionalProperties": {"anyOf": of_one}}
    return WithJsonSchema({"anyOf": [*either, each], "examples": [example]})


Backlog = Annotated[
    int | dict[str, int | dict[str, int]],
    PlainValidator(_backlog),
    _schema("1.2 M", r"^\s*[0-9][0-9._e]*\s*[kMG]?\s*$", by_partition=True),
]
"""A whole number of messages, of all readers or by name, of one also by partition; k, M and G are
10^3, 10^6 and 10^9."""
Age = Annotated[
    float | dict[str, float],
    PlainValidator(lambda value: _each(value, _age)),
    _schema("3h", r"^\s*([0-9][0-9._e]*\s*(us|µs|ms|s|min|m|h|d)?\s*)+$"),
]
"""A duration of more than 0, of all readers or by name."""


class Start(Config):
    """What waits when the run begins: messages that were created before it.

    They are there at its first moment, in order of creation, which was spread evenly over their
    age. Consumers begin then. Every system has the same ones; where readers have fewer waiting than
    others, those are the newest, and the older ones are done.
    """

    backlog: Backlog
    """How many messages wait: of every group and queue, or of those named, as
    `{kafka.analytics: 1.2 M}`; the others have none. Of a group on a log, the log end offset less
    the committed offset; of one of them also by partition, `{kafka.analytics: {0: 10k, 3: 1 M}}`,
    for which keys of those partitions are drawn, by how often each comes."""
    age: Age
    """How old the oldest of them is; by the same names if that differs."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not self.most:
            raise ValueError("'backlog': nothing waits; leave 'start' out")
        if isinstance(self.age, dict):
            if not isinstance(self.backlog, dict):
                raise ValueError("an 'age' by names goes with a 'backlog' by the same names")
            if self.age.keys() != self.backlog.keys():
                odd = sorted(self.age.keys() ^ self.backlog.keys())[0]
                raise ValueError(f"'backlog' and 'age' name different readers: {odd!r}")
            its = sorted((n, self.age[name], name) for name, n in self.totals.items() if n)
            for (fewer, young_s, one), (more, old_s, other) in pairwise(its):
                if (fewer == more) != (young_s == old_s) or young_s > old_s:
                    raise ValueError(
                        f"{one} has {fewer:,} waiting, up to {young_s:,.10g} s old, and {other} "
                        f"{more:,}, up to {old_s:,.10g} s: all have the same messages, so that "
                        "more of them reach further back"
                    )
        return self

    @property
    def totals(self) -> dict[str, int]:
        """How many wait for each reader that it names, over its partitions, at scale 1."""
        if not isinstance(self.backlog, dict):
            return {}
        return {
            name: sum(its.values()) if isinstance(its, dict) else its
            for name, its in self.backlog.items()
        }

    @property
    def by_partition(self) -> dict[str, dict[int, int]]:
        """How many wait in each partition, of readers of which that is given."""
        its = self.backlog.items() if isinstance(self.backlog, dict) else ()
        return {
            name: {int(partition): n for partition, n in one.items()}
            for name, one in its
            if isinstance(one, dict)
        }

    @property
    def most(self) -> int:
        """The greatest backlog of any, at scale 1."""
        return max(self.totals.values()) if isinstance(self.backlog, dict) else self.backlog

    @property
    def names(self) -> list[str]:
        """Readers that it names, as ``system.group``."""
        return list(self.backlog) if isinstance(self.backlog, dict) else []

    @property
    def oldest_s(self) -> float:
        """Age of the oldest message, s."""
        return max(self.age.values()) if isinstance(self.age, dict) else self.age

    def waiting(self, system: str, group: str) -> int:
        """How many messages wait for a group or queue, at scale 1."""
        if isinstance(self.backlog, dict):
            return self.totals.get(f"{system}.{group}", 0)
        return self.backlog

    def age_of(self, newest: int) -> float:
        """Age of the oldest of so many of the newest messages, at scale 1, s."""
        before, young_s = 0, 0.0
        for upto, old_s in self.reaches_back:
            if newest <= upto:
                share = (newest - before) / max(1, upto - before)
                return young_s + (old_s - young_s) * share
            before, young_s = upto, old_s
        return young_s

    @property
    def reaches_back(self) -> list[tuple[int, float]]:
        """(so many of the newest messages, created within so many s), ascending from (0, 0)."""
        if isinstance(self.age, dict):
            its = {(n, self.age[name]) for name, n in self.totals.items() if n}
            return [(0, 0.0), *sorted(its)]
        return [(0, 0.0), (self.most, self.age)]


def bad_start(
    start: Start, systems: Mapping[str, System | None], states: bool, scale: object = None
) -> Iterator[tuple[KeyPath, str]]:
    """What its parts, or the systems, say against a start: the key, and what is wrong.

    Args:
        start: valid by itself.
        systems: by name; None: it is not valid.
        states: whether entities go through states.
        scale: as it is written; None: it is not.
    """
    if start.by_partition and scale not in (None, 1, 1.0, "1"):
        yield (
            ("start", "backlog"),
            "partitions grow with 'scale': give a backlog by partition at scale 1",
        )
    if states:
        yield (
            ("start",),
            "entities go through states (lifecycle, cases), and those that wait would be in the "
            "midst of theirs: the lab has no such start",
        )
    known = {
        f"{name}.{group}": readers
        for name, system in systems.items()
        if system is not None
        for group, readers in system.readers.items()
    }
    for name in start.names if None not in systems.values() else ():
        if name not in known:
            yield ("start", "backlog", name), unknown("group or queue", name, list(known))
        elif start.waiting(*name.split(".", 1)) and _has_no_offset(known[name]):
            yield (
                ("start", "backlog", name),
                "has committed no offset when the run begins, so that nothing waits for it",
            )
    if None not in systems.values():
        yield from _bad_partitions(start, systems)
    for name, readers in known.items():
        if isinstance(readers, ShareGroup) and start.waiting(*name.split(".", 1)) < start.most:
            yield (
                ("start", "backlog"),
                f"{name} is a share group: the lab has it begin with the greatest backlog of all, "
                f"{start.most:,}, as it keeps no start offset of its own",
            )


def _bad_partitions(
    start: Start, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    for i, (name, its) in enumerate(start.by_partition.items()):
        system = systems.get(name.split(".", 1)[0])
        if system is None:
            continue
        path: KeyPath = ("start", "backlog", name)
        if i:
            yield path, "one reader may have a backlog by partition: all have the same messages"
        elif system.partitions is None:
            yield path, f"{system.product} has no partitions: give one number"
        elif system.keyless:
            yield path, "without a 'partition_key' no message belongs to a partition: give a number"
        elif start.totals[name] < start.most:
            yield (
                path,
                f"others have more waiting, {start.most:,}, and nobody says in which partition",
            )
        elif far := [p for p in its if p >= system.partitions]:
            yield path, f"there is no partition {far[0]}: they are 0 to {system.partitions - 1}"


def _has_no_offset(readers: Readers) -> bool:
    if isinstance(readers, ConsumerGroup):
        return readers.starts != "established"
    return isinstance(readers, RabbitmqStreamConsumers) and readers.joins_at > 0


def dangers_of_start(
    start: Start | None, systems: Mapping[str, System], scale: float
) -> Iterator[tuple[KeyPath, str]]:
    """What waits and cannot, by what its log or queue keeps: the key, and what comes of it."""
    if start is None:
        return
    for name, system in systems.items():
        for group, readers in system.readers.items():
            if not (waiting := start.waiting(name, group)):
                continue
            key, kept_s = _kept(system, readers)
            oldest_s = start.age_of(waiting)
            if kept_s < oldest_s:
                yield (
                    ("start", "age"),
                    f"{duration(oldest_s)} is more than {name}.{group} keeps, {duration(kept_s)} "
                    f"({key}): {_THEN.get(key, 'what is older goes when the run begins')}",
                )
            most = readers.arguments.max_length if isinstance(readers, RabbitmqQueue) else None
            if most is not None and most < round(waiting * scale):
                yield (
                    ("start", "backlog"),
                    f"{waiting:,} are more than {name}.{group} can hold (x-max-length {most:,}): "
                    "what is too much goes when the run begins",
                )


_THEN = {
    "retention.ms": "what is older goes at the next check of retention, a segment at a time",
    "RetentionPeriodHours": "more only if that says so, which the lab does not model: none goes",
}
_KINESIS_S = 24 * 3600.0
"""RetentionPeriodHours of a stream, by default."""


def _kept(system: System, readers: Readers) -> tuple[str, float]:
    """The key that says how long messages are kept for readers, and for how long, s."""
    if isinstance(system, KafkaSystem):
        kept_ms = system.topic.retention_ms
        return "retention.ms", inf if kept_ms < 0 else kept_ms / 1e3
    if isinstance(system, KinesisSystem):
        return "RetentionPeriodHours", _KINESIS_S
    if isinstance(system, RabbitmqStreamSystem):
        age = system.stream.max_age
        return "x-max-age", inf if age is None else age_s(age)
    if isinstance(readers, SqsQueue):
        return "MessageRetentionPeriod", float(readers.message_retention_period)
    if isinstance(readers, RabbitmqQueue) and readers.arguments.message_ttl is not None:
        return "x-message-ttl", readers.arguments.message_ttl / 1e3
    return "", inf
