"""An outlook in words."""

from collections.abc import Iterator
from math import isfinite, isinf, isnan

import pandas as pd

from sim.foundation.text import count, duration, messages, names, rate, share
from sim.measure.intervals import Interval
from sim.studies.drained import Drained
from sim.studies.draining import Outlook
from sim.studies.still_parts import Still

_MOST_OF_IT = 0.5
"""A partition with more than this share of what waits is named."""


def told(its: Outlook, by_s: float | None, retention_s: float | None) -> Iterator[str]:
    """Sentences: how much waits, when it is gone, who drains it in time, what eats it before.

    Args:
        its: of a group or queue.
        by_s: within this time it is to be drained, s; None: nobody asked.
        retention_s: a message is deleted at this age, s; None: nobody asked.
    """
    wait = "waits" if round(its.lag) == 1 else "wait"
    yield f"{its.name}: {messages(its.lag)} {wait} at {its.at:%Y-%m-%d %H:%M:%S} UTC"
    if its.still:
        yield from _stands_still(its)
    else:
        if its.uneven and its.uneven[1] > _MOST_OF_IT and not its.over and its.lag > 0:
            part, of_all = its.uneven
            yield f"{share(of_all, 1.0)} of it waits in one partition, {part}"
        yield _was_gone(its, its.drained) if its.drained else _gone(its)
    if its.given_per_s is not None and not its.still:
        yield _with_other_arrivals(its, its.given_per_s)
    if its.really_s is not None and (its.still or not its.no_backlog):
        yield _really(its, its.really_s)
    if not its.still:
        yield from _rates(its)
    if by_s is not None and not its.over:
        yield _needed(its, by_s)
    if retention_s is not None and not its.over:
        yield _eaten(its, retention_s)


def _rates(its: Outlook) -> Iterator[str]:
    if its.arrive_per_s is None or its.worked_off_per_s is None:
        return
    by = f" by {_consumers(its.consumers)}" if its.consumers else ""
    if its.over:
        yield (
            f"While it fell, {_rate(its.arrive_per_s)} arrived and {_rate(its.worked_off_per_s)} "
            f"were worked off{by}"
        )
    else:
        arrive, off = _rate(its.arrive_per_s), _rate(its.worked_off_per_s)
        yield f"{arrive} arrive and {off} are worked off{by}"


def _was_gone(its: Outlook, it: Drained) -> str:
    left = "" if its.lag < 1 else f"; the {count(its.lag)} of now are no more than is usual"
    return (
        f"The backlog is gone since {_clock(it.gone_at, its.at)} (at "
        f"{_clock(it.waited_at, its.at)} {count(it.waited)} still waited). It was highest at "
        f"{_clock(it.peak_at, its.at)}, {messages(it.peak)}, and took "
        f"{duration((it.gone_at - it.peak_at).total_seconds())} from there{left}. To see what "
        f"was known then: --at {_short(it.peak_at)}"
    )


def _gone(its: Outlook) -> str:
    since = f"since {its.since:%H:%M:%S} ({its.samples} samples)"
    net = its.net_per_s
    if its.highest <= 0:
        return f"Nothing waited at any time {since}"
    if its.lag <= 0 and its.net_per_s.estimate <= 0:
        return "Nothing has to be drained"
    if its.no_backlog:
        words = (
            f"There is no backlog: what waits comes and goes {since}, between "
            f"{count(its.lowest)} and {count(its.highest)}"
        )
        if its.small and its.arrive_per_s is not None:
            words += f", what comes in {duration(its.highest / its.arrive_per_s.estimate)}"
        return words
    if isnan(net.estimate):
        return (
            f"It turned at {_clock(its.since, its.at)}, and {count(its.samples)} samples since are "
            "too few to say more; --window 10m takes rates from so far back"
        )
    if net.low < 0 < net.high:
        words = f"It neither clearly falls nor grows {since}: by {_span(net)} a second"
        best = duration(its.lag / -net.low)
        return f"{words}. At these rates it is gone in {best} at the best, or never"
    if net.estimate >= 0:
        return f"It grows by {_rate(net)} {since}: at these rates it is never gone"
    falls = Interval(-net.estimate, -net.high, -net.low)
    gone = Interval(
        *(
            its.lag / per_s if per_s > 0 else float("inf")
            for per_s in (falls.estimate, falls.high, falls.low)
        )
    )
    return f"It falls by {_rate(falls)} {since}: {_in(gone, its.at)}"


def _in(gone: Interval, at: pd.Timestamp) -> str:
    when = f", at {_clock(at + pd.Timedelta(seconds=gone.estimate), at)}" if _soon(gone) else ""
    return (
        f"gone in {duration(gone.estimate)} ({duration(gone.low)} to {duration(gone.high)}){when}"
    )


def _soon(gone: Interval) -> bool:
    return gone.estimate < 366 * 86_400


def _with_other_arrivals(its: Outlook, per_s: float) -> str:
    off, then, gone = its.worked_off_per_s, its.then_per_s, its.gone_s
    if off is None:
        return (
            f"What {rate(per_s)} would do cannot be said: the export has no rate of work (offsets, "
            "as kafka-consumer-groups prints them)"
        )
    if its.no_backlog:
        return (
            f"With {rate(per_s)} from then on: how much can be worked off is not known, for all "
            f"that came was: {_rate(off)}" + ("" if per_s > off.high else ", which is enough")
        )
    if its.over or its.lag <= 0:
        if then.high <= 0:
            return (
                f"With {rate(per_s)} from then on nothing builds up: {_rate(off)} were worked off"
            )
        if then.low > 0:
            return f"With {rate(per_s)} from then on it grows by {_rate(then)}"
        return f"With {rate(per_s)} from then on it may build up: {_rate(off)} were worked off"
    if then.low < 0 < then.high:
        return (
            f"With {rate(per_s)} from now on it neither clearly falls nor grows: gone in "
            f"{duration(gone.low)} at the best, or never"
        )
    if then.estimate >= 0:
        return f"With {rate(per_s)} from now on it grows by {_rate(then)}, and is never gone"
    return f"With {rate(per_s)} from now on it is {_in(gone, its.at)}"


def _really(its: Outlook, gone: Interval) -> str:
    if isinf(gone.estimate):
        return "In the export, which goes on, it is not gone"
    said = its.gone_s if its.given_per_s is None else its.then_per_s
    when = _clock(its.at + pd.Timedelta(seconds=gone.estimate), its.at)
    words = f"In the export, which goes on, it was gone at {when}, {duration(gone.estimate)} later"
    if its.given_per_s is not None or its.over or its.still or not isfinite(said.estimate):
        return words
    step_s = gone.high - gone.low
    if gone.high < said.low - step_s:
        return f"{words}: sooner than these rates say"
    later = gone.low > said.high + step_s
    return f"{words}: later than these rates say" if later else f"{words}, as said"


def _stands_still(its: Outlook) -> Iterator[str]:
    if its.others is None and len(its.still) > 1:
        since = max(one.since for one in its.still)
        yield (
            f"Nothing is committed in any of its {count(len(its.still))} partitions since "
            f"{_clock(since, its.at)}, while {messages(sum(one.came for one in its.still))} came"
        )
    else:
        for one in its.still[:3]:
            yield _still(one, its)
        if len(its.still) > 3:
            yield f"{count(len(its.still) - 3)} more partitions stand still"
    if its.others is not None and its.others.lag > 0:
        yield f"Its other partitions: {messages(its.others.lag)} wait there. {_gone_of(its.others)}"
    elif its.others is not None:
        yield "In its other partitions nothing waits"
    them = names([one.part for one in its.still[:3]]) if len(its.still) < 4 else "they"
    verb = "stand" if len(its.still) > 1 else "stands"
    words = f"While {them} {verb} still, it is never gone"
    once = max(
        one.gone_s(None if its.given_per_s is None else _its_part(one, its)) for one in its.still
    )
    if isfinite(once):
        most = its.still[0].most_per_s
        words += (
            f". Moved again, it is gone within {duration(once)}, if {rate(most)}, the most that "
            "one partition did between two samples, is done again"
        )
    else:
        words += (
            ". The export does not show how fast it goes once it moves, for nothing waited before"
        )
        comes = [_comes(one, its) for one in its.still]
        if min(comes) > 0:
            most = max(one.lag / per_s for one, per_s in zip(its.still, comes, strict=True))
            words += f": at twice what comes, it takes {duration(most)}"
    yield words


def _comes(one: Still, its: Outlook) -> float:
    """What comes to a partition, a second: as it did, or its share of what was given."""
    given = None if its.given_per_s is None else _its_part(one, its)
    return one.arrive_per_s if given is None else given


def _its_part(one: Still, its: Outlook) -> float | None:
    """Of arrivals that were given, those that come to a partition, if its share stays."""
    assert its.given_per_s is not None
    if its.arrive_per_s is None or its.arrive_per_s.estimate <= 0:
        return None
    return its.given_per_s * one.arrive_per_s / its.arrive_per_s.estimate


def _gone_of(others: Outlook) -> str:
    return _was_gone(others, others.drained) if others.drained else _gone(others)


def _still(one: Still, its: Outlook) -> str:
    who = f"{one.consumer} has it" if one.consumer else "no member has it"
    if one.moves:
        who += f", and works on {one.moves}, which moves"
    age = "" if isnan(one.age_s) else f"; the oldest of them is {duration(one.age_s)} old"
    return (
        f"{one.part} stands still: nothing is committed there since {_clock(one.since, its.at)}, "
        f"while {messages(one.came)} came; {who}. {count(one.lag)} wait in it, "
        f"{share(one.lag, its.lag)} of all{age}"
    )


def _needed(its: Outlook, by_s: float) -> str:
    if its.still:
        return "More consumers move no partition that stands still: it has one at a time"
    needed = its.needed(by_s)
    if needed is None:
        missing = "" if its.consumers else "; say how many there are with --consumers"
        if its.worked_off_per_s is None:
            missing = ": the export has no rates of arrivals and of work (offsets)"
        return f"How many consumers drain it within {duration(by_s)} cannot be said{missing}"
    span = "" if needed.low == needed.high else f" ({needed.low:.0f} to {needed.high:.0f})"
    return (
        f"To be drained within {duration(by_s)} takes {_consumers(int(needed.estimate))}{span}, if "
        "each does what it does now and there are partitions enough"
    )


def _eaten(its: Outlook, retention_s: float) -> str:
    eaten_s = its.eaten_s(retention_s)
    age_s = max(
        [its.age_s, *(one.age_s for one in its.still)], key=lambda s: -1.0 if isnan(s) else s
    )
    if isnan(age_s):
        return "How old the oldest message is cannot be said: the export has no rate of arrivals"
    age = f"The oldest message is some {duration(age_s)} old"
    if eaten_s == 0.0:
        return f"{age}: retention of {duration(retention_s)} deletes unread messages already"
    if isnan(eaten_s):
        return (
            f"{age}: retention of {duration(retention_s)} deletes no unread one within the next "
            f"{duration(retention_s - age_s)}; what comes then cannot be said without offsets"
        )
    if eaten_s >= its.gone_s.estimate and not its.still:
        return f"{age}, and does not reach {duration(retention_s)}"
    return f"{age}: retention of {duration(retention_s)} deletes unread ones in {duration(eaten_s)}"


def _clock(at: pd.Timestamp, now: pd.Timestamp) -> str:
    """A time of the day of ``now``, else with its day."""
    at = at.round("s")
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _short(at: pd.Timestamp) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _consumers(n: int) -> str:
    return f"{count(n)} consumer{'' if n == 1 else 's'}"


def _rate(its: Interval) -> str:
    return f"{rate(its.estimate)} ({count(its.low)} to {count(its.high)})"


def _span(its: Interval) -> str:
    return f"{count(its.low)} to {count(its.high)}"
