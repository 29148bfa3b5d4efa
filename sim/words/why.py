"""What the group that drained last gets through, and on what nobody documents that depends."""

import re
from math import inf, isnan, nan

import pandas as pd

from sim.engine.outcome import CEILING
from sim.foundation.text import count, duration, messages, names, rate, share
from sim.words.standings import Pace, standings

WASTE = 0.1
"""Repeated processings per processed message above which they count as a reason for a backlog;
and deliveries beyond the first per message above which their place in the queue may matter."""

_BEFALLEN = 3
"""Different things that befell a group of which is told."""


def _befell(row: pd.Series, faults: pd.DataFrame | None) -> str:
    """What befell a group, first things first: what else can have held it up."""
    if faults is None:
        return ""
    its = faults[faults["system"] == row["system"]].sort_values("t_s")
    words = dict.fromkeys(
        text for text in its["text"] if str(row["group"]) in re.split(r"[^\w-]+", text)
    )
    told = list(words)[:_BEFALLEN]
    return f". What befell it: {'; '.join(told)}" if told else ""


def reason(summary: pd.DataFrame, duration_s: float, faults: pd.DataFrame | None = None) -> str:
    """What the group that drained last gets through, beside what arrives; "" if none fell behind.

    Only what was measured (`sim.measure.rates`), and only what follows from it.
    """
    late = [s.worst for s in standings(summary, duration_s) if s.pace >= Pace.LATE]
    if not late or duration_s <= 0:
        return ""
    rows = pd.concat(late).sort_values(["drain_s", "max_time_lag_s"])
    row = rows.iloc[-1]
    again, first = row["double_effects"], row["processed"]
    consumers, batch = int(row["consumers"]), row["messages_per_call"]
    team = f"{count(consumers)} consumer{'' if consumers == 1 else 's'}"
    call = f"{batch:.3g} message{'' if f'{batch:.3g}' == '1' else 's'} a call"
    who = f"{row['system']}.{row['group']}, with {team} and {call},"
    repeats = again > WASTE * first
    if repeats:
        who += f" spends {share(again, again + first)} of its work on messages processed before; it"
    befell = _befell(row, faults)
    watched_s = row.get("watched_s", 0.0)
    if row["unfinished"] and row["unfinished"] < 0.5 * watched_s * row["throughput_peak"]:
        left = messages(row["unfinished"])
        return f"{who} still has {left} {duration(watched_s)} after the last arrival{befell}"
    return f"{who} {_against_arrivals(row, duration_s, not repeats)}{befell}"


def _against_arrivals(row: pd.Series, duration_s: float, only_new: bool) -> str:
    """What a group gets through, and whether that is enough for what arrives.

    ``only_new``: it is not busy with what it has processed before, which counts in no rate.
    """
    waiting = row.get("waiting_at_start", 0)
    arrived = row["produced"] - (0 if isnan(waiting) else waiting)
    mean, peak = arrived / duration_s, row["arrival_peak"]
    low, high = row.get("rate_low_per_s", nan), row.get("rate_high_per_s", nan)
    if row["throughput_peak"] < mean and not high < mean:
        return (
            f"never gets through more than {rate(row['throughput_peak'])} where {rate(mean)} "
            "arrive on average: its backlog has to grow"
        )
    if isnan(row.get("rate_per_s", nan)):
        if row["kind"] == "log":
            absent = row["unfinished"] - row.get("max_lag", inf)
            if absent > 0:  # its publisher has ended
                return f"lacks at least {messages(absent)} that never get into its log"
            return "has a backlog on some of its partitions only"
        return "never has more messages ready than consumers"
    said = f"gets through {said_rate(row)} while a backlog stands"
    if high < mean and only_new:
        return f"{said} and {rate(mean)} arrive on average: its backlog has to grow"
    if low > peak:
        return f"{said}, more than ever arrive"
    return f"{said}; {rate(mean)} arrive on average and {rate(peak)} at most"


def said_rate(row: pd.Series) -> str:
    """A rate with its interval: "4.72 msg/s (4.68 to 4.76)"."""
    words = rate(row["rate_per_s"])
    if isnan(row["rate_low_per_s"]):
        return words
    low, high = (rate(row[f"rate_{end}_per_s"]).removesuffix(" msg/s") for end in ("low", "high"))
    return f"{words} ({low} to {high})" if low != high else words


def met_ceilings(faults: pd.DataFrame | None) -> str:
    """What could do no more, by which key, and when; "" if everything could."""
    if faults is None:
        return ""
    met = faults[faults["text"].str.contains(CEILING, regex=False)].sort_values("t_s")
    clauses = [
        f"in {system} from {duration(from_s)} to {duration(until_s)}, {text}"
        for system, from_s, until_s, text in met[["system", "t_s", "until_s", "text"]].values
    ]
    words = ". ".join(clause[0].upper() + clause[1:] for clause in clauses[:_BEFALLEN])
    left = len(clauses) - _BEFALLEN
    return words + (f"; {left} more ceilings are reached" if left > 0 else "")


def undocumented(summary: pd.DataFrame) -> str:
    """Where a result may depend on which goes first, what came back or what is new (SS-16); "".

    AWS does not say it of standard queues, so that a run with another ``order`` is as true.
    """
    queues = summary[summary["product"] == "sqs"]
    often = queues[queues["extra_deliveries"] > WASTE * queues["produced"]]
    if often.empty:
        return ""
    whose = names(list(often["system"] + "." + often["group"]))
    return (
        f"Messages come back to {whose} after their visibility timeout; AWS does not say whether a "
        "standard queue hands them out before new ones, and this result may depend on it (key "
        "order of the queue)"
    )
