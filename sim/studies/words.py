"""What many runs say together, in words: every statement with the number of runs it holds in."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sim.foundation.text import count, duration, names, share
from sim.measure.intervals import of_share
from sim.studies.replications import Replications
from sim.words.standings import Pace

NAMES = {
    "lost": "lost",
    "dead_lettered": "dead-lettered",
    "unfinished": "unfinished",
    "double_effects": "duplicates",
    "violations": "out of order",
    "max_lag": "lag or depth",
    "max_time_lag_s": "age of oldest",
    "drain_s": "time to drain",
    "latency_p50_s": "p50",
    "latency_p99_s": "p99",
    "usd_per_month": "USD a month",
    "steady_mean_s": "mean when steady",
    "steady_p50_s": "p50 when steady",
    "steady_p99_s": "p99 when steady",
}
"""Numbers that are printed, and what they are called."""
_HARMS = {
    "lost": "loses",
    "dead_lettered": "dead-letters",
    "unfinished": "leaves unfinished",
    "double_effects": "applies duplicates of",
    "violations": "processes out of order",
}
_PACES = {
    Pace.LEVEL: "keeps pace",
    Pace.BEHIND: "falls behind and catches up",
    Pace.LATE: "drains late",
    Pace.NEVER: "never drains",
}


def table(found: Replications) -> Iterator[str]:
    """Lines for a terminal of 80 columns: a block a group, a line a number that is ever above 0."""
    yield f"Medians of {found.runs} runs, and between what they lie with 95 % confidence:"
    for (system, group), its in found.intervals.groupby(["system", "group"], sort=False):
        yield f"{system} / {group}"
        for row in its.to_dict("records"):
            number = str(row["number"])
            span = float(row["median_low"]), float(row["median_high"])
            if number in NAMES and row["most"] > 0:
                middle = figure(number, row["median"])
                yield f"  {NAMES[number]:<16} {middle:>12}  {_span(number, *span)}"


def _span(number: str, low: float, high: float) -> str:
    if low == -np.inf:
        return "in too few runs to say"
    if low == high:
        return "in every run"
    words = figure(number, low), figure(number, high)
    return "the same, as far as shown" if words[0] == words[1] else " to ".join(words)


def figure(number: str, value: float) -> str:
    """A value of a number of the summary, in words."""
    if not number.endswith("_s"):
        return count(value)
    return "never" if value == np.inf else duration(value)


def findings(found: Replications) -> Iterator[str]:
    """Sentences: how each system kept up, what it spoilt, and which one was further behind."""
    yield from _steady(found)
    yield from _kept_up(found)
    yield from _spoilt(found)
    yield from _compared(found)


def _steady(found: Replications) -> Iterator[str]:
    """What was left out as warm-up, where a scenario has a steady state."""
    if "warm_up_s" not in found.summary:
        return
    for (system, group), its in found.summary.groupby(["system", "group"], sort=False):
        left_out_s = float(its["warm_up_s"].iloc[0])
        who = f"{system}.{group}"
        if np.isnan(left_out_s):
            yield f"{who} settles down nowhere in these runs, so that it has no steady state"
        elif left_out_s > 0:
            yield (
                f"{who} is in its steady state after {duration(left_out_s)} (by MSER): of it are "
                "the numbers when steady, without what comes before"
            )


def _kept_up(found: Replications) -> Iterator[str]:
    alike: dict[tuple[tuple[Pace, int], ...], list[str]] = {}
    for system, paces in found.paces.items():
        alike.setdefault(tuple(paces.most_common()), []).append(system)
    for kept, systems in alike.items():
        (first, often), *others = kept
        who = names(systems)
        each = " each" if len(systems) > 1 else ""
        # "keeps pace" becomes "keep pace" of several.
        what = _PACES[first] if len(systems) == 1 else _plural(_PACES[first])
        words = f"{who} {what} in {often} of {found.runs} runs{each}{_at_least(often, found.runs)}"
        rest = [f"{_PACES[pace]} in {n}" for pace, n in others]
        yield words + (f"; otherwise {names(rest)}" if rest else "")
    if "level_s" in found.summary and any(Pace.LEVEL in its for its in found.paces.values()):
        allowed_s = float(found.summary["level_s"].max())
        yield f"A system that keeps pace is never more than {duration(allowed_s)} behind"


def _plural(words: str) -> str:
    verb, _, rest = words.partition(" ")
    if verb == "never":
        return f"never {rest.removesuffix('s')}"
    return f"{verb.removesuffix('s')} {rest}".replace("catches", "catch")


def _at_least(hits: int, of: int) -> str:
    low = of_share(hits, of).low
    return f" (with 95 % confidence at least {share(low, 1)} of all)"


def _spoilt(found: Replications) -> Iterator[str]:
    for (system, group), its in found.summary.groupby(["system", "group"], sort=False):
        for number, verb in _HARMS.items():
            values = its[number].to_numpy()
            often = int((values > 0).sum())
            if not often:
                continue
            least, most, middle = values.min(), values.max(), float(np.median(values))
            span = (
                f"{count(least)} messages"
                if least == most
                else f"{count(least)} to {count(most)} messages, median {count(middle)},"
            )
            yield f"{system}.{group} {verb} {span} in {often} of {found.runs} runs"


def _compared(found: Replications) -> Iterator[str]:
    """The system that is furthest behind against each other one, where a run is enough to tell."""
    if found.differences.empty:
        return
    its = found.differences[found.differences["number"] == "max_time_lag_s"]
    worst = _most_behind(its)
    if worst is None:
        return
    for row in its.to_dict("records"):
        if worst not in (row["system"], row["than"]) or not np.isfinite(float(row["mean"])):
            continue
        swapped = row["than"] == worst
        other = str(row["system"] if swapped else row["than"])
        sign = -1.0 if swapped else 1.0
        low, high = sorted((sign * float(row["low"]), sign * float(row["high"])))
        often = int(row["less"] if swapped else row["more"])
        if low > 0:
            yield (
                f"{worst} falls further behind than {other} in {often} of {found.runs} runs, by "
                f"{duration(sign * float(row['mean']))} on average ({duration(low)} to "
                f"{duration(high)})"
            )


def _most_behind(pairs: pd.DataFrame) -> str | None:
    wins: Counter[str] = Counter()
    for row in pairs.to_dict("records"):
        wins[str(row["system"])] += int(row["more"])
        wins[str(row["than"])] += int(row["less"])
    return wins.most_common(1)[0][0] if wins and wins.most_common(1)[0][1] else None
