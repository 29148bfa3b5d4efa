"""What a scenario is about: `shows:`, the number that titles, tables and charts begin with.

It changes no run. What is not given is taken from the needs.
"""

from math import inf, nan
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config
from sim.foundation.units import PositiveRatio
from sim.scenario.needs import Needs
from sim.scenario.products.base import Name, Selection

Measure = Literal[
    "lost",
    "dead_lettered",
    "unfinished",
    "duplicates_delivered",
    "duplicates_applied",
    "out_of_order",
    "wrong_results",
    "money_misstated",
    "lag",
    "age_of_oldest",
    "time_to_drain",
    "latency",
]
"""In the glossary's words (results/glossary.md)."""


class Shows(Config):
    """What the scenario is about; a bare name is the measure."""

    shorthand = "measure"

    measure: Measure
    """The number that is told first, of the worst group of each system."""
    jobs: list[Name] = Field(default_factory=list)
    """Only groups that do one of these jobs of `workload.service` count; none given: all."""
    quantile: Annotated[PositiveRatio, Field(le=1)] = 0.99
    """Of the latency: what this share of the messages stays within."""
    of: Selection | None = None
    """Of the latency: values, by dimension of `workload.keys`, of the messages that count."""
    without: Selection | None = None
    """Of the latency: values of messages that do not count."""
    quick: bool = False
    """Of the latency: without the messages that a job's `slow` made slow."""
    called: str = ""
    """What the messages that count are called, as in "quiet tenants"."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.measure != "latency":
            for key in ("quantile", "of", "without", "quick", "called"):
                if self.given(key):
                    raise ValueError(f"{key!r} is of 'measure: latency'")
        elif self.part and not self.called:
            raise ValueError(
                "'called' is missing; a name for the messages that count, as in quiet tenants"
            )
        return self

    @property
    def part(self) -> bool:
        """Whether only some of the messages count."""
        return bool(self.of or self.without or self.quick)


class Shown(NamedTuple):
    """What a scenario is about, and what may be needed of it."""

    shows: Shows
    bound: float
    """What it may be at most; inf: anything; NaN: nobody said."""


def shown(shows: Shows | None, needs: Needs | None) -> Shown | None:
    """What a scenario is about: as it says, or else the first of its needs.

    Of the needs, those of a few scenarios come first: order, no double effects, the delay, the time
    to drain, no loss.
    """
    if shows is not None:
        return Shown(shows, _bound(shows, needs or Needs()) if needs else nan)
    if needs is None:
        return None
    asked = (
        (needs.order != "none", Shows(measure="out_of_order")),
        (needs.double_effects == "none", Shows(measure="duplicates_applied")),
        (needs.max_delay is not None, Shows(measure="latency", quantile=needs.quantile)),
        (needs.drain is not None, Shows(measure="time_to_drain")),
        (needs.loss != "some", Shows(measure="lost")),
    )
    found = next((its for wanted, its in asked if wanted), None)
    return None if found is None else Shown(found, _bound(found, needs))


def _bound(shows: Shows, needs: Needs) -> float:
    """What of a measure is needed at most; shares of messages are left to the needs."""
    if shows.jobs:
        return nan
    match shows.measure:
        case "out_of_order":
            return inf if needs.order == "none" else 0.0
        case "duplicates_applied":
            return inf if needs.double_effects == "allowed" else 0.0
        case "time_to_drain":
            return inf if needs.drain is None else needs.drain
        case "lost" if needs.loss == "none":
            return 0.0
        case "latency" if not shows.part and shows.quantile == needs.quantile:
            return inf if needs.max_delay is None else needs.max_delay
    return nan
