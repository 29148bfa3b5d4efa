"""What pydantic found wrong with a scenario, in words for the person who wrote it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim.config import KeyPath, child, model_of, names
from sim.document import Document
from sim.errors import Problem, nearest, unknown
from sim.units import shown

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "keys and values",
    "model": "keys and values",
    "mapping": "keys and values",
}
_LIMIT = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def problems(error: ValidationError, root: Any, document: Document) -> Iterator[Problem]:
    """Every problem that pydantic found, at the key where it stands.

    Args:
        error: from validating ``document.data``.
        root: the model it was validated as.
        document: the data, and where each key stands.
    """
    for detail in error.errors(include_url=False):
        path = _path(detail, document)
        message = _message(detail, path, root, document)
        if detail["type"].startswith("union_tag"):
            path = (*path, "product")
        yield document.problem(path, message)


def _path(detail: ErrorDetails, document: Document) -> KeyPath:
    """Pydantic's location, without what it adds to the keys, and no deeper than the data go."""
    path = tuple(key for key in detail["loc"] if key != "[key]")
    if path[:1] == ("systems",) and len(path) > 2:
        path = path[:2] + path[3:]
    for depth in range(1, len(path)):
        if not isinstance(document.get(path[:depth]), dict | list):
            return path[:depth]
    return path


def _message(detail: ErrorDetails, path: KeyPath, root: Any, document: Document) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = document.get(path)
    above = _annotation(root, document, path[:-1])
    if kind == "missing":
        return "missing" + _about(above, document.get(path[:-1]), path[-1])
    if kind == "extra_forbidden":
        candidates = names(above, document.get(path[:-1]))
        candidates = [name for name in candidates if document.get((*path[:-1], name)) is None]
        return unknown("key", str(path[-1]), candidates)
    if kind == "value_error":
        return str(context["error"])
    if value is None:
        return "has no value" + _about(above, document.get(path[:-1]), path[-1])
    if kind == "literal_error":
        known = [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]
        near = nearest(str(value), known)
        hint = f"; did you mean {near!r}?" if near else ""
        return f"expected {' or '.join(known)}, not {shown(value)}{hint}"
    if kind == "union_tag_invalid":
        known = [word.strip("' ") for word in context["expected_tags"].split(",")]
        return f"{unknown('product', context['tag'], known)}"
    if kind == "union_tag_not_found":
        return "missing; the product that this system is (kafka or sqs)"
    if kind in _LIMIT:
        words, limit = _LIMIT[kind]
        return f"must be {words} {context[limit]:,}, not {shown(value)}"
    if kind == "too_short":
        return "is empty; give at least one"
    if kind == "finite_number":
        return f"must be finite, not {shown(value)}"
    expected = _EXPECTED.get(kind.split("_")[0])
    return f"expected {expected}, not {shown(value)}" if expected else f"cannot be {shown(value)}"


def _annotation(root: Any, document: Document, path: KeyPath) -> Any:
    annotation = root
    for depth, key in enumerate(path):
        annotation = child(annotation, document.get(path[:depth]), key)
    return annotation


def _about(annotation: Any, value: Any, key: str | int) -> str:
    """What a key is for, from the first sentence of its documentation."""
    model = model_of(annotation, value if isinstance(value, Mapping) else {})
    for name, field in (model.model_fields if model else {}).items():
        if (field.alias or name) == key and field.description:
            return "; " + field.description.partition("\n")[0].rstrip(".")
    return ""
