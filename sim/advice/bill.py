"""What a system costs an hour: what the run counted, times the prices of `prices.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from sim.advice.data import Price, Prices, Quantity, Stored
from sim.advice.trial import Trial

_WITH_MESSAGES = ("send", "receive")
WORKER = "worker"
"""The price of every worker or consumer, whatever the system."""


@dataclass(frozen=True)
class BillLine:
    """One line of a bill."""

    what: str
    """The price's name."""
    quantity: float
    """Requests, hours or GB-months in an hour."""
    unit: str
    usd_per_hour: float
    assumption: bool


def bill(
    quantities: Mapping[str, Quantity],
    trial: Trial,
    *,
    messages: int,
    message_bytes: float,
    prices: Prices,
) -> list[BillLine]:
    """The lines of a bill, for an hour like those of the run.

    Args:
        quantities: price by name, and how much of it, as in a preset.
        trial: the run.
        messages: that were sent in the run.
        message_bytes: size of each.
        prices: what things cost.
    """
    per_hour = messages / trial.hours
    lines = []
    for name, quantity in {**quantities, WORKER: sum(trial.workers.values())}.items():
        price = prices.prices[name]
        if isinstance(quantity, Stored):
            # Kept so long, this much is there at any time; an hour of it is 1/730 of a month.
            gb = per_hour * message_bytes / 1e9 * quantity.copies * quantity.keep / 3600
            amount = gb / prices.hours_per_month
        elif quantity == "requests":
            amount = _requests(trial, message_bytes, price) / trial.hours
        elif quantity == "messages":
            amount = per_hour * (ceil(message_bytes / price.chunk) if price.chunk else 1)
        else:
            amount = float(trial.partitions if quantity == "partitions" else quantity)
        lines.append(_line(name, amount, price))
    return lines


def _requests(trial: Trial, message_bytes: float, price: Price) -> float:
    """Calls; those with messages in them count once for each chunk, as far as these are full."""
    sent = sum(seen.produced for seen in trial.seen)
    full = sent * message_bytes / price.chunk if price.chunk else 0.0
    return sum(
        max(calls, full) if kind in _WITH_MESSAGES else calls
        for kind, calls in trial.requests.items()
    )


def _line(name: str, amount: float, price: Price) -> BillLine:
    usd = amount * price.price / price.per.number
    return BillLine(name, amount, price.per.of, usd, price.assumption)


def total(lines: list[BillLine]) -> float:
    """Of an hour."""
    return sum(line.usd_per_hour for line in lines)
