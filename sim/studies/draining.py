"""From an export of lag: when a backlog is gone, what eats it before, and who drains it in time.

It is arithmetic with what was measured, not a simulation: rates since the lag turned last, each
with an interval from the pieces of that stretch. It holds as long as the rates do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf, isnan, nan

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError
from sim.imports.read import Measured
from sim.imports.waiting import age_of
from sim.measure.intervals import Interval, of_mean
from sim.studies.drained import FEWEST, LEVEL, TURNED, Drained, drained, gone_after
from sim.studies.still_parts import Still, share_of_greatest, still, without

PIECES = 10
"""Pieces of the stretch from which a rate and its interval are taken, at most."""
_LEVEL_FOR = 0.1
"""So near its lowest (`LEVEL`) for such a share of the samples, it is level."""
_RISEN = 1.5
"""A lag so much above its median since the last backlog went is the next; a straight rise has 2."""
_UNKNOWN = Interval(nan, nan, nan)


@dataclass(frozen=True)
class Outlook:
    """What becomes of the backlog of a group or queue, if its rates stay as they are."""

    name: str
    at: pd.Timestamp
    """The last sample."""
    lag: float
    """Messages that wait then."""
    since: pd.Timestamp
    """From where on the rates are taken."""
    until: pd.Timestamp
    """Up to where: `at`, or until a backlog that is gone was worked off."""
    samples: int
    """How many samples there are in between."""
    net_per_s: Interval
    """By how much the lag grew in a second; below 0: it fell; nan: too few samples."""
    worked_off_per_s: Interval | None
    """Messages that were worked off in a second; None: the export does not tell."""
    arrive_per_s: Interval | None
    """Messages that arrived in a second; None: the export does not tell."""
    consumers: int | None
    """How many work; None: nobody said."""
    age_s: float
    """Age of the oldest message that waits, s; nan: not known."""
    lowest: float
    """Fewest messages that waited between `since` and `until`."""
    highest: float
    """Most that waited there."""
    small: bool = False
    """Whether no more waited at any time of the export than comes between two samples."""
    given_per_s: float | None = None
    """Messages that arrive in a second from `at` on; None: as many as did."""
    drained: Drained | None = None
    """The highest backlog, if it is gone."""
    really_s: Interval | None = None
    """From `at` until the export, which goes on, has it gone; inf: it has not; None: it ends."""
    still: tuple[Still, ...] = ()
    """Partitions that stand still, the greatest first."""
    others: "Outlook | None" = None
    """Of the partitions that do not, if some do; None: none does, or too few samples."""
    uneven: tuple[str, float] | None = None
    """The partition in which most waits, and its share of `lag`; None: no such partition."""

    @property
    def over(self) -> bool:
        """Whether the backlog is gone."""
        return self.drained is not None

    @property
    def no_backlog(self) -> bool:
        """Whether what waits comes and goes, or is never more than what comes between samples."""
        level = self.net_per_s.low < 0 < self.net_per_s.high
        return self.small or (level and self.lowest <= LEVEL * self.highest)

    @property
    def then_per_s(self) -> Interval:
        """By how much the lag grows in a second from `at` on; nan: the export does not tell."""
        if self.given_per_s is None:
            return self.net_per_s
        off = self.worked_off_per_s
        if off is None:
            return _UNKNOWN
        return Interval(*(self.given_per_s - rate for rate in (off.estimate, off.high, off.low)))

    @property
    def gone_s(self) -> Interval:
        """From the last sample until nothing waits any more, s; inf: never at these rates."""
        if self.over and self.given_per_s is None:
            return Interval(0.0, 0.0, 0.0)
        return Interval(*(_until(self.lag, rate) for rate in self.then_per_s))

    def eaten_s(self, after_s: float) -> float:
        """From the last sample until the oldest message is so old, s; inf: never; nan: not known.

        The oldest is now `age_s` old, and what waits now is worked off in ``lag / off``: then the
        oldest is the next that comes, and gets older by ``1 - off / arrivals`` of the time.

        Args:
            after_s: retention, or the greatest age that is allowed, s.
        """
        if any(one.eaten_s(after_s) == 0.0 for one in self.still) or self.age_s >= after_s:
            return 0.0
        if self.still:
            return min(one.eaten_s(after_s) for one in self.still)
        arrive, off = self.arrive_per_s, self.worked_off_per_s
        if off is None or arrive is None or isnan(self.age_s):
            return nan
        if off.estimate <= 0:
            return after_s - self.age_s
        all_of_now_s = self.lag / off.estimate
        ageing = 1.0 - self.age_s / all_of_now_s if all_of_now_s > 0 else 0.0
        if ageing > 0 and (after_s - self.age_s) / ageing <= all_of_now_s:
            return (after_s - self.age_s) / ageing
        per_s = arrive.estimate if self.given_per_s is None else self.given_per_s
        later = 1.0 - off.estimate / per_s if per_s > 0 else 0.0
        return all_of_now_s + (after_s - all_of_now_s) / later if later > 0 else inf

    def needed(self, within_s: float) -> Interval | None:
        """Consumers that drain it within so many seconds; None: the export does not tell.

        Each does as much as each does now, and there are partitions enough for them.
        """
        arrive, off = self.arrive_per_s, self.worked_off_per_s
        if arrive is None or off is None or not self.consumers or off.estimate <= 0:
            return None
        come_per_s = arrive.estimate if self.given_per_s is None else self.given_per_s
        wanted_per_s = come_per_s + self.lag / within_s
        least = max(off.low, 1e-9)
        rates = (off.estimate, off.high, least)
        return Interval(*(float(ceil(wanted_per_s * self.consumers / rate)) for rate in rates))


def outlooks(
    measured: Measured,
    consumers: int | None = None,
    window_s: float | None = None,
    at: pd.Timestamp | None = None,
    arrivals_per_s: float | None = None,
) -> Iterator[Outlook]:
    """What becomes of each group or queue of an export.

    Args:
        measured: the export.
        consumers: how many work; None: as many as the export says, if it does.
        window_s: rates are taken from so long before the last sample on; None: since the lag
            turned last, or while a backlog that is gone was worked off.
        at: what was known then, and what came of it; None: at the last sample.
        arrivals_per_s: messages that arrive in a second from then on; None: as many as did.

    Raises:
        LabError: there are too few samples of lag.
    """
    known = measured if at is None else measured.until(at)
    its = known.samples[known.samples["measure"] == "lag"]
    if its.empty:
        raise LabError(f"{measured.source}: there is no lag in messages in it")
    said = False
    for name, rows in its.groupby("name", sort=False):
        number = known.consumers.get(str(name)) if consumers is None else consumers
        one = _outlook(known, str(name), rows, number, window_s)
        if one is None:
            continue
        said = True
        those = still(known.parts, one.name)
        if those and known.parts is not None:
            others = _others(known.parts, one.name, those, number, window_s)
            one = replace(one, still=tuple(those), others=others, drained=None)
        yield replace(
            one,
            given_per_s=arrivals_per_s,
            uneven=share_of_greatest(known.parts, one.name),
            really_s=None if at is None else _really(measured, one.name, one.at),
        )
    if not said:
        raise LabError(
            f"{measured.source}: fewer than {FEWEST} samples from where the rates are to be taken; "
            "export more of them, or look further back with --window"
        )


def _outlook(
    known: Measured, name: str, rows: pd.DataFrame, consumers: int | None, window_s: float | None
) -> Outlook | None:
    """Of one group; None: there are too few samples."""
    at = pd.DatetimeIndex(rows["at"])
    t_s = (at - at[0]).total_seconds().to_numpy()
    lag = rows["value"].to_numpy(np.float64)
    arrive, _ = _offsets(known, name, at[0], at[-1])
    step_s = float(np.median(np.diff(t_s))) if lag.size > 1 else 0.0
    small = arrive is not None and lag.max() <= arrive.estimate * step_s
    over = None if small else drained(at, lag)
    first, last = 0, lag.size - 1
    if over is not None and _rises_again(t_s, lag, over):
        first, over = over.last + 1, None
    if window_s is not None:
        first = int(np.searchsorted(t_s, t_s[-1] - window_s))
    elif over is not None:
        first, last = over.first, over.last
    else:
        first += _turned(lag[first:])
    if window_s is None and (small or (last + 1 - first < FEWEST and _level(lag))):
        first = 0  # a turn of what comes and goes is none
    enough = last + 1 - first >= FEWEST and t_s[last] > t_s[first]
    if not enough and over is None and (lag.size < FEWEST or window_s is not None):
        return None
    stretch = slice(first, last + 1)
    arrive, off = _offsets(known, name, at[first], at[last]) if enough else (None, None)
    return Outlook(
        name=name,
        at=at[-1],
        lag=float(lag[-1]),
        since=at[first],
        until=at[last],
        samples=last + 1 - first,
        net_per_s=_per_s(t_s[stretch], lag[stretch]) if enough else _UNKNOWN,
        worked_off_per_s=off,
        arrive_per_s=arrive,
        consumers=consumers,
        age_s=age_of(known, name, at[-1])[0],
        lowest=float(lag[stretch].min()),
        highest=float(lag[stretch].max()),
        small=small,
        drained=over,
    )


def _others(
    parts: pd.DataFrame,
    name: str,
    those: list[Still],
    consumers: int | None,
    window_s: float | None,
) -> Outlook | None:
    """Of the partitions of a group that do not stand still."""
    its = without(parts, name, those)
    sums = its.groupby("at", sort=True)[["lag", "end", "committed"]].sum(min_count=1).reset_index()
    offsets = sums.assign(name=name).dropna()
    rows = sums.assign(name=name, measure="lag", value=sums["lag"])
    if rows.empty:
        return None
    rest = Measured(name, "log", rows, offsets=offsets)
    return _outlook(rest, name, rows, consumers, window_s)


def _really(measured: Measured, name: str, asked: pd.Timestamp) -> Interval:
    its = measured.samples
    its = its[(its["name"] == name) & (its["measure"] == "lag")]
    return gone_after(pd.DatetimeIndex(its["at"]), its["value"].to_numpy(np.float64), asked)


def _rises_again(t_s: F64, lag: F64, over: Drained) -> bool:
    """Whether what came after a backlog that is gone is the beginning of another."""
    rest = slice(over.last + 1, None)
    if lag[rest].size < FEWEST or lag[-1] < 0.9 * lag[rest].max():
        return False
    rises = _per_s(t_s[rest], lag[rest]).low > 0
    return rises and lag[-1] >= _RISEN * float(np.median(lag[rest]))


def _offsets(
    measured: Measured, name: str, since: pd.Timestamp, until: pd.Timestamp
) -> tuple[Interval | None, Interval | None]:
    """Rates of arrivals and of what is worked off, from the offsets."""
    if measured.offsets is None:
        return None, None
    its = measured.offsets
    its = its[(its["name"] == name) & (its["at"] >= since) & (its["at"] <= until)]
    if len(its) < FEWEST:
        return None, None
    at = pd.DatetimeIndex(its["at"])
    t_s = (at - at[0]).total_seconds().to_numpy()
    arrive, off = (_per_s(t_s, its[c].to_numpy(np.float64)) for c in ("end", "committed"))
    return arrive, off


def _turned(lag: F64) -> int:
    """Where the last rise or fall begins: at the extreme that is furthest from the last sample.

    Smaller turns than a tenth of the largest lag are noise.
    """
    least = TURNED * float(lag.max(initial=0.0))
    highest = lowest = lag.size - 1
    for i in range(lag.size - 1, -1, -1):
        if lag[i] >= lag[highest]:
            highest = i
        if lag[i] <= lag[lowest]:
            lowest = i
        fell = lag[highest] - lag[-1] > least and lag[highest] - lag[i] > least and i < highest
        rose = lag[-1] - lag[lowest] > least and lag[i] - lag[lowest] > least and i < lowest
        if fell:
            return highest
        if rose:
            return lowest
    if lag[-1] - lag[lowest] > least:  # it began to rise somewhere: what was level before is not it
        level = int(np.flatnonzero(lag <= lag[lowest] + LEVEL * lag.max())[-1])
        return level if level > _LEVEL_FOR * lag.size else 0
    return 0


def _level(lag: F64) -> bool:
    """Whether it was at most a fifth of its highest in a tenth of the samples of each half."""
    low = lag <= 2 * TURNED * lag.max(initial=0.0)
    halves = low[: lag.size // 2], low[lag.size // 2 :]
    return all(half.size and half.mean() >= _LEVEL_FOR for half in halves)


def _per_s(t_s: F64, value: F64) -> Interval:
    """How much ``value`` grows in a second: Student's interval of the pieces of equal time."""
    pieces = min(PIECES, t_s.size - 1)
    edges = np.linspace(t_s[0], t_s[-1], pieces + 1)
    at = np.interp(edges, t_s, value)
    # The pieces are of equal time, so that their mean is the slope from the first to the last.
    return of_mean(np.diff(at) / np.diff(edges))


def _until(lag: float, net_per_s: float) -> float:
    if isnan(net_per_s):
        return nan
    if lag <= 0:
        return 0.0 if net_per_s <= 0 else inf
    return lag / -net_per_s if net_per_s < 0 else inf
