"""What a file leaves to be read between its lines, written out, with a warning that says so."""

from collections.abc import Iterator
from typing import Any

from sim.foundation.config import KeyPath
from sim.foundation.document import Document

_STAYS = ("arguments", "bindings")
"""Keys of a queue that only delays; all others are of its consumers."""


def complete(whole: Document) -> None:
    """Declare the queues that a file means and does not declare, and note in it which.

    RQ-18: of messages with an `expiration`, a queue with consumers and a dead-letter exchange whose
    routing key names no queue. RabbitMQ would drop what expires without a word, and a delay queue
    that is consumed delays nothing: who writes this leaves out the queue behind it, and means the
    consumers to be there.
    """
    systems = whole.get(("systems",))
    for name, system in systems.items() if isinstance(systems, dict) else ():
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
        if {key} - {*queues, *found.values()} and not _is_bound(exchange, queues):
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
