"""Partitions of an export that stand still: nothing is committed there, and more keeps coming."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, isnan, nan

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError
from sim.foundation.text import duration
from sim.imports.measured import Measured
from sim.studies.drained import FEWEST

_SPARE = 1.2


@dataclass(frozen=True)
class Still:
    """A partition with a backlog of which nothing was committed for a while."""

    part: str
    """Its topic and number: ``orders-3``."""
    since: pd.Timestamp
    """The last sample at which something new was committed."""
    lag: float
    """Messages that wait in it."""
    came: float
    """Messages that came since."""
    arrive_per_s: float
    """Messages that come in a second, since."""
    consumer: str
    """The member that has it; "": none."""
    age_s: float
    """Of the oldest message in it, s; nan: it came before the export begins."""
    most_per_s: float
    """The most that was worked off in a second of one partition between two samples."""
    moves: str = ""
    """Another partition of the same member, which does not stand still; "": it has none such."""

    def gone_s(self, arrive_per_s: float | None = None) -> float:
        """How long it takes once it moves again, s, at the most that was seen; inf: not seen.

        A partition that was never behind does what comes, and no more of it is seen: what is less
        than a fifth above that says nothing.

        Args:
            arrive_per_s: messages that come to it in a second; None: as many as now.
        """
        come_per_s = self.arrive_per_s if arrive_per_s is None else arrive_per_s
        seen = self.most_per_s > _SPARE * max(come_per_s, self.arrive_per_s)
        return self.lag / (self.most_per_s - come_per_s) if seen else inf

    def eaten_s(self, after_s: float) -> float:
        """Until its oldest message is so old, s: it gets older as time goes by."""
        return nan if isnan(self.age_s) else max(after_s - self.age_s, 0.0)


def still(parts: pd.DataFrame | None, name: str) -> list[Still]:
    """The partitions of a group that stand still at its last sample, the greatest lag first.

    At four samples at least the same offset is committed, messages wait, and some came since.

    Args:
        parts: as `Measured.parts`; None: the export has none.
        name: of the group.
    """
    if parts is None:
        return []
    its = parts[parts["name"] == name]
    if its.empty:
        return []
    most_per_s = max((_most_per_s(rows) for _, rows in its.groupby("part")), default=0.0)
    found = list(_still(its, most_per_s))
    out = {one.part for one in found}
    last = its[(its["at"] == its["at"].max()) & ~its["part"].isin(out) & (its["consumer"] != "")]
    moves = {str(who): str(part) for who, part in zip(last["consumer"], last["part"], strict=True)}
    told = [replace(one, moves=moves.get(one.consumer, "")) for one in found]
    return sorted(told, key=lambda one: -one.lag)


def share_of_greatest(parts: pd.DataFrame | None, name: str) -> tuple[str, float] | None:
    """The partition in which most waits at the last sample, and its share; None: of fewer than 3.

    Args:
        parts: as `Measured.parts`; None: the export has none.
        name: of the group.
    """
    if parts is None:
        return None
    its = parts[parts["name"] == name]
    last = its[its["at"] == its["at"].max()]
    lag = last["lag"].to_numpy(np.float64)
    if lag.size < 3 or lag.sum() <= 0:
        return None
    i = int(np.argmax(lag))
    return str(last["part"].iloc[i]), float(lag[i] / lag.sum())


def without(parts: pd.DataFrame, name: str, those: list[Still]) -> pd.DataFrame:
    """The rows of a group's other partitions.

    Args:
        parts: as `Measured.parts`.
        name: of the group.
        those: that stand still.
    """
    out = [one.part for one in those]
    return parts[(parts["name"] == name) & ~parts["part"].isin(out)]


def _still(its: pd.DataFrame, most_per_s: float) -> Iterator[Still]:
    last_at = its["at"].max()
    for part, rows in its.groupby("part", sort=False):
        known = rows.dropna(subset=["committed", "end"])
        if known.empty or known["at"].iloc[-1] != last_at:
            continue
        committed, end = (known[c].to_numpy(np.float64) for c in ("committed", "end"))
        moved = np.flatnonzero(committed != committed[-1])
        first = int(moved[-1]) + 1 if moved.size else 0
        lag, came = float(known["lag"].iloc[-1]), float(end[-1] - end[first])
        if known.shape[0] - first < FEWEST or lag <= 0 or came <= 0:
            continue
        at = pd.DatetimeIndex(known["at"])
        t_s = (at - at[-1]).total_seconds().to_numpy()
        yield Still(
            part=str(part),
            since=at[first],
            lag=lag,
            came=came,
            arrive_per_s=came / -t_s[first],
            consumer=str(known["consumer"].iloc[-1]),
            age_s=_age_s(t_s, end, float(committed[-1])),
            most_per_s=most_per_s,
        )


def _age_s(t_s: F64, end: F64, committed: float) -> float:
    """Since the end of the partition was where the group is; nan: that was before the export."""
    return float(-np.interp(committed, end, t_s)) if committed >= end[0] else nan


def _most_per_s(rows: pd.DataFrame) -> float:
    known = rows.dropna(subset=["committed"])
    if len(known) < 2:
        return 0.0
    t_s = (known["at"] - known["at"].iloc[0]).dt.total_seconds().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_s = np.diff(known["committed"].to_numpy(np.float64)) / np.diff(t_s)
    return float(np.max(per_s[np.isfinite(per_s)], initial=0.0))


def refuse_averages(measured: Measured, name: str, first: pd.Timestamp, target: str) -> None:
    """Refuse to fit a fault of all consumers to a lag that one partition makes.

    Args:
        measured: the export.
        name: of the group in it.
        first: its first sample, where the scenario begins.
        target: ``system.group`` of the scenario.

    Raises:
        LabError: some partitions stand still, and others do not.
    """
    those = still(measured.parts, name)
    if not those or measured.parts is None or without(measured.parts, name, those).empty:
        return
    one = those[0]
    after = duration((one.since - first).total_seconds())
    raise LabError(
        f"{measured.source}: {one.part} stands still since {one.since:%H:%M:%S}, and others do "
        "not: no work, traffic or fault of all consumers gives such a curve. A record that fails "
        f"each time does: {{at: {after}, fault: poison, target: {target}, effect: fail}}; "
        "`sim explain` says what helps, and `sim drain` what waits"
    )
