"""What a system costs and what it gets for it: harm against latency or throughput, and in words.

A system stands for its worst group: the most harm, the longest latency, the lowest throughput.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sim.foundation.text import count, duration, names, rate

if TYPE_CHECKING:
    from sim.measure.tables import Tables

HARMS = {
    "lost": "lost",
    "double_effects": "duplicates applied",
    "violations": "processed out of order",
    "misstatement": "booked wrongly",
}
"""Column of `points` -> what becomes of a message, or of money; the gravest first."""
HEADINGS = {
    "lost": "messages lost",
    "double_effects": "duplicates applied",
    "violations": "messages out of order",
    "misstatement": "books wrong by, in money",
}
"""Column of `points` -> the name of its axis."""


class PriceWords(NamedTuple):
    """What a system may cost."""

    noun: str
    axis: str
    """The name of its axis."""
    say: Callable[[float], str]


PRICES = {
    "latency_p99_s": PriceWords(
        "latency", "99 % of messages within", lambda s: f"99 % within {duration(s)}"
    ),
    "throughput": PriceWords("throughput", "messages per second", rate),
}
"""By column of `points`."""
LIKE = 0.1
"""Prices this close, as a share, are as good as the same."""


def points(runs: Sequence[tuple[str, "Tables"]]) -> pd.DataFrame:
    """A row per system of each run, given as label and tables.

    Columns: ``run`` (its place), ``name`` in a sentence and ``short`` where the run is clear,
    ``kind``, the harms and the prices; NaN where nothing was processed. Throughput, 1/s: messages
    processed until the last was.
    """
    rows = []
    for place, (label, tables) in enumerate(runs):
        last_s = float(tables.series["t_s"].max()) if len(tables.series) else 0.0
        books = _misstatements(tables)
        for system, groups in tables.summary.groupby("system", sort=False):
            ends_s = (tables.duration_s + groups["drain_s"]).replace(np.inf, last_s)
            throughput = (groups["processed"] / ends_s.where(ends_s > 0)).min()
            alone = tables.summary["system"].nunique() == 1
            rows.append(
                {
                    "run": place,
                    "name": _name(str(system), label, len(runs) > 1, alone),
                    "short": label if alone and len(runs) > 1 else str(system),
                    "kind": groups["kind"].iloc[0],
                    **{harm: groups[harm].max() for harm in HARMS if harm in groups},
                    "misstatement": books.get(system, 0.0),
                    "latency_p99_s": groups["latency_p99_s"].max(skipna=False),
                    "throughput": throughput if groups["processed"].all() else math.nan,
                }
            )
    return pd.DataFrame(rows)


def _misstatements(tables: "Tables") -> dict[object, float]:
    if not len(tables.ledger):
        return {}
    cents = tables.ledger.groupby("system")["misstatement_cents"].sum()
    return {system: float(n) / 100 for system, n in cents.items()}


def _name(system: str, label: str, several: bool, alone: bool) -> str:
    if not several:
        return system
    return label if alone else f"{system}, {label}"


def harms_of(found: pd.DataFrame) -> list[str]:
    """The harms that any of these `points` did, the gravest first; loss if none did any."""
    return [harm for harm in HARMS if found[harm].any()] or ["lost"]


def about(found: pd.DataFrame, price: str) -> str:
    """Who does least of the gravest harm, who is cheapest, and who does no harm of any kind.

    `found`: `points`.
    """
    known = found.dropna(subset=[price])
    if known.empty:
        return "No message was processed"
    harms = harms_of(known)
    harm = harms[0]
    cheapest_first = known.sort_values(price, ascending=price != "throughput", kind="stable")
    cheapest = cheapest_first.iloc[0]
    spared = cheapest_first[cheapest_first[harm] == cheapest_first[harm].min()]
    best = spared.iloc[0]
    alike = [str(n) for n in spared["name"][(spared[price] / best[price] - 1).abs() <= LIKE]]
    if abs(best[price] / cheapest[price] - 1) <= LIKE:
        verb = "does" if len(alike) == 1 else "do"
        words = f"{_some(alike)} {verb} best in both: {_say(best, harm, price)}"
    else:
        words = (
            f"{_some(alike)}: {_say(best, harm, price)}; "
            f"{cheapest['name']}: {_say(cheapest, harm, price)}"
        )
    if len(harms) == 1 or len(known) == 1:
        return words
    clean = [str(n) for n in cheapest_first["name"][~cheapest_first[harms].any(axis=1)]]
    if not clean:
        return f"{words}; none is spared every harm"
    return f"{words}; no harm of any kind in {_some(clean)}"


def _some(who: Sequence[str]) -> str:
    return names(who) if len(who) < 4 else f"{who[0]} and {len(who) - 1} others"


def _say(point: "pd.Series[float]", harm: str, price: str) -> str:
    what = {"misstatement": "nothing", "double_effects": "no"}.get(harm, "no message")
    much = count(point[harm]) if point[harm] else what
    return f"{much} {HARMS[harm]}, {PRICES[price].say(point[price])}"
