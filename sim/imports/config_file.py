"""A file of configuration as data that remember their lines, before anybody knows what it is.

JSON and YAML become one `Tree` a document; Java's properties are entries of
`sim.imports.properties`.
Nothing of a file is run, and no tag makes an object: ``!Ref A`` is read as ``{Ref: A}``, ``!Sub``
and the others of CloudFormation as ``{Fn::Sub: …}``, their long forms.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sim.foundation.config import KeyPath
from sim.foundation.errors import LabError
from sim.imports import properties
from sim.imports.measured import complaint, json_of
from sim.imports.properties import Entry

MOST_KEYS = 10_000
"""Of a file."""
MOST_LEVELS = 32
"""Of YAML: mappings and lists inside each other."""
_MOST_YAML = 1 << 20
"""Letters of a YAML file: it takes three seconds to read."""
_JSON_KEY = re.compile(r'("(?:[^"\\]|\\.)*+")(?=\s*:)', re.DOTALL)
_SHORT = {"Ref", "Condition"}
"""Tags whose long form has no `Fn::`."""


class Setting(NamedTuple):
    """A key as the product has it, and where it stands."""

    key: str
    """In the product's words, which the lab has."""
    value: Any
    line: int | None
    """From 1; None: the format does not tell."""
    said: str = ""
    """The key as the file has it, where that is another one."""

    @property
    def name(self) -> str:
        """As the file has it."""
        return self.said or self.key


class Tree(NamedTuple):
    """A document: mappings, lists and values, and the line of each key (in YAML, of each item)."""

    data: Any
    lines: Mapping[KeyPath, int]

    def line(self, *path: str | int) -> int | None:
        """Where a key stands, or the nearest key above it that is known."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def at(self, *path: str | int) -> Any:
        """What stands there; None: nothing."""
        found = self.data
        for step in path:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def settings(self, *path: str | int) -> Iterator[Setting]:
        """The keys of a mapping, with their values."""
        found = self.at(*path)
        for key, value in found.items() if isinstance(found, dict) else ():
            yield Setting(str(key), value, self.line(*path, key))


@dataclass(frozen=True)
class Source:
    """A file to be recognised."""

    path: Path
    text: str
    client: str | None = None
    """`--as`: whose keys they are, of a client of Kafka."""
    profile: str | None = None
    """`--profile`: of Spring."""

    @property
    def format(self) -> str:
        """json, yaml, python, hcl or properties; by its name or its first letter."""
        suffix = self.path.suffix.lower()
        named = {".py": "python", ".tf": "hcl", ".yml": "yaml", ".yaml": "yaml"}
        if suffix in named:
            return named[suffix]
        if self.text.lstrip()[:1] in ("{", "["):
            return "json"
        return "yaml" if suffix == ".template" else "properties"

    @cached_property
    def trees(self) -> Sequence[Tree]:
        """Its documents, of JSON or YAML; none of other formats.

        Raises:
            LabError: it cannot be read as what it is.
        """
        if self.format == "json":
            return [_tree_of_json(self.path, self.text)]
        return _trees_of_yaml(self.path, self.text) if self.format == "yaml" else []

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """Its keys and values, of properties; none of other formats.

        Raises:
            LabError: it cannot be read, or has more than `MOST_KEYS`.
        """
        if self.format != "properties":
            return []
        found = list(islice(properties.entries(self.path, self.text), MOST_KEYS + 1))
        if len(found) > MOST_KEYS:
            raise too_many(self.path, found[-1].line)
        return found


def too_many(path: Path, line: int | None) -> LabError:
    """An error about a file that is larger than any configuration."""
    return complaint(path, f"more than {MOST_KEYS:,} keys", line)


def _tree_of_json(path: Path, text: str) -> Tree:
    json_of(path, text)  # is it JSON, and not too deep?
    pairs = json.loads(text, object_pairs_hook=_Pairs)
    lines: dict[KeyPath, int] = {}
    at = _key_lines(text)

    def plain(value: Any, here: KeyPath) -> Any:
        if isinstance(value, _Pairs):
            made = {}
            for key, inner in value:
                lines[(*here, key)] = line = next(at)
                if len(lines) > MOST_KEYS:
                    raise too_many(path, line)
                made[key] = plain(inner, (*here, key))
            return made
        if isinstance(value, list):
            return [plain(inner, (*here, i)) for i, inner in enumerate(value)]
        return value

    return Tree(plain(pairs, ()), lines)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with keys that are there twice."""


def _key_lines(text: str) -> Iterator[int]:
    """Lines of the keys, in the order of the text; one inside a text has its quotes escaped."""
    line, seen = 1, 0
    for key in _JSON_KEY.finditer(text):
        line, seen = line + text.count("\n", seen, key.start()), key.start()
        yield line


def _trees_of_yaml(path: Path, text: str) -> list[Tree]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > _MOST_YAML:
        raise complaint(path, f"more than {_MOST_YAML >> 20} Mi letters of YAML")
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = list(yaml.compose_all(StringIO(text)))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else None
        raise complaint(path, "unreadable YAML", line) from None
    except (YAMLError, ValueError):
        raise complaint(path, "unreadable YAML") from None
    except RecursionError:
        raise complaint(path, f"more than {MOST_LEVELS} levels of mappings and lists") from None
    return [_Nodes(path, yaml).tree(node) for node in nodes if node is not None]


@dataclass
class _Nodes:
    """From nodes of YAML to data."""

    path: Path
    yaml: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    values: int = 0

    def tree(self, node: Any) -> Tree:
        return Tree(self._plain(node, ()), self.lines)

    def _plain(self, node: Any, here: KeyPath) -> Any:
        self.values += 1
        if self.values > 2 * MOST_KEYS:  # what aliases repeat counts again
            raise too_many(self.path, node.start_mark.line + 1)
        if len(here) > MOST_LEVELS:
            message = f"more than {MOST_LEVELS} levels of mappings and lists"
            raise complaint(self.path, message, node.start_mark.line + 1)
        tag = str(node.tag or "")
        value = self._untagged(node, here, tag)
        if not tag.startswith("!"):
            return value
        name = tag[1:]
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in _SHORT else f"Fn::{name}": value}

    def _untagged(self, node: Any, here: KeyPath, tag: str) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if isinstance(node, SequenceNode):
            for i, inner in enumerate(node.value):
                self.lines[(*here, i)] = inner.start_mark.line + 1
            return [self._plain(inner, (*here, i)) for i, inner in enumerate(node.value)]
        if not isinstance(node, MappingNode):
            return _scalar(tag, node.value)
        made: dict[str, Any] = {}
        for key, inner in node.value:
            name = str(key.value) if isinstance(key.value, str) else "?"
            if str(key.tag).endswith(":merge"):
                merged = self._plain(inner, here)
                for other in merged if isinstance(merged, list) else [merged]:
                    made = {**(other if isinstance(other, dict) else {}), **made}
                continue
            self.lines[(*here, name)] = key.start_mark.line + 1
            made[name] = self._plain(inner, (*here, name))
        return made


_NULL = ("", "~", "null", "Null", "NULL")


def _scalar(tag: str, text: str) -> Any:
    """A value as YAML 1.2 takes it; what is no number stays the text that it was."""
    kind = tag.rpartition(":")[2]
    if kind == "null" and text in _NULL:
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind in ("int", "float"):
        try:
            return int(text.replace("_", "")) if kind == "int" else float(text)
        except ValueError:
            return text
    return text
