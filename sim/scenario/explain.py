"""What pydantic found wrong with a scenario, in words for the person who wrote it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim.foundation.config import Config, KeyPath, RefusedError, about, child, keys, model_of
from sim.foundation.document import Document
from sim.foundation.errors import MOST_TOLD, Problem, nearest, unknown, unknown_key
from sim.foundation.units import shown
from sim.scenario.faults.base import Fault
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.products.base import COUNTED, ProductSystem
from sim.scenario.products.catalogue import PRODUCTS

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
_MISSING_TAG = {
    "product": f"missing; what this system is: {', '.join(PRODUCTS[:-1])} or {PRODUCTS[-1]}",
    "fault": f"missing; what happens: {', '.join(list(FAULTS)[:-1])} or {list(FAULTS)[-1]}",
}
_ADDED = ("[key]", "[in turn]", "[by value]")
"""What pydantic adds to the keys: that it is a key, and the forms that a value may have."""
_MOST_TAKERS = 8
"""Faults that take a key are named if there are so many at most."""
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
    details = error.errors(include_url=False)
    # A nearest name takes a thousandth of a second; of ten thousand keys, nobody reads them.
    rest, details = details[MOST_TOLD:], details[:MOST_TOLD]
    misspelt = {
        (*_path(detail)[:-1], near)
        for detail in details
        if detail["type"] == "extra_forbidden"
        and (near := _nearest_key(_path(detail), root, document)) is not None
    }
    for detail in details:
        path = _path(detail)
        if detail["type"] == "missing" and path in misspelt:
            continue
        error_raised = detail.get("ctx", {}).get("error")
        if isinstance(error_raised, RefusedError):
            for at, said in error_raised.refusals:
                yield document.problem(document.last_set([(*path, *key) for key in at]), said)
            continue
        model = _model(root, document, path[:-1])
        message = _message(detail, path, root, document)
        written = _written(path, document)
        listed = bool(path) and isinstance(path[-1], int)  # a bare value in place of a list of one
        if written != path and not listed and (model is None or path[-1] != model.shorthand):
            message = f"{path[-1]}: {message}"
        if detail["type"].startswith("union_tag"):
            written = (*written, _tag(detail))
        yield document.problem(written, message)
    for detail in rest:
        yield document.problem(_path(detail), "wrong as well")


def _path(detail: ErrorDetails) -> KeyPath:
    """Pydantic's location, without what it adds to the keys."""
    path = tuple(key for key in detail["loc"] if key not in _ADDED)
    if path[:1] in (("systems",), ("faults",)) and len(path) > 2:
        return path[:2] + path[3:]
    return path


def _tag(detail: ErrorDetails) -> str:
    """The key by which a union is told apart."""
    return str(detail["ctx"]["discriminator"]).strip("'")


def _written(path: KeyPath, document: Document) -> KeyPath:
    """As much of a path as stands in the data: a bare value, or JSON in a text, has no keys."""
    for depth in range(1, len(path)):
        if not isinstance(document.get(path[:depth]), dict | list):
            return path[:depth]
    return path


def _message(detail: ErrorDetails, path: KeyPath, root: Any, document: Document) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    model = _model(root, document, path[:-1])
    value = document.get(path) if _written(path, document) == path else detail["input"]
    if kind == "missing":
        return "missing" + _needed(model, path[-1]) + _about(model, path[-1])
    if kind == "extra_forbidden":
        if model is not None and issubclass(model, Fault) and path[-1] in _KEYS_OF_FAULTS:
            return _not_taken(model, str(path[-1]))
        known = list(keys(model)) if model else []
        aside = model.not_modelled if model else ()
        near = nearest(str(path[-1]), [*known, *aside])
        if not near and path[0] == "systems" and (here := _resembling(model, str(path[-1]))):
            return f"unknown key; did you mean {here}?"
        deeper = model is not None and path[0] == "systems" and _below(model, str(path[-1]))
        place = _place(path, model, root, document) if deeper or not near else None
        return f"unknown key; {place}" if place else unknown_key(str(path[-1]), known, aside)
    if kind == "value_error":
        return str(context["error"])
    if value is None:
        return "has no value" + _about(model, path[-1])
    if kind == "literal_error":
        words = context["expected"].replace(" or ", ",").split(",")
        known = list(dict.fromkeys(word.strip("' ") for word in words))  # 1 and '1' are one
        near = nearest(str(value), known)
        hint = f"; did you mean {near!r}?" if near else ""
        options = f"{', '.join(known[:-1])} or {known[-1]}"
        return f"expected {options}, not {shown(value)}{hint}"
    if kind == "union_tag_invalid":
        known = [word.strip("' ") for word in context["expected_tags"].split(",")]
        return unknown(_tag(detail), str(context["tag"]), known)
    if kind == "union_tag_not_found":
        return _MISSING_TAG[_tag(detail)] + _by_another_key(_tag(detail), value)
    if kind in _LIMIT:
        words, limit = _LIMIT[kind]
        return f"must be {words} {context[limit]:,}, not {shown(value)}"
    if kind == "too_short":
        return "is empty; give at least one"
    if kind == "finite_number":
        return f"must be finite, not {shown(value)}"
    expected = _EXPECTED.get(kind.split("_")[0])
    return f"expected {expected}, not {shown(value)}" if expected else f"cannot be {shown(value)}"


_READERS = ("groups", "queues", "applications", "consumers", "workers", "subscriptions")
"""What products call those who read."""
_COUNTED = (*COUNTED, "members", "replicas", "pods")
"""What products, and people, call how many of them there are."""
_TAGS = {"product": PRODUCTS, "fault": FAULTS}


def _place(path: KeyPath, model: type[Config] | None, root: Any, document: Document) -> str | None:
    """Where a key of a system belongs that stands elsewhere in it; None: it is no key of it."""
    if path[0] != "systems" or len(path) < 3 or model is None:
        return None
    word = str(path[-1])
    system = _model(root, document, path[:2])
    if len(path) == 3 and word in _READERS and issubclass(model, ProductSystem):
        product = str(document.get((*path[:2], "product")))
        return f"{product} calls them {model.readers_at!r}"
    called = next((key for key in _COUNTED if key in keys(model)), None)
    if called is not None and word in _COUNTED:
        return f"{document.get((*path[:2], 'product'))} calls them {called!r}"
    for start, above in ((model, ()), (system, path[:2])):
        found = _below(start, word) if start else None
        if found is not None and (above or found):
            at = ".".join(map(str, (*above, *found)))
            return f"{word!r} belongs under {at!r}" if at else None
    return None


def _below(model: type[Config], word: str, depth: int = 3) -> KeyPath | None:
    """The keys below a model, on the shortest way, under which a key is known."""
    if word in keys(model) or word in model.not_modelled:
        return ()
    if depth == 0:
        return None
    ways = [
        (key, *rest)
        for key, annotation in keys(model).items()
        for way, inner in _inner(annotation)
        if (below := _below(inner, word, depth - 1)) is not None
        for rest in [(*way, *below)]
    ]
    return min(ways, key=len, default=None)


_MEANT: Mapping[str, Sequence[str]] = {
    "batch": ("MaxNumberOfMessages", "max.poll.records", "prefetch_count", "COUNT", "BatchSize"),
    "batch_size": ("MaxNumberOfMessages", "max.poll.records", "COUNT", "BatchSize"),
    "dlq": ("RedrivePolicy", "x-dead-letter-exchange", "deadLetterPolicy", "retry_topics"),
    "dead_letter": ("RedrivePolicy", "x-dead-letter-exchange", "deadLetterPolicy"),
    "retries": ("attempts", "max_retries", "RedrivePolicy", "x-delivery-limit", "max_deliveries"),
}
"""What people call keys whose names have nothing of that."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MOST_MEANT = 3


def _resembling(model: type[Config] | None, word: str) -> str:
    """Keys at a place that a word is a part of, or stands for; else those below it; "": none.

    A key of the same name further down is left to `_below`.
    """
    if model is None:
        return ""
    here = [key for key in keys(model) if _is_part(word, key)]
    if not here and not _below(model, word):
        here = [
            f"{key}.{inner}"
            for key, annotation in keys(model).items()
            if (below := model_of(annotation, None)) is not None
            for inner in keys(below)
            if _is_part(word, inner)
        ]
    return " or ".join(map(repr, here)) if len(here) <= _MOST_MEANT else ""


def _is_part(word: str, key: str) -> bool:
    """Whether a word is some of the words of a key, or what people call it."""
    if key in _MEANT.get(word.lower(), ()):
        return True
    its, whole = ([one.lower() for one in _WORDS.findall(text)] for text in (word, key))
    return bool(its) and any(
        whole[at : at + len(its)] == its for at in range(len(whole) - len(its) + 1)
    )


def _inner(annotation: Any) -> Iterator[tuple[KeyPath, type[Config]]]:
    """The models in an annotation, each with the keys on the way to it."""
    model = model_of(annotation, None)
    if model is not None:
        yield (), model
    elif (of_names := model_of(child(annotation, {}, "<name>"), None)) is not None:
        yield ("<name>",), of_names


def _by_another_key(tag: str, value: Any) -> str:
    """What to write where a value tells a union apart, and its key is another."""
    for key, word in value.items() if isinstance(value, dict) else ():
        if isinstance(word, str) and word in _TAGS[tag]:
            return f"; write '{tag}: {word}' for '{key}: {word}'"
    return ""


_KEYS_OF_FAULTS = {key for fault in FAULTS.values() for key in keys(fault)}


def _needed(model: type[Config] | None, key: str | int) -> str:
    """Which fault needs a key that others do not."""
    if model is None or not issubclass(model, Fault) or key in keys(Fault):
        return ""
    return f" for {model.model_fields['fault'].default!r}"


def _not_taken(fault: type[Fault], key: str) -> str:
    """What is wrong with a key of other faults, and which take it."""
    word = fault.model_fields["fault"].default
    if key in fault.refused:
        return f"{word!r} takes no {key!r}: {fault.refused[key]}"
    takers = [repr(other) for other, its in FAULTS.items() if key in keys(its)]
    if len(takers) > _MOST_TAKERS:
        return f"{word!r} takes no {key!r}"
    words = " and ".join(filter(None, (", ".join(takers[:-1]), takers[-1])))
    return f"{word!r} takes no {key!r}; {words} {'does' if len(takers) == 1 else 'do'}"


def _model(root: Any, document: Document, path: KeyPath) -> type[Config] | None:
    annotation = root
    for depth, key in enumerate(path):
        annotation = child(annotation, document.get(path[:depth]), key)
    return model_of(annotation, document.get(path))


def _nearest_key(path: KeyPath, root: Any, document: Document) -> str | None:
    model = _model(root, document, path[:-1])
    return nearest(str(path[-1]), [*keys(model), *model.not_modelled]) if model else None


def _about(model: type[Config] | None, key: str | int) -> str:
    """What a key is for, from the first clause of its documentation, which may go over lines."""
    words = about(model).get(str(key)) if model else None
    if words:
        text = re.split(r"; |[.…](?: |$)", " ".join(words.split()))[0]
        return f"; {text[:1].lower()}{text[1:]}"
    return ""
