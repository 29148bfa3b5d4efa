"""The two files that `sim advise` reads: what the systems are, and what they cost."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from ruamel.yaml import YAML

from sim.foundation.config import Config
from sim.foundation.units import Count, PositiveBytes, PositiveRatio, PositiveSeconds, Ratio, count

Unit = Literal["requests", "hours", "GB-months"]


class Per(Config):
    """So many of something."""

    number: PositiveRatio
    """How many."""
    of: Unit
    """Of what."""


def _per(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    number, _, of = value.partition(" ")
    return {"number": count(number), "of": of}


class Price(Config):
    """What something costs."""

    price: Ratio
    """In the file's currency."""
    per: Annotated[Per, BeforeValidator(_per)]
    """For so many requests, hours or GB-months."""
    chunk: PositiveBytes | None = None
    """A request counts once for each started chunk of its message."""
    assumption: bool = False
    """Whether no official page backs it."""
    source: str
    """What was really read."""
    read: Annotated[str, BeforeValidator(str)]
    """When."""
    see: str | None = None
    """The official page."""


class Prices(Config):
    """`prices.yaml`."""

    date: Annotated[str, BeforeValidator(str)]
    """When the prices were looked up."""
    currency: str
    """Of all prices."""
    region: str
    """Where they hold."""
    hours_per_month: PositiveRatio
    """For the bill of a month."""
    prices: dict[str, Price]
    """By name."""


class Stored(Config):
    """What a log keeps."""

    copies: Count
    """Replicas."""
    keep: PositiveSeconds
    """For how long."""


Quantity = Stored | Count | Literal["requests", "messages", "partitions"]


class Preset(Config):
    """A system of `presets.yaml`."""

    title: str
    """In words."""
    only: Literal["several_jobs", "publisher"] | None = None
    """When it applies; null: always."""
    system: dict[str, Any]
    """As in a scenario, with the words that the file explains."""
    publisher: dict[str, Any] = Field(default_factory=dict)
    """Merged into it where faults strike publishers or brokers."""
    bill: dict[str, Quantity]
    """Prices by name, and how much of each."""


def _read(name: str) -> Any:
    return YAML(typ="safe").load((files("sim.advice") / name).read_text("utf-8"))


@cache
def presets() -> Mapping[str, Preset]:
    """The systems to try, by name."""
    return {name: Preset.model_validate(entry) for name, entry in _read("presets.yaml").items()}


@cache
def prices() -> Prices:
    """What they cost."""
    return Prices.model_validate(_read("prices.yaml"))
