"""Which queues get which messages: an exchange and the bindings of its queues (RQ-10).

A message goes once to each queue that one of its bindings matches, however many of them do; one
that no binding matches is dropped without a word (RabbitMQ returns it only if it was published as
mandatory). All messages of an entity carry the same routing key and headers, so the exchange is
asked once an entity.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sim.foundation.arrays import I32, Bools
from sim.producer.partitioners import jump_hash, murmur2
from sim.scenario.products.rabbitmq_exchange import Binding, Exchange
from sim.traffic.messages import Messages


def routed(
    exchange: Exchange, bindings: Mapping[str, Sequence[Binding]], messages: Messages
) -> dict[str, I32]:
    """[routed] the messages that each queue gets, ascending.

    Args:
        exchange: where all messages are published.
        bindings: of each queue, in the order in which they were made.
        messages: of the scenario.
    """
    everything = np.arange(len(messages), dtype=np.int32)
    if exchange.type == "fanout":
        return dict.fromkeys(bindings, everything)
    if exchange.type == "headers":
        chosen = {q: _by_headers(messages, bound) for q, bound in bindings.items()}
    else:
        key_of, keys = _routing_keys(exchange, messages)
        chosen = {q: of_key[key_of] for q, of_key in _by_key(exchange, bindings, keys).items()}
    return {q: everything[of_entity[messages.entity]] for q, of_entity in chosen.items()}


def _routing_keys(exchange: Exchange, messages: Messages) -> tuple[I32, Sequence[str]]:
    if not exchange.routing_key:
        return np.zeros(messages.entities, np.int32), [""]
    return messages.keys_by(exchange.routing_key, ".")


def _by_key(
    exchange: Exchange, bindings: Mapping[str, Sequence[Binding]], keys: Sequence[str]
) -> dict[str, Bools]:
    """[keys] of each queue: whether a message with this routing key goes there."""
    if exchange.type == "x-consistent-hash":
        weights = [sum(int(b.routing_key) for b in bound) for bound in bindings.values()]
        queue_of_bucket = np.repeat(np.arange(len(weights)), weights)
        hashes = murmur2([key.encode() for key in keys]).astype(np.uint32).astype(np.uint64)
        queue_of = queue_of_bucket[jump_hash(hashes, queue_of_bucket.size)]
        return {queue: queue_of == at for at, queue in enumerate(bindings)}
    if exchange.type == "topic":
        split = [_words(key) for key in keys]
        return {
            queue: np.array(
                [any(_matches(_words(b.routing_key), words) for b in bound) for words in split]
            )
            for queue, bound in bindings.items()
        }
    bound_keys = {queue: {b.routing_key for b in bound} for queue, bound in bindings.items()}
    return {q: np.array([key in own for key in keys]) for q, own in bound_keys.items()}


def _words(key: str) -> list[str]:
    return key.split(".") if key else []


def _matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words match a topic: ``*`` is one word, ``#`` any number of them, also none."""
    ends = {0}  # how many words the pattern so far can have matched
    for part in pattern:
        if part == "#":
            ends = set(range(min(ends), len(words) + 1)) if ends else ends
        else:
            ends = {end + 1 for end in ends if end < len(words) and part in ("*", words[end])}
    return len(words) in ends


def _by_headers(messages: Messages, bound: Sequence[Binding]) -> Bools:
    """[entities] whether a message with these values as headers goes to the queue."""
    chosen = np.zeros(messages.entities, np.bool_)
    for binding in bound:
        # RabbitMQ leaves arguments that begin with x- out of the comparison.
        wanted = {k: v for k, v in binding.arguments.items() if not k.startswith("x-")}
        hits = [_has(messages, dimension, value) for dimension, value in wanted.items()]
        if binding.arguments.get("x-match", "all") == "any":
            chosen |= np.logical_or.reduce(hits) if hits else False
        else:
            chosen |= np.logical_and.reduce(hits) if hits else True
    return chosen


def _has(messages: Messages, dimension: str, value: str) -> Bools:
    """[entities] whether the dimension has this value."""
    if dimension not in messages.dims or value not in messages.dims[dimension]:
        return np.zeros(messages.entities, np.bool_)
    number = messages.dims[dimension].index(value)
    return np.asarray(messages.keys_by([dimension])[0] == number)
