"""What the owner of a workload needs of whatever carries it: `needs:` of a scenario.

A run says which of its systems meet these, and `sim advise` looks for those that do. None of them
changes what a run does.
"""

import re
from math import inf
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from sim.foundation.config import Config
from sim.foundation.text import messages
from sim.foundation.units import PositiveRatio, PositiveSeconds, Seconds, count, share, shown
from sim.scenario.products.base import Name, Selection

_MESSAGES = re.compile(r"\s*(\S+)\s+messages?\s*")


def _tolerance(value: Any) -> str | float:
    if value in ("none", "some"):
        return str(value)
    number = _MESSAGES.fullmatch(value) if isinstance(value, str) else None
    try:
        if number is not None:
            return _in_messages(count(number[1]))
        return share(value)
    except ValueError:
        raise ValueError(
            "expected none, some, or a share such as 0.001 or 0.1 %, or a number such as "
            f"5 messages, not {shown(value)}"
        ) from None


def _in_messages(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"


Tolerance = Annotated[
    str | float,
    PlainValidator(_tolerance),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["none", "some"]},
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^\s*[\d._e-]+\s*(%|messages?)?\s*$"},
            ]
        }
    ),
]
"""How many messages there may be of what is better not there: none, some (any number), a share of
all, or a number."""


class Most(NamedTuple):
    """A `Tolerance` as a limit."""

    value: float
    """A share of the messages, or a number of them; inf: any number."""
    of_produced: bool
    """Whether it is a share."""
    said: str
    """As it was stated: `none`, `0.1 %`, `5 messages`."""

    def of(self, n: float, produced: float) -> float:
        """What there is, to be held against `value`: n of so many messages."""
        return n / max(1.0, produced) if self.of_produced else n

    def number(self, produced: float) -> float:
        """Messages that there may be of so many."""
        return self.value * produced if self.of_produced else self.value


def most(tolerance: str | float) -> Most:
    """What a tolerance comes to.

    Args:
        tolerance: as `Needs` has it.
    """
    if tolerance == "some":
        return Most(inf, False, "some")
    if tolerance == "none":
        return Most(0.0, True, "none")
    if isinstance(tolerance, str):
        number = count(tolerance.split()[0])
        return Most(float(number), False, messages(number))
    return Most(tolerance, True, f"{100 * tolerance:.6g} %")


class Needs(Config):
    """What is needed; what is left out does not matter."""

    loss: Tolerance = "some"
    """Messages that may be lost: none, some (any number), a share such as 0.001 or 0.1 %, or a
    number such as 5 messages."""
    dead_letters: Tolerance = "some"
    """Messages that may be put aside after failing too often, likewise: somebody must look at each
    of them."""
    double_effects: Literal["none", "allowed"] = "allowed"
    """Whether a message may take effect twice; allowed where effects are idempotent."""
    order: Literal["none", "per_key", "total"] = "none"
    """Which messages must be processed in the order of creation: those of the same key
    (`workload.order_by`), or all."""
    replay: Literal["no", "required"] = "no"
    """Whether messages that were processed must still be there, to be processed again."""
    max_delay: PositiveSeconds | None = None
    """From the creation of a message to its processing, at most; see `quantile`."""
    quantile: Annotated[PositiveRatio, Field(le=1)] = 0.99
    """Of all messages this share must keep `max_delay`; 1: every one. Rounded up to whole percent,
    and beyond 0.99 to 0.995, 0.999, 0.9995 or 0.9999."""
    drain: Seconds | None = None
    """From the end of arrivals until nothing is left to do, at most."""
    consumer_crash: Literal["survives", "unlikely"] = "unlikely"
    """survives: the other needs hold although a consumer of each job is killed half-way."""
    readers: Literal["independent", "together"] = "together"
    """independent: a job that is slow must not hold up the others."""
    routing: dict[Name, Selection] = Field(default_factory=dict)
    """Values, by dimension of `workload.keys`, of the messages that a job wants; jobs that are not
    named want all."""
    unwanted: Literal["none", "allowed"] = "none"
    """Whether a job may be handed messages that it does not want, to throw them away. (A log is one
    topic here; a topic for each kind of message would be routing by the producer.)"""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.max_delay is None and self.given("quantile"):
            raise ValueError("'quantile' needs a 'max_delay'")
        if not self.routing and self.given("unwanted"):
            raise ValueError("'unwanted' needs a 'routing'")
        return self
