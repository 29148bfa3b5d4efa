"""The bill of a system: a line for each thing that is billed, and the bills of a whole run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sim.costs.amounts import amounts
from sim.costs.prices import Prices, prices
from sim.costs.use import Use, use_of
from sim.measure.tables import Tables
from sim.scenario.load import Scenario
from sim.scenario.products.base import ProductSystem


@dataclass(frozen=True)
class BillLine:
    """One line of a bill."""

    what: str
    """The price's name."""
    quantity: float
    """How much of the unit an hour takes."""
    unit: str
    """requests, hours, GB-months, GB or GB-seconds."""
    price: float
    """Of one of them, USD."""
    usd_per_hour: float
    assumption: bool
    """Whether no official page backs the price."""
    source: str
    """What of the price was read."""
    read: str
    """When."""


def bill(system: ProductSystem, use: Use, at: Prices) -> list[BillLine]:
    """The lines of a bill, for an hour like those of the run.

    Args:
        system: its configuration.
        use: what the run used of it.
        at: what things cost.
    """
    quantities: dict[str, float] = {}
    for name, amount in amounts(system, use, at):
        quantities[name] = quantities.get(name, 0.0) + amount
    return [_line(name, amount, at) for name, amount in quantities.items()]


def _line(name: str, amount: float, at: Prices) -> BillLine:
    its = at.prices[name]
    each = its.price / its.per.number
    return BillLine(
        name, amount, its.per.of, each, amount * each, its.assumption, its.source, its.read
    )


def total(lines: Sequence[BillLine]) -> float:
    """Of an hour, USD."""
    return sum(line.usd_per_hour for line in lines)


def bills(
    scenario: Scenario, tables: Tables, at: Prices | None = None
) -> Mapping[str, list[BillLine]]:
    """The lines of each system of a run, by its name, in the scenario's order.

    Args:
        scenario: that was run.
        tables: what it gave.
        at: what things cost; None: `sim.costs.prices.prices`.
    """
    at = at or prices()
    there = set(tables.summary["system"])
    return {
        name: bill(system, use_of(scenario, tables, name), at)
        for name, system in scenario.systems.items()
        if name in there
    }


def bill_table(scenario: Scenario, tables: Tables, at: Prices | None = None) -> pd.DataFrame:
    """[systems x lines] ``system``, ``what``, ``quantity`` an hour of ``unit``, ``price`` of one,
    ``usd_per_month``, ``assumption``, ``source`` and the day it was ``read``.

    Args:
        scenario: that was run.
        tables: what it gave.
        at: what things cost; None: `sim.costs.prices.prices`.
    """
    at = at or prices()
    rows = [
        {
            "system": system,
            "what": line.what,
            "quantity": line.quantity,
            "unit": line.unit,
            "price": line.price,
            "usd_per_month": line.usd_per_hour * at.hours_per_month,
            "assumption": line.assumption,
            "source": line.source,
            "read": line.read,
        }
        for system, lines in bills(scenario, tables, at).items()
        for line in lines
    ]
    return pd.DataFrame(rows)


def usd_per_month(
    scenario: Scenario, tables: Tables, at: Prices | None = None
) -> Mapping[str, float]:
    """What each system of a run would cost a month of such hours, USD."""
    at = at or prices()
    return {
        name: total(lines) * at.hours_per_month
        for name, lines in bills(scenario, tables, at).items()
    }
