"""The limits that acted, in lines: those first that did harm."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.foundation.text import clock, count, names
from sim.words.binds import BY_HARM, Row, is_of, waited_on
from sim.words.standings import Pace, standings
from sim.words.waits import MOST_TARGETS, ActedLimit, Split, acted, often, splits

if TYPE_CHECKING:
    from sim.measure.tables import Tables

MOST_LIMITS = 3
"""Limits that are named where there is little room."""


def limits_that_acted(tables: "Tables", finest_s: float, most: int = MOST_LIMITS) -> list[str]:
    """The limits that acted, a line each, in the order of the harm that they did.

    First those that can be why messages were lost, dead-lettered or repeated where some were; then
    those on what the messages of a group that falls behind wait for; then the others, those of
    systems that fall behind first; of alike ones the earliest.

    Args:
        tables: of the run.
        finest_s: to what fraction of a second times are told.
        most: lines; one more says how many limits are left.
    """
    paces = {
        str(standing.worst["system"].iloc[0]): standing.pace
        for standing in standings(tables.summary, tables.duration_s)
    }
    rows = tables.summary.to_dict("records")
    its = splits(tables.waits)

    def key(limit: ActedLimit) -> tuple[int, int, float]:
        pace = paces.get(limit.system, Pace.LEVEL)
        return (_rank(limit, rows, its, pace), -pace, limit.first_s)

    found = sorted(acted(tables.limits), key=key)
    alike: dict[tuple[str, str], list[ActedLimit]] = {}
    for limit in found:
        alike.setdefault((limit.name, limit.what), []).append(limit)
    out = [_line(tables, those, finest_s) for those in list(alike.values())[:most]]
    return [*out, f"{count(len(alike) - most)} more"] if len(alike) > most else out


def _line(tables: "Tables", alike: Sequence[ActedLimit], finest_s: float) -> str:
    """One limit, as it acted in one system or alike in several."""
    groups = tables.summary.groupby("system")["group"].agg(list).to_dict()
    whose = [
        limit.system
        if groups.get(limit.system) == [limit.group]
        else f"{limit.system}.{limit.group}"
        for limit in alike
    ]
    first = alike[0]
    if len(alike) > MOST_TARGETS:
        whom = f"{count(len(alike))} groups"
    else:
        whom = names(whose) + (f" ({first.whom})" if len(alike) == 1 and first.whom else "")
    first_s = min(limit.first_s for limit in alike)
    last_s = max(limit.last_s for limit in alike)
    when = clock(first_s, finest_s)
    if last_s > first_s:
        when += f" to {clock(last_s, finest_s)}"
    times = sum(limit.times for limit in alike)
    return f"{first.name} in {whom}: {first.what}, {often(times)}, {when}"


def _rank(limit: ActedLimit, rows: Sequence[Row], its: Sequence[Split], pace: Pace) -> int:
    """How grave what it did may be; the lowest is the gravest."""
    for rank, (harm, keys) in enumerate(BY_HARM.items()):
        if limit.key in keys and any(is_of(limit, row) and row[harm] > 0 for row in rows):
            return rank
    late = pace > Pace.LEVEL and any(limit.key in waited_on(s) for s in its if _same(limit, s))
    return len(BY_HARM) + (not late)


def _same(limit: ActedLimit, split: Split) -> bool:
    return limit.system == split.system and limit.group in (split.group, "publisher")
