"""What a scenario may say, key by key: read from the models that validate it.

Words are Markdown of the plainest kind: `code`, and [links](#to) keys and sections.
"""

import ast
import inspect
import math
import re
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from sim.foundation import units
from sim.foundation.config import Config, about
from sim.foundation.units import Distribution
from sim.scenario.faults.base import Fault
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.load import Scenario
from sim.scenario.products.catalogue import System


@dataclass(frozen=True)
class KeyRow:
    """One key of a mapping."""

    name: str
    kind: str
    """What it may be, with its unit."""
    default: str
    """What it is if it is not given, or that it must be."""
    about: str
    """What it is for; with the source of its default, where it has one of its own."""


@dataclass(frozen=True)
class Section:
    """A mapping with its keys."""

    anchor: str
    """`kafka.groups`; that of a key is `kafka.groups:max.poll.records`."""
    path: str
    """Where it stands in a scenario: `systems.NAME.groups.NAME`."""
    about: str
    sources: tuple[str, ...]
    """Pages from which names and defaults are."""
    keys: tuple[KeyRow, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    """Sets of keys of which exactly one is given."""
    not_modelled: Mapping[str, str] | None = None
    """Keys of the product that are accepted, and without effect: why, if there is more to say."""


@dataclass(frozen=True)
class Chapter:
    """A chapter: the scenario itself, the faults, a product."""

    title: str
    sections: tuple[Section, ...]


_UNITS = {
    units.Seconds: ("a duration, s", "s"),
    units.PositiveSeconds: ("a duration over 0, s", "s"),
    units.WholeSeconds: ("whole seconds", "s"),
    units.Milliseconds: ("a duration, ms", "ms"),
    units.PositiveMilliseconds: ("a duration over 0, ms", "ms"),
    units.MillisecondsOrUnlimited: ("a duration, ms, or -1: no limit", "ms"),
    units.Rate: ("a rate, 1/s", "/s"),
    units.Bytes: ("a size, B", "B"),
    units.PositiveBytes: ("a size over 0, B", "B"),
    units.BytesOrUnlimited: ("a size, B, or -1: no limit", "B"),
    units.Count: ("a whole number", ""),
    units.PositiveCount: ("a whole number over 0", ""),
    units.Ratio: ("a number", ""),
    units.PositiveRatio: ("a number over 0", ""),
    units.Share: ("a share, 0 to 1 or in percent", ""),
}
_PARSERS = {get_args(alias)[1].func: said for alias, said in _UNITS.items()}
_PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "`true`, `false`"}
_URL = re.compile(r"https?://[^\s`\"'()<>]+[^\s`\"'()<>.,;:]")
_COMMON = "values"
"""The part of what stands in every other, such as a distribution."""
PRODUCTS = {
    "kafka": "Apache Kafka",
    "kinesis": "Amazon Kinesis",
    "rabbitmq_stream": "RabbitMQ streams",
    "sqs": "Amazon SQS",
    "rabbitmq": "RabbitMQ",
    "postgres": "PostgreSQL",
    "pubsub": "Google Cloud Pub/Sub",
    "bullmq": "BullMQ",
    "celery": "Celery",
    "nats": "NATS JetStream",
    "redis_streams": "Redis streams",
    "sidekiq": "Sidekiq",
    "rq": "RQ",
}
"""How products write their names; one that is missing is called by its word."""


def parts() -> tuple[Chapter, ...]:
    """Every part of a scenario, in the order in which one writes it."""
    found = [
        Chapter("Scenario", tuple(_sections(Scenario, "scenario", "", inside=False))),
        *(
            Chapter(name.capitalize(), tuple(_sections(model, name, name)))
            for name, model in _parts_of_a_scenario()
        ),
        Chapter("Faults", tuple(_faults())),
    ]
    for model in sorted(get_args(get_args(System)[0]), key=lambda model: _word(model, "product")):
        product = _word(model, "product")
        title = PRODUCTS.get(product, product)
        found.append(Chapter(title, tuple(_sections(model, product, "systems.NAME"))))
    common = tuple(_sections(Distribution, "values.distribution", "a distribution of durations"))
    return (*found, Chapter(_COMMON.capitalize(), common))


def _parts_of_a_scenario() -> Iterator[tuple[str, type[Config]]]:
    """What has a chapter of its own: workload, start, needs and shows."""
    for name, field in Scenario.model_fields.items():
        for model in _models(field.annotation):
            if name not in ("systems", "faults"):
                yield name, model


def _word(model: type[Config], key: str) -> str:
    return str(get_args(model.model_fields[key].annotation)[0])


def _faults() -> Iterator[Section]:
    """What all faults share, once; then what each has besides."""
    common = {key: field.annotation for key, field in Fault.model_fields.items()}
    yield _section(Fault, "faults.every", "faults[]", {})
    shared: dict[type[Config], str] = {}
    for word, fault in FAULTS.items():
        anchors = {its: f"faults.{key}" for key, its in _inner(fault)}
        its = _section(fault, f"faults.{word}", f"faults[] with fault: {word}", anchors, common)
        strikes = ", ".join(fault.kinds)
        yield Section(**{**vars(its), "about": f"{its.about} Strikes: {strikes}."})
        shared |= {inner: anchor for inner, anchor in anchors.items() if inner not in shared}
    for model, anchor in shared.items():
        yield from _sections(model, anchor, f"faults[].{anchor.removeprefix('faults.')}")


def _sections(
    model: type[Config], anchor: str, path: str, inside: bool = True
) -> Iterator[Section]:
    """A model and what stands in it, each once; ``inside`` false: it alone."""
    waiting = [(model, anchor, path)]
    anchors = {model: anchor}
    while waiting:
        its, its_anchor, its_path = waiting.pop(0)
        below = []
        for key, inner in _inner(its):
            if not inside:
                anchors.setdefault(inner, "faults" if issubclass(inner, Fault) else key)
            elif inner not in anchors:
                anchors[inner] = f"{its_anchor}.{key}"
                step = key + "[]" * _listed(its, key) + ".NAME" * _named(its, key)
                below.append((inner, anchors[inner], f"{its_path}.{step}"))
        waiting = [*below, *waiting]
        yield _section(its, its_anchor, its_path, anchors)


def _inner(model: type[Config]) -> Iterator[tuple[str, type[Config]]]:
    """Each model that stands in another, with its key; a distribution has a part of its own."""
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            if inner is not Distribution or model is Distribution:
                yield field.alias or name, inner


def _models(annotation: Any) -> Iterator[type[Config]]:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _models(inner)


def _named(model: type[Config], key: str) -> bool:
    return any(get_origin(inner) is dict for inner in _layers(_field(model, key).annotation))


def _listed(model: type[Config], key: str) -> bool:
    return any(get_origin(inner) is list for inner in _layers(_field(model, key).annotation))


def _layers(annotation: Any) -> Iterator[Any]:
    yield annotation
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _layers(inner)


def _field(model: type[Config], key: str) -> FieldInfo:
    return next(f for name, f in model.model_fields.items() if (f.alias or name) == key)


def _section(
    model: type[Config],
    anchor: str,
    path: str,
    anchors: Mapping[type[Config], str],
    without: Mapping[str, Any] = types.MappingProxyType({}),
) -> Section:
    """The keys of one model, but those that all of its kind have with the same meaning."""
    words, notes = about(model), _notes(model)
    keys = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        if name in without and (name == "fault" or field.annotation == without[name]):
            continue
        said, note = " ".join(words.get(key, "").split()), notes.get(name, "")
        its = f"{said} Default: {note}" if note and note not in said else said
        keys.append(KeyRow(key, _kind(field, anchors), _default(field, model, anchors), its))
    return Section(
        anchor,
        path,
        " ".join(inspect.cleandoc(model.__doc__ or "").split()),
        _sources(model),
        tuple(keys),
        model.alternatives,
        model.not_modelled,
    )


def _sources(model: type[Config]) -> tuple[str, ...]:
    """Addresses in what is written of a model, and above all models of its module."""
    module = sys.modules[model.__module__].__doc__ or ""
    found = [*_URL.findall(model.__doc__ or ""), *_URL.findall(module)]
    return tuple(dict.fromkeys(found))


@cache
def _constants(module: str) -> Mapping[str, str]:
    """The texts under the constants of a module, and of those that it imports from the lab."""
    found: dict[str, str] = {}
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sim.scenario"):
            theirs = _constants(str(node.module))
            found |= {n.asname or n.name: theirs[n.name] for n in node.names if n.name in theirs}
    for made, below in pairwise(body):
        if isinstance(made, ast.Assign) and isinstance(below, ast.Expr):
            (target,) = made.targets
            if isinstance(target, ast.Name) and isinstance(below.value, ast.Constant):
                found[target.id] = " ".join(str(below.value.value).split())
    return found


@cache
def _notes(model: type[Config]) -> Mapping[str, str]:
    """What is written under the constant that is a field's default: mostly its source."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not (issubclass(base, Config) and base is not Config):
            continue
        constants = _constants(base.__module__)
        (made,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(made, ast.ClassDef)
        for node in made.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = _note(node.value, constants)
    return found


def _note(value: ast.expr | None, constants: Mapping[str, str]) -> str:
    if isinstance(value, ast.Call):
        value = next((k.value for k in value.keywords if k.arg == "default"), None)
    return constants.get(value.id, "") if isinstance(value, ast.Name) else ""


def _kind(field: FieldInfo, anchors: Mapping[type[Config], str]) -> str:
    return _of(field.annotation, tuple(field.metadata), anchors)


def _of(annotation: Any, notes: Sequence[Any], anchors: Mapping[type[Config], str]) -> str:
    """What a value of an annotation may be, in words."""
    parsed = next((n.func for n in notes if isinstance(n, BeforeValidator)), None)
    if parsed in _PARSERS:
        return _PARSERS[parsed][0] + _range(notes)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        more = [m for n in inner[1:] for m in (n.metadata if isinstance(n, FieldInfo) else [n])]
        return _of(inner[0], [*notes, *more], anchors)
    if origin in (Union, types.UnionType):
        options = [option for option in inner if option is not types.NoneType]
        if len(options) > 3 and all(list(_models(option)) for option in options):
            links = dict.fromkeys(anchors.get(m, m.__name__) for o in options for m in _models(o))
            return "[a fault](#faults)" if "faults" in links else "a mapping, one of the products"
        return " or ".join(dict.fromkeys(_of(option, notes, anchors) for option in options))
    if origin is Literal:
        return ", ".join(f"`{str(value).lower() if value is True else value}`" for value in inner)
    if origin is list:
        return f"a list: {_of(inner[0], (), anchors)}"
    if origin is dict:
        return f"by name: {_of(inner[1], (), anchors)}"
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return _mapping(annotation, anchors)
    return _PLAIN.get(annotation, "a value") + _range(notes)


def _mapping(model: type[Config], anchors: Mapping[type[Config], str]) -> str:
    if model is Distribution and model not in anchors:
        return "a duration or [distribution](#values.distribution), s"
    anchor = anchors.get(model)
    link = "a mapping" if anchor is None else f"[a mapping](#{anchor})"
    if model.shorthand is None:
        return link
    return f"{_kind(_field(model, model.shorthand), anchors)}, or {link}"


def _range(notes: Sequence[Any]) -> str:
    low = next((n.ge for n in notes if isinstance(n, Ge)), None)
    high = next((n.le for n in notes if isinstance(n, Le)), None)
    over = next((n.gt for n in notes if isinstance(n, Gt)), None)
    under = next((n.lt for n in notes if isinstance(n, Lt)), None)
    said = [
        f"{word} {limit:,}"
        for word, limit in (("from", low), ("over", over), ("to", high), ("under", under))
        if limit is not None
    ]
    return f", {' '.join(said)}" if said else ""


def _unit(annotation: Any, notes: Sequence[Any]) -> str:
    """The unit of plain numbers of an annotation; "" where there is none."""
    parsed = next((n.func for n in notes if isinstance(n, BeforeValidator)), None)
    if parsed in _PARSERS:
        return _PARSERS[parsed][1]
    found = (
        _unit(get_args(layer)[0], get_args(layer)[1:])
        for layer in _layers(annotation)
        if get_origin(layer) is Annotated
    )
    return next((unit for unit in found if unit), "")


def _default(field: FieldInfo, model: type[Config], anchors: Mapping[type[Config], str]) -> str:
    key = field.alias
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        names = {name for group in model.alternatives for name in group}
        its = next((key or n for n, f in model.model_fields.items() if f is field), "")
        return "one of them" if its in names else "not set"
    return _written(value, _unit(field.annotation, field.metadata))


def _written(value: Any, unit: str) -> str:
    """A default as one would write it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Config):
        return _of_config(value)
    if isinstance(value, int | float):
        if math.isinf(value):
            return "no end"
        return f"`{_number(value, unit)}`{_rounder(value, unit)}"
    if isinstance(value, list | dict | tuple):
        return f"`{value}`" if value else "none"
    return f"`{value}`" if value != "" else "none"


def _number(value: float, unit: str) -> str:
    if unit == "s" and 0 < value < 1:
        unit, value = ("ms", value * 1e3) if value >= 1e-3 else ("us", value * 1e6)
    whole = value == int(value) and abs(value) < 1e15
    number = f"{int(value):_}" if whole else f"{value:.10g}"
    return f"{number} {unit}".rstrip() if unit != "/s" else f"{number}/s"


def _rounder(value: float, unit: str) -> str:
    """A long duration in larger units besides, as 300_000 ms is 5 min."""
    seconds = value / 1e3 if unit == "ms" else value if unit == "s" else 0
    if seconds < (60 if unit == "ms" else 600):
        return ""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f" ({seconds / size:g} {name})"
    return ""


def _of_config(value: Config) -> str:
    """A mapping: what of it differs from what it is by itself."""
    if isinstance(value, Distribution):
        if value.kind == "constant":
            return f"`{_number(value.a, 's')}`"
        if value.lognormal is not None:
            pair = (value.lognormal.median, value.lognormal.p99)
            return "lognormal, median `{}`, p99 `{}`".format(*(_number(s, "s") for s in pair))
        if value.quantiles is not None:
            some = {n: s for n, s in value.quantiles.items() if n in ("p50", "p99", "p99.9")}
            return ", ".join(f"{n} `{_number(s, 's')}`" for n, s in some.items())
        return f"{value.kind}, mean `{_number(value.a, 's')}`"
    given = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return f"`{given}`" if given else "its own defaults"
