"""The scenario: what is asked of which systems, as typed data that were validated once, here.

`load` reads a YAML file (with an optional `base:` file and `--set` overrides) and either returns a
`Scenario` or raises one `ScenarioError` that lists every problem with its file and line. Nothing
further inside the lab checks these values again.
"""

import copy
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError

from sim.foundation import config, document, quantiles
from sim.foundation.config import Config, KeyPath
from sim.foundation.document import Document, Place
from sim.foundation.errors import LabError, Problem, ScenarioError, nearest, unknown, unknown_key
from sim.foundation.text import names
from sim.foundation.units import (
    Count,
    DistributionFile,
    PositiveRatio,
    PositiveSeconds,
    Seconds,
)
from sim.foundation.units import shown as written
from sim.scenario import explain
from sim.scenario.completed import complete, expanded
from sim.scenario.contradictions import contradictions, data_file
from sim.scenario.dangers import dangers
from sim.scenario.faults.base import Fault
from sim.scenario.faults.catalogue import FAULTS, AnyFault
from sim.scenario.needs import Needs
from sim.scenario.pipeline import Edge
from sim.scenario.products.base import Name
from sim.scenario.products.catalogue import System
from sim.scenario.shelf import available, folders, with_data
from sim.scenario.shows import Shown, Shows, shown
from sim.scenario.silences import silences
from sim.scenario.start import Start
from sim.scenario.workload import (
    Arrivals,
    CaseFile,
    CountedArrivals,
    Key,
    Lifecycle,
    Segment,
    Service,
    Sine,
    Slow,
    Spike,
    Trace,
    Workload,
)

__all__ = [
    "Arrivals",
    "CaseFile",
    "CountedArrivals",
    "Fault",
    "Key",
    "Lifecycle",
    "Needs",
    "Scenario",
    "Segment",
    "Service",
    "Shows",
    "Sine",
    "Slow",
    "Spike",
    "Start",
    "Trace",
    "Workload",
    "available",
    "folders",
    "load",
    "override",
]


def _written(value: Any) -> str:
    return repr(value) if isinstance(value, dict | list) else written(value)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def folder_name(text: str) -> str:
    """The name of a scenario, which is that of the folder of its results.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError(
            "the name of a scenario consists of letters, digits, '-', '_' and '.', and begins with "
            "a letter or a digit"
        )
    return text


class Scenario(Config):
    """One experiment: a workload, the systems that it runs through, and what goes wrong.

    Made by `load` or `from_mapping`, which check what the fields alone do not tell.
    """

    name: Annotated[str, AfterValidator(folder_name)]
    """Name of the scenario, and of the folder of its results."""
    about: str = ""
    """What the scenario asks, and what to look for."""
    seed: Count = 1
    """Seed of every random draw."""
    scale: PositiveRatio = 1.0
    """Rates, partitions, consumers, workers and senders times this; 0.01 for a quick look."""
    duration: PositiveSeconds = math.inf
    """How long messages are created; with a trace, at most this long (infinite: all of it)."""
    drain_limit: Seconds = 12 * 3600.0
    """The run stops this long after the last arrival, drained or not."""
    workload: Workload
    """The messages and their work."""
    systems: dict[Name, System] = Field(min_length=1)
    """Systems under test, by name."""
    pipeline: list[Edge] = Field(default_factory=list)
    """Stages behind each other, `[{from: kafka.enrich, to: sqs}]`: effects of a group are the
    messages of another system. Empty: every system gets the messages of the workload."""
    start: Start | None = None
    """`{backlog, age}`: what waits already when the run begins; null: nothing."""
    faults: list[AnyFault] = Field(default_factory=list)
    """What goes wrong, and when."""
    needs: Needs | None = None
    """What is needed of a system; judged after a run, and by `sim advise`. Without effect on it."""
    shows: Shows | None = None
    """What the scenario is about: the number that is told first; null: the first of the needs."""

    _document: Document = PrivateAttr(default_factory=lambda: Document({}))
    _file: Path | None = PrivateAttr(None)
    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def file(self) -> Path | None:
        """The file it was loaded from; None if it was made from a mapping."""
        return self._file

    @property
    def shown(self) -> Shown | None:
        """What the scenario is about; None if it says nothing of it."""
        return shown(self.shows, self.needs)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of it has no effect, or another than it seems to have; one text each."""
        return self._warnings

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Something to say about a key, with where it stands."""
        return self._document.problem(path, message)

    @property
    def hash(self) -> str:
        """12 hex digits of the SHA-256 of the content, as JSON: equal content, equal hash.

        Spelling (`5 ms` or 0.005), defaults written out, keys without effect, and the place of the
        file do not count. The order of names does, since it is that of the results; a trace counts
        by its path as written.
        """
        content = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(content, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def value_at(self, dotted: str) -> Any:
        """What is at a path as after ``--set``, as plain data in the key's own unit; None: nothing.

        Raises:
            ScenarioError: there is no such key.
        """
        value: Any = self.model_dump(mode="json", by_alias=True)
        for key in self.path_of(dotted):
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def path_of(self, dotted: str, source: str | None = None) -> KeyPath:
        """The keys of a path as after ``--set``: keys of Kafka have dots themselves.

        Args:
            dotted: the path.
            source: what an error calls the place where it was written.

        Raises:
            ScenarioError: there is no such key.
        """
        try:
            return config.locate(Scenario, self._document.data, dotted)
        except config.UnknownKeyError as error:
            raise ScenarioError([_unknown_path(error, source or dotted)]) from None

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Scenario":
        """The scenario in plain data of the same form as the YAML file.

        Raises:
            ScenarioError: every problem with the data.
        """
        folder = Path.cwd()
        whole = Document(copy.deepcopy(dict(data)), {(): Place("scenario", None, folder)})
        complete(whole)
        return _parse(whole, None)

    def with_(self, overrides: Mapping[str, Any] | None = None, /, **dotted: Any) -> "Scenario":
        """A copy with some values replaced, validated again.

        Args:
            overrides: new value by dotted path; None removes the key.
            dotted: the same for paths that are Python names, such as ``seed=2``.

        Raises:
            ScenarioError: a path that does not exist, or a value that does not fit.
        """
        changes = [
            (path, copy.deepcopy(value), f"{path}={_short(_written(value))}")
            for path, value in {**(overrides or {}), **dotted}.items()
        ]
        return _parse(_overridden(self._document, changes), self._file)

    def with_seed(self, seed: int) -> "Scenario":
        """A copy with another seed, of 0 or more: nothing is to be validated again."""
        copied = self.model_copy(update={"seed": seed})
        copied._document = self._document.copy()
        copied._document.data["seed"] = seed
        return copied

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of a scenario file, for editors.

        It requires no key, since any of them may stand in the file's `base`; but for those of a
        fault, since a list stands in one file as a whole.
        """
        schema = cls.model_json_schema(by_alias=True)
        schema["properties"]["base"] = {
            "type": "string",
            "description": "Another scenario file, whose keys hold where this one has none: beside "
            "this one, in ./scenarios, or one that comes with the lab.",
        }
        del schema["properties"]["duration"]["default"]
        defs = schema["$defs"]
        needed = {f.__name__: ["fault", *defs[f.__name__]["required"]] for f in FAULTS.values()}
        _allow_parts(schema)
        for name, required in needed.items():
            defs[name]["required"] = required
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_OF_LISTS = ("type", "items", "minItems", "maxItems", "uniqueItems")


def _allow_parts(schema: Any) -> None:
    """Make a JSON schema accept a part of what it describes, with the rest in the base."""
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            _allow_parts(part)
    if isinstance(schema, dict):
        if schema.get("type") == "array" and schema.get("items", {}).get("type") == "string":
            texts = {key: schema.pop(key) for key in [*schema] if key in _OF_LISTS}
            schema["anyOf"] = [texts["items"], texts]
        for key, kind in (("required", list), ("title", str), ("discriminator", dict)):
            if isinstance(schema.get(key), kind):
                del schema[key]
        if "oneOf" in schema:
            schema["anyOf"] = schema.pop("oneOf")
        if "minProperties" in schema:
            by_name = schema["patternProperties"]
            for pattern, part in by_name.items():
                by_name[pattern] = {"anyOf": [part, {"type": "null"}]}


def load(path_or_name: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Read, merge and validate a scenario.

    Args:
        path_or_name: a YAML file, or the bare name of one in `./scenarios` or the lab's own.
        overrides: texts of the form ``dotted.path=value``, as after ``--set``; the value is YAML,
            null removes the key.

    Raises:
        ScenarioError: every problem found, each with file and line.
    """
    path = _find(path_or_name)
    whole = _with_base(path)
    complete(whole)
    return _parse(_overridden(whole, _changes(overrides)), path)


def override(scenario: Scenario, overrides: Sequence[str], option: str = "--set") -> Scenario:
    """A copy with some values replaced, by texts as `load` takes them.

    Args:
        scenario: to copy.
        overrides: each ``path=value``.
        option: with which they were given, for errors.

    Raises:
        ScenarioError: every problem found.
    """
    return _parse(_overridden(scenario._document, _changes(overrides, option)), scenario._file)


def _changes(overrides: Sequence[str], option: str = "--set") -> list[tuple[str, Any, str]]:
    """Of each text ``path=value``: path, value, and what an error calls it.

    Raises:
        ScenarioError: one is none.
    """
    changes: list[tuple[str, Any, str]] = []
    problems: list[Problem] = []
    for override in overrides:
        source = f"{option} {override}"
        name, equals, text = override.partition("=")
        if not equals:
            problems.append(Problem(source, None, "", "expected path=value"))
            continue
        try:
            changes.append((name.strip(), document.value_of(text, source), source))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return changes


def _find(path_or_name: str | os.PathLike[str]) -> Path:
    path = Path(path_or_name)
    if path.is_file():
        return path
    by_name = {found.stem: found for found in (*with_data(), *available())}
    if str(path_or_name) in by_name:
        return by_name[str(path_or_name)]
    if path.suffix in (".yaml", ".yml") or path.parent != Path():
        raise ScenarioError([Problem(str(path), None, "", "no such file")])
    raise ScenarioError(
        [Problem(str(path), None, "", unknown("scenario", str(path), list(by_name)))]
    )


def _with_base(path: Path) -> Document:
    """The document in a file, merged over its base."""
    over = document.read(path)
    name = over.get(("base",))
    if "base" not in over.data:
        return over
    base_path = path.parent / name if isinstance(name, str) else path
    if not isinstance(name, str):
        raise ScenarioError([over.problem(("base",), f"expected a file, not {written(name)}")])
    if not base_path.is_file() and base_path.parent == path.parent:
        base_path = next((o for o in available() if o.name == name), base_path)
    if not base_path.is_file():
        others = {o.stem: o.name for o in base_path.parent.glob("*.yaml") if o != path}
        near = nearest(base_path.stem, others)
        hint = f"; did you mean {str(Path(name).parent / others[near])!r}?" if near else ""
        raise ScenarioError([over.problem(("base",), f"no such file {name!r}{hint}")])
    if base_path.resolve() == path.resolve():
        raise ScenarioError([over.problem(("base",), "a scenario cannot be its own base")])
    base = document.read(base_path)
    second = base.get(("base",))
    if second is not None:
        back = isinstance(second, str) and (base_path.parent / second).resolve() == path.resolve()
        what = "the two are each other's base" if back else "a base cannot have a base of its own"
        raise ScenarioError([over.problem(("base",), f"{name!r} has the base {second!r}; {what}")])
    over.drop(("base",))
    merged = document.merge(Scenario, base, over)
    if "duration" not in over.data:
        _trace_sets_duration(base, merged)
    return merged


def _trace_sets_duration(before: Document, after: Document) -> None:
    """A trace that replaced other arrivals has its own length: forget that of the others."""
    trace = ("workload", "arrivals", "trace")
    if before.get(trace) is None and after.get(trace) is not None:
        after.drop(("duration",))


def _overridden(whole: Document, changes: Sequence[tuple[str, Any, str]]) -> Document:
    """A copy of the document with values replaced.

    Args:
        whole: the document.
        changes: dotted path, value, and what an error should call the change.
    """
    after = whole.copy()
    problems: list[Problem] = []
    set_paths: set[KeyPath] = set()
    for dotted, value, source in changes:
        try:
            path = config.locate(Scenario, after.data, dotted)
        except config.UnknownKeyError as error:
            problems.append(_unknown_path(error, source))
            continue
        after.override(Scenario, path, value, Place(source, None, Path.cwd()))
        set_paths.add(path)
    if problems:
        raise ScenarioError(problems)
    if ("duration",) not in set_paths:
        _trace_sets_duration(whole, after)
    return after


def _unknown_path(error: config.UnknownKeyError, source: str) -> Problem:
    word = error.word
    if nearest(word, error.candidates) is None:
        word = word.partition(".")[0]
    path = ".".join(map(str, (*error.path, word)))
    return Problem(source, None, path, unknown_key(word, error.candidates))


def _parse(whole: Document, file: Path | None) -> Scenario:
    problems: list[Problem] = []
    scenario: Scenario | None = None
    given, whole = whole, expanded(Scenario, whole)
    try:
        scenario = Scenario.model_validate(whole.data)
    except ValidationError as error:
        problems += explain.problems(error, Scenario, whole)
    problems += contradictions(whole)
    if problems or scenario is None:
        raise ScenarioError(sorted(problems, key=lambda p: (p.file, p.line or 0)))
    scenario._document, scenario._file = given, file
    scenario._warnings = (
        *map(str, whole.notes),
        *_unmodelled(Scenario, whole.data, (), whole),
        *_idle_keys(scenario, whole),
        *(str(whole.problem(path, said)) for path, said in dangers(scenario)),
        *(str(whole.problem(path, said)) for path, said in silences(scenario)),
    )
    trace, cases = scenario.workload.arrivals.trace, scenario.workload.cases
    if trace is not None:
        trace._file = data_file(whole, ("workload", "arrivals", "trace"), trace.path)
    if cases is not None:
        cases._file = data_file(whole, ("workload", "cases"), cases.path)
    unread = [*_read_distributions(scenario, whole)]
    if unread:
        raise ScenarioError(unread)
    return scenario


def _read_distributions(scenario: Scenario, whole: Document) -> Iterator[Problem]:
    """Read the files of distributions; yields what is wrong with them."""
    for path, its in distribution_files(scenario):
        found = data_file(whole, path, its.path)
        # A bare text has no key of its own.
        where = (*path, "path") if isinstance(whole.get(path), dict) else path
        if found is None:
            yield whole.problem(where, f"no such file {its.path!r}; {quantiles.COLUMNS}")
            continue
        its._file = found
        try:
            its._curve = quantiles.read(found)
        except LabError as error:
            yield whole.problem(where, str(error))


def distribution_files(scenario: Config) -> Iterator[tuple[KeyPath, DistributionFile]]:
    """Every file of quantiles that a scenario names, with the path of its key."""
    for name, field in type(scenario).model_fields.items():
        yield from _files_in(getattr(scenario, name), (field.alias or name,))


def _files_in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, DistributionFile]]:
    if isinstance(value, DistributionFile):
        yield path, value
    elif isinstance(value, Config):
        yield from ((path + rest, found) for rest, found in distribution_files(value))
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _files_in(inner, (*path, key))


def _idle_keys(scenario: Scenario, whole: Document) -> Iterator[str]:
    """Keys that a system has and that have no effect in this one."""
    for name, system in scenario.systems.items():
        for path, why in system.without_effect():
            yield str(whole.problem(("systems", name, *path), why))


def _unmodelled(annotation: Any, value: Any, path: KeyPath, whole: Document) -> Iterator[str]:
    """One warning for all keys of a mapping that have no effect for the same reason."""
    model = config.model_of(annotation, value)
    items = value.items() if isinstance(value, dict) else ()
    aside: dict[str, list[str]] = {}
    for key, inner in [*enumerate(value)] if isinstance(value, list) else items:
        if model is not None and key in model.not_modelled:
            aside.setdefault(model.not_modelled[str(key)], []).append(str(key))
        else:
            yield from _unmodelled(config.child(annotation, value, key), inner, (*path, key), whole)
    for why, (first, *more) in aside.items():
        others = f", as {'is' if len(more) == 1 else 'are'} {names(more)}" if more else ""
        said = f"accepted but not modelled{others}: {why or 'it has no effect'}"
        yield str(whole.problem((*path, first), said))
