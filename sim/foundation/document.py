"""A scenario file as plain data that remember where each key stands, before any validation.

YAML 1.2 by ruamel.yaml, with three differences: every key is text, a timestamp stays the text it
was, and duplicate keys are all found at once. What is far larger or deeper than any scenario is
refused before it is read to its end.
"""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from sim.foundation import files
from sim.foundation.config import KeyPath, child, model_of, rivals
from sim.foundation.errors import Problem, ScenarioError

_TIMESTAMP = "tag:yaml.org,2002:timestamp"

MOST_BYTES = 1 << 21
"""Of a file, in UTF-8: ten thousand faults are a third of it."""
MOST_VALUES = 200_000
"""Keys and values of a document, with what its aliases repeat."""
MOST_KEYS = 10_000
"""Of one mapping."""
MOST_LEVELS = 32
"""Mappings and lists inside each other."""


class Place(NamedTuple):
    """Where a key stands."""

    source: str
    """A file as the user would name it, or an override such as `--set seed=2`."""
    line: int | None
    """From 1; None in an override."""
    folder: Path
    """What relative paths in the value are relative to."""


@dataclass
class Document:
    """Data by key, and the place of each key."""

    data: Any
    places: dict[KeyPath, Place] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    """What was written out in the data that the file leaves open."""

    def place(self, path: KeyPath) -> Place:
        """Where the key at ``path`` stands, or the nearest key above it that does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place("", None, Path()))

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem with the key at ``path``."""
        place = self.place(path)
        return Problem(place.source, place.line, ".".join(map(str, path)), message)

    def last_set(self, paths: Sequence[KeyPath]) -> KeyPath:
        """Of keys that contradict each other the one set last: override, then file, then base."""
        own = self.place(()).source
        given = [path for path in paths if self.get(path) is not None] or paths
        return max(
            given, key=lambda path: (self.place(path).line is None, self.place(path).source == own)
        )

    def copy(self) -> "Document":
        """A copy that can be changed apart from this one."""
        return Document(copy.deepcopy(self.data), dict(self.places), [*self.notes])

    def get(self, path: KeyPath) -> Any:
        """The value at ``path``; None where there is none."""
        value = self.data
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def drop(self, path: KeyPath) -> None:
        """Remove a key of a mapping, if it is there."""
        mapping, value = self.get(path[:-1]), self.get(path)
        if isinstance(mapping, dict):
            mapping.pop(path[-1], None)
        self._forget(path, value)

    def put(self, path: KeyPath, value: Any, places: Mapping[KeyPath, Place]) -> None:
        """Set a key, in the position that it had.

        Args:
            path: the key; mappings on the way to it are made where there are none.
            value: its new value; null removes a key of a mapping.
            places: where the key, and those below it, stand.
        """
        above = path[:-1]
        if not isinstance(self.get(above), dict | list):
            self.put(above, {}, {above: places[path]})
        if value is None and isinstance(self.get(above), dict):
            self.drop(path)
            return
        self._forget(path, self.get(path))
        self.get(above)[path[-1]] = value
        self.places |= places

    def override(self, root: Any, path: KeyPath, value: Any, place: Place) -> None:
        """Set a key, and drop the keys that exclude it (``profile`` when ``trace`` is set).

        Args:
            root: what the data will be validated as.
            path: the key.
            value: its new value; null removes the key.
            place: where the value comes from.
        """
        annotation = root
        for depth, key in enumerate(path):
            self.write_out(annotation, path[:depth])
            here = self.get(path[:depth])
            for rival in rivals(annotation, here, key):
                self.drop((*path[:depth], rival))
            annotation = child(annotation, here, key)
        self.put(path, value, {path: place})

    def write_out(self, annotation: Any, path: KeyPath) -> None:
        """Give a bare value that stands for a mapping (`5 ms`) its key (`{constant: 5 ms}`)."""
        value, model = self.get(path), model_of(annotation, None)
        if model and model.shorthand and value is not None and not isinstance(value, dict):
            place = self.place(path)
            self.put(path, {model.shorthand: value}, {path: place, (*path, model.shorthand): place})

    def _forget(self, path: KeyPath, value: Any) -> None:
        """Forget where a value that stands (or stood) at a key, and all in it, was."""
        for known in _paths(path, value):
            self.places.pop(known, None)


def _paths(path: KeyPath, value: Any) -> Iterator[KeyPath]:
    """The path of a value, and of everything in it."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths((*path, key), inner)


def read(path: Path) -> Document:
    """The document in a file.

    Raises:
        ScenarioError: unreadable YAML, duplicate keys, an empty file, not a mapping, or more than
            a document may hold.
    """
    shown = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else os.path.normpath(path)
    try:
        text = files.read_text(path, most_bytes=MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError([Problem(shown, None, "", files.why(error))]) from None
    document, problems = _parse(text, shown, path.parent)
    if not problems and document.data is None:
        problems = [Problem(shown, 1, "", "the file is empty")]
    elif not problems and not isinstance(document.data, dict):
        problems = [Problem(shown, 1, "", "expected keys and values, such as 'name: quiet-day'")]
    if problems:
        raise ScenarioError(problems)
    return document


def dumped(data: Any) -> str:
    """Plain data as YAML, a key a line."""
    buffer = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(data, buffer)
    return buffer.getvalue()


def value_of(text: str, source: str) -> Any:
    """The value of an override, read as YAML.

    Raises:
        ScenarioError: unreadable YAML, or more than a document may hold.
    """
    document, problems = _parse(text, source, Path())
    if problems:
        raise ScenarioError([problem._replace(line=None) for problem in problems])
    return document.data


def merge(root: Any, base: Document, over: Document) -> Document:
    """``base`` with the keys of ``over`` put over it, deeply; null removes a key of the base."""
    merged = base.copy()

    def go(path: KeyPath, annotation: Any) -> None:
        given = over.get(path)
        for key, value in given.items():
            here = (*path, key)
            for rival in rivals(annotation, merged.get(path), key) - set(given):
                merged.drop((*path, rival))
            inner = child(annotation, merged.get(path), key)
            if isinstance(value, dict):
                merged.write_out(inner, here)
            if isinstance(value, dict) and isinstance(merged.get(here), dict):
                merged.places[here] = over.places[here]
                go(here, inner)
            elif value is None and key not in merged.get(path):
                merged.get(path)[key] = None
                merged.places[here] = over.places[here]
            else:
                places = {p: over.places[p] for p in _paths(here, value) if p in over.places}
                merged.put(here, copy.deepcopy(value), places)

    go((), root)
    merged.places[()] = over.places[()]
    return merged


class _TooMuchError(Exception):
    """A document is more than may be read: what, from a line on."""

    def __init__(self, line: int, message: str) -> None:
        self.line, self.message = line, message


class _Composer(Composer):
    """Stops at what is too deep or too wide, before the rest is read."""

    levels = 0
    values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node, as `Composer` makes it."""
        if isinstance(parent, MappingNode) and len(parent.value) >= MOST_KEYS:
            raise _TooMuchError(
                self.parser.peek_event().start_mark.line + 1,
                f"more than {MOST_KEYS:,} keys in the mapping begun in line "
                f"{parent.start_mark.line + 1}",
            )
        self.levels += 1
        self.values += 1
        if self.levels > MOST_LEVELS:
            raise _too_deep(self.parser.peek_event().start_mark.line + 1)
        if self.values > MOST_VALUES:
            raise _too_many(self.parser.peek_event().start_mark.line + 1)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def _too_deep(line: int) -> _TooMuchError:
    return _TooMuchError(line, f"more than {MOST_LEVELS} levels of keys and lists in each other")


def _check_size(text: str) -> None:
    """Refuse a text that would take long to read: each part of YAML has one of these signs.

    Raises:
        _TooMuchError: it is too long, or has too many parts.
    """
    if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
        raise _TooMuchError(1, f"more than {MOST_BYTES >> 20} MiB, which no scenario is")
    signs = 0
    for number, line in enumerate(text.split("\n"), 1):
        signs += 1 + sum(map(line.count, ",:[{"))
        if signs > 2 * MOST_VALUES:
            raise _too_many(number)


def _too_many(line: int) -> _TooMuchError:
    return _TooMuchError(line, f"more than {MOST_VALUES:,} keys and values up to here")


def _count(node: Node, known: dict[int, int]) -> int:
    """How many keys and values a node comes to, with what its aliases repeat.

    Args:
        node: any, as it was composed: at most `MOST_LEVELS` deep, but for aliases.
        known: of nodes that were counted, by their identity; those in the middle of it count 1.

    Raises:
        _TooMuchError: they are more than a document may hold.
    """
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = total = 1
    if isinstance(node, MappingNode):
        total += sum(_count(part, known) for pair in node.value for part in pair)
    elif isinstance(node, SequenceNode):
        total += sum(_count(part, known) for part in node.value)
    if total > MOST_VALUES:
        message = f"with what its aliases repeat, more than {MOST_VALUES:,} keys and values"
        raise _TooMuchError(node.start_mark.line + 1, message)
    known[id(node)] = total
    return total


def _parse(text: str, source: str, folder: Path) -> tuple[Document, list[Problem]]:
    try:
        return _parse_bounded(text, source, folder)
    except _TooMuchError as much:
        return Document(None), [Problem(source, much.line, "", much.message)]


def _parse_bounded(text: str, source: str, folder: Path) -> tuple[Document, list[Problem]]:
    _check_size(text)
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    document = Document(None, {(): Place(source, 1, folder)})
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        return document, [Problem(source, line, "", _unreadable(error, text, line))]
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return document, [
            Problem(source, line, "", f"unreadable character U+{error.character:04X}")
        ]
    except YAMLError as error:
        return document, [Problem(source, None, "", f"unreadable YAML: {error}")]
    problems: list[Problem] = []
    if root is not None:
        _count(root, {})

    def construct(node: Node, path: KeyPath, above: tuple[int, ...]) -> Any:
        line = node.start_mark.line + 1
        if len(path) > MOST_LEVELS:
            raise _too_deep(line)
        document.places.setdefault(path, Place(source, line, folder))
        if id(node) in above:
            problems.append(Problem(source, line, _dotted(path), "an alias that contains itself"))
        elif isinstance(node, MappingNode):
            return dict(pairs(node, path, (*above, id(node))))
        elif isinstance(node, SequenceNode):
            return [
                construct(item, (*path, index), (*above, id(node)))
                for index, item in enumerate(node.value)
            ]
        elif node.tag == _TIMESTAMP:
            return node.value
        else:
            try:
                return yaml.constructor.construct_object(node)
            except (YAMLError, ValueError):
                message = f"unreadable value {_cut(node.value)!r}"
                if not str(node.tag).startswith("tag:yaml.org,2002:"):
                    message = f"the tag {node.tag} means nothing here"
                problems.append(Problem(source, line, _dotted(path), message))
        return None

    def pairs(
        node: MappingNode, path: KeyPath, above: tuple[int, ...]
    ) -> Iterator[tuple[str, Any]]:
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                problems.append(Problem(source, line, _dotted(path), "a key must be plain text"))
                continue
            key = str(key_node.value)
            if key in lines:
                message = f"duplicate key; it already stands in line {lines[key]}"
                problems.append(Problem(source, line, _dotted((*path, key)), message))
                continue
            if key == "<<":
                message = "YAML's '<<' is not read here; write the keys out, or use 'base:'"
                problems.append(Problem(source, line, _dotted(path), message))
                continue
            lines[key] = line
            document.places[(*path, key)] = Place(source, line, folder)
            yield key, construct(value_node, (*path, key), above)

    if root is not None:
        document.data = construct(root, (), ())
    return document, problems


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _unreadable(error: MarkedYAMLError, text: str, line: int | None) -> str:
    lines = text.splitlines()
    if "'\\t'" in str(error.problem) or (
        line is not None and line <= len(lines) and lines[line - 1].lstrip(" ").startswith("\t")
    ):
        return "a tab in the indentation; YAML takes only spaces there"
    if "another document" in str(error.problem):
        return "a second document ('---'); a scenario is one document"
    context = f" {error.context}" if error.context else ""
    if error.context_mark and error.context_mark.line + 1 != line:
        context += f" begun in line {error.context_mark.line + 1}"
    return f"unreadable YAML: {error.problem}{context}"
