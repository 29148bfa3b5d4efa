"""What a run showed, in sentences computed from its summary alone.

No product is favoured: a sentence names whichever system the numbers single out, and a run in which
nothing went wrong says that. Each chart takes its title from here, so that words and picture cannot
disagree.

How a system is judged, `sim.words.standings` says; why one fell behind, `sim.words.why`. In a
sentence, ``system.group`` is its worst group; the bare ``system`` means that all its groups share
the value. The argument `summary` is the table of that name in `sim.measure.tables.Tables`, a row
per (system, group), throughout.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.foundation.arrays import I64
from sim.foundation.text import count, duration, messages, names, rate, share
from sim.measure.latency import level_s
from sim.words.binds import binding
from sim.words.shown import about, column_of
from sim.words.standings import Pace, Standing, allowed, in_each, standings, who_of
from sim.words.why import met_ceilings, reason, undocumented

NOTHING = "No message was produced"


def headline(summary: pd.DataFrame, duration_s: float, shown: pd.DataFrame | None = None) -> str:
    """One line, without a full stop: what the scenario is about, if it says so, and who is late.

    If it does not, who kept up, who did not, and the gravest harm, if any. `shown` is the table of
    that name.
    """
    if shown is not None and (first := about(shown)):
        told = shown["measure"].iloc[0] in _PACES
        late = [
            standing for standing in standings(summary, duration_s) if standing.pace > Pace.BEHIND
        ]
        return _join([first, "" if told else _join(_clauses(late))])
    harms = (_harm(summary, column, most=2) for column in _HARMS if column != "unfinished")
    return _join([keeping_up(summary, duration_s), next(filter(None, harms), "")])


_PACES = ("lag", "age_of_oldest", "time_to_drain")
"""Measures that tell who kept up."""


def finding(
    summary: pd.DataFrame,
    *,
    duration_s: float,
    faults: pd.DataFrame | None = None,
    shown: pd.DataFrame | None = None,
    waits: pd.DataFrame | None = None,
    limits: pd.DataFrame | None = None,
) -> str:
    """What the scenario is about; who kept up, at what lag, why not, and what became of messages.

    `duration_s` is when arrivals ended, s; the others are the tables of these names. Without
    `waits`, as of a run that has none, what befell a group is told in place of what bound it.
    """
    shown, waits, limits = (pd.DataFrame() if t is None else t for t in (shown, waits, limits))
    if not summary["produced"].sum():
        return f"{NOTHING}. There is nothing to compare."
    sentences = [
        about(shown),
        keeping_up(summary, duration_s) + _either_will_do(summary, duration_s),
        about_lag(summary),
        reason(summary, duration_s, None if len(waits) else faults),
        *binding(summary, duration_s, waits, limits),
        met_ceilings(faults),
        undocumented(summary),
        *about_readers(summary, duration_s).split("; "),
        *(
            _harm(summary, column, also_none=True)
            for column in _told(summary)
            if column != column_of(shown)
        ),
        *_replayed(summary, column_of(shown)),
        _spared(summary, column_of(shown)),
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


BUSY = 1 / 3
"""Share of the messages above which one key is worth a word…"""
APART = 3.0
"""…if its messages take this many times as long as the others', or these as its, in some group."""


def about_busy_key(messages: pd.DataFrame) -> str:
    """What one key with much of the traffic costs the others, from a sample of the messages.

    `messages` is the table of that name. "" if there is no such key, or no group tells them apart.
    """
    clauses, told = [], False
    busiest, share_of_busiest = "", 0.0
    for (system, group), rows in messages.groupby(["system", "group"], sort=False):
        shares = rows["key"].value_counts(normalize=True)
        rows = rows[~rows["fate"].str.startswith(("lost", "dead"))]
        if len(shares) < 2 or shares.iloc[0] < BUSY:
            return ""
        busiest, share_of_busiest = str(shares.index[0]), float(shares.iloc[0])
        took_s = (rows["done_s"] - rows["created_s"]).fillna(math.inf)
        own, others = (
            float(np.quantile(took_s[of], 0.9, method="lower"))
            for of in (rows["key"] == busiest, rows["key"] != busiest)
        )
        told |= max(own, others) > APART * min(own, others)
        clauses.append(f"{duration(own)} and {duration(others)} in {system}.{group}")
    if not told:
        return ""
    return (
        f"{busiest} sends {share(share_of_busiest, 1.0)} of the messages; nine tenths of its "
        f"messages, and of the others', take less than {names(clauses)}."
    )


def keeping_up(summary: pd.DataFrame, duration_s: float) -> str:
    """Who drained and when, and how far behind the others were: clauses, the worst first."""
    if not summary["produced"].sum():
        return NOTHING
    judged = standings(summary, duration_s)
    clauses = _clauses(judged)
    needed_s, asked = allowed(summary, duration_s)
    if asked and any(standing.pace is Pace.LEVEL for standing in judged):
        clauses[-1] += f", where {duration(needed_s)} are allowed"
    return _join(clauses)


def _clauses(judged: list[Standing]) -> list[str]:
    """A clause for each way of keeping up that some have, the worst first."""
    return [
        clause(alike)
        for kept, clause in _CLAUSES.items()
        if (alike := [standing for standing in judged if standing.pace is kept])
    ]


def about_throughput(summary: pd.DataFrame) -> str:
    """The arrivals' peak, and what the slowest group of each system does with a backlog."""
    if not summary["produced"].sum():
        return NOTHING
    arrivals = f"Arrivals peak at {rate(summary['arrival_peak'].max())}"
    extremes = _extremes(summary, "rate_per_s", lowest=True) if "rate_per_s" in summary else []
    if not extremes:
        return f"{arrivals}; no backlog stands that keeps all consumers busy"
    rates = in_each(extremes, lambda number: rate(number).removesuffix(" msg/s"))
    return f"{arrivals}; with a backlog, processing goes on at {rates}"


def about_lag(summary: pd.DataFrame) -> str:
    """The most messages that waited in each system."""
    if not summary["max_lag"].any():
        return f"No message ever waits{_anywhere(summary)}"
    kinds = set(summary["kind"])
    what = {"log": "Consumer lag", "queue": "Queue depth"}[kinds.pop()] if len(kinds) == 1 else ""
    what = what or "Consumer lag or queue depth"
    return f"{what}, at most: {in_each(_extremes(summary, 'max_lag'), count)}"


def about_time_lag(summary: pd.DataFrame) -> str:
    """How far behind each system fell."""
    if not summary["max_time_lag_s"].any():
        return f"No message ever waits{_anywhere(summary)}"
    oldest = in_each(_extremes(summary, "max_time_lag_s"), duration)
    return f"Age of the oldest message, at most: {oldest}"


def about_replay(summary: pd.DataFrame) -> str:
    """What a bug spoilt, what reading again put right, and what was gone; "" if nothing was."""
    if "wrong_effects" not in summary:
        return ""

    def each(column: str, of: str) -> str:
        extremes = [(value, who) for value, who in _extremes(summary, column) if value > 0]
        return in_each(extremes, count, lambda n: f"{count(n)} {of}{'' if n == 1 else 's'}")

    kinds = {
        column: set(summary[summary[column] > 0]["kind"])
        for column in ("righted_effects", "wrong_effects", "unrecoverable")
    }
    clauses = []
    if kinds["righted_effects"]:
        clauses.append(f"reading again put right {each('righted_effects', 'wrong result')}")
    if kinds["wrong_effects"]:
        clauses.append(f"{each('wrong_effects', 'result')} stayed wrong")
    if kinds["unrecoverable"]:
        clauses.append(f"gone when asked for again: {each('unrecoverable', 'message')}")
    never = kinds["wrong_effects"] | kinds["unrecoverable"]
    if kinds["righted_effects"] == {"log"} and "queue" in never:
        log, queue = ("", "cannot") if never == {"queue"} else (" what it still has", "nothing")
        clauses[0] = f"the log replays{log}, the queue {queue}: {clauses[0]}"
    words = _join(clauses)
    return words[:1].upper() + words[1:]


def _replayed(summary: pd.DataFrame, told: str) -> list[str]:
    """`about_replay` as sentences, without what of it another sentence tells."""
    clauses = about_replay(summary).split("; ")
    wrong = told == "wrong_effects"
    return [
        clause[:1].upper() + clause[1:]
        for clause in clauses
        if not (wrong and clause.endswith(" stayed wrong"))
    ]


def about_burrow(burrow: pd.DataFrame) -> str:
    """How long Burrow says what of the group that it likes least, from its table."""
    worst: list[tuple[float, str]] = []
    for (system, group), rows in burrow.groupby(["system", "group"], sort=False):
        step_s = float(rows["t_s"].diff().median()) if len(rows) > 1 else 0.0
        bad = rows[rows["status"] != "OK"]["status"].value_counts()
        if len(bad):
            said = names([f"{word} for {duration(n * step_s)}" for word, n in bad.items()])
            worst.append((float(bad.sum()) * step_s, f"{said} of {system}.{group}"))
    if not worst:
        return "Burrow says OK of every group, all the time"
    _, gravest = max(worst, key=lambda pair: pair[0])
    others = f", and not always OK of {len(worst) - 1} more" if len(worst) > 1 else ""
    return f"Burrow says {gravest}{others}"


def about_latency(summary: pd.DataFrame, shown: pd.DataFrame | None = None) -> str:
    """How long the slowest one in a hundred took, per system; or what the scenario asks of it.

    `shown` is the table of that name.
    """
    if shown is not None and len(shown) and shown["measure"].iloc[0] == "latency":
        return about(shown)
    extremes = _extremes(summary[summary["processed"] > 0], "latency_p99_s")
    if not extremes:
        return "No message was processed"
    return f"99 % are processed within {in_each(extremes, duration)}"


def about_loss(summary: pd.DataFrame) -> str:
    """Lost, dead-lettered and unfinished messages."""
    lost = _harm(summary, "lost", also_none=True) or f"No message is lost{_anywhere(summary)}"
    rest = (_harm(summary, column, most=2) for column in ("dead_lettered", "unfinished"))
    return _join([lost, *rest])


def about_duplicates(summary: pd.DataFrame) -> str:
    """Extra deliveries, and those that took effect twice."""
    delivered = _harm(summary, "extra_deliveries", also_none=True)
    clauses = _join([delivered, _harm(summary, "double_effects")])
    return clauses or f"No duplicate is delivered or applied{_anywhere(summary)}"


def about_order(summary: pd.DataFrame) -> str:
    """Messages processed out of order; nothing where they have no key."""
    if summary["violations"].isna().all():
        return ""
    clause = _harm(summary, "violations", also_none=True)
    return clause or f"No message is processed out of order{_anywhere(summary)}"


def about_readers(summary: pd.DataFrame, duration_s: float) -> str:
    """How long partitions had no reader, and how many messages are late, here and on queues."""
    if not _column(summary, "longest_without_reader_s").max() > 0:
        return ""
    longest = in_each(_extremes(summary, "longest_without_reader_s"), duration)
    late_s, _ = allowed(summary, duration_s)
    late = f"processed more than {duration(late_s)} after their creation"
    return _join(
        [
            f"Longest that a partition is without a reader: {longest}",
            _told_of(summary, "late", late, also_none=True),
        ]
    )


def comparison(runs: Sequence[tuple[str, pd.DataFrame, float]]) -> str:
    """What differs between runs, given as (label, summary, duration in s), in a line.

    The gravest of what is lost and how late they are, and the count that differs most, if by more.
    """
    slack_s = max((level_s(duration_s) for _, _, duration_s in runs), default=0.0)
    found = [
        one
        for column, (_, _, slack) in _DIFFERENCES.items()
        if (one := _difference(runs, column, slack_s if slack else 0.0)) is not None
    ]
    if not found:
        return "No number that matters differs between these runs"
    first, counts = found[0], [one for one in found if not one.slack]
    most = max(counts, key=lambda one: one.apart, default=first)
    told = [first] if first.slack or most.apart > first.apart else [most]
    opening, *others = (one.words for one in dict.fromkeys([*told, most]))
    return "; ".join([opening, *(words[0].lower() + words[1:] for words in others)])


@dataclass(frozen=True)
class _Difference:
    """Of a number in a system that several runs have."""

    words: str
    apart: float
    slack: bool
    """Whether it is a duration."""


def _difference(
    runs: Sequence[tuple[str, pd.DataFrame, float]], column: str, slack: float
) -> _Difference | None:
    """Where a number differs most; None if by no more than `slack` anywhere."""
    what, say, is_time = _DIFFERENCES[column]
    worst = pd.DataFrame(
        {label: summary.groupby("system", sort=False)[column].max() for label, summary, _ in runs}
    ).dropna(thresh=2)
    spread = worst.max(axis=1) - worst.min(axis=1)
    spread = spread[spread > slack]
    if not len(spread):
        return None
    system = str(spread.idxmax())
    values = worst.loc[system].dropna().astype(float).to_dict()
    extremes = sorted(((v, str(label)) for label, v in values.items()), key=lambda e: -e[0])
    return _Difference(
        f"{what.format(system)}: {in_each(extremes, say)}", float(spread.max()), is_time
    )


def sums(rows: pd.DataFrame) -> str:
    """A few words on one system, from its rows: when it drained, and the two gravest harms."""
    drained = (
        "did not drain"
        if rows["drain_s"].max() == math.inf
        else (f"drained in {duration(rows['drain_s'].max())}")
    )
    told = [column for column in _told(rows) if rows[column].any()]
    harms = [f"{_counted(column, rows[column].max())} {_HARMS[column]}" for column in told]
    return ", ".join([drained, *harms[:2]]).replace("processed out of order", "out of order")


def lost_by_place(fates: pd.DataFrame, rows: pd.DataFrame) -> dict[str, I64]:
    """Messages lost at each place that lost any, per row of `rows`, which have system and group.

    `fates` is the table of that name in `sim.measure.tables.Tables`.
    """
    lost = fates[(fates["fate"] == "lost") & (fates["messages"] > 0)]
    out = {}
    for place in lost["place"].unique():
        by_group = lost[lost["place"] == place].groupby(["system", "group"])["messages"].sum()
        keys = zip(rows["system"], rows["group"], strict=True)
        out[str(place)] = np.array([by_group.get(key, 0) for key in keys], np.int64)
    return {place: messages for place, messages in out.items() if messages.any()}


_HARMS = {
    "lost": "lost",
    "dead_lettered": "dead-lettered",
    "unfinished": "left unfinished",
    "double_effects": "applied",
    "violations": "processed out of order",
    "extra_deliveries": "delivered",
}
"""What can become of a message, the gravest first: column of the summary -> participle."""
_DUPLICATES = ("double_effects", "extra_deliveries")
"""Columns that count duplicates of messages."""

_DIFFERENCES: dict[str, tuple[str, Callable[[float], str], bool]] = {
    "lost": ("Messages lost in {}", count, False),
    "drain_s": ("Time to drain of {}", lambda s: duration(s).replace("forever", "no end"), True),
    "max_time_lag_s": ("Age of the oldest message in {}", duration, True),
    "double_effects": ("Duplicates applied in {}", count, False),
    "violations": ("Messages processed out of order in {}", count, False),
}
"""In what runs may differ, the gravest first: column -> (words, how to say it, whether a little of
it is as good as none)."""


def _harm(summary: pd.DataFrame, column: str, *, also_none: bool = False, most: int = 3) -> str:
    """A clause on what became of messages: see `_told_of`."""
    return _told_of(summary, column, _HARMS[column], also_none=also_none, most=most)


def _counted(column: str, number: float) -> str:
    """So many of what a column counts: "3 duplicates"; the number alone of messages."""
    if column not in _DUPLICATES:
        return count(number)
    return f"{count(number)} duplicate{'' if number == 1 else 's'}"


def _column(summary: pd.DataFrame, name: str) -> pd.Series:
    """A column that runs of an older version do not have: nothing of it there."""
    return summary[name] if name in summary else pd.Series(0.0, summary.index)


def _told_of(
    summary: pd.DataFrame, column: str, what: str, *, also_none: bool = False, most: int = 3
) -> str:
    """A clause on the systems that did it, and if wanted on those that did not; "" if none did.

    `what` is a participle. It lists at most `most` systems.
    """
    if column not in summary:
        return ""
    extremes = [(value, who) for value, who in _extremes(summary, column) if value > 0]
    if not extremes:
        return ""

    def opening(number: float) -> str:
        whom = _counted(column, number) if column in _DUPLICATES else messages(number)
        return f"{whom} {'is' if number == 1 else 'are'} {what}"

    clause = in_each(extremes, count, opening, most)
    worst = summary.groupby("system", sort=False)[column].max()
    spared = [str(system) for system in worst.index[worst == 0]]
    if also_none and spared:
        clause += f", none in {names(spared) if len(spared) < 3 else 'the others'}"
    return clause


def _told(summary: pd.DataFrame) -> list[str]:
    """The harms worth a clause of their own beside `keeping_up`, which counts the unfinished."""
    said = {"unfinished", "extra_deliveries" if summary["double_effects"].any() else ""}
    return [column for column in _HARMS if column not in said]


def _spared(summary: pd.DataFrame, told: str) -> str:
    """What happened to no message: "No message is lost or dead-lettered; no duplicate is applied".

    `told`: a column of which another sentence tells it.
    """
    known = [column for column in _HARMS if not summary[column].isna().all()]
    spared = [column for column in known if column != told and not summary[column].any()]
    clauses: list[str] = []
    for of, columns in (
        ("message", [column for column in spared if column not in _DUPLICATES]),
        ("duplicate", [column for column in spared if column in _DUPLICATES]),
    ):
        if columns:
            what = names([_HARMS[column] for column in columns]).replace(" and ", " or ")
            clauses.append(f"{'no' if clauses else 'No'} {of} is {what}")
    return f"{_join(clauses)}{_anywhere(summary)}" if clauses else ""


def _either_will_do(summary: pd.DataFrame, duration_s: float) -> str:
    level = all(s.pace is Pace.LEVEL for s in standings(summary, duration_s))
    if level and summary["kind"].nunique() > 1:
        return ": this load leaves neither queue nor log behind"
    return ""


def _never(alike: list[Standing]) -> str:
    left = messages(max(standing.worst["unfinished"].max() for standing in alike))
    if len(alike) > 1:
        return f"{_all(alike)} do not drain: up to {left} remain in each"
    return f"{_all(alike)} does not drain: {left} remain{'s' if left == messages(1) else ''}"


def _late(alike: list[Standing]) -> str:
    times = sorted((standing.worst["drain_s"].max() for standing in alike), reverse=True)
    if len(alike) == 1:
        return f"{alike[0].who} needs {duration(times[0])} after arrivals end to drain"
    if len(alike) == 2:
        first, second = sorted(alike, key=lambda s: -s.worst["drain_s"].max())
        return (
            f"{first.who} needs {duration(times[0])} after arrivals end to drain, "
            f"{second.who} {duration(times[1])}"
        )
    span = f"{duration(times[-1])} to {duration(times[0])}"
    return f"{_all(alike)} need {span} after arrivals end to drain"


def _behind(alike: list[Standing]) -> str:
    most = duration(max(standing.worst["max_time_lag_s"].max() for standing in alike))
    if len(alike) == 1:
        return f"{alike[0].who} falls {most} behind and catches up"
    return f"{_all(alike)} fall up to {most} behind and catch up"


def _level(alike: list[Standing]) -> str:
    most_s = max(standing.worst["max_time_lag_s"].max() for standing in alike)
    behind = f"at most {duration(most_s)} behind" if most_s > 0 else "never behind"
    return f"{_all(alike)} {'is' if len(alike) == 1 else 'are'} {behind}"


_CLAUSES: dict[Pace, Callable[[list[Standing]], str]] = {
    Pace.NEVER: _never,
    Pace.LATE: _late,
    Pace.BEHIND: _behind,
    Pace.LEVEL: _level,
}


def _extremes(
    summary: pd.DataFrame, column: str, *, lowest: bool = False
) -> list[tuple[float, str]]:
    """The largest (or lowest) value in each system with the groups that have it, falling."""
    out: list[tuple[float, str]] = []
    for system, rows in summary.dropna(subset=column).groupby("system", sort=False):
        extreme = rows[column].min() if lowest else rows[column].max()
        out.append((extreme, who_of(str(system), rows, rows[rows[column] == extreme])))
    return sorted(out, key=lambda pair: -pair[0])


def _all(alike: list[Standing]) -> str:
    who = [standing.who for standing in alike]
    return names(who) if len(who) <= _MOST_NAMED else f"{who[0]} and {len(who) - 1} others"


_MOST_NAMED = 4


def _anywhere(summary: pd.DataFrame) -> str:
    return " in any system" if summary["system"].nunique() > 1 else ""


def _join(clauses: Iterable[str]) -> str:
    return "; ".join(filter(None, clauses))
