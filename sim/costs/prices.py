"""What things cost: `prices.yaml`, or a file of one's own in its form."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sim.foundation import document
from sim.foundation.config import Config
from sim.foundation.errors import LabError, ScenarioError, unknown
from sim.foundation.units import PositiveBytes, PositiveCount, PositiveRatio, Ratio, count
from sim.scenario import explain

Unit = Literal["requests", "hours", "GB-months", "GB", "GB-seconds"]


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
    """For so many requests, hours, GB-months, GB or GB-seconds."""
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


class Placement(Config):
    """Where brokers and clients are; the lab's assumption, and yours to edit."""

    zones: PositiveCount = 3
    """Availability zones over which brokers and clients are spread evenly; 1: no traffic between
    zones."""
    consumers_read_near: bool = False
    """Kafka: whether consumers read from a replica in their own zone (`client.rack`, KIP-392)."""
    replication_is_billed: bool = False
    """Whether traffic between brokers is: not in Amazon MSK and Amazon MQ, but on one's own EC2."""


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
    placement: Placement = Field(default_factory=Placement)
    """Where brokers and clients are."""
    prices: dict[str, Price]
    """By name."""


def _made(text: str) -> Prices:
    return Prices.model_validate(YAML(typ="safe").load(text))


@cache
def prices() -> Prices:
    """Those that come with the lab."""
    return _made((files("sim.costs") / "prices.yaml").read_text("utf-8"))


def read_prices(path: Path) -> Prices:
    """Prices from a file in the form of `prices.yaml`; what it does not price is as in the lab's.

    Raises:
        LabError: it cannot be read, or is no such file; nothing is billed by that name, or not by
            that unit.
    """
    try:
        own = YAML(typ="safe").load(path.read_text("utf-8"))
        its = own.get("prices") or {} if isinstance(own, dict) else None
        if not isinstance(its, dict):
            raise LabError(f"{path}: expected a mapping, as in sim/costs/prices.yaml")
        base = prices().model_dump(mode="json")
        made = Prices.model_validate(base | own | {"prices": base["prices"] | its})
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise LabError(f"{path}: {error}") from None
    except ValidationError as error:
        raise ScenarioError([*explain.problems(error, Prices, document.read(path))]) from None
    shipped = prices().prices
    for name, price in made.prices.items():
        if name not in shipped:
            raise LabError(f"{path}: {unknown('price', name, list(shipped))}")
        if price.per.of != shipped[name].per.of:
            unit = shipped[name].per.of
            raise LabError(f"{path}: prices.{name}.per: is billed by {unit}, not by {price.per.of}")
    return made
