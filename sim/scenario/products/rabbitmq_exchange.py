"""An exchange and its bindings, by the names of RabbitMQ's definitions file.

Exchange types: https://www.rabbitmq.com/docs/exchanges; the consistent hash exchange is the plugin
of that name, whose binding keys are weights (`rabbitmq_consistent_hash_exchange`).
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config
from sim.scenario.products.not_modelled import NotModelled


class Exchange(Config):
    """Where messages are published, and what they carry there."""

    not_modelled = NotModelled("rabbitmq", "exchange")

    type: Literal["direct", "fanout", "headers", "topic", "x-consistent-hash"] = "fanout"
    """How it matches bindings; fanout: every queue gets every message."""
    routing_key: list[str] = Field(default_factory=list)
    """Dimensions of `workload.keys` whose values, joined by dots, are a message's routing key.
    A headers exchange looks at every dimension instead: it is a header."""


class Binding(Config):
    """Which messages of the exchange a queue gets; given alone, a string is the binding key."""

    shorthand = "routing_key"
    not_modelled = NotModelled("rabbitmq", "binding")

    routing_key: str = ""
    """direct: the key; topic: words and `*` (one word) or `#` (any number); x-consistent-hash: the
    queue's weight."""
    source: str = ""
    """The exchange; one that some queue has as its `x-dead-letter-exchange` has its dead letters,
    any other is the one where messages are published."""
    arguments: dict[str, str] = Field(default_factory=dict)
    """headers: the values to match, by dimension, and `x-match`: all (the default) or any."""

    @model_validator(mode="after")
    def _matches(self) -> Self:
        if (given := self.arguments.get("x-match", "all")) not in ("all", "any"):
            raise ValueError(f"'x-match' is 'all' or 'any', not {given!r}")
        return self
