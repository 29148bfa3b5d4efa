"""What a scenario is about, in words: the clause that titles begin with, and a column's heading.

The argument `shown` is the table of that name in `sim.measure.tables.Tables`; without rows there is
nothing to say.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

from sim.foundation.text import count, duration, money, names
from sim.measure.shown import COLUMNS
from sim.words.standings import in_each, who_of


class MeasureWords(NamedTuple):
    """How a measure is told."""

    heading: str
    say: Callable[[float], str]
    harm: str = ""
    """Of a harm that is counted: the participle, as in "3 messages are lost"."""
    of: str = "message"
    """What is counted; "" if the number says it."""


def _or_never(seconds: float) -> str:
    return "never" if math.isinf(seconds) else duration(seconds)


MEASURES = {
    "lost": MeasureWords("lost", count, "lost"),
    "dead_lettered": MeasureWords("dead-lettered", count, "dead-lettered"),
    "unfinished": MeasureWords("unfinished", count, "left unfinished"),
    "duplicates_delivered": MeasureWords("duplicates delivered", count, "delivered", "duplicate"),
    "duplicates_applied": MeasureWords("duplicates applied", count, "applied", "duplicate"),
    "out_of_order": MeasureWords("out of order", count, "processed out of order"),
    "wrong_results": MeasureWords("results still wrong", count, "still wrong", "result"),
    "money_misstated": MeasureWords("money misstated", money, "misstated", ""),
    "lag": MeasureWords("lag or depth", count),
    "age_of_oldest": MeasureWords("age of oldest", duration),
    "time_to_drain": MeasureWords("time to drain", _or_never),
    "latency": MeasureWords("", _or_never),
}
"""By measure of `sim.scenario.shows`."""


def heading(shown: pd.DataFrame) -> str:
    """What the values are called: "p90 of quiet tenants"; "" without any."""
    if not len(shown):
        return ""
    first = shown.iloc[0]
    whose = f" ({first['jobs']})" if first["jobs"] else ""
    if first["measure"] != "latency":
        return MEASURES[first["measure"]].heading + whose
    quantile = f"p{100 * first['quantile']:.6g}" if first["quantile"] < 1 else "longest"
    return (f"{quantile} of {first['called']}" if first["called"] else quantile) + whose


def of_some(shown: pd.DataFrame) -> bool:
    """Whether it is the latency of some messages, which have a name."""
    return bool(len(shown) and shown["called"].iloc[0])


def column_of(shown: pd.DataFrame) -> str:
    """The column of the summary that the values are; "" if they are none."""
    if not len(shown):
        return ""
    first = shown.iloc[0]
    if first["jobs"]:
        return ""
    if first["measure"] == "latency":
        return "latency_p99_s" if first["quantile"] == 0.99 and not first["called"] else ""
    return COLUMNS.get(first["measure"], "")


def say(shown: pd.DataFrame) -> Callable[[float], str]:
    """How to say one of the values."""
    return MEASURES[shown["measure"].iloc[0]].say


MOST = 5
"""Values that are told; of more, the two at the ends."""


def about(shown: pd.DataFrame) -> str:
    """How each system does in what the scenario is about, the worst first; "" without any value."""
    known = shown.dropna(subset="value") if len(shown) else shown
    if not len(known):
        return ""
    words = MEASURES[known["measure"].iloc[0]]
    worst = sorted(_worst(known), key=lambda pair: -pair[0])
    if not words.harm:
        name = heading(known)
        name = name if name[1:2].isdigit() else name.capitalize()
        return f"{name}: {in_each(worst, words.say, most=MOST)}"
    some = [(value, who) for value, who in worst if value > 0]
    none = [who for value, who in worst if value == 0]
    if not some:
        return (
            f"No {words.of or 'money'} is {words.harm}{' in any system' if len(worst) > 1 else ''}"
        )

    def opening(value: float) -> str:
        if not words.of:
            return f"{words.say(value)} is {words.harm}"
        several = "s are" if value != 1 else " is"
        return f"{words.say(value)} {words.of}{several} {words.harm}"

    clause = in_each(some, words.say, opening, MOST)
    return clause + (
        f", none in {names(none) if len(none) < MOST else 'the others'}" if none else ""
    )


def _worst(shown: pd.DataFrame) -> Iterator[tuple[float, str]]:
    """The highest value in each system, and the groups that have it."""
    for system, rows in shown.groupby("system", sort=False):
        value = rows["value"].max()
        yield float(value), who_of(str(system), rows, rows[rows["value"] == value])
