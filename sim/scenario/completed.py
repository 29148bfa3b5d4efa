"""What a file leaves to be read between its lines, written out, with a warning that says so."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from sim.foundation.config import KeyPath, child, keys, peel
from sim.foundation.document import Document
from sim.foundation.units import Distribution
from sim.scenario.workload import Service

_STAYS = ("arguments", "bindings")
"""Keys of a queue that only delays; all others are of its consumers."""


def complete(whole: Document) -> None:
    """Give each thing its place before values are overridden.

    A distribution in place of a job is its `per_message`.

    Args:
        whole: is changed; what a person should know of it is noted in it.
    """
    jobs = ("workload", "service")
    for job, its in [*_items(whole.get(jobs))]:
        plain = isinstance(its, dict) and its and not {*its} & {*keys(Service)}
        if plain and {*its} <= {*keys(Distribution)}:
            at = (*jobs, job)
            places = {at: whole.place(at), (*at, "per_message"): whole.place(at)}
            places |= {(*at, "per_message", key): whole.place((*at, key)) for key in its}
            whole.put(at, {"per_message": its}, places)
    _declare_targets(whole)


def expanded(root: Any, whole: Document) -> Document:
    """The document as it is validated: a text where a list of texts is meant is a list of it, and
    a `rate` of arrivals is a profile of one segment.

    Args:
        root: what the data will be validated as.
        whole: stays as it is.
    """
    alone = [*_texts_for_lists(root, whole.data, ())]
    rate = ("workload", "arrivals", "rate")
    only = whole.get(rate) is not None and whole.get((*rate[:-1], "profile")) is None
    lasts = whole.get(("duration",)) if only else None
    if not alone and lasts is None:
        return whole
    found = whole.copy()
    for path in alone:
        found.put(path, [found.get(path)], {path: found.place(path)})
    if lasts is not None:
        place, profile = found.place(rate), (*rate[:-1], "profile")
        segment = {"for": lasts, "rate": found.get(rate)}
        found.drop(rate)
        found.put(profile, [segment], {profile: place, (*profile, 0, "rate"): place})
    return found


def _texts_for_lists(annotation: Any, value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Where a text stands in the data, and a list of texts is meant."""
    if isinstance(value, str):
        its = peel(annotation, value)
        if get_origin(its) is list and peel(get_args(its)[0], None) is str:
            yield path
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts_for_lists(child(annotation, value, key), inner, (*path, key))


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    yield from value.items() if isinstance(value, dict) else ()


def _declare_targets(whole: Document) -> None:
    """Declare the queues that a file means and does not declare, and note in it which.

    RQ-18: of messages with an `expiration`, a queue with consumers and a dead-letter exchange whose
    routing key names no queue. RabbitMQ would drop what expires without a word, and a delay queue
    that is consumed delays nothing: who writes this leaves out the queue behind it, and means the
    consumers to be there.
    """
    for name, system in _items(whole.get(("systems",))):
        if isinstance(system, dict) and system.get("product") == "rabbitmq":
            at = ("systems", name, "queues")
            for queue, target in [*_undeclared(system)]:
                _declare(whole, at, queue, target)


def _undeclared(system: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(queue, target) where a target of dead letters is to be declared."""
    producer, queues = system.get("producer"), system.get("queues")
    if not isinstance(producer, dict) or not isinstance(queues, dict):
        return
    if producer.get("expiration") is None or any(not isinstance(q, dict) for q in queues.values()):
        return
    found: dict[str, str] = {}
    for name, queue in queues.items():
        arguments = queue.get("arguments")
        if not isinstance(arguments, dict) or queue.get("consumers") == 0:
            continue
        key, exchange = (
            arguments.get("x-dead-letter-routing-key"),
            arguments.get("x-dead-letter-exchange"),
        )
        if not isinstance(key, str) or not isinstance(exchange, str):
            continue
        free = key not in queues and key not in found.values()
        if free and not _is_bound(exchange, queues):
            found[name] = key
    yield from found.items()


def _is_bound(exchange: str, queues: dict[str, Any]) -> bool:
    """Whether a queue is bound to an exchange."""
    bindings = [queue.get("bindings") for queue in queues.values()]
    return any(
        isinstance(binding, dict) and binding.get("source") == exchange
        for its in bindings
        if isinstance(its, list)
        for binding in its
    )


def _declare(whole: Document, at: KeyPath, queue: str, target: str) -> None:
    """Give the consumers of a queue to the target of its dead letters, which is declared so."""
    here, there = (*at, queue), (*at, target)
    its = whole.get(here)
    moved = {key: value for key, value in its.items() if key not in _STAYS}
    places = {there: whole.place(here)}
    places |= {
        (*there, *path[len(here) :]): place
        for path, place in whole.places.items()
        if path[: len(here)] == here and len(path) > len(here) and path[len(here)] in moved
    }
    where = whole.place((*here, "consumers") if "consumers" in moved else here)
    for key in moved:
        whole.drop((*here, key))
    whole.put((*here, "consumers"), 0, {(*here, "consumers"): where})
    whole.put(there, moved, places)
    said = (
        f"{target!r} is no queue of the file, and RabbitMQ would drop what expires without a word: "
        f"the lab declares it, with the consumers of {queue!r}, which only delays now. Write so: "
        f"'{queue}: {{consumers: 0, arguments: …}}' and '{target}: {{consumers: …, does: …}}'"
    )
    whole.notes.append(whole.problem((*here, "arguments", "x-dead-letter-routing-key"), said))
