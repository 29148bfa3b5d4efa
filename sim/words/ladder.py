"""What each fix of a pipeline that keeps books removes, what it leaves, and what it costs.

The systems of a run, in the order of the scenario, are taken for a ladder: each step changes one
thing from the step before. A step *removes* a harm that was there and is gone, *cuts* one that
falls by 90 % or more, *brings* one that was not there, and *multiplies* one that grows tenfold. It
costs something where throughput or latency changes by 10 % or more.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.foundation.arrays import I64
from sim.foundation.text import count, duration, money, names, rate, share
from sim.words.findings import lost_by_place
from sim.words.standings import in_each

if TYPE_CHECKING:
    from sim.measure.tables import Tables

Row = Mapping[Hashable, Any]
"""Of `rungs`."""

MUCH = 10
"""How many times less or more of a harm counts as cut or multiplied."""
NOTICED = 0.1
"""Changes of throughput and latency below this share are not worth a word."""


@dataclass(frozen=True)
class HarmColumn:
    """A column of `rungs` of which nothing would be best."""

    column: str
    noun: str
    """In a sentence: "removes ..."."""
    unit: str
    """Singular of what is counted, as in "412 messages"; "" for money and for what the noun says.
    """

    def say(self, number: float) -> str:
        """The number alone."""
        return money(number) if self.column == "misstatement_cents" else count(number)

    def of(self, number: float) -> str:
        """The noun and the number, as in "loss (412 messages)"."""
        words = self.say(number)
        if self.unit:
            words += f" {self.unit}{'' if number == 1 else 's'}"
        return f"{self.noun} ({words})"


HARMS = (
    HarmColumn("lost", "loss", "message"),
    HarmColumn("dead_lettered", "dead-lettering", "message"),
    HarmColumn("unfinished", "an unfinished backlog", "message"),
    HarmColumn("duplicates_appended", "duplicates stored", "record"),
    HarmColumn("double_effects", "duplicates applied", ""),
    HarmColumn("double_postings", "double postings", ""),
    HarmColumn("violations", "processing out of order", "message"),
    HarmColumn("illegal_transitions", "illegal transitions", ""),
    HarmColumn("entities_wrong", "wrong final states", ""),
    HarmColumn("misstatement_cents", "misstatement", ""),
)
"""The harms, in the order in which one leads to another."""


def rungs(tables: "Tables") -> pd.DataFrame:
    """A row per system that keeps books, in the order of the scenario; numbers of all its ledgers.

    Counts are sums over its groups with a ledger, but for ``produced``; the latencies are those of
    the slowest. ``acked`` are the records that the client was told were stored; in a system whose
    client is not modelled, all but those lost in it. ``throughput``, 1/s: records acknowledged
    while input lasted; in a system without a client, messages first processed until the last was.
    """
    if tables.ledger.empty:
        return pd.DataFrame({"system": pd.Series(dtype="str")})
    both = _with_books(tables)
    places = lost_by_place(tables.fates, both)
    in_client = sum(
        (n for place, n in places.items() if place in _IN_CLIENT), np.zeros(len(both), np.int64)
    )
    last_s = (tables.duration_s + both["drain_s"]).replace(np.inf, _end_s(tables))
    both = both.assign(
        acked=both["produced"] - in_client,
        throughput=(both["processed"] / last_s.where(last_s > 0)).fillna(0.0),
    )
    how: dict[Hashable, Any] = {
        "policy": lambda policies: "/".join(dict.fromkeys(policies)),
        **dict.fromkeys(("acked", "throughput"), "min"),
        **dict.fromkeys(("produced", "latency_p50_s", "latency_p99_s"), "max"),
        **dict.fromkeys(_SUMS, "sum"),
    }
    out = both.groupby("system", sort=False).agg(how).reset_index()
    clients = tables.producer.set_index("system")
    out["client"], out["order"], out["duplicates_appended"] = "", "", 0
    for column in ("client", "order", "duplicates_appended", "acked", "throughput"):
        known = clients[column].to_dict() if column in clients else {}
        out[column] = [
            known.get(system, n) for system, n in zip(out["system"], out[column], strict=True)
        ]
    return out


def places_lost(tables: "Tables") -> dict[str, I64]:
    """Messages lost at each place that lost any, per row of `rungs`."""
    both = _with_books(tables)
    places = pd.DataFrame(lost_by_place(tables.fates, both), index=both.index)
    by_system = places.groupby(both["system"], sort=False).sum()
    return {str(place): by_system[place].to_numpy() for place in by_system}


def _with_books(tables: "Tables") -> pd.DataFrame:
    return tables.summary.merge(tables.ledger, on=["system", "group"])


_IN_CLIENT = ("producer buffer", "send expired", "rejected")
"""Places of loss in which no broker has acknowledged the message."""
_SUMS = (
    *(harm.column for harm in HARMS if harm.column != "duplicates_appended"),
    "processed",
    "entities",
    "gaps",
    "missing_postings",
    "parked_at_end",
)


def _end_s(tables: "Tables") -> float:
    last_s = float(tables.series["t_s"].max()) if len(tables.series) else 0.0
    return max(last_s, tables.duration_s)


def ledger_finding(tables: "Tables") -> str:
    """What each step down the systems removes and costs, a sentence a line; "" without books."""
    steps = rungs(tables)
    if steps.empty:
        return ""
    rows = steps.to_dict("records")
    harms = [harm.of(rows[0][harm.column]) for harm in HARMS if rows[0][harm.column]]
    said = names(harms) or "no harm"
    lines = [f"{rows[0]['system']} does {_pace(rows[0])}, with {said}."]
    lines += [_step(before, after) + "." for before, after in pairwise(rows)]
    lines.append(about_books(steps) + ".")
    if len(rows) > 1:
        lines.append(_in_the_end(rows[0], rows[-1]) + ".")
    return "\n".join(lines)


def about_books(steps: pd.DataFrame) -> str:
    """Whose books are right at the end, and by how much the others misstate. `steps`: `rungs`."""
    by_name = steps.set_index("system")
    wrong = by_name[(by_name["misstatement_cents"] > 0) | (by_name["entities_wrong"] > 0)]
    right = [str(system) for system in by_name.index.difference(wrong.index, sort=False)]
    if wrong.empty:
        return "The books are right" + (" in every system" if len(steps) > 1 else "")
    amounts = wrong["misstatement_cents"].sort_values(ascending=False, kind="stable")
    states = wrong["entities_wrong"].sort_values(ascending=False, kind="stable")
    said = []
    if amounts.iloc[0]:
        said.append(f"The books are wrong by {in_each(_pairs(amounts[amounts > 0]), money)}")
        states = states[amounts[states.index] == 0]
    if len(states) and not said:
        said.append(f"The money is right, final states are not: {in_each(_pairs(states), count)}")
    elif len(states):
        said.append(f"only final states are wrong in {_few([str(s) for s in states.index])}")
    if right:
        said.append(f"all is right in {_few(right)}")
    return "; ".join(said)


def about_harms(steps: pd.DataFrame) -> str:
    """Which step removes which harm. `steps`: `rungs`."""
    rows = steps.to_dict("records")
    if not any(row[harm.column] for row in rows for harm in HARMS):
        return "Nothing is lost, repeated or out of order, and the books are right"
    clauses = []
    told: set[str] = set()
    for before, after in pairwise(rows):
        gone = [h for h in HARMS if before[h.column] and not after[h.column]]
        nouns = [h.noun for h in gone if h.noun not in told]
        told.update(nouns)
        if nouns:
            clauses.append(f"{after['system']} removes {_some(nouns)}")
    if clauses:
        return "; ".join(clauses[:MOST_CLAUSES])
    if len(rows) > 1:
        return "No step removes a harm"
    return f"{rows[0]['system']}: " + _some(
        [h.of(rows[0][h.column]) for h in HARMS if rows[0][h.column]]
    )


MOST_CLAUSES = 3
"""Of a title."""


def about_price(steps: pd.DataFrame) -> str:
    """Which step costs most throughput, and which most latency. `steps`: `rungs`."""
    rows = steps.to_dict("records")
    pairs = list(pairwise(rows))
    if not pairs:
        return f"{rows[0]['system']}: {_pace(rows[0])}"
    latencies = [column for column in PRICES if column != "throughput"]
    slower = min(pairs, key=lambda pair: _ratio(pair, "throughput"))
    later, latency = max(product(pairs, latencies), key=lambda found: _ratio(*found))
    clauses = []
    for (before, after), column in ((slower, "throughput"), (later, latency)):
        words = _change(before, after, column)
        if words and (_ratio((before, after), column) < 1) == (column == "throughput"):
            clauses.append((after["system"], words))
    if not clauses:
        return "No step costs throughput or latency"
    systems, words_of = zip(*clauses, strict=True)
    if len(clauses) == 2 and len(set(systems)) == 1:
        return f"{systems[0]} costs most: {', '.join(words_of)}"
    return "; ".join(f"{system}: {words}" for system, words in clauses)


def about_buffer(tables: "Tables") -> str:
    """The most records that waited in each client, and those that were lost there."""
    peaks = tables.buffer.groupby("system", sort=False)["remaining"].max()
    peaks = peaks.sort_values(ascending=False, kind="stable")
    if not peaks.any():
        return "No record waits in a client"
    said = f"Most records in a client: {in_each(_pairs(peaks), count)}"
    lost = tables.producer.set_index("system")["lost_buffer"]
    lost = lost[lost > 0].sort_values(ascending=False, kind="stable")
    if len(lost):
        said += f"; lost there: {in_each(_pairs(lost), count)}"
    return said


def _step(before: Row, after: Row) -> str:
    changes: dict[str, list[str]] = {}
    for harm in HARMS:
        was, now = before[harm.column], after[harm.column]
        from_to = f"{harm.noun} from {harm.say(was)} to {harm.say(now)}"
        if was and not now:
            changes.setdefault("removes", []).append(harm.of(was))
        elif now and not was:
            changes.setdefault("brings", []).append(harm.of(now))
        elif was and MUCH * now <= was:
            changes.setdefault("cuts", []).append(from_to)
        elif was and now >= MUCH * was:
            changes.setdefault("multiplies", []).append(from_to)
    good = [f"{verb} {names(changes[verb])}" for verb in ("removes", "cuts") if verb in changes]
    bad = [f"{verb} {names(changes[verb])}" for verb in ("brings", "multiplies") if verb in changes]
    nothing = "removes no harm" if any(before[h.column] for h in HARMS) else "does no harm either"
    done = ", but ".join(filter(None, [", and ".join(good), ", and ".join(bad)])) or nothing
    price = _price(before, after)
    return f"{after['system']} {done}. {price[:1].upper()}{price[1:]}"


PRICES: dict[str, tuple[str, Callable[[float], str]]] = {
    "throughput": ("throughput", rate),
    "latency_p50_s": ("median latency", duration),
    "latency_p99_s": ("p99 latency", duration),
}
"""What a step may cost: column of `rungs` -> its noun, and how to say its number."""


def _price(before: Row, after: Row) -> str:
    changes = names([words for column in PRICES if (words := _change(before, after, column))])
    return changes or "throughput and latency stay as they were"


def _in_the_end(first: Row, last: Row) -> str:
    left = [harm.of(last[harm.column]) for harm in HARMS if last[harm.column]]
    return (
        f"What remains in {last['system']}, the last: {names(left) or 'no harm'}. "
        f"Against {first['system']}, {_price(first, last)}"
    )


def _change(before: Row, after: Row, column: str) -> str:
    """How throughput or latency changed, in words; "" if hardly."""
    was, now = before[column], after[column]
    ratio = _ratio((before, after), column)
    if math.isnan(ratio) or abs(ratio - 1) < NOTICED:
        return ""
    noun, say = PRICES[column]
    if 0 < ratio < 1:
        by = f"{noun} falls by {share(was - now, was)}"
    elif ratio == 0:
        by = f"{noun} falls to nothing"
    elif ratio < 2:
        by = f"{noun} rises by {share(now - was, was)}"
    elif math.isinf(ratio):
        by = f"{noun} rises"
    else:
        by = f"{noun} grows {count(ratio) if ratio >= 10 else f'{ratio:.2g}'}-fold"
    return f"{by} ({say(was)} to {say(now)})"


def _ratio(step: tuple[Row, Row], column: str) -> float:
    before, after = step
    was, now = before[column], after[column]
    if math.isnan(was) or math.isnan(now) or was == now:
        return 1.0
    return now / was if was else math.inf


def _pairs(falling: "pd.Series[int]") -> list[tuple[float, str]]:
    return [(float(number), str(system)) for system, number in falling.items()]


def _pace(row: Row) -> str:
    p99 = duration(row["latency_p99_s"])
    return f"{rate(row['throughput'])} at a p99 of {p99}"


def _few(systems: list[str]) -> str:
    return names(systems) if len(systems) < 4 else f"{len(systems)} others"


def _some(words: list[str], most: int = 3) -> str:
    """The first of `words`, and how many more there are."""
    if len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most} more harms"]
    return names(words)
