"""From an export of lag: when a backlog is gone, what eats it before, and who drains it in time.

It is arithmetic with what was measured, not a simulation: rates since the lag turned last, each
with an interval from the pieces of that stretch. It holds as long as the rates do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError
from sim.imports.read import Measured
from sim.measure.intervals import Interval, of_mean

PIECES = 10
"""Pieces of the stretch from which a rate and its interval are taken, at most."""
FEWEST = 4
"""Samples of a stretch; of fewer nothing is said."""
_TURNED = 0.1
"""Share of the largest lag by which it must have fallen, or risen, to count as turned."""
_LEVEL, _LEVEL_FOR = 0.02, 0.1
"""So near its lowest, as a share of its largest, for such a share of the samples, it is level."""


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
    samples: int
    """How many samples there are from there on."""
    net_per_s: Interval
    """By how much the lag grows in a second; below 0: it falls."""
    worked_off_per_s: Interval | None
    """Messages that are worked off in a second; None: the export does not tell."""
    arrive_per_s: Interval | None
    """Messages that arrive in a second; None: the export does not tell."""
    consumers: int | None
    """How many work; None: nobody said."""

    @property
    def gone_s(self) -> Interval:
        """From the last sample until nothing waits any more, s; inf: never at these rates."""
        return Interval(*(_until(self.lag, rate) for rate in self.net_per_s))

    @property
    def age_s(self) -> float:
        """Age of the oldest message that waits, if they came at today's rate; nan: not known."""
        if self.arrive_per_s is None or self.arrive_per_s.estimate <= 0:
            return float("nan")
        return self.lag / self.arrive_per_s.estimate

    def eaten_s(self, after_s: float) -> float:
        """From the last sample until the oldest message is so old, s; inf: never.

        The oldest gets older by what is worked off less than arrives: by 1 - off / arrivals.

        Args:
            after_s: retention, or the greatest age that is allowed, s.
        """
        arrive, off = self.arrive_per_s, self.worked_off_per_s
        if arrive is None or off is None or arrive.estimate <= 0:
            return float("nan")
        ageing = 1.0 - off.estimate / arrive.estimate
        if self.age_s >= after_s:
            return 0.0
        return (after_s - self.age_s) / ageing if ageing > 0 else inf

    def needed(self, within_s: float) -> Interval | None:
        """Consumers that drain it within so many seconds; None: the export does not tell.

        Each does as much as each does now, and there are partitions enough for them.
        """
        arrive, off = self.arrive_per_s, self.worked_off_per_s
        if arrive is None or off is None or not self.consumers or off.estimate <= 0:
            return None
        wanted_per_s = arrive.estimate + self.lag / within_s
        least = max(off.low, 1e-9)
        rates = (off.estimate, off.high, least)
        return Interval(*(float(ceil(wanted_per_s * self.consumers / rate)) for rate in rates))


def outlooks(
    measured: Measured, consumers: int | None = None, window_s: float | None = None
) -> Iterator[Outlook]:
    """What becomes of each group or queue of an export.

    Args:
        measured: the export.
        consumers: how many work; None: as many as the export says, if it does.
        window_s: rates are taken from so long before the last sample on; None: since the lag
            turned last.

    Raises:
        LabError: there are too few samples of lag.
    """
    its = measured.samples[measured.samples["measure"] == "lag"]
    if its.empty:
        raise LabError(f"{measured.source}: there is no lag in messages in it")
    said = False
    for name, rows in its.groupby("name", sort=False):
        at = pd.DatetimeIndex(rows["at"])
        t_s = (at - at[0]).total_seconds().to_numpy()
        lag = rows["value"].to_numpy(np.float64)
        first = _turned(lag) if window_s is None else int(np.searchsorted(t_s, t_s[-1] - window_s))
        if lag.size - first < FEWEST or t_s[-1] <= t_s[first]:
            continue
        said = True
        arrive, off = _offsets(measured, str(name), at[first])
        yield Outlook(
            name=str(name),
            at=at[-1],
            lag=float(lag[-1]),
            since=at[first],
            samples=lag.size - first,
            net_per_s=_per_s(t_s[first:], lag[first:]),
            worked_off_per_s=off,
            arrive_per_s=arrive,
            consumers=measured.consumers.get(str(name)) if consumers is None else consumers,
        )
    if not said:
        raise LabError(
            f"{measured.source}: fewer than {FEWEST} samples from where the rates are to be taken; "
            "export more of them, or look further back with --window"
        )


def _offsets(
    measured: Measured, name: str, since: pd.Timestamp
) -> tuple[Interval | None, Interval | None]:
    """Rates of arrivals and of what is worked off, from the offsets."""
    if measured.offsets is None:
        return None, None
    its = measured.offsets
    its = its[(its["name"] == name) & (its["at"] >= since)]
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
    least = _TURNED * float(lag.max(initial=0.0))
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
        level = int(np.flatnonzero(lag <= lag[lowest] + _LEVEL * lag.max())[-1])
        return level if level > _LEVEL_FOR * lag.size else 0
    return 0


def _per_s(t_s: F64, value: F64) -> Interval:
    """How much ``value`` grows in a second: Student's interval of the pieces of equal time."""
    pieces = min(PIECES, t_s.size - 1)
    edges = np.linspace(t_s[0], t_s[-1], pieces + 1)
    at = np.interp(edges, t_s, value)
    # The pieces are of equal time, so that their mean is the slope from the first to the last.
    return of_mean(np.diff(at) / np.diff(edges))


def _until(lag: float, net_per_s: float) -> float:
    if lag <= 0:
        return 0.0
    return lag / -net_per_s if net_per_s < 0 else inf
