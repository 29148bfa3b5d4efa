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
    peak: str | None = None
    """Messages in the middle of the time: `500/s`; None: no more than else."""
    peak_lasts: str | None = None
    """How long they come so fast: `2m`; None: a fifth of the time."""


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
    lasts_s = _number("lasts", asked.lasts, seconds)
    arrivals = _arrivals(asked, rate, lasts_s)
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
        *arrivals,
        _keys(max(rate, _peak_rate(asked)), work_s),
        f"  service: {{work: {{exponential: {asked.work}}}}}  # or {{constant: {asked.work}}}, or "
        "{quantiles: {p50: …, p99: …}}",
        "needs: {loss: none, max_delay: 10 s}  # met or not, for each system",
        "systems:",
    ]
    for product in asked.products:
        body = Template(known[product]).substitute(filled)
        lines += [f"  {product}:", f"    product: {product}", indent(body.rstrip("\n"), "    ")]
    return "\n".join(lines) + "\n"


_KEYS, _ZIPF = 1_000, 0.8
_ONE_CONSUMER = 0.5
"""A draft's hottest key keeps a consumer busy for this share of the time at most."""


def _keys(rate: float, work_s: float) -> str:
    """Keys of which some are hotter than others, if one consumer can do the hottest in order."""
    hottest = 1 / sum(rank**-_ZIPF for rank in range(1, _KEYS + 1))
    alike = hottest * rate * work_s > _ONE_CONSUMER
    its, why = (
        (f"count: {_KEYS}", f"; zipf {_ZIPF}: some have far more than others")
        if alike
        else (f"count: {_KEYS}, zipf: {_ZIPF}", "; zipf 0: all alike")
    )
    return f"  keys: {{key: {{{its}}}}}  # whose order matters{why}"


def _peak_rate(asked: Asked) -> float:
    return 0.0 if asked.peak is None else _number("peak", asked.peak, per_second)


_TIMES = 10.0
"""So many times the rate is the peak that a draft shows how to write."""


def _arrivals(asked: Asked, rate: float, lasts_s: float) -> tuple[str, str]:
    """A constant rate with a peak in a comment, or the other way round.

    Raises:
        LabError: the peak is no rate, or lasts as long as everything.
    """
    peak = asked.peak or f"{_TIMES * rate:g}/s"
    _number("peak", peak, per_second)
    if asked.peak is None and asked.peak_lasts is not None:
        raise LabError("peak-lasts goes with a peak")
    peak_s = lasts_s / 5
    if asked.peak_lasts is not None:
        peak_s = _number("peak-lasts", asked.peak_lasts, seconds)
    if peak_s >= lasts_s:
        raise LabError(f"peak-lasts: must be less than all of the time, {asked.lasts}")
    before, during = _written((lasts_s - peak_s) / 2), _written(peak_s)
    parts = [(before, asked.rate), (during, peak), (before, asked.rate)]
    segments = ", ".join(f"{{for: {time}, rate: {its}}}" for time, its in parts)
    lines = (
        f"arrivals: {{rate: {asked.rate}}}  # also in segments: from and to, a spike, a sine",
        f"arrivals: {{profile: [{segments}]}}",
    )
    if asked.peak is None:
        return f"  {lines[0]}", f"  # {lines[1]}"
    return f"  {lines[1]}", f"  # {lines[0]}"


def _written(time_s: float) -> str:
    """A time in whole minutes, or in s."""
    return f"{time_s / 60:.0f}m" if time_s % 60 == 0 else f"{time_s:.10g}s"


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
