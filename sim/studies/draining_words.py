"""An outlook in words."""

from collections.abc import Iterator
from math import isnan

from sim.foundation.text import count, duration, messages, rate
from sim.measure.intervals import Interval
from sim.studies.draining import Outlook


def told(its: Outlook, by_s: float | None, retention_s: float | None) -> Iterator[str]:
    """Sentences: how much waits, when it is gone, who drains it in time, what eats it before.

    Args:
        its: of a group or queue.
        by_s: within this time it is to be drained, s; None: nobody asked.
        retention_s: a message is deleted at this age, s; None: nobody asked.
    """
    wait = "waits" if round(its.lag) == 1 else "wait"
    yield f"{its.name}: {messages(its.lag)} {wait} at {its.at:%Y-%m-%d %H:%M:%S} UTC"
    yield _gone(its)
    if its.arrive_per_s is not None and its.worked_off_per_s is not None:
        yield (
            f"{_rate(its.arrive_per_s)} arrive and {_rate(its.worked_off_per_s)} are worked off"
            + (f" by {_consumers(its.consumers)}" if its.consumers else "")
        )
    if by_s is not None:
        yield _needed(its, by_s)
    if retention_s is not None:
        yield _eaten(its, retention_s)


def _gone(its: Outlook) -> str:
    net, gone = its.net_per_s, its.gone_s
    since = f"since {its.since:%H:%M:%S} ({its.samples} samples)"
    if its.lag <= 0:
        return "Nothing has to be drained"
    if net.low < 0 < net.high:
        words = f"It neither clearly falls nor grows {since}: by {_span(net)} a second"
        return f"{words}. At these rates it is gone in {duration(gone.low)} at the best, or never"
    if net.estimate >= 0:
        return f"It grows by {_rate(net)} {since}: at these rates it is never gone"
    falls = Interval(-net.estimate, -net.high, -net.low)
    return (
        f"It falls by {_rate(falls)} {since}: gone in {duration(gone.estimate)} "
        f"({duration(gone.low)} to {duration(gone.high)})"
    )


def _needed(its: Outlook, by_s: float) -> str:
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
    if isnan(eaten_s):
        return "How old the oldest message is cannot be said: the export has no rate of arrivals"
    age = f"The oldest message is some {duration(its.age_s)} old"
    if eaten_s == 0.0:
        return f"{age}: retention of {duration(retention_s)} deletes unread messages already"
    if eaten_s > its.gone_s.estimate:
        return f"{age}, and does not reach {duration(retention_s)}"
    return f"{age}: retention of {duration(retention_s)} deletes unread ones in {duration(eaten_s)}"


def _consumers(n: int) -> str:
    return f"{count(n)} consumer{'' if n == 1 else 's'}"


def _rate(its: Interval) -> str:
    return f"{rate(its.estimate)} ({count(its.low)} to {count(its.high)})"


def _span(its: Interval) -> str:
    return f"{count(its.low)} to {count(its.high)}"
