"""Where dead letters go, and how long messages live: `x-dead-letter-…`, `expiration`.

Sources: https://www.rabbitmq.com/docs/dlx (routing of dead letters, the four reasons, cycles
without a rejection), https://www.rabbitmq.com/docs/ttl (`expiration`, `x-message-ttl`, that what is
too old goes only once it is the first of its queue), and `rabbit_dead_letter.erl` and `mc.erl` of
rabbitmq/rabbitmq-server. A message that is dead-lettered has no `expiration` any more.

RabbitMQ 3.10 (classic and quorum) does so: of 80 messages, 0.5 s and 3 s in turn, each left with
the latest that was asked for of all before it, within 8 ms, without `expiration`. A message over
its delivery limit that expired in the retry queue was dropped; one that was rejected came back.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Annotated, Protocol

from pydantic import BeforeValidator, Discriminator, Tag

from sim.foundation.units import Milliseconds, shown


def _written(value: object) -> object:
    """AMQP has it as text: a number of milliseconds."""
    return float(value) if isinstance(value, str) and value.strip().isdigit() else value


Ttl = Annotated[Milliseconds, BeforeValidator(_written)]
"""A time to live, ms, as text too, which AMQP has."""


def _in_turn(value: object) -> object:
    if isinstance(value, dict):
        if len(value) != 1 or not all(isinstance(v, dict) for v in value.values()):
            raise ValueError(
                "expected a time, a list of them, or times by the values of one dimension of "
                f"workload.keys ({{plan: {{free: 5 s}}}}), not {shown(value)}"
            )
        return value
    if value is None or isinstance(value, list):
        return value or []
    return [value]


def _form(value: object) -> str:
    """Which of two forms is meant, so that what is wrong with the other is not told as well."""
    return "[by value]" if isinstance(value, dict) else "[in turn]"


Expiration = Annotated[
    Annotated[list[Ttl | None], Tag("[in turn]")]
    | Annotated[dict[str, dict[str, Ttl]], Tag("[by value]")],
    Discriminator(_form),
    BeforeValidator(_in_turn, json_schema_input_type=str | float | list[str | float | None]
                    | dict[str, dict[str, str | float]]),
]  # fmt: skip
"""Times to live that messages have in turn, or by the values of a dimension; empty: none."""


class Bound(Protocol):
    """A binding of a queue."""

    @property
    def routing_key(self) -> str:
        """Of the binding."""

    @property
    def source(self) -> str:
        """Exchange."""


class Arguments(Protocol):
    """Of a queue."""

    @property
    def dead_letter_exchange(self) -> str | None:
        """Where dead letters go."""

    @property
    def dead_letter_routing_key(self) -> str | None:
        """Their routing key."""

    @property
    def message_ttl(self) -> float | None:
        """Time to live of its messages, ms."""


class Queue(Protocol):
    """As a scenario writes it."""

    @property
    def arguments(self) -> Arguments:
        """Of the queue."""

    @property
    def bindings(self) -> Sequence[Bound]:
        """Of the queue."""

    @property
    def consumers(self) -> int:
        """Of the queue."""


def targets(queues: Mapping[str, Queue]) -> dict[str, list[str]]:
    """For each queue with a dead-letter exchange, the queues that get its dead letters.

    A queue gets them if it is bound to that exchange with their routing key (or none); the default
    exchange, and one to which nothing is bound here, take the routing key for the queue's name, or
    their own name where there is no key.
    """
    found = {}
    for name, queue in queues.items():
        exchange, key = (
            queue.arguments.dead_letter_exchange,
            queue.arguments.dead_letter_routing_key,
        )
        if exchange is None:
            continue
        bound = [
            other
            for other, its in queues.items()
            if any(
                b.source == exchange and exchange and b.routing_key in ("", "#", key)
                for b in its.bindings
            )
        ]
        named = exchange if key is None else key
        found[name] = bound or ([named] if named in queues else [])
    return found


def linked(queues: Mapping[str, Queue]) -> dict[str, str]:
    """Of each queue whose dead letters go into a queue of the system, into which."""
    return {name: to[0] for name, to in targets(queues).items() if to}


def entries(queues: Mapping[str, Queue]) -> list[str]:
    """The queues into which a fanout exchange publishes.

    Those that are bound to it, where any is; else every queue, but of those that dead-letter into
    each other the ones into which no other does. Of queues that do so in a circle, those with
    consumers.
    """
    dead_letter = {queue.arguments.dead_letter_exchange for queue in queues.values()}
    published = {
        name
        for name, queue in queues.items()
        if any(b.source not in dead_letter or not b.source for b in queue.bindings)
    }
    to = linked(queues)
    if published:
        return [name for name in queues if name in published or not is_linked(name, to)]
    found = []
    for name, queue in queues.items():
        before = {other for other in to if name in _ahead(other, to)}
        circle = before & set(_ahead(name, to))
        if before - circle - {name}:
            continue
        if (circle or name in before) and not queue.consumers:
            continue
        found.append(name)
    return found


def is_linked(name: str, to: Mapping[str, str]) -> bool:
    """Whether a queue dead-letters into another or is dead-lettered to."""
    return name in to or name in to.values()


def _ahead(name: str, to: Mapping[str, str]) -> list[str]:
    """The queues into which messages of a queue can get, the next one first."""
    found: list[str] = []
    at = to.get(name)
    while at is not None and at not in found:
        found.append(at)
        at = to.get(at)
    return found


def only_delayed(name: str, queues: Mapping[str, Queue]) -> list[str]:
    """Queues that nobody reads and all of whose messages are on their way into a queue."""
    to = linked(queues)
    found: list[str] = []
    at = [name]
    while at:
        here = at.pop()
        for other in to:
            if to[other] == here and not queues[other].consumers and other not in found:
                found.append(other)
                at.append(other)
    return [other for other in found if other != name]


def delayed_s(name: str, queues: Mapping[str, Queue], soonest_s: float) -> float:
    """How long messages are asked to wait in queues that nobody reads on their way to a queue, s.

    The longest way, of messages with the shortest ``soonest_s`` of their own (inf: none has any).
    What comes back from a retry queue waits for what went wrong, and does not count.
    """
    to, first = linked(queues), entries(queues)
    longest_s = 0.0
    for other in only_delayed(name, queues):
        if other not in first or other in _ahead(name, to):
            continue
        way_s, at = 0.0, other
        while at != name:
            ttl_ms = queues[at].arguments.message_ttl
            ttl_s = inf if ttl_ms is None else ttl_ms / 1e3
            way_s += min(ttl_s, soonest_s if at == other else inf)
            at = to[at]
        longest_s = max(longest_s, way_s)
    return longest_s if longest_s < inf else 0.0
