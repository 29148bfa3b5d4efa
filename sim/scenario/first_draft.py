"""A first scenario of one's own, in a text of comments and keys."""

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from string import Template
from textwrap import indent
from typing import NamedTuple

from ruamel.yaml import YAML

from sim.foundation.errors import LabError, unknown
from sim.foundation.units import per_second, seconds
from sim.scenario.load import folder_name

_CHILDREN = 4
"""Of a Celery worker, in its draft."""
_BUSY = 0.7
"""Consumers are as many as are busy for this share of the time, where nobody says how many."""


class Asked(NamedTuple):
    """What a person says of what is to be tried."""

    name: str
    """Of the scenario."""
    products: Sequence[str]
    """One system of each."""
    rate: str
    """Messages: `50/s`, `3M/h`."""
    work: str
    """Time that one takes: `20 ms`."""
    lasts: str
    """How long they come: `10m`."""
    consumers: int | None = None
    """Of each system; None: enough."""
    file: str | None = None
    """Into which it is written; None: its name with `.yaml`."""


def drafts() -> dict[str, str]:
    """The system of each product, as a text."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    found: dict[str, str] = YAML(typ="safe", pure=True).load(text)
    return found


def draft(asked: Asked) -> str:
    """The scenario file.

    Raises:
        LabError: a name, product, rate or time is none.
    """
    try:
        folder_name(asked.name)
    except ValueError as error:
        raise LabError(f"{asked.name!r}: {error}") from None
    known = drafts()
    if not asked.products:
        raise LabError(f"no product is named; known: {', '.join(known)}")
    for product in asked.products:
        if product not in known:
            raise LabError(unknown("product", product, list(known)))
    rate, work_s = _number("rate", asked.rate, per_second), _number("work", asked.work, seconds)
    _number("lasts", asked.lasts, seconds)
    consumers = asked.consumers or max(1, ceil(round(rate * work_s / _BUSY, 9)))
    filled = {
        "consumers": consumers,
        "partitions": max(consumers, 6),
        "workers": ceil(consumers / _CHILDREN),
    }
    file = asked.file or f"{asked.name}.yaml"
    plain = isinstance(YAML(typ="safe", pure=True).load(asked.name), str)  # 12, true: not without
    lines = [
        f"# `sim run {file}`; `sim explain {file}` if it falls behind.",
        f"name: {asked.name}" if plain else f"name: '{asked.name}'",
        f"duration: {asked.lasts}",
        "workload:",
        f"  arrivals: {{rate: {asked.rate}}}  # or a profile of segments: a ramp, a spike, a sine",
        "  keys: {key: {count: 1000, zipf: 0.8}}  # whose order matters; zipf 0: all alike",
        f"  service: {{work: {{exponential: {asked.work}}}}}  # or {{constant: {asked.work}}}, or "
        "{quantiles: {p50: …, p99: …}}",
        "needs: {loss: none, max_delay: 10 s}  # met or not, for each system",
        "systems:",
    ]
    for product in asked.products:
        body = Template(known[product]).substitute(filled)
        lines += [f"  {product}:", f"    product: {product}", indent(body.rstrip("\n"), "    ")]
    return "\n".join(lines) + "\n"


def _number(what: str, text: str, read: Callable[[object], float]) -> float:
    """A number of more than 0.

    Raises:
        LabError: it is none.
    """
    try:
        number = read(text)
    except ValueError as error:
        raise LabError(f"{what}: {error}") from None
    if number <= 0:
        raise LabError(f"{what}: must be more than 0, not {text!r}")
    return number
