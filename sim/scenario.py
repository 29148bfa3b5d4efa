"""The scenario: what is asked of which systems, as typed data that were validated once, here.

`load` reads a YAML file (with an optional `base:` file and `--set` overrides) and either returns a
`Scenario` or raises one `ScenarioError` that lists every problem with its file and line. Nothing
further inside the lab checks these values again.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from sim import config, document, explain
from sim.config import Config, KeyPath
from sim.document import Document, Place
from sim.errors import Problem, ScenarioError, nearest, unknown, unknown_key
from sim.products import System
from sim.products.base import Name
from sim.units import (
    Count,
    Distribution,
    PositiveBytes,
    PositiveCount,
    PositiveRatio,
    PositiveSeconds,
    Rate,
    Ratio,
    Seconds,
    seconds,
    shown,
)

TOLERANCE_S = 1e-3
"""Durations that differ by no more than this are equal, s."""


class Spike(Config):
    """rate = base + (peak - base) · shape; shape rises linearly to 1, then decays to 0."""

    base: Rate
    """Rate before the spike, and long after it."""
    peak: Rate
    """Rate at its height."""
    rise: Seconds
    """The rise takes this long, and ends at `at`."""
    decay: PositiveSeconds
    """Time constant of the exponential decay after `at`."""
    at: Seconds
    """When the peak is reached, from the start of the segment."""


class Sine(Config):
    """rate = mean + amplitude · sin(2π t / period), t from the start of the segment."""

    mean: Rate
    """Mean rate."""
    amplitude: Rate
    """Highest rate minus the mean; at most the mean."""
    period: PositiveSeconds
    """From one peak to the next."""

    @model_validator(mode="after")
    def _never_negative(self) -> Self:
        if self.amplitude > self.mean:
            raise ValueError("the amplitude must not exceed the mean: rates are never negative")
        return self


class Segment(Config):
    """A part of the profile: `rate`, a ramp `from` and `to`, a `spike`, or a `sine`."""

    alternatives = (("rate",), ("from", "to"), ("spike",), ("sine",))

    for_: PositiveSeconds = Field(alias="for")
    """How long the segment is."""
    rate: Rate | None = None
    """A constant rate."""
    from_: Rate | None = Field(default=None, alias="from")
    """Rate at the start of a linear ramp."""
    to: Rate | None = None
    """Rate at the end of a linear ramp."""
    spike: Spike | None = None
    """`{base, peak, rise, decay, at}`"""
    sine: Sine | None = None
    """`{mean, amplitude, period}`"""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("a ramp takes both 'from' and 'to'")
        if self.spike is not None and self.spike.at > self.for_:
            raise ValueError("the spike's 'at' is later than the end of its segment")
        return self

    @property
    def kind(self) -> Literal["rate", "ramp", "spike", "sine"]:
        """Which of the four it is."""
        if self.rate is not None:
            return "rate"
        if self.from_ is not None:
            return "ramp"
        return "spike" if self.spike is not None else "sine"


class Counts(Config):
    """Messages in each of a series of equal intervals."""

    values: list[Count] = Field(min_length=1)
    """Messages in each interval."""
    interval: PositiveSeconds
    """Length of an interval."""
    start: str = ""
    """A label for the start, such as a date; has no effect."""


def _column(value: Any) -> str | int | None:
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"expected a column's name or number, not {shown(value)}")


class Trace(Config):
    """Counts from a CSV or CSV.gz file: an ascending ISO 8601 timestamp, then columns of counts."""

    shorthand = "path"

    path: str
    """The file; relative to the scenario file, then to the working directory."""
    column: Annotated[
        str | int | None,
        PlainValidator(_column),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
    ] = None
    """Which column to count, by name or number (0 is the timestamp); null: the second one."""
    start: str | None = None
    """First timestamp to use."""
    end: str | None = None
    """Timestamp to stop before."""
    interval: PositiveSeconds | None = None
    """Length of an interval; null: inferred from the timestamps."""

    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path:
        """The file that `path` names, resolved when the scenario was loaded."""
        return self._file or Path(self.path)


class Arrivals(Config):
    """When messages are created: exactly one of `profile`, `counts` and `trace`."""

    alternatives = (("profile",), ("counts",), ("trace",))

    profile: Annotated[list[Segment], Field(min_length=1)] | None = None
    """Segments, one after another; together as long as `duration`."""
    counts: Counts | None = None
    """`{values, interval}`; together as long as `duration`."""
    trace: Trace | None = None
    """A CSV file, or `{path, column, start, end, interval}`."""
    dispersion: Annotated[PositiveRatio, Field(ge=1)] = 1.0
    """Variance divided by mean of the messages per second; 1 is Poisson."""
    multiply: PositiveRatio = 1.0
    """Every rate times this."""


class Key(Config):
    """A dimension of the messages' key: `count` values, or values named with their weights."""

    alternatives = (("count", "zipf"), ("weights",))

    count: PositiveCount | None = None
    """How many values."""
    zipf: Ratio = 0.0
    """The value of rank r is chosen in proportion to 1 / r^zipf; 0 is uniform."""
    weights: dict[str, Ratio] | None = None
    """Relative weight of each value, by name."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.weights is None and self.count is None:
            raise ValueError("'zipf' needs a 'count' of values")
        if self.weights is not None and not any(self.weights.values()):
            raise ValueError("the weights must not all be 0")
        return self


class Service(Config):
    """The work of one job."""

    per_message: Distribution
    """Time for each message."""
    per_batch: Seconds = 0.0
    """Time for each batch, besides."""


class Workload(Config):
    """The messages, and the work that each of them takes; the same for every system."""

    arrivals: Arrivals
    """When messages are created."""
    keys: dict[Name, Key] = Field(min_length=1)
    """Dimensions of the messages' key."""
    order_by: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions whose combination must stay in order; null: all of them."""
    size: PositiveBytes = 300
    """Size of a message."""
    service: dict[Name, Service] = Field(min_length=1)
    """Jobs to be done for each message."""


class Fault(Config):
    """Something that happens to consumers or workers."""

    at: Seconds
    """When, from the start."""
    fault: Literal["crash", "pause", "slow", "restart"]
    """What: killed, frozen, slowed down, or stopped and started cleanly."""
    target: str
    """Whom: `system.group.index`; `*` and `?` match any text, as in `sqs_*.counters.0`."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long a pause (required) or a slow-down lasts; null: to the end."""
    factor: PositiveRatio | None = None
    """Slow: every service time is multiplied by this."""
    restart_after: Seconds | None = None
    """Crash: started again after this long; null: never."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        allowed = {"crash": {"restart_after"}, "pause": {"for"}, "slow": {"for", "factor"}}
        required = {"pause": "for", "slow": "factor"}.get(self.fault)
        if required and not self.given(required):
            raise ValueError(f"{self.fault!r} needs {required!r}")
        for key in ("for", "factor", "restart_after"):
            if self.given(key) and key not in allowed.get(self.fault, ()):
                raise ValueError(f"{self.fault!r} takes no {key!r}")
        if "." not in self.target:
            raise ValueError(
                f"the target {shown(self.target)} is not of the form 'system.group.index'"
            )
        return self

    def strikes(self, system: str, group: str, index: int) -> bool:
        """Whether the target matches consumer or worker ``index`` (from 0) of a group."""
        return fnmatchcase(f"{system}.{group}.{index}", self.target)


def _folder_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError(
            "the name of a scenario consists of letters, digits, '-', '_' and '.', and begins with "
            "a letter or a digit"
        )
    return text


class Scenario(Config):
    """One experiment: a workload, the systems that it runs through, and what goes wrong."""

    name: Annotated[str, AfterValidator(_folder_name)]
    """Name of the scenario, and of the folder of its results."""
    about: str = ""
    """What the scenario asks, and what to look for."""
    seed: Count = 1
    """Seed of every random draw."""
    scale: PositiveRatio = 1.0
    """Every rate times this; for a quick look at a large scenario."""
    duration: PositiveSeconds = math.inf
    """How long messages are created; with a trace, at most this long (infinite: all of it)."""
    drain_limit: Seconds = 12 * 3600.0
    """The run stops this long after the last arrival, drained or not."""
    workload: Workload
    """The messages and their work."""
    systems: dict[Name, System] = Field(min_length=1)
    """Systems under test, by name."""
    faults: list[Fault] = Field(default_factory=list)
    """Faults, each at its time."""

    _document: Document = PrivateAttr(default_factory=lambda: Document({}))
    _file: Path | None = PrivateAttr(None)
    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def file(self) -> Path | None:
        """The file it was loaded from; None if it was made from a mapping."""
        return self._file

    @property
    def warnings(self) -> tuple[str, ...]:
        """Keys that the products have and the lab does not model, one text each."""
        return self._warnings

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

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Scenario":
        """The scenario in plain data of the same form as the YAML file.

        Raises:
            ScenarioError: every problem with the data.
        """
        folder = Path.cwd()
        return _parse(Document(dict(data), {(): Place("scenario", None, folder)}), None)

    def with_(self, overrides: Mapping[str, Any] | None = None, /, **dotted: Any) -> "Scenario":
        """A copy with some values replaced, validated again.

        Args:
            overrides: new value by dotted path; None removes the key.
            dotted: the same for paths that are Python names, such as ``seed=2``.

        Raises:
            ScenarioError: a path that does not exist, or a value that does not fit.
        """
        changes = [
            (path, value, f"{path}={value!r}")
            for path, value in {**(overrides or {}), **dotted}.items()
        ]
        return _parse(_overridden(self._document, changes), self._file)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of a scenario file, for editors.

        It requires no key, since any of them may stand in the file's `base`.
        """
        schema = cls.model_json_schema(by_alias=True)
        schema["properties"]["base"] = {
            "type": "string",
            "description": "Another scenario file, whose keys hold where this one has none.",
        }
        del schema["properties"]["duration"]["default"]
        _allow_parts(schema)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _allow_parts(schema: Any) -> None:
    """Make a JSON schema accept a part of what it describes, with the rest in the base."""
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            _allow_parts(part)
    if isinstance(schema, dict):
        for key, kind in (("required", list), ("title", str), ("discriminator", dict)):
            if isinstance(schema.get(key), kind):
                del schema[key]
        if "oneOf" in schema:
            schema["anyOf"] = schema.pop("oneOf")
        if "minProperties" in schema:
            by_name = schema["patternProperties"]
            for pattern, part in by_name.items():
                by_name[pattern] = {"anyOf": [part, {"type": "null"}]}


def folders() -> list[Path]:
    """Where `load` looks for a bare name: `./scenarios`, then that beside the package."""
    return [Path.cwd() / "scenarios", Path(__file__).resolve().parent.parent / "scenarios"]


def available() -> list[Path]:
    """The scenario files that `load` finds by bare name (their stem), in order of name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in folder.glob("*.yaml"):
            found.setdefault(path.stem, path)
    return [found[name] for name in sorted(found)]


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
    changes: list[tuple[str, Any, str]] = []
    problems: list[Problem] = []
    for override in overrides:
        source = f"--set {override}"
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
    return _parse(_overridden(whole, changes), path)


def _find(path_or_name: str | os.PathLike[str]) -> Path:
    path = Path(path_or_name)
    if path.is_file():
        return path
    by_name = {found.stem: found for found in available()}
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
        raise ScenarioError([over.problem(("base",), f"expected a file, not {shown(name)}")])
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
    try:
        scenario = Scenario.model_validate(whole.data)
    except ValidationError as error:
        problems += explain.problems(error, Scenario, whole)
    problems += [whole.problem(path, message) for path, message in _contradictions(whole)]
    if problems or scenario is None:
        raise ScenarioError(sorted(problems, key=lambda p: (p.file, p.line or 0)))
    scenario._document, scenario._file = whole, file
    scenario._warnings = tuple(_unmodelled(Scenario, whole.data, (), whole))
    trace = scenario.workload.arrivals.trace
    if trace is not None:
        trace._file = _trace_file(whole, trace.path)
    return scenario


def _unmodelled(annotation: Any, value: Any, path: KeyPath, whole: Document) -> Iterator[str]:
    model = config.model_of(annotation, value)
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in [*enumerate(value)] if isinstance(value, list) else items:
        if model is not None and key in model.not_modelled:
            note = model.not_modelled[str(key)] or "it has no effect"
            yield str(whole.problem((*path, key), f"accepted but not modelled: {note}"))
        else:
            yield from _unmodelled(config.child(annotation, value, key), inner, (*path, key), whole)


_T = TypeVar("_T")
_SYSTEM: TypeAdapter[System] = TypeAdapter(System)


def _valid(adapter: TypeAdapter[_T], value: Any) -> _T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _names(whole: Document, *path: str) -> list[str]:
    value = whole.get(path)
    return list(value) if isinstance(value, dict) else []


def _contradictions(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong between parts, for every part that is valid by itself."""
    systems = {
        name: _valid(_SYSTEM, whole.get(("systems", name))) for name in _names(whole, "systems")
    }
    yield from _bad_length(whole)
    yield from _bad_dimensions(whole, systems)
    yield from _bad_jobs(whole, systems)
    if None not in systems.values():
        yield from _bad_targets(whole, systems)


def _bad_length(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    path: KeyPath = ("workload", "arrivals")
    arrivals = _valid(TypeAdapter(Arrivals), whole.get(path))
    if arrivals is None:
        return
    if arrivals.trace is not None:
        if _trace_file(whole, arrivals.trace.path) is None:
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
        yield _later(whole, (*path, key), ("duration",)), message


def _later(whole: Document, *paths: KeyPath) -> KeyPath:
    """Of keys that contradict each other the one set last: override, then file, then base."""
    own = whole.place(()).source
    return max(paths, key=lambda p: (whole.place(p).line is None, whole.place(p).source == own))


def _trace_file(whole: Document, name: str) -> Path | None:
    place = whole.place(("workload", "arrivals", "trace", "path"))
    for folder in (place.folder, whole.place(()).folder, Path.cwd()):
        if (folder / name).is_file():
            return folder / name
    return None


def _missing_trace(whole: Document, name: str) -> str:
    message = (
        f"no such file {name!r}; a trace is a CSV or CSV.gz file with a header, a timestamp "
        "(ISO 8601, ascending) in its first column, and messages per interval in the others"
    )
    if "worldcup98" in name.lower():
        message += (
            ". The Internet Traffic Archive publishes the logs of the 1998 World Cup site: "
            "https://ita.ee.lbl.gov/html/contrib/WorldCup.html"
        )
    return message


def _bad_dimensions(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    known = _names(whole, "workload", "keys")
    lists: list[KeyPath] = [("workload", "order_by")]
    lists += [("systems", name, "partition_key") for name in systems]
    for path in lists:
        value = whole.get(path)
        for index, dimension in enumerate(value if isinstance(value, list) else ()):
            if known and isinstance(dimension, str) and dimension not in known:
                yield (*path, index), unknown("dimension", dimension, known)


def _bad_jobs(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    jobs = _names(whole, "workload", "service")
    if not jobs:
        return
    for name, system in systems.items():
        if system is None:
            continue
        where: KeyPath = ("systems", name, "groups" if system.product == "kafka" else "queues")
        done: dict[str, str] = {}
        for group, readers in system.readers.items():
            for index, job in enumerate(readers.does):
                path = (*where, group, "does", index)
                if job not in jobs:
                    yield path, unknown("job", job, jobs)
                elif job in done:
                    yield path, f"{job!r} is already done by {done[job]!r}"
                done.setdefault(job, group)
        for job in jobs:
            if job not in done and done.keys() <= set(jobs):
                yield where, f"nothing here does the job {job!r} of workload.service"


def _bad_targets(
    whole: Document, systems: Mapping[str, System | None]
) -> Iterator[tuple[KeyPath, str]]:
    faults = whole.get(("faults",))
    groups = {
        f"{name}.{group}": (name, group, readers.members)
        for name, system in systems.items()
        if system is not None
        for group, readers in system.readers.items()
    }
    for index, data in enumerate(faults if isinstance(faults, list) else ()):
        fault = _valid(TypeAdapter(Fault), data)
        if fault is None or not groups:
            continue
        if any(fault.strikes(s, g, i) for s, g, n in groups.values() for i in range(n)):
            continue
        path: KeyPath = ("faults", index, "target")
        whom, _, which = fault.target.rpartition(".")
        matched = [known for known in groups if fnmatchcase(known, whom)]
        if not matched:
            near = nearest(whom, groups)
            hint = f"did you mean '{near}.{which}'?" if near else f"known: {', '.join(groups)}"
            yield path, f"{fault.target!r} matches nothing; {hint}"
        else:
            most = max(groups[known][2] for known in matched)
            yield path, f"{fault.target!r} matches nothing; the index is 0 to {most - 1}, or '*'"
