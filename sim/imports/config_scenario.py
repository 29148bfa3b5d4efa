"""Readings of one or several files become one scenario, with a neutral workload to be filled in."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.foundation.errors import Problem, ScenarioError
from sim.imports.config_kafka import EVERY
from sim.imports.config_parts import FileReading, Piece, Sorted
from sim.imports.made import Imported, name_of

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
_SECTIONS = {
    "celery": ("queues", "queue", "workers"),
    "kafka": ("groups", "readers", "consumers"),
    "kinesis": ("applications", "readers", "workers"),
    "rabbitmq": ("queues", "queue", "consumers"),
    "sqs": ("queues", "queue", "workers"),
}
"""Of each product: where readers stand, the name of those without one, and how many they are."""
_WORKLOAD = """\
# No file says any of this: fill it in.
duration: 10m
workload:
  arrivals:
    profile:
      - {for: 10m, rate: 10/s}  # messages a second
  keys:
    key: {count: 1_000}  # how many different keys they have
  order_by: [key]
  size: 1 KiB
  service:
    work: {per_message: 10 ms}  # what a message takes
"""


def made_of(read: Sequence[tuple[Path, FileReading]]) -> Imported:
    """One scenario of all that the files say.

    Args:
        read: each file, and what it says.

    Raises:
        ScenarioError: every problem of the files.
    """
    systems = _Systems()
    problems: list[Problem] = []
    for path, reading in read:
        for piece in reading.pieces:
            try:
                piece.typed = Sorted(path, piece, reading).typed()
            except ScenarioError as error:
                problems += error.problems
    if problems:
        raise ScenarioError(problems)
    named = {piece.at[:3] for _, reading in read for piece in reading.pieces if len(piece.at) > 2}
    named |= {at[:3] for _, r in read for piece in r.pieces for at in piece.beside if len(at) > 2}
    for path, reading in read:
        for piece in reading.pieces:
            systems.add(path, piece, named)
    systems.fill()
    several = len(read) > 1
    unsaid: list[str] = []
    for path, reading in read:
        told = list(reading.told())
        unsaid += [f"{path.name}: {line}" for line in told] if several else told
    unsaid += [
        *systems.notes,
        "the workload: ten messages a second, of 1,000 keys, of 10 ms each; fill it in",
    ]
    unsaid = list(dict.fromkeys(unsaid))
    faults = [fault for _, reading in read for fault in reading.faults]
    return _written_out(read, systems, faults, unsaid)


class _Systems:
    """The part `systems` of a scenario, as it comes together."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.comments: dict[tuple[str, ...], str] = {}
        self.notes: list[str] = []
        self.keys: dict[str, int] = {}
        self.owner: dict[tuple[str, ...], str] = {}

    def add(self, path: Path, piece: Piece, named: set[tuple[str, ...]]) -> None:
        """Put a piece in its place, or in all places that it is for."""
        for at, values in ((piece.at, {**piece.lab, **piece.typed}), *piece.beside.items()):
            if not at:
                continue
            for place in self._places(at, named):
                self._put(place, values, path)
                if at == piece.at and piece.typed:
                    first = (*place, next(iter(piece.typed)))
                    self.comments.setdefault(first, f"From {path.name}:")
        named_here = any(one.key == piece.named_by for one in piece.settings)
        taken = len(piece.typed) + piece.says + named_here
        if taken:
            self.keys[piece.part.name] = self.keys.get(piece.part.name, 0) + taken

    def _places(
        self, at: tuple[str, ...], named: set[tuple[str, ...]]
    ) -> Iterator[tuple[str, ...]]:
        if EVERY not in at:
            yield at
            return
        system, section, _, *rest = at
        others = sorted(name[2] for name in named if name[:2] == at[:2] and name[2] != EVERY)
        for name in others or [_SECTIONS[system][1]]:
            there = self.data.get(system, {}).get(section, {}).get(name, {})
            if there.get("consumers") != 0:  # nobody reads dead letters
                yield (system, section, name, *rest)

    def _put(self, place: tuple[str, ...], values: Mapping[str, Any], path: Path) -> None:
        at = self.data
        for step in place:
            at = at.setdefault(step, {})
        for key, value in values.items():
            if key in at and at[key] != value:
                before = self.owner.get((*place, key), "another file")
                self.notes.append(f"{'.'.join((*place, key))} of {before}: {path.name} came last")
            at[key] = value
            self.owner[(*place, key)] = path.name

    def fill(self) -> None:
        """Add what the lab needs and no file says."""
        for system, its in self.data.items():
            section, name, many = _SECTIONS[system]
            readers = its.setdefault(section, {})
            if not readers:
                readers[name] = {}
            unknown = []
            for who, one in readers.items():
                if many not in one and not one.get("lambda"):
                    one[many] = 1
                    unknown.append(who)
                if one.get("consumers") != 0:
                    one["does"] = ["work"]
                else:
                    one.pop("does", None)
            if unknown:
                self.notes.append(f"how many {many} there are of {', '.join(unknown)}: 1")
            its.setdefault("product", system)
            if system == "kafka":
                self._partitions(its, [one[many] for one in readers.values()])
            if system == "kinesis":
                stream = its.setdefault("stream", {})
                if "ShardCount" not in stream:
                    stream["ShardCount"] = 1
                    self.notes.append("how many shards the stream has: 1")
                its["partition_key"] = ["key"]

    def _partitions(self, kafka: dict[str, Any], consumers: Sequence[int]) -> None:
        topic = kafka.setdefault("topic", {})
        kafka["partition_key"] = ["key"]
        if "partitions" not in topic:
            topic["partitions"] = max(consumers)
            self.notes.append(
                f"how many partitions the topic has: {max(consumers)}, as many as consumers"
            )


_ORDER = ("product", "broker", "version", "topic", "stream", "partition_key", "config", "producer",
          "consumers", "workers", "does")  # fmt: skip


def _lines(
    data: Mapping[str, Any],
    comments: Mapping[tuple[str, ...], str],
    at: tuple[str, ...] = (),
) -> Iterator[str]:
    """YAML of mappings, with comments in front of keys."""
    indent = "  " * (len(at) + 1)
    rank = {key: i for i, key in enumerate(_ORDER)}
    for key, value in sorted(data.items(), key=lambda item: rank.get(item[0], len(rank))):
        if words := comments.get((*at, key)):
            yield f"{indent}# {words}"
        deep = len(at) < 3 or key in ("arguments", "lambda")
        if isinstance(value, dict) and value and deep and key != "commit":
            yield f"{indent}{_written(key)}:"
            yield from _lines(value, comments, (*at, key))
        elif value != {}:
            yield f"{indent}{_written(key)}: {_written(value)}"


def _written(value: Any) -> str:
    """A value in YAML: a plain word as it is, anything else as JSON, which YAML reads too."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)


def _written_out(
    read: Sequence[tuple[Path, FileReading]],
    systems: _Systems,
    faults: Sequence[Mapping[str, Any]],
    unsaid: Sequence[str],
) -> Imported:
    files = " ".join(path.name for path, _ in read)
    lines = [
        f"# Made by `sim import config {_safe(files)}`.",
        "#",
        "# What no file says, or the lab does not take over:",
        *(f"# - {_safe(line)}" for line in unsaid),
        f"name: {name_of(read[0][0], 'config')}",
        f"about: {_written(_safe(f'The keys of {files}, with a workload to be filled in'))}",
        "",
        *_WORKLOAD.splitlines(),
        "",
        "systems:",
        *_lines(systems.data, systems.comments),
    ]
    if faults:
        lines += ["", "faults:", *(f"  - {json.dumps(fault)}" for fault in faults)]
    kinds = ", ".join(f"{path.name} is {reading.kind}" for path, reading in read)
    counts = dict(systems.keys)
    if scaled := sum(len(fault.get("scaler", ())) for fault in faults):
        counts["an autoscaler"] = scaled
    taken = sum(counts.values())
    of = ", ".join(f"{n} of {name}" for name, n in counts.items())
    said = f"{kinds}; {taken} key{'s' * (taken != 1)} taken over" + (f" ({of})" if of else "")
    return Imported("\n".join(lines) + "\n", said, unsaid)


def _safe(text: str) -> str:
    """In one line of a comment, without what YAML does not take."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
