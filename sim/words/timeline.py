"""What happened in a run, in the order of time: faults and what they led to, peaks, drains.

Faults, expired sessions, rebalances and alarms come from the table ``faults``; when each system had
most messages waiting, first processed one out of order and was drained, from summary and series;
limits that acted, from the table of these.
What happens to several systems at once is one line, and what happens often is counted.
"""

import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.foundation.text import clock, count, duration, names
from sim.measure.burrow import WORDS
from sim.words.waits import acted, often

if TYPE_CHECKING:
    from sim.measure.tables import Tables

MOST = 60
"""Lines after which what happens often is counted instead of told one by one."""
WIDTHS_S = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 864_000)
"""Spans over which it is counted, the narrowest that will do."""
EVERYWHERE = "every system"
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Event:
    """A line of the timeline."""

    at_s: float
    until_s: float
    """When it ended: at once (`at_s`), later, or never (inf)."""
    systems: tuple[str, ...]
    what: str
    fault: bool
    """Whether it is from the table of faults, rather than read off the numbers."""


def timeline(tables: "Tables", most: int = MOST) -> list[Event]:
    """The events of a run by time, in about `most` lines."""
    finest_s = resolution_s(tables)
    every = _faults(tables, finest_s)
    faults = _at_once(_together(every))
    seen = _at_once([*_seen(tables, finest_s), *_limits(tables, finest_s)])
    for width_s in WIDTHS_S:
        if len(faults) + len(seen) <= most:
            break
        faults = _at_once(_counted(every, width_s))
    return sorted([*faults, *seen], key=lambda e: (e.at_s, not e.fault))


def resolution_s(tables: "Tables") -> float:
    """To what fraction of a second the times of a run are worth telling."""
    return 1.0 if tables.duration_s >= 600 else 0.1 if tables.duration_s >= 60 else 0.001


def whom(event: Event, systems: Sequence[str]) -> str:
    """The systems of an event, of all `systems`, in few words."""
    others = [system for system in systems if system not in event.systems]
    if not others:
        return EVERYWHERE if len(systems) > 1 else names(systems)
    if len(others) < 4 and len(others) < len(event.systems) / 2:
        return f"all but {names(others)}"
    return names(event.systems)


def when(event: Event, finest_s: float) -> str:
    """The time of an event, and until when it lasted if it did."""
    if math.isinf(event.until_s):
        return f"{clock(event.at_s, finest_s)} to the end"
    if event.until_s > event.at_s:
        return f"{clock(event.at_s, finest_s)} to {clock(event.until_s, finest_s)}"
    return clock(event.at_s, finest_s)


def _faults(tables: "Tables", finest_s: float) -> list[Event]:
    columns = (tables.faults[name] for name in ("system", "t_s", "until_s", "text"))
    return [
        Event(_rounded(t_s, finest_s), _rounded(until_s, finest_s), (str(system),), text, True)
        for system, t_s, until_s, text in zip(*columns, strict=True)
    ]


def _rounded(t_s: float, finest_s: float) -> float:
    return t_s if math.isinf(t_s) else round(round(t_s / finest_s) * finest_s, 3)


def _together(events: Iterable[Event]) -> list[Event]:
    """One event for those of a system at one time whose words differ in their last number."""
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    first: dict[tuple[object, ...], Event] = {}
    for event in events:
        head, number, tail = _last_number(event.what)
        key = (event.at_s, event.until_s, event.systems, head, tail)
        first.setdefault(key, event)
        alike[key].append(number)
    out = []
    for those, one in first.items():
        head, _, tail = _last_number(one.what)
        out.append(replace(one, what=f"{head}{names(list(dict.fromkeys(alike[those])))}{tail}"))
    return out


def _last_number(words: str) -> tuple[str, str, str]:
    found = list(re.finditer(r"(?<![\w.,])\d+(?![\w.,])", words))
    if not found:
        return words, "", ""
    start, end = found[-1].span()
    return words[:start], words[start:end], words[end:]


def _at_once(events: Iterable[Event]) -> list[Event]:
    """One event for what happens alike and at the same time in several systems."""
    systems: dict[Event, list[str]] = defaultdict(list)
    for event in events:
        systems[replace(event, systems=())] += event.systems
    return [replace(event, systems=tuple(dict.fromkeys(those))) for event, those in systems.items()]


def _counted(events: Iterable[Event], width_s: float) -> list[Event]:
    """One event for all of a system within `width_s` whose words differ only in numbers."""
    alike: dict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in events:
        kind = _NUMBER.sub("", event.what)
        alike[(event.at_s // width_s, event.systems, kind)].append(event)
    out = []
    for those in alike.values():
        first, until_s = those[0], max(event.until_s for event in those)
        if len(those) == 1:
            out.append(first)
            continue
        last_s = max(until_s if math.isfinite(until_s) else 0.0, those[-1].at_s)
        words = " ".join(_NUMBER.sub("", first.what).replace(" ( of )", "").split()).rstrip(": ")
        out.append(replace(first, until_s=last_s, what=f"{words}: {count(len(those))} times"))
    return out


def _seen(tables: "Tables", finest_s: float) -> list[Event]:
    """What the numbers show: the end of arrivals, peaks, first violations of order, drains."""
    every = tuple(str(system) for system in tables.summary["system"].unique())
    said = [(tables.duration_s, every, "arrivals end")]
    disorder = tables.series[tables.series["violations"] > 0]
    first_s = disorder.groupby("system", sort=False)["t_s"].min().to_dict()
    for system, rows in tables.summary.groupby("system", sort=False):
        who = (str(system),)
        worst = _highest(rows, "max_lag")
        if worst["max_lag"]:
            group = f" in {worst['group']}" if len(rows) > 1 else ""
            words = f"most waiting: {count(worst['max_lag'])}{group}"
            said.append((worst["max_lag_at_s"], who, words))
        if system in first_s:
            said.append((first_s[system], who, "first message processed out of order"))
        said += [(at_s, who, words) for at_s, words in _burrow(tables, str(system), len(rows) > 1)]
        drained_s, words = _drained(rows, tables)
        said.append((drained_s, who, words))
    return [
        Event(_rounded(at_s, finest_s), _rounded(at_s, finest_s), who, words, False)
        for at_s, who, words in said
    ]


def _limits(tables: "Tables", finest_s: float) -> list[Event]:
    """Each limit that acted, once: from when it first did to when it last did."""
    out = []
    for limit in acted(tables.limits):
        first_s, last_s = (_rounded(t_s, finest_s) for t_s in (limit.first_s, limit.last_s))
        several = (tables.summary["system"] == limit.system).sum() > 1
        whose = [limit.group] if several else []
        whom = f" ({', '.join(filter(None, [*whose, limit.whom]))})" if whose or limit.whom else ""
        words = f"{limit.name}{whom}: {limit.what}"
        words += "" if limit.times == 1 else f", {often(limit.times)}"
        out.append(Event(first_s, last_s, (limit.system,), words, False))
    return out


def _highest(rows: pd.DataFrame, column: str) -> dict[Hashable, Any]:
    return rows.sort_values(column, ascending=False, kind="stable").to_dict("records")[0]


def _burrow(tables: "Tables", system: str, several: bool) -> list[tuple[float, str]]:
    """When each group of a log was first said to be worse off than ever before."""
    if not len(tables.burrow):
        return []
    out = []
    for group, rows in tables.burrow[tables.burrow["system"] == system].groupby("group"):
        of = f" of {group}" if several else ""
        worst = rows["status"].map(WORDS.index).cummax()
        for at_s, status in rows[worst.diff() > 0][["t_s", "status"]].itertuples(index=False):
            out.append((at_s, f"Burrow would say {status}{of}"))
    return out


def _drained(rows: pd.DataFrame, tables: "Tables") -> tuple[float, str]:
    """When the last message of a system was processed, or that it never was."""
    slowest = _highest(rows, "drain_s")
    drain_s = slowest["drain_s"]
    if math.isinf(drain_s):
        left = f"{count(rows['unfinished'].sum())} left unfinished"
        return float(tables.series["t_s"].max()), f"the run ends with {left}"
    if drain_s <= 1:
        return tables.duration_s + drain_s, "drained"
    last = f", {slowest['group']} last" if len(rows) > 1 else ""
    after = f"drained, {duration(drain_s)} after arrivals end{last}"
    return tables.duration_s + drain_s, after
