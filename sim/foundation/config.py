"""The base of every typed part of a scenario, and which keys stand where in it.

Pydantic validates; the look-ups here answer what it does not: which keys a mapping may have (for
merging, for overrides with dots in the keys, and for naming the nearest key in an error).
"""

import ast
import inspect
import math
import re
import textwrap
import types
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, NamedTuple, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

KeyPath = tuple[str | int, ...]


class Refusal(NamedTuple):
    """Values of a `Config` that are valid each, and not together."""

    keys: tuple[KeyPath, ...]
    """The keys at fault, as paths from the config: the one to name first, if all are given."""
    message: str
    """What is wrong, and what would be valid; the problem's path names the key."""


class RefusedError(ValueError):
    """Raised by a validator of a `Config`, so that each refusal is told at its own key."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(refusal.message for refusal in refusals))


class Config(BaseModel):
    """A frozen mapping of known keys; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of keys of which exactly one set may be given; giving one overrides the others."""
    shorthand: ClassVar[str | None] = None
    """The key that a bare value stands for: `5 ms` for `{constant: 5 ms}`."""
    not_modelled: ClassVar[Mapping[str, str]] = {}
    """Real keys of the product without effect in the lab: accepted, and warned of. Values: what
    to add to the warning."""

    @model_validator(mode="before")
    @classmethod
    def _as_given(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data if cls.shorthand is None or data is None else {cls.shorthand: data}
        given = {key: value for key, value in data.items() if key not in cls.not_modelled}
        cls._not_empty(given)
        return given

    @classmethod
    def _not_empty(cls, given: Mapping[str, Any]) -> None:
        """Refuse an alternative with keys of its own that stands there alone and has none."""
        written = [key for keys in cls.alternatives for key in keys if key in given]
        if any(given[key] is not None for key in written):
            return
        annotations = keys(cls)
        refused = [
            Refusal(((key,),), f"has no value; write '{key}: {{}}' for its defaults")
            for key in written
            if model_of(annotations[key], {}) is not None
        ]
        if refused:
            raise RefusedError(refused)

    @model_validator(mode="after")
    def _one_alternative(self) -> Self:
        if not self.alternatives:
            return self
        given = [
            key
            for keys in self.alternatives
            if (key := next((k for k in keys if self.given(k)), None)) is not None
        ]
        if len(given) != 1:
            names = ", ".join("+".join(keys) for keys in self.alternatives)
            raise ValueError(
                f"give exactly one of {names}" + (f"; not {' and '.join(given)}" if given else "")
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        for key, words in about(cls).items():
            schema["properties"][key]["description"] = words
        if cls.not_modelled:
            known = "|".join(map(pattern, cls.not_modelled))
            schema["patternProperties"] = {f"^({known})$": {"description": "Has no effect here."}}
        if cls.shorthand is None:
            return schema
        return {"anyOf": [schema["properties"][cls.shorthand], schema]}

    @model_serializer(mode="wrap")
    def _as_read(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what can be read again: null and infinite both stand for not given."""
        return {k: v for k, v in dump(self).items() if v is not None and v != math.inf}

    def given(self, key: str) -> bool:
        """Whether the key was given a value other than its default."""
        for name, field in type(self).model_fields.items():
            if (field.alias or name) == key:
                return bool(getattr(self, name) != field.default)
        raise KeyError(key)


def pattern(key: str) -> str:
    """A key of `Config.not_modelled` as a regular expression: `$word` in it stands for any word."""
    return re.sub(r"\\\$\w+", "[^.]+", re.escape(key))


@cache
def about(model: type[BaseModel]) -> Mapping[str, str]:
    """What the keys of a model are for: the texts that stand under its fields.

    Read from the source when somebody asks. Pydantic (`use_attribute_docstrings`) would do it
    whenever a class is made, which is a tenth of the time in which `sim list` starts and ends.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Config) and base is not Config:
            found = {
                name: words for name, words in found.items() if name not in base.__annotations__
            }
            found |= _under_fields(base)
    fields = model.model_fields
    return {fields[name].alias or name: found[name] for name in fields if name in found}


def _under_fields(model: type) -> dict[str, str]:
    """The texts under the fields that a class itself has, by the fields' names."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(made, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(made.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def keys(model: type[BaseModel]) -> dict[str, Any]:
    """The keys that a model reads, each with its annotation."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def model_of(annotation: Any, value: Any) -> type[Config] | None:
    """The model behind an annotation, if it is one; of a union, the one that ``value`` names."""
    found = peel(annotation, value)
    return found if isinstance(found, type) and issubclass(found, Config) else None


def peel(annotation: Any, value: Any, tag: str | None = None) -> Any:
    """What stands in an annotation; ``tag``: the key by which a union is told apart.

    None where that depends on a value that does not say it.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        tags = [note.discriminator for note in notes if isinstance(note, FieldInfo)]
        return peel(inner, value, next((tag for tag in tags if isinstance(tag, str)), None))
    if origin not in (Union, types.UnionType):
        return annotation
    options = [option for option in get_args(annotation) if option is not types.NoneType]
    if len(options) == 1:
        return peel(options[0], value)
    if tag is None or not isinstance(value, Mapping):
        return None
    for option in options:
        model = model_of(option, value)
        if model and value.get(tag) in get_args(keys(model).get(tag)):
            return model
    return None


def child(annotation: Any, value: Any, key: str | int) -> Any:
    """The annotation of ``key`` inside a value of ``annotation``; None where it is unknown."""
    model = model_of(annotation, value)
    if model is not None:
        return keys(model).get(str(key))
    found = peel(annotation, value)
    if get_origin(found) in (dict, list):
        return get_args(found)[-1]
    return None


def names(annotation: Any, value: Any) -> list[str]:
    """The keys by which one can go on from a value: of its model, or those that it has."""
    model = model_of(annotation, value)
    if model is not None:
        return [*keys(model), *model.not_modelled]
    if isinstance(value, Mapping):
        return list(value)
    return [str(index) for index in range(len(value))] if isinstance(value, list) else []


def rivals(annotation: Any, value: Any, key: str | int) -> set[str]:
    """The keys that cannot stand beside ``key``, because they are other alternatives to it."""
    model = model_of(annotation, value)
    alternatives = model.alternatives if model else ()
    if not any(key in group for group in alternatives):
        return set()
    return {other for group in alternatives if key not in group for other in group}


class UnknownKeyError(KeyError):
    """No key of this name at ``path``; ``word`` is the part of the dotted name left over."""

    def __init__(self, path: KeyPath, word: str, candidates: list[str]) -> None:
        super().__init__(word)
        self.path, self.word, self.candidates = path, word, candidates


def locate(annotation: Any, value: Any, dotted: str) -> KeyPath:
    """The path meant by a dotted name, longest key first: ``max.poll.records`` is one key.

    Args:
        annotation: what ``value`` is validated as.
        value: the data as they stand; mappings from names (`systems`) offer the names they have.
        dotted: the rest of the name.

    Raises:
        UnknownKeyError: no key of that name.
    """
    failed: UnknownKeyError | None = None
    known = names(annotation, value)
    for name in sorted(known, key=len, reverse=True):
        if dotted != name and not dotted.startswith(f"{name}."):
            continue
        step: str | int = int(name) if isinstance(value, list) else name
        if dotted == name:
            return (step,)
        inner = value[step] if isinstance(value, list) or step in _mapping(value) else None
        try:
            rest = locate(child(annotation, value, step), inner, dotted[len(name) + 1 :])
        except UnknownKeyError as error:
            error.path = (step, *error.path)
            failed = failed or error
        else:
            return (step, *rest)
    raise failed or UnknownKeyError((), dotted, known)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
